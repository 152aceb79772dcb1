"""What series of one family have in common, learnt over the builds that are looked at."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tracemill.detection.masked import (
    correlation,
    masked_median,
    robust_deviation,
    serial_correlation,
    time_of,
)
from tracemill.detection.rules import RULES

Reals = NDArray[np.float64]
Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]

# The median of a squared standard normal variable.
_CHI2_MEDIAN = 0.455
# So many series are enough to learn from.
_MOST_ROWS = 500


@dataclass(frozen=True, slots=True)
class Family:
    """What is typical of the rows that are looked at together.

    rho: the serial correlation that each has at least. drifts: whether they drift, or too little is known to
    say that they do not: then a step has to stand out from a straight line. scale: (n_columns,) how noisy
    each build is, 1 being typical. inflation: of the variance of a mean of several builds, at least; of
    all, or of each row for a change that begins at each column.
    """

    rho: float
    drifts: bool
    scale: Reals
    inflation: float | Reals = 1.0

    @classmethod
    def unknown(cls, columns: int, *, drifts: bool = True) -> Family:
        """Nothing is known of it."""
        return cls(0.0, drifts, np.ones(columns))

    @classmethod
    def of(cls, winsorised: Reals, is_in: Flags) -> Family:
        """Learn from the rows, changes left in. winsorised: values, spikes clipped, where is_in says so."""
        rows = np.flatnonzero(is_in.sum(axis=1) >= RULES.least_family_builds)
        # From all over the family: neighbours by name may change together.
        rows = rows[:: len(rows) // _MOST_ROWS + 1]
        if not len(rows):
            return cls.unknown(winsorised.shape[1])
        winsorised, is_in = winsorised[rows], is_in[rows]
        residuals = winsorised - masked_median(winsorised, is_in)[:, None]
        # The first builds, of which nothing was known yet, are not clipped.
        reach = 3 * robust_deviation(residuals, is_in)[:, None]
        residuals = np.clip(residuals, -reach, reach)
        typical_rho = float(np.median(serial_correlation(residuals, is_in, 1)))
        rho = typical_rho if typical_rho > 1 / np.sqrt(len(rows)) else 0.0
        if len(rows) < RULES.least_family_series:
            return cls(rho, drifts=True, scale=np.ones(winsorised.shape[1]))
        return cls(rho, _drifts(residuals, is_in, rho), _scale(residuals, is_in))


def variance_inflation(rho: Reals) -> Reals:
    """How much greater serial correlation makes the variance of a mean."""
    rho = np.clip(rho, 0.0, 0.95)
    return np.asarray((1 + rho) / (1 - rho))


def _drifts(residuals: Reals, is_in: Flags, rho: float) -> bool:
    """Whether rows with these residuals about their medians drift."""
    n = is_in.sum(axis=1)
    trend = correlation(np.where(is_in, residuals, 0.0), time_of(is_in, n))
    squares = trend**2 * n / variance_inflation(np.array(rho))
    return float(np.median(squares)) > RULES.drifting_trend * _CHI2_MEDIAN


def _scale(residuals: Reals, is_in: Flags) -> Reals:
    """How noisy each column is beside the others; 1 where nobody has a value, or none differs."""
    sizes = np.abs(residuals)
    with np.errstate(divide="ignore", invalid="ignore"):
        relative = sizes / masked_median(sizes, is_in)[:, None]
    scale = masked_median(relative.T, is_in.T & np.isfinite(relative.T))
    return np.where(np.isfinite(scale) & (scale > 0), scale, 1.0)


def noise_inflation(distance: Reals, error: Reals) -> float:
    """How many times as far out as they should be a build's series are, at least 1: a noisy machine.

    distance: from their levels, nan for those not judged; error: its standard error. What all of them share
    is no noise. Of a family of few nothing is known.
    """
    is_known = np.isfinite(distance)
    if is_known.sum() < RULES.least_family_series:
        return 1.0
    distance = distance[is_known]
    t = (distance - np.median(distance)) / error[is_known]
    return max(1.0, 1.4826 * float(np.median(np.abs(t))))
