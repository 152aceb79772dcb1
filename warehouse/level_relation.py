"""The levels of a model's points, as a relation that other models read: ``from levels_of_<model>``.

The model it is named after has a row for each series and build, with the columns in _POINTS: as
detection.levels.Points, the series and builds under our names; and ``metric``, which is the family,
``families``, how many there are by then, ``builds_before``, of a longer history, and ``is_timed``. The
relation has all columns of these rows and those of ``judged()``.

It is made part by part while DuckDB reads it: what is held at once is a part, not the history, and the rows
go in and out as plain columns. A query that reads it joins its tables as written, with this one as the first.
"""

from __future__ import annotations

import contextlib
import re
from typing import TYPE_CHECKING, Any

from tracemill.detection.rules import PART

# numpy, scipy and pyarrow are imported where they are used: who only reads a warehouse needs none of them.
if TYPE_CHECKING:
    from collections.abc import Iterator

    import duckdb
    import pyarrow as pa
    from numpy.typing import NDArray

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
        import pyarrow as pa

        none = self._connection.sql(f"from {self._model} limit 0")
        schema = none.to_arrow_table().schema
        for name, values in judged(none).items():
            if name not in schema.names:
                schema = schema.append(pa.field(name, pa.from_numpy_dtype(values.dtype)))
        reader = pa.RecordBatchReader.from_batches(schema, self._batches())
        return reader.__arrow_c_stream__(requested_schema)

    def _batches(self) -> Iterator[pa.RecordBatch]:
        part = f"(series_number - 1) // {PART}"
        parts = self._connection.sql(f"from {self._model} select metric, {part} group by all order by all")
        for metric, number in parts.fetchall():
            first = number * PART
            quoted = metric.replace("'", "''")
            yield from self._part(
                f"metric = '{quoted}' and series_number between {first + 1} and {first + PART}"
            )

    def _part(self, where: str) -> Iterator[pa.RecordBatch]:
        """The rows of a part, judged. They are read twice, so as not to hold all of them meanwhile."""
        import numpy as np
        import pyarrow as pa

        levels = judged(self._connection.sql(f"from {self._model} where {where}"))
        place = {name: levels.pop(name) for name in ("series_number", "ordinal")}
        first = 0
        for rows in self._connection.sql(f"from {self._model} where {where}").to_arrow_reader(_BATCH):
            here = slice(first, first + len(rows))
            first = here.stop
            if any(not np.array_equal(rows[name], values[here]) for name, values in place.items()):
                raise RuntimeError(f"{self._model}: read in another order the second time")
            # Copied, so that a batch that DuckDB still holds does not keep the entire part.
            columns = {name: values[here].copy() for name, values in levels.items()}
            arrays = [pa.array(values, from_pandas=True) for values in columns.values()]
            yield pa.record_batch([*rows.columns, *arrays], names=[*rows.schema.names, *columns])


def judged(rows: duckdb.DuckDBPyRelation) -> dict[str, NDArray[Any]]:
    """Judge the points of one family: where they stand, and the columns that this adds to them.

    nan: could not judge. Half widths are those of 95 % intervals.
    """
    import pyarrow as pa

    from tracemill.detection.distributions import t_quantile
    from tracemill.detection.levels import Points, find_levels

    of_family = ("builds_before", "is_timed")
    table = rows.select(*_POINTS.values(), "families", *of_family).to_arrow_table()
    before, is_timed = (table[name][0].as_py() if len(table) else 0 for name in of_family)
    families = table["families"].to_numpy()
    points = Points(**{field: table[name].to_numpy() for field, name in _POINTS.items()})
    del table
    found = find_levels(points, families, builds_before=before, is_timed=bool(is_timed))
    place = {"series_number": points.series, "ordinal": points.build}
    del points
    # Arrow would keep for itself what it has no more use for.
    pa.default_memory_pool().release_unused()
    quantile = t_quantile(0.95, found.df)
    return place | {
        "log_level": found.log_level,
        "standard_error": found.standard_error,
        "half_width": found.standard_error * quantile,
        "p": found.p,
        "q": found.q,
        "level_builds": found.level_builds,
        "level_number": found.level_number,
        "level_before": found.level_before,
        "is_change": found.is_change,
        "went_away": found.went_away,
        "may_change": found.may_change,
        "is_incomparable": found.is_incomparable,
        "shared_change": found.shared_change,
        "found_ordinal": found.found_build,
        "least_claimed": found.least.claimed,
        "least_hinted": found.least.hinted,
        "least_lasting": found.least.lasting,
        "change_before": found.change.before,
        "change_after": found.change.after,
        "change_error": found.change.standard_error,
        "change_half_width": found.change.standard_error * quantile,
        "change_p": found.change.p,
        "change_q": found.change.q,
    }
