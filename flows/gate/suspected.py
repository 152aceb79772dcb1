"""What may have got worse at a build: too likely to be noise for a verdict, too unlikely to go unsaid."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from tracemill.flows.show.coverage import SharedChange
from tracemill.flows.show.units import amount, amounts
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
    is_too_small: bool
    is_for_look_back: bool
    since: str | None
    next_value: float | None
    next_build_id: str | None
    incident_id: str | None

    @property
    def sentence(self) -> str:
        """What is dearer, since when, and how sure that is."""
        since = f" since {self.since}" if self.since else ""
        change = amounts(self.before, self.after, self.unit)
        return f"{self.metric} of {self.subject}: {change}{since} ({self.doubt})"

    @property
    def doubt(self) -> str:
        """How unsure it is, or why it is no verdict although it is sure; what the next build tells of it."""
        parts = [f"q = {self.q_value:.1g}"]
        if self.is_too_small:
            parts.append("too small for a verdict")
        elif self.is_for_look_back:
            parts.append("judged when the builds are looked over again, as at every fifth")
        if self.next_build_id:
            parts.append(f"at {self.next_build_id} it was {amount(self.next_value, self.unit)}")
        elif self.q_value > SUSPECTED_SHARE:
            parts.append("or a spike: the next build tells")
        return ", ".join(parts)


def suspected_changes(
    connection: duckdb.DuckDBPyConnection, build_id: str, metrics: tuple[str, ...]
) -> list[str]:
    """Sentences, of what all series of a metric share, then the surest first.

    Those are of the build's own figures, and of the last build's look back. What an incident that stands may
    explain comes last, a sentence for each.
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
    by_incident: dict[str | None, list[str]] = {None: []}
    for hint in found:
        by_incident.setdefault(hint.incident_id, []).append(hint.sentence)
    own = by_incident.pop(None)
    return shared + own + [_felt(str(incident), hints) for incident, hints in by_incident.items()]


def _felt(incident: str, hints: list[str]) -> str:
    more = f", and {len(hints) - 1} more" if len(hints) > 1 else ""
    return f"{hints[0]}{more}; perhaps caused by incident {incident}"
