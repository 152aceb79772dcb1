"""What is claimed of a service when others use the machine's processors, whether it changed or not.

    python -m bench.neighbours [--builds 20]

Records a web service (bench/programs/shop.go) that waits for locks, for workers and for its queue, under
load: builds on a machine that it has for itself, as far as priority gives that, and builds beside one to four
processes that compute all the time; some of these hold the journal's lock for 0.3 ms longer. Two runs of two
seconds each. Each build beside others is then judged after eight alone; of those with the change one more,
alone, follows. What is recorded stays under ``.cache/bench/neighbours``, and a later call judges it. All on
the loopback interface; the requests are bounded in number and time.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import os
import random
import shutil
import subprocess
import sys
import time
import urllib.request
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

from examples.record import go_command
from tracemill.flows.loading.collect import collect
from tracemill.flows.progress import Silent
from tracemill.flows.run import run
from tracemill.warehouse import connect

FOLDER = Path(__file__).resolve().parents[1] / ".cache/bench/neighbours"
GO = "1.26"
ADDRESS = "127.0.0.1:8590"
REQUESTS_PER_SECOND, SECONDS = 400, 2
MOST_NEIGHBOURS, BEFORE = 4, 8
NAP = "300us"


def main() -> None:
    """Record what is not there yet, judge it, and print what was said of how many builds."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--builds", type=int, default=20, help="builds beside others, and as many alone")
    count: int = parser.parse_args().builds
    draw = random.Random(11)
    alone = [_recorded(f"alone{number:02}", 0) for number in range(count)]
    shared = [_recorded(f"shared{n:02}", draw.randint(1, MOST_NEIGHBOURS)) for n in range(count)]
    slower = [_recorded(f"slower{number}", 3, "-nap", NAP) for number in range(2)]
    lasting = _recorded("slower-alone", 0, "-nap", NAP)
    print(
        "| one build beside others, judged after eight alone | builds | regressed | not compared | neither |"
    )
    print("|---|---|---|---|---|")
    said = Counter(_judge([*draw.sample(alone, BEFORE), build])[-1] for build in shared)
    print(_row("nothing changed", said))
    said = Counter(_judge([*draw.sample(alone, BEFORE), build])[-1] for build in slower)
    print(_row(f"a lock is held {NAP} longer", said))
    said = Counter(_judge([*draw.sample(alone, BEFORE), build, lasting])[-1] for build in slower)
    print(_row("the same, and then one alone", said))


def _row(what: str, said: Counter[str]) -> str:
    counts = (said["regressed"], said["not_comparable"], said[""])
    return f"| {what} | {said.total()} | {' | '.join(str(count) for count in counts)} |"


def _recorded(build: str, neighbours: int, *options: str) -> Path:
    """The folder of a build, recorded at the first call."""
    for number in ("1", "2"):
        if not (FOLDER / "builds" / build / number / "run.json").exists():
            _record(build, number, neighbours, options)
    return FOLDER / "builds" / build


def _record(build: str, number: str, neighbours: int, options: tuple[str, ...]) -> None:
    """One run: the service, its load and its neighbours, until it has been scraped."""
    first = [] if neighbours else ["nice", "-n", "-15"]
    program = _program()
    folder = FOLDER / "builds" / build / number
    shutil.rmtree(folder, ignore_errors=True)
    with contextlib.ExitStack() as started:
        _start(started, *first, program, ADDRESS, *options)
        for _ in range(neighbours):
            _start(started, sys.executable, "-c", "while True: pass")
        _requests()
        _start(started, *first, program, ADDRESS, "-load", str(REQUESTS_PER_SECOND))
        time.sleep(1)
        collect(f"http://{ADDRESS}", build, number, FOLDER / "builds", seconds=SECONDS, progress=Silent())
        served = _requests()
    (folder / "run.json").write_text(json.dumps({"work": {"requests": served}}))
    print(f"{build}/{number}: {neighbours} neighbours, {served} requests", file=sys.stderr)


def _program() -> Path:
    """The service, built at the first call."""
    program = FOLDER / "shop"
    if not program.exists():
        FOLDER.mkdir(parents=True, exist_ok=True)
        source = Path(__file__).parent / "programs"
        go_command(GO, source, "build", "-trimpath", "-ldflags=-s -w", "-o", str(program), "shop.go")
    return program


def _start(started: contextlib.ExitStack, *command: str | os.PathLike[str]) -> None:
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    started.callback(process.wait)
    started.callback(process.kill)


def _requests() -> int:
    """How many requests the service has answered, once it answers."""
    for _ in range(100):
        with (
            contextlib.suppress(OSError),
            urllib.request.urlopen(f"http://{ADDRESS}/requests", timeout=5) as a,
        ):
            return int(a.read())
        time.sleep(0.1)
    raise SystemExit(f"{ADDRESS}: no answer")


def _judge(builds: list[Path]) -> list[str]:
    """What is said of each build as they come one after the other: regressed, not_comparable, or nothing."""
    home = FOLDER / "judged"
    shutil.rmtree(home, ignore_errors=True)
    for day, build in enumerate(builds):
        target = home / "artifacts" / f"{day:02}"
        shutil.copytree(build, target)
        committed = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(days=day)
        (target / "build.json").write_text(json.dumps({"committed_at": committed.isoformat()}))
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        run([home / "artifacts"], home / "warehouse", home / "exports")
    with connect(home / "warehouse") as connection:
        found = connection.execute("select build_id, status from incidents").fetchall()
    return [
        next((s for s in ("regressed", "not_comparable") if (f"{day:02}", s) in found), "")
        for day in range(len(builds))
    ]


if __name__ == "__main__":
    main()
