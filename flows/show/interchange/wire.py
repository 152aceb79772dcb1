"""Protocol buffers, written: varints, fixed numbers, bytes. Source: protobuf encoding guide."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

_VARINT, _FIXED64, _BYTES = 0, 1, 2


def varint(value: int) -> bytes:
    """Base-128 digits, the least significant first; negative numbers as 64 bits of two's complement."""
    value &= (1 << 64) - 1
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def number(field: int, value: int) -> bytes:
    """A whole number, a boolean or an enumeration."""
    return varint(field << 3 | _VARINT) + varint(value)


def fixed64(field: int, value: int) -> bytes:
    """A number in eight bytes."""
    return varint(field << 3 | _FIXED64) + (value & (1 << 64) - 1).to_bytes(8, "little")


def data(field: int, content: bytes) -> bytes:
    """Bytes: also what a message or packed numbers are."""
    return varint(field << 3 | _BYTES) + varint(len(content)) + content


def text(field: int, content: str) -> bytes:
    """A text."""
    return data(field, content.encode("utf-8", "replace"))


def packed(field: int, values: Iterable[int]) -> bytes:
    """Whole numbers behind one key."""
    return data(field, b"".join(map(varint, values)))
