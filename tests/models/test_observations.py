"""What regressions are found in: each figure with its unit, and which of them raise alarms."""

from __future__ import annotations

from typing import NamedTuple

import pytest

from tracemill.warehouse.queries import ask

from .given import USER_PATH, Given, rows
from .story import CALLS


class Watched(NamedTuple):
    """A metric as `tracemill metrics` shows it."""

    metric: str
    worse: str


START, SERVE = "app/pool.(*Pool).Start", "app/pool.(*Pool).serve"


def dumped(counts) -> Given:
    """Builds b1 to b8 of three runs, each with a dump of counts(build) goroutines: creator → how many."""
    given = Given()
    stack = given.stack("runtime.gopark", SERVE)
    for build in range(1, 9):
        for run in "123":
            capture_id = given.capture(f"b{build}", run, "goroutine_dump", format="goroutine_dump")
            creators = [creator for creator, count in counts(build).items() for _ in range(count)]
            given.tables["goroutine_dump"] += [
                {
                    "capture_id": capture_id,
                    "goroutine_id": number,
                    "state": "chan receive" if number % 2 else "select",
                    "stack_id": stack,
                    "created_by": creator,
                }
                for number, creator in enumerate(creators, 1)
            ]
    return given


def test_goroutines_that_become_many_are_a_regression_and_a_few_more_are_none():
    def counts(build):
        return {START: 250 if build >= 6 else 50, "app/cache.New": 9 if build >= 6 else 3, "": 1}

    with dumped(counts).models() as connection:
        found = rows(connection, "select build_id, metric, subject, status, unit, after from regressions")
        by_state = rows(
            connection,
            "select subject, wait_reason, value from observations where metric = 'goroutine_state_count' "
            f"and build_id = 'b1' and run_id = '1' and function = '{START}' order by all",
        )
    assert [f[:5] for f in found] == [("b6", "goroutine_count", START, "regressed", "count")]
    assert round(found[0][5]) == 250
    assert by_state == [
        (f"{START} (chan receive)", "chan receive", 25.0),
        (f"{START} (select)", "select", 25.0),
    ]


def test_goroutines_that_are_gone_from_a_whole_dump_are_none():
    def counts(build):
        return {"": 1} if build >= 6 else {START: 250, "": 1}

    with dumped(counts).models() as connection:
        assert rows(connection, "select build_id, status, after from regressions") == [("b6", "improved", 0)]


@pytest.mark.parametrize(
    ("function", "is_judged"),
    [
        ("net/http/pprof.Trace", False),
        ("runtime/trace.(*traceMultiplexer).startLocked.func1", False),
        ("runtime.(*traceAdvancerState).start.func1", False),
        ("app/trace.Start", True),
        ("runtime/debug.FreeOSMemory", True),
    ],
)
def test_what_capturing_costs_is_neither_better_nor_worse(function, is_judged):
    with dumped(lambda build: {function: 250 if build >= 6 else 50}).models() as connection:
        assert len(rows(connection, "select * from regressions")) == is_judged
        values = "select max(value) from observations where metric = 'goroutine_count'"
        assert rows(connection, values) == [(250,)]


def test_what_capturing_costs_is_not_of_the_code_that_wraps_its_handlers():
    path = ("net/http.HandlerFunc.ServeHTTP", "app.instrumented", "net/http.serverHandler.ServeHTTP")
    taken, own = (
        ("compress/flate.NewWriter", "runtime/pprof.newProfileBuilder", "net/http/pprof.Profile"),
        "app.f",
    )
    given = Given()
    stacks = given.stack(*taken, *path), given.stack("bytes.growSlice", own, *path)
    for build in range(1, 9):
        size = 8_000_000 if build < 6 else 80_000_000
        for run in "123":
            given.heap(f"b{build}", run, [(stack, 0, size) for stack in stacks])
            capture_id = given.capture(f"b{build}", run, "cpu", duration_ns=10**9)
            given.tables["profile_samples"].append(
                {
                    "capture_id": capture_id,
                    "sample_index": 0,
                    "sample_type": "cpu",
                    "unit": "nanoseconds",
                    "value": size * 10,
                    "stack_id": stacks[0],
                    "sampling_period": 10**7,
                }
            )
    with given.models() as connection:
        found = rows(connection, "select distinct function from regressions where function is not null")
        costs = rows(connection, "select distinct metric, subject from observations where measure = 'cpu'")
    assert found == [(own,)]
    assert sorted(costs) == [("cpu_ns", "net/http/pprof.Profile"), ("process_cpu_ns", "program")]


def test_goroutines_of_profiles_and_traces_are_counted_by_their_entry():
    given = Given()
    profile = given.capture("b1", "1", "goroutine")
    given.tables["profile_samples"].append(
        {
            "capture_id": profile,
            "sample_index": 0,
            "sample_type": "goroutine",
            "unit": "count",
            "value": 7,
            "stack_id": given.stack("runtime.gopark", SERVE, "app/pool.run", "runtime.goexit"),
        }
    )
    trace = given.trace("b1", "1", [])
    for number, ended_ns in enumerate((None, None, 5)):
        given.tables["goroutines"].append(
            {
                "capture_id": trace,
                "goroutine_id": number,
                "entry_function": "app/pool.run",
                "created_ns": 0,
                "ended_ns": ended_ns,
            }
        )
    query = """
        select metric, subject, value, unit, polarity from observations
        where metric like 'goroutine%' order by metric
    """
    with given.models() as connection:
        assert rows(connection, query) == [
            ("goroutine_live_count", "app/pool.run", 2.0, "count", 1),
            ("goroutine_profile_count", "app/pool.run", 7.0, "count", 1),
        ]


@pytest.mark.parametrize(
    ("leaking", "found"),
    [
        ("app.notify.func1", [["app.notify.func1", "unknown"]]),
        (None, [["unknown"]]),
    ],
)
def test_goroutines_that_begin_nobody_knows_where_belong_to_those_that_explain_them(leaking, found):
    """Of a leak, goroutines that slept from the start of the trace on, before Go 1.23."""
    given = Given()
    for build in range(1, 9):
        for run in "123":
            trace = given.trace(f"b{build}", run, [])
            entries = ["app.serve"] * 40 + [None] * 20
            if build >= 6:
                entries += [leaking] * 200 + [None] * 60
            given.tables["goroutines"] += [
                {"capture_id": trace, "goroutine_id": number, "entry_function": entry}
                for number, entry in enumerate(entries, 1)
            ]
    query = """
        select list(subject order by subject) from regressions
        where metric = 'goroutine_live_count' group by incident_id
    """
    with given.models() as connection:
        assert [members for (members,) in rows(connection, query)] == found


def test_the_collectors_shares_are_of_the_traces_time():
    given = Given()
    trace = given.trace("b1", "1", [], seconds=2)
    for name, scope, duration_ns in (
        ("GC mark assist", "goroutine", 200_000_000),
        ("stop-the-world (GC mark termination)", "global", 20_000_000),
    ):
        given.tables["trace_ranges"].append(
            {"capture_id": trace, "start_ns": 0, "name": name, "scope": scope, "duration_ns": duration_ns}
        )
    text = given.capture("b1", "1", "gctrace", format="gctrace")
    for cycle, percent in ((1, 9.0), (2, 4.0)):
        given.tables["gc_cycles"].append(
            {"capture_id": text, "process_index": 0, "cycle": cycle, "gc_cpu_percent": percent}
        )
    query = "select metric, value, unit from observations where metric like '%share' order by metric"
    with given.models() as connection:
        assert rows(connection, query) == [
            ("gc_assist_share", 0.1, "share"),
            ("gc_cpu_share", 0.04, "share"),
            ("gc_pause_share", 0.01, "share"),
        ]


@pytest.mark.full
def test_a_package_is_the_sum_of_its_sites_and_raises_no_alarm_of_its_own():
    given = Given()
    for build in range(1, 9):
        given.binary(f"b{build}", CALLS)
        sites = [
            (
                given.stack("app/shop.(*Cart).Add", *USER_PATH),
                0x1000,
                90_000_000 if build >= 6 else 9_000_000,
            ),
            (given.stack("app/shop.List[go.shape.int]", *USER_PATH), 0x2000, 20_000_000),
        ]
        for run in "123":
            given.heap(f"b{build}", run, sites)
    with given.models() as connection:
        sums = rows(
            connection,
            """
            select metric, subject, value from observations
            where build_id = 'b1' and run_id = '1' and metric like 'package%alloc_bytes' order by all
            """,
        )
        objects = rows(
            connection,
            "select distinct subject from observations where metric = 'mapassign_inuse_objects' order by all",
        )
        found = rows(
            connection, "select distinct metric, subject from regressions where is_lead order by all"
        )
    assert sums == [("package_mapassign_alloc_bytes", "app/shop", 29_000_000.0)]
    assert [s for (s,) in objects] == ["app/shop.(*Cart).Add", "app/shop.List[...]"]
    assert found == [("mapassign_alloc_bytes", "app/shop.(*Cart).Add")]


@pytest.mark.sampled
@pytest.mark.parametrize("dumps", [2, 1])
def test_goroutines_that_become_more_within_a_run_are_found_where_earlier_builds_could_show_it(dumps):
    """dumps: of each run of the builds before b6; with one, nothing is known of growth there."""
    given = Given()
    stack = given.stack("runtime.chanrecv1", "app/workers.run")
    for build in range(1, 11):
        for number in range(1, (dumps if build < 6 else 2) + 1):
            for run in "123":
                capture_id = given.capture(f"b{build}", run, "goroutine_dump", format="goroutine_dump")
                given.tables["captures"][-1] |= {
                    "capture_id": f"{capture_id}/{number}",
                    "path": f"b{build}/{run}/{number}.txt",
                }
                row = {"state": "select", "stack_id": stack, "created_by": START}
                given.tables["goroutine_dump"] += [
                    row | {"capture_id": f"{capture_id}/{number}", "goroutine_id": goroutine}
                    for goroutine in range(250 if build >= 6 and number == 2 else 50)
                ]
    with given.models() as connection:
        query = "select build_id, status from regressions where metric = 'growth_goroutine_count'"
        assert rows(connection, query) == ([("b6", "regressed")] if dumps == 2 else [])


def test_a_trace_of_a_part_of_the_run_is_divided_by_its_part_of_the_work():
    given = Given()
    wait = given.stack("sync.(*Mutex).Lock", "app.f", *USER_PATH)
    given.trace("b1", "1", [(wait, "sync", 4_000_000)], seconds=2)
    for unit, count in (("requests", 900), ("seconds", 9)):
        given.tables["run_work"].append(
            {"build_id": "b1", "run_id": "1", "work_unit": unit, "work_count": count}
        )
    query = "select distinct value, unit from observations where metric = 'block_ns'"
    with given.models() as connection:
        assert rows(connection, query) == [(20_000.0, "ns/requests")]
        assert rows(connection, "select distinct value from int_build_loads where condition = 'load'") == [
            (100.0,)
        ]


def benchmarked(better) -> Given:
    """Builds b1 to b8 of a benchmark with a unit of its own, which is twice as much from b6 on."""
    given = Given()
    for build in range(1, 9):
        for run in "123":
            capture_id = given.capture(f"b{build}", run, "benchmarks", format="benchmarks")
            value = (20 if build >= 6 else 10) + int(run) / 100
            given.tables["benchmarks"].append(
                {"capture_id": capture_id, "line": 1, "package": "app", "name": "Put", "procs": 2}
                | {"metric": "p99", "unit": "p99", "value": value, "better": better(build)}
            )
    return given


@pytest.mark.parametrize(
    ("better", "verdicts"),
    [
        (lambda build: "lower" if build == 7 else None, [("b6", "bench p99", "regressed", 1)]),
        (lambda build: "higher", [("b6", "bench p99", "improved", -1)]),
        (lambda build: "higher" if build > 4 else "lower", []),
        (lambda build: None, []),
    ],
    ids=["said by one build", "higher", "said in both ways", "not said"],
)
def test_a_unit_of_a_benchmark_is_judged_where_a_unit_line_says_which_way_is_better(better, verdicts):
    with benchmarked(better).models() as connection:
        assert rows(connection, "select build_id, metric, status, polarity from regressions") == verdicts
        worse = {1: "up", -1: "down"}[verdicts[0][3]] if verdicts else ""
        assert [m.worse for m in ask(connection, "verdicts/metrics", Watched)] == [worse]
