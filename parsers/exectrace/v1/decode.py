"""Bytes of a version 1 trace → its events, by processor; strings, stacks and rare events on the way."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from tracemill.parsers.columns import signed
from tracemill.parsers.exectrace.damage import DamageError
from tracemill.parsers.exectrace.v1 import events as ev
from tracemill.parsers.exectrace.v1.events import V1
from tracemill.parsers.exectrace.wire import HEADER_BYTES
from tracemill.parsers.kernels import trace_v1
from tracemill.parsers.kernels.layout import LAYOUT

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tracemill.parsers.exectrace.names import Names

MAX_STRING = 1_000_000
MAX_FRAMES = 1000
MAX_PROCS = 4096
NO_PROC = (1 << 64) - 1

_ERRORS = {
    V1["V1_E_CUT"]: "the file ends inside an event",
    V1["V1_E_VARINT"]: "an integer beyond 64 bits",
    V1["V1_E_NO_BATCH"]: "an event before the first batch",
    V1["V1_E_TIME"]: "a time beyond 2^62 ticks",
    V1["V1_E_LENGTH"]: "arguments longer than they claim, than allowed or than the file",
    V1["V1_E_EVENTS"]: "more events than the file has room for",
}
_EVENT_COLUMNS = {
    "ts": np.int64, "kind": np.uint8, "proc_of": np.int32, "g_of": np.int32, "a0": np.int64, "a1": np.int64,
    "a2": np.int64, "stack": np.uint32,
}  # fmt: skip


class Decoder:
    """One pass over the bytes; afterwards the kernel's trace holds the events."""

    def __init__(self, content: bytes, version: int, names: Names) -> None:
        self.trace: Any = trace_v1.Trace()  # its attributes stand in the .pxd
        self.columns: dict[str, NDArray[Any]] = {}
        self.g_id = np.zeros(1024, np.int64)
        self.strings: dict[int, int] = {0: 0}  # string ids → indexes of names
        self.stacks: dict[int, list[int]] = {}
        self.frames: dict[int, tuple[int, int, int]] = {}  # pc → (function, file, line), by string ids
        self.timers: set[int] = set()  # goroutines' indexes
        self.ticks_per_second = 0
        self.samples: list[tuple[int, int, int, int]] = []  # ticks, processor, goroutine's index, stack
        self._content = content
        self._version = version
        self._names = names
        self._last_g: dict[int, int] = {}
        self._bind()

    def decode(self) -> None:
        """All of it. Raises DamageError."""
        trace = self.trace
        while (status := trace.decode()) != LAYOUT["DONE"]:
            if status == LAYOUT["GROW"]:
                self._grow()
            elif status == V1["V1_SPECIAL"]:
                try:
                    self._special(trace.event_at)
                except IndexError:
                    raise DamageError(trace.event_at, "the file ends inside an event") from None
            elif status == V1["V1_E_COUNT"]:
                spec = ev.SPECS[self._content[trace.event_at] & 63]
                fact = f"{spec.name} has {trace.error_id} arguments, not {spec.count}"
                raise DamageError(trace.event_at, fact)
            else:
                raise DamageError(trace.event_at, _ERRORS[status])
        if len(self._last_g) > MAX_PROCS:
            raise DamageError(HEADER_BYTES, f"more than {MAX_PROCS} processors")

    def goroutine(self, number: int) -> int:
        """The index of a goroutine."""
        while (index := self.trace.goroutine(signed(number))) < 0:
            self._grow()
        return int(index)

    def _bind(self) -> None:
        trace, content = self.trace, self._content
        trace.buf = np.array(
            np.frombuffer(content, np.uint8)
        ).data  # a copy, as kernels take what they may write
        trace.reset(len(content), HEADER_BYTES)
        counts, has_stack = np.full(ev.NUMBERS, -1, np.int64), np.zeros(ev.NUMBERS, np.uint8)
        for number, spec in ev.SPECS.items():
            if spec.since <= self._version:
                counts[number], has_stack[number] = spec.count, spec.has_stack
        trace.count_of, trace.has_stack = counts.data, has_stack.data
        trace.cap = len(content) // 2 + 1  # an event has two bytes at least; pages count once written
        for name, kind in _EVENT_COLUMNS.items():
            self.columns[name] = np.empty(trace.cap, kind)
            setattr(trace, name, self.columns[name].data)
        self._bind_goroutines()
        self.goroutine(0)  # none has index 0

    def _bind_goroutines(self) -> None:
        trace, room = self.trace, len(self.g_id)
        trace.g_id, trace.g_cap = self.g_id.data, room - 1
        trace.table = np.zeros(8 * room, np.int64).data
        trace.table_shift = 64 - ((4 * room).bit_length() - 1)
        trace.rehash()

    def _grow(self) -> None:
        self.g_id = np.concatenate([self.g_id, np.zeros_like(self.g_id)])
        self._bind_goroutines()

    # ---- events that the kernel leaves to Python ---------------------------

    def _special(self, at: int) -> None:
        head = self._content[at]
        self.trace.at = at + 1
        kind, count = head & 63, (head >> 6) + 1
        spec = ev.SPECS.get(kind)
        if spec is None or spec.since > self._version:
            raise DamageError(at, f"unknown event type {kind}")
        if spec.name == "String":
            self._string(at)
            return
        if spec.name == "Batch":
            if count != 2:
                raise DamageError(at, "a batch with a wrong number of arguments")
            self._batch(at)
            return
        message = b""
        if count < 4:
            args = [self._varint() for _ in range(count)]
        else:
            args = self._long_args(at)
            if spec.name == "UserLog":
                message = self._bytes(self._varint(), at)
        if not self.trace.has_batch:
            raise DamageError(at, "an event before the first batch")
        if spec.name == "Stack":
            self._stack(args, at)
            return
        if len(args) != spec.count:
            raise DamageError(at, f"{spec.name} has {len(args)} arguments, not {spec.count}")
        if spec.name == "Frequency":
            self.ticks_per_second = args[0]
            if not 0 < args[0] < 1 << 63:
                raise DamageError(at, "a clock frequency of 0")
        elif spec.name == "TimerGoroutine":
            self.timers.add(self.goroutine(args[0]))
        elif spec.name == "CPUSample":
            _, time, proc, g, stack = args
            if time >> 62:
                raise DamageError(at, "a time beyond 2^62 ticks")
            proc = (proc & 0x7FFFFFFF) - (proc & 0x80000000)
            self.samples.append((time, proc, self.goroutine(g), stack & 0xFFFFFFFF))
        else:
            self._log(args, message, at)

    def _log(self, args: list[int], message: bytes, at: int) -> None:
        trace = self.trace
        time = trace.time + args[0]
        if time >> 62:
            raise DamageError(at, "a time beyond 2^62 ticks")
        trace.time = time
        text = self._names.add_string(message)
        trace.add(
            time, V1["V1_USER_LOG"], trace.proc, trace.g, signed(args[1]), signed(args[2]), text,
            args[3] & 0xFFFFFFFF,
        )  # fmt: skip

    def _batch(self, at: int) -> None:
        trace = self.trace
        proc, time = self._varint(), self._varint()
        if proc != NO_PROC and proc > 0x7FFFFFFF:
            raise DamageError(at, f"processor id {proc} exceeds 31 bits")
        if time >> 62:
            raise DamageError(at, "a time beyond 2^62 ticks")
        if trace.has_batch:
            self._last_g[trace.proc] = trace.g
        trace.proc = -1 if proc == NO_PROC else proc
        trace.g = self._last_g.setdefault(trace.proc, 0)
        trace.time = time
        trace.has_batch = True

    def _string(self, at: int) -> None:
        number, length = self._varint(), self._varint()
        if number == 0 or number in self.strings:
            raise DamageError(at, f"string id {number} is 0 or defined twice")
        if not 0 < length <= MAX_STRING:
            raise DamageError(at, f"a string of {length} bytes")
        self.strings[number] = self._names.add_string(self._bytes(length, at))

    def _stack(self, args: list[int], at: int) -> None:
        if len(args) < 2 or args[1] > MAX_FRAMES or len(args) != 2 + 4 * args[1]:
            raise DamageError(at, "a stack with a wrong number of frames")
        number = args[0] & 0xFFFFFFFF
        if number == 0 or args[1] == 0:
            return
        frames = [args[i : i + 4] for i in range(2, len(args), 4)]
        for pc, function, file, line in frames:
            self.frames.setdefault(pc, (function, file, line))
        self.stacks[number] = [frame[0] for frame in frames]

    def _long_args(self, at: int) -> list[int]:
        length = self._varint()
        end = self.trace.at + length
        if length > V1["V1_MAX_ARGS"] or end > len(self._content):
            raise DamageError(at, f"arguments of {length} bytes")
        args = []
        while self.trace.at < end:
            args.append(self._varint())
        if self.trace.at != end:
            raise DamageError(at, "arguments longer than they claim")
        return args

    def _bytes(self, length: int, at: int) -> bytes:
        start = int(self.trace.at)
        if length > MAX_STRING or start + length > len(self._content):
            raise DamageError(at, f"a string of {length} bytes, longer than allowed or than the file")
        self.trace.at = start + length
        return self._content[start : start + length]

    def _varint(self) -> int:
        value = shift = 0
        at = int(self.trace.at)
        while True:
            byte = self._content[at]
            at += 1
            value |= (byte & 127) << shift
            if byte < 128:
                break
            shift += 7
            if shift > 63:
                raise DamageError(at, "an integer beyond 64 bits")
        if value >> 64:
            raise DamageError(at, "an integer beyond 64 bits")
        self.trace.at = at
        return value
