"""Verdicts over builds: what is found, what is not, what is merely moved."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from .given import USER_PATH, Given, rows
from .story import GET, LOOKUP, PUT, story

VERDICTS = """
    select build_id, metric, subject, status
    from regressions join builds using (build_id) where is_lead order by ordinal, metric, subject
"""
LEAK = [
    ("b4", "mapassign_alloc_bytes", PUT, "regressed"),
    ("b6", "mapassign_alloc_bytes", PUT, "improved"),
]
MOVE = [("b10", "mapassign_alloc_bytes", LOOKUP, "moved")]
CONTENTION = [
    ("b8", "block_ns", f"{GET} (sync)", "regressed"),
    *MOVE,
    ("b11", "block_ns", f"{LOOKUP} (sync)", "improved"),
]


def verdicts(given: Given) -> list[tuple[str, ...]]:
    with given.models() as connection:
        return rows(connection, VERDICTS)


@pytest.mark.sampled
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_the_story_is_found_and_nothing_else(seed):
    assert verdicts(story(seed)) == LEAK + CONTENTION


@pytest.mark.full
def test_all_models_of_the_story_hold_every_check():
    with story().all_models() as connection:
        assert rows(connection, VERDICTS) == LEAK + CONTENTION


@pytest.mark.sampled
@pytest.mark.parametrize("seed", [3, 4, 5])
def test_calm_builds_raise_no_alarm(seed):
    assert verdicts(story(seed, leak=1, contention=1)) == MOVE


def test_a_verdict_says_what_it_rests_on():
    query = """
        select before, after, change_ratio, "interval", p_value < 0.01, n_before, n_after,
            first_build_id, evidence
        from regressions where build_id = 'b4' and metric = 'mapassign_alloc_bytes'
    """
    with story().models() as connection:
        [(before, after, ratio, interval, is_sure, n_before, n_after, first, evidence)] = rows(
            connection, query
        )
    assert ratio == pytest.approx(after / before)
    assert interval[0] < ratio < interval[1] and interval[0] > 2
    assert is_sure and (n_before, n_after, first) == (3, 2, "b4")
    assert "3 builds (9 runs) before" in evidence and "call_target" in evidence


@pytest.mark.full
@pytest.mark.parametrize("seed", [0, 1])
def test_every_interval_holds_its_ratio(seed):
    query = """
        select status, before, change_ratio, "interval" from regressions
        where (before > 0) <> ("interval" is not null)
            or not change_ratio between "interval"[1] and "interval"[2]
    """
    given = story(seed)
    for sample in given.tables["profile_samples"]:  # so little that the least that can be seen counts
        sample["value"] //= 20
    for made in (story(seed), given):
        with made.models() as connection:
            assert rows(connection, query) == []
            assert rows(connection, "select count(*) > 2 from regressions") == [(True,)]


@pytest.mark.full
def test_a_regression_says_when_it_was_over():
    with story().models() as connection:
        found = rows(
            connection,
            "select build_id, metric, ended_build_id from regressions where status = 'regressed' "
            "and is_lead order by all",
        )
    assert found == [
        ("b4", "mapassign_alloc_bytes", "b6"),
        ("b8", "block_ns", "b11"),
    ]


def test_what_took_a_change_back_says_before_which_build_it_was_so():
    with story().models() as connection:
        found = rows(
            connection,
            "select build_id, metric, status, as_before_build_id from regressions "
            "where is_lead and status <> 'moved' order by all",
        )
    assert found == [
        ("b11", "block_ns", "improved", "b8"),
        ("b4", "mapassign_alloc_bytes", "regressed", None),
        ("b6", "mapassign_alloc_bytes", "improved", "b4"),
        ("b8", "block_ns", "regressed", None),
    ]


def test_what_came_back_by_a_part_is_not_as_it_was():
    given = story(leak=16, contention=1)
    put = given.stack(PUT, *USER_PATH)
    for sample in given.tables["profile_samples"]:
        if sample["stack_id"] == put and int(sample["capture_id"].split("/")[0][1:]) >= 6:
            sample["value"] *= 4
    with given.models() as connection:
        found = rows(
            connection,
            "select first_build_id, status, as_before_build_id from regressions "
            "where metric = 'mapassign_alloc_bytes' and status <> 'moved' order by all",
        )
    assert found == [("b4", "regressed", None), ("b6", "improved", None)]


@pytest.mark.full
def test_a_verdicts_query_shows_its_series():
    with story().models() as connection:
        [(query,)] = rows(connection, "select query from regressions where build_id = 'b8' and is_lead")
        shown = rows(connection, query)
    assert len(shown) == 12
    assert [row[0] for row in shown if row[4]] == ["b8", "b11"]


def test_the_function_moved_keeps_its_history():
    query = "select distinct subject, first_subject from regression_history where metric = 'block_ns'"
    with story().models() as connection:
        assert (f"{LOOKUP} (sync)", f"{GET} (sync)") in rows(connection, query)
        [move] = rows(
            connection,
            "select moved_from, n_before, first_build_id, commit from regressions "
            "where status = 'moved' and metric = 'block_ns'",
        )
        [(commit,)] = rows(connection, "select commit from builds where build_id = 'b10'")
    # Of the build at which it moved: the level that goes on began at b8.
    assert move == (GET, 2, "b10", commit)


@pytest.mark.full
def test_a_function_that_allocates_no_maps_moves_too():
    given = story(leak=1, contention=1)
    old = given.stack("app/catalog.List", *USER_PATH)
    new = given.stack("app/listing.All", *USER_PATH)
    for sample in given.tables["profile_samples"]:
        if sample["stack_id"] == old and sample["capture_id"].startswith(("b10/", "b11/", "b12/")):
            sample["stack_id"] = new
    assert verdicts(given) == [("b10", "alloc_bytes", "app/listing.All", "moved"), *MOVE]


@pytest.mark.full
def test_a_move_that_costs_more_is_a_regression():
    given = story(contention=1)
    for interval in given.tables["goroutine_intervals"]:
        if interval["capture_id"].startswith(("b10/", "b11/", "b12/")) and interval["goroutine_id"] <= 5:
            interval["duration_ns"] *= 10
    found = [v for v in verdicts(given) if v[1] == "block_ns"]
    assert found == [("b10", "block_ns", f"{LOOKUP} (sync)", "regressed")]


@pytest.mark.full
def test_a_site_that_no_trace_could_have_shown_is_not_zero():
    given = story(leak=1, contention=10)
    gone = {
        c["capture_id"] for c in given.tables["captures"] if c["build_id"] == "b9" and c["kind"] == "trace"
    }
    assert gone
    for name in ("captures", "goroutine_intervals"):
        given.tables[name] = [row for row in given.tables[name] if row["capture_id"] not in gone]
    assert [v for v in verdicts(given) if v[0] == "b9"] == []


@pytest.mark.full
def test_a_site_that_no_binary_tells_is_not_zero():
    given = story(leak=1, contention=1)
    gone = {
        c["capture_id"]
        for c in given.tables["captures"]
        if c["build_id"] in ("b6", "b7") and c["kind"] == "binary"
    }
    for name in ("captures", "binaries", "call_sites"):
        given.tables[name] = [row for row in given.tables[name] if row["capture_id"] not in gone]
    assert verdicts(given) == MOVE


@pytest.mark.full
@pytest.mark.parametrize(
    ("callers", "factor"),
    [(("app/jobs.(*Runner).Run", "app/jobs.Start"), 1), (USER_PATH, 6)],
    ids=["called from elsewhere", "at another cost"],
)
def test_a_function_that_comes_as_another_goes_is_not_always_it(callers, factor):
    given = story(leak=1, contention=1)
    come = given.stack("sync.(*Mutex).Lock", "app/audit.(*Log).Write", *callers)
    gone = given.stack("sync.(*Mutex).Lock", "app/session.(*Table).Touch", *USER_PATH)
    for row in given.tables["goroutine_intervals"]:
        if row["stack_id"] == gone and row["capture_id"].split("/")[0] in (
            "b7",
            "b8",
            "b9",
            "b10",
            "b11",
            "b12",
        ):
            row |= {"stack_id": come, "duration_ns": row["duration_ns"] * factor}
    found = [v for v in verdicts(given) if v[0] == "b7"]
    assert found == [
        ("b7", "block_ns", "app/audit.(*Log).Write (sync)", "regressed"),
        ("b7", "block_ns", "app/session.(*Table).Touch (sync)", "improved"),
    ]


def replaced(old: tuple[str, str], *new: tuple[str, str]) -> list[tuple[str, str]]:
    """The moves where (function, its caller) is gone at b6 and others that allocate as much are new."""
    given, random = Given(), np.random.default_rng(1)
    gone, come, rest = (
        given.stack(*old),
        [given.stack(*one) for one in new],
        given.stack("app.List", "app.Run"),
    )
    for number, run in itertools.product(range(1, 9), "123"):
        size = int(4e8 * np.exp(0.03 * random.standard_normal()))
        stacks = come if number > 5 else [gone]
        given.heap(f"b{number}", run, [(rest, 0x100, 3 * 10**8), *((stack, 0x200, size) for stack in stacks)])
    with given.models() as connection:
        return rows(connection, "select old_function, new_function from int_function_moves")


@pytest.mark.parametrize("closure", ["glob..func", "init.func", "init.", "map.init."])
def test_what_initialises_different_packages_has_no_name_in_common(closure):
    assert replaced((f"app/a.{closure}3", "app/a.Run"), (f"app/b.{closure}7", "app/b.Run")) == []


def test_a_closure_without_a_name_is_told_by_its_package_and_its_caller():
    old, new = "app/z.glob..func3", "app/z.glob..func7"
    assert replaced((old, "app.Run"), ("app/b.Put", "app.Run"), (new, "app.Run")) == [(old, new)]


def test_a_function_of_another_package_goes_by_its_name_even_if_that_is_init():
    old, new = "app/a.(*Cache).init", "app/b.(*Cache).init"
    assert replaced((old, "app/a.Run"), (new, "app/b.Run")) == [(old, new)]


@pytest.mark.full
def test_a_function_that_still_calls_what_costs_has_not_moved():
    given = story(leak=1, contention=1)
    calls = given.stack("runtime.chanrecv1", "app/prices.(*Store).fill", GET, *USER_PATH)
    like = next(i for i in given.tables["goroutine_intervals"] if i["reason"] == "chan receive")
    row = like | {"stack_id": calls, "duration_ns": 1000}
    given.tables["goroutine_intervals"].append(row | {"capture_id": "b11/1/trace"})
    assert not [v for v in verdicts(given) if v[3] == "moved"]


@pytest.mark.parametrize(
    ("build", "function", "is_moved"),
    [("b9", LOOKUP, False), ("b10", GET, False), ("b9", GET, True), ("b10", LOOKUP, True)],
)
def test_what_the_binary_of_the_other_build_has_was_not_renamed(build, function, is_moved):
    given = story(leak=1, contention=1)
    [binary] = [
        c["capture_id"] for c in given.tables["captures"] if (c["build_id"], c["kind"]) == (build, "binary")
    ]
    row = {"capture_id": binary, "start_pc": 0x100000, "end_pc": 0x100100, "function": function}
    given.tables["binary_functions"].append(row)
    # The packages whose names are kept are those of the build's own stacks.
    for package in ("app/cache", "app/prices"):
        stack = given.stack("runtime.chanrecv1", f"{package}.idle", *USER_PATH)
        like = next(i for i in given.tables["goroutine_intervals"] if i["reason"] == "chan receive")
        capture = {"capture_id": f"{build}/1/trace", "stack_id": stack, "duration_ns": 1000}
        given.tables["goroutine_intervals"].append(like | capture)
    assert [v[3] == "moved" for v in verdicts(given) if v[3] == "moved"] == [True] * is_moved


def test_a_site_that_disappears_from_a_whole_trace_has_improved():
    given = story(leak=1, contention=1)
    touch = given.stack(
        "sync.(*Mutex).Lock",
        "app/session.(*Table).Touch",
        *USER_PATH,
    )
    late = ("b7/", "b8/", "b9/", "b10/", "b11/", "b12/")
    given.tables["goroutine_intervals"] = [
        row
        for row in given.tables["goroutine_intervals"]
        if not (row["stack_id"] == touch and row["capture_id"].startswith(late))
    ]
    assert ("b7", "block_ns", "app/session.(*Table).Touch (sync)", "improved") in verdicts(given)


def test_waits_for_work_raise_no_alarm():
    given = story(leak=1, contention=1)
    for row in given.tables["goroutine_intervals"]:
        if row["reason"] == "chan receive" and row["capture_id"].startswith(("b7/", "b8/", "b9/")):
            row["duration_ns"] *= 100
    assert verdicts(given) == MOVE


@pytest.mark.full
def test_assists_that_a_leak_causes_are_no_alarm_of_their_own():
    given = story(contention=1)
    stack = given.stack("runtime.gcAssistAlloc", PUT)
    for row in list(given.tables["captures"]):
        if row["kind"] == "trace":
            duration_ns = 100_000_000 if row["build_id"] in ("b4", "b5") else 4_000_000
            given.tables["trace_ranges"].append(
                {
                    "capture_id": row["capture_id"],
                    "start_ns": 0,
                    "name": "GC mark assist",
                    "scope": "goroutine",
                    "duration_ns": duration_ns,
                    "stack_id": stack,
                }
            )
            given.tables["goroutine_intervals"].append(
                {
                    "capture_id": row["capture_id"],
                    "goroutine_id": 99,
                    "start_ns": 0,
                    "state": "waiting",
                    "reason": "GC mark assist wait for work",
                    "duration_ns": duration_ns // 2,
                    "stack_id": stack,
                }
            )
    assert verdicts(given) == LEAK + MOVE
    with given.models() as connection:
        assert rows(
            connection,
            "select build_id from regression_history "
            "where metric = 'gc_assist_ns' and is_change order by ordinal",
        ) == [("b4",), ("b6",)]


def test_two_builds_are_too_few_to_judge():
    given = story()
    for name in ("captures", "run_work"):
        given.tables[name] = [row for row in given.tables[name] if row["build_id"] in ("b3", "b4")]
    assert verdicts(given) == []


@pytest.mark.parametrize("kind", ["goroutineleak", "goroutine_dump"])
def test_a_leak_in_one_of_three_runs_fails_the_build(kind):
    given = Given()
    stack = given.stack("runtime.gopark", GET)
    for build in range(1, 5):
        for run in "123":
            leaks = 7 if (build, run) == (4, "2") else 0
            capture = given.capture(f"b{build}", run, kind)
            if kind == "goroutine_dump":
                given.tables["goroutine_dump"] += [
                    {
                        "capture_id": capture,
                        "report_index": 0,
                        "goroutine_id": number,
                        "state": "waiting",
                        "stack_id": stack,
                        "created_by": "app.main",
                        "is_leaked": number <= leaks,
                    }
                    for number in range(1, 20)
                ]
            elif leaks:
                sample = {"sample_index": 0, "sample_type": kind, "unit": "count", "value": leaks}
                given.tables["profile_samples"].append(sample | {"capture_id": capture, "stack_id": stack})
    with given.models() as connection:
        found = rows(connection, 'select build_id, function, status, "after" from regressions')
    assert found == [("b4", GET, "regressed", pytest.approx(7))]


def test_a_dump_that_calls_leaked_what_a_profile_counted_before_is_no_regression_of_its_build():
    """The profile counts them from b4 on; that a dump at b6 comes after the runtime's look is chance."""
    given = Given()
    stack = given.stack("runtime.gopark", GET)
    for build in range(1, 7):
        for run in "12":
            profile, dump = (given.capture(f"b{build}", run, k) for k in ("goroutineleak", "goroutine_dump"))
            if build >= 4:
                sample = {"sample_index": 0, "sample_type": "goroutineleak", "unit": "count", "value": 7}
                given.tables["profile_samples"].append(sample | {"capture_id": profile, "stack_id": stack})
            given.tables["goroutine_dump"] += [
                {"capture_id": dump, "report_index": 0, "goroutine_id": number, "state": "waiting",
                 "stack_id": stack, "created_by": "app.main", "is_leaked": (build, run) == (6, "1")}
                for number in range(7)
            ]  # fmt: skip
    query = "select distinct build_id, function from regressions where metric like '%leak_count'"
    with given.models() as connection:
        assert rows(connection, query) == [("b4", GET)]


def test_what_is_taken_back_with_what_it_began_with_is_over():
    """Memory of two functions rises at b6 and is back at b10: of the noisy one a single build tells that."""
    given, random = Given(), np.random.default_rng(0)
    steady, noisy = given.stack(PUT, *USER_PATH), given.stack(GET, *USER_PATH)
    for build in range(1, 11):
        is_worse = 6 <= build <= 9
        for run in "12":
            steady_bytes = (2e9 if is_worse else 2e8) * np.exp(0.02 * random.standard_normal())
            noisy_bytes = (3e9 if is_worse else 6e7) * np.exp(0.6 * random.standard_normal())
            sites = [(steady, 0x100, int(steady_bytes)), (noisy, 0x200, int(noisy_bytes))]
            given.heap(f"b{build}", run, sites)
    query = "select build_id, function, status, ended_build_id from regressions where metric = 'alloc_bytes'"
    with given.models() as connection:
        found = rows(connection, f"{query} order by all")
    assert found == [
        ("b10", PUT, "improved", None),
        ("b6", GET, "regressed", "b10"),
        ("b6", PUT, "regressed", "b10"),
    ]
