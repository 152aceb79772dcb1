"""Incidents: which there are, which of them words mean, and the part of a trace where each is seen best."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from tracemill.flows.names import NoSuchNameError, plain
from tracemill.flows.show.card_wording import short_name
from tracemill.flows.show.lanes import Window
from tracemill.warehouse.queries import ask

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    import duckdb

# Of a wait outside any task so much of its length is shown on each side.
MARGIN = 0.1


class Incident(NamedTuple):
    """An incident, with the verdict that leads it."""

    build_id: str
    incident_id: str
    status: str
    metric: str
    subject: str
    first_subject: str
    function: str | None
    calling_function: str | None
    moved_from: str | None
    unit: str | None
    polarity: int
    before: float | None
    after: float | None
    change_ratio: float | None
    interval: list[float] | None
    p_value: float | None
    q_value: float | None
    n_before: int | None
    n_after: int | None
    expected_interval: list[float] | None
    first_build_id: str
    seen_build_id: str
    previous_build_id: str | None
    ordinal: int
    first_ordinal: int
    commit: str | None
    committed_at: datetime | None
    ended_build_id: str | None
    as_before_build_id: str | None
    call_path: str | None
    weight: float
    member_count: int
    members: list[str] | None
    measure: str
    family: str
    meaning: str
    is_sum: bool
    evidence: str | None
    query: str
    accepted_by: str | None
    accepted_reason: str | None
    exemplar_capture_id: str | None
    exemplar_path: str | None
    exemplar_kind: str | None
    exemplar_goroutine_id: int | None
    exemplar_start_ns: int | None
    exemplar_duration_ns: int | None
    exemplar_task_name: str | None
    exemplar_task_start_ns: int | None
    exemplar_task_duration_ns: int | None

    @property
    def is_open(self) -> bool:
        """Whether it is a regression that is not over and that nobody accepted."""
        return self.status == "regressed" and self.ended_build_id is None and self.accepted_by is None

    @property
    def gravity(self) -> tuple[object, ...]:
        """Sorts the worst first: open regressions, those that are over, the rest; by what they cost."""
        order = {"regressed": 0, "not_comparable": 1, "cost_shift": 2, "improved": 3, "moved": 4}
        return (not self.is_open, order.get(self.status, 5), -self.weight, self.incident_id)


class PointRow(NamedTuple):
    """One build of a series."""

    metric: str
    first_subject: str
    build_id: str
    ordinal: int
    value: float
    run_count: int
    level_number: int | None
    expected_interval: list[float] | None


def incidents(connection: duckdb.DuckDBPyConnection) -> list[Incident]:
    """Every incident, in the order of the builds."""
    return ask(connection, "show/incidents", Incident)


def points(connection: duckdb.DuckDBPyConnection) -> dict[tuple[str, str], list[PointRow]]:
    """The series that lead incidents, by metric and first subject."""
    found: dict[tuple[str, str], list[PointRow]] = {}
    for row in ask(connection, "show/points", PointRow):
        found.setdefault((row.metric, row.first_subject), []).append(row)
    return found


def choose(known: Sequence[Incident], words: Sequence[str], builds: Sequence[str]) -> list[Incident]:
    """The incidents that all words fit, the worst first: a build, an id, part of a function or metric.

    Raises NoSuchNameError for a word that fits none and is no build.
    """
    chosen = list(known)
    for word in words:
        if word not in builds and not any(_fits(i, word) for i in known):
            near = ", ".join(dict.fromkeys(short_name(i.function or i.subject) for i in known)) or "none yet"
            raise NoSuchNameError(f"no incident fits {word!r}; there are incidents of {near}")
        chosen = [i for i in chosen if _fits(i, word)]
    return sorted(chosen, key=lambda i: i.gravity)


def _fits(incident: Incident, word: str) -> bool:
    if word in {incident.build_id, incident.first_build_id, incident.seen_build_id, incident.incident_id}:
        return True
    names = (incident.subject, incident.moved_from, incident.metric, *(incident.members or ()))
    return any(plain(word).lower() in plain(name).lower() for name in names if name)


class Span(NamedTuple):
    """A task, or a wait, of a goroutine in a trace."""

    build_id: str
    capture_id: str
    path: str
    name: str
    goroutine_id: int | None
    start_ns: int
    duration_ns: int


def slowest_task(connection: duckdb.DuckDBPyConnection, task: str | None, build: str | None) -> Window | None:
    """The slowest task of a name, or of any, in a build, or in the newest that has one."""
    found = ask(connection, "show/slowest_tasks", Span, task=task, build=build)
    if not found:
        return None
    span = found[0]
    return Window(
        capture_id=span.capture_id,
        path=span.path,
        from_ns=span.start_ns,
        to_ns=span.start_ns + span.duration_ns,
        goroutine_id=span.goroutine_id,
        title=f"The slowest {span.name} in {span.path}",
    )


def window_of(connection: duckdb.DuckDBPyConnection, incident: Incident) -> Window | None:
    """The part of a trace in which the incident is seen best."""
    if incident.metric.startswith("task_"):
        return slowest_task(connection, incident.subject, incident.seen_build_id)
    if incident.exemplar_capture_id is None or incident.exemplar_start_ns is None:
        return None
    start, length = incident.exemplar_start_ns, incident.exemplar_duration_ns or 0
    title = f"The longest wait at {incident.seen_build_id}"
    if incident.exemplar_task_start_ns is not None:
        start, length = incident.exemplar_task_start_ns, incident.exemplar_task_duration_ns or 0
        title = f"The {incident.exemplar_task_name} of {incident.seen_build_id} that it held up longest"
        margin = 0
    else:
        margin = int(length * MARGIN)
    return Window(
        capture_id=incident.exemplar_capture_id,
        path=incident.exemplar_path or "",
        from_ns=max(start - margin, 0),
        to_ns=start + length + margin,
        goroutine_id=incident.exemplar_goroutine_id,
        function=incident.function,
        title=title,
    )
