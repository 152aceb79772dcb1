"""Two builds whose runs were recorded in turns: each series by its differences within pairs.

What the machine does while a pair is recorded falls on both of its runs and drops out of their difference.
Under no change a difference is as likely as its opposite: all choices of signs (the exact test of Fisher)
give p, a sample of them where they are too many. With n pairs p is at least 2 / 2**n: 0.002 with ten. Where
so many series need less, p is Student's t of the differences, as of runs that are no pairs (compare.py).

The effect is the median of all means of two differences (Hodges, Lehmann 1963); its interval is what
Wilcoxon's exact signed-rank test does not reject, or Student's where pairs are too few.
"""

from __future__ import annotations

from functools import cache

import numpy as np

from tracemill.detection.compare import (
    CONFIDENCE,
    MOST_SPLITS,
    SEED,
    Estimates,
    Reals,
    at_least_typical,
    runs_needed,
    student_or_exact,
)
from tracemill.detection.distributions import t_quantile

_FLIPS_AT_ONCE = 4096


def estimate_pairs(
    differences: list[Reals],
    metric: np.ndarray[tuple[int, ...], np.dtype[np.int64]],
    margin: float,
    family: int,
) -> Estimates:
    """Estimate series by series.

    differences: logarithms of after over before within pairs, one array a series, each of two or more.
    metric: a number of each series' metric, whose series have noise in common. margin: the logarithm of the
    ratio that is worth a word. family: how many series are judged together, these and others.
    """
    n = np.array([len(d) for d in differences], dtype=float)
    df = n - 1
    means = np.array([d.mean() for d in differences])
    variance = at_least_typical(np.array([d.var(ddof=1) for d in differences]), metric)
    error = np.sqrt(variance / n)
    exact = _flipped(differences)
    least = np.array([least_paired_p(int(count)) for count in n])
    p, is_exact = student_or_exact(exact, least, means / error, df, family)
    effect = np.array([np.median(_walsh(d)) for d in differences])
    half = t_quantile(CONFIDENCE, df) * error
    low, high = np.minimum(effect, means - half), np.maximum(effect, means + half)
    for i, d in enumerate(differences):
        if cut := _signed_rank_cut(len(d)):
            walsh = _walsh(d)
            low[i], high[i] = walsh[cut - 1], walsh[-cut]
    needed = runs_needed(means, variance, p, margin, family, is_paired=True)
    return Estimates(effect, low, high, p, is_exact, needed)


def least_paired_p(pairs: int) -> float:
    """The least two-sided p that the exact test of pairs can give."""
    return max(min(1.0, 2.0 ** (1 - pairs)), 1 / MOST_SPLITS)


def sign_flip_p(differences: Reals, seed: int = SEED) -> Reals:
    """The two-sided p that differences are as likely as their opposites.

    differences: (n_series, n_pairs). The share of choices of signs whose sums are at least as far from 0.
    """
    pairs = differences.shape[1]
    observed = np.abs(differences.sum(axis=1)) - 1e-9 * np.abs(differences).sum(axis=1)
    # Of a choice and its opposite one is enough: the first sign stays.
    choices = 2 ** (pairs - 1)
    is_exact = choices <= MOST_SPLITS
    tried, hits = (0, np.zeros(len(differences))) if is_exact else (1, np.ones(len(differences)))
    random = np.random.default_rng(seed)
    total = choices if is_exact else MOST_SPLITS
    while tried < total:
        count = min(_FLIPS_AT_ONCE, total - tried)
        if is_exact:
            bits = (np.arange(tried, tried + count)[:, None] >> np.arange(pairs)) & 1
        else:
            bits = random.integers(0, 2, size=(count, pairs))
        hits += (np.abs((1.0 - 2.0 * bits) @ differences.T) >= observed).sum(axis=0)
        tried += count
    return np.asarray(hits / tried)


def _flipped(differences: list[Reals]) -> Reals:
    """sign_flip_p of series with as many pairs at a time."""
    p = np.ones(len(differences))
    sizes = np.array([len(d) for d in differences])
    for size in np.unique(sizes):
        rows = np.flatnonzero(sizes == size)
        p[rows] = sign_flip_p(np.array([differences[i] for i in rows]))
    return p


def _walsh(differences: Reals) -> Reals:
    """The means of each two differences, and each by itself, in their order."""
    i, j = np.triu_indices(len(differences))
    return np.sort((differences[i] + differences[j]) / 2)


@cache
def _signed_rank_cut(pairs: int) -> int:
    """Which of Walsh's means from either end bounds the interval (1: the first); 0 where pairs are too few.

    By the exact distribution of Wilcoxon's sum of signed ranks.
    """
    ways = np.ones(1)
    for rank in range(1, pairs + 1):
        longer = np.zeros(len(ways) + rank)
        longer[: len(ways)] += ways
        longer[rank:] += ways
        ways = longer / 2
    return int((np.cumsum(ways) <= (1 - CONFIDENCE) / 2).sum())
