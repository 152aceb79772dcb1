"""show: an incident as a card, as JSON and as a page; from every kind of verdict something leads on."""

from __future__ import annotations

import base64
import hashlib
import itertools
import json
import re
import shutil
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import duckdb
import pytest
from click.testing import CliRunner

from tracemill.flows.cli import main
from tracemill.flows.show.card import Card, card, compare_stacks
from tracemill.flows.show.card_incident import choose, incidents, points
from tracemill.flows.show.card_terminal import as_text
from tracemill.flows.show.card_wording import sentence, short_name
from tracemill.flows.show.differences import Difference
from tracemill.flows.show.interchange.costs import verdict_of
from tracemill.flows.show.page import Links, incident_page, next_steps
from tracemill.flows.show.verdicts import Filter, change, verdicts
from tracemill.flows.verbs.looks import _why_none
from tracemill.warehouse import connect
from tracemill.warehouse.queries import ask_column
from tracemill.warehouse.schema.metrics import METRICS
from tracemill.warehouse.schema.showing import DEGREES, SENTENCES, STACKS

from .models.given import USER_PATH, Given
from .models.story import story

HOSTILE = '</style><script>alert("1")</script><img src=x onerror=alert(2)>\x1b[31m'
VOID = {"meta", "link", "input", "br", "rect", "line", "path", "polyline"}


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
        if tag not in VOID:
            assert self.open.pop() == tag


def card_of(connection: duckdb.DuckDBPyConnection, *words: str) -> Card:
    """The card of the worst incident that the words fit."""
    known = incidents(connection)
    chosen = choose(known, words, [i.build_id for i in known])[0]
    return card(connection, chosen, points(connection)[chosen.metric, chosen.first_subject])


@pytest.fixture(scope="module")
def contention(demo: Path) -> Card:
    with connect(demo) as connection:
        return card_of(connection, "b08")


@pytest.fixture(scope="module")
def leak(demo: Path) -> Card:
    with connect(demo) as connection:
        return card_of(connection, "b05")


def test_the_card_says_what_happened_and_what_that_rests_on(contention: Card) -> None:
    text = as_text(contention)
    head = " ".join(text.split("\n\n")[0].split())
    assert head.startswith("b08: goroutines wait 17.8 times as long in cache.(*Prices).Lookup")
    assert "430 µs → 7.65 ms a request; expected 3" in head
    assert "over 7 builds, 21 runs" in head
    ended, _, differs = head.partition(" what else differs: ")
    assert re.search(r"; ended with b12; commit \w{7}; also ×9.98 in sec/op of server.Shop-2$", ended)
    # The demo's clients ask again when they have their answer.
    assert differs == "work done 11,207 to 12,993 → 1,888 requests/s"


def test_of_many_things_that_differ_the_first_are_told_and_long_ones_cut(contention: Card) -> None:
    found = [Difference(f"label{n}", "a" * 999 if n == 0 else None, "b") for n in range(8)]
    head = " ".join(as_text(replace(contention, differences=found)).split("\n\n")[0].split())
    told = head.partition("what else differs: ")[2].split("; ")
    assert len(told[0]) <= 160
    assert told[1:] == [f"label{n} not said → b" for n in range(1, 6)] + ["and 2 more"]


def test_what_runs_several_functions_more_often_is_named(contention: Card) -> None:
    outer = "example.com/shop/server.(*Server).find"
    assert "several of its functions are reached through server.(*Server).find alone, which" in " ".join(
        as_text(replace(contention, reached_through=outer)).split()
    )
    own = replace(contention, reached_through=contention.incident.function)
    assert "reached through" not in as_text(own)


@pytest.mark.parametrize(
    ("paths", "named"),
    [
        ("sum<query=1 get<query=1 get<serve=1", "query"),
        ("sum<query=1 get<query=.8 get<serve=1 sum<serve=1", "serve"),
        # One calls the other: it is the change of that one.
        ("sum<get=1 sum<query=1 get<query=1", None),
        ("sum<query=1", None),
    ],
)
def test_the_innermost_function_that_reaches_most_of_them_is_named(paths: str, named: str | None) -> None:
    connection = duckdb.connect()
    connection.execute("create table int_metrics as select 'cpu_ns' as metric, 'site' as place")
    connection.execute(
        "create table regressions as select 'i' as incident_id, 'cpu_ns' as metric, 'b5' as first_build_id, "
        "unnest(['sum', 'get']) as function"
    )
    connection.execute(
        "create table int_changed_paths (origin_build_id varchar, function varchar, outer_function varchar, "
        "least_part double, is_as_much boolean, frames_out bigint)"
    )
    for path in paths.split():
        function, outer, part = re.split("[<=]", path)
        frames = 9 if outer == "serve" else 2
        connection.execute(
            "insert into int_changed_paths values ('b5', $1, $2, $3, true, $4)",
            [function, outer, part, frames],
        )
    assert ask_column(connection, "show/reached_through", incident_id="i") == ([named] if named else [])


def test_the_readme_shows_what_show_says(contention: Card) -> None:
    readme = (Path(__file__).parents[1] / "README.md").read_text()
    block = readme.partition("$ tracemill show b08 --warehouse .demo/warehouse\n")[2].partition("```")[0]

    def shapes(text: str) -> list[str]:
        """Lines without their figures."""
        lines = [re.sub(r"[\d.]+(e-\d+)?|x+|(?<=G\d\d) +", "#", line) for line in text.splitlines()]
        return [line for line in lines if line.strip() not in {"", "…"}]

    said = shapes(as_text(contention))
    assert len(shapes(block)) > 10
    assert [line for line in shapes(block) if line not in said] == []


def test_the_card_names_the_lines_of_who_holds_the_lock(contention: Card) -> None:
    assert [(h.holder_file.rsplit("/")[-1], h.holder_line) for h in contention.holders if h.holder_file] == [
        ("prices.go", 53),
        ("prices.go", 49),
    ]
    assert re.search(r"prices\.go:53 +\d+ waits +6\.\d+ ms a request", as_text(contention))


def test_the_card_has_a_bar_for_each_build(contention: Card) -> None:
    bars = re.findall(r"^  (b\d\d)  (█+)", as_text(contention), re.MULTILINE)
    assert [build for build, _ in bars] == [f"b{i:02}" for i in range(1, 14)]
    long = [build for build, bar in bars if len(bar) > 20]
    assert long == ["b08", "b09", "b10", "b11"]


def test_the_lanes_show_the_convoy_and_who_woke_whom(contention: Card) -> None:
    assert contention.lanes is not None
    lanes = contention.lanes.lanes
    assert lanes[0].is_focus
    in_lookup = [
        lane
        for lane in lanes
        if any(i.kind == "lock" and "Lookup" in (i.function or "") for i in lane.intervals)
    ]
    assert len(in_lookup) > 10
    assert len(contention.lanes.wakes) > 10
    assert re.search(
        r"at [\d.]+ ms G\d+ wakes G\d+ in prices\.go:53: waited for the lock", as_text(contention)
    )


def test_a_card_fits_80_columns(demo: Path) -> None:
    with connect(demo) as connection:
        for incident in incidents(connection):
            text = as_text(card_of(connection, incident.incident_id))
            assert max(map(len, text.splitlines())) <= 80, incident.metric


def test_what_is_no_waiting_shows_its_lines_and_no_empty_box(leak: Card) -> None:
    assert [(c.file.rsplit("/")[-1], c.calls) for c in leak.lines] == [("table.go", "runtime.mapassign")]
    text = as_text(leak)
    assert "b05: assigning to maps in session.(*Table).Touch allocates 20.8 times as much" in text
    assert "Who makes them wait" not in text
    assert "wakes" not in text
    page = incident_page(leak, Links())
    assert "Who makes them wait" not in page
    assert 'class="lanes"' not in page
    assert 'class="flame"' in page


def test_the_builds_of_incidents_are_named_in_their_order(demo: Path) -> None:
    with connect(demo) as connection:
        known = incidents(connection)
        # What a later build made known began before what an earlier one did.
        text = _why_none(connection, known[::-1], ("b06",))
    assert text.endswith("incidents begin at b05, b07, b08, b10, b12")


def test_show_answers_on_the_command_line_and_leads_on(demo: Path, tmp_path: Path) -> None:
    def show(*words: str) -> str:
        done = CliRunner().invoke(main, ["show", *words, "--warehouse", str(demo)])
        assert done.exit_code == 0, done.output
        return done.output

    assert show().startswith("b08: ")
    assert show("lookup").startswith("b08: ")
    assert show("b10").startswith("b10: pricing.(*Prices).Quote was cache.(*Prices).Lookup: moved, same cost")
    assert "next: tracemill show" in show("b08")
    assert show("b06").startswith("nothing changed at b06 in what was judged; incidents begin at b05, b07")
    assert show("b08", "b05").startswith("no incident is of b08 and b05 at once; incidents begin at b05, b07")
    # What it made certain of an incident that was known before it.
    assert show("b09").startswith("certain since b09: task_p50_ns of /order: regressed since b08, a part of")
    whole = json.loads(show("b08", "--json"))
    assert whole["headline"].startswith("b08: goroutines wait")
    assert whole["timeline"]["lanes"]
    show("b08", "--html", str(tmp_path / "page.html"))
    page = (tmp_path / "page.html").read_text()
    assert "<h1" in page
    # As the screen does, it counts the figures that it does not list.
    assert len(whole["members"]) == 16 and "and 3 more" in page


def test_incidents_that_are_not_named_are_counted(demo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with connect(demo) as connection:
        others = len(incidents(connection)) - 1
    where = f"--warehouse {demo}"

    def also(most: int, *words: str) -> list[str]:
        monkeypatch.setattr("tracemill.flows.verbs.looks.MAX_OTHERS", most)
        done = CliRunner().invoke(main, ["show", *words, "--warehouse", str(demo)])
        return [line for line in done.stdout.splitlines() if line.startswith("also: ")]

    assert len(also(others)) == others
    shown = also(others - 2)
    assert (len(shown), shown[-1]) == (others - 1, f"also: 2 more (tracemill regressions {where})")
    assert also(0, "b08") == []


def test_a_word_that_nothing_fits_is_told_with_what_there_is(demo: Path) -> None:
    done = CliRunner().invoke(main, ["show", "Lokup", "--warehouse", str(demo)])
    assert done.exit_code == 2
    assert "no incident fits 'Lokup'; there are incidents of session.(*Table).Touch, cache" in done.output


def test_a_warehouse_that_another_tracemill_built_is_told(demo: Path, tmp_path: Path) -> None:
    shutil.copy(demo / "warehouse.duckdb", tmp_path)
    with connect(tmp_path, read_only=False) as connection:
        connection.execute("drop table int_stack_costs")
    done = CliRunner().invoke(main, ["show", "b08", "--warehouse", str(tmp_path)])
    assert done.exit_code == 2
    assert "tracemill: another Tracemill made this warehouse; run `tracemill build`" in done.output


@pytest.mark.full
def test_the_worst_open_incident_comes_first() -> None:
    with story(contention=10).models() as connection:
        connection.execute("update incidents set ended_build_id = 'b12' where status = 'regressed'")
        connection.execute("update incidents set weight = if(metric = 'block_ns', 1000, 1)")
        assert card_of(connection).incident.metric == "block_ns"
        open_one = "metric = 'mapassign_alloc_bytes' and status = 'regressed'"
        connection.execute(f"update incidents set ended_build_id = null where {open_one}")
        assert card_of(connection).incident.metric == "mapassign_alloc_bytes"


def test_builds_without_traces_say_what_is_missing() -> None:
    given = story()
    given.tables["goroutine_intervals"].clear()
    given.tables["captures"] = [c for c in given.tables["captures"] if c["kind"] != "trace"]
    with given.models() as connection:
        shown = card_of(connection, "mapassign")
        assert shown.lanes is None
        assert shown.missing == ["no timeline: b4 has no execution trace"]
        assert "missing: no timeline: b4 has no execution trace" in as_text(shown)


def worse(what: str) -> Given:
    """Builds b1 to b7 of three runs, from b5 on with leaked goroutines, or with a slower benchmark."""
    given = Given()
    stack = given.stack("runtime.chanrecv1", "app/worker.(*Pool).wait", *USER_PATH)
    for build in range(1, 8):
        for run in "123":
            profile = given.capture(f"b{build}", run, "goroutineleak")
            if build >= 5 and what == "leak":
                given.tables["profile_samples"].append(
                    {
                        "capture_id": profile,
                        "sample_index": 0,
                        "sample_type": "goroutineleak",
                        "unit": "count",
                        "value": 12,
                        "stack_id": stack,
                    }
                )
            bench = given.capture(f"b{build}", run, "benchmarks", format="benchmarks")
            given.tables["benchmarks"].append(
                {
                    "capture_id": bench,
                    "line": 1,
                    "name": "Shop",
                    "procs": 2,
                    "iterations": 100,
                    "metric": "sec/op",
                    "unit": "sec/op",
                    "value": (3e-6 if build >= 5 and what == "benchmark" else 1e-6)
                    * (1 + build * int(run) / 1000),
                }
            )
    return given


@pytest.mark.full
def test_a_goroutine_leak_and_a_benchmark_are_shown_too() -> None:
    with worse("leak").models() as connection:
        shown = card_of(connection, "goroutine_leak_count")
        assert shown.headline == "b5: goroutines leak in worker.(*Pool).wait: 12"
        assert shown.call_path[0].startswith("runtime.chanrecv1  app.go:1")
        assert shown.incident.exemplar_kind == "goroutineleak"
        assert Tags(incident_page(shown, Links())).seen
        assert "In its lines" in as_text(shown)
    with worse("benchmark").models() as connection:
        shown = card_of(connection, "sec/op")
        assert re.fullmatch(r"b5: Benchmark Shop-2 takes [23]\.?\d* times as long", shown.headline)
        assert Tags(incident_page(shown, Links())).seen
        assert "missing: no call paths" in as_text(shown)


@pytest.mark.full
@pytest.mark.parametrize(
    ("function", "is_shown"),
    [
        ("app.BenchmarkShop", True),
        ("app_test.BenchmarkShop.func2", True),
        ("app.BenchmarkShopping", False),
        ("app/cache.BenchmarkShop", False),
    ],
)
def test_of_a_benchmark_only_stacks_that_hold_it_are_shown(function: str, is_shown: bool) -> None:
    given = worse("benchmark")
    for line in given.tables["benchmarks"]:
        line |= {"name": "Shop/of=small", "package": "app"}
    stack = given.stack("app.hot", function, "testing.(*B).runN")
    for build in range(1, 8):
        profile = given.capture(f"b{build}", "1", "cpu", duration_ns=10**10)
        cpu = {"capture_id": profile, "sample_index": 0, "sample_type": "cpu", "unit": "nanoseconds"}
        given.tables["profile_samples"].append(cpu | {"value": build * 10**9, "stack_id": stack})
    with given.models() as connection:
        shown = card_of(connection, "sec/op")
        assert shown.incident.subject == "app.Shop/of=small-2"
        assert bool(shown.call_path) == bool(shown.stacks) == is_shown
        said = "no call paths: no profile of package app was taken with BenchmarkShop in it"
        assert (said in shown.missing) == (not is_shown)


def test_what_moved_has_the_same_cost_only_where_it_has(contention: Card) -> None:
    for ratio, end in (
        (1.2, "same cost"),
        (0.81, "same cost"),
        (1.34, "cannot be told"),
        (32, "cannot be told"),
    ):
        moved = contention.incident._replace(status="moved", moved_from="a.F", change_ratio=ratio)
        assert sentence(moved).endswith(end)


@pytest.mark.parametrize(
    ("metric", "begins", "ends"),
    [
        (
            "alloc_bytes",
            "a.F allocates, where the profiles showed none before",
            "a.F allocates no more, as far as the profiles show",
        ),
        (
            "cpu_ns",
            "a.F takes CPU time, where the profiles showed none before",
            "a.F takes no more CPU time, as far as the profiles show",
        ),
        (
            "inuse_objects",
            "a.F keeps objects in use, where the profiles showed none before",
            "a.F keeps no more objects in use, as far as the profiles show",
        ),
        ("syscall_count", "a.F makes system calls for the first time", "a.F makes system calls no more"),
    ],
)
def test_of_samples_none_is_not_told_to_be_none(
    contention: Card, metric: str, begins: str, ends: str
) -> None:
    there = contention.incident._replace(metric=metric, function="a.F", status="regressed")
    new = there._replace(before=0.0, after=1.0, change_ratio=None)
    gone = there._replace(before=1.0, after=0.0, change_ratio=0.0)
    assert (sentence(new), sentence(gone)) == (begins, ends)
    said = ("new", "gone") if metric == "syscall_count" else ("first seen", "not seen")
    assert (change(new), change(gone)) == said


def test_what_an_operation_of_a_benchmark_costs_is_told_of_the_function_below_it(contention: Card) -> None:
    given = contention.incident._replace(
        function="a/b.F", calling_function="a/b.BenchmarkG", before=1.0, after=3.0, change_ratio=3.0
    )
    below = given._replace(metric="benchmark_alloc_bytes")
    called = given._replace(metric="alloc_bytes")
    assert sentence(below) == "b.F below b.BenchmarkG allocates 3 times as much an operation"
    assert sentence(called) == "b.F as b.BenchmarkG calls it allocates 3 times as much"


def test_every_judged_metric_has_a_sentence_that_can_be_filled(contention: Card) -> None:
    assert {m.name for m in METRICS.values() if m.is_judged} - {"bench *"} == set(SENTENCES)
    assert set(STACKS) <= set(METRICS)
    for metric in [*SENTENCES, "bench p99-ns", "mine"]:
        for ratio, before, after in ((3.0, 1.0, 3.0), (1.2, 1.0, 1.2), (0.5, 2.0, 1.0), (None, 0.0, 2.0)):
            given = contention.incident._replace(
                metric=metric, change_ratio=ratio, before=before, after=after, function="a/b.F"
            )
            said = sentence(given)
            assert "{" not in said
            assert "a/b" not in said
    for degree in DEGREES.values():
        assert all((degree.equal, degree.more, degree.less, degree.begins, degree.ends))


def test_names_lose_their_path_and_nothing_else() -> None:
    assert (
        short_name("github.com/a/b/cache.(*Prices[go.shape.string/x]).Get")
        == "cache.(*Prices[go.shape.string/x]).Get"
    )
    assert short_name("a/b.F (sync) from a/c.(*T).G") == "b.F (sync) from c.(*T).G"
    assert short_name("/order") == "/order"
    assert short_name("a.com/kiln/route.Lookup/param-2") == "route.Lookup/param-2"
    assert short_name("Lookup/param-2") == "Lookup/param-2"
    assert short_name("main.main") == "main.main"


def test_hostile_names_stay_text_on_page_and_terminal() -> None:
    given = story()
    for stack in given.tables["stacks"]:
        stack["functions"] = [f.replace("session", HOSTILE) for f in stack["functions"]]
        stack["files"] = [HOSTILE] * len(stack["files"])
    with given.models() as connection:
        shown = card_of(connection, "mapassign")
        page = incident_page(shown, Links("https://x.example/{commit}", "https://x.example/{file}#L{line}"))
        text = as_text(shown)
    tags = Tags(page).seen
    assert [tag for tag, _ in tags].count("script") == 1
    assert "img" not in {tag for tag, _ in tags}
    assert not any(name.startswith("on") for _, attrs in tags for name in attrs)
    assert page.count("&lt;script&gt;") > 5
    assert "\x1b" not in page + text
    links = [a["href"] for tag, a in tags if tag == "a"]
    assert links
    assert all(link and link.startswith("https://x.example/") and " " not in link for link in links)


def test_a_page_allows_its_own_style_and_script_and_nothing_else(contention: Card) -> None:
    page = incident_page(contention, Links())
    policy = re.search(r'Content-Security-Policy" content="([^"]+)"', page)
    assert policy
    rules = dict(rule.strip().split(" ", 1) for rule in policy[1].replace("&#39;", "'").split(";"))
    assert rules["default-src"] == "'none'"
    for tag in ("style", "script"):
        found = re.search(rf"<{tag}>(.*?)</{tag}>", page, re.DOTALL)
        assert found
        digest = base64.b64encode(hashlib.sha256(found[1].encode()).digest()).decode()
        assert rules[f"{tag}-src"] == f"'sha256-{digest}'"
    assert not re.search(
        r'https?://|url\(|@import|<link(?! rel="icon" href="data:,")|<iframe|\bstyle=|\bon\w+="', page
    )


def test_a_path_whose_last_part_has_dots_is_found_as_it_is_imported() -> None:
    given = Given()
    # As symbols have it: the dots of the last part are escaped.
    node = "gopkg.in/yaml%2ev3.(*parser).node"
    grows, steady = given.stack(node, *USER_PATH), given.stack("app/catalog.List", *USER_PATH)
    for number, run in itertools.product(range(1, 9), range(1, 4)):
        size = 400_000_000 + 4_000_000 * (number * run % 5)
        sites = [(grows, 0x100, size * 2 if number > 5 else size), (steady, 0x200, 300_000_000)]
        given.heap(f"b{number}", str(run), sites)
    with given.all_models() as connection:
        for package in ("gopkg.in/yaml.v3", "yaml.v3", "gopkg.in/yaml%2ev3"):
            assert {v.name for v in verdicts(connection, Filter(package=package))} == {node}
            assert verdict_of(connection, "b6", package).name == node
            assert [i.function for i in choose(incidents(connection), [package], [])] == [node]


def test_links_need_a_template_and_fill_it_safely() -> None:
    links = Links("https://git.example/c/{commit}", "https://git.example/b/{commit}/{file}#L{line}")
    assert links.commit("abc") == "https://git.example/c/abc"
    assert links.source("abc", 'a b/"x.go', 3) == "https://git.example/b/abc/a%20b/%22x.go#L3"
    assert Links().commit("abc") is None
    assert Links("javascript:alert(1)//{commit}").commit("abc") is None
    assert links.source(None, "x.go", 3) is None


def test_links_come_from_the_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert Links.configured() == Links()
    (tmp_path / "tracemill.toml").write_text('commit_url = "https://git.example/c/{commit}"\n')
    assert Links.configured().commit("abc") == "https://git.example/c/abc"


def test_builds_that_count_their_work_differently_are_not_set_side_by_side() -> None:
    given = story()
    given.tables["run_work"] = [w for w in given.tables["run_work"] if w["build_id"] != "b9"]
    with given.models() as connection:
        both = compare_stacks(connection, "block_ns", "b8", "b10")
        assert both
        assert both.unit == "ns/requests"
        assert all(r.before > 0 for r in both.rows if "cache" in (r.function or ""))
        assert compare_stacks(connection, "block_ns", "b8", "b9") is None


@pytest.mark.parametrize(("metric", "is_shown"), [("mapassign_alloc_bytes", True), ("block_ns", False)])
def test_a_run_that_counts_no_work_makes_no_call_path_costlier(metric: str, is_shown: bool) -> None:
    given = Given()
    put, *callers = "app/cache.(*Cache).Put", *USER_PATH
    locks, allocates = given.stack("sync.(*Mutex).Lock", put, *callers), given.stack(put, *callers)
    for build, run in itertools.product(("b1", "b2"), "123"):
        trace = given.trace(build, run, [(locks, "sync", 60_000_000)])
        given.heap(build, run, [(allocates, 0x100, 8_000_000)])
        given.names(trace, [(0x101, put, 1, "runtime.mapassign_faststr")])
        if (build, run) != ("b2", "3"):
            work = {"build_id": build, "run_id": run, "work_unit": "requests", "work_count": 1000}
            given.tables["run_work"].append(work)
    with given.models() as connection:
        connection.make(["int_stack_costs", "mapassign_allocations", "int_run_measures", "metrics"])
        found = compare_stacks(connection, metric, "b1", "b2")
        sides = [(row.before, row.after) for row in found.rows] if found else []
        assert bool(sides) == is_shown
        assert all(before == pytest.approx(after) for before, after in sides)


def test_a_page_is_small_beside_what_it_tells_of(contention: Card, demo: Path) -> None:
    raw = sum(f.stat().st_size for f in demo.rglob("*.parquet"))
    assert len(incident_page(contention, Links()).encode()) < raw / 20


def test_next_steps_of_a_build_are_one_command_each(demo: Path) -> None:
    with connect(demo) as connection:
        incident = incidents(connection)[0]
    opened = incident._replace(ended_build_id=None, seen_build_id="a b; id", exemplar_start_ns=None)
    assert next_steps(opened)[0] == "tracemill gate --candidate 'a b; id'"
