"""The ladder of attribution: what is known best is said, and how well it is known stands beside it."""

from __future__ import annotations

import pytest

from .given import Given, rows

PUT = "app/cache.(*Cache).Put"
KNOWN = "select callee, alloc_bytes, evidence, confidence from mapassign_allocations order by all"


def listing(given: Given, build: str, calls: list[tuple[int, str]]) -> None:
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
            ("none", 1024, 1.0)
        ]
