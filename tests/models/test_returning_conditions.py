"""Builds that come back to earlier conditions are compared with those of then, not with those between."""

from __future__ import annotations

import numpy as np
import pytest

from tracemill.detection.levels import Levels
from tracemill.flows.gate.judge import judge
from tracemill.flows.gate.wording import coverage

from .given import USER_PATH as STORY_PATH
from .given import Given, rows
from .story import GET, LOOKUP, story
from .test_conditions import VERDICTS, with_go
from .test_levels import judge as judge_levels
from .test_levels import noisy

SERIES, BUILDS = 12, 24


def levels(values: np.ndarray, contexts: np.ndarray) -> Levels:
    """The levels of values (series, builds) of one run, each build under its context."""
    return judge_levels(values[:, :, None], contexts)


def calm(seed: int = 0) -> np.ndarray:
    """Values about 100 that vary by 5 %, (series, builds)."""
    return 100 * np.exp(0.05 * np.random.default_rng(seed).standard_normal((SERIES, BUILDS)))


def found(values: np.ndarray, contexts: np.ndarray) -> list[tuple[int, int]]:
    """The changes that stand: series and build."""
    levels_ = levels(values, contexts)
    is_change = (levels_.is_change & ~levels_.went_away).reshape(values.shape)
    return list(zip(*map(list, np.nonzero(is_change)), strict=True))


@pytest.mark.sampled
@pytest.mark.parametrize("seed", range(5))
def test_runners_of_two_kinds_that_take_turns_are_two_calm_histories(seed):
    contexts = np.arange(BUILDS) % 2 + 7
    values = calm(seed) * np.where(contexts == 7, 1.0, 3.0)
    assert found(values, contexts) == []
    judged = np.isfinite(levels(values, contexts).p).reshape(values.shape)
    assert judged[:, 8:].all()  # not only where conditions are those of the build before


@pytest.mark.sampled
@pytest.mark.parametrize("noise", ["normal", "lognormal", "spiky"])
def test_turns_raise_no_more_alarms_than_one_condition(noise):
    random = np.random.default_rng(5)
    contexts = random.integers(0, 3, 40)
    values = np.median(noisy(random, noise, (1000, len(contexts), 3)), axis=2)
    values *= np.choose(contexts, [1.0, 2.0, 0.5])
    assert len({series for series, _ in found(values, contexts)}) <= 5


def test_a_change_is_found_under_each_condition_at_the_first_build_that_shows_it():
    contexts = np.arange(BUILDS) % 2
    values = calm() * np.where(contexts == 0, 1.0, 3.0)
    values[4, 15:] *= 2
    assert found(values, contexts) == [(4, 15), (4, 16)]


def test_an_update_that_is_taken_back_costs_no_history():
    contexts = np.where((np.arange(BUILDS) >= 10) & (np.arange(BUILDS) < 14), 1, 0)
    values = calm() * np.where(contexts == 1, 3.0, 1.0)
    values[4, 14:] *= 2  # at the very build that comes back
    assert found(values, contexts) == [(4, 14)]
    told = levels(values, contexts)
    number, before, counted = (
        a.reshape(values.shape) for a in (told.level_number, told.level_before, told.level_builds)
    )
    assert list(number[3, [9, 10, 13, 14, 23]]) == [0, 1, 1, 0, 0]
    assert list(before[4, [9, 10, 13, 14, 23]]) == [-1, 0, 0, 0, 0]
    assert (number[4, 14], counted[3, 14], counted[3, 15]) == (2, 10, 11)
    assert list(np.nonzero(told.is_incomparable.reshape(values.shape)[3])[0]) == [10]


def test_what_is_said_of_builds_under_one_condition_does_not_follow_from_the_others():
    contexts = np.array([0, 0, 0, 0, 1, 0, 2, 2, 0, 1, 1, 0, 0, 2, 0, 0, 1, 0, 0, 0, 2, 0, 1, 0])
    values = calm()
    values[2, 12:] *= 1.6
    scaled = values * np.choose(contexts, [1.0, 5.0, 0.2])
    expected = [(2, b) for b in (12,)]
    assert [f for f in found(scaled, contexts) if contexts[f[1]] == 0] == expected
    alone = np.where(contexts == 0, values, np.nan)
    is_change = levels(alone, contexts).is_change
    assert list(np.nonzero(is_change.reshape(values.shape))[1]) == [12]


def test_series_that_some_builds_do_not_have_come_back_too():
    contexts = np.where((np.arange(BUILDS) % 6) < 3, 0, 1)
    values = calm() * np.where(contexts == 0, 1.0, 3.0)
    values[::2, 4::5] = np.nan
    values[5, :12] = np.nan
    told = levels(values, contexts)
    assert not told.is_change.any()
    assert not told.is_incomparable.all()


def turns(build: int) -> str:
    return "go1.27" if build % 2 else "go1.26"


def test_two_releases_in_turns_have_a_verdict_each():
    with with_go(story(leak=1), turns).models() as connection:
        known = [f for f in rows(connection, VERDICTS) if f[1] == "block_ns"]
        words = rows(
            connection, "select distinct build_id, difference from int_conditions where difference <> ''"
        )
        said = coverage(judge(connection, "b12"))
    assert ("b8", "block_ns", f"{GET} (sync)", "regressed") in known
    assert words == [("b2", "Go version go1.27 → go1.26")]
    assert "against 5 builds: b2 to b10" in said[0]
    assert "not compared: what is before b2 (Go version), 5 builds from b3 to b11 (Go version)" in said


def test_builds_before_an_update_that_was_taken_back_count_again():
    given = with_go(story(leak=1), lambda build: "go1.27" if build in (5, 6) else "go1.26")
    with given.models() as connection:
        known = [f for f in rows(connection, VERDICTS) if f[1] == "block_ns"]
        query = (
            "select n_before, ended_build_id from regressions where build_id = 'b8' and metric = 'block_ns'"
        )
        [(before, ended)] = rows(connection, query)
        said = coverage(judge(connection, "b8"))
    assert known == [
        ("b11", "block_ns", f"{LOOKUP} (sync)", "improved"),
        ("b8", "block_ns", f"{GET} (sync)", "regressed"),
    ]
    assert (before, ended) == (5, "b11")
    assert "against 5 builds: b1 to b7" in said[0]
    assert "not compared: 2 builds from b5 to b6 (Go version)" in said


def test_a_regression_is_not_over_because_of_builds_between(given_between: Given) -> None:
    query = (
        "select build_id, ended_build_id from regressions where metric = 'block_ns' and is_lead order by all"
    )
    with given_between.models() as connection:
        assert rows(connection, query) == [("b8", None)]


@pytest.fixture
def given_between() -> Given:
    """The lock is contended from b8 on, but for b10, which another release built."""
    given = story(leak=1, contention=1)
    lock = {given.stack("sync.(*Mutex).Lock", name, *STORY_PATH) for name in (GET, LOOKUP)}
    for row in given.tables["goroutine_intervals"]:
        build = int(row["capture_id"].split("/")[0][1:])
        if row["stack_id"] in lock and build >= 8 and build != 10:
            row["duration_ns"] *= 10
    return with_go(given, lambda build: "go1.26" if build in (3, 10) else "go1.27")
