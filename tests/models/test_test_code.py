"""What benchmarks set up, and their helpers, is code of tests, and no regression of the library."""

from __future__ import annotations

import numpy as np

from .given import Given, rows

TEXT, ADD = "example.org/index.text", "example.org/index.(*Index).Add"


def with_setup(file: str) -> Given:
    """Builds b1 to b8 of two runs, from b6 on with ten times as much allocated by a function of that file."""
    given, random = Given(), np.random.default_rng(4)
    setup, add = given.stack(TEXT), given.stack(ADD)
    given.tables["stacks"][0]["files"] = [file]
    for build in range(1, 9):
        for run in "12":
            sizes = {setup: 200e6 if build >= 6 else 20e6, add: 60e6}
            sites = [(site, 256, int(size * np.exp(random.normal(0, 0.03)))) for site, size in sizes.items()]
            given.heap(f"b{build}", run, sites)
    return given


def judged(file: str) -> list[tuple[str, ...]]:
    query = "select distinct subject, status, build_id from regressions where metric = 'alloc_bytes'"
    with with_setup(file).models() as connection:
        return rows(connection, query)


def test_a_function_in_a_file_of_tests_is_not_judged_and_the_same_elsewhere_is():
    assert judged("/src/index/index.go") == [(TEXT, "regressed", "b6")]
    assert judged("/src/index/index_test.go") == []
