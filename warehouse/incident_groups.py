"""Verdicts that no history gave, put together to incidents by the models that do so for a history's."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from tracemill.warehouse.models import read_models
from tracemill.warehouse.queries import make_temporary

if TYPE_CHECKING:
    from collections.abc import Sequence

    import duckdb

_MODELS = ("int_changed_paths", "int_incident_members")


class Verdict(NamedTuple):
    """What the models read of a verdict. Functions by their first names; negligible: in the metric's unit."""

    metric: str
    subject: str
    function: str | None
    calling_function: str | None
    status: str
    before: float
    after: float
    negligible: float


class Member(NamedTuple):
    """A verdict in its incident; member_rank: 1 leads."""

    metric: str
    subject: str
    incident_id: str
    member_rank: int


def incident_members(
    connection: duckdb.DuckDBPyConnection, build_id: str, verdicts: Sequence[Verdict]
) -> list[Member]:
    """The incidents of verdicts on one build, each incident's verdicts by rank. Raises WarehouseError."""
    if not verdicts:
        return []
    models = {model.name: model.sql for model in read_models()}
    # What the models read, of these verdicts and with the names that they have for functions.
    inputs: dict[str, dict[str, object]] = {
        "int_verdicts": {"build_id": build_id, "verdicts": [v._asdict() for v in verdicts]},
        "int_user_calls": {"build_id": build_id},
    }
    try:
        for table, values in inputs.items():
            make_temporary(connection, table, f"two_builds/{table}", **values)
        for name in _MODELS:
            connection.execute(f"create temp table {name} as {models[name]}")
        found = connection.table(_MODELS[-1]).select(*Member._fields).order("incident_id, member_rank")
        rows = found.fetchall()
    finally:
        for table in (*inputs, *_MODELS):
            connection.execute(f"drop table if exists temp.{table}")
    return [Member(*row) for row in rows]
