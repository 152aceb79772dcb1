"""How well changes are found, and how often one is claimed that is none, beside other tools.

    python -m bench.detection [--series 400] [--builds 100] [--full] [--no-rivals]

Prints the tables of docs/detection.md. --full: 2000 series of each kind. Apache Otava pins old libraries, so
it and ruptures have an environment of their own: .cache/otava, made at the first run (pip).

False alarms: series without a change in which a tool claims one, per 1000, even if it takes that back later.
Found: changes that a claim within three builds tells of; of a ramp, a claim between its start and three
builds after its end. Delay: builds from a change until it is first claimed, median; only for what judges
build by build.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from bench.synthetic import NOISES, RAMP_BUILDS, SCENARIOS, Synthetic, make
from tracemill.detection.distributions import benjamini_hochberg
from tracemill.detection.family import Family
from tracemill.detection.levels import Points, find_levels
from tracemill.detection.rank_scan import scan
from tracemill.detection.rules import Rules

ROOT = Path(__file__).resolve().parents[1]
ENVIRONMENT = ROOT / ".cache" / "otava"
NEAR = 3
SHORT_SERIES, SHORT_BUILDS = 50, 20
NEGLIGIBLE = 1e-6
# Of 10 against 10 values, the exact two-sided p of Mann and Whitney is below 0.05 for U up to this.
LARGEST_U = 23


@dataclass
class Claims:
    """A tool's claims: per series (build of the change, build at which it was claimed).

    withdrawn: series with a claim that the next build took back: a false alarm, but no change found.
    """

    points: list[list[tuple[int, int]]]
    cpu: float
    has_delay: bool = True
    withdrawn: frozenset[int] = frozenset()


@dataclass
class Score:
    """Counts over data sets."""

    calm: int = 0
    false: int = 0
    changes: int = 0
    found: int = 0
    delays: list[int] = field(default_factory=list)

    def add(self, data: Synthetic, claims: Claims) -> None:
        """Count one tool's claims on one data set."""
        slack = NEAR + (RAMP_BUILDS if data.scenario == "ramp" else 0)
        for series, (steps, points) in enumerate(zip(data.steps, claims.points, strict=True)):
            if not steps:
                self.calm += 1
                self.false += bool(points) or series in claims.withdrawn
            for step in steps:
                near = [seen - step for at, seen in points if -NEAR <= at - step <= slack]
                self.changes += 1
                self.found += bool(near)
                if near and claims.has_delay:
                    self.delays.append(max(min(near), 0))


def tracemill(data: Synthetic, *, rules: Rules, with_hints: bool = False) -> Claims:
    """Our own: levels build by build, and the re-check of the history; hints: what may have changed, too."""
    series, builds = data.runs.shape[:2]
    logs = np.log(data.runs[:, :, :3] + NEGLIGIBLE)
    is_here = np.isfinite(data.medians).ravel()
    row, build = np.repeat(np.arange(series), builds)[is_here], np.tile(np.arange(builds), series)[is_here]
    began = time.process_time()
    levels = find_levels(
        Points(
            series=row,
            build=build,
            log_value=np.median(logs, axis=2).ravel()[is_here],
            run_variance=logs.var(axis=2, ddof=1).ravel()[is_here],
            run_count=np.full(len(row), 3),
            counting_variance=np.zeros(len(row)),
            negligible=np.full(len(row), NEGLIGIBLE),
            context=np.zeros(len(row), int),
        ),
        rules=rules,
    )
    cpu = time.process_time() - began
    points: list[list[tuple[int, int]]] = [[] for _ in range(series)]
    for at in np.flatnonzero(levels.is_change & ~levels.went_away):
        points[row[at]].append((int(build[at]), int(levels.found_build[at])))
    for at in np.flatnonzero(levels.may_change) if with_hints else ():
        points[row[at]].append((int(build[at]), builds - 1))
    return Claims(points, cpu, withdrawn=frozenset(row[levels.went_away].tolist()))


def look_back(data: Synthetic) -> Claims:
    """One look at the end, over the whole history: one cut by the rank scan, Benjamini-Hochberg at 5 %."""
    values = np.log(data.medians)
    began = time.process_time()
    series, builds = values.shape
    nothing = np.zeros(series)
    family = Family.unknown(builds, drifts=False)
    cut = scan(values, np.isfinite(values), family, nothing, nothing)
    is_found = benjamini_hochberg(cut.p) <= 0.05
    cpu = time.process_time() - began
    points = [[(int(at), int(at))] if found else [] for at, found in zip(cut.place, is_found, strict=True)]
    return Claims(points, cpu, has_delay=False)


def two_builds(is_other: Callable[[Synthetic], np.ndarray]) -> Callable[[Synthetic], Claims]:
    """A tool that looks at two neighbouring builds; is_other gives bool (series, builds - 1)."""

    def judge(data: Synthetic) -> Claims:
        began = time.process_time()
        other = is_other(data)
        cpu = time.process_time() - began
        return Claims([[(int(b) + 1, int(b) + 1) for b in np.flatnonzero(row)] for row in other], cpu)

    return judge


def benchstat(data: Synthetic) -> np.ndarray:
    """benchstat's test: Mann and Whitney's U of ten runs against ten, p < 0.05."""
    with np.errstate(invalid="ignore"):
        before, after = data.runs[:, :-1, :, None], data.runs[:, 1:, None, :]
        u = (before < after).sum(axis=(2, 3))
    is_known = np.isfinite(data.runs[:, :-1, 0] + data.runs[:, 1:, 0])
    return is_known & (np.minimum(u, 100 - u) <= LARGEST_U)


def threshold(data: Synthetic) -> np.ndarray:
    """More than 10 % from the build before."""
    with np.errstate(invalid="ignore"):
        return np.abs(data.medians[:, 1:] / data.medians[:, :-1] - 1) > 0.10


def rivals(sets: list[Synthetic]) -> dict[str, list[Claims]]:
    """Otava and ruptures over all data sets, in one process of their environment."""
    python = ENVIRONMENT / "bin" / "python"
    if (
        subprocess.run([python, "-c", "import otava, ruptures"], check=False).returncode
        if python.exists()
        else True
    ):
        subprocess.run([sys.executable, "-m", "venv", ENVIRONMENT], check=True)
        subprocess.run(
            [python, "-m", "pip", "install", "-q", "apache-otava==0.8.0", "ruptures==1.1.10"], check=True
        )
    with tempfile.TemporaryDirectory() as folder:
        given, found = Path(folder, "series.npy"), Path(folder, "found.json")
        np.save(given, np.concatenate([data.medians for data in sets]))
        subprocess.run([python, "-m", "bench.rivals", given, found], check=True, cwd=ROOT)
        answers = json.loads(found.read_text())
    out: dict[str, list[Claims]] = {}
    for name, answer in answers.items():
        rest = iter(answer["points"])
        out[name] = [
            Claims(
                [[(at, at) for at in next(rest)] for _ in data.steps],
                answer["cpu"] / len(sets),
                has_delay=False,
            )
            for data in sets
        ]
    return out


def table(title: str, columns: list[str], rows: dict[str, list[str]]) -> None:
    """Print a Markdown table."""
    print(f"\n{title}\n\n| noise | {' | '.join(columns)} |\n|---|{'---|' * len(columns)}")
    for name, cells in rows.items():
        print(f"| {name} | {' | '.join(cells)} |")


def report(sets: list[Synthetic], claims: dict[str, list[Claims]]) -> None:
    """Every table."""
    tools = list(claims)
    scores = {(t, n, s): Score() for t in tools for n in NOISES for s in (*SCENARIOS, "all")}
    for tool in tools:
        for data, found in zip(sets, claims[tool], strict=True):
            for scenario in (data.scenario, "all"):
                scores[tool, data.noise, scenario].add(data, found)

    def rows(cell: Callable[[str, str], str]) -> dict[str, list[str]]:
        return {noise: [cell(tool, noise) for tool in tools] for noise in NOISES}

    def false_alarms(tool: str, noise: str) -> str:
        score = scores[tool, noise, "all"]
        return f"{1000 * score.false / score.calm:.1f}"

    def recall(tool: str, noise: str) -> str:
        kinds = [scores[tool, noise, s] for s in SCENARIOS]
        return " / ".join(f"{s.found / s.changes:.2f}".removeprefix("0") for s in kinds)

    def delay(tool: str, noise: str) -> str:
        kinds = [scores[tool, noise, s].delays for s in SCENARIOS]
        return " / ".join(f"{np.median(d):.0f}" if d else "–" for d in kinds)

    table("False alarms per 1000 series without a change", tools, rows(false_alarms))
    table(f"Found, of changes by {' / '.join(SCENARIOS)}", tools, rows(recall))
    tools = [tool for tool in tools if claims[tool][0].has_delay]
    table(f"Delay in builds, of changes by {' / '.join(SCENARIOS)}", tools, rows(delay))
    print(
        "\nCPU seconds: " + ", ".join(f"{t} {sum(c.cpu for c in found):.1f}" for t, found in claims.items())
    )


def short_histories(seed: int, families: int) -> None:
    """Print what Tracemill finds in families of few series and builds, which teach little of their noise."""
    sizes = ("2 sigma", "3 sigma", "4 sigma", "6 sigma", "9 sigma")
    rows: dict[str, list[str]] = {}
    for noise in NOISES:
        random = np.random.default_rng(seed)
        scores = [Score() for _ in sizes]
        for score, scenario in zip(scores, sizes, strict=True):
            for _ in range(families):
                data = make(random, noise, scenario, SHORT_SERIES, SHORT_BUILDS)
                score.add(data, tracemill(data, rules=Rules()))
        false = 1000 * sum(s.false for s in scores) / sum(s.calm for s in scores)
        found = " / ".join(f"{s.found / s.changes:.2f}".removeprefix("0") for s in scores)
        delay = " / ".join(f"{np.median(s.delays):.0f}" if s.delays else "–" for s in scores)
        rows[noise] = [f"{false:.1f}", found, delay]
    title = (
        f"{families} families of {SHORT_SERIES} series, {SHORT_BUILDS} builds: changes of {' / '.join(sizes)}"
    )
    table(title, ["false alarms per 1000", "found", "delay in builds"], rows)


def main() -> None:
    """Make the series, ask every tool, print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--series", type=int, default=400)
    parser.add_argument("--builds", type=int, default=100)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--full", action="store_true", help="2000 series of each kind")
    parser.add_argument("--no-rivals", action="store_true", help="without Otava and ruptures")
    asked = parser.parse_args()
    series = 2000 if asked.full else asked.series
    random = np.random.default_rng(asked.seed)
    sets = [make(random, noise, scenario, series, asked.builds) for noise in NOISES for scenario in SCENARIOS]
    print(f"{len(sets)} × {series} series of {asked.builds} builds, seed {asked.seed}")
    tools: dict[str, Callable[[Synthetic], Claims]] = {
        "Tracemill": lambda data: tracemill(data, rules=Rules()),
        "with hints": lambda data: tracemill(data, rules=Rules(), with_hints=True),
        "at once only": lambda data: tracemill(data, rules=Rules(recheck_every_builds=0)),
        "one scan at the end": look_back,
        "benchstat": two_builds(benchstat),
        "10 % threshold": two_builds(threshold),
    }
    claims = {name: [tool(data) for data in sets] for name, tool in tools.items()}
    if not asked.no_rivals:
        claims |= rivals(sets)
    report(sets, claims)
    short_histories(asked.seed, series // SHORT_SERIES)


if __name__ == "__main__":
    main()
