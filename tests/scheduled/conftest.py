"""One Prefect server for all tests of a worker."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator

import pytest

from .server import Api, answers, eventually, free_port, stop


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


@pytest.fixture(scope="session")
def api(environment: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    port = free_port()
    log = tmp_path_factory.mktemp("server") / "log"
    with log.open("wb") as out:
        server = subprocess.Popen(
            [sys.executable, "-m", "prefect", "server", "start", "--host", "127.0.0.1", "--port", str(port)],
            env=environment,
            stdout=out,
            stderr=out,
        )
    try:
        eventually(lambda: server.poll() is not None or answers(f"http://127.0.0.1:{port}/api/health"))
        assert server.poll() is None, log.read_text()
        yield Api(f"http://127.0.0.1:{port}/api")
    finally:
        stop(server)
