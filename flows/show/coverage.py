"""What was compared with what, and what was not: "no regressions" is only said of what was judged."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from tracemill.flows.show.card_wording import short_name
from tracemill.flows.show.terminal import terminal_width, visible
from tracemill.flows.show.units import amounts, factor
from tracemill.flows.show.verdicts import Filter, least_earlier_builds, on_screen, one_an_incident, verdicts
from tracemill.warehouse.queries import ask, ask_column

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    import duckdb

# More differences than this are counted.
MAX_DIFFERENCES = 8
# Metrics that have something in common are named up to so many.
MAX_METRICS = 6
# Why a build has no place among the others, by what orders those.
NO_PLACE = {
    "list": "the list that orders the others does not have them",
    "committed_at": "nothing says when they were committed, which orders the others",
    "captured_at": "nothing says when they were captured, which orders the others",
}
# Why a series is not judged.
TOO_SMALL = "too small in every build to mean anything"
ZERO = "zero in every build; a rise is judged"
BELOW_ZERO = "below zero, where a change has no ratio"
UNDIRECTED = 'of a unit of which no Unit line says which way is better ("Unit p99-ns better=lower")'


class Metric(NamedTuple):
    """How many series of a metric were judged at any build, and why the others were not.

    looked_in: of a metric whose every figure is a fault, the builds whose captures would show any.
    """

    metric: str
    judged: int
    too_new: int
    divided: int
    too_small: int
    zero: int
    looked_in: int
    below_zero: int
    undirected: int


class Difference(NamedTuple):
    """A build whose figures of these kinds of capture do not compare with those before it."""

    build_id: str
    difference: str
    measures: list[str]


class PassedOver(NamedTuple):
    """Runs of a build whose figures of some sources are divided by something else than those of most runs."""

    build_id: str
    runs: list[str]
    measures: list[str]
    per: str | None
    usual_per: str | None


def passed_over(found: Iterable[PassedOver]) -> list[str]:
    """Which runs of these builds, and what they are divided by: a sentence for all that are alike."""
    runs: dict[tuple[str, str | None, str | None], list[str]] = {}
    for p in found:
        alike = runs.setdefault((", ".join(p.measures), p.per, p.usual_per), [])
        alike += [f"{p.build_id}/{run}" for run in p.runs]
    return [
        f"passed over: {few_of(alike)} in {measures}: {_divided(per)}, unlike most runs, which are "
        f"{_divided(usual_per)}"
        for (measures, per, usual_per), alike in runs.items()
    ]


def _divided(per: str | None) -> str:
    return "of all since the process began" if per is None else f"per {'second' if per == 's' else per}"


class SharedChange(NamedTuple):
    """A build whose series of a timed metric are all so many times what they were: the machine, or all."""

    metric: str
    build_id: str
    series_count: int
    ratio: float
    is_worse: bool

    @property
    def sentence(self) -> str:
        """What all have in common, and what follows from it."""
        return (
            f"{self.metric} of all {self.series_count} series together: {factor(self.ratio, 1.0)} "
            "(the machine, or a change of all; each is judged beside the others)"
        )


class ClockChange(NamedTuple):
    """The greatest of a build's changes by the clock: how long goroutines ran, contradicted by CPU profiles.

    difference: what got better when others no longer used the processors, how long goroutines ran for each
    second of CPU time; then there is no CPU time of the program.
    """

    build_id: str
    series_count: int
    metric: str
    subject: str
    unit: str
    before: float
    after: float
    program_before: float | None
    program_after: float | None
    difference: str | None

    @property
    def sentence(self) -> str:
        """What changed by the clock and what did not, and that it is no verdict."""
        if self.program_before is None or self.program_after is None:
            why = f"{self.difference}: others no longer used the processors"
        else:
            cpu = amounts(self.program_before, self.program_after, self.unit)
            why = f"CPU time of the program {cpu}: its processors were slower, or shared, or no longer so"
        return f"by the clock alone: {_greatest(self)}, {why}; no verdict"


class IterationChange(NamedTuple):
    """A build's changes that follow from how often benchmarks went around, and the greatest of them."""

    build_id: str
    series_count: int
    metric: str
    subject: str
    unit: str
    before: float
    after: float
    benchmark: str
    iterations_before: float
    iterations: float

    @property
    def sentence(self) -> str:
        """What changed by iterations, whose, and what makes such figures compare."""
        return (
            f"by iterations alone: {_greatest(self)}: {self.benchmark} went around "
            f"{self.iterations_before:,.0f} → {self.iterations:,.0f} times; no verdict "
            "(-benchtime 5000x gives each build as many)"
        )


class Passing(NamedTuple):
    """A build at which figures were out of line for that build alone, and the one that was furthest out."""

    build_id: str
    series_count: int
    metric: str
    subject: str
    unit: str
    before: float
    after: float

    @property
    def sentence(self) -> str:
        """What was out of line, and that it is over."""
        return (
            f"for one build alone: {_greatest(self)}; the next build took it back, so that no verdict stands"
        )


def _greatest(change: ClockChange | IterationChange | Passing) -> str:
    """Where and how the greatest of a build's changes of a kind went, and how many more there are."""
    more = f" and {change.series_count - 1} more" if change.series_count > 1 else ""
    return (
        f"at {change.build_id} {change.metric} of {short_name(change.subject)} "
        f"{amounts(change.before, change.after, change.unit)}{more}"
    )


class Kind(NamedTuple):
    """How many captures of a kind are loaded."""

    kind: str
    captures: int


class Branch(NamedTuple):
    """How many builds of a branch are in the history, where those of several take turns."""

    branch: str
    build_count: int


@dataclass(frozen=True, slots=True)
class Coverage:
    """What the warehouse's verdicts rest on. least: builds that must come before one that is judged."""

    builds: list[str]
    unordered: list[str]
    metrics: list[Metric]
    differences: list[Difference]
    passed_over: list[PassedOver]
    shared_changes: list[SharedChange]
    clock_changes: list[ClockChange]
    iteration_changes: list[IterationChange]
    passing: list[Passing]
    kinds: list[Kind]
    least: int
    order_sources: list[str]
    without_runs: list[str]
    branches: list[Branch]

    @property
    def judged(self) -> int:
        """How many series were judged at any build."""
        return sum(m.judged for m in self.metrics)

    @property
    def is_judged(self) -> bool:
        """Whether anything was judged, or looked for in vain."""
        return bool(self.judged or self._faultless())

    def sentences(self) -> list[str]:
        """What was judged, what was not, and why."""
        if not self.is_judged:
            return [f"nothing was judged: {self._why_nothing()}", *self._apart()]
        if not self.judged:
            return [*self._faultless(), *self._apart()]
        metrics = sum(m.judged > 0 for m in self.metrics)
        ordered = [build for build in self.builds if build not in self.unordered] or self.builds
        alone = "no build is known to be before it" if self.unordered else "there is no build before"
        against = f"each build of {ordered[0]} to {ordered[-1]} against those before it"
        return [
            f"judged: {self.judged} series of {metrics} metric{'s' * (metrics != 1)}, "
            + (against if len(ordered) > 1 else f"of {ordered[0]} alone: {alone}"),
            *self._faultless(),
            *self._apart(),
            *(f"not judged: {text}" for text in self._not_judged()),
        ]

    def _faultless(self) -> list[str]:
        return [
            f"judged: {m.metric}, looked for in {m.looked_in} build{'s' * (m.looked_in != 1)}: none"
            for m in self.metrics
            if m.looked_in and not m.judged
        ]

    def _why_nothing(self) -> str:
        if not self.kinds:
            return "nothing is loaded"
        known = len(self.builds) - len(self.unordered)
        if known <= self.least:
            place = " whose place is known" if self.unordered else ""
            return f"builds so far{place} {known}, {self.least} must come before one"
        if not self.metrics:
            loaded = ", ".join(f"{k.captures} {k.kind}" for k in self.kinds)
            return f"what is loaded ({loaded}) gives no figure that is judged"
        return "; ".join(self._not_judged())

    def why_unordered(self) -> str:
        """Why the builds that are set aside have no place among the others."""
        return next(
            (NO_PLACE[source] for source in self.order_sources if source in NO_PLACE),
            "nothing says when they were committed or captured",
        )

    def _apart(self) -> list[str]:
        apart = (*self._set_aside(), *self._one_history(), *self._one_run(), *self._differences())
        return [
            *apart,
            *passed_over(self.passed_over),
            *self._shared_changes(),
            *self._by_the_clock(),
            *self._by_iterations(),
            *self._passing(),
        ]

    def _set_aside(self) -> list[str]:
        if not self.unordered:
            return []
        return [
            f"set aside: {few_of(self.unordered)}: {self.why_unordered()}; "
            'build.json ("committed_at") or run --order FILE can'
        ]

    def _one_history(self) -> list[str]:
        if not self.branches:
            return []
        named = few_of([f"{b.branch} ({b.build_count})" for b in self.branches])
        return [
            f"one history: builds of {named} take turns in it: what one branch changed looks taken back at "
            "the next build of another; run --order FILE with the builds of one keeps it to those"
        ]

    def _one_run(self) -> list[str]:
        if not self.without_runs:
            return []
        return [
            f"one run: the captures of {few_of(self.without_runs)} lie in no run's folder, and count together"
        ]

    def _not_judged(self) -> list[str]:
        reasons = {
            "too_new": f"in too few builds ({self.least} must come before one)",
            "divided": f"never in {self.least + 1} builds that compare with each other",
            "too_small": TOO_SMALL,
            "zero": ZERO,
            "below_zero": f"{BELOW_ZERO}: builds that have them so are passed over",
            "undirected": UNDIRECTED,
        }
        return by_reason(
            (m.metric, getattr(m, name), why) for name, why in reasons.items() for m in self.metrics
        )

    def _differences(self) -> list[str]:
        lines = [
            f"not compared: {d.build_id} with the builds before it in {', '.join(d.measures)}: {d.difference}"
            for d in self.differences[:MAX_DIFFERENCES]
        ]
        more = len(self.differences) - MAX_DIFFERENCES
        return lines + ([f"not compared: {more} more builds with those before them"] if more > 0 else [])

    def _shared_changes(self) -> list[str]:
        of_metric: dict[str, list[str]] = {}
        for s in self.shared_changes:
            of_metric.setdefault(s.metric, []).append(f"{s.build_id} ({factor(s.ratio, 1.0)})")
        return [
            f"shared: all series of {metric} together in {few_of(builds)}: the machine, or a change of all; "
            "each is judged beside the others"
            for metric, builds in of_metric.items()
        ]

    def _by_the_clock(self) -> list[str]:
        return _newest(
            [c.sentence for c in self.clock_changes], "by the clock alone: changes at {} earlier builds"
        )

    def _by_iterations(self) -> list[str]:
        return _newest(
            [c.sentence for c in self.iteration_changes], "by iterations alone: figures of {} earlier builds"
        )

    def _passing(self) -> list[str]:
        return _newest(
            [p.sentence for p in self.passing], "for one build alone: figures of {} earlier builds"
        )


def _newest(sentences: list[str], earlier: str) -> list[str]:
    """The last of the sentences, after one on those before them. earlier: that one, {} being how many."""
    more = len(sentences) - MAX_DIFFERENCES
    return ([earlier.format(more)] if more > 0 else []) + sentences[-MAX_DIFFERENCES:]


def few_of(names: Sequence[str], most: int = MAX_DIFFERENCES) -> str:
    """The first names, and how many more there are."""
    more = len(names) - most
    return ", ".join(names[:most]) + (f" and {more} more" if more > 0 else "")


def by_reason(found: Iterable[tuple[str, int, str]]) -> list[str]:
    """What is not judged, a sentence for each reason. found: metric, how many series of it, why."""
    reasons: dict[str, dict[str, int]] = {}
    for metric, count, why in found:
        if count:
            reasons.setdefault(why, {})[metric] = count
    sentences = []
    for why, counts in reasons.items():
        only = next(iter(counts))
        total = f"{sum(counts.values())} series"
        sentences.append(
            f"{total} of {only}, {why}" if len(counts) == 1 else f"{total}, {why}: {most_of(counts)}"
        )
    return sentences


def most_of(counts: Mapping[str, int]) -> str:
    """Metrics with how many series each has, and how many more metrics there are.

    Those that were looked for in vain come first, then those with most.
    """
    most = sorted(counts, key=lambda metric: (counts[metric] == 0, counts[metric]), reverse=True)
    more = len(most) - MAX_METRICS
    named = ", ".join(f"{metric} ({counts[metric] or 'none found'})" for metric in most[:MAX_METRICS])
    return named + (f" and {more} more metric{'s' * (more > 1)}" if more > 0 else "")


def coverage(connection: duckdb.DuckDBPyConnection) -> Coverage:
    """What the verdicts rest on."""
    return Coverage(
        builds=ask_column(connection, "verdicts/known_builds"),
        unordered=ask_column(connection, "coverage/unordered"),
        metrics=ask(connection, "coverage/metrics", Metric),
        differences=ask(connection, "coverage/differences", Difference),
        passed_over=ask(connection, "coverage/passed_over", PassedOver),
        shared_changes=ask(connection, "coverage/shared_changes", SharedChange),
        clock_changes=ask(connection, "coverage/clock_changes", ClockChange),
        iteration_changes=ask(connection, "coverage/iteration_changes", IterationChange),
        passing=ask(connection, "coverage/passing", Passing),
        kinds=ask(connection, "coverage/kinds", Kind),
        least=least_earlier_builds(connection),
        order_sources=ask_column(connection, "coverage/order_source"),
        without_runs=ask_column(connection, "coverage/without_runs"),
        branches=ask(connection, "coverage/branches", Branch),
    )


def overview(connection: duckdb.DuckDBPyConnection, rests_on: Coverage, chosen: Filter | None = None) -> str:
    """The incidents, each by the leading one of its verdicts chosen, or that there are none.

    Of one metric all verdicts. And what that rests on.
    """
    chosen = chosen or Filter()
    found = verdicts(connection, chosen)
    if not chosen.metric:
        found = one_an_incident(found)
    lines = [visible(line) for line in rests_on.sentences()]
    if found:
        return on_screen(found, terminal_width()) + "\n" + "".join(f"{line}\n" for line in lines)
    if rests_on.is_judged:
        what = "no regressions, no improvements" if chosen == Filter() else "no such verdicts"
        lines.insert(0, f"{what} in what was judged")
    return "".join(f"{line}\n" for line in lines)
