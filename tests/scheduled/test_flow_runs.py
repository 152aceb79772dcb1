"""The flows under a real Prefect server: runs, retries, events."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tracemill.flows.loading.ingest import ingest
from tracemill.warehouse.catalog import Catalog, writer_lock

from .server import TIMEOUT, TOP, Api, eventually, free_port, stop, tracemill


def kinds(tasks: list[dict[str, Any]]) -> list[str]:
    """The tasks' names without what tells one run of a task from another."""
    return sorted(t["name"].split(" ")[0].rsplit("-", 1)[0] for t in tasks)


def test_the_main_job_is_a_flow_run_and_its_second_run_does_nothing(
    api: Api, environment: dict[str, str], artifacts: Path, tmp_path: Path
) -> None:
    root = tmp_path / "w"
    first = tracemill(environment, "run", artifacts, "--warehouse", root, url=api.url)
    assert first.returncode == 2, first.stderr  # of two builds nothing can be judged
    assert "loaded 12 captures" in first.stdout
    second = tracemill(environment, "run", artifacts, "--warehouse", root, url=api.url)
    assert second.returncode == 2, second.stderr
    assert "nothing new" in second.stdout

    before, after = api.runs(root)
    assert (before["state_type"], before["state_name"]) == ("COMPLETED", "NothingJudged")
    assert "builds so far 2, 3 must come before one" in before["state"]["message"]
    tasks = api.tasks(before)
    assert kinds(tasks) == ["build", "export", "load", "take"]
    # Small files share a task.
    assert [t["name"] for t in tasks if "and 11 more" in t["name"]]
    assert {t["run_count"] for t in tasks} == {1}
    (artifact,) = api.artifacts(before)
    assert artifact["key"] == "regressions"
    assert artifact["data"].startswith("| build |")

    assert kinds(api.tasks(after)) == ["build", "take"]
    assert not api.artifacts(after)


@pytest.mark.full
def test_a_file_that_cannot_be_read_shows_in_the_runs_state(
    api: Api, environment: dict[str, str], artifacts: Path, tmp_path: Path
) -> None:
    (artifacts / "b1/1/heap.pb.gz").write_bytes(b"\x1f\x8bnothing")
    done = tracemill(environment, "ingest", artifacts, "--warehouse", tmp_path / "w", url=api.url)
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


@pytest.mark.full
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


@pytest.mark.full
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
            eventually(waits)
        except BaseException:
            stop(build, signal.SIGKILL)
            raise
    assert build.wait(TIMEOUT) == 0
    (run,) = api.runs(root)
    counts = {t["name"].split(" ")[0].split("-")[0]: t["run_count"] for t in api.tasks(run)}
    assert counts == {"take": 2, "build": 1}


@pytest.mark.parametrize("verb", ["run", "serve"])
def test_a_server_that_cannot_be_reached_is_named(
    environment: dict[str, str], artifacts: Path, tmp_path: Path, verb: str
) -> None:
    url = f"http://127.0.0.1:{free_port()}/api"
    done = tracemill(environment, verb, artifacts, "--warehouse", tmp_path / "w", url=url)
    assert (done.returncode, done.stdout) == (2, "")
    lines = [line for line in done.stderr.splitlines() if line.startswith("tracemill: ")]
    assert lines == [
        f"tracemill: the Prefect server at {url} (PREFECT_API_URL) cannot be used: "
        "[Errno 111] Connection refused"
    ]


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


@pytest.mark.full
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


@pytest.mark.full
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
    assert tracemill(environment, *job, url=api.url).returncode == 0
    assert eventually(events) == leak
    arrive(6, 8)
    assert tracemill(environment, *job, url=api.url).returncode == 0
    eventually(lambda: len(events()) > len(leak))
    assert events() == leak | {("b08", "block_ns")}


_UPKEEP = """
import sys
from pathlib import Path
from tracemill.flows.scheduled.upkeep import upkeep_flow

state = upkeep_flow(Path(sys.argv[1]), {"raw": "1h"}, False, return_state=True)
print(state.name, state.message)
"""


@pytest.mark.full
def test_upkeep_drops_what_is_old_and_merges_files(
    api: Api, environment: dict[str, str], artifacts: Path, tmp_path: Path
) -> None:
    root = tmp_path / "w"
    for build in ("b1", "b2"):
        (artifacts / build / "build.json").write_text('{"committed_at": "2026-01-01T00:00:00Z"}')
    tracemill(environment, "run", artifacts, "--warehouse", root)

    def upkeep() -> str:
        done = subprocess.run(
            [sys.executable, "-c", _UPKEEP, str(root)],
            env=environment | {"PREFECT_API_URL": api.url},
            cwd=TOP,
            capture_output=True,
            text=True,
            timeout=TIMEOUT,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    assert upkeep().startswith("Completed raw rows of 2 builds dropped; ")
    kept = next(iter(Catalog.load(root).condensed))
    (root / kept).write_bytes(b"")
    assert upkeep().startswith(f"Failed 1 files are not as they were written: {kept}: 0 bytes of")
