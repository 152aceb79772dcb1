"""The gate: may this build pass? Yes, no, or nobody can say; never yes in doubt.

A candidate fails when a change for the worse is known from it on and nobody accepted
it: one that begins at it, or an earlier one that only its figures make certain. So each
regression fails the gate of one build; while it stands it is shown as open to those
after, and fails them where that is asked for.

A candidate is undecided when its input was lost in part, when too few builds came
before it, or when it measured less than the builds before it did. What is certain
counts more than what is not: a build that regressed fails, whatever else could not be
judged.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from tracemill.flows.gate.comparability import without
from tracemill.flows.gate.judgement import OPEN, Compared, Doubled, Finding, Judgement, NotCompared, Unjudged
from tracemill.flows.gate.notes import notes
from tracemill.flows.gate.suspected import suspected_changes
from tracemill.flows.names import NoSuchNameError, require
from tracemill.flows.show.card_wording import short_name
from tracemill.flows.show.coverage import (
    BELOW_ZERO,
    TOO_SMALL,
    ZERO,
    few_of,
)
from tracemill.flows.show.verdicts import joined, least_earlier_builds
from tracemill.warehouse import connect
from tracemill.warehouse.catalog import Catalog
from tracemill.warehouse.published import published_fingerprints
from tracemill.warehouse.queries import ask, ask_column, text
from tracemill.warehouse.schema.metrics import METRICS, SOURCES
from tracemill.warehouse.whatif import WhatIf

if TYPE_CHECKING:
    from pathlib import Path

    import duckdb

# What a build measures is expected of the next; a metric that nobody measured for longer is forgotten.
EXPECTED_SINCE_BUILDS = 3
# So many of the series that are missing are named.
_MOST_NAMED = 3
# Metrics of which one alone is a regression.
FAULTS = {m.name for m in METRICS.values() if m.is_fault}
# Metrics of which a build may show less because less is known.
MAPS_TOLD = {m.name for m in METRICS.values() if SOURCES[m.measure].exhaustive == "maps told"}
UNORDERED = (
    "the order of the builds is not known: {0} has no place among them. "
    'Say it in build.json as "committed_at" (RFC 3339), list the builds by `run --order FILE`, or name those '
    "to compare it with, by --baseline"
)


def gate(
    warehouse: Path,
    candidate: str,
    baseline: tuple[str, ...] = (),
    metrics: tuple[str, ...] = (),
    *,
    ignored: tuple[str, ...] = (),
    fails_on_open: bool = False,
    allows_leaks: bool = False,
) -> Judgement:
    """Judge the candidate against all earlier builds, or against those of baseline alone.

    Beside a single one of baseline it is compared with it run by run (flows.gate.compare), without a history.

    Builds that came later have no say: they need not descend from it, as on main since a branch was made.
    metrics: only these; none means all. ignored: the conditions that builds may differ in
    (flows.gate.comparability).
    Raises NoSuchNameError, WarehouseError.
    """
    found = _judged(warehouse, candidate, baseline, metrics, ignored)
    found = replace(found, fails_on_open=fails_on_open)
    return found.allowing_leaks() if allows_leaks else found


def _judged(
    warehouse: Path,
    candidate: str,
    baseline: tuple[str, ...],
    metrics: tuple[str, ...],
    ignored: tuple[str, ...],
) -> Judgement:
    """The judgement, whatever is allowed."""
    stale = _not_built(warehouse, candidate)
    with connect(warehouse) as connection:
        builds = ask(connection, "gate/builds", _Build)
        known, unplaced = [b.build_id for b in builds], _unplaced(builds)
        if not baseline and candidate in unplaced:
            found = judge(connection, candidate, metrics, stale)
            placed = [build for build in known if build not in unplaced]
            faults = _faults_as_the_last(warehouse, candidate, placed, metrics, stale)
            return replace(found, judged=faults.judged, findings=faults.findings, is_placed=False)
        if not baseline and not ignored and candidate not in known[:-1]:
            return judge(connection, candidate, metrics, stale)
    for build in baseline:
        require(build, "build", known)
    if len(baseline) == 1 and not ignored:
        return _beside(warehouse, candidate, baseline[0], metrics, stale, is_placed=candidate not in unplaced)
    with WhatIf(warehouse) as whatif:
        chosen = list(baseline) or until(candidate, known)
        tables, parameters = only_these(candidate, chosen, is_order_given=bool(baseline))
        conditions, values = without(ignored)
        connection = whatif.change(conditions | tables, parameters | values)
        found = judge(
            connection,
            candidate,
            metrics,
            stale,
            is_baseline_chosen=bool(baseline),
            unplaced=[] if baseline else unplaced,
        )
    return replace(found, ignored=ignored)


def _faults_as_the_last(
    warehouse: Path, candidate: str, chosen: list[str], metrics: tuple[str, ...], doubts: list[str]
) -> Judgement:
    """The judgement of the faults of a build without a known place: none of the chosen builds has them."""
    with WhatIf(warehouse) as whatif:
        connection = whatif.change(*only_these(candidate, chosen, is_order_given=True))
        return replace(_judge_faults(connection, candidate, metrics, doubts), is_placed=False)


def _beside(
    warehouse: Path,
    candidate: str,
    before: str,
    metrics: tuple[str, ...],
    stale: list[str],
    *,
    is_placed: bool,
) -> Judgement:
    """The judgement of a build beside one other, as a pull request's base: no history has a say."""
    from tracemill.flows.gate.two_builds import with_comparison

    if candidate == before:
        raise NoSuchNameError(f"{candidate} is one build; name another one by --baseline")
    with connect(warehouse) as connection:
        faults = (
            _judge_faults(connection, candidate, metrics, stale)
            if is_placed
            else _faults_as_the_last(warehouse, candidate, [before], metrics, stale)
        )
        return with_comparison(connection, faults, before, metrics)


def _judge_faults(
    connection: duckdb.DuckDBPyConnection, candidate: str, metrics: tuple[str, ...], doubts: list[str]
) -> Judgement:
    """The judgement of what is a fault by itself, such as a leak, whatever came before."""
    failures = failures_of(connection, candidate)
    builds = ask(connection, "gate/builds", _Build)
    known = next((b for b in builds if b.build_id == candidate), None)
    if not failures:
        require(candidate, "build", [b.build_id for b in builds])
    ordinal = known.ordinal if known else 0
    findings = [f for f in _findings(connection, candidate, ordinal, metrics) if f.metric in FAULTS]
    # A race is seen where it happens alone: no capture shows that there is none.
    shown = _faults(connection, candidate, metrics) if known else []
    counts = {s.metric: s.judged for s in _series(connection, ordinal, metrics)}
    return Judgement(
        candidate,
        known.commit if known else None,
        (),
        is_baseline_chosen=True,
        judged={metric: counts.get(metric, 0) for metric in (*shown, *(f.metric for f in findings))},
        findings=tuple(findings),
        unjudged=(),
        doubts=(*doubts, *(f.reason for f in failures if not f.is_unknown_kind)),
        unread=tuple(f.message for f in failures if f.is_unknown_kind),
    )


def _faults(connection: duckdb.DuckDBPyConnection, candidate: str, metrics: tuple[str, ...]) -> list[str]:
    """The metrics that need no history, of which the candidate would show any."""
    return ask_column(connection, "gate/faults", build_id=candidate, metrics=list(metrics))


class _Build(NamedTuple):
    build_id: str
    commit: str | None
    ordinal: int
    is_ordered: bool


class LoadFailure(NamedTuple):
    """A file of a build that could not be loaded; what no format claims was no capture.

    Without a path: the build itself, which is set aside.
    """

    path: str
    message: str
    is_unknown_kind: bool

    @property
    def reason(self) -> str:
        """What is the matter, in words, with the file's path."""
        if not self.path:
            return self.message
        return f"{self.path} could not be loaded: {self.message.removeprefix(f'{self.path}: ')}"


def failures_of(connection: duckdb.DuckDBPyConnection, build_id: str) -> list[LoadFailure]:
    """What of a build could not be loaded."""
    return ask(connection, "gate/failures", LoadFailure, build_id=build_id)


def builds_in_order(connection: duckdb.DuckDBPyConnection) -> list[str]:
    """The builds, by when they were committed."""
    return ask_column(connection, "gate/builds")


def until(candidate: str, builds: list[str]) -> list[str]:
    """The builds up to the candidate; all, where it is none of them."""
    return builds[: builds.index(candidate) + 1] if candidate in builds else builds


def only_these(
    candidate: str, chosen: list[str], *, is_order_given: bool = False
) -> tuple[dict[str, str], dict[str, object]]:
    """For WhatIf.change(): the history of the chosen builds alone, the candidate as the last.

    is_order_given: also of builds without a known place among the builds.
    """
    tables = {name: text(f"whatif/{name}") for name in ("builds", "observations")}
    return tables, {"candidate": candidate, "chosen": chosen, "is_order_given": is_order_given}


def _not_built(warehouse: Path, candidate: str) -> list[str]:
    """The doubt that the models have not seen all that is loaded of the candidate."""
    loaded = Catalog.load(warehouse).build_fingerprints().get(candidate)
    with connect(warehouse) as connection:
        is_seen = loaded == published_fingerprints(connection).get(candidate)
    return [] if is_seen else [f"{candidate} has input that the models have not seen; run `tracemill build`"]


def judge(
    connection: duckdb.DuckDBPyConnection,
    candidate: str,
    metrics: tuple[str, ...] = (),
    doubts: list[str] | None = None,
    *,
    is_baseline_chosen: bool = False,
    unplaced: list[str] | None = None,
) -> Judgement:
    """The judgement over the marts as this connection sees them. Raises NoSuchNameError.

    unplaced: the builds of which nothing says where they belong; if not given, of those that the connection
    sees.
    """
    failures = failures_of(connection, candidate)
    doubts = list(doubts or [])
    doubts += [f.reason for f in failures if not f.is_unknown_kind]
    builds = ask(connection, "gate/builds", _Build)
    if not failures:
        require(candidate, "build", [b.build_id for b in builds])
    commit, ordinal = next(((b.commit, b.ordinal) for b in builds if b.build_id == candidate), (None, 0))
    earlier = tuple(b.build_id for b in builds if b.ordinal < ordinal and b.is_ordered)
    unplaced = _unplaced(builds) if unplaced is None else unplaced
    is_ordered = candidate not in unplaced
    _require_metrics(connection, metrics)
    least = least_earlier_builds(connection)
    # Without a place among the builds there is no history: nothing is judged, nor known to be missing.
    seen = _series(connection, ordinal, metrics) if is_ordered else []
    findings = _findings(connection, candidate, ordinal, metrics)
    faults = _faults(connection, candidate, metrics) if is_ordered else []
    compared, *by_metric = ask(connection, "gate/compared", Compared, ordinal=ordinal, metrics=list(metrics))
    alone = {str(c.metric): c.alone_count for c in by_metric if c.metric not in faults}
    judged = dict.fromkeys(faults, 0)
    judged |= {s.metric: n for s in seen if (n := s.judged - alone.get(s.metric, 0))}
    needs_history = not faults or any(s.present for s in seen if s.metric not in faults)
    if not ordinal:
        doubts.append(f"nothing of {candidate} was loaded")
    elif needs_history and not is_ordered:
        doubts.append(UNORDERED.format(candidate))
    elif needs_history and len(earlier) < least:
        others = f"; nothing says where {few_of(unplaced)} belong" if unplaced else ""
        doubts.append(f"builds to compare with: {len(earlier)}; it takes {least} to tell noise{others}")
    elif needs_history and compared.most < least and (compared.most or compared.alone_count):
        number = compared.most or "none"
        doubts.append(
            f"of {len(earlier)} earlier builds {number} compare{'s' * (compared.most < 2)} with it; "
            f"it takes {least} to tell noise"
        )
    elif not judged:
        doubts.append(f"{candidate} has nothing that could have shown a regression")
    doubts += _less_than_before(connection, candidate, ordinal, seen, findings)
    return Judgement(
        candidate,
        commit,
        earlier,
        is_baseline_chosen,
        judged,
        tuple(findings),
        (
            *(u for s in seen for u in s.unjudged(least, alone.get(s.metric, 0))),
            *(below_zero(connection, candidate, metrics) if is_ordered else []),
        ),
        tuple(doubts),
        suspected=tuple(suspected_changes(connection, candidate, metrics)),
        conditions=tuple(notes(connection, candidate)),
        unread=tuple(f.message for f in failures if f.is_unknown_kind),
        compared=compared,
        not_compared=tuple(ask(connection, "gate/not_compared", NotCompared, ordinal=ordinal)),
        joined=tuple(joined(connection, candidate)) if not metrics else (),
        doubled=tuple(ask(connection, "gate/doubled", Doubled, ordinal=ordinal, metrics=list(metrics))),
        no_baseline="" if earlier and is_ordered else _why_none_before(candidate, builds, unplaced),
    )


def _unplaced(builds: list[_Build]) -> list[str]:
    return [b.build_id for b in builds if not b.is_ordered]


def _why_none_before(candidate: str, builds: list[_Build], unplaced: list[str]) -> str:
    """Why no build comes before the candidate. unplaced: those of which nothing says where they belong."""
    if candidate not in (b.build_id for b in builds):
        return f"nothing of {candidate} was loaded"
    if candidate in unplaced:
        return f"{candidate} has no place among the builds"
    if unplaced:
        return f"no build is known to be before it, and nothing says where {few_of(unplaced)} belong"
    return "there is no build before"


def _require_metrics(connection: duckdb.DuckDBPyConnection, metrics: tuple[str, ...]) -> None:
    known = sorted({*ask_column(connection, "gate/judged_metrics"), *FAULTS}) if metrics else []
    for metric in metrics:
        require(metric, "judged metric", known)


class BelowZero(NamedTuple):
    """A benchmark's figure that is not judged as a build has it below zero."""

    metric: str
    subject: str


def sank_below_zero(metric: str, count: int, candidate: str) -> str:
    """The doubt that figures were above zero before."""
    are, were = ("is", "was") if count == 1 else ("are", "were")
    return (
        f"{count} series of {metric} {are} below zero in {candidate}, and {were} not before: "
        "whether that is worse is not judged"
    )


def below_zero(
    connection: duckdb.DuckDBPyConnection, candidate: str, metrics: tuple[str, ...] = ()
) -> list[Unjudged]:
    """What is not judged as the candidate has it below zero."""
    subjects: dict[str, list[str]] = {}
    for f in ask(connection, "verdicts/below_zero", BelowZero, builds=[candidate], metrics=list(metrics)):
        subjects.setdefault(f.metric, []).append(short_name(f.subject))
    return [
        Unjudged(metric, len(names), f"{BELOW_ZERO} ({few_of(names, _MOST_NAMED)})")
        for metric, names in subjects.items()
    ]


class _Series(NamedTuple):
    """How many series of a metric the candidate has, and what became of those that it lacks."""

    metric: str
    judged: int
    present: int
    too_new: int
    too_small: int
    zero: int
    missing: int
    missing_subjects: list[str]
    judged_before: int
    present_before: int
    sank_below_zero: int

    def unjudged(self, least: int, alone: int) -> list[Unjudged]:
        """What is not judged, and why. least: earlier builds that judging takes; alone: series with none."""
        named = ", ".join(short_name(subject) for subject in self.missing_subjects[:_MOST_NAMED])
        more = f" and {self.missing - _MOST_NAMED} more" if self.missing > _MOST_NAMED else ""
        return [
            Unjudged(self.metric, count, why)
            for count, why in (
                (alone, "none of the builds before compares"),
                (self.too_new, f"known from fewer than {least} earlier builds"),
                (self.too_small, TOO_SMALL),
                (self.zero, ZERO),
                (self.missing, f"measured in the builds before, not in this one ({named}{more})"),
            )
            if count
        ]


def _series(connection: duckdb.DuckDBPyConnection, ordinal: int, metrics: tuple[str, ...]) -> list[_Series]:
    return ask(
        connection,
        "gate/series",
        _Series,
        ordinal=ordinal,
        metrics=list(metrics),
        recent=EXPECTED_SINCE_BUILDS,
    )


class _OnlyPer(NamedTuple):
    metric: str
    per: str


class _Count(NamedTuple):
    captures: int


def _less_than_before(
    connection: duckdb.DuckDBPyConnection,
    candidate: str,
    ordinal: int,
    seen: list[_Series],
    findings: list[Finding],
) -> list[str]:
    """Doubts: a regression could hide where the candidate shows less than the builds before it."""
    # What maps allocate at a site rises with what the site allocates, of which nothing is unknown.
    judged = {s.metric for s in seen if s.judged}
    parts = {metric for metric in MAPS_TOLD if metric.partition("_")[2] in judged}
    only_per = {m.metric: m.per for m in ask(connection, "gate/only_per", _OnlyPer, candidate=candidate)}
    doubts = [
        f"{s.metric} was measured in the builds before, and not in {candidate}"
        + (f", which has it per {only_per[s.metric]} only" if s.metric in only_per else _source_of(s.metric))
        for s in seen
        if s.metric not in parts
        and ((s.present_before and not s.present) or (s.judged_before and not s.judged))
    ]
    doubts += [sank_below_zero(s.metric, s.sank_below_zero, candidate) for s in seen if s.sank_below_zero]
    ((salvaged,),) = ask(connection, "gate/damaged_captures", _Count, build_id=candidate)
    missing = sum(s.missing for s in seen)
    if salvaged and missing:
        what = (
            f"1 capture of {candidate} is damaged or tells of failures"
            if salvaged == 1
            else f"{salvaged} captures of {candidate} are damaged or tell of failures"
        )
        doubts.append(f"{what}, and {missing} series {'is' if missing == 1 else 'are'} missing")
    metrics = [s.metric for s in seen if s.missing and s.metric not in parts]
    for metric in ask_column(
        connection, "gate/too_little_known", ordinal=ordinal, recent=EXPECTED_SINCE_BUILDS, metrics=metrics
    ):
        count = next(s.missing for s in seen if s.metric == metric)
        doubts.append(
            f"{count} series of {metric} cannot be attributed: unlike in the builds before, too little of "
            f"{candidate}'s heap profiles is known by a binary, traces, profiles or other builds"
        )
    doubts += [
        f"{f.metric} of {f.subject} changed, but the builds do not compare: {f.evidence}"
        for f in findings
        if f.status == "not_comparable" and f.accepted_by is None
    ]
    return doubts


def _source_of(metric: str) -> str:
    """Of which captures a metric that a build lacks is."""
    known = METRICS.get(metric)
    return f" (from captures of kind {' or '.join(SOURCES[known.measure].kinds)})" if known else ""


def _findings(
    connection: duckdb.DuckDBPyConnection, candidate: str, ordinal: int, metrics: tuple[str, ...]
) -> list[Finding]:
    """The verdicts on the candidate, what regressed first, and what stood open before it."""
    return ask(
        connection,
        "gate/findings",
        Finding,
        build_id=candidate,
        ordinal=ordinal,
        metrics=list(metrics),
        open=OPEN,
    )
