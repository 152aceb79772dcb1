"""Rank scan: does a stretch of builds hold a change of level, and where?

Of all ways to cut n builds in two, the one is taken at which the ranks before and after differ most:
``z_k = sum_{i<=k} (rank_i - (n + 1) / 2)``, in its standard deviations without a change (Pettitt 1979, with
each cut standardised as Wilcoxon's test does; ties by mid-ranks). That is a normal variable only in its
middle: four builds that lie above ninety-six are far less likely than their z of 3.4 says, so z is stretched
towards its end to be as likely as it ought to be. How great the largest |z| is by chance is simulated once
for a few n. Builds that resemble their neighbours hold less than they seem: z is multiplied by
sqrt((1 - rho) / (1 + rho)), rho being the serial correlation that is left when the change is taken out.

Where all builds after the cut lie above all before it, or below, ranks have said what they can; how far apart
the two are is then weighed by Student's t, with a noise moderated by what is known beside these builds.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from tracemill.detection.distributions import two_sided_p, two_sided_z
from tracemill.detection.family import Family, variance_inflation
from tracemill.detection.masked import (
    correlation,
    masked_median,
    mid_ranks,
    robust_deviation,
    serial_correlation,
    time_of,
)
from tracemill.detection.rules import RULES

Reals = NDArray[np.float64]
Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]

_TABLES = (2 * RULES.least_side_builds, 10, 14, 20, 28, 40, 56, 80, 112)
_SIMULATIONS = 4000
# From here on the tail is continued as a normal one, which is heavier than that of ranks.
_TAIL = 0.01
# How a cut's z grows towards that of a complete separation: within 0.25 of Wilcoxon's exact distribution.
_STRETCH = 7
# Student's t may say of a complete separation at most the square of what its ranks say: noise with two modes
# is separated by chance as far as by a change.
_MOST_BY_DISTANCE = 2


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


@lru_cache(maxsize=4)
def _complete_z(columns: int) -> Reals:
    """[n, k]: the z that a complete separation of k builds from n - k is worth by its chance, 2 / C(n, k)."""
    log_factorial = np.concatenate([[0.0], np.log(np.arange(1, columns + 1)).cumsum()])
    n, k = np.ogrid[: columns + 1, : columns + 1]
    log_p = np.log(2) + log_factorial[k] + log_factorial[np.maximum(n - k, 0)] - log_factorial[n]
    return two_sided_z(np.minimum(log_p, 0.0))


def cumulative_z(ranks: Reals, is_in: Flags) -> tuple[Reals, Reals, Ints]:
    """|z| of the cut after each column, 0 where a side is too short.

    Beside it how complete the separation is (1: all ranks on one side are above all on the other), and of how
    many columns each row is. ranks, is_in: (n_rows, n_columns); what is not in does not count.
    """
    known = is_in.cumsum(axis=1, dtype=np.int32)
    n = known[:, -1:]
    ranks = np.where(is_in, ranks, 0.0)
    centred = np.where(is_in, ranks - ranks.sum(axis=1, keepdims=True) / np.maximum(n, 1), 0.0)
    squares = np.einsum("ij,ij->i", centred, centred)[:, None] / np.maximum(n * (n - 1), 1)
    cuts = known * (n - known)
    variance = cuts * squares
    is_long = np.minimum(known, n - known) >= RULES.least_side_builds
    is_cut = is_in & is_long & (variance > 0)
    sums = np.abs(centred.cumsum(axis=1))
    z, complete = np.zeros(ranks.shape), np.zeros(ranks.shape)
    np.divide(sums, np.sqrt(variance), out=z, where=is_cut)
    np.divide(2 * sums, cuts, out=complete, where=is_cut)
    farthest = np.zeros(ranks.shape)
    np.divide(z, complete, out=farthest, where=complete > 0)
    z += (_complete_z(ranks.shape[1])[n, known] - farthest) * complete**_STRETCH
    return np.maximum(z, 0.0), complete, n[:, 0].astype(np.int64)


def scan(values: Reals, is_in: Flags, family: Family, variance: Reals, variance_df: Reals) -> Scan:
    """The best cut of each row of values (n_rows, n_columns), where is_in says so.

    variance, variance_df: (n_rows,) of a build's noise, as it is known without these values, and how many
    degrees of freedom that is worth.
    """
    middle = masked_median(values, is_in)[:, None]
    z, complete, n = cumulative_z(mid_ranks((values - middle) / family.scale, is_in), is_in)
    cut = z.argmax(axis=1)
    columns = np.arange(values.shape[1])
    is_after = is_in & (columns > cut[:, None])
    is_before = is_in & ~is_after
    before, after = masked_median(values, is_before), masked_median(values, is_after)
    level = np.where(is_after, after[:, None], before[:, None])
    noise = robust_deviation(values - level, is_in)
    reach = 3 * noise[:, None]
    residuals = np.where(is_in, np.clip(values - level, -reach, reach), 0.0)
    own = serial_correlation(residuals, is_in, 2)
    rho = np.where(own > 1 / np.sqrt(n), own, 0.0)
    place = is_after.argmax(axis=1)
    of_family = np.broadcast_to(family.inflation, values.shape)[np.arange(len(place)), place]
    inflation = np.maximum(variance_inflation(np.maximum(rho, family.rho)), of_family)
    shrink = 1 / inflation
    sides = np.maximum(is_before.sum(axis=1), 1), np.maximum(is_after.sum(axis=1), 1)
    p = chance(z.max(axis=1) * np.sqrt(shrink), n)
    known = variance, variance_df
    by_distance = _distance_chance(after - before, residuals, is_after, sides, shrink, known)
    is_complete = complete[np.arange(len(cut)), cut] > 1 - 1e-9
    return Scan(
        place=place,
        before=before,
        after=after,
        noise=noise,
        error=noise * np.sqrt(np.pi / 2 * (1 / sides[0] + 1 / sides[1]) / shrink),
        p=np.where(is_complete, np.minimum(p, np.maximum(p**_MOST_BY_DISTANCE, by_distance)), p),
        is_drift=_is_drift(level + residuals, is_after, is_in, shrink, family_drifts=family.drifts),
    )


def _distance_chance(
    distance: Reals,
    residuals: Reals,
    is_after: Flags,
    sides: tuple[Ints, Ints],
    shrink: Reals,
    known: tuple[Reals, Reals],
) -> Reals:
    """Student's t of the levels' distance, times the number of cuts.

    residuals: about the levels, 0 for what is not in. known: variance of a build's noise and its degrees of
    freedom.
    """
    before, after = sides
    sum_after = np.where(is_after, residuals, 0.0).sum(axis=1)
    mean_before, mean_after = (residuals.sum(axis=1) - sum_after) / before, sum_after / after
    squares = np.einsum("ij,ij->i", residuals, residuals) - before * mean_before**2 - after * mean_after**2
    df = np.maximum(before + after - 2, 1)
    known_variance, known_df = known
    variance = (known_df * known_variance + shrink * squares) / (known_df + shrink * df)
    error = np.sqrt(np.maximum(variance, 1e-300) * (1 / before + 1 / after) / shrink)
    cuts = np.maximum(before + after + 1 - 2 * RULES.least_side_builds, 1)
    p = two_sided_p((distance + mean_after - mean_before) / error, known_df + shrink * df)
    return np.asarray(np.minimum(cuts * p, 1))


def _is_drift(values: Reals, is_after: Flags, is_in: Flags, shrink: Reals, *, family_drifts: bool) -> Flags:
    """Whether a line through the builds tells as much as the cut; nearly as much, of rows that drift.

    values: spikes clipped.
    """
    n = np.maximum(is_in.sum(axis=1), 4)
    values = np.where(is_in, values, 0.0)
    values = np.where(is_in, values - (values.sum(axis=1) / n)[:, None], 0.0)
    time = time_of(is_in, n)
    step = np.where(is_in, is_after - is_after.sum(axis=1, keepdims=True) / n[:, None], 0.0)
    of_step, of_time, both = (
        correlation(values, step),
        correlation(values, time),
        correlation(step, time),
    )
    if not family_drifts:
        return np.asarray(np.abs(of_step) < np.abs(of_time))
    # z of the cut when the line is allowed for.
    rest = np.maximum((1 - of_time**2) * (1 - both**2), 1e-12)
    partial = np.clip((of_step - of_time * both) / np.sqrt(rest), -1, 1)
    z = np.abs(partial) * np.sqrt((n - 3) / np.maximum(1 - partial**2, 1e-12))
    return np.asarray(z * np.sqrt(shrink) < RULES.step_beside_trend)


@lru_cache(maxsize=len(_TABLES))
def _largest(n: int) -> Reals:
    """The largest |z| of n builds without a change, simulated, ascending. The same at each call."""
    random = np.random.default_rng(n)
    ranks = random.random((_SIMULATIONS, n)).argsort(axis=1).astype(float)
    z, _, _ = cumulative_z(ranks, np.ones(ranks.shape, bool))
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
