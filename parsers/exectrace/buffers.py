"""Output arrays that are used again once no Arrow batch refers to them.

Fresh pages are dear (a page fault each 4 KiB), so the arrays that the kernel
fills come from a pool. A batch that a consumer still holds, on whatever thread,
keeps a reference to its block; the pool gives a block out only without one.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

if TYPE_CHECKING:
    from numpy.typing import NDArray

ALIGN = 64


class Block:
    """Named arrays in one allocation."""

    def __init__(self, rows: int, columns: dict[str, tuple[str, int]]) -> None:
        """rows: entries of each column; columns: name → (dtype, values an entry)."""
        self.rows = rows
        places: dict[str, tuple[int, np.dtype[Any], int]] = {}
        size = 0
        for name, (kind, width) in columns.items():
            dtype = np.dtype(kind)
            places[name] = (size, dtype, width)
            size += -(-rows * width * dtype.itemsize // ALIGN) * ALIGN
        self._memory = np.empty(size, np.uint8)
        self.arrays: dict[str, NDArray[Any]] = {}
        self._places: dict[str, tuple[int, int]] = {}
        for name, (start, dtype, width) in places.items():
            self.arrays[name] = self._memory[start : start + rows * width * dtype.itemsize].view(dtype)
            self._places[name] = (start, dtype.itemsize * width)
        self._idle = sys.getrefcount(self._memory)

    def is_idle(self) -> bool:
        """Whether no Arrow buffer refers to the memory."""
        return sys.getrefcount(self._memory) == self._idle

    def buffers(self, count: int) -> dict[str, pa.Buffer]:
        """Arrow buffers of the first count entries of each column, which keep the block in use."""
        whole = pa.py_buffer(self._memory)
        return {name: whole.slice(start, count * width) for name, (start, width) in self._places.items()}


class Pool:
    """Blocks of one shape."""

    def __init__(self, rows: int, columns: dict[str, tuple[str, int]]) -> None:
        self._rows = rows
        self._columns = columns
        self._blocks: list[Block] = []

    def take(self) -> Block:
        """An idle block, or a new one. Ask only when the last one's buffers are handed on."""
        for block in self._blocks:
            if block.is_idle():
                return block
        block = Block(self._rows, self._columns)
        self._blocks.append(block)
        return block
