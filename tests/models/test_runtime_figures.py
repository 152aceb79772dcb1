"""What a program says of its runtime, given as rows: its last snapshot, and between first and last."""

from __future__ import annotations

import pytest

from .given import Given, rows

LIVE, CYCLES, CPU = "/gc/heap/live:bytes", "/gc/cycles/total:gc-cycles", "/cpu/classes/total:cpu-seconds"
GC_CPU, PROCS = "/cpu/classes/gc/total:cpu-seconds", "/sched/gomaxprocs:threads"
SECOND = 10**9


def snapshot(given: Given, capture_id: str, index: int, at: int | None, values: dict[str, float]) -> None:
    for name, value in values.items():
        given.tables["runtime_metrics"].append(
            {
                "capture_id": capture_id,
                "snapshot_index": index,
                "series_index": len(given.tables["runtime_metrics"]),
                "at_unix_ns": at,
                "name": name,
                "source_name": name,
                "value": value,
            }
        )


def buckets(given: Given, capture_id: str, index: int, name: str, counts: dict[float, float]) -> None:
    for place, (upper, count) in enumerate(counts.items()):
        given.tables["runtime_histograms"].append(
            {
                "capture_id": capture_id,
                "snapshot_index": index,
                "name": name,
                "bucket_index": place,
                "lower": 0.0,
                "upper": upper,
                "bucket_count": count,
            }
        )


def figures(given: Given) -> dict[str, float]:
    with given.models() as connection:
        return dict(rows(connection, "select metric, value from figures_runtime where build_id = 'b1'"))


def test_what_counts_up_is_taken_between_snapshots_by_their_times() -> None:
    given = Given()
    capture = given.capture("b1", "1", "runtime_metrics")
    snapshot(given, capture, 0, 100 * SECOND, {LIVE: 5e6, CYCLES: 10, CPU: 40, GC_CPU: 4})
    snapshot(given, capture, 1, 105 * SECOND, {LIVE: 7e6, CYCLES: 30, CPU: 60, GC_CPU: 9})
    assert figures(given) == {
        "runtime_heap_live_bytes": 7e6,
        "runtime_gc_cycles_per_second": 4.0,
        "runtime_gc_cpu_share": 0.25,
    }


def test_without_times_processor_time_over_processors_says_the_seconds() -> None:
    given = Given()
    for number, cycles, cpu in ((1, 10, 40), (2, 30, 60)):
        capture = given.capture("b1", "1", "prometheus", path=f"b1/1/{number}.prom", capture_id=f"c{number}")
        assert capture
        snapshot(given, f"c{number}", 0, None, {CYCLES: cycles, CPU: cpu, PROCS: 2})
    assert figures(given) == {"runtime_gc_cycles_per_second": 2.0}


def test_of_one_snapshot_and_of_a_restart_what_counts_up_is_taken_since_the_start() -> None:
    for first in ([], [(100 * SECOND, {CYCLES: 99, CPU: 100, GC_CPU: 50, PROCS: 4})]):
        given = Given()
        capture = given.capture("b1", "1", "runtime_metrics")
        last = (200 * SECOND, {CYCLES: 30, CPU: 60, GC_CPU: 6, PROCS: 4})
        for index, (at, values) in enumerate([*first, last]):
            snapshot(given, capture, index, at, values)
        assert figures(given) == {"runtime_gc_cycles_per_second": 2.0, "runtime_gc_cpu_share": 0.1}


def test_percentiles_are_of_what_was_counted_between_the_snapshots() -> None:
    name = "/sched/latencies:seconds"
    given = Given()
    capture = given.capture("b1", "1", "runtime_metrics")
    for index in (0, 1):
        snapshot(given, capture, index, index * SECOND, {PROCS: 1})
    buckets(given, capture, 0, name, {1e-6: 10, 1e-3: 90})
    buckets(given, capture, 1, name, {1e-6: 110, 1e-3: 90})
    assert figures(given) == {"runtime_sched_latency_p99_ns": 1e3}
    given.tables["runtime_histograms"] = []
    buckets(given, capture, 1, name, {1e-6: 98, 1e-3: 2})
    assert figures(given) == {"runtime_sched_latency_p99_ns": 1e6}


def test_a_heap_that_grows_is_a_regression() -> None:
    given = Given()
    for build in range(1, 9):
        for run in "123":
            capture = given.capture(f"b{build}", run, "expvar")
            live = (10e6 if build < 6 else 30e6) + 1e5 * int(run) + 1e4 * build
            snapshot(given, capture, 0, None, {"/memory/classes/heap/objects:bytes": live})
    with given.models() as connection:
        found = rows(
            connection, "select build_id, metric, status from regressions where status = 'regressed'"
        )
    assert found == [("b6", "runtime_heap_live_bytes", "regressed")]


ALLOCS, GOROUTINES = "/gc/heap/allocs:bytes", "/sched/goroutines:goroutines"


def test_processes_are_told_apart_by_their_counters_and_added_up() -> None:
    given = Given()
    for name, at, cycles, allocs, goroutines in [
        ("a.1", 0, 10, 1e6, 3), ("b.1", 1, 2, 5e6, 4), ("a.2", 10, 30, 2e6, 5), ("b.2", 11, 12, 9e6, 6)
    ]:  # fmt: skip
        capture = given.capture("b1", "1", "runtime_metrics", name=name)
        snapshot(given, capture, 0, at * SECOND, {CYCLES: cycles, ALLOCS: allocs, GOROUTINES: goroutines})
    assert figures(given) == {
        "runtime_gc_cycles_per_second": 3.0,
        "runtime_alloc_bytes_per_second": 5e5,
        "runtime_goroutine_count": 11.0,
    }


def test_processes_are_told_apart_by_their_histograms() -> None:
    given = Given()
    for name, counts in (("a", {1.0: 5, 2.0: 9}), ("b", {1.0: 8, 2.0: 3})):
        capture = given.capture("b1", "1", "runtime_metrics", name=name)
        snapshot(given, capture, 0, None, {GOROUTINES: 4})
        buckets(given, capture, 0, "/sched/latencies:seconds", counts)
    assert figures(given)["runtime_goroutine_count"] == 8.0


def test_what_a_process_says_in_two_ways_is_not_held_against_each_other() -> None:
    given = Given()
    # As collect fetches them, at one moment: neither is wholly before the other.
    for kind, values in (
        ("expvar", {CYCLES: 101, ALLOCS: 1.9e9, LIVE: 6e6}),
        ("prometheus", {CYCLES: 100, ALLOCS: 2e9, LIVE: 7e6, CPU: 40, PROCS: 4}),
    ):
        snapshot(given, given.capture("b1", "1", kind, name=kind), 0, None, values)
    assert figures(given) == {
        "runtime_gc_cycles_per_second": 10.0,
        "runtime_alloc_bytes_per_second": 2e8,
        "runtime_heap_live_bytes": 7e6,
    }


BEGAN, LAST_GC, PROCESS_CPU = (
    "process_start_time_seconds",
    "go_memstats_last_gc_time_seconds",
    "process_cpu_seconds_total",
)


def test_the_last_collections_say_the_time_where_nothing_else_does() -> None:
    """A page of /metrics has no times: nothing of what it counts up was judged."""
    given = Given()
    for name, last_gc, allocs, cpu in (("1", 1000, 1e6, 3), ("2", 1010, 6e6, 4)):
        capture = given.capture("b1", "1", "prometheus", name=name)
        values = {ALLOCS: allocs, PROCESS_CPU: cpu, LAST_GC: last_gc, BEGAN: 100}
        snapshot(given, capture, 0, None, values)
    assert figures(given) == {"runtime_alloc_bytes_per_second": 5e5, "runtime_cpu_per_second": 0.1}


def test_no_collection_in_between_says_no_time() -> None:
    given = Given()
    for name, allocs in (("1", 1e6), ("2", 2e6)):
        capture = given.capture("b1", "1", "expvar", name=name)
        snapshot(given, capture, 0, None, {ALLOCS: allocs, "memstats.LastGC": 1e12, BEGAN: 100})
    assert figures(given) == {}


@pytest.mark.parametrize(("began", "per_second"), [(100, 5e5), (500, 6e6 / 510)])
def test_a_process_counts_from_the_run_before_where_it_is_the_same(began: int, per_second: float) -> None:
    given = Given()
    for run, last_gc, allocs, start in (("1", 1000, 1e6, 100), ("2", 1010, 6e6, began)):
        capture = given.capture("b1", run, "prometheus")
        snapshot(given, capture, 0, None, {ALLOCS: allocs, LAST_GC: last_gc, BEGAN: start})
    with given.models() as connection:
        found = dict(
            rows(
                connection,
                "select run_id, value from figures_runtime where metric = 'runtime_alloc_bytes_per_second'",
            )
        )
    assert found == {"1": 1e6 / 900, "2": per_second}
