"""Batches → Parquet: immutable files under unique names, seen only once the catalog lists them.

``tables/<table>/capture_id=<id>/<n>-<random>.parquet``. A file is written whole
before its capture is committed; what a stopped run leaves behind is listed
nowhere and swept by the next one. Captures share files of stacks (shared_stacks.py).
"""

from __future__ import annotations

import contextlib
import queue
import secrets
import threading
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq

from tracemill.warehouse.durable import digest
from tracemill.warehouse.layout import TABLES_FOLDER
from tracemill.warehouse.records import StoredFile
from tracemill.warehouse.scan import STACKS
from tracemill.warehouse.schema import TABLES
from tracemill.warehouse.shared_stacks import CaptureStacks, SharedStacks

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import TracebackType

    import numpy as np
    from numpy.typing import NDArray

    from tracemill.warehouse.schema import Table

ROWS_PER_GROUP = 512 * 1024
# Batches that may wait for an encoder: the parser fills the next while one waits.
QUEUED_BATCHES = 1
# Encoding a large trace costs twice what parsing it does: two cores are busy with three threads.
MAX_ENCODERS = 2
# Up to so much a capture is encoded where it is parsed: a thread of its own would cost more than it saves.
SMALL_BYTES = 16 * 1024**2
# Sorted or nearly sorted times and addresses: deltas are half the size of a dictionary, at less CPU.
_DELTA_COLUMNS = frozenset(
    {"start_ns", "end_ns", "ended_ns", "ts_ns", "event_index", "sample_index", "start_pc"}
)
# Numbers of many values: each byte apart they take a fifth less than as deltas or by a dictionary, at less
# CPU; a dictionary that turns out too large costs twice.
_SPLIT_COLUMNS = frozenset(
    {"waiting_ns", "syscall_ns", "runnable_ns", "running_ns", "duration_ns", "created_ns"}
    | {
        "goroutine_id",
        "parent_goroutine_id",
        "waker_goroutine_id",
        "task_id",
        "proc_id",
        "thread_id",
        "scope_id",
    }
    | {"trace_metrics.value"}
)
# Nearly every value is another, or stands beside its equals: a dictionary costs twice the CPU and more room.
_PLAIN_COLUMNS = frozenset(
    {"args", "message", "path_id", "profile_samples.stack_id", "profile_samples.leaf_pc"}
)
# What queries narrow by; of the other columns, least and largest cost a fifth of the encoding for nothing.
_STATISTICS = frozenset({"start_ns", "end_ns", "ts_ns", "goroutine_id", "event_index", "line", "pc"})


def _leaf_paths(field: pa.Field) -> list[str]:
    if pa.types.is_list(field.type):
        return [f"{field.name}.list.element"]
    if pa.types.is_map(field.type):
        return [f"{field.name}.key_value.key", f"{field.name}.key_value.value"]
    return [field.name]


def _chosen(table: Table, names: frozenset[str] | set[str]) -> set[str]:
    """The table's columns among names, which may say the table too."""
    return {n for n in table.arrow_schema().names if n in names or f"{table.name}.{n}" in names}


@cache
def encodings(table: Table) -> dict[str, Any]:
    """How a table's columns are written, by pyarrow's ParquetWriter."""
    schema = table.arrow_schema()
    delta = _chosen(table, _DELTA_COLUMNS)
    split = _chosen(table, _SPLIT_COLUMNS)
    grain = {*table.grain} if len(table.grain) == 1 else set()
    plain = delta | split | _chosen(table, _PLAIN_COLUMNS | grain)
    return {
        "schema": schema,
        "compression": "zstd",
        "compression_level": 1,
        "write_page_checksum": True,
        "use_dictionary": [p for f in schema if f.name not in plain for p in _leaf_paths(f)],
        "write_statistics": [f.name for f in schema if f.name in _STATISTICS],
        "column_encoding": dict.fromkeys(delta, "DELTA_BINARY_PACKED")
        | dict.fromkeys(split, "BYTE_STREAM_SPLIT")
        or None,
    }


class CaptureWriter:
    """The Parquet files of one capture; a large one's are encoded on threads while the parser goes on.

    Use as a context manager: leaving it by an exception removes what was written.
    After close(), ``files`` maps each table to its paths relative to the warehouse
    and ``rows`` to its row counts; ``stored`` has what the files written are. A second
    encoder starts when the first can't keep up, and writes files of its own. Stacks that
    are in ``shared`` are not written again: their files stand among the capture's own.
    is_held: a small capture is encoded by close(), which another thread may call.
    """

    def __init__(
        self, root: Path, capture_id: str, shared: SharedStacks | None = None, *, is_held: bool = False
    ) -> None:
        self.files: dict[str, list[str]] = {}
        self.rows: dict[str, int] = {}
        self.stored: dict[str, StoredFile] = {}
        self._written: dict[str, list[str]] = {}
        self._root = root
        self._capture_id = capture_id
        self._stacks = CaptureStacks(shared or SharedStacks())
        self._queue: queue.Queue[tuple[str, pa.RecordBatch] | None] = queue.Queue(QUEUED_BATCHES)
        self._encoders: list[threading.Thread] = []
        self._writers: dict[str, pq.ParquetWriter] = {}
        self._small_bytes = 0
        self._is_held = is_held
        self._held: list[tuple[str, pa.RecordBatch]] = []
        self._lock = threading.Lock()
        self._failure: BaseException | None = None

    def write(self, table: str, rows: pa.RecordBatch) -> None:
        """Write or queue rows of a table; raises what an earlier write failed with."""
        self.rows[table] = self.rows.get(table, 0) + rows.num_rows
        self._put(table, rows)

    def write_stacks(
        self, ids: NDArray[np.int64], rows: Callable[[NDArray[np.int64]], Iterator[pa.RecordBatch]]
    ) -> None:
        """Write or queue those of the capture's stacks that no earlier capture has written.

        ids: all of them, distinct; rows(places) makes the rows at these places. Raises as write() does.
        """
        if len(ids):
            self.rows[STACKS] = self.rows.get(STACKS, 0) + len(ids)
            for part in rows(self._stacks.missing(ids)):
                self._put(STACKS, part)

    def _put(self, table: str, rows: pa.RecordBatch) -> None:
        if self._failure is not None:
            raise self._failure
        self._small_bytes += rows.nbytes
        if not self._encoders and self._small_bytes <= SMALL_BYTES:
            if self._is_held:
                self._held.append((table, rows))
            else:
                self._write(self._writers, table, rows)
            return
        if not self._encoders or (len(self._encoders) < MAX_ENCODERS and self._queue.full()):
            # Arrow's writer looks up compute functions by name; two threads must not race to register them.
            import pyarrow.compute  # noqa: F401

            encoder = threading.Thread(target=self._encode, name="parquet", daemon=True)
            encoder.start()
            self._encoders.append(encoder)
        for held in self._held:
            self._queue.put(held)
        self._held.clear()
        self._queue.put((table, rows))

    def close(self) -> None:
        """Finish all files; raises what a write failed with."""
        try:
            for held in self._held:
                self._write(self._writers, *held)
        except Exception as error:  # noqa: BLE001 - raised below
            self._failure = error
        self._held.clear()
        self._finish()
        if self._failure is None:
            self._describe()
        if self._failure is not None:
            self.abort()
            raise self._failure
        self.files |= self._written
        if others := self._stacks.files:
            self.files[STACKS] = self._written.get(STACKS, []) + others

    def _describe(self) -> None:
        """Note what the files are; the commit that lists them syncs them first."""
        try:
            for paths in self._written.values():
                self.stored |= {path: StoredFile(*digest(self._root / path)) for path in paths}
        except OSError as error:
            self._failure = error

    def share(self) -> None:
        """Let later captures use the stacks that this one has written, once it is closed."""
        self._stacks.share(self._written.get(STACKS, []))

    def abort(self) -> None:
        """Remove all that was written."""
        self._held.clear()
        self._finish()
        for paths in self._written.values():
            for path in paths:
                target = self._root / path
                target.unlink(missing_ok=True)
                with contextlib.suppress(OSError):  # not empty: another writer's
                    target.parent.rmdir()
        self._written.clear()
        self.files.clear()
        self.rows.clear()
        self.stored.clear()

    def __enter__(self) -> CaptureWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self.close()
        else:
            self.abort()

    def _finish(self) -> None:
        for _ in self._encoders:
            self._queue.put(None)
        for encoder in self._encoders:
            encoder.join()
        self._encoders.clear()
        self._close_all(self._writers)

    def _encode(self) -> None:
        writers: dict[str, pq.ParquetWriter] = {}
        while (item := self._queue.get()) is not None:
            if self._failure is not None:
                continue  # keep draining, or write() would block for ever
            try:
                self._write(writers, *item)
            except Exception as error:  # noqa: BLE001 - handed on by write() and close()
                self._failure = error
        self._close_all(writers)

    def _close_all(self, writers: dict[str, pq.ParquetWriter]) -> None:
        for writer in writers.values():
            try:
                writer.close()
            except Exception as error:  # noqa: BLE001 - handed on by close()
                self._failure = self._failure or error
        writers.clear()

    def _write(self, writers: dict[str, pq.ParquetWriter], name: str, rows: pa.RecordBatch) -> None:
        table = TABLES[name]
        writer = writers.get(name)
        if writer is None:
            path = f"{TABLES_FOLDER}/{name}/capture_id={self._capture_id}/{secrets.token_hex(8)}.parquet"
            with self._lock:
                self._written.setdefault(name, []).append(path)
            (self._root / path).parent.mkdir(parents=True, exist_ok=True)
            writer = writers[name] = pq.ParquetWriter(self._root / path, **encodings(table))
        writer.write_batch(table.conform(rows), row_group_size=ROWS_PER_GROUP)
