"""Bytes of a version 1 trace → its events in order, times in nanoseconds."""

from __future__ import annotations

import heapq
import itertools
from dataclasses import dataclass, field

from parsers.exectrace.v1 import events as ev
from parsers.exectrace.wire import HEADER_BYTES, DamageError

MAX_BYTES = 64 << 20
MAX_STRING = 1_000_000
MAX_ARGS_BYTES = 2048
MAX_FRAMES = 1000
MAX_PROCS = 4096
NO_PROC = (1 << 64) - 1
# Processors that are none; numbers as in Go's reader.
TIMER_P, NETPOLL_P, SYSCALL_P, GC_P, PROFILE_P = range(1_000_001, 1_000_006)

DEAD, RUNNABLE, RUNNING, WAITING = range(4)


@dataclass(slots=True)
class Event:
    """One event: ticks, later ns; type, processor, goroutine, arguments, stack."""

    ts: int
    kind: int
    proc: int
    g: int
    args: list[int]
    stack: int = 0


@dataclass(slots=True)
class Trace:
    """What a trace holds; frames: pc → (function, file, line) with string ids."""

    strings: dict[int, bytes] = field(default_factory=dict)
    messages: list[bytes] = field(default_factory=list)
    stacks: dict[int, list[int]] = field(default_factory=dict)
    frames: dict[int, tuple[int, int, int]] = field(default_factory=dict)
    timers: set[int] = field(default_factory=set)
    ticks_per_second: int = 0
    by_proc: dict[int, list[Event]] = field(default_factory=dict)
    samples: list[Event] = field(default_factory=list)


def read_events(content: bytes, version: int) -> tuple[Trace, list[Event]]:
    """All events of a file in order. Raises DamageError."""
    if len(content) > MAX_BYTES:
        raise DamageError(0, f"a trace of format 1.{version} above the cap of {MAX_BYTES} bytes")
    trace = _Decoder(content, version).decode()
    events = _merge(trace)
    for before, after in itertools.pairwise(events):
        if after.ts < before.ts:
            raise DamageError(len(content), "times contradict the order of events")
    _restore_exits(events, len(content))
    events.sort(key=lambda event: event.ts)
    if trace.ticks_per_second <= 0:
        raise DamageError(len(content), "the trace has no clock frequency")
    if events:
        start, ns_per_tick = events[0].ts, 1e9 / float(trace.ticks_per_second)
        for event in events:
            event.ts = int(float(event.ts - start) * ns_per_tick)
            if event.g in trace.timers and event.kind == ev.GO_UNBLOCK:
                event.proc = TIMER_P
            if event.kind == ev.GO_SYS_EXIT:
                event.proc = SYSCALL_P
    return trace, events


class _Decoder:
    """One pass over the bytes."""

    def __init__(self, content: bytes, version: int) -> None:
        self._content = content
        self._version = version
        self._at = HEADER_BYTES
        self._trace = Trace()
        self._proc = -1
        self._has_batch = False
        self._time = 0
        self._g = 0
        self._last_g: dict[int, int] = {}
        self._message_index: dict[bytes, int] = {}

    def decode(self) -> Trace:
        end = len(self._content)
        while self._at < end:
            at = self._at
            try:
                self._event(at)
            except IndexError:
                raise DamageError(at, "the file ends inside an event") from None
        return self._trace

    def _event(self, at: int) -> None:
        head = self._content[at]
        self._at = at + 1
        kind, count = head & 63, (head >> 6) + 1
        spec = ev.SPECS.get(kind)
        if spec is None or spec.since > self._version:
            raise DamageError(at, f"unknown event type {kind}")
        if kind == ev.STRING:
            self._string(at)
            return
        if kind == ev.BATCH:
            if count != 2:
                raise DamageError(at, "a batch with a wrong number of arguments")
            self._batch(at)
            return
        message = b""
        if count < 4:
            args = [self._varint() for _ in range(count)]
        else:
            args = self._long_args(at)
            if kind == ev.USER_LOG:
                message = self._bytes(self._varint(), at)
        if not self._has_batch:
            raise DamageError(at, "an event before the first batch")
        if kind != ev.STACK and len(args) != spec.count:
            raise DamageError(at, f"{spec.name} has {len(args)} arguments, not {spec.count}")
        self._apply(kind, spec, args, message, at)

    def _apply(self, kind: int, spec: ev.Spec, args: list[int], message: bytes, at: int) -> None:
        trace = self._trace
        if kind == ev.FREQUENCY:
            trace.ticks_per_second = args[0]
            if not 0 < args[0] < 1 << 63:
                raise DamageError(at, "a clock frequency of 0")
        elif kind == ev.TIMER_GOROUTINE:
            trace.timers.add(args[0])
        elif kind == ev.STACK:
            self._stack(args, at)
        elif kind == ev.CPU_SAMPLE:
            _, ts, proc, g, stack = args
            proc = proc & 0xFFFFFFFF
            proc -= (proc >> 31) << 32
            trace.samples.append(Event(ts, kind, proc, g, [0, proc, g, 0], stack & 0xFFFFFFFF))
        else:
            self._timed(kind, spec, args, message)

    def _timed(self, kind: int, spec: ev.Spec, args: list[int], message: bytes) -> None:
        self._time += args[0]
        if self._time >> 62:
            raise DamageError(self._at, "a time beyond 2^62 ticks")
        stack = args.pop() & 0xFFFFFFFF if spec.has_stack else 0
        event = Event(self._time, kind, self._proc, self._g, [*args[1:], 0, 0, 0, 0][:4], stack)
        if kind in (ev.GO_START, ev.GO_START_LOCAL, ev.GO_START_LABEL):
            event.g = self._g = event.args[0]
        elif kind in ev.STOPS:
            self._g = 0
        elif kind in (ev.GO_SYS_EXIT, ev.GO_WAITING, ev.GO_IN_SYSCALL):
            event.g = event.args[0]
        elif kind == ev.USER_LOG:
            index = self._message_index.setdefault(message, len(self._trace.messages))
            if index == len(self._trace.messages):
                self._trace.messages.append(message)
            event.args[3] = index
        self._trace.by_proc.setdefault(self._proc, []).append(event)

    def _batch(self, at: int) -> None:
        proc, time = self._varint(), self._varint()
        if proc != NO_PROC and proc > 0x7FFFFFFF:
            raise DamageError(at, f"processor id {proc} exceeds 31 bits")
        if time >> 62:
            raise DamageError(at, "a time beyond 2^62 ticks")
        self._last_g[self._proc] = self._g
        self._proc = -1 if proc == NO_PROC else proc
        self._g = self._last_g.get(self._proc, 0)
        self._time = time
        self._has_batch = True

    def _string(self, at: int) -> None:
        number, length = self._varint(), self._varint()
        if number == 0 or number in self._trace.strings:
            raise DamageError(at, f"string id {number} is 0 or defined twice")
        if not 0 < length <= MAX_STRING:
            raise DamageError(at, f"a string of {length} bytes")
        self._trace.strings[number] = self._bytes(length, at)

    def _stack(self, args: list[int], at: int) -> None:
        if len(args) < 2 or args[1] > MAX_FRAMES or len(args) != 2 + 4 * args[1]:
            raise DamageError(at, "a stack with a wrong number of frames")
        number = args[0] & 0xFFFFFFFF
        if number == 0 or args[1] == 0:
            return
        frames = [args[i : i + 4] for i in range(2, len(args), 4)]
        for pc, function, file, line in frames:
            self._trace.frames.setdefault(pc, (function, file, line))
        self._trace.stacks[number] = [frame[0] for frame in frames]

    def _long_args(self, at: int) -> list[int]:
        length = self._varint()
        end = self._at + length
        if length > MAX_ARGS_BYTES or end > len(self._content):
            raise DamageError(at, f"arguments of {length} bytes")
        args = []
        while self._at < end:
            args.append(self._varint())
        if self._at != end:
            raise DamageError(at, "arguments longer than they claim")
        return args

    def _bytes(self, length: int, at: int) -> bytes:
        end = self._at + length
        if length > MAX_STRING or end > len(self._content):
            raise DamageError(at, f"a string of {length} bytes, longer than allowed or than the file")
        content = self._content[self._at : end]
        self._at = end
        return content

    def _varint(self) -> int:
        value = shift = 0
        while True:
            byte = self._content[self._at]
            self._at += 1
            value |= (byte & 127) << shift
            if byte < 128:
                break
            shift += 7
            if shift > 63:
                raise DamageError(self._at, "an integer beyond 64 bits")
        if value >> 64:
            raise DamageError(self._at, "an integer beyond 64 bits")
        return value


# A goroutine's (sequence, state) that an event needs and leaves; None: any, or as it was.
_ANY, _NEXT = -1, -2


def _needs(event: Event) -> tuple[int | str | None, tuple[int, int], tuple[int, int]]:
    """Which goroutine an event depends on (None: none), its state before, its state after."""
    kind, args = event.kind, event.args
    if kind == ev.GO_CREATE:
        return args[0], (0, DEAD), (1, RUNNABLE)
    if kind in (ev.GO_WAITING, ev.GO_IN_SYSCALL):
        return event.g, (1, RUNNABLE), (2, WAITING)
    if kind in (ev.GO_START, ev.GO_START_LABEL):
        return event.g, (args[1], RUNNABLE), (args[1] + 1, RUNNING)
    if kind == ev.GO_START_LOCAL:
        return event.g, (_ANY, RUNNABLE), (_NEXT, RUNNING)
    if kind in ev.BLOCKS or kind == ev.GO_SYS_BLOCK:
        return event.g, (_ANY, RUNNING), (_ANY, WAITING)
    if kind in (ev.GO_SCHED, ev.GO_PREEMPT):
        return event.g, (_ANY, RUNNING), (_ANY, RUNNABLE)
    if kind in (ev.GO_UNBLOCK, ev.GO_SYS_EXIT):
        return args[0], (args[1], WAITING), (args[1] + 1, RUNNABLE)
    if kind in (ev.GO_UNBLOCK_LOCAL, ev.GO_SYS_EXIT_LOCAL):
        return args[0], (_ANY, WAITING), (_NEXT, RUNNABLE)
    if kind == ev.GC_START:
        return "gc", (args[0], DEAD), (args[0] + 1, DEAD)
    return None, (0, 0), (0, 0)


def _merge(trace: Trace) -> list[Event]:
    """Interleave the processors' events: always the earliest of those whose cause has happened."""
    if len(trace.by_proc) > MAX_PROCS:
        raise DamageError(HEADER_BYTES, f"more than {MAX_PROCS} processors")
    streams = [iter(events) for _, events in sorted(trace.by_proc.items())]
    trace.samples.sort(key=lambda event: event.ts)
    streams.append(iter(trace.samples))
    heads: list[tuple[int, Event | None]] = [(i, next(stream, None)) for i, stream in enumerate(streams)]
    waiting = [(i, event) for i, event in heads if event is not None]
    states: dict[int | str, tuple[int, int]] = {}
    ready: list[tuple[int, int, Event]] = []
    merged: list[Event] = []
    while True:
        blocked = []
        for i, event in waiting:
            g, before, _ = _needs(event)
            if g is None or _is_ready(states.get(g, (0, DEAD)), before):
                heapq.heappush(ready, (event.ts, i, event))
            else:
                blocked.append((i, event))
        waiting = blocked
        if not ready:
            break
        _, i, event = heapq.heappop(ready)
        g, before, after = _needs(event)
        if g is not None:
            now = states.get(g, (0, DEAD))
            if not _is_ready(now, before):
                raise DamageError(HEADER_BYTES, f"goroutine {g} is on two processors at once")
            sequence = {_ANY: now[0], _NEXT: now[0] + 1}.get(after[0], after[0])
            states[g] = (sequence, after[1])
        event.kind = ev.WITHOUT_LOCAL.get(event.kind, event.kind)
        merged.append(event)
        following = next(streams[i], None)
        if following is not None:
            waiting.append((i, following))
    if waiting:
        raise DamageError(HEADER_BYTES, "no order of events is possible: some are missing")
    return merged


def _is_ready(now: tuple[int, int], before: tuple[int, int]) -> bool:
    return before[1] == now[1] and before[0] in (_ANY, now[0])


def _restore_exits(events: list[Event], size: int) -> None:
    """Give ends of blocked system calls their true time, which was taken long before they were written."""
    blocked: dict[int, int] = {}
    for event in events:
        if event.kind in (ev.GO_SYS_BLOCK, ev.GO_IN_SYSCALL):
            blocked[event.g] = event.ts
        elif event.kind == ev.GO_SYS_EXIT and event.args[2]:
            since = blocked.get(event.g, 0)
            if not since or event.args[2] < since:
                raise DamageError(size, f"goroutine {event.g} leaves a system call before it entered")
            event.ts = event.args[2]
