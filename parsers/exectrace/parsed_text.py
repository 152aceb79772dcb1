"""The text that `go tool trace -d=parsed` prints, read back: the same tables as from the trace itself.

One event a line: `M=… P=… G=… Kind Time=…`, then what its kind has; stacks follow in
lines of their own. Strings are quoted as Go's %q does. What the text leaves out: the
program's Go version, and types of heap objects, so that `heap_objects` stays empty.
"""

from __future__ import annotations

import datetime
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO

import numpy as np

from tracemill.parsers.api import Issue
from tracemill.parsers.columns import signed
from tracemill.parsers.exectrace import spec
from tracemill.parsers.exectrace.assembly import Assembly
from tracemill.parsers.exectrace.damage import DamageError, salvaged
from tracemill.parsers.exectrace.order import sync_text
from tracemill.parsers.kernels.layout import LAYOUT

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tracemill.parsers.api import Batch, Item, Options
    from tracemill.parsers.unwrap.source import Source

MAX_LINE_BYTES = 1 << 20
MAX_FRAMES = 4096
ROWS = 1 << 14

_QUOTED = r'"((?:[^"\\]|\\.)*)"'
_EVENT = re.compile(r"M=(-?\d+) P=(-?\d+) G=(-?\d+) (\w+) Time=(-?\d+)(.*)", re.DOTALL)
_FRAME = re.compile(r"\t(.*) @ 0x([0-9a-f]+)$")
_PLACE = re.compile(r"\t\t(.*):(\d+)$")
_GO = re.compile(rf" GoID=(\d+) (\w+)->(\w+) Reason={_QUOTED}")
_PROC = re.compile(rf" ProcID=(\d+) (\w+)->(\w+) Reason={_QUOTED}")
_METRIC = re.compile(rf" Name={_QUOTED} Value=Value{{Uint64\((\d+)\)}}")
_RANGE = re.compile(rf" Name={_QUOTED} Scope=(\w+)(?:\((-?\d+)\))?")
_TASK = re.compile(rf" ID=(\d+) Parent=(\d+) Type={_QUOTED}")
_REGION = re.compile(rf" Task=(\d+) Type={_QUOTED}")
_LOG = re.compile(rf" Task=(\d+) Category={_QUOTED} Message={_QUOTED}")
_LABEL = re.compile(rf" Label={_QUOTED} Resource=")
_SYNC = re.compile(r" N=(\d+)(?: Trace=(-?\d+) Mono=(\d+) Wall=(\S+))?")
_ESCAPE = re.compile(r"\\(x[0-9a-f]{2}|u[0-9a-f]{4}|U[0-9a-f]{8}|.)")
_ESCAPED = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v", "\\": "\\", '"': '"'}

EV = {name.removeprefix("EV_"): number for name, number in LAYOUT.items() if name.startswith("EV_")}
_STATUS = {
    "Runnable": LAYOUT["RUNNABLE"],
    "Running": LAYOUT["RUNNING"],
    "Syscall": LAYOUT["SYSCALL"],
    "Waiting": LAYOUT["WAITING"],
}
_TRANSITIONS = {
    ("NotExist", "Runnable"): EV["GO_CREATE"],
    ("NotExist", "Waiting"): EV["GO_CREATE_BLOCKED"],
    ("NotExist", "Syscall"): EV["GO_CREATE_SYSCALL"],
    ("Runnable", "Running"): EV["GO_START"],
    ("Running", "Runnable"): EV["GO_STOP"],
    ("Running", "Waiting"): EV["GO_BLOCK"],
    ("Running", "Syscall"): EV["GO_SYSCALL_BEGIN"],
    ("Syscall", "Running"): EV["GO_SYSCALL_END"],
    ("Syscall", "Runnable"): EV["GO_SYSCALL_END_BLOCKED"],
    ("Running", "NotExist"): EV["GO_DESTROY"],
    ("Syscall", "NotExist"): EV["GO_DESTROY_SYSCALL"],
    ("Waiting", "Runnable"): EV["GO_UNBLOCK"],
}
_METRICS = {name: number for number, name in spec.METRIC_NAMES.items()}
_RANGES = {name: number for number, name in spec.RANGE_NAMES.items() if "{" not in name}
_STW = re.compile(r"stop-the-world \((.*)\)$", re.DOTALL)
_RANGES_ACTIVE = {
    EV["GC_BEGIN"]: EV["GC_ACTIVE"],
    EV["SWEEP_BEGIN"]: EV["SWEEP_ACTIVE"],
    EV["ASSIST_BEGIN"]: EV["ASSIST_ACTIVE"],
}
_RANGE_ENDS = {
    EV["STW_BEGIN"]: EV["STW_END"],
    EV["GC_BEGIN"]: EV["GC_END"],
    EV["SWEEP_BEGIN"]: EV["SWEEP_END"],
    EV["ASSIST_BEGIN"]: EV["ASSIST_END"],
}


@dataclass(slots=True)
class _Printed:
    """One event as printed: its first line taken apart, and its stacks as indexes."""

    offset: int
    thread: int
    proc: int
    g: int
    kind: str
    time: int
    details: str
    transition_stack: int = 0
    stack: int = 0

    def match(self, pattern: re.Pattern[str]) -> re.Match[str]:
        """The details taken apart. Raises DamageError."""
        found = pattern.match(self.details)
        if found is None:
            raise DamageError(self.offset, f"a {self.kind} event that says {self.details[:80]!r}")
        return found


def parse(source: Source, options: Options) -> Iterator[Item]:
    """The capture's items. Raises ParseError if not one event can be read."""
    yield from _Text(source, options).items()


class _Text:
    def __init__(self, source: Source, options: Options) -> None:
        self._source = source
        self._assembly = Assembly(options)
        self._names = self._assembly.names
        self._scheduler = self._assembly.scheduler
        self._rows: list[tuple[int, ...]] = []
        self._shift_ns = 0  # keeps times positive
        self._threads: dict[int, int] = {}
        self._experiments = 0
        self._is_first = True
        self._last_kind = ""

    def items(self) -> Iterator[Item]:
        damage: DamageError | None = None
        try:
            with self._source.open() as stream:
                for event in self._events(stream):
                    if event.kind == "Sync" or len(self._rows) >= ROWS:
                        yield from self._follow()
                    self._take(event)
                    self._last_kind = event.kind
        except DamageError as error:
            damage = salvaged(error, self._source.path, has_events=bool(self._last_kind))
        if damage is None and self._last_kind != "Sync":
            damage = DamageError(self._source.size_bytes, "the text ends before the trace does")
        yield from self._follow()
        if self._experiments:
            fact = f"{self._experiments} heap events are left out: their types are not in the text"
            yield Issue("info", "input", "byte 0", fact)
        yield from self._assembly.end(damage, is_synced=True)

    # ---- lines to events ---------------------------------------------------

    def _events(self, stream: BinaryIO) -> Iterator[_Printed]:
        event: _Printed | None = None
        frames: list[tuple[int, int, int, int]] = []
        target = ""
        half: tuple[str, int] | None = None
        offset = 0
        while raw := stream.readline(MAX_LINE_BYTES):
            at, offset = offset, offset + len(raw)
            line = raw.decode("utf-8", "replace").rstrip("\n")
            if line.startswith("M="):
                if event is not None:
                    yield self._with_stack(event, target, frames)
                event, frames, target = self._first_line(line, at), [], ""
            elif event is None or (half is not None and not line.startswith("\t\t")):
                raise DamageError(at, f"no event, and no part of one: {line[:80]!r}")
            elif line in ("TransitionStack=", "Stack="):
                self._with_stack(event, target, frames)
                frames, target = [], line
            elif half is not None:
                place = _PLACE.match(line)
                if place is None or len(frames) >= MAX_FRAMES:
                    raise DamageError(at, f"no place of a frame: {line[:80]!r}")
                function, pc = half
                texts = [self._names.add_string(text.encode()) for text in (function, place[1])]
                frames.append((pc, texts[0], texts[1], int(place[2]) & (1 << 62) - 1))
                half = None
            elif (frame := _FRAME.match(line)) and target:
                half = (frame[1], int(frame[2], 16) & (1 << 64) - 1)
            elif line:
                raise DamageError(at, f"no event, and no part of one: {line[:80]!r}")
        if event is not None:
            if half is not None:
                raise DamageError(offset, "the text ends inside a stack")
            yield self._with_stack(event, target, frames)

    @staticmethod
    def _first_line(line: str, at: int) -> _Printed:
        found = _EVENT.match(line)
        if found is None or len(line) > MAX_LINE_BYTES // 2:
            raise DamageError(at, f"no event: {line[:80]!r}")
        numbers = [int(found[i]) for i in (1, 2, 3, 5)]
        if any(abs(number) >> 62 for number in numbers):
            raise DamageError(at, "a number beyond 62 bits")
        thread, proc, g, time = numbers
        return _Printed(at, thread, proc, g, found[4], time, found[6])

    def _with_stack(self, event: _Printed, target: str, frames: list[tuple[int, int, int, int]]) -> _Printed:
        if target == "TransitionStack=":
            event.transition_stack = self._names.add_stack(frames)
        elif target == "Stack=":
            event.stack = self._names.add_stack(frames)
        return event

    # ---- events to rows ----------------------------------------------------

    def _take(self, event: _Printed) -> None:
        kind = event.kind
        if self._is_first and kind != "Sync":
            raise DamageError(event.offset, "the first event is no Sync")
        self._is_first = False
        if kind == "Sync":
            self._sync(event)
        elif kind == "StateTransition":
            self._transition(event)
        elif kind.startswith("Range"):
            self._range(event)
        elif kind == "Experimental":
            self._experiments += 1
        else:
            self._other(event)

    def _record(self, event: _Printed, kind: int, *args: int | str) -> None:
        """One more row; strings become indexes."""
        numbers = [self._names.add_string(a.encode()) if isinstance(a, str) else signed(a) for a in args]
        a0, a1, a2 = (*numbers, 0, 0, 0)[:3]
        time = event.time + self._shift_ns
        self._rows.append((kind, time, event.thread, event.proc, event.g, a0, a1, a2, 0, event.stack))

    def _follow(self) -> Iterator[Batch]:
        """Hand on the rows so far."""
        rows, self._rows = self._rows, []
        if rows:
            yield from self._assembly.batches(self._scheduler.follow(np.array(rows, np.int64), len(rows)))

    def _sync(self, event: _Printed) -> None:
        found = event.match(_SYNC)
        snapshot = None
        if found[2]:
            snapshot = (int(found[2]), int(found[3]), _unix_ns(found[4], event.offset))
        if not self._last_kind:
            self._shift_ns = max(0, 1 - event.time)
        self._scheduler.sync(event.time + self._shift_ns, sync_text(int(found[1]), snapshot))
        if snapshot is not None and self._assembly.started_at_ns is None:
            since_start = snapshot[0] + self._shift_ns - self._scheduler.base_ns
            self._assembly.started_at_ns = snapshot[2] - since_start

    def _transition(self, event: _Printed) -> None:
        if event.details.startswith(" ProcID="):
            found = event.match(_PROC)
            if found[3] == "Running":
                self._threads[int(found[1])] = event.thread
            status = 1 if found[3] == "Running" else 2
            self._record(event, EV["PROC_STATUS"], int(found[1]), status, 0)
            return
        found = event.match(_GO)
        g, old, new, reason = int(found[1]), found[2], found[3], unquote(found[4])
        if old in ("Undetermined", new):
            if new not in _STATUS:
                raise DamageError(event.offset, f"a goroutine in state {new}")
            if self._threads.get(event.proc) != event.thread:
                event.proc = -1  # whoever wrote it runs there, not this goroutine
            self._record(event, EV["GO_STATUS"], g, -1, _STATUS[new], 0)
            return
        kind = _TRANSITIONS.get((old, new))
        if kind is None:
            raise DamageError(event.offset, f"a goroutine goes from {old} to {new}")
        if kind in (EV["GO_CREATE"], EV["GO_CREATE_BLOCKED"]):
            self._record(event, kind, g, event.transition_stack)
        elif kind in (EV["GO_STOP"], EV["GO_BLOCK"]):
            self._record(event, kind, reason)
        elif kind in (EV["GO_START"], EV["GO_UNBLOCK"], EV["GO_CREATE_SYSCALL"]):
            self._record(event, kind, g, 0)
        else:
            self._record(event, kind)

    def _range(self, event: _Printed) -> None:
        found = event.match(_RANGE)
        name, number = unquote(found[1]), int(found[3] or -1)
        stopped = _STW.match(name)
        kind = EV["STW_BEGIN"] if stopped else _RANGES.get(name)
        if kind is None:
            raise DamageError(event.offset, f"an unknown range {name[:80]!r}")
        args: tuple[int | str, ...] = (stopped[1],) if stopped else (0, 0)
        if event.kind == "RangeActive":
            event.proc = number if found[2] == "Proc" else event.proc
            event.g = number if found[2] == "Goroutine" else event.g
            if kind not in _RANGES_ACTIVE:
                raise DamageError(event.offset, f"a range that can't be active before: {name[:80]!r}")
            self._record(event, _RANGES_ACTIVE[kind], number)
        else:
            self._record(event, kind if event.kind == "RangeBegin" else _RANGE_ENDS[kind], *args)

    def _other(self, event: _Printed) -> None:
        kind = event.kind
        if kind == "Metric":
            found = event.match(_METRIC)
            if found[1] not in _METRICS:
                raise DamageError(event.offset, f"an unknown metric {found[1][:80]!r}")
            self._record(event, _METRICS[found[1]], int(found[2]) & (1 << 64) - 1)
        elif kind in ("TaskBegin", "TaskEnd"):
            found = event.match(_TASK)
            task, parent = (int(found[i]) & (1 << 64) - 1 for i in (1, 2))
            number = EV["TASK_BEGIN"] if kind == "TaskBegin" else EV["TASK_END"]
            self._record(event, number, task, parent, unquote(found[3]))
        elif kind in ("RegionBegin", "RegionEnd"):
            found = event.match(_REGION)
            number = EV["REGION_BEGIN"] if kind == "RegionBegin" else EV["REGION_END"]
            self._record(event, number, int(found[1]) & (1 << 64) - 1, unquote(found[2]))
        elif kind == "Log":
            found = event.match(_LOG)
            self._record(
                event, EV["LOG"], int(found[1]) & (1 << 64) - 1, unquote(found[2]), unquote(found[3])
            )
        elif kind == "Label":
            self._record(event, EV["GO_LABEL"], unquote(event.match(_LABEL)[1]))
        elif kind == "StackSample":
            self._record(event, EV["CPU_SAMPLE"])
        else:
            raise DamageError(event.offset, f"an unknown kind of event {kind[:80]!r}")


def unquote(text: str) -> str:
    """What Go's %q quoted, without its quotes; bytes that are no UTF-8 as from the trace itself."""
    if "\\" not in text:
        return text
    parts: list[bytes] = []
    end = 0
    for escape in _ESCAPE.finditer(text):
        parts.append(text[end : escape.start()].encode())
        code = escape[1]
        if len(code) == 1:
            parts.append(_ESCAPED.get(code, code).encode())
        elif code[0] == "x":
            parts.append(bytes([int(code[1:], 16)]))
        else:
            parts.append(chr(min(int(code[1:], 16), 0x10FFFF)).encode("utf-8", "replace"))
        end = escape.end()
    parts.append(text[end:].encode())
    return b"".join(parts).decode("utf-8", "replace")


def _unix_ns(text: str, offset: int) -> int:
    """RFC 3339 with nanoseconds → Unix time in ns."""
    found = re.fullmatch(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(Z|[+-]\d\d:\d\d)", text)
    try:
        assert found is not None
        moment = datetime.datetime.fromisoformat(found[1] + found[3].replace("Z", "+00:00"))
    except (AssertionError, ValueError):
        raise DamageError(offset, f"no time: {text[:80]!r}") from None
    return int(moment.timestamp()) * 1_000_000_000 + int((found[2] or "").ljust(9, "0"))
