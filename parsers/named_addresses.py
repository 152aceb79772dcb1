"""Addresses of the program's code that the stacks of traces and profiles name, and what is called there.

Emits ``named_addresses``: one row for each address, function and callee. A heap profile hides the runtime's
frames, but traces, CPU, block and mutex profiles of the same program show them: by these rows the addresses
in a heap profile are looked up. Source of the addresses: runtime/traceback.go, runtime/symtab.go.

Quirks: stacks hold return addresses less one, here they are return addresses, as in ``call_sites``. A trace
gives inlined calls frames of their own, whose callers' addresses are made up (the mark of the inlined call);
a protobuf profile gives all of them one location. What preempts a goroutine, or handles its fault, stands
above whatever instruction it interrupted: that is no call.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from tracemill.parsers import columns
from tracemill.parsers.api import Batch
from tracemill.parsers.binary.callees import callee_class

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Ints = NDArray[np.int64]

RUNTIME = ("runtime.", "internal/runtime/")
INTERRUPTS = ("runtime.asyncPreempt", "runtime.sigpanic", "runtime.debugCall")


@dataclass(frozen=True, slots=True)
class Frames:
    """Frames that have an address (n,): functions, outermost and files as positions in names.

    outermost is the function that the frame's function was inlined into, or itself; None where nothing tells.
    """

    names: Sequence[str]
    address: NDArray[np.uint64]
    function: Ints
    file: Ints
    line: Ints
    start_line: Ints | None = None
    outermost: Ints | None = None


def is_runtime(names: Sequence[str]) -> NDArray[np.bool_]:
    """Which functions a heap profile hides (n,)."""
    return np.fromiter((name.startswith(RUNTIME) for name in names), np.bool_, len(names))


def rows(frames: Frames, at: Ints, above: Ints) -> Batch:
    """Rows for the frames at these places (m,), with the function directly above each (m,), -1 for none."""
    names = frames.names
    callees = np.unique(above[above >= 0]).tolist()
    is_callee = {i: names[i].startswith(RUNTIME) and not names[i].startswith(INTERRUPTS) for i in callees}
    above = np.where(np.isin(above, [i for i in callees if is_callee[i]]), above, -1)
    at, above = _distinct(frames, at, above)
    texts = [*names, ""]
    classes = [callee_class(names[i]) for i in callees]
    known = sorted({found for found in classes if found is not None})
    codes = np.full(len(texts), -1, np.int32)  # -1: none
    codes[callees] = [-1 if found is None else known.index(found) for found in classes]
    code = codes[above]
    found = {
        "pc": columns.numbers(pa.uint64(), frames.address[at] + np.uint64(1)),
        "function": columns.chosen(frames.function[at], texts),
        "callee": columns.chosen(above, texts),  # -1: none
        "callee_class": columns.words(len(code), pa.py_buffer(code), code >= 0, pa.array(known, pa.string())),
        "file": columns.chosen(frames.file[at], texts),
        "line": columns.ints(frames.line[at]),
    }
    if frames.start_line is not None:
        start = frames.start_line[at]
        found["start_line"] = columns.ints(start, start > 0)
    if frames.outermost is not None:
        found["outermost_function"] = columns.chosen(frames.outermost[at], texts)
    return Batch("named_addresses", pa.RecordBatch.from_pydict(found))


def _distinct(frames: Frames, at: Ints, above: Ints) -> tuple[Ints, Ints]:
    """at and above less repetitions of (address, function, callee), and less frames without a name."""
    nameless = [i for i, name in enumerate(frames.names) if not name]
    kept = ~np.isin(frames.function[at], nameless)
    at, above = at[kept], above[kept]
    order = np.lexsort((at, above, frames.function[at], frames.address[at]))
    at, above = at[order], above[order]
    keys = frames.address[at], frames.function[at], above
    is_new = np.ones(len(at), np.bool_)
    is_new[1:] = np.logical_or.reduce([key[1:] != key[:-1] for key in keys])
    return at[is_new], above[is_new]
