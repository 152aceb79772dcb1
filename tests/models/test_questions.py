"""The marts behind `top`: locks, scheduling, waiting, CPU, contention, assists, spans, ages, leaks."""

from __future__ import annotations

import pytest

from .given import USER_PATH, Given, rows

LOOKUP, PUT = "app/cache.(*Prices).Lookup", "app/cache.(*Prices).Put"
MS = 1_000_000


def interval(
    given: Given, capture: str, goroutine: int, start: int, state: str, length: int, **more: object
) -> None:
    """Add a goroutine's stay in a state."""
    row = {"capture_id": capture, "goroutine_id": goroutine, "start_ns": start, "state": state}
    row |= {"duration_ns": length, "is_complete": True}
    given.tables["goroutine_intervals"].append(row | more)


def work(given: Given, build: str, run: str, count: float) -> None:
    given.tables["run_work"].append(
        {"build_id": build, "run_id": run, "work_unit": "requests", "work_count": count}
    )


def profile(given: Given, build: str, kind: str, samples: list[tuple[int, str, int]]) -> None:
    """Add a profile with samples of (stack_id, sample_type, value)."""
    capture = given.capture(build, "1", kind, duration_ns=1000 * MS if kind == "cpu" else None)
    given.tables["profile_samples"] += [
        {"capture_id": capture, "sample_index": index, "sample_type": sample_type, "unit": "ns",
         "value": value, "stack_id": stack, "sampling_period": 1}
        for index, (stack, sample_type, value) in enumerate(samples)
    ]  # fmt: skip


def test_lock_waits_name_the_holder_by_the_stack_that_wakes() -> None:
    given = Given()
    waits = given.stack("sync.(*Mutex).Lock", LOOKUP, *USER_PATH)
    unlocks = given.stack("sync.(*Mutex).Unlock", PUT, *USER_PATH)
    idles = given.stack("runtime.chanrecv1", "app/pool.run")
    capture = given.capture("b1", "1", "trace", duration_ns=1000 * MS)
    for place, length in enumerate((1, 2, 30)):
        interval(given, capture, place, 0, "waiting", length * MS, reason="sync", stack_id=waits,
                 waker_stack_id=unlocks)  # fmt: skip
    interval(given, capture, 9, 0, "waiting", 5 * MS, reason="sync", stack_id=waits)
    interval(given, capture, 10, 0, "waiting", 900 * MS, reason="chan receive", stack_id=idles)
    given.capture("b1", "2", "trace", duration_ns=1000 * MS)  # a run in which nobody waited
    work(given, "b1", "1", 6)
    work(given, "b1", "2", 4)
    with given.models() as connection:
        found = rows(
            connection,
            "select function, line, holder_function, holder_line, block_count, block_ns / 1e6, p99_ns / 1e6, "
            "block_ns_per_unit / 1e6, per from lock_waits order by block_ns desc",
        )
    assert found == [
        (LOOKUP, 2, PUT, 2, 3, 33, 30, 3.3, "requests"),
        (LOOKUP, 2, None, None, 1, 5, 5, 0.5, "requests"),
    ]


def test_scheduler_latency_is_by_entry_function_and_what_made_it_ready() -> None:
    given = Given()
    stack = given.stack("runtime.chansend1", LOOKUP, *USER_PATH)
    capture = given.capture("b1", "1", "trace", duration_ns=1000 * MS)
    given.tables["goroutines"].append(
        {"capture_id": capture, "goroutine_id": 1, "entry_function": "app/pool.run"}
    )
    interval(given, capture, 1, 0, "runnable", 7)
    for start, length in ((10, 1), (20, 2), (30, 4)):
        interval(given, capture, 1, start, "runnable", length, stack_id=stack)
    with given.models() as connection:
        query = (
            "select entry_function, function, runnable_count, runnable_ns, p50_ns, max_ns "
            "from scheduler_latency order by runnable_count"
        )
        assert rows(connection, query) == [
            ("app/pool.run", None, 1, 7, 7, 7),
            ("app/pool.run", LOOKUP, 3, 7, 2, 4),
        ]


def test_wait_changes_compare_a_request_with_one_of_the_build_before() -> None:
    given = Given()
    old, new = (given.stack("sync.(*Mutex).Lock", name, *USER_PATH) for name in (LOOKUP, PUT))
    given.trace("b1", "1", [(old, "sync", 10 * MS)])
    given.trace("b2", "1", [(old, "sync", 30 * MS), (new, "sync", 5 * MS)])
    given.trace("b3", "1", [(new, "sync", 5 * MS)])
    for build, count in (("b1", 10), ("b2", 10), ("b3", 5)):
        work(given, build, "1", count)
    with given.models() as connection:
        found = rows(
            connection,
            "select build_id, previous_build_id, function, is_contention, previous_block_ns_per_unit / 1e6, "
            "block_ns_per_unit / 1e6, change_ns_per_unit / 1e6 from wait_changes order by all",
        )
    assert found == [
        ("b2", "b1", LOOKUP, True, 1, 3, 2),
        ("b2", "b1", PUT, True, 0, 0.5, 0.5),
        ("b3", "b2", LOOKUP, True, 3, 0, -3),
        ("b3", "b2", PUT, True, 0.5, 1, 0.5),
    ]


def test_cpu_functions_are_flat_and_with_all_below() -> None:
    given = Given()
    inner = given.stack("runtime.mallocgc", LOOKUP, *USER_PATH)
    outer = given.stack(*USER_PATH)
    idle = given.stack("runtime.futex", "runtime.schedule")
    profile(given, "b1", "cpu", [(inner, "cpu", 60), (outer, "cpu", 20), (idle, "cpu", 20)])
    work(given, "b1", "1", 10)
    with given.models() as connection:
        found = rows(
            connection,
            "select function, is_user_code, cpu_ns, cpu_under_ns, cpu_share, cpu_ns_per_unit, per "
            "from cpu_functions order by cpu_under_ns desc, cpu_ns desc",
        )
    assert found == [
        (USER_PATH[0], True, 20, 80, 0.2, 2.0, "requests"),
        (LOOKUP, True, 60, 60, 0.6, 6.0, "requests"),
        ("runtime.schedule", False, 20, 20, 0.2, 2.0, "requests"),
    ]
    with given.models() as connection:
        query = "select subject, value, unit from observations where metric = 'process_cpu_ns'"
        assert rows(connection, query) == [("program", 10.0, "ns/requests")]


@pytest.mark.parametrize(
    ("leaf", "file", "owner"),
    [
        ("aeshashbody", "/usr/local/go/src/runtime/asm_amd64.s", LOOKUP),
        ("memeqbody", "internal/bytealg/equal_amd64.s", LOOKUP),
        ("type:.eq.app/prices.Key", "<autogenerated>", LOOKUP),
        ("sse4", "/go/pkg/mod/example.org/hash@v1.2.3/sum_amd64.s", "sse4"),
        ("time", "/srv/app/clock.c", "time"),
        ("compress", "", "compress"),
    ],
)
def test_assembly_of_go_is_its_callers_and_c_code_stands_for_itself(leaf, file, owner) -> None:
    given = Given()
    stack = given.stack(leaf, LOOKUP, *USER_PATH)
    given.tables["stacks"][-1]["files"][0] = file
    profile(given, "b1", "cpu", [(stack, "cpu", 60)])
    with given.models() as connection:
        assert rows(connection, "select function, is_user_code from cpu_functions where cpu_ns > 0") == [
            (owner, True)
        ]


def test_machine_code_without_a_package_in_its_name_is_of_its_files_or_types() -> None:
    given = Given()
    capture_id = given.binary("b1", {})
    files = {
        "aeshashbody": "/usr/local/go/src/runtime/asm_amd64.s",
        "sse4": "/go/pkg/mod/example.org/hash@v1.2.3/sum_amd64.s",
        "type:.eq.app/prices.Key": "<autogenerated>",
        "type:.eq.struct { io.Reader }": "<autogenerated>",
        "type:.eq.M12K4M16": "<autogenerated>",
        "app/prices.Find": "prices.go",
    }
    for place, (function, file) in enumerate(files.items(), 1):
        at = {"capture_id": capture_id, "start_pc": place * 16}
        given.tables["binary_functions"].append(at | {"end_pc": place * 16 + 10, "function": function})
        given.tables["binary_lines"].append(at | {"file": file, "line": 1})
    query = "select subject, value from figures_binaries where metric = 'package_code_bytes' order by all"
    with given.models() as connection:
        assert rows(connection, query) == [("app/prices", 20), ("example.org/hash", 10), ("runtime", 10)]


def test_the_size_of_a_binary_is_that_of_the_unpacked_file() -> None:
    given = Given()
    for number in range(1, 9):
        # Loaded before the unpacked size was noted: up to b3. Compressed: all up to b5 but b3.
        is_packed = number in (1, 2, 4, 5)
        path, on_disk = ("app.xz", 300_000) if is_packed else ("app", 800_000)
        capture_id = given.binary(f"b{number}", {})
        given.tables["captures"][-1] |= {"path": f"b{number}/{path}", "size_bytes": on_disk}
        if number > 3:
            given.tables["binary_sizes"].append({"capture_id": capture_id, "file_bytes": 800_000})
    query = "select build_id, value from regression_history where metric = 'binary_bytes' order by ordinal"
    with given.models() as connection:
        assert rows(connection, query) == [(f"b{number}", 800_000) for number in range(3, 9)]
        assert rows(connection, "select * from regressions") == []


def test_contention_tells_holders_from_those_that_were_blocked_and_from_idleness() -> None:
    given = Given()
    holds = given.stack("sync.(*Mutex).Unlock", PUT, *USER_PATH)
    waits = given.stack("sync.(*Mutex).Lock", LOOKUP, *USER_PATH)
    idles = given.stack("runtime.selectgo", "app/pool.run")
    profile(given, "b1", "mutex", [(holds, "delay", 500), (holds, "contentions", 5)])
    samples = [(stack, kind, value) for stack in (waits, idles) for kind, value in
               (("delay", 400), ("contentions", 4))]  # fmt: skip
    profile(given, "b1", "block", samples)
    with given.models() as connection:
        found = rows(
            connection,
            "select kind, function, is_contention, contention_count, delay_ns, delay_ns_per_unit "
            "from contention order by all",
        )
    assert found == [
        ("block", LOOKUP, True, 4, 400, None),
        ("block", "app/pool.run", False, 4, 400, None),
        ("mutex", PUT, True, 5, 500, None),
    ]


def test_gc_assists_are_by_function() -> None:
    given = Given()
    stack = given.stack("runtime.gcAssistAlloc", "runtime.mallocgc", PUT, *USER_PATH)
    capture = given.trace("b1", "1", [])
    given.tables["trace_ranges"] += [
        {"capture_id": capture, "start_ns": start, "name": "GC mark assist", "scope": "goroutine",
         "duration_ns": length, "stack_id": stack}
        for start, length in ((0, 10), (50, 30))
    ]  # fmt: skip
    work(given, "b1", "1", 4)
    with given.models() as connection:
        query = "select function, assist_count, assist_ns, max_ns, assist_ns_per_unit, per from gc_assists"
        assert rows(connection, query) == [(PUT, 2, 40, 30, 10, "requests")]


@pytest.fixture
def tasked() -> Given:
    """A task of 100 ns on goroutine 1, and a region of it on goroutine 2, in the midst of longer stays."""
    given = Given()
    capture = given.capture("b1", "1", "trace", duration_ns=1000)
    for goroutine in (1, 2):
        entry = {"capture_id": capture, "goroutine_id": goroutine, "entry_function": "app.serve"}
        given.tables["goroutines"].append(entry)
    for start, state, length in ((0, "running", 50), (50, "waiting", 60), (110, "running", 90)):
        interval(given, capture, 1, start, state, length, reason=None)
    for start, state, length in ((0, "runnable", 100), (100, "syscall", 100)):
        interval(given, capture, 2, start, state, length)
    given.tables["trace_tasks"].append(
        {"capture_id": capture, "task_id": 7, "name": "order", "start_ns": 40, "duration_ns": 100,
         "is_complete": True, "goroutine_id": 1}
    )  # fmt: skip
    region = {"capture_id": capture, "goroutine_id": 2, "task_id": 7, "is_complete": True}
    given.tables["trace_regions"] += [
        region | {"start_ns": 90, "nesting": 0, "name": "store", "duration_ns": 30},
        region | {"start_ns": 95, "nesting": 1, "name": "encode", "duration_ns": 5},
    ]
    return given


def test_a_task_is_its_goroutines_time_and_that_of_its_outermost_regions_elsewhere(tasked: Given) -> None:
    with tasked.models() as connection:
        found = rows(
            connection,
            "select span_kind, name, state, span_count, total_ns from goroutine_summary "
            "where span_kind <> 'goroutine' and total_ns > 0 order by all",
        )
        # Of the task: 40-140 on its goroutine, 90-120 on the other.
        assert found == [
            ("region", "encode", "runnable", 1, 5),
            ("region", "encode", "total", 1, 5),
            ("region", "store", "runnable", 1, 10),
            ("region", "store", "syscall", 1, 20),
            ("region", "store", "total", 1, 30),
            ("task", "order", "runnable", 1, 10),
            ("task", "order", "running", 1, 10 + 30),
            ("task", "order", "syscall", 1, 20),
            ("task", "order", "total", 1, 100),
            ("task", "order", "waiting", 1, 60),
        ]


def test_goroutines_of_an_entry_function_are_summed_up_by_state(tasked: Given) -> None:
    with tasked.models() as connection:
        found = rows(
            connection,
            "select state, span_count, total_ns, mean_ns, p50_ns, max_ns from goroutine_summary "
            "where span_kind = 'goroutine' order by state",
        )
    assert found == [
        ("runnable", 2, 100, 50, 0, 100),
        ("running", 2, 140, 70, 0, 140),
        ("syscall", 2, 100, 50, 0, 100),
        ("total", 2, 400, 200, 200, 200),
        ("waiting", 2, 60, 30, 0, 60),
    ]


def test_the_ten_slowest_tasks_of_a_name_are_kept_with_their_place(tasked: Given) -> None:
    capture = tasked.tables["captures"][0]["capture_id"]
    tasked.tables["trace_tasks"] += [
        {"capture_id": capture, "task_id": 100 + length, "name": "order", "start_ns": 0,
         "duration_ns": length, "is_complete": True, "goroutine_id": 1}
        for length in range(1, 15)
    ]  # fmt: skip
    with tasked.models() as connection:
        found = rows(
            connection,
            "select task_id, run_id, goroutine_id, start_ns, duration_ns, running_ns, waiting_ns "
            "from task_timelines order by duration_ns desc",
        )
    assert found[0] == (7, "1", 1, 40, 100, 40, 60)
    assert [row[4] for row in found] == [100, *range(14, 5, -1)]


def test_heap_age_is_what_is_in_use_over_what_a_unit_of_work_allocates() -> None:
    given = Given()
    stack = given.stack(PUT, *USER_PATH)
    for run in "12":
        given.heap("b1", run, [(stack, 0x1000, 4_000_000)])
        work(given, "b1", run, 100)
    with given.models() as connection:
        found = rows(connection, "from heap_age")
    # 40,000 bytes a request, 2,000,000 in use: those of 50 requests.
    assert found == [("b1", PUT, 4_000_000, 2_000_000, 40_000.0, 0.5, 50.0, "requests")]


def test_what_only_grows_is_told_from_what_is_leaked() -> None:
    given = Given()
    stuck = given.stack("runtime.chanrecv1", "app/pool.forgotten")
    for number, count in ((1, 2), (2, 5)):
        capture = given.capture("b1", "1", "goroutine_dump", path=f"b1/1/dump{number}.txt")
        capture = given.tables["captures"][-1]["capture_id"] = f"{capture}{number}"
        given.tables["goroutine_dump"] += [
            {"capture_id": capture, "report_index": 0, "goroutine_id": g, "state": "chan receive",
             "stack_id": stuck, "created_by": "app.main", "is_leaked": number == 2 and g == 0}
            for g in range(count)
        ]  # fmt: skip
    with given.models() as connection:
        query = (
            "select evidence, function, goroutine_count, first_goroutine_count from goroutine_leaks"
            " order by 1"
        )
        assert rows(connection, query) == [
            ("dumped_leaks", "app/pool.forgotten", 1, None),
            ("goroutine_growth", "app/pool.forgotten", 5, 2),
        ]
