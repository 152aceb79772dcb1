"""The rank scan and the re-check it serves: steps that no single build shows, and no more alarms for it."""

from __future__ import annotations

import numpy as np
import pytest

from bench.detection import Score, tracemill
from bench.synthetic import NOISES, SCENARIOS, make
from tracemill.detection.distributions import two_sided_z
from tracemill.detection.family import Family
from tracemill.detection.masked import mid_ranks
from tracemill.detection.rank_scan import chance, cumulative_z, scan
from tracemill.detection.rules import Rules

from .test_levels import changes, judge


def scanned(values, rho=0.0, *, drifts=True, known=(0.0, 0.0)):
    """The scan of whole rows, whose noise is known to be of variance and degrees of freedom known."""
    family = Family(rho, drifts, np.ones(values.shape[1]))
    variance, df = (np.full(len(values), of_row) for of_row in known)
    return scan(values, np.ones(values.shape, bool), family, variance, df)


def chance_of_sums(before, after):
    """P(U <= u) of Mann and Whitney's U for u from 0: how many orders have each U (Mann, Whitney 1947)."""
    orders = np.zeros(before * after + 1)
    orders[0] = 1
    for i in range(1, before + 1):
        orders[after + i :] -= orders[: -(after + i)].copy() if after + i <= before * after else 0
        for u in range(i, len(orders)):
            orders[u] += orders[u - i]
    return orders.cumsum() / orders.sum()


def calm(random, series):
    """Sixty builds of three runs that differ by two per cent."""
    builds, runs = random.standard_normal((series, 60, 1)), random.standard_normal((series, 60, 3))
    return 100 * (1 + 0.02 * builds + 0.005 * runs)


@pytest.mark.parametrize("builds", [12, 33, 100])
def test_p_is_uniform_without_a_change(builds):
    values = np.random.default_rng(30).standard_normal((3000, builds))
    p = scanned(values).p
    for level in (0.1, 0.01):
        assert (p <= level).mean() == pytest.approx(level, rel=0.5)


def test_a_chance_of_few_builds_is_one_and_falls_with_z():
    z = np.array([9.0, 2.0, 4.0, 6.0, 8.0])
    p = chance(z, np.array([7, 30, 30, 30, 30]))
    assert p[0] == 1 and (np.diff(p[1:]) < 0).all() and 0 < p[-1] < 1e-9


def test_the_cut_is_at_the_step():
    values = np.random.default_rng(31).standard_normal((200, 60))
    values[:, 25:] += 3
    found = scanned(values)
    assert (np.abs(found.place - 25) <= 1).mean() > 0.9
    assert np.median(found.after - found.before) == pytest.approx(3, abs=0.2)


def test_equal_values_share_their_rank():
    ranks = mid_ranks(np.array([[3.0, 1.0, 3.0, 2.0]]), np.array([[True, True, True, True]]))
    assert ranks.tolist() == [[3.5, 1.0, 3.5, 2.0]]


def test_builds_that_resemble_their_neighbours_hold_less():
    random = np.random.default_rng(32)
    values = make(random, "AR(1)", "2 sigma", 500, 80).medians[50:]
    assert (scanned(values).p < 0.01).mean() > (scanned(values, 0.5).p < 0.01).mean()


def test_a_slow_drift_is_no_step():
    random = np.random.default_rng(33)
    drift = random.standard_normal((200, 100)) + np.linspace(-1.5, 1.5, 100)
    step = random.standard_normal((200, 100)) + 3 * (np.arange(100) >= 50)
    assert scanned(drift).is_drift.mean() > 0.9
    assert scanned(step).is_drift.mean() < 0.05


def test_a_family_drifts_if_its_series_typically_do_and_nothing_is_known_of_a_few():
    random = np.random.default_rng(38)
    calm = random.standard_normal((400, 60))
    drift = calm + np.linspace(-0.8, 0.8, 60) * random.choice([-1, 1], (400, 1))
    steps = calm + 3 * ((np.arange(60) >= 30) & (np.arange(400) < 30)[:, None])
    is_in = np.ones(calm.shape, bool)
    assert [Family.of(rows, is_in).drifts for rows in (calm, drift, steps)] == [False, True, False]
    early = calm + 20 * ((np.arange(60) < 2) & (random.random(calm.shape) < 0.2))
    assert not Family.of(early, is_in).drifts
    assert Family.of(calm[:50], is_in[:50]).drifts
    assert Family.of(calm[:, :10], is_in[:, :10]).drifts


def test_a_small_step_stands_where_its_family_does_not_drift():
    random = np.random.default_rng(39)
    values = random.standard_normal((200, 100)) + (np.arange(100) >= 50)
    strict, lenient = (scanned(values, drifts=drifts).is_drift.mean() for drifts in (True, False))
    assert lenient < 0.3 < 0.5 < strict


@pytest.mark.parametrize(("before", "after"), [(4, 4), (7, 13), (4, 40), (20, 30)])
def test_z_is_as_unlikely_as_the_order_of_the_builds(before, after):
    n = before + after
    for u, chance_of_u in enumerate(chance_of_sums(before, after)[: before * after // 3]):
        # The lowest ranks before the cut; then u times one of them changes places with the next higher.
        ranks = np.arange(1.0, n + 1)
        for _ in range(u):
            at = max(i for i in range(before) if ranks[i] < n and ranks[i] + 1 not in ranks[:before])
            ranks[at] += 1
        ranks[before:] = sorted(set(range(1, n + 1)) - set(ranks[:before]))
        z, complete, _ = cumulative_z(ranks[None], np.ones((1, n), bool))
        exact = two_sided_z(np.log(np.array([min(2 * chance_of_u, 1.0)])))[0]
        assert z[0, before - 1] == pytest.approx(exact, abs=0.25)
        assert (complete[0, before - 1] == 1) == (u == 0)


def test_builds_that_are_all_higher_are_weighed_by_how_much():
    random = np.random.default_rng(40)
    halves = np.sort(0.1 * random.standard_normal((200, 16)), axis=1).reshape(200, 2, 8)
    near = random.permuted(halves, axis=2).reshape(200, 16)
    far = near + 1.0 * (np.arange(16) >= 8)
    p_near, p_far = (np.median(scanned(rows, known=(0.01, 10.0)).p) for rows in (near, far))
    # As likely as 8 builds above 8 are: 1 in 6435, for each of nine cuts.
    assert 1e-4 < p_near < 3e-3
    assert p_far < p_near**1.8
    # Unless noise is known to reach as far.
    assert np.median(scanned(far, known=(1.0, 100.0)).p) == pytest.approx(p_near, rel=0.5)


def test_builds_on_a_noisy_machine_count_less():
    random = np.random.default_rng(41)
    noisy = np.where(np.arange(60) < 50, 1.0, 4.0)
    values = noisy * random.standard_normal((2000, 60))
    is_in = np.ones(values.shape, bool)
    family = Family.of(values, is_in)
    assert family.scale[50:].mean() == pytest.approx(4, rel=0.3)
    assert family.scale[:50].mean() == pytest.approx(1, rel=0.2)
    nothing = np.zeros(len(values))
    even = scan(values, is_in, family, nothing, nothing).p
    assert (even <= 0.001).mean() <= 0.003 < 0.02 < (scanned(values).p <= 0.001).mean()


def test_a_step_that_no_build_shows_at_once_is_found_later_at_its_build():
    random = np.random.default_rng(34)
    values = 100 * (
        1 + 0.02 * random.standard_normal((60, 60, 1)) + 0.005 * random.standard_normal((60, 60, 3))
    )
    values[:20, 30:] *= 1.05
    levels = judge(values)
    found = (levels.is_change & ~levels.went_away).reshape(60, 60)
    assert found[:20, 27:34].any(axis=1).mean() > 0.8
    assert not found[20:].any()
    known = levels.found_build[found.ravel()]
    assert (known >= np.nonzero(found)[1]).all() and (known % 5 == 4).any()
    change = (levels.change.after - levels.change.before)[found.ravel()]
    assert np.median(change) == pytest.approx(np.log(1.05), rel=0.2)


def test_a_later_build_takes_no_verdict_of_a_recheck_back():
    random = np.random.default_rng(35)
    values = 100 * (
        1 + 0.02 * random.standard_normal((50, 60, 1)) + 0.005 * random.standard_normal((50, 60, 3))
    )
    values[:20, 20:] *= 1.06
    # The very last build's claim may still go away.
    early = changes(values[:, :45])[:, :43]
    assert early.any()
    assert not (early & ~changes(values)[:, :43]).any()


def test_a_family_that_spikes_is_not_believed_at_once():
    random = np.random.default_rng(36)
    spikes = 1 + 0.3 * (random.random((300, 30, 1)) < 0.04)
    values = 100 * spikes * (1 + 0.02 * random.standard_normal((300, 30, 3)))
    # Not even for a build: what is taken back has failed a gate already.
    assert judge(values).is_change.sum() <= 2


def test_where_it_spikes_a_step_is_known_when_it_has_stayed_for_some_builds():
    random = np.random.default_rng(42)
    spikes = 1 + 0.3 * (random.random((300, 30, 1)) < 0.04)
    values = 100 * spikes * (1 + 0.02 * random.standard_normal((300, 30, 3)))
    values[:30, 20:] *= 1.3
    levels = judge(values)
    found = (levels.is_change & ~levels.went_away).reshape(300, 30)
    assert found[:30, 19:22].any(axis=1).mean() > 0.8
    late = levels.found_build.reshape(300, 30)[:30, 20][found[:30, 20]] - 20
    assert np.median(late) <= 4


def test_what_is_too_unsure_for_a_verdict_may_be_a_change():
    data = make(np.random.default_rng(43), "bimodal", "1 sigma", 1000, 100)
    sure, with_hints = Score(), Score()
    sure.add(data, tracemill(data, rules=Rules()))
    with_hints.add(data, tracemill(data, rules=Rules(), with_hints=True))
    assert with_hints.found >= sure.found + 5
    assert 1000 * with_hints.false / with_hints.calm <= 10


@pytest.mark.full
@pytest.mark.parametrize("noise", NOISES)
def test_at_most_five_of_a_thousand_in_every_noise_of_the_bench(noise):
    random, score = np.random.default_rng(37), Score()
    for scenario in SCENARIOS:
        data = make(random, noise, scenario, 400, 100)
        score.add(data, tracemill(data, rules=Rules()))
    assert 1000 * score.false / score.calm <= 5
