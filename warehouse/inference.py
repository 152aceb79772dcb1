"""Small statistics over whole arrays: Student's t, false discovery rates, medians."""

from __future__ import annotations

from functools import lru_cache
from math import erfc, lgamma, log, pi, sqrt

import numpy as np
from numpy.typing import NDArray

Reals = NDArray[np.float64]


def median_variance(n: Reals) -> Reals:
    """Variance of the median of n normal values, in variances of one. Exact to a few per cent from n = 1."""
    return np.pi / (2 * n + 1)


def chi2_median(df: Reals) -> Reals:
    """Median of a variance estimated with df degrees of freedom, the true one being 1 (Wilson, Hilferty)."""
    return (1 - 2 / (9 * df)) ** 3


def typical(variances: Reals) -> float:
    """The median, on logarithms: of two it is not the greater that tells."""
    return float(np.exp(np.median(np.log(variances))))


def benjamini_hochberg(p: Reals) -> Reals:
    """q values; nan where p is."""
    q = np.full(len(p), np.nan)
    known = np.flatnonzero(np.isfinite(p))
    order = known[np.argsort(p[known])]
    scaled = p[order] * len(order) / np.arange(1, len(order) + 1)
    q[order] = np.minimum.accumulate(scaled[::-1])[::-1]
    return q


@lru_cache(maxsize=1)
def _normal_tails() -> tuple[Reals, Reals]:
    """-log P(|Z| >= z) of the standard normal distribution, ascending, and z."""
    z = np.arange(0.0, 60.0, 0.02)
    # Beyond 30 the tail is too small for a double; its logarithm is not.
    tails = [-log(erfc(x / sqrt(2))) if x < 30 else x**2 / 2 + log(x * sqrt(pi / 2)) for x in z]
    return np.array(tails), z


def two_sided_z(log_p: Reals) -> Reals:
    """The z at which P(|Z| >= z) = exp(log_p), to 0.001; at most 60."""
    return np.asarray(np.interp(-log_p, *_normal_tails()))


_MOST_DF = 200
_LOG_BETA = np.array(
    [np.inf, *(lgamma(d / 2) + lgamma(0.5) - lgamma((d + 1) / 2) for d in range(1, _MOST_DF + 1))]
)


def two_sided_p(t: Reals, df: Reals) -> Reals:
    """P(|T| >= |t|) for Student's t; df (above 0) is rounded down to 1 … 200. nan where t or df is.

    The regularised incomplete beta function I_x(df/2, 1/2) at x = df / (df + t²), by its continued
    fraction (Numerical Recipes, 6.4).
    """
    known = np.isfinite(t) & np.isfinite(df)
    whole = np.clip(np.floor(np.where(known, df, 1.0)), 1, _MOST_DF)
    x = whole / (whole + np.where(known, t, 0.0) ** 2)
    a, b = whole / 2, np.full(len(whole), 0.5)
    # The fraction converges fast on one side of the mean only; the other is its complement.
    is_left = x < (a + 1) / (a + b + 2)
    a, b, x = np.where(is_left, a, b), np.where(is_left, b, a), np.where(is_left, x, 1 - x)
    with np.errstate(divide="ignore"):
        front = np.exp(a * np.log(x) + b * np.log1p(-x) - _LOG_BETA[whole.astype(int)]) / a
    part = front * _beta_fraction(a, b, x)
    return np.where(known, np.where(is_left, part, 1 - part), np.nan)


def _beta_fraction(a: Reals, b: Reals, x: Reals) -> Reals:
    c, d = np.ones_like(x), 1 / (1 - (a + b) * x / (a + 1))
    out = d.copy()
    for m in range(1, 200):
        even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        d, c = 1 / (1 + even * d), 1 + even / c
        out *= d * c
        odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        d, c = 1 / (1 + odd * d), 1 + odd / c
        step = d * c
        out *= step
        if np.max(np.abs(step - 1), initial=0) < 1e-10:
            break
    return out


def t_quantile(probability: float, df: Reals) -> Reals:
    """The t that |T| exceeds with probability 1 - probability (two-sided); nan where df is."""
    known = np.isfinite(df)
    whole = np.clip(np.floor(np.where(known, df, 1.0)), 1, _MOST_DF)
    degrees, place = np.unique(whole, return_inverse=True)
    low, high = np.zeros(len(degrees)), np.full(len(degrees), 1e6)
    for _ in range(60):
        middle = (low + high) / 2
        is_above = two_sided_p(middle, degrees) < 1 - probability
        high, low = np.where(is_above, middle, high), np.where(is_above, low, middle)
    return np.where(known, high[place], np.nan)
