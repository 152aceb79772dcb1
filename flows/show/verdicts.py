"""The verdicts: which of them, and their table for people."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, NamedTuple

from tracemill.flows.names import plain, require
from tracemill.flows.show.card_wording import short_name
from tracemill.flows.show.tables import format_table
from tracemill.flows.show.terminal import visible
from tracemill.flows.show.units import amounts, cost_of_move, factor
from tracemill.warehouse.queries import ask, ask_column, text
from tracemill.warehouse.schema.metrics import is_sampled
from tracemill.warehouse.schema.vocabularies import STATUSES

if TYPE_CHECKING:
    import duckdb

    from tracemill.flows.gate.judgement import Finding
    from tracemill.flows.show.card_incident import Incident

# So many figures that join an incident are named.
MOST_JOINED = 3
HEADINGS = ("build", "verdict", "function", "metric", "before → after", "change", "how sure")


@dataclass(frozen=True, slots=True)
class Filter:
    """Which verdicts to show; None shows all.

    build_id: the build that made them known or at which they begin.
    package: also a part of its path, as cache of example.org/shop/cache; with what lies below it.
    """

    build_id: str | None = None
    metric: str | None = None
    status: str | None = None
    package: str | None = None
    since_build: str | None = None


class Joined(NamedTuple):
    """A verdict that a build made certain, of an incident that was known before it."""

    metric: str
    subject: str
    status: str
    first_build_id: str
    incident_id: str

    @property
    def sentence(self) -> str:
        """What is certain, and of which incident: a function, and its part below one caller, by name."""
        name = short_name(self.subject)
        return (
            f"{self.metric} of {name}: {self.status} since {self.first_build_id}, a part of incident "
            f"{self.incident_id}"
        )


def joined(connection: duckdb.DuckDBPyConnection, build_id: str) -> list[str]:
    """What the build made certain of incidents known before it: the first in words, and how many."""
    found = ask(connection, "verdicts/joined", Joined, build_id=build_id)
    more = len(found) - MOST_JOINED
    return [f.sentence for f in found[:MOST_JOINED]] + (
        [f"{more} more of incidents known before"] * (more > 0)
    )


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
    incident_id: str
    is_lead: bool
    member_rank: int
    member_count: int
    first_build_id: str
    ended_build_id: str | None

    @property
    def is_standing(self) -> bool:
        """Whether it is a regression that is not over and that nobody accepted."""
        return self.status == "regressed" and self.ended_build_id is None and self.accepted_by is None

    @property
    def builds(self) -> str:
        """The build that made it known and, where it began earlier, the one at which."""
        is_earlier = self.first_build_id != self.build_id
        return f"{self.build_id}, since {self.first_build_id}" if is_earlier else self.build_id

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
        require(chosen.status, "status", list(STATUSES))
    if chosen.package is not None:
        known = ask_column(connection, "verdicts/known_packages")
        if not any(f"/{plain(chosen.package)}/" in f"/{name}/" for name in known):
            require(chosen.package, "package", known)


def one_an_incident(found: list[Verdict]) -> list[Verdict]:
    """Of each incident the verdict that names its cause best, of those found; in their order."""
    best: dict[str, Verdict] = {}
    for verdict in found:
        known = best.setdefault(verdict.incident_id, verdict)
        if verdict.member_rank < known.member_rank:
            best[verdict.incident_id] = verdict
    return [v for v in found if best[v.incident_id] is v]


def table(found: list[Verdict]) -> list[list[str]]:
    """The verdicts as rows of HEADINGS; the first by rank of an incident says how many more it has."""
    leading = set(one_an_incident(found))
    return [
        [
            v.builds,
            _status(v),
            v.name + (f" (was {v.moved_from})" if v.moved_from else ""),
            v.metric,
            amounts(v.before, v.after, v.unit),
            change(v),
            _certainty(v, v.member_count - 1 if v in leading else 0),
        ]
        for v in found
    ]


def on_screen(found: list[Verdict], width: int | None) -> str:
    """The verdicts for a terminal of that width; None: for no terminal, with nothing left out.

    Where they do not fit, what all functions have before their names is said once; then how many builds came
    before goes; then each verdict takes two lines, and functions are cut on the left.
    """
    rows = table(found)
    whole = format_table(HEADINGS, rows, None)
    if width is None or fits(whole, width):
        return whole
    prefix = common_package([name for v in found for name in (v.name, v.moved_from) if name])
    for row, verdict in zip(rows, found, strict=True):
        row[2] = row[2].replace(prefix, "") if prefix else row[2]
        is_sure = verdict.q_value is not None and verdict.status != "moved"
        row[6] = f"q = {verdict.q_value:.0e}" if is_sure else ""
    note = f"functions of {prefix}\n" if prefix else ""
    short = format_table(HEADINGS, rows, None)
    if fits(short, width):
        return note + short
    return note + "".join(line + "\n" for row in rows for line in _two_lines(row, width))


def _two_lines(row: list[str], width: int) -> list[str]:
    build, status, function, metric, change_of_amount, ratio, sure = map(visible, row)
    head = f"{build} {status}  "
    if len(head) + len(function) > width:
        function = "…" + function[-max(width - len(head) - 1, 12) :]
    facts = ", ".join(fact for fact in (change_of_amount, sure) if fact)
    return [head + function, f"    {metric} {ratio}: {facts}"]


def fits(text: str, width: int) -> bool:
    """Whether no line is wider."""
    return all(len(line) <= width for line in text.splitlines())


def common_package(functions: list[str]) -> str:
    """The path that all functions begin with, up to a stroke."""
    paths = [name.partition("(")[0].split("/")[:-1] for name in functions]
    common = []
    for parts in zip(*paths, strict=False):  # as far as the shortest goes
        if len(set(parts)) > 1:
            break
        common.append(f"{parts[0]}/")
    return "".join(common)


def _status(verdict: Verdict) -> str:
    if verdict.accepted_by:
        return f"accepted by {verdict.accepted_by}: {verdict.accepted_reason}"
    return verdict.status


def change(verdict: Verdict | Finding | Incident) -> str:
    """How much, as a factor, or the word for it."""
    ratio = verdict.change_ratio
    return (
        cost_of_move(ratio)
        if verdict.status == "moved"
        else factor(ratio, verdict.before, is_sample=is_sampled(verdict.metric))
    )


def _certainty(verdict: Verdict, others: int) -> str:
    also = [f"{others} more figure{'s' if others > 1 else ''}"] if others else []
    known = f"{verdict.n_before} build{'' if verdict.n_before == 1 else 's'} before"
    if verdict.q_value is None or verdict.status == "moved":
        return "; ".join([known, *also] if verdict.n_before else also)
    return "; ".join([f"q = {verdict.q_value:.0e}, {known}", *also])
