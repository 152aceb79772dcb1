"""How often the true commit is found: `python -m bench.commits [--only NAME,…] [--runs 2] [--no-bisect]`.

Twenty regressions of the example service are hidden in a scripted repository (bench/commits_repository.py),
one in each branch of 16 commits. The base is built and recorded as six builds, each branch's end as another;
`tracemill commits` ranks the branch's commits, and the script that it writes builds and records commits until
it is sure. Nothing is told to it but the warehouse, the repository and how to record.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from bench.commits_repository import Case, Shop, scripted
from examples.toolchain import environment, go
from tracemill.flows.build import build
from tracemill.flows.commits.answer import Answer, which_commit
from tracemill.flows.commits.bisect import Asked, script
from tracemill.flows.commits.repository import Repository
from tracemill.flows.loading.ingest import ingest
from tracemill.flows.show.card_incident import Incident, incidents
from tracemill.flows.show.card_wording import headline
from tracemill.warehouse import connect

GO = "1.27"
GOOD_BUILDS = 6
REQUESTS = 600
# What the issue on commits asks for.
AMONG, RUNS = 3, 4
RECORD = (
    'nice -n 10 {go} build -trimpath -buildvcs=false -o "$TRACEMILL_OUT/storefront" . && '
    'nice -n 10 "$TRACEMILL_OUT/storefront" -requests={requests} -out="$TRACEMILL_OUT" >/dev/null && '
    'rm "$TRACEMILL_OUT/heap.txt" && '
    """printf '{{"work": {{"requests": {requests}}}}}' >"$TRACEMILL_OUT/run.json\""""
)


@dataclass(frozen=True)
class Result:
    """rank: the true commit's place, 0 without an incident. runs: commits tested until it was named."""

    case: Case
    incident: str
    rank: int
    of: int
    runs: int | None
    found: bool


def main() -> None:
    """Make the repository, record, rank, search; print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default="", help="names of regressions, with commas")
    parser.add_argument("--runs", type=int, default=2, help="runs of each build")
    parser.add_argument("--no-bisect", action="store_true")
    options = parser.parse_args()
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="bench-commits-") as folder:
        home = Path(folder)
        made, cases = scripted(home / "shop", chosen=tuple(filter(None, options.only.split(","))))
        made.git("checkout", "-q", made.base)
        base = home / "base"
        for number in range(1, GOOD_BUILDS + 1):
            _record(made, home / "artifacts" / f"g{number}", made.base, number, options.runs)
        _load(home / "artifacts", base)
        results = []
        for case in cases:
            result = _judge(made, case, home, base, options.runs, bisects=not options.no_bisect)
            results.append(result)
            print(_line(result), flush=True)
        commits = made.commits
    print(_summary(results, commits, time.monotonic() - began))


def _load(artifacts: Path, warehouse: Path) -> None:
    ingest([artifacts], warehouse)
    build(warehouse)


def _command() -> str:
    return RECORD.format(go=go(GO), requests=REQUESTS)


def _record(made: Shop, folder: Path, commit: str, number: int, runs: int) -> None:
    """Record what is checked out as a build."""
    folder.mkdir(parents=True)
    facts = {"commit": commit, "committed_at": f"2026-04-{number:02}T00:00:00Z", "branch": "main"}
    (folder / "build.json").write_text(json.dumps(facts))
    for run in range(1, runs + 1):
        out = folder / f"r{run}"
        out.mkdir()
        variables = environment() | {"TRACEMILL_OUT": str(out), "GOMAXPROCS": "2"}
        subprocess.run(["sh", "-c", _command()], cwd=made.folder, env=variables, check=True)
        # The binary belongs to the build.
        (out / "storefront").rename(folder / "storefront")


def _judge(made: Shop, case: Case, home: Path, base: Path, runs: int, *, bisects: bool) -> Result:
    name = case.regression.name
    made.git("checkout", "-q", case.bad)
    artifacts, warehouse = home / f"artifacts-{name}", home / f"warehouse-{name}"
    _record(made, artifacts / "bad", case.bad, GOOD_BUILDS + 1, runs)
    shutil.copytree(base, warehouse)
    _load(artifacts, warehouse)
    with connect(warehouse) as connection:
        found = [i for i in incidents(connection) if i.seen_build_id == "bad" and i.status == "regressed"]
        if not found:
            return Result(case, "none", 0, case.length, None, found=False)
        incident = min(found, key=lambda i: i.gravity)
        answer = which_commit(connection, incident, Repository(made.folder))
    rank = 1 + [r.commit.commit for r in answer.ranked].index(case.culprit)
    tested, is_found = _search(made, case, answer, incident, warehouse, home) if bisects else (None, False)
    shutil.rmtree(warehouse)
    shutil.rmtree(artifacts)
    return Result(case, headline(incident), rank, len(answer.ranked), tested, is_found)


def _search(
    made: Shop, case: Case, answer: Answer, incident: Incident, warehouse: Path, home: Path
) -> tuple[int, bool]:
    """Run the script; how many commits it tested, and whether it named the true one."""
    file = home / f"bisect-{case.regression.name}.sh"
    asked = Asked(_command(), 1, warehouse, f"{sys.executable} -m tracemill")
    file.write_text(script(answer, asked, file.name, headline(incident)))
    variables = environment() | {"GOMAXPROCS": "2", "PATH": os.environ["PATH"]}
    done = subprocess.run(["sh", str(file)], cwd=made.folder, env=variables, capture_output=True, text=True)
    made.git("bisect", "reset")
    made.git("checkout", "-q", case.bad)
    tested = re.findall(r"^(?:good|bad|skip): ", done.stdout, re.MULTILINE)
    is_found = f"the first bad commit: {case.culprit}" in done.stdout
    if not is_found:
        print(done.stdout, done.stderr[-3000:], file=sys.stderr)
    return len(tested), is_found


def _line(r: Result) -> str:
    runs = "" if r.runs is None else f"{r.runs} runs{'' if r.found else ', NOT found'}"
    return f"| {r.case.regression.name} | {r.incident} | {r.rank or '–'} of {r.of} | {runs} |"


def _summary(results: list[Result], commits: int, seconds: float) -> str:
    among = sum(0 < r.rank <= AMONG for r in results)
    within = sum(r.found and r.runs is not None and r.runs <= RUNS for r in results)
    first = sum(r.rank == 1 for r in results)
    return (
        f"{commits} commits, {len(results)} regressions: the true commit is the first for {first}, "
        f"among the first {AMONG} for {among} ({among / len(results):.0%}); found after at most {RUNS} runs "
        f"of the script for {within} ({within / len(results):.0%}); {seconds:.0f} s"
    )


if __name__ == "__main__":
    main()
