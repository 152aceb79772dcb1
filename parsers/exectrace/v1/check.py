"""Whether a version 1 trace's events make sense; what they imply of processors and stacks is filled in."""

from __future__ import annotations

from dataclasses import dataclass, field

from parsers.exectrace.v1 import events as ev
from parsers.exectrace.v1.read import DEAD, GC_P, NETPOLL_P, RUNNABLE, RUNNING, TIMER_P, WAITING, Event, Trace
from parsers.exectrace.wire import HEADER_BYTES, DamageError


@dataclass(slots=True)
class _Goroutine:
    state: int = DEAD
    waits_for: int = 0  # type of the event that made it wait
    regions: list[tuple[int, int]] = field(default_factory=list)


@dataclass(slots=True)
class _Proc:
    is_running: bool = False
    is_sweeping: bool = False
    g: int = 0


class _Checker:
    def __init__(self) -> None:
        self._gs: dict[int, _Goroutine] = {0: _Goroutine(RUNNING)}
        self._procs: dict[int, _Proc] = {}
        self._tasks: set[int] = set()
        self._is_gc = False
        self._is_stopped = False

    def check(self, event: Event) -> None:
        """Follow one event. Raises DamageError."""
        kind = event.kind
        proc = self._procs.setdefault(event.proc, _Proc())
        if kind in (ev.PROC_START, ev.PROC_STOP, ev.SWEEP_START, ev.SWEEP_DONE):
            self._proc_event(event, proc)
        elif kind in (ev.GC_START, ev.GC_DONE, ev.STW_START, ev.STW_DONE):
            self._gc_event(event)
        elif kind == ev.GO_UNBLOCK:
            self._unblock(event, proc)
        elif kind in (ev.TASK_CREATE, ev.TASK_END, ev.USER_REGION):
            self._annotation(event)
        else:
            self._goroutine_event(event, proc)

    def _g(self, number: int) -> _Goroutine:
        return self._gs.setdefault(number, _Goroutine())

    def _proc_event(self, event: Event, proc: _Proc) -> None:
        starts = event.kind in (ev.PROC_START, ev.SWEEP_START)
        if event.kind in (ev.SWEEP_START, ev.SWEEP_DONE):
            _demand(proc.is_sweeping != starts, event, "sweeping begins twice or ends without having begun")
            proc.is_sweeping = starts
            return
        _demand(proc.is_running != starts, event, "a processor starts or stops twice")
        _demand(starts or proc.g == 0, event, f"a processor stops while it runs goroutine {proc.g}")
        proc.is_running = starts

    def _gc_event(self, event: Event) -> None:
        starts = event.kind in (ev.GC_START, ev.STW_START)
        if event.kind in (ev.GC_START, ev.GC_DONE):
            _demand(self._is_gc != starts, event, "a GC cycle begins twice or ends without having begun")
            self._is_gc = starts
            if starts:
                event.proc = GC_P
        else:
            _demand(
                self._is_stopped != starts, event, "the world stops twice or starts without having stopped"
            )
            self._is_stopped = starts

    def _unblock(self, event: Event, proc: _Proc) -> None:
        _demand(
            self._g(event.g).state == RUNNING, event, f"goroutine {event.g} wakes another without running"
        )
        _demand(
            event.proc == TIMER_P or proc.g == event.g, event, f"goroutine {event.g} is on another processor"
        )
        other = self._g(event.args[0])
        _demand(other.state == WAITING, event, f"goroutine {event.args[0]} is woken but does not wait")
        if other.waits_for == ev.BLOCK_NET:
            event.proc = NETPOLL_P
        other.state, other.waits_for = RUNNABLE, event.kind

    def _annotation(self, event: Event) -> None:
        task, mode, name = event.args[:3]
        if event.kind == ev.TASK_CREATE:
            _demand(task not in self._tasks, event, f"task {task} begins twice")
            self._tasks.add(task)
        elif event.kind == ev.TASK_END:
            self._tasks.discard(task)
        else:
            regions = self._g(event.g).regions if event.g in self._gs else []
            _demand(mode in (0, 1), event, f"a region of mode {mode}")
            if mode == 0:
                self._regions(event.g).append((task, name))
            elif regions:
                _demand(regions.pop() == (task, name), event, "a region ends that is not the innermost one")

    def _regions(self, g: int) -> list[tuple[int, int]]:
        if g not in self._gs:
            self._gs[g] = _Goroutine()
        return self._gs[g].regions

    def _goroutine_event(self, event: Event, proc: _Proc) -> None:
        kind, g = event.kind, self._gs.get(event.g, _Goroutine())
        if kind in (ev.GO_WAITING, ev.GO_IN_SYSCALL):
            _demand(g.state == RUNNABLE, event, f"goroutine {event.g} is not runnable before its status")
            g.state, g.waits_for = WAITING, kind
        elif kind == ev.GO_CREATE:
            self._running(event, proc, g, may_be_0=True)
            _demand(event.args[0] not in self._gs, event, f"goroutine {event.args[0]} exists already")
            self._gs[event.args[0]] = _Goroutine(RUNNABLE)
        elif kind in (ev.GO_START, ev.GO_START_LABEL):
            _demand(g.state == RUNNABLE, event, f"goroutine {event.g} starts but is not runnable")
            _demand(proc.g == 0, event, f"goroutine {event.g} starts where goroutine {proc.g} runs")
            g.state, proc.g = RUNNING, event.g
        elif kind == ev.GO_SYS_CALL:
            self._running(event, proc, g)
            g.waits_for = kind
        elif kind == ev.GO_SYS_EXIT:
            _demand(g.state == WAITING, event, f"goroutine {event.g} leaves a system call it is not in")
            g.state = RUNNABLE
        elif kind in ev.STOPS:
            self._running(event, proc, g)
            proc.g = 0
            if kind in (ev.GO_END, ev.GO_STOP):
                g.state = DEAD
                if kind == ev.GO_END:
                    g.regions = []
            elif kind in (ev.GO_SCHED, ev.GO_PREEMPT):
                g.state = RUNNABLE
            else:
                g.state, g.waits_for = WAITING, g.waits_for if kind == ev.GO_SYS_BLOCK else kind

    @staticmethod
    def _running(event: Event, proc: _Proc, g: _Goroutine, *, may_be_0: bool = False) -> None:
        _demand(
            g.state == RUNNING and proc.g == event.g, event, f"goroutine {event.g} does not run where it acts"
        )
        _demand(may_be_0 or event.g != 0, event, "goroutine 0 acts")


def check(trace: Trace, events: list[Event]) -> None:
    """Follow all events; references to missing stacks become none. Raises DamageError."""
    checker = _Checker()
    created_with: dict[int, int] = {}
    for event in events:
        checker.check(event)
        if event.kind == ev.GO_CREATE:
            created_with[event.args[0]] = event.args[1]
        elif event.kind in (ev.GO_START, ev.GO_START_LABEL) and event.g in created_with:
            event.stack = created_with.pop(event.g) & 0xFFFFFFFF
        if event.stack not in trace.stacks:
            event.stack = 0


def _demand(holds: bool, event: Event, fact: str) -> None:
    if not holds:
        raise DamageError(HEADER_BYTES, f"{fact} ({event.ts} ns)")
