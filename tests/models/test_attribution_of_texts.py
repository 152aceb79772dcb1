"""What a debug=1 text tells: growth apart from assigning, and names of the addresses that traces know."""

from __future__ import annotations

import pytest

from .given import Given, rows

PUT = "app/cache.(*Cache).Put"
KNOWN = "select callee, alloc_bytes, evidence, confidence from mapassign_allocations order by all"
UNKNOWN = "select function, alloc_bytes, inuse_bytes from unknown_allocations order by all"
ASSIGN = "runtime.mapassign_faststr"
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
