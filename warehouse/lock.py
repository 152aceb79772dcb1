"""Who may write: several that load, one that publishes, or one alone that changes what is loaded.

Loads need no turns: each writes files of its own, and commits are merged (catalog.py). They share a lock only
so that nobody sweeps away what they have written and not committed yet.
"""

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

from tracemill.warehouse.address import is_begun, no_warehouse, require_readable
from tracemill.warehouse.durable import fact_of
from tracemill.warehouse.errors import WarehouseError
from tracemill.warehouse.layout import LOADING, LOCK

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from typing import IO

SECONDS_BETWEEN_TRIES = 0.1
SWEEP_SECONDS = 10.0
# How long a writer of this process waits for another where nothing else is said: a verb's --wait.
patience: ContextVar[float] = ContextVar("patience", default=0.0)
# Whether sole_lock is held: what is changed then relies on nobody else changing it.
is_alone: ContextVar[bool] = ContextVar("is_alone", default=False)


@contextlib.contextmanager
def writer_lock(root: Path, wait: float | None = None) -> Iterator[None]:
    """One publisher at a time; neither readers nor loads are asked.

    wait: how many seconds to wait for another one; by default ``patience``. Raises WarehouseError, which says
    who holds it.
    """
    with _held(root, LOCK, fcntl.LOCK_EX, "writing to", _patience(wait)):
        yield


@contextlib.contextmanager
def loading_lock(root: Path, wait: float | None = None) -> Iterator[None]:
    """For the length of a load: others may load and publish meanwhile, but nobody sweeps.

    It waits for SWEEP_SECONDS at least: sweeping is over soon. Raises as writer_lock does.
    """
    with _held(root, LOADING, fcntl.LOCK_SH, "at work alone on", max(_patience(wait), SWEEP_SECONDS)):
        yield


@contextlib.contextmanager
def sole_lock(root: Path, wait: float | None = None) -> Iterator[None]:
    """Nobody else writes anything. Raises as writer_lock, and where there is no warehouse: it makes none."""
    require_begun(root)
    with writer_lock(root, wait), _held(root, LOADING, fcntl.LOCK_EX, "loading into", _patience(wait)):
        before = is_alone.set(True)
        try:
            yield
        finally:
            is_alone.reset(before)


def require_begun(root: Path) -> None:
    """Raises WarehouseError where nothing was ever loaded, before a lock would begin a folder."""
    if not is_begun(root):
        raise no_warehouse(root)


@contextlib.contextmanager
def if_nobody_loads(root: Path) -> Iterator[bool]:
    """Whether nobody loads, nor begins to until the end of the block."""
    with contextlib.ExitStack() as stack:
        try:
            stack.enter_context(_held(root, LOADING, fcntl.LOCK_EX, "loading into", 0.0))
        except WarehouseError:
            yield False
            return
        yield True


def _patience(wait: float | None) -> float:
    return patience.get() if wait is None else wait


@contextlib.contextmanager
def _held(root: Path, name: str, how: int, doing: str, wait: float) -> Iterator[None]:
    """A lock file, locked. doing: what one that holds it against us does."""
    require_readable(root)
    try:
        root.mkdir(parents=True, exist_ok=True)
        stream = (root / name).open("a+")
    except OSError as error:
        raise WarehouseError(f"{root}: cannot be written: {fact_of(error)}") from error
    with stream:
        _take(stream, root, how, doing, time.monotonic() + wait)
        _say_who(stream)
        yield


def _take(stream: IO[str], root: Path, how: int, doing: str, until: float) -> None:
    while True:
        try:
            fcntl.flock(stream, how | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= until:
                raise WarehouseError(
                    f"{root}: another tracemill is {doing} this warehouse{_who(stream)}; "
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
