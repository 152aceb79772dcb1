"""Direct calls in machine code: everything in a text that looks like one, by architecture.

Each scan takes the bytes of a text and the address of the first, and gives (return addresses, targets) of its
calls. What is looked for is what Go's compiler and linker write. Sources: the architectures' manuals;
cmd/internal/obj, cmd/link/internal of Go 1.21 to 1.27.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Bytes = NDArray[np.uint8]
    Ints = NDArray[np.int64]

Scan = Callable[["Bytes", int], "tuple[Ints, Ints]"]


def _x86(text: Bytes, vaddr: int) -> tuple[Ints, Ints]:
    """CALL rel32, on 386 and amd64: 0xE8, and the distance from behind it."""
    at = np.flatnonzero(text[:-4] == 0xE8) if len(text) > 4 else np.empty(0, np.int64)
    relative = (
        text[at + 1].astype(np.uint32)
        | text[at + 2].astype(np.uint32) << np.uint32(8)
        | text[at + 3].astype(np.uint32) << np.uint32(16)
        | text[at + 4].astype(np.uint32) << np.uint32(24)
    ).view(np.int32)
    returns = at + (vaddr + 5)
    return returns, returns + relative


def _arm64(text: Bytes, vaddr: int) -> tuple[Ints, Ints]:
    """BL: a signed 26 bit count of words."""
    at, words = _words(text, "<u4", 0xFC000000, 0x94000000)
    place = at + vaddr
    return place + 4, place + 4 * _signed(words, 26)


def _arm(text: Bytes, vaddr: int) -> tuple[Ints, Ints]:
    """BL without a condition: a signed 24 bit count of words, from two instructions further."""
    at, words = _words(text, "<u4", 0xFF000000, 0xEB000000)
    place = at + vaddr
    return place + 4, place + 8 + 4 * _signed(words, 24)


def _loong64(text: Bytes, vaddr: int) -> tuple[Ints, Ints]:
    """BL: a signed 26 bit count of words, its upper ten bits in the lower ones of the instruction."""
    at, words = _words(text, "<u4", 0xFC000000, 0x54000000)
    distance = (words & np.uint32(0x3FF)) << np.uint32(16) | (words >> np.uint32(10)) & np.uint32(0xFFFF)
    place = at + vaddr
    return place + 4, place + 4 * _signed(distance, 26)


def _ppc64(order: str) -> Scan:
    """BL of ppc64: a signed 26 bit distance whose two lowest bits say how it is meant."""

    def scan(text: Bytes, vaddr: int) -> tuple[Ints, Ints]:
        at, words = _words(text, order, 0xFC000003, 0x48000001)
        place = at + vaddr
        return place + 4, place + (_signed(words, 26) & ~np.int64(3))

    return scan


def _s390x(text: Bytes, vaddr: int) -> tuple[Ints, Ints]:
    """BRASL into R14: six bytes, the last four a signed count of halfwords."""
    halves = text[: len(text) // 2 * 2].view(">u2")
    at = np.flatnonzero(halves[:-2] == 0xC0E5) if len(halves) > 2 else np.empty(0, np.int64)
    relative = (halves[at + 1].astype(np.uint32) << np.uint32(16) | halves[at + 2]).view(np.int32)
    place = 2 * at + vaddr
    return place + 6, place + 2 * relative.astype(np.int64)


def _riscv64(text: Bytes, vaddr: int) -> tuple[Ints, Ints]:
    """JAL into RA, and AUIPC with JALR into RA; instructions begin at any halfword."""
    halves = text[: len(text) // 2 * 2].view("<u2")
    words = halves[:-1].astype(np.uint32) | halves[1:].astype(np.uint32) << np.uint32(16)
    at = np.flatnonzero((words & np.uint32(0xFFF)) == 0x0EF)
    word = words[at].astype(np.int64)
    # The distance's bits, as they stand: 20, 10 to 1, 11, 19 to 12.
    distance = (
        (word >> 31 & 1) << 20
        | (word >> 12 & 0xFF) << 12
        | (word >> 20 & 1) << 11
        | (word >> 21 & 0x3FF) << 1
    )
    place = 2 * at + vaddr
    near = place + 4, place + _signed(distance, 21)
    at = np.flatnonzero((words[:-2] & np.uint32(0x7F)) == 0x17)
    first, second = words[at], words[at + 2]
    is_same_register = (first >> np.uint32(7)) & np.uint32(31) == (second >> np.uint32(15)) & np.uint32(31)
    is_call = is_same_register & ((second & np.uint32(0x7FFF)) == 0x0E7)
    at, first, second = at[is_call], first[is_call], second[is_call]
    upper = (first & np.uint32(0xFFFFF000)).view(np.int32).astype(np.int64)
    lower = (second.view(np.int32) >> 20).astype(np.int64)
    place = 2 * at + vaddr
    far = place + 8, place + upper + lower
    returns, targets = (np.concatenate(both) for both in zip(near, far, strict=True))
    order = np.argsort(returns, kind="stable")
    return returns[order], targets[order]


def _words(text: Bytes, order: str, mask: int, wanted: int) -> tuple[Ints, NDArray[np.uint32]]:
    """Where the words stand that are as wanted under the mask, and the words."""
    words = text[: len(text) // 4 * 4].view(order)
    at = np.flatnonzero((words & np.uint32(mask)) == wanted)
    return at * 4, words[at].astype(np.uint32)


def _signed(values: NDArray[np.integer], bits: int) -> Ints:
    """The lowest bits as a signed number."""
    up = 64 - bits
    return values.astype(np.int64) << up >> up


SCANS: dict[str, Scan] = {
    "386": _x86,
    "amd64": _x86,
    "arm": _arm,
    "arm64": _arm64,
    "loong64": _loong64,
    "ppc64": _ppc64(">u4"),
    "ppc64le": _ppc64("<u4"),
    "riscv64": _riscv64,
    "s390x": _s390x,
}
