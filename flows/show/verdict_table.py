"""The verdicts in a form for people."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from tracemill.flows.show.tables import format_table
from tracemill.flows.show.verdicts import Filter, least_earlier_builds, select

if TYPE_CHECKING:
    import duckdb

# What a person reads first; --format json and csv give every column.
COLUMNS = (
    "build_id, status, coalesce(function, subject), moved_from, metric, unit, before, after, change_ratio, "
    "q_value, n_before, a.accepted_by, a.accepted_reason, subject, query"
)
HEADINGS = ("build", "verdict", "function", "metric", "before → after", "change", "how sure")

_STEPS = {
    "bytes": ((2**30, "GiB"), (2**20, "MiB"), (2**10, "KiB"), (1, "B")),
    "ns": ((1e9, "s"), (1e6, "ms"), (1e3, "µs"), (1, "ns")),
    "sec": ((1, "s"), (1e-3, "ms"), (1e-6, "µs"), (1e-9, "ns")),
}


class Verdict(NamedTuple):
    """One row of COLUMNS."""

    build_id: str
    status: str
    subject: str
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
    full_subject: str
    query: str


def verdicts(connection: duckdb.DuckDBPyConnection, chosen: Filter) -> list[Verdict]:
    """The verdicts chosen, in the order of the builds. Raises NoSuchNameError."""
    return [Verdict(*row) for row in select(connection, chosen, COLUMNS).fetchall()]


def table(found: list[Verdict]) -> list[list[str]]:
    """The verdicts as rows of HEADINGS."""
    return [
        [
            v.build_id,
            f"accepted by {v.accepted_by}: {v.accepted_reason}" if v.accepted_by else v.status,
            v.subject + (f" (was {v.moved_from})" if v.moved_from else ""),
            v.metric,
            f"{amount(v.before, v.unit)} → {amount(v.after, v.unit)}",
            change(v),
            _certainty(v),
        ]
        for v in found
    ]


def overview(connection: duckdb.DuckDBPyConnection, chosen: Filter | None = None) -> str:
    """The verdicts as a table, or the sentence that there are none, or that there cannot be any yet."""
    found = verdicts(connection, chosen or Filter())
    if found:
        return format_table(HEADINGS, table(found))
    ((builds,),) = connection.execute("select count(*) from builds").fetchall()
    least = least_earlier_builds(connection)
    if builds <= least:
        return f"nothing to judge yet: builds so far {builds}, {least} must come before one\n"
    return "no regressions, no improvements\n"


def amount(value: float | None, unit: str | None) -> str:
    """A value with its unit, in the step that reads best: 262144 bytes/requests → 256 KiB/requests."""
    if value is None:
        return "?"
    base, slash, rest = (unit or "").partition("/")
    for size, name in _STEPS.get("bytes" if base == "B" else base, ()):
        if abs(value) >= size:
            return f"{value / size:.3g} {name}{slash}{rest}"
    return f"{value:.4g} {unit or ''}".rstrip()


def change(verdict: Verdict) -> str:
    """How much, as a factor, or the word for it."""
    if verdict.change_ratio is None:
        return "new" if not verdict.before else "gone"
    if verdict.status == "moved":
        return "same cost"
    return f"×{verdict.change_ratio:.3g}"


def _certainty(verdict: Verdict) -> str:
    if verdict.q_value is None or verdict.status == "moved":
        return f"{verdict.n_before} builds before" if verdict.n_before else ""
    return f"q = {verdict.q_value:.0e}, {verdict.n_before} builds before"
