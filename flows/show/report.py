"""The report: one HTML page that asks nothing of the network and needs no JavaScript.

Names come from profiles and may be anything: the templates escape whatever they are given.
"""

from __future__ import annotations

from datetime import datetime
from importlib.resources import files
from typing import TYPE_CHECKING, Any, NamedTuple

from tracemill.flows.show.chart import Mark, Point, chart
from tracemill.flows.show.export import replace_whole
from tracemill.flows.show.terminal import visible
from tracemill.flows.show.units import amount
from tracemill.flows.show.verdicts import Filter, Verdict, change, verdicts
from tracemill.warehouse import connect
from tracemill.warehouse.queries import ask

if TYPE_CHECKING:
    from pathlib import Path

    import duckdb
    from jinja2 import Environment

    from tracemill.flows.show.chart import Chart

REPORT_FILE = "report.html"
# The page stays one that a browser opens at once; the exports have all.
MAX_SERIES = 100


class Tile(NamedTuple):
    """A count at the top of the page."""

    status: str
    number: int
    text: str


class Line(NamedTuple):
    """One verdict of a series, in words."""

    build_id: str
    status: str
    before: str
    after: str
    change: str
    moved_from: str | None
    call_path: str | None
    facts: list[str]


class Card(NamedTuple):
    """One series with its verdicts."""

    metric: str
    subject: str
    unit: str | None
    is_standing: bool
    chart: Chart
    verdicts: list[Line]
    query: str
    rows: list[tuple[str | int, ...]]


class Series(NamedTuple):
    """One series with verdicts, each at the index of its point; the newest name of its subject."""

    metric: str
    subject: str
    unit: str | None
    points: list[Point]
    verdicts: list[tuple[int, Verdict]]

    @property
    def is_standing(self) -> bool:
        """Whether the last change was for the worse, and nobody accepted it."""
        last = [v for _, v in self.verdicts if v.status in {"regressed", "improved"}]
        return bool(last) and last[-1].status == "regressed" and last[-1].accepted_by is None


class _PointRow(NamedTuple):
    metric: str
    first_subject: str
    subject: str
    build_id: str
    unit: str | None
    value: float
    run_count: int
    expected: float | None
    expected_interval: tuple[float, float] | None


class _BuildRow(NamedTuple):
    build_id: str
    commit: str | None
    branch: str | None
    committed_at: datetime | None
    go_version: str | None
    run_count: int
    capture_count: int
    regressed: int
    improved: int


class _FailureRow(NamedTuple):
    build_id: str
    path: str
    message: str


def write_report(warehouse: Path, file: Path) -> None:
    """Write the page, whole or not at all. Raises WarehouseError, OSError."""
    with connect(warehouse) as connection:
        page = render(connection)
    file.parent.mkdir(parents=True, exist_ok=True)
    replace_whole(file, lambda out: out.write(page.encode()))


def render(connection: duckdb.DuckDBPyConnection) -> str:
    """The page."""
    series = sorted(_series(connection), key=lambda s: (not s.is_standing, -s.verdicts[-1][0]))
    builds = ask(connection, "report/builds", _BuildRow)
    return (
        environment()
        .get_template("report.html")
        .render(
            style=_style(),
            tiles=_tiles(series, builds),
            cards=[_card(s) for s in series[:MAX_SERIES]],
            more=max(len(series) - MAX_SERIES, 0),
            failures=ask(connection, "report/load_failures", _FailureRow),
            builds=builds,
        )
    )


def environment() -> Environment:
    """Templates that escape, and show what could steer a terminal or a page as a sign for it."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    return Environment(
        loader=PackageLoader("tracemill.flows.show"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_finalized,
    )


def _finalized(value: Any) -> Any:  # noqa: ANN401 - whatever a template shows
    # Markup is a template's own text; what is no text, such as an undefined name, is Jinja's to judge.
    return visible(value) if type(value) is str else value


def _style() -> str:
    from markupsafe import Markup

    return Markup(files("tracemill.flows.show").joinpath("style.css").read_text("utf-8"))  # noqa: S704 - ours


def _series(connection: duckdb.DuckDBPyConnection) -> list[Series]:
    """The series of the verdicts that lead an incident, with their points."""
    found = {(v.build_id, v.metric, v.subject): v for v in verdicts(connection, Filter()) if v.is_lead}
    grouped: dict[tuple[str, str], list[_PointRow]] = {}
    for row in ask(connection, "report/points", _PointRow):
        grouped.setdefault((row.metric, row.first_subject), []).append(row)
    return [_one_series(rows, found) for rows in grouped.values()]


def _one_series(rows: list[_PointRow], found: dict[tuple[str, str, str], Verdict]) -> Series:
    points, changes = [], []
    for i, row in enumerate(rows):
        low, high = row.expected_interval or (None, None)
        points.append(Point(row.build_id, row.value, row.expected, low, high, row.run_count))
        if verdict := found.get((row.build_id, row.metric, row.subject)):
            changes.append((i, verdict))
    return Series(rows[-1].metric, rows[-1].subject, rows[-1].unit, points, changes)


def _tiles(series: list[Series], builds: list[_BuildRow]) -> list[Tile]:
    counts = dict.fromkeys(("regressed", "improved", "moved"), 0)
    for one in series:
        for _, verdict in one.verdicts:
            counts[verdict.status] = counts.get(verdict.status, 0) + 1
    standing = sum(s.is_standing for s in series)
    span = f"{builds[0].build_id} to {builds[-1].build_id}" if builds else "none yet"
    return [
        Tile("standing" if standing else "", standing, "regressions that still stand"),
        *(Tile(status if count else "", count, status) for status, count in counts.items()),
        Tile("", len(builds), f"builds, {span}"),
    ]


def _card(series: Series) -> Card:
    marks = [Mark(i, v.status, "moved" if v.status == "moved" else change(v)) for i, v in series.verdicts]
    return Card(
        metric=series.metric,
        subject=series.subject,
        unit=series.unit,
        is_standing=series.is_standing,
        chart=chart(series.points, marks, series.unit),
        verdicts=[_line(v) for _, v in series.verdicts],
        query=series.verdicts[-1][1].query,
        rows=[
            (p.build_id, *(amount(v, series.unit) if v is not None else "" for v in p[1:5]), p.run_count)
            for p in series.points
        ],
    )


def _line(verdict: Verdict) -> Line:
    is_sure = verdict.q_value is not None and verdict.status != "moved"
    facts = [
        f"accepted by {verdict.accepted_by}: {verdict.accepted_reason}" if verdict.accepted_by else None,
        f"q = {verdict.q_value:.0e}" if is_sure else None,
        verdict.evidence,
    ]
    return Line(
        build_id=verdict.build_id,
        status=verdict.status,
        before=amount(verdict.before, verdict.unit),
        after=amount(verdict.after, verdict.unit),
        change=change(verdict),
        moved_from=verdict.moved_from,
        call_path=verdict.call_path,
        facts=[fact for fact in facts if fact],
    )
