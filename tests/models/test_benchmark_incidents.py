"""A benchmark has no part in what only runs below another, nor in what changed in another package."""

from __future__ import annotations

import numpy as np

from .given import Given, rows

SCAN = "example.org/keel/tok.Scan"


def two_packages(*, has_profiles: bool) -> Given:
    """Builds b1 to b8: from b6 on tok.Scan, its benchmark and two of lru allocate five times as much."""
    given, random = Given(), np.random.default_rng(8)
    below = given.stack(SCAN, "example.org/keel/tok.BenchmarkScan", "testing.(*B).runN")
    for build in range(1, 9):
        size = 5 if build >= 6 else 1
        for run in "12":
            capture = given.capture(f"b{build}", run, "benchmarks", format="benchmarks")
            for line, (package, name) in enumerate([("tok", "Scan"), ("lru", "Get"), ("lru", "Put")], 1):
                given.tables["benchmarks"].append(
                    {
                        "capture_id": capture,
                        "line": line,
                        "package": f"example.org/keel/{package}",
                        "name": name,
                        "procs": 2,
                        "iterations": 5000,
                        "metric": "B/op",
                        "unit": "B/op",
                        "value": 4096 * size * np.exp(random.normal(0, 0.01)),
                    }
                )
            if has_profiles:
                given.heap(
                    f"b{build}", run, [(below, 256, int(90e6 * size * np.exp(random.normal(0, 0.03))))]
                )
    return given


def incidents(*, has_profiles: bool) -> list[list[str]]:
    with two_packages(has_profiles=has_profiles).models() as connection:
        found = rows(
            connection,
            "select list_sort(list(distinct replace(subject, 'example.org/keel/', ''))) as subjects "
            "from regressions where build_id = 'b6' group by incident_id order by all",
        )
    return [subjects for (subjects,) in found]


def test_a_benchmark_belongs_to_what_runs_below_it():
    assert incidents(has_profiles=True) == [["lru.Get-2", "lru.Put-2"], ["tok.Scan", "tok.Scan-2"]]


def test_benchmarks_of_one_package_are_one_incident_and_those_of_others_are_not():
    assert incidents(has_profiles=False) == [["lru.Get-2", "lru.Put-2"], ["tok.Scan-2"]]
