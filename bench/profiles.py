"""Our whole ingest of a folder of heap profiles against `go tool pprof -raw` called on each.

    python -m bench.profiles [--repeats 5]

Prints medians and ratios of wall time, CPU and peak memory of each side, as bench/exectrace.py does. The
sides take turns, and the file cache is warm. In process, one file at a time is parsed while a thread writes
the one before it. CPU counts all processes of a side, peak memory is its largest one's.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from time import perf_counter, process_time

from bench.exectrace import ROOT, Cost, median, row, run, whole_process
from bench.make_profiles import make_profiles
from bench.memory import peak_mb
from examples.toolchain import tool

WARM_UP = "b0/r00"


def on_each(folder: Path) -> Cost:
    """`pprof -raw` on one profile after the other, each a process of its own; what it prints goes nowhere."""
    pprof = tool("1.27", "pprof")
    costs = [run(pprof, "-raw", "-symbolize=none", path) for path in sorted(folder.rglob("*.pb.gz"))]
    return Cost(sum(c.wall for c in costs), sum(c.cpu for c in costs), max(c.peak for c in costs))


def in_process(folder: Path, processes: int) -> Cost:
    """One ingest inside a running process, as the process itself measured it."""
    command = [sys.executable, "-m", "bench.profiles", "--inside", str(folder), "--processes", str(processes)]
    return Cost(*json.loads(subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, check=True).stdout))


def inside(folder: Path, processes: int) -> Cost:
    """One ingest of the folder in this process, after one that warmed it up."""
    from tracemill.flows.loading.ingest import ingest

    with tempfile.TemporaryDirectory() as scratch:
        ingest([folder / WARM_UP], Path(scratch) / "warm", processes=1)
        wall, cpu = perf_counter(), process_time()
        result = ingest([folder], Path(scratch) / "warehouse", processes=processes)
        cost = perf_counter() - wall, process_time() - cpu
    if result.failures or not result.loaded:
        raise SystemExit(f"{len(result.failures)} of the profiles could not be read")
    return Cost(*cost, peak_mb())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--inside", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--processes", type=int, default=1, help=argparse.SUPPRESS)
    options, _ = parser.parse_known_args()
    if options.inside:
        cost = inside(options.inside, options.processes)
        print(json.dumps([cost.wall, cost.cpu, cost.peak]))
        return
    folder = make_profiles()
    sizes = [path.stat().st_size for path in folder.rglob("*.pb.gz")]
    costs = [(on_each(folder), in_process(folder, 1), whole_process(folder)) for _ in range(options.repeats)]
    gos, alone, whole = (median(list(side)) for side in zip(*costs, strict=True))
    print(
        f"{len(sizes)} heap profiles of {min(sizes) / 1e3:.0f} to {max(sizes) / 1e3:.0f} KB,"
        f" {sum(sizes) / 1e6:.0f} MB; medians of {options.repeats}; load {os.getloadavg()[0]:.1f}"
    )
    row("in process, one at a time : pprof -raw", alone, gos, 5)
    row("whole process, all cores : pprof -raw", whole, gos, 3)


if __name__ == "__main__":
    main()
