"""Dropped and kept frames are those that Go's pprof drops and keeps."""

from __future__ import annotations

import random
from collections import Counter

import pytest

from tests.parsers import gopprof, reading
from tests.parsers.pprof_messages import Profile

from .profiles import frames_of, items_of, rows_of, small, write

NAMES = [
    "main.main",
    "main.(*T).Get",
    "alloc",
    "alloc_keep",
    "alloc_x",
    ".alloc",
    "std::f(anonymous namespace)::g",
    "C::operator()(int)",
    "alloc(int, int)",
    "",
]
DROPS = [
    ("alloc.*", ""),
    ("alloc.*", "alloc_k.*"),
    (r"main\.", ""),
    (".*", r"main\.main"),
    ("std.*|C.*", "C::.*"),
]


def invented(seed: int, drop: str, keep: str) -> Profile:
    """Any stacks of any functions, inlined ones too."""
    r = random.Random(seed)
    p = Profile()
    texts = ["", "samples", "count", "a.go", drop, keep, *NAMES]
    p.string_table.extend(text.encode() for text in texts)
    p.sample_type.add(type=1, unit=2)
    p.drop_frames, p.keep_frames = 4, 5 if keep else 0
    for i in range(len(NAMES)):
        p.function.add(id=i + 1, name=6 + i, filename=3)
    for i in range(12):
        location = p.location.add(id=i + 1, address=0x1000 + i)
        for _ in range(r.choice([0, 1, 1, 2, 3])):
            location.line.add(function_id=r.randrange(len(NAMES)) + 1, line=r.randrange(3))
    for _ in range(40):
        p.sample.add(
            location_id=[r.randrange(12) + 1 for _ in range(r.randrange(1, 7))], value=[r.randrange(9)]
        )
    return p


@pytest.mark.parametrize(("drop", "keep"), DROPS)
@pytest.mark.parametrize("seed", range(4))
def test_dropped_and_kept_frames_are_those_of_pprof(seed, drop, keep, tmp_path):
    path = write(tmp_path, invented(seed, drop, keep))
    rows, stacks = rows_of(path)
    ours = Counter()
    for row in rows:
        frames = [f for f in frames_of(stacks[row["stack_id"]]) if f != ("<unknown>", "", 0)]
        ours[row["value"], tuple(frames)] += 1
    theirs = Counter()
    for (values, frames, _, _), count in gopprof.raw(path).samples.items():
        theirs[values[0], frames] += count
    assert ours == theirs


@pytest.mark.parametrize(("drop", "keep"), DROPS)
def test_flat_and_cumulative_values_with_dropped_frames_equal_pprof_top(drop, keep, tmp_path):
    path = write(tmp_path, invented(9, drop, keep))
    rows, stacks = rows_of(path)
    flat, cum = Counter(), Counter()
    for row in rows:
        functions = stacks[row["stack_id"]]["functions"]
        flat[functions[0]] += row["value"]
        cum.update(dict.fromkeys(functions, row["value"]))
    expected = {f: v for f, v in gopprof.top(path, "samples").items() if v != (0, 0)}
    known = {f: (flat[f], cum[f]) for f in cum if cum[f]}
    assert {f: known[f] for f in NAMES if f in known} == {f: v for f, v in expected.items() if f in NAMES}


def test_dropping_frames_keeps_the_leaf_and_all_addresses(tmp_path):
    p = small()
    p.string_table.extend([b"main.leaf|main.root", b"main.root"])
    p.drop_frames, p.keep_frames = 6, 7
    p.location[0].line.pop()
    p.sample.add(location_id=[4], value=[1])
    path = write(tmp_path, p)
    rows, stacks = rows_of(path)
    assert frames_of(stacks[rows[0]["stack_id"]]) == (("main.root", "main.go", 30),)
    assert (rows[0]["leaf_pc"], rows[0]["pcs"]) == (0x1000, [0x1000, 0x2000])
    assert (rows[1]["leaf_pc"], rows[1]["pcs"]) == (0x2000, None)
    labels = reading.facts(items_of(path)).labels
    assert (labels["drop_frames"], labels["keep_frames"]) == ("main.leaf|main.root", "main.root")


def test_drop_frames_that_are_no_regular_expression_are_an_issue(tmp_path):
    p = small()
    p.string_table.append(b"main.(")
    p.drop_frames = 6
    path = write(tmp_path, p)
    (issue,) = reading.issues(items_of(path))
    assert (issue.position, issue.severity) == ("drop_frames", "error")
    _, stacks = rows_of(path)
    assert len(frames_of(next(iter(stacks.values())))) == 3
