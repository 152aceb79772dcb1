"""What is found in benchmarks whose machine is slower in some builds, and what is claimed for nothing.

    python -m bench.machines [--families 60] [--seed 5] [--apart]

Families of 24 benchmarks, 16 builds of three runs: two of them get slower at the twelfth build and stay so.
The machine is as it was; another one in each build (by 15 %); 1.6 times as slow at the twelfth build alone;
1.6 times as slow from the tenth build on. Benchmarks feel a slower machine alike, or by a fifth more or less.
False and hints are per 1000 of the others over all builds; regressions are claimed at once / within two
builds. --apart: each benchmark is judged by itself, as if the machine were not the same for all.
"""

from __future__ import annotations

import argparse

import numpy as np
from numpy.typing import NDArray

from tracemill.detection.levels import Levels, Points, find_levels

BENCHMARKS, BUILDS, RUNS = 24, 16, 3
REGRESSED, AT = 2, 11
RATIOS = (1.2, 1.5, 3.0, 38.0)
MACHINES = ("as it was", "another in each build", "slower in one build", "slower from a build on")
NEGLIGIBLE = 1e-9


def slowness(random: np.random.Generator, machine: str) -> NDArray[np.float64]:
    """Logarithms of how much slower the machine is at each build."""
    if machine == "another in each build":
        return 0.15 * random.standard_normal(BUILDS)
    builds = np.arange(BUILDS)
    is_slower = {"slower in one build": builds == AT, "slower from a build on": builds >= AT - 2}
    return np.log(1.6) * is_slower.get(machine, np.zeros(BUILDS))


def make(random: np.random.Generator, machine: str, unlike: float, ratio: float) -> NDArray[np.float64]:
    """Logarithms (benchmarks, builds, runs) of seconds."""
    sigma = np.clip(0.03 * np.exp(0.5 * random.standard_normal(BENCHMARKS)), 0.01, 0.2)
    of_builds = random.standard_normal((BENCHMARKS, BUILDS, 1))
    of_runs = 0.5 * random.standard_normal((BENCHMARKS, BUILDS, RUNS))
    logs = np.log(1e-6) + sigma[:, None, None] * (of_builds + of_runs)
    felt = 1 + unlike * random.standard_normal(BENCHMARKS)
    logs += (felt[:, None] * slowness(random, machine))[:, :, None]
    logs[:REGRESSED, AT:] += np.log(ratio)
    return logs


def judge(logs: NDArray[np.float64], *, is_timed: bool) -> Levels:
    """What is found, a benchmark after the other."""
    nothing = np.zeros(logs[:, :, 0].size)
    points = Points(
        series=np.repeat(np.arange(BENCHMARKS), BUILDS),
        build=np.tile(np.arange(BUILDS), BENCHMARKS),
        log_value=np.median(logs, axis=2).ravel(),
        run_variance=logs.var(axis=2, ddof=1).ravel(),
        run_count=np.full(len(nothing), RUNS),
        counting_variance=nothing,
        negligible=nothing + NEGLIGIBLE,
        context=nothing.astype(int),
    )
    return find_levels(points, is_timed=is_timed)


def row(machine: str, unlike: float, seed: int, families: int, *, is_timed: bool) -> list[str]:
    """One row of the table."""
    random = np.random.default_rng(seed)
    claimed = np.zeros((2, len(RATIOS)))
    cells = []
    for number, ratio in enumerate(RATIOS):
        known = np.zeros(2)
        for _ in range(families):
            found = judge(make(random, machine, unlike, ratio), is_timed=is_timed)
            is_claim = found.is_change.reshape(BENCHMARKS, BUILDS)
            is_hint = found.may_change.reshape(BENCHMARKS, BUILDS)
            claimed[0, number] += is_claim[REGRESSED:].any(axis=1).sum()
            claimed[1, number] += (is_hint & ~is_claim)[REGRESSED:].any(axis=1).sum()
            stays = is_claim & ~found.went_away.reshape(BENCHMARKS, BUILDS)
            at = np.where(stays, found.found_build.reshape(BENCHMARKS, BUILDS), BUILDS)[:REGRESSED, AT - 1 :]
            known += [(at.min(axis=1) <= AT + late).sum() for late in (0, 2)]
        cells.append(" / ".join(f"{k / (REGRESSED * families):.2f}".removeprefix("0") for k in known))
    calm = (BENCHMARKS - REGRESSED) * families * len(RATIOS)
    return [*(f"{1000 * count / calm:.1f}" for count in claimed.sum(axis=1)), *cells]


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--families", type=int, default=60)
    parser.add_argument("--seed", type=int, default=5)
    parser.add_argument("--apart", action="store_true")
    asked = parser.parse_args()
    columns = ["felt", "false", "hints", *(f"×{ratio:g}" for ratio in RATIOS)]
    print(f"\n| machine | {' | '.join(columns)} |\n|---|{'---|' * len(columns)}")
    for machine in MACHINES:
        for unlike in (0.0,) if machine == MACHINES[0] else (0.0, 0.2):
            felt = "± 20 %" if unlike else "alike"
            cells = row(machine, unlike, asked.seed, asked.families, is_timed=not asked.apart)
            print(f"| {machine} | {felt} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
