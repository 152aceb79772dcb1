"""A data race is a regression of the first build that has it, with or without builds before."""

from __future__ import annotations

import pytest

from .given import Given, rows


def raced(builds: dict[str, list[tuple[str, str]]]) -> Given:
    """Builds of two runs, each with the races of these pairs of functions."""
    given = Given()
    for build, pairs in builds.items():
        for run in "12":
            capture = given.capture(build, run, "race")
            for index, (function, previous) in enumerate(pairs):
                given.tables["race_reports"].append(
                    {
                        "capture_id": capture,
                        "race_index": index,
                        "race_key": hash((function, previous)) % 2**40,
                        "report_count": 3,
                        "access": "write",
                        "function": function,
                        "previous_access": "read",
                        "previous_function": previous,
                    }
                )
    return given


def verdicts(given: Given) -> list[tuple]:
    with given.models() as connection:
        query = "select build_id, subject, status from regressions where metric = 'race_count' order by all"
        return rows(connection, query)


def test_a_race_needs_no_history() -> None:
    assert verdicts(raced({"b1": [("main.get", "main.put")]})) == [
        ("b1", "main.get (with main.put)", "regressed")
    ]


@pytest.mark.full
def test_a_race_is_told_once_whichever_access_came_first_and_a_new_one_beside_it() -> None:
    builds = {f"b{n}": [("main.get", "main.put")] for n in (1, 2)} | {"b3": [("main.put", "main.get")]}
    builds["b4"] = [*builds["b3"], ("main.inc", "main.inc")]
    assert verdicts(raced(builds)) == [
        ("b1", "main.get (with main.put)", "regressed"),
        ("b4", "main.inc", "regressed"),
    ]


def test_a_race_of_maps_is_that_of_the_functions_that_used_them() -> None:
    given = raced({"b1": [("runtime.mapaccess2_faststr", "runtime.mapassign_faststr")]})
    for row in given.tables["race_reports"]:
        row["stack_id"] = given.stack("runtime.mapaccess2_faststr", "app/cart.Get", "main.main")
        row["previous_stack_id"] = given.stack("runtime.mapassign_faststr", "app/cart.Put", "main.main")
    assert verdicts(given) == [("b1", "app/cart.Get (with app/cart.Put)", "regressed")]
