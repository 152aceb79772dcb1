"""What one build knows of a call serves the others, while the call's line stays the same in its function."""

from __future__ import annotations

import pytest

from tracemill.warehouse.queries import ask_column

from .given import Given, rows

PUT = "app/cache.(*Cache).Put"
ASSIGN = "runtime.mapassign_faststr"
KNOWN = """
    select build_id, callee, alloc_bytes, inuse_bytes, evidence, confidence
    from mapassign_allocations order by all
"""
UNKNOWN = "select build_id, function, alloc_bytes from unknown_allocations order by all"


class Series(Given):
    """Builds with one heap sample each, of a line of Put."""

    def sampled(
        self, build: str, pc: int, line: int = 1, start_line: int | None = 1, size: int = 4096
    ) -> None:
        """A sample whose CALL returns to pc, in a line of a function that begins at start_line."""
        stack = self.stack(PUT)
        self.tables["stacks"][-1]["lines"] = [line]
        self.tables["stacks"][-1]["stack_id"] = stack + line
        heap = self.heap(build, "1", [(stack + line, pc - 1, size)])
        self.names(heap, [(pc, PUT, line, "")])
        self.tables["named_addresses"][-1]["start_line"] = start_line

    def traced(self, build: str, pc: int, callee: str, line: int = 1) -> None:
        """A trace that shows the call."""
        self.names(self.trace(build, "1", []), [(pc, PUT, line, callee)])


def told(series: Series) -> list[tuple[object, ...]]:
    with series.models() as connection:
        return rows(connection, KNOWN)


def test_a_call_that_one_build_knows_is_known_in_all():
    series = Series()
    series.sampled("b1", 0x101)
    series.sampled("b2", 0x8101, line=11, start_line=11)
    series.sampled("b3", 0x5003)  # the line alone is the same: it may call more than one function
    series.sampled("b4", 0x101, line=2)  # another line of the function
    series.sampled("b5", 0x101, start_line=None)
    series.traced("b1", 0x101, ASSIGN)
    with series.models() as connection:
        assert rows(connection, KNOWN) == [
            ("b1", ASSIGN, 4096, 2048, "seen_callee", 1.0),
            ("b2", ASSIGN, 4096, 2048, "other_build_call", 1.0),
        ]
        assert rows(connection, UNKNOWN) == [("b3", PUT, 4096), ("b4", PUT, 4096), ("b5", PUT, 4096)]
        shares = "select build_id, evidence, alloc_share, map_bytes from attribution_shares order by all"
        assert rows(connection, shares) == [
            ("b1", "seen_callee", 1.0, 4096),
            ("b2", "other_build_call", 1.0, 4096),
            ("b3", "unknown", 1.0, 0),
            ("b4", "unknown", 1.0, 0),
            ("b5", "unknown", 1.0, 0),
        ]
        query = "select build_id, alloc_bytes, call_path from block_mapassign order by all"
        assert rows(connection, query) == [("b1", 4096, PUT), ("b2", 4096, PUT)]
        query = "select build_id, line, callees, alloc_bytes, evidence from map_sites order by all"
        assert rows(connection, query) == [
            ("b1", 1, [ASSIGN], 4096, "seen_callee"),
            ("b2", 11, [ASSIGN], 4096, "other_build_call"),
        ]
        query = "select distinct build_id from int_heap_knowledge where is_known order by 1"
        assert rows(connection, query) == [("b1",), ("b2",)]
        observed = (
            "select build_id, value from observations where metric = 'mapassign_inuse_bytes' order by 1"
        )
        assert rows(connection, observed) == [("b1", 2048), ("b2", 2048)]


def test_a_binary_of_one_build_tells_of_its_neighbours():
    series = Series()
    series.sampled("b1", 0x8101, line=7, start_line=7)
    series.sampled("b2", 0x101)
    series.binary("b2", {0x101: ASSIGN, 0x201: "runtime.makemap"})
    series.tables["call_sites"][1] |= {"function": PUT, "line": 2}
    series.sampled("b3", 0x8201, line=2)
    assert told(series) == [
        ("b1", ASSIGN, 4096, 2048, "other_build_call", 1.0),
        ("b2", ASSIGN, 4096, 2048, "call_target", 1.0),
        ("b3", "runtime.makemap", 4096, 2048, "other_build_call", 1.0),
    ]


@pytest.mark.parametrize(("pc", "expected"), [(0x101, "runtime.makemap"), (0x201, None), (0x116, None)])
def test_of_a_line_with_calls_of_two_kinds_the_address_must_decide(pc, expected):
    series = Series()
    series.sampled("b1", 0x101)
    series.traced("b1", 0x101, "runtime.makemap")
    series.names("b1/1/trace", [(0x10E, PUT, 1, ASSIGN)])
    series.sampled("b2", 0x8000 + pc)
    if pc == 0x201:  # the same address modulo 32 means two things to two builds
        series.sampled("b3", 0x101)
        series.traced("b3", 0x101, "runtime.growslice")
    found = [row[1] for row in told(series) if row[0] == "b2"]
    assert found == ([expected] if expected else [])


def test_what_a_build_knows_in_part_is_put_together():
    series = Series()
    stack = series.stack(PUT)
    series.heap("b1", "1", [(stack, 0x100, 4096), (stack, 0x20A, 1024)])
    series.names("b1/1/heap", [(0x101, PUT, 1, ""), (0x20B, PUT, 1, "")])
    for row in series.tables["named_addresses"]:
        row["start_line"] = 1
    series.traced("b1", 0x101, ASSIGN)
    series.names(series.heap("b2", "1", []), [(0x80B, PUT, 1, "")])
    series.tables["named_addresses"][-1]["start_line"] = 1
    series.traced("b2", 0x80B, ASSIGN)
    with series.models() as connection:
        assert rows(connection, KNOWN) == [("b1", ASSIGN, 5120, 2560, "other_build_call", 1.0)]
        costs = (
            "select caller, value from int_caller_costs where metric like 'mapassign_%_bytes' order by all"
        )
        assert rows(connection, costs.replace("int_", "int_pooled_")) == [(PUT, 512), (PUT, 1024)]
        assert rows(connection, costs) == [(PUT, 2048), (PUT, 4096)]


@pytest.mark.parametrize("is_known", [False, True])
def test_two_calls_of_a_line_with_the_same_address_modulo_32_are_not_told_apart(is_known):
    series = Series()
    series.sampled("b1", 0x101)
    series.traced("b1", 0x101, ASSIGN)
    stack = series.stack(PUT)
    series.heap("b2", "1", [(stack, 0x200, 4096), (stack, 0x2A0, 1024)])
    series.names("b2/1/heap", [(0x201, PUT, 1, ""), (0x2A1, PUT, 1, "")])
    for row in series.tables["named_addresses"]:
        row["start_line"] = 1
    if is_known:
        series.traced("b2", 0x201, ASSIGN)
    with series.models() as connection:
        unknown = 1024 if is_known else 5120
        assert rows(connection, UNKNOWN) == [("b2", PUT, unknown)]


def test_the_instances_of_a_generic_function_are_one():
    series = Series()
    instance, other = "app.Set[go.shape.int]", "app.Set[...]"
    heap = series.heap("b1", "1", [(series.stack(instance), 0x200, 4096)])
    series.names(heap, [(0x201, instance, 1, "")])
    series.tables["named_addresses"][-1]["start_line"] = 1
    series.names(series.trace("b1", "1", []), [(0x301, other, 1, ASSIGN)])
    assert told(series) == [("b1", ASSIGN, 4096, 2048, "other_build_call", 1.0)]


@pytest.mark.full
@pytest.mark.parametrize(("start_line", "missing"), [(1, []), (None, ["mapassign_inuse_bytes"])])
def test_the_gate_misses_map_figures_only_where_other_builds_do_not_tell_them(start_line, missing):
    series = Series()
    for build in ("b1", "b2"):
        series.sampled(build, 0x101)
        series.traced(build, 0x101, ASSIGN)
    series.sampled("b3", 0x8101, line=1, start_line=start_line)
    with series.models() as connection:
        asked = {"ordinal": 3, "recent": 2, "metrics": ["mapassign_inuse_bytes"]}
        assert ask_column(connection, "gate/too_little_known", **asked) == missing
