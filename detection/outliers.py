"""How far the noise of a family reaches: single builds that were far out for nothing."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tracemill.detection.distributions import two_sided_p
from tracemill.detection.noise import Prior
from tracemill.detection.rules import Rules

Reals = NDArray[np.float64]
Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]

# The normal quantile of nine in ten: so often the noise is at most what cautious() takes it for.
_NINE_IN_TEN = 1.2816


def cautious(deviations: Reals, df: Reals) -> Reals:
    """Deviations in terms of the greatest noise that df degrees of freedom let expect (Wilson, Hilferty)."""
    part = 2 / (9 * np.maximum(df, 1.0))
    return np.asarray(deviations * np.maximum(1 - part - _NINE_IN_TEN * np.sqrt(part), 0.1) ** 1.5)


def shared(series: Reals | int, out: Reals | int) -> Reals:
    """For how many series a build counts at which so many were out together, where so many are out now.

    What makes many far out at once, as a pause of the machine or a change that was taken back, is one event:
    of a build at which few are, it says no more than it would of few. Some more, as chance makes of as many
    (two deviations of Poisson's), count in full, so that of series that are independent nothing is left out.
    """
    out = np.maximum(out, 1.0)
    return np.asarray(np.minimum(series, out + 2 * np.sqrt(out) + 1))


class Outliers:
    """Builds of a family that were far out and were back at the next one: so far noise reaches."""

    def __init__(self, rules: Rules, series: int, builds: int) -> None:
        self.rules = rules
        self.reach, self.judged = np.empty(0), 0
        # How many series were out together, of each that tells how far noise reaches.
        self._together: Reals = np.empty(0)
        # So many series have been judged so far.
        self.series = 0
        # Of each build: how many series are far out there.
        self.out = np.zeros(builds, np.int64)
        # Of each series' first builds one is known to have been far out.
        self._is_first_far = np.zeros(series, bool)
        # Of each series' last build: how far out it was (nan: not far), its value and the level before it.
        self._deviation = np.full(series, np.nan)
        self._value, self._level = np.full(series, np.nan), np.full(series, np.nan)
        # How often p was at most rare_p for nothing, build by build; of the last build's, the levels before
        # and after.
        self._rare: list[int] = []
        self._before, self._after = np.full(series, np.nan), np.full(series, np.nan)

    def chance(self, deviations: Reals, out: Ints | int) -> Reals:
        """How likely a build is as far out for nothing, by what the family showed so far. Any shape.

        out: how many series are far out at the build.
        """
        rules = self.rules
        farther = np.zeros(np.shape(deviations))
        for series in np.unique(out):
            is_it = np.broadcast_to(np.equal(out, series), farther.shape)
            farther[is_it] = self._farther(deviations[is_it], int(series))
        rarer = rules.unseen_deviations / np.maximum(deviations, rules.unseen_deviations)
        share = min(rules.unseen_share * self.series, rules.most_unseen_share)
        share *= min(1, (rules.unseen_points / max(self.judged, 1)) ** 4)
        unseen = share * rarer**rules.unseen_power
        # So many are expected of any noise: p has them already.
        excess = max(0.0, 1 - rules.outlier_p * self.judged / max(len(self.reach), 1))
        return np.asarray(np.minimum(excess * farther / max(self.judged, 1) + unseen, 1))

    def _farther(self, deviations: Reals, out: int) -> Reals:
        """How many reached as far: those that did count one each, others the less the farther out it is."""
        rules = self.rules
        reach, power = rules.reach_factor * self.reach, rules.reach_power
        weight = self._weights(out)
        nearer = np.searchsorted(reach, deviations)
        counts = np.append(np.cumsum(weight[::-1])[::-1], 0.0)[nearer]
        powers = np.append(0.0, np.cumsum(weight * reach**power))[nearer]
        return np.asarray(counts + powers / np.maximum(deviations, 1e-9) ** power)

    def spike_chance(self, out: Ints | int) -> Reals:
        """How likely a build is a spike, if none is known to be as far out. out: as for chance()."""
        each = np.unique(out)
        spikes = np.array([self._weights(int(series)).sum() for series in each])[np.searchsorted(each, out)]
        return np.asarray((spikes + 1) / (self.judged + 1 / self.rules.spike_chance))

    def _weights(self, out: int) -> Reals:
        """How much each one that was far out counts where so many are."""
        return shared(self._together, out) / np.maximum(self._together, 1)

    def learn_first(self, values: Reals, rows: NDArray[np.int64], prior: Prior, floor: Reals) -> None:
        """From the first builds (n_rows, n_builds) of series, as they look before the next ones are judged.

        The one that is farthest from the others tells how far noise reaches, as if it were back at the next.
        prior: the noise as it is known without these builds; the others of the row count beside it. floor: no
        series' variance is less. Looked at again once there are more builds: a series' own noise is hardly
        known from two.
        """
        order = np.argsort(values, axis=1)
        ordered = np.take_along_axis(values, order, axis=1)
        is_high = ordered[:, -1] - ordered[:, -2] > ordered[:, 1] - ordered[:, 0]
        farthest = np.where(is_high, ordered[:, -1], ordered[:, 0])
        others = np.where(is_high[:, None], ordered[:, :-1], ordered[:, 1:])
        is_new = np.where(is_high, order[:, -1], order[:, 0]) < self.rules.least_builds
        known = np.nan_to_num(prior.df[rows] * prior.variance[rows])
        df = prior.df[rows] + others.shape[1] - 1
        variance = (known + others.shape[1] * others.var(axis=1)) / df
        variance = np.maximum(variance, floor[rows])
        deviations = np.abs(farthest - others.mean(axis=1)) / np.sqrt(variance * (1 + 1 / others.shape[1]))
        is_far = is_new & ~self._is_first_far[rows] & (two_sided_p(deviations, df) < self.rules.outlier_p)
        self._is_first_far[rows] |= is_far
        place = np.where(is_high, order[:, -1], order[:, 0])[is_far]
        self._reached(deviations[is_far], np.bincount(place)[place])

    def exponent(self, out: int) -> float:
        """What p has to be raised to, so that it is as rare in the family as it says; at most 1.

        out: of how many series p is at most rare_p at the build.
        """
        rare = self.rules.rare_p
        count = float(shared(np.array(self._rare, float), out).sum())
        seen = (count + 1) / (self.judged + 1 / (self.rules.rare_before * rare))
        return float(min(1.0, np.log(seen) / np.log(rare)))

    def learn(self, value: Reals, is_judged: Flags) -> Flags:
        """Which series are back at the level before, with how far out those were that had been far out."""
        is_back = is_judged & (np.abs(value - self._level) < np.abs(value - self._value))
        self.judged += int(is_judged.sum())
        is_rare = is_judged & (np.abs(value - self._before) < np.abs(value - self._after))
        self._rare.append(int(is_rare.sum()))
        back = self._deviation[is_back]
        back = back[np.isfinite(back)]
        self._reached(back, np.full(len(back), len(back)))
        return np.asarray(is_back)

    def _reached(self, deviations: Reals, together: Ints) -> None:
        if len(deviations):
            order = np.argsort(np.append(self.reach, deviations), kind="stable")
            self.reach = np.append(self.reach, deviations)[order]
            self._together = np.append(self._together, together.astype(float))[order]

    def remember(self, value: Reals, level: Reals, deviations: Reals, rare: tuple[Reals, Reals]) -> None:
        """Keep the build for the next one.

        deviations: nan where it was not far out, or is a change for sure. rare: before and after of the
        window whose p is at most rare_p, nan where none is.
        """
        is_here = np.isfinite(value)
        new = (value, level, deviations, *rare)
        kept = (self._value, self._level, self._deviation, self._before, self._after)
        for of_series, values in zip(kept, new, strict=True):
            of_series[is_here] = values[is_here]
