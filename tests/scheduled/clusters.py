"""A real Dask cluster on loopback: a scheduler and workers as processes, ended by their ids."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from distributed import Client

from .server import TOP, eventually, free_port, stop

if TYPE_CHECKING:
    from collections.abc import Iterator

_ENVIRONMENT = {
    # A task whose worker dies once is given up by Dask, and tried by us once more: two deaths a test.
    "DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES": "0",
    "DASK_DISTRIBUTED__SCHEDULER__DASHBOARD__ENABLED": "false",
    "DASK_DISTRIBUTED__WORKER__HTTP__ROUTES": "[]",
}


@dataclass
class Workers:
    """A scheduler and workers, each a process of one thread."""

    folder: Path
    environment: dict[str, str]
    address: str = ""
    scheduler: subprocess.Popen[bytes] | None = None
    workers: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def start(self, module: str, *arguments: object) -> subprocess.Popen[bytes]:
        name = f"{module.rpartition('_')[2]}{len(self.workers)}.log"
        with (self.folder / name).open("wb") as log:
            return subprocess.Popen(
                [sys.executable, "-m", f"distributed.cli.{module}", *map(str, arguments)],
                env=self.environment,
                cwd=TOP,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def add(self, preload: str = "") -> subprocess.Popen[bytes]:
        """One more worker. preload: what it runs first, as Python."""
        more: list[object] = []
        if preload:
            file = self.folder / f"preload{len(self.workers)}.py"
            file.write_text(preload)
            more = ["--preload", file]
        worker = self.start(
            "dask_worker", self.address, "--no-nanny", "--nthreads", 1, "--no-dashboard",
            "--local-directory", self.folder, *more,
        )  # fmt: skip
        self.workers.append(worker)
        return worker

    def replace_dead(self, preload: str = "") -> None:
        """A new worker for each that died, as whoever runs a cluster has it."""
        for worker in [w for w in self.workers if w.poll() is not None]:
            self.workers.remove(worker)
            self.add(preload)

    def wait(self, count: int) -> None:
        with Client(self.address, timeout=60, set_as_default=False) as client:
            eventually(lambda: len(client.nthreads()) >= count)

    def end(self) -> None:
        for process in [*self.workers, self.scheduler]:
            if process is not None:
                with contextlib.suppress(subprocess.TimeoutExpired):
                    stop(process, signal.SIGKILL)


@contextlib.contextmanager
def workers(folder: Path, count: int, preload: str = "") -> Iterator[Workers]:
    """A scheduler with so many workers, once they are there."""
    kept = {n: v for n, v in os.environ.items() if not n.startswith(("DASK_", "TRACEMILL_", "PREFECT_"))}
    found = Workers(folder, kept | _ENVIRONMENT)
    port = free_port()
    found.address = f"tcp://127.0.0.1:{port}"
    try:
        found.scheduler = found.start(
            "dask_scheduler", "--host", "127.0.0.1", "--port", port, "--no-dashboard"
        )
        for _ in range(count):
            found.add(preload)
        found.wait(count)
        yield found
    finally:
        found.end()


def ended(process: subprocess.Popen[bytes]) -> None:
    """Wait for a killed process."""
    deadline = time.monotonic() + 30
    while process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.05)
