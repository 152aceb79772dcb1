"""The last one to four builds of each series against its level before them.

Of each window of k builds, the mean is held against the mean of the level's builds before it by Student's
t. The variance is taken within both sides, so that a change never counts as its own noise, and moderated by
the family (detection/noise.py). Any build may be a spike: p is that of the window as it is, plus, for each
j, that of what is left of it when its j farthest builds are spikes, times the chance of j spikes there, by
what the family has shown (detection/outliers.py) or the series itself (detection/spikes.py).
With j = k all of them are spikes: where one spike is likely, k far builds are as likely as one, to the
power k.

What the family's windows of k builds are typically out, more than chance lets expect, is no change: builds
that resemble their neighbours, a drift, a machine that gets noisier. Their t is divided by it (Efron 2004).
"""

from __future__ import annotations

from dataclasses import dataclass
from math import comb
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from tracemill.detection.distributions import two_sided_p
from tracemill.detection.machine import Machine
from tracemill.detection.outliers import Outliers, cautious
from tracemill.detection.rules import WINDOWS, Rules
from tracemill.detection.spikes import Spikes
from tracemill.detection.sums import Sums

Reals = NDArray[np.float64]
Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]

# Windows less far out than this are not worth the chances of spikes in them.
_WORTH_A_LOOK = 2.8
# The best of one to four windows that share builds is as good by chance as the best of so many that do not.
LOOKS = np.array([1.0, 1.0, 1.4, 1.7, 2.0])
_SIZES = np.arange(1.0, WINDOWS + 1)[:, None]


class Recent:
    """The last builds of each series, newest first: (WINDOWS, n_series)."""

    def __init__(self, series: int) -> None:
        shape = (WINDOWS, series)
        self.column = np.full(shape, -1)
        # The value; what its runs add to its variance; how noisy its build is beside others.
        self.value, self.own, self.scale = np.full(shape, np.nan), np.zeros(shape), np.ones(shape)

    def push(self, column: int, value: Reals, own: Reals, scale: float) -> None:
        """Take in a build; series that are not there keep theirs."""
        is_finite = np.isfinite(value)
        is_here = slice(None) if is_finite.all() else is_finite
        self._shift(self.column, column, is_here)
        self._shift(self.value, value[is_here], is_here)
        self._shift(self.own, own[is_here], is_here)
        self._shift(self.scale, scale, is_here)

    @staticmethod
    def _shift(kept: NDArray[Any], values: object, is_here: Flags | slice) -> None:
        kept[1:, is_here] = kept[:-1, is_here]
        kept[0, is_here] = values

    def leave_out(self, rows: Ints, used: Reals, values: Reals) -> None:
        """Of the rows, builds do not count any more: used (n_rows, n_builds) is nan there."""
        is_used = np.isfinite(used)[:, ::-1]
        place = is_used.cumsum(axis=1)
        column, own, scale = self.column[:, rows], self.own[:, rows], self.scale[:, rows]
        for window in range(WINDOWS):
            is_it = is_used & (place == window + 1)
            at = np.where(is_it.any(axis=1), used.shape[1] - 1 - is_it.argmax(axis=1), -1)
            self.column[window, rows] = at
            self.value[window, rows] = np.where(at >= 0, values[np.arange(len(rows)), at], np.nan)
            is_known = (column == at) & (at >= 0)
            self.own[window, rows] = np.where(is_known, own, 0.0).sum(axis=0)
            self.scale[window, rows] = np.where(is_known.any(axis=0), (is_known * scale).sum(axis=0), 1.0)


@dataclass(frozen=True, slots=True)
class Windows:
    """Each window of each series; (WINDOWS, n_series) each, window k being the last k builds.

    can_judge: there is such a window, and a level before it. first: its first column. before: mean of the
    level's last n builds. builds: of the whole level. after: mean of the window; after_squares: its squares
    about it. pooled, pooled_df: squares from which the variance of a build is known without the window; df:
    with it. error: standard error of after - before; lasting: what of its variance does not become less
    with the window's builds: noise of its own that a level of few builds has, and how unlike series feel a
    machine.
    """

    can_judge: Flags
    first: Ints
    n: Reals
    before: Reals
    builds: Reals
    after: Reals
    after_squares: Reals
    pooled: Reals
    pooled_df: Reals
    df: Reals
    error: Reals
    lasting: Reals


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of the noise beside the level's and the window's builds; (n_series,) each.

    squares, df: of earlier levels and the family. floor: no variance is less; floor_df: how well that is
    known where it is more than the figures tell. does_teach: whether the level's builds tell of noise: of a
    site that was never there they do not.
    """

    squares: Reals
    df: Reals
    floor: Reals
    floor_df: Reals
    does_teach: Flags

    def variance(self, squares: Reals, df: Reals, rows: Ints | slice = slice(None)) -> tuple[Reals, Reals]:
        """Variance of a build and its degrees of freedom, from these squares, of the rows."""
        variance, floor = squares / np.maximum(df, 1e-9), self.floor[rows]
        df = np.where(variance < floor, np.maximum(df, self.floor_df[rows]), df)
        return np.maximum(variance, floor), df


def windows(
    recent: Recent,
    sums: Sums,
    own_sums: Reals,
    machine: Machine,
    start: Ints,
    is_here: Flags,
    known: Known,
    rules: Rules,
) -> Windows:
    """Compare the last builds with the level from start on.

    own_sums: of what the builds before each column had of noise of their own; (n_builds + 1, n_series).
    """
    can_judge = is_here & (recent.column >= start)
    first = np.where(can_judge, recent.column, start)
    # The level, as it is where it ends, and all of its builds.
    low = np.maximum(start, first - rules.most_level_builds)
    whole, level = sums.levels(start, low, first)
    # How far few builds scatter does not tell yet how noisy they are by themselves.
    every = np.arange(len(start))
    level_own = (own_sums[first, every] - own_sums[low, every]) / np.maximum(level.n, 1) ** 2
    of_machine = machine.shift[recent.column].cumsum(axis=0) / _SIZES
    lasting = np.where(level.n < rules.least_builds, level_own, 0.0)
    lasting += machine.doubt(of_machine, machine.mean(low, first))
    after = recent.value.cumsum(axis=0) / _SIZES
    away = recent.value - recent.value[0]
    after_squares = (away**2).cumsum(axis=0) - _SIZES * (after - recent.value[0]) ** 2
    after_squares = np.maximum(after_squares, 0.0)
    teaches = known.does_teach
    pooled_df = known.df + np.where(teaches, np.maximum(whole.n - 1, 0), 0.0)
    pooled = known.squares + np.where(teaches, whole.squares, 0.0)
    variance, df = known.variance(pooled + after_squares, pooled_df + _SIZES - 1)
    scale = (recent.scale**2).cumsum(axis=0) / _SIZES**2
    own = recent.own.cumsum(axis=0) / _SIZES**2
    error = np.sqrt(variance * (scale + 1 / np.maximum(level.n, 1)) + own + lasting)
    return Windows(
        can_judge=can_judge & (level.n >= 1) & (df >= 1.5),
        first=first,
        n=level.n,
        before=level.mean,
        builds=whole.n,
        after=after,
        after_squares=after_squares,
        pooled=pooled,
        pooled_df=pooled_df,
        df=df,
        error=error,
        lasting=lasting,
    )


class Typical:
    """How far the family's windows are out typically, beside what chance lets expect; at least 1.

    What the family has shown since a window began says little of how far out it is without a change: one that
    moves most series would count as their noise. Of that span only how they differ from each other counts,
    where they are enough to tell, and of each series itself nothing: alone in its family, it would be all.
    """

    # Squares are cut here, so that a change counts little; what their mean is where all are so many times as
    # far out as they should be.
    _CUT = 2.0
    _FACTORS = np.linspace(1.0, 8.0, 701)

    def __init__(self, rules: Rules, series: int, builds: int) -> None:
        self.rules = rules
        # Squares and how many they are of, of all windows of a size, as they were before each build; _apart:
        # without what all series share.
        self._sums = np.zeros((2, builds + 1, WINDOWS))
        self._apart = np.zeros((2, builds + 1, WINDOWS))
        # The same as the latter, of each series.
        self._own = np.zeros((2, builds + 1, WINDOWS, series), np.float32)
        cut = self._CUT / self._FACTORS
        density = np.exp(-(cut**2) / 2) / np.sqrt(2 * np.pi)
        inside = 1 - 2 * ndtr(-cut) - 2 * cut * density
        self._means = self._FACTORS**2 * inside + self._CUT**2 * 2 * ndtr(-cut)
        # Before any is known, builds are taken to resemble their neighbours a little.
        self._before = np.interp(rules.factor_before ** (1 - 1 / _SIZES[:, 0]), self._FACTORS, self._means)

    def factors(self, build: int, since: Ints) -> Reals:
        """Of windows that begin at columns since and end at the build; (WINDOWS, n_series)."""
        at = np.minimum(since, build)
        sizes, every = np.ogrid[:WINDOWS, : since.shape[1]]
        weight = self.rules.memory ** (build - at)
        known = weight * self._sums[:, at, sizes]
        known += self._apart[:, build, :, None] - weight * self._apart[:, at, sizes]
        known -= self._own[:, build] - weight * self._own[:, at, sizes, every]
        return self._factors(known, self._before[:, None])

    def factor_of_one(self, build: int) -> float:
        """Of single builds, before this one."""
        return float(self._factors(self._sums[:, build, :1], self._before[:1])[0])

    def inflation(self, rows: Ints, columns: slice) -> Reals:
        """Of the variance of the rows' longest windows, for a change that begins at each of the columns.

        Once the last of the columns is learnt; (n_rows, n_columns).
        """
        builds = np.arange(columns.stop - columns.start, 0, -1)
        own = self._own[:, :, -1][:, :, rows]
        left_out = own[:, columns.stop, None] - self.rules.memory ** builds[:, None] * own[:, columns]
        known = self._sums[:, columns.stop, -1, None, None] - left_out
        return self._factors(known, self._before[-1]).T ** 2

    def _factors(self, sums: Reals, before: Reals) -> Reals:
        points = self.rules.memory_points
        squares, count = np.maximum(sums, 0.0)
        mean = (squares + points * before) / (count + points)
        return np.asarray(np.interp(mean, self._means, self._FACTORS))

    def learn(self, build: int, t: Reals, df: Reals, is_same: Flags) -> None:
        """Take in the windows' t, (WINDOWS, n_series), that end at the build; not those of changes."""
        df = np.maximum(df, 1.0)
        # Student's t as the normal variable of the same chance, nearly (Wallace 1959).
        z = np.where(is_same, t * (1 - 1 / (4 * df)) / np.sqrt(1 + t * t / (2 * df)), 0.0)
        memory, sums, own = self.rules.memory, self._sums, self._new(self._apart_of(z, is_same), is_same)
        sums[:, build + 1] = memory * sums[:, build] + self._new(z, is_same).sum(axis=2)
        self._apart[:, build + 1] = memory * self._apart[:, build] + own.sum(axis=2)
        self._own[:, build + 1] = memory * self._own[:, build] + own

    def _new(self, z: Reals, is_same: Flags) -> Reals:
        # Windows of k builds share most of them with their neighbours.
        new: Reals = np.array([np.minimum(z * z, self._CUT**2) * is_same, is_same]) / _SIZES
        return new

    def _apart_of(self, z: Reals, is_same: Flags) -> Reals:
        """How far the windows are out beside their middle, where there are enough of them."""
        middle = np.zeros((WINDOWS, 1))
        for size in np.flatnonzero(is_same.sum(axis=1) >= self.rules.least_shared_series):
            middle[size] = np.median(z[size, is_same[size]])
        return z - middle


@dataclass(frozen=True, slots=True)
class Chances:
    """How likely the windows are without a change, (n_series,) each.

    p: of the best window, nan where nothing can be judged, as rare as it says in the family. nominal_p: as it
    was before. best: which window that is, from 0. t, normal_p: of the last build alone, were its noise
    normal.
    """

    p: Reals
    nominal_p: Reals
    best: Ints
    t: Reals
    normal_p: Reals


def chances(
    build: int,
    seen: Windows,
    recent: Recent,
    known: Known,
    factors: Reals,
    outliers: Outliers,
    spikes: Spikes,
) -> Chances:
    """The best window of each series, spikes allowed for."""
    t = np.abs(np.where(seen.can_judge, (seen.after - seen.before) / seen.error / factors, 0.0))
    normal_p = two_sided_p(t[0], seen.df[0])
    outliers.out[build] = out = int((seen.can_judge[0] & (normal_p < outliers.rules.outlier_p)).sum())
    every = of_one_build(normal_p, t[0], seen.df[0], seen.after[0] - seen.before[0], out, outliers, spikes)
    looks = LOOKS[seen.can_judge.sum(axis=0)]
    p = np.where(seen.can_judge[0], np.minimum(looks * every, 1.0), np.nan)
    best = np.zeros(len(p), np.int64)
    rows = np.flatnonzero((t > _WORTH_A_LOOK).any(axis=0))
    if len(rows):
        found = np.full((WINDOWS, len(rows)), np.inf)
        found[0] = np.where(seen.can_judge[0, rows], every[rows], np.inf)
        for size in range(2, WINDOWS + 1):
            found[size - 1] = with_spikes(size, rows, seen, recent, known, factors, outliers, spikes)
        best[rows] = found.argmin(axis=0)
        least = found.min(axis=0)
        p[rows] = np.where(np.isfinite(least), np.minimum(looks[rows] * least, 1.0), np.nan)
    rare = int((p <= outliers.rules.rare_p).sum())
    return Chances(p ** outliers.exponent(rare), p, best, t[0], normal_p)


def of_one_build(
    normal_p: Reals, t: Reals, df: Reals, away: Reals, out: int, outliers: Outliers, spikes: Spikes
) -> Reals:
    """How likely a build alone is as far out, by noise or as a spike; normal_p: by noise. (n_series,).

    out: how many series are far out at the build.
    """
    typical = float(outliers.spike_chance(out))
    spike = np.maximum(outliers.chance(cautious(t, df), out), spikes.chance(away, typical))
    return np.asarray(normal_p + spike)


def began(seen: Windows, recent: Recent, known: Known, best: Ints, rules: Rules) -> Ints:
    """The window at whose first build the change began that the best window shows.

    That of the best window, or longer by builds that lie where the change leads to and not at the level
    before: a single build may have been too few for a claim, and is no part of that level all the same.
    """
    found, every = best.copy(), np.arange(len(best))
    after = seen.after[best, every]
    for longer in range(1, WINDOWS):
        value, before = recent.value[longer], seen.before[longer]
        variance, _ = known.variance(seen.pooled[longer], seen.pooled_df[longer])
        variance = variance * recent.scale[longer] ** 2 + recent.own[longer]
        odds = ((value - before) ** 2 - (value - after) ** 2) / variance
        is_of_change = seen.can_judge[longer] & (odds >= 2 * np.log(rules.return_odds))
        found = np.where((found == longer - 1) & is_of_change, longer, found)
    return found


def with_spikes(
    size: int,
    rows: Ints,
    seen: Windows,
    recent: Recent,
    known: Known,
    factors: Reals,
    outliers: Outliers,
    spikes: Spikes,
) -> Reals:
    """p of the rows' windows of so many builds, any of which may be spikes; inf where there is none."""
    at = size - 1
    before, n = seen.before[at, rows], np.maximum(seen.n[at, rows], 1)
    side = np.sign(seen.after[at, rows] - before)
    # Nearest to the level first.
    order = np.argsort(side * (recent.value[:size, rows] - before), axis=0)
    away = np.take_along_axis(side * (recent.value[:size, rows] - before), order, axis=0)
    scale = np.take_along_axis(recent.scale[:size, rows], order, axis=0) ** 2
    own = np.take_along_axis(recent.own[:size, rows], order, axis=0)
    pooled_df, pooled = seen.pooled_df[at, rows], seen.pooled[at, rows]
    variance, df = known.variance(pooled, pooled_df, rows)
    deviation = np.sqrt(variance)
    out = np.take_along_axis(outliers.out[recent.column[:size, rows]], order, axis=0)
    spike = outliers.chance(cautious(np.abs(away) / deviation, df), out)
    typical = outliers.spike_chance(out)
    spike = np.maximum(np.maximum(spike, typical), spikes.chance(away, typical, rows))
    p, chance = np.zeros(len(rows)), np.ones(len(rows))
    for left in range(size, 0, -1):
        rest = away[:left]
        mean = rest.mean(axis=0)
        about = ((rest - mean) ** 2).sum(axis=0)
        variance, df = known.variance(pooled + about, pooled_df + left - 1, rows)
        error = variance * (scale[:left].sum(axis=0) / left**2 + 1 / n) + own[:left].sum(axis=0) / left**2
        error += seen.lasting[at, rows]
        t = np.maximum(mean / np.sqrt(error) / factors[left - 1, rows], 0.0)
        p += comb(size, left) * chance * two_sided_p(t, np.maximum(df, 1e-9))
        chance = chance * spike[left - 1]
    return np.where(seen.can_judge[at, rows], np.minimum(p + chance, 1.0), np.inf)
