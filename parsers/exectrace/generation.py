"""What a generation says besides its events: clocks, strings, stacks, CPU samples, types of heap objects."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tracemill.parsers.exectrace import wire
from tracemill.parsers.exectrace.heap import HeapInfo, read_heap_info

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from tracemill.parsers.exectrace.names import IdMap, Names
    from tracemill.parsers.exectrace.wire import Clocks, Generation


@dataclass(frozen=True, slots=True)
class Decoded:
    """strings, stacks: the generation's ids → indexes of the capture. samples: as ``wire.read_samples``."""

    clocks: Clocks
    strings: IdMap
    stacks: IdMap
    samples: NDArray[np.int64]
    heap: HeapInfo


def decode(gen: Generation, names: Names) -> Decoded:
    """All of it, with its names added to those of the capture. Raises DamageError."""
    clocks = wire.read_clocks(gen)
    strings = names.add_strings(gen, wire.read_strings(gen))
    stacks = names.add_stacks(gen, wire.read_stacks(gen), strings)
    samples = wire.read_samples(gen, clocks)
    return Decoded(clocks, strings, stacks, samples, read_heap_info(gen, names))
