"""Strings and stacks of a capture, interned over its generations.

Each generation numbers its strings and stacks anew. Here they get one index for
the whole capture, and each generation a map from its ids to that index: an array
for the dense ids that the runtime gives, sorted pairs for any others.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tracemill.parsers import named_addresses
from tracemill.warehouse.schema.hashes import MASK

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from tracemill.parsers.api import Batch
    from tracemill.parsers.exectrace.wire import Generation, StackRows, StringRows
    from tracemill.parsers.stacks import StackTable

# What one capture may name in all; a program's functions are some MB.
MAX_STRING_BYTES = 1 << 29
MAX_FRAMES = 1 << 24


@dataclass(frozen=True, slots=True)
class IdMap:
    """Ids of one generation → index in the capture; -1 in dense for an id that is missing."""

    dense: NDArray[np.int64]
    sparse_ids: NDArray[np.int64]
    sparse: NDArray[np.int64]

    def get(self, ids: NDArray[np.int64]) -> NDArray[np.int64]:
        """Indexes of ids, -1 where there is none."""
        is_dense = (ids >= 0) & (ids < len(self.dense))
        found = np.where(is_dense, self.dense[np.where(is_dense, ids, 0)], -1)
        if len(self.sparse_ids):
            place = np.minimum(np.searchsorted(self.sparse_ids, ids), len(self.sparse_ids) - 1)
            found = np.where(~is_dense & (self.sparse_ids[place] == ids), self.sparse[place], found)
        return found


def id_map(ids: NDArray[np.int64], indexes: NDArray[np.int64]) -> IdMap:
    """The map of ids to indexes, with id 0 → index 0 (none)."""
    limit = 4 * len(ids) + 1024
    is_dense = (ids >= 0) & (ids < limit)
    dense = np.full(int(ids[is_dense].max()) + 1 if is_dense.any() else 1, -1, np.int64)
    dense[0] = 0
    dense[ids[is_dense]] = indexes[is_dense]
    rest = ids[~is_dense]
    order = np.argsort(rest, kind="stable")
    return IdMap(dense, rest[order], indexes[~is_dense][order])


class Names:
    """The capture's strings (index 0 is "") and stacks (index 0 is none)."""

    def __init__(self, stacks: StackTable) -> None:
        self._stacks = stacks
        self._string_index: dict[bytes, int] = {b"": 0}
        self._bytes = 0
        self._frames_in_stacks = 0
        self.strings: list[str] = [""]
        self._frame_index: dict[tuple[int, int, int, int], int] = {}
        self._frames: list[tuple[int, int, int, int]] = []
        self._stack_index: dict[bytes, int] = {b"": 0}
        self._index_of_id: dict[int, int] = {}
        self.stack_ids: list[int] = [0]
        self.roots: list[int] = [0]

    def add_strings(self, gen: Generation, rows: StringRows) -> IdMap:
        """Intern a generation's strings."""
        low, high = (int(rows.starts.min()), int(rows.ends.max())) if len(rows.ids) else (0, 0)
        content = bytes(gen.view[low:high])
        spans = zip((rows.starts - low).tolist(), (rows.ends - low).tolist(), strict=True)
        known, add = self._string_index, self.add_string
        found = [(text, known.get(text)) for text in (content[a:b] for a, b in spans)]
        indexes = np.array([add(text) if index is None else index for text, index in found], np.int64)
        if self._bytes > MAX_STRING_BYTES:
            raise gen.damage(0, f"more than {MAX_STRING_BYTES} bytes of different strings in one capture")
        return id_map(rows.ids, indexes)

    def add_string(self, content: bytes) -> int:
        """The index of a string."""
        index = self._string_index.setdefault(content, len(self.strings))
        if index == len(self.strings):
            self.strings.append(content.decode("utf-8", "replace"))
            self._bytes += len(content)
        return index

    def add_stacks(self, gen: Generation, rows: StackRows, strings: IdMap) -> IdMap:
        """Intern a generation's stacks; a pc means its first frame in the generation. Raises DamageError."""
        pcs, first, inverse = np.unique(rows.frames[0], return_index=True, return_inverse=True)
        functions, files = strings.get(rows.frames[1, first]), strings.get(rows.frames[2, first])
        for name, found in (("function", functions), ("file", files)):
            if len(found) and found.min() < 0:
                pc = int(pcs[found.argmin()]) & (1 << 64) - 1
                raise gen.damage(0, f"the frame at pc {pc:#x} refers to a missing {name} string")
        lines = rows.frames[3, first]
        keys = zip(pcs.tolist(), functions.tolist(), files.tolist(), lines.tolist(), strict=True)
        local = np.fromiter((self._frame(key) for key in keys), np.int32, len(pcs))
        frames = local[inverse.reshape(-1)]
        content = frames.tobytes()
        bounds = (rows.firsts * 4).tolist()
        known = self._stack_index
        indexes = np.empty(len(rows.ids), np.int64)
        for i in range(len(rows.ids)):
            key = content[bounds[i] : bounds[i + 1]]
            index = known.get(key)
            indexes[i] = self._stack(key) if index is None else index
        if self._frames_in_stacks > MAX_FRAMES:
            raise gen.damage(0, f"more than {MAX_FRAMES} frames in different stacks of one capture")
        return id_map(rows.ids, indexes)

    def add_stack(self, frames: list[tuple[int, int, int, int]]) -> int:
        """The index of a stack of frames (pc, function, file, line) with strings by index."""
        key = np.array([self._frame(frame) for frame in frames], np.int32).tobytes()
        index = self._stack_index.get(key)
        return self._stack(key) if index is None else index

    def stacks_with(self, function: str) -> Iterator[list[str]]:
        """The functions of each stack that has this one, innermost first."""
        for key in self._stack_index:
            functions = [self.strings[self._frames[i][1]] for i in np.frombuffer(key, np.int32).tolist()]
            if function in functions:
                yield functions

    def addresses(self) -> Batch:
        """The addresses in all stacks, and what the runtime was called for there."""
        frames = np.array([(pc & MASK, *rest) for pc, *rest in self._frames], np.uint64).reshape(-1, 4)
        function, file, line = frames[:, 1:].T.view(np.int64)
        stacks = [np.frombuffer(key, np.int32) for key in self._stack_index if key]
        at = np.concatenate([np.empty(0, np.int64), *stacks])
        above = np.append(-1, function[at[:-1]]) if len(at) else at
        above[np.cumsum([0, *map(len, stacks)])[:-1]] = -1  # nothing stands above a stack's innermost frame
        return named_addresses.rows(
            named_addresses.Frames(self.strings, frames[:, 0], function, file, line), at, above
        )

    def _frame(self, key: tuple[int, int, int, int]) -> int:
        index = self._frame_index.setdefault(key, len(self._frames))
        if index == len(self._frames):
            self._frames.append(key)
        return index

    def _stack(self, key: bytes) -> int:
        frames = [self._frames[i] for i in np.frombuffer(key, np.int32).tolist()]
        self._frames_in_stacks += len(frames)
        stack_id = self._stacks.add(
            [self.strings[function] for _, function, _, _ in frames],
            [self.strings[file] for _, _, file, _ in frames],
            [line for _, _, _, line in frames],
            [pc & (1 << 64) - 1 for pc, _, _, _ in frames],
        )
        assert stack_id is not None, "the empty stack has index 0"
        # Stacks that differ in pcs only are one stack.
        index = self._index_of_id.setdefault(stack_id, len(self.stack_ids))
        if index == len(self.stack_ids):
            self.stack_ids.append(stack_id)
            self.roots.append(frames[-1][1])
        self._stack_index[key] = index
        return index
