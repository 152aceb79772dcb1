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

    def chance(self, away: Reals, typical: Reals | float, rows: Ints | slice = slice(None)) -> Reals:
        """How likely a build of the rows is a spike that goes as far; 0 where there was at most one.

        The first one does not count: it may happen to any series. away: (any, n_rows), logarithms. typical:
        how likely a spike is in the family.
        """
        rules = self.rules
        count, reach = self.count[rows], rules.reach_factor * self.reach[rows]
        share = (count - 1 + rules.family_spikes * typical) / (self.judged[rows] + rules.family_spikes)
        rarer = np.minimum(reach / np.maximum(np.abs(away), 1e-9), 1.0) ** rules.reach_power
        return np.asarray(np.where(count > 1, share * rarer, 0.0))

    def are_usual(self) -> Flags:
        """Series that have so many spikes that these are how their builds differ."""
        return np.asarray(self.count > np.maximum(1, self.rules.usual_spikes * self.judged))

    def learn(self, is_back: Flags, is_judged: Flags) -> None:
        """Which builds that were far out were spikes, now that the next one is there and some are back."""
        self.judged += is_judged
        rows = np.flatnonzero(is_back & (self._pending > 0) & (self._pending <= WINDOWS))
        self.count[rows] += self._pending[rows]
        self.reach[rows] = np.maximum(self.reach[rows], self._pending_reach[rows])
        self._pending[is_back] = self._pending_reach[is_back] = 0

    def remember(self, away: Reals, is_here: Flags, is_far: Flags) -> None:
        """Keep the build for the next one. away: from the level before; is_far: and not a change for sure."""
        is_over = is_here & ~is_far
        self._pending[is_over] = self._pending_reach[is_over] = 0
        self._pending[is_far] += 1
        self._pending_reach[is_far] = np.maximum(self._pending_reach, away)[is_far]
