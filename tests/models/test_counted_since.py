"""What a process counts up is taken in its run, and not since it began, where it ran before."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest

from tracemill.flows.gate.judge import judge
from tracemill.flows.show.coverage import coverage

from .given import USER_PATH, Given, rows

MIB = 1 << 20
START = datetime(2026, 1, 1, 12, tzinfo=UTC)
SITES = 12


class Server:
    """A process that is scraped, and the profiles of which runs they are."""

    def __init__(self, given: Given, build: str, vdso: int | None = 0x7F01) -> None:
        self.given, self.build, self.vdso = given, build, vdso
        self.stacks = [given.stack(f"app.f{site}", *USER_PATH) for site in range(SITES)]

    def heap(self, run: str, name: str, second: float, sizes: list[int], **more: Any) -> None:
        sites = [
            (stack, 0x1000 + i, size) for i, (stack, size) in enumerate(zip(self.stacks, sizes, strict=True))
        ]
        made = self.given.heap(
            self.build, run, sites, name=name, captured_at=START + timedelta(seconds=second), **more
        )
        if self.vdso is not None:
            self._placed(made)

    def mutex(self, run: str, name: str, second: float, delays: list[int]) -> None:
        made = self.given.capture(
            self.build, run, "mutex", name=name, captured_at=START + timedelta(seconds=second)
        )
        self._placed(made)
        for index, (stack, delay) in enumerate(zip(self.stacks, delays, strict=True)):
            for sample_type, value in (("delay", delay), ("contentions", delay // 1_000_000)):
                self.given.tables["profile_samples"].append(
                    {"capture_id": made, "sample_index": index, "sample_type": sample_type, "unit": "ns",
                     "value": value, "stack_id": stack, "sampling_period": 1}
                )  # fmt: skip

    def counts(self, run: str, requests: int) -> None:
        self.given.tables["run_work"].append(
            {"build_id": self.build, "run_id": run, "work_unit": "requests", "work_count": requests}
        )

    def _placed(self, capture_id: str) -> None:
        self.given.tables["profile_mappings"].append(
            {
                "capture_id": capture_id,
                "mapping_index": 1,
                "mapping_file": "[vdso]",
                "mapping_start": self.vdso,
            }
        )


def of(sizes: list[int], times: float) -> list[int]:
    return [int(size * times) for size in sizes]


def allocated(given: Given, metric: str = "alloc_bytes") -> dict[str, tuple[float, str]]:
    """Of the first site: run → figure and unit."""
    with given.models() as connection:
        found = rows(
            connection,
            f"select run_id, value, unit from observations where metric = '{metric}' and subject = 'app.f0'",
        )
    return {run: (value, unit) for run, value, unit in found}


SIZES = [MIB * (4 + site % 3) for site in range(SITES)]


def test_a_server_that_ran_long_before_counts_from_the_runs_first_profile_a_second() -> None:
    given = Given()
    server = Server(given, "b1")
    server.heap("1", "heap.1", 3600, of(SIZES, 10))
    server.heap("1", "heap.2", 3605, of(SIZES, 10.5))
    # As `collect` takes them: allocs once, and the heap before it has the same.
    server.heap("1", "allocs", 3610, of(SIZES, 11), kind="allocs")
    assert allocated(given) == {"1": (SIZES[0] / 10, "bytes/s")}


def test_a_process_that_began_with_the_run_counts_from_its_start() -> None:
    given = Given()
    server = Server(given, "b1")
    server.heap("1", "heap.1", 3, of(SIZES, 0.6))
    server.heap("1", "heap.2", 5, SIZES)
    assert allocated(given) == {"1": (SIZES[0], "bytes")}


def test_a_process_of_several_runs_counts_from_the_first_profile_of_each() -> None:
    given = Given()
    server = Server(given, "b1")
    for run, second, times in (("1", 2, 0.2), ("1", 12, 1.2), ("2", 14, 1.4), ("2", 34, 3.4)):
        server.heap(run, f"heap.{second}", second, of(SIZES, times))
    found = allocated(given)
    assert set(found) == {"1", "2"}
    assert all(figure == (pytest.approx(SIZES[0] / 10, rel=1e-4), "bytes/s") for figure in found.values())


@pytest.mark.parametrize("vdso", [0x7F01, None])
def test_counted_work_has_what_came_since_the_run_before(vdso: int | None) -> None:
    """Each run had all that those before it had, over its own work alone."""
    given = Given()
    server = Server(given, "b1", vdso)
    for number, run in enumerate(("1", "2", "3"), 1):
        server.heap(run, "heap", 60 * number, of(SIZES, number))
        server.counts(run, 1000)
    assert allocated(given) == dict.fromkeys(("1", "2", "3"), (SIZES[0] / 1000, "bytes/requests"))
    with given.models() as connection:
        found = rows(
            connection, "select sample_type, process_count, own_count from int_heap_processes order by all"
        )
        counted = rows(connection, "select distinct run_count from int_points where metric = 'alloc_bytes'")
        notes = judge(connection, "b1").conditions
    # What is in use is that of one process, three times.
    assert found == [("alloc_space", 1, 3), ("inuse_space", 1, 1)]
    assert counted == [(3,)]
    assert any("captures of 1 process, and count of what is in use as 1" in note for note in notes)


def test_replicas_that_are_scraped_in_turns_count_from_their_own_run_before() -> None:
    given = Given()
    for number, run in enumerate("1234"):
        replica = Server(given, "b1", 0x7F01 + number % 2)
        replica.heap(run, "heap", 60 * number, of(SIZES, 10 + number // 2 + 5 * (number % 2)))
        replica.counts(run, 1000)
    found = allocated(given)
    assert [found[run][0] for run in "1234"] == [SIZES[0] * times / 1000 for times in (10, 15, 1, 1)]


def test_what_another_process_had_is_not_taken_away() -> None:
    given = Given()
    Server(given, "b1").heap("1", "heap", 60, SIZES)
    Server(given, "b1", 0x7F02).heap("2", "heap", 120, of(SIZES, 3))
    assert allocated(given) == {"1": (SIZES[0], "bytes"), "2": (SIZES[0] * 3, "bytes")}


def test_a_process_at_the_same_address_that_has_less_of_something_is_another() -> None:
    """Where addresses are not at random all processes have the same."""
    given = Given()
    Server(given, "b1").heap("1", "heap", 60, SIZES)
    Server(given, "b1").heap("2", "heap", 120, [*of(SIZES[:-1], 3), MIB])
    assert allocated(given)["2"] == (SIZES[0] * 3, "bytes")


def test_a_run_before_tells_a_second_where_no_work_is_counted() -> None:
    given = Given()
    server = Server(given, "b1")
    server.heap("1", "heap", 3600, of(SIZES, 10))
    server.heap("2", "heap", 3660, of(SIZES, 10.6))
    with given.models() as connection:
        found = rows(
            connection, "select run_id, per, is_comparable from int_run_measures where measure = 'heap_alloc'"
        )
        notes = judge(connection, "b1").conditions
    assert sorted(found) == [("1", None, False), ("2", "s", True)]
    assert allocated(given)["2"] == (pytest.approx(SIZES[0] * 0.01, abs=1), "bytes/s")
    assert any("figures of heap_alloc" in note and "are per second" in note for note in notes)


def test_lock_waits_are_counted_so_too() -> None:
    given = Given()
    server = Server(given, "b1")
    delays = [2_000_000_000] * SITES
    server.mutex("1", "mutex.1", 3600, of(delays, 10))
    server.mutex("1", "mutex.2", 3620, of(delays, 11))
    assert allocated(given, "mutex_delay_ns") == {"1": (1e8, "ns/s")}
    assert allocated(given, "mutex_contentions") == {"1": (100, "count/s")}


def test_the_error_of_a_difference_is_that_of_what_came_in_between() -> None:
    given = Given()
    server = Server(given, "b1")
    server.heap("1", "heap.1", 3600, of(SIZES, 100))
    server.heap("1", "heap.2", 3601, of(SIZES, 101))
    alone = Given()
    Server(alone, "b1").heap("1", "heap", 1, SIZES)
    query = "select standard_error from figures_heap where metric = 'alloc_bytes' and subject = 'app.f0'"
    found = []
    for kind in (given, alone):
        with kind.models() as connection:
            found += rows(connection, query)[0]
    assert found[0] == pytest.approx(found[1], rel=1e-6)


@pytest.mark.parametrize("run_count", [1, 2])
def test_what_a_server_allocates_is_judged_however_long_it_had_run(run_count: int) -> None:
    """Of servers scraped at any time of their lives totals told how long they had run."""
    given = Given()
    random = np.random.default_rng(5)
    rates = np.array(SIZES) * 2
    for number in range(1, 13):
        server = Server(given, f"b{number:02}", 0x7F00 + number)
        second, so_far = random.uniform(600, 80_000), np.zeros(SITES)
        so_far += rates * second * random.normal(1, 0.05, SITES)
        for run in range(1, run_count + 1):
            for snapshot in (1, 2):
                server.heap(f"{run}", f"heap.{snapshot}", second, [int(size) for size in so_far])
                passed = random.uniform(8, 40)
                second += passed
                rate = rates * np.exp(random.normal(0, 0.05, SITES))
                rate[3] *= 2 if number >= 8 else 1
                so_far = so_far + rate * passed
    given.tables["profile_samples"] = [
        sample for sample in given.tables["profile_samples"] if sample["sample_type"].startswith("alloc")
    ]
    with given.models() as connection:
        found = rows(
            connection,
            "select distinct build_id, subject, metric from regressions where metric = 'alloc_bytes'",
        )
    assert found == [("b08", "app.f3", "alloc_bytes")]


def test_runs_that_are_divided_by_something_else_are_said_to_be_passed_over() -> None:
    given = Given()
    for number in range(1, 5):
        server = Server(given, f"b{number}", 0x7F00 + number)
        server.heap("1", "heap", 3600, of(SIZES, 10))
        if number < 4:
            server.heap("1", "heap.2", 3610, of(SIZES, 11))
    with given.models() as connection:
        notes = judge(connection, "b4").conditions
        lines = coverage(connection).sentences()
    what = "of all since the process began, unlike most runs, which are per second"
    said = f"passed over: b4/1 in heap_alloc, map_alloc: {what}"
    assert said in notes
    assert said in lines
