"""Execution traces one behind the other in one file (cat a.trace b.trace): where each begins.

Each batch says how long it is, so a trace of format version 2 (Go 1.22 on) ends where no batch begins; what
follows is another trace if it begins with a header. Nothing else of a trace is looked at.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from tracemill.parsers.unwrap.compression import BrokenCompressionError, head_of

if TYPE_CHECKING:
    from typing import BinaryIO

HEADER = re.compile(rb"go 1\.(\d{1,3}) trace\x00\x00\x00")
_HEADER_BYTES = 16
_OLDEST = 22  # older formats have no batches
_BATCH, _EXPERIMENTAL, _END = 1, 49, 52
# A batch's header: its type, that of an experiment, and four numbers of ten bytes at most.
_MAX_BATCH_HEADER = 42
_MAX_BATCH_BYTES = 65536


def starts_of_traces(stream: BinaryIO) -> list[int]:
    """Where traces begin in the stream, the first at 0."""
    reader = _Reader(stream)
    starts = []
    while (header := HEADER.match(reader.peek(_HEADER_BYTES))) is not None:
        starts.append(reader.at)
        if int(header[1]) < _OLDEST:
            break
        reader.skip(_HEADER_BYTES)
        while size := _batch_length(reader.peek(_MAX_BATCH_HEADER)):
            reader.skip(size)
    return starts


def _batch_length(head: bytes) -> int:
    """The bytes that a batch or an end of a generation takes; 0 where there is none."""
    if head[:1] == bytes([_END]):
        return 1
    if not head or head[0] not in (_BATCH, _EXPERIMENTAL):
        return 0
    at = 1 if head[0] == _BATCH else 2
    value = 0
    for _ in range(4):  # generation, thread, time, size
        value, at = _varint(head, at)
        if at < 0:
            return 0
    return at + value if value <= _MAX_BATCH_BYTES else 0


def _varint(data: bytes, at: int) -> tuple[int, int]:
    """(value, next offset), the latter -1 where the number does not end."""
    value = 0
    for shift in range(0, 70, 7):
        if at >= len(data):
            break
        value |= (data[at] & 0x7F) << shift
        at += 1
        if data[at - 1] < 0x80:
            return value, at
    return 0, -1


class _Reader:
    """Looks ahead in a stream and passes over what is not wanted."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._data = b""
        self._used = 0
        self.at = 0

    def peek(self, count: int) -> bytes:
        """The next bytes; fewer at the end."""
        if len(self._data) - self._used < count:
            self._data = self._data[self._used :] + self._next()
            self._used = 0
        return self._data[self._used : self._used + count]

    def _next(self) -> bytes:
        try:
            return head_of(self._stream, 1 << 20)
        except BrokenCompressionError:  # what is before it is read, and the break told, by the parser
            return b""

    def skip(self, count: int) -> None:
        """Pass over bytes; beyond the end there are none."""
        while count and self.peek(1):
            step = min(count, len(self._data) - self._used)
            self._used += step
            self.at += step
            count -= step
