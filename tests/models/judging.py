"""Series made up as logarithms, and what is found of them."""

from __future__ import annotations

import duckdb
import numpy as np

from tracemill.detection.levels import Levels, Points, find_levels
from tracemill.warehouse.declared import declared

NEGLIGIBLE = 1e-6


def judge(
    logs: np.ndarray,
    negligible: float = NEGLIGIBLE,
    counting: np.ndarray | None = None,
    builds_before: int = 0,
    families: int | tuple[int, ...] = 1,
    contexts: np.ndarray | None = None,
) -> Levels:
    """Levels of logarithms (series, builds, runs), nan where one is missing.

    counting: variance of each build from few events. families, contexts: of builds.
    """
    series, builds, runs = logs.shape
    return find_levels(
        Points(
            series=np.repeat(np.arange(series), builds),
            build=np.tile(np.arange(builds), series),
            log_value=np.median(logs, axis=2).ravel(),
            run_variance=logs.var(axis=2, ddof=1).ravel() if runs > 1 else np.full(series * builds, np.nan),
            run_count=np.full(series * builds, runs),
            counting_variance=np.zeros(series * builds) if counting is None else counting.ravel(),
            negligible=np.full(series * builds, negligible),
            context=np.tile(np.zeros(builds, int) if contexts is None else contexts, series),
        ),
        np.tile(np.broadcast_to(families, builds), series),
        builds_before=builds_before,
    )


def no_verdicts(connection: duckdb.DuckDBPyConnection) -> None:
    """Without verdicts and calls; metrics as they are declared."""
    names = (
        "build_id",
        "metric",
        "subject",
        "incident_id",
        "function",
        "status",
        "first_build_id",
        "ended_build_id",
    )
    columns = ", ".join(f"''::varchar as {name}" for name in names)
    connection.execute(f"create table regressions as select {columns} limit 0")
    connection.execute("create table incidents as select '' as incident_id, 1.0 as weight limit 0")
    connection.execute(
        "create table int_iteration_changes as select '' as metric, '' as first_subject, 1 as ordinal limit 0"
    )
    connection.register("_metrics", declared()["metrics"])
    connection.execute("create table int_metrics as from _metrics")
    connection.execute(
        "create table int_user_calls as select '' as build_id, '' as function, '' as calling_function limit 0"
    )
