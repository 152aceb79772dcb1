"""The queries that flows ask: sql/queries/, values bound by name, columns taken by name.

A query's name is its file's, with its folder: ``gate/findings``. Those of ``whatif/`` make the tables of
another history (warehouse/whatif.py), those of ``two_builds/`` of none
(warehouse/incident_groups.py); those of ``summaries/`` read the rows of one file as ``rows``.
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from tracemill.warehouse.errors import WarehouseError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from importlib.resources.abc import Traversable

    import duckdb

_Row = TypeVar("_Row", bound=NamedTuple)


@cache
def text(name: str) -> str:
    """The query of that name."""
    return files("tracemill.sql").joinpath("queries", f"{name}.sql").read_text("utf-8")


def ask(connection: duckdb.DuckDBPyConnection, name: str, kind: type[_Row], **values: object) -> list[_Row]:
    """The query's rows: of each, the columns that kind has fields for, whatever their order."""
    cursor = _executed(connection, name, values)
    columns = [str(d[0]) for d in cursor.description or ()]
    places = [columns.index(field) for field in kind._fields]
    return [kind._make(row[i] for i in places) for row in cursor.fetchall()]


def ask_column(connection: duckdb.DuckDBPyConnection, name: str, **values: object) -> list[str]:
    """The first column of the query's rows, as text."""
    return [str(row[0]) for row in _executed(connection, name, values).fetchall()]


def make_temporary(connection: duckdb.DuckDBPyConnection, table: str, name: str, **values: object) -> None:
    """Make the query's rows a temporary table, which stands before a published one of its name."""
    _executed(connection, name, values, f"create temporary table {table} as ")


def _executed(
    connection: duckdb.DuckDBPyConnection, name: str, values: dict[str, object], verb: str = ""
) -> duckdb.DuckDBPyConnection:
    """Raises WarehouseError where a table or a column is not there: another Tracemill built the models."""
    from duckdb import BinderException, CatalogException

    try:
        return connection.execute(verb + text(name), values)
    except (BinderException, CatalogException) as error:
        missing = str(error).splitlines()[0]
        raise WarehouseError(
            f"another Tracemill made this warehouse; run `tracemill build` ({missing})"
        ) from error


def names() -> list[str]:
    """Every query there is."""
    return sorted(_names(files("tracemill.sql").joinpath("queries"), ""))


def _names(folder: Traversable, prefix: str) -> Iterator[str]:
    for entry in folder.iterdir():
        if entry.is_dir():
            yield from _names(entry, f"{prefix}{entry.name}/")
        elif entry.name.endswith(".sql"):
            yield prefix + entry.name.removesuffix(".sql")
