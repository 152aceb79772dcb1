from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import pytest

from tracemill.parsers import pprof
from tracemill.parsers.api import Options, Stacks
from tracemill.parsers.kernels import stack_frames
from tracemill.parsers.stacks import StackTable, hash_frame, hash_frames, stack_ids
from tracemill.parsers.unwrap.source import Source
from tracemill.warehouse.schema import TABLES
from tracemill.warehouse.schema.hashes import MULTIPLIER, hash_name

# What is stored joins over years: these must never change.
KNOWN = (["main.leaf", "main.root"], ["main.go", "main.go"], [10, 20])
SOURCE = "parsers/kernels/stack_frames.py"
STACK_ID, PATH_ID = -7676929900140556737, 4447250719598491663


def rows_of(stacks: Stacks, places: list[int] | None = None) -> list[dict]:
    wanted = np.arange(len(stacks.ids)) if places is None else np.array(places, np.int64)
    return [row for rows in stacks.rows(wanted) for row in TABLES["stacks"].conform(rows).to_pylist()]


def test_ids_are_what_they_always_were():
    assert stack_ids(*KNOWN) == (STACK_ID, PATH_ID)


def test_path_id_survives_shifted_lines_and_moved_files():
    functions, _, _ = KNOWN
    stack, path = stack_ids(functions, ["other.go"] * 2, [11, 21])
    assert (stack != STACK_ID, path) == (True, PATH_ID)


def test_order_depth_and_every_part_of_a_frame_matter():
    frames = [("f", "a.go", 1), ("g", "a.go", 1), ("f", "b.go", 1), ("f", "a.go", 2), ("a.go", "f", 1)]
    stacks = [[x] for x in frames] + [[x, y] for x in frames for y in frames]
    ids = {stack_ids(*zip(*stack, strict=True))[0] for stack in stacks}
    assert len(ids) == len(stacks)


def test_frames_hash_alike_one_by_one_and_in_bulk():
    frames = [(f, p, n) for f in ("f", "é") for p in ("a.go", "b.go") for n in (0, 7, -3, 2**40)]
    functions, files = ([hash_name(frame[i]) for frame in frames] for i in (0, 1))
    lines = np.array([n for _, _, n in frames])
    found = hash_frames(np.array(functions, np.uint64), np.array(files, np.uint64), lines)
    assert found.tolist() == [hash_frame(*frame) for frame in frames]


def invented(seed: int) -> dict[str, np.ndarray]:
    """Stacks of any locations, dangling ones too, of any frames; the arrays that the kernels take."""
    r = np.random.default_rng(seed)
    frames, locations, stacks = 12, 6, 9
    cuts = np.sort(r.integers(0, frames + 1, locations - 1))
    bounds = np.concatenate([[0], cuts, [frames]])
    runs = np.concatenate([[0], np.sort(r.integers(0, 30, stacks - 1)), [30]])
    return {
        "locations": r.integers(-1, locations + 1, 30),
        "starts": runs[:-1],
        "ends": runs[1:],
        "frame_starts": bounds[:-1],
        "frame_ends": bounds[1:],
        "functions": r.integers(0, 5, frames).astype(np.int32),
        "files": r.integers(0, 3, frames).astype(np.int32),
        "lines": r.integers(-(2**40), 2**40, frames),
    }


def frames_in(given: dict[str, np.ndarray], stack: int) -> list[int]:
    """The frames of one stack, by loops."""
    known = len(given["frame_starts"])
    locations = given["locations"][given["starts"][stack] : given["ends"][stack]]
    runs = [range(given["frame_starts"][i], given["frame_ends"][i]) for i in locations if 0 <= i < known]
    return [frame for run in runs for frame in run]


@pytest.fixture(params=["compiled", "uncompiled"])
def kernels(request):
    if request.param == "compiled":
        return stack_frames
    spec = importlib.util.spec_from_file_location("uncompiled_stack_frames", Path(SOURCE).absolute())
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert not module.cython.compiled
    return module


@pytest.mark.parametrize("seed", range(10))
def test_kernel_gives_the_ids_that_single_stacks_get(kernels, seed):
    given = invented(seed)
    names = np.array([hash_name(f"f{i}") for i in given["functions"]], np.uint64)
    paths = np.array([hash_name(f"{i}.go") for i in given["files"]], np.uint64)
    hashes = hash_frames(names, paths, given["lines"])
    n = len(given["starts"])
    ids, path_ids, depths = np.zeros(n, np.uint64), np.zeros(n, np.uint64), np.zeros(n, np.int64)
    runs = [given[k].data for k in ("locations", "starts", "ends", "frame_starts", "frame_ends")]
    total = kernels.combine_stacks(
        *runs, hashes.data, names.data, MULTIPLIER, ids.data, path_ids.data, depths.data
    )
    for stack in range(n):
        frames = frames_in(given, stack)
        texts = [f"f{given['functions'][i]}" for i in frames], [f"{given['files'][i]}.go" for i in frames]
        lines = [int(given["lines"][i]) for i in frames]
        found = tuple(int(array.view(np.int64)[stack]) for array in (ids, path_ids))
        assert found == stack_ids(*texts, lines)
        assert depths[stack] == len(frames)
    assert total == depths.sum()


@pytest.mark.parametrize("seed", range(10))
def test_kernel_copies_the_frames_of_the_chosen_stacks(kernels, seed):
    given = invented(seed)
    chosen = np.array([0, 3, 4, 8])
    expected = [frame for stack in chosen for frame in frames_in(given, stack)]
    out = [np.zeros(len(expected), kind) for kind in (np.int32, np.int32, np.int64, np.int64)]
    count = kernels.copy_frames(
        chosen.data, *(values.data for values in given.values()), *(array.data for array in out)
    )
    assert count == len(expected)
    for name, found in zip(("functions", "files", "lines"), out, strict=False):
        assert found.tolist() == given[name][expected].tolist()
    assert out[3].tolist() == expected


def test_one_table_takes_a_stack_once(monkeypatch):
    table = StackTable()
    first = table.add(["f"], ["a.go"], [1], [0xFFFF])
    assert table.add(["f"], ["a.go"], [1]) == first
    table.add(["f", "g"], ["a.go", "a.go"], [1, 2])
    rows = rows_of(table.stacks())
    assert table.stacks().ids.tolist() == [r["stack_id"] for r in rows]
    assert [(r["functions"], r["lines"], r["pcs"]) for r in rows] == [
        (["f"], [1], [0xFFFF]),
        (["f", "g"], [1, 2], []),
    ]
    assert len(table) == 2
    monkeypatch.setattr("tracemill.parsers.stacks.ROWS_PER_BATCH", 1)
    assert rows_of(table.stacks()) == rows


def test_rows_are_made_of_the_stacks_that_are_asked_for():
    table = StackTable()
    for depth in range(1, 6):
        names = [f"f{depth}{i}" for i in range(depth)]
        table.add(names, ["a.go"] * depth, list(range(depth)), range(depth % 3))
    for stacks in (table.stacks(), stacks_of_profile()):
        rows = {r["stack_id"]: r for r in rows_of(stacks)}
        assert rows.keys() == {*stacks.ids.tolist()}
        some = {r["stack_id"]: r for r in rows_of(stacks, [1, 2, 4])}
        assert some == {i: rows[i] for i in stacks.ids[[1, 2, 4]].tolist()}
        assert rows_of(stacks, []) == []


def stacks_of_profile() -> Stacks:
    source = Source(Path(__file__).parents[1] / "samples/pprof/go1.27/heap.pb.gz")
    return next(item for item in pprof.parse(source, Options()) if isinstance(item, Stacks))


def test_no_frames_is_no_stack():
    table = StackTable()
    assert table.add([], [], []) is None
    assert rows_of(table.stacks()) == []
