"""Call sites of the runtime's allocating functions, found in one vectorised pass over the text.

No disassembler: on each architecture a direct call has one form (call_scans.py). A byte sequence that only
looks like a CALL must also point exactly at the start of one of these functions, and even then does no harm:
its return address never stands in a profile.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tracemill.parsers.binary.call_scans import SCANS
from tracemill.parsers.binary.callees import WANTED

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tracemill.parsers.binary.image import Section
    from tracemill.parsers.binary.pclntab import Functions

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
    returns, targets = SCANS[architecture](np.frombuffer(text.data, np.uint8), text.vaddr)
    starts = functions.entries[wanted].astype(np.int64)
    place = np.minimum(np.searchsorted(starts, targets), len(starts) - 1)
    is_hit = starts[place] == targets
    return CallSites(returns[is_hit].astype(np.uint64), wanted[place[is_hit]])


def find_text_start(architecture: str, text: Section, functions: Functions) -> int | None:
    """Where function addresses count from, when functions were made with 0; None if that can't be told.

    It is where .text begins, unless C code stands before Go's (cgo). What is called most in a Go
    program is the function that grows the stack: every other one ends with a call of it.
    """
    _, targets = SCANS[architecture](np.frombuffer(text.data, np.uint8), text.vaddr)
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
