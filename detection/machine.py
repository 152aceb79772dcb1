"""What a machine does to the timed series of a build: it is slower, and so are all of them.

How far a build's series are from their levels they may have in common: their middle is taken off all of
them before each is judged, if nearly all lie nearer to it than to their levels. Then it is the machine's, or
a change of all. A change of some, even of most, is none of this: the others stayed where they were.

No series feels a machine quite as the others do. How unlike they feel it is learnt from how far they lie
about the middle, as a share of it, and does not become less with the number of builds: a series that a
machine slows down more than others stays so for as long as the machine is slow.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tracemill.detection.distributions import median_variance
from tracemill.detection.outliers import cautious
from tracemill.detection.rules import Rules

Reals = NDArray[np.float64]
Ints = NDArray[np.int64]

# The median of |Z| of the standard normal distribution.
_MIDDLE = 0.6745
# A deviation that a median of n tells is known like one of so many times n degrees of freedom.
_OF_MEDIAN = 0.37
# How unlike the series feel the machine, as shares of what they have in common.
_SHARES = np.linspace(0.0, 2.0, 201)


class Machine:
    """What the series of each build have in common, as a logarithm: shift, (n_builds,)."""

    def __init__(self, rules: Rules, builds: int) -> None:
        self.rules = rules
        self.shift = np.zeros(builds)
        # Before each build.
        self._sums = np.zeros(builds + 1)
        # Over the builds so far: squares of how unlike the series felt it, and of what they felt.
        self._unlike, self._squares = 0.0, 0.0

    def see(self, build: int, away: Reals, variance: Reals) -> tuple[float, float]:
        """What the build's series have in common, and its variance; both 0 where that is nothing.

        away: (n_series,) from their levels, of those that can tell; variance: of that, by the noise of each.
        """
        shift = self._shared(build, away)
        self.shift[build] = shift
        self._sums[build + 1] = self._sums[build] + shift
        if not shift:
            return 0.0, 0.0
        rest = np.abs(away - shift)
        scaled = rest / np.sqrt(variance + (_SHARES[:, None] * shift) ** 2)
        is_less = np.median(scaled, axis=1) > _MIDDLE
        share = _SHARES[min(int(is_less.sum()), len(_SHARES) - 1)]
        known = cautious(np.ones(1), np.array([_OF_MEDIAN * len(away)]))
        self._unlike += float((share * shift / known[0]) ** 2)
        self._squares += shift**2
        spread = float(np.median(rest)) / _MIDDLE
        return shift, float(spread**2 * median_variance(np.array([len(away)], float))[0])

    def _shared(self, build: int, away: Reals) -> float:
        if not len(away):
            return 0.0
        middle = float(np.median(away))
        if len(away) < self.rules.least_shared_series:
            # Too few to tell; but they may say that a machine which was slow at the build before still is.
            before = float(self.shift[build - 1]) if build else 0.0
            return before if abs(middle - before) < abs(middle) else 0.0
        is_shared = np.abs(away - middle) < np.abs(away)
        return middle if is_shared.mean() >= self.rules.shared_share else 0.0

    def doubt(self, after: Reals, before: Reals) -> Reals:
        """Variance of a difference between builds of these mean shifts, by how unlike series feel them."""
        return np.asarray(self._unlike / max(self._squares, 1e-300) * (after - before) ** 2)

    def mean(self, start: Ints, end: Ints) -> Reals:
        """The mean shift of the builds from column start to before end; of any one shape."""
        return np.asarray((self._sums[end] - self._sums[start]) / np.maximum(end - start, 1))
