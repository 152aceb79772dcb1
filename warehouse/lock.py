"""One writer at a time, and who that is."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import socket
import time
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from tracemill.warehouse.errors import WarehouseError
from tracemill.warehouse.layout import LOCK

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from typing import IO

SECONDS_BETWEEN_TRIES = 0.1
# How long a writer of this process waits for another where nothing else is said: a verb's --wait.
patience: ContextVar[float] = ContextVar("patience", default=0.0)


@contextlib.contextmanager
def writer_lock(root: Path, wait: float | None = None) -> Iterator[None]:
    """One writer at a time; readers are never asked.

    wait: how many seconds to wait for another one; by default ``patience``. Raises WarehouseError, which says
    who holds it.
    """
    try:
        root.mkdir(parents=True, exist_ok=True)
        stream = (root / LOCK).open("a+")
    except OSError as error:
        raise WarehouseError(f"{root}: cannot be written: {error.strerror}") from error
    with stream:
        _take(stream, root, time.monotonic() + (patience.get() if wait is None else wait))
        _say_who(stream)
        yield


def _take(stream: IO[str], root: Path, until: float) -> None:
    while True:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= until:
                raise WarehouseError(
                    f"{root}: another tracemill is writing to this warehouse{_who(stream)}; "
                    "`--wait SECONDS` waits for it"
                ) from None
            time.sleep(SECONDS_BETWEEN_TRIES)
        else:
            return


def _say_who(stream: IO[str]) -> None:
    """For those who come while we work; of no consequence where it cannot be written."""
    since = datetime.now(UTC).isoformat(timespec="seconds")
    with contextlib.suppress(OSError):
        stream.truncate(0)
        stream.write(json.dumps({"pid": os.getpid(), "host": socket.gethostname(), "since": since}))
        stream.flush()


def _who(stream: IO[str]) -> str:
    """The one who holds the lock, in words."""
    try:
        stream.seek(0)
        found = json.loads(stream.read())
        return f" (pid {found['pid']} on {found['host']}, since {found['since']})"
    except (OSError, ValueError, KeyError, TypeError):
        return ""
