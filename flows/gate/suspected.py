"""What may have got worse at a build: too likely to be noise for a verdict, too unlikely to go unsaid."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from tracemill.flows.show.coverage import SharedChange
from tracemill.flows.show.units import amounts
from tracemill.warehouse.compared import SUSPECTED_SHARE
from tracemill.warehouse.queries import ask

if TYPE_CHECKING:
    import duckdb


class _Suspected(NamedTuple):
    metric: str
    subject: str
    unit: str | None
    before: float | None
    after: float | None
    q_value: float
    since: str | None


def suspected_changes(
    connection: duckdb.DuckDBPyConnection, build_id: str, metrics: tuple[str, ...]
) -> list[str]:
    """Sentences, of what all series of a metric share, then the surest first.

    Those are of the build's own figures, and of the last build's look back.
    """
    found = ask(
        connection,
        "gate/suspected_changes",
        _Suspected,
        build_id=build_id,
        metrics=list(metrics),
    )
    shared = [
        s.sentence
        for s in ask(connection, "coverage/shared_changes", SharedChange)
        if s.build_id == build_id and s.is_worse and (not metrics or s.metric in metrics)
    ]
    return shared + [
        f"{s.metric} of {s.subject}: {amounts(s.before, s.after, s.unit)}"
        f"{f' since {s.since}' if s.since else ''} (q = {s.q_value:.1g}"
        f"{', or a spike: the next build tells' if s.q_value > SUSPECTED_SHARE else ''})"
        for s in found
    ]
