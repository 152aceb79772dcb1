"""Our whole ingest of a large execution trace against Go's own tool, in one run on one machine.

    python -m bench.exectrace [--repeats 5] [--megabytes 60] [--part parsed,v1,small,decode,folder,long]

bench/shapes.py has the ingest of three shapes of trace. Prints medians and ratios of wall time, CPU and peak
memory of each side. Both sides take turns, so that a busy neighbour hits both; the file cache is warm.
"""

from __future__ import annotations

import argparse
import ctypes
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

from bench.make_trace import make_trace
from examples.toolchain import environment, tool

PARTS = "parsed,v1,small,decode,folder,long"
ROOT = Path(__file__).resolve().parents[1]
PR_SET_CHILD_SUBREAPER = 36


@dataclass(frozen=True)
class Cost:
    """One run: seconds on the clock, seconds of CPU, peak memory in MB."""

    wall: float
    cpu: float
    peak: float


def run(*command: str | Path, stdout: int | None = subprocess.DEVNULL) -> Cost:
    """Run a child to its end and return what it cost; its failure is ours."""
    began = perf_counter()
    child = subprocess.Popen(command, cwd=ROOT, env=environment() | os.environ, stdout=stdout)
    _, status, usage = os.wait4(child.pid, 0)
    wall = perf_counter() - began
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        raise SystemExit(f"{' '.join(map(str, command))}: exit code {child.returncode}")
    return Cost(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)


def whole_process(folder: Path) -> Cost:
    """`tracemill ingest` on all cores, with the processes that it starts and leaves to end on their own."""
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    warehouse = tempfile.mkdtemp()
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    cost = run(sys.executable, "-m", "tracemill", "ingest", folder, "--warehouse", warehouse)
    peak = cost.peak
    while True:
        try:
            peak = max(peak, os.wait3(0)[2].ru_maxrss / 1024)
        except ChildProcessError:
            break
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    shutil.rmtree(warehouse)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Cost(cost.wall, cpu, peak)


def median(costs: list[Cost]) -> Cost:
    """Medians of each figure on its own."""
    parts = ((c.wall for c in costs), (c.cpu for c in costs), (c.peak for c in costs))
    return Cost(*(statistics.median(list(part)) for part in parts))


def ingest_command(trace: Path, *, raw: bool, repeats: int = 0) -> list[str]:
    """A process that ingests the trace; with repeats, that many times more inside, timed by itself."""
    return [sys.executable, "-m", "bench.ingest_trace", str(trace), str(int(raw)), str(repeats)]


def row(name: str, ours: Cost, gos: Cost, goal: float) -> None:
    """One line of the table."""
    print(
        f"{name:<44} {gos.wall:7.2f} {ours.wall:7.2f} {gos.cpu:7.2f} {ours.cpu:7.2f}"
        f" {gos.peak:7.0f} {ours.peak:6.0f}  {gos.wall / ours.wall:5.1f} x wall"
        f" {gos.cpu / ours.cpu:5.1f} x CPU   goal {goal:g} x"
    )


def printed(trace: Path, repeats: int) -> None:
    """Every event, stored against printed."""
    gos, ours = [], []
    for _ in range(repeats):
        gos.append(run(tool("1.27", "trace"), "-d=parsed", trace))
        ours.append(run(*ingest_command(trace, raw=True)))
    row("--raw-events whole process : -d=parsed", median(ours), median(gos), 8)


def old(repeats: int) -> None:
    """The format of Go 1.11 to 1.21, as its last version writes it."""
    trace = make_trace(20, "1.21")
    gos, ours = [], []
    for _ in range(repeats):
        gos.append(run(tool("1.27", "trace"), "-pprof=sync", trace))
        ours.append(run(*ingest_command(trace, raw=False)))
    name = f"Go 1.21, {trace.stat().st_size / 1e6:.0f} MB, process : -pprof=sync"
    row(name, median(ours), median(gos), 1)


def small(repeats: int) -> None:
    """A small trace: what is left is start-up."""
    trace = make_trace(0.7)
    bare = [run(sys.executable, "-c", "import numpy, pyarrow") for _ in range(repeats)]
    ours = [run(*ingest_command(trace, raw=False)) for _ in range(repeats)]
    over = median(ours).wall - median(bare).wall
    size = trace.stat().st_size / 1e6
    print(
        f"{size:.1f} MB trace, whole process: {median(ours).wall:.2f} s,"
        f" {over:.2f} s over the imports (goal 0.3 s)"
    )


def folder(count: int) -> None:
    """Many small traces, each a run of its own: `tracemill ingest` against Go's tool called for each."""
    trace = make_trace(0.3)
    with tempfile.TemporaryDirectory() as scratch:
        for number in range(count):
            place = Path(scratch, "b1", str(number))
            place.mkdir(parents=True)
            shutil.copy(trace, place / "trace.out")
        ours = whole_process(Path(scratch))
    gos = [run(tool("1.27", "trace"), "-pprof=sync", path) for path in [trace] * count]
    wall, cpu = sum(cost.wall for cost in gos), sum(cost.cpu for cost in gos)
    size = trace.stat().st_size / 1e6
    print(
        f"{count} traces of {size:.2f} MB: Go {wall:.1f} s wall, {cpu:.1f} s CPU; `tracemill ingest` "
        f"{ours.wall:.1f} s, {ours.cpu:.1f} s, {ours.peak:.0f} MB: {wall / ours.wall:.1f} x wall (goal 5 x)"
    )


def long(megabytes: int, repeats: int) -> None:
    """Ten times the length: events per second and peak memory should stay."""
    short, long = make_trace(megabytes), make_trace(10 * megabytes)
    costs: dict[Path, list[Cost]] = {short: [], long: []}
    for _ in range(repeats):
        for trace, taken in costs.items():
            taken.append(run(*ingest_command(trace, raw=False)))
    from bench.decode import count_events  # here, as what this process holds counts for its children

    speeds, rests = [], []
    for trace, taken in costs.items():
        cost, (events, largest) = median(taken), count_events(trace)
        speeds.append(events / 1e6 / cost.cpu)
        rests.append(cost.peak - largest / 1e6)
        print(
            f"{trace.stat().st_size / 1e6:.0f} MB, {events / 1e6:.1f} M events, whole process:"
            f" {cost.wall:.2f} s wall, {cost.cpu:.2f} s CPU, {speeds[-1]:.2f} M events a second of CPU,"
            f" peak {cost.peak:.0f} MB, of which {largest / 1e6:.0f} MB for the largest generation"
        )
    print(
        f"ten times as long: {speeds[1] / speeds[0]:.2f} x the speed (goal 0.85 x), and beside the largest"
        f" generation {rests[1] / rests[0]:.2f} x the peak memory (goal: flat, below 400 MB)"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--megabytes", type=int, default=60)
    parser.add_argument("--count", type=int, default=500, help="traces of the part folder")
    parser.add_argument("--part", default=PARTS, help=f"of {PARTS}; default all, which takes ten minutes")
    options, _ = parser.parse_known_args()
    parts = set(options.part.split(","))
    trace = make_trace(options.megabytes)
    with tempfile.TemporaryDirectory() as scratch:
        os.environ["BENCH_SCRATCH"] = scratch
        if "parsed" in parts:
            print(
                f"{trace.name}, {trace.stat().st_size / 1e6:.0f} MB;"
                f" medians of {options.repeats}; load {os.getloadavg()[0]:.1f}"
            )
            print(f"{'':<44} {'Go':>7} {'ours':>7} {'Go':>7} {'ours':>7} {'Go':>7} {'ours':>6}")
            print(f"{'':<44} {'s wall':>7} {'s wall':>7} {'s CPU':>7} {'s CPU':>7} {'MB':>7} {'MB':>6}")
            printed(trace, options.repeats)
        if "v1" in parts:
            old(options.repeats)
        if "small" in parts:
            small(options.repeats)
        if "folder" in parts:
            folder(options.count)
        if "decode" in parts:
            run(sys.executable, "-m", "bench.decode", trace, stdout=None)
        if "long" in parts:
            long(options.megabytes, options.repeats)


if __name__ == "__main__":
    main()
