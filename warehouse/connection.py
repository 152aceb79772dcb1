"""DuckDB on a warehouse: the published file, opened by readers, replaced by the one writer.

``warehouse.duckdb`` holds the marts as tables and the Parquet tables as views
with paths relative to the warehouse, so the folder can be moved. From a plain
DuckDB shell: ``cd`` into the warehouse first.
"""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING, cast

import duckdb

from tracemill.warehouse.address import folder_of, no_warehouse, require_readable
from tracemill.warehouse.cached import cache_of
from tracemill.warehouse.errors import DamagedError
from tracemill.warehouse.layout import DATABASE

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

# The table of what the published file was made from: subject → fingerprint
PUBLISHED_STATE = "_published"
# What DuckDB may keep where a table is filled in parts.
LEAN_BYTES = 192 * 1024**2
_UNITS = {"bytes": 1} | {f"{prefix}iB": 1024**power for power, prefix in enumerate("KMGT", 1)}

__all__ = ["DATABASE", "connect", "open_database", "published_commit"]


def open_database(
    file: Path, root: Path, *, read_only: bool, is_synced: bool = True
) -> duckdb.DuckDBPyConnection:
    """A connection to a database file whose views read the Parquet under root.

    is_synced: each statement is on the disk when it ends; a file that nobody knows of yet need not be. Raises
    WarehouseError where DuckDB cannot read below root.
    """
    require_readable(root)
    config: dict[str, str | bool | int | float | list[str]] = {
        "autoinstall_known_extensions": "false",
        "autoload_known_extensions": "false",
    }
    if not is_synced:
        config["fsync_mode"] = "NONE"
    connection = duckdb.connect(str(file), read_only=read_only, config=config)
    quoted = str(root.resolve()).replace("'", "''")
    connection.execute(f"set file_search_path = '{quoted}'")
    connection.execute("set enable_progress_bar = false")
    connection.execute("set timezone = 'UTC'")
    if not read_only:
        # What is larger goes straight to the file, not to a log first and from there to the file.
        connection.execute("set checkpoint_threshold = '1MB'")
    return connection


@contextlib.contextmanager
def lean(connection: duckdb.DuckDBPyConnection, needed: int) -> Iterator[None]:
    """Keep little in memory of what is on the disk. needed: bytes that the operation itself may take."""
    ((before,),) = connection.execute("select current_setting('memory_limit')").fetchall()
    number, unit = str(before).split()
    limit = max(LEAN_BYTES, needed)
    if float(number) * _UNITS.get(unit, 0) > limit:
        connection.execute(f"set memory_limit = '{limit // 1024}KiB'")
    try:
        yield
    finally:
        connection.execute("reset memory_limit")


def connect(path: str | os.PathLike[str], *, read_only: bool = True) -> duckdb.DuckDBPyConnection:
    """The warehouse at path with everything attached; raises WarehouseError where there is none.

    A reader keeps the state it opened, also while a newer one is published.
    """
    root = folder_of(path)
    bring_published(root)
    file = root / DATABASE
    if not file.is_file():
        raise no_warehouse(root)
    try:
        connection = open_database(file, root, read_only=read_only)
        return _on_demand(connection, root) if cache_of(root) else connection
    except duckdb.Error as error:
        said = str(error).splitlines()[0]
        raise DamagedError(f"{file}: cannot be opened: {said}; `tracemill build` makes it anew") from error


def bring_published(root: Path) -> None:
    """Have the newest published file here, where the warehouse is in a store."""
    if cache := cache_of(root):
        cache.published.fetch()


def _on_demand(connection: duckdb.DuckDBPyConnection, root: Path) -> duckdb.DuckDBPyConnection:
    """The connection, whose queries fetch what is missing here."""
    from tracemill.warehouse.on_demand import OnDemand

    cache = cache_of(root)
    found = connection.execute(
        f"select fingerprint from {PUBLISHED_STATE} where subject = 'commit'"
    ).fetchall()
    if cache is None or not found:
        return connection
    return cast("duckdb.DuckDBPyConnection", OnDemand(connection, cache, int(found[0][0])))


def published_commit(root: Path) -> int | None:
    """The number of the manifests' commit that the published file was made from; None where there is no file.

    0 for a file that cannot be read or does not say; its readers may need any file that ever was.
    """
    if cache := cache_of(root):
        pointer = cache.published.pointer()
        return None if pointer is None else pointer.commit
    file = root / DATABASE
    if not file.is_file():
        return None
    try:
        with open_database(file, root, read_only=True) as connection:
            found = connection.execute(
                f"select fingerprint from {PUBLISHED_STATE} where subject = 'commit'"
            ).fetchall()
    except duckdb.Error:
        return 0
    return int(found[0][0]) if found else 0
