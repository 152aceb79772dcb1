"""A real Prefect server for the tests: its API, and the processes around it, `tracemill serve` among them."""

from __future__ import annotations

import contextlib
import json
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

TOP = Path(__file__).parents[2]
# Far more than anything here takes; a test that hangs fails instead.
TIMEOUT = 120
T = TypeVar("T")


def eventually(probe: Callable[[], T | None]) -> T:
    """What probe gives once it is true."""
    deadline = time.monotonic() + TIMEOUT
    while time.monotonic() < deadline:
        found = probe()
        if found:
            return found
        time.sleep(0.2)
    raise AssertionError("waited in vain")


def answers(url: str) -> bool:
    with contextlib.suppress(OSError):
        return urllib.request.urlopen(url, timeout=10).status == 200
    return False


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

        return eventually(ended)

    def artifacts(self, run: dict[str, Any]) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.post(
            "artifacts/filter", {"artifacts": {"flow_run_id": {"any_": [run["id"]]}}}
        )
        return found


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def stop(process: subprocess.Popen[Any], how: signal.Signals = signal.SIGTERM) -> int:
    """End the process, and give its exit code."""
    if process.poll() is None:
        process.send_signal(how)
    try:
        return process.wait(30)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        raise


def tracemill(
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

        return eventually(found)


@contextlib.contextmanager
def serving(environment: dict[str, str], log: Path, *arguments: object) -> Iterator[Service]:
    service = Service(environment, log, *arguments)
    try:
        yield service
    finally:
        stop(service.process, signal.SIGKILL)
