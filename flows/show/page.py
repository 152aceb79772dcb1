"""Pages: one incident, or many, as HTML that asks nothing of the network and works without a script.

Names come from profiles and may be anything: the templates escape whatever they are given. A page's own style
and script are named by hash in its content security policy: nothing else takes effect.
"""

from __future__ import annotations

import base64
import hashlib
import shlex
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import quote

from tracemill.flows.show.card_wording import commit, facts, sentence, short_name
from tracemill.flows.show.chart import Chart, Point, chart
from tracemill.flows.show.flame import Flame, flame
from tracemill.flows.show.lanes import place_of, words
from tracemill.flows.show.lanes_drawing import LanesDrawing, drawing
from tracemill.flows.show.terminal import query_for_shell, visible_lines
from tracemill.flows.show.units import amount, amounts, base_and_per, factor
from tracemill.warehouse.schema.metrics import is_sampled

if TYPE_CHECKING:
    from jinja2 import Environment

    from tracemill.flows.show.card import Card, Comparison
    from tracemill.flows.show.card_incident import Incident, PointRow
    from tracemill.flows.show.lanes import Interval, Lanes, Window

MAX_MEMBERS = 12
# Of a series so many builds before the incident and from it on are listed; the SQL has all.
MAX_POINTS = 15
# Code of more characters is broken into lines where there is no room.
LONG_CODE = 24
LONGEST_TEXT = 2000


@dataclass(frozen=True, slots=True)
class Links:
    """Where commits and sources are to be seen, by URL template; without one there is no link.

    is_served: whether instants of a trace have addresses, too.
    """

    commit_url: str | None = None
    source_url: str | None = None
    is_served: bool = False

    @classmethod
    def configured(cls) -> Links:
        """As the settings say."""
        from tracemill.flows.settings import load

        settings = load()
        return cls(settings.commit_url, settings.source_url)

    def commit(self, revision: str | None) -> str | None:
        """The address of a commit."""
        return _filled(self.commit_url, commit=revision) if revision else None

    def source(self, revision: str | None, file: str | None, line: int | None) -> str | None:
        """The address of a line of the source."""
        if not file or line is None or ("{commit}" in (self.source_url or "") and not revision):
            return None
        return _filled(self.source_url, commit=revision or "", file=file, line=str(line))

    def instant(self, window: Window, interval: Interval) -> str | None:
        """The address of a stay of a goroutine, with as much of the trace on each side."""
        if not self.is_served:
            return None
        start, end = interval.start_ns - interval.duration_ns, interval.end_ns + interval.duration_ns
        return (
            f"/timeline?capture={quote(window.capture_id, safe='')}&from={max(start, 0)}&to={end}"
            f"&goroutine={interval.goroutine_id}"
        )


def _filled(template: str | None, **values: str | None) -> str | None:
    if not template or not template.startswith(("https://", "http://")):
        return None
    for name, value in values.items():
        template = template.replace(f"{{{name}}}", quote(value or "", safe="/"))
    return template


class Cell(NamedTuple):
    """Code, and where it leads."""

    text: str
    href: str | None = None

    @property
    def is_long(self) -> bool:
        """Whether it may be broken into lines."""
        return len(self.text) > LONG_CODE


@dataclass(frozen=True, slots=True)
class Section:
    """A table with its heading."""

    title: str
    headings: tuple[str, ...]
    rows: list[tuple[Cell | str, ...]]


@dataclass(frozen=True, slots=True)
class Article:
    """One incident as templates/article.html shows it."""

    id: str
    build_id: str
    status: str
    headline: str
    facts: list[str]
    commit: Cell | None
    chart: Chart
    chart_title: str
    sections: list[Section]
    call_path: list[str]
    flame: Flame | None
    flame_title: str
    flame_note: str
    lanes: LanesDrawing | None
    instants: Section | None
    toolchain: str
    shared_cause: str
    else_differs: str
    missing: list[str]
    suspected: list[str]
    evidence: list[str]
    query: str
    series: Section
    next_steps: list[str]


def article(card: Card, links: Links) -> Article:
    """What the page says of an incident."""
    incident = card.incident
    revision = incident.commit
    return Article(
        id=incident.incident_id,
        build_id=incident.seen_build_id,
        status=incident.status,
        headline=sentence(incident),
        facts=[*facts(incident, card.runs_before), *([card.also] if card.also else [])],
        commit=Cell(commit(incident), links.commit(revision)) if revision else None,
        chart=chart(series_points(incident, card.points), incident.unit),
        chart_title=f"{incident.metric} over the builds",
        sections=[
            s for s in (_holders(card, links), _lines(card, links), _changes(card), _members(card)) if s.rows
        ],
        call_path=card.call_path,
        flame=flame_of(card.stacks),
        flame_title=flame_title(card.stacks),
        flame_note=flame_note(card.stacks),
        lanes=drawing(card.lanes) if card.lanes else None,
        instants=instants(card.lanes, links, revision) if card.lanes else None,
        toolchain=card.toolchain,
        shared_cause=card.shared_cause,
        else_differs=card.else_differs,
        missing=card.missing,
        suspected=card.may_be_worse,
        evidence=[_clipped(text) for text in _evidence(incident)],
        query=_clipped(incident.query),
        series=_series(card),
        next_steps=next_steps(incident),
    )


def series_points(incident: Incident, rows: list[PointRow]) -> list[Point]:
    """The builds of the incident's series; those from its first to its last are marked with its status."""
    ends = {p.build_id: p.ordinal for p in rows}
    last = ends.get(incident.ended_build_id or "", float("inf"))
    found = []
    for row in rows:
        low, high = row.expected_interval or (None, None)
        is_marked = incident.first_ordinal <= row.ordinal < last
        if incident.status != "regressed":
            is_marked = row.build_id == incident.seen_build_id
        status = incident.status if is_marked else ""
        found.append(Point(row.build_id, row.value, low, high, row.run_count, status))
    return found


def next_steps(incident: Incident) -> list[str]:
    """Commands that lead on."""
    steps = []
    if incident.exemplar_start_ns is not None:
        steps.append(f"tracemill timeline --around {incident.incident_id} --svg lanes.svg")
    if incident.is_open:
        steps.append(f"tracemill gate --candidate {shlex.quote(incident.seen_build_id)}")
    return [*steps, _clipped(f"tracemill sql {query_for_shell(incident.query)}")]


def _clipped(text: str) -> str:
    """Not more of a text than anybody reads."""
    return text if len(text) <= LONGEST_TEXT else text[: LONGEST_TEXT - 1] + "…"


def _holders(card: Card, links: Links) -> Section:
    rows: list[tuple[Cell | str, ...]] = []
    for h in card.holders:
        href = links.source(card.incident.commit, h.holder_file, h.holder_line)
        time = amount(h.block_ns_per_unit, f"ns/{h.per}") if h.per else amount(h.block_ns, "ns")
        rows.append(
            (
                Cell(place_of(h.holder_file, h.holder_line) or "unknown", href),
                f"{h.block_count}",
                time,
                Cell(short_name(h.holder_function)),
            )
        )
    return Section("Who makes them wait", ("the holder lets go in", "waits", "time", "function"), rows)


def _lines(card: Card, links: Links) -> Section:
    if not card.stacks:
        return Section("", (), [])
    before, after = card.stacks.builds
    base, per = base_and_per(card.stacks.unit)
    rows: list[tuple[Cell | str, ...]] = [
        (
            Cell(place_of(c.file, c.line), links.source(card.incident.commit, c.file, c.line)),
            Cell(c.calls),
            amount(c.before, base),
            amount(c.after, base),
        )
        for c in card.lines
    ]
    return Section(f"{card.lines_title}, {card.stacks.metric}{per}", ("line", "calls", before, after), rows)


def _changes(card: Card) -> Section:
    incident = card.incident
    base, per = base_and_per(card.changes[0].unit if card.changes else None)
    rows: list[tuple[Cell | str, ...]] = [
        (
            Cell(short_name(c.subject)),
            amount(c.before, base),
            amount(c.after, base),
            ("+" if c.change >= 0 else "−") + amount(abs(c.change), base),
        )
        for c in card.changes
    ]
    headings = ("subject", incident.previous_build_id or "", incident.seen_build_id, "change")
    return Section(f"What changed most, {incident.metric}{per}", headings, rows)


def _members(card: Card) -> Section:
    rows: list[tuple[Cell | str, ...]] = [
        (
            m.metric,
            Cell(short_name(m.subject)),
            factor(m.change_ratio, m.before, is_sample=is_sampled(m.metric)),
        )
        for m in card.members
        if not m.is_lead
    ]
    if more := len(rows) - len(rows[:MAX_MEMBERS]):
        rows[MAX_MEMBERS:] = [(f"and {more} more", "", "")]
    return Section("Seen by it too", ("metric", "subject", "change"), rows)


def flame_of(stacks: Comparison | None) -> Flame | None:
    """The flame graph of two builds; None where there is nothing in it."""
    if stacks is None:
        return None
    root = "all contention" if stacks.metric == "block_ns" else f"all of {stacks.metric}"
    found = flame(stacks.rows, root, stacks.unit, stacks.builds)
    return found if found.frames else None


def flame_title(stacks: Comparison | None) -> str:
    """What a flame graph is of."""
    if stacks is None:
        return ""
    what = "Where the waiting is" if stacks.metric == "block_ns" else f"Where it is, {stacks.metric}"
    return f"{what}, {stacks.builds[0]} against {stacks.builds[1]}"


def flame_note(stacks: Comparison | None) -> str:
    """What is not in it."""
    if stacks is None or not stacks.left_out or not any(stacks.left_out):
        return ""
    before, after = stacks.left_out
    return f"Left out: waits for work, {amounts(before, after, stacks.unit)}."


def instants(lanes: Lanes, links: Links, revision: str | None) -> Section:
    """The longest stays, in the order of time."""
    rows: list[tuple[Cell | str, ...]] = []
    for i in lanes.instants():
        waker = f"G{i.waker_goroutine_id}" if i.waker_goroutine_id is not None else ""
        rows.append(
            (
                Cell(f"{i.start_ns:,}", links.instant(lanes.window, i)),
                f"G{i.goroutine_id}",
                words(i),
                Cell(place_of(i.file, i.line), links.source(revision, i.file, i.line)),
                waker,
                Cell(
                    place_of(i.waker_file, i.waker_line), links.source(revision, i.waker_file, i.waker_line)
                ),
            )
        )
    headings = ("ns since the start", "goroutine", "what", "line", "woken by", "in")
    return Section(f"The raw intervals, in {lanes.window.path}", headings, rows)


def _series(card: Card) -> Section:
    unit = card.incident.unit
    rows: list[tuple[Cell | str, ...]] = []
    at = next((i for i, p in enumerate(card.points) if p.build_id == card.incident.seen_build_id), 0)
    for p in card.points[max(at - MAX_POINTS, 0) : at + MAX_POINTS]:
        low, high = p.expected_interval or (None, None)
        expected = f"{amount(low, unit)} to {amount(high, unit)}" if low is not None else ""
        rows.append((p.build_id, amount(p.value, unit), expected, f"{p.run_count}"))
    return Section("", ("build", "value", "expected", "runs"), rows)


def _evidence(incident: Incident) -> list[str]:
    found = [f"{incident.metric}: {incident.meaning}"]
    if incident.p_value is not None:
        found.append(f"p = {incident.p_value:.1e}, q = {incident.q_value:.1e}")
    if incident.interval:
        found.append(f"ratio {incident.interval[0]:.3g} to {incident.interval[1]:.3g} (95 %)")
    found += [incident.evidence] if incident.evidence else []
    if incident.call_path:
        found.append(f"called through {incident.call_path}")
    return found + ([f"seen best in {incident.exemplar_path}"] if incident.exemplar_path else [])


@cache
def environment() -> Environment:
    """Templates that escape, and show what could steer a terminal or a page as a sign for it."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    made = Environment(
        loader=PackageLoader("tracemill.flows.show"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_finalized,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    # What pages have around them only where they are served.
    made.globals |= {"nav": (), "is_served": False, "query": ""}
    made.filters["percent"] = lambda value: f"{value:.3f}".rstrip("0").rstrip(".") + "%"
    made.filters["px"] = lambda value: f"{value:.1f}".removesuffix(".0")
    made.globals["style"], made.globals["style_hash"] = _ours("style.css")
    made.globals["script"], made.globals["script_hash"] = _ours("page.js")
    return made


def _finalized(value: Any) -> Any:  # noqa: ANN401 - whatever a template shows
    # Markup is a template's own text; what is no text, such as an undefined name, is Jinja's to judge.
    return visible_lines(value) if type(value) is str else value


def _ours(name: str) -> tuple[str, str]:
    """A file of ours that goes into a page as it is, and its hash for the policy."""
    from markupsafe import Markup

    text = files("tracemill.flows.show").joinpath(name).read_text("utf-8")
    digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
    return Markup(text), Markup(f"'sha256-{digest}'")  # noqa: S704 - ours


def render(template: str, **values: object) -> str:
    """A page of that template."""
    return environment().get_template(template).render(**values)


def incident_page(card: Card, links: Links, **around: object) -> str:
    """One incident as a page of its own."""
    shown = article(card, links)
    return render("incident.html", title=f"{shown.build_id}: {shown.headline}", article=shown, **around)
