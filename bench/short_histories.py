"""What is found in short histories and in families that are not alike, and what is claimed for nothing.

    python -m bench.short_histories [--short] [--builds 8 14 …] [--runs 1 3] [--series 5 50 5000]

A tenth of the series steps by 3, 4, 6 or 12 standard deviations in the middle of the history. The
deviations of a family spread by e^0.3, or by e^1.5 with a fifth of its series constant. Printed: of 1000
series without a change, how many were claimed at any build, taken back or not, and how many are hinted at
in the end; of the steps, how many were claimed at once / within two / within four builds.
--short: families of 50, 20 builds, three runs.
"""

from __future__ import annotations

import argparse

import numpy as np
from numpy.typing import NDArray

from bench.synthetic import NOISES, build_noise
from tracemill.detection.levels import Levels, Points, find_levels

SIZES = (3, 4, 6, 12)
SPREADS = {"e^0.3": 0.3, "e^1.5, constants": 1.5}
NEAR = 3
NEGLIGIBLE = 1e-6
# Series of each cell, at least; whole families.
SERIES = 1000


def make(
    random: np.random.Generator, noise: str, size: int, shape: tuple[int, int, int], spread: float
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Logarithms (series, builds, runs), nan for a missing build; and the series that step in the middle."""
    series, builds, _ = shape
    sigma = np.clip(0.08 * np.exp(spread * random.standard_normal(series)), 0.01, 1.0)
    scatter = sigma.copy()
    if spread > 1:
        is_constant = random.random(series) < 0.2
        sigma[is_constant], scatter[is_constant] = 0.02, 0.0
    steps = max(series // 10, 1) if series >= 10 else int(random.random() < series / 10)
    rows = random.choice(series, steps, replace=False)
    of_runs = 0.5 * scatter[:, None, None] * random.standard_normal(shape)
    logs = np.log(100.0) + scatter[:, None] * build_noise(random, noise, (series, builds))
    logs[rows, builds // 2 :] += (size * sigma[rows] * random.choice([-1.0, 1.0], steps))[:, None]
    values = logs[:, :, None] + of_runs
    if noise == "missing":
        values[random.random((series, builds)) < 0.2] = np.nan
    return values, rows


def judge(
    values: NDArray[np.float64],
    builds_before: int = 0,
    *,
    families: int = 1,
    negligible: float = NEGLIGIBLE,
) -> tuple[NDArray[np.int64], NDArray[np.int64], Levels]:
    """The points' series and builds, and what was found."""
    runs = values.shape[2]
    medians = np.median(values, axis=2)
    row, build = np.nonzero(np.isfinite(medians))
    variance = values.var(axis=2, ddof=1) if runs > 1 else np.full(medians.shape, np.nan)
    nothing = np.zeros(len(row))
    points = Points(
        series=row,
        build=build,
        log_value=medians[row, build],
        run_variance=variance[row, build],
        run_count=np.full(len(row), runs),
        counting_variance=nothing,
        negligible=nothing + negligible,
        context=nothing.astype(int),
    )
    return row, build, find_levels(points, families, builds_before=builds_before)


def cell(noise: str, shape: tuple[int, int, int], spread: float, seed: int) -> list[str]:
    """One row of the table."""
    random = np.random.default_rng(seed)
    families = max(1, SERIES // shape[0])
    calm, false, hints = 0, 0, 0
    cells = []
    for size in SIZES:
        steps, known = 0, np.zeros(3)
        for _ in range(families):
            values, stepped = make(random, noise, size, shape, spread)
            row, build, found = judge(values)
            claimed, hinted = set(row[found.is_change]), set(row[found.may_change])
            calm += shape[0] - len(stepped)
            false += len(claimed - set(stepped))
            hints += len(hinted - claimed - set(stepped))
            is_near = found.is_change & ~found.went_away & (np.abs(build - shape[1] // 2) <= NEAR)
            steps += len(stepped)
            for at in (found.found_build[is_near & (row == series)] for series in stepped):
                known += [bool(len(at)) and at.min() - shape[1] // 2 <= late for late in (0, 1, 3)]
        cells.append(" / ".join(f"{k / max(steps, 1):.2f}".removeprefix("0") for k in known))
    return [f"{1000 * false / calm:.1f}", f"{1000 * hints / calm:.1f}", *cells]


def main() -> None:
    """Print a table for each size of family, history and number of runs."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--short", action="store_true")
    parser.add_argument("--builds", type=int, nargs="+", default=[8, 14, 20, 50, 100])
    parser.add_argument("--runs", type=int, nargs="+", default=[1, 3])
    parser.add_argument("--series", type=int, nargs="+", default=[5, 50, 5000])
    parser.add_argument("--seed", type=int, default=5)
    asked = parser.parse_args()
    if asked.short:
        asked.series, asked.builds, asked.runs = [50], [20], [3]
    columns = ["false", "hints", *(f"{size} σ" for size in SIZES)]
    for shape in [(s, b, r) for s in asked.series for b in asked.builds for r in asked.runs]:
        for name, spread in SPREADS.items():
            print(f"\n{shape[0]} series, {shape[1]} builds, {shape[2]} runs a build, σ spread by {name}\n")
            print(f"| noise | {' | '.join(columns)} |\n|---|{'---|' * len(columns)}")
            for noise in NOISES:
                print(f"| {noise} | {' | '.join(cell(noise, shape, spread, asked.seed))} |", flush=True)


if __name__ == "__main__":
    main()
