"""From evidence to answers: goroutines, the collector, the lives of maps, and what lines of code cost."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from .given import Given, rows

PUT = "app/cache.(*Cache).Put"
ASSIGN = "runtime.mapassign_faststr"


def dump(given: Given, build: str, name: str, stacks: list[tuple[int, str, int | None]]) -> None:
    """Add a goroutine dump with (stack_id, state, minutes waited)."""
    capture_id = f"{build}/1/{name}"
    given.capture(build, "1", "goroutine_dump", capture_id=capture_id, path=f"{capture_id}.txt")
    given.tables["goroutine_dump"] += [
        {
            "capture_id": capture_id,
            "goroutine_id": n,
            "state": state,
            "reason": state,
            "wait_minutes": minutes,
            "stack_id": stack,
            "created_by": "app.Run",
        }
        for n, (stack, state, minutes) in enumerate(stacks, 1)
    ]


def test_goroutines_that_only_become_more_are_growing():
    given = Given()
    leak, steady = given.stack("runtime.gopark", PUT), given.stack("runtime.gopark", "app.Serve")
    waits = [(leak, "chan send", n) for n in range(12)]
    # The tenth dump comes after the ninth.
    dump(given, "b1", "dump8", [*waits[:1], *[(steady, "select", 3)] * 5])
    dump(given, "b1", "dump9", [*waits[:7], *[(steady, "select", None)] * 3])
    dump(given, "b1", "dump10", [*waits, *[(steady, "select", None)] * 6])
    query = """
        select function, state, created_by, first_goroutine_count, goroutine_count, max_goroutine_count,
            dump_count, is_growing, wait_p50_minutes, wait_max_minutes
        from goroutine_states order by function
    """
    with given.models() as connection:
        assert rows(connection, query) == [
            ("app.Serve", "select", "app.Run", 5, 6, 6, 3, False, 0, 0),
            (PUT, "chan send", "app.Run", 1, 12, 12, 3, True, 5, 11),
        ]


def test_a_path_that_is_missing_from_a_dump_counts_none():
    given = Given()
    once, late = given.stack("runtime.gopark", PUT), given.stack("runtime.gopark", "app.Serve")
    dump(given, "b1", "dump1", [(once, "select", 2)])
    dump(given, "b1", "dump2", [(late, "select", None)])
    query = "select function, first_goroutine_count, goroutine_count, is_growing from goroutine_states"
    with given.models() as connection:
        assert sorted(rows(connection, query)) == [("app.Serve", 0, 1, True), (PUT, 1, 0, False)]


def test_one_dump_says_nothing_of_growth():
    given = Given()
    dump(given, "b1", "dump1", [(given.stack("runtime.gopark", PUT), "select", None)])
    with given.models() as connection:
        assert rows(connection, "select goroutine_count, is_growing from goroutine_states") == [(1, False)]


def cycle(capture_id: str, number: int, **columns: Any) -> dict[str, Any]:
    row = {
        "capture_id": capture_id,
        "process_index": 0,
        "cycle": number,
        "gc_cpu_percent": float(number),
        "stw_sweep_term_ns": 10,
        "stw_mark_term_ns": 20,
        "assist_cpu_ns": 100,
        "background_cpu_ns": 250,
        "idle_cpu_ns": 50,
        "heap_after_bytes": 1000 * number,
        "is_forced": False,
    }
    return row | columns


def test_pressure_is_the_mean_over_the_runs():
    given = Given()
    for run, count in (("1", 2), ("2", 4)):
        capture_id = given.capture("b1", run, "gctrace")
        given.tables["gc_cycles"] += [cycle(capture_id, n + 1) for n in range(count)]
    given.tables["gc_cycles"][0] |= {"is_forced": True, "stw_sweep_term_ns": 70}
    query = """
        select cycle_count, forced_cycle_count, gc_cpu_percent, pause_ns, max_pause_ns, assist_cpu_ns,
            assist_share, peak_heap_bytes, assist_ns
        from gc_pressure
    """
    with given.models() as connection:
        assert rows(connection, query) == [(3, 1, 3.0, 120, 70, 300, 0.25, 4000, None)]


def test_assists_under_map_code_are_told_apart():
    given = Given()
    capture_id = given.trace("b1", "1", [])
    given.trace("b2", "1", [])
    leads = {
        "old": ("runtime.gcAssistAlloc", "runtime.hashGrow", "runtime.mapassign_faststr", PUT),
        "new": ("runtime.gcAssistAlloc", "internal/runtime/maps.(*table).grow", "runtime.mapassign", PUT),
        "reads": ("runtime.gcAssistAlloc", "runtime.growslice", "app/runtime.mapassign", PUT),
    }
    given.tables["trace_ranges"] += [
        {
            "capture_id": capture_id,
            "start_ns": n,
            "name": "GC mark assist",
            "scope": "goroutine",
            "duration_ns": 30,
            "stack_id": given.stack(*functions),
        }
        for n, functions in enumerate(leads.values())
    ]
    query = """
        select build_id, assist_count, assist_ns, map_assist_ns, round(map_assist_share, 3), cycle_count
        from gc_pressure order by build_id
    """
    with given.models() as connection:
        assert rows(connection, query) == [("b1", 3, 90, 60, 0.667, None), ("b2", 0, 0, 0, None, None)]


def test_lives_are_of_the_memory_of_maps_alone():
    given = Given()
    capture_id = given.capture("b1", "1", "trace", duration_ns=1000)
    lives = [
        ("map.group[string]int", 10, 20),
        ("map.group[string]int", 10, 40),
        ("map.group[string]int", None, 900),
        ("map.group[string]int", 50, None),
        ("runtime.hmap", 10, 15),
        ("string", 10, 15),
        ("*map[string]int", 10, 15),
    ]
    given.tables["heap_objects"] += [
        {
            "capture_id": capture_id,
            "object": n,
            "type_name": name,
            "allocated_ns": allocated,
            "freed_ns": freed,
            "size_bytes": 100,
        }
        for n, (name, allocated, freed) in enumerate(lives)
    ]
    query = "select * exclude build_id from map_lifetimes order by type_name"
    with given.models() as connection:
        assert rows(connection, query) == [
            ("map.group[string]int", 4, 400, 1, 100, 10, 30),
            ("runtime.hmap", 1, 100, 0, 0, 5, 5),
        ]


def test_of_snapshots_that_overlap_each_life_counts_once():
    given = Given()
    for seconds in (1, 2):
        capture_id = given.capture(
            "b1",
            "1",
            "flight",
            name=f"snapshot-{seconds}",
            format="exectrace",
            started_at=datetime(2026, 1, 1, tzinfo=UTC),
            duration_ns=seconds * 10**9,
        )
        life = {"object": 1, "type_name": "map.group[string]int", "allocated_ns": 10, "freed_ns": 20}
        given.tables["heap_objects"].append(life | {"capture_id": capture_id, "size_bytes": 100})
    with given.models() as connection:
        assert rows(connection, "select object_count, bytes from map_lifetimes") == [(1, 100)]


def site(given: Given, function: str, file: str, line: int, *callers: str) -> int:
    """Add a stack whose leaf lies in a line of a file; its id."""
    stack_id = given.stack(function, *callers)
    given.tables["stacks"][-1] |= {
        "files": [file, *["app.go"] * len(callers)],
        "lines": [line, *[1] * len(callers)],
        "stack_id": stack_id + line,
    }
    return stack_id + line


def test_growth_is_told_within_a_run_and_from_build_to_build():
    given = Given()
    put, late = given.stack(PUT), given.stack("app.Late")
    for build, size in (("b1", 10240), ("b2", 20480)):
        for run in "12":
            given.heap(build, run, [(put, 1, size)])
    # b3's one run has two profiles: the figures are the last one's.
    given.heap("b3", "1", [(put, 1, 4096)])
    given.tables["captures"][-1] |= {"path": "heap1"}
    given.tables["captures"][-1]["capture_id"] = "early"
    for table in ("profile_samples", "profile_mappings"):
        for row in given.tables[table]:
            row["capture_id"] = "early" if row["capture_id"] == "b3/1/heap" else row["capture_id"]
    given.heap("b3", "1", [(put, 1, 30720), (late, 2, 2048)])
    given.tables["captures"][-1] |= {"path": "heap2"}
    query = """
        select build_id, function, alloc_bytes, inuse_bytes, run_growth_bytes, previous_build_id,
            alloc_change_bytes, inuse_change_bytes
        from heap_growth order by build_id, function desc
    """
    with given.models() as connection:
        assert rows(connection, query) == [
            ("b1", PUT, 10240, 5120, None, None, None, None),
            ("b2", PUT, 20480, 10240, None, "b1", 10240, 5120),
            ("b3", PUT, 30720, 15360, 13312, "b2", 10240, 5120),
            ("b3", "app.Late", 2048, 1024, 1024, "b2", 2048, 1024),
        ]


def test_a_path_that_vanished_is_told_once():
    given = Given()
    put, gone = given.stack(PUT), given.stack("app.Gone")
    given.heap("b1", "1", [(put, 1, 4096), (gone, 2, 2048)])
    for build in ("b2", "b3"):
        given.heap(build, "1", [(put, 1, 4096)])
    query = """
        select build_id, function, alloc_bytes, alloc_change_bytes, inuse_change_bytes, previous_build_id
        from heap_growth where function = 'app.Gone' order by build_id
    """
    with given.models() as connection:
        assert rows(connection, query) == [
            ("b1", "app.Gone", 2048, None, None, None),
            ("b2", "app.Gone", 0, -2048, -1024, "b1"),
        ]


def test_growth_within_runs_is_a_mean_over_all_runs_that_can_tell_it():
    given = Given()
    put, rare, gone = given.stack(PUT), given.stack("app.Rare"), given.stack("app.Gone")
    given.heap("b0", "1", [(put, 1, 40960), (gone, 4, 4096)])
    for run in "12":
        for profile in (1, 2):
            sites = [(put, 1, 40960)] + ([(rare, 2, 20480 * profile)] if run == "1" else [])
            given.heap("b1", run, sites, name=f"heap-{profile}.pb")
    # A run with one profile does not tell how anything grew.
    given.heap("b1", "3", [(put, 1, 40960), (given.stack("app.Once"), 3, 20480)])
    query = "select function, run_growth_bytes from heap_growth where build_id = 'b1' order by function"
    with given.models() as connection:
        assert rows(connection, query) == [("app.Gone", 0), ("app.Once", 0), ("app.Rare", 5120), (PUT, 0)]


def test_a_build_without_a_known_place_has_none_before_it():
    given = Given()
    put = given.stack(PUT)
    for build, size in (("b1", 4096), ("b2", 8192), ("old", 20480), ("older", 10240)):
        given.heap(build, "1", [(put, 1, size)])
    given.heap("old", "2", [(given.stack("app.Gone"), 2, 4096)])
    given.tables["build_manifests"] += [{"build_id": b, "committed_at": None} for b in ("old", "older")]
    query = """
        select build_id, previous_build_id, alloc_change_bytes, inuse_change_bytes from heap_growth
        where function <> 'app.Gone' order by build_id
    """
    with given.models() as connection:
        assert rows(connection, query) == [
            ("b1", None, None, None),
            ("b2", "b1", 4096, 2048),
            ("old", None, None, None),
            ("older", None, None, None),
        ]
        gone = "select build_id from heap_growth where function = 'app.Gone'"
        assert rows(connection, gone) == [("old",)]


def escapes(
    given: Given, build: str, *decisions: tuple[str, int, int, str, str], package: str | None = None
) -> None:
    """Add the compiler's decisions: file, line, column, message, kind."""
    capture_id = given.capture(build, None, "escapes", name=f"escapes {package}")
    names = ("file", "line", "column", "message", "kind")
    given.tables["escapes"] += [
        {"capture_id": capture_id, "package": package} | dict(zip(names, decision, strict=True))
        for decision in decisions
    ]


def finding(given: Given, build: str, file: str, line: int, message: str, **columns: Any) -> None:
    capture_id = given.capture(build, None, f"findings{line}")
    row = {"capture_id": capture_id, "finding_index": 0, "tool": "vet", "rule": "r", "level": "warning"}
    given.tables["static_findings"].append(
        row | {"message": message, "file": file, "line": line, "column": 2, "is_suppressed": False} | columns
    )


def test_escapes_stand_beside_the_bytes_of_their_line():
    given = Given()
    put = site(given, PUT, "/src/app/cache/cache.go", 7)
    for run in "12":
        given.heap(
            "b1", run, [(put, 1, 4096), (site(given, "strings.Clone", "strings.go", 5, PUT), 2, 1 << 20)]
        )
    escapes(
        given,
        "b1",
        ("cache/cache.go", 7, 3, "a escapes to heap", "escapes_to_heap"),
        ("cache/cache.go", 7, 9, "moved to heap: b", "moved_to_heap"),
        ("cache/cache.go", 7, 11, "c does not escape", "does_not_escape"),
        ("./cache/cache.go", 8, 1, "d escapes to heap", "escapes_to_heap"),
        ("cache.go", 7, 1, "e escapes to heap", "escapes_to_heap"),
    )
    query = """
        select file, line, "column", message, function, escape_count, alloc_bytes, inuse_bytes
        from escape_costs order by file, line, "column"
    """
    with given.models() as connection:
        assert rows(connection, query) == [
            ("/src/app/cache/cache.go", 7, 1, "e escapes to heap", PUT, 3, 4096, 2048),
            ("/src/app/cache/cache.go", 7, 3, "a escapes to heap", PUT, 3, 4096, 2048),
            ("/src/app/cache/cache.go", 7, 9, "moved to heap: b", PUT, 3, 4096, 2048),
            ("/src/app/cache/cache.go", 8, 1, "d escapes to heap", None, 1, 0, 0),
        ]


def test_files_are_matched_by_their_longest_common_end():
    given = Given()
    files = ["/src/app/a/main.go", "/src/app/b/main.go", "/go/other/b/main.go", "/src/x/lone.go"]
    given.heap("b1", "1", [(site(given, f"app.F{n}", f, 3), n, 1024) for n, f in enumerate(files)])
    finding(given, "b1", "/ci/app/a/main.go", 1, "one")
    finding(given, "b1", "b/main.go", 2, "two have that end")
    finding(given, "b1", "app/b/main.go", 3, "one is longer")
    finding(given, "b1", "/elsewhere/y/lone.go", 4, "a name alone is not enough")
    finding(given, "b1", "lone.go", 5, "unless it is all there is")
    query = "select reported_file, file from int_source_files order by all"
    with given.models() as connection:
        assert rows(connection, query) == [
            ("/ci/app/a/main.go", "/src/app/a/main.go"),
            ("app/b/main.go", "/src/app/b/main.go"),
            ("lone.go", "/src/x/lone.go"),
        ]


@pytest.mark.parametrize("module_at", ["/src/shop", "/app", "example.com/shop"])
def test_a_file_named_alike_in_several_packages_is_that_of_its_package(module_at):
    # The build cache repeats what the compiler said in the folder where it was asked first.
    given, escape = Given(), (5, 2, "x escapes to heap", "escapes_to_heap")
    names = ("main.go", "cmd/worker/main.go", "a/a.go", "b/a.go", "b/b.go")
    files = [f"{module_at}/{name}" for name in names]
    given.heap("b1", "1", [(site(given, f"f{n}", file, 5), n, 1000) for n, file in enumerate(files)])
    escapes(given, "b1", ("./main.go", *escape), package="example.com/shop")
    escapes(given, "b1", ("./main.go", *escape), package="example.com/shop/cmd/worker")
    escapes(given, "b1", ("a/a.go", *escape), package="example.com/shop/a")
    escapes(given, "b1", ("./a.go", *escape), ("b/b.go", *escape), package="example.com/shop/b")
    escapes(given, "b1", ("cmd/idle/main.go", *escape), package="example.com/shop/cmd/idle")
    query = "select package, file, escape_count, alloc_bytes from escape_costs order by package, file"
    with given.models() as connection:
        assert rows(connection, query) == [
            ("example.com/shop", files[0], 1, 1000),
            ("example.com/shop/a", files[2], 1, 1000),
            ("example.com/shop/b", files[3], 1, 1000),
            ("example.com/shop/b", files[4], 1, 1000),
            ("example.com/shop/cmd/idle", "cmd/idle/main.go", 1, 0),
            ("example.com/shop/cmd/worker", files[1], 1, 1000),
        ]


def test_a_file_that_may_be_of_two_packages_is_of_neither():
    given = Given()
    given.heap("b1", "1", [(site(given, "main.main", "/app/main.go", 5), 1, 1000)])
    for package in ("example.com/shop", "example.com/shop/cmd/idle"):
        escapes(given, "b1", ("./main.go", 5, 2, "x escapes to heap", "escapes_to_heap"), package=package)
    finding(given, "b1", "app/main.go", 5, "an analyzer knows where it lies")
    with given.models() as connection:
        assert rows(connection, "select reported_file, file from int_source_files") == [
            ("app/main.go", "/app/main.go")
        ]


def test_findings_stand_beside_bytes_and_waits():
    given = Given()
    put = site(given, PUT, "app/cache.go", 7)
    given.heap("b1", "1", [(put, 1, 4096)])
    for run in "12":
        given.trace("b1", run, [(site(given, PUT, "app/cache.go", 9), "sync", 500)])
    finding(given, "b1", "app/cache.go", 7, "copies")
    finding(given, "b1", "app/cache.go", 9, "locks", is_suppressed=True)
    query = (
        "select line, message, is_suppressed, alloc_bytes, block_ns from static_findings_costs order by line"
    )
    with given.models() as connection:
        assert rows(connection, query) == [
            (7, "copies", False, 4096, 0),
            (9, "locks", True, 0, 500),
        ]


def test_a_finding_has_what_the_standard_library_allocated_under_its_line():
    given = Given()
    # What fmt allocates on behalf of the program's line 1 of app.go, and what the line allocates itself.
    printed = site(given, "fmt.(*buffer).write", "fmt/print.go", 99, "fmt.Sprint", PUT)
    boxed = site(given, PUT, "app.go", 1)
    for run in "12":
        given.heap("b1", run, [(printed, 1, 6000), (boxed, 2, 1000)])
    finding(given, "b1", "app.go", 1, "formats a map")
    finding(given, "b1", "app.go", 8, "formats a map that is never reached")
    query = """
        select line, function, alloc_bytes, alloc_under_bytes, inuse_bytes, inuse_under_bytes
        from static_findings_costs order by alloc_under_bytes desc
    """
    with given.models() as connection:
        assert rows(connection, query) == [(1, PUT, 1000, 7000, 500, 3500), (8, None, 0, 0, 0, 0)]


def test_costs_of_a_build_without_profiles_are_unknown():
    given = Given()
    finding(given, "b1", "app/cache.go", 7, "copies")
    escapes(given, "b1", ("app/cache.go", 7, 3, "a escapes to heap", "escapes_to_heap"))
    with given.models() as connection:
        assert rows(connection, "select alloc_bytes, block_ns from static_findings_costs") == [(None, None)]
        assert rows(connection, "select alloc_bytes from escape_costs") == [(None,)]


@pytest.mark.parametrize(
    ("module", "function"),
    [
        ("example.com/app", "example.com/app/cache.Put"),
        # The dots of a package's last part are escaped.
        ("example.com/app.v2", "example.com/app%2ev2.Put"),
        ("example.com/app", "example.com/app_test.TestPut"),
        # Of go test with files instead of a package.
        ("example.com/app", "command-line-arguments.TestPut"),
    ],
)
def test_every_line_of_the_program_that_assigns_a_map_is_a_site(module: str, function: str):
    given = Given()
    given.binary("b1", {0x101: ASSIGN, 0x201: ASSIGN, 0x301: ASSIGN}, module=module)
    functions = (function, "example.com/apple.Put", "net/http.(*Transport).Do")
    for line, (call, name) in enumerate(zip(given.tables["call_sites"], functions, strict=True), 1):
        call |= {"function": name, "line": line}
    with given.models() as connection:
        assert rows(connection, "select function from map_sites") == [(function,)]


def test_of_each_of_a_builds_binaries_the_lines_of_its_own_module_are_sites():
    given = Given()
    functions = ["example.com/server/a.Put", "example.com/worker/b.Put"]
    for line, function in enumerate(functions, 1):
        given.binary("b1", {0x100: ASSIGN}, module=function.rpartition("/")[0], name=f"binary{line}")
        given.tables["call_sites"][-1] |= {"function": function, "line": line}
        place = {"capture_id": "b1/listing", "function": function, "file": "listed.go", "line": line}
        call = {"input_line": line, "callee": ASSIGN, "callee_class": "map_assign"}
        given.tables["listing_calls"].append(place | call)
    given.capture("b1", None, "listing", capture_id="b1/listing")
    with given.models() as connection:
        found = rows(connection, "select function, file from map_sites order by all")
    assert found == [(function, file) for function in functions for file in ("app.go", "listed.go")]


def test_a_line_that_assigns_a_map_has_all_its_evidence_side_by_side():
    given = Given()
    put = site(given, PUT, "app/cache.go", 7)
    decode = site(given, "reflect.mapassign_faststr0", "reflect/map.go", 99, PUT)
    given.binary(
        "b1", {0x101: "runtime.mapassign_faststr", 0x301: "runtime.makemap", 0x401: "runtime.mapassign"}
    )
    places = [("app/cache.go", 7, PUT), ("app/cache.go", 3, "app.New"), ("fmt/print.go", 5, "fmt.print")]
    for row, (file, line, function) in zip(given.tables["call_sites"], places, strict=True):
        row |= {"file": file, "line": line, "function": function}
    for run in "12":
        given.heap("b1", run, [(put, 0x100, 4096), (decode, 0x500, 2048)])
        given.trace("b1", run, [(given.stack("sync.(*Mutex).Lock", PUT), "sync", 500)])
    escapes(given, "b1", ("cache.go", 7, 3, "v escapes to heap", "escapes_to_heap"))
    finding(given, "b1", "/ci/app/cache.go", 7, "copies")
    finding(given, "b1", "/ci/app/cache.go", 3, "hidden", is_suppressed=True)
    query = """
        select file, line, function, callees, alloc_bytes, inuse_bytes, evidence, confidence, block_ns,
            escape_messages, finding_messages
        from map_sites order by file, line
    """
    with given.models() as connection:
        assert rows(connection, query) == [
            # json.Unmarshal and the like: the line of the program that led to it.
            ("app.go", 1, PUT, ["reflect.mapassign"], 2048, 1024, "function_name", 1.0, 500, [], []),
            ("app/cache.go", 3, "app.New", ["runtime.makemap"], 0, 0, None, None, None, [], []),
            (
                "app/cache.go",
                7,
                PUT,
                ["runtime.mapassign_faststr"],
                4096,
                2048,
                "call_target",
                1.0,
                500,
                ["v escapes to heap"],
                ["copies"],
            ),
        ]


def test_a_line_has_the_lives_of_its_types_of_maps():
    given = Given()
    listing = given.capture("b1", None, "listing", format="listing")
    types = {7: "map[string]*example.com/app/cache.Entry", 9: "map[int]bool", 11: None}
    given.tables["listing_calls"] += [
        {
            "capture_id": listing,
            "input_line": line,
            "function": "app.Put",
            "file": "app/cache.go",
            "line": line,
            "return_offset": 5,
            "callee": "runtime.mapassign",
            "callee_class": "map_assign",
            "map_type": name,
        }
        for line, name in types.items()
    ]
    trace = given.capture("b1", "1", "trace", duration_ns=1000)
    names = [
        "map.group[string]*cache.Entry",
        "map.bucket[string]*cache.Entry",
        "map.group[string]cache.Entry",
    ]
    given.tables["heap_objects"] += [
        {"capture_id": trace, "object": n, "type_name": name, "allocated_ns": 0, "freed_ns": 10 * (n + 1)}
        for n, name in enumerate(names)
    ]
    query = "select line, map_types, type_lifetime_p50_ns, type_lifetime_p99_ns from map_sites order by line"
    with given.models() as connection:
        assert rows(connection, query) == [
            (7, [types[7]], 20, 20),
            (9, [types[9]], None, None),
            (11, [], None, None),
        ]
