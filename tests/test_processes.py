"""Parsers in processes of their own: one that dies, and a parent that is killed."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tracemill.flows.loading.capture import Job
from tracemill.flows.loading.discover import Input
from tracemill.flows.loading.ingest import load_all
from tracemill.parsers.api import Options
from tracemill.warehouse.catalog import Capture, Failure

from .conftest import SAMPLES


class _Deadly:
    """Ends the process that unpickles it, as a lack of memory would."""

    def __reduce__(self) -> tuple[object, tuple[int]]:
        return os._exit, (9,)


def test_a_file_that_kills_its_process_fails_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tracemill.flows.loading.ingest.MIN_BYTES_FOR_PROCESSES", 0)
    jobs = []
    for name in ("heap", "deadly", "block", "mutex"):
        file = SAMPLES / f"pprof/go1.27/{name}.pb.gz"
        options = _Deadly() if name == "deadly" else Options()
        jobs.append(Job(name, Input("b", "1", name, file), name, 1, tmp_path, options))
    outcomes = {o.path: o for o in load_all(jobs, 2)}
    failed = outcomes.pop("deadly")
    assert isinstance(failed, Failure)
    assert failed.message.startswith("deadly: the parser's process died")
    assert set(outcomes) == {"heap", "block", "mutex"}
    assert all(isinstance(o, Capture) for o in outcomes.values())


# Two processes that have nothing to do; says their ids.
_PARENT = """
import os, time
from tracemill.flows.loading.ingest import _processes
if __name__ == "__main__":
    with _processes(2) as pool:
        busy = [pool.submit(time.sleep, 0.5) for _ in range(2)]
        print(*pool._processes, flush=True)
        time.sleep(100)
"""


def _is_alive(pid: int) -> bool:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, 0)
        return True
    return False


def test_a_kill_leaves_no_process(tmp_path: Path) -> None:
    script = tmp_path / "parent.py"
    script.write_text(_PARENT)
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parent.parent)}
    parent = subprocess.Popen(
        [sys.executable, str(script)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment
    )
    try:
        assert parent.stdout is not None
        workers = [int(pid) for pid in parent.stdout.readline().split()]
        assert len(workers) == 2
        assert all(map(_is_alive, workers))
        # Long enough for them to be idle, which is when nothing else would end them.
        time.sleep(1)
    finally:
        parent.send_signal(signal.SIGKILL)
        parent.wait()
    deadline = time.monotonic() + 60
    while any(map(_is_alive, workers)) and time.monotonic() < deadline:
        time.sleep(0.1)
    left = [pid for pid in workers if _is_alive(pid)]
    for pid in left:
        os.kill(pid, signal.SIGKILL)
    assert not left


# Loads two profiles side by side, without asking whether it is the program that was started.
_UNGUARDED = """
import sys
from pathlib import Path
from tracemill.flows.loading import ingest
ingest.MIN_BYTES_FOR_PROCESSES = 0
print(ingest.ingest([Path(sys.argv[1])], Path(sys.argv[2]), processes=2).failures)
"""


def test_a_script_that_loads_is_not_run_again_in_each_process(tmp_path: Path) -> None:
    for name in ("heap", "block"):
        file = tmp_path / "artifacts/b1/1" / f"{name}.pb.gz"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes((SAMPLES / f"pprof/go1.27/{name}.pb.gz").read_bytes())
    script = tmp_path / "script.py"
    script.write_text(_UNGUARDED)
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parent.parent)}
    command = [sys.executable, str(script), str(tmp_path / "artifacts"), str(tmp_path / "w")]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=True)
    assert (done.stdout, done.stderr) == ("[]\n", "")
