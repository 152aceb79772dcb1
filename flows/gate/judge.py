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
from tracemill.flows.gate.judgement import OPEN, Finding, Judgement, Unjudged
from tracemill.flows.gate.suspected import hints
from tracemill.flows.show.verdicts import least_earlier_builds, require
from tracemill.warehouse import connect
from tracemill.warehouse.catalog import Catalog
from tracemill.warehouse.publish import published_fingerprints
from tracemill.warehouse.whatif import PUBLISHED, WhatIf

if TYPE_CHECKING:
    from pathlib import Path

    import duckdb

# What a build measures is expected of the next; a metric that nobody measured for longer is forgotten.
EXPECTED_SINCE_BUILDS = 3


def gate(
    warehouse: Path,
    candidate: str,
    baseline: tuple[str, ...] = (),
    metrics: tuple[str, ...] = (),
    *,
    across: tuple[str, ...] = (),
    fails_on_open: bool = False,
) -> Judgement:
    """Judge the candidate against all earlier builds, or against those of baseline alone.

    Builds that came later have no say: they need not descend from it, as on main since a branch was made.
    metrics: only these; none means all. across: what builds may differ in, see flows.gate.comparability.
    Raises NoSuchNameError, WarehouseError.
    """
    stale = _not_built(warehouse, candidate)
    with connect(warehouse) as connection:
        known = builds_in_order(connection)
        if not baseline and not across and candidate not in known[:-1]:
            found = judge(connection, candidate, metrics, stale)
            return replace(found, fails_on_open=fails_on_open)
    for build in baseline:
        require(build, "build", known)
    with WhatIf(warehouse) as whatif:
        tables, parameters = only_these(candidate, list(baseline) or until(candidate, known))
        connection = whatif.change(without(across) | tables, parameters)
        found = judge(connection, candidate, metrics, stale, is_baseline_chosen=bool(baseline))
    return replace(found, across=across, fails_on_open=fails_on_open)


def builds_in_order(connection: duckdb.DuckDBPyConnection) -> list[str]:
    """The builds, by when they were committed."""
    rows = connection.execute("select build_id from builds order by ordinal").fetchall()
    return [str(row[0]) for row in rows]


def until(candidate: str, builds: list[str]) -> list[str]:
    """The builds up to the candidate; all, where it is none of them."""
    return builds[: builds.index(candidate) + 1] if candidate in builds else builds


def only_these(candidate: str, chosen: list[str]) -> tuple[dict[str, str], dict[str, object]]:
    """For WhatIf.change(): the history of the chosen builds alone, the candidate as the last."""
    is_chosen = "(build_id = $candidate or list_contains($chosen, build_id))"
    last = "row_number() over (order by build_id = $candidate, ordinal)"
    builds = f"select * replace ({last} as ordinal) from {PUBLISHED}.builds where {is_chosen}"  # noqa: S608
    observations = f"select * from {PUBLISHED}.observations where {is_chosen}"  # noqa: S608 - constants of ours
    return {"builds": builds, "observations": observations}, {"candidate": candidate, "chosen": chosen}


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
) -> Judgement:
    """The judgement over the marts as this connection sees them. Raises NoSuchNameError."""
    failures = connection.execute(
        "select path, message from load_failures where build_id = $1 order by path", [candidate]
    ).fetchall()
    doubts = list(doubts or [])
    doubts += [
        f"{path} could not be loaded: {message.removeprefix(f'{path}: ')}" for path, message in failures
    ]
    builds = connection.execute("select build_id, commit, ordinal from builds order by ordinal").fetchall()
    if not failures:
        require(candidate, "build", [row[0] for row in builds])
    commit, ordinal = next(((row[1], row[2]) for row in builds if row[0] == candidate), (None, 0))
    earlier = tuple(row[0] for row in builds if row[2] < ordinal)
    _require_metrics(connection, metrics)
    least = least_earlier_builds(connection)
    seen = _series(connection, ordinal, metrics, least)
    findings = _findings(connection, candidate, ordinal, metrics)
    judged = {m: n for m, n in ((s.metric, s.judged) for s in seen) if n}
    if not ordinal:
        doubts.append(f"nothing of {candidate} was loaded")
    elif len(earlier) < least:
        doubts.append(f"builds to compare with: {len(earlier)}; it takes {least} to tell noise")
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
        tuple(u for s in seen for u in s.unjudged(least)),
        tuple(doubts),
        hints=tuple(hints(connection, candidate, metrics)),
    )


def _require_metrics(connection: duckdb.DuckDBPyConnection, metrics: tuple[str, ...]) -> None:
    rows = connection.execute("select distinct metric from regression_history").fetchall()
    for metric in metrics:
        require(metric, "judged metric", [str(row[0]) for row in rows])


class _Series(NamedTuple):
    """How many series of a metric the candidate has, and what became of those that it lacks."""

    metric: str
    judged: int
    present: int
    too_new: int
    too_small: int
    missing: int
    judged_before: int
    present_before: int

    def unjudged(self, least: int) -> list[Unjudged]:
        """What is not judged, and why. least: earlier builds that judging takes."""
        return [
            Unjudged(self.metric, count, why)
            for count, why in (
                (self.too_new, f"known from fewer than {least} earlier builds"),
                (self.too_small, "too small in every build to mean anything"),
                (self.missing, "measured in the builds before, not in this one"),
            )
            if count
        ]


def _series(
    connection: duckdb.DuckDBPyConnection, ordinal: int, metrics: tuple[str, ...], least: int
) -> list[_Series]:
    rows = connection.execute(
        """
        with

        history as (
            select *, ordinal between $ordinal - $recent and $ordinal - 1 as is_recent,
            from regression_history
            where ordinal <= $ordinal
        ),

        series as (
            select
                metric,
                first_subject,
                bool_or(ordinal = $ordinal) as is_here,
                bool_or(ordinal = $ordinal and p_value is not null) as is_judged,
                count(*) filter (where ordinal < $ordinal and not went_away) as n_before,
                bool_or(is_recent) as was_here,
                bool_or(is_recent and p_value is not null) as was_judged,
            from history
            where (len($metrics) = 0 or list_contains($metrics, metric))
            group by metric, first_subject
        )

        select
            metric,
            count(*) filter (where is_judged),
            count(*) filter (where is_here),
            count(*) filter (where is_here and not is_judged and n_before < $least),
            count(*) filter (where is_here and not is_judged and n_before >= $least),
            count(*) filter (where not is_here and was_judged),
            count(*) filter (where was_judged),
            count(*) filter (where was_here),
        from series
        group by metric
        order by metric
        """,
        {
            "ordinal": ordinal,
            "metrics": list(metrics),
            "recent": EXPECTED_SINCE_BUILDS,
            "least": least,
        },
    ).fetchall()
    return [_Series(*row) for row in rows]


def _less_than_before(
    connection: duckdb.DuckDBPyConnection,
    candidate: str,
    ordinal: int,
    seen: list[_Series],
    findings: list[Finding],
) -> list[str]:
    """Doubts: a regression could hide where the candidate shows less than the builds before it."""
    only_per = dict(connection.execute(_ONLY_PER, {"candidate": candidate}).fetchall())
    doubts = [
        f"{s.metric} was measured in the builds before, and not in {candidate}"
        + (f", which has it per {only_per[s.metric]} only" if s.metric in only_per else "")
        for s in seen
        if (s.present_before and not s.present) or (s.judged_before and not s.judged)
    ]
    salvaged = connection.execute(
        "select count(*) from captures where build_id = $1 and status <> 'ok'", [candidate]
    ).fetchall()[0][0]
    missing = sum(s.missing for s in seen)
    if salvaged and missing:
        what = f"{salvaged} captures of {candidate} are damaged or tell of failures"
        doubts.append(f"{what}, and {missing} series are missing")
    metrics = [s.metric for s in seen if s.missing]
    asked = {"ordinal": ordinal, "recent": EXPECTED_SINCE_BUILDS, "metrics": metrics}
    for (metric,) in connection.execute(_UNTOLD, asked).fetchall():
        count = next(s.missing for s in seen if s.metric == metric)
        doubts.append(
            f"{count} series of {metric} cannot be told: no binary fits {candidate}'s heap profiles, "
            "as one did in the builds before"
        )
    doubts += [
        f"{f.metric} of {f.subject} changed, but the builds do not compare: {f.evidence}"
        for f in findings
        if f.status == "not_comparable" and f.accepted_by is None
    ]
    return doubts


# Metrics whose figures the candidate has in another unit than most builds: per second, not per unit of work.
_ONLY_PER = """
    select distinct h.metric, coalesce(m.per, 'run')
    from (select distinct metric, measure from regression_history) as h
    inner join int_run_measures as m using (measure)
    where m.build_id = $candidate and not m.is_comparable
"""

# Metrics of which the builds before could show each site and the candidate cannot: a binary is missing.
_UNTOLD = """
    with

    exhaustive as (
        select distinct builds.ordinal, m.measure
        from int_run_measures as m
        inner join builds using (build_id)
        where m.is_exhaustive and starts_with(m.measure, 'heap_')
    )

    select distinct metric
    from regression_history as h
    semi join (
        select measure from exhaustive where ordinal between $ordinal - $recent and $ordinal - 1
    ) using (measure)
    anti join (select measure from exhaustive where ordinal = $ordinal) using (measure)
    where list_contains($metrics, h.metric)
    order by metric
"""


def _findings(
    connection: duckdb.DuckDBPyConnection, candidate: str, ordinal: int, metrics: tuple[str, ...]
) -> list[Finding]:
    """The verdicts on the candidate, what regressed first, and what stood open before it."""
    rows = connection.execute(
        """
        with

        places as (
            select function, file, line, block_ns::double as weight,
            from goroutine_blocks
            where build_id = $build_id
            union all
            select function, file, line, alloc_bytes,
            from mapassign_allocations
            where build_id = $build_id
        ),

        place as (
            select function, arg_max(file, weight) as file, arg_max(line, weight) as line,
            from places
            group by function
        )

        select
            if(r.build_id = $build_id, r.status, $open) as shown_status,
            r.build_id,
            r.metric,
            r.subject,
            r.found,
            r.function,
            r.moved_from,
            r.unit,
            r.polarity,
            r.before,
            r.after,
            r.change_ratio,
            r.interval,
            r.p_value,
            r.q_value,
            r.n_before,
            r.n_after,
            r.first_build_id,
            r.commit,
            r.ended_build_id,
            r.call_path,
            r.caller,
            r.caller_before,
            r.caller_after,
            r.evidence,
            r.query,
            h.expected_interval,
            a.accepted_by,
            a.accepted_reason,
            -- In the repository: without the module's name before it; of other modules there is no file.
            case
                when b.module is null or starts_with(place.file, '/') then place.file
                when starts_with(place.file, b.module || '/') then substr(place.file, len(b.module) + 2)
            end as file,
            place.line,
        from regressions as r
        inner join builds as b using (build_id)
        left join builds as ended on ended.build_id = r.ended_build_id
        left join accepted_regressions as a using (build_id, metric, subject)
        left join regression_history as h
            on h.build_id = r.build_id
            and h.metric = r.metric
            and h.subject = r.subject
        left join place on place.function = r.function
        where (
                r.build_id = $build_id
                or (
                    r.status = 'regressed'
                    and b.ordinal < $ordinal
                    and coalesce(ended.ordinal > $ordinal, true)
                    and a.accepted_by is null
                )
            )
            and (len($metrics) = 0 or list_contains($metrics, r.metric))
        order by shown_status <> 'regressed', shown_status, b.ordinal, r.q_value, r.metric, r.subject
        """,
        {"build_id": candidate, "ordinal": ordinal, "metrics": list(metrics), "open": OPEN},
    ).fetchall()
    return [Finding(*row) for row in rows]
