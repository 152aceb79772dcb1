"""One source under several releases of Go: `python -m bench.toolchains [--go 1.21,1.24,1.27] [--runs 5]`.

The example service, its loops over integers written out so that 1.21 takes it too, is built and recorded
under each release, in turns, and compared pairwise. Printed of each pair: how many functions have the same
name, how many the same plain name, and how many series differ, which no verdict may blame the code for.
"""

from __future__ import annotations

import argparse
import json
import re
import shutil
import subprocess
import tempfile
from collections import Counter
from itertools import combinations
from pathlib import Path

from examples.record import HERE
from examples.toolchain import environment, go
from tracemill.flows.build import build
from tracemill.flows.gate.compare import BETTER, EQUAL, SAME, TOOLCHAIN, UNKNOWN, WORSE, compare
from tracemill.flows.gate.toolchain import plain_name
from tracemill.flows.loading.ingest import ingest
from tracemill.warehouse import connect

REQUESTS = 600
AT_LEAST = 5.0


def main() -> None:
    """Record, load, compare, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--go", default="1.21,1.22,1.23,1.24,1.25,1.26,1.27")
    parser.add_argument("--runs", type=int, default=5)
    options = parser.parse_args()
    versions = options.go.split(",")
    with tempfile.TemporaryDirectory(prefix="bench-toolchains-") as folder:
        artifacts = Path(folder, "artifacts")
        source = _source(Path(folder, "source"))
        for number, version in enumerate(versions):
            _build(source, artifacts / version, version, number)
        for run in range(1, options.runs + 1):
            for version in versions:
                _record(artifacts / version, run)
        ingest([artifacts], Path(folder, "w"))
        build(Path(folder, "w"))
        print(
            "| releases | functions | same name | same plain name | by the toolchain | does not differ | "
            "cannot tell | blamed on the code |"
        )
        print("|---|---|---|---|---|---|---|---|")
        with connect(Path(folder, "w")) as connection:
            for before, after in combinations(versions, 2):
                names = [_functions(connection, v) for v in (before, after)]
                found = compare(connection, before, after, AT_LEAST)
                counts = [len(found.of(*a)) for a in ((TOOLCHAIN,), (SAME, EQUAL), (UNKNOWN,))]
                exact, plain = (
                    _share(*names),
                    _share(*[Counter(map(plain_name, n.elements())) for n in names]),
                )
                print(
                    f"| {before} → {after} | {sum(names[0].values())} | {exact:.1%} | {plain:.1%} | "
                    + " | ".join(map(str, counts))
                    + f" | {len(found.of(WORSE, BETTER))} |"
                )


def _share(one: Counter[str], other: Counter[str]) -> float:
    """Of the functions of both, the share that has its like in the other."""
    return 2 * (one & other).total() / max(one.total() + other.total(), 1)


def _functions(connection: object, version: str) -> Counter[str]:
    """The program's own functions in its binary."""
    rows = connection.execute(  # type: ignore[attr-defined]
        "select f.function from binary_functions f join captures c using (capture_id) where c.build_id = ? "
        "and (starts_with(f.function, 'storefront') or starts_with(f.function, 'main.'))",
        [version],
    ).fetchall()
    return Counter(name for (name,) in rows)


def _source(folder: Path) -> Path:
    """The service as a module of Go 1.21."""
    shutil.copytree(HERE / "service", folder, ignore=shutil.ignore_patterns("*_test.go"))
    for file in folder.rglob("*.go"):
        file.write_text(re.sub(r"for range (\w+) {", r"for i := 0; i < \1; i++ {", file.read_text()))
    (folder / "go.mod").write_text("module storefront\n\ngo 1.21\n")
    return folder


def _build(source: Path, folder: Path, version: str, number: int) -> None:
    folder.mkdir(parents=True)
    command = [
        "nice",
        "-n",
        "10",
        str(go(version)),
        "build",
        "-trimpath",
        "-buildvcs=false",
        "-o",
        str(folder / "storefront"),
        ".",
    ]
    subprocess.run(command, cwd=source, env=environment(), check=True)
    said = subprocess.run(
        [str(go(version)), "env", "GOVERSION"], env=environment(), capture_output=True, text=True
    )
    facts = {
        "commit": "a" * 40,
        "go_version": said.stdout.split()[0],
        "committed_at": f"2026-01-0{number + 1}T00:00:00Z",
    }
    (folder / "build.json").write_text(json.dumps(facts))


def _record(folder: Path, run: int) -> None:
    out = folder / f"r{run}"
    out.mkdir()
    command = ["nice", "-n", "5", str(folder / "storefront"), f"-requests={REQUESTS}", f"-out={out}"]
    variables = environment() | {"GOMAXPROCS": "2"}
    subprocess.run(command, env=variables, check=True, capture_output=True)
    (out / "heap.txt").unlink()
    (out / "run.json").write_text(json.dumps({"work": {"requests": REQUESTS}}))


if __name__ == "__main__":
    main()
