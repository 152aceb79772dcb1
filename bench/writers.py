"""Many writers and readers on one warehouse, killed at random: is anything lost, doubled or mixed?

    python -m bench.writers [--minutes 10] [--writers 8] [--readers 8]

Each writer loads builds of its own, one after the other, with `tracemill ingest`; one more publishes with
`tracemill build`, one merges files with `tracemill compact`. A third of these processes is killed (kill -9)
at a random moment, and begins anew. Readers open the warehouse all the time, and compare what each capture
has of rows with what it has where one writer loaded it alone. In the end all of it is compared with a
warehouse that one writer made of the same builds. Exit code 1 where anything differs.
"""

from __future__ import annotations

import argparse
import json
import random
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import duckdb

from tracemill.flows.build import build
from tracemill.flows.keep.verify import verify
from tracemill.flows.loading.ingest import ingest
from tracemill.warehouse import connect
from tracemill.warehouse.catalog import Catalog
from tracemill.warehouse.errors import WarehouseError

TOP = Path(__file__).parent.parent
SAMPLES = TOP / "tests/samples"
INPUTS = ("pprof/go1.27/heap.pb.gz", "pprof/go1.27/mutex.pb.gz")
KILLED = 1 / 3
# A process is killed within so many seconds of its start; what it does takes about as long.
KILL_SECONDS = 2.5
ROWS = """
    select captures.path.split('/')[-1] as input, captures.capture_id, count(samples.capture_id) as rows
    from captures left join profile_samples as samples using (capture_id)
    group by all
"""
TABLES = ("captures", "profile_samples", "stacks", "observations", "heap_growth", "builds")


@dataclass
class Run:
    """What happened. problems: what must not."""

    root: Path
    artifacts: Path
    rows: dict[str, int]
    until: float
    random: random.Random
    done: list[str] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    problems: list[str] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _next: int = 0

    @property
    def is_over(self) -> bool:
        """Whether no more work is to begin."""
        return time.monotonic() > self.until

    def next_build(self) -> str:
        """The name of a build that nobody has loaded, with its artifacts."""
        with self._lock:
            self._next += 1
            name = f"b{self._next:05}"
        make_build(self.artifacts / name / name, self._next)
        return name

    def tracemill(self, *words: object) -> bool:
        """Run a verb to its end, killed or not; whether it came to that end."""
        command = [sys.executable, "-m", "tracemill", *map(str, words), "--warehouse", str(self.root)]
        with self._lock:
            is_killed = self.random.random() < KILLED
            after = self.random.random() * KILL_SECONDS
        process = subprocess.Popen(
            command, cwd=TOP, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        try:
            output = process.communicate(timeout=after if is_killed else 600)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            self.counts[f"{words[0]} killed"] += 1
            return False
        self.counts[str(words[0])] += 1
        if process.returncode:
            self.problems.append(f"{words[0]}: exit code {process.returncode}: {output[1][-500:]}")
        return True


def make_build(folder: Path, number: int) -> None:
    """The artifacts of one build."""
    run = folder / "1"
    run.mkdir(parents=True)
    for name in INPUTS:
        shutil.copy(SAMPLES / name, run)
    day, minute = divmod(number, 1440)
    facts = {"committed_at": f"2026-01-{1 + day:02}T{minute // 60:02}:{minute % 60:02}:00Z"}
    (folder / "build.json").write_text(json.dumps(facts))


def write(run: Run) -> None:
    """One writer: load builds until the time is over."""
    while not run.is_over:
        name = run.next_build()
        while not run.tracemill("ingest", run.artifacts / name, "--wait", 300):
            pass
        run.done.append(name)


def repeat(run: Run, verb: str, pause: float) -> None:
    """Run a verb again and again."""
    while not run.is_over:
        time.sleep(pause)
        if (run.root / "warehouse.duckdb").exists():
            run.tracemill(verb, "--wait", 300)


def read(run: Run) -> None:
    """One reader: open the warehouse and look whether each capture has the rows that it should."""
    while not run.is_over:
        try:
            with connect(run.root) as connection:
                found = connection.execute(ROWS).fetchall()
        except WarehouseError:
            time.sleep(0.2)  # nothing is published yet
            continue
        except duckdb.Error as error:
            run.problems.append(f"a reader: {str(error).splitlines()[0]}")
            continue
        run.counts["reads"] += 1
        for name, capture, rows in found:
            if rows != run.rows[name]:
                run.problems.append(f"a reader: {rows} rows of {name} in {capture}, not {run.rows[name]}")
        time.sleep(0.2)


def contents(root: Path) -> dict[str, object]:
    """What the tables say, whatever their rows' order."""
    with connect(root) as connection:
        return {
            table: connection.execute(f"select count(*), bit_xor(hash(t)) from {table} t").fetchall()
            for table in TABLES
        }


def trial(folder: Path, seconds: float, writers: int, readers: int, seed: int) -> Run:
    """Let them at it for so many seconds, then compare."""
    make_build(folder / "one/b0", 0)
    ingest([folder / "one"], folder / "alone", processes=1)
    build(folder / "alone")
    with connect(folder / "alone") as connection:
        rows = {name: count for name, _, count in connection.execute(ROWS).fetchall()}
    run = Run(folder / "shared", folder / "artifacts", rows, time.monotonic() + seconds, random.Random(seed))
    work = [threading.Thread(target=write, args=(run,)) for _ in range(writers)]
    work += [threading.Thread(target=read, args=(run,)) for _ in range(readers)]
    work += [
        threading.Thread(target=repeat, args=(run, "build", 0.5)),
        threading.Thread(target=repeat, args=(run, "compact", 2.0)),
    ]
    for thread in work:
        thread.start()
    for thread in work:
        thread.join()
    build(run.root)
    run.problems += [f"{found.path}: {found.fact}" for found in verify(run.root).findings]
    loaded = {capture.build_id for capture in Catalog.load(run.root).captures.values()}
    run.problems += [f"{name}: was loaded, and is lost" for name in sorted(set(run.done) - loaded)]
    ingest(sorted(run.artifacts.iterdir()), folder / "compared", processes=1)
    build(folder / "compared")
    one, other = contents(run.root), contents(folder / "compared")
    run.problems += [f"{table}: not as one writer makes it" for table in TABLES if one[table] != other[table]]
    return run


def main() -> None:
    """Print what happened."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--writers", type=int, default=8)
    parser.add_argument("--readers", type=int, default=8)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        run = trial(Path(folder), given.minutes * 60, given.writers, given.readers, given.seed)
    for what, count in sorted(run.counts.items()):
        print(f"{what}: {count}")
    print(f"builds loaded: {len(run.done)}")
    for problem, count in Counter(run.problems).items():
        print(f"PROBLEM: {problem} ({count} times)")
    print("nothing lost, doubled or mixed" if not run.problems else f"{len(run.problems)} problems")
    sys.exit(1 if run.problems else 0)


if __name__ == "__main__":
    main()
