"""Stacks that captures share: written once, into a file of the capture that had them first.

A ``stack_id`` says what a stack is, in whatever capture it stands. So a capture leaves out the stacks that
files of earlier captures hold, and lists these files among its own: a file stays for as long as any capture
lists it, and what a capture needs is what it lists. Only captures that one process loads in one ingest share:
until that ends, nothing that it wrote can be swept away.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]
    Flags = NDArray[np.bool_]

# A file that holds less of a capture's stacks is not worth reading for them: they are written again.
# It also bounds how many files a capture lists.
LEAST_SHARE = 1 / 8
# How many captures' files are remembered, the latest.
MOST_REMEMBERED = 16
# Ids that are looked up before all are.
SAMPLE = 64


@dataclass(frozen=True, slots=True, eq=False)
class _Written:
    """Files that a capture wrote, and the ids of the stacks in them, sorted."""

    files: list[str]
    ids: Ints

    def holds(self, ids: Ints) -> Flags:
        """Which of the ids are in the files."""
        found: Flags = self.ids[np.minimum(np.searchsorted(self.ids, ids), len(self.ids) - 1)] == ids
        return found


@dataclass(slots=True)
class SharedStacks:
    """What the captures of one ingest, in one process, have written."""

    written: deque[_Written] = field(default_factory=lambda: deque(maxlen=MOST_REMEMBERED))


class CaptureStacks:
    """One capture's stacks: those that missing() tells are to be written, ``files`` have the others."""

    def __init__(self, shared: SharedStacks) -> None:
        self._shared = shared
        self._used: list[_Written] = []
        self._missing: list[Ints] = []
        self.count = 0

    @property
    def files(self) -> list[str]:
        """Files of other captures that hold some of this one's stacks."""
        return [file for written in self._used for file in written.files]

    def missing(self, ids: Ints) -> Ints:
        """The places among the ids of those that no file has yet."""
        missing = np.arange(len(ids))
        for written in self._shared.written:
            if written.holds(ids[:: len(ids) // SAMPLE + 1]).mean() >= LEAST_SHARE:
                self._used.append(written)
                missing = missing[~written.holds(ids[missing])]
        self._missing.append(ids[missing])
        self.count += len(ids)
        return missing

    def share(self, files: list[str]) -> None:
        """Let later captures use the files, whole by now, that this one's missing stacks were written to."""
        ids = np.sort(np.concatenate([np.empty(0, np.int64), *self._missing]))
        if files and len(ids) >= LEAST_SHARE * self.count:
            self._shared.written.appendleft(_Written(files, ids))
