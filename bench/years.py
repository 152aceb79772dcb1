"""What a warehouse costs as it grows: a new build, files, bytes, memory, queries; before and after compact.

    python -m bench.years [--builds 100 400] [--artifacts DIR]

The artifacts' builds are loaded once; longer histories hold them again and again under other names, one an
hour, with links to the same Parquet files. For each length: CPU seconds and memory of one more build, by what
takes them; then `retention` and `compact`, with the files and bytes that are listed and what queries take
before and after. By default the artifacts are two small builds, each two runs of a heap, a CPU profile and
a trace.
"""

from __future__ import annotations

import argparse
import json
import resource
import shutil
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from bench.service_cost import add_builds, publishing
from tracemill.flows.keep.compact import compact
from tracemill.flows.keep.retention import Policy, retention
from tracemill.flows.loading.ingest import ingest
from tracemill.warehouse import connect
from tracemill.warehouse.catalog import Catalog

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

TESTS = Path(__file__).parent.parent / "tests"
INPUTS = ("samples/pprof/go1.27/heap.pb.gz", "samples/pprof/go1.27/cpu.pb.gz")
TRACE = "exectrace/samples/mixed-1.27.trace.gz"
QUERIES = {
    "query: rows of one build": "select count(*), sum(value) from profile_samples join captures using "
    "(capture_id) where build_id = 'n0003'",
    "query: rows of all builds": "select count(*), sum(value) from profile_samples",
    "query: one metric's series": "from regression_history where metric = (select min(metric) from "
    "regression_history) order by build_id",
    "query: verdicts": "from regressions",
}
JUDGING = frozenset({"regression_history", "regressions", "int_verdicts"})


def small_builds(folder: Path) -> Path:
    """Artifacts of two builds."""
    for build in ("b1", "b2"):
        for run in ("1", "2"):
            place = folder / build / run
            place.mkdir(parents=True)
            for name in (*INPUTS, TRACE):
                shutil.copy(TESTS / name, place)
        (folder / build / "build.json").write_text(json.dumps({"committed_at": "2026-01-01T00:00:00Z"}))
    return folder


def timed(work: Callable[[], object]) -> float:
    """CPU seconds of a piece of work."""
    began = time.process_time()
    work()
    return time.process_time() - began


def sizes(root: Path, when: str) -> Iterator[tuple[str, float]]:
    """How much there is."""
    listed = Catalog.load(root).listed()
    yield f"files {when}", len(listed)
    yield f"MB of files {when}", sum((root / path).stat().st_size for path in listed) / 1e6
    with connect(root) as connection:
        for name, query in QUERIES.items():
            yield f"{name}, ms {when}", 1000 * timed(lambda q=query: connection.execute(q).fetchall())


def grown(example: Catalog, root: Path, builds: int) -> dict[str, float]:
    """The figures of a history of so many builds."""
    add_builds(example, root, builds)
    publishing(root)
    found = {"commit of one build": timed(lambda: add_builds(example, root, builds + 1))}
    took = publishing(root)
    found["publication before the models"] = took.pop("before the models")
    found["judging"] = sum(seconds for name, seconds in took.items() if name in JUDGING)
    found["other models and checks"] = sum(took.values()) - found["judging"]
    found["one more build"] = sum(found.values())
    found["peak memory, MB"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3
    found["MB published"] = (root / "warehouse.duckdb").stat().st_size / 1e6
    found["MB of log"] = sum(file.stat().st_size for file in (root / "log").iterdir()) / 1e6
    found |= dict(sizes(root, "as loaded"))
    middle = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(hours=builds / 2)
    policy = Policy.of({"raw": "1h"}, keeps_incidents=False)
    found["retention of a half"] = timed(lambda: retention(root, policy, is_trial=False, now=middle))
    found["compact"] = timed(lambda: compact(root))
    found |= dict(sizes(root, "after"))
    return found


def main() -> None:
    """Print a table with a column for each length."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--builds", type=int, nargs="+", default=[100, 400])
    parser.add_argument("--artifacts", type=Path)
    given = parser.parse_args()
    found = {}
    with tempfile.TemporaryDirectory() as folder:
        top = Path(folder)
        ingest([given.artifacts or small_builds(top / "artifacts")], top / "example")
        example = Catalog.load(top / "example")
        print(f"a build has {len(example.captures) / len(example.builds):g} captures; seconds are of CPU")
        for builds in given.builds:
            root = top / f"w{builds}"
            root.mkdir()
            found[builds] = grown(example, root, builds)
    print(f"| | {' | '.join(f'{builds} builds' for builds in found)} |")
    print("|---" * (1 + len(found)) + "|")
    for name in found[given.builds[0]]:
        print(f"| {name} | {' | '.join(f'{figures[name]:,.5g}' for figures in found.values())} |")


if __name__ == "__main__":
    main()
