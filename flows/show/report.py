"""The report: one HTML page of all incidents that asks nothing of the network and works without a script."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from tracemill.flows.show.card import card, in_short
from tracemill.flows.show.card_incident import incidents, points
from tracemill.flows.show.card_wording import sentence, standing
from tracemill.flows.show.chart import SPARK_HEIGHT, SPARK_WIDTH, sparkline
from tracemill.flows.show.coverage import coverage
from tracemill.flows.show.export import replace_whole
from tracemill.flows.show.page import Links, article, render, series_points
from tracemill.flows.show.verdicts import change
from tracemill.warehouse import connect
from tracemill.warehouse.queries import ask

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime
    from pathlib import Path

    import duckdb
    from markupsafe import Markup

    from tracemill.flows.show.card import Card
    from tracemill.flows.show.card_incident import Incident, PointRow
    from tracemill.flows.show.coverage import Coverage

REPORT_FILE = "report.html"
# Incidents are shown whole, the worst first, until this is spent: a browser opens the page at once.
MAX_BYTES = 4_500_000
# So many are shown whole, the others in short: each asks the warehouse ten questions.
MAX_WHOLE = 60
# Of a name so many characters are searched.
LONGEST_WORDS = 300
# Builds that one may want to see the last of.
WINDOWS = (5, 10, 20, 50, 100)


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


@dataclass(frozen=True, slots=True)
class Basis:
    """What the index rests on: the builds, what could not be loaded, what was judged and what was not."""

    builds: list[_BuildRow]
    failures: list[_FailureRow]
    judged: Coverage

    @classmethod
    def of(cls, connection: duckdb.DuckDBPyConnection) -> Basis:
        """As the warehouse has it."""
        return cls(
            ask(connection, "report/builds", _BuildRow),
            ask(connection, "report/load_failures", _FailureRow),
            coverage(connection),
        )


@dataclass(frozen=True, slots=True)
class Row:
    """An incident in the index. The keys are what it is sorted by, text what it is found by."""

    id: str
    href: str | None
    build_id: str
    ordinal: int
    status: str
    is_open: bool
    sentence: str
    change: str
    change_key: float
    q: str
    q_key: float
    spark: str
    spark_text: str
    now: str
    text: str


def write_report(warehouse: Path, file: Path, links: Links | None = None) -> None:
    """Write the page, whole or not at all. Raises WarehouseError, OSError."""
    with connect(warehouse) as connection:
        page = report_page(connection, links or Links.configured())
    replace_whole(file, lambda out: out.write(page.encode()))


def report_page(connection: duckdb.DuckDBPyConnection, links: Links) -> str:
    """The page: an index of the incidents, and as many of them below it as it has room for."""
    known = sorted(incidents(connection), key=lambda i: i.gravity)
    series = points(connection)
    articles: dict[str, Markup] = {}
    basis = Basis.of(connection)
    index = index_page(basis, known, series, lambda i: f"#{i.incident_id}", articles=[])
    room = MAX_BYTES - len(index.encode())
    for incident in known:
        rows = series.get((incident.metric, incident.first_subject), [])
        is_whole = len(articles) < MAX_WHOLE
        shown = _article(card(connection, incident, rows) if is_whole else in_short(incident, rows), links)
        room -= len(shown.encode())
        if room < 0:
            break
        articles[incident.incident_id] = shown
    left = len(known) - len(articles)
    return index_page(
        basis,
        known,
        series,
        lambda i: f"#{i.incident_id}" if i.incident_id in articles else None,
        articles=list(articles.values()),
        left_out=f"{left} more are listed only: tracemill show BUILD FUNCTION shows them." if left else "",
    )


def _article(shown: Card, links: Links) -> Markup:
    from markupsafe import Markup

    whole = render("one_article.html", article=article(shown, links))
    return Markup(whole)  # noqa: S704 - made by a template that escapes


def index_page(
    basis: Basis,
    known: list[Incident],
    series: dict[tuple[str, str], list[PointRow]],
    href: Callable[[Incident], str | None],
    *,
    articles: list[Markup],
    left_out: str = "",
    around: dict[str, object] | None = None,
) -> str:
    """The index with articles below it. href: where an incident is shown whole."""
    nav = [
        ("incidents", "#incidents"),
        ("what was judged", "#judged"),
        ("builds", "#builds"),
        *([("not loaded", "#failures")] if basis.failures else []),
    ]
    judged = basis.judged.sentences()
    return render(
        "report.html",
        title="Tracemill: what changed",
        summary=_summary(known, basis.builds),
        judged=judged,
        no_rows="No regressions, no improvements." if basis.judged.is_judged else judged[0],
        rows=[index_row(i, series.get((i.metric, i.first_subject), []), href(i)) for i in known],
        windows=[n for n in WINDOWS if n < len(basis.builds)],
        spark_width=SPARK_WIDTH,
        spark_height=SPARK_HEIGHT,
        articles=articles,
        left_out=left_out,
        failures=basis.failures,
        builds=basis.builds,
        **{"nav": nav, **(around or {})},
    )


def index_row(incident: Incident, rows: list[PointRow], href: str | None) -> Row:
    """An incident as a row of the index."""
    said = sentence(incident)
    names = (
        incident.build_id,
        incident.seen_build_id,
        incident.metric,
        incident.subject,
        incident.moved_from,
    )
    return Row(
        id=incident.incident_id,
        href=href,
        build_id=incident.seen_build_id,
        ordinal=incident.ordinal,
        status=incident.status,
        is_open=incident.is_open,
        sentence=said,
        change=change(incident),
        change_key=incident.change_ratio if incident.change_ratio is not None else 1e300,
        q="" if incident.q_value is None or incident.status == "moved" else f"{incident.q_value:.0e}",
        q_key=incident.q_value if incident.q_value is not None else 2,
        spark=sparkline(series_points(incident, rows)),
        spark_text=f"{incident.metric} over {len(rows)} builds",
        now=standing(incident),
        text=" ".join([said, incident.status, *(n[-LONGEST_WORDS:] for n in names if n)]).lower(),
    )


def _summary(known: list[Incident], builds: list[_BuildRow]) -> list[str]:
    still = sum(i.is_open for i in known)
    counts = {s: sum(i.status == s for i in known) for s in ("regressed", "improved", "moved")}
    span = f", {builds[0].build_id} to {builds[-1].build_id}" if builds else ""
    return [
        f"{still} {'regression' if still == 1 else 'regressions'} open",
        *(f"{count} {status}" for status, count in counts.items()),
        f"{len(builds)} builds{span}",
    ]
