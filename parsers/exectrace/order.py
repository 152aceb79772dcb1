"""Drives the state machine over generations and hands on full output blocks.

The order of events is that of Go's own reader: per thread the order of the
batches; between threads the earliest next event that the state of goroutines
and processors allows. Statuses at the start of each generation tell what was
there before; sequence numbers make goroutines' starts and wake-ups wait for
their cause even where clocks disagree. Times are corrected so that no two
events share one.
"""

from __future__ import annotations

import warnings
from time import perf_counter
from typing import TYPE_CHECKING, Any

import numpy as np

from tracemill.parsers.exectrace import heap, spec, wire
from tracemill.parsers.exectrace.buffers import Pool
from tracemill.parsers.exectrace.damage import DamageError
from tracemill.parsers.kernels import trace_order, trace_sort
from tracemill.parsers.kernels.layout import LAYOUT

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from tracemill.parsers.exectrace.buffers import Block
    from tracemill.parsers.exectrace.generation import Decoded
    from tracemill.parsers.exectrace.names import Names
    from tracemill.parsers.exectrace.raw import Arguments
    from tracemill.parsers.exectrace.wire import Clocks, Generation

ROWS = 1 << 17
SIDE_ROWS = 1 << 15
# How often events of other threads may be tried in vain before a generation is given up.
ATTEMPTS_PER_BYTE = 16
# Rows of state: beyond this many goroutines alive at once (1.6 GB) we give up.
MAX_STATE = 1 << 23

CYCLE_COLUMNS = {
    "cycle_g": ("i8", 1),
    "cycle_end": ("i8", 1),
    "cycle_waiting": ("i8", 1),
    "cycle_syscall": ("i8", 1),
    "cycle_runnable": ("i8", 1),
    "cycle_running": ("i8", 1),
    "cycle_reason": ("i4", 1),
    "cycle_complete": ("u1", 1),
    "cycle_stack": ("i4", 1),
    "cycle_waker": ("i8", 1),
    "cycle_waker_stack": ("i4", 1),
    "cycle_proc": ("i8", 1),
    "cycle_thread": ("i8", 1),
}
EVENT_COLUMNS = {
    "ev_type": ("i4", 1),
    "ev_time": ("i8", 1),
    "ev_thread": ("i8", 1),
    "ev_proc": ("i8", 1),
    "ev_g": ("i8", 1),
    "ev_a": ("i8", 4),
    "ev_stack": ("i4", 1),
}

_ERRORS = {
    "E_VARINT": "a cut or overlong integer in an event",
    "E_TYPE": "event type {id} is none that a thread may write",
    "E_TIME": "a time beyond 2^62 ns",
    "E_STUCK": "no thread's next event can happen: events are missing or contradict each other",
    "E_CONTEXT": "an event without the thread, processor or goroutine it needs (goroutine {id})",
    "E_STACK": "stack {id} is not in the generation's table",
    "E_STRING": "string {id} is not in the generation's table",
    "E_NO_GOROUTINE": "goroutine {id} is not known",
    "E_GOROUTINE_STATE": "goroutine {id} is not in the state that the event ends",
    "E_GOROUTINE_EXISTS": "goroutine {id} is created but exists already",
    "E_GOROUTINE_LATE": "goroutine {id} appears without having been created",
    "E_STATUS": "the status of goroutine or processor {id} contradicts what came before",
    "E_PROC": "the processor is not in the state that the event needs ({id})",
    "E_PROC_SEQUENCE": "a system call out of its processor's sequence (goroutine {id})",
    "E_THREAD": "a thread is not what the event says of it ({id})",
    "E_RANGE": "a range is active twice or not at all ({id})",
    "E_NO_RANGE": "a range ends that had not begun (goroutine {id})",
    "E_GC": "the garbage collector's cycle {id} contradicts what came before",
    "E_TASK": "task {id} begins twice",
    "E_ID": "the id {id} is negative",
    "E_PATIENCE": "the threads' clocks contradict each other so often that ordering them would not end",
}
_MESSAGES = {LAYOUT[name]: text for name, text in _ERRORS.items()}
_DONE, _FULL, _GROW = LAYOUT["DONE"], LAYOUT["FULL"], LAYOUT["GROW"]
_WIDTHS = {name: LAYOUT[f"{name.upper()}_WIDTH"] for name in ("g", "p", "m")} | {"node": LAYOUT["N_WIDTH"]}


if trace_order.__file__.endswith(".py"):
    warnings.warn(
        "the kernels in parsers/kernels are not compiled: reading a trace takes some 400 times as long",
        RuntimeWarning,
        stacklevel=2,
    )


class Output:
    """Filled rows: scheduling cycles and raw events with how many, side rows as int64 (n, S_WIDTH)."""

    def __init__(
        self, cycles: tuple[Block, int], events: tuple[Block, int] | None, side: NDArray[np.int64]
    ) -> None:
        self.cycles = cycles
        self.events = events
        self.side = side


class Scheduler:
    """The state of a capture; generation() and finish() yield outputs as they fill."""

    def __init__(self, names: Names, arguments: Arguments | None = None, *, rows: int = ROWS) -> None:
        """arguments: keeps what raw events need to be told in words; None for no raw events."""
        self._names = names
        self._arguments = arguments
        self._machine = _new_machine()
        self._machine.raw = arguments is not None
        self._cycles = Pool(rows, CYCLE_COLUMNS)
        self._events = Pool(rows, EVENT_COLUMNS) if arguments is not None else None
        self._side = np.empty(SIDE_ROWS * LAYOUT["S_WIDTH"], np.int64)
        self._blocks: tuple[Block, Block | None]
        self._state: dict[str, NDArray[np.int64]] = {}
        self._words = np.empty(0, np.int64)
        self._word_of = np.empty(0, np.int64)
        self._syncs = 0
        self._misused_at: str | None = None
        self._table = np.zeros(0, np.int64)
        for name, rows_of in (("g", 256), ("p", 64), ("m", 64), ("node", 64)):
            self._bind_state(name, np.zeros(rows_of * _WIDTHS[name], np.int64))
        self._bind_table(2048)
        argc = np.full(256, -1, np.int64)
        for event in spec.EVENTS:
            argc[event.number] = event.wire_args
        self._set("argc", argc)
        self._machine.page_objects = heap.PAGE_OBJECTS
        self._set("class_size", np.array(spec.CLASS_SIZES))
        self._set("side", self._side)
        self._machine.side_cap = SIDE_ROWS
        self._new_blocks()

    @property
    def now_ns(self) -> int:
        """Time of the last event, since the capture's start."""
        return int(self._machine.last - self._machine.base)

    @property
    def base_ns(self) -> int:
        """The capture's start on the trace clock."""
        return int(self._machine.base)

    @property
    def misused_regions(self) -> int:
        """How many regions ended on another goroutine, twice or before regions inside them."""
        return int(self._machine.misused)

    @property
    def first_misuse(self) -> str:
        """Where the first of them ended, in words; of events whose order was settled, where they begin."""
        return self._misused_at or ""

    def words(self) -> list[str]:
        """The reasons met so far, in the order of their codes."""
        return [self._names.strings[i] for i in self._words[: self._machine.words_n].tolist()]

    def generation(self, gen: Generation, decoded: Decoded) -> Iterator[Output]:
        """Order one generation. Raises DamageError; finish() hands on what came before it."""
        self.sync(self._start_time(gen, decoded.clocks), sync_args(self._syncs + 1, decoded.clocks))
        cursors = self._bind_generation(gen, decoded)
        status = self._machine.start(cursors)
        while status >= 0:
            status = self._machine.run()
            if self._misused_at is None and self._machine.misused:
                offset = gen.base + max(int(self._machine.misused_at), 0)
                self._misused_at = f"byte {offset}, generation {gen.number}"
            if status == _DONE:
                self._machine.is_first = False
                return
            if status == _GROW:
                self._grow()
            elif status == _FULL:
                yield self._take()
                self._new_blocks()
        offset = int(self._machine.error_at)
        fact = _MESSAGES[status].format(id=self._machine.error_id)
        raise DamageError(gen.base + max(offset, 0), fact, gen.number, is_in_order=True)

    def decode_only(self, gen: Generation, decoded: Decoded) -> tuple[int, float]:
        """How many events a generation has, and the seconds to decode, not to order them. To be measured."""
        cursors = self._bind_generation(gen, decoded)
        began = perf_counter()
        return int(self._machine.drain(cursors)), perf_counter() - began

    def decoder_input(self, gen: Generation) -> list[NDArray[Any]]:
        """What decoding the bound generation reads: buffer, batches, argument counts, fresh cursors."""
        machine = self._machine
        columns = ("batch_off", "batch_end", "batch_time", "argc")
        cursors = np.array(machine.cursor, np.int64).reshape(-1, LAYOUT["C_WIDTH"])
        ends = cursors[:, LAYOUT["C_BATCH_END"]]
        cursors[:, LAYOUT["C_BATCH"]] = np.concatenate([[0], ends[:-1]])[: len(ends)] - 1
        cursors[:, [LAYOUT["C_OFF"], LAYOUT["C_END"]]] = 0
        return [
            gen.buf,
            *(np.array(getattr(machine, name), np.int64) for name in columns),
            cursors.reshape(-1),
        ]

    def follow(self, rows: NDArray[np.int64], count: int) -> Iterator[Output]:
        """Take events whose order is settled: int64 (at least count, R_WIDTH). Raises DamageError."""
        self._bind_words()
        machine = self._machine
        machine.followed = 0
        while (status := machine.follow(rows.reshape(-1).data, count)) != _DONE:
            if status == _GROW:
                self._grow()
            elif status == _FULL:
                yield self._take()
                self._new_blocks()
            else:
                fact = _MESSAGES[status].format(id=machine.error_id)
                raise DamageError(wire.HEADER_BYTES, fact, is_in_order=True)
        if self._misused_at is None and machine.misused:
            self._misused_at = f"byte {wire.HEADER_BYTES}"

    def sync(self, time: int, args: str | None = None) -> None:
        """A synchronisation point, the first of which is time zero; args as JSON, its number by default."""
        self._syncs += 1
        args = args or sync_text(self._syncs, None)
        self._machine.sync(time, self._arguments.add_sync(args) if self._arguments is not None else 0)

    def finish(self, *, is_synced: bool = False) -> Iterator[Output]:
        """The final synchronisation, unless there was one or the order broke before; then what is open."""
        if not is_synced:
            self.sync(int(self._machine.last))
        while self._machine.finish() == _FULL:
            yield self._take()
            self._new_blocks()
        yield self._take()

    def _take(self) -> Output:
        """What has been written so far. Its batches are to be made before the next step."""
        machine = self._machine
        width = LAYOUT["S_WIDTH"]
        side = self._side[: machine.side_n * width].reshape(-1, width).copy()
        if machine.side_need > machine.side_cap:
            self._side = np.empty(2 * int(machine.side_need) * width, np.int64)
        cycles, events = self._blocks
        return Output(
            (cycles, int(machine.cycle_n)), (events, int(machine.ev_n)) if events is not None else None, side
        )

    # ---- binding arrays to the machine -------------------------------------

    def _set(self, name: str, array: NDArray[Any]) -> None:
        setattr(self._machine, name, array.data)

    def _bind_state(self, name: str, array: NDArray[np.int64]) -> None:
        self._state[name] = array
        self._set(name, array)

    def _bind_table(self, entries: int) -> None:
        old, self._table = self._table, np.zeros(2 * entries, np.int64)
        self._set("table", self._table)
        self._machine.table_shift = 64 - (entries.bit_length() - 1)
        self._machine.rehash(old.data)

    def _new_blocks(self) -> None:
        machine = self._machine
        cycles = self._cycles.take()
        events = self._events.take() if self._events is not None else None
        for name, array in (cycles.arrays | (events.arrays if events else {})).items():
            self._set(name, array)
        self._set("side", self._side)
        machine.side_cap = len(self._side) // LAYOUT["S_WIDTH"]
        machine.cycle_cap = cycles.rows
        machine.ev_cap = events.rows if events else 0
        machine.cycle_n = machine.ev_n = machine.side_n = machine.side_need = 0
        self._blocks = (cycles, events)

    def _grow(self) -> None:
        """Double each table of state that is more than three quarters full."""
        machine = self._machine
        used = {"g": machine.g_used, "p": machine.p_used, "m": machine.m_used, "node": machine.node_used}
        for name, array in self._state.items():
            if used[name] * 4 > len(array) * 3:
                if len(array) > MAX_STATE * _WIDTHS["g"]:
                    raise DamageError(0, f"more than {MAX_STATE} goroutines, tasks or regions at once")
                self._bind_state(name, np.concatenate([array, np.zeros_like(array)]))
        if (machine.table_n + LAYOUT["TABLE_SPARE"]) * 4 > len(self._table):
            self._bind_table(len(self._table))

    def _bind_generation(self, gen: Generation, decoded: Decoded) -> int:
        machine = self._machine
        machine.generation = gen.number
        machine.frequency = decoded.clocks.frequency
        self._set("buf", gen.buf)
        for name, ids in (("string", decoded.strings), ("stack", decoded.stacks)):
            self._set(f"{name}_map", ids.dense)
            self._set(f"{name}_sparse", ids.sparse_ids)
            self._set(f"{name}_sparse_map", ids.sparse)
        self._set("type_map", decoded.heap.types)
        if decoded.heap.page_objects is not None:
            machine.page_objects = decoded.heap.page_objects
        samples = decoded.samples
        self._set("sample", samples[self._order_by_time(samples[:, LAYOUT["SAMPLE_TIME"]])].reshape(-1))
        machine.sample_i, machine.sample_n = 0, len(samples)
        self._bind_words()
        return self._bind_cursors(gen, decoded.clocks)

    def _order_by_time(self, times: NDArray[np.int64]) -> NDArray[np.int64]:
        """Indexes in the order of times, equal ones as the reference reader's sort leaves them."""
        order = np.arange(len(times))
        sorter: Any = trace_sort.Sorter()
        sorter.order, sorter.time_of = order.data, np.ascontiguousarray(times).data
        sorter.sort(len(times))
        return order

    def _bind_words(self) -> None:
        missing = len(self._names.strings) - len(self._word_of)
        if missing > 0:
            self._word_of = np.concatenate([self._word_of, np.full(missing, -1, np.int64)])
            self._words = np.concatenate([self._words, np.zeros(missing, np.int64)])
        self._set("word_of", self._word_of)
        self._set("words", self._words)

    def _bind_cursors(self, gen: Generation, clocks: Clocks) -> int:
        """One cursor a thread, in the order of the threads' first batches, over its batches in file order."""
        batches = gen.of_kind(wire.EVENTS)
        threads, first, inverse = np.unique(batches[:, wire.THREAD], return_index=True, return_inverse=True)
        rank = np.empty(len(threads), np.int64)
        rank[np.argsort(first, kind="stable")] = np.arange(len(threads))
        place = rank[inverse.reshape(-1)]
        batches = batches[np.argsort(place, kind="stable")]
        ends = np.cumsum(np.bincount(place, minlength=len(threads)))
        cursors = np.zeros((len(threads), LAYOUT["C_WIDTH"]), np.int64)
        cursors[rank, LAYOUT["C_M"]] = threads
        cursors[:, LAYOUT["C_BATCH_END"]] = ends
        cursors[:, LAYOUT["C_BATCH"]] = np.concatenate([[0], ends[:-1]])[: len(threads)] - 1
        cursors[:, LAYOUT["C_MSLOT"]] = [self._thread_row(m) for m in cursors[:, LAYOUT["C_M"]].tolist()]
        self._set("batch_off", np.ascontiguousarray(batches[:, wire.OFF]))
        self._set("batch_end", np.ascontiguousarray(batches[:, wire.END]))
        self._set("batch_time", wire.to_ns(gen, np.ascontiguousarray(batches[:, wire.TIME]), clocks))
        self._set("cursor", cursors.reshape(-1))
        self._set("heap", np.zeros(max(len(threads), 1), np.int64))
        sorter = self._machine.sorter
        sorter.order, sorter.time_of = (np.zeros(max(len(threads), 1), np.int64).data for _ in range(2))
        self._machine.attempts_max = (1 << 26) + ATTEMPTS_PER_BYTE * wire.size_bytes(batches)
        return len(threads)

    def _thread_row(self, thread: int) -> int:
        if thread == spec.NO_THREAD:
            return -1
        while (row := self._machine.thread_row(thread)) < 0:
            self._grow()
        return int(row)

    def _start_time(self, gen: Generation, clocks: Clocks) -> int:
        """The generation's earliest batch, of whatever kind, as the first clock tick of it."""
        ticks = gen.batches[:, wire.TIME]
        # A time of 0 counts as unset, as in the reference reader: what follows it decides.
        unset = np.flatnonzero(ticks == 0)
        if len(unset):
            ticks = ticks[unset[-1] + 1 :]
        earliest = np.array([ticks.view(np.uint64).min() if len(ticks) else 0], np.uint64)
        return int(wire.to_ns(gen, earliest.view(np.int64), clocks)[0])


def _new_machine() -> Any:  # noqa: ANN401 - its attributes stand in its .pxd, which mypy does not read
    """A machine with an empty capture."""
    kind: Any = trace_order.Machine
    machine = kind()
    machine.reset()
    machine.sorter = trace_sort.Sorter()
    return machine


def sync_args(number: int, clocks: Clocks | None) -> str:
    """Arguments of a Sync event as JSON."""
    snapshot = clocks.snapshot if clocks else None
    if snapshot is None:
        return sync_text(number, None)
    wall = snapshot.wall_seconds * 1_000_000_000 + snapshot.wall_ns
    return sync_text(number, (snapshot.trace_ns, snapshot.mono, wall))


def sync_text(number: int, clocks: tuple[int, int, int] | None) -> str:
    """The same from the number and the clocks: trace, monotonic and wall."""
    if clocks is None:
        return f'{{"n":{number}}}'
    return f'{{"n":{number},"trace_ns":{clocks[0]},"mono_ns":{clocks[1]},"wall_ns":{clocks[2]}}}'
