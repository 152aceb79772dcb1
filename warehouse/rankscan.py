"""Rank scan: does a stretch of builds hold a change of level, and where?

Of all ways to cut n builds in two, the one is taken at which the ranks before and after differ most:
``z_k = sum_{i<=k} (rank_i - (n + 1) / 2)``, in its standard deviations without a change (Pettitt 1979, with
each cut standardised as Wilcoxon's test does; ties by mid-ranks). How great the largest |z| is by chance is
simulated once for a few n. Builds that resemble their neighbours hold less than they seem: z is multiplied by
sqrt((1 - rho) / (1 + rho)), rho being the serial correlation that is left when the change is taken out.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

Reals = NDArray[np.float64]
Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]

# No change is claimed on fewer builds than this on either side.
LEAST_SIDE = 4
_TABLES = (2 * LEAST_SIDE, 10, 14, 20, 28, 40, 56, 80, 112)
_SIMULATIONS = 4000
# From here on the tail is continued as a normal one, which is heavier than that of ranks.
_TAIL = 0.01
# Below this |z|, of values where spikes are drawn in, the rank scan would not find a change either.
_WORTH_A_LOOK = 2.5
# Where series drift, a cut that stands out less than this many standard deviations from a straight line may
# be a drift too.
_STEP_BESIDE_TREND = 3.5
# Series drift if their squared trends are typically this many times what chance makes of them; with a step in
# a tenth of them it is 1.3 times. Of fewer series than this nothing is known.
_TYPICAL_TREND, _LEAST_ROWS = 1.4, 100
# The median of a squared standard normal variable.
_CHI2_MEDIAN = 0.455


@dataclass(frozen=True, slots=True)
class Scan:
    """The best cut of each row, (n_rows,) each.

    place: column of the first build after it. before, after: medians. noise: robust standard deviation about
    them. error: standard error of after - before. p: of the cut, serial correlation allowed for.
    is_drift: a straight line tells nearly as much as the cut.
    """

    place: Ints
    before: Reals
    after: Reals
    noise: Reals
    error: Reals
    p: Reals
    is_drift: Flags


def cumulative_z(scores: Reals, is_in: Flags) -> tuple[Reals, Ints]:
    """|z| of the cut after each column, 0 where a side is too short; and of how many columns each row is.

    scores, is_in: (n_rows, n_columns); what is not in does not count.
    """
    known = is_in.cumsum(axis=1, dtype=np.int32)
    n = known[:, -1:]
    scores = np.where(is_in, scores, 0.0)
    centred = np.where(is_in, scores - scores.sum(axis=1, keepdims=True) / np.maximum(n, 1), 0.0)
    squares = np.einsum("ij,ij->i", centred, centred)[:, None] / np.maximum(n * (n - 1), 1)
    variance = known * (n - known) * squares
    is_cut = is_in & (known >= LEAST_SIDE) & (n - known >= LEAST_SIDE) & (variance > 0)
    z = np.zeros(scores.shape)
    np.divide(np.abs(centred.cumsum(axis=1)), np.sqrt(variance), out=z, where=is_cut)
    return z, n[:, 0].astype(np.int64)


def mid_ranks(values: Reals, is_in: Flags) -> Reals:
    """Ranks from 1 within each row; equal values share theirs."""
    values = np.where(is_in, values, np.inf)
    order = np.argsort(values, axis=1)
    ordered = np.take_along_axis(values, order, axis=1)
    places = np.arange(values.shape[1])
    is_new = np.ones(values.shape, bool)
    is_new[:, 1:] = ordered[:, 1:] > ordered[:, :-1]
    first = np.maximum.accumulate(np.where(is_new, places, 0), axis=1)
    is_last = np.ones(values.shape, bool)
    is_last[:, :-1] = is_new[:, 1:]
    last = np.where(is_last, places, places[-1])[:, ::-1]
    last = np.minimum.accumulate(last, axis=1)[:, ::-1]
    ranks = np.empty(values.shape)
    np.put_along_axis(ranks, order, (first + last) / 2 + 1, axis=1)
    return ranks


def serial_correlation(residuals: Reals, is_in: Flags, fitted: int) -> Reals:
    """Of each row with itself one build later; fitted levels make it look smaller, which is put right."""
    residuals = np.where(is_in, residuals, 0.0)
    squares = np.einsum("ij,ij->i", residuals, residuals)
    products = np.einsum("ij,ij->i", residuals[:, 1:], residuals[:, :-1])
    n = np.maximum(is_in.sum(axis=1), 2)
    return np.asarray(products / np.maximum(squares, 1e-300) + fitted / n)


def may_drift(residuals: Reals, is_in: Flags, correlation: float) -> bool:
    """Whether rows like these drift, or too little is known to say that they do not.

    residuals: about each row's median; correlation: their serial correlation.
    """
    if len(residuals) < _LEAST_ROWS:
        return True
    n = is_in.sum(axis=1)
    trend = _correlation(np.where(is_in, residuals, 0.0), _time(is_in, n))
    squares = trend**2 * n * (1 - correlation) / (1 + correlation)
    return float(np.median(squares)) > _TYPICAL_TREND * _CHI2_MEDIAN


def scan(values: Reals, is_in: Flags, family_correlation: float = 0.0, *, family_drifts: bool = True) -> Scan:
    """The best cut of each row of values (n_rows, n_columns), where is_in says so.

    family_correlation: the serial correlation that rows like these have at least. family_drifts: whether they
    drift, so that a step has to stand out from a straight line.
    """
    ranks = mid_ranks(values, is_in)
    z, n = cumulative_z(ranks, is_in)
    cut = z.argmax(axis=1)
    columns = np.arange(values.shape[1])
    is_after = is_in & (columns > cut[:, None])
    is_before = is_in & ~is_after
    place = is_after.argmax(axis=1)
    before, after = masked_median(values, is_before), masked_median(values, is_after)
    residuals = values - np.where(is_after, after[:, None], before[:, None])
    noise = 1.4826 * masked_median(np.abs(residuals), is_in)
    limit = 3 * noise[:, None]
    own = serial_correlation(np.clip(residuals, -limit, limit), is_in, 2)
    rho = np.where(own > 1 / np.sqrt(n), own, 0.0)
    rho = np.clip(np.maximum(rho, family_correlation), 0.0, 0.95)
    shrink = (1 - rho) / (1 + rho)
    sides = 1 / np.maximum(is_before.sum(axis=1), 1) + 1 / np.maximum(is_after.sum(axis=1), 1)
    return Scan(
        place=place,
        before=before,
        after=after,
        noise=noise,
        error=noise * np.sqrt(np.pi / 2 * sides / shrink),
        p=chance(z.max(axis=1) * np.sqrt(shrink), n),
        is_drift=_is_drift(ranks, is_after, is_in, shrink, family_drifts=family_drifts),
    )


def _is_drift(ranks: Reals, is_after: Flags, is_in: Flags, shrink: Reals, *, family_drifts: bool) -> Flags:
    """Whether a line through the ranks tells as much as the cut; nearly as much, of rows that drift."""
    n = np.maximum(is_in.sum(axis=1), 4)
    rank = np.where(is_in, ranks - (n[:, None] + 1) / 2, 0.0)
    time = _time(is_in, n)
    step = np.where(is_in, is_after - is_after.sum(axis=1, keepdims=True) / n[:, None], 0.0)
    of_step, of_time, both = _correlation(rank, step), _correlation(rank, time), _correlation(step, time)
    if not family_drifts:
        return np.asarray(np.abs(of_step) < np.abs(of_time))
    # z of the cut when the line is allowed for.
    rest = np.maximum((1 - of_time**2) * (1 - both**2), 1e-12)
    partial = np.clip((of_step - of_time * both) / np.sqrt(rest), -1, 1)
    z = np.abs(partial) * np.sqrt((n - 3) / np.maximum(1 - partial**2, 1e-12))
    return np.asarray(z * np.sqrt(shrink) < _STEP_BESIDE_TREND)


def _time(is_in: Flags, n: Ints) -> Reals:
    """The number of each row's builds, about their middle."""
    return np.where(is_in, is_in.cumsum(axis=1) - (n[:, None] + 1) / 2, 0.0)


def _correlation(a: Reals, b: Reals) -> Reals:
    """Of each row of a with that of b, both about their means."""
    squares = np.einsum("ij,ij->i", a, a) * np.einsum("ij,ij->i", b, b)
    return np.asarray(np.einsum("ij,ij->i", a, b) / np.sqrt(np.maximum(squares, 1e-300)))


class Sums:
    """Running sums of many series, by which is told cheaply which of them are worth a scan."""

    def __init__(self, shape: tuple[int, int]) -> None:
        # One column before the first build. Squares would lose digits far from zero.
        self.known = np.zeros((shape[0], shape[1] + 1), np.int32)
        self.total, self.squares = np.zeros(self.known.shape), np.zeros(self.known.shape)
        self.origin = np.full(shape[0], np.nan)

    def add(self, build: int, values: Reals) -> None:
        """Take in the build's values, nan where a series has none."""
        self.origin = np.where(np.isnan(self.origin), values, self.origin)
        values = np.nan_to_num(values - self.origin) * (is_in := np.isfinite(values))
        self.known[:, build + 1] = self.known[:, build] + is_in
        self.total[:, build + 1] = self.total[:, build] + values
        self.squares[:, build + 1] = self.squares[:, build] + values**2

    def again(self, rows: Ints, end: int, values: Reals, is_in: Flags) -> None:
        """The rows' builds before end have changed: values (n_rows, end), of which only some are in."""
        values = np.where(is_in, values - self.origin[rows, None], 0.0)
        self.known[rows, 1 : end + 1] = is_in.cumsum(axis=1)
        self.total[rows, 1 : end + 1] = values.cumsum(axis=1)
        self.squares[rows, 1 : end + 1] = (values**2).cumsum(axis=1)

    def look(self, start: Ints, build: int, is_here: Flags) -> tuple[Flags, Ints]:
        """Of the builds from start (n_series,) to build: which series are long enough, and which to scan."""
        every = np.arange(len(start))
        known, total = self.known[every, start], self.total[every, start]
        n = self.known[:, build + 1] - known
        mean = (self.total[:, build + 1] - total) / np.maximum(n, 1)
        squares = self.squares[:, build + 1] - self.squares[every, start] - n * mean**2
        can_judge = is_here & (n >= 2 * LEAST_SIDE)
        # Every other cut: the neighbours of a good one are good.
        cuts = slice(int(start.min()) + LEAST_SIDE, build + 2 - LEAST_SIDE, 2)
        k = self.known[:, cuts] - known[:, None]
        sums = self.total[:, cuts] - total[:, None] - k * mean[:, None]
        limit = _WORTH_A_LOOK**2 * squares / np.maximum(n * (n - 1), 1)
        is_far = sums**2 >= limit[:, None] * (k * (n[:, None] - k))
        is_far &= (k >= LEAST_SIDE) & (k <= n[:, None] - LEAST_SIDE)
        return can_judge, np.flatnonzero(can_judge & is_far.any(axis=1))


def masked_median(values: Reals, is_in: Flags) -> Reals:
    """Median of each row, of what is in; nan of nothing."""
    n = is_in.sum(axis=1)
    ordered = np.sort(np.where(is_in, values, np.inf), axis=1)
    rows = np.arange(len(n))
    low = ordered[rows, np.maximum(n - 1, 0) // 2]
    high = ordered[rows, np.minimum(n // 2, values.shape[1] - 1)]
    with np.errstate(invalid="ignore"):
        return np.where(n > 0, (low + high) / 2, np.nan)


@lru_cache(maxsize=len(_TABLES))
def _largest(n: int) -> Reals:
    """The largest |z| of n builds without a change, simulated, ascending. The same at each call."""
    random = np.random.default_rng(n)
    ranks = random.random((_SIMULATIONS, n)).argsort(axis=1).astype(float)
    z, _ = cumulative_z(ranks, np.ones(ranks.shape, bool))
    return np.sort(z.max(axis=1))


def _log_chance(z: Reals, n: int) -> Reals:
    table = _largest(n)
    is_tail = z > (start := np.quantile(table, 1 - _TAIL))
    greater = len(table) - np.searchsorted(table, z)
    tail = np.log(_TAIL) - (np.square(z) - start**2) / 2
    return np.where(is_tail, tail, np.log(np.maximum(greater, 1) / len(table)))


def chance(z: Reals, n: Ints) -> Reals:
    """How likely the largest |z| of n builds is at least so great without a change; 1 for too few builds."""
    log_p = np.zeros(len(z))
    grid = np.array(_TABLES)
    above = np.clip(np.searchsorted(grid, n), 1, len(grid) - 1)
    for at in np.unique(above):
        rows = above == at
        low, high = grid[at - 1], grid[at]
        weight = np.clip((np.log(np.maximum(n[rows], 1)) - np.log(low)) / np.log(high / low), 0, 1)
        # Between two tables on a line, over the logarithm of n.
        log_p[rows] = (1 - weight) * _log_chance(z[rows], int(low)) + weight * _log_chance(z[rows], int(high))
    return np.where(n >= grid[0], np.exp(log_p), 1.0)
