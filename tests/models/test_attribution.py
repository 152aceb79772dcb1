"""The ladder of attribution: what is known best is said, and how well it is known stands beside it."""

from __future__ import annotations

import pytest

from tracemill.parsers.binary.callees import callee_class

from .given import Given, rows

PUT = "app/cache.(*Cache).Put"
KNOWN = "select callee, alloc_bytes, evidence, confidence from mapassign_allocations order by all"


def listing(
    given: Given, build: str, calls: list[tuple[int, str]], architecture: str | None = "amd64"
) -> None:
    """Add a compiler listing with (return offset, callee) for the line of every leaf."""
    capture_id = given.capture(build, None, "listing", format="listing")
    given.tables["listing_calls"] += [
        {
            "capture_id": capture_id,
            "input_line": n,
            "function": "app/cache.Put[go.shape.int]",
            "file": "app.go",
            "line": 1,
            "return_offset": offset,
            "callee": callee,
            "callee_class": callee_class(callee),
            "architecture": architecture,
        }
        for n, (offset, callee) in enumerate(calls, 1)
    ]


MIXED = [(0x45, "runtime.mapassign_faststr"), (0x60, "runtime.growslice"), (0x71, "runtime.makemap")]


@pytest.mark.parametrize(
    ("leaf_offset", "leaf_pc", "calls", "expected"),
    [
        (0x44, 0x999, MIXED, [("runtime.mapassign_faststr", 4096, "listing_offset", 1.0)]),
        (0x70, 0x999, MIXED, [("runtime.makemap", 4096, "listing_offset", 1.0)]),
        (None, 0x1000 + 0x44, MIXED, [("runtime.mapassign_faststr", 4096, "listing_offset_mod_32", 1.0)]),
        # 0x31 and 0x71 are the same modulo 32, and of two classes: the line must do.
        (
            None,
            0x1070,
            [*MIXED, (0x31, "runtime.mapassign_fast64")],
            [("runtime.mapassign_fast64", 4096, "listing_any_map_call", 0.77)],
        ),
        (None, 0x1002, [MIXED[0]], [("runtime.mapassign_faststr", 4096, "listing_line", 1.0)]),
        (None, 0x1002, MIXED, [("runtime.mapassign_faststr", 4096, "listing_any_map_call", 0.77)]),
        (0x5F, 0x999, MIXED, []),
        (None, 0x1002, MIXED[1:], []),
    ],
)
def test_listing_tells_by_its_surest_rung(leaf_offset, leaf_pc, calls, expected):
    given = Given()
    given.heap("b1", "1", [(given.stack(PUT), leaf_pc, 4096)])
    for row in given.tables["profile_samples"]:
        row["leaf_offset"] = leaf_offset
    listing(given, "b1", calls)
    with given.models() as connection:
        assert rows(connection, KNOWN) == expected


def test_a_listing_does_not_guess_where_a_binary_explains():
    given = Given()
    put = given.stack(PUT)
    given.heap("b1", "1", [(put, 0x100, 4096), (put, 0x1044, 8192)])
    for row in given.tables["profile_samples"]:
        row["leaf_offset"] = 0x44 if row["leaf_pc"] == 0x1044 else None
    given.binary("b1", {0x101: "runtime.mapassign_faststr"})
    listing(given, "b1", MIXED)
    with given.models() as connection:
        assert rows(connection, KNOWN) == [("runtime.mapassign_faststr", 4096, "call_target", 1.0)]
    # A binary of another program explains nothing.
    given.tables["binaries"][0]["gnu_build_id"] = "beef"
    with given.models() as connection:
        found = rows(connection, "select sum(alloc_bytes), min(evidence) from mapassign_allocations")
        assert found == [(12288, "listing_any_map_call")]


def test_the_listing_of_another_build_tells_nothing():
    given = Given()
    given.heap("b1", "1", [(given.stack(PUT), 0x44, 4096)])
    listing(given, "b2", MIXED)
    with given.models() as connection:
        assert rows(connection, KNOWN) == []


def test_of_several_rungs_the_least_sure_is_named():
    given = Given()
    put = given.stack(PUT)
    given.heap("b1", "1", [(put, 0x1044, 4096), (put, 0x1002, 1024)])
    listing(given, "b1", MIXED)
    with given.models() as connection:
        assert rows(connection, KNOWN) == [("runtime.mapassign_faststr", 5120, "listing_any_map_call", 0.77)]


def test_a_listing_leaves_open_whether_a_site_that_is_missing_is_zero():
    given = Given()
    given.heap("b1", "1", [(given.stack(PUT), 0x1044, 4096)])
    listing(given, "b1", MIXED)
    with given.models() as connection:
        assert rows(connection, "select distinct has_binary from int_heap_coverage") == [(False,)]


def test_shares_tell_facts_from_guesses():
    given = Given()
    put, parse = given.stack(PUT), given.stack("reflect.mapassign_faststr0", "encoding/json.Unmarshal", PUT)
    given.heap("b1", "1", [(put, 0x1044, 4096), (put, 0x1002, 1024), (put, 0x105F, 2048), (parse, 1, 1024)])
    listing(given, "b1", MIXED)
    given.tables["stacks"][-1]["lines"] = [9, 9, 9]
    query = """
        select evidence, confidence, alloc_bytes, alloc_share, map_bytes, map_share
        from attribution_shares order by all
    """
    with given.models() as connection:
        assert rows(connection, query) == [
            ("function_name", 1.0, 1024, 0.125, 1024, 1 / 6),
            ("listing_any_map_call", 0.77, 1024, 0.125, 1024, 1 / 6),
            ("listing_offset_mod_32", 1.0, 6144, 0.75, 4096, 4 / 6),
        ]


def test_what_nothing_tells_of_has_its_share():
    given = Given()
    given.heap("b1", "1", [(given.stack(PUT), 0x100, 1024)])
    with given.models() as connection:
        assert rows(connection, "select evidence, alloc_bytes, alloc_share from attribution_shares") == [
            ("unknown", 1024, 1.0)
        ]


UNKNOWN = "select function, alloc_bytes, inuse_bytes from unknown_allocations order by all"
ASSIGN = "runtime.mapassign_faststr"


def test_a_trace_tells_what_is_called_at_an_address():
    given = Given()
    put = given.stack(PUT)
    given.heap("b1", "1", [(put, 0x100, 4096), (put, 0x200, 1024), (put, 0x300, 512)])
    given.names(given.trace("b1", "2", []), [(0x101, PUT, 1, ASSIGN), (0x201, PUT, 1, "runtime.growslice")])
    with given.models() as connection:
        assert rows(connection, KNOWN) == [(ASSIGN, 4096, "seen_callee", 1.0)]
        assert rows(connection, UNKNOWN) == [(PUT, 512, 256)]
        shares = rows(
            connection, "select evidence, alloc_bytes, map_bytes from attribution_shares order by 1"
        )
        assert shares == [("seen_callee", 5120, 4096), ("unknown", 512, 0)]


@pytest.mark.parametrize(
    "calls",
    [
        # Another program lies at this address: a position independent one that was moved.
        [(0x101, "app.other", 7, ASSIGN)],
        [(0x101, PUT, 1, ASSIGN), (0x101, PUT, 1, "runtime.growslice")],
        [(0x100, PUT, 1, ASSIGN)],
        [(0x101, PUT, 1, "")],
    ],
)
def test_what_traces_do_not_tell_stays_unknown(calls):
    given = Given()
    given.heap("b1", "1", [(given.stack(PUT), 0x100, 4096)])
    given.names(given.trace("b1", "1", []), calls)
    with given.models() as connection:
        assert rows(connection, KNOWN) == []
        assert rows(connection, UNKNOWN) == [(PUT, 4096, 2048)]


def test_the_traces_of_another_build_tell_no_address():
    given = Given()
    given.heap("b1", "1", [(given.stack(PUT), 0x100, 4096)])
    given.names(given.trace("b2", "1", []), [(0x101, PUT, 1, ASSIGN)])
    with given.models() as connection:
        assert rows(connection, KNOWN) == []


def test_a_binary_knows_better_than_a_trace():
    given = Given()
    put = given.stack(PUT)
    given.heap("b1", "1", [(put, 0x100, 4096), (put, 0x200, 1024)])
    given.binary("b1", {0x101: "runtime.makemap"})
    given.names(given.trace("b1", "1", []), [(0x101, PUT, 1, ASSIGN), (0x201, PUT, 1, ASSIGN)])
    with given.models() as connection:
        assert rows(connection, KNOWN) == [("runtime.makemap", 4096, "call_target", 1.0)]
        assert rows(connection, UNKNOWN) == []


@pytest.mark.parametrize(("share", "is_known"), [(99, True), (90, False)])
def test_a_run_is_known_by_the_part_of_its_bytes_that_is(share, is_known):
    given = Given()
    put = given.stack(PUT)
    given.heap("b1", "1", [(put, 0x100, 1024 * share), (put, 0x200, 1024 * (100 - share))])
    given.names(given.trace("b1", "1", []), [(0x101, PUT, 1, ASSIGN)])
    with given.models() as connection:
        query = (
            "select distinct known_share, is_known from int_heap_knowledge where sample_type = 'alloc_space'"
        )
        assert rows(connection, query) == [(share / 100, is_known)]
        query = "select is_exhaustive from int_run_measures where measure = 'map_alloc'"
        assert rows(connection, query) == [(is_known,)]


def test_an_offset_modulo_32_tells_nothing_but_on_amd64():
    given = Given()
    given.heap("b1", "1", [(given.stack(PUT), 0x1044, 4096)])
    listing(given, "b1", MIXED, architecture=None)
    with given.models() as connection:
        assert rows(connection, KNOWN) == [("runtime.mapassign_faststr", 4096, "listing_any_map_call", 0.77)]


GROWS = "internal/runtime/maps.(*table).rehash"


def text_heap(given: Given, samples: list[tuple[int, list[int], int]], leaf_offset: int = 0x44) -> None:
    """Add a debug=1 profile with (stack_id, addresses of the runtime's frames and the leaf's, bytes)."""
    given.heap("b1", "1", [(stack, pcs[-1] - 1, size) for stack, pcs, size in samples], gnu_build_id=None)
    given.tables["profile_mappings"].clear()
    given.tables["captures"][-1] |= {"format": "legacy_profile", "kind": "heap_text"}
    for row in given.tables["profile_samples"]:
        row |= {
            "pcs": samples[row["sample_index"]][1],
            "mapping_index": None,
            "leaf_offset": leaf_offset,
        }


def test_growth_stands_apart_where_the_stack_shows_it():
    given = Given()
    put = given.stack(PUT)
    # The first sample's map grew, the second's did not; the last one's leaf made a map.
    text_heap(
        given, [(put, [0x901, 0x301, 0x101], 4096), (put, [0x901, 0x101], 1024), (put, [0x301, 0x201], 512)]
    )
    given.binary("b1", {0x101: "runtime.mapassign_faststr", 0x201: "runtime.makemap", 0x301: GROWS})
    query = "select callee, callee_class, alloc_bytes, evidence from mapassign_allocations order by all"
    with given.models() as connection:
        assert rows(connection, query) == [
            (GROWS, "map_grow", 4096, "call_target_line"),
            ("runtime.makemap", "map_make", 512, "call_target_line"),
            ("runtime.mapassign_faststr", "map_assign", 1024, "call_target_line"),
        ]
        assert rows(
            connection, "select sum(value) from observations where metric = 'mapassign_alloc_bytes'"
        ) == [(5120,)]
        assert rows(connection, "select alloc_bytes from block_mapassign") == [(5120,)]


GROWTH = "select callee, callee_class, alloc_bytes, evidence from mapassign_allocations order by all"
# What a trace names: the runtime's frames, of which makemap has two addresses.
NAMES = [
    (0x901, "runtime.mallocgc", 1, ""),
    (0x701, GROWS, 1, "runtime.mallocgc"),
    (0x301, ASSIGN, 1, GROWS),
    (0x405, "runtime.makemap", 1, "runtime.mallocgc"),
    (0x420, "runtime.makemap", 1, "runtime.mallocgc"),
    (0x501, "runtime.growslice", 1, "runtime.mallocgc"),
    (0x801, "main.main", 3, "runtime.makemap"),
    (0x802, "main.main", 3, ASSIGN),
]


def test_a_trace_names_the_addresses_of_a_text_profile():
    given = Given()
    put = given.stack(PUT)
    listed = [
        (put, [0x901, 0x701, 0x301, 0x101], 4096),  # grows
        (put, [0x901, 0x410, 0x201], 1024),  # between two addresses of makemap
        (put, [0x901, 0x502, 0x211], 512),  # behind the last known address of growslice
        (put, [0x901, 0x701, 0x302, 0x221], 256),  # what calls the growth of a map is an assignment
        (put, [0x901, 0x301, 0x600, 0x231], 128),  # an assignment by another function of the runtime
    ]
    text_heap(given, listed)
    text = given.tables["captures"][-1]["capture_id"]
    given.names(text, [(0x101, PUT, 1, "")])
    given.names(given.trace("b1", "1", []), NAMES)
    with given.models() as connection:
        assert rows(connection, GROWTH) == []  # the trace may be of another process
    given.names("b1/1/trace", [(0x101, PUT, 1, "")])
    with given.models() as connection:
        assert rows(connection, GROWTH) == [
            (GROWS, "map_grow", 4352, "text_frames"),
            ("runtime.makemap", "map_make", 1024, "text_frames"),
        ]
        assert rows(connection, UNKNOWN) == [(PUT, 640, 320)]
        assert rows(connection, "select alloc_bytes, growth_bytes from map_growth") == [(4352, 4352)]


@pytest.mark.parametrize(
    ("grows", "is_assignment"),
    [
        ("runtime.hashGrow", True),
        ("internal/runtime/maps.(*Map).growToSmall", True),
        ("runtime.growWork_fast64", False),
        ("runtime.evacuate_fast64", False),
    ],
)
def test_what_also_a_deletion_calls_makes_no_assignment_of_a_nameless_frame(grows, is_assignment):
    given = Given()
    text_heap(given, [(given.stack(PUT), [0x901, 0x701, 0x301, 0x101], 4096)])
    given.names(given.tables["captures"][-1]["capture_id"], [(0x101, PUT, 1, "")])
    calls = [(0x901, "runtime.mallocgc", 1, ""), (0x701, grows, 1, "runtime.mallocgc"), (0x101, PUT, 1, "")]
    # What shows the class of the function is called elsewhere.
    given.names(given.trace("b1", "1", []), [*calls, (0x888, "main.main", 9, grows)])
    with given.models() as connection:
        assert bool(rows(connection, KNOWN)) == is_assignment


def test_a_text_profile_tells_of_the_protobuf_beside_it():
    given = Given()
    put = given.stack(PUT)
    text_heap(given, [(put, [0x901, 0x301, 0x101], 4096)])
    given.names(given.tables["captures"][-1]["capture_id"], [(0x101, PUT, 1, "")])
    given.names(given.trace("b1", "1", []), [*NAMES, (0x101, PUT, 1, "")])
    given.heap("b1", "1", [(put, 0x100, 8192)], kind="allocs")
    with given.models() as connection:
        assert rows(connection, GROWTH) == [(ASSIGN, "map_assign", 8192, "text_frames")]


@pytest.mark.parametrize(("moved", "expected"), [(0x5000, True), (0x5010, False)])
def test_a_text_profile_of_a_moved_program_finds_its_way_back(moved, expected):
    given = Given()
    put = given.stack(PUT)
    text_heap(given, [(put, [0x101 + moved], 4096)], leaf_offset=0x20)
    binary = given.binary("b1", {0x101: "runtime.mapassign_faststr"}, is_pie=True)
    given.tables["binary_functions"].append(
        {"capture_id": binary, "start_pc": 0xE0, "end_pc": 0x200, "function": PUT}
    )
    with given.models() as connection:
        # A program is moved by whole pages.
        assert bool(rows(connection, KNOWN)) == expected


def test_what_a_sync_map_allocates_is_its_own_in_every_go_version():
    given = Given()
    old = given.stack("sync.(*Map).Swap", "sync.(*Map).Store", PUT)
    new = given.stack(
        "internal/sync.newEntryNode[go.shape.interface {},go.shape.interface {}]",
        "internal/sync.(*HashTrieMap[go.shape.interface {},go.shape.interface {}]).Swap",
        "sync.(*Map).Store",
        PUT,
    )
    other = given.stack("internal/sync.newEntryNode[...]", "unique.Make[...]", PUT)
    given.heap("b1", "1", [(old, 0x100, 4096), (other, 1, 512)])
    given.heap("b2", "1", [(new, 0x999, 8192)])
    given.binary("b1", {0x101: "runtime.mapassign"})
    query = "select build_id, callee, callee_class, alloc_bytes, evidence, route from mapassign_allocations"
    with given.models() as connection:
        assert sorted(rows(connection, query)) == [
            ("b1", "sync.(*Map).Store", "sync_map", 4096, "function_name", "sync"),
            ("b2", "sync.(*Map).Store", "sync_map", 8192, "function_name", "sync"),
        ]
        query = "select distinct metric from observations where metric like '%map%alloc_bytes'"
        assert rows(connection, query) == [("syncmap_alloc_bytes",)]
        assert rows(connection, "select distinct map_bytes from attribution_shares") == [(0,)]


def test_boxing_is_no_map_allocation():
    given = Given()
    put = given.stack(PUT)
    boxed = given.stack("reflect.unsafe_New", "reflect.packEface", "reflect.valueInterface", PUT)
    given.heap("b1", "1", [(put, 0x100, 4096), (boxed, 0x999, 1024)])
    given.binary("b1", {0x101: "runtime.convTstring"})
    query = "select callee, callee_class, alloc_bytes, route from mapassign_allocations order by all"
    with given.models() as connection:
        assert rows(connection, query) == [
            ("reflect.packEface", "convert", 1024, "reflect"),
            ("runtime.convTstring", "convert", 4096, None),
        ]
        assert rows(connection, "select * from observations where metric like '%map%'") == []
        assert rows(connection, "select * from map_sites") == []


def test_growth_is_a_part_of_what_assigning_cost():
    given = Given()
    put = given.stack(PUT)
    text_heap(
        given, [(put, [0x901, 0x301, 0x101], 4096), (put, [0x901, 0x101], 1024), (put, [0x301, 0x201], 512)]
    )
    given.binary("b1", {0x101: "runtime.mapassign_faststr", 0x201: "runtime.makemap", 0x301: GROWS})
    # Beside it a protobuf, which takes its place in all that can't tell growth.
    given.heap("b1", "1", [(put, 0x100, 8192)], kind="allocs")
    cpu = given.capture("b1", "1", "cpu")
    frames = ["runtime.mapassign_faststr", PUT]
    stacks = [given.stack(*frames), given.stack("runtime.memmove", "runtime.evacuate", *frames), put]
    given.tables["profile_samples"] += [
        {
            "capture_id": cpu,
            "sample_index": n,
            "sample_type": "cpu",
            "unit": "ns",
            "value": 10,
            "stack_id": stack,
        }
        for n, stack in enumerate(stacks)
    ]
    trace = given.trace("b1", "1", [])
    given.tables["trace_ranges"] += [
        {
            "capture_id": trace,
            "start_ns": n,
            "name": "GC mark assist",
            "scope": "goroutine",
            "duration_ns": 30,
            "stack_id": stack,
        }
        for n, stack in enumerate([given.stack("runtime.gcAssistAlloc", GROWS, *frames), stacks[0], put])
    ]
    lines = {row["stack_id"]: row for row in given.tables["stacks"]}
    for stack in lines.values():
        stack["lines"] = [7 if function == PUT else 1 for function in stack["functions"]]
    given.tables["call_sites"] = [row | {"line": 7} for row in given.tables["call_sites"]]
    with given.models() as connection:
        query = "select * exclude (build_id, file) from map_growth"
        assert rows(connection, query) == [(7, PUT, 5120, 4096, 20, 10, 60, 30)]
