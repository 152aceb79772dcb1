"""Real series in which somebody else marked the changes: Tracemill beside Otava and ruptures.

    python -m bench.labelled

The series are taken out of packages of their own makers, by name and version, and kept in .cache only:
- TigerBeetle: throughput of a database over 365 commits, in the tests of apache-otava (Apache-2.0). A drawing
  there marks a spike, three steps, and a slope after the last of them.
- Nile: the river's yearly flow at Aswan, in statsmodels (public domain); it fell in 1899, with a dam.

A step is found by a claim within three builds of it; any other claim is false, but for those on the slope,
which are counted apart. It is two series, no set: docs/detection-real.md says why there are no more.
"""

from __future__ import annotations

import ast
import io
import subprocess
import sys
import tarfile
import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bench.detection import NEAR, rivals
from bench.synthetic import Synthetic
from tracemill.detection.levels import Points, find_levels

KEPT = Path(__file__).resolve().parents[1] / ".cache" / "bench" / "labelled"
OTAVA, STATSMODELS = "apache-otava==0.8.0", "statsmodels==0.15.0"


@dataclass(frozen=True)
class Labelled:
    """A series of one value a build; from `slope` on it may change anywhere."""

    name: str
    values: tuple[float, ...]
    steps: tuple[int, ...]
    slope: int


def fetch(requirement: str, kind: str) -> Path:
    """The package's file, downloaded once and never installed. kind: wheel or source."""
    folder = KEPT / f"{requirement.replace('==', '-')}-{kind}"
    if not folder.exists():
        folder.mkdir(parents=True)
        which = "--only-binary" if kind == "wheel" else "--no-binary"
        command = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", which, ":all:"]
        subprocess.run([*command, "-d", folder, requirement], check=True)
    return next(folder.iterdir())


def tigerbeetle() -> Labelled:
    """The series of Otava's test, read as text and not run."""
    with tarfile.open(fetch(OTAVA, "source")) as archive:
        member = next(m for m in archive.getmembers() if m.name.endswith("tests/tigerbeetle_test.py"))
        source = archive.extractfile(member)
        assert source is not None
        tree = ast.parse(source.read())
    lists = [node for node in ast.walk(tree) if isinstance(node, ast.List)]
    values = ast.literal_eval(max(lists, key=lambda node: len(node.elts)))
    return Labelled("TigerBeetle", tuple(map(float, values)), steps=(16, 71, 97), slope=101)


def nile() -> Labelled:
    """The flows of 1871 to 1970."""
    with zipfile.ZipFile(fetch(STATSMODELS, "wheel")) as archive:
        text = archive.read("statsmodels/datasets/nile/nile.csv").decode()
    values = tuple(float(line.split(",")[1]) for line in io.StringIO(text).readlines()[1:])
    return Labelled("Nile", values, steps=(1899 - 1871,), slope=len(values))


def tracemill(series: Labelled) -> list[int]:
    """The builds from which on our own says that the level is another."""
    n = len(series.values)
    levels = find_levels(
        Points(
            series=np.zeros(n, int),
            build=np.arange(n),
            log_value=np.log(series.values),
            run_variance=np.full(n, np.nan),
            run_count=np.ones(n, int),
            counting_variance=np.zeros(n),
            negligible=np.zeros(n),
            context=np.zeros(n, int),
        )
    )
    return [int(at) for at in np.flatnonzero(levels.is_change & ~levels.went_away)]


def row(series: Labelled, tool: str, claims: list[int]) -> str:
    """A tool's line of the table."""
    found = [step for step in series.steps if any(abs(at - step) <= NEAR for at in claims)]
    steep = [at for at in claims if at >= series.slope]
    false = [at for at in claims if at not in steep and all(abs(at - s) > NEAR for s in series.steps)]
    wrong = ", ".join(map(str, false)) or "–"
    return f"| {series.name} | {tool} | {len(found)} of {len(series.steps)} | {wrong} | {len(steep)} |"


def main() -> None:
    """Ask every tool, print."""
    print("| series | tool | steps found | false, at | claims on the slope |\n|---|---|---|---|---|")
    for series in (tigerbeetle(), nile()):
        claims = {"Tracemill": tracemill(series)}
        as_runs = Synthetic(series.name, "", np.array(series.values)[None, :, None], [list(series.steps)])
        for tool, found in rivals([as_runs]).items():
            claims[tool] = [at for at, _ in found[0].points[0]]
        for tool, at in claims.items():
            print(row(series, tool, at))


if __name__ == "__main__":
    main()
