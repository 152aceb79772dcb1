from __future__ import annotations

from itertools import pairwise

import numpy as np
import pyarrow as pa

from parsers.stacks import (
    Frames,
    StackTable,
    combine,
    combine_all,
    hash_frame,
    hash_frames,
    hash_name,
    stack_ids,
)
from warehouse.schema import TABLES

# What is stored joins over years: these must never change.
KNOWN = (["main.leaf", "main.root"], ["main.go", "main.go"], [10, 20])
STACK_ID, PATH_ID = -7676929900140556737, 4447250719598491663


def rows_of(table: StackTable, **how: int) -> list[dict]:
    return [
        row
        for b in table.batches(**how)
        for row in pa.Table.from_batches([TABLES["stacks"].conform(b.rows)]).to_pylist()
    ]


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


def test_arrays_give_the_ids_that_single_stacks_get():
    functions, files, lines = ["f", "g", "é"], ["a.go", "b.go"], [0, 7, -3, 2**40]
    frames = [(f, p, n) for f in range(3) for p in range(2) for n in lines]
    columns = [np.array(column, np.int64) for column in zip(*frames, strict=True)]
    names = np.array([hash_name(f) for f in functions], np.uint64)[columns[0]]
    paths = np.array([hash_name(p) for p in files], np.uint64)[columns[1]]
    hashed = hash_frames(names, paths, columns[2])
    assert hashed.tolist() == [hash_frame(functions[f], files[p], n) for f, p, n in frames]
    offsets = np.array([0, 0, 1, 4, 4, len(frames), len(frames)], np.int64)
    expected = [combine(hashed[a:b].tolist()) for a, b in pairwise(offsets)]
    assert combine_all(hashed, offsets).tolist() == expected
    assert expected[0] == expected[-1] == 0


def test_one_table_takes_stacks_one_by_one_and_in_bulk():
    table = StackTable()
    first = table.add(["f"], ["a.go"], [1], [0xFFFF])
    frames = Frames(
        ["f", "g"], ["a.go"], np.array([0, 1]), np.array([0, 0]), np.array([1, 2]), np.empty(0, np.uint64)
    )
    flat, offsets = np.array([0, 0, 1, 1, 0, 1]), np.array([0, 1, 3, 3, 4, 6])
    ids = table.add_all(frames, flat, offsets)
    assert ids[0] == first
    assert (ids[2], ids[4]) == (0, ids[1])
    assert table.add(["g"], ["a.go"], [2]) == ids[3]
    rows = rows_of(table)
    assert [(r["functions"], r["lines"], r["pcs"]) for r in rows] == [
        (["f"], [1], [0xFFFF]),
        (["f", "g"], [1, 2], []),
        (["g"], [2], []),
    ]
    assert rows_of(table, rows_per_batch=1) == rows
    assert len(table) == 3


def test_no_frames_is_no_stack():
    table = StackTable()
    assert table.add([], [], []) is None
    assert list(table.batches()) == []
