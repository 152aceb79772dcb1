"""What a person waits for: the start of a verb, the models, a question over much.

    python -m bench.everyday [--part start,build,queries,folder] [--repeats 5]
        [--rows 100000000] [--traces 10000]

start: verbs that have nothing to do, beside the Python and the imports that they need · build: the models of
the demo, from nothing and with one more build · queries: the README's five, one over all waits and one over
all intervals, in a warehouse of that many intervals (a trace of many goroutines, linked as so many builds) ·
folder: so many traces of half a megabyte, and a tenth of them, loaded; then one question over all, and again
after compact. Seconds are of CPU where nothing else is said, medians of the repeats.
"""

from __future__ import annotations

import argparse
import contextlib
import shutil
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from bench.exectrace import ROOT, median, run
from bench.make_trace import make_trace
from bench.service_cost import add_builds, publishing
from bench.shapes import warn_of_load
from tracemill.flows.loading.ingest import ingest
from tracemill.warehouse import connect
from tracemill.warehouse.catalog import Catalog

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PARTS = "start,build,queries,folder"
DEMO = ROOT / "examples/artifacts"
TRACEMILL = (sys.executable, "-m", "tracemill")
RUNS_A_BUILD = 100
OVER_ALL = {
    "goroutine_blocks": "select reason, sum(block_count), sum(block_ns) from goroutine_blocks group by all",
    "goroutine_intervals": "select state, count(*), sum(duration_ns) from goroutine_intervals group by all",
}


def told(name: str, seconds: float, goal: float | None = None, unit: str = "s of CPU") -> None:
    """One line of the table."""
    print(f"  {name:<58} {seconds:8.2f} {unit}" + (f"   goal {goal:g}" if goal else ""), flush=True)


def start(repeats: int) -> None:
    """Verbs that have nothing to do, and what they cannot do without."""
    with tempfile.TemporaryDirectory() as folder:
        warehouse = ("--warehouse", f"{folder}/w")
        job = (*TRACEMILL, "run", DEMO, *warehouse, "--exports", f"{folder}/exports", "--quiet")
        with contextlib.suppress(SystemExit):  # the demo has regressions
            run(*job)
        asked = {
            "Python alone": ((sys.executable, "-c", "pass"), None),
            "Python, and importing click and DuckDB": ((sys.executable, "-c", "import click, duckdb"), None),
            "tracemill --version": ((*TRACEMILL, "--version"), 0.1),
            'tracemill sql "select 1"': ((*TRACEMILL, "sql", "select 1", *warehouse), 0.3),
            "tracemill run, nothing new": (job, 0.5),
        }
        for name, (command, goal) in asked.items():
            told(name, median([run(*command) for _ in range(repeats)]).cpu, goal)


def build(repeats: int) -> None:
    """The models of the demo: of all but its last build from nothing, then with that one."""
    nothing, more = [], []
    for _ in range(repeats):
        with tempfile.TemporaryDirectory() as folder:
            artifacts, warehouse = Path(folder, "a"), ("--warehouse", f"{folder}/w", "--quiet")
            shutil.copytree(DEMO, artifacts)
            last = max(place for place in artifacts.iterdir() if place.is_dir())
            shutil.move(last, Path(folder, last.name))
            run(*TRACEMILL, "ingest", artifacts, *warehouse)
            nothing.append(run(*TRACEMILL, "build", *warehouse))
            shutil.move(Path(folder, last.name), last)
            run(*TRACEMILL, "ingest", artifacts, *warehouse)
            more.append(run(*TRACEMILL, "build", *warehouse))
    told("tracemill build, the demo from nothing", median(nothing).cpu, 2)
    told("tracemill build, one more build of it", median(more).cpu, 0.7)


def questions(build_id: str) -> dict[str, str]:
    """The README's queries, about this build, and those over all rows."""
    section = (ROOT / "README.md").read_text().split("## Five queries")[1].partition("```sql\n")[2]
    queries = [q.strip() for q in section.partition("```")[0].split(";") if q.strip()]
    asked = {query.splitlines()[0].strip("- "): query.replace("'b08'", f"'{build_id}'") for query in queries}
    return asked | OVER_ALL


def queries(rows: int, repeats: int) -> None:
    """Seconds on the clock of each question over that many intervals."""
    trace = make_trace(60)
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder, "a/b1/1")
        place.mkdir(parents=True)
        shutil.copy(trace, place)
        ingest([Path(folder, "a")], Path(folder, "example"))
        example = Catalog.load(Path(folder, "example"))
        root = Path(folder, "w")
        root.mkdir()
        add_builds(example, root, 1)
        publishing(root)
        with connect(root) as connection:
            ((each,),) = connection.execute("select count(*) from goroutine_intervals").fetchall()
        builds = -(-rows // each)
        add_builds(example, root, builds)
        took = sum(publishing(root).values())
        with connect(root) as connection:
            ((there,),) = connection.execute("select count(*) from goroutine_intervals").fetchall()
            print(f"{there / 1e6:.0f} M intervals in {builds} builds; models {took:.0f} s of CPU")
            for name, query in questions("n0003").items():
                walls = list(_timed(lambda query=query: connection.execute(query).fetchall(), repeats))
                told(name, statistics.median(walls), 1, "s")


def _timed(work: Callable[[], object], repeats: int) -> Iterator[float]:
    for _ in range(repeats):
        began = time.perf_counter()
        work()
        yield time.perf_counter() - began


def folder(traces: int) -> None:
    """Loading a tenth of the traces and all of them, each by a process of its own, and one question."""
    trace = make_trace(0.5)
    took = {}
    for count in (traces // 10, traces):
        with tempfile.TemporaryDirectory(dir=trace.parent) as scratch:
            for number in range(count):
                place = Path(scratch, "a", f"b{number // RUNS_A_BUILD:04}", str(number % RUNS_A_BUILD))
                place.mkdir(parents=True)
                (place / "trace.out").hardlink_to(trace)
            cost = run(*TRACEMILL, "ingest", Path(scratch, "a"), "--warehouse", f"{scratch}/w", "--quiet")
            took[count] = cost.wall
            told(f"{count} traces of {trace.stat().st_size / 1e6:.2f} MB loaded", cost.wall, unit="s")
            where = ("--warehouse", f"{scratch}/w", "--quiet")
            ask = (*TRACEMILL, "sql", OVER_ALL["goroutine_intervals"], *where)
            told("  a question over their intervals, as a command", run(*ask).wall, 1, "s")
            told("  compacted", run(*TRACEMILL, "compact", *where).wall, unit="s")
            told("  the same question", run(*ask).wall, 1, "s")
    few, many = took.values()
    print(f"  ten times the traces take {many / few:.1f} x as long")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--rows", type=int, default=100_000_000)
    parser.add_argument("--traces", type=int, default=10_000)
    parser.add_argument("--part", default=PARTS, help=f"of {PARTS}; default all")
    options = parser.parse_args()
    parts = options.part.split(",")
    warn_of_load()
    if "start" in parts:
        start(options.repeats)
    if "build" in parts:
        build(options.repeats)
    if "queries" in parts:
        queries(options.rows, options.repeats)
    if "folder" in parts:
        folder(options.traces)


if __name__ == "__main__":
    main()
