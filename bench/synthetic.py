"""Series with known changes: what detectors are measured with.

A build's figure, the median of three runs, is its level plus noise of standard deviation 1:
the build's own, of one of the kinds in NOISES, and that of its runs, which scatter by half of
one. Steps are in these standard deviations. One series' deviation is 2.5 to 10 % of its level,
so that its steps are above the 2 % below which nothing is worth a word.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import e, sqrt

import numpy as np
from numpy.typing import NDArray

Reals = NDArray[np.float64]
NOISES = ("normal", "lognormal", "spikes", "bimodal", "AR(1)", "drift", "heteroscedastic", "missing")
SCENARIOS = ("1 sigma", "2 sigma", "3 sigma", "several", "ramp")
LEVEL = 100.0
RAMP_BUILDS = 20
# Runs scatter by so many standard deviations of a build's figure, which is the median of three; so much of
# its variance is theirs.
RUN_NOISE = 0.5
OF_RUNS = 0.449 * RUN_NOISE**2
# Neither at the very first builds, of which nothing can be known, nor at the last ones.
MARGIN = 10


@dataclass(frozen=True)
class Synthetic:
    """runs: (series, builds, runs), nan for a missing build; steps: per series the builds of its changes."""

    noise: str
    scenario: str
    runs: Reals
    steps: list[list[int]]

    @property
    def medians(self) -> Reals:
        """Per-build medians of the first three runs, (series, builds)."""
        return np.median(self.runs[:, :, :3], axis=2)


def build_noise(random: np.random.Generator, kind: str, shape: tuple[int, int]) -> Reals:
    """Noise of builds (series, builds) with standard deviation 1, spikes left aside."""
    normal = random.standard_normal(shape)
    builds = shape[1]
    if kind == "lognormal":
        return (np.exp(normal) - sqrt(e)) / sqrt((e - 1) * e)
    if kind == "spikes":
        return normal + (random.random(shape) < 0.04) * random.uniform(8, 12, shape)
    if kind == "bimodal":
        return 0.95 * random.choice([-1.0, 1.0], shape) + 0.3 * normal
    if kind == "AR(1)":
        out = normal.copy()
        for build in range(1, builds):
            out[:, build] = 0.5 * out[:, build - 1] + sqrt(0.75) * normal[:, build]
        return out
    if kind == "drift":
        return normal + np.linspace(-0.5, 0.5, builds) * random.choice([-1.0, 1.0], (shape[0], 1))
    if kind == "heteroscedastic":
        return normal * np.linspace(0.6, 1.4, builds)
    return normal


def make(random: np.random.Generator, noise: str, scenario: str, series: int, builds: int) -> Synthetic:
    """A tenth of the series change, as the scenario says; the others do not. Ten runs a build."""
    shape = (series, builds)
    deviations = sqrt(1 - OF_RUNS) * build_noise(random, noise, shape)
    steps: list[list[int]] = [[] for _ in range(series)]
    for row in range(series // 10):
        sign = random.choice([-1.0, 1.0])
        if scenario == "several":
            third = builds // 3
            steps[row] = [int(b) for b in np.array([third, 2 * third]) + random.integers(-5, 6, 2)]
            deviations[row, steps[row][0] : steps[row][1]] += 3 * sign
            continue
        margin = min(MARGIN, builds // 4)
        at = int(random.integers(margin, builds - margin - (RAMP_BUILDS if scenario == "ramp" else 0)))
        steps[row] = [at]
        if scenario == "ramp":
            deviations[row] += 3 * sign * np.clip((np.arange(builds) - at) / RAMP_BUILDS, 0, 1)
        else:
            deviations[row, at:] += int(scenario[0]) * sign
    runs = deviations[:, :, None] + RUN_NOISE * random.standard_normal((*shape, 10))
    spread = np.clip(0.05 * np.exp(0.4 * random.standard_normal(series)), 0.025, 0.1)[:, None, None]
    values = LEVEL * np.maximum(1 + spread * runs, 0.05)
    if noise == "missing":
        values[random.random(shape) < 0.2] = np.nan
    return Synthetic(noise, scenario, values, steps)
