"""Our ingest against Go's own tool on three shapes of trace, both sides in one run, the worst ratio first.

    python -m bench.shapes [--repeats 5] [--megabytes 60] [--shape busy,dozen,httpd]

busy: many goroutines with contention · dozen: a dozen goroutines, channels and locks · httpd: an HTTP server
with GC, system calls and tasks. At 60 MB each has more than ten million events; with --megabytes 6 all takes
half a minute. The sides take turns, so that a busy neighbour hits both. On a machine that is not quiet only
ratios of CPU mean something: the bench says so.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from bench.exectrace import ROOT, Cost, ingest_command, median, run
from bench.make_trace import make_trace
from examples.toolchain import tool

if TYPE_CHECKING:
    from pathlib import Path

SHAPES = {
    "busy": "many goroutines with contention",
    "dozen": "a dozen goroutines, channels and locks",
    "httpd": "an HTTP server with GC, system calls and tasks",
}
# The load beside this bench from which wall times mean little.
QUIET_LOAD = 0.5


@dataclass(frozen=True)
class Goal:
    """A ratio to Go's cost, by which figure, and what it should be on the first shape and on the worst."""

    side: str
    figure: str
    first: float
    worst: float


GOALS = (
    Goal("in process", "cpu", 8, 7),
    Goal("in process", "wall", 10, 7),
    Goal("tracemill ingest", "wall", 8, 6),
    Goal("raw events", "cpu", 4, 4),
)


@dataclass
class Measured:
    """Every run of one shape; parse: seconds of CPU without writing; stored: bytes of Parquet."""

    name: str
    trace_bytes: int
    events: int
    costs: dict[str, list[Cost]] = field(default_factory=dict)
    parse: list[float] = field(default_factory=list)
    stored: int = 0

    def take(self, side: str, cost: Cost) -> None:
        """Note one run."""
        self.costs.setdefault(side, []).append(cost)

    def median(self, side: str) -> Cost:
        """The medians of a side."""
        return median(self.costs[side])

    def ratio(self, goal: Goal) -> float:
        """Go's cost by ours."""
        ours = getattr(self.median(goal.side), goal.figure)
        return float(getattr(self.median("Go"), goal.figure) / ours)


def in_process(trace: Path, *, raw: bool) -> dict[str, float]:
    """One ingest inside a running process that is warm, as it measured itself, and its parsing alone."""
    command = ingest_command(trace, raw=raw, repeats=1)
    return dict(json.loads(subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, check=True).stdout))


def command(trace: Path) -> Cost:
    """`tracemill ingest` of the trace into a new warehouse."""
    with tempfile.TemporaryDirectory() as scratch:
        ingest = (sys.executable, "-m", "tracemill", "ingest", trace, "--build", "b1", "--run", "r1")
        return run(*ingest, "--warehouse", f"{scratch}/w")


def measure(shape: str, megabytes: float, repeats: int) -> Measured:
    """All sides in turns."""
    from bench.decode import count_events  # as a child's child it would count among its memory

    trace = make_trace(megabytes, shape=shape)
    found = Measured(shape, trace.stat().st_size, count_events(trace)[0])
    for _ in range(repeats):
        found.take("Go", run(tool("1.27", "trace"), "-pprof=sync", trace))
        for side, raw in (("in process", False), ("raw events", True)):
            inside = in_process(trace, raw=raw)
            found.take(side, Cost(inside["wall"], inside["cpu"], inside["peak"]))
            if not raw:
                found.parse.append(inside["parse_cpu"])
                found.stored = int(inside["stored"])
        found.take("tracemill ingest", command(trace))
    return found


def report(all_found: list[Measured]) -> None:
    """The ratios, worst first, and then what each shape costs."""
    print("\nGo's cost by ours, the worst first:")
    for goal in GOALS:
        rows = sorted((found.ratio(goal), found.name) for found in all_found)
        told = ", ".join(f"{ratio:.1f} x {name}" for ratio, name in rows)
        goals = f"goal {goal.first:g} x on busy, {goal.worst:g} x on the worst"
        print(f"  {goal.side:<18} {goal.figure:<5} {told:<44} {goals}")
    print("\nmedians: s wall, s CPU, peak MB")
    for found in all_found:
        size = f"{found.trace_bytes / 1e6:.0f} MB, {found.events / 1e6:.1f} M events"
        print(f"  {found.name}: {SHAPES[found.name]}; {size}")
        for side in found.costs:
            cost = found.median(side)
            print(f"    {side:<18} {cost.wall:6.2f} {cost.cpu:6.2f} {cost.peak:6.0f}")
        parse = sorted(found.parse)[len(found.parse) // 2]
        writing = found.median("in process").cpu - parse
        print(
            f"    Parquet by trace {found.stored / found.trace_bytes:.2f} of the bytes (goal 0.45);"
            f" writing by parsing {writing:.2f} by {parse:.2f} s CPU, {writing / parse:.1f} (goal 1.3)"
        )


def warn_of_load() -> None:
    """Say what the machine does beside us."""
    load = os.getloadavg()[0]
    print(f"load {load:.1f} on {os.cpu_count()} cores")
    if load > QUIET_LOAD:
        print("NOT QUIET: others are at work; ratios of CPU hold roughly, wall times do not", file=sys.stderr)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--megabytes", type=float, default=60)
    parser.add_argument("--shape", default=",".join(SHAPES))
    options, _ = parser.parse_known_args()
    shapes = options.shape.split(",")
    for shape in shapes:
        make_trace(options.megabytes, shape=shape)
    warn_of_load()
    print(f"medians of {options.repeats}")
    with tempfile.TemporaryDirectory() as scratch:
        os.environ["BENCH_SCRATCH"] = scratch
        report([measure(shape, options.megabytes, options.repeats) for shape in shapes])
    print()
    warn_of_load()


if __name__ == "__main__":
    main()
