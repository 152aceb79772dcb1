"""Rewrites the clocks of a trace's threads, as machines with clocks that disagree would write them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.exectrace.texttrace import varint

if TYPE_CHECKING:
    from collections.abc import Callable

HEADER = 16
# First byte of batches that are not a thread's events.
STRUCTURAL = (2, 4, 6, 8, 50)


def read_varint(content: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = content[at]
        at += 1
        value |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            return value, at


def skewed(content: bytes, ticks: Callable[[int], int], frequency: int = 0) -> bytes:
    """The trace with ticks(thread) added to the times of each thread's batches.

    frequency: if given, what the clocks claim; a very large one makes most times equal.
    """
    out = bytearray(content[:HEADER])
    at = HEADER
    while at < len(content):
        kind = content[at]
        out.append(kind)
        at += 1
        if kind == 52:
            continue
        if kind == 49:
            out.append(content[at])
            at += 1
        fields = []
        for _ in range(4):
            value, at = read_varint(content, at)
            fields.append(value)
        generation, thread, time, size = fields
        if kind == 1 and size and content[at] not in STRUCTURAL:
            time = max(time + ticks(thread), 1)
        body = content[at : at + size]
        at += size
        if frequency and kind == 1 and body[:1] in (b"\x08", b"\x32"):
            start = body.index(8) + 1
            _, end = read_varint(body, start)
            body = body[:start] + varint(frequency) + body[end:]
        for value in (generation, thread, time, len(body)):
            out += varint(value)
        out += body
    return bytes(out)
