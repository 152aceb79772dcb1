"""Two builds: which series differ, which do not by more than a given ratio, which cannot be told.

Runs are what varies: a series is the logarithms of its figures at the runs of either side. All splits of
the runs into two sides (the exact permutation test of the difference of means) give p; where there are too
many, a sample of them. With n runs a side p is at least 2 / C(2n, n): 0.1 with three. Where that is above
what so many series need, p is Student's t of the logarithms, whose variance is at least the typical one of
the metric; the exact test must say at most 0.05 then too, or its least where that is more (with three runs:
all of one side above all of the other).

The effect is the median of all differences between a run of one side and a run of the other (Hodges, Lehmann
1963); its interval is what the exact rank test does not reject, or Student's where that has too few runs.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from itertools import combinations, islice
from math import comb
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from tracemill.detection.distributions import benjamini_hochberg, t_quantile, two_sided_p, typical
from tracemill.detection.rules import RULES

if TYPE_CHECKING:
    from collections.abc import Iterator

Reals = NDArray[np.float64]
Bools = NDArray[np.bool_]

# So many splits are all tried; of more a sample of as many, always the same. Ten runs a side have 184,756.
MOST_SPLITS = 200_000
_SPLITS_AT_ONCE = 4096
SEED = 1
# Of the interval of one series.
CONFIDENCE = 0.95
# Where p is Student's, the exact test must say this, or its least where that is above.
_EXACT_P = 0.05
# A metric of a single series has no others that say what noise is usual; few runs can be alike by chance.
_LONE_NOISE = 0.05
# More runs than this are no advice.
MOST_RUNS = 1000


@dataclass(frozen=True, slots=True)
class Estimates:
    """What the runs of each series tell, before the series are judged together.

    Logarithms of after over before; nan where a side has a single run. runs_needed: runs a side with which
    it would be told, see runs_needed(). is_exact: p is of the exact test.
    """

    effect: Reals
    low: Reals
    high: Reals
    p: Reals
    is_exact: Bools
    runs_needed: Reals


@dataclass(frozen=True, slots=True)
class Compared(Estimates):
    """The answers, one a series.

    is_within and is_different exclude each other; where neither holds it cannot be told. runs_needed is 0
    where one does.
    """

    q: Reals
    is_within: Bools
    is_different: Bools


def compare(
    before: list[Reals], after: list[Reals], metric: NDArray[np.int64], margin: float, seed: int = SEED
) -> Compared:
    """Compare series by series.

    before, after: logarithms of the figures at the runs, one array a series, none empty. metric: a number of
    each series' metric, whose series have noise in common. margin: the logarithm of the ratio that is worth a
    word.
    """
    family = sum(min(len(b), len(a)) > 1 for b, a in zip(before, after, strict=True))
    return judged(estimate(before, after, metric, margin, family, seed), margin)


def judged(found: Estimates, margin: float) -> Compared:
    """The answers of series that are judged together."""
    q = benjamini_hochberg(found.p)
    is_within = (found.low >= -margin) & (found.high <= margin)
    is_different = ~is_within & (q <= RULES.false_share) & (np.abs(found.effect) >= margin)
    needed = np.where(is_within | is_different, 0.0, found.runs_needed)
    known = (found.effect, found.low, found.high, found.p, found.is_exact)
    return Compared(*known, needed, q, is_within, is_different)


def estimate(
    before: list[Reals],
    after: list[Reals],
    metric: NDArray[np.int64],
    margin: float,
    family: int,
    seed: int = SEED,
) -> Estimates:
    """Estimate series by series, as compare has them. family: how many are judged together."""
    effect = np.array([np.median(np.subtract.outer(b, a)) for a, b in zip(before, after, strict=True)])
    n_before, n_after = (np.array([len(x) for x in side], dtype=float) for side in (before, after))
    has_runs = (n_before > 1) & (n_after > 1)
    variance, df = _noise(before, after, metric, has_runs)
    error = np.sqrt(variance * (1 / n_before + 1 / n_after))
    means = np.array([b.mean() - a.mean() for a, b in zip(before, after, strict=True)])

    exact = _permuted(before, after, has_runs, seed)
    least = np.array([least_p(int(a), int(b)) for a, b in zip(n_before, n_after, strict=True)])
    p, is_exact = student_or_exact(exact, least, means / error, df, family)

    half = t_quantile(CONFIDENCE, df) * error
    low, high = np.minimum(effect, means - half), np.maximum(effect, means + half)
    for i in np.flatnonzero(has_runs):
        cut = _rank_cut(len(before[i]), len(after[i]))
        if cut:
            differences = np.sort(np.subtract.outer(after[i], before[i]), axis=None)
            low[i], high[i] = differences[cut - 1], differences[-cut]
    low[~has_runs] = high[~has_runs] = np.nan
    needed = runs_needed(means, variance, p, margin, family)
    return Estimates(effect, low, high, p, is_exact, needed)


def student_or_exact(exact: Reals, least: Reals, t: Reals, df: Reals, family: int) -> tuple[Reals, Bools]:
    """p of each series, and whether it is the exact test's.

    exact: the exact p, nan where there is none. least: the least that it could be. t, df: Student's. family:
    how many series are judged together.
    """
    is_known = np.isfinite(exact)
    is_exact = is_known & (least <= RULES.false_share / max(family, 1))
    with np.errstate(invalid="ignore"):
        agrees = exact <= np.maximum(_EXACT_P, least) * (1 + 1e-9)
        student = np.maximum(np.where(agrees, two_sided_p(t, df), 1.0), np.finfo(float).tiny)
    return np.where(is_known, np.where(is_exact, exact, student), np.nan), is_exact


def least_p(n_before: int, n_after: int) -> float:
    """The least two-sided p that the exact test can give; 1 with a single run on both sides."""
    splits = comb(n_before + n_after, n_before)
    ends = 2 if n_before == n_after else 1
    return min(1.0, ends / splits) if splits <= MOST_SPLITS else 1 / MOST_SPLITS


def _noise(
    before: list[Reals], after: list[Reals], metric: NDArray[np.int64], has_runs: Bools
) -> tuple[Reals, Reals]:
    """Variance between runs within a side, at least the typical one of the metric; degrees of freedom."""
    squares = np.array([a.var() * len(a) + b.var() * len(b) for a, b in zip(before, after, strict=True)])
    df = np.array([len(a) + len(b) - 2.0 for a, b in zip(before, after, strict=True)])
    with np.errstate(invalid="ignore", divide="ignore"):
        variance = np.where(has_runs, squares / df, np.nan)
    variance[has_runs] = at_least_typical(variance[has_runs], metric[has_runs])
    return variance, np.where(has_runs, df, np.nan)


def at_least_typical(variance: Reals, metric: NDArray[np.int64]) -> Reals:
    """The variances, each at least the typical one of its metric's series and what any figure has."""
    found = np.maximum(variance, RULES.least_noise**2)
    for number in np.unique(metric):
        own = metric == number
        usual = typical(found[own]) if own.sum() > 1 else _LONE_NOISE**2
        found[own] = np.maximum(found[own], usual)
    return found


def _permuted(before: list[Reals], after: list[Reals], has_runs: Bools, seed: int) -> Reals:
    """Two-sided p of the difference of means over the splits, of series with as many runs at a time."""
    p = np.full(len(before), np.nan)
    sizes = np.array([[len(a), len(b)] for a, b in zip(before, after, strict=True)])
    for n_before, n_after in np.unique(sizes[has_runs], axis=0):
        rows = np.flatnonzero(has_runs & (sizes == (n_before, n_after)).all(axis=1))
        values = np.array([np.concatenate([before[i], after[i]]) for i in rows])
        p[rows] = permutation_p(values, int(n_before), seed)
    return p


def permutation_p(values: Reals, n_before: int, seed: int = SEED) -> Reals:
    """The two-sided p that the first n_before values and the others have one distribution.

    values: (n_series, n_runs). The share of splits whose means differ at least as much as those observed.
    """
    values = values - values.mean(axis=1, keepdims=True)
    runs = values.shape[1]
    # With the mean taken off, sides' means differ by their first sum times a constant.
    observed = np.abs(values[:, :n_before].sum(axis=1))
    observed -= 1e-9 * np.abs(values).sum(axis=1)
    hits = np.zeros(len(values))
    chosen: Iterator[tuple[int, ...]]
    if comb(runs, n_before) <= MOST_SPLITS:
        tried, start = 0, 0
        chosen = combinations(range(runs), n_before)
    else:
        tried, start = 0, 1  # the split observed is one of the sample
        random = np.random.default_rng(seed)
        chosen = (tuple(random.permutation(runs)[:n_before]) for _ in range(MOST_SPLITS - 1))
    while batch := list(islice(chosen, _SPLITS_AT_ONCE)):
        member = np.zeros((len(batch), runs))
        np.put_along_axis(member, np.array(batch), 1.0, axis=1)
        hits += (np.abs(member @ values.T) >= observed).sum(axis=0)
        tried += len(batch)
    return np.asarray((hits + start) / (tried + start))


@cache
def _rank_cut(n_before: int, n_after: int) -> int:
    """Which difference from either end bounds the interval (1: the first); 0 where runs are too few.

    By the exact distribution of Mann and Whitney's U.
    """
    ways = np.zeros(n_before * n_after + 1)
    ways[0] = 1.0
    # The Gaussian binomial coefficient, factor by factor.
    for i in range(1, n_before + 1):
        for u in range(len(ways) - 1, n_after + i - 1, -1):
            ways[u] -= ways[u - n_after - i]
        for u in range(i, len(ways)):
            ways[u] += ways[u - i]
    tail = np.cumsum(ways) / comb(n_before + n_after, n_before)
    return int((tail <= (1 - CONFIDENCE) / 2).sum())


def runs_needed(
    means: Reals, variance: Reals, p: Reals, margin: float, family: int, *, is_paired: bool = False
) -> Reals:
    """Runs a side, or pairs, with which it would be told if they differ as these do.

    That is so many that Student's interval would be within the margin around no difference, or, where these
    are hardly chance already, that p would be as small as the family needs. nan where more than MOST_RUNS or
    unknown. variance: of a run, or of the difference within a pair.
    """
    runs = np.arange(2.0, MOST_RUNS + 1)
    df, error = (runs - 1, np.sqrt(1 / runs)) if is_paired else (2 * runs - 2, np.sqrt(2 / runs))
    # The greatest deviation at which so many suffice, which grows with them; the least effect in deviations.
    within = margin / t_quantile(CONFIDENCE, df) / error
    differs = t_quantile(1 - RULES.false_share / max(family, 1), df) * error
    deviation = np.sqrt(variance)
    with np.errstate(invalid="ignore"):
        is_likely = (p <= RULES.suspected_share) & (np.abs(means) >= margin)
        to_differ = np.searchsorted(-differs, -np.abs(means) / deviation)
    at = np.minimum(np.searchsorted(within, deviation), np.where(is_likely, to_differ, len(runs)))
    is_known = np.isfinite(variance) & (at < len(runs))
    return np.where(is_known, runs[np.minimum(at, len(runs) - 1)], np.nan)
