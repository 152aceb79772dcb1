"""The marts: declared as they are, and made of what is given."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from tracemill.warehouse.level_relation import LEVELS_OF
from tracemill.warehouse.models import FIGURES, read_models, tables_read
from tracemill.warehouse.scan import duckdb_type
from tracemill.warehouse.schema import MARTS

from .given import USER_PATH, Given, rows
from .story import story

PUT = "app/cache.(*Cache).Put"
ALLOCATIONS = (
    "select function, callee, alloc_bytes, inuse_bytes, evidence from mapassign_allocations order by all"
)


@pytest.fixture(scope="module")
def empty():
    """The models over nothing."""
    with Given().models() as connection:
        yield connection


@pytest.mark.parametrize("mart", MARTS.values(), ids=lambda mart: mart.name)
def test_mart_has_the_declared_columns(empty, mart):
    found = [(r[0], r[1].lower()) for r in rows(empty, f"describe {mart.name}")]
    expected = [(c.name, duckdb_type(c.type).lower()) for c in mart.columns]
    assert [(n, t.replace("timestamp with time zone", "timestamptz")) for n, t in found] == expected


def test_every_model_begins_with_a_sentence():
    assert [m.name for m in read_models() if not m.text.endswith(".")] == []


def test_what_a_model_reads_is_what_duckdbs_parser_says():
    for model in read_models():
        if model.name != FIGURES:
            said = tables_read(model.sql) or ()
            assert model.reads == {name.removeprefix(LEVELS_OF) for name in said}, model.name


def test_every_grain_is_unique():
    with story().models() as connection:
        for model in read_models():
            if model.scope in {"build", "history", "all"}:
                columns = ", ".join(f'"{name}"' for name in model.grain)
                twice = rows(
                    connection, f"select {columns} from {model.name} group by {columns} having count(*) > 1"
                )
                assert model.grain and not twice, model.name


def test_builds_without_times_have_no_known_place():
    given = Given()
    for build in ("b10", "b9", "b1"):
        given.capture(build, "1", "trace")
        given.tables["build_manifests"].append({"build_id": build, "committed_at": None})
    with given.models() as connection:
        query = "select build_id, is_ordered, order_source from builds order by ordinal"
        assert rows(connection, query) == [("b1", False, None), ("b9", False, None), ("b10", False, None)]


def test_one_build_without_a_time_is_set_aside_behind_the_others():
    given = Given()
    for build, day in (("b1", 2), ("b2", None), ("b3", 1)):
        given.capture(build, "1", "trace")
        at = day and datetime(2026, 1, day, tzinfo=UTC)
        given.tables["build_manifests"].append({"build_id": build, "committed_at": at})
    with given.models() as connection:
        query = "select build_id, is_ordered, order_source from builds order by ordinal"
        assert rows(connection, query) == [
            ("b3", True, "committed_at"),
            ("b1", True, "committed_at"),
            ("b2", False, None),
        ]


def test_builds_are_in_the_order_of_their_commits():
    given = Given()
    for build, day in (("b1", 2), ("b2", 1)):
        given.capture(build, "1", "trace")
        given.tables["build_manifests"].append(
            {"build_id": build, "commit": f"c{day}", "committed_at": datetime(2026, 1, day, tzinfo=UTC)}
        )
    with given.models() as connection:
        assert rows(connection, "select build_id, commit from builds order by ordinal") == [
            ("b2", "c1"),
            ("b1", "c2"),
        ]


@pytest.mark.parametrize(
    ("stack", "function"),
    [
        (("encoding/json.(*decodeState).object", "encoding/json.Unmarshal", PUT), PUT),
        (("slices.SortFunc[go.shape.[]example.com/x.T]", "main.(*T).run"), "main.(*T).run"),
        (("go/ast.Inspect", "go.uber.org/zap.(*Logger).Info", "main.main"), "go.uber.org/zap.(*Logger).Info"),
        (("sync.(*Mutex).Lock", "storefront.Put", "main.main"), "storefront.Put"),
        (("internal/poll.(*FD).Read", "net.(*conn).Read", "net/http.(*conn).serve"), "net.(*conn).Read"),
        (("runtime.gopark", "runtime.bgsweep"), "runtime.bgsweep"),
    ],
)
def test_function_is_the_innermost_outside_the_standard_library(stack, function):
    given = Given()
    given.trace("b1", "1", [(given.stack(*stack), "sync", 5)])
    with given.models() as connection:
        leaf = stack[0].replace("[go.shape.[]example.com/x.T]", "[...]")
        assert rows(connection, "select function, leaf_function from goroutine_blocks") == [(function, leaf)]


@pytest.mark.parametrize(
    ("name", "plain"),
    [
        (
            "app.(*Stage[go.shape.struct { X []uint8; Y app.B[int] },go.shape.int]).Run",
            "app.(*Stage[...]).Run",
        ),
        ("app.Put.deferwrap1", "app.Put"),
        ("app.Serve.func2.gowrap1", "app.Serve.func2"),
        ("app.Each-range1", "app.Each"),
        ("app.Each-range1.func2", "app.Each.func2"),
        ("app.(*T).Run-fm", "app.(*T).Run"),
        ("github.com/a/mid-range1.Run", "github.com/a/mid-range1.Run"),
        ("<core::iter::Map<[T; 2]> as Iterator>::next", "<core::iter::Map<[T; 2]> as Iterator>::next"),
    ],
)
def test_a_function_has_one_name_whatever_the_capture_calls_it(name, plain):
    """Traces say F[...] where profiles say F[go.shape.int]; wrappers and their numbers come and go."""
    given = Given()
    given.trace("b1", "1", [(given.stack("sync.(*Mutex).Lock", name, "main.main"), "sync", 5)])
    with given.models() as connection:
        assert rows(connection, "select function from goroutine_blocks") == [(plain,)]


def test_a_closure_that_calls_is_the_function_that_it_stands_in():
    """One closure more in Every gives the others other numbers."""
    given = Given()
    for run, number in (("1", 1), ("2", 2)):
        stack = given.stack(PUT, f"app.Every.func{number}", f"app.Every.func{number}.1", "main.main")
        given.heap("b1", run, [(stack, 0x100, 1 << 20)])
    with given.models() as connection:
        found = "select distinct calling_function from observations where calling_function is not null"
        assert rows(connection, found) == [("app.Every",)]


def test_call_target_attributes_map_assignments():
    given = Given()
    put, parse = given.stack(PUT, *USER_PATH), given.stack("app.Parse", *USER_PATH)
    given.binary(
        "b1", {0x101: "runtime.mapassign_faststr", 0x201: "runtime.growslice", 0x301: "runtime.makemap"}
    )
    given.heap(
        "b1", "1", [(put, 0x100, 1 << 20), (parse, 0x200, 1 << 30), (put, 0x300, 4096), (put, 0x999, 77)]
    )
    with given.models() as connection:
        assert rows(connection, ALLOCATIONS) == [
            (PUT, "runtime.makemap", 4096, 2048, "call_target"),
            (PUT, "runtime.mapassign_faststr", 1 << 20, 1 << 19, "call_target"),
        ]


def test_position_independent_code_is_moved_back():
    given = Given()
    given.binary(
        "b1", {0x2101: "runtime.mapassign"}, is_pie=True, segment_vaddr=0x2000, segment_offset=0x1000
    )
    given.heap("b1", "1", [(given.stack(PUT), 0x550000001100, 1024)], start=0x550000000000)
    query = "select evidence from mapassign_allocations"
    with given.models() as connection:
        assert rows(connection, query) == [("call_target",)]
    given.tables["binaries"][0]["is_pie"] = False
    with given.models() as connection:
        assert rows(connection, query) == []


def test_a_binary_of_another_build_id_is_refused():
    given = Given()
    given.binary("b1", {0x101: "runtime.mapassign"}, gnu_build_id="beef")
    given.heap("b1", "1", [(given.stack(PUT), 0x100, 1024)], gnu_build_id="cafe")
    with given.models() as connection:
        assert rows(connection, ALLOCATIONS) == []


def test_without_build_id_the_call_must_be_on_the_leafs_line():
    given = Given()
    given.binary("b1", {0x101: "runtime.mapassign", 0x201: "runtime.mapassign"}, gnu_build_id=None)
    given.heap(
        "b1",
        "1",
        [(given.stack(PUT), 0x100, 1024), (given.stack("app.Other"), 0x200, 512)],
        gnu_build_id=None,
    )
    given.tables["call_sites"][1]["line"] = 99
    with given.models() as connection:
        assert rows(connection, ALLOCATIONS) == [(PUT, "runtime.mapassign", 1024, 512, "call_target_line")]


def test_text_profiles_count_where_there_is_no_other():
    given = Given()
    put = given.stack(PUT)
    for build in ("b1", "b2"):
        given.binary(build, {0x101: "runtime.mapassign"})
        text = given.heap(build, "1", [(put, 0x100, 4096)], kind="heap_text")
        given.tables["captures"][-1]["format"] = "legacy_profile"
        given.tables["profile_mappings"].clear()
        for row in given.tables["profile_samples"]:
            row["mapping_index"] = None if row["capture_id"] == text else row["mapping_index"]
    given.heap("b2", "1", [(put, 0x100, 5120)])
    with given.models() as connection:
        assert rows(
            connection, "select build_id, alloc_bytes, evidence from mapassign_allocations order by all"
        ) == [
            ("b1", 4096, "call_target_line"),
            ("b2", 5120, "call_target"),
        ]


def test_without_binary_only_names_that_stay_visible_are_claimed():
    given = Given()
    decode = given.stack("reflect.mapassign_faststr0", "encoding/json.(*decodeState).object", PUT)
    given.heap("b1", "1", [(decode, 0x100, 2048), (given.stack(PUT), 0x200, 4096)])
    with given.models() as connection:
        assert rows(connection, ALLOCATIONS) == [(PUT, "reflect.mapassign", 2048, 1024, "function_name")]


def test_heap_and_allocs_profiles_are_not_counted_twice():
    given = Given()
    put = given.stack(PUT)
    given.binary("b1", {0x101: "runtime.mapassign"})
    given.heap("b1", "1", [(put, 0x100, 1000 << 10)], kind="heap")
    given.heap("b1", "1", [(put, 0x100, 1002 << 10)], kind="allocs")
    with given.models() as connection:
        # Allocations from allocs, live memory from heap.
        assert rows(connection, "select alloc_bytes, inuse_bytes from mapassign_allocations") == [
            (1002 << 10, 500 << 10)
        ]


def test_a_profile_of_what_changed_stands_for_nothing_where_a_whole_one_is():
    given = Given()
    put = given.stack(PUT)
    given.binary("b1", {0x101: "runtime.mapassign"})
    given.heap("b1", "1", [(put, 0x100, 1000 << 10)])
    # allocs?seconds=1, taken later.
    given.heap("b1", "1", [(put, 0x100, 8 << 10)], kind="allocs")
    given.tables["captures"][-1] |= {"duration_ns": 10**9, "captured_at": datetime(2026, 1, 2, tzinfo=UTC)}
    given.heap("b1", "2", [(put, 0x100, 6 << 10)], kind="allocs")
    given.tables["captures"][-1] |= {"duration_ns": 10**9, "captured_at": datetime(2026, 1, 2, tzinfo=UTC)}
    with given.models() as connection:
        query = "select run_id, alloc_bytes, inuse_bytes from mapassign_allocations order by all"
        assert rows(connection, query) == [("1", 1000 << 10, 500 << 10), ("2", 6 << 10, 3 << 10)]


def test_blocks_are_counted_by_path_and_reason():
    given = Given()
    lock = given.stack("sync.(*Mutex).Lock", PUT, *USER_PATH)
    receive = given.stack("runtime.chanrecv1", PUT)
    given.trace("b1", "1", [(lock, "sync", n) for n in (10, 20, 90)] + [(receive, "chan receive", 7)])
    query = """
        select reason, function, block_count, block_ns, p50_ns, p99_ns, max_ns
        from goroutine_blocks order by all
    """
    with given.models() as connection:
        assert rows(connection, query) == [
            ("chan receive", PUT, 1, 7, 7, 7, 7),
            ("sync", PUT, 3, 120, 20, 90, 90),
        ]


def test_only_contention_has_a_worse_direction():
    given = Given()
    waits = {
        "sync": given.stack("sync.(*Mutex).Lock", PUT),
        "select": given.stack("runtime.selectgo", PUT),
        "chan send": given.stack("runtime.chansend1", PUT),
    }
    wait_group = given.stack("sync.(*WaitGroup).Wait", PUT)
    collector = given.stack("runtime.semacquire", "runtime.gcStart")
    collects = given.stack("runtime.semacquire", "runtime.GC", "app.collect")
    given.trace(
        "b1",
        "1",
        [(s, reason, 9) for reason, s in waits.items()]
        + [(wait_group, "sync", 9), (collector, "sync", 9), (collects, "sync", 9)],
    )
    with given.models() as connection:
        assert rows(
            connection,
            "select subject, polarity from observations where metric = 'block_ns' order by subject",
        ) == [
            ("app.collect (runtime semaphore)", 0),
            (f"{PUT} (chan send)", 1),
            (f"{PUT} (select)", 0),
            (f"{PUT} (sync)", 1),
            (f"{PUT} (sync.(*WaitGroup).Wait)", 0),
            ("runtime.gcStart (sync)", 0),
        ]


@pytest.mark.full
def test_figures_are_per_unit_of_work_or_else_per_second():
    given = Given()
    lock, put = given.stack("sync.(*Mutex).Lock", PUT), given.stack(PUT)
    given.binary("b1", {0x101: "runtime.mapassign"})
    for run in "12":
        given.trace("b1", run, [(lock, "sync", 4000)], seconds=2.0)
        given.heap("b1", run, [(put, 0x100, 8192)])
    given.tables["run_work"] += [
        {"build_id": "b1", "run_id": run, "work_unit": "requests", "work_count": count}
        for run, count in (("1", 8.0), ("2", 0.0))
    ]
    query = """
        select run_id, metric, value, unit from observations
        where metric in ('block_ns', 'mapassign_alloc_bytes', 'mapassign_inuse_bytes') order by all
    """
    with given.models() as connection:
        assert rows(connection, query) == [
            ("1", "block_ns", 500.0, "ns/requests"),
            ("1", "mapassign_alloc_bytes", 1024.0, "bytes/requests"),
            ("1", "mapassign_inuse_bytes", 4096.0, "bytes"),
            ("2", "block_ns", 2000.0, "ns/s"),
            ("2", "mapassign_alloc_bytes", 8192.0, "bytes"),
            ("2", "mapassign_inuse_bytes", 4096.0, "bytes"),
        ]


@pytest.mark.full
def test_waits_allocations_and_assists_meet_in_their_function():
    given = Given()
    lock, put = given.stack("sync.(*Mutex).Lock", PUT, *USER_PATH), given.stack(PUT, *USER_PATH)
    aside = given.stack("sync.(*Mutex).Lock", PUT, "main.main")
    given.binary("b1", {0x101: "runtime.mapassign"})
    for run in "12":
        trace = given.trace("b1", run, [(aside, "sync", 100), (lock, "sync", 300)])
        given.heap("b1", run, [(put, 0x100, 2048)])
        given.tables["trace_ranges"].append(
            {
                "capture_id": trace,
                "start_ns": 0,
                "name": "GC mark assist",
                "scope": "goroutine",
                "duration_ns": 50,
                "stack_id": given.stack("runtime.gcAssistAlloc", "runtime.mapassign", PUT),
            }
        )
    query = """
        select function, block_ns, block_count, alloc_bytes, assist_ns, call_path,
            path_block_ns, path_alloc_bytes
        from block_mapassign
    """
    with given.models() as connection:
        path = " < ".join([PUT, *USER_PATH])
        assert rows(connection, query) == [(PUT, 400, 2, 2048, 50, path, 300, 2048)]


@pytest.mark.full
def test_repeats_of_a_benchmark_give_their_median():
    given = Given()
    capture = given.capture("b1", "1", "benchmarks")
    given.tables["benchmarks"] += [
        {
            "capture_id": capture,
            "line": n,
            "metric": "sec/op",
            "package": "app",
            "name": "Put",
            "procs": 4,
            "iterations": 1,
            "unit": "sec/op",
            "value": value,
        }
        for n, value in enumerate((3.0, 1.0, 2.0))
    ]
    with given.models() as connection:
        assert rows(connection, "select metric, subject, value, polarity from observations") == [
            ("bench sec/op", "app.Put-4", 2.0, 1)
        ]
