"""One family of series, walked from the first build to the last: see detection/levels.py."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import chdtr

from tracemill.detection.contexts import come_back
from tracemill.detection.distributions import benjamini_hochberg, median_variance
from tracemill.detection.excursions import ended_excursions, excursions, take_back
from tracemill.detection.family import noise_inflation
from tracemill.detection.noise import family_prior, prior_of_runs
from tracemill.detection.points import Levels, Points
from tracemill.detection.rechecks import Suspected, look_back, suspect
from tracemill.detection.rules import Rules
from tracemill.detection.sensitivity import least_changes
from tracemill.detection.state import State
from tracemill.detection.windows import Chances, Known, Windows, began, chances, windows

Reals = NDArray[np.float64]
Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]


def walk(points: Points, families: Ints, rules: Rules, builds_before: int, *, is_timed: bool) -> Levels:
    """The levels of one family."""
    state = State(points, families, rules, builds_before)
    every = rules.recheck_every_builds
    newest = state.shape[1] - 1
    for build in range(newest + 1):
        come_back(state, build)
        state.has_been_real |= state.is_real[:, build]
        if _is_idle(state, build):
            state.pass_over(build)
            continue
        of_machine = _take_off_machine(state, build) if is_timed else 0.0
        may_change = _judge(state, build, of_machine)
        if every and build % every == every - 1:
            look_back(state, build)
        if build == newest:
            suspect(state, build, may_change)
    return state.levels()


def _is_idle(state: State, build: int) -> bool:
    """Whether there is nothing to judge, nor to learn, as no series has been there up to the build."""
    if state.has_been_real.any() or len(state.start) >= state.rules.least_family_series:
        return False
    is_due = state.sums.count(state.start, build) == state.rules.settled_builds - 1
    return not (is_due.any() or state.is_other_context(build).any())


def _take_off_machine(state: State, build: int) -> float:
    """Take off the build's values what its series have in common; the variance of that."""
    value, end = state.value[:, build], np.full(len(state.start), build)
    level = state.sums.between(np.maximum(state.start, end - state.rules.most_level_builds), end)
    _know(state, build, state.runs.of_build(build))
    known = state.is_real[:, build] & (level.n > 0) & (np.exp(level.mean) > 2 * state.negligible[:, build])
    known &= ~state.is_other_context(build)
    noise = np.nan_to_num(_variance(state)) * (1 + 1 / np.maximum(level.n, 1))
    noise += state.runs.own(build, _variance(state))
    shift, variance = state.machine.see(build, (value - level.mean)[known], noise[known])
    is_felt = state.is_real[:, build]
    state.value[is_felt, build] -= shift
    state.winsorised[is_felt, build] -= shift
    return variance


def _judge(state: State, build: int, of_machine: float) -> Suspected:
    """Compare the build with what was before it. Gives what is too likely to be noise for a claim.

    of_machine: variance of what was taken off the build's values.
    """
    rules, value = state.rules, state.value[:, build]
    is_here = np.isfinite(value)
    state.runs.learn(build, state.is_real[:, build])
    of_runs = state.runs.of_build(build)
    _know(state, build, of_runs)
    own = state.runs.own(build, _variance(state)) + of_machine
    if take_back(state, build, own):
        _know(state, build, of_runs)
    _push(state, build, own)
    seen = _windows(state, is_here)
    factors = state.typical.factors(build, seen.first)
    is_incomparable = state.find_incomparable(build, is_here)
    seen.can_judge[1:] &= ~is_incomparable
    can_judge = np.asarray(seen.can_judge.any(axis=0))
    _learn_first(state, build, can_judge, of_runs)
    is_back = state.outliers.learn(value, can_judge)
    state.spikes.learn(is_back, can_judge)
    found = chances(build, seen, state.recent, state.known, factors, state.outliers, state.spikes)
    state.judged_builds += can_judge
    # Where builds do not compare nothing is claimed: that the figure is another is said of a single build.
    p = np.where(is_incomparable & seen.can_judge[0], found.normal_p, found.p)
    q = _q(state, build, p)
    at = found.best, state.every
    before, after = seen.before[at], seen.after[at]
    negligible, is_one = state.negligible[:, build], can_judge & ~is_incomparable
    is_worth = is_one & state.is_worth(before, after, negligible, rules.least_ratio)
    is_change = is_worth & (q <= rules.false_share)
    # That an excursion is over is not looked for in the whole family, but where one is, and on one side.
    q_of_end = benjamini_hochberg(np.where(excursions(state, build), found.p / 2, np.nan))
    is_end = is_worth & (q_of_end <= rules.false_share)
    if (is_change | is_end).any():
        window = began(seen, state.recent, state.known, found.best, rules)
        at = np.where(is_change | is_end, window, found.best), state.every
        before, after = seen.before[at], seen.after[at]
    place = np.where(is_change | is_end, seen.first[at], build)
    is_return = ended_excursions(state, place, np.where(is_change | is_end, after, value), own)
    is_return &= ~is_incomparable & (is_change | is_end)
    is_change |= is_end & is_return
    place = np.where(is_change | is_return, place, build)
    p, q = np.where(is_return, p / 2, p), np.where(is_return, np.fmin(q, q_of_end), q)
    _keep_found(state, build, seen, factors, p, q)
    _learn(state, build, seen, found, is_change, is_incomparable)
    state.is_return[is_return, place[is_return]] = True
    change = np.array([before, after, seen.error[at] * factors[at], p, q])
    for begins in (False, True):
        rows = np.flatnonzero(is_change & (is_return != begins))
        state.claim(build, rows, place[rows], change[:, rows], begins_level=begins)
    rows = np.flatnonzero(is_return)
    state.restore(rows, place[rows], build + 1)
    state.begin(np.flatnonzero(is_incomparable), build)
    _settle(state, build)
    if build < state.shape[1] - 1:  # of others nobody asks
        rows = np.empty(0, np.int64)
        return rows, rows, np.empty((5, 0))
    state.least = least_changes(state, build, seen, factors, is_one)
    may_change = is_one & ~is_change & ~is_return
    may_change &= (q <= rules.suspected_share) | _is_change_or_spike(state, build, found)
    may_change &= state.is_worth(before, after, negligible, rules.least_suspected_ratio)
    rows = np.flatnonzero(may_change)
    return rows, seen.first[at][rows], change[:, rows]


def _know(state: State, build: int, of_runs: Reals) -> None:
    """The noise as it is known beside the current level's builds."""
    rules = state.rules
    level = state.level = state.sums.between(state.start, np.full(len(state.start), build))
    level_df = np.maximum(level.n - 1, 0)
    is_there = np.exp(level.mean) > 2 * state.negligible[:, build]
    is_begun = is_there | ((level.n == 0) & state.has_been_real)
    prior = state.prior = family_prior(*_of_builds(state), of_runs, state.runs.df, is_begun, rules)
    is_known = np.isfinite(prior.variance)
    # Of a site that is not there nothing is to be learnt, but where nothing in the family ever varies.
    does_vary = level.squares > np.maximum(level_df, 1) * rules.least_noise**2  # of one build by rounding
    does_teach = is_there | does_vary | ~is_known
    family_df = np.where(does_teach, prior.df, np.maximum(prior.df, rules.least_family_df))
    family = np.where(does_teach, prior.variance, prior.typical)
    family_df = np.where(is_known, family_df, 0.0)
    # Where most are the same in every run, one whose runs agree when it comes is of that kind.
    is_exact = ~does_teach & _are_figures_exact(state, is_begun) & state.runs.agree(build)
    family = np.where(is_exact, rules.least_noise**2, family)
    family_df = np.where(is_exact, rules.most_family_df, family_df)
    former_df = state.closed_df + family_df
    former = state.closed + np.where(is_known, family_df * family, 0.0)
    most = np.where(state.start > 0, np.maximum(rules.former_df, level.n), np.inf)
    part = np.minimum(1, most / np.maximum(former_df, 1e-9))
    counting = _counting(
        state, build, np.where(is_there, level.squares, 0.0), np.where(is_there, level_df, 0.0)
    )
    floor = np.maximum(rules.least_noise**2, counting)
    floor_df = np.where(counting > rules.least_noise**2, rules.most_family_df, 0.0)
    state.known = Known(part * former, part * former_df, floor, floor_df, does_teach)


def _are_figures_exact(state: State, is_begun: Flags) -> bool:
    """Whether most of the family's series that are there never vary: counts, sizes of code."""
    variance, df = _of_builds(state)
    is_known = is_begun & (df >= 1)
    is_constant = is_known & (variance <= state.rules.least_noise**2)
    return bool(2 * is_constant.sum() > is_known.sum())


def _variance(state: State) -> Reals:
    """Variance of a build as it is known before it."""
    level, known = state.level, state.known
    df = known.df + np.where(known.does_teach, np.maximum(level.n - 1, 0), 0.0)
    squares = known.squares + np.where(known.does_teach, level.squares, 0.0)
    return np.asarray(np.maximum(squares / np.maximum(df, 1e-9), known.floor))


def _of_builds(state: State) -> tuple[Reals, Reals]:
    """Variance of each series' builds about their levels, pooled over levels; its degrees of freedom."""
    df = state.closed_df + np.maximum(state.level.n - 1, 0)
    return (state.closed + state.level.squares) / np.maximum(df, 1), df


def _counting(state: State, build: int, squares: Reals, df: Reals) -> Reals:
    """Variance of the build from few events alone, unless runs and builds agree better than these could.

    squares, df: of the level's builds.
    """
    counting = np.maximum(state.counting[:, build], 1e-300)
    runs = state.runs
    of_run = counting / median_variance(runs.count[:, build])
    df = df + runs.df
    # Few events agree to the byte by chance, too: a number of them is known to one, uniformly about it.
    agreement = squares / counting + runs.squares / of_run + df * of_run / 12
    chance = np.where(df > 0, chdtr(np.maximum(df, 1), agreement), 1.0)
    return np.where(counting > 1e-300, counting * np.minimum(chance / state.rules.quiet_chance, 1), 0.0)


def _push(state: State, build: int, own: Reals) -> None:
    """Take the build in as the latest, with how noisy it is beside others."""
    value, known = state.value[:, build], state.known
    if np.isfinite(value).sum() < state.rules.least_family_series:
        state.push(build, own, 1.0)
        return
    end = np.full(len(value), build)
    level = state.sums.between(np.maximum(state.start, end - state.rules.most_level_builds), end)
    df = known.df + np.where(known.does_teach, np.maximum(state.level.n - 1, 0), 0.0)
    error = np.sqrt(_variance(state) * (1 + 1 / np.maximum(level.n, 1)) + own)
    error *= state.typical.factor_of_one(build)
    is_known = (state.judged_builds > 0) & (level.n >= 1) & (df >= 1)
    scale = noise_inflation(np.where(is_known, value - level.mean, np.nan), error)
    state.push(build, own * scale**2, scale)


def _windows(state: State, is_here: Flags) -> Windows:
    seen = windows(
        state.recent,
        state.sums,
        state.own_sums,
        state.machine,
        state.start,
        is_here,
        state.known,
        state.rules,
    )
    builds_before = state.sums.known[seen.first, state.every]
    seen.can_judge[:] &= state.has_been_real & (builds_before >= state.rules.least_builds)
    return seen


def _q(state: State, build: int, p: Reals) -> Reals:
    """q of the family's series at the build, and no less than the series' own budget lets it be."""
    share = state.rules.false_share / state.budget()
    return np.asarray(np.minimum(np.maximum(state.families[build] * benjamini_hochberg(p), share * p), 1))


def _is_change_or_spike(state: State, build: int, found: Chances) -> Flags:
    """Series whose last build is surely out, unless it is a spike as none has been seen: the next tells."""
    rules = state.rules
    is_out = _q(state, build, np.where(found.best == 0, found.normal_p, np.nan)) <= rules.false_share
    return np.asarray(is_out & (found.p <= rules.spike_chance))


def _learn_first(state: State, build: int, can_judge: Flags, of_runs: Reals) -> None:
    """From the first builds of series, when they are judged for the first time and when there are more."""
    least = state.rules.least_builds
    builds = state.sums.known[build]
    is_first = can_judge & ~state.is_judged
    state.is_judged |= can_judge
    state.outliers.judged += least * int(is_first.sum())
    state.outliers.series = int(state.is_judged.sum())
    is_again = can_judge & ~is_first & (builds == state.rules.settled_first_builds) & (state.start == 0)
    due = [
        (np.flatnonzero(is_due & (builds >= most)), most)
        for is_due, most in ((is_first, least), (is_again, state.rules.settled_first_builds))
    ]
    if not any(len(rows) for rows, _ in due):
        return
    prior = prior_of_runs(*_of_builds(state), of_runs, state.runs.df, state.prior, state.rules)
    for rows, most in due:
        if len(rows):
            is_missing = ~np.isfinite(state.winsorised[rows, :build])
            columns = np.argsort(is_missing, axis=1, kind="stable")[:, :most]
            values = np.take_along_axis(state.value[rows, :build], columns, axis=1)
            state.outliers.learn_first(values, rows, prior, state.known.floor)


def _learn(
    state: State, build: int, seen: Windows, found: Chances, is_change: Flags, is_incomparable: Flags
) -> None:
    """What the build says of the noise: how far the family is out, spikes, and the level that it joins."""
    rules, value = state.rules, state.value[:, build]
    t = np.where(seen.can_judge, (seen.after - seen.before) / seen.error, 0.0)
    # Constant series would make it seem that the others are out less than they should be.
    does_vary = seen.pooled + seen.after_squares > rules.least_noise**2 * (seen.pooled_df + seen.builds)
    state.typical.learn(build, t, seen.df, seen.can_judge & does_vary & ~is_change & ~is_incomparable)
    may_be_spike = seen.can_judge[0] & ~is_incomparable & ~(is_change & (found.best > 0))
    is_outlier = may_be_spike & (found.normal_p < rules.outlier_p)
    is_rare = (found.nominal_p <= rules.rare_p) & ~is_incomparable
    at = found.best, state.every
    rare = np.where(is_rare, seen.before[at], np.nan), np.where(is_rare, seen.after[at], np.nan)
    state.outliers.remember(value, seen.before[0], np.where(is_outlier, found.t, np.nan), rare)
    deviation = np.sqrt(seen.pooled[0] / np.maximum(seen.pooled_df[0], 1e-9))
    reach = rules.spike_deviations * np.maximum(deviation, rules.least_noise)
    can_clip = seen.can_judge[0] & (seen.builds[0] >= rules.least_winsorised_builds) & ~is_incomparable
    clipped = np.clip(value, seen.before[0] - reach, seen.before[0] + reach)
    away = np.abs(value - seen.before[0])
    state.spikes.remember(
        away, np.isfinite(value), is_outlier | (may_be_spike & can_clip & (away > 2 * reach))
    )
    state.winsorised[:, build] = np.where(can_clip & ~state.spikes.are_usual(), clipped, value)
    state.sums.add(build, state.winsorised[:, build])


def _keep_found(state: State, build: int, seen: Windows, factors: Reals, p: Reals, q: Reals) -> None:
    can_judge = seen.can_judge[0]
    state.level_builds[build] = np.where(can_judge, seen.n[0], 0)
    shift = np.where(state.is_real[:, build], state.machine.shift[build], 0.0)
    values = {
        "log_level": seen.before[0] + shift,
        "standard_error": seen.error[0] * factors[0],
        "df": seen.df[0],
    }
    for name, found in values.items():
        state.found[name][build] = np.where(can_judge, found, np.nan)
    state.found["p"][build], state.found["q"][build] = p, q


def _settle(state: State, build: int) -> None:
    """Winsorise the first builds of levels that have become long enough to tell spikes from noise."""
    rules = state.rules
    is_due = np.isfinite(state.winsorised[:, build])
    is_due &= state.sums.count(state.start, build + 1) == rules.settled_builds
    rows = np.flatnonzero(is_due & (state.settled != state.start))
    if not len(rows):
        return
    state.settled[rows] = state.start[rows]
    columns = np.arange(build + 1)
    values = state.winsorised[rows, : build + 1]
    is_in = np.isfinite(values) & (columns >= state.start[rows][:, None])
    level = np.where(is_in, state.value[rows, : build + 1], np.nan)
    middle = np.nanmedian(level, axis=1)
    # The noise as all but the farthest build tell it.
    squares = np.sort(np.where(is_in, (level - middle[:, None]) ** 2, np.inf), axis=1)
    squares = squares[:, : rules.settled_builds - 1].sum(axis=1) + state.known.squares[rows]
    df = np.maximum(state.known.df[rows], 0) + rules.settled_builds - 2
    reach = rules.spike_deviations * np.maximum(np.sqrt(squares / df), rules.least_noise)
    clipped = np.clip(level, (middle - reach)[:, None], (middle + reach)[:, None])
    values = np.where(is_in, clipped, values)
    state.winsorised[rows, : build + 1] = values
    state.sums.again(rows, values)
