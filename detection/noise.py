"""How noisy each series of a family is, learnt build by build."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tracemill.detection.distributions import chi2_median, median_variance, two_sided_p, typical
from tracemill.detection.rules import RULES, Rules

Reals = NDArray[np.float64]
Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]


class Noise:
    """Variances of the builds and of the runs of each series; matrices are (n_series, n_builds)."""

    def __init__(self, rules: Rules, run_variance: Reals, run_count: Reals, counting: Reals) -> None:
        self.rules = rules
        self.run_variance, self.run_count, self.counting = run_variance, run_count, counting
        series = len(run_variance)
        self.residual_ss, self.residual_df = np.zeros(series), np.zeros(series)
        self.run_ss, self.run_df = np.zeros(series), np.zeros(series)
        # Of a build about its level, as runs and the family tell, whatever the series' own builds do.
        self.prior, self.prior_df = np.full(series, np.nan), np.full(series, np.nan)

    def at(self, build: int, is_real: Flags) -> tuple[Reals, Reals, Reals]:
        """Variance of a build's median about its level, its degrees of freedom, and what its own runs add."""
        self._learn_runs(build, is_real)
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
            self.prior_df = np.minimum(self.run_df + rules.family_df, rules.most_prior_df)
        else:
            run = np.zeros(len(between))
            known = typical(between[has_residuals]) if has_residuals.any() else np.nan
            prior = np.full(len(between), known)
            self.prior_df = np.full(len(between), rules.family_df)
        df = self.prior_df + self.residual_df
        noise = (self.prior_df * prior + self.residual_ss) / df
        # Few events are noisy by their number alone; runs that agree speak against it.
        counting = self.counting[:, build] * rules.family_df / (rules.family_df + self.run_df)
        noise, self.prior = (np.maximum(known, np.maximum(least, counting)) for known in (noise, prior))
        own = np.nan_to_num(self.run_variance[:, build]) - run
        return noise, df, np.maximum(own, 0) * of_median

    def _learn_runs(self, build: int, is_real: Flags) -> None:
        """How far runs of one build differ; of sites that are hardly there nothing is to be learnt."""
        variance = self.run_variance[:, build]
        is_known = np.isfinite(variance) & is_real
        degrees = self.run_count[:, build] - 1
        typical = self.run_ss / np.maximum(self.run_df, 1)
        limit = np.where(self.run_df >= self.rules.known_df, self.rules.spike_deviations**2 * typical, np.inf)
        variance = np.minimum(variance, np.maximum(limit, self.rules.least_noise**2))
        self.run_ss[is_known] += (variance * degrees)[is_known]
        self.run_df[is_known] += degrees[is_known]

    def learn(self, squares: Reals, noise: Reals, is_same: Flags) -> None:
        """Take in the squared distances from the level, of builds that are the same."""
        is_known = is_same & np.isfinite(squares)
        limit = np.where(
            self.residual_df >= self.rules.known_df, self.rules.spike_deviations**2 * noise, np.inf
        )
        self.residual_ss[is_known] += np.minimum(squares, limit)[is_known]
        self.residual_df[is_known] += 1


def noise_inflation(distance: Reals, error: Reals) -> float:
    """How many times as far out as they should be a build's series are, at least 1: a noisy machine.

    distance: from their levels, nan for those not judged; error: its standard error. What all of them share
    is no noise. Of a family of few nothing is known.
    """
    is_known = np.isfinite(distance)
    if is_known.sum() < RULES.least_family_series:
        return 1.0
    distance = distance[is_known]
    t = (distance - np.median(distance)) / error[is_known]
    return max(1.0, 1.4826 * float(np.median(np.abs(t))))


@dataclass(frozen=True, slots=True)
class Tested:
    """What each series' build is compared with its level, (n_series,) each.

    p: nan where nothing is judged. is_outlier: hardly to be had by a normal noise. is_confirmed: p is of this
    build and those just before it together, which were as far out on the same side; since: the first of
    them, value: their mean.
    """

    p: Reals
    t: Reals
    is_outlier: Flags
    is_confirmed: Flags
    since: Ints
    value: Reals


class Outliers:
    """How far the noise of a family reaches, by the builds that were far out and were back at the next one.

    A build as far out as that is claimed only when the next ones stay there: k builds that far are as likely
    as one is, to the power of k.
    """

    def __init__(self, rules: Rules, series: int) -> None:
        self.rules = rules
        self.reach, self.judged = np.empty(0), 0
        self.last_build = np.full(series, -1, np.int64)
        self.last_value, self.last_level = np.full(series, np.nan), np.full(series, np.nan)
        # Of the builds far out that go on: t of the last, nan for none; the first, how many, their least sure
        # p and their sum.
        self.last_t = np.full(series, np.nan)
        self.since, self.length = np.full(series, -1, np.int64), np.zeros(series)
        self.worst_p, self.total = np.full(series, np.nan), np.zeros(series)

    def learn_first(self, values: Reals, variance: Reals, df: Reals) -> None:
        """Of the first builds of new series, (n_series, n_builds), of which nothing has been judged.

        The one that is farthest from the others tells how far noise reaches, as if it were back at the next.
        variance, df: of a build's noise, as it is known without these builds.
        """
        values = np.sort(values, axis=1)
        is_high = values[:, -1] - values[:, -2] > values[:, 1] - values[:, 0]
        farthest = np.where(is_high, values[:, -1], values[:, 0])
        others = np.where(is_high, values[:, :-1].mean(axis=1), values[:, 1:].mean(axis=1))
        t = np.abs(farthest - others) / np.sqrt(variance * (1 + 1 / (values.shape[1] - 1)))
        self.judged += values.size
        self._reached(t[two_sided_p(t, df) < self.rules.outlier_p])

    def _reached(self, t: Reals) -> None:
        self.reach = np.sort(np.append(self.reach, t))

    def test(
        self, build: int, value: Reals, level: Reals, error: Reals, df: Reals, can_judge: Flags
    ) -> Tested:
        """Compare builds with their levels; error and df as Student's t has them."""
        rules = self.rules
        t = np.where(can_judge, (value - level) / error, np.nan)
        p = two_sided_p(t, df)
        is_outlier = p < rules.outlier_p
        is_back = np.abs(value - self.last_level) < np.abs(value - self.last_value)
        self.judged += int(can_judge.sum())
        self._reached(np.abs(self.last_t[can_judge & is_back & np.isfinite(self.last_t)]))
        share = (len(self.reach) - np.searchsorted(rules.reach_factor * self.reach, np.abs(t))) / max(
            self.judged, 1
        )
        p = np.minimum(p + share, 1)
        goes_on = is_outlier & (t * self.last_t > 0)
        self.since = np.where(goes_on, self.since, build)
        self.length = np.where(goes_on, self.length + 1, 1)
        self.total = np.where(goes_on, self.total + value, value)
        self.worst_p = np.where(goes_on, np.maximum(p, self.worst_p), p)
        together = self.worst_p**self.length
        is_confirmed = goes_on & (together < p)
        mean = self.total / self.length
        return Tested(np.where(is_confirmed, together, p), t, is_outlier, is_confirmed, self.since, mean)

    def remember(
        self, build: int, value: Reals, level: Reals, is_here: Flags, tested: Tested, is_settled: Flags
    ) -> None:
        """Keep what is far out for the next build to confirm or to take back."""
        self.last_build[is_here] = build
        self.last_value[is_here], self.last_level[is_here] = value[is_here], level[is_here]
        is_open = tested.is_outlier & ~is_settled
        self.last_t[is_here] = np.where(is_open, tested.t, np.nan)[is_here]
