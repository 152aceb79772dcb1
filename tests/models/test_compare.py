"""detection/compare: no false verdicts on equal builds, power, exact p and intervals as scipy has them."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from tracemill.detection.compare import Compared, Reals, compare, least_p, permutation_p

SERIES, METRICS = 300, 10
MARGIN = float(np.log(1.05))


def drawn(random: np.random.Generator, runs: int, tails: str) -> list[Reals]:
    """SERIES with noise from 0.5 to 30 %, each metric's alike."""
    scale = np.repeat(np.geomspace(0.005, 0.3, METRICS), SERIES // METRICS)
    shape = (SERIES, runs)
    noise = random.standard_normal(shape) if tails == "normal" else random.standard_t(3, shape) / np.sqrt(3)
    return list(noise * scale[:, None])


def compared(before: list[Reals], after: list[Reals]) -> Compared:
    metric = np.repeat(np.arange(METRICS), SERIES // METRICS)
    return compare(before, after, metric, MARGIN)


@pytest.mark.sampled
@pytest.mark.parametrize("tails", ["normal", "heavy"])
@pytest.mark.parametrize(("runs", "pairs"), [(2, 40), (3, 40), (5, 20), (10, 1)])
def test_equal_builds_do_not_differ(runs: int, pairs: int, tails: str) -> None:
    random = np.random.default_rng(runs)
    wrong = 0
    for _ in range(pairs):
        done = compared(drawn(random, runs, tails), drawn(random, runs, tails))
        wrong += bool(done.is_different.any())
    # A pair may err in one of a hundred.
    assert wrong <= max(1, stats.binom.ppf(0.99, pairs, 0.01))


def test_what_is_said_not_to_differ_by_five_per_cent_rarely_does() -> None:
    random = np.random.default_rng(7)
    wrong = told = 0
    for _ in range(10):
        after = [x + 1.1 * MARGIN for x in drawn(random, 5, "normal")]
        done = compared(drawn(random, 5, "normal"), after)
        wrong += int(done.is_within.sum())
        told += SERIES
    assert wrong / told < 0.025


@pytest.mark.parametrize(("runs", "change", "least"), [(3, np.log(10), 0.9), (10, 0.1, 0.95)])
def test_changes_well_beyond_the_noise_are_found(runs: int, change: float, least: float) -> None:
    random = np.random.default_rng(3)
    after = drawn(random, runs, "normal")
    # Three series of a metric whose runs scatter by 3 %.
    changed = [100, 101, 102, 103, 104]
    found = 0
    for _ in range(2):
        before, after = drawn(random, runs, "normal"), drawn(random, runs, "normal")
        for i in changed:
            after[i] = after[i] + change
        done = compared(before, after)
        found += int(done.is_different[changed].sum())
        assert done.is_different.sum() <= done.is_different[changed].sum() + 1
    assert found >= least * 2 * len(changed)


@pytest.mark.parametrize(("n_before", "n_after"), [(3, 3), (4, 6), (5, 5), (6, 3)])
def test_exact_p_is_that_of_scipy(n_before: int, n_after: int) -> None:
    random = np.random.default_rng(5)
    values = random.standard_normal((8, n_before + n_after))
    values[:4, n_before:] += 2
    values[5] = np.round(values[5])  # ties
    found = permutation_p(values, n_before)
    for row, p in zip(values, found, strict=True):
        expected = stats.permutation_test(
            (row[:n_before], row[n_before:]), lambda a, b: abs(a.mean() - b.mean()), n_resamples=np.inf,
            alternative="greater",
        ).pvalue  # fmt: skip
        assert p == pytest.approx(expected)


@pytest.mark.full
def test_more_splits_than_can_be_tried_are_sampled_always_alike() -> None:
    values = np.random.default_rng(6).standard_normal((2, 24))
    values[1, 12:] += 3
    first = permutation_p(values, 12)
    assert (first == permutation_p(values, 12)).all()
    t = stats.ttest_ind(values[0, :12], values[0, 12:]).pvalue
    assert first[0] == pytest.approx(t, rel=0.1)
    assert 0 < first[1] < 1e-4


def test_the_least_p_is_two_over_the_number_of_splits() -> None:
    assert [least_p(n, n) for n in (1, 3, 5)] == [1.0, 2 / 20, 2 / 252]


@pytest.mark.parametrize(("n_before", "n_after"), [(4, 4), (5, 7), (10, 10)])
def test_the_interval_holds_what_the_exact_rank_test_does_not_reject(n_before: int, n_after: int) -> None:
    random = np.random.default_rng(8)
    before, after = random.standard_normal(n_before), random.standard_normal(n_after)
    done = compare([before], [after], np.zeros(1, dtype=np.int64), MARGIN)
    for bound, inwards in ((done.low[0], 1e-6), (done.high[0], -1e-6)):
        p_inside, p_outside = (
            stats.mannwhitneyu(after - (bound + step), before, method="exact").pvalue
            for step in (inwards, -inwards)
        )
        assert p_inside > 0.05 >= p_outside


def test_a_single_run_never_differs_and_so_many_more_runs_would_tell() -> None:
    one, two = np.zeros(1), np.array([0.0, 0.1, 0.05])
    done = compare([one, two], [one + 5, two], np.zeros(2, dtype=np.int64), MARGIN)
    assert not done.is_different.any()
    assert np.isnan([done.p[0], done.q[0], done.low[0], done.runs_needed[0]]).all()
    n = int(done.runs_needed[1])
    deviation = float(np.std(two, ddof=1))
    halves = [stats.t.ppf(0.975, 2 * k - 2) * deviation * np.sqrt(2 / k) for k in (n - 1, n)]
    assert halves[0] > MARGIN >= halves[1]


def test_so_many_runs_would_tell_what_is_hardly_chance() -> None:
    """By Student's t, at the share of the family that may be false."""
    before, after = np.log([142.0, 182, 158]), np.log([316.0, 313, 340])
    done = compare([before] * 300, [after] * 300, np.arange(300), MARGIN)
    alone = compare([before], [after], np.zeros(1, dtype=np.int64), MARGIN)
    assert alone.is_different.all()
    assert done.is_different.all()  # so many at once are no chance
    quiet = [before + 0.001 * i for i in range(299)]
    one = compare([before, *quiet], [after, *quiet], np.arange(300), MARGIN)
    assert not one.is_different.any()
    n = int(one.runs_needed[0])
    deviation = float(np.sqrt((before.var(ddof=1) + after.var(ddof=1)) / 2))
    of_few = [
        2 * stats.t.sf((after.mean() - before.mean()) / (max(deviation, 0.05) * np.sqrt(2 / k)), 2 * k - 2)
        for k in (n - 1, n)
    ]
    assert of_few[0] > 0.01 / 300 >= of_few[1]


def test_figures_that_are_the_same_in_every_run_are_told() -> None:
    two, three = np.log(np.full(3, 2.5)), np.log(np.full(3, 3.5))
    done = compare([two, two], [two, three], np.zeros(2, dtype=np.int64), MARGIN)
    assert done.is_within.tolist() == [True, False]
    assert done.is_different.tolist() == [False, True]
