"""Call stacks interned by content: the same stack has the same id in every capture and build.

Emits ``stacks``. ``stack_id`` hashes (function, file, line)s, ``path_id`` the function names
alone, so that it survives shifted lines. Both are signed 64-bit integers; an empty stack has
no id.

A frame's hash mixes that of function and file with the line; how frames make a stack's stands in
``warehouse/schema/hashes.py``. Frames are hashed once each, and the stacks of whole profiles by a kernel
(``kernels/stack_frames.py``).
"""

from __future__ import annotations

from array import array
from functools import lru_cache
from typing import TYPE_CHECKING

from tracemill.parsers.api import Stacks
from tracemill.warehouse.schema.hashes import MASK, combine, hash_name

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]
    Unsigned = NDArray[np.uint64]

# The multipliers of the frame's mixer (SplitMix64's, by Steele, Lea and Flood).
_LINE = 0x9E3779B97F4A7C15
_MIX_1, _MIX_2 = 0xBF58476D1CE4E5B9, 0x94D049BB133111EB
ROWS_PER_BATCH = 65_536


@lru_cache(maxsize=1 << 16)
def hash_frame(function: str, file: str, line: int) -> int:
    """Unsigned 64-bit hash of one frame."""
    x = (hash_name(function) + 3 * hash_name(file) + line * _LINE) & MASK
    x = ((x ^ x >> 30) * _MIX_1) & MASK
    x = ((x ^ x >> 27) * _MIX_2) & MASK
    return x ^ x >> 31


def hash_frames(functions: Unsigned, files: Unsigned, lines: Ints) -> Unsigned:
    """hash_frame of many frames, from the hashes of their names. All (n,)."""
    import numpy as np

    x = functions + files * np.uint64(3) + lines.view(np.uint64) * np.uint64(_LINE)
    x = (x ^ (x >> np.uint64(30))) * np.uint64(_MIX_1)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(_MIX_2)
    mixed: Unsigned = x ^ (x >> np.uint64(31))
    return mixed


def stack_ids(functions: Sequence[str], files: Sequence[str], lines: Sequence[int]) -> tuple[int, int]:
    """(stack_id, path_id) of frames, leaf first."""
    frames = [hash_frame(f, p, n) for f, p, n in zip(functions, files, lines, strict=True)]
    return combine(frames), combine([hash_name(f) for f in functions])


class StackTable:
    """The distinct stacks of one capture; add() while parsing, stacks() at the end."""

    def __init__(self) -> None:
        self._ids = array("q")
        self._path_ids = array("q")
        self._known: set[int] = set()
        # Row i has frames [ends[i - 1], ends[i]) and program counters likewise.
        self._ends = array("q")
        self._pc_ends = array("q")
        self._function, self._file = array("i"), array("i")
        self._line, self._pc = array("q"), array("Q")
        self._functions: dict[str, int] = {}
        self._files: dict[str, int] = {}

    def __len__(self) -> int:
        return len(self._ids)

    def add(
        self,
        functions: Sequence[str],
        files: Sequence[str],
        lines: Sequence[int],
        pcs: Sequence[int] = (),
    ) -> int | None:
        """The stack's id; None for no frames. All sequences leaf first; pcs unsigned addresses."""
        if not functions:
            return None
        stack_id, path_id = stack_ids(functions, files, lines)
        if stack_id not in self._known:
            self._known.add(stack_id)
            self._ids.append(stack_id)
            self._path_ids.append(path_id)
            self._function.extend([_code(self._functions, name) for name in functions])
            self._file.extend([_code(self._files, name) for name in files])
            self._line.extend(lines)
            self._pc.extend(pcs)
            self._ends.append(len(self._line))
            self._pc_ends.append(len(self._pc))
        return stack_id

    def stacks(self) -> Stacks:
        """What was added."""
        import numpy as np

        return Stacks(np.frombuffer(self._ids, np.int64), self._rows)

    def _rows(self, places: Ints) -> Iterator[pa.RecordBatch]:
        import numpy as np
        import pyarrow as pa

        names = [pa.array(list(table), pa.string()) for table in (self._functions, self._files)]
        for start in range(0, len(places), ROWS_PER_BATCH):
            chosen = places[start : start + ROWS_PER_BATCH]
            offsets, frames = _elements(self._ends, chosen)
            pc_offsets, pcs = _elements(self._pc_ends, chosen)
            functions, files = (
                pa.DictionaryArray.from_arrays(pa.array(np.frombuffer(codes, np.int32)[frames]), words)
                for codes, words in zip((self._function, self._file), names, strict=True)
            )
            yield stack_rows(
                np.frombuffer(self._ids, np.int64)[chosen],
                np.frombuffer(self._path_ids, np.int64)[chosen],
                offsets,
                (functions, files, np.frombuffer(self._line, np.int64)[frames]),
                (pc_offsets, np.frombuffer(self._pc, np.uint64)[pcs]),
            )


def stack_rows(
    ids: Ints,
    path_ids: Ints,
    offsets: NDArray[np.int32],
    frames: tuple[pa.DictionaryArray, pa.DictionaryArray, Ints],
    pcs: tuple[NDArray[np.int32], Unsigned],
) -> pa.RecordBatch:
    """Rows of ``stacks``: row i has the frames (functions, files, lines) [offsets[i], offsets[i + 1]).

    pcs: program counters behind offsets of their own.
    """
    import pyarrow as pa

    functions, files, lines = frames
    columns = {
        "stack_id": pa.array(ids),
        "path_id": pa.array(path_ids),
        "functions": pa.ListArray.from_arrays(offsets, functions),
        "files": pa.ListArray.from_arrays(offsets, files),
        "lines": pa.ListArray.from_arrays(offsets, pa.array(lines)),
        "pcs": pa.ListArray.from_arrays(pcs[0], pa.array(pcs[1])),
    }
    return pa.RecordBatch.from_pydict(columns)


def _code(table: dict[str, int], name: str) -> int:
    return table.setdefault(name, len(table))


def _elements(ends: array[int], rows: Ints) -> tuple[NDArray[np.int32], Ints]:
    """(offsets for an Arrow list, places of the elements in it) of some rows; row i ends at ends[i]."""
    import numpy as np

    bounds = np.concatenate([np.zeros(1, np.int64), np.frombuffer(ends, np.int64)])
    counts = bounds[rows + 1] - bounds[rows]
    offsets = np.concatenate([np.zeros(1, np.int64), np.cumsum(counts)])
    places = np.repeat(bounds[rows] - offsets[:-1], counts) + np.arange(offsets[-1])
    return offsets.astype(np.int32), places
