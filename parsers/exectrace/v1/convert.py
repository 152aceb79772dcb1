"""Version 1 events → those of version 2, as Go's reader converts them."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from parsers.exectrace.v1 import events as ev
from parsers.exectrace.v1.read import Event, Trace
from parsers.exectrace.wire import HEADER_BYTES, DamageError

if TYPE_CHECKING:
    from collections.abc import Iterator

# Version 2's numbers.
PROCS_CHANGE, PROC_START, PROC_STOP, PROC_STATUS, GO_CREATE = 9, 10, 11, 13, 14
GO_CREATE_SYSCALL, GO_DESTROY_SYSCALL, GO_CREATE_BLOCKED = 15, 18, 47
GO_START, GO_DESTROY, GO_STOP, GO_BLOCK, GO_UNBLOCK, SYSCALL_BEGIN, SYSCALL_END = 16, 17, 19, 20, 21, 22, 23
SYSCALL_END_BLOCKED, GO_STATUS, STW_BEGIN, STW_END, GC_BEGIN, GC_END = 24, 25, 26, 27, 29, 30
SWEEP_BEGIN, SWEEP_END, ASSIST_BEGIN, ASSIST_END, HEAP_ALLOC, HEAP_GOAL = 32, 33, 35, 36, 37, 38
GO_LABEL, TASK_BEGIN, TASK_END, REGION_BEGIN, REGION_END, LOG, CPU_SAMPLE = 39, 40, 41, 42, 43, 44, 7
RUNNABLE, RUNNING, SYSCALL, WAITING = 1, 2, 3, 4
P_RUNNING, P_IDLE = 1, 2
NONE = -1

_SAME = {
    ev.GC_START: GC_BEGIN, ev.GC_DONE: GC_END, ev.SWEEP_START: SWEEP_BEGIN, ev.SWEEP_DONE: SWEEP_END,
    ev.GO_END: GO_DESTROY, ev.GO_UNBLOCK: GO_UNBLOCK, ev.HEAP_ALLOC: HEAP_ALLOC, ev.HEAP_GOAL: HEAP_GOAL,
    ev.ASSIST_START: ASSIST_BEGIN, ev.ASSIST_DONE: ASSIST_END, ev.GOMAXPROCS: PROCS_CHANGE,
    ev.GO_SYS_EXIT: SYSCALL_END_BLOCKED, ev.GO_CREATE: GO_CREATE,
}  # fmt: skip
# Of those, the ones whose stack version 2 keeps.
_WITH_STACK = frozenset({GC_BEGIN, SWEEP_BEGIN, GO_UNBLOCK, ASSIST_BEGIN, PROCS_CHANGE, GO_CREATE})


class Converted(NamedTuple):
    """An event of version 2: its context, its arguments as ``spec`` shows them, strings as text."""

    kind: int
    time: int
    thread: int
    proc: int
    g: int
    args: tuple[int | str, ...] = ()
    stack: int = 0


class Converter:
    """Keeps what a conversion depends on; convert() yields the trace's events."""

    def __init__(self, trace: Trace, events: list[Event], version: int) -> None:
        self._trace = trace
        self._events = events
        self._version = version
        self._texts = {number: text.decode("utf-8", "replace") for number, text in trace.strings.items()}
        self._threads: dict[int, int] = {}
        self._procs: set[int] = set()
        # Goroutines from before the capture whose state nothing has told yet.
        self._created: dict[int, None] | None = {}
        self._tasks: dict[int, tuple[int, str]] = {}
        self._stw = ""

    def convert(self) -> Iterator[Converted]:
        """All events in order; times may tie. Raises DamageError."""
        blocks = _calls_that_block(self._events)
        for i, event in enumerate(self._events):
            if event.kind == ev.GO_SYS_CALL:
                yield from self._syscall(event, does_block=blocks[i])
            else:
                yield from self._convert(event)
            if event.kind == ev.PROC_STOP:
                self._threads.pop(event.proc, None)

    def _make(self, event: Event, kind: int, *args: int | str, stack: int = 0) -> Converted:
        thread = (
            NONE if event.kind == ev.CPU_SAMPLE or event.proc == -1 else self._threads.get(event.proc, NONE)
        )
        return Converted(kind, event.ts, thread, event.proc, event.g or NONE, args, stack)

    def _convert(self, event: Event) -> Iterator[Converted]:
        kind, args = event.kind, event.args
        if kind == ev.GOMAXPROCS and self._created is not None:
            for g in self._created:
                yield Converted(GO_STATUS, event.ts, NONE, NONE, NONE, (g, NONE, RUNNABLE, 0))
            self._created = None
        elif kind == ev.GO_CREATE and self._created is not None:
            self._created[args[0]] = None
        elif kind in (ev.PROC_START, ev.PROC_STOP):
            yield self._proc(event)
        elif kind in (ev.GO_START, ev.GO_START_LABEL, ev.GO_WAITING, ev.GO_IN_SYSCALL):
            yield from self._start_or_status(event)
        elif kind in _SAME:
            same = _SAME[kind]
            yield self._make(event, same, *args, stack=event.stack if same in _WITH_STACK else 0)
        elif kind in ev.BLOCKS or kind == ev.GO_STOP:
            yield self._make(event, GO_BLOCK, ev.BLOCKS.get(kind, "forever"), stack=event.stack)
        elif kind in (ev.GO_SCHED, ev.GO_PREEMPT):
            reason = "runtime.Gosched" if kind == ev.GO_SCHED else "preempted"
            yield self._make(event, GO_STOP, reason, stack=event.stack)
        elif kind in (ev.STW_START, ev.STW_DONE):
            if kind == ev.STW_START:
                self._stw = self._stw_kind(args[0])
            yield self._make(event, STW_BEGIN if kind == ev.STW_START else STW_END, self._stw)
        elif kind == ev.CPU_SAMPLE:
            yield self._make(event, CPU_SAMPLE, stack=event.stack)
        elif kind != ev.GO_SYS_BLOCK:
            yield self._annotation(event)

    def _proc(self, event: Event) -> Converted:
        starts = event.kind == ev.PROC_START
        if starts:
            self._threads[event.proc] = event.args[0]
        if event.proc in self._procs:
            return self._make(event, PROC_START if starts else PROC_STOP, event.proc, 0)
        self._procs.add(event.proc)
        return self._make(event, PROC_STATUS, event.proc, P_RUNNING if starts else P_IDLE, 0)

    def _start_or_status(self, event: Event) -> Iterator[Converted]:
        kind, g = event.kind, event.args[0]
        status = {ev.GO_WAITING: WAITING, ev.GO_IN_SYSCALL: SYSCALL}.get(kind)
        if kind == ev.GO_START and self._created is not None:
            status = RUNNING
        if status is not None:
            if self._created is not None:
                self._created.pop(g, None)
            yield self._make(event, GO_STATUS, g, NONE, status, 0)
            return
        started = self._make(event, GO_START, g, event.args[1])
        if kind == ev.GO_START_LABEL:
            started = started._replace(thread=self._threads.get(event.proc, 0), g=event.g)
        yield started
        if kind == ev.GO_START_LABEL:
            yield started._replace(kind=GO_LABEL, args=(self._text(event.args[2]),))

    def _syscall(self, event: Event, *, does_block: bool) -> Iterator[Converted]:
        begin = self._make(event, SYSCALL_BEGIN, 0, stack=event.stack)
        if does_block:
            yield begin
            return
        begin = begin._replace(thread=self._threads.get(event.proc, 0), g=event.g)
        yield begin
        yield begin._replace(kind=SYSCALL_END, time=event.ts + 1, args=(), stack=0)

    def _annotation(self, event: Event) -> Converted:
        kind, args = event.kind, event.args
        if kind == ev.TASK_CREATE:
            name = self._text(args[2])
            self._tasks[args[0]] = (args[1], name)
            return self._make(event, TASK_BEGIN, args[0], args[1] or NONE, name, stack=event.stack)
        if kind == ev.TASK_END:
            parent, name = self._tasks.pop(args[0], (NONE, ""))
            return self._make(event, TASK_END, args[0], parent, name, stack=event.stack)
        if kind == ev.USER_REGION:
            region = REGION_BEGIN if args[1] == 0 else REGION_END
            return self._make(event, region, args[0], self._text(args[2]), stack=event.stack)
        if kind == ev.USER_LOG:
            message = self._trace.messages[args[3]].decode("utf-8", "replace")
            return self._make(event, LOG, args[0], self._text(args[1]), message, stack=event.stack)
        raise DamageError(
            HEADER_BYTES, f"event type {ev.SPECS[kind].name} ({event.ts} ns) has no meaning here"
        )

    def _text(self, number: int) -> str:
        if number and number not in self._texts:
            raise DamageError(HEADER_BYTES, f"string {number} is not in the trace")
        return self._texts.get(number, "")

    def _stw_kind(self, number: int) -> str:
        if self._version < 21:
            return ev.STW_KINDS[number + 1] if number in (0, 1) else ""
        return ev.STW_KINDS[number] if number < len(ev.STW_KINDS) else ""


def _calls_that_block(events: list[Event]) -> list[bool]:
    """For each event, whether its goroutine's next one says that it blocks in a system call."""
    following: dict[int, int] = {}
    answers = [False] * len(events)
    for i in range(len(events) - 1, -1, -1):
        event = events[i]
        answers[i] = following.get(event.g) == ev.GO_SYS_BLOCK
        following[event.g] = event.kind
    return answers
