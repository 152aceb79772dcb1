"""What a benchmark costs in all follows from how often it went around, where it chooses that itself."""

from __future__ import annotations

import numpy as np

from tracemill.flows.gate.judge import judge
from tracemill.flows.gate.judgement import PASSED
from tracemill.flows.gate.suspected import suspected_changes

from .given import Given, rows

FILTER, SPLIT = "example.org/glob.(*Set).Filter", "example.org/glob.(*Set).split"
BELOW = ["example.org/glob.BenchmarkFilter", "testing.(*B).runN", "testing.(*B).launch"]


def benched(iterations, sites, *, noise: float = 0.03) -> Given:
    """Builds b1 to b9 of two runs: iterations(build) of a benchmark, sites(build): function → bytes."""
    given, random = Given(), np.random.default_rng(5)
    for build in range(1, 10):
        for run in "12":
            capture = given.capture(f"b{build}", run, "benchmarks", format="benchmarks")
            given.tables["benchmarks"].append(
                {
                    "capture_id": capture,
                    "line": 1,
                    "package": "example.org/glob",
                    "name": "Filter",
                    "procs": 2,
                    "iterations": iterations(build) + int(random.integers(0, 9)),
                    "metric": "sec/op",
                    "unit": "sec/op",
                    "value": 0.1 / iterations(build),
                }
            )
            given.heap(
                f"b{build}",
                run,
                [
                    (given.stack(name, *BELOW), 256, int(size * np.exp(random.normal(0, noise))))
                    for name, size in sites(build).items()
                ],
            )
    return given


def judged(given: Given) -> list[tuple[str, ...]]:
    with given.models() as connection:
        return rows(
            connection,
            "select distinct subject, status, first_build_id from regressions where metric = 'alloc_bytes'",
        )


def faster(build: int) -> int:
    return 10_000 if build >= 6 else 200


def test_a_faster_benchmark_that_goes_around_more_often_is_no_regression():
    given = benched(faster, lambda build: {FILTER: 7e3 * faster(build)})
    with given.models() as connection:
        assert not rows(connection, "select * from regressions where metric = 'alloc_bytes'")
        found = judge(connection, "b6")
    assert found.exit_code == PASSED
    said = [condition for condition in found.conditions if "by iterations alone: at b6" in condition]
    assert len(said) == 1
    assert "glob.(*Set).Filter" in said[0]
    assert "BenchmarkFilter-2 went around 20" in said[0]


def test_what_the_iterations_do_not_explain_is_a_regression():
    more = judged(benched(faster, lambda build: {FILTER: 7e3 * faster(build) * (9 if build >= 6 else 1)}))
    against = judged(benched(lambda build: 200, lambda build: {FILTER: 7e6 * (9 if build >= 6 else 1)}))
    new = judged(benched(faster, lambda build: {FILTER: 7e6} | ({SPLIT: 80e6} if build >= 6 else {})))
    assert more == against == [(FILTER, "regressed", "b6")]
    assert new == [(SPLIT, "regressed", "b6")]


def test_a_change_has_to_be_greater_than_the_iterations_explain_beyond_its_own_error():
    found = [
        judged(
            benched(
                faster, lambda build: {FILTER: 7e3 * faster(build) * (4 if build >= 6 else 1)}, noise=noise
            )
        )
        for noise in (0.03, 0.3)
    ]
    assert found == [[(FILTER, "regressed", "b6")], []]


def test_what_the_iterations_explain_is_not_suspected_either():
    def at_last(build: int) -> int:
        return 1600 if build == 9 else 200

    def sites(build: int) -> dict[str, float]:
        return {FILTER: 7e4 * at_last(build), SPLIT: 3e7}

    found = []
    for iterations in (at_last, lambda build: 200):
        with benched(iterations, sites, noise=0.7).models() as connection:
            found.append(len(suspected_changes(connection, "b9", ("alloc_bytes", "alloc_objects"))))
    assert found == [0, 1]
