"""The flows under a real Prefect server: runs, retries, schedules, and a server of our own."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import pytest

from tracemill.flows.loading.ingest import ingest
from tracemill.warehouse.catalog import Catalog, writer_lock

from .conftest import SAMPLES

TOP = Path(__file__).parent.parent
# Far more than anything here takes; a test that hangs fails instead.
TIMEOUT = 120
T = TypeVar("T")

# One server for all of them.
pytestmark = pytest.mark.xdist_group("prefect")


def _eventually(probe: Callable[[], T | None]) -> T:
    """What probe gives once it is true."""
    deadline = time.monotonic() + TIMEOUT
    while time.monotonic() < deadline:
        found = probe()
        if found:
            return found
        time.sleep(0.2)
    raise AssertionError("waited in vain")


def _answers(url: str) -> bool:
    with contextlib.suppress(OSError):
        return urllib.request.urlopen(url, timeout=10).status == 200
    return False


@pytest.fixture(scope="session")
def environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Without what is set here, and with a home of Prefect's own."""
    kept = {n: v for n, v in os.environ.items() if not n.startswith(("PREFECT_", "TRACEMILL_"))}
    return kept | {
        "PREFECT_HOME": str(tmp_path_factory.mktemp("prefect")),
        "DO_NOT_TRACK": "1",
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        # So that the tests wait less for what is due.
        "PREFECT_RUNNER_POLL_FREQUENCY": "1",
        "PREFECT_SERVER_SERVICES_SCHEDULER_RECENT_DEPLOYMENTS_LOOP_SECONDS": "1",
    }


class Api:
    """The server's API, as anyone can ask it."""

    def __init__(self, url: str) -> None:
        self.url = url

    def post(self, path: str, body: dict[str, Any]) -> Any:
        request = urllib.request.Request(
            f"{self.url}/{path}", json.dumps(body).encode(), {"content-type": "application/json"}
        )
        with urllib.request.urlopen(request, timeout=30) as response:
            return json.load(response)

    def runs(self, warehouse: Path) -> list[dict[str, Any]]:
        """The warehouse's flow runs that did something, the oldest first."""
        found = self.post("flow_runs/filter", {"sort": "START_TIME_ASC"})
        idle = {"SCHEDULED", "PENDING", "CANCELLED"}
        return [
            r for r in found if r["parameters"]["warehouse"] == str(warehouse) and r["state_type"] not in idle
        ]

    def tasks(self, run: dict[str, Any]) -> list[dict[str, Any]]:
        """The run's task runs once all have ended: their states arrive a little later."""

        def ended() -> list[dict[str, Any]]:
            found = self.post("task_runs/filter", {"flow_runs": {"id": {"any_": [run["id"]]}}})
            return found if all(t["state_type"] in {"COMPLETED", "FAILED"} for t in found) else []

        return _eventually(ended)

    def artifacts(self, run: dict[str, Any]) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.post(
            "artifacts/filter", {"artifacts": {"flow_run_id": {"any_": [run["id"]]}}}
        )
        return found


def _kinds(tasks: list[dict[str, Any]]) -> list[str]:
    """The tasks' names without what tells one run of a task from another."""
    return sorted(t["name"].split(" ")[0].rsplit("-", 1)[0] for t in tasks)


@pytest.fixture(scope="session")
def api(environment: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    port = _free_port()
    log = tmp_path_factory.mktemp("server") / "log"
    with log.open("wb") as out:
        server = subprocess.Popen(
            [sys.executable, "-m", "prefect", "server", "start", "--host", "127.0.0.1", "--port", str(port)],
            env=environment,
            stdout=out,
            stderr=out,
        )
    try:
        _eventually(lambda: server.poll() is not None or _answers(f"http://127.0.0.1:{port}/api/health"))
        assert server.poll() is None, log.read_text()
        yield Api(f"http://127.0.0.1:{port}/api")
    finally:
        _stop(server)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _stop(process: subprocess.Popen[Any], how: signal.Signals = signal.SIGTERM) -> int:
    """End the process, and give its exit code."""
    if process.poll() is None:
        process.send_signal(how)
    try:
        return process.wait(30)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        raise


def _tracemill(
    environment: dict[str, str], *arguments: object, url: str | None = None
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "tracemill", *map(str, arguments)],
        env=environment | ({"PREFECT_API_URL": url} if url else {}),
        cwd=TOP,
        capture_output=True,
        text=True,
        timeout=TIMEOUT,
        check=False,
    )


def test_the_main_job_is_a_flow_run_and_its_second_run_does_nothing(
    api: Api, environment: dict[str, str], artifacts: Path, tmp_path: Path
) -> None:
    root = tmp_path / "w"
    first = _tracemill(environment, "run", artifacts, "--warehouse", root, url=api.url)
    assert first.returncode == 2, first.stderr  # of two builds nothing can be judged
    assert "loaded 12 captures" in first.stdout
    second = _tracemill(environment, "run", artifacts, "--warehouse", root, url=api.url)
    assert second.returncode == 2, second.stderr
    assert "nothing new" in second.stdout

    before, after = api.runs(root)
    assert (before["state_type"], before["state_name"]) == ("COMPLETED", "NothingJudged")
    assert "builds so far 2, 3 must come before one" in before["state"]["message"]
    tasks = api.tasks(before)
    assert _kinds(tasks) == ["build", "export", "load", "take"]
    # Small files share a task.
    assert [t["name"] for t in tasks if "and 11 more" in t["name"]]
    assert {t["run_count"] for t in tasks} == {1}
    (artifact,) = api.artifacts(before)
    assert artifact["key"] == "regressions"
    assert artifact["data"].startswith("| build |")

    assert _kinds(api.tasks(after)) == ["build", "take"]
    assert not api.artifacts(after)


def test_a_file_that_cannot_be_read_shows_in_the_runs_state(
    api: Api, environment: dict[str, str], artifacts: Path, tmp_path: Path
) -> None:
    (artifacts / "b1/1/heap.pb.gz").write_bytes(b"\x1f\x8bnothing")
    done = _tracemill(environment, "ingest", artifacts, "--warehouse", tmp_path / "w", url=api.url)
    assert done.returncode == 1
    assert "loaded 11 captures" in done.stdout
    (run,) = api.runs(tmp_path / "w")
    assert (run["state_type"], run["state_name"]) == ("COMPLETED", "SomeFailed")
    assert "b1/1/heap.pb.gz" in run["state"]["message"]
    # Another try would not help, so there was none.
    assert {t["run_count"] for t in api.tasks(run)} == {1}


# Runs flows in which something fails: a file system's passing error, a lasting one, a check.
_FAILING = """
import errno, os, sys
from pathlib import Path
import tracemill.flows.build, tracemill.flows.loading.capture
from tracemill.flows.engine import Load
from tracemill.flows.scheduled.engine import UnderPrefect
from tracemill.parsers.api import Options
from tracemill.warehouse.models import Model

top, artifacts = Path(sys.argv[1]), Path(sys.argv[2])
source = tracemill.flows.loading.capture.Source
failures = 0

def failing_source(file, members, shown):
    global failures
    if shown == "b1/1/heap.pb.gz" and failures:
        failures -= 1
        raise OSError(errno.EIO, os.strerror(errno.EIO), str(file))
    return source(file, members, shown=shown)

tracemill.flows.loading.capture.Source = failing_source
for name, failures in (("passing", 2), ("lasting", 99)):
    done = UnderPrefect().ingest(Load([artifacts], top / name, Options(), 1))
    print(name, len(done.loaded), [f.message for f in done.failures])

check = Model("check_never", "checks", "Never holds.", (), "check", "select 1 as one", frozenset())
tracemill.flows.build.read_models = lambda models=tracemill.flows.build.read_models(): [*models, check]
print("check", UnderPrefect().build(top / "passing", full=False).failed_checks)
"""


def test_a_task_that_fails_twice_succeeds_on_its_third_try(
    api: Api, environment: dict[str, str], artifacts: Path, tmp_path: Path
) -> None:
    done = subprocess.run(
        [sys.executable, "-c", _FAILING, str(tmp_path), str(artifacts)],
        env=environment | {"PREFECT_API_URL": api.url},
        cwd=TOP,
        capture_output=True,
        text=True,
        timeout=TIMEOUT,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    passing, lasting, check = done.stdout.splitlines()
    assert passing == "passing 12 []"
    assert lasting == "lasting 11 ['b1/1/heap.pb.gz: Input/output error']"
    assert check == "check {'check_never': 'Never holds. Offending: one=1'}"

    run, failed_check = api.runs(tmp_path / "passing")
    (load,) = [t for t in api.tasks(run) if t["name"].startswith("load ")]
    assert (load["run_count"], load["state_type"]) == (3, "COMPLETED")
    assert run["state_name"] == "Completed"

    # What lasts is one file's failure and not the run's; the other files of its task are loaded.
    (run,) = api.runs(tmp_path / "lasting")
    (load,) = [t for t in api.tasks(run) if t["name"].startswith("load ")]
    assert (load["run_count"], load["state_type"]) == (3, "FAILED")
    assert run["state_name"] == "SomeFailed"

    assert failed_check["state_type"] == "FAILED"
    assert "check_never" in failed_check["state"]["message"]


def test_a_run_waits_for_another_writer(
    api: Api, environment: dict[str, str], artifacts: Path, tmp_path: Path
) -> None:
    root = tmp_path / "w"
    ingest([artifacts], root)

    def waits() -> bool:
        found = api.post("task_runs/filter", {"task_runs": {"state": {"name": {"any_": ["AwaitingRetry"]}}}})
        return any(t["name"].startswith("take") for t in found)

    command = [sys.executable, "-m", "tracemill", "build", "--warehouse", str(root)]
    with writer_lock(root):
        build = subprocess.Popen(command, env=environment | {"PREFECT_API_URL": api.url}, cwd=TOP)
        try:
            _eventually(waits)
        except BaseException:
            _stop(build, signal.SIGKILL)
            raise
    assert build.wait(TIMEOUT) == 0
    (run,) = api.runs(root)
    counts = {t["name"].split(" ")[0].split("-")[0]: t["run_count"] for t in api.tasks(run)}
    assert counts == {"take": 2, "build": 1}


class Service:
    """`tracemill serve` as a process, with its standard output."""

    def __init__(self, environment: dict[str, str], log: Path, *arguments: object) -> None:
        self.log = log
        with log.open("w") as out:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "tracemill", "serve", *map(str, arguments)],
                env=environment,
                cwd=TOP,
                stdout=out,
                stderr=subprocess.STDOUT,
            )

    def line(self, start: str) -> str:
        """What follows start in its output, once it is there."""

        def found() -> str | None:
            assert self.process.poll() is None, self.log.read_text()
            lines = self.log.read_text().splitlines(keepends=True)
            return next(
                (x[len(start) :].strip() for x in lines if x.startswith(start) and x[-1] == "\n"), None
            )

        return _eventually(found)


@contextlib.contextmanager
def _serving(environment: dict[str, str], log: Path, *arguments: object) -> Iterator[Service]:
    service = Service(environment, log, *arguments)
    try:
        yield service
    finally:
        _stop(service.process, signal.SIGKILL)


def test_a_scheduled_run_loads_what_arrived_meanwhile(
    api: Api, environment: dict[str, str], artifacts: Path, tmp_path: Path
) -> None:
    root = tmp_path / "w"
    with _serving(
        environment | {"PREFECT_API_URL": api.url},
        tmp_path / "log",
        *(artifacts, "--warehouse", root, "--every", 2),
    ) as service:
        assert service.line("Prefect: ") == api.url.removesuffix("/api")

        def first_has_ended() -> bool:
            return any(not r["auto_scheduled"] and r["state_type"] == "COMPLETED" for r in api.runs(root))

        # One run is made at the start; then the schedule's follow.
        _eventually(first_has_ended)
        assert len(Catalog.load(root).captures) == 12
        (artifacts / "b3/1").mkdir(parents=True)
        shutil.copy(SAMPLES / "pprof/go1.27/heap.pb.gz", artifacts / "b3/1/heap.pb.gz")
        _eventually(lambda: len(Catalog.load(root).captures) == 13)

        def loads_it() -> list[dict[str, Any]]:
            return [r for r in api.runs(root) if "load b3/1/heap.pb.gz" in {t["name"] for t in api.tasks(r)}]

        (run,) = _eventually(loads_it)
        assert run["auto_scheduled"]

        # A run takes longer than the two seconds: those that came due meanwhile are called off.
        def called_off() -> list[str]:
            found = api.post("flow_runs/filter", {"flow_runs": {"state": {"type": {"any_": ["CANCELLED"]}}}})
            return [r["state"]["message"] for r in found if r["parameters"]["warehouse"] == str(root)]

        assert "does its work" in _eventually(called_off)[0]
        assert _stop(service.process) == 0, service.log.read_text()
    assert "Traceback" not in service.log.read_text()
    deployments = api.post("deployments/filter", {})
    assert [d["paused"] for d in deployments if d["parameters"]["warehouse"] == str(root)] == [True] * 4


def _family(pid: int) -> set[int]:
    """The process and all that descend from it."""
    children: dict[int, list[int]] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            state, parent = stat.read_text().rpartition(")")[2].split()[:2]
            if state != "Z":
                children.setdefault(int(parent), []).append(int(stat.parent.name))
    found, todo = set(), [pid]
    while todo:
        current = todo.pop()
        found.add(current)
        todo += children.get(current, [])
    return found


def _alive(pids: set[int]) -> set[int]:
    found = set()
    for pid in pids:
        with contextlib.suppress(OSError):
            if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z":
                found.add(pid)
    return found


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks for processes in /proc")
def test_its_own_server_ends_with_it(environment: dict[str, str], artifacts: Path, tmp_path: Path) -> None:
    root = tmp_path / "w"
    arguments = (artifacts, "--warehouse", root, "--cron", "0 3 * * *")
    with _serving(environment, tmp_path / "log", *arguments) as service:
        page = service.line("Prefect: ")
        assert "03:00:00 UTC" in service.line("schedule: '0 3 * * *' (cron, UTC); next run: ")
        with urllib.request.urlopen(page, timeout=30) as response:
            assert b"<html" in response.read()
        assert (root / "prefect/prefect.db").is_file()
        another = _tracemill(environment, "serve", artifacts, "--warehouse", root)
        assert (another.returncode, another.stdout) == (2, "")
        assert f"this warehouse is served already: {page}" in another.stderr
        family = _family(service.process.pid)
        assert len(family) > 1
        assert _stop(service.process, signal.SIGINT) == 0, service.log.read_text()
        assert not _alive(family)
    assert not _answers(f"{page}/api/health")
    assert "Traceback" not in service.log.read_text()


@pytest.mark.full
@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks for processes in /proc")
def test_its_own_server_ends_when_it_is_killed(
    environment: dict[str, str], artifacts: Path, tmp_path: Path
) -> None:
    root = tmp_path / "w"
    arguments = (artifacts, "--warehouse", root, "--every", 900)

    def first_run(api: Api) -> dict[str, Any] | None:
        return next((r for r in api.runs(root) if r["state_type"] == "COMPLETED"), None)

    with _serving(environment, tmp_path / "log", *arguments) as service:
        api = Api(service.line("Prefect: ") + "/api")
        run = _eventually(lambda: first_run(api))
        # As it looks when the service is killed in the middle of a run.
        state = {"type": "RUNNING", "name": "Running"}
        api.post(f"flow_runs/{run['id']}/set_state", {"state": state, "force": True})
        family = _family(service.process.pid)
        assert len(family) > 1
        _stop(service.process, signal.SIGKILL)
        _eventually(lambda: not _alive(family))
    with _serving(environment, tmp_path / "log", *arguments) as service:
        api = Api(service.line("Prefect: ") + "/api")
        service.line("schedule: ")
        states = {r["id"]: r["state_type"] for r in api.runs(root)}
        assert states[run["id"]] == "CRASHED"
        assert _stop(service.process) == 0, service.log.read_text()


@pytest.mark.parametrize("verb", ["run", "serve"])
def test_a_server_that_cannot_be_reached_is_named(
    environment: dict[str, str], artifacts: Path, tmp_path: Path, verb: str
) -> None:
    url = f"http://127.0.0.1:{_free_port()}/api"
    done = _tracemill(environment, verb, artifacts, "--warehouse", tmp_path / "w", url=url)
    assert (done.returncode, done.stdout) == (2, "")
    lines = [line for line in done.stderr.splitlines() if line.startswith("tracemill: ")]
    assert lines == [
        f"tracemill: the Prefect server at {url} (PREFECT_API_URL) cannot be used: "
        "[Errno 111] Connection refused"
    ]


def test_a_schedule_that_is_none_is_named(
    environment: dict[str, str], artifacts: Path, tmp_path: Path, api: Api
) -> None:
    arguments = (artifacts, "--warehouse", tmp_path / "w", "--cron", "at noon")
    done = _tracemill(environment, "serve", *arguments, url=api.url)
    assert done.returncode == 2
    assert "tracemill: setting schedule_cron: 'at noon' is no cron expression" in done.stderr


# Calls the verbs in one process and says what that imported.
_VERBS = """
import sys
from click.testing import CliRunner
from tracemill.flows.cli import main
for arguments in sys.argv[1:]:
    done = CliRunner().invoke(main, arguments.split("\\t"))
    assert done.exit_code in {0, 2}, (done.output, done.exception)
    assert isinstance(done.exception, SystemExit | None), done.exception
print(" ".join({".".join(name.split(".")[:2]) for name in sys.modules}))
"""


def test_nothing_but_prefect_waits_for_prefect(
    environment: dict[str, str], artifacts: Path, tmp_path: Path
) -> None:
    root = str(tmp_path / "w")

    def imported(*verbs: tuple[str, ...]) -> set[str]:
        done = subprocess.run(
            [sys.executable, "-c", _VERBS, *("\t".join(v) for v in verbs)],
            env=environment,
            cwd=TOP,
            capture_output=True,
            text=True,
            timeout=TIMEOUT,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return set(done.stdout.split())

    found = imported(
        ("run", str(artifacts), "--warehouse", root),
        ("ingest", str(artifacts), "--warehouse", root),
        ("build", "--warehouse", root),
        ("regressions", "--warehouse", root),
    )
    assert "prefect" not in found
    assert "tracemill.parsers" in found
    found = imported(("sql", "select 1", "--warehouse", root))
    assert not {"prefect", "tracemill.parsers", "polars"} & found


def test_a_new_regression_is_an_event_and_a_known_one_is_none(
    api: Api, environment: dict[str, str], tmp_path: Path
) -> None:
    """Builds to b07 hold one leak, an incident of several figures; b08 brings the contention."""
    artifacts = tmp_path / "artifacts"
    artifacts.mkdir()

    def arrive(first: int, last: int) -> None:
        for build in range(first, last + 1):
            name = f"b{build:02}"
            shutil.copytree(TOP / "examples/artifacts" / name, artifacts / name)

    def events() -> set[tuple[str, str]]:
        body = {"filter": {"event": {"name": ["tracemill.regression"]}}, "limit": 50}
        found = api.post("events/filter", body)["events"]
        return {(e["resource"]["tracemill.build"], e["resource"]["tracemill.metric"]) for e in found}

    job = ("run", artifacts, "--warehouse", tmp_path / "w")
    leak = {("b05", "mapassign_alloc_bytes")}
    arrive(1, 5)
    assert _tracemill(environment, *job, url=api.url).returncode == 0
    assert _eventually(events) == leak
    arrive(6, 8)
    assert _tracemill(environment, *job, url=api.url).returncode == 0
    _eventually(lambda: len(events()) > len(leak))
    assert events() == leak | {("b08", "block_ns")}
