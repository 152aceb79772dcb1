"""Long histories judged in stretches, beside the same ones judged from their first build on.

    python -m bench.long_histories [--builds 300] [--series 1000]

What a gate would have said at each build. Printed: of 1000 series without a change, how many were claimed at
any build, taken back or not; of the steps by 1, 2 and 3 standard deviations, how many were claimed within
three builds of their place, and how many builds later (median).
"""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

import numpy as np

from bench.short_histories import judge
from bench.synthetic import NOISES, Synthetic, make
from tracemill.warehouse.stretches import stretches

if TYPE_CHECKING:
    from collections.abc import Iterator

SCENARIOS = ("1 sigma", "2 sigma", "3 sigma")
NEAR = 3
# Series, the build where one changes, and the build that makes it known.
Claim = tuple[int, int, int]


def claims(values: np.ndarray, first: int, last: int) -> Iterator[Claim]:
    """What is claimed of the builds from first to last, taken back or not."""
    row, build, found = judge(np.log(values[:, first : last + 1, :3]), first)
    for point in np.flatnonzero(found.is_change):
        known = found.found_build[point]
        yield int(row[point]), first + int(build[point]), first + int(known)


def at_each_build(data: Synthetic) -> list[Claim]:
    """What was claimed when each build was the newest one."""
    builds = data.runs.shape[1]
    newest = {n: stretches([str(b) for b in range(n + 1)])[-1].among[0] for n in range(builds)}
    found = []
    for first in sorted({int(name) for name in newest.values()}):
        judged = [n for n, name in newest.items() if int(name) == first]
        # Nothing looks ahead: what the last of them knows is what each of them knew.
        found += [c for c in claims(data.runs, first, judged[-1]) if judged[0] <= c[2]]
    return found


def figures(data: Synthetic, found: list[Claim]) -> tuple[float, float, float]:
    """False alarms of 1000 series, the share of steps found, and their median delay."""
    calm = {row for row, steps in enumerate(data.steps) if not steps}
    false = {row for row, _, _ in found if row in calm}
    delays = {}
    for row, place, known in sorted(found, key=lambda claim: claim[2]):
        if data.steps[row] and abs(place - data.steps[row][0]) <= NEAR:
            delays.setdefault(row, known - data.steps[row][0])
    stepped = len(data.steps) - len(calm)
    return (
        1000 * len(false) / len(calm),
        len(delays) / stepped,
        float(np.median([*delays.values()] or [np.nan])),
    )


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--builds", type=int, default=300)
    parser.add_argument("--series", type=int, default=1000)
    given = parser.parse_args()
    print(f"{len(NOISES)} × {len(SCENARIOS)} × {given.series} series of {given.builds} builds\n")
    print(
        "| noise | false, in stretches | as a whole | found, in stretches | as a whole | delay | as a whole |"
    )
    print("|---|---|---|---|---|---|---|")
    for noise in NOISES:
        random = np.random.default_rng(7)
        cells = []
        for scenario in SCENARIOS:
            data = make(random, noise, scenario, given.series, given.builds)
            whole = list(claims(data.runs, 0, given.builds - 1))
            cells.append((figures(data, at_each_build(data)), figures(data, whole)))
        line = [f"{np.mean([c[side][0] for c in cells]):.1f}" for side in (0, 1)]
        line += [" / ".join(f"{c[side][1]:.2f}" for c in cells) for side in (0, 1)]
        line += [" / ".join(f"{c[side][2]:.0f}" for c in cells) for side in (0, 1)]
        print(f"| {noise} | {' | '.join(line)} |", flush=True)


if __name__ == "__main__":
    main()
