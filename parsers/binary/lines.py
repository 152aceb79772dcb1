"""The line table of a whole binary at once: where each run of instructions of one line begins.

The tables of all functions lie in one run of varints, so that run is decoded as a whole and each
table is a slice of it: pairs of a zigzag value delta and an address delta, up to a 0. Source:
runtime/symtab.go (step), debug/gosym/pclntab.go.

Of inlined calls the innermost has its line; inlines.py says which functions stand around it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tracemill.parsers.binary.image import BrokenImageError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]

# A step takes two bytes, but the linker shares equal tables between functions.
_STEPS_PER_BYTE = 4
_VARINT_BYTES = 5


@dataclass(frozen=True, slots=True)
class Tables:
    """What each function's record says (n,): its entry, its tables' places in varints, its unit of files."""

    varints: bytes
    quantum: int
    entries: Ints
    file_tables: Ints
    line_tables: Ints
    units: Ints


def all_lines(tables: Tables) -> tuple[Ints, Ints, Ints]:
    """(addresses, ascending; file: its unit's offset plus its number, -1 for none; line, 0 for none)."""
    starts, values = _varints(tables.varints)
    ends = np.append(np.flatnonzero(values == 0), len(values))
    files = _steps(tables, starts, values, ends, tables.file_tables)
    lines = _steps(tables, starts, values, ends, tables.line_tables)
    pcs = np.unique(np.concatenate([files[0], lines[0]]))
    if not len(files[0]) or not len(lines[0]):
        return pcs[:0], pcs[:0], pcs[:0]
    of_file, of_line = (np.maximum(np.searchsorted(s[0], pcs, "right") - 1, 0) for s in (files, lines))
    number, line = files[1][of_file], np.maximum(lines[1][of_line], 0)
    file = np.where(number < 0, -1, number + tables.units[files[2][of_file]])
    is_new = np.ones(len(pcs), np.bool_)
    is_new[1:] = (np.diff(file) != 0) | (np.diff(line) != 0)
    return pcs[is_new], file[is_new], line[is_new]


def all_values(tables: Tables, at: Ints) -> tuple[Ints, Ints, Ints]:
    """(start address, value, function) of each step of every function's table at a place, by address."""
    starts, values = _varints(tables.varints)
    ends = np.append(np.flatnonzero(values == 0), len(values))
    return _steps(tables, starts, values, ends, at)


def _varints(data: bytes) -> tuple[Ints, NDArray[np.uint32]]:
    """(where each varint begins, its value) of everything in data."""
    raw = np.frombuffer(data, np.uint8)
    ends = np.flatnonzero(raw < 0x80)
    starts = np.concatenate([np.zeros(min(len(ends), 1), np.int64), ends[:-1] + 1])
    widths = ends - starts + 1
    values = np.zeros(len(ends), np.uint32)
    for place in range(min(int(widths.max(initial=0)), _VARINT_BYTES)):
        is_longer = widths > place
        part = (raw[starts[is_longer] + place] & 0x7F).astype(np.uint32)
        values[is_longer] |= part << np.uint32(7 * place)
    return starts, values


def _steps(
    tables: Tables, starts: Ints, values: NDArray[np.uint32], ends: Ints, at: Ints
) -> tuple[Ints, Ints, Ints]:
    """(start address, value, function) of each step of every function's table, in the order of addresses."""
    first = np.searchsorted(starts, at)
    # The first value may be 0 without being the end.
    last = ends[np.minimum(np.searchsorted(ends, first + 1), len(ends) - 1)]
    counts = np.maximum(last - first, 0) // 2
    total = int(counts.sum())
    if total > _STEPS_PER_BYTE * len(tables.varints) + 64 * len(at):
        raise BrokenImageError("pclntab", f"line tables of {total} steps in {len(tables.varints)} bytes")
    owner = np.repeat(np.arange(len(at)), counts)
    before = np.cumsum(counts) - counts
    pair = first[owner] + 2 * (np.arange(total) - before[owner])
    delta = values[pair].astype(np.int64)
    advance = values[pair + 1].astype(np.int64) * tables.quantum
    value = _sums((delta >> 1) ^ -(delta & 1), before, owner) - 1
    pc = _sums(advance, before, owner) - advance + tables.entries[owner]
    # A hostile table may lead anywhere.
    order = np.argsort(pc, kind="stable")
    return pc[order], value[order], owner[order]


def _sums(deltas: Ints, before: Ints, owner: Ints) -> Ints:
    """Running sums, begun anew for each owner."""
    sums = np.concatenate([np.zeros(1, np.int64), np.cumsum(deltas)])
    found: Ints = sums[1:] - sums[before[owner]]
    return found
