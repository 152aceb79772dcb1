"""A function with another name is the same series, whatever builds and runs there are beside."""

from __future__ import annotations

import numpy as np
import pytest

from .given import USER_PATH, Given, rows

OLD, NEW, OTHER = "app/a.(*T).Put", "app/a.(*T).Store", "app/catalog.List"
RENAMED_AT = 6
MOVES = "select old_function, new_function from int_function_moves"


def renamed() -> Given:
    """Eight builds of three runs with heap profiles; OLD is NEW from the sixth on."""
    given, random = Given(), np.random.default_rng(1)
    for build in range(1, 9):
        name = OLD if build < RENAMED_AT else NEW
        for run in "123":
            size = int(4e8 * np.exp(0.03 * random.standard_normal()))
            sites = [(given.stack(name, *USER_PATH), 0x100, size)]
            given.heap(f"b{build}", run, [*sites, (given.stack(OTHER, *USER_PATH), 0x200, 300_000_000)])
    return given


def found(given: Given) -> tuple[list[tuple[str, ...]], set[tuple[str, ...]]]:
    with given.models() as connection:
        verdicts = rows(connection, "select build_id, status, function, moved_from from regressions")
        return rows(connection, MOVES), set(verdicts)


MOVED = ([(OLD, NEW)], {("b6", "moved", NEW, OLD)})


def test_a_renamed_function_is_moved() -> None:
    assert found(renamed()) == MOVED


def test_what_one_run_misses_did_not_move_when_a_build_misses_it() -> None:
    """What a program allocates as it starts is two samples or none, of one function or another."""
    seen = {("b2", "1"): OLD, ("b5", "2"): OLD, ("b6", "3"): NEW}
    given = Given()
    for build in range(1, 9):
        for run in "123":
            name = seen.get((f"b{build}", run))
            sites = [(given.stack(name, *USER_PATH), 0x100, 1_200_000)] if name else []
            given.heap(f"b{build}", run, [*sites, (given.stack(OTHER, *USER_PATH), 0x200, 300_000_000)])
    assert found(given) == ([], set())


def test_a_build_of_no_known_place_does_not_keep_the_old_name() -> None:
    given = renamed()
    given.heap("unplaced", "1", [(given.stack(OLD, *USER_PATH), 0x100, 400_000_000)])
    given.tables["build_manifests"].append({"build_id": "unplaced", "committed_at": None})
    assert found(given) == MOVED


@pytest.mark.parametrize("kind", ["benchmarks", "cpu"])
def test_a_build_between_that_could_not_have_shown_the_function_is_passed_over(kind) -> None:
    given = renamed()
    after = [row for row in given.tables["captures"] if row["build_id"] >= "b6"]
    given.tables["captures"] = [row for row in given.tables["captures"] if row["build_id"] < "b6"]
    capture = given.capture("b5x", "1", kind, duration_ns=10**10)
    if kind == "cpu":
        stack = given.stack(OTHER, *USER_PATH)
        sample = {
            "capture_id": capture,
            "sample_index": 0,
            "sample_type": "cpu",
            "unit": "ns",
            "value": 10**9,
        }
        more = {"stack_id": stack, "leaf_pc": 1, "mapping_index": 0, "sampling_period": 10**7}
        given.tables["profile_samples"].append(sample | more)
    given.tables["captures"] += after
    assert found(given) == MOVED


def test_runs_that_do_not_compare_hide_no_move() -> None:
    """Requests are counted, but two of three traces of the build are damaged, and so per second."""
    given, random = Given(), np.random.default_rng(1)
    for build in range(1, 9):
        name = OLD if build < RENAMED_AT else NEW
        stack = given.stack("sync.(*Mutex).Lock", name, *USER_PATH)
        for run in "123":
            waits = [(stack, "sync", int(4e7 * np.exp(0.05 * random.standard_normal()))) for _ in range(20)]
            given.trace(f"b{build}", run, waits)
            work = {"build_id": f"b{build}", "run_id": run, "work_unit": "requests", "work_count": 1000}
            given.tables["run_work"].append(work)
            if build == RENAMED_AT and run != "1":
                given.tables["captures"][-1]["status"] = "salvaged"
    assert found(given) == MOVED
