"""Scheduling cycles, as stored, unfold into the intervals that were stored before there were cycles."""

from __future__ import annotations

import hashlib
import json
import random
from pathlib import Path

import numpy as np
import pytest

from tests.exectrace.reading import collect
from tracemill import read
from tracemill.parsers import captures
from tracemill.parsers.api import Options
from tracemill.parsers.exectrace.assembly import Assembly
from tracemill.parsers.kernels.layout import LAYOUT
from tracemill.warehouse.intervals import with_intervals

TESTS = Path(__file__).resolve().parents[1]
# Of each recorded trace how many intervals the reader stored while it stored them one by one, and their hash.
STORED = json.loads((Path(__file__).parent / "samples/intervals.json").read_text())
COLUMNS = (
    "goroutine_id", "start_ns", "state", "reason", "duration_ns", "is_complete", "stack_id",
    "waker_goroutine_id", "waker_stack_id", "proc_id", "thread_id",
)  # fmt: skip


def rows_of(intervals) -> list[tuple]:
    found = zip(*(intervals.column(name).to_pylist() for name in COLUMNS), strict=True)
    return sorted(found, key=lambda row: (row[0], row[1], str(row)))


@pytest.mark.parametrize("name", STORED)
def test_intervals_are_those_that_were_stored_one_by_one(name):
    (found,) = captures(TESTS / name)
    rows = rows_of(with_intervals(found.tables())["goroutine_intervals"])
    assert len(rows) == STORED[name]["rows"]
    assert hashlib.sha256("\n".join(map(repr, rows)).encode()).hexdigest() == STORED[name]["sha256"]


def test_a_recorded_trace_has_less_than_half_as_many_cycles_as_intervals(samples):
    tables = read(samples["1.27"])
    assert tables["goroutine_cycles"].num_rows < tables["goroutine_intervals"].num_rows / 2
    assert tables["goroutine_intervals"].column_names == list(COLUMNS)


# ---- whatever order events come in: against intervals kept one by one --------


GOES_TO = {
    "GO_START": "running", "GO_STOP": "runnable", "GO_BLOCK": "waiting", "GO_SYSCALL_BEGIN": "syscall",
    "GO_SYSCALL_END": "running", "GO_SYSCALL_END_BLOCKED": "runnable", "GO_UNBLOCK": "runnable",
}  # fmt: skip
# What a program does, more often than what none can do.
USUAL = (
    "GO_BLOCK", "GO_UNBLOCK", "GO_START", "GO_SYSCALL_BEGIN", "GO_SYSCALL_END", "GO_SYSCALL_END_BLOCKED",
    "GO_START", "GO_STOP", "GO_START",
)  # fmt: skip


class OneByOne:
    """Intervals as each stay in a state ends."""

    def __init__(self) -> None:
        self.rows: list[tuple] = []
        self.now: dict[int, list] = {}

    def goes_to(self, g, state, ts, reason=None, stack=None, proc=None, thread=None, woken=()):
        is_known = g in self.now
        if is_known:
            self.end(g, ts, True, *woken)
        if state not in ("running", "syscall"):
            proc = thread = None
        self.now[g] = [ts, state, reason, is_known, stack, proc, thread]

    def end(self, g, ts, is_complete, waker=None, waker_stack=None):
        start, state, reason, was_complete, stack, proc, thread = self.now.pop(g)
        self.rows.append((
            g, start, state, reason, ts - start, is_complete and was_complete, stack, waker, waker_stack,
            proc, thread,
        ))  # fmt: skip


@pytest.mark.parametrize("seed", range(20))
def test_cycles_of_any_events_unfold_into_their_intervals(seed):
    r = random.Random(seed)
    assembly = Assembly(Options())
    reason = assembly.names.add_string(b"sync")
    function = assembly.names.add_string(b"main.f")
    stacks = [0, *(assembly.names.add_stack([(pc, function, function, pc)]) for pc in (1, 2))]
    ids = {i: assembly.names.stack_ids[i] if i else None for i in stacks}
    reference, rows, place = OneByOne(), [], {}
    for number in range(400):
        ts, g = 2 + 3 * number, r.randrange(1, 5)
        place[g] = place.get(g, -1) + 1
        kind = USUAL[place[g] % len(USUAL)] if r.random() < 0.8 else r.choice([*GOES_TO, "GO_DESTROY"])
        by, stack = r.choice([-1, g, 9]), r.choice(stacks)
        proc, thread = r.choice([(0, 7), (0, 7), (1, 8), (-1, 8)])
        on = by if kind == "GO_UNBLOCK" else g
        text = r.choice([reason, 0]) if kind in ("GO_STOP", "GO_BLOCK") else g
        rows.append((LAYOUT[f"EV_{kind}"], ts, thread, proc, on, text, 0, 0, 0, stack))
        seen = ts - 1
        told = {"stack": ids[stack], "proc": None if proc < 0 else proc, "thread": thread}
        if kind == "GO_DESTROY":
            if g in reference.now:
                reference.end(g, seen, True)
        elif kind == "GO_UNBLOCK":
            woken = (None if by < 0 else by, ids[stack])
            reference.goes_to(g, "runnable", seen, stack=ids[stack], woken=woken)
        else:
            word = "sync" if kind in ("GO_STOP", "GO_BLOCK") and text else None
            reference.goes_to(g, GOES_TO[kind], seen, word, **told)
    for g in list(reference.now):
        reference.end(g, seen, False)
    assembly.scheduler.sync(1)
    batches = list(assembly.batches(assembly.scheduler.follow(np.array(rows, np.int64), len(rows))))
    reading = collect([*batches, *assembly.end(is_synced=True)])
    assert rows_of(reading.tables["goroutine_intervals"]) == sorted(
        reference.rows, key=lambda row: (row[0], row[1], str(row))
    )
