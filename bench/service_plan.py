"""What is recorded of the example service, and in which order: series of builds, most with one regression.

The order matters. The machine is faster at one time than at another: were the builds of a series recorded
one after the other, its speed would look like a regression, or hide one. So recordings are made in random
order, with real-time priority. Two series without a change are recorded build by build instead, as a CI does
it, all through the same time; one of them without priority, on a machine that does what else it does.
"""

from __future__ import annotations

import random
from dataclasses import dataclass

RUNS = 3
CALM_BUILDS = 30
BUILDS = 20
PERCENTS = (2, 5, 10, 20, 50)
CALM = "calm"
IN_ORDER, BUSY = "calm-in-order", "calm-busy"
# The same with a map four times as large.
LARGE = "calm-large"
# The kinds of regression, by the series whose builds stand before them.
KINDS = {CALM: ("leak", "contention"), LARGE: ("largeleak",)}
# A regression begins no earlier than this build, and leaves as many builds after it.
MARGIN = 5


@dataclass(frozen=True)
class Series:
    """Builds in their order; from first_bad (1 is the first build) on with a regression. 0: none has it."""

    name: str
    kind: str = ""
    percent: int = 0
    first_bad: int = 0
    builds: int = CALM_BUILDS
    # Which builds of which series without a change stand before the regression.
    calm_before: tuple[int, ...] = ()
    calm: str = CALM

    @property
    def variant(self) -> str:
        """The program that is recorded: all repeats of one regression share it."""
        if self.kind:
            return f"{self.kind}-{self.percent}"
        return LARGE if self.name == LARGE else CALM

    @property
    def own_builds(self) -> range:
        """The builds that are recorded for this series alone."""
        return range(max(self.first_bad, 1), self.builds + 1)


@dataclass(frozen=True)
class Take:
    """One run of one build, to be recorded."""

    series: Series
    build: int
    run: int

    @property
    def place(self) -> str:
        """Its folder below the recordings."""
        return f"{self.series.name}/{build_id(self.build)}/r{self.run}"


def build_id(number: int) -> str:
    return f"b{number:02}"


def all_series(repeats: int, seed: int) -> list[Series]:
    """The series without a change, then each kind and size so many times, from a build of its own on."""
    chance = random.Random(seed)
    found = [Series(CALM), Series(IN_ORDER), Series(BUSY), Series(LARGE)]
    for calm, kinds in KINDS.items():
        for repeat in range(1, repeats + 1):
            for kind in kinds:
                for percent in PERCENTS:
                    first_bad = chance.randint(MARGIN + 1, BUILDS - MARGIN + 1)
                    before = sorted(chance.sample(range(1, CALM_BUILDS + 1), first_bad - 1))
                    name = f"{kind}-{percent:02}-{repeat}"
                    found.append(Series(name, kind, percent, first_bad, BUILDS, tuple(before), calm))
    return found


def schedule(series: list[Series], seed: int) -> list[Take]:
    """Every run once, in random order; the series IN_ORDER and BUSY in theirs, evenly among the others."""
    mixed = [take for s in series for take in _takes(s) if s.name not in (IN_ORDER, BUSY)]
    random.Random(seed).shuffle(mixed)
    ordered = [_takes(s) for s in series if s.name in (IN_ORDER, BUSY)]
    # The runs of a build one after the other, the builds of both series in turn.
    builds = [takes[at : at + RUNS] for at in range(0, RUNS * CALM_BUILDS, RUNS) for takes in ordered]
    step = len(mixed) / max(len(builds), 1)
    for at, takes in reversed(list(enumerate(builds))):
        place = int(at * step)
        mixed[place:place] = takes
    return mixed


def _takes(series: Series) -> list[Take]:
    return [Take(series, build, run) for build in series.own_builds for run in range(1, RUNS + 1)]
