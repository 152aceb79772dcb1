"""What is claimed of series that stand at one value and now and then at another, beside others that do not.

    python -m bench.jumps

Families of 30 series over 30 builds, five of which jump: each run may find the figure a fifth lower, as where
a pool needs one buffer less, or a wait that is not there in the other runs. The other 25 have lognormal
noise of 5 %, spread by e^0.5. Nothing ever changes. Printed: of 1000 series of each kind, how many have a
claim at any build that the next one did not take back.
"""

from __future__ import annotations

import argparse

import numpy as np
from numpy.typing import NDArray

from bench.short_histories import judge

SERIES, JUMPING, BUILDS = 30, 5, 30
# Families at once in a publication, which share what may be false.
FAMILIES = 20
LEVEL, NEGLIGIBLE = 17.0, 1e6
CHANCES = (0.05, 0.1, 0.2, 0.33, 0.5)


def make(random: np.random.Generator, kind: str, chance: float, runs: int) -> NDArray[np.float64]:
    """Logarithms (series, builds, runs); the first JUMPING series jump."""
    deviation = 0.05 * np.exp(0.5 * random.standard_normal((SERIES, 1, 1)))
    values = np.exp(LEVEL + deviation * random.standard_normal((SERIES, BUILDS, runs)))
    shape = JUMPING, BUILDS, runs
    is_jump = random.random(shape) < chance
    if kind == "a fifth less":
        values[:JUMPING] = np.exp(LEVEL) * np.where(is_jump, 0.8, 1.0)
    else:
        values[:JUMPING] = np.where(is_jump, np.exp(LEVEL + 0.3 * random.standard_normal(shape)), 0.0)
    return np.log(values + NEGLIGIBLE)


def claimed(logs: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Which series have a claim that stays."""
    _, _, found = judge(logs, families=FAMILIES, negligible=NEGLIGIBLE)
    is_claim = (found.is_change & ~found.went_away).reshape(logs.shape[:2])
    return np.asarray(is_claim.any(axis=1))


def main() -> None:
    """The table of docs/detection.md."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--families", type=int, default=100)
    parser.add_argument("--seed", type=int, default=3)
    arguments = parser.parse_args()
    print("| kind | runs | " + " | ".join(f"{chance:.0%} of runs" for chance in CHANCES) + " | the others |")
    print("|---" * (len(CHANCES) + 3) + "|")
    for kind in ("a fifth less", "there or not"):
        for runs in (1, 2, 3):
            random = np.random.default_rng(arguments.seed)
            found = [
                np.array([claimed(make(random, kind, chance, runs)) for _ in range(arguments.families)])
                for chance in CHANCES
            ]
            shares = [f"{1000 * of[:, :JUMPING].mean():.0f}" for of in found]
            others = 1000 * np.array(found)[:, :, JUMPING:].mean()
            print(f"| {kind} | {runs} | {' | '.join(shares)} | {others:.1f} |", flush=True)


if __name__ == "__main__":
    main()
