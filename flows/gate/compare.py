"""Two builds without a history: what differs, what does not, what cannot be told (detection/compare.py)."""

from __future__ import annotations

import math
import statistics
from collections import Counter
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, NamedTuple

from tracemill.flows.gate.judge import BelowZero, LoadFailure, failures_of
from tracemill.flows.gate.toolchain import Toolchain, between, paired
from tracemill.flows.show.coverage import BELOW_ZERO
from tracemill.flows.show.tables import plain
from tracemill.warehouse.compared import LOAD_RATIO, SUSPECTED_SHARE, answers, noisy_runs, sides_of
from tracemill.warehouse.queries import ask

if TYPE_CHECKING:
    from collections.abc import Sequence

    import duckdb

    from tracemill.warehouse.compared import Answer, NoisyRun, Sides

# What the queries read.
MODELS = (
    "builds", "captures", "observations", "int_run_points", "int_series",
    "int_condition_values", "int_build_loads", "int_benchmark_runs", "int_metrics",
)  # fmt: skip
WORSE, BETTER, SAME, UNKNOWN, APART = "worse", "better", "does not differ", "cannot tell", "not compared"
# It has one figure in every run of both builds, and no sampling error.
EQUAL = "the same"
# Of builds of one source under two releases of Go: it differs, and not by the code.
TOOLCHAIN = "by the toolchain"
_ORDER = (WORSE, BETTER, TOOLCHAIN, UNKNOWN, APART, SAME, EQUAL)
# What a series is told by that has no chance in it, by a single run: a count without noise.
COUNT = "count"
# Go rounds what an operation allocates: one more may be none.
ROUNDING = 1
# The change in per cent that is worth a word where nothing else is asked for.
AT_LEAST = 5.0
# More runs than this are no advice.
MOST_ADVISED = 50
# Of a normal distribution, two-sided.
_Z95 = 1.96


class _Condition(NamedTuple):
    measure: str
    why: str
    is_toolchain: bool


class _Load(NamedTuple):
    measure: str
    condition: str
    is_counted: bool
    is_per_second: bool
    log_difference: float
    why: str


@dataclass(frozen=True, slots=True)
class Series:
    """One figure at both builds.

    ratio: after over before, None from nothing. interval: of the ratio, 95 %; of a single run a side of
    sampling alone, None of a count without noise.
    """

    answer: str
    metric: str
    subject: str
    function: str | None
    unit: str | None
    before: float
    after: float
    ratio: float | None
    interval: tuple[float, float] | None
    p_value: float | None
    q_value: float | None
    test: str | None
    least_p: float
    runs_before: int
    runs_after: int
    # How many pairs of runs it was compared by; 0 where its runs were not recorded in turns.
    pairs: int
    # More runs a side that would tell; None where that is unknown, or too many to be advice.
    more_runs: int | None
    calling_function: str | None
    negligible: float
    # Why it was not compared.
    why: str | None = None
    # It cannot be told, but more likely than not it got worse.
    may_be_worse: bool = False
    # So many times as bad it and what is negligible may be, by the interval; None where a side has one run.
    at_worst: float | None = None

    def changes_by(self, percent: float) -> bool:
        """Whether it differs by so much, as it looks."""
        return self.ratio is None or abs(math.log(max(self.ratio, 1e-300))) >= math.log1p(percent / 100)

    @property
    def is_single(self) -> bool:
        """Whether a side has a single run."""
        return min(self.runs_before, self.runs_after) < 2

    @property
    def key(self) -> tuple[str, str]:
        """Its metric and subject."""
        return self.metric, self.subject


@dataclass(slots=True)
class Comparison:
    """Every series, what differs first.

    apart: what was not compared, in words, with how many series. failures: files that could not be loaded,
    each beside its side, "before" or "after". noisy: runs in which the machine was busy with something else.
    """

    at_least: float
    series: list[Series] = field(default_factory=list)
    apart: Counter[str] = field(default_factory=Counter)
    failures: list[tuple[str, LoadFailure]] = field(default_factory=list)
    noisy: list[NoisyRun] = field(default_factory=list)
    toolchain: Toolchain | None = None
    # Metric → series that the build before alone has.
    missing: Counter[str] = field(default_factory=Counter)
    # Metric → series that the build after has below zero, and the build before has not.
    sank_below_zero: Counter[str] = field(default_factory=Counter)

    @property
    def is_told(self) -> bool:
        """Whether of any series something could be told."""
        return is_told(self.series)

    @property
    def exit_code(self) -> int:
        """0: nothing got worse; 1: something did; 2: nothing could be told, or a capture was lost."""
        if self.of(WORSE):
            return 1
        return 0 if self.is_told and all(f.is_unknown_kind for _, f in self.failures) else 2

    def of(self, *answers: str) -> list[Series]:
        """The series of these answers."""
        return [s for s in self.series if s.answer in answers]

    @property
    def least_p(self) -> float:
        """The least p that the exact test could give for the series with most runs."""
        return min((s.least_p for s in self.series), default=1.0)

    def as_json(self, before: str, after: str) -> dict[str, Any]:
        """For machines, every series."""
        names = list(Series.__dataclass_fields__)
        return {
            "before": before,
            "after": after,
            "at_least_percent": self.at_least,
            "exit_code": self.exit_code,
            "toolchain": self.toolchain_as_json(),
            "series": [{name: plain(getattr(s, name)) for name in names} for s in self.series],
            "not_compared": [{"why": why, "series": count} for why, count in self.apart.items()],
            "noisy_runs": [run._asdict() for run in self.noisy],
            "not_loaded": [{"side": side, "why": f.reason} for side, f in self.failures],
        }

    def toolchain_as_json(self) -> dict[str, Any] | None:
        """The two releases of Go, and what is known to differ between them."""
        if self.toolchain is None:
            return None
        return {
            "before": self.toolchain.before,
            "after": self.toolchain.after,
            "is_all_that_differs": self.toolchain.is_only,
            "known": [
                {"since": f"go1.{b.minor}", "what": b.text, "source": b.source} for b in self.toolchain.known
            ],
        }


def compare(
    connection: duckdb.DuckDBPyConnection,
    before: str,
    after: str,
    at_least: float,
    *,
    is_same_source: bool = False,
) -> Comparison:
    """Compare two builds; at_least: the change in per cent that is worth a word.

    is_same_source: they are of one source, whatever they say of their commits.
    """
    found = Comparison(at_least)
    found.toolchain = between(connection, before, after, is_same_source=is_same_source)
    is_only = found.toolchain is not None and found.toolchain.is_only
    for side, build in (("before", before), ("after", after)):
        found.failures += [(side, failure) for failure in failures_of(connection, build)]
    conditions = {
        c.measure: c.why
        for c in ask(connection, "compare/conditions", _Condition, before=before, after=after)
        if not (is_only and c.is_toolchain)
    }
    loads: dict[str, list[_Load]] = {}
    for load in ask(connection, "compare/loads", _Load, before=before, after=after):
        loads.setdefault(load.measure, []).append(load)
    pairs = []
    every = sides_of(connection, before, after)
    below = ask(connection, "verdicts/below_zero", BelowZero, builds=[before, after], metrics=[])
    if below:
        found.apart[f"benchmarks: {BELOW_ZERO}"] += len(below)
    for sides in paired(every) if found.toolchain else every:
        one = (sides.before or sides.after)[0]
        measure = one.measure
        if (one.metric, one.subject) in below:
            found.sank_below_zero[one.metric] += bool(sides.before)
        elif not sides.before or not sides.after:
            found.missing[one.metric] += bool(sides.before)
            found.apart[f"{measure}: {'before' if sides.before else 'after'} alone has it"] += 1
        elif measure in conditions:
            found.apart[f"{measure}: {conditions[measure]}"] += 1
        else:
            pairs.append(sides)
    for sides, answer in sorted(zip(pairs, answers(pairs, at_least), strict=True), key=_rank):
        found.series.append(_series(sides, answer, loads.get(sides.before[0].measure, []), at_least))
    if is_only:
        found.series = [
            replace(s, answer=TOOLCHAIN) if s.answer in (WORSE, BETTER) else s for s in found.series
        ]
    found.series.sort(key=lambda s: _ORDER.index(s.answer))
    found.noisy = noisy_runs(pairs, at_least)
    for s in found.of(APART):
        found.apart[str(s.why)] += 1
    return found


def _series(sides: Sides, answer: Answer, loads: list[_Load], at_least: float) -> Series:
    if answer.pairs:
        sides = sides.pairs() or sides
    first, runs = sides.before[0], min(len(sides.before), len(sides.after))
    is_single = runs < 2
    # Of counts without noise a single run tells.
    is_counted = is_single and all(run.is_exact for run in sides.before + sides.after)
    is_far = abs(answer.effect) >= math.log1p(at_least / 100)
    is_by_count = is_counted and (not is_far or _differ(sides))
    bounds = _sampling(sides, answer.effect) if is_single else (answer.low, answer.high)
    said, why = SAME if answer.is_within else EQUAL if _is_equal(sides) else UNKNOWN, None
    if is_by_count and said == UNKNOWN:
        said = SAME
    if answer.is_different or (is_by_count and is_far):
        said = WORSE if answer.effect * first.polarity > 0 else BETTER
        why = next((f"{x.measure}: {x.why}" for x in loads if _explains(x, answer.effect)), None)
        said = APART if why else said
    is_suspect = said == UNKNOWN and not is_single and answer.q <= SUSPECTED_SHARE
    before, after = (statistics.median(run.value for run in side) for side in sides)
    return Series(
        answer=said,
        metric=first.metric,
        subject=first.subject,
        function=first.function,
        unit=first.unit,
        before=before,
        after=after,
        ratio=after / before if before else None,
        interval=_of_what_is_seen(bounds, before, first.negligible)
        if bounds and before and not is_by_count
        else None,
        p_value=None if is_single else answer.p,
        q_value=None if is_single else answer.q,
        test=COUNT if is_by_count else None if is_single else "exact" if answer.is_exact else "Student",
        least_p=answer.least_p,
        runs_before=len(sides.before),
        runs_after=len(sides.after),
        pairs=answer.pairs,
        more_runs=_more_runs(answer, runs) if said == UNKNOWN else None,
        calling_function=first.calling_function,
        negligible=first.negligible,
        why=why,
        may_be_worse=is_suspect and answer.effect * first.polarity > 0,
        at_worst=None if is_single else math.exp(answer.high if first.polarity > 0 else -answer.low),
    )


def is_told(series: Sequence[Series]) -> bool:
    """Whether of any something could be told; that counts are alike says nothing of what varies."""
    answers = {EQUAL if s.answer == SAME and s.test == COUNT else s.answer for s in series}
    return bool(answers & {WORSE, BETTER, SAME, TOOLCHAIN}) or (EQUAL in answers and UNKNOWN not in answers)


def is_of_another(s: Series, differing: list[Series]) -> bool:
    """Whether it is what a function costs by one caller, beside what the function costs."""
    whole = s.subject.split(" from ")[0]
    return s.calling_function is not None and any(
        o.metric == s.metric and o.subject == whole and o.answer == s.answer for o in differing
    )


def noise(run: NoisyRun) -> str:
    """A run in which the machine was busy with something else, in words."""
    return (
        f"run {run.run_id} of {run.build_id}: {run.share:.0%} of what is measured in time is off to the same "
        f"side, ×{run.ratio:.3g} in the middle: the machine (another process, a pause of the runner) and not "
        "the code; more runs outweigh it."
    )


def _of_what_is_seen(bounds: tuple[float, float], before: float, negligible: float) -> tuple[float, float]:
    """The interval of after over before, from that of the logarithms of each and what is negligible."""
    low, high = (max((before + negligible) * math.exp(bound) - negligible, 0) / before for bound in bounds)
    return low, high


def advice(series: Sequence[Series], what: str) -> str:
    """How many more runs would tell half of the series, where that is known of so many and feasible.

    what: what there would be more of, in the plural.
    """
    more = sorted(s.more_runs for s in series if s.more_runs is not None)
    middle = (len(series) - 1) // 2
    if len(more) <= middle:
        return ""
    half = more[middle]
    of_half = " half of them" * (len(series) > 1)
    if half > MOST_ADVISED:
        return (
            f"; more than {MOST_ADVISED} more {what} would tell{of_half}, and a quieter machine helps sooner"
        )
    one = what.replace("pairs", "pair").replace("runs", "run")
    return f"; {half} more {what if half > 1 else one} would tell{of_half}"


def _is_equal(sides: Sides) -> bool:
    """Whether every run has the same figure, and not by the chance of a sample."""
    runs = sides.before + sides.after
    return len({run.value for run in runs}) == 1 and not any(run.variance for run in runs)


def _differ(sides: Sides) -> bool:
    """Whether all counts of one side are greater than all of the other, by more than rounding makes."""
    before, after = ([run.value for run in side] for side in sides)
    return min(after) - max(before) > ROUNDING or min(before) - max(after) > ROUNDING


def _more_runs(answer: Answer, runs: int) -> int | None:
    return max(1, int(answer.runs_needed) - runs) if math.isfinite(answer.runs_needed) else None


def _sampling(sides: Sides, effect: float) -> tuple[float, float] | None:
    """The interval of single runs' ratio by sampling alone, where the metric has a known sampling error."""
    total = 0.0
    for side in sides:
        if any(run.variance is None for run in side):
            return None
        total += sum((run.variance or 0) / (run.value + run.negligible) ** 2 for run in side) / len(side) ** 2
    half = _Z95 * math.sqrt(total)
    return effect - half, effect + half


def _explains(load: _Load, effect: float) -> bool:
    """Whether what the runs had to do can explain a change, as int_load_differences has it for a history."""
    moved, much = abs(load.log_difference), math.log(LOAD_RATIO)
    if not load.is_counted and abs(effect) >= moved + (much if moved >= much else 0.0):
        return False
    if load.condition == "duration" and load.is_per_second:
        return True
    return load.log_difference * effect > 0


def _rank(told: tuple[Sides, Answer]) -> tuple[float, str, str]:
    """What differs most first."""
    sides, answer = told
    return -abs(answer.effect), sides.before[0].metric, sides.before[0].subject
