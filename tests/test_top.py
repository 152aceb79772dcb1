"""`top` of the demo's builds: per request, against another build, within 80 columns, for machines."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import duckdb
import pytest
from click.testing import CliRunner, Result

from tracemill.flows.cli import main
from tracemill.flows.show.top import KINDS, as_json, as_text, top
from tracemill.flows.verbs.top import _next_step
from tracemill.warehouse import connect

PACKAGE = "storefront/internal/"
LOOKUP = PACKAGE + "cache.(*Prices).Lookup"


def tracemill(demo: Path, *args: object) -> Result:
    done = CliRunner().invoke(main, [*map(str, args), "--warehouse", str(demo)])
    assert done.exit_code == 0, done.output
    return done


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_has_rows_and_fits_80_columns(demo: Path, kind: str) -> None:
    with connect(demo) as connection:
        text = as_text(top(connection, [kind], "b08", "b06"), "b08", 10, 80, "b06")
    assert text.startswith(f"{kind} of b08 against b06: {KINDS[kind].text}")
    lines = text.splitlines()
    assert len(lines) > 3
    assert all(len(line) <= 80 for line in lines), max(lines, key=len)


def test_as_many_idle_rows_are_shown_as_are_asked_for(demo: Path) -> None:
    few = tracemill(demo, "top", "waits").stdout
    (said,) = [line for line in few.splitlines() if line.endswith(" shows all")]
    assert "shows all" not in tracemill(demo, "top", "waits", "-n", said.split()[-3]).stdout


@pytest.mark.parametrize(
    ("file", "verb"), [("r1/heap.pb.gz", "top"), ("r1/trace.out.xz", "top"), ("r1/bench.txt", "sql --file")]
)
def test_inspect_leads_to_what_shows_something(demo: Path, file: str, verb: str) -> None:
    path = Path(__file__).parent.parent / "examples/artifacts/b08" / file
    done = CliRunner().invoke(main, ["inspect", str(path)])
    assert f"next: tracemill {verb} {path}" in done.stderr.replace("\n", "")


def test_an_unknown_build_is_told_the_newest(demo: Path) -> None:
    done = CliRunner().invoke(main, ["top", "waits", "--build", "nope", "--warehouse", str(demo)])
    assert "no build 'nope'; there is b04, b05," in done.stderr and "b13 and 3 more" in done.stderr


def test_against_another_build_what_differs_most_comes_first(demo: Path) -> None:
    shown = tracemill(demo, "top", "waits", "--build", "b08", "--against", "b06").stdout.splitlines()
    assert shown[1].split() == ["function", "reason", "before", "time", "change"]
    assert shown[2].split() == ["a", "request", "a", "request"]
    assert shown[4].startswith(LOOKUP)
    assert "ms" in shown[4]
    assert "×" in shown[4]


def test_against_another_build_lines_that_moved_are_one_row_and_machines_get_what_was_before(
    demo: Path,
) -> None:
    words = ("top", "locks", "--build", "b08", "--against", "b06", "--json")
    found = json.loads(tracemill(demo, *words).stdout)["locks"]
    first = found[0]
    assert (first["waiter"], first["holder"]) == (LOOKUP, LOOKUP)
    assert first["block_ns_per_unit"] > 10 * first["before"] > 0
    assert sum(row["waiter"] == LOOKUP == row["holder"] for row in found) == 1


def test_the_map_that_leaks_is_on_top_with_its_line_and_evidence(demo: Path) -> None:
    found = json.loads(tracemill(demo, "top", "maps", "--build", "b05", "--json").stdout)
    assert found["build_id"] == "b05"
    touch = next(row for row in found["maps"] if "Touch" in row["function"])
    assert touch["evidence"] == "call_target"
    assert touch["per"] == "requests"
    assert touch["alloc_bytes_per_unit"] == pytest.approx(581, rel=0.2)


def test_the_newest_build_and_all_its_kinds_are_shown_when_none_is_named(demo: Path) -> None:
    done = tracemill(demo, "top", "-n", "2")
    for kind in ("waits", "locks", "maps", "heap", "cpu", "latency", "goroutines", "tasks"):
        assert f"{kind} of b13: " in done.stdout
    assert "next: tracemill top " in done.stderr


def test_a_build_that_is_not_there_gets_the_nearest(demo: Path) -> None:
    done = CliRunner().invoke(main, ["top", "--build", "b80", "--warehouse", str(demo)])
    assert (done.exit_code, "did you mean" in done.stderr) == (2, True)


def test_a_function_that_grows_in_both_builds_is_one_row_however_many_there_were_at_first() -> None:
    with duckdb.connect() as connection:
        connection.execute("""
            create table int_build_measures as select 'b1' as build_id, 'goroutines' as measure,
                1 as run_count, null::text as per, null::double as divisor;
            create table int_goroutine_counts (
                build_id text, function text, metric text, goroutine_count bigint
            );
            create table goroutine_leaks as select build_id, 'app.loop' as function,
                'goroutine_growth' as evidence, now_there as goroutine_count,
                at_first as first_goroutine_count,
            from (values ('b1', 3, 6), ('b2', 0, 9)) as _ (build_id, at_first, now_there)
        """)
        (row,) = as_text(top(connection, ["goroutines"], "b2", "b1"), "b2", 10, 80, "b1").splitlines()[3:]
        assert row.split() == ["app.loop", "grows", "6", "9", "×1.5"]
        alone = as_text(top(connection, ["goroutines"], "b1"), "b1", 10, 80)
        assert alone.splitlines()[-1].split() == ["app.loop", "grows", "3", "6"]


def test_time_ready_is_per_unit_of_work() -> None:
    with duckdb.connect() as connection:
        connection.execute("""
            create table int_build_measures as select 'b1' as build_id, 'trace' as measure, 2 as run_count,
                'requests' as per, 1000.0 as divisor;
            create table scheduler_latency as select 'b1' as build_id, 'app.serve' as entry_function,
                'app.wake' as function, 3000 as runnable_count, 2000000 as runnable_ns,
                10 as p50_ns, 20 as p99_ns, 30 as max_ns;
        """)
        found = top(connection, ["latency"], "b1")
        shown = as_text(found, "b1", 10, 80).splitlines()
        assert shown[0].endswith("(1,000 requests in 2 runs)")
        assert shown[2].split() == ["a", "request", "a", "request"]
        assert shown[-1].split() == ["app.serve", "app.wake", "2", "µs", "3", "20", "ns", "30", "ns"]
        connection.execute("delete from int_build_measures")
        assert top(connection, ["latency"], "b1")[0].rows[0]["runnable_ns_per_unit"] is None


def test_the_next_step_is_one_command_whatever_a_build_is_called() -> None:
    step = _next_step(["cpu"], "it's $(id) `id`", "")
    shown = subprocess.run(["sh", "-c", f"printf '%s|' {step}"], capture_output=True, text=True, check=True)
    assert shown.stdout == "tracemill|sql|from cpu_functions where build_id = 'it''s $(id) `id`'|"


def delays(*rows: str) -> duckdb.DuckDBPyConnection:
    """Delays of two builds: build, profile, function, delay of 1000 requests or, where it says s, of 10 s."""
    connection = duckdb.connect()
    connection.execute("""
        create table int_build_measures (
            build_id text, measure text, run_count bigint, per text, divisor double
        );
        create table contention (
            build_id text, function text, kind text, is_contention bool, delay_ns bigint,
            contention_count bigint, delay_ns_per_unit double, contention_count_per_unit double, per text
        );
    """)
    for build, kind, function, delay, per in map(str.split, rows):
        units = 10 if per == "s" else 1000
        connection.execute(
            "insert into contention values ($1, $2, $3, true, $4, 1, $4 / $5, 1 / $5, $6)",
            [build, function, kind, int(delay), units, per],
        )
        connection.execute(
            "insert into int_build_measures values ($1, $2, 3, $3, $4)", [build, kind, per, units]
        )
    return connection


def test_figures_per_second_are_not_compared_with_figures_per_request() -> None:
    with delays("b1 mutex app.Get 9000000 s", "b2 mutex app.Get 9000000 requests") as connection:
        found = top(connection, ["contention"], "b2", "b1")
    text = as_text(found, "b2", 10, 80, "b1")
    assert "not compared: mutex: figures of b1 are per second, those of b2 per request" in text
    assert text.splitlines()[-1].split() == ["app.Get", "mutex", "9", "µs", "0.001"]
    told = as_json(found, "b2", 10, "b1")
    assert told["not_compared"] == {"contention": found[0].apart}


def test_what_the_other_build_has_no_capture_of_is_not_new() -> None:
    rows = (
        "b1 mutex app.Get 1000 requests",
        "b2 mutex app.Put 2000000 requests",
        "b2 block app.Get 9000 requests",
    )
    with delays(*rows) as connection:
        text = as_text(top(connection, ["contention"], "b2", "b1"), "b2", 10, 80, "b1")
        nothing = as_text(top(connection, ["contention"], "b2", "b3"), "b2", 10, 80, "b3")
        gone = as_text(top(connection, ["contention"], "b3", "b2"), "b3", 10, 80, "b2")
    assert "not compared: block: b1 has no capture that would show any" in text
    lines = [line.split() for line in text.splitlines()[-3:]]
    assert lines == [
        ["app.Put", "mutex", "0", "2", "µs", "first", "seen"],
        ["app.Get", "mutex", "1", "ns", "0", "not", "seen"],
        ["app.Get", "block", "9", "ns"],
    ]
    assert "seen" not in nothing and "not compared: mutex: b3 has no capture" in nothing
    assert "none: b3 has no capture that would show any" in gone
