"""The events of a version 1 trace → rows of settled events, in order and checked."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tracemill.parsers.exectrace.damage import DamageError
from tracemill.parsers.exectrace.names import id_map
from tracemill.parsers.exectrace.v1 import events as ev
from tracemill.parsers.exectrace.v1.events import V1
from tracemill.parsers.exectrace.wire import HEADER_BYTES, MAX_TIME
from tracemill.parsers.kernels.layout import LAYOUT

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from tracemill.parsers.exectrace.names import Names
    from tracemill.parsers.exectrace.v1.decode import Decoder

ROWS = 1 << 15
# How often a processor's next event may be tried in vain, before hostile input takes hours.
ATTEMPTS_PER_EVENT = 128
# Ids of the processors that are none, as in Go's reader.
SPECIAL_PROCS = range(1_000_001, 1_000_005)
# The first event's time: the synchronisation before it is at 1, as 0 means unset.
FIRST_NS = 2

_ERRORS = {
    "V1_E_TWICE": "goroutine {id} is on two processors at once",
    "V1_E_STUCK": "no order of events is possible: some are missing",
    "V1_E_PATIENCE": "the processors' events contradict each other so often that ordering them would not end",
    "V1_E_EXIT": "goroutine {id} leaves a system call before it entered",
    "V1_E_SWEEP": "sweeping begins twice or ends without having begun",
    "V1_E_PROC": "a processor starts or stops twice",
    "V1_E_PROC_BUSY": "a processor stops while it runs goroutine {id}",
    "V1_E_GC": "a GC cycle begins twice or ends without having begun",
    "V1_E_STW": "the world stops twice or starts without having stopped",
    "V1_E_WAKER": "goroutine {id} wakes another without running",
    "V1_E_OTHER_PROC": "goroutine {id} is on another processor",
    "V1_E_WOKEN": "goroutine {id} is woken but does not wait",
    "V1_E_REGION_MODE": "a region of goroutine {id} neither begins nor ends",
    "V1_E_STATUS": "goroutine {id} is not runnable before its status",
    "V1_E_EXISTS": "goroutine {id} exists already",
    "V1_E_START": "goroutine {id} starts but is not runnable",
    "V1_E_START_BUSY": "a goroutine starts where goroutine {id} runs",
    "V1_E_SYS_EXIT": "goroutine {id} leaves a system call it is not in",
    "V1_E_RUNNING": "goroutine {id} does not run where it acts",
    "V1_E_G0": "goroutine 0 acts",
    "V1_E_MEANING": "event type {id} has no meaning here",
}
_MESSAGES = {V1[name]: text for name, text in _ERRORS.items()}


class Settler:
    """Orders and converts what a decoder read."""

    def __init__(self, decoder: Decoder, version: int, names: Names) -> None:
        self._decoder = decoder
        self._version = version
        self._names = names
        self._trace = decoder.trace
        self._columns = decoder.columns
        self._goroutines = len(decoder.g_id)

    def rows(self) -> Iterator[tuple[NDArray[np.int64], int]]:
        """Rows as ``Scheduler.follow`` takes them and how many; the array is used again. Or DamageError."""
        procs = self._merge()
        self._columns = {name: column[: self._trace.n] for name, column in self._columns.items()}
        self._settle_times()
        self._name()
        yield from self._convert(procs)

    def _fail(self, status: int) -> None:
        """Raises DamageError for a status that is an error."""
        if status < 0:
            trace = self._trace
            place = f" ({trace.error_ts - FIRST_NS} ns)" if trace.error_ts >= 0 else ""
            raise DamageError(HEADER_BYTES, _MESSAGES[status].format(id=trace.error_id) + place)

    def _merge(self) -> NDArray[np.int64]:
        """Put the events in order; the processors' ids by rank, which replaces them in the events."""
        trace, columns = self._trace, self._columns
        timed = trace.n
        procs, ranks = np.unique(columns["proc_of"][:timed], return_inverse=True)
        columns["proc_of"][:timed] = ranks.reshape(-1)
        for time, proc, g, stack in sorted(self._decoder.samples, key=lambda sample: sample[0]):
            trace.add(time, V1["V1_CPU_SAMPLE"], 0, g, proc, 0, 0, stack)
        index = np.arange(trace.n, dtype=np.int32)
        index[:timed] = np.argsort(columns["proc_of"][:timed], kind="stable")
        streams = len(procs) + 1  # the last one is the samples
        stops = np.append(np.cumsum(np.bincount(ranks.reshape(-1), minlength=len(procs))), trace.n)
        heads = np.concatenate([[0], stops[:-1]]).astype(np.int64)
        waiting = np.zeros(streams, np.int64)
        filled = np.flatnonzero(heads < stops)
        waiting[: len(filled)] = filled
        trace.index, trace.head, trace.stop = index.data, heads.data, stops.astype(np.int64).data
        trace.waiting, trace.waiting_n = waiting.data, len(filled)
        trace.heap = np.zeros(streams, np.int64).data
        self._order = np.empty(trace.n, np.int32)
        trace.merged = self._order.data
        trace.sequence = np.zeros(self._goroutines, np.int64).data
        trace.state = np.zeros(self._goroutines, np.uint8).data
        trace.attempts_max = (1 << 26) + ATTEMPTS_PER_EVENT * trace.n
        self._fail(trace.merge())
        return procs.astype(np.int64)

    def _settle_times(self) -> None:
        """True times of blocked system calls' ends, then the order by time, in nanoseconds."""
        trace, columns = self._trace, self._columns
        times = columns["ts"]
        merged = times[self._order]
        if np.any(merged[1:] < merged[:-1]):
            raise DamageError(HEADER_BYTES, "times contradict the order of events")
        trace.mark_of = np.zeros(self._goroutines, np.int64).data
        self._fail(trace.restore_exits())
        self._order[:] = self._order[np.argsort(times[self._order], kind="stable")]
        ticks_per_second = self._decoder.ticks_per_second
        if ticks_per_second <= 0:
            raise DamageError(HEADER_BYTES, "the trace has no clock frequency")
        times -= times[self._order[0]]
        ns = times.astype(np.float64) * (1e9 / float(ticks_per_second))
        if not ns.max() < MAX_TIME:
            raise DamageError(HEADER_BYTES, "a time beyond 2^62 ns")
        times[:] = ns.astype(np.int64) + FIRST_NS
        trace.mark_of = np.zeros(self._goroutines, np.int64).data
        trace.mark_blocking_calls()

    def _name(self) -> None:
        """Ids of strings and stacks → indexes of names; stacks that are missing are none."""
        columns, decoder = self._columns, self._decoder
        stacks = {
            number: self._names.add_stack(list(self._frames(pcs))) for number, pcs in decoder.stacks.items()
        }
        stack_map = id_map(
            np.fromiter(stacks, np.int64, len(stacks)), np.fromiter(stacks.values(), np.int64, len(stacks))
        )
        columns["stack"][:] = np.maximum(stack_map.get(columns["stack"].astype(np.int64)), 0)
        kind = columns["kind"]
        created = kind == V1["V1_GO_CREATE"]
        numbers = columns["a1"][created] & 0xFFFFFFFF
        columns["a1"][created] = np.maximum(stack_map.get(numbers), 0)
        by_event = {"GO_START_LABEL": "a2", "TASK_CREATE": "a2", "USER_REGION": "a2", "USER_LOG": "a1"}
        for event, column in by_event.items():
            chosen = kind == V1[f"V1_{event}"]
            columns[column][chosen] = [self._string(number) for number in columns[column][chosen].tolist()]

    def _string(self, number: int) -> int:
        index = self._decoder.strings.get(number & (1 << 64) - 1)
        if index is None:
            raise DamageError(HEADER_BYTES, f"string {number & (1 << 64) - 1} is not in the trace")
        return index

    def _frames(self, pcs: list[int]) -> Iterator[tuple[int, int, int, int]]:
        """A stack's frames; their strings that are missing are empty."""
        strings = self._decoder.strings
        for pc in pcs:
            function, file, line = self._decoder.frames[pc]
            yield pc, strings.get(function, 0), strings.get(file, 0), line & (1 << 62) - 1

    def _convert(self, procs: NDArray[np.int64]) -> Iterator[tuple[NDArray[np.int64], int]]:
        trace, goroutines = self._trace, self._goroutines
        exists, state, is_timer = (np.zeros(goroutines, np.uint8) for _ in range(3))
        exists[0], state[0] = 1, V1["V1_RUNNING"]
        is_timer[list(self._decoder.timers)] = 1
        trace.exists, trace.state, trace.is_timer = exists.data, state.data, is_timer.data
        trace.is_created = np.zeros(goroutines, np.uint8).data
        trace.created = np.zeros(goroutines, np.int64).data
        trace.mark_of = np.zeros(goroutines, np.int64).data
        trace.begins_with = np.full(goroutines, -1, np.int64).data
        trace.n_procs = len(procs)
        trace.proc_id = np.append(procs, np.array(SPECIAL_PROCS)).data
        count = len(procs) + len(SPECIAL_PROCS)
        trace.proc_g = np.zeros(count, np.int64).data
        trace.thread_of = np.zeros(count, np.int64).data
        trace.proc_state = np.zeros(count, np.uint8).data
        trace.reason = np.array([self._reason(number) for number in range(ev.NUMBERS)]).data
        kinds = [self._names.add_string(kind.encode()) for kind in ev.stw_kinds(self._version)]
        trace.stw_name = np.array(kinds, np.int64).data
        rows = np.empty((ROWS, LAYOUT["R_WIDTH"]), np.int64)
        trace.rows, trace.rows_cap, trace.done = rows.reshape(-1).data, ROWS, 0
        while True:
            status = trace.convert()
            self._fail(status)
            yield rows, int(trace.rows_n)
            if status == LAYOUT["DONE"]:
                return

    def _reason(self, number: int) -> int:
        spec = ev.SPECS.get(number)
        return self._names.add_string(ev.REASONS.get(spec.name, "").encode()) if spec else 0
