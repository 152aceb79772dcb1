"""The report: one page of all incidents, drawn and escaped, that fetches nothing."""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING

import pytest

from tracemill.flows.show import report
from tracemill.flows.show.chart import Point, chart, sparkline
from tracemill.flows.show.page import Links, environment

from .models.given import Given
from .models.story import story
from .test_show import HOSTILE, Tags

if TYPE_CHECKING:
    from pathlib import Path

    from tracemill.flows.run import Ran


def page_of(given: Given) -> str:
    with given.models() as connection:
        return report.report_page(connection, Links())


@pytest.fixture(scope="module")
def page() -> str:
    return page_of(story())


def test_each_incident_has_a_row_that_leads_to_its_article(page: str) -> None:
    tags = Tags(page).seen
    rows = [a for tag, a in tags if tag == "tr" and a.get("data-id")]
    articles = [a["id"] for tag, a in tags if tag == "article"]
    links = [a["href"] for tag, a in tags if tag == "a"]
    assert len(rows) == 5  # the leak and its end, the contention and its end, the function that moved
    assert sorted(str(r["data-id"]) for r in rows) == sorted(map(str, articles))
    assert {f"#{article}" for article in articles} <= set(links)
    assert [a["class"] for tag, a in tags if tag == "polyline"].count("spark regressed") == 2


def test_each_series_is_drawn_with_a_bar_a_build(page: str) -> None:
    bars = [
        a["class"]
        for tag, a in Tags(page).seen
        if tag == "rect" and (a.get("class") or "").startswith("bar ")
    ]
    assert len(bars) == 5 * 12
    assert bars.count("bar regressed") == 2 + 3  # the leak lasts two builds, the contention three
    assert bars.count("bar improved") == 2


def test_the_page_fetches_nothing(page: str) -> None:
    assert "default-src 'none'" in page
    assert not re.search(r"https?://|url\(|@import|<img|<iframe|\bstyle=", page)
    assert all(str(a["href"]).startswith(("#", "data:,")) for _, a in Tags(page).seen if a.get("href"))


@pytest.mark.full
def test_hostile_names_stay_text() -> None:
    given = story()
    for stack in given.tables["stacks"]:
        stack["functions"] = [f.replace("session", HOSTILE) for f in stack["functions"]]
    given.tables["load_failures"].append(
        {"build_id": HOSTILE, "run_id": "1", "path": HOSTILE, "sha256": None, "message": HOSTILE}
    )
    page = page_of(given)
    tags = [tag for tag, _ in Tags(page).seen]
    assert tags.count("script") == 1
    assert "img" not in tags
    assert page.count("&lt;script&gt;") > 5
    assert "\x1b" not in page


@pytest.mark.full
def test_a_history_without_verdicts_says_so() -> None:
    given = Given()
    for build in range(1, 7):
        given.binary(f"b{build}", {})
        capture_id = given.capture(f"b{build}", "1", "benchmarks", format="benchmarks")
        given.tables["benchmarks"].append(
            {"capture_id": capture_id, "line": 1, "package": "app", "name": "List", "metric": "sec/op"}
            | {"unit": "sec/op", "value": 1e-3}
        )
    page = page_of(given)
    assert "No regressions, no improvements." in page
    assert Tags(page).seen


@pytest.mark.full
def test_what_was_not_judged_is_no_calm_history() -> None:
    page = page_of(Given())
    assert "No regressions" not in page
    assert page.count("nothing was judged: nothing is loaded") == 2


def test_the_report_says_what_it_rests_on(page: str) -> None:
    section = page.partition('<section id="judged">')[2].partition("</section>")[0]
    assert re.search(
        r"<li>judged: \d+ series of \d+ metrics, each build of b1 to b\d+ against those", section
    )


@pytest.mark.full
def test_incidents_that_find_no_room_are_listed_only(monkeypatch: pytest.MonkeyPatch, page: str) -> None:
    monkeypatch.setattr(report, "MAX_BYTES", len(page) // 2)
    short = page_of(story())
    assert 1 <= short.count("<article") < page.count("<article")
    assert short.count("<tr data-id") == page.count("<tr data-id")
    assert re.search(r"\d more are listed only", short)
    assert len(short) < 0.8 * len(page)


@pytest.mark.full
def test_endless_names_make_no_endless_page() -> None:
    given = story()
    for stack in given.tables["stacks"]:
        stack["functions"] = [f.replace("session", "s" * 200_000) for f in stack["functions"]]
    page = page_of(given)
    assert len(page) < 1_000_000
    assert ".(*Table).Put" in page


def test_the_report_costs_little_beside_the_job_that_it_ends(ran: tuple[Ran, Path], tmp_path: Path) -> None:
    started = time.monotonic()
    report.write_report(ran[1], tmp_path / "report.html", Links())
    assert time.monotonic() - started < ran[0].seconds / 3


def test_a_chart_stays_in_its_frame() -> None:
    template = environment().get_template("chart.svg")
    for count in (30, 300):
        points = [Point(f"b{i}", float(i % 3), 0.5, 1e9, 3, "regressed" * (i == 5)) for i in range(count)]
        drawn = template.render(chart=chart(points, "ns/requests"))
        heights = [
            float(one or other)
            for one, other in re.findall(r'\b(?:y|height)="(-?[\d.]+)"|[ v](-?[\d.]+)[hz]', drawn)
        ]
        assert 0 <= min(heights) <= max(heights) <= 190
        assert len(re.findall('class="tick', drawn)) < 25
        assert "nan" not in drawn
    assert template.render(chart=chart([Point("b", 0.0, None, None, 1)], None))
    assert template.render(chart=chart([], None))
    assert sparkline([]) == ""
    assert 30 <= len(sparkline(points).split()) <= 61
    assert sparkline(points).endswith(sparkline(points[-1:]).replace("0,", "120,"))


def test_many_builds_are_drawn_as_one_path_a_kind() -> None:
    template = environment().get_template("chart.svg")
    few = [Point(f"b{i}", 1.0, 0.5, 2.0, 3, "regressed" * (i > 5)) for i in range(30)]
    many = [Point(f"b{i}", 1.0, 0.5, 2.0, 3, "regressed" * (i > 5)) for i in range(300)]
    assert template.render(chart=chart(few, "ns")).count('<rect class="bar') == 30
    drawn = template.render(chart=chart(many, "ns"))
    assert re.findall(r'<path class="([^"]+)"', drawn) == ["band", "bar", "bar regressed"]
    assert [path.count("M") for path in re.findall(r' d="([^"]+)"', drawn)] == [300, 6, 294]
    assert len(drawn) < 10 * len(template.render(chart=chart(few, "ns")))
