"""How noisy each series of a family is, learnt build by build."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from warehouse.inference import chi2_median, median_variance, two_sided_p, typical

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
    # Less likely builds than this are far out; one that is back next time tells how far noise reaches.
    far_p: float = 0.001
    # A build is back at the old level if it is no less likely there than this.
    back_at_level_p: float = 0.01
    # Every so many builds the builds since a series' last change are looked at again; 0: never.
    recheck_every: int = 5
    # Of all changes that re-checks have claimed so far, the share that may be false. Each look may err
    # anew, hence less than false_share.
    recheck_false_share: float = 0.006
    # A re-check looks back on at most this many builds.
    recheck_builds: int = 100
    # A change that only a re-check finds is worth a word from this many standard deviations of a build on.
    recheck_deviations: float = 0.8


class Noise:
    """Variances of the builds and of the runs of each series; matrices are (n_series, n_builds)."""

    def __init__(self, rules: Rules, run_variance: Reals, run_count: Reals, counting: Reals) -> None:
        self.rules = rules
        self.run_variance, self.run_count, self.counting = run_variance, run_count, counting
        series = len(run_variance)
        self.residual_ss, self.residual_df = np.zeros(series), np.zeros(series)
        self.run_ss, self.run_df = np.zeros(series), np.zeros(series)

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

    def _learn_runs(self, build: int, is_real: Flags) -> None:
        """How far runs of one build differ; of sites that are hardly there nothing is to be learnt."""
        variance = self.run_variance[:, build]
        is_known = np.isfinite(variance) & is_real
        degrees = self.run_count[:, build] - 1
        typical = self.run_ss / np.maximum(self.run_df, 1)
        limit = np.where(self.run_df >= self.rules.known_df, self.rules.spike**2 * typical, np.inf)
        variance = np.minimum(variance, np.maximum(limit, self.rules.least_noise**2))
        self.run_ss[is_known] += (variance * degrees)[is_known]
        self.run_df[is_known] += degrees[is_known]

    def learn(self, squares: Reals, noise: Reals, is_same: Flags) -> None:
        """Take in the squared distances from the level, of builds that are the same."""
        is_known = is_same & np.isfinite(squares)
        limit = np.where(self.residual_df >= self.rules.known_df, self.rules.spike**2 * noise, np.inf)
        self.residual_ss[is_known] += np.minimum(squares, limit)[is_known]
        self.residual_df[is_known] += 1


@dataclass(frozen=True, slots=True)
class Tested:
    """What each series' build is compared with its level, (n_series,) each.

    p: nan where nothing is judged. is_far: hardly to be had by a normal noise. is_second: p is of this build
    and the last one together, which was as far out on the same side; last_build, last_value: that one.
    """

    p: Reals
    t: Reals
    is_far: Flags
    is_second: Flags
    last_build: Ints
    last_value: Reals


class Outliers:
    """How far the noise of a family reaches, by the builds that were far out and were back at the next one.

    A build as far out as that is claimed only when the next one stays there: two that far are as likely as
    one is, squared.
    """

    def __init__(self, rules: Rules, series: int) -> None:
        self.rules = rules
        self.last_build = np.full(series, -1, np.int64)
        self.last_value, self.last_level = np.full(series, np.nan), np.full(series, np.nan)
        self.last_t, self.last_p = np.full(series, np.nan), np.full(series, np.nan)
        self.reach, self.judged = np.empty(0), 0

    def test(self, value: Reals, level: Reals, error: Reals, df: Reals, can_judge: Flags) -> Tested:
        """Compare builds with their levels; error and df as Student's t has them."""
        t = np.where(can_judge, (value - level) / error, np.nan)
        p = two_sided_p(t, df)
        is_far = p < self.rules.far_p
        is_back = np.abs(value - self.last_level) < np.abs(value - self.last_value)
        self.judged += int(can_judge.sum())
        self.reach = np.sort(
            np.append(self.reach, np.abs(self.last_t[can_judge & is_back & (self.last_p < 1)]))
        )
        share = (len(self.reach) - np.searchsorted(self.reach, np.abs(t))) / max(self.judged, 1)
        p = np.minimum(p + share, 1)
        both = np.maximum(p, self.last_p) ** 2
        is_second = is_far & (t * self.last_t > 0) & (both < p)
        return Tested(
            np.where(is_second, both, p), t, is_far, is_second, self.last_build.copy(), self.last_value.copy()
        )

    def remember(
        self, build: int, value: Reals, level: Reals, is_here: Flags, tested: Tested, is_settled: Flags
    ) -> None:
        """Keep what is far out for the next build to confirm or to take back."""
        self.last_build[is_here] = build
        self.last_value[is_here], self.last_level[is_here] = value[is_here], level[is_here]
        is_open = tested.is_far & ~is_settled
        self.last_t[is_here] = np.where(is_open, tested.t, np.nan)[is_here]
        self.last_p[is_here] = np.where(is_open, tested.p, np.nan)[is_here]
