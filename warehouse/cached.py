"""Whether a folder is the cache of a warehouse in an object store; what that takes is imported only then."""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from typing import TYPE_CHECKING

from tracemill.warehouse.address import address_of
from tracemill.warehouse.durable import replace_file

if TYPE_CHECKING:
    from pathlib import Path

    from tracemill.warehouse.cache import Cache

# Told of transfers: what, how much is through (0 at the beginning), of how much.
watcher: ContextVar[Callable[[str, int, int], None] | None] = ContextVar("watcher", default=None)
_caches: dict[Path, Cache] = {}


def cache_of(root: Path) -> Cache | None:
    """What keeps a folder up to date with a store; None for a warehouse that is a folder of its own."""
    found = _caches.get(root)
    if found is None and (address := address_of(root)):
        from tracemill.warehouse.cache import Cache
        from tracemill.warehouse.remote import Remote

        found = _caches[root] = Cache(root, Remote(address))
    return found


def write_file(root: Path, path: str, content: bytes) -> None:
    """Write a small file of the warehouse, whole and on the disk, where the warehouse is."""
    if cache := cache_of(root):
        cache.write(path, content)
    else:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        replace_file(root / path, content)


def refresh(root: Path, *, anew: bool = False) -> None:
    """Bring the log of commits up to date, where the warehouse is in a store."""
    if cache := cache_of(root):
        cache.refresh(anew=anew)
