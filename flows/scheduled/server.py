"""The Prefect server that flows report to: the one of PREFECT_API_URL, or our own on loopback.

Our own keeps its SQLite database, its settings and its log under ``prefect/`` in
the warehouse, sends no telemetry, and ends with whoever started it: by its
process id, or, when the starter is killed, because the pipe between them breaks.
There is one for a warehouse at most; who comes second uses the first one's.

Nothing here imports Prefect: its settings are read when it is imported, so what
it needs must stand in the environment before.
"""

from __future__ import annotations

import contextlib
import fcntl
import logging
import os
import runpy
import signal
import site
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TextIO

from tracemill.warehouse.schema.errors import TracemillError

if TYPE_CHECKING:
    from collections.abc import Iterator

API_URL = "PREFECT_API_URL"
# The process id of the service, for those that it starts.
SERVICE = "_TRACEMILL_SERVICE"
HOST = "127.0.0.1"
# A cold start on a busy machine has taken over half a minute.
SECONDS_TO_START = 180
SECONDS_TO_END = 10
SECONDS_TO_ANSWER = 10
ATTEMPTS = 3


class ServerError(TracemillError):
    """A Prefect server that cannot be used, in one sentence."""


@dataclass(frozen=True, slots=True)
class Server:
    """A server that answers: given by PREFECT_API_URL, our own, or another process's for this warehouse."""

    api_url: str
    origin: Literal["given", "own", "shared"]


@contextlib.contextmanager
def server(warehouse: Path) -> Iterator[Server]:
    """The server to use; within, Prefect can be imported and finds it. Raises ServerError."""
    _prepare_environment()
    given = os.environ.get(API_URL)
    if given:
        _require_answer(given)
        with _blamed(given):
            yield Server(given, "given")
        return
    home = warehouse.resolve() / "prefect"
    home.mkdir(parents=True, exist_ok=True)
    os.environ["PREFECT_HOME"] = str(home)
    with (home / "server.lock").open("a") as lock, _own_or_first(home, is_own=_is_first(lock)) as found:
        os.environ[API_URL] = found.api_url
        try:
            with _blamed(found.api_url):
                yield found
        finally:
            del os.environ[API_URL]


def _is_first(lock: TextIO) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


@contextlib.contextmanager
def _own_or_first(home: Path, *, is_own: bool) -> Iterator[Server]:
    address = home / "address"
    if not is_own:
        yield Server(_address_of_first(address), "shared")
        return
    with _started(home) as url:
        address.write_text(url)
        yield Server(url, "own")


def _prepare_environment() -> None:
    """Settings for Prefect here and in the processes that it starts."""
    # Prefect sets up its own at its import, whose lines name the run.
    logging.getLogger().handlers.clear()
    os.environ |= {
        "DO_NOT_TRACK": "1",
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        # Our log lines are also those of the flow run.
        "PREFECT_LOGGING_EXTRA_LOGGERS": "tracemill",
        # A folder `tracemill` or `prefect` where the user stands is none of ours.
        "PYTHONSAFEPATH": "1",
    }
    # Of an editable install there is no such folder, and none is needed.
    top = Path(__file__).resolve().parents[3]
    paths = [p for p in os.environ.get("PYTHONPATH", "").split(os.pathsep) if p]
    is_found = str(top) in [*paths, *site.getsitepackages(), site.getusersitepackages()]
    if (top / "tracemill" / "__init__.py").is_file() and not is_found:
        os.environ["PYTHONPATH"] = os.pathsep.join([*paths, str(top)])
    hosts = [h for h in os.environ.get("NO_PROXY", "").split(",") if h]
    if HOST not in hosts:
        os.environ["NO_PROXY"] = os.environ["no_proxy"] = ",".join([*hosts, HOST])


@contextlib.contextmanager
def _started(home: Path) -> Iterator[str]:
    """A server of our own until the end of the block."""
    for attempt in range(ATTEMPTS):
        port = _free_port()
        child = _start(home, port)
        try:
            url = f"http://{HOST}:{port}/api"
            if _wait_until_ready(child, url):
                yield url
                return
        finally:
            _end(child)
        # Another program may have taken the port in between; anything else shows itself again.
        if attempt == ATTEMPTS - 1:
            raise ServerError(f"Prefect's own server did not start; {home / 'server.log'} says why")


def _start(home: Path, port: int) -> subprocess.Popen[bytes]:
    environment = {n: v for n, v in os.environ.items() if "DATABASE_CONNECTION_URL" not in n}
    environment |= {
        API_URL: f"http://{HOST}:{port}/api",
        "PREFECT_HOME": str(home),
        # The default place is in the installed package, which may not be writable.
        "PREFECT_SERVER_UI_STATIC_DIRECTORY": str(home / "ui"),
    }
    with (home / "server.log").open("wb") as log:
        return subprocess.Popen(
            [sys.executable, "-m", "tracemill.flows.scheduled.server", str(port)],
            env=environment,
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=subprocess.STDOUT,
            # Ctrl-C on the terminal is for us: flows that end still report to the server.
            start_new_session=True,
        )


def _wait_until_ready(child: subprocess.Popen[bytes], url: str) -> bool:
    deadline = time.monotonic() + SECONDS_TO_START
    while child.poll() is None and time.monotonic() < deadline:
        if _fault(url) is None:
            return True
        time.sleep(0.2)
    return False


def _end(child: subprocess.Popen[bytes]) -> None:
    child.terminate()
    try:
        child.wait(SECONDS_TO_END)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()
    if child.stdin:
        child.stdin.close()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def _address_of_first(address: Path) -> str:
    """The address of the server that another process started for this warehouse."""
    deadline = time.monotonic() + SECONDS_TO_ANSWER
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError):
            url = address.read_text()
            if _fault(url) is None:
                return url
        time.sleep(0.2)
    raise ServerError(f"{address.parent}: another tracemill starts or ends a Prefect server there; try again")


def _require_answer(url: str) -> None:
    fault = _fault(url)
    if fault:
        raise ServerError(f"the Prefect server at {url} ({API_URL}) cannot be used: {fault}")


@contextlib.contextmanager
def _blamed(url: str) -> Iterator[None]:
    """Say of an error in the block, where the server is gone by then, that it is the server's."""
    try:
        yield
    except Exception as error:
        fault = _fault(url)
        if fault is None:
            raise
        raise ServerError(f"the Prefect server at {url} went away: {fault}") from error


def _fault(url: str) -> str | None:
    """Why the API at url cannot be used; None if it can."""
    if not url.startswith(("http://", "https://")):
        return "not an address such as http://127.0.0.1:4200/api"
    try:
        with urllib.request.urlopen(f"{url.rstrip('/')}/health", timeout=SECONDS_TO_ANSWER):  # noqa: S310 - http only
            return None
    except urllib.error.HTTPError as error:
        # Who asks for a password is there; Prefect's client has it.
        return None if error.code in {401, 403} else f"it answers {error.code} {error.reason}"
    except urllib.error.URLError as error:
        return str(error.reason)
    except (OSError, ValueError, HTTPException) as error:
        return str(error) or type(error).__name__


def end_with_service() -> None:
    """In a process that `serve` started for one run: end with it, even if it is killed."""
    service = os.environ.get(SERVICE)
    if service:
        threading.Thread(target=_end_after, args=(int(service),), daemon=True).start()


def _end_after(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(1)
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(SECONDS_TO_END)
    os._exit(1)


def _serve_until_left(port: str) -> None:
    """Be the server, until told to end or the starter is gone."""
    threading.Thread(target=_end_with_starter, daemon=True).start()
    sys.argv = ["prefect", "server", "start", "--host", HOST, "--port", port]
    runpy.run_module("prefect", run_name="__main__")


def _end_with_starter() -> None:
    os.read(0, 1)  # nothing is ever written: this returns when the other end is closed
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(SECONDS_TO_END)
    os._exit(1)


if __name__ == "__main__":
    _serve_until_left(sys.argv[1])
