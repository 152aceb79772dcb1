"""The gate of a candidate beside one other build: what compare says of the two, without a history."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from tracemill.flows.gate.compare import (
    APART,
    AT_LEAST,
    BETTER,
    COUNT,
    EQUAL,
    SAME,
    TOOLCHAIN,
    UNKNOWN,
    WORSE,
    advice,
    is_told,
    noise,
)
from tracemill.flows.gate.compare import compare as compare_
from tracemill.flows.gate.judge import sank_below_zero
from tracemill.flows.gate.judgement import Finding, Judgement, Unjudged
from tracemill.flows.gate.suspected import Hint
from tracemill.flows.names import require
from tracemill.flows.show.units import amounts
from tracemill.warehouse.incident_groups import Verdict, incident_members
from tracemill.warehouse.queries import ask
from tracemill.warehouse.schema.showing import FELT

if TYPE_CHECKING:
    import duckdb

    from tracemill.flows.gate.compare import Comparison, Series

# A candidate passes if no change of so many times can hide in most series: see _blind.
MOST_HIDDEN = 2.0
_STATUSES = {WORSE: "regressed", BETTER: "improved"}


class _Place(NamedTuple):
    first_function: str
    function: str
    file: str | None
    line: int | None


class Differing(NamedTuple):
    """A series that got worse or better, in its incident. others: of one that leads it, the rest."""

    series: Series
    incident_id: str
    others: tuple[str, ...] | None

    @property
    def is_lead(self) -> bool:
        """Whether it leads its incident."""
        return self.others is not None


class _Accepted(NamedTuple):
    metric: str
    subject: str
    accepted_by: str
    accepted_reason: str


def with_comparison(
    connection: duckdb.DuckDBPyConnection, found: Judgement, before: str, metrics: tuple[str, ...]
) -> Judgement:
    """The judgement of what needs no builds before it, with what the comparison with one build says.

    Raises NoSuchNameError.
    """
    comparison = compare_(connection, before, found.candidate, AT_LEAST)
    measured = {s.metric for s in comparison.series} | comparison.missing.keys() | found.judged.keys()
    for metric in metrics:
        require(metric, "measured metric", sorted(measured))
    series = [s for s in comparison.series if not metrics or s.metric in metrics]
    places = {p.first_function: p for p in ask(connection, "gate/places", _Place, build_id=found.candidate)}
    accepted = {
        (a.metric, a.subject): a
        for a in ask(connection, "gate/accepted", _Accepted, build_id=found.candidate)
    }
    changes = differing(connection, comparison, found.candidate)
    findings = [
        _finding(d, found, places.get(d.series.function or ""), accepted.get(d.series.key))
        for d in changes
        if (d.series.metric in metrics if metrics else d.is_lead)
    ]
    told = Counter(s.metric for s in series if s.answer in (WORSE, BETTER, SAME, EQUAL, TOOLCHAIN))
    doubts = list(found.doubts)
    doubts += [f.reason for side, f in comparison.failures if side == "before" and not f.is_unknown_kind]
    present = {s.metric for s in series}
    doubts += [
        f"{metric} was measured in {before}, and not in {found.candidate}"
        for metric, count in comparison.missing.items()
        if count and metric not in present and (not metrics or metric in metrics)
    ]
    doubts += [
        sank_below_zero(metric, count, found.candidate)
        for metric, count in comparison.sank_below_zero.items()
        if count and (not metrics or metric in metrics)
    ]
    if not is_told(series) and not found.judged:
        doubts.append(f"nothing of {before} and {found.candidate} can be told apart or said to be alike")
    if blind := _blind(series, metrics):
        doubts.append(
            f"twice as much could hide in most of {', '.join(blind)}: record more runs or on a quieter "
            "machine, or say by --metric what to judge"
        )
    return replace(
        found,
        baseline=(before,),
        judged=found.judged | dict(told),
        findings=(*found.findings, *findings),
        unjudged=tuple(_unjudged(series, comparison)),
        doubts=tuple(doubts),
        suspected=(*found.suspected, *_suspected(series)),
        comparison=tuple(_sentences(series, comparison, changes)),
    )


def differing(
    connection: duckdb.DuckDBPyConnection, comparison: Comparison, candidate: str
) -> list[Differing]:
    """The series that got worse or better at the candidate, incident by incident, what got worse first."""
    by_key = {s.key: s for s in comparison.of(*_STATUSES)}
    verdicts = [
        Verdict(
            s.metric,
            s.subject,
            s.function,
            s.calling_function,
            _STATUSES[s.answer],
            s.before,
            s.after,
            s.negligible,
        )
        for s in by_key.values()
    ]
    incidents: dict[str, list[Series]] = {}
    for member in incident_members(connection, candidate, verdicts):
        incidents.setdefault(member.incident_id, []).append(by_key[member.metric, member.subject])
    order = {s.key: place for place, s in enumerate(comparison.series)}
    ranked = sorted(incidents.items(), key=lambda item: order[item[1][0].key])
    return [
        Differing(
            s,
            incident_id,
            tuple(f"{o.metric} of {o.subject}" for o in members[1:]) if s is members[0] else None,
        )
        for incident_id, members in ranked
        for s in members
    ]


def _finding(d: Differing, found: Judgement, place: _Place | None, accepted: _Accepted | None) -> Finding:
    s = d.series
    runs = f"{s.pairs} pairs of runs" if s.pairs else f"{s.runs_before} and {s.runs_after} runs"
    how = "a run of each, a count without noise" if s.test == COUNT else f"{runs}, {s.test}"
    nothing = dict.fromkeys(Finding._fields)
    known = {
        "status": _STATUSES[s.answer],
        "build_id": found.candidate,
        "metric": s.metric,
        "subject": s.subject,
        "incident_id": d.incident_id,
        "is_lead": d.is_lead,
        "members": None if d.others is None else list(d.others),
        "found": "two builds",
        "function": place.function if place else s.function,
        "moved_from": s.function if place and place.function != s.function else None,
        "calling_function": s.calling_function,
        "first_subject": s.subject,
        "unit": s.unit,
        "polarity": 0,
        "before": s.before,
        "after": s.after,
        "change_ratio": s.ratio,
        "interval": list(s.interval) if s.interval else None,
        "p_value": s.p_value,
        "q_value": s.q_value,
        "n_before": 1,
        "n_after": 1,
        "first_build_id": found.candidate,
        "commit": found.commit,
        "evidence": f"two builds compared by {how}",
        "accepted_by": accepted.accepted_by if accepted else None,
        "accepted_reason": accepted.accepted_reason if accepted else None,
        "file": place.file if place else None,
        "line": place.line if place else None,
        "is_leak": False,
    }
    return Finding(**(nothing | known))  # type: ignore[arg-type]  # by names, of many types


def _unjudged(series: list[Series], comparison: Comparison) -> list[Unjudged]:
    """What cannot be told, by metric, and what was not compared."""
    unknown: dict[tuple[str, bool], list[Series]] = {}
    for s in series:
        if s.answer == UNKNOWN:
            unknown.setdefault((s.metric, s.is_single), []).append(s)
    found = []
    for (metric, is_single), untold in unknown.items():
        why = (
            "one run cannot tell a change from noise"
            if is_single
            else f"cannot be told from noise{advice(untold, 'runs of each')}"
        )
        found.append(Unjudged(metric, len(untold), why))
    apart = Counter((s.metric, str(s.why)) for s in series if s.answer == APART)
    found += [Unjudged(metric, count, why) for (metric, why), count in apart.items()]
    by_toolchain = Counter(s.metric for s in series if s.answer == TOOLCHAIN)
    found += [
        Unjudged(metric, count, "changed, and the source is the same: the release of Go did it")
        for metric, count in by_toolchain.items()
    ]
    known = {str(s.why) for s in series if s.answer == APART}
    for why, count in comparison.apart.items():
        if why not in known:
            measure, _, reason = why.partition(": ")
            found.append(Unjudged(measure, count, reason))
    return found


def _suspected(series: list[Series]) -> list[Hint]:
    """What may have got worse, the surest first."""
    found = sorted((s for s in series if s.may_be_worse), key=lambda s: (s.q_value, s.key))
    return [
        Hint(
            f"{s.metric} of {s.subject}: {amounts(s.before, s.after, s.unit)} (q = {s.q_value:.1g})",
            s.subject,
        )
        for s in found
    ]


def _hidden(series: list[Series]) -> tuple[Counter[str], Counter[str]]:
    """By metric, in how many series twice as much could hide, and how many were compared."""
    compared = [s for s in series if s.answer != APART]
    hidden = [
        s for s in compared if s.answer == UNKNOWN and (s.at_worst is None or s.at_worst >= MOST_HIDDEN)
    ]
    return Counter(s.metric for s in hidden), Counter(s.metric for s in compared)


def _blind(series: list[Series], asked: tuple[str, ...]) -> list[str]:
    """The metrics asked for, or those that users feel, in most of whose series twice as much could hide.

    Any metric, where it could in most series of all: else those that only explain, noisy as they are in a
    few runs of a service, would never let it pass.
    """
    hidden, compared = _hidden(series)
    is_any = bool(asked) or hidden.total() > compared.total() / 2
    return [
        f"{metric} ({count} of {compared[metric]} series)"
        for metric, count in hidden.items()
        if count > compared[metric] / 2 and (is_any or metric.startswith(FELT))
    ]


def _sentences(series: list[Series], comparison: Comparison, changes: list[Differing]) -> list[str]:
    """How the two were compared, and where the machine was busy with something else."""
    pairs = max((s.pairs for s in series), default=0)
    runs = max((min(s.runs_before, s.runs_after) for s in series), default=0)
    how = (
        f"{pairs} pairs of runs recorded in turns" if pairs else f"{runs} runs a side, not recorded in turns"
    )
    said = f"two builds without a history, by {how}: differences of at least {AT_LEAST:g} %"
    hidden, compared = _hidden(series)
    if hidden:
        said += f"; twice as much could hide in {hidden.total()} of {compared.total()} series"
    leads = sum(d.is_lead for d in changes)
    if len(changes) > leads:
        said += f"; {len(changes)} series differ, for {leads} {'cause' if leads == 1 else 'causes'}"
    return [said, *(noise(run) for run in comparison.noisy)]
