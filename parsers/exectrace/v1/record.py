"""Converted events → the state machine's output rows, which ``tables`` shapes.

The order is settled and checked by now, so this only follows goroutines, ranges,
tasks and regions, with the same rows and codes as the kernel of version 2.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from parsers.exectrace import spec
from parsers.exectrace.buffers import Block
from parsers.exectrace.order import EVENT_COLUMNS, INTERVAL_COLUMNS, Output
from parsers.exectrace.v1 import convert as to
from parsers.kernels.layout import LAYOUT

if TYPE_CHECKING:
    from collections.abc import Iterator

    from parsers.exectrace.names import Names
    from parsers.exectrace.v1.convert import Converted

ROWS = 1 << 16
_KIND_G, _KIND_P = LAYOUT["KIND_G"], LAYOUT["KIND_P"]
_METRICS = frozenset({to.PROCS_CHANGE, to.HEAP_ALLOC, to.HEAP_GOAL})
# Goroutine events that end or begin a stay on the event's own goroutine: the state after.
_MOVES = {
    to.GO_START: to.RUNNING, to.GO_STOP: to.RUNNABLE, to.GO_BLOCK: to.WAITING, to.SYSCALL_BEGIN: to.SYSCALL,
    to.SYSCALL_END: to.RUNNING, to.SYSCALL_END_BLOCKED: to.RUNNABLE,
}  # fmt: skip

_ACTIVE = {to.GC_BEGIN: 28, to.SWEEP_BEGIN: 31, to.ASSIST_BEGIN: 34, to.STW_BEGIN: 34}
# Goroutine events that are about another one, or about its whole life.
_LIVES = frozenset({
    to.GO_CREATE, to.GO_CREATE_BLOCKED, to.GO_CREATE_SYSCALL, to.GO_STATUS, to.GO_UNBLOCK, to.GO_DESTROY,
    to.GO_DESTROY_SYSCALL,
})  # fmt: skip


@dataclass(slots=True)
class _Goroutine:
    state: int
    start: int
    complete: int = 1
    reason: int = -1
    stack: int = 0
    proc: int = -1
    thread: int = -1
    name: int = 0
    created: int = -1
    parent: int = -1
    birth: int = 0
    regions: list[tuple[int, int, int, int]] = field(default_factory=list)
    outer: int = 0


class Recorder:
    """Takes events in order; outputs() gives the rows when enough have come."""

    def __init__(self, names: Names, stacks: dict[int, int], *, is_raw: bool) -> None:
        """stacks: the trace's stack ids → indexes of names; 0 → 0."""
        self._names = names
        self._stacks = stacks
        self._is_raw = is_raw
        self._last = -2
        self._base = 0
        self._words: dict[str, int] = {}
        self._gs: dict[int, _Goroutine] = {}
        # Open ranges: (kind, scope kind, scope id) → (start, stack, name, complete)
        self._ranges: dict[tuple[int, int, int], tuple[int, int, int, int]] = {}
        self._tasks: dict[int, tuple[int, int, int, int, int]] = {}
        self._intervals: list[tuple[int, ...]] = []
        self._events: list[tuple[int, ...]] = []
        self._side: list[tuple[int, ...]] = []

    @property
    def now_ns(self) -> int:
        """Time of the last event since the first."""
        return self._last - self._base

    @property
    def base_ns(self) -> int:
        """Time zero on the trace's clock."""
        return self._base

    def words(self) -> list[str]:
        """The reasons met so far."""
        return list(self._words)

    def sync(self, time: int, text: int) -> None:
        """A synchronisation point; the first is time zero."""
        if self._last == -2:
            self._base, self._last = time, time - 1
        self._emit(spec.SYNC, self._stamp(time), -1, -1, -1, (text,), 0)

    def is_full(self) -> bool:
        """Whether take() is due."""
        return max(len(self._intervals), len(self._events), len(self._side)) >= ROWS

    def take(self) -> Output:
        """The rows so far."""
        intervals = _fill(INTERVAL_COLUMNS, self._intervals)
        events = (_fill(EVENT_COLUMNS, self._events), len(self._events)) if self._is_raw else None
        side = np.array(self._side, np.int64).reshape(-1, LAYOUT["S_WIDTH"])
        output = Output((intervals, len(self._intervals)), events, side)
        self._intervals, self._events, self._side = [], [], []
        return output

    def event(self, event: Converted) -> None:
        """Take the next event."""
        ts = self._stamp(event.time)
        stack = self._stacks.get(event.stack, 0)
        args = [self._names.add_string(a.encode()) if isinstance(a, str) else _signed(a) for a in event.args]
        if event.kind in (to.GO_CREATE, to.GO_CREATE_BLOCKED):
            args[1] = self._stacks.get(args[1] & 0xFFFFFFFF, 0)
        self._emit(event.kind, ts, event.thread, event.proc, event.g, tuple(args), stack)
        kind = event.kind
        if kind in _MOVES:
            g = args[0] if kind == to.GO_START else event.g
            reason = self._word(str(event.args[0])) if kind in (to.GO_STOP, to.GO_BLOCK) else -1
            self._move(g, _MOVES[kind], ts, event, reason, stack)
        elif kind in _LIVES:
            self._appear_or_end(event, args, ts, stack)
        elif kind in _METRICS:
            self._side.append((LAYOUT["SIDE_METRIC"], kind, ts, args[0], 0, 0, 0, 0, 0))
        elif kind == to.CPU_SAMPLE:
            row = (LAYOUT["SIDE_SAMPLE"], ts, event.thread, event.proc, event.g, stack, 0, 0, 0)
            self._side.append(row)
        elif kind in (to.REGION_BEGIN, to.REGION_END):
            self._region(event, args, ts, stack)
        elif kind in (to.TASK_BEGIN, to.TASK_END):
            self._task(event, args, ts, stack)
        elif kind == to.LOG:
            self._side.append((LAYOUT["SIDE_LOG"], ts, event.g, *args[:3], stack, 0, 0))
        else:
            self._range(event, args, ts, stack)

    def finish(self) -> Iterator[Output]:
        """End what is open; the capture's last rows."""
        ts = self.now_ns
        for number, goroutine in self._gs.items():
            self._end(number, goroutine, ts, is_end=False)
        for (kind, scope, number), (start, stack, name, _) in self._ranges.items():
            row = (LAYOUT["SIDE_RANGE"], kind, name, scope, number, start, ts - start, stack, 0)
            self._side.append(row)
        for task, (name, parent, start, g, stack) in self._tasks.items():
            self._side.append((LAYOUT["SIDE_TASK"], task, name, parent, start, ts - start, g, stack, 0))
        yield self.take()

    def _stamp(self, time: int) -> int:
        self._last = max(time, self._last + 1)
        return self._last - self._base

    def _word(self, text: str) -> int:
        return self._words.setdefault(text, len(self._words)) if text else -1

    def _emit(
        self, kind: int, ts: int, thread: int, proc: int, g: int, args: tuple[int, ...], stack: int
    ) -> None:
        if self._is_raw:
            four = (*args, 0, 0, 0, 0)[:4]
            self._events.append((kind, ts, thread, proc, g, *four, stack))

    def _close(
        self, number: int, g: _Goroutine, ts: int, complete: int, waker: int, waker_stack: int
    ) -> None:
        state, whole = g.state - 1, complete & g.complete
        self._intervals.append(
            (
                number,
                g.start,
                ts - g.start,
                state,
                g.reason,
                whole,
                g.stack,
                waker,
                waker_stack,
                g.proc,
                g.thread,
            )
        )

    def _move(self, number: int, state: int, ts: int, event: Converted, reason: int, stack: int) -> None:
        g = self._gs.get(number)
        if g is None:
            g = self._gs[number] = _Goroutine(state, ts, complete=0)
        else:
            wakes = event.kind == to.GO_UNBLOCK
            self._close(number, g, ts, 1, event.g if wakes else -1, stack if wakes else 0)
            g.complete = 1
        is_executing = state in (to.RUNNING, to.SYSCALL)
        g.state, g.start, g.reason, g.stack = state, ts, reason, stack
        g.proc = event.proc if is_executing else -1
        g.thread = event.thread if is_executing else -1
        if event.kind in (to.GO_STOP, to.GO_BLOCK, to.SYSCALL_BEGIN):
            g.name = g.name or stack

    def _appear_or_end(self, event: Converted, args: list[int], ts: int, stack: int) -> None:
        kind = event.kind
        is_end = kind in (to.GO_DESTROY, to.GO_DESTROY_SYSCALL)
        number = event.g if is_end else args[0]
        known = self._gs.get(number)
        if kind == to.GO_UNBLOCK:
            self._move(number, to.RUNNABLE, ts, event, -1, stack)
        elif is_end:
            if known is not None:
                self._end(number, known, ts, is_end=True)
                del self._gs[number]
        elif kind == to.GO_STATUS:
            if known is None:
                known = self._gs[number] = _Goroutine(args[2], 0, complete=0, stack=stack)
                if args[2] in (to.RUNNING, to.SYSCALL):
                    known.proc, known.thread = event.proc, event.thread
            known.name = known.name or stack
        elif kind == to.GO_CREATE_SYSCALL:
            self._gs[number] = _Goroutine(
                to.SYSCALL, ts, created=ts, parent=-1, proc=event.proc, thread=event.thread
            )
        else:
            state = to.WAITING if kind == to.GO_CREATE_BLOCKED else to.RUNNABLE
            born = _Goroutine(state, ts, stack=stack, name=args[1], created=ts)
            born.parent, born.birth = event.g, stack
            self._gs[number] = born

    def _end(self, number: int, g: _Goroutine, ts: int, *, is_end: bool) -> None:
        self._close(number, g, ts, int(is_end), -1, 0)
        while g.regions:
            task, name, start, stack = g.regions.pop()
            depth = len(g.regions)
            self._side.append((LAYOUT["SIDE_REGION"], number, task, name, start, ts - start, depth, stack, 0))
        ended = ts if is_end else -1
        self._side.append(
            (LAYOUT["SIDE_GOROUTINE"], number, g.created, ended, g.parent, g.birth, g.name, 0, 0)
        )

    def active(self, event: Converted) -> None:
        """A range that was there before, told again at a generation's start."""
        ts = self._stamp(event.time)
        number = {to.GC_BEGIN: -1, to.SWEEP_BEGIN: event.proc}.get(event.kind, event.g)
        scope = {to.GC_BEGIN: 0, to.SWEEP_BEGIN: _KIND_P}.get(event.kind, _KIND_G)
        self._emit(_ACTIVE[event.kind], ts, event.thread, event.proc, event.g, (number,), 0)
        self._ranges.setdefault((event.kind, scope, number), (0, 0, 0, 0))

    def _region(self, event: Converted, args: list[int], ts: int, stack: int) -> None:
        g = self._gs.setdefault(event.g, _Goroutine(to.RUNNING, ts, complete=0))
        if event.kind == to.REGION_BEGIN:
            g.regions.append((args[0], args[1], ts, stack))
            return
        if g.regions:
            task, name, start, stack = g.regions.pop()
            depth, whole = len(g.regions), 1
        else:
            g.outer -= 1
            (task, name), start, depth, whole = args[:2], 0, g.outer, 0
        self._side.append(
            (LAYOUT["SIDE_REGION"], event.g, task, name, start, ts - start, depth, stack, whole)
        )

    def _task(self, event: Converted, args: list[int], ts: int, stack: int) -> None:
        task, parent, name = args[:3]
        if event.kind == to.TASK_BEGIN:
            self._tasks[task] = (name, parent, ts, event.g, stack)
            return
        known = self._tasks.pop(task, None)
        begun = known if known is not None else (0, -1, 0, event.g, stack)
        name, parent, start, g, stack = begun
        mark = 1 if known is not None else 2
        self._side.append((LAYOUT["SIDE_TASK"], task, name, parent, start, ts - start, g, stack, mark))

    def _range(self, event: Converted, args: list[int], ts: int, stack: int) -> None:
        begins = {to.STW_END: to.STW_BEGIN, to.GC_END: to.GC_BEGIN, to.SWEEP_END: to.SWEEP_BEGIN}
        begins[to.ASSIST_END] = to.ASSIST_BEGIN
        kind = begins.get(event.kind, event.kind)
        if kind not in spec.RANGE_NAMES:
            return
        scope, number = {to.GC_BEGIN: (0, -1), to.SWEEP_BEGIN: (_KIND_P, event.proc)}.get(
            kind, (_KIND_G, event.g)
        )
        # The world is stopped once; another goroutine may start it again.
        key = (kind, scope, 0 if kind == to.STW_BEGIN else number)
        if event.kind == kind:
            self._ranges[key] = (ts, stack, args[0] if kind == to.STW_BEGIN else 0, 1)
            return
        start, stack, name, whole = self._ranges.pop(key, (0, 0, 0, 0))
        row = (LAYOUT["SIDE_RANGE"], kind, name, scope, number, start, ts - start, stack, whole)
        self._side.append(row)


def _fill(columns: dict[str, tuple[str, int]], rows: list[tuple[int, ...]]) -> Block:
    block = Block(max(len(rows), 1), columns)
    if rows:
        table = np.array(rows, np.int64)
        first = 0
        for name, (_, width) in columns.items():
            block.arrays[name][: len(rows) * width] = table[:, first : first + width].reshape(-1)
            first += width
    return block


def _signed(value: int) -> int:
    """64 bits as the signed number that columns hold."""
    return value - (1 << 64) if value >> 63 > 0 else value
