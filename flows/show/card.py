"""One incident with all that leads from its verdict to the reason: gathered here, shown elsewhere."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

from tracemill.flows.gate.suspected import suspected_changes
from tracemill.flows.names import NoSuchNameError
from tracemill.flows.show.card_wording import headline, short_name
from tracemill.flows.show.flame import StackRow
from tracemill.flows.show.lanes import Interval, Lanes, Window, lanes_of
from tracemill.warehouse.queries import ask, ask_column
from tracemill.warehouse.schema.showing import STACKS

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    import duckdb

MAX_CHANGES = 8
MAX_HOLDERS = 8
MAX_LINES = 8
MAX_SUSPECTED = 5
# Of a wait outside any task so much of its length is shown on each side.
MARGIN = 0.1
MAP_METRICS = ("mapassign_", "syncmap_", "makemap_")


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


class Member(NamedTuple):
    """A verdict of the incident."""

    build_id: str
    metric: str
    subject: str
    function: str | None
    status: str
    unit: str | None
    before: float | None
    after: float | None
    change_ratio: float | None
    q_value: float | None
    is_lead: bool


class Change(NamedTuple):
    """One subject of the metric at both builds."""

    subject: str
    unit: str | None
    before: float
    after: float
    change: float


class Holder(NamedTuple):
    """A line whose end of a critical section ended waits."""

    holder_function: str | None
    holder_file: str | None
    holder_line: int | None
    block_count: int
    block_ns: int
    block_ns_per_unit: float | None
    per: str | None


class LineCost(NamedTuple):
    """A line of the function that the incident is about, and what it calls there."""

    file: str
    line: int
    calls: str
    before: float
    after: float


@dataclass(frozen=True, slots=True)
class Comparison:
    """Call paths of the build and the one before it. metric, unit: of the figures. left_out: idle waits."""

    metric: str
    unit: str
    builds: tuple[str, str]
    rows: list[StackRow]
    left_out: tuple[float, float] | None = None


@dataclass(frozen=True)
class Card:
    """An incident and what there is to show of it; what there is not is said in missing."""

    incident: Incident
    points: list[PointRow]
    members: list[Member]
    changes: list[Change]
    holders: list[Holder]
    stacks: Comparison | None
    lanes: Lanes | None
    suspected: list[str]
    missing: list[str]

    @property
    def headline(self) -> str:
        """The incident in a sentence."""
        return headline(self.incident)

    @cached_property
    def runs_before(self) -> int:
        """Runs of the builds that the verdict compares with."""
        builds = [p for p in self.points if p.ordinal < self.incident.first_ordinal]
        return (
            sum(p.run_count for p in builds[-(self.incident.n_before or 0) :])
            if self.incident.n_before
            else 0
        )

    @cached_property
    def lines(self) -> list[LineCost]:
        """The lines of the function with what they cost, the costliest first."""
        return _lines(self.stacks, self.incident.function) if self.stacks else []

    @cached_property
    def call_path(self) -> list[str]:
        """The costliest call path through the function, leaf first, with its lines."""
        rows = [r for r in (self.stacks.rows if self.stacks else []) if r.function == self.incident.function]
        row = max(rows, key=lambda r: max(r.before, r.after), default=None)
        if row is None or not row.functions:
            return []
        places = zip(row.functions, row.files or [], row.lines or [], strict=False)
        return [
            f"{short_name(name)}  {file}:{line}" if file else short_name(name) for name, file, line in places
        ]


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
    return any(word.lower() in name.lower() for name in names if name)


def card(connection: duckdb.DuckDBPyConnection, incident: Incident, series: list[PointRow]) -> Card:
    """Gather what there is to show of an incident."""
    before, after = incident.previous_build_id, incident.seen_build_id
    members = ask(connection, "show/members", Member, incident_id=incident.incident_id)
    stacks = _stacks(connection, incident, members)
    lanes = _lanes(connection, incident)
    holders: list[Holder] = []
    if incident.family in {"waiting", "contention"} and incident.function:
        names = {"build": after, "function": incident.function, "most": MAX_HOLDERS}
        holders = ask(connection, "show/holders", Holder, **names)
    figures = {"metric": incident.metric, "before": before, "after": after, "most": MAX_CHANGES}
    return Card(
        incident=incident,
        points=series,
        members=members,
        changes=ask(connection, "show/changes", Change, **figures) if before else [],
        holders=holders,
        stacks=stacks,
        lanes=lanes,
        suspected=suspected_changes(connection, after, ())[:MAX_SUSPECTED],
        missing=_missing(connection, incident, stacks, lanes),
    )


def in_short(incident: Incident, series: list[PointRow]) -> Card:
    """What is known of an incident without asking further."""
    text = f"shown in short: tracemill show {incident.incident_id} has its call paths, lines and lanes"
    return Card(incident, series, [], [], [], None, None, [], [text])


def _stacks(
    connection: duckdb.DuckDBPyConnection, incident: Incident, members: list[Member]
) -> Comparison | None:
    """The call paths of the leading metric, or of the first member that has some."""
    if incident.previous_build_id is None:
        return None
    for metric in dict.fromkeys([incident.metric, *(m.metric for m in members)]):
        found = compare_stacks(connection, metric, incident.previous_build_id, incident.seen_build_id)
        if found:
            return found
    return None


class _Measure(NamedTuple):
    measure: str
    unit: str


def compare_stacks(
    connection: duckdb.DuckDBPyConnection, metric: str, before: str, after: str
) -> Comparison | None:
    """The call paths of any two builds, of one metric; None where neither build has any."""
    is_of_maps = metric.startswith(MAP_METRICS)
    shown = STACKS.get(metric)
    if not is_of_maps and shown is None:
        return None
    of = metric if is_of_maps else shown.metric if shown else metric
    measures = ask(connection, "show/measure", _Measure, metric=of)
    if not measures:
        return None
    (measure, unit) = measures[0]
    values: dict[str, object] = {"before": before, "after": after, "measure": measure}
    if is_of_maps:
        prefix, _, column = metric.partition("_")
        rows = ask(connection, "show/map_stacks", StackRow, prefix=prefix, column=column, **values)
    else:
        is_count = bool(shown and shown.is_count)
        unit = "count" if is_count else unit
        rows = ask(connection, "show/stacks", StackRow, metric=of, is_count=is_count, **values)
    if not rows:
        return None
    whole = f"{unit}/{rows[0].per}" if rows[0].per else unit
    if of != "block_ns":
        return Comparison(metric if is_of_maps else of, whole, (before, after), rows)
    idle = [r for r in rows if not r.is_contention]
    left_out = (sum(r.before for r in idle), sum(r.after for r in idle))
    return Comparison(of, whole, (before, after), [r for r in rows if r.is_contention], left_out)


def _lines(stacks: Comparison, function: str | None) -> list[LineCost]:
    costs: dict[tuple[str, int, str], list[float]] = {}
    for row in stacks.rows:
        if row.function != function or function not in (row.functions or []):
            continue
        place = (row.functions or []).index(function)
        file, line = (row.files or [])[place], (row.lines or [])[place]
        calls = short_name((row.functions or [])[place - 1]) if place else ""
        if file:
            cost = costs.setdefault((file, line, calls), [0.0, 0.0])
            cost[0] += row.before
            cost[1] += row.after
    found = [LineCost(*key, *cost) for key, cost in costs.items()]
    return sorted(found, key=lambda c: -max(c.before, c.after))[:MAX_LINES]


def window_of(incident: Incident) -> Window | None:
    """The part of a trace in which the incident is seen best."""
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


def _lanes(connection: duckdb.DuckDBPyConnection, incident: Incident) -> Lanes | None:
    window = window_of(incident)
    return lanes_in(connection, window) if window else None


def lanes_in(
    connection: duckdb.DuckDBPyConnection, window: Window, *, most: int | None = None
) -> Lanes | None:
    """The lanes of a window: of the raw intervals, or what is kept of them; None where there is neither."""
    values = {"capture_id": window.capture_id, "from_ns": window.from_ns, "to_ns": window.to_ns}
    kept = False
    rows = ask(connection, "show/lanes", Interval, **values)
    if not rows:
        rows, kept = ask(connection, "show/kept_lanes", Interval, **values), True
    if not rows:
        return None
    return lanes_of(window, rows, is_kept=kept) if most is None else lanes_of(window, rows, most=most)


def _missing(
    connection: duckdb.DuckDBPyConnection, incident: Incident, stacks: Comparison | None, lanes: Lanes | None
) -> list[str]:
    """What cannot be shown, and why."""
    kinds = ask_column(connection, "show/kinds", build=incident.seen_build_id)
    found = []
    if incident.previous_build_id is None:
        found.append("no build before it has this figure: there is nothing to compare with")
    elif stacks is None and incident.metric in STACKS:
        found.append(
            f"no call paths: none of the captures of {incident.seen_build_id} has stacks for this figure"
        )
    if lanes is None and "trace" not in kinds:
        found.append(f"no timeline: {incident.seen_build_id} has no execution trace")
    if incident.metric.startswith(MAP_METRICS) and "binary" not in kinds:
        found.append(f"{incident.seen_build_id} has no binary: what allocates is told by other evidence")
    return found
