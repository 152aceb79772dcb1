"""What is said beside the gate's verdicts: what differs at a build, and what it does not say of itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from tracemill.flows.show.coverage import (
    ClockChange,
    Difference,
    IterationChange,
    PassedOver,
    SharedChange,
    few_of,
    passed_over,
)
from tracemill.warehouse.queries import ask, ask_column

if TYPE_CHECKING:
    import duckdb

# So many programs are named.
_MOST_NAMED = 3


class _Load(NamedTuple):
    """What traces show of a load, here and in the builds before."""

    here: float
    least: float
    most: float
    is_far_more: bool


class _Processes(NamedTuple):
    run_count: int
    process_count: int
    sample_types: list[str]

    @property
    def sentence(self) -> str:
        told = " of what is in use" if self.sample_types == ["inuse_space"] else ""
        return (
            f"the heap profiles of {self.run_count} runs are captures of {self.process_count} "
            f"process{'es' * (self.process_count > 1)}, and count{told} as {self.process_count}"
        )


def notes(connection: duckdb.DuckDBPyConnection, candidate: str) -> list[str]:
    """In what the candidate differs from the builds before it, and what it does not say of what it did."""
    found = [
        f"{d.difference}, unlike the builds before, in {', '.join(d.measures)}: what changed there is no "
        "regression, but not comparable"
        for d in ask(connection, "coverage/differences", Difference)
        if d.build_id == candidate
    ]
    found += passed_over(
        p for p in ask(connection, "coverage/passed_over", PassedOver) if p.build_id == candidate
    )
    found += [
        s.sentence
        for s in ask(connection, "coverage/shared_changes", SharedChange)
        if s.build_id == candidate and not s.is_worse
    ]
    found += [
        c.sentence for c in ask(connection, "coverage/clock_changes", ClockChange) if c.build_id == candidate
    ]
    found += [
        f"others used the processors: for each second of CPU time goroutines ran {p.here:.3g} s by the "
        f"clock, {p.least:.3g} to {p.most:.3g} s in the builds before; what is worse by the clock is told if "
        "it lasts at a later build; or record this one again"
        for p in _load(connection, candidate, "time on processors", is_counted=True)
        if p.is_far_more
    ]
    found += [
        c.sentence
        for c in ask(connection, "coverage/iteration_changes", IterationChange)
        if c.build_id == candidate
    ]
    found += [p.sentence for p in ask(connection, "gate/processes", _Processes, build_id=candidate)]
    if programs := ask_column(connection, "gate/programs", build_id=candidate):
        found.append(
            f"its runs are of {len(programs)} different programs ({few_of(programs, _MOST_NAMED)}): what one "
            "of them has is judged by its own runs, what several have by the median of all"
        )
    if sources := ask_column(connection, "gate/per_second", build_id=candidate):
        found.append(
            f"no run counts its work (run.json), so that figures of {', '.join(sources)} are per second: "
            "another load changes them, too"
            + "".join(
                f"; its traces show {r.here:.3g} requests/s, "
                f"those of the builds before {r.least:.3g} to {r.most:.3g}"
                for r in _load(connection, candidate, "load", is_counted=False)
            )
        )
    if sources := ask_column(connection, "gate/since_start", build_id=candidate):
        found.append(
            f"no run counts its work (run.json), so that figures of {', '.join(sources)} are all since the "
            "process began: one that ran longer, or did more, has more"
        )
    return found


def _load(
    connection: duckdb.DuckDBPyConnection, candidate: str, condition: str, *, is_counted: bool
) -> list[_Load]:
    return ask(
        connection, "gate/loads", _Load, build_id=candidate, condition=condition, is_counted=is_counted
    )
