"""The pages in a real Chromium: no complaint, and from a verdict to the raw instant in three clicks."""

from __future__ import annotations

from importlib.resources import files
from typing import TYPE_CHECKING

import pytest

from tracemill.flows.show.report import write_report

from .browser import NEEDS_BROWSER, Browser
from .test_page_server import served

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = NEEDS_BROWSER
RAW = "tr:not([hidden]) a"
# What is far below is laid out when it comes near: axe, at work meanwhile, would find it on other grounds.
OPENED = """
document.querySelectorAll('details').forEach(d => { d.open = true });
document.querySelectorAll('article').forEach(a => { a.style.contentVisibility = 'visible' });
new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))
"""
AXE = """
axe.run({resultTypes: ['violations']}).then(found => found.violations
    .filter(v => v.impact === 'serious' || v.impact === 'critical')
    .map(v => v.id + ': ' + v.help + ': ' + v.nodes.slice(0, 3).map(n => n.html).join(' ')))
"""


@pytest.fixture(scope="module")
def report(demo: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("page") / "report.html"
    write_report(demo, file)
    return file


@pytest.fixture
def browser() -> Iterator[Browser]:
    with Browser() as one:
        yield one
        assert one.errors == []


def visible(browser: Browser, selector: str) -> int:
    return int(
        browser.value(f"[...document.querySelectorAll('{selector}')].filter(e => e.checkVisibility()).length")
    )


def test_three_clicks_lead_from_a_red_row_to_the_raw_instant(browser: Browser, demo: Path) -> None:
    with served(demo) as server:
        browser.open(server.address)
        browser.click("tr:has(td.regressed) a")
        wait_for(browser, "location.pathname.startsWith('/incident/')")
        browser.click(".wide details summary")
        browser.click(".wide details table a")
        wait_for(browser, "location.pathname === '/timeline'")
        assert browser.value("document.querySelectorAll('svg.lanes path.lock').length") > 5


def wait_for(browser: Browser, condition: str) -> None:
    for _ in range(100):
        if browser.value(f"({condition}) && document.readyState === 'complete'"):
            return
        browser.value("new Promise(done => setTimeout(done, 50))")
    raise AssertionError(condition)


def test_a_click_in_the_report_leads_to_the_incident_and_its_raw_intervals(
    browser: Browser, report: Path
) -> None:
    browser.open(report)
    browser.click("tr:has(td.regressed) a")
    name = browser.value("location.hash.slice(1)")
    assert browser.value(f"document.getElementById('{name}').getBoundingClientRect().top") < 900
    assert visible(browser, f'article[id="{name}"] .wide details td') == 0
    browser.click(f"article[id='{name}'] .wide details summary")
    assert visible(browser, f'article[id="{name}"] .wide details td') > 20


def test_the_index_filters_as_one_types_and_sorts(browser: Browser, report: Path) -> None:
    browser.open(report)
    rows = "table.index tbody tr"
    assert visible(browser, rows) == 5
    browser.press("/")
    for letter in "b08 lookup":
        browser.press(letter)
    assert visible(browser, rows) == 1
    assert visible(browser, "article") == 1
    assert browser.value("document.getElementById('count').textContent") == "1 of 5 incidents"
    browser.value(
        "(e => { e.value = ''; e.dispatchEvent(new Event('input')) })(document.getElementById('words'))"
    )
    browser.click("table.index th button")
    builds = "[...document.querySelectorAll('table.index tbody tr')].map(r => r.cells[0].textContent)"
    assert browser.value(builds) == ["b05", "b07", "b08", "b10", "b12"]
    browser.click("table.index th button")
    assert browser.value(builds) == ["b12", "b10", "b08", "b07", "b05"]
    browser.value(
        "(e => { e.value = '5'; e.dispatchEvent(new Event('input')) })(document.getElementById('last'))"
    )
    assert visible(browser, rows) == 2


@pytest.mark.full
def test_a_flame_graph_zooms_walks_and_searches(browser: Browser, report: Path) -> None:
    browser.open(report)
    frames = "article:has(path.lock) .f"
    whole = visible(browser, frames)
    browser.value(f"document.querySelector('{frames}').focus()")
    for _ in range(4):
        browser.press("ArrowDown")
    deep = browser.value("document.activeElement.getAttribute('aria-label')")
    assert "Serve" in deep or "placeOrder" in deep
    browser.press("ArrowDown")
    browser.press("Enter")
    assert visible(browser, frames) < whole
    browser.press("Escape")
    assert visible(browser, frames) == whole
    browser.click("article:has(path.lock) .tools input")
    for letter in "mutex":
        browser.press(letter)
    assert browser.value(f"document.querySelectorAll('{frames}.hit').length") > 0
    assert browser.value(f"document.querySelectorAll('{frames}.dim').length") > 0


@pytest.mark.full
@pytest.mark.parametrize("dark", [False, True])
def test_it_fits_a_phone(browser: Browser, report: Path, tmp_path: Path, dark: bool) -> None:
    browser.emulate(dark=dark)
    browser.open(report)
    browser.resize(420, 800)
    assert browser.value("document.documentElement.scrollWidth") <= 420
    ground = browser.value("getComputedStyle(document.body).backgroundColor")
    assert ground == ("rgb(17, 21, 26)" if dark else "rgb(243, 245, 247)")
    browser.screenshot(tmp_path / "phone.png", whole=False)
    assert (tmp_path / "phone.png").stat().st_size > 20_000


WIDER = """
document.querySelectorAll('article').forEach(a => { a.style.contentVisibility = 'visible' });
[...document.querySelectorAll('article .scroll')]
    .filter(e => e.checkVisibility() && e.scrollWidth > e.clientWidth)
    .map(e => e.getAttribute('aria-label'))
"""
CUT = """
[...document.querySelectorAll('.index td:nth-child(4), section:not(:has(th:nth-child(4))) td:last-child')]
    .filter(e => e.checkVisibility() && e.getBoundingClientRect().right > innerWidth - 16)
    .map(e => e.outerHTML)
"""


def test_no_table_is_cut_on_a_screen_and_no_change_on_a_phone(browser: Browser, report: Path) -> None:
    browser.resize(1400, 900)
    browser.open(report)
    assert browser.value(WIDER) == []
    browser.resize(400, 800)
    assert browser.value(CUT) == []


def barriers(browser: Browser) -> list[str]:
    """What axe finds serious or critical in the page, everything in it opened and drawn."""
    browser.value(OPENED)
    browser.value((files("axe_core_python") / "axe.min.js").read_text() + ";0")
    return list(browser.value(AXE))


@pytest.mark.sampled
@pytest.mark.parametrize("dark", [False, True])
def test_nobody_is_kept_out_of_a_page(browser: Browser, report: Path, demo: Path, dark: bool) -> None:
    browser.emulate(dark=dark)
    browser.open(report)
    assert barriers(browser) == []
    with served(demo) as server:
        browser.open(server.address)
        assert barriers(browser) == []
        browser.click("tr:has(td.regressed) a")
        wait_for(browser, "location.pathname.startsWith('/incident/')")
        assert barriers(browser) == []
        browser.value("document.querySelectorAll('details').forEach(d => { d.open = true })")
        browser.click(".wide details table a")
        wait_for(browser, "location.pathname === '/timeline'")
        assert barriers(browser) == []


def test_axe_sees_a_barrier(browser: Browser, tmp_path: Path) -> None:
    page = tmp_path / "bad.html"
    page.write_text("<html lang=en><title>x</title><p style='color: #ddd'>pale<p><input>")
    browser.open(page)
    assert [barrier.split(":")[0] for barrier in barriers(browser)] == ["color-contrast", "label"]


def test_without_a_script_everything_is_there(browser: Browser, report: Path) -> None:
    browser.call("Emulation.setScriptExecutionDisabled", value=True)
    browser.open(report)
    assert visible(browser, "table.index tbody tr") == 5
    assert visible(browser, "article") == 5
    assert visible(browser, ".tools") == 0
    assert browser.value("document.querySelectorAll('.f').length") > 20


def test_paper_shows_the_incidents_without_the_tools(browser: Browser, report: Path) -> None:
    browser.open(report)
    browser.emulate(media="print")
    assert visible(browser, ".tools") == 0
    assert visible(browser, "article section") > 10


@pytest.mark.full
def test_what_a_page_did_not_bring_does_not_run(report: Path, tmp_path: Path) -> None:
    bad = tmp_path / "bad.html"
    bad.write_text(report.read_text().replace("</main>", "<script>document.title = 'taken'</script></main>"))
    with Browser() as browser:
        browser.open(bad)
        assert browser.value("document.title") == "Tracemill: what changed"
        assert any("Content Security Policy" in error for error in browser.errors)
