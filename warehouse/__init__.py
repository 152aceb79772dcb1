"""Where tables live: schema, Parquet store, catalog, models, connection."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import os

    import duckdb


def connect(path: str | os.PathLike[str], *, read_only: bool = True) -> duckdb.DuckDBPyConnection:
    """A DuckDB connection to a warehouse with every table, mart and function attached.

    Raises WarehouseError when nothing has been published at path.
    """
    from tracemill.warehouse.connection import connect as connect_

    return connect_(path, read_only=read_only)


__all__ = ["connect"]
