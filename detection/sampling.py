"""What sampling alone makes of a difference between two builds.

A profile's figures are estimates from samples, of known variance. Runs of processes of their own scatter by
that and more, so that the tests of compare.py know it. But two captures of one process have samples in
common, and hardly scatter: a difference then has to stand out from what sampling alone makes, too.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import ndtr, ndtri

from tracemill.detection.compare import CONFIDENCE, MOST_RUNS, Estimates, Reals

if TYPE_CHECKING:
    from numpy.typing import NDArray


# Half the width of an interval, in standard errors.
_Z = float(ndtri((1 + CONFIDENCE) / 2))


@dataclass(frozen=True, slots=True)
class Sampled:
    """A series' figures at the runs of one build, and their variances by sampling (n_runs,); 0: unknown."""

    values: Reals
    variances: Reals


def at_least_sampling(
    found: Estimates,
    before: list[Sampled],
    after: list[Sampled],
    negligible: Reals,
    metric: NDArray[np.int64],
    margin: float,
) -> Estimates:
    """The estimates, none of which is surer than sampling lets it be.

    negligible: what was added to the figures before logarithms were taken. metric: a number of each series'.
    margin: the logarithm of the ratio that is worth a word.
    """
    pooled = np.array([_mean(b, a) for b, a in zip(before, after, strict=True)])
    ratios, runs = np.ones(len(pooled)), np.zeros((2, len(pooled)))
    squares = np.array([_squares(b) + _squares(a) for b, a in zip(before, after, strict=True)])
    df = np.array([len(b.values) + len(a.values) - 2.0 for b, a in zip(before, after, strict=True)])
    has_runs = (df > 0) & (pooled > 0)
    for number in np.unique(metric[has_runs]):
        own = has_runs & (metric == number)
        # How far the runs scatter as processes of their own do: one thing of all series of a kind of capture.
        ratios[metric == number] = min(1.0, float((squares[own] / pooled[own]).sum() / df[own].sum()))
    for side, sampled in enumerate((before, after)):
        count = np.array([len(s.values) for s in sampled])
        runs[side] = 1 + (count - 1) * ratios
    difference = np.array([a.values.mean() - b.values.mean() for b, a in zip(before, after, strict=True)])
    level = np.array([(a.values.mean() + b.values.mean()) / 2 for b, a in zip(before, after, strict=True)])
    error = np.sqrt(pooled * (1 / runs).sum(axis=0))
    is_known = error > 0
    p = np.where(is_known, 2 * ndtr(-np.abs(difference) / np.where(is_known, error, 1.0)), 0.0)
    half = np.where(is_known, _Z * error / (level + negligible), 0.0)
    # Runs of processes of their own with which sampling alone would stay within the margin.
    needed = 2 * pooled * (_Z / (margin * (level + negligible))) ** 2
    return replace(
        found,
        runs_needed=np.where(needed <= MOST_RUNS, np.maximum(found.runs_needed, np.ceil(needed)), np.nan),
        p=np.where(np.isfinite(found.p), np.maximum(found.p, p), found.p),
        low=np.minimum(found.low, found.effect - half),
        high=np.maximum(found.high, found.effect + half),
    )


def _mean(before: Sampled, after: Sampled) -> float:
    """The variance of a run under no change; 0 where none is known."""
    return float(np.concatenate([before.variances, after.variances]).mean())


def _squares(side: Sampled) -> float:
    return float(((side.values - side.values.mean()) ** 2).sum())
