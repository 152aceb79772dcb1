"""Where others use the processors, what the clock measures gets worse: compared if it lasts without them."""

from __future__ import annotations

import numpy as np
import pytest

from tracemill.flows.gate.notes import notes
from tracemill.flows.show.coverage import ClockChange
from tracemill.warehouse.queries import ask

from .given import Given, rows

CALM, BUSY = 1.2, 4.0
PERIOD = 10**7
LOCK = ["sync.(*Mutex).Lock", "app.(*Cache).Get", "app.serve"]
VERDICTS = """
    select build_id, first_build_id, metric, status
    from regressions join builds using (build_id)
    where function = 'app.(*Cache).Get' order by ordinal
"""
LOW = [1.0] * 8


def history(waits: list[float], clocks: list[float], samples: int = 60) -> Given:
    """A build for each of waits, in which a lock is waited for so many times as long as usual, of two runs.

    clocks: for how long goroutines run in each for a second of CPU time. samples: of the CPU time of a run.
    """
    given, random = Given(), np.random.default_rng(0)
    lock, work = given.stack(*LOCK), given.stack("app.work", "app.serve")
    for build, (longer, clock) in enumerate(zip(waits, clocks, strict=True), 1):
        for run in "12":
            lengths = 1e6 * longer * np.exp(0.1 * random.standard_normal(100))
            trace = given.trace(f"b{build}", run, [(lock, "sync", int(ns)) for ns in lengths])
            running = {"start_ns": 0, "state": "running", "is_complete": True, "goroutine_id": 1000}
            given.tables["goroutine_intervals"].append(
                {"capture_id": trace, "duration_ns": int(clock * samples * PERIOD)} | running
            )
            given.tables["goroutines"].append(
                {
                    "capture_id": trace,
                    "goroutine_id": 1000,
                    "entry_function": "runtime.gcBgMarkWorker",
                    "created_ns": 0,
                }
            )
            cpu = given.capture(f"b{build}", run, "cpu", duration_ns=10**9)
            given.tables["profile_samples"].append(
                {
                    "capture_id": cpu,
                    "sample_index": 0,
                    "sample_type": "cpu",
                    "sample_unit": "nanoseconds",
                    "sampling_period": PERIOD,
                    "value": samples * PERIOD,
                    "stack_id": work,
                }
            )
    return given


@pytest.mark.parametrize(
    ("clock", "samples", "status"),
    [
        (BUSY, 60, "not_comparable"),
        (CALM, 60, "regressed"),
        (0.3, 60, "regressed"),
        # Of CPU time of so few samples nothing is known.
        (BUSY, 20, "regressed"),
    ],
)
def test_waits_that_processors_used_by_others_may_make_longer_are_not_compared(clock, samples, status):
    with history([*LOW, 20.0], [*[CALM] * 8, clock], samples).models() as connection:
        assert ("b9", "b9", "block_ns", status) in rows(connection, VERDICTS)
        told = rows(connection, "select evidence from regressions where metric = 'block_ns'")
    assert told[0][0].startswith("time on processors 1.2 → 4 s a CPU second: ") == (status != "regressed")


def test_what_lasts_when_others_no_longer_use_them_is_told():
    with history([*LOW, 20.0, 20.0, 19.0], [*[CALM] * 8, BUSY, BUSY, CALM]).models() as connection:
        found = rows(connection, VERDICTS)
    assert [f for f in found if f[2] == "block_ns"] == [
        ("b9", "b9", "block_ns", "not_comparable"),
        ("b11", "b9", "block_ns", "regressed"),
    ]


def test_what_goes_with_them_is_no_verdict_and_said():
    waits, clocks = [*LOW, *[20.0] * 5, 1.0, 1.0], [*[CALM] * 8, *[BUSY] * 5, CALM, CALM]
    with history(waits, clocks).models() as connection:
        found = rows(connection, VERDICTS)
        said = [c.sentence for c in ask(connection, "coverage/clock_changes", ClockChange)]
    assert {f[0] for f in found} == {"b9"}
    assert len(said) == 1
    assert said[0].startswith("by the clock alone: at b14 ")
    assert said[0].endswith(
        "time on processors 4 → 1.2 s a CPU second: others no longer used the processors; no verdict"
    )


@pytest.mark.parametrize("clock", [CALM, BUSY])
def test_the_gate_says_that_others_used_the_processors(clock):
    with history(LOW, [*[CALM] * 7, clock]).models() as connection:
        said = [note for note in notes(connection, "b8") if note.startswith("others used the processors")]
    assert len(said) == (clock == BUSY)
    assert all("goroutines ran 4 s by the clock, 1.2 to 1.2 s in the builds before" in note for note in said)


def test_a_level_that_was_recorded_so_explains_nothing():
    clocks = [CALM, BUSY, CALM, BUSY, CALM, BUSY, CALM, CALM, BUSY]
    with history([*LOW, 20.0], clocks).models() as connection:
        assert ("b9", "b9", "block_ns", "regressed") in rows(connection, VERDICTS)


def test_memory_and_cpu_time_are_compared_all_the_same():
    condition = "condition = 'time on processors'"
    with history(LOW, [CALM] * 8).models() as connection:
        clocked = rows(
            connection, f"select distinct measure from int_build_loads where {condition} order by 1"
        )
    assert clocked == [("trace",), ("trace_amount",)]
