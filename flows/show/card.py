"""One incident with all that leads from its verdict to the reason: gathered here, shown elsewhere."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

from tracemill.flows.gate.suspected import in_short as hints_in_short
from tracemill.flows.gate.suspected import suspected_changes
from tracemill.flows.gate.toolchain import between
from tracemill.flows.show.benchmark_names import benchmark_of, holds_benchmark
from tracemill.flows.show.card_incident import Incident, PointRow, window_of
from tracemill.flows.show.card_wording import headline, short_name
from tracemill.flows.show.differences import Difference, differences
from tracemill.flows.show.flame import StackRow
from tracemill.flows.show.lanes import Interval, Lanes, Window, lanes_of
from tracemill.flows.show.units import factor
from tracemill.warehouse.queries import ask, ask_column
from tracemill.warehouse.schema.metrics import TRACE_KINDS
from tracemill.warehouse.schema.showing import BENCH, FELT, STACKS

if TYPE_CHECKING:
    import duckdb

    from tracemill.flows.gate.suspected import Hint

# Of the goroutines that a function created, not of those that stand in it.
BY_CREATOR = frozenset({"goroutine_count", "growth_goroutine_count"})
MAX_CHANGES = 8
MAX_HOLDERS = 8
# Of a stream that stays open, or of what a timer ends, no goroutine is known that ends the wait.
ENDED_BY_NOBODY = (
    "no line that ends these waits: they last beyond the trace, or a timer or the network ends them"
)
MAX_LINES = 8
MAX_SUSPECTED = 5
MAX_DIFFERENCES = 6
MAP_METRICS = ("mapassign_", "syncmap_", "makemap_")


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
    suspected: list[Hint]
    missing: list[str]
    # That Go's release changed too, and what that is known to do to the metric.
    toolchain: str = ""
    # What else differs beside the code.
    differences: list[Difference] = field(default_factory=list)
    # The function through which alone several of the incident's are reached, if it changed as much as they.
    reached_through: str | None = None

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

    @property
    def also(self) -> str:
        """What a user of the program feels of it: the first benchmark or task that tells."""
        for member in self.members:
            if (
                member.metric.startswith(FELT)
                and not member.is_lead
                and member.status == self.incident.status
            ):
                ratio = factor(member.change_ratio, member.before)
                return (
                    f"also {ratio} in {member.metric.removeprefix('bench ')} of {short_name(member.subject)}"
                )
        return ""

    @property
    def else_differs(self) -> str:
        """What differs beside the code, cause or consequence, in a sentence; Go's release is told apart."""
        told = [d.text for d in self.differences if d.condition != "Go" or not self.toolchain]
        more = [f"and {len(told) - MAX_DIFFERENCES} more"] if len(told) > MAX_DIFFERENCES else []
        return f"what else differs: {'; '.join([*told[:MAX_DIFFERENCES], *more])}" if told else ""

    @property
    def shared_cause(self) -> str:
        """That they changed as much as the function that calls them, in a sentence."""
        outer = self.reached_through
        if outer is None or outer == self.incident.function:
            return ""
        return (
            f"several of its functions are reached through {short_name(outer)} alone, which changed as much "
            "with all that it calls: how often that runs, or what it is given to do, may be the cause"
        )

    @property
    def may_be_worse(self) -> list[str]:
        """What else may have got worse at the build, in sentences."""
        return hints_in_short(self.suspected, MAX_SUSPECTED)

    @cached_property
    def culprit(self) -> str | None:
        """The function that the incident is about or, of what is felt elsewhere, whose paths changed most."""
        rows = self.stacks.rows if self.stacks else []
        own = self.incident.function
        if own and self.incident.metric not in BY_CREATOR and any(r.function == own for r in rows):
            return own
        changes: defaultdict[str, float] = defaultdict(float)
        for row in rows:
            if row.function:
                changes[row.function] += row.after - row.before
        return max(changes, key=lambda name: (abs(changes[name]), name), default=None)

    @cached_property
    def lines(self) -> list[LineCost]:
        """The culprit's lines with what they cost, the costliest first."""
        return _lines(self.stacks, self.culprit) if self.stacks else []

    @property
    def lines_title(self) -> str:
        """Whose lines they are."""
        is_own = self.culprit == self.incident.function
        return "In its lines" if is_own else f"In the lines of {short_name(self.culprit)}"

    @cached_property
    def call_path(self) -> list[str]:
        """The costliest call path through the culprit, leaf first, with its lines."""
        rows = [r for r in (self.stacks.rows if self.stacks else []) if r.function == self.culprit]
        row = max(rows, key=lambda r: max(r.before, r.after), default=None)
        if row is None or not row.functions:
            return []
        places = zip(row.functions, row.files or [], row.lines or [], strict=False)
        return [
            f"{short_name(name)}  {file}:{line}" if file else short_name(name) for name, file, line in places
        ]


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
    is_ended_by_nobody = bool(holders) and not any(h.holder_function for h in holders)
    figures = {
        "metric": incident.metric,
        "subject": incident.subject,
        "before": before,
        "after": after,
        "most": MAX_CHANGES,
    }
    return Card(
        incident=incident,
        points=series,
        members=members,
        changes=ask(connection, "show/changes", Change, **figures) if before else [],
        holders=[] if is_ended_by_nobody else holders,
        stacks=stacks,
        lanes=lanes,
        suspected=suspected_changes(connection, after, ()),
        missing=[*_missing(connection, incident, stacks, lanes), *[ENDED_BY_NOBODY] * is_ended_by_nobody],
        toolchain=_toolchain(connection, incident),
        differences=differences(connection, before, after),
        reached_through=next(
            iter(ask_column(connection, "show/reached_through", incident_id=incident.incident_id)), None
        ),
    )


def in_short(incident: Incident, series: list[PointRow]) -> Card:
    """What is known of an incident without asking further."""
    text = f"shown in short: tracemill show {incident.incident_id} has its call paths, lines and lanes"
    return Card(incident, series, [], [], [], None, None, [], [text])


def _stacks(
    connection: duckdb.DuckDBPyConnection, incident: Incident, members: list[Member]
) -> Comparison | None:
    """The call paths of the leading metric, or of the first member that has some.

    Of a benchmark those that hold its function: profiles of other packages' tests say nothing of it.
    """
    if incident.previous_build_id is None:
        return None
    for metric in dict.fromkeys([incident.metric, *(m.metric for m in members)]):
        found = compare_stacks(connection, metric, incident.previous_build_id, incident.seen_build_id)
        if found and metric.startswith(BENCH):
            is_of = holds_benchmark(incident.subject)
            found = replace(found, rows=[r for r in found.rows if is_of(r.functions or [])])
        if found and found.rows:
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
    is_count = bool(shown and shown.is_count)
    of = metric if is_of_maps else shown.metric if shown else metric
    name = metric if is_of_maps or is_count else of
    measures = ask(connection, "show/measure", _Measure, metric=of)
    if not measures:
        return None
    (measure, unit) = measures[0]
    values: dict[str, object] = {"before": before, "after": after, "measure": measure}
    if is_of_maps:
        prefix, _, column = metric.partition("_")
        rows = ask(connection, "show/map_stacks", StackRow, prefix=prefix, column=column, **values)
    else:
        unit = "count" if is_count else unit
        rows = ask(connection, "show/stacks", StackRow, metric=of, is_count=is_count, **values)
    if not rows:
        return None
    whole = f"{unit}/{rows[0].per}" if rows[0].per else unit
    if of != "block_ns":
        return Comparison(name, whole, (before, after), rows)
    idle = [r for r in rows if not r.is_contention]
    left_out = (sum(r.before for r in idle), sum(r.after for r in idle))
    return Comparison(name, whole, (before, after), [r for r in rows if r.is_contention], left_out)


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


def _lanes(connection: duckdb.DuckDBPyConnection, incident: Incident) -> Lanes | None:
    window = window_of(connection, incident)
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


def _toolchain(connection: duckdb.DuckDBPyConnection, incident: Incident) -> str:
    if incident.previous_build_id is None:
        return ""
    releases = between(connection, incident.previous_build_id, incident.seen_build_id)
    return releases.sentence([incident.metric]) if releases else ""


def _missing(
    connection: duckdb.DuckDBPyConnection, incident: Incident, stacks: Comparison | None, lanes: Lanes | None
) -> list[str]:
    """What cannot be shown, and why."""
    kinds = ask_column(connection, "show/kinds", build=incident.seen_build_id)
    found = []
    if incident.previous_build_id is None:
        found.append("no build before it has this figure: there is nothing to compare with")
    elif stacks is None and incident.metric.startswith(BENCH):
        package, name = benchmark_of(incident.subject)
        found.append(
            f"no call paths: no profile of package {short_name(package)} was taken with {name} in it"
        )
    elif stacks is None and incident.metric in STACKS:
        found.append(
            f"no call paths: none of the captures of {incident.seen_build_id} has stacks for this figure, or "
            "not all of its runs, or of the build before, count their work as most do"
        )
    if lanes is None and not set(TRACE_KINDS) & set(kinds):
        found.append(f"no timeline: {incident.seen_build_id} has no execution trace")
    if incident.metric.startswith(MAP_METRICS) and "binary" not in kinds:
        found.append(f"{incident.seen_build_id} has no binary: what allocates is told by other evidence")
    return found
