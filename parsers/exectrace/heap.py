"""What interprets heap events (GODEBUG=traceallocfree=1, Go 1.23 on): types and the page size.

Source: runtime/traceallocfree.go. Experiment 1 writes batches of its own format:
a first byte 0 is followed by types (id, address, size, bytes with pointers,
length and name), 1 by the heap's lowest address, page size, object alignment and
stack alignment. Both count per generation. Objects are named by slots of the
alignment above the lowest address, spans by pages; an object's size is that of
its span's size class.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from tracemill.parsers.exectrace import wire
from tracemill.parsers.exectrace.damage import DamageError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tracemill.parsers.exectrace.names import Names
    from tracemill.parsers.exectrace.wire import Generation

EXPERIMENT = 1
TYPES, INFO = 0, 1
PAGE_OBJECTS = 8192 // 8


@dataclass(frozen=True, slots=True)
class HeapInfo:
    """Type ids → string indexes (0 unknown), slots a page (None: not told), what was wrong, if anything."""

    types: NDArray[np.int64] = field(default_factory=lambda: np.zeros(1, np.int64))
    page_objects: int | None = None
    fault: str = ""


def read_heap_info(gen: Generation, names: Names) -> HeapInfo:
    """Read the experiment's batches. Never raises: heap events can be read without."""
    batches = gen.of_kind(wire.EXPERIMENT + EXPERIMENT)
    if not len(batches):
        return HeapInfo()
    types: dict[int, int] = {}
    page_objects = None
    try:
        for row in batches:
            at, end = int(row[wire.OFF]), int(row[wire.END])
            if at == end:
                continue
            kind, at = int(gen.buf[at]), at + 1
            if kind == INFO:
                (_, page, slot, _), at = wire.read_varints(gen, at, end, 4)
                page_objects = page // slot if 0 < slot <= page <= 1 << 30 else None
            while kind == TYPES and at < end:
                (number, _, _, _, length), at = wire.read_varints(gen, at, end, 5)
                if length > end - at:
                    raise gen.damage(at, "a type's name is cut")
                types[number] = names.add_string(bytes(gen.view[at : at + length]))
                at += length
    except DamageError as error:
        return HeapInfo(_dense(types), page_objects, f"{error.position}: {error.fact}")
    return HeapInfo(_dense(types), page_objects)


def _dense(types: dict[int, int]) -> NDArray[np.int64]:
    """The runtime numbers types from 1; ids far beyond that are dropped."""
    limit = 4 * len(types) + 1024
    dense = np.zeros(limit, np.int64)
    for number, index in types.items():
        if number < limit:
            dense[number] = index
    return dense
