"""The least change of the last build that is told of: at once, as a hint, and once it lasts.

    python -m bench.sensitivity [--builds 14] [--runs 2] [--families 12]

Families of 1 to 200 series whose builds differ by 2 to 30 %, beside other families. Printed: the ratio that
half of the series need for a verdict at once, for a hint, and for a verdict once four builds stand there; and
what nine in ten need.
"""

from __future__ import annotations

import argparse

import numpy as np

from bench.short_histories import judge

SERIES = (1, 5, 40, 200)
DEVIATIONS = (0.02, 0.1, 0.3)
# Series of each size of family, at least.
LEAST_SERIES = 600
QUANTILES = (0.5, 0.9)


def row(series: int, builds: int, runs: int, families: int, seed: int) -> list[str]:
    """The ratios of one size of family."""
    random = np.random.default_rng(seed)
    found = []
    for _ in range(-(-LEAST_SERIES // series)):
        of_builds, of_runs = (random.standard_normal((series, builds, n)) for n in (1, runs))
        logs = np.log(100.0) + random.choice(DEVIATIONS, (series, 1, 1)) * (of_builds + 0.5 * of_runs)
        least = judge(logs, families=families)[2].least
        found.append([of[np.isfinite(of)] for of in (least.claimed, least.hinted, least.lasting)])
    every = [np.concatenate(of) for of in zip(*found, strict=True)]
    return [" / ".join(f"{np.exp(np.quantile(of, q)):.3g}" for q in QUANTILES) for of in every]


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--builds", type=int, default=14)
    parser.add_argument("--runs", type=int, default=2)
    parser.add_argument("--families", type=int, default=12)
    parser.add_argument("--seed", type=int, default=5)
    asked = parser.parse_args()
    print("| series | at once | a hint | four builds |\n|---|---|---|---|")
    for series in SERIES:
        cells = row(series, asked.builds, asked.runs, asked.families, asked.seed)
        print(f"| {series} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
