"""Output of the state machine → record batches of the declared tables.

Columns that the kernel writes are handed on without a copy; nulls become
validity bitmaps, stack indexes become content hashes, codes become words.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import pyarrow as pa

from tracemill.parsers import columns
from tracemill.parsers.api import Batch
from tracemill.parsers.exectrace import spec
from tracemill.parsers.kernels.layout import LAYOUT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    from tracemill.parsers.exectrace.buffers import Block
    from tracemill.parsers.exectrace.names import Names
    from tracemill.parsers.exectrace.order import Output
    from tracemill.parsers.exectrace.raw import Arguments

# In the order of their codes.
_SCOPES = {0: "global", LAYOUT["KIND_G"]: "goroutine", LAYOUT["KIND_P"]: "proc"}


class HasWords(Protocol):
    """What outputs come from: it knows the reasons by their codes."""

    def words(self) -> list[str]: ...


class Shaper:
    """Makes a capture's batches; holds the few dictionaries that grow over it."""

    def __init__(self, names: Names, source: HasWords, arguments: Arguments | None) -> None:
        self._names = names
        self._arguments = arguments
        self._source = source
        self._ended_tasks: set[int] = set()
        self._stack_ids = np.zeros(1, np.int64)
        self._events = 0

    def batches(self, output: Output) -> Iterator[Batch]:
        """Every batch of an output."""
        if len(self._names.stack_ids) > len(self._stack_ids):
            self._stack_ids = np.array(self._names.stack_ids, np.int64)
        cycles, count = output.cycles
        if count:
            yield self._cycles(cycles, count)
        if output.events is not None and output.events[1]:
            yield from self._raw_events(*output.events)
        kinds = output.side[:, 0]
        # Made here, not kept: a table of its own methods would keep the object alive.
        makers: dict[str, Callable[[NDArray[np.int64]], Batch | None]] = {
            "SIDE_GOROUTINE": self._goroutines,
            "SIDE_RANGE": self._ranges,
            "SIDE_METRIC": self._metrics,
            "SIDE_TASK": self._tasks,
            "SIDE_REGION": self._regions,
            "SIDE_LOG": self._logs,
            "SIDE_SAMPLE": self._samples,
            "SIDE_OBJECT": self._objects,
        }
        for kind, maker in makers.items():
            rows = output.side[kinds == LAYOUT[kind]]
            if len(rows) and (batch := maker(rows)) is not None:
                yield batch

    # ---- the large tables --------------------------------------------------

    def _cycles(self, block: Block, count: int) -> Batch:
        arrays, buffers = block.arrays, block.buffers(count)

        def nullable(name: str) -> pa.Array:
            return columns.plain(columns.INTS, count, buffers[name], arrays[name][:count] >= 0)

        reasons = columns.texts(self._source.words())
        made = {
            "goroutine_id": columns.plain(columns.INTS, count, buffers["cycle_g"]),
            "end_ns": columns.plain(columns.INTS, count, buffers["cycle_end"]),
            "waiting_ns": nullable("cycle_waiting"),
            "syscall_ns": nullable("cycle_syscall"),
            "runnable_ns": nullable("cycle_runnable"),
            "running_ns": nullable("cycle_running"),
            "reason": columns.words(
                count, buffers["cycle_reason"], arrays["cycle_reason"][:count] >= 0, reasons
            ),
            "is_complete": columns.flags(arrays["cycle_complete"][:count]),
            "stack_id": self._stacks(arrays["cycle_stack"][:count]),
            "waker_goroutine_id": nullable("cycle_waker"),
            "waker_stack_id": self._stacks(arrays["cycle_waker_stack"][:count]),
            "proc_id": nullable("cycle_proc"),
            "thread_id": nullable("cycle_thread"),
        }
        return Batch("goroutine_cycles", pa.RecordBatch.from_pydict(made))

    def _raw_events(self, block: Block, count: int) -> Iterator[Batch]:
        from tracemill.parsers.exectrace import raw  # only --raw-events needs it

        arrays, buffers = block.arrays, block.buffers(count)
        ints = columns.INTS
        made = {
            "ts_ns": columns.plain(ints, count, buffers["ev_time"]),
            "thread_id": columns.plain(ints, count, buffers["ev_thread"], arrays["ev_thread"][:count] != -1),
            "proc_id": columns.plain(ints, count, buffers["ev_proc"], arrays["ev_proc"][:count] != -1),
            "goroutine_id": columns.plain(ints, count, buffers["ev_g"], arrays["ev_g"][:count] != -1),
            "event": columns.words(
                count, pa.py_buffer(raw.event_codes(arrays["ev_type"][:count])), None, raw.EVENT_WORDS
            ),
            "stack_id": self._stacks(arrays["ev_stack"][:count]),
        }
        rows = pa.RecordBatch.from_pydict(made)
        assert self._arguments is not None, "raw events are asked for with their arguments"
        for start, end, args in self._arguments.render(
            arrays["ev_type"], arrays["ev_a"], count, self._stack_ids
        ):
            index = columns.ints(np.arange(self._events + start, self._events + end))
            part = rows.slice(start, end - start)
            names = ["event_index", *part.schema.names, "args"]
            yield Batch("trace_events", pa.RecordBatch.from_arrays([index, *part.columns, args], names=names))
        self._events += count

    # ---- the side tables: rows of SIDE_…, columns S_A to S_H ----------------

    def _goroutines(self, rows: NDArray[np.int64]) -> Batch:
        roots = np.array(self._names.roots, np.int64)
        return _batch(
            "goroutines",
            goroutine_id=columns.ints(rows[:, 1]),
            entry_function=self._text(roots[rows[:, 6]]),
            created_ns=columns.nullable(rows[:, 2]),
            ended_ns=columns.nullable(rows[:, 3]),
            parent_goroutine_id=columns.nullable(rows[:, 4]),
            creation_stack_id=self._stacks(rows[:, 5]),
        )

    def _ranges(self, rows: NDArray[np.int64]) -> Batch:
        kinds, codes = np.unique(rows[:, 1:3], axis=0, return_inverse=True)
        names = [spec.RANGE_NAMES[kind].format(self._names.strings[text]) for kind, text in kinds.tolist()]
        scopes = np.searchsorted(list(_SCOPES), rows[:, 3]).astype(np.int32)
        return _batch(
            "trace_ranges",
            start_ns=columns.ints(rows[:, 5]),
            name=columns.chosen(codes.reshape(-1), names),
            scope=columns.words(len(rows), pa.py_buffer(scopes), None, columns.texts(list(_SCOPES.values()))),
            duration_ns=columns.ints(rows[:, 6]),
            is_complete=columns.flags(rows[:, 8] == 1),
            scope_id=columns.nullable(rows[:, 4]),
            stack_id=self._stacks(rows[:, 7]),
        )

    def _metrics(self, rows: NDArray[np.int64]) -> Batch:
        names = list(spec.METRIC_NAMES.values())
        values = np.ascontiguousarray(rows[:, 3]).view(np.uint64).astype(np.float64)
        return _batch(
            "trace_metrics",
            ts_ns=columns.ints(rows[:, 2]),
            name=columns.chosen(np.searchsorted(list(spec.METRIC_NAMES), rows[:, 1]), names),
            value=columns.numbers(pa.float64(), values),
        )

    def _tasks(self, rows: NDArray[np.int64]) -> Batch | None:
        # An end without a begin tells of a task from before the capture, but
        # only the first such end: a task may end any number of times.
        tasks = rows[:, 1].tolist()
        if (rows[:, 8] == LAYOUT["TASK_END_ONLY"]).any():
            keep = []
            for task, mark in zip(tasks, rows[:, 8].tolist(), strict=True):
                keep.append(mark != LAYOUT["TASK_END_ONLY"] or task not in self._ended_tasks)
                self._ended_tasks.add(task)
            rows = rows[np.array(keep)]
            if not len(rows):
                return None
        else:
            self._ended_tasks.update(tasks)
        return _batch(
            "trace_tasks",
            task_id=columns.ints(rows[:, 1]),
            name=self._text(rows[:, 2]),
            parent_task_id=columns.nullable(rows[:, 3]),
            start_ns=columns.ints(rows[:, 4]),
            duration_ns=columns.ints(rows[:, 5]),
            is_complete=columns.flags(rows[:, 8] == 1),
            goroutine_id=columns.nullable(rows[:, 6]),
            stack_id=self._stacks(rows[:, 7]),
        )

    def _regions(self, rows: NDArray[np.int64]) -> Batch:
        return _batch(
            "trace_regions",
            goroutine_id=columns.ints(rows[:, 1]),
            start_ns=columns.ints(rows[:, 4]),
            nesting=columns.numbers(pa.int32(), rows[:, 6].astype(np.int32)),
            task_id=columns.ints(rows[:, 2]),
            name=self._text(rows[:, 3]),
            duration_ns=columns.ints(rows[:, 5]),
            is_complete=columns.flags(rows[:, 8] == 1),
            stack_id=self._stacks(rows[:, 7]),
        )

    def _logs(self, rows: NDArray[np.int64]) -> Batch:
        return _batch(
            "trace_logs",
            ts_ns=columns.ints(rows[:, 1]),
            goroutine_id=columns.nullable(rows[:, 2]),
            task_id=columns.ints(rows[:, 3]),
            category=self._text(rows[:, 4], empty=True),
            message=self._text(rows[:, 5], empty=True),
            stack_id=self._stacks(rows[:, 6]),
        )

    def _samples(self, rows: NDArray[np.int64]) -> Batch:
        return _batch(
            "trace_cpu_samples",
            ts_ns=columns.ints(rows[:, 1]),
            thread_id=columns.nullable(rows[:, 2]),
            goroutine_id=columns.nullable(rows[:, 4]),
            proc_id=columns.nullable(rows[:, 3]),
            stack_id=self._stacks(rows[:, 5]),
        )

    def _objects(self, rows: NDArray[np.int64]) -> Batch:
        kinds, codes = np.unique(rows[:, 2], return_inverse=True)
        names = [self._names.strings[i] if i else None for i in kinds.tolist()]
        return _batch(
            "heap_objects",
            object=columns.ints(rows[:, 1]),
            type_name=columns.chosen(codes.reshape(-1), names),
            allocated_ns=columns.nullable(rows[:, 3]),
            freed_ns=columns.nullable(rows[:, 4]),
            size_bytes=columns.nullable(rows[:, 5]),
        )

    # ---- columns -----------------------------------------------------------

    def _stacks(self, index: NDArray[Any]) -> pa.Array:
        """Content hashes of stack indexes; null for 0, which is no stack."""
        return columns.plain(columns.INTS, len(index), pa.py_buffer(self._stack_ids[index]), index > 0)

    def _text(self, index: NDArray[np.int64], *, empty: bool = False) -> pa.Array:
        """Strings by index; the empty one is null unless it is a value of its own."""
        texts = self._names.strings
        kinds, codes = np.unique(index, return_inverse=True)
        return columns.chosen(codes.reshape(-1), [texts[i] if i or empty else None for i in kinds.tolist()])


def _batch(table: str, **made: pa.Array) -> Batch:
    return Batch(table, pa.RecordBatch.from_pydict(made))
