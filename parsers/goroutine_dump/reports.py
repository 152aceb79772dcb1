"""Which goroutines belong together: the dumps and the panics of a text that may hold many.

A dump (a census of all goroutines) follows another where a goroutine's number comes again, or a second one
runs: in a dump only the goroutine that takes it does, and from Go 1.26 on those that just return from a
system call (exitsyscall in runtime/proc.go). A panic or a fatal error is told by its message, which stands
before the stacks, or is the stack of one running goroutine alone (runtime/debug.Stack).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tracemill.parsers.goroutine_dump.frames import Frames
    from tracemill.parsers.goroutine_dump.words import State

# As runtime and net/http print them.
_CAUSE = re.compile(
    r"(?:^|\s)((?:panic|fatal error|SIG[A-Z]+): .*|unexpected fault address .*|http2?: panic serving .*)$",
    re.MULTILINE,
)
_TIME = re.compile(r"\b\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:\d\d)")
# The profile of all goroutines takes itself.
_CENSUS = "runtime/pprof.writeGoroutineStacks"
# Innermost in a goroutine that is in a system call or calls C.
_SYSTEM_CALL = re.compile(
    r"(?:syscall|internal/(?:runtime/)?syscall[\w/]*|golang\.org/x/sys/\w+)\."
    r"|(?:runtime\.(?:cgocall|notetsleepg)|os/signal\.signal_recv)$"
)
# So much of what stands before a stack may be its cause.
LOOKED_AT = 4096


@dataclass(frozen=True, slots=True)
class Goroutine:
    """One goroutine of the text."""

    goroutine_id: int
    state: State
    frames: Frames
    labels: list[tuple[str, str]] | None


@dataclass(slots=True)
class Report:
    """Goroutines that were printed together, what ended the program (None in a dump), and when."""

    goroutines: list[Goroutine] = field(default_factory=list)
    cause: str | None = None
    captured_at_ns: int | None = None
    repeated: list[int] = field(default_factory=list)

    @property
    def is_crash(self) -> bool:
        """Whether this is no count of goroutines: a panic, a fatal error, or one goroutine's own stack."""
        if self.cause is not None or len(self.goroutines) != 1:
            return self.cause is not None
        (only,) = self.goroutines
        return only.state.state == "running" and _CENSUS not in only.frames.functions[:4]


class Grouping:
    """Puts goroutines into reports as they come."""

    def __init__(self) -> None:
        self._report = Report()
        self._ids: set[int] = set()
        self._has_running = False
        # Where in the report the goroutines begin that stand together without other text between them.
        self._run_start = 0
        self._run_time: int | None = None

    def begin_run(self, between: str) -> Report | None:
        """Other text stands before the next goroutine; the report that it ends, if it does."""
        self._run_start = len(self._report.goroutines)
        causes = _CAUSE.findall(between[-LOOKED_AT:])
        times = _TIME.findall(between[-LOOKED_AT:])
        self._run_time = _nanoseconds(times[-1]) if times else None
        done = self._next([]) if causes and self._report.goroutines else None
        if causes:
            self._report.cause = str(causes[0]).strip()
        if not self._report.goroutines:
            self._report.captured_at_ns = self._run_time
        return done

    def add(self, goroutine: Goroutine) -> Report | None:
        """The report that goroutine is not part of any more, if it begins another."""
        report = self._report
        is_repeated = goroutine.goroutine_id in self._ids
        if is_repeated and report.cause is not None and not self._run_start:
            # Two threads may fail at once, and each prints its own goroutine first.
            report.repeated.append(goroutine.goroutine_id)
            return None
        is_second = _runs(goroutine) and self._has_running and report.cause is None
        done = None
        if is_repeated or is_second:
            tail = report.goroutines[self._run_start :] if self._run_start else []
            is_late = any(each.goroutine_id == goroutine.goroutine_id or _runs(each) for each in tail)
            is_new_run = bool(self._run_start) and not is_late
            done = self._next([] if is_late else tail, self._run_time if is_new_run else None)
        self._report.goroutines.append(goroutine)
        self._ids.add(goroutine.goroutine_id)
        self._has_running |= _runs(goroutine)
        return done

    def finish(self) -> Report | None:
        """The last report."""
        return self._next([]) if self._report.goroutines else None

    def _next(self, moved: list[Goroutine], captured_at_ns: int | None = None) -> Report:
        """End the report and begin another with the last of its goroutines."""
        done = self._report
        if moved:
            del done.goroutines[-len(moved) :]
        self._report = Report(moved, captured_at_ns=captured_at_ns)
        self._ids = {each.goroutine_id for each in moved}
        self._has_running = any(_runs(each) for each in moved)
        self._run_start = 0
        return done


def _runs(goroutine: Goroutine) -> bool:
    """Whether it may have taken the dump: it ran, not in a system call, and its stack could be walked."""
    frames = goroutine.frames
    is_calling = bool(frames.functions) and _SYSTEM_CALL.match(frames.functions[0]) is not None
    return goroutine.state.state == "running" and frames.status != "unavailable" and not is_calling


def _nanoseconds(text: str) -> int | None:
    try:
        return int(datetime.fromisoformat(text).timestamp() * 1e6) * 1000
    except (ValueError, OverflowError):
        return None
