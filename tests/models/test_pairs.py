"""detection/pairs: p and intervals as scipy has them, no false verdicts, load drops out; shared noise."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from tracemill.detection.compare import Compared, Reals, compare, judged
from tracemill.detection.pairs import estimate_pairs, least_paired_p, sign_flip_p
from tracemill.detection.shared_noise import shared_noise

MARGIN = float(np.log(1.05))
SERIES, METRICS = 200, 10
METRIC = np.repeat(np.arange(METRICS), SERIES // METRICS)


def compared(differences: list[Reals]) -> Compared:
    return judged(estimate_pairs(differences, METRIC[: len(differences)], MARGIN, len(differences)), MARGIN)


@pytest.mark.parametrize("pairs", [2, 3, 6, 10])
def test_exact_p_is_that_of_scipy(pairs: int) -> None:
    random = np.random.default_rng(pairs)
    values = random.standard_normal((6, pairs))
    values[:3] += 1
    values[4] = np.round(values[4])  # ties and zeros
    for row, p in zip(values, sign_flip_p(values), strict=True):
        expected = stats.permutation_test(
            (row,), lambda a: abs(a.sum()), permutation_type="samples", n_resamples=np.inf,
            alternative="greater",
        ).pvalue  # fmt: skip
        assert p == pytest.approx(expected)


def test_more_signs_than_can_be_tried_are_sampled_always_alike() -> None:
    values = np.random.default_rng(6).standard_normal((2, 25))
    values[1] += 3
    first = sign_flip_p(values)
    assert (first == sign_flip_p(values)).all()
    assert first[0] == pytest.approx(stats.ttest_1samp(values[0], 0).pvalue, rel=0.1)
    assert 0 < first[1] < 1e-4
    assert [least_paired_p(n) for n in (2, 5, 10)] == [1 / 2, 1 / 16, 1 / 512]


@pytest.mark.parametrize("pairs", [6, 10, 15])
def test_the_interval_holds_what_wilcoxons_exact_test_does_not_reject(pairs: int) -> None:
    d = np.random.default_rng(8).standard_normal(pairs)
    done = compared([d])
    for bound, inwards in ((done.low[0], 1e-6), (done.high[0], -1e-6)):
        p_inside, p_outside = (
            stats.wilcoxon(d - (bound + step), method="exact").pvalue for step in (inwards, -inwards)
        )
        assert p_inside > 0.05 >= p_outside


@pytest.mark.sampled
@pytest.mark.parametrize("tails", ["normal", "heavy", "shared"])
@pytest.mark.parametrize(("pairs", "tries"), [(3, 40), (6, 40), (10, 40)])
def test_equal_builds_do_not_differ(pairs: int, tries: int, tails: str) -> None:
    random = np.random.default_rng(pairs)
    scale = np.repeat(np.geomspace(0.005, 0.3, METRICS), SERIES // METRICS)[:, None]
    wrong = 0
    for _ in range(tries):
        if tails == "heavy":
            noise = random.standard_t(3, (SERIES, pairs))
        else:
            noise = random.standard_normal((SERIES, pairs))
        if tails == "shared":  # a burst in one run of a pair, that all series have
            noise += 2 * random.standard_t(2, pairs)
        wrong += bool(compared(list(noise * scale)).is_different.any())
    assert wrong <= max(1, stats.binom.ppf(0.99, tries, 0.01))


def test_what_falls_on_both_runs_of_a_pair_drops_out() -> None:
    random = np.random.default_rng(1)
    load = random.uniform(0, 1, 10)  # up to a factor of 2.7, another for each pair
    before = [load + 0.01 * random.standard_normal(10) for _ in range(20)]
    after = [load + 0.01 * random.standard_normal(10) + np.log(1.08) for _ in range(20)]
    differences = [a - b for a, b in zip(after, before, strict=True)]
    assert compared(differences).is_different.all()
    assert not compare(before, after, METRIC[:20], MARGIN).is_different.any()


def test_so_many_more_pairs_would_tell() -> None:
    d = np.array([0.0, 0.1, -0.1, 0.05])
    n = int(compared([d]).runs_needed[0])
    deviation = float(np.std(d, ddof=1))
    halves = [stats.t.ppf(0.975, k - 1) * deviation / np.sqrt(k) for k in (n - 1, n)]
    assert halves[0] > MARGIN >= halves[1]


def test_a_run_in_which_all_series_are_off_together_is_seen_and_a_change_of_some_is_not() -> None:
    random = np.random.default_rng(2)
    values = 0.02 * random.standard_normal((30, 10))
    assert shared_noise(values, MARGIN) == []
    values[:10, 3] += 0.5
    assert shared_noise(values, MARGIN) == []
    values[5:, 7] += 0.4
    (found,) = shared_noise(values, MARGIN)
    assert (found.run, found.share >= 0.8) == (7, True)
    assert found.ratio == pytest.approx(np.exp(0.4), rel=0.05)
    values[:, 7] = np.nan
    assert shared_noise(values, MARGIN) == []
    assert shared_noise(values[:4], MARGIN) == shared_noise(values[:, :3], MARGIN) == []


@pytest.mark.parametrize(("ratio", "is_told"), [(1.08, False), (4.0, True)])
def test_a_metric_of_one_series_is_told_by_few_runs_only_where_it_differs_by_much(
    ratio: float, is_told: bool
) -> None:
    random = np.random.default_rng(1)
    lone = np.log(ratio) + random.normal(0, 0.001, 5)
    others = [random.normal(0, 0.05, 5) for _ in range(60)]
    found = judged(estimate_pairs([lone, *others], np.array([0] + [1] * 60), MARGIN, 61), MARGIN)
    assert bool(found.is_different[0]) is is_told
