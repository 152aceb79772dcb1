"""Cost that moves between the callees of one caller is no regression; what is added there is."""

from __future__ import annotations

import numpy as np
import pytest

from .given import USER_PATH, Given, rows
from .story import CALLS

TOUCH, HELPER = "app/session.(*Table).Touch", "app/session.(*Table).lock"
LIST, RENDER = "app/catalog.List", "app/catalog.Render"
HANDLE = USER_PATH[0]
LATE = (6, 7, 8)
VERDICTS = "select build_id, function, status, caller from regressions where metric = ?"


def service(waits, spread: float = 0.05, seed: int = 0, builds: int = 8) -> Given:
    """Builds b1, b2 … of three runs; waits(build): (callers, leaf first) → nanoseconds in twenty waits."""
    given, random = Given(), np.random.default_rng(seed)
    for build in range(1, builds + 1):
        for run in "123":
            given.trace(
                f"b{build}",
                run,
                [
                    (
                        given.stack("sync.(*Mutex).Lock", *path),
                        "sync",
                        int(ns / 20 * np.exp(spread * random.standard_normal())),
                    )
                    for path, ns in waits(build).items()
                    for _ in range(20)
                ],
            )
    return given


def verdicts(given: Given, metric: str = "block_ns") -> set[tuple[str, ...]]:
    with given.models() as connection:
        return set(connection.execute(VERDICTS, [metric]).fetchall())


def test_an_extracted_helper_is_a_shift():
    def waits(build):
        rest = {(LIST, *USER_PATH): 30e6}
        if build in LATE:
            return rest | {(TOUCH, *USER_PATH): 2e6, (HELPER, TOUCH, *USER_PATH): 38e6}
        return rest | {(TOUCH, *USER_PATH): 40e6}

    assert verdicts(service(waits)) == {
        ("b6", HELPER, "cost_shift", TOUCH),
        ("b6", TOUCH, "cost_shift", TOUCH),
    }


@pytest.mark.sampled
@pytest.mark.parametrize("metric", ["alloc_bytes", "alloc_objects"])
def test_an_extracted_helper_is_a_shift_of_what_it_allocates(metric):
    given, random = Given(), np.random.default_rng(1)
    for build in range(1, 9):
        own, moved = (2e7, 3.8e8) if build in LATE else (4e8, 0)
        sites = {(TOUCH, *USER_PATH): own, (HELPER, TOUCH, *USER_PATH): moved, (LIST, *USER_PATH): 3e8}
        for run in "123":
            given.heap(
                f"b{build}",
                run,
                [
                    (given.stack(*path), 0x100, int(size * np.exp(0.05 * random.standard_normal())))
                    for path, size in sites.items()
                    if size
                ],
            )
    assert verdicts(given, metric) == {
        ("b6", HELPER, "cost_shift", TOUCH),
        ("b6", TOUCH, "cost_shift", TOUCH),
    }


def test_system_calls_that_a_function_lets_another_make_are_a_shift():
    """As of a file server, whose answers go through a compressor for two builds."""
    given = Given()
    own, moved = (
        ("os.(*File).Seek", TOUCH, *USER_PATH),
        ("internal/poll.(*FD).Write", HELPER, TOUCH, *USER_PATH),
    )
    for build in range(1, 11):
        calls = {own: 2000, moved: 0} if build not in (6, 7) else {own: 1000, moved: 1000}
        for run in "123":
            stacks = [given.stack(*path) for path, count in calls.items() for _ in range(count)]
            given.trace(f"b{build}", run, [(stack, "", 1000) for stack in stacks])
    for interval in given.tables["goroutine_intervals"]:
        interval |= {"state": "syscall", "reason": None}
    assert verdicts(given, "syscall_count") == {
        (build, function, "cost_shift", TOUCH) for build in ("b6", "b8") for function in (HELPER, TOUCH)
    }


@pytest.mark.full
def test_work_that_moves_between_callees_of_one_caller_is_a_shift():
    def waits(build):
        listed, rendered = (10e6, 50e6) if build in LATE else (40e6, 20e6)
        return {(LIST, *USER_PATH): listed, (RENDER, *USER_PATH): rendered, (TOUCH, "app/jobs.Run"): 90e6}

    found = service(waits)
    assert verdicts(found) == {("b6", LIST, "cost_shift", HANDLE), ("b6", RENDER, "cost_shift", HANDLE)}
    with found.models() as connection:
        [(before, after, words)] = rows(
            connection,
            f"select caller_before, caller_after, evidence from regressions where function = '{RENDER}'",
        )
    assert before == pytest.approx(60e6, rel=0.1)
    assert after == pytest.approx(60e6, rel=0.1)
    assert words.startswith(f"moved between what {HANDLE} calls: with all below it {HANDLE} cost ")


@pytest.mark.full
def test_what_a_site_adds_to_its_callers_is_a_regression():
    def waits(build):
        return {
            (LIST, *USER_PATH): 40e6,
            (RENDER, *USER_PATH): 50e6 if build in LATE else 20e6,
            (TOUCH, *USER_PATH): 10e6,
        }

    assert verdicts(service(waits)) == {("b6", RENDER, "regressed", None)}


@pytest.mark.full
def test_a_flat_caller_of_a_part_of_a_site_says_nothing_of_the_whole():
    def waits(build):
        return {
            (LIST, "app/a.One", *USER_PATH): 60e6,
            (LIST, "app/b.One", *USER_PATH): 70e6 if build in LATE else 40e6,
        }

    assert verdicts(service(waits)) == {("b6", LIST, "regressed", None)}


@pytest.mark.full
def test_a_shift_that_comes_with_a_rise_stays_a_regression():
    def waits(build):
        listed, rendered = (10e6, 80e6) if build in LATE else (40e6, 20e6)
        return {(LIST, *USER_PATH): listed, (RENDER, *USER_PATH): rendered}

    assert verdicts(service(waits)) == {
        ("b6", LIST, "improved", None),
        ("b6", RENDER, "regressed", None),
    }


@pytest.mark.full
def test_a_rise_too_small_to_show_in_a_noisy_sum_stays_a_regression():
    """The caller's sum is flat, but it would be so either way."""

    def waits(build):
        noise = 1 + 0.3 * np.sin(10 * build)
        return {(LIST, *USER_PATH): 900e6 * noise, (RENDER, *USER_PATH): 40e6 if build in LATE else 10e6}

    assert ("b6", RENDER, "regressed", None) in verdicts(service(waits))


@pytest.mark.full
def test_what_rises_and_falls_far_apart_is_no_shift():
    def waits(build):
        listed, rendered = (10e6, 50e6) if build in LATE else (40e6, 20e6)
        return {
            (LIST, "app/a.One", "app/a.Two", "app/a.Three", *USER_PATH): listed,
            (RENDER, "app/b.One", "app/b.Two", "app/b.Three", *USER_PATH): rendered,
        }

    assert verdicts(service(waits)) == {
        ("b6", LIST, "improved", None),
        ("b6", RENDER, "regressed", None),
    }


def test_map_memory_that_moves_to_a_helper_is_a_shift():
    given, random = Given(), np.random.default_rng(1)
    for build in range(1, 9):
        given.binary(f"b{build}", CALLS)
        sites = {0x1000: ((TOUCH, *USER_PATH), 2e6 if build in LATE else 40e6), 0x2000: ((LIST,), 9e6)}
        if build in LATE:
            sites[0x4000] = ((HELPER, TOUCH, *USER_PATH), 38e6)
        for run in "123":
            sampled = [
                (given.stack(*path), pc, int(size * np.exp(0.03 * random.standard_normal())))
                for pc, (path, size) in sites.items()
            ]
            given.heap(f"b{build}", run, sampled)
    for metric in ("mapassign_alloc_bytes", "mapassign_inuse_bytes"):
        assert verdicts(given, metric) == {
            ("b6", HELPER, "cost_shift", TOUCH),
            ("b6", TOUCH, "cost_shift", TOUCH),
        }


@pytest.mark.full
def test_a_shift_that_only_later_builds_make_certain_is_one_too():
    """Some sites of the family spike, so that a single build is not believed."""

    def waits(build):
        listed, rendered = (45e6, 35e6) if build >= 12 else (60e6, 20e6)
        others = {}
        for site in range(8):
            is_spike = site < 2 and build < 12 and (build + 2 * site) % 8 == 5
            others[f"app/calm.F{site}", *USER_PATH] = 15e6 if is_spike else 5e6
        return others | {(LIST, "app/shop.Run"): listed, (RENDER, "app/shop.Run"): rendered}

    query = "select build_id, first_build_id, found, function, status, caller from regressions"
    with service(waits, builds=14).models() as connection:
        assert set(rows(connection, query)) == {
            ("b14", "b12", "later", LIST, "cost_shift", "app/shop.Run"),
            ("b14", "b12", "later", RENDER, "cost_shift", "app/shop.Run"),
        }


@pytest.mark.full
def test_idle_waits_of_another_caller_do_not_count_as_the_sites_cost():
    """Nearly all that the function waits is for work, under one caller; the lock it waits for has another."""

    def waits(build):
        return {(LIST, "app/a.One", *USER_PATH): 60e6, (LIST, "app/b.One"): 70e6 if build in LATE else 40e6}

    given = service(waits)
    idle = given.stack("runtime.chanrecv1", LIST, "app/a.One", *USER_PATH)
    for capture in [c for c in given.tables["captures"] if c["kind"] == "trace"]:
        row = given.tables["goroutine_intervals"][0] | {
            "capture_id": capture["capture_id"],
            "goroutine_id": 900,
        }
        given.tables["goroutine_intervals"].append(
            row | {"reason": "chan receive", "stack_id": idle, "duration_ns": 900_000_000_000}
        )
    assert verdicts(given) == {("b6", LIST, "regressed", None)}


def maps(sites, *, known_until: int = 8, seed: int = 1) -> Given:
    """Eight builds of three runs; sites(is_late): (function, pc, callee) → bytes that it allocates there.

    known_until: the last build that tells what LIST calls.
    """
    given, random = Given(), np.random.default_rng(seed)
    for build in range(1, 9):
        called = sites(build in LATE)
        for run in "123":
            heap = [
                (given.stack(function, *USER_PATH), pc, int(size * np.exp(0.02 * random.standard_normal())))
                for (function, pc, _), size in called.items()
            ]
            given.heap(f"b{build}", run, heap)
            named = [
                (pc + 1, function, 1, callee)
                for function, pc, callee in called
                if function != LIST or build <= known_until
            ]
            given.names(given.trace(f"b{build}", run, []), named)
    return given


ASSIGN = "runtime.mapassign_faststr"
ALL_VERDICTS = "select metric, function, status from regressions"


@pytest.mark.parametrize("callee", [ASSIGN, "runtime.makemap"])
def test_maps_that_move_are_a_shift_in_every_metric(callee):
    def sites(is_late):
        more, less = (TOUCH, 0x100, callee), (LIST, 0x200, callee)
        return {more: 6e8 if is_late else 2e8, less: 2e8 if is_late else 6e8}

    with maps(sites).models() as connection:
        found = rows(connection, ALL_VERDICTS)
    assert len(found) == 16
    assert {status for *_, status in found} == {"cost_shift"}


def test_below_a_function_of_which_no_sum_is_made_nothing_is_a_shift():
    # Maps move from List to Touch, which allocates 800 MB of slices more: of net/http no sum is made.
    def sites(is_late):
        return {
            (TOUCH, 0x100, ASSIGN): 6e8 if is_late else 2e8,
            (LIST, 0x200, ASSIGN): 2e8 if is_late else 6e8,
            (TOUCH, 0x300, "runtime.growslice"): 12e8 if is_late else 4e8,
        }

    with maps(sites).models() as connection:
        found = {
            (metric, status)
            for metric, function, status in rows(connection, ALL_VERDICTS)
            if function == TOUCH
        }
    assert ("alloc_bytes", "regressed") in found
    assert ("mapassign_alloc_bytes", "cost_shift") in found


def test_what_is_no_longer_known_below_a_caller_makes_up_for_nothing():
    def sites(is_late):
        return {(TOUCH, 0x100, ASSIGN): 8e8 if is_late else 4e8, (LIST, 0x200, ASSIGN): 4e8}

    with maps(sites, known_until=5).models() as connection:
        found = rows(connection, ALL_VERDICTS)
    assert len(found) == 8
    assert {(function, status) for _, function, status in found} == {(TOUCH, "regressed")}
