"""Tracemill from Python: what Go programs and their CI produce, as Arrow tables and as a DuckDB warehouse.

``tracemill.read("trace.out")`` gives a capture's Arrow tables by name;
``tracemill.connect(path)`` a DuckDB connection to a warehouse with every table and mart attached;
``tracemill.files(path, table)`` the Parquet files of a table, for other engines.

This folder is the package as it is installed. Its parts stand at the top of the checkout and are linked
here, so that nothing but ``tracemill`` is taken in a user's environment.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import os

    import duckdb
    import pyarrow as pa


def read(path: str | os.PathLike[str], *, raw_events: bool = False) -> dict[str, pa.Table]:
    """A capture's tables by name, whole in memory. raw_events: also every event of a trace, in order.

    Raises OSError, UnknownFormatError where no format claims the content, ParseError where it is broken.
    """
    from tracemill.parsers.registry import read as read_
    from tracemill.warehouse.intervals import with_intervals

    return with_intervals(read_(path, raw_events=raw_events))


def connect(path: str | os.PathLike[str], *, read_only: bool = True) -> duckdb.DuckDBPyConnection:
    """A DuckDB connection to the warehouse at path with every table, mart and function attached.

    Raises WarehouseError when nothing has been published at path.
    """
    from tracemill.warehouse.connection import connect as connect_

    return connect_(path, read_only=read_only)


def files(path: str | os.PathLike[str], table: str) -> list[str]:
    """The Parquet files with the rows of a table of the warehouse at path.

    Raises KeyError where no table of the name is stored, WarehouseError where there is no warehouse.
    """
    from pathlib import Path

    from tracemill.warehouse.address import no_warehouse
    from tracemill.warehouse.catalog import Catalog
    from tracemill.warehouse.scan import Files
    from tracemill.warehouse.schema.tables import PARSED

    if table not in PARSED:
        raise KeyError(f"no table {table!r} is stored; there are {', '.join(PARSED)}")
    root = Path(path)
    catalog = Catalog.load(root)
    if not catalog.position.number:
        raise no_warehouse(root)
    found = catalog.files_by_table().get(table, Files())
    return [str(root / name) for name in (*found.own, *found.compacted)]


__all__ = ["connect", "files", "read"]
