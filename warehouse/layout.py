"""What lies where in a warehouse's folder."""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from pathlib import Path

# The tables as DuckDB shows them, and the marts
DATABASE = "warehouse.duckdb"
# tables/<table>/capture_id=<id>/<random>.parquet as loaded, tables/<table>/month=<month>/<random>.parquet
# compacted, tables/<model>/condensed/<random>.parquet where raw rows have expired
TABLES_FOLDER = "tables"
# What is loaded: how far the log goes, and its commits
MANIFEST = "manifest.json"
LOG = "log"
# The records of builds that do not change, sealed: log/parts/<SHA-256>.json
PARTS = f"{LOG}/parts"
# Who publishes, and who loads
LOCK = "writer.lock"
LOADING = "loading.lock"


def parquet_files(root: Path, settled: Collection[str] = frozenset()) -> Iterator[str]:
    """The Parquet files in a warehouse, relative to it, but for those in settled folders.

    A folder takes 40 µs to look into, and its name in the one above none.
    """
    for table in _entries(root, TABLES_FOLDER):
        for folder in _entries(root, table):
            if folder not in settled:
                yield from (path for path in _entries(root, folder) if path.endswith(".parquet"))


def _entries(root: Path, folder: str) -> list[str]:
    """The names in a folder, as paths relative to root; none where it is no folder."""
    with contextlib.suppress(FileNotFoundError, NotADirectoryError), os.scandir(root / folder) as entries:
        return [f"{folder}/{entry.name}" for entry in entries]
    return []
