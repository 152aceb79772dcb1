"""Short histories: what few builds, unlike families and deterministic figures are judged to be."""

from __future__ import annotations

import numpy as np
import pytest

from .judging import NEGLIGIBLE, judge

# Bytes between two samples of a heap: an object sampled stands for a few more.
SAMPLE = 524_288


def claims(
    logs: np.ndarray, negligible: float = NEGLIGIBLE, counting: np.ndarray | None = None
) -> list[tuple[int, int, int]]:
    """The changes that stay: series, build, build at which each was known."""
    found = judge(logs, negligible, counting)
    builds = logs.shape[1]
    at = np.flatnonzero(found.is_change & ~found.went_away)
    return [(int(i // builds), int(i % builds), int(found.found_build[i])) for i in at]


def family(random: np.random.Generator, deviations: list[float], builds: int, runs: int = 3) -> np.ndarray:
    """Series about 100, each with its own deviation of builds; its runs scatter by half of that."""
    sigma = np.array(deviations)[:, None, None]
    of_builds = random.standard_normal((len(deviations), builds, 1))
    of_runs = 0.5 * random.standard_normal((len(deviations), builds, runs))
    return np.asarray(np.log(100.0) + sigma * (of_builds + of_runs))


def test_a_series_constant_to_the_byte_that_rises_is_claimed_beside_unlike_ones():
    """As a heap series of a service did: 12 runs of 4 builds at one value, then 25 times that."""
    for seed in range(5):
        logs = family(np.random.default_rng(seed), [0, 0.3, 0.5, 0.8], builds=10)
        logs[0, 4:] += np.log(25)
        assert [c for c in claims(logs) if c[0] == 0] == [(0, 4, 4)]


def test_the_end_of_a_contention_is_claimed_after_three_builds_at_the_high_level():
    for seed in range(5):
        logs = family(np.random.default_rng(seed), [0.15, 0.1, 0.2, 0.3], builds=14)
        logs[0, 7:10] += np.log(11)
        found = [c for c in claims(logs) if c[0] == 0]
        assert [c[1] for c in found] == [7, 10]
        assert all(known <= at + 2 for _, at, known in found)


def test_a_deterministic_figure_has_no_noise():
    """0 allocs/op in every build, then 2, beside another benchmark that is as constant."""
    logs = np.log(np.array([[0.0] * 6 + [2.0] * 3, [5.0] * 9])[:, :, None] + 0.5)
    assert claims(logs, negligible=0.5) == [(0, 6, 6)]


def test_one_run_a_build_gets_an_answer():
    logs = family(np.random.default_rng(3), [0.1, 0.1, 0.1], builds=14, runs=1)
    logs[0, 8:] += np.log(5)
    assert [(series, at) for series, at, _ in claims(logs)] == [(0, 8)]


def test_a_verdict_grows_no_less_sure_as_builds_confirm_it():
    logs = family(np.random.default_rng(1), [0.1, 0.1, 0.15, 0.2], builds=24)
    logs[0, 12:] += np.log(3)
    first = claims(logs[:, :14])
    assert [c[:2] for c in first] == [(0, 12)]
    for builds in range(15, 25):
        assert claims(logs[:, :builds]) == first


def test_after_a_change_that_brings_noise_no_alarm_follows_alarm():
    """The new level scatters twenty-five times as much as the old one did."""
    again = 0
    for seed in range(10):
        random = np.random.default_rng(seed)
        logs = family(random, [0.02] * 4, builds=40)
        logs[0, 15:] += np.log(6) + 0.5 * random.standard_normal((25, 1))
        again += len([c for c in claims(logs) if c[0] == 0]) - 1
    assert again <= 5


@pytest.mark.full
def test_a_lone_series_has_an_error_budget_for_its_history():
    """60 lone series of 40 builds: 1 % a build would be an alarm in every third one."""
    alarms = sum(bool(claims(family(np.random.default_rng(seed), [0.1], builds=40))) for seed in range(60))
    assert alarms <= 3


def test_a_spike_is_taken_back_and_leaves_no_second_change():
    logs = family(np.random.default_rng(2), [0.02] * 10, builds=20)
    logs[0, 10] += np.log(50)
    assert [c for c in claims(logs) if c[0] == 0] == []


def test_a_lasting_step_below_the_effect_floor_is_a_hint():
    logs = family(np.random.default_rng(4), [0.004] * 5, builds=60)
    logs[0, 30:] += np.log(1.014)
    found = judge(logs)
    assert claims(logs) == []
    assert np.flatnonzero(found.may_change.reshape(5, 60)[0]).tolist() == pytest.approx([30], abs=2)


@pytest.mark.parametrize("runs", [1, 3])
def test_steps_of_six_deviations_are_known_within_four_builds_and_few_others_are_claimed(runs):
    """6 families of 50 series whose deviations spread by e^1.5, 20 builds: 5 steps in each."""
    stepped = found = false = 0
    for seed in range(6):
        random = np.random.default_rng(seed)
        deviations = np.clip(0.08 * np.exp(1.5 * random.standard_normal(50)), 0.01, 1)
        logs = family(random, list(deviations), builds=20, runs=runs)
        logs[:5, 10:] += 6 * deviations[:5, None, None]
        known = claims(logs)
        stepped += 5
        found += len(
            {series for series, at, seen in known if series < 5 and abs(at - 10) <= 3 and seen <= 13}
        )
        false += len({series for series, _, _ in known if series >= 5})
    assert found >= 0.9 * stepped
    assert false <= 3


def test_one_sampled_object_in_both_runs_is_no_change():
    """As a server's maps of init were sampled: two runs that see one object each agree to the byte."""
    objects = np.zeros((5, 7, 2))
    objects[0, 4:] = (1, 1), (1, 0), (0, 1)
    objects[1] = (0, 2), (1, 0), (1, 0), (0, 2), (0, 1), (0, 0), (0, 4)
    objects[2, 5] = 0, 1
    counting = np.where(objects.any(axis=2), 0.157, 0.0)
    assert claims(np.log(SAMPLE + (SAMPLE + 80) * objects), SAMPLE, counting) == []


def test_what_one_run_of_two_shows_now_and_then_is_no_change():
    """As a server's closure was sampled: 150 objects in one run, none in the other, three builds in turn."""
    others = family(np.random.default_rng(2), [0.01] * 20, builds=26, runs=2)
    values = np.full((1, 26, 2), np.log(36.0))
    for build in (1, 9, 23, 24, 25):
        values[0, build, build % 2] = np.log(36 + 150)
    for build in (2, 10, 11, 12):
        values[0, build, build % 2] = np.log(36 + 24)
    assert claims(np.concatenate([values, others]), 36) == []


def with_hardly_any(logs: np.ndarray, random: np.random.Generator, others: int = 25) -> np.ndarray:
    """Beside these series, about 100, as many that are a hundredth to a half of what is negligible, 50."""
    share = np.exp(random.uniform(np.log(0.01), np.log(0.5), (others, 1, 1)))
    hardly = 50 * share * np.exp(0.3 * random.standard_normal((others, *logs.shape[1:])))
    return np.concatenate([np.log(np.exp(logs) + 50), np.log(hardly + 50)])


def test_series_that_are_hardly_there_do_not_make_those_that_are_seem_unlike():
    """As a log indexer's allocations: five times as many after three builds, at fifteen standard errors."""
    found = 0
    for seed in range(5):
        random = np.random.default_rng(seed)
        logs = family(random, [0.15] * 15, builds=6)
        logs[0, 3:] += np.log(5)
        found += (0, 3, 3) in claims(with_hardly_any(logs, random), 50)
    assert found >= 4


def test_a_series_that_was_never_there_is_as_noisy_as_those_that_are():
    """Its zeros tell nothing of what it costs now: neither that it is quiet, nor that it is not known."""
    for seed in range(5):
        random = np.random.default_rng(seed)
        logs = with_hardly_any(family(random, [0.2] * 8, builds=8), random, others=4)
        logs[-1] = np.log(50)
        logs[-1, 5:] = np.log(50 + 4000)
        assert [c for c in claims(logs, 50) if c[0] == len(logs) - 1] == [(len(logs) - 1, 5, 5)]


def test_a_first_build_of_few_events_says_nothing_of_how_far_noise_reaches():
    """Two builds of one sampled object are as alike as can be, and the third, of none, is no spike."""
    random = np.random.default_rng(3)
    logs = family(random, [0.2] * 12, builds=12)
    logs[0] = np.log(4 + np.array([8, 8, 0, 0, 8, 8, 0, 8, 0, 8, 8, 0]))[:, None]
    logs[1, 9:] += np.log(12)
    counting = np.zeros(logs.shape[:2])
    counting[0] = 0.3
    assert (1, 9, 9) in claims(logs, 4, counting)


def test_a_benchmark_that_allocates_for_the_first_time_is_claimed_beside_some_that_vary() -> None:
    """Counts of four benchmarks that depend on chance say nothing of twenty that are the same in all runs."""
    for seed in range(5):
        random = np.random.default_rng(seed)
        counts = np.zeros((24, 8, 3))
        counts[12:20] = np.arange(1, 9)[:, None, None]
        counts[20:] = random.choice([0, 3, 8], (4, 8, 1)) + random.choice([0, 0.5, 1], (4, 8, 3))
        counts[3, 6:] = 1
        logs = np.log(counts + 0.5)
        assert [c for c in claims(logs, negligible=0.5) if c[0] < 20] == [(3, 6, 6)]
        # What its own runs disagree on is of the other kind.
        counts[3, 6:, 0] = 0
        counts[3, 6:, 2] = 3
        assert not [c for c in claims(np.log(counts + 0.5), negligible=0.5) if c[2] == 6]


def test_a_part_of_a_long_history_has_what_is_left_of_the_error_budget() -> None:
    """Only for series that were there all along: one that is new in it has judged nothing yet."""
    logs = family(np.random.default_rng(0), [0.1] * 6, builds=20)
    logs[0, 10:] += 0.7
    points = [judge(logs, builds_before=before).q.reshape(6, 20)[0, 10] for before in (0, 1000)]
    assert points[1] > 10 * points[0]
    logs[:, :4] = np.log(NEGLIGIBLE)
    points = [judge(logs, builds_before=before).q.reshape(6, 20)[0, 10] for before in (0, 1000)]
    assert points[1] == points[0]


def test_a_series_that_jumps_now_and_then_has_one_more_jump_for_no_change():
    """It stands at one value, and at some builds at another, as nobody else in its family does."""
    for seed in range(5):
        logs = family(np.random.default_rng(seed), [0.05] * 30, builds=24, runs=2)
        logs[0] = np.log(100.0)
        logs[0, [6, 10, 13, 14, 18, 19, 22, 23]] = np.log(80.0)
        assert [claim for claim in claims(logs) if claim[0] == 0] == [], seed


def test_a_series_that_jumps_has_a_change_that_goes_farther_or_stays():
    for seed in range(5):
        logs = family(np.random.default_rng(seed), [0.05] * 30, builds=36, runs=2)
        logs[:2] = np.log(100.0)
        logs[:2, [6, 10, 14]] = np.log(80.0)
        logs[0, 18:] = np.log(300.0)
        logs[1, 16:] = np.log(80.0)
        found = {series: (build, known) for series, build, known in claims(logs)}
        assert found[0][0] == 18 and found[0][1] <= 20, seed
        assert found[1][0] == 16 and found[1][1] <= 34, seed


def test_what_is_expected_of_a_series_that_jumps_holds_its_jumps():
    logs = family(np.random.default_rng(1), [0.05] * 30, builds=24, runs=2)
    logs[0] = np.log(100.0)
    logs[0, [6, 9, 12, 15, 18, 21]] = np.log(80.0)
    found = judge(logs)
    # Of the first series, at the last build.
    assert found.log_level[23] - 3 * found.standard_error[23] < np.log(80.0)


def test_a_series_alone_that_steps_for_good_is_claimed_more_often_than_not():
    """What it showed since the step is no noise: counted as that, it hid two in three of these."""
    random = np.random.default_rng(8)
    noise = random.standard_normal((120, 24, 1)) + 0.5 * random.standard_normal((120, 24, 2))
    logs = np.log(100.0) + 0.05 * noise
    logs[:, 12:] += 4 * 0.05
    found = [claims(logs[[i]]) for i in range(len(logs))]
    assert sum(any(abs(build - 12) <= 3 for _, build, _ in of_one) for of_one in found) > 60


def shared_jump(random: np.random.Generator, at: list[int], builds: int = 22) -> np.ndarray:
    """40 series of some 5 %, the latter half of which is e times as much at each of these builds alone."""
    logs = family(random, list(0.05 * np.exp(0.5 * random.standard_normal(40))), builds, runs=2)
    for build in at:
        logs[20:, build] += np.exp(0.5 * random.standard_normal((20, 1)))
    return logs


def test_one_build_at_which_half_of_the_family_jumped_hides_no_later_step_of_one_series():
    """It was one event. Each series that jumped counted as one: a step of 60 deviations was never claimed."""
    for seed in range(4):
        logs = shared_jump(np.random.default_rng(seed), [8])
        logs[0, 14:] += np.log(20)
        found = judge(logs, families=(20,) * logs.shape[1])
        is_claim = (found.is_change & ~found.went_away).reshape(logs.shape[:2])
        assert [tuple(at) for at in np.argwhere(is_claim)] == [(0, 14)]
        assert found.found_build.reshape(logs.shape[:2])[0, 14] <= 17


def test_where_half_of_the_family_jumps_again_it_is_as_likely_as_it_was_to_be_back():
    """The level of none that jumps with all others at two builds running is another."""
    for seed in range(4):
        logs = shared_jump(np.random.default_rng(seed), [6, 9, 12, 15, 16, 19])
        found = judge(logs, families=(20,) * logs.shape[1])
        assert not (found.is_change & ~found.went_away).any()


def test_a_change_of_one_build_whose_next_one_is_not_quite_back_ends_all_the_same():
    """55 times as much at one build, 3.3 at the next, then as before: it stood open for ever."""
    stood = ended = 0
    for seed in range(12):
        logs = family(np.random.default_rng(seed), [0.2] * 12, 22, runs=2)
        logs[0, 12:14] += [[4.0], [1.2]]
        found = judge(logs, families=(20,) * 22)
        is_change, went_away, is_return = (
            flags.reshape(logs.shape[:2])[0] for flags in (found.is_change, found.went_away, found.is_return)
        )
        if is_change[12] and not went_away[12]:
            stood += 1
            ended += is_return[13:].any()
    assert stood > 4
    assert ended >= 0.8 * stood
