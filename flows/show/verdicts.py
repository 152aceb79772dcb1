"""The verdicts: which of them, and their table for people."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, NamedTuple

from tracemill.flows.names import require
from tracemill.flows.show.units import amount, factor
from tracemill.warehouse.queries import ask, ask_column, text

if TYPE_CHECKING:
    import duckdb

STATUSES = ("regressed", "improved", "moved", "cost_shift", "not_comparable")
HEADINGS = ("build", "verdict", "function", "metric", "before → after", "change", "how sure")


@dataclass(frozen=True, slots=True)
class Filter:
    """Which verdicts to show; None shows all. A package holds also what lies below it."""

    build_id: str | None = None
    metric: str | None = None
    status: str | None = None
    package: str | None = None
    since_build: str | None = None


class Verdict(NamedTuple):
    """What a person reads first of a verdict; --format json and csv give every column."""

    build_id: str
    status: str
    subject: str
    function: str | None
    moved_from: str | None
    metric: str
    unit: str | None
    before: float | None
    after: float | None
    change_ratio: float | None
    q_value: float | None
    n_before: int | None
    accepted_by: str | None
    accepted_reason: str | None
    call_path: str | None
    evidence: str | None
    query: str
    is_lead: bool
    member_count: int

    @property
    def name(self) -> str:
        """The function, or the whole subject where it is none."""
        return self.function or self.subject


class _Rules(NamedTuple):
    least_builds: int


def least_earlier_builds(connection: duckdb.DuckDBPyConnection) -> int:
    """With fewer builds before it, a build is not judged: noise would pass for a change."""
    (rules,) = ask(connection, "verdicts/rules", _Rules)
    return rules.least_builds


def verdicts(connection: duckdb.DuckDBPyConnection, chosen: Filter) -> list[Verdict]:
    """The verdicts chosen, in the order of the builds. Raises NoSuchNameError."""
    _require_known(connection, chosen)
    return ask(connection, "verdicts/verdicts", Verdict, **asdict(chosen))


def select(connection: duckdb.DuckDBPyConnection, chosen: Filter) -> duckdb.DuckDBPyConnection:
    """The cursor over every column of the verdicts chosen. Raises NoSuchNameError."""
    _require_known(connection, chosen)
    return connection.execute(text("verdicts/verdicts"), asdict(chosen))


def _require_known(connection: duckdb.DuckDBPyConnection, chosen: Filter) -> None:
    for build in (chosen.build_id, chosen.since_build):
        if build is not None:
            require(build, "build", ask_column(connection, "verdicts/known_builds"))
    if chosen.metric is not None:
        require(chosen.metric, "metric", ask_column(connection, "verdicts/known_metrics"))
    if chosen.status is not None:
        require(chosen.status, "status", STATUSES)
    if chosen.package is not None:
        known = ask_column(connection, "verdicts/known_packages")
        if not any(name.startswith(chosen.package + "/") for name in known):
            require(chosen.package, "package", known)


def table(found: list[Verdict]) -> list[list[str]]:
    """The verdicts as rows of HEADINGS."""
    return [
        [
            v.build_id,
            f"accepted by {v.accepted_by}: {v.accepted_reason}" if v.accepted_by else v.status,
            v.name + (f" (was {v.moved_from})" if v.moved_from else ""),
            v.metric,
            f"{amount(v.before, v.unit)} → {amount(v.after, v.unit)}",
            change(v),
            _certainty(v),
        ]
        for v in found
    ]


def change(verdict: Verdict) -> str:
    """How much, as a factor, or the word for it."""
    return "same cost" if verdict.status == "moved" else factor(verdict.change_ratio, verdict.before)


def _certainty(verdict: Verdict) -> str:
    others = verdict.member_count - 1 if verdict.is_lead else 0
    also = f"; {others} more figures" if others else ""
    if verdict.q_value is None or verdict.status == "moved":
        return (f"{verdict.n_before} builds before" if verdict.n_before else "") + also
    return f"q = {verdict.q_value:.0e}, {verdict.n_before} builds before{also}"
