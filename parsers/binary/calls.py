"""Call sites of the runtime's allocating functions, found in one vectorised pass over the text.

No disassembler: on amd64 and 386 a direct CALL is 0xE8 and a relative 32 bit target, on
arm64 a word whose top six bits are 100101 (BL). A byte sequence that only looks like a CALL
must also point exactly at the start of one of these functions, and even then does no harm:
its return address never stands in a profile.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tracemill.parsers.binary.callees import WANTED

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tracemill.parsers.binary.image import Section
    from tracemill.parsers.binary.pclntab import Functions

# BL, the branch with link: the top six bits.
_BL_MASK, _BL = np.uint32(0xFC000000), np.uint32(0x94000000)
ARCHITECTURES = ("386", "amd64", "arm64")
_GROWS_STACK = "runtime.morestack_noctxt"
_MOST_CALLED = 8
# Share of calls that must hit a function's start; a wrong text start hits about one in thirty.
_ENOUGH = 0.3


@dataclass(frozen=True, slots=True)
class CallSites:
    """return_pcs (n,) virtual addresses after each CALL, ascending; callees (n,) positions of functions."""

    return_pcs: NDArray[np.uint64]
    callees: NDArray[np.int64]


def find_calls(architecture: str, text: Section, functions: Functions) -> CallSites:
    """Every CALL in text whose target is the start of a function that allocates for its caller."""
    wanted = np.array([i for i, name in enumerate(functions.names) if WANTED.match(name)], np.int64)
    if not len(wanted):
        return CallSites(np.empty(0, np.uint64), np.empty(0, np.int64))
    scan = _scan_arm64 if architecture == "arm64" else _scan_x86
    returns, targets = scan(np.frombuffer(text.data, np.uint8), text.vaddr)
    starts = functions.entries[wanted].astype(np.int64)
    place = np.minimum(np.searchsorted(starts, targets), len(starts) - 1)
    is_hit = starts[place] == targets
    return CallSites(returns[is_hit].astype(np.uint64), wanted[place[is_hit]])


def find_text_start(architecture: str, text: Section, functions: Functions) -> int | None:
    """Where function addresses count from, when functions were made with 0; None if that can't be told.

    It is where .text begins, unless C code stands before Go's (cgo). What is called most in a Go
    program is the function that grows the stack: every other one ends with a call of it.
    """
    scan = _scan_arm64 if architecture == "arm64" else _scan_x86
    _, targets = scan(np.frombuffer(text.data, np.uint8), text.vaddr)
    is_inside = (targets >= text.vaddr) & (targets < text.vaddr + len(text.data))
    called, counts = np.unique(targets[is_inside], return_counts=True)
    entries = functions.entries.astype(np.int64)
    most = called[np.argsort(counts)[-_MOST_CALLED:]].tolist()
    grows = [int(entries[i]) for i, name in enumerate(functions.names) if name == _GROWS_STACK]
    best, hits = None, _ENOUGH * counts.sum()
    for start in (text.vaddr, *(target - entry for target in most for entry in grows)):
        share = counts[np.isin(called, entries + start)].sum()
        if share > hits:
            best, hits = start, share
    return best


def text_start_by_entry(architecture: str, entry: int, functions: Functions) -> int | None:
    """The same where no calls are looked for: a program without C code begins with _rt0_<GOARCH>_<GOOS>."""
    begins = re.compile(rf"_rt0_{re.escape(architecture)}_[a-z0-9]+")
    offsets = [int(functions.entries[i]) for i, n in enumerate(functions.names) if begins.fullmatch(n)]
    return entry - offsets[0] if len(offsets) == 1 and entry >= offsets[0] else None


def _scan_x86(text: NDArray[np.uint8], vaddr: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """(return addresses, targets) of everything that looks like CALL rel32."""
    at = np.flatnonzero(text[:-4] == 0xE8) if len(text) > 4 else np.empty(0, np.int64)
    relative = (
        text[at + 1].astype(np.uint32)
        | text[at + 2].astype(np.uint32) << np.uint32(8)
        | text[at + 3].astype(np.uint32) << np.uint32(16)
        | text[at + 4].astype(np.uint32) << np.uint32(24)
    ).view(np.int32)
    returns = at + (vaddr + 5)
    return returns, returns + relative


def _scan_arm64(text: NDArray[np.uint8], vaddr: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """(return addresses, targets) of every BL."""
    words = text[: len(text) // 4 * 4].view("<u4")
    at = np.flatnonzero((words & _BL_MASK) == _BL)
    # A signed 26 bit count of words: shifted up to the sign bit and back.
    relative = (words[at] << np.uint32(6)).view(np.int32) >> 4
    place = at * 4 + vaddr
    return place + 4, place + relative
