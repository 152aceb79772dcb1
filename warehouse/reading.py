"""Queries of people: they read the warehouse and do nothing else, unless told otherwise."""

from __future__ import annotations

import contextlib
import re
from typing import TYPE_CHECKING

from duckdb import StatementType

from tracemill.warehouse.connection import connect
from tracemill.warehouse.errors import WarehouseError
from tracemill.warehouse.layout import TABLES_FOLDER

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import duckdb

_EXPLAIN = re.compile(r"\s*explain(\s+analyze\b)?(\s*\([^()]*\))?", re.IGNORECASE)


class OnlyReadsError(WarehouseError):
    """A statement that would do more than read."""


@contextlib.contextmanager
def only_reading(root: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection that reaches no file but the warehouse's tables, no network and no setting.

    The working folder is the warehouse's meanwhile: the views name their files from there.
    """
    root = root.resolve()
    with connect(root) as connection, contextlib.chdir(root):
        tables = str(root / TABLES_FOLDER).replace("'", "''")
        connection.execute(f"set allowed_directories = ['{tables}/']")
        connection.execute("set enable_external_access = false")
        connection.execute("set lock_configuration = true")
        yield connection


def require_reading(connection: duckdb.DuckDBPyConnection, query: str) -> None:
    """Raise OnlyReadsError where the connection is one that only reads, and a statement does more than that.

    Raises duckdb.Error for what is no SQL.
    """
    ((is_open,),) = connection.execute("select current_setting('enable_external_access')").fetchall()
    if is_open:
        return
    for statement in connection.extract_statements(query):
        explained = _EXPLAIN.match(statement.query)
        if statement.type == StatementType.EXPLAIN and explained:
            require_reading(connection, statement.query[explained.end() :])
        elif statement.type != StatementType.SELECT:
            kind = statement.type.name.lower()
            raise OnlyReadsError(f"{kind}: a query reads and does nothing else; --unsafe lets it do more")
