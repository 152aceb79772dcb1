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
from tracemill.parsers.kernels.layout import LAYOUT, read_constants
from tracemill.parsers.unwrap.compression import BrokenCompressionError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

HEADER_BYTES = 16
CHUNK_BYTES = 1 << 20
# What one generation may take; the runtime begins a new one each second.
MAX_GENERATION_BYTES = 1 << 30
MAX_TIME = 1 << LAYOUT["TIME_BITS"]

_HEADER = re.compile(rb"go 1\.(\d{1,3}) trace\x00\x00\x00")

_CODES = read_constants("trace_wire")
_KINDS = ("EVENTS", "STRINGS", "STACKS", "SAMPLES", "SYNC", "EXPERIMENT")
EVENTS, STRINGS, STACKS, SAMPLES, SYNC, EXPERIMENT = (_CODES[f"BATCH_{kind}"] for kind in _KINDS)
# Columns of batches, and places of the kernel's state.
KIND, THREAD, TIME, OFF, END, WIDTH = (
    _CODES[f"B_{name}"] for name in ("KIND", "THREAD", "TIME", "OFF", "END", "WIDTH")
)
_AT, _ROWS, _NUMBER, _FRAMES = (_CODES[name] for name in ("AT", "ROWS", "NUMBER", "FRAMES"))
_FRAME_WIDTH, _SAMPLE_WIDTH = _CODES["FRAME_WIDTH"], LAYOUT["SAMPLE_WIDTH"]
_SAMPLE_TIME, _SAMPLE_G = LAYOUT["SAMPLE_TIME"], LAYOUT["SAMPLE_G"]
# Errors at a trace's end leave what came before it whole; those of generations' numbers do not.
_TAIL_ERRORS = {
    _CODES["INDEX_E_NO_BATCH"]: "no batch begins here",
    _CODES["INDEX_E_VARINT"]: "an integer of the batch header exceeds 64 bits",
    _CODES["INDEX_E_SIZE"]: f"the batch claims more than {_CODES['MAX_BATCH_BYTES']} bytes",
}
_INDEX_ERRORS = _TAIL_ERRORS | {
    _CODES["INDEX_E_ZERO"]: "generation number 0",
    _CODES["INDEX_E_OTHER"]: "a batch of another generation lies between",
}
_TABLE_ERRORS = {
    _CODES["TABLE_E_ENTRY"]: "unexpected byte in a table of {}",
    _CODES["TABLE_E_VARINT"]: "a cut or overlong integer in a table of {}",
    _CODES["TABLE_E_LARGE"]: "an entry larger than the format allows in a table of {}",
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

    batches: int64 (n, WIDTH): KIND, THREAD, TIME, OFF, END, first byte's offset; offsets count in buf,
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
        found: NDArray[np.int64] = self.batches[self.batches[:, KIND] == kind]
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
        # Why the stream ends here, where it is not the file's own end.
        self._broken = ""
        self._base = HEADER_BYTES
        self._rows = np.empty(WIDTH * 4096, np.int64)

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
        state = _new_state()
        while True:
            status = trace_wire.index_batches(
                self._buf.data, self._filled, self._has_marker, self._sync_type, self._rows, state
            )
            if status == _CODES["INDEX_GROW"]:
                self._rows = np.concatenate([self._rows, np.empty_like(self._rows)])
            elif status == _CODES["INDEX_ENDS"]:
                return self._generation(state), int(state[_AT]), None
            elif status < 0:
                at, number = int(state[_AT]), int(state[_NUMBER]) or None
                damage = DamageError(self._base + at, _INDEX_ERRORS[status], number)
                keep = not self._has_marker and state[_ROWS] > 0 and status in _TAIL_ERRORS
                return (self._generation(state) if keep else None), at, damage
            elif not self._read():
                return self._at_end(state)

    def _at_end(self, state: NDArray[np.int64]) -> tuple[Generation | None, int, DamageError | None]:
        left = self._filled - int(state[_AT])
        damage = None
        if self._broken or left or (self._has_marker and state[_ROWS]):
            number = int(state[_NUMBER]) or None
            fact = self._broken or "the file ends inside a generation"
            damage = DamageError(self._base + self._filled, fact, number)
        keep = not self._has_marker and state[_ROWS] > 0
        return (self._generation(state) if keep else None), self._filled, damage

    def _generation(self, state: NDArray[np.int64]) -> Generation:
        batches = self._rows[: WIDTH * int(state[_ROWS])].reshape(-1, WIDTH)
        return Generation(int(state[_NUMBER]), self._buf, self._base, batches)

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
        try:
            got = self._stream.readinto(view)  # type: ignore[attr-defined]
        except BrokenCompressionError as error:
            self._broken, got = error.fact, 0
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
    ids, starts, ends = (np.empty(size_bytes(batches) // 3 + 1, np.int64) for _ in range(3))
    state = _new_state()
    for row in batches:
        where = int(row[OFF]) + 1, int(row[END])
        status = trace_wire.decode_strings(gen.view, *where, ids, starts, ends, state)
        _check(gen, status, state, "strings")
    n = int(state[_ROWS])
    _check_ids(gen, ids[:n], "string")
    return StringRows(ids[:n], starts[:n], ends[:n])


def read_stacks(gen: Generation) -> StackRows:
    """Decode the stack batches. Raises DamageError."""
    batches = gen.of_kind(STACKS)
    size = size_bytes(batches)
    ids, firsts = (np.empty(size // 3 + 1, np.int64) for _ in range(2))
    frames = np.empty((_FRAME_WIDTH, size // _FRAME_WIDTH + 1), np.int64)
    state = _new_state()
    for row in batches:
        where = int(row[OFF]) + 1, int(row[END])
        status = trace_wire.decode_stacks(gen.view, *where, ids, firsts, frames, state)
        _check(gen, status, state, "stacks")
    n, k = int(state[_ROWS]), int(state[_FRAMES])
    _check_ids(gen, ids[:n], "stack")
    return StackRows(ids[:n], np.append(firsts[:n], k), frames[:, :k])


def read_samples(gen: Generation, clocks: Clocks) -> NDArray[np.int64]:
    """CPU samples in file order, int64 (n, 5): ns, thread, proc, goroutine, stack. Raises DamageError."""
    batches = gen.of_kind(SAMPLES)
    samples = np.empty((size_bytes(batches) // (1 + _SAMPLE_WIDTH) + 1, _SAMPLE_WIDTH), np.int64)
    state = _new_state()
    for row in batches:
        status = trace_wire.decode_samples(gen.view, int(row[OFF]) + 1, int(row[END]), samples, state)
        _check(gen, status, state, "CPU samples")
    samples = samples[: int(state[_ROWS])]
    samples[:, _SAMPLE_TIME] = to_ns(gen, samples[:, _SAMPLE_TIME], clocks)
    samples[samples[:, _SAMPLE_G] == 0, _SAMPLE_G] = LAYOUT["NONE"]
    return samples


def read_clocks(gen: Generation) -> Clocks:
    """Frequency and clock snapshot. Raises DamageError if one is missing, or told twice."""
    frequency = 0
    snapshot: tuple[int, list[int]] | None = None
    has_sync = False
    for row in gen.of_kind(SYNC):
        at, end = int(row[OFF]), int(row[END])
        ticks = int(row[TIME])
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


def size_bytes(batches: NDArray[np.int64]) -> int:
    """What the batches hold together."""
    return int((batches[:, END] - batches[:, OFF]).sum())


def _new_state() -> NDArray[np.int64]:
    return np.zeros(_CODES["STATE_WIDTH"], np.int64)


def _check(gen: Generation, status: int, state: NDArray[np.int64], what: str) -> None:
    if status:
        raise gen.damage(int(state[_AT]), _TABLE_ERRORS[status].format(what))


def _check_ids(gen: Generation, ids: NDArray[np.int64], what: str) -> None:
    unique, counts = np.unique(ids, return_counts=True)
    if len(unique) and counts.max() > 1:
        raise gen.damage(0, f"{what} id {int(unique[counts.argmax()])} is defined twice")
    if len(unique) and np.any(unique == 0):
        raise gen.damage(0, f"{what} id 0 is defined, which stands for none")
