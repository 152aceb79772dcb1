"""The report: one page, drawn and escaped, that fetches nothing."""

from __future__ import annotations

import re
from html.parser import HTMLParser

from tracemill.flows.show.chart import Mark, Point, chart
from tracemill.flows.show.report import environment, render

from .models.given import Given
from .models.story import story

HOSTILE = '</style><script>alert("1")</script><img src=x onerror=alert(2)>\x1b[31m'
VOID = {"meta"}


class Tags(HTMLParser):
    """Which tags a page has, and that each that is opened is closed."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: list[tuple[str, dict[str, str | None]]] = []
        self.feed(page)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def page_of(given: Given) -> str:
    with given.models() as connection:
        return render(connection)


def test_each_series_with_a_verdict_is_drawn_with_its_changes() -> None:
    page = page_of(story())
    tags = Tags(page).seen
    drawn = [attrs for tag, attrs in tags if tag == "svg"]
    assert len(drawn) == 3  # the leak, the contended lock, the function that moved
    assert len([1 for tag, a in tags if tag == "circle"]) == 3 * 12
    marks = [a["class"] for tag, a in tags if tag == "line" and (a["class"] or "").startswith("mark")]
    assert marks.count("mark regressed") == marks.count("mark improved") == 2
    assert "regressions that still stand" in page


def test_the_page_fetches_nothing_and_runs_nothing() -> None:
    page = page_of(story())
    assert "default-src 'none'" in page
    assert not re.search(r"https?://|url\(|@import|<script|<link|<img|<iframe|\bon\w+=", page)
    assert not any(a.get("src") or a.get("href") for _, a in Tags(page).seen)


def test_hostile_names_stay_text() -> None:
    given = story()
    for stack in given.tables["stacks"]:
        stack["functions"] = [f.replace("session", HOSTILE) for f in stack["functions"]]
    given.tables["load_failures"].append(
        {"build_id": HOSTILE, "run_id": "1", "path": HOSTILE, "sha256": None, "message": HOSTILE}
    )
    page = page_of(given)
    assert {tag for tag, _ in Tags(page).seen}.isdisjoint({"script", "img"})
    assert page.count("&lt;script&gt;") > 5
    assert "\x1b" not in page


def test_a_history_without_verdicts_says_so() -> None:
    page = page_of(Given())
    assert "No regressions, no improvements." in page
    assert Tags(page).seen


def test_a_chart_stays_in_its_frame() -> None:
    points = [Point(f"b{i}", float(i % 3), 1.0, 0.5, 1e9, 3) for i in range(300)]
    marks = [Mark(0, "regressed", "new"), Mark(299, "improved", "gone")]
    template = environment().get_template("chart.svg")
    drawn = template.render(chart=chart(points, marks, "ns/requests"))
    heights = [float(y) for y in re.findall(r'\bc?y="(-?[\d.]+)"', drawn)]
    assert 0 <= min(heights) <= max(heights) <= 230
    assert len(re.findall('class="tick"', drawn)) < 25
    assert "nan" not in drawn
    assert template.render(chart=chart([Point("b", 0.0, None, None, None, 1)], [], None))
