"""How noisy each series of a family is: its own builds first, its family as far as the family is alike.

A series' own variance is that of its builds about their level, pooled over its levels. How much the family's
typical variance adds is estimated from the family (Smyth 2004, as in limma): the logarithms of the series'
variances scatter by trigamma(df / 2) by chance alone; what they scatter more says how unlike the series are,
and so how many degrees of freedom the family is worth. Where runs tell more than the family does, by how much
each series' builds scatter more than its own runs let expect, the typical variance is taken from them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import digamma, fdtr, polygamma, zeta

from tracemill.detection.distributions import chi2_median, median_variance
from tracemill.detection.rules import Rules

Reals = NDArray[np.float64]
Flags = NDArray[np.bool_]

# Tables of the mean and the variance of log(chi2 / df), for whole degrees of freedom.
_MOST_DF = 4000
_HALF_DF = np.arange(1, _MOST_DF + 1) / 2
_LOG_MEAN = np.concatenate([[0.0], digamma(_HALF_DF) - np.log(_HALF_DF)])
_LOG_VARIANCE = np.concatenate([[0.0], polygamma(1, _HALF_DF)])
# Series whose log variance is further than this from the family's median, in robust deviations, count as if
# they were that far: a few that changed unseen do not make the family unlike. Needs some series.
_WINSORISED, _LEAST_SERIES = 2.5, 10
# Fewer series that vary are no family.
_LEAST_KNOWN = 3


@dataclass(frozen=True, slots=True)
class Prior:
    """What is known of each series' variance beside its builds; (n_series,) each.

    variance, df: of the prior that moderates the series' own. typical: the middle of the family's variances.
    """

    variance: Reals
    df: Reals
    typical: Reals


def prior_of_runs(
    variance: Reals, df: Reals, runs: Reals, runs_df: Reals, prior: Prior, rules: Rules
) -> Prior:
    """What is known of each series' noise without its own builds: by its runs, where it has any.

    That is the variance of its runs, times how much more builds scatter than runs in the family's middle.
    variance, df, runs, runs_df: as in family_prior(), which gave prior.
    """
    has_runs = (runs_df > 0) & (runs > 0)
    both = has_runs & (df >= 1) & (variance > 0)
    if not both.any():
        return prior
    family = np.exp(np.median(np.log(runs[has_runs])))
    runs = (runs_df * runs + rules.family_runs_df * family) / (runs_df + rules.family_runs_df)
    ratio = np.log(variance[both] / runs[both] / chi2_median(df[both]))
    excess = max(1.0, float(np.exp(np.median(ratio))))
    return Prior(
        np.where(has_runs, excess * runs, prior.variance),
        np.where(has_runs, np.minimum(runs_df + rules.family_runs_df, rules.most_runs_df), prior.df),
        prior.typical,
    )


class Runs:
    """How far runs of one build differ, in each series, learnt build by build."""

    def __init__(self, rules: Rules, variance: Reals, count: Reals) -> None:
        """variance, count: (n_series, n_builds), of the logarithm between runs; nan for one run."""
        self.rules = rules
        self._variance, self.count = variance, count
        self.squares, self.df = np.zeros(len(variance)), np.zeros(len(variance))

    def learn(self, build: int, is_real: Flags) -> None:
        """Take in the build's runs; of sites that are hardly there nothing is to be learnt."""
        variance = self._variance[:, build]
        is_known = np.isfinite(variance) & is_real
        degrees = self.count[:, build] - 1
        typical = self.squares / np.maximum(self.df, 1)
        reach = np.maximum(self.rules.spike_deviations**2 * typical, self.rules.least_noise**2)
        variance = np.minimum(
            variance, np.where(self.df >= self.rules.least_winsorised_builds, reach, np.inf)
        )
        self.squares[is_known] += (variance * degrees)[is_known]
        self.df[is_known] += degrees[is_known]

    def agree(self, build: int) -> Flags:
        """Whether the build's runs are the same, where it has several."""
        return np.asarray(self._variance[:, build] <= self.rules.least_noise**2)

    def of_build(self, build: int) -> Reals:
        """Variance of the build's median as typical runs let expect."""
        typical = self.squares / np.maximum(self.df, 1)
        return typical * median_variance(self.count[:, build])

    def own(self, build: int, known: Reals) -> Reals:
        """What the build's own runs add to the known variance of a build: they differ more than is usual."""
        of_median = median_variance(self.count[:, build])
        usual = np.minimum(self.of_build(build), known)
        return np.maximum(np.nan_to_num(self._variance[:, build]) * of_median - usual, 0)


def family_prior(
    variance: Reals, df: Reals, runs: Reals, runs_df: Reals, is_there: Flags, rules: Rules
) -> Prior:
    """What the family tells of each series.

    variance, df: (n_series,) of builds about their levels, pooled over levels. runs, runs_df: variance of a
    build's median as its runs let expect, 0 degrees of freedom where a series has one run a build.
    is_there: series at a level that is more than negligible.
    """
    least = rules.least_noise**2
    # Series that never vary are another kind: they say nothing of those that do. Nor do those that are hardly
    # there, whose noise what is negligible hides; but where nothing else is.
    is_known = (df >= 1) & (variance > least)
    if (is_known & is_there).sum() >= _LEAST_KNOWN:
        is_known &= is_there
    if is_known.sum() < _LEAST_KNOWN:
        return _prior_of_few(variance, is_known, np.maximum(runs, least), runs_df, rules)
    degrees = _whole(df[is_known])
    log_variance = np.log(variance[is_known]) - _LOG_MEAN[degrees]
    unlike, mean = _spread(log_variance, float(_LOG_VARIANCE[degrees].mean()))
    typical = np.zeros(len(df))
    if (runs_df[is_known] > 0).all():
        of_runs = _whole(runs_df)
        log_runs = np.log(np.maximum(runs, least)) - _LOG_MEAN[of_runs]
        chance = _LOG_VARIANCE[degrees].mean() + _LOG_VARIANCE[of_runs][is_known].mean()
        unlike_runs, excess = _spread(log_variance - log_runs[is_known], float(chance))
        if unlike_runs < unlike:
            unlike, mean = unlike_runs, excess
            typical = np.where(runs_df > 0, log_runs, np.median(log_runs[is_known]))
    family_df = min(2 * _inverse_trigamma(max(unlike, 1e-6)), 1e6)
    shift = float(digamma(family_df / 2) - np.log(family_df / 2))
    prior = np.exp(mean + shift + typical)
    own = _own_noise(
        variance, np.where(is_there, df, 0.0), prior, min(family_df, rules.most_family_df), rules
    )
    return Prior(prior, own, np.exp(mean + typical))


def _prior_of_few(variance: Reals, is_known: Flags, runs: Reals, runs_df: Reals, rules: Rules) -> Prior:
    """Without a family: what runs tell, times how much more builds scatter, if that is known."""
    has_runs = runs_df > 0
    if not has_runs.any():
        unknown = np.full(len(runs_df), np.nan)
        return Prior(unknown, np.zeros(len(runs_df)), unknown)
    family_df = rules.least_family_df
    family = np.exp(np.log(runs[has_runs]).mean())
    runs = (runs_df * runs + family_df * family) / (runs_df + family_df)
    both = is_known & has_runs
    excess = max(1.0, float(np.exp(np.log(variance[both] / runs[both]).mean()))) if both.any() else 1.0
    return Prior(excess * runs, np.full(len(runs), family_df), excess * runs)


def _own_noise(variance: Reals, df: Reals, prior: Reals, family_df: float, rules: Rules) -> Reals:
    """The prior's degrees of freedom: none for series that are clearly quieter than their family.

    df: of the series' own variance; 0 where that tells nothing of them.
    """
    out = np.full(len(df), family_df)
    ratio = variance / prior
    rows = np.flatnonzero((ratio < 0.25) & (df >= 1) & (family_df > 0))
    chance = max(int((df > 0).sum()), 1) * fdtr(df[rows], family_df, ratio[rows])
    out[rows] *= np.minimum(chance / rules.quiet_chance, 1)
    return out


def _whole(df: Reals) -> NDArray[np.int64]:
    return np.clip(df, 1, _MOST_DF).astype(np.int64)


def _spread(values: Reals, chance: float) -> tuple[float, float]:
    """How much more values vary than by chance, and their mean; a few that lie far out count less."""
    if len(values) < 2:
        return 0.0, float(values.mean())
    if len(values) >= _LEAST_SERIES:
        middle = np.median(values)
        deviation = max(1.4826 * np.median(np.abs(values - middle)), 0.8 * np.sqrt(chance))
        values = np.clip(values, middle - _WINSORISED * deviation, middle + _WINSORISED * deviation)
    return float(values.var(ddof=1)) - chance, float(values.mean())


def _inverse_trigamma(value: float) -> float:
    """The x with trigamma(x) = value, by Newton's method on 1 / trigamma (limma's trigammaInverse).

    trigamma(x) is zeta(2, x), and its derivative -2 zeta(3, x).
    """
    if value > 1e7:
        return float(value**-0.5)
    x = 0.5 + 1 / value
    for _ in range(50):
        trigamma = float(zeta(2, x))
        step = trigamma * (1 - trigamma / value) / (-2 * float(zeta(3, x)))
        x += step
        if -step < 1e-8 * x:
            break
    return float(x)
