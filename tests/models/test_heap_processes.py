"""Captures of one process have samples in common: of what heap profiles tell they are one run."""

from __future__ import annotations

import numpy as np
import pytest

from tracemill.flows.gate.judge import judge
from tracemill.flows.show.doctor import Build
from tracemill.warehouse.queries import ask

from .given import USER_PATH, Given, rows

MIB = 1 << 20


def scraped(*sizes: list[int], period: int = 524288) -> Given:
    """A build whose runs have these bytes at each of their sites."""
    given = Given()
    stacks = [given.stack(f"app.f{site}", *USER_PATH) for site in range(len(sizes[0]))]
    for run, of_run in enumerate(sizes, 1):
        sites = [
            (stack, 0x1000 + i, size)
            for i, (stack, size) in enumerate(zip(stacks, of_run, strict=True))
            if size
        ]
        given.heap("b1", str(run), sites, period=period)
    return given


FIRST = [MIB * (1 + site % 3) for site in range(12)]
LATER = [size + (MIB if site % 4 == 0 else 0) for site, size in enumerate(FIRST)]
OTHER = [MIB * (1 + (site + 1) % 3) for site in range(12)]


@pytest.mark.sampled
@pytest.mark.parametrize(
    ("runs", "period", "processes"),
    [
        ((FIRST, LATER), 524288, 1),
        ((FIRST, FIRST, LATER), 524288, 1),
        ((FIRST, OTHER), 524288, 2),
        ((FIRST, LATER, OTHER), 524288, 2),
        # A site that one process had and the other has not.
        ((FIRST, [0, *LATER[1:]]), 524288, 2),
        # Every allocation is counted: two processes may do the same.
        ((FIRST, FIRST), 1, 2),
        # Of a few sites one cannot tell.
        ((FIRST[:9], LATER[:9]), 524288, 2),
        ((FIRST,), 524288, 1),
    ],
)
def test_processes_are_told_by_what_never_becomes_less(runs, period, processes):
    with scraped(*runs, period=period).models() as connection:
        found = rows(
            connection,
            "select sample_type, run_count, process_count from int_heap_processes order by all",
        )
        notes = judge(connection, "b1").conditions
        [seen] = ask(connection, "doctor/builds", Build)
    # Nothing says when they were captured, nor what work they are of: nothing tells their allocations apart.
    assert found == [(kind, len(runs), processes) for kind in ("alloc_space", "inuse_space")]
    # It is said where somebody looks.
    assert any(
        f"the heap profiles of {len(runs)} runs are captures of {processes} process" in n for n in notes
    ) == (processes < len(runs))
    assert seen.has_one_process == (processes < len(runs))


def test_the_tenth_run_comes_after_the_ninth():
    runs = [[size + MIB * number for size in FIRST] for number in range(10)]
    with scraped(*runs).models() as connection:
        found = rows(connection, "select distinct run_count, process_count from int_heap_processes")
    assert found == [(10, 1)]


@pytest.mark.parametrize(("second", "run_count"), [(LATER, 1), (OTHER, 2)])
def test_captures_of_one_process_are_one_run(second, run_count):
    with scraped(FIRST, second).models() as connection:
        found = rows(
            connection,
            "select metric, run_count, run_variance, counting_variance from int_points "
            "where metric in ('alloc_bytes', 'inuse_bytes') and value > 0",
        )
    assert {metric for metric, *_ in found} == {"alloc_bytes", "inuse_bytes"}
    assert {count for _, count, _, _ in found} == {run_count}
    assert {variance is None for _, _, variance, _ in found} == {run_count == 1}
    assert np.all([counting > 0 for *_, counting in found])


@pytest.mark.parametrize(
    ("counts", "benchmarks", "is_noted"), [(False, False, True), (True, False, False), (False, True, False)]
)
def test_totals_of_nobody_knows_how_much_work_are_noted(counts, benchmarks, is_noted):
    """A run that lasted a tenth longer has a tenth more of all, and the gate said nothing of it."""
    given = Given()
    stacks = [given.stack(f"app.f{site}", *USER_PATH) for site in range(12)]
    for build in ("b1", "b2", "b3", "b4"):
        for run, of_run in (("1", FIRST), ("2", OTHER)):
            given.heap(
                build,
                run,
                [
                    (stack, 0x1000 + i, size)
                    for i, (stack, size) in enumerate(zip(stacks, of_run, strict=True))
                ],
            )
            if benchmarks:
                given.capture(build, run, "benchmarks", format="benchmarks")
            if counts:
                given.tables["run_work"].append(
                    {"build_id": build, "run_id": run, "work_unit": "requests", "work_count": 1000}
                )
    with given.models() as connection:
        notes = judge(connection, "b4").conditions
    assert any("heap_alloc are all since the process began" in note for note in notes) == is_noted


@pytest.mark.parametrize(("shares_a_process", "exit_code"), [(False, 0), (True, 2)])
@pytest.mark.parametrize("counts", [False, True])
def test_runs_of_one_process_are_not_compared_with_runs_of_their_own(shares_a_process, exit_code, counts):
    """What a process has allocated counts from its start; each function seemed to allocate twice as much.

    Where runs count their work, what it allocates as it starts is in its first run alone.
    """
    given = Given()
    random = np.random.default_rng(3)
    typical = random.integers(20, 90, 30) * MIB
    stacks = [given.stack(f"app.f{site}", *USER_PATH) for site in range(30)]
    for number in range(1, 10):
        so_far = np.zeros(30)
        for run in ("1", "2", "3"):
            of_run = typical * np.exp(random.normal(0, 0.08, 30))
            so_far = so_far + of_run if number == 9 and shares_a_process else of_run
            given.heap(
                f"b{number}",
                run,
                [(s, 0x1000 + i, int(v)) for i, (s, v) in enumerate(zip(stacks, so_far, strict=True))],
            )
            if counts:
                given.tables["run_work"].append(
                    {"build_id": f"b{number}", "run_id": run, "work_unit": "requests", "work_count": 1000}
                )
    given.tables["profile_samples"] = [
        sample for sample in given.tables["profile_samples"] if sample["sample_type"].startswith("alloc")
    ]
    with given.models() as connection:
        found = judge(connection, "b9")
    assert found.exit_code == exit_code
    assert any("runs of one process 1 → 3, unlike" in note for note in found.conditions) == shares_a_process
