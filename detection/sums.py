"""Running sums of many series over builds: mean and squares of any stretch at the cost of two reads."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tracemill.detection.rules import RULES

Reals = NDArray[np.float64]
Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]

# Below this |z|, of winsorised values, the rank scan would not find a change either.
_WORTH_A_LOOK = 2.5


@dataclass(frozen=True, slots=True)
class Stretch:
    """Builds from one column to before another: how many, their mean, squares about it. Of any one shape."""

    n: Reals
    mean: Reals
    squares: Reals


class Sums:
    """Sums over the builds of each series up to each build; (n_builds + 1, n_series), a row before the first.

    Values count from the series' first one on (origin): squares would lose digits far from zero, and a series
    that is constant to the byte has none.
    """

    def __init__(self, series: int, builds: int) -> None:
        self.known = np.zeros((builds + 1, series))
        self.total, self.squares = np.zeros(self.known.shape), np.zeros(self.known.shape)
        self.origin = np.full(series, np.nan)
        self._every = np.arange(series)

    def add(self, build: int, values: Reals) -> None:
        """Take in the build's values, nan where a series has none."""
        self.origin = np.where(np.isnan(self.origin), values, self.origin)
        is_in = np.isfinite(values)
        values = np.where(is_in, values - self.origin, 0.0)
        self.known[build + 1] = self.known[build] + is_in
        self.total[build + 1] = self.total[build] + values
        self.squares[build + 1] = self.squares[build] + values * values

    def again(self, rows: Ints, values: Reals) -> None:
        """The rows' first builds have changed: values (n_rows, n_builds), nan for what is not in."""
        end = values.shape[1]
        is_in = np.isfinite(values)
        values = np.where(is_in, values - self.origin[rows, None], 0.0)
        self.known[1 : end + 1, rows] = is_in.cumsum(axis=1).T
        self.total[1 : end + 1, rows] = values.cumsum(axis=1).T
        self.squares[1 : end + 1, rows] = (values * values).cumsum(axis=1).T

    def count(self, start: Ints, end: Ints | int) -> Reals:
        """How many builds each series has from column start to before end."""
        return np.asarray(self.known[end, self._every] - self.known[start, self._every])

    def between(self, start: Ints, end: Ints, rows: Ints | None = None) -> Stretch:
        """The builds from start to before end, (n_series,) or (any, n_series); of rows only, where given."""
        every = self._every if rows is None else rows
        n = self.known[end, every] - self.known[start, every]
        total = self.total[end, every] - self.total[start, every]
        squares = self.squares[end, every] - self.squares[start, every]
        mean = total / np.maximum(n, 1)
        return Stretch(n, mean + self.origin[every], np.maximum(squares - total * mean, 0.0))

    def levels(self, start: Ints, low: Ints, end: Ints) -> tuple[Stretch, Stretch]:
        """The builds from start (n_series,) to before end (any, n_series), and of them those from low on.

        Of the latter the squares are left out. As between() gives both, at the cost of one.
        """
        every = self._every
        known, total, squares = self.known[end, every], self.total[end, every], self.squares[end, every]
        n, of_level = known - self.known[start, every], total - self.total[start, every]
        mean = of_level / np.maximum(n, 1)
        about = np.maximum(squares - self.squares[start, every] - of_level * mean, 0.0)
        few = known - self.known[low, every]
        late = (total - self.total[low, every]) / np.maximum(few, 1) + self.origin
        return Stretch(n, mean + self.origin, about), Stretch(few, late, np.empty(0))

    def worth_a_scan(self, start: Ints, build: int, is_here: Flags) -> tuple[Flags, Ints]:
        """Of the builds from start (n_series,) to build: which series are long enough, and which to scan."""
        known, total = self.known[start, self._every], self.total[start, self._every]
        n = self.known[build + 1] - known
        mean = (self.total[build + 1] - total) / np.maximum(n, 1)
        squares = self.squares[build + 1] - self.squares[start, self._every] - n * mean**2
        least = RULES.least_side_builds
        can_judge = is_here & (n >= 2 * least)
        # Every other cut: the neighbours of a good one are good.
        cuts = slice(int(start.min()) + least, build + 2 - least, 2)
        k = self.known[cuts] - known
        sums = self.total[cuts] - total - k * mean
        limit = _WORTH_A_LOOK**2 * squares / np.maximum(n * (n - 1), 1)
        is_far = sums**2 >= limit * (k * (n - k))
        is_far &= (k >= least) & (k <= n - least)
        return can_judge, np.flatnonzero(can_judge & is_far.any(axis=0))
