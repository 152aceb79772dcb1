"""The levels of a model's points, as a relation that other models read: ``from levels_of_<model>``.

The model it is named after has a row for each series and build, with the columns in _POINTS: as
warehouse.levels.Points, the series and builds under our names; and ``metric``, which is the family, and
``families``, how many there are. The relation has all columns of these rows and those of ``judged()``.

It is made part by part while DuckDB reads it: what is held at once is a part, not the history, and the rows
go in and out as plain columns. A query that reads it joins its tables as written, with this one as the first.
"""

from __future__ import annotations

import contextlib
import re
from typing import TYPE_CHECKING

import pyarrow as pa

from warehouse.inference import t_quantile
from warehouse.levels import PART, Points, find_levels

if TYPE_CHECKING:
    from collections.abc import Iterator

    import duckdb

LEVELS_OF = "levels_of_"
_POINTS = {
    "series": "series_number",
    "build": "ordinal",
    "log_value": "log_value",
    "run_variance": "run_variance",
    "run_count": "run_count",
    "counting_variance": "counting_variance",
    "negligible": "negligible",
    "context": "context",
}
# Rows handed on at once: one row group of DuckDB's.
_BATCH = 122_880


@contextlib.contextmanager
def levels_at_hand(connection: duckdb.DuckDBPyConnection, query: str) -> Iterator[None]:
    """Make the levels that the query reads known to the connection."""
    models = set(re.findall(rf"\b{LEVELS_OF}(\w+)", query))
    if not models:
        yield
        return
    # The connection itself will be busy with the query.
    with connection.cursor() as beside:
        [(path,)] = connection.execute("select current_setting('search_path')").fetchall()
        beside.execute(f"set search_path = '{path}'")
        for model in models:
            connection.register(LEVELS_OF + model, _Levels(beside, model))
        # DuckDB takes the relation for one row: it would hold it all, and look the other tables up in it.
        connection.execute("set disabled_optimizers = 'join_order,build_side_probe_side'")
        try:
            yield
        finally:
            connection.execute("reset disabled_optimizers")
            for model in models:
                connection.unregister(LEVELS_OF + model)


class _Levels:
    """Judges the points each time that DuckDB scans it."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, model: str) -> None:
        self._connection = connection
        self._model = model

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        reader = pa.RecordBatchReader.from_batches(self._part("", 0).schema, self._batches())
        return reader.__arrow_c_stream__(requested_schema)

    def _batches(self) -> Iterator[pa.RecordBatch]:
        part = f"(series_number - 1) // {PART}"
        parts = self._connection.execute(
            f"from {self._model} select metric, {part} group by all order by all"
        ).fetchall()
        for metric, number in parts:
            yield from self._part(metric, number).to_batches(_BATCH)

    def _part(self, metric: str, number: int) -> pa.Table:
        first = number * PART
        query = f"from {self._model} where metric = $1 and series_number between $2 and $3"
        rows = self._connection.sql(query, params=[metric, first + 1, first + PART]).to_arrow_table()
        columns = judged(rows)
        return pa.table([*rows.columns, *columns.values()], names=[*rows.column_names, *columns])


def judged(rows: pa.Table) -> dict[str, pa.Array]:
    """The columns that judging adds to the points of one family; half widths are those of 95 % intervals."""
    points = Points(**{field: rows[name].to_numpy() for field, name in _POINTS.items()})
    families = rows["families"][0].as_py() if len(rows) else 1
    found = find_levels(points, families)
    quantile = t_quantile(0.95, found.df)
    reals = {
        "log_level": found.log_level,
        "standard_error": found.standard_error,
        "half_width": found.standard_error * quantile,
        "p": found.p,
        "q": found.q,
        "change_before": found.change.before,
        "change_after": found.change.after,
        "change_error": found.change.standard_error,
        "change_half_width": found.change.standard_error * quantile,
        "change_p": found.change.p,
        "change_q": found.change.q,
    }
    others = {
        "level_builds": found.level_builds,
        "level_number": found.level_number,
        "is_change": found.is_change,
        "went_away": found.went_away,
        "is_apart": found.is_apart,
        "found_ordinal": found.found_build,
    }
    return {name: pa.array(values, pa.float64(), from_pandas=True) for name, values in reals.items()} | {
        name: pa.array(values) for name, values in others.items()
    }
