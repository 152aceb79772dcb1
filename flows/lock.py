"""How a job comes to the writer's lock: by itself, or from the job that it is a part of."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

# Given a warehouse, what holds its lock for the length of a with statement.
Lock = Callable[[Path], AbstractContextManager[object]]


def held(_warehouse: Path) -> AbstractContextManager[object]:
    """The lock, for a part of a job that holds it already."""
    return contextlib.nullcontext()
