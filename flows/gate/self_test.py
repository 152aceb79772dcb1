"""The gate's self-test: regressions injected into a copy of the user's own history must be caught.

Nothing is written: the copy is in memory (warehouse/whatif.py). For every metric that
the newest build is judged by, the metric's largest series gets worse at that build, by
ever greater factors until the gate sees it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from tracemill.flows.gate.judge import builds_in_order, judge, only_these, until
from tracemill.flows.gate.judgement import PASSED, REGRESSED, UNDECIDED
from tracemill.flows.show.tables import format_table
from tracemill.flows.show.verdicts import require
from tracemill.warehouse import connect
from tracemill.warehouse.whatif import PUBLISHED, WhatIf

if TYPE_CHECKING:
    from pathlib import Path

    from tracemill.flows.gate.judgement import Judgement

FACTORS = (1.1, 1.5, 2.0, 5.0, 10.0, 100.0)

# What is made worse here is so in observations alone: no caller's sum can tell it from cost that only moved.
_NO_CALLERS = {"int_site_callers": f"select * from {PUBLISHED}.int_site_callers where false"}  # noqa: S608
_WORSE = """
    select * replace (
        case
            when build_id = $candidate and metric = $metric and subject = $subject
                then case when polarity < 0 then value / $factor else value * $factor end
            else value
        end as value
    )
    from ({observations})
"""


class Injected(NamedTuple):
    """One series made worse: caught_at is the least factor that the gate saw, None if it saw none."""

    metric: str
    subject: str
    caught_at: float | None


@dataclass(frozen=True, slots=True)
class SelfTest:
    """What came of it; alarms: what the gate says of the same copy without any injection."""

    build_id: str
    injected: tuple[Injected, ...]
    alarms: tuple[str, ...]

    @property
    def exit_code(self) -> int:
        """0: the gate can fail, every injection was seen; 1: one was missed; 2: nothing to inject into."""
        if not self.injected:
            return UNDECIDED
        return PASSED if all(i.caught_at for i in self.injected) else REGRESSED


def self_test(warehouse: Path, candidate: str | None = None) -> SelfTest:
    """Inject into the candidate, or the newest build. Raises NoSuchNameError, WarehouseError."""
    with connect(warehouse) as connection:
        builds = builds_in_order(connection)
    build_id = candidate or (builds[-1] if builds else "")
    require(build_id, "build", builds)
    targets = _targets(warehouse, build_id)
    tables, parameters = only_these(build_id, until(build_id, builds))
    with WhatIf(warehouse) as whatif:
        control = _keys(judge(whatif.change(_NO_CALLERS | tables, parameters), build_id))
        if any(metric.startswith("mapassign_") for metric, _ in control):
            # Beside such an alarm the mart is silent on assists: they come of the same cause.
            targets = [target for target in targets if target[0] != "gc_assist_ns"]
        tables["observations"] = _WORSE.format(observations=tables["observations"])
        injected = tuple(_inject(whatif, tables, parameters, *target) for target in targets)
    return SelfTest(build_id, injected, tuple(sorted(f"{m} of {s}" for m, s in control)))


def _targets(warehouse: Path, build_id: str) -> list[tuple[str, str]]:
    """(metric, subject): each metric's largest series that is judged at the build and steady before it."""
    with connect(warehouse) as connection:
        rows = connection.execute(
            """
            select metric, arg_max(subject, value)
            from regression_history
            semi join observations using (build_id, metric, subject)
            where build_id = $1
                and p_value is not null
                and not is_change
                and level_builds >= (select least_builds from detection_rules)
                -- A site that is hardly there stays so when it is multiplied.
                and value between expected / 2 and expected * 2
            group by metric
            order by metric
            """,
            [build_id],
        ).fetchall()
    return [(str(metric), str(subject)) for metric, subject in rows]


def _inject(
    whatif: WhatIf, tables: dict[str, str], parameters: dict[str, object], metric: str, subject: str
) -> Injected:
    for factor in FACTORS:
        worse = parameters | {"metric": metric, "subject": subject, "factor": factor}
        found = judge(whatif.change(_NO_CALLERS | tables, worse), str(parameters["candidate"]))
        if (metric, subject) in _keys(found):
            return Injected(metric, subject, factor)
    return Injected(metric, subject, None)


def _keys(judgement: Judgement) -> set[tuple[str, str]]:
    return {(f.metric, f.subject) for f in judgement.regressed}


def as_text(done: SelfTest) -> str:
    """What was injected and what was seen."""
    rows = [
        (
            i.metric,
            i.subject,
            f"caught at ×{i.caught_at:g}" if i.caught_at else f"not caught at ×{FACTORS[-1]:g}",
        )
        for i in done.injected
    ]
    table = format_table(("metric", "made worse", "gate"), rows) if rows else ""
    control = f"without an injection: {', '.join(done.alarms) or 'no alarm'}\n"
    if not rows:
        return f"{done.build_id}: too little data yet: no steady series that is judged to inject into\n"
    word = (
        "the gate missed an injection" if done.exit_code else "the gate can fail: every injection was caught"
    )
    return f"{table}{control}{done.build_id}: {word}\n"
