"""Medians with bounds and the Mann-Whitney U test, by benchstat's rules (golang.org/x/perf/benchmath)."""

from __future__ import annotations

from dataclasses import dataclass
from math import comb, inf, sqrt

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

Reals = NDArray[np.float64]

CONFIDENCE, ALPHA = 0.95, 0.05
# Up to so many values a side the test is exact; where values are equal, up to so many.
MOST_EXACT, MOST_EXACT_TIED = 50, 25
# From more values on the order of an interval's bounds comes of the normal distribution.
_MOST_BINOMIAL = 30


@dataclass(frozen=True, slots=True)
class Summary:
    """A sample's median, with bounds that are values of the sample or, of too few, infinite."""

    center: float
    low: float
    high: float

    @property
    def spread(self) -> str:
        """How far the bounds lie from the median, as benchstat shows it: ``2%``, ``∞``, ``?``."""
        if inf in (-self.low, self.high):
            return "∞"
        if not np.sign(self.center) == np.sign(self.low) == np.sign(self.high):
            return "?"
        if self.center == 0:
            return "0%"
        return f"{100 * max(self.high / self.center - 1, 1 - self.low / self.center):.0f}%"


def summary(values: Reals) -> Summary:
    """The median of values and its interval."""
    values = np.sort(values)
    low, high = interval_orders(len(values))
    return Summary(
        float(np.median(values)),
        float(values[low - 1]) if low >= 1 else -inf,
        float(values[high - 1]) if high <= len(values) else inf,
    )


def interval_orders(n: int) -> tuple[int, int]:
    """Which values in ascending order, from 1, bound the median of n; below 1 and above n: none does."""
    if n > _MOST_BINOMIAL:
        return _orders_of_many(n)
    chance = [comb(n, k) / 2**n for k in range(n + 1)]
    # The middle first, then what is next most likely, the left one of two that are equally so.
    left = (n + 2) // 2 - 1
    right, sum_ = left + 1, chance[left]
    while sum_ < CONFIDENCE and (left > 0 or right <= n):
        lower = chance[left - 1] if left > 0 else 0.0
        upper = chance[right] if right <= n else 0.0
        sum_ += max(lower, upper)
        if lower >= upper:
            left -= 1
        else:
            right += 1
    return left, right


def _orders_of_many(n: int) -> tuple[int, int]:
    middle, deviation = n / 2, sqrt(n) / 2
    reach = -ndtri((1 - CONFIDENCE) / 2) * deviation
    left = int(np.floor(middle - reach - 0.5)) + 1
    right = int(np.ceil(middle + reach - 0.5)) + 1

    def between(low: int, high: int) -> float:
        bounds = (np.array([low, high]) - 0.5 - middle) / deviation
        return float(np.diff(ndtr(bounds))[0])

    if CONFIDENCE <= between(left, right - 1) < between(left, right):
        right -= 1
    return max(left, 0), min(right, n + 1)


def mann_whitney(before: Reals, after: Reals) -> float | None:
    """Two-sided p that both samples are of one distribution; None where all values are equal."""
    both = np.concatenate([before, after])
    _, place, counts = np.unique(both, return_inverse=True, return_counts=True)
    if len(counts) == 1:
        return None
    n_before, n_after = len(before), len(after)
    # Twice the mean rank of equal values is whole.
    twice = 2 * counts.cumsum() - counts + 1
    u = float(twice[place][:n_before].sum()) / 2 - n_before * (n_before + 1) / 2
    least = min(u, n_before * n_after - u)
    is_tied = bool((counts > 1).any())
    if max(n_before, n_after) > (MOST_EXACT_TIED if is_tied else MOST_EXACT):
        return _p_of_many(least, n_before, n_after, counts)
    if 2 * least == n_before * n_after:
        return 1.0
    return min(1.0, 2 * _share_up_to(least, twice[place], n_before))


def _share_up_to(u: float, twice_ranks: NDArray[np.int64], size: int) -> float:
    """Of all choices of so many ranks, the share whose U is at most u."""
    most = int(twice_ranks.sum())
    ways = np.zeros((size + 1, most + 1))
    ways[0, 0] = 1
    for rank in twice_ranks.tolist():
        ways[1:, rank:] += ways[:-1, : most + 1 - rank].copy()
    limit = round(2 * u) + size * (size + 1)
    return float(ways[size, : limit + 1].sum() / ways[size].sum())


def _p_of_many(u: float, n_before: int, n_after: int, counts: NDArray[np.int64]) -> float:
    """By the normal distribution, with the corrections for equal values and for whole numbers."""
    n = n_before + n_after
    ties = float((counts.astype(float) ** 3 - counts).sum()) / (n * (n - 1))
    deviation = sqrt(n_before * n_after * (n + 1 - ties) / 12)
    z = (u - n_before * n_after / 2 + 0.5) / deviation
    return min(1.0, 2 * float(ndtr(z)))
