"""Compact: many small Parquet files into few large ones. What the warehouse says does not change by it.

Readers keep the files that they have open: these go when no kept state lists them any more.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tracemill.flows.build import publish_files
from tracemill.flows.progress import Silent
from tracemill.warehouse import compaction
from tracemill.warehouse.catalog import Catalog, sole_lock
from tracemill.warehouse.condensed import merge_condensed
from tracemill.warehouse.errors import DamagedError

if TYPE_CHECKING:
    from pathlib import Path

    from tracemill.flows.lock import Lock
    from tracemill.flows.progress import Progress


@dataclass(slots=True)
class Merged:
    """What became of one table's files. before: of those that were merged."""

    table: str
    files_before: int = 0
    bytes_before: int = 0
    files_after: int = 0
    bytes_after: int = 0


@dataclass(slots=True)
class Compacted:
    """What was done, by table, and how many files the newest state lists before and after."""

    tables: list[Merged] = field(default_factory=list)
    files_before: int = 0
    files_after: int = 0
    swept: int = 0


def compact(
    root: Path, *, is_trial: bool = False, progress: Progress | None = None, lock: Lock = sole_lock
) -> Compacted:
    """Merge small files; is_trial only says which. Raises WarehouseError, DamagedError, OSError."""
    shown = progress or Silent()
    with lock(root):
        catalog = Catalog.load(root)
        packs = compaction.plan(catalog)
        done = Compacted(files_before=len(catalog.listed()))
        tables: dict[str, Merged] = {}
        merged: dict[str, str] = {}
        shown.start("merging files", len(packs))
        for pack in packs:
            table = tables.setdefault(pack.table, Merged(pack.table))
            table.files_before += len(pack.sources)
            table.bytes_before += pack.size_bytes
            table.files_after += 1
            if not is_trial:
                for path, fact in catalog.damaged(pack.sources).items():
                    raise DamagedError(f"{root / path}: {fact}; `tracemill repair` first")
                target, file = compaction.merge(catalog, pack)
                catalog.files[target] = file
                table.bytes_after += file.size_bytes
                merged |= dict.fromkeys(pack.sources, target)
            shown.step(pack.table)
        done.tables = list(tables.values())
        if is_trial:
            less = sum(t.files_before - t.files_after for t in done.tables)
            done.files_after = done.files_before - less
            return done
        compaction.list_merged(catalog, merged)
        for path, fact in catalog.damaged(catalog.condensed).items():
            raise DamagedError(f"{root / path}: {fact}; `tracemill repair` first")
        merge_condensed(catalog)
        catalog.commit()
        publish_files(catalog)
        done.swept = catalog.sweep(is_thorough=True)
        done.files_after = len(catalog.listed())
        return done
