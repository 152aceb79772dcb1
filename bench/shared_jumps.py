"""What one build at which many series of a family jump and come back costs, and what several of them claim.

    python -m bench.shared_jumps

Families of 40 series over 24 builds of two runs, lognormal noise of 5 %, spread by e^0.5, 20 of them judged
beside each other. At some builds half of the series are some e times as much for that build alone: a pause of
the machine, or a change that was taken back. At build 14 one series steps, to 1.5, 3 or 20 times as much, and
stays. Printed: of the steps, how many are claimed at once / within two / within four builds; of 1000 series
without a step, how many are claimed at any build, taken back or not, and how many have a claim that stays.
"""

from __future__ import annotations

import argparse

import numpy as np
from numpy.typing import NDArray

from bench.short_histories import judge

SERIES, BUILDS, RUNS, STEP, FAMILIES = 40, 24, 2, 14, 20
LEVEL, NEGLIGIBLE = 17.0, 1e6
STEPS = (1.5, 3.0, 20.0)
# At which builds half of the series jump.
JUMPS: dict[str, tuple[int, ...] | float] = {
    "none": (),
    "b08": (8,),
    "b06, b10": (6, 10),
    "b12": (12,),
    "b20": (20,),
    "one in ten": 0.1,
    "one in five": 0.2,
}


def make(random: np.random.Generator, jumps: tuple[int, ...] | float, step: float) -> NDArray[np.float64]:
    """Logarithms (series, builds, runs); the first series steps."""
    deviation = 0.05 * np.exp(0.5 * random.standard_normal((SERIES, 1, 1)))
    values = LEVEL + deviation * random.standard_normal((SERIES, BUILDS, RUNS))
    at = np.array(jumps, int) if isinstance(jumps, tuple) else np.flatnonzero(random.random(BUILDS) < jumps)
    for build in at:
        does_jump = np.flatnonzero(random.random(SERIES) < 0.5)
        does_jump = does_jump[does_jump > 0]
        values[does_jump, build] += np.exp(0.5 * random.standard_normal((len(does_jump), 1)))
    values[0, STEP:] += np.log(step)
    return np.log(np.exp(values) + NEGLIGIBLE)


def found(logs: NDArray[np.float64]) -> tuple[NDArray[np.bool_], float, float]:
    """Whether the step is claimed at once, within two, within four builds; shares of the others claimed."""
    _, _, levels = judge(logs, families=FAMILIES, negligible=NEGLIGIBLE)
    is_change = levels.is_change.reshape(logs.shape[:2])
    stays = is_change & ~levels.went_away.reshape(logs.shape[:2])
    near = slice(STEP - 1, STEP + 4)
    known_at = levels.found_build.reshape(logs.shape[:2])[0, near][stays[0, near]]
    late = known_at.min() - STEP if len(known_at) else BUILDS
    of_others = (flags[1:].any(axis=1).mean() for flags in (is_change, stays))
    return np.array([late < 1, late < 2, late < 4]), *of_others


def main() -> None:
    """The table of docs/detection.md."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--families", type=int, default=60)
    parser.add_argument("--seed", type=int, default=5)
    arguments = parser.parse_args()
    steps = " | ".join(f"×{step:g}" for step in STEPS)
    print(f"| half jump at | {steps} | claimed for nothing | that stay |")
    print("|---" * (len(STEPS) + 3) + "|")
    for name, jumps in JUMPS.items():
        random = np.random.default_rng(arguments.seed)
        cells, any_false, stay = [], [], []
        for step in STEPS:
            of = [found(make(random, jumps, step)) for _ in range(arguments.families)]
            cells.append(" / ".join(f"{share:.2f}" for share in np.mean([late for late, _, _ in of], axis=0)))
            any_false += [share for _, share, _ in of]
            stay += [share for _, _, share in of]
        false = f"{1000 * np.mean(any_false):.1f} | {1000 * np.mean(stay):.1f}"
        print(f"| {name} | {' | '.join(cells)} | {false} |", flush=True)


if __name__ == "__main__":
    main()
