"""Call stacks interned by content: the same stack has the same id in every capture and build.

Emits ``stacks``. ``stack_id`` hashes (function, file, line)s, ``path_id`` the function names
alone, so that it survives shifted lines. Both are signed 64-bit integers; an empty stack has
no id.

The hash of a stack of frames h₀ … hₙ, leaf first, is Σ hᵢ Kⁱ⁺¹ mod 2⁶⁴: frames are hashed once
each, and whole profiles of stacks by a few array operations. A name's hash is BLAKE2b (8
bytes, little endian); a frame's mixes that of function and file with the line.
"""

from __future__ import annotations

from array import array
from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b
from typing import TYPE_CHECKING

from parsers.api import Batch

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import numpy as np
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]
    Unsigned = NDArray[np.uint64]

_MASK = 2**64 - 1
# Odd, with bits well spread: the multiplier of the polynomial, and those of the frame's mixer
# (SplitMix64's, by Steele, Lea and Flood).
_K = 0xD6E8FEB86659FD93
_LINE = 0x9E3779B97F4A7C15
_MIX_1, _MIX_2 = 0xBF58476D1CE4E5B9, 0x94D049BB133111EB


@lru_cache(maxsize=1 << 16)
def hash_name(text: str) -> int:
    """Unsigned 64-bit hash of a text."""
    return int.from_bytes(blake2b(text.encode("utf-8", "surrogateescape"), digest_size=8).digest(), "little")


@lru_cache(maxsize=1 << 16)
def hash_frame(function: str, file: str, line: int) -> int:
    """Unsigned 64-bit hash of one frame."""
    x = (hash_name(function) + 3 * hash_name(file) + line * _LINE) & _MASK
    x = ((x ^ x >> 30) * _MIX_1) & _MASK
    x = ((x ^ x >> 27) * _MIX_2) & _MASK
    return x ^ x >> 31


def hash_frames(functions: Unsigned, files: Unsigned, lines: Ints) -> Unsigned:
    """hash_frame of many frames, from the hashes of their names. All (n,)."""
    import numpy as np

    x = functions + files * np.uint64(3) + lines.view(np.uint64) * np.uint64(_LINE)
    x = (x ^ (x >> np.uint64(30))) * np.uint64(_MIX_1)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(_MIX_2)
    mixed: Unsigned = x ^ (x >> np.uint64(31))
    return mixed


def combine(hashes: Sequence[int]) -> int:
    """Signed hash of a stack from its frames' or names' hashes, leaf first."""
    total = 0
    for value in reversed(hashes):
        total = (total + value) * _K & _MASK
    return total - 2**64 if total >> 63 else total


def combine_all(hashes: Unsigned, offsets: Ints) -> Ints:
    """combine() of many stacks: stack i has hashes[offsets[i]:offsets[i + 1]]; 0 for an empty one."""
    import numpy as np

    depths = np.diff(offsets)
    powers = np.full(max(int(depths.max(initial=0)), 1), _K, np.uint64)
    np.multiply.accumulate(powers, out=powers)
    place = np.arange(len(hashes)) - np.repeat(offsets[:-1], depths)
    totals = np.zeros(len(depths), np.uint64)
    is_stack = depths > 0
    if is_stack.any():
        totals[is_stack] = np.add.reduceat(hashes * powers[place], offsets[:-1][is_stack])
    return totals.view(np.int64)


def stack_ids(functions: Sequence[str], files: Sequence[str], lines: Sequence[int]) -> tuple[int, int]:
    """(stack_id, path_id) of frames, leaf first."""
    frames = [hash_frame(f, p, n) for f, p, n in zip(functions, files, lines, strict=True)]
    return combine(frames), combine([hash_name(f) for f in functions])


@dataclass(frozen=True, slots=True)
class Frames:
    """Many frames (n,): function and file as positions in functions and files; pcs may be empty."""

    functions: list[str]
    files: list[str]
    function: Ints
    file: Ints
    line: Ints
    pcs: Unsigned


class StackTable:
    """The distinct stacks of one capture; add() while parsing, batches() at the end."""

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

    def add_all(self, frames: Frames, flat: Ints, offsets: Ints) -> Ints:
        """add() of many stacks: stack i has the frames flat[offsets[i]:offsets[i + 1]].

        Returns their ids, 0 for a stack without frames.
        """
        import numpy as np

        names = np.array([hash_name(name) for name in frames.functions], np.uint64)[frames.function]
        paths = np.array([hash_name(name) for name in frames.files], np.uint64)[frames.file]
        ids = combine_all(hash_frames(names, paths, frames.line)[flat], offsets)
        path_ids = combine_all(names[flat], offsets)
        depths = np.diff(offsets)
        _, first = np.unique(ids, return_index=True)
        new = np.sort(first[depths[first] > 0])
        if self._known:
            new = new[[stack_id not in self._known for stack_id in ids[new].tolist()]]
        self._known.update(ids[new].tolist())
        kept = _ranges(offsets[new], depths[new])
        taken = flat[kept]
        ends = np.cumsum(depths[new])
        functions = _codes(self._functions, frames.functions)
        files = _codes(self._files, frames.files)
        self._ends.frombytes((ends + len(self._line)).tobytes())
        self._ids.frombytes(ids[new].tobytes())
        self._path_ids.frombytes(path_ids[new].tobytes())
        self._function.frombytes(functions[frames.function[taken]].tobytes())
        self._file.frombytes(files[frames.file[taken]].tobytes())
        self._line.frombytes(frames.line[taken].tobytes())
        pc_ends = ends if len(frames.pcs) else np.zeros(len(new), np.int64)
        self._pc_ends.frombytes((pc_ends + len(self._pc)).tobytes())
        if len(frames.pcs):
            self._pc.frombytes(frames.pcs[taken].tobytes())
        return ids

    def batches(self, rows_per_batch: int = 65536) -> Iterator[Batch]:
        """The ``stacks`` rows."""
        import numpy as np
        import pyarrow as pa

        names = [pa.array(list(table), pa.string()) for table in (self._functions, self._files)]
        for start in range(0, len(self._ids), rows_per_batch):
            rows = slice(start, min(start + rows_per_batch, len(self._ids)))
            offsets, frames = _part(self._ends, rows)
            pc_offsets, pcs = _part(self._pc_ends, rows)
            texts = [
                pa.DictionaryArray.from_arrays(pa.array(np.frombuffer(codes, np.int32)[frames]), words)
                for codes, words in zip((self._function, self._file), names, strict=True)
            ]
            columns = {
                "stack_id": pa.array(np.frombuffer(self._ids, np.int64)[rows]),
                "path_id": pa.array(np.frombuffer(self._path_ids, np.int64)[rows]),
                "functions": pa.ListArray.from_arrays(offsets, texts[0]),
                "files": pa.ListArray.from_arrays(offsets, texts[1]),
                "lines": pa.ListArray.from_arrays(
                    offsets, pa.array(np.frombuffer(self._line, np.int64)[frames])
                ),
                "pcs": pa.ListArray.from_arrays(
                    pc_offsets, pa.array(np.frombuffer(self._pc, np.uint64)[pcs])
                ),
            }
            yield Batch("stacks", pa.RecordBatch.from_pydict(columns))


def _code(table: dict[str, int], name: str) -> int:
    return table.setdefault(name, len(table))


def _codes(table: dict[str, int], names: list[str]) -> NDArray[np.int32]:
    """The codes of many names."""
    import numpy as np

    if not table:
        table.update(zip(names, range(len(names)), strict=True))
        if len(table) == len(names):
            return np.arange(len(names), dtype=np.int32)
        table.clear()
    return np.array([_code(table, name) for name in names], np.int32)


def _ranges(starts: Ints, counts: Ints) -> Ints:
    """start, start + 1, … of each range, one after the other."""
    import numpy as np

    total = int(counts.sum())
    before = np.cumsum(counts) - counts
    ranges: Ints = np.arange(total) + np.repeat(starts - before, counts)
    return ranges


def _part(ends: array[int], rows: slice) -> tuple[NDArray[np.int32], slice]:
    """(offsets for an Arrow list, the elements they lie in) of some rows."""
    import numpy as np

    first = ends[rows.start - 1] if rows.start else 0
    offsets = np.concatenate([[first], np.frombuffer(ends, np.int64)[rows]])
    return (offsets - first).astype(np.int32), slice(first, int(offsets[-1]))
