"""Builds of one series that were far out and soon back, again and again: one more of them is no news.

Noise may have steps: a figure stands at one value, and at every fifth build at another, as a pool needs one
buffer more or a wait happens or not. Its family does not tell, where others are not of that kind.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tracemill.detection.rules import WINDOWS, Rules

Reals = NDArray[np.float64]
Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]


class Spikes:
    """Of each series how many of its builds were spikes, and how far the farthest was, as a logarithm."""

    def __init__(self, rules: Rules, series: int) -> None:
        self.rules = rules
        self.count, self.reach, self.judged = np.zeros(series), np.zeros(series), np.zeros(series)
        # Of the last builds: how many are far out together, and how far.
        self._pending, self._pending_reach = np.zeros(series), np.zeros(series)
        self._value, self._level = np.full(series, np.nan), np.full(series, np.nan)

    def chance(self, away: Reals, typical: float, rows: Ints | slice = slice(None)) -> Reals:
        """How likely a build of the rows is a spike that goes as far; 0 where there was at most one.

        The first one may be any series': it says of no series that it jumps. away: (any, n_rows), logarithms.
        typical: how likely it is in the family.
        """
        rules = self.rules
        count, reach = self.count[rows], rules.reach_factor * self.reach[rows]
        share = (count - 1 + rules.family_spikes * typical) / (self.judged[rows] + rules.family_spikes)
        rarer = np.minimum(reach / np.maximum(np.abs(away), 1e-9), 1.0) ** rules.reach_power
        return np.asarray(np.where(count > 1, share * rarer, 0.0))

    def are_usual(self) -> Flags:
        """Series that have so many spikes that these are how their builds differ."""
        return np.asarray(self.count > np.maximum(1, self.rules.usual_spikes * self.judged))

    def learn(self, value: Reals, is_judged: Flags) -> None:
        """Which builds that were far out were spikes, now that the next one is there."""
        self.judged += is_judged
        is_back = is_judged & (np.abs(value - self._level) < np.abs(value - self._value))
        rows = np.flatnonzero(is_back & (self._pending > 0) & (self._pending <= WINDOWS))
        self.count[rows] += self._pending[rows]
        self.reach[rows] = np.maximum(self.reach[rows], self._pending_reach[rows])
        self._pending[is_back] = 0

    def remember(self, value: Reals, level: Reals, is_far: Flags) -> None:
        """Keep the build for the next one. is_far: far out, and not a change for sure."""
        is_here = np.isfinite(value)
        away = np.abs(value - level)
        self._pending_reach = np.where(
            is_far, np.fmax(away, np.where(self._pending > 0, self._pending_reach, 0.0)), self._pending_reach
        )
        self._pending = np.where(is_far, self._pending + 1, np.where(is_here, 0, self._pending))
        self._value[is_here], self._level[is_here] = value[is_here], level[is_here]
