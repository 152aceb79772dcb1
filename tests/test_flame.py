"""The flame graph of two builds: as wide as the costlier, coloured by the change, never too much."""

from __future__ import annotations

import itertools

import pytest

from tracemill.flows.show.flame import LEAST_SHARE, MAX_DEPTH, MAX_FRAMES, Flame, Frame, StackRow, flame


def row(path: str, before: float, after: float) -> StackRow:
    """A path, root first, each function in a file of its name."""
    functions = path.split()[::-1]
    files = [f"{f}.go" for f in functions]
    return StackRow(functions, files, [7] * len(files), functions[0], "", True, None, before, after)


def drawn(*rows: StackRow) -> Flame:
    return flame(rows, "all", "ns/requests", ("b1", "b2"))


def frame(found: Flame, name: str) -> Frame:
    return next(f for f in found.frames if f.title.split("\n")[0] == name)


def test_what_is_gone_is_as_wide_as_it_was() -> None:
    found = drawn(row("main old", 300, 0), row("main new", 0, 100))
    assert frame(found, "old").width == pytest.approx(75)
    assert frame(found, "new").width == pytest.approx(25)
    assert frame(found, "old").shade == "less3"
    assert frame(found, "new").shade == "more3"


def test_frames_lie_in_their_callers_and_beside_each_other() -> None:
    rows = [row(f"main a{i % 3} b{i}", i, 2 * i) for i in range(1, 12)]
    frames = drawn(*rows).frames
    for one, other in itertools.combinations(frames, 2):
        if one.depth == other.depth:
            first, second = sorted((one, other))
            assert first.left + first.width <= second.left + 1e-9
    for one in frames:
        if one.depth:
            assert any(
                f.depth == one.depth - 1
                and f.left - 1e-9 <= one.left
                and one.left + one.width <= f.left + f.width + 1e-9
                for f in frames
            )


@pytest.mark.parametrize(
    ("before", "after", "shade"),
    [(100, 101, "same"), (100, 110, "more1"), (100, 150, "more2"), (10, 100, "more3"), (150, 100, "less2")],
)
def test_the_colour_is_the_change(before: float, after: float, shade: str) -> None:
    assert frame(drawn(row("main f", before, after)), "f").shade == shade


def test_a_frame_says_where_it_is_and_what_it_cost_in_both_builds() -> None:
    found = frame(drawn(row("main app/cache.(*Prices).Get", 1e6, 3e6)), "app/cache.(*Prices).Get")
    assert found.label == "cache.(*Prices).Get +2 ms"
    assert found.title.split("\n")[1:] == [
        "app/cache.(*Prices).Get.go:7",
        "b1: 1 ms a request, b2: 3 ms a request",
    ]


def test_what_nobody_could_hit_is_left_out() -> None:
    found = drawn(row("main big", 1000, 1000), *(row(f"main small{i}", 1, 1) for i in range(20)))
    assert [f.title.split("\n")[0] for f in found.frames] == ["all", "main", "big"]
    assert LEAST_SHARE > 1 / 1020
    many = drawn(*(row(" ".join(f"f{i}.{d}" for d in range(12)), 1, 1) for i in range(100)))
    assert len(many.frames) == MAX_FRAMES


def test_endless_recursion_and_no_stack_are_drawn() -> None:
    deep = drawn(row(" ".join(["f"] * 5000), 1, 2), StackRow(None, None, None, None, "", True, None, 1, 1))
    assert max(f.depth for f in deep.frames) == MAX_DEPTH
    assert "(many smaller call paths)" in {f.title.split("\n")[0] for f in deep.frames}
    assert drawn().frames == []
