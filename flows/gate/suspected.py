"""What may have got worse at a build: too likely to be noise for a verdict, too unlikely to go unsaid."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from tracemill.flows.show.coverage import SharedChange
from tracemill.flows.show.units import amount, amounts
from tracemill.warehouse.compared import SUSPECTED_SHARE
from tracemill.warehouse.queries import ask

if TYPE_CHECKING:
    from collections.abc import Sequence

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


class Hint(NamedTuple):
    """One series that may have got worse. incident_id: of the incident that may explain it.

    subject: None of what all series of a metric share.
    """

    change: str
    subject: str | None = None
    incident_id: str | None = None

    @property
    def sentence(self) -> str:
        """What may have got worse, and what may explain it."""
        return self.change + (f"; perhaps caused by incident {self.incident_id}" if self.incident_id else "")


def suspected_changes(
    connection: duckdb.DuckDBPyConnection, build_id: str, metrics: tuple[str, ...]
) -> list[Hint]:
    """Of what all series of a metric share, then the surest first.

    Those are of the build's own figures, and of the last build's look back. What an incident that stands may
    explain comes last, by incident.
    """
    found = ask(
        connection,
        "gate/suspected_changes",
        _Suspected,
        build_id=build_id,
        metrics=list(metrics),
    )
    shared = [
        Hint(s.sentence)
        for s in ask(connection, "coverage/shared_changes", SharedChange)
        if s.build_id == build_id and s.is_worse and (not metrics or s.metric in metrics)
    ]
    incidents = list(dict.fromkeys(s.incident_id for s in found))
    own = [Hint(s.sentence, s.subject, s.incident_id) for s in found]
    own.sort(key=lambda hint: (hint.incident_id is not None, incidents.index(hint.incident_id)))
    return shared + own


def in_short(hints: Sequence[Hint], most: int | None = None) -> list[str]:
    """Sentences, one for all hints that an incident may explain; most: of more so many, and how many more."""
    by_incident: dict[str | int, list[Hint]] = {}
    for number, hint in enumerate(hints):
        by_incident.setdefault(hint.incident_id or number, []).append(hint)
    sentences = []
    for first, *others in by_incident.values():
        more = f", and {len(others)} more" if others else ""
        sentences.append(first._replace(change=first.change + more).sentence)
    left = len(sentences) - len(sentences[:most])
    return [*sentences[:most], *([f"{left} more, which the gate of this build names"] if left else [])]
