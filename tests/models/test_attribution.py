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
            [("runtime.mapassign_fast64", 4096, "listing_any_map_call", 0.75)],
        ),
        (None, 0x1002, [MIXED[0]], [("runtime.mapassign_faststr", 4096, "listing_line", 1.0)]),
        (None, 0x1002, MIXED, [("runtime.mapassign_faststr", 4096, "listing_any_map_call", 0.75)]),
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
        assert rows(connection, KNOWN) == [("runtime.mapassign_faststr", 5120, "listing_any_map_call", 0.75)]


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
            ("listing_any_map_call", 0.75, 1024, 0.125, 1024, 1 / 6),
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
        assert rows(connection, KNOWN) == [("runtime.mapassign_faststr", 4096, "listing_any_map_call", 0.75)]


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
