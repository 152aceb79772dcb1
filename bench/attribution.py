"""Who allocates maps, told without a binary: how much of it, and how much of that is right?

    python -m bench.attribution [--versions 1.21,…,1.27] [--programs service,maps] [--seconds 3]

Records the programs (bench/attribution_record.py) by each Go version, as position independent programs and
not; what is recorded stays in .cache/bench/attribution. Prints the tables of docs/attribution.md.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from bench.attribution_judge import METHODS, POOLED, Judged, Recording, Told, judge
from bench.attribution_record import BUILDS, CALM, Series, record
from examples.recording import say

HOME = Path(__file__).resolve().parents[1] / ".cache" / "bench" / "attribution"
VERSIONS = "1.21,1.22,1.23,1.24,1.25,1.26,1.27"


def span(values: list[float]) -> str:
    """The least and the most of them."""
    low, high = f"{min(values):.3f}", f"{max(values):.3f}"
    return low if low == high else f"{low}–{high}"


def build_table(judged: list[Judged]) -> str:
    """Precision and recall of each method by build, over all versions and both ways of building."""
    lines = [f"| program, build | {' | '.join(METHODS)} | unknown of all bytes |", f"| --- |{' --- |' * 5}"]
    for program, builds in BUILDS.items():
        of = [found for found in judged if found.series.program == program]
        for build in builds if of else ():
            cells = [both([found.by_build[method, build.name] for found in of]) for method in METHODS]
            unknown = span([found.by_build[POOLED, build.name].unknown_share for found in of])
            name = f"{program}, {build.name.partition('-')[2]}"
            lines.append(f"| {name} | {' | '.join(cells)} | {unknown} |")
    return "\n".join(lines)


def version_table(judged: list[Judged]) -> str:
    """The same by Go version, over the builds that are under load."""
    lines = [f"| program, Go | {' | '.join(METHODS)} |", f"| --- |{' --- |' * len(METHODS)}"]
    for found in judged:
        told = {
            method: [t for (m, b), t in found.by_build.items() if m == method and CALM not in b]
            for method in METHODS
        }
        name = f"{found.series.program}, {found.series.version}{', PIE' if found.series.is_pie else ''}"
        lines.append(f"| {name} | {' | '.join(both(told[method]) for method in METHODS)} |")
    return "\n".join(lines)


def both(told: list[Told]) -> str:
    """Precision and recall."""
    return f"{span([t.precision for t in told])} / {span([t.recall for t in told])}"


def evidence_table(judged: list[Judged]) -> str:
    """How right each kind of evidence is, over all of it."""
    together: dict[str, Told] = {}
    for found in judged:
        for evidence, told in found.by_evidence.items():
            together.setdefault(evidence, Told()).add(told)
    lines = ["| evidence | map bytes claimed | precision |", "| --- | --- | --- |"]
    for evidence, told in sorted(together.items()):
        if told.claimed:
            lines.append(f"| `{evidence}` | {told.claimed:,} | {told.precision:.4f} |")
    return "\n".join(lines)


def main() -> None:
    """Record, judge, print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--versions", default=VERSIONS, help=VERSIONS)
    parser.add_argument("--programs", default=",".join(BUILDS))
    parser.add_argument("--seconds", type=int, default=3, help="how long a run is recorded (3)")
    asked = parser.parse_args()
    judged = []
    for program in asked.programs.split(","):
        for version in asked.versions.split(","):
            for is_pie in (False, True):
                series = Series(program, version, is_pie)
                recording = Recording(series, record(series, HOME, asked.seconds))
                say(f"judging {series.name}")
                judged.append(judge(recording))
    for table in (build_table(judged), version_table(judged), evidence_table(judged)):
        print(f"\n{table}")


if __name__ == "__main__":
    main()
