"""detection/sampling: two captures of one process tell no more than their samples do."""

from __future__ import annotations

import numpy as np
import pytest

from tracemill.detection.compare import Compared, estimate, judged
from tracemill.detection.sampling import Sampled, at_least_sampling

SERIES = 300
MARGIN = float(np.log(1.05))
RATE = 512 * 1024
NEGLIGIBLE = 1000.0


def answered(before: np.ndarray, after: np.ndarray, *, is_sampled: bool = True) -> Compared:
    """The answers for samples (SERIES, runs) of RATE bytes each."""
    metric = np.zeros(SERIES, np.int64)
    sides = [[Sampled(RATE * row, RATE**2 * row) for row in side.astype(float)] for side in (before, after)]
    logs = [[np.log(s.values + NEGLIGIBLE) for s in side] for side in sides]
    found = estimate(*logs, metric, MARGIN, SERIES)
    if is_sampled:
        found = at_least_sampling(found, *sides, np.full(SERIES, NEGLIGIBLE), metric, MARGIN)
    return judged(found, MARGIN)


def of_one_process(random: np.random.Generator, samples: np.ndarray, captures: int) -> np.ndarray:
    """Captures one soon after the other: hardly a sample more each time."""
    first = random.poisson(samples)
    more = random.poisson(np.repeat(0.01 * samples[:, None], captures - 1, axis=1)).cumsum(axis=1)
    return np.column_stack([first, first[:, None] + more])


@pytest.mark.parametrize("captures", [2, 3])
def test_captures_of_one_process_are_no_runs(captures: int) -> None:
    random = np.random.default_rng(captures)
    samples = np.geomspace(0.5, 200, SERIES)
    before, after = (of_one_process(random, samples, captures) for _ in range(2))
    assert answered(before, after, is_sampled=False).is_different.sum() > 20
    found = answered(before, after)
    assert not found.is_different.any()
    # Nor do they say that a site of a few samples is as it was.
    is_seen = (before.sum(axis=1) + after.sum(axis=1)) > 0
    assert not found.is_within[is_seen & (samples < 100)].any()
    needed = found.runs_needed[is_seen & np.isfinite(found.runs_needed)]
    assert len(needed) > 10 and (needed > 10).all()


def test_what_rose_beyond_its_samples_is_found_in_captures_of_one_process() -> None:
    random = np.random.default_rng(9)
    samples = np.full(SERIES, 20.0)
    before = of_one_process(random, samples, 2)
    samples[:10] *= 8
    found = answered(before, of_one_process(random, samples, 2))
    assert found.is_different[:10].all()
    # Of all that is claimed one in a hundred may be false.
    assert found.is_different[10:].sum() <= 1


@pytest.mark.parametrize("ratio", [1.0, 2.0])
def test_processes_of_their_own_are_told_apart_as_before(ratio: float) -> None:
    random = np.random.default_rng(4)
    samples = np.full((SERIES, 5), 40.0)
    before = random.poisson(samples)
    samples[:20] *= ratio
    after = random.poisson(samples)
    plain, found = answered(before, after, is_sampled=False), answered(before, after)
    assert found.is_different.sum() >= 0.9 * plain.is_different.sum()
    assert found.is_different[20:].sum() == 0


def test_what_is_not_sampled_stays_as_it_was() -> None:
    random = np.random.default_rng(2)
    values = random.normal(10, 0.1, (SERIES, 4))
    metric = np.zeros(SERIES, np.int64)
    sides = [[Sampled(row, np.zeros(4)) for row in values] for _ in range(2)]
    plain = estimate([np.log(row) for row in values], [np.log(row) for row in values], metric, MARGIN, SERIES)
    found = at_least_sampling(plain, *sides, np.zeros(SERIES), metric, MARGIN)
    for name in ("p", "low", "high", "runs_needed"):
        np.testing.assert_array_equal(getattr(found, name), getattr(plain, name))
