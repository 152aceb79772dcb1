"""Levels of many series over builds, found build by build: where does each series change?

At each build every series is compared with its current level: the median of the
builds since its last change. Runs never count as independent builds; they give
each build's median, and how far a build's own runs disagree. A change starts a
new level. Nothing looks ahead, so a verdict stays as later builds arrive, but for
one thing: a change that is gone at the very next build is taken back.

All is done on logarithms, where noise is a matter of per cent. A series' noise is
estimated from (1) its builds about their level, (2) its runs about their build,
times how much more builds scatter than runs do in the family, (3) the family's
typical noise, as far as the series' own runs are few. The moderation is that of
limma (Smyth 2004), the residuals are recursive ones (Brown, Durbin, Evans 1975),
each clipped so that a spike does not count for more than three standard deviations.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import lgamma

import numpy as np
from numpy.typing import NDArray

Reals = NDArray[np.float64]
Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Rules:
    """What makes a change; each is a matter of principle, none is fitted to data."""

    # Of all changes claimed at a build, over all families, the share that may be false.
    false_share: float = 0.01
    # Smaller changes are not worth a word, however certain.
    least_ratio: float = 0.02
    # Builds that must be known before anything is claimed.
    least_builds: int = 3
    # A level is the median of at most this many latest builds, so that it follows a slow drift.
    level_builds: int = 20
    # The family's typical noise counts like this many degrees of freedom.
    family_df: float = 4.0
    # Runs tell about builds only so much.
    most_prior_df: float = 10.0
    # No figure is known better than this (standard deviation of the logarithm).
    least_noise: float = 0.002
    # What lies further out than this many standard deviations counts as if it lay there: a spike is no noise.
    spike: float = 3.0
    # With fewer degrees of freedom noise is hardly known: what looks like a spike may be how builds differ.
    known_df: float = 4.0
    # A build is back at the old level if it is no less likely there than this.
    back_at_level_p: float = 0.01


@dataclass(frozen=True, slots=True)
class Points:
    """One family of series; all arrays (n_points,), one point for each series and build.

    series, build: any integers, builds in their order. log_value: the median over runs of
    log(value + negligible). run_variance: of the logarithm between runs; nan for one run.
    counting_variance: of log_value, from few events alone. negligible: in the value's unit.
    """

    series: Ints
    build: Ints
    log_value: Reals
    run_variance: Reals
    run_count: Ints
    counting_variance: Reals
    negligible: Reals


@dataclass(frozen=True, slots=True)
class Levels:
    """What was found, (n_points,) each. nan: could not judge.

    log_level: the level before the build. standard_error, df: of log_value - log_level, a Student t
    variable. p and q (Benjamini-Hochberg in the family at the build, times the families). level_builds:
    how many builds the level was taken from. went_away: a change that the next build took back.
    """

    log_level: Reals
    standard_error: Reals
    df: Reals
    p: Reals
    q: Reals
    level_builds: Ints
    is_change: Flags
    went_away: Flags


def median_variance(n: Reals) -> Reals:
    """Variance of the median of n normal values, in variances of one. Exact to a few per cent from n = 1."""
    return np.pi / (2 * n + 1)


def chi2_median(df: Reals) -> Reals:
    """Median of a variance estimated with df degrees of freedom, the true one being 1 (Wilson, Hilferty)."""
    return (1 - 2 / (9 * df)) ** 3


def typical(variances: Reals) -> float:
    """The median, on logarithms: of two it is not the greater that tells."""
    return float(np.exp(np.median(np.log(variances))))


def find_levels(points: Points, families: int = 1, rules: Rules | None = None) -> Levels:
    """Compare each build of each series with the level before it.

    families: how many there are beside each other; they share what may be false at a build equally,
    so that a family of few series is not drowned by one of many.
    """
    return _Family(points, families, rules or Rules()).run()


class _Family:
    """The series as rows of matrices, one column a build; walked from the first build to the last."""

    def __init__(self, points: Points, families: int, rules: Rules) -> None:
        self.rules = rules
        self.families = families
        names, row = np.unique(points.series, return_inverse=True)
        builds, column = np.unique(points.build, return_inverse=True)
        self.place = row, column
        self.shape = shape = len(names), len(builds)
        self.value = self._matrix(points.log_value, np.nan)
        self.run_variance = self._matrix(points.run_variance, np.nan)
        self.run_count = self._matrix(points.run_count.astype(float), 1.0)
        self.counting = self._matrix(points.counting_variance, 0.0)
        self.negligible = self._matrix(points.negligible, 0.0)
        self.is_real = np.isfinite(self.value) & (np.exp(self.value) > 2 * self.negligible)
        # What a level is taken from: a change that went away is not.
        self.is_used = np.isfinite(self.value)
        series = shape[0]
        self.start = np.zeros(series, np.int64)
        self.start_before = np.zeros(series, np.int64)
        self.residual_ss, self.residual_df = np.zeros(series), np.zeros(series)
        self.run_ss, self.run_df = np.zeros(series), np.zeros(series)
        self.found = {
            name: np.full(shape, np.nan) for name in ("log_level", "standard_error", "df", "p", "q")
        }
        self.level_builds = np.zeros(shape, np.int64)
        self.is_change, self.went_away = np.zeros(shape, bool), np.zeros(shape, bool)

    def _matrix(self, values: Reals, missing: float) -> Reals:
        out = np.full(self.shape, missing)
        out[self.place] = values
        return out

    def run(self) -> Levels:
        for build in range(self.shape[1]):
            self._judge(build)
        found = {name: values[self.place] for name, values in self.found.items()}
        return Levels(
            **found,
            level_builds=self.level_builds[self.place],
            is_change=self.is_change[self.place],
            went_away=self.went_away[self.place],
        )

    def _judge(self, build: int) -> None:
        value = self.value[:, build]
        is_here = np.isfinite(value)
        self._learn_runs(build)
        noise, df, own = self._noise(build)
        level, n = self._level(self.start, np.full(len(value), build), build)
        before, n_before = self._level(self.start_before, self.start, build)

        # The last build's change, was it a blip?
        blip = is_here & (n == 1) & (n_before >= self.rules.least_builds)
        blip &= np.abs(value - before) < np.abs(value - level)
        back_t = (value - before) / np.sqrt(noise * (1 + median_variance(n_before)) + own)
        blip &= two_sided_p(back_t, df) >= self.rules.back_at_level_p
        self.went_away[blip, self.start[blip]] = True
        self.is_used[blip, self.start[blip]] = False
        self.start[blip] = self.start_before[blip]
        level, n = np.where(blip, before, level), np.where(blip, n_before, n)

        error = np.sqrt(noise * (1 + median_variance(n)) + own)
        p = two_sided_p((value - level) / error, df)
        has_been_real = self.is_real[:, : build + 1].any(axis=1)
        seen = self.is_used[:, :build].sum(axis=1)
        can_judge = is_here & has_been_real & (n > 0) & (seen >= self.rules.least_builds)
        p[~can_judge] = np.nan
        q = np.minimum(self.families * benjamini_hochberg(p), 1)
        jump = np.abs(np.exp(value) - np.exp(level))
        is_worth = jump >= self.rules.least_ratio * np.exp(level)
        is_worth &= jump >= self.negligible[:, build]
        is_change = can_judge & is_worth & (q <= self.rules.false_share)

        squares = (value - level) ** 2 / (1 + median_variance(n))
        is_real = self.is_real[:, build] | (np.exp(level) > 2 * self.negligible[:, build])
        self._learn_residual(squares, noise, is_real & ~is_change)
        self.start_before[is_change] = self.start[is_change]
        self.start[is_change] = build
        self.is_change[:, build] = is_change
        self.level_builds[:, build] = n
        self.found["p"][:, build], self.found["q"][:, build] = p, q
        for name, values in (("log_level", level), ("standard_error", error), ("df", df)):
            self.found[name][:, build] = np.where(can_judge, values, np.nan)

    def _level(self, start: Ints, end: Ints, build: int) -> tuple[Reals, Reals]:
        """The median of each series' builds from start to before end, near build; and of how many."""
        columns = np.arange(max(0, build - self.rules.level_builds), build)
        is_in = self.is_used[:, columns] & (columns >= start[:, None]) & (columns < end[:, None])
        n = is_in.sum(axis=1)
        if not len(columns):
            return np.full(len(n), np.nan), n.astype(float)
        ordered = np.sort(np.where(is_in, self.value[:, columns], np.inf), axis=1)
        rows = np.arange(len(n))
        low = ordered[rows, np.maximum(n - 1, 0) // 2]
        high = ordered[rows, np.minimum(n // 2, len(columns) - 1)]
        with np.errstate(invalid="ignore"):
            return np.where(n > 0, (low + high) / 2, np.nan), n.astype(float)

    def _learn_runs(self, build: int) -> None:
        """How far runs of one build differ; of sites that are hardly there nothing is to be learnt."""
        variance = self.run_variance[:, build]
        is_known = np.isfinite(variance) & self.is_real[:, build]
        degrees = self.run_count[:, build] - 1
        typical = self.run_ss / np.maximum(self.run_df, 1)
        limit = np.where(self.run_df >= self.rules.known_df, self.rules.spike**2 * typical, np.inf)
        variance = np.minimum(variance, np.maximum(limit, self.rules.least_noise**2))
        self.run_ss[is_known] += (variance * degrees)[is_known]
        self.run_df[is_known] += degrees[is_known]

    def _noise(self, build: int) -> tuple[Reals, Reals, Reals]:
        """Variance of a build's median about its level, its degrees of freedom, and what its own runs add."""
        rules = self.rules
        of_median = median_variance(self.run_count[:, build])
        least = rules.least_noise**2
        has_runs, has_residuals = self.run_df > 0, self.residual_df >= 2
        between = self.residual_ss / np.maximum(self.residual_df, 1)
        between = np.maximum(between / chi2_median(np.maximum(self.residual_df, 2)), least)
        if has_runs.any():
            family_run = typical(np.maximum(self.run_ss[has_runs] / self.run_df[has_runs], least))
            run = (self.run_ss + rules.family_df * family_run) / (self.run_df + rules.family_df)
            both = has_runs & has_residuals
            excess = typical(between[both] / np.maximum(of_median * run, least)[both]) if both.any() else 1.0
            prior = max(1.0, excess) * of_median * run
            prior_df = np.minimum(self.run_df + rules.family_df, rules.most_prior_df)
        else:
            run = np.zeros(len(between))
            known = typical(between[has_residuals]) if has_residuals.any() else np.nan
            prior = np.full(len(between), known)
            prior_df = np.full(len(between), rules.family_df)
        df = prior_df + self.residual_df
        noise = (prior_df * prior + self.residual_ss) / df
        # Few events are noisy by their number alone; runs that agree speak against it.
        counting = self.counting[:, build] * rules.family_df / (rules.family_df + self.run_df)
        noise = np.maximum(noise, np.maximum(rules.least_noise**2, counting))
        own = np.nan_to_num(self.run_variance[:, build]) - run
        return noise, df, np.maximum(own, 0) * of_median

    def _learn_residual(self, squares: Reals, noise: Reals, is_same: Flags) -> None:
        is_known = is_same & np.isfinite(squares)
        limit = np.where(self.residual_df >= self.rules.known_df, self.rules.spike**2 * noise, np.inf)
        self.residual_ss[is_known] += np.minimum(squares, limit)[is_known]
        self.residual_df[is_known] += 1


def benjamini_hochberg(p: Reals) -> Reals:
    """q values; nan where p is."""
    q = np.full(len(p), np.nan)
    known = np.flatnonzero(np.isfinite(p))
    order = known[np.argsort(p[known])]
    scaled = p[order] * len(order) / np.arange(1, len(order) + 1)
    q[order] = np.minimum.accumulate(scaled[::-1])[::-1]
    return q


_MOST_DF = 200
_LOG_BETA = np.array(
    [np.inf, *(lgamma(d / 2) + lgamma(0.5) - lgamma((d + 1) / 2) for d in range(1, _MOST_DF + 1))]
)


def two_sided_p(t: Reals, df: Reals) -> Reals:
    """P(|T| >= |t|) for Student's t; df (above 0) is rounded down to 1 … 200. nan where t or df is.

    The regularised incomplete beta function I_x(df/2, 1/2) at x = df / (df + t²), by its continued
    fraction (Numerical Recipes, 6.4).
    """
    known = np.isfinite(t) & np.isfinite(df)
    whole = np.clip(np.floor(np.where(known, df, 1.0)), 1, _MOST_DF)
    x = whole / (whole + np.where(known, t, 0.0) ** 2)
    a, b = whole / 2, np.full(len(whole), 0.5)
    # The fraction converges fast on one side of the mean only; the other is its complement.
    is_left = x < (a + 1) / (a + b + 2)
    a, b, x = np.where(is_left, a, b), np.where(is_left, b, a), np.where(is_left, x, 1 - x)
    with np.errstate(divide="ignore"):
        front = np.exp(a * np.log(x) + b * np.log1p(-x) - _LOG_BETA[whole.astype(int)]) / a
    part = front * _beta_fraction(a, b, x)
    return np.where(known, np.where(is_left, part, 1 - part), np.nan)


def _beta_fraction(a: Reals, b: Reals, x: Reals) -> Reals:
    c, d = np.ones_like(x), 1 / (1 - (a + b) * x / (a + 1))
    out = d.copy()
    for m in range(1, 200):
        even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        d, c = 1 / (1 + even * d), 1 + even / c
        out *= d * c
        odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        d, c = 1 / (1 + odd * d), 1 + odd / c
        step = d * c
        out *= step
        if np.max(np.abs(step - 1), initial=0) < 1e-14:
            break
    return out


def t_quantile(probability: float, df: Reals) -> Reals:
    """The t that |T| exceeds with probability 1 - probability (two-sided); nan where df is."""
    known = np.isfinite(df)
    whole = np.clip(np.floor(np.where(known, df, 1.0)), 1, _MOST_DF)
    degrees, place = np.unique(whole, return_inverse=True)
    low, high = np.zeros(len(degrees)), np.full(len(degrees), 1e6)
    for _ in range(60):
        middle = (low + high) / 2
        is_above = two_sided_p(middle, degrees) < 1 - probability
        high, low = np.where(is_above, middle, high), np.where(is_above, low, middle)
    return np.where(known, high[place], np.nan)
