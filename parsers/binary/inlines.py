"""Inlined calls (FUNCDATA_InlTree), Go 1.21 and later: the functions around an address, innermost first.

A function's tree has 16 bytes a call: id, name, the address of the call, first line. Its table
PCDATA_InlTreeIndex has the call that each run of instructions belongs to, -1 for none. Trees lie
behind go:func.*, whose address only the runtime's moduledata tells, which has other fields in
each release and relocations in a position independent executable. Where the trees are is told by
what they must hold instead: an offset from which each sampled one is a tree. Source:
runtime/symtabinl.go, cmd/link/internal/ld/pcln.go (genInlTreeSym).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from tracemill.parsers.binary.image import BrokenImageError

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    Ints = NDArray[np.int64]

NO_CALL = -1
_WORDS = 4  # of a call: id, name, address, first line
_SAMPLED = 64
_MAX_ID = 64  # abi.FuncID has some twenty
_MAX_DEPTH = 64
_MOST_PLACES = 16
# A binary of 10 MB has 8 MB of them.
MAX_TEXT_BYTES = 1 << 29


@dataclass(frozen=True, slots=True)
class Trees:
    """Functions that calls were inlined into (n,): entries, ends, their trees' offsets; and where each
    run of instructions (m,) begins, the call that it belongs to, and its function."""

    entries: Ints
    ends: Ints
    offsets: Ints
    pcs: Ints
    calls: Ints
    owners: Ints


@dataclass(frozen=True, slots=True)
class Inlined:
    """Where each run of instructions begins; the functions inlined there, innermost first, and the place of
    the call of each."""

    pcs: NDArray[np.uint64]
    functions: pa.Array
    files: pa.Array
    lines: pa.Array


def find_trees(trees: Trees, words: NDArray[np.uint32], name_starts: NDArray[np.bool_]) -> int | None:
    """The word of a section from which the trees' offsets count; None if they are not in it.

    words: the section (n,), with a call's id lowest in its first one; name_starts: whether a name begins
    at each byte.
    """
    sizes = trees.ends - trees.entries
    step = max(len(trees.offsets) // _SAMPLED, 1)
    found = np.arange(len(words), dtype=np.int64)
    for offset, size in zip(trees.offsets[::step].tolist(), sizes[::step].tolist(), strict=True):
        if offset % 4:
            return None
        at = found + offset // 4
        found, at = found[at + _WORDS <= len(words)], at[at + _WORDS <= len(words)]
        names = words[at + 1]
        is_tree = (words[at] < _MAX_ID) & (names < len(name_starts)) & (words[at + 2] < size)
        is_tree[is_tree] = name_starts[names[is_tree]]
        found = found[is_tree]
        if not len(found):
            return None
    # Trees lie one behind the other: from one call further on they may look like trees, too.
    found = found[[_is_in_order(trees, words[base:]) for base in found[:_MOST_PLACES].tolist()]]
    return int(found[0]) if len(found) == 1 else None


def _is_in_order(trees: Trees, words: NDArray[np.uint32]) -> bool:
    """Whether each call lies in one that comes before it in its tree, or in none."""
    is_call = trees.calls >= 0
    owners, calls = np.unique(np.stack([trees.owners[is_call], trees.calls[is_call]]), axis=1)
    at = trees.offsets[owners] // 4 + _WORDS * calls
    if len(at) and at.max() + _WORDS > len(words):
        return False
    addresses = trees.entries[owners] + words[at + 2].astype(np.int64)
    run = np.maximum(np.searchsorted(trees.pcs, addresses, "right") - 1, 0)
    return bool(
        ((addresses < trees.ends[owners]) & (trees.owners[run] == owners) & (trees.calls[run] < calls)).all()
    )


def inlined(
    trees: Trees,
    words: NDArray[np.uint32],
    name_at: Callable[[int], str],
    place_at: Callable[[Ints], tuple[list[str], Ints]],
) -> Inlined:
    """The functions inlined at each run of instructions. words: from where the trees' offsets count.

    place_at: the files and lines of addresses. Raises BrokenImageError for more text than a program has.
    """
    is_call = trees.calls >= 0
    nodes = np.unique(np.stack([trees.owners[is_call], trees.calls[is_call]]), axis=1)
    owners, calls, parents, addresses, names = _closed(trees, words, nodes)
    files, lines = place_at(addresses)
    parent_of = {
        (owner, call): place
        for place, (owner, call) in enumerate(zip(owners.tolist(), calls.tolist(), strict=True))
    }
    texts = {name: name_at(name) for name in np.unique(names).tolist()}

    def chain_of(owner: int, call: int) -> tuple[list[str], list[str], list[int]]:
        functions: list[str] = []
        of_files: list[str] = []
        of_lines: list[int] = []
        while call != NO_CALL and len(functions) < _MAX_DEPTH:
            place = parent_of[owner, call]
            functions.append(texts[int(names[place])])
            of_files.append(files[place])
            of_lines.append(int(lines[place]))
            call = int(parents[place])
        return functions, of_files, of_lines

    chains = {(owner, call): chain_of(owner, call) for owner, call in nodes.T.tolist()}
    numbers = {node: i + 1 for i, node in enumerate(chains)}
    which = pa.array(
        [numbers.get(node, 0) for node in zip(trees.owners.tolist(), trees.calls.tolist(), strict=True)],
        pa.int64(),
    )

    lengths = [
        0,
        *(sum(map(len, functions)) + sum(map(len, files)) for functions, files, _ in chains.values()),
    ]
    if int(np.asarray(lengths)[which.to_numpy()].sum()) > MAX_TEXT_BYTES:
        raise BrokenImageError("pclntab", f"inlined calls of more than {MAX_TEXT_BYTES} bytes of names")

    def column(index: int, kind: pa.DataType) -> pa.Array:
        values = [[], *(chain[index] for chain in chains.values())]
        return pa.array(values, pa.list_(kind)).take(which)

    return Inlined(
        trees.pcs.astype(np.uint64), column(0, pa.string()), column(1, pa.string()), column(2, pa.int64())
    )


def _closed(trees: Trees, words: NDArray[np.uint32], nodes: Ints) -> tuple[Ints, Ints, Ints, Ints, Ints]:
    """(functions, calls, what each was inlined into, addresses, names) of nodes and all above them."""
    found = nodes
    for _ in range(_MAX_DEPTH):
        owners, calls = found
        at = trees.offsets[owners] // 4 + _WORDS * calls
        at = np.clip(at, 0, len(words) - _WORDS)
        addresses = trees.entries[owners] + words[at + 2].astype(np.int64)
        run = np.maximum(np.searchsorted(trees.pcs, addresses, "right") - 1, 0)
        is_own = (trees.owners[run] == owners) & (addresses < trees.ends[owners])
        # A call lies in one that comes before it in the tree: a hostile tree has no circle.
        is_own &= trees.calls[run] < calls
        parents = np.where(is_own, trees.calls[run], NO_CALL)
        above = np.stack([owners, parents])[:, parents >= 0]
        every = np.unique(np.concatenate([found, above], axis=1), axis=1)
        if every.shape == found.shape:
            break
        found = every
    is_known = np.isin(_keys(owners, parents), _keys(owners, calls))
    parents = np.where(is_known, parents, NO_CALL)
    return owners, calls, parents, addresses, words[at + 1].astype(np.int64)


def _keys(owners: Ints, calls: Ints) -> Ints:
    keys: Ints = owners * (1 << 32) + calls
    return keys
