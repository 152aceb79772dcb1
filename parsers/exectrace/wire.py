"""Bytes of a version 2 trace → generations, one at a time in a buffer that is used again.

A trace is a header of 16 bytes and generations; a generation is batches in any
order: events of one thread each, strings, stacks, CPU samples, and its clocks.
Ids of strings and stacks hold within their generation only. The end of a
generation is a byte of its own from format 1.26; before, it shows by the next
number, so that a damaged tail still leaves the generation before it whole.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO

import numpy as np

from tracemill.parsers.exectrace import spec
from tracemill.parsers.exectrace.damage import DamageError
from tracemill.parsers.kernels import trace_wire

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

HEADER_BYTES = 16
CHUNK_BYTES = 1 << 20
# What one generation may take; the runtime begins a new one each second.
MAX_GENERATION_BYTES = 1 << 30
MAX_TIME = 1 << 62

_HEADER = re.compile(rb"go 1\.(\d{1,3}) trace\x00\x00\x00")

EVENTS, STRINGS, STACKS, SAMPLES, SYNC, EXPERIMENT = 0, 1, 2, 3, 4, 16
_INDEX_ERRORS = {
    -1: "no batch begins here",
    -2: "an integer of the batch header exceeds 64 bits",
    -3: "the batch claims more than 65536 bytes",
    -4: "generation number 0",
    -5: "a batch of another generation lies between",
}
_TABLE_ERRORS = {
    -1: "unexpected byte in a table of {}",
    -2: "a cut or overlong integer in a table of {}",
    -3: "an entry larger than the format allows in a table of {}",
}


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The generation's clocks read together: trace time in ns, monotonic clock, wall clock."""

    trace_ns: int
    mono: int
    wall_seconds: int
    wall_ns: int


@dataclass(frozen=True, slots=True)
class Clocks:
    """Nanoseconds per tick, and a snapshot from format 1.25 on."""

    frequency: float
    snapshot: Snapshot | None


@dataclass(frozen=True, slots=True)
class Generation:
    """One generation's bytes and where its batches lie.

    batches: int64 (n, 6): kind, thread, time, offset, end, first byte's offset; offsets count in buf,
    whose first byte is byte ``base`` of the file.
    """

    number: int
    buf: NDArray[np.uint8]
    base: int
    batches: NDArray[np.int64]

    @property
    def view(self) -> memoryview:
        """buf as kernels take it: uncompiled, they are to see plain integers."""
        return self.buf.data

    def of_kind(self, kind: int) -> NDArray[np.int64]:
        """The batches of one kind, in file order."""
        found: NDArray[np.int64] = self.batches[self.batches[:, 0] == kind]
        return found

    def damage(self, offset: int, fact: str) -> DamageError:
        """A DamageError at an offset of buf."""
        return DamageError(self.base + offset, fact, self.number)


def read_version(head: bytes) -> int | None:
    """The minor Go version in a trace's header; None if it is not a trace."""
    match = _HEADER.match(head)
    return int(match[1]) if match else None


class GenerationReader:
    """Iterates over the generations of a stream that stands behind the header.

    The yielded generation's buffer is valid until the next one is asked for.
    Raises DamageError for what cannot be read; whole generations come first.
    """

    def __init__(
        self, stream: BinaryIO, version: int, *, size_bytes: int = 0, chunk_bytes: int = CHUNK_BYTES
    ) -> None:
        """size_bytes: the file's size. Room for it is reserved, as pages count only once they are
        written, and a buffer that grows stands in memory twice; a compressed file's grows all the same."""
        self._stream = stream
        self._has_marker = version >= spec.HAS_END_MARKER
        self._sync_type = spec.SYNC if version >= spec.HAS_SYNC_BATCH else spec.FREQUENCY
        self._chunk = chunk_bytes
        self._buf = np.empty(min(size_bytes, MAX_GENERATION_BYTES) + 4 * chunk_bytes, np.uint8)
        self._filled = 0
        self._base = HEADER_BYTES
        self._rows = np.empty(6 * 4096, np.int64)

    def __iter__(self) -> Iterator[Generation]:
        while True:
            generation, end, damage = self._next()
            if generation is not None:
                yield generation
            if damage is not None:
                raise damage
            if generation is None:
                return
            rest = self._filled - end
            self._buf[:rest] = self._buf[end : self._filled].copy()
            self._filled = rest
            self._base += end

    def _next(self) -> tuple[Generation | None, int, DamageError | None]:
        """The next generation, where it ends in the buffer, and damage that ends the trace behind it."""
        state = np.zeros(8, np.int64)
        while True:
            status = trace_wire.index_batches(
                self._buf.data, self._filled, self._has_marker, self._sync_type, self._rows, state
            )
            if status == 3:
                self._rows = np.concatenate([self._rows, np.empty_like(self._rows)])
            elif status == 2:
                return self._generation(state), int(state[0]), None
            elif status < 0:
                damage = DamageError(self._base + int(state[0]), _INDEX_ERRORS[status], int(state[3]) or None)
                keep = not self._has_marker and state[1] > 0 and status >= -3
                return (self._generation(state) if keep else None), int(state[0]), damage
            elif not self._read():
                return self._at_end(state)

    def _at_end(self, state: NDArray[np.int64]) -> tuple[Generation | None, int, DamageError | None]:
        left = self._filled - int(state[0])
        damage = None
        if left or (self._has_marker and state[1]):
            damage = DamageError(
                self._base + self._filled, "the file ends inside a generation", int(state[3]) or None
            )
        keep = not self._has_marker and state[1] > 0
        return (self._generation(state) if keep else None), self._filled, damage

    def _generation(self, state: NDArray[np.int64]) -> Generation:
        batches = self._rows[: 6 * int(state[1])].reshape(-1, 6)
        return Generation(int(state[3]), self._buf, self._base, batches)

    def _read(self) -> bool:
        """Append a chunk to the buffer; False at the end of the stream."""
        if self._filled + self._chunk > len(self._buf):
            if len(self._buf) >= MAX_GENERATION_BYTES:
                raise DamageError(
                    self._base + self._filled,
                    f"a generation larger than the cap of {MAX_GENERATION_BYTES} bytes",
                )
            grown = np.empty(2 * len(self._buf), np.uint8)
            grown[: self._filled] = self._buf[: self._filled]
            self._buf = grown
        view = self._buf.data[self._filled : self._filled + self._chunk]
        got = self._stream.readinto(view)  # type: ignore[attr-defined]
        self._filled += got or 0
        return bool(got)


@dataclass(frozen=True, slots=True)
class StringRows:
    """A generation's string table: ids and places in its buffer."""

    ids: NDArray[np.int64]
    starts: NDArray[np.int64]
    ends: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class StackRows:
    """A generation's stacks: ids, first frames (one more than ids), frames (pc, function, file, line)."""

    ids: NDArray[np.int64]
    firsts: NDArray[np.int64]
    frames: NDArray[np.int64]


def read_strings(gen: Generation) -> StringRows:
    """Decode the string batches. Raises DamageError."""
    batches = gen.of_kind(STRINGS)
    size = int((batches[:, 4] - batches[:, 3]).sum()) // 3 + 1
    ids, starts, ends = (np.empty(size, np.int64) for _ in range(3))
    state = np.zeros(8, np.int64)
    for row in batches:
        status = trace_wire.decode_strings(gen.view, int(row[3]) + 1, int(row[4]), ids, starts, ends, state)
        _check(gen, status, state, "strings")
    n = int(state[1])
    _check_ids(gen, ids[:n], "string")
    return StringRows(ids[:n], starts[:n], ends[:n])


def read_stacks(gen: Generation) -> StackRows:
    """Decode the stack batches. Raises DamageError."""
    batches = gen.of_kind(STACKS)
    size = int((batches[:, 4] - batches[:, 3]).sum())
    ids, firsts = (np.empty(size // 3 + 1, np.int64) for _ in range(2))
    frames = np.empty((4, size // 4 + 1), np.int64)
    state = np.zeros(8, np.int64)
    for row in batches:
        status = trace_wire.decode_stacks(gen.view, int(row[3]) + 1, int(row[4]), ids, firsts, frames, state)
        _check(gen, status, state, "stacks")
    n, k = int(state[1]), int(state[3])
    _check_ids(gen, ids[:n], "stack")
    return StackRows(ids[:n], np.append(firsts[:n], k), frames[:, :k])


def read_samples(gen: Generation, clocks: Clocks) -> NDArray[np.int64]:
    """CPU samples in file order, int64 (n, 5): ns, thread, proc, goroutine, stack. Raises DamageError."""
    batches = gen.of_kind(SAMPLES)
    samples = np.empty((int((batches[:, 4] - batches[:, 3]).sum()) // 6 + 1, 5), np.int64)
    state = np.zeros(8, np.int64)
    for row in batches:
        status = trace_wire.decode_samples(gen.view, int(row[3]) + 1, int(row[4]), samples, state)
        _check(gen, status, state, "CPU samples")
    samples = samples[: int(state[1])]
    samples[:, 0] = to_ns(gen, samples[:, 0], clocks)
    samples[samples[:, 3] == 0, 3] = -1
    return samples


def read_clocks(gen: Generation) -> Clocks:
    """Frequency and clock snapshot. Raises DamageError if one is missing, or told twice."""
    frequency = 0
    snapshot: tuple[int, list[int]] | None = None
    has_sync = False
    for row in gen.of_kind(SYNC):
        at, end = int(row[3]), int(row[4])
        ticks = int(row[2])
        is_sync = int(gen.buf[at]) == spec.SYNC
        has_sync |= is_sync
        at += is_sync
        while at < end:
            kind = int(gen.buf[at])
            if kind == spec.FREQUENCY and not frequency:
                (frequency,), at = read_varints(gen, at + 1, end, 1)
                if not frequency:
                    raise gen.damage(at, "a clock frequency of 0")
            elif kind == spec.CLOCK_SNAPSHOT and is_sync and snapshot is None:
                values, at = read_varints(gen, at + 1, end, 4)
                ticks = (ticks + values[0]) & (1 << 64) - 1
                snapshot = (ticks, values[1:])
            else:
                raise gen.damage(at, f"event type {kind} among the clocks, or clocks told twice")
    if not frequency:
        raise gen.damage(0, "the generation has no clock frequency")
    if has_sync and snapshot is None:
        raise gen.damage(0, "the generation has no clock snapshot")
    ns_per_tick = 1.0 / (frequency / 1e9)
    if snapshot is None:
        return Clocks(ns_per_tick, None)
    ns = float(snapshot[0]) * ns_per_tick
    if not ns < MAX_TIME:
        raise gen.damage(0, "a time beyond 2^62 ns")
    return Clocks(ns_per_tick, Snapshot(int(ns), *snapshot[1]))


def to_ns(gen: Generation, ticks: NDArray[np.int64], clocks: Clocks) -> NDArray[np.int64]:
    """Unsigned ticks (as signed bits) in nanoseconds, truncated. Raises DamageError beyond 2^62."""
    ns = ticks.view(np.uint64).astype(np.float64) * clocks.frequency
    if len(ns) and not ns.max() < MAX_TIME:
        raise gen.damage(0, "a time beyond 2^62 ns")
    return ns.astype(np.int64)


def read_varints(gen: Generation, at: int, end: int, count: int) -> tuple[list[int], int]:
    """count unsigned integers from offset at, and the offset behind them. Raises DamageError."""
    values = []
    for _ in range(count):
        value = shift = 0
        while True:
            if at >= end or shift > 63:
                raise gen.damage(at, "a cut or overlong integer")
            byte = int(gen.buf[at])
            at += 1
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                break
        if value >> 64:
            raise gen.damage(at, "a cut or overlong integer")
        values.append(value)
    return values, at


def _check(gen: Generation, status: int, state: NDArray[np.int64], what: str) -> None:
    if status:
        raise gen.damage(int(state[0]), _TABLE_ERRORS[status].format(what))


def _check_ids(gen: Generation, ids: NDArray[np.int64], what: str) -> None:
    unique, counts = np.unique(ids, return_counts=True)
    if len(unique) and counts.max() > 1:
        raise gen.damage(0, f"{what} id {int(unique[counts.argmax()])} is defined twice")
    if len(unique) and np.any(unique == 0):
        raise gen.damage(0, f"{what} id 0 is defined, which stands for none")
