"""The verdicts in a form for people."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flows.output import format_table, names_and_rows
from flows.regressions import Filter, select

if TYPE_CHECKING:
    import duckdb

# What a person reads first; --format json and csv give every column.
COLUMNS = (
    "build_id as build, status, metric, function, unit, before, after, change_ratio as ratio, "
    "p_value as p, q_value as q, n_before as n"
)


def overview(connection: duckdb.DuckDBPyConnection) -> str:
    """The verdicts as a table, or the sentence that there are none."""
    names, rows = names_and_rows(select(connection, Filter(), COLUMNS))
    listed = list(rows)
    if not listed:
        return "no regressions, no improvements\n"
    return format_table(names, listed)
