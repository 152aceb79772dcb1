"""What one more build of a program of many functions costs: CPU seconds of publishing it, by model.

    python -m bench.many_functions [--functions 5000] [--builds 100 101]

A build has two runs of a CPU, a heap, a mutex and a block profile, in each of which every function is. The
figures are drawn, and nothing changes.
"""

from __future__ import annotations

import argparse
import gzip
import json
import random
import shutil
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

from bench.service_cost import LEAST_SECONDS, publishing
from tests.parsers.pprof_messages import Profile
from tracemill.flows.loading.ingest import ingest
from tracemill.warehouse import connect

RUNS = 2
NOISE = 0.05
# Of each profile: its sample types with their units, the period, the seconds that it tells of, what its
# functions call, and one sample's values for a figure of about 1.
PROFILES = {
    "cpu": ("samples/count cpu/nanoseconds", 10_000_000, 30, "strings.Index", (300, 3_000_000_000)),
    "heap": (
        "alloc_objects/count alloc_space/bytes inuse_objects/count inuse_space/bytes",
        524_288,
        0,
        "strings.Repeat",
        (1_000_000, 64_000_000, 100_000, 6_400_000),
    ),
    "mutex": ("contentions/count delay/nanoseconds", 1, 0, "sync.(*Mutex).Unlock", (10_000, 1_000_000_000)),
    "block": ("contentions/count delay/nanoseconds", 1, 0, "sync.(*Mutex).Lock", (10_000, 1_000_000_000)),
}


def record(folder: Path, levels: list[float], draw: random.Random) -> None:
    """Write one run's profiles of as many functions as there are levels."""
    folder.mkdir(parents=True)
    for kind, (types, period, seconds, callee, values) in PROFILES.items():
        profile = Profile()
        strings = {"": 0}

        def number(text: str, strings: dict[str, int] = strings) -> int:
            return strings.setdefault(text, len(strings))

        for name, unit in (pair.split("/") for pair in types.split()):
            profile.sample_type.add(type=number(name), unit=number(unit))
        names = [
            "main.main",
            callee,
            *(f"example.com/app/p{i % 40}.(*T{i % 97}).Do{i}" for i in range(len(levels))),
        ]
        for i, name in enumerate(names, 1):
            profile.function.add(id=i, name=number(name), filename=number("app.go"))
            profile.location.add(id=i, address=0x400000 + 64 * i).line.add(function_id=i, line=i)
        for i, level in enumerate(levels, 3):
            size = level * draw.lognormvariate(0, NOISE)
            profile.sample.add(location_id=[2, i, 1], value=[max(1, round(value * size)) for value in values])
        name, unit = types.split()[-1].split("/")
        profile.period_type.type, profile.period_type.unit = number(name), number(unit)
        profile.period, profile.duration_nanos = period, seconds * 10**9
        profile.string_table.extend(text.encode() for text in strings)
        (folder / f"{kind}.pb.gz").write_bytes(gzip.compress(profile.SerializeToString(), 1))


def build(folder: Path, number: int, levels: list[float]) -> Path:
    """A folder with nothing but that build."""
    name = f"b{number:04}"
    for run in range(RUNS):
        record(folder / name / f"{run}", levels, random.Random(f"{number} {run}"))
    committed_at = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(hours=number)
    (folder / name / "build.json").write_text(json.dumps({"committed_at": committed_at.isoformat()}))
    return folder


def main() -> None:
    """Print a table with a column for each length of the history."""
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument("--functions", type=int, default=5000)
    parser.add_argument("--builds", type=int, nargs="+", default=[100, 101])
    options = parser.parse_args()
    draw = random.Random(1)
    levels = [draw.lognormvariate(0, 1) for _ in range(options.functions)]
    found: dict[int, dict[str, float]] = {}
    with tempfile.TemporaryDirectory() as folder:
        root, done = Path(folder, "w"), 0
        for builds in sorted(options.builds):
            for number in range(done, builds):
                build(Path(folder, "artifacts"), number, levels)
            if builds > done:
                ingest([Path(folder, "artifacts")], root)
                publishing(root)
            shutil.rmtree(Path(folder, "artifacts"), ignore_errors=True)
            ingest([build(Path(folder, "artifacts"), builds, levels)], root)
            found[builds], done = publishing(root), builds + 1
            shutil.rmtree(Path(folder, "artifacts"))
        with connect(root) as connection:
            [(series,)] = connection.execute("select count(*) from int_series").fetchall()
    print(f"| one more build, {series:,} series | {' | '.join(f'after {n}' for n in found)} |")
    print("|---" * (1 + len(found)) + "|")
    newest = found[max(found)]
    shown = [
        name for name in sorted(newest, key=lambda name: -newest[name]) if newest[name] >= 10 * LEAST_SECONDS
    ]
    for name in shown:
        print(f"| {name} | {' | '.join(f'{took.get(name, 0):.1f}' for took in found.values())} |")
    rest = [sum(s for name, s in took.items() if name not in shown) for took in found.values()]
    print(f"| all others | {' | '.join(f'{s:.1f}' for s in rest)} |")
    print(f"| all | {' | '.join(f'{sum(took.values()):.1f}' for took in found.values())} |")


if __name__ == "__main__":
    main()
