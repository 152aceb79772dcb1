"""How long work shows itself: bars on a terminal, plain lines otherwise."""

from __future__ import annotations

import contextlib
import sys
import time
from typing import TYPE_CHECKING, Protocol

from tracemill.flows.show.terminal import quiet, tell, visible

if TYPE_CHECKING:
    from collections.abc import Iterator

# Plain lines come no closer together than this.
_SECONDS_BETWEEN_LINES = 2.0


class Progress(Protocol):
    """Told of each step; total may be 0 where it is not known."""

    def start(self, what: str, total: int) -> None: ...

    def step(self, detail: str) -> None: ...


class Silent:
    """Shows nothing: for callers in a program."""

    def start(self, what: str, total: int) -> None: ...

    def step(self, detail: str) -> None: ...


class _Lines:
    """One line now and then, to standard error."""

    def __init__(self) -> None:
        self._what, self._total, self._done, self._last = "", 0, 0, 0.0

    def start(self, what: str, total: int) -> None:
        self._what, self._total, self._done, self._last = what, total, 0, time.monotonic()
        tell(f"{what}: {total}" if total else what, err=True)

    def step(self, detail: str) -> None:
        self._done += 1
        if self._done < self._total and time.monotonic() - self._last > _SECONDS_BETWEEN_LINES:
            self._last = time.monotonic()
            tell(f"{self._what}: {self._done}/{self._total} {detail}", err=True)


_last_told = 0.0


def tell_transfers(what: str, done: int, total: int) -> None:
    """Say now and then how files come from an object store, or go there."""
    global _last_told
    now = time.monotonic()
    if done == 0:
        _last_told = now
    elif not quiet.get() and now - _last_told > _SECONDS_BETWEEN_LINES:
        _last_told = now
        tell(f"{what}: {done:,}/{total:,}", err=True)


class _Bars:
    """A bar for each piece of work, on standard error."""

    def __init__(self) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
        from rich.progress import Progress as RichProgress

        self.bars = RichProgress(
            TextColumn("{task.description:<12}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("{task.fields[detail]}", markup=False),
            console=Console(stderr=True),
        )
        self._task = self.bars.add_task("", visible=False)

    def start(self, what: str, total: int) -> None:
        self._task = self.bars.add_task(what, total=total or None, detail="")

    def step(self, detail: str) -> None:
        self.bars.update(self._task, advance=1, detail=visible(detail))


@contextlib.contextmanager
def shown() -> Iterator[Progress]:
    """Progress as this process's standard error can show it; none where the verb is to be quiet."""
    if quiet.get():
        yield Silent()
        return
    if not sys.stderr.isatty():
        yield _Lines()
        return
    progress = _Bars()
    with progress.bars:
        yield progress
