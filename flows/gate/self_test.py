"""The gate's self-test: regressions injected into a copy of the user's own history must be caught.

Nothing is written: the copy is in memory (warehouse/whatif.py). For every metric that
the newest build is judged by, the metric's largest steady series gets worse at that
build, by ever greater factors until the gate sees it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from tracemill.flows.gate.judge import builds_in_order, judge, only_these, until
from tracemill.flows.gate.judgement import PASSED, REGRESSED, UNDECIDED
from tracemill.flows.names import require
from tracemill.flows.show.tables import format_table
from tracemill.warehouse import connect
from tracemill.warehouse.queries import ask, ask_column, text
from tracemill.warehouse.whatif import WhatIf

if TYPE_CHECKING:
    from pathlib import Path

    from tracemill.flows.gate.judgement import Judgement
    from tracemill.flows.progress import Progress

FACTORS = (1.1, 1.5, 2.0, 5.0, 10.0, 100.0, 1000.0)


class Injected(NamedTuple):
    """One series made worse: caught_at is the least factor that the gate saw, None if it saw none."""

    metric: str
    subject: str
    caught_at: float | None


@dataclass(frozen=True, slots=True)
class SelfTest:
    """What came of it.

    alarms: what the gate says of the same copy without any injection. untried: judged metrics of which no
    series is steady enough to tell an injection from noise.
    """

    build_id: str
    injected: tuple[Injected, ...]
    alarms: tuple[str, ...]
    untried: tuple[str, ...]

    @property
    def exit_code(self) -> int:
        """0: the gate can fail, every injection was seen; 1: one was missed; 2: nothing to inject into."""
        if not self.injected:
            return UNDECIDED
        return PASSED if all(i.caught_at for i in self.injected) else REGRESSED


def self_test(warehouse: Path, candidate: str | None, progress: Progress) -> SelfTest:
    """Inject into the candidate, or the newest build. Raises NoSuchNameError, WarehouseError."""
    with connect(warehouse) as connection:
        builds = builds_in_order(connection)
        newest = ask_column(connection, "verdicts/known_builds")[-1:]
    build_id = candidate or "".join(newest)
    require(build_id, "build", builds)
    judged = _targets(warehouse, build_id)
    targets = [(t.metric, t.subject) for t in judged if t.subject is not None]
    untried = tuple(t.metric for t in judged if t.subject is None)
    progress.start("self-test", 1 + len(targets))
    tables, parameters = only_these(build_id, until(build_id, builds))
    with WhatIf(warehouse) as whatif:
        # A series made worse is so in observations alone: no caller's sum can tell that from a move.
        tables["int_site_callers"] = text("whatif/int_site_callers")
        control = _keys(judge(whatif.change(tables, parameters), build_id))
        progress.step("without an injection")
        tables["observations"] = text("whatif/observations_made_worse")
        injected = []
        for metric, subject in targets:
            injected.append(_inject(whatif, tables, parameters, metric, subject))
            progress.step(metric)
    return SelfTest(build_id, tuple(injected), tuple(sorted(f"{m} of {s}" for m, s in control)), untried)


class _Target(NamedTuple):
    metric: str
    subject: str | None


def _targets(warehouse: Path, build_id: str) -> list[_Target]:
    """Each metric judged at the build with its largest steady series; without one where none is."""
    with connect(warehouse) as connection:
        return ask(connection, "gate/self_test_targets", _Target, build_id=build_id)


def _inject(
    whatif: WhatIf, tables: dict[str, str], parameters: dict[str, object], metric: str, subject: str
) -> Injected:
    for factor in FACTORS:
        worse = parameters | {"metric": metric, "subject": subject, "factor": factor}
        # By its metric: beside another incident it would be one of that incident's verdicts.
        found = judge(whatif.change(tables, worse), str(parameters["candidate"]), (metric,))
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
    untried = (
        f"not tried: {', '.join(done.untried)}: no series is steady enough to tell an injection from noise\n"
        if done.untried
        else ""
    )
    control = f"without an injection: {', '.join(done.alarms) or 'no alarm'}\n"
    if not rows:
        return (
            f"{untried}{done.build_id}: too little data yet: no steady series that is judged to inject into\n"
        )
    word = (
        "the gate missed an injection" if done.exit_code else "the gate can fail: every injection was caught"
    )
    return f"{table}{control}{untried}{done.build_id}: {word}\n"
