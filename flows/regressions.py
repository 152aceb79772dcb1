"""The regressions found, as a query: filters are bound, never pasted into SQL."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import duckdb


class NoSuchNameError(Exception):
    """A build, metric or status that is not there, with the nearest that is."""


@dataclass(frozen=True, slots=True)
class Filter:
    """Which verdicts to show; None shows all."""

    build_id: str | None = None
    metric: str | None = None
    status: str | None = None


def select(
    connection: duckdb.DuckDBPyConnection, chosen: Filter, columns: str = "r.*"
) -> duckdb.DuckDBPyConnection:
    """The cursor over the verdicts, in the order of the builds. Raises NoSuchNameError."""
    for column, value, known in (
        ("build", chosen.build_id, "select build_id from builds"),
        ("metric", chosen.metric, "select distinct metric from observations"),
        ("status", chosen.status, "select unnest(['regressed', 'improved', 'moved'])"),
    ):
        if value is not None:
            _require(value, column, [str(row[0]) for row in connection.execute(known).fetchall()])
    return connection.execute(
        f"""
        select {columns}
        from regressions as r
        left join (select build_id, ordinal from builds) as b using (build_id)
        where coalesce(build_id = $build_id, true)
          and coalesce(metric = $metric, true)
          and coalesce(status = $status, true)
        order by b.ordinal, metric, status, subject
        """,  # noqa: S608 - columns is a constant of ours
        {"build_id": chosen.build_id, "metric": chosen.metric, "status": chosen.status},
    )


def _require(value: str, what: str, known: list[str]) -> None:
    if value not in known:
        near = difflib.get_close_matches(value, known, n=1, cutoff=0.5)
        hint = (
            f"; did you mean {near[0]!r}?"
            if near
            else f"; there is {', '.join(sorted(known)[:10]) or 'none yet'}"
        )
        raise NoSuchNameError(f"no {what} {value!r}{hint}")
