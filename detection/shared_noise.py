"""Runs in which most series of a side stand off at once: what all share is the machine's, not the code's.

Another process or a pause of the machine makes nearly all that is measured in time slower in one run, and no
other run. A change of code does so in all runs of its side, and is not seen here: each run is set against the
other runs of its own side.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tracemill.detection.rules import RULES

Reals = NDArray[np.float64]

# Fewer series say nothing of what all share, fewer runs nothing of what is usual.
LEAST_SERIES, LEAST_RUNS = 5, 4
# So many series must be off to the same side, and the one in the middle by so many deviations.
SHARE, DEVIATIONS = 0.8, 3.0
# Scale of the median of absolute deviations for the normal distribution.
_NORMAL = 1.4826


@dataclass(frozen=True, slots=True)
class SharedNoise:
    """A run that stands off: its number, the share of series that do, and by what ratio the middle one."""

    run: int
    share: float
    ratio: float


def shared_noise(values: Reals, least_ratio: float) -> list[SharedNoise]:
    """The runs of one side that stand off.

    values: logarithms of the figures, (n_series, n_runs), nan where a series has none. least_ratio: what is
    worth a word, as the logarithm of a ratio.
    """
    if values.shape[0] < LEAST_SERIES or values.shape[1] < LEAST_RUNS:
        return []
    known = values[np.isfinite(values).sum(axis=1) >= LEAST_RUNS]
    if len(known) < LEAST_SERIES:
        return []
    off = known - np.nanmedian(known, axis=1, keepdims=True)
    noise = np.maximum(_NORMAL * np.nanmedian(np.abs(off), axis=1, keepdims=True), RULES.least_noise)
    found = []
    for run in range(off.shape[1]):
        has = np.isfinite(off[:, run])
        if has.sum() < LEAST_SERIES:
            continue
        middle = float(np.median(off[has, run]))
        share = float((np.sign(off[has, run]) == np.sign(middle)).mean())
        deviations = float(np.median(np.abs(off[has, run] / noise[has, 0])))
        if share >= SHARE and deviations >= DEVIATIONS and abs(middle) >= least_ratio:
            found.append(SharedNoise(run, share, float(np.exp(middle))))
    return found
