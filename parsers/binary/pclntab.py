"""Go's function and line table (gopclntab) of Go 1.18 and later; it survives stripping.

Source: debug/gosym/pclntab.go, runtime/symtab.go, cmd/link/internal/ld/pcln.go. Two magics:
0xfffffff0 (1.18, 1.19) and 0xfffffff1 (from 1.20); they differ in a function's last fields,
which nothing here needs. From Go 1.26 the header has no text start any more, and in a
position independent executable it is a relocation: ``calls.find_text_start`` says it then.
"""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tracemill.parsers.binary.image import BrokenImageError
from tracemill.parsers.binary.inlines import Inlined, Trees, find_trees, inlined
from tracemill.parsers.binary.lines import Tables, all_lines, all_values

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from numpy.typing import NDArray

MAGICS = (0xFFFFFFF0, 0xFFFFFFF1)
# A header of either byte order: magic, two zeros, instruction size, pointer size.
_HEADER = re.compile(
    rb"(?:[\xf0\xf1]\xff\xff\xff|\xff\xff\xff[\xf0\xf1])\0\0[\x01\x02\x04][\x04\x08]", re.DOTALL
)
# Fields of a function record, by offset.
_NAME, _PCFILE, _PCLN, _CU = 4, 20, 24, 32
_RECORD_BYTES = 36
# From Go 1.20: how many tables by address and how many others a function has, and where they stand.
_TABLES, _OTHERS, _FIRST = 28, 43, 44
_INLINE_INDEX, _INLINE_TREE = 2, 3
# Names of generic functions are long, but not this long.
MAX_TEXT_BYTES = 65_536


@dataclass(frozen=True, slots=True)
class Functions:
    """Every Go function in address order: entries (n,) virtual addresses, names; end is past the last."""

    entries: NDArray[np.uint64]
    names: list[str]
    end: int


class LineTable:
    """A parsed gopclntab."""

    def __init__(self, data: memoryview, *, is_little_endian: bool) -> None:
        """Raises BrokenImageError for a table that is not of Go 1.18 or later."""
        self._order = "<" if is_little_endian else ">"
        if len(data) < 72:
            raise BrokenImageError("pclntab", "cut off")
        magic, pad, self._quantum, width = struct.unpack_from(f"{self._order}IHBB", data)
        self._magic = magic
        if magic not in MAGICS:
            raise BrokenImageError("pclntab", f"magic {magic:#x} is not of Go 1.18 or later")
        if pad or self._quantum not in (1, 2, 4) or width not in (4, 8):
            raise BrokenImageError("pclntab", "the header is broken")
        word = "Q" if width == 8 else "I"
        fields = struct.unpack_from(f"{self._order}8{word}", data, 8)
        self._count, _, start, names, units, files, pcs, functions = fields
        # Where function addresses count from; 0 if the header does not say, and the caller must.
        self.text_start = start
        if self._count * 8 + 4 > len(data) or max(fields[3:]) > len(data):
            raise BrokenImageError("pclntab", f"announces {self._count} functions in {len(data)} bytes")
        self._names, self._units, self._files, self._pcs = (
            bytes(data[names:units]),
            data[units:files],
            bytes(data[files:pcs]),
            bytes(data[pcs:functions]),
        )
        # A step takes two bytes, but the linker shares equal tables between functions.
        self._steps_left = 4 * len(self._pcs) + 64 * self._count
        self._records = data[functions:]
        self._words = np.frombuffer(self._records[: len(self._records) // 4 * 4], f"{self._order}u4")
        pairs = self._words[: 2 * self._count + 1]
        self._entry_offsets = pairs[0::2].astype(np.uint64)
        self._record_offsets = pairs[1::2].astype(np.int64)
        if len(pairs) < 2 * self._count + 1 or (np.diff(self._entry_offsets.astype(np.int64)) < 0).any():
            raise BrokenImageError("pclntab", "functions are not in the order of their addresses")
        if self._count and int(self._record_offsets.max()) + _RECORD_BYTES > len(self._records):
            raise BrokenImageError("pclntab", "a function's record lies outside the table")

    def functions(self) -> Functions:
        """All functions."""
        names = self._names
        offsets = self._words[(self._record_offsets + _NAME) // 4].tolist()
        texts = [_text(names, at) for at in offsets]
        entries = self._entry_offsets + np.uint64(self.text_start)
        return Functions(entries[:-1], texts, int(entries[-1]) if self._count else self.text_start)

    def places(self, function: int, pcs: list[int]) -> list[tuple[str, int]]:
        """(file, line) at each of pcs, ascending addresses inside the function with this index."""
        record = int(self._record_offsets[function])
        entry = int(self._entry_offsets[function]) + self.text_start
        fields = [self._u32(record + offset) for offset in (_PCFILE, _PCLN, _CU)]
        files = self._values(fields[0], entry, pcs)
        lines = self._values(fields[1], entry, pcs)
        return [(self._file(fields[2], file), max(line, 0)) for file, line in zip(files, lines, strict=True)]

    def lines(self) -> tuple[NDArray[np.uint64], list[str], NDArray[np.int32], NDArray[np.int64]]:
        """(addresses, files, which of them, lines): where each run of instructions of one line begins."""
        fields = [
            self._words[(self._record_offsets + offset) // 4].astype(np.int64)
            for offset in (_PCFILE, _PCLN, _CU)
        ]
        entries = self._entry_offsets[:-1].astype(np.int64) + self.text_start
        pcs, files, lines = all_lines(Tables(self._pcs, self._quantum, entries, *fields))
        used, place = np.unique(files, return_inverse=True)
        texts = [self._file(file, 0) for file in used.tolist()]
        return pcs.astype(np.uint64), texts, place.astype(np.int32), lines

    def inlined(self, sections: Iterable[memoryview]) -> Inlined | None:
        """What is inlined where; None where no section has the trees of it, as before Go 1.21."""
        trees = self._trees()
        if trees is None:
            return None
        starts = np.concatenate([np.ones(1, np.uint8), np.frombuffer(self._names, np.uint8) == 0])[:-1] > 0
        for section in sections:
            words = np.frombuffer(section[: len(section) // 4 * 4], f"{self._order}u4")
            if self._order == ">":  # the id is a byte, and the first one
                words = words.copy()
                words[words & 0xFFFFFF == 0] >>= 24
            base = find_trees(trees, words, starts)
            if base is not None:
                return inlined(trees, words[base:], lambda at: _text(self._names, at), self._places_of)
        return None

    def _trees(self) -> Trees | None:
        """The functions that calls were inlined into; None of a table that does not say."""
        # The last records may end with the table, which leaves no room for what a tree needs.
        has_room = self._record_offsets <= len(self._records) - (_FIRST + 4 * _INLINE_INDEX + 8)
        if self._magic != MAGICS[1] or not has_room.any():
            return None
        records = np.where(has_room, self._record_offsets, self._record_offsets[has_room][0])
        tables = self._words[(records + _TABLES) // 4].astype(np.int64)
        others = np.frombuffer(self._records, np.uint8)[records + _OTHERS]
        index_at = np.where(tables > _INLINE_INDEX, self._words[(records + _FIRST) // 4 + _INLINE_INDEX], 0)
        tree_at = (records + _FIRST) // 4 + tables + _INLINE_TREE
        has_tree = has_room & (index_at > 0) & (others > _INLINE_TREE) & (tree_at < len(self._words))
        offsets = np.where(has_tree, self._words[np.where(has_tree, tree_at, 0)], 0xFFFFFFFF)
        which = np.flatnonzero(offsets != 0xFFFFFFFF)
        if not len(which):
            return None
        entries = self._entry_offsets.astype(np.int64) + self.text_start
        own = Tables(self._pcs, self._quantum, entries[which], *(index_at[which].astype(np.int64),) * 3)
        pcs, calls, owners = all_values(own, own.line_tables)
        ends = entries[1:][which]
        is_inside = pcs < ends[owners]
        runs = (pcs[is_inside], calls[is_inside], owners[is_inside])
        return Trees(entries[which], ends, offsets[which].astype(np.int64), *runs)

    def _places_of(self, pcs: NDArray[np.int64]) -> tuple[list[str], NDArray[np.int64]]:
        """The files and the lines of addresses."""
        starts, files, which, lines = self.lines()
        at = np.maximum(np.searchsorted(starts.astype(np.int64), pcs, "right") - 1, 0)
        return [files[file] for file in which[at].tolist()], lines[at]

    def _u32(self, offset: int) -> int:
        value: int = struct.unpack_from(f"{self._order}I", self._records, offset)[0]
        return value

    def _values(self, table: int, entry: int, pcs: list[int]) -> list[int]:
        """The table's value at each of the ascending pcs; -1 where it has none."""
        found: list[int] = []
        for taken, (end, value) in enumerate(self._steps(table, entry)):
            if taken > self._steps_left:
                raise BrokenImageError("pclntab", f"the table at {table} has no end")
            while len(found) < len(pcs) and pcs[len(found)] < end:
                found.append(value)
            if len(found) == len(pcs):
                self._steps_left -= taken
                return found
        return found + [-1] * (len(pcs) - len(found))

    def _steps(self, at: int, entry: int) -> Iterator[tuple[int, int]]:
        """(end address, value) of each step: a zigzag value delta, then an address delta, until a 0."""
        pcs = self._pcs
        pc, value = entry, -1
        is_first = True
        while at < len(pcs):
            delta, at = _varint(pcs, at)
            if delta == 0 and not is_first:
                return
            is_first = False
            value += (delta >> 1) ^ -(delta & 1)
            advance, at = _varint(pcs, at)
            pc += advance * self._quantum
            yield pc, value

    def _file(self, unit: int, file: int) -> str:
        at = 4 * (unit + file)
        if file < 0 or not 0 <= at <= len(self._units) - 4:
            return ""
        offset: int = struct.unpack_from(f"{self._order}I", self._units, at)[0]
        return _text(self._files, offset)


def find_table(section: memoryview, *, is_little_endian: bool) -> memoryview | None:
    """The function table that lies somewhere in a section, from its header to the section's end."""
    for match in _HEADER.finditer(section):
        at = match.start()
        if at % 8 == 0 and _is_header(section[at:], "<" if is_little_endian else ">"):
            return section[at:]
    return None


def _is_header(table: memoryview, order: str) -> bool:
    """Whether the offsets behind the magic ascend inside the table, as those of a function table do."""
    if len(table) < 72:
        return False
    count, _, _, *offsets = struct.unpack_from(f"{order}8{'Q' if table[7] == 8 else 'I'}", table, 8)
    return 0 < count < len(table) and offsets == sorted(offsets) and 0 < offsets[0] < offsets[-1] < len(table)


def _text(data: bytes, at: int) -> str:
    """The NUL-terminated text at a place, cut at MAX_TEXT_BYTES."""
    end = data.find(b"\0", at, at + MAX_TEXT_BYTES)
    return data[at : end if end >= 0 else at + MAX_TEXT_BYTES].decode("utf-8", "replace")


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while at < len(data) and shift < 35:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            break
        shift += 7
    return value, at
