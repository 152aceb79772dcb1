"""`tracemill serve`: its schedules, and a server of its own that ends with it."""

from __future__ import annotations

import contextlib
import shutil
import signal
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import SAMPLES
from tracemill.warehouse.catalog import Catalog

from .server import Api, answers, eventually, serving, stop, tracemill


def descendants(pid: int) -> set[int]:
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


def alive(pids: set[int]) -> set[int]:
    found = set()
    for pid in pids:
        with contextlib.suppress(OSError):
            if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z":
                found.add(pid)
    return found


@pytest.mark.full
def test_a_scheduled_run_loads_what_arrived_meanwhile(
    api: Api, environment: dict[str, str], artifacts: Path, tmp_path: Path
) -> None:
    root = tmp_path / "w"
    with serving(
        environment | {"PREFECT_API_URL": api.url},
        tmp_path / "log",
        *(artifacts, "--warehouse", root, "--every", 2),
    ) as service:
        assert service.line("Prefect: ") == api.url.removesuffix("/api")

        def first_has_ended() -> bool:
            return any(not r["auto_scheduled"] and r["state_type"] == "COMPLETED" for r in api.runs(root))

        # One run is made at the start; then the schedule's follow.
        eventually(first_has_ended)
        assert len(Catalog.load(root).captures) == 12
        (artifacts / "b3/1").mkdir(parents=True)
        shutil.copy(SAMPLES / "pprof/go1.27/heap.pb.gz", artifacts / "b3/1/heap.pb.gz")
        eventually(lambda: len(Catalog.load(root).captures) == 13)

        def loads_it() -> list[dict[str, Any]]:
            return [r for r in api.runs(root) if "load b3/1/heap.pb.gz" in {t["name"] for t in api.tasks(r)}]

        (run,) = eventually(loads_it)
        assert run["auto_scheduled"]

        # A run takes longer than the two seconds: those that came due meanwhile are called off.
        def called_off() -> list[str]:
            found = api.post("flow_runs/filter", {"flow_runs": {"state": {"type": {"any_": ["CANCELLED"]}}}})
            return [r["state"]["message"] for r in found if r["parameters"]["warehouse"] == str(root)]

        assert "does its work" in eventually(called_off)[0]
        assert stop(service.process) == 0, service.log.read_text()
    assert "Traceback" not in service.log.read_text()
    deployments = api.post("deployments/filter", {})
    assert [d["paused"] for d in deployments if d["parameters"]["warehouse"] == str(root)] == [True] * 5


@pytest.mark.full
def test_a_service_that_stops_while_models_are_built_shows_no_traceback(
    api: Api, environment: dict[str, str], artifacts: Path, tmp_path: Path
) -> None:
    log = tmp_path / "log"
    with serving(
        environment | {"PREFECT_API_URL": api.url},
        log,
        *(artifacts, "--warehouse", tmp_path / "w", "--every", 3600),
    ) as service:
        eventually(lambda: "building models" in log.read_text())
        time.sleep(0.5)  # into a query: any one takes less than this, all of them far more
        assert stop(service.process) == 0, log.read_text()
    assert "Traceback" not in log.read_text()
    assert "Query interrupted" not in log.read_text()
    assert "stopped" in log.read_text().splitlines()


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks for processes in /proc")
@pytest.mark.full
def test_its_own_server_ends_with_it(environment: dict[str, str], artifacts: Path, tmp_path: Path) -> None:
    root = tmp_path / "w"
    arguments = (artifacts, "--warehouse", root, "--cron", "0 3 * * *")
    with serving(environment, tmp_path / "log", *arguments) as service:
        page = service.line("Prefect: ")
        assert "03:00:00 UTC" in service.line("schedule: '0 3 * * *' (cron, UTC); next run: ")
        with urllib.request.urlopen(page, timeout=30) as response:
            assert b"<html" in response.read()
        assert (root / "prefect/prefect.db").is_file()
        another = tracemill(environment, "serve", artifacts, "--warehouse", root)
        assert (another.returncode, another.stdout) == (2, "")
        assert f"this warehouse is served already: {page}" in another.stderr
        family = descendants(service.process.pid)
        assert len(family) > 1
        assert stop(service.process, signal.SIGINT) == 0, service.log.read_text()
        assert not alive(family)
    assert not answers(f"{page}/api/health")
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

    with serving(environment, tmp_path / "log", *arguments) as service:
        api = Api(service.line("Prefect: ") + "/api")
        run = eventually(lambda: first_run(api))
        # As it looks when the service is killed in the middle of a run.
        state = {"type": "RUNNING", "name": "Running"}
        api.post(f"flow_runs/{run['id']}/set_state", {"state": state, "force": True})
        family = descendants(service.process.pid)
        assert len(family) > 1
        stop(service.process, signal.SIGKILL)
        eventually(lambda: not alive(family))
    with serving(environment, tmp_path / "log", *arguments) as service:
        api = Api(service.line("Prefect: ") + "/api")
        service.line("schedule: ")
        states = {r["id"]: r["state_type"] for r in api.runs(root)}
        assert states[run["id"]] == "CRASHED"
        assert stop(service.process) == 0, service.log.read_text()


@pytest.mark.full
def test_a_schedule_that_is_none_is_named(
    environment: dict[str, str], artifacts: Path, tmp_path: Path, api: Api
) -> None:
    arguments = (artifacts, "--warehouse", tmp_path / "w", "--cron", "at noon")
    done = tracemill(environment, "serve", *arguments, url=api.url)
    assert done.returncode == 2
    assert "tracemill: setting schedule_cron: 'at noon' is no cron expression" in done.stderr
