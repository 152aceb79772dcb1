"""Folders that are made for something that may not come."""

from __future__ import annotations

import contextlib
from itertools import takewhile
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@contextlib.contextmanager
def made(folder: Path) -> Iterator[bool]:
    """Inside, the folder is there; afterwards, of what was made for it, nothing that is empty stays.

    Gives whether it was made.
    """
    new = list(takewhile(lambda place: not place.exists(), [folder, *folder.parents]))
    folder.mkdir(parents=True, exist_ok=True)
    try:
        yield bool(new)
    finally:
        with contextlib.suppress(OSError):  # something is in it
            for place in new:
                place.rmdir()
