"""Captures of several processes in one run: each process counts, and of one process nothing twice."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tracemill.flows.show.doctor import LeftOut
from tracemill.warehouse.models import read_models
from tracemill.warehouse.queries import ask

from .given import USER_PATH, Given, rows

MIB = 1 << 20
START = datetime(2026, 1, 1, 12, tzinfo=UTC)
PROGRAM_A, PROGRAM_B = {"mapping_file": "/tmp/a.test"}, {"mapping_file": "/tmp/b.test"}
FIRST_VDSO = [PROGRAM_A, {"mapping_file": "[vdso]", "mapping_start": 0x7F01}]
OTHER_VDSO = [PROGRAM_A, {"mapping_file": "[vdso]", "mapping_start": 0x7F02}]


def after(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def work(given: Given) -> int:
    """The one stack of all captures."""
    known = given.tables["stacks"]
    return known[0]["stack_id"] if known else given.stack("app.work", *USER_PATH)


def mapped(given: Given, capture_id: str, mappings: list[dict[str, Any]]) -> str:
    """Give a profile these mappings, the program's own first."""
    kept = [row for row in given.tables["profile_mappings"] if row["capture_id"] != capture_id]
    given.tables["profile_mappings"] = kept + [
        {"capture_id": capture_id, "mapping_index": index, "mapping_start": 0, "mapping_offset": 0} | mapping
        for index, mapping in enumerate(mappings)
    ]
    return capture_id


def profile(given: Given, kind: str, name: str, value: int, seconds: float = 0, **columns: Any) -> str:
    """Add a profile of one sample, captured so long after the start."""
    capture_id = given.capture("b1", "1", kind, name=name, captured_at=after(seconds), **columns)
    stack = work(given)
    of_kind = {"cpu": ["cpu"], "mutex": ["delay", "contentions"], "goroutine": ["goroutine"]}
    for sample_type in of_kind[kind]:
        given.tables["profile_samples"].append(
            {"capture_id": capture_id, "sample_index": 0, "sample_type": sample_type, "unit": "ns",
             "value": value, "stack_id": stack, "sampling_period": 1}
        )  # fmt: skip
    return capture_id


def traced(given: Given, name: str, seconds: float, length: int) -> str:
    """Add a trace that began so long after the start and took so many seconds."""
    times = {"started_at": after(seconds), "duration_ns": length * 10**9}
    return given.capture("b1", "1", "trace", name=name, format="exectrace", **times)


def value_of(given: Given, metric: str) -> float | None:
    with given.models() as connection:
        found = rows(connection, f"select sum(value) from int_figures where metric = '{metric}' "
                                 "and calling_function is null and build_id = 'b1'")  # fmt: skip
    value: float | None = found[0][0]
    return value


def heap(
    given: Given, name: str, size: int, seconds: float, mappings: list[dict[str, Any]], **more: Any
) -> None:
    stack = work(given)
    made = given.heap("b1", "1", [(stack, 0x10, size)], name=name, captured_at=after(seconds), **more)
    mapped(given, made, mappings)


@pytest.mark.sampled
@pytest.mark.parametrize(
    ("mappings", "allocated"),
    [
        # Two programs; one program in two processes; one process twice.
        (([PROGRAM_A], [PROGRAM_B]), 4 * MIB),
        ((FIRST_VDSO, OTHER_VDSO), 4 * MIB),
        ((FIRST_VDSO, FIRST_VDSO), 3 * MIB),
        # A profile that a tool wrote anew has no vdso: of the one process that is known.
        ((FIRST_VDSO, [PROGRAM_A]), 3 * MIB),
        (([PROGRAM_A], [PROGRAM_A]), 3 * MIB),
    ],
)
def test_each_program_and_each_process_of_it_counts_its_last_heap_profile(mappings, allocated) -> None:
    given = Given()
    heap(given, "mem.1", MIB, 0, mappings[0])
    heap(given, "mem.2", 3 * MIB, 1, mappings[1])
    assert value_of(given, "alloc_bytes") == allocated
    assert value_of(given, "inuse_bytes") == allocated / 2


def test_what_may_be_of_either_process_is_not_counted_beside_them() -> None:
    given = Given()
    heap(given, "a", 2 * MIB, 0, FIRST_VDSO)
    heap(given, "b", 3 * MIB, 1, OTHER_VDSO)
    heap(given, "again", 7 * MIB, 2, [PROGRAM_A])
    assert value_of(given, "alloc_bytes") == 5 * MIB


def test_growth_is_of_each_process_alone() -> None:
    given = Given()
    for name, seconds, size, mappings in [
        ("a.1", 0, 2, FIRST_VDSO), ("b.1", 1, 20, OTHER_VDSO),
        ("a.2", 2, 6, FIRST_VDSO), ("b.2", 3, 22, OTHER_VDSO),
    ]:  # fmt: skip
        heap(given, name, size * MIB, seconds, mappings)
    assert value_of(given, "growth_inuse_bytes") == 3 * MIB


@pytest.mark.parametrize(
    ("names", "allocated"),
    [
        (("pod-1/heap.pb", "pod-2/heap.pb"), 5 * MIB),
        # Captures of one process in turn.
        (("20260102T150405Z/heap.pb", "20260102T150505Z/heap.pb"), 3 * MIB),
        (("1767366245/heap.pb", "1767366305/heap.pb"), 3 * MIB),
    ],
)
def test_folders_below_a_run_are_processes(names, allocated) -> None:
    given = Given()
    heap(given, names[0], 2 * MIB, 0, [PROGRAM_A])
    heap(given, names[1], 3 * MIB, 1, [PROGRAM_A])
    assert value_of(given, "alloc_bytes") == allocated


def test_folders_of_one_kind_each_are_one_process() -> None:
    given = Given()
    heap(given, "heap/1.pb", 2 * MIB, 0, [PROGRAM_A])
    heap(given, "allocs/1.pb", 3 * MIB, 1, [PROGRAM_A], kind="allocs")
    assert value_of(given, "alloc_bytes") == 3 * MIB


def test_cpu_profiles_that_overlap_are_of_different_processes() -> None:
    given = Given()
    for name, seconds in (("a", 0), ("b", 0.5), ("c", 10)):
        mapped(given, profile(given, "cpu", name, 10**9, seconds, duration_ns=10**9), [PROGRAM_A])
    assert value_of(given, "process_cpu_ns") == 3 * 10**9


def test_one_cpu_profile_and_its_copy_count_once() -> None:
    given = Given()
    for name in ("cpu.pb", "cpu.pb.gz"):
        mapped(given, profile(given, "cpu", name, 10**9, duration_ns=10**9), [PROGRAM_A])
    assert value_of(given, "process_cpu_ns") == 10**9


def test_one_trace_and_its_copy_count_once_also_where_nothing_says_when_it_began() -> None:
    given = Given()
    for name, length in (
        ("trace.out", 2_000_000_001),
        ("trace.out.gz", 2_000_000_001),
        ("b.out", 2_000_000_002),
    ):
        given.capture("b1", "1", "trace", name=name, format="exectrace", duration_ns=length)
    with given.models() as connection:
        lengths = "select duration_ns from int_counted_captures order by duration_ns"
        assert rows(connection, lengths) == [(2_000_000_001,), (2_000_000_002,)]


@pytest.mark.full
@pytest.mark.parametrize(("kind", "waited"), [("trace", 5), ("flight", 3)])
def test_traces_that_overlap_count_each_snapshots_the_longest(kind, waited) -> None:
    given = Given()
    stack = work(given)
    for name, seconds, length in (("a", 0, 2), ("b", 1, 3)):
        capture_id = given.capture(
            "b1",
            "1",
            kind,
            name=name,
            format="exectrace",
            started_at=after(seconds),
            duration_ns=length * 10**9,
        )
        given.tables["goroutine_intervals"].append(
            {"capture_id": capture_id, "goroutine_id": 1, "start_ns": 0, "state": "waiting", "reason": "sync",
             "duration_ns": length, "is_complete": True, "stack_id": stack}
        )  # fmt: skip
        given.tables["trace_metrics"].append(
            {"capture_id": capture_id, "ts_ns": 0, "name": "/gc/heap/goal:bytes", "value": length * MIB}
        )
    assert value_of(given, "block_ns") == waited
    assert value_of(given, "heap_goal_bytes") == waited * MIB


@pytest.mark.parametrize("is_alternating", [False, True])
def test_traces_of_two_folders_are_two_processes_whichever_starts_first(is_alternating) -> None:
    given = Given()
    for turn in range(4):
        pods = ("pod-b", "pod-a") if is_alternating and turn % 2 else ("pod-a", "pod-b")
        for delay, pod in enumerate(pods):
            traced(given, f"{pod}/{turn}.trace", 60 * turn + delay, 10)
    with given.models() as connection:
        counted = "select distinct process, regexp_extract(path, 'pod-.') from int_counted_captures"
        assert sorted(pod for _, pod in rows(connection, counted)) == ["pod-a", "pod-b"]


def test_traces_that_overlap_in_one_folder_are_of_several_processes_of_it() -> None:
    given = Given()
    for pod in ("pod-a", "pod-b"):
        for delay in range(2):
            traced(given, f"{pod}/{delay}.trace", delay, 10)
    with given.models() as connection:
        assert rows(connection, "select count(distinct process) from int_counted_captures") == [(4,)]


@pytest.mark.parametrize(
    ("kind", "metric"), [("mutex", "mutex_delay_ns"), ("goroutine", "goroutine_profile_count")]
)
@pytest.mark.full
def test_running_totals_are_the_last_of_each_process(kind, metric) -> None:
    given = Given()
    for name, seconds, value, mappings in [
        ("a.1", 0, 1, FIRST_VDSO), ("b.1", 1, 10, OTHER_VDSO),
        ("a.2", 2, 4, FIRST_VDSO), ("b.2", 3, 40, OTHER_VDSO),
    ]:  # fmt: skip
        mapped(given, profile(given, kind, name, value, seconds), mappings)
    assert value_of(given, metric) == 44


def dump(given: Given, name: str, creators: dict[int, str]) -> None:
    """Add a dump of goroutines with these ids, each by who created it."""
    capture_id = given.capture("b1", "1", "goroutine_dump", name=name, format="goroutine_dump")
    stack = work(given)
    given.tables["goroutine_dump"] += [
        {"capture_id": capture_id, "report_index": 0, "goroutine_id": goroutine_id, "state": "select",
         "stack_id": stack, "created_by": creator}
        for goroutine_id, creator in creators.items()
    ]  # fmt: skip


def leaks_and_count(given: Given) -> tuple[list[tuple[Any, ...]], float]:
    with given.models() as connection:
        leaks = rows(
            connection, "select evidence, first_goroutine_count, goroutine_count from goroutine_leaks"
        )
        count = rows(connection, "select sum(goroutine_count) from int_goroutine_counts "
                                 "where metric = 'goroutine_count'")  # fmt: skip
    return leaks, count[0][0]


def test_dumps_of_two_processes_are_no_growth() -> None:
    given = Given()
    dump(given, "pod-a.txt", {1: "main.main", 2: "main.serve"})
    dump(given, "pod-b.txt", {1: "main.main", 2: "main.main", 3: "main.main"})
    assert leaks_and_count(given) == ([], 5)


def test_dumps_of_one_process_that_becomes_more_are_growth() -> None:
    given = Given()
    dump(given, "1.txt", {1: "main.main"})
    dump(given, "2.txt", {1: "main.main", 7: "main.main", 9: "main.main"})
    assert leaks_and_count(given) == ([("goroutine_growth", 1, 3)], 3)


def test_dumps_of_two_processes_in_turn_are_put_together_by_process() -> None:
    given = Given()
    a, b = {5: "main.a", 6: "main.a"}, {5: "main.b"}
    dump(given, "1-a.txt", a)
    dump(given, "2-b.txt", b)
    dump(given, "3-a.txt", a | {8: "main.a"})
    dump(given, "4-b.txt", b)
    assert leaks_and_count(given) == ([("goroutine_growth", 2, 3)], 4)


def left_out(given: Given) -> list[str]:
    with given.models() as connection:
        return [found.path for found in ask(connection, "doctor/left_out", LeftOut)]


@pytest.mark.parametrize(
    ("second", "seconds", "named"),
    [
        # Nothing says of which process the first is; two programs; captured in turn.
        ([PROGRAM_A], 0.5, ["b1/1/mem.1"]),
        (FIRST_VDSO, 0.5, ["b1/1/mem.1"]),
        ([PROGRAM_B], 0.5, []),
        ([PROGRAM_A], 60, []),
    ],
)
def test_doctor_names_what_nothing_tells_apart(second, seconds, named) -> None:
    given = Given()
    heap(given, "mem.1", 2 * MIB, 0, [PROGRAM_A])
    heap(given, "mem.2", 3 * MIB, seconds, second)
    assert left_out(given) == named


def test_doctor_names_no_profiles_that_are_known_to_be_of_one_process_or_of_two() -> None:
    given = Given()
    heap(given, "a.1", 2 * MIB, 0, FIRST_VDSO)
    heap(given, "a.2", 3 * MIB, 0.1, FIRST_VDSO)
    heap(given, "b.1", 3 * MIB, 0.2, OTHER_VDSO)
    assert left_out(given) == []


def test_doctor_names_a_profile_that_may_be_of_either_process() -> None:
    given = Given()
    heap(given, "a", 2 * MIB, 0, FIRST_VDSO)
    heap(given, "b", 3 * MIB, 60, OTHER_VDSO)
    heap(given, "again", 7 * MIB, 120, [PROGRAM_A])
    assert left_out(given) == ["b1/1/again"]


@pytest.mark.parametrize(
    ("sites", "first_site", "named"),
    [(12, 2 * MIB, []), (12, 9 * MIB, ["b1/1/heap-0.txt"]), (9, 2 * MIB, ["b1/1/heap-0.txt"])],
)
def test_doctor_names_no_text_of_which_a_later_one_has_all(sites, first_site, named) -> None:
    """Texts say neither when nor of which process they are; each pair was named."""
    given = Given()
    stacks = [given.stack(f"app.f{site}", *USER_PATH) for site in range(sites)]
    for path, size in (("heap-0.txt", first_site), ("heap-1.txt", 3 * MIB)):
        of_capture = [(stack, 0x1000 + i, size if i == 0 else 4 * MIB) for i, stack in enumerate(stacks)]
        given.heap("b1", "1", of_capture, kind="heap_text", name=path, format="legacy_profile")
    given.tables["profile_mappings"].clear()
    assert left_out(given) == named


def test_every_model_of_a_builds_rows_names_the_build() -> None:
    given = Given()
    given.capture("b1", "1", "heap")
    with given.all_models() as connection:
        of_builds = [model.name for model in read_models() if model.scope == "build"]
        named = rows(connection, "select table_name from duckdb_columns() where column_name = 'build_id'")
    assert set(of_builds) <= {name for (name,) in named}


@pytest.mark.full
@pytest.mark.parametrize(("seconds", "in_use"), [(30, 5 * MIB / 2), (3600, 2 * MIB / 2)])
def test_what_a_process_kept_is_gone_when_another_has_come_in_its_place(seconds, in_use):
    """A service that began anew within a run: all that both allocated counts, and what the second keeps."""
    given = Given()
    heap(given, "first", 3 * MIB, 0, FIRST_VDSO)
    heap(given, "second", 2 * MIB, seconds, OTHER_VDSO)
    assert value_of(given, "alloc_bytes") == 5 * MIB
    assert value_of(given, "inuse_bytes") == in_use


@pytest.mark.full
def test_builds_of_other_numbers_of_processes_do_not_compare_where_these_add_up():
    given = Given()
    for build in range(1, 7):
        for run in "12":
            for process, mappings in (("a", FIRST_VDSO), ("b", OTHER_VDSO))[: 1 if build < 6 else 2]:
                made = given.heap(f"b{build}", run, [(work(given), 0x10, 90 * MIB)], name=process)
                mapped(given, made, mappings)
    with given.models() as connection:
        found = "select build_id, metric, status from regressions where metric = 'inuse_bytes'"
        why = "select distinct not_comparable from regression_history where not_comparable is not null"
        assert rows(connection, found) == [("b6", "inuse_bytes", "not_comparable")]
        assert rows(connection, why) == [("processes 1 → 2",)]
