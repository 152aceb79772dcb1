"""Two builds beside each other: `python -m bench.pairs [--pairs 200] [--runs 5] [--more 0] [--minutes 60]`.

The example service is built once. Each pair is recorded by `tracemill record` in turns, as builds base and
head, and judged by `tracemill compare`. By default both do the same, and what is called worse or better is
false. With --more 5 head serves five per cent more requests than it says, so that a request costs so much
more: printed is in how many pairs that is found. And how many series there were, how many were told not to
differ, how long a pair was recorded, and how busy the machine was.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from examples.record import HERE
from examples.toolchain import environment, go

REQUESTS = 600
TRACEMILL = [sys.executable, "-m", "tracemill"]


def main() -> None:
    """Build once, then record and compare pair after pair."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=200)
    parser.add_argument("--runs", type=int, default=5, help="of each build")
    parser.add_argument("--minutes", type=float, default=60.0, help="no pair begins later")
    parser.add_argument("--more", type=float, default=0.0, help="per cent of work that head does more")
    parser.add_argument("--at-least", type=float, default=5.0, help="per cent that are worth a word")
    options = parser.parse_args()
    end = time.monotonic() + 60 * options.minutes
    pairs: list[Pair] = []
    with tempfile.TemporaryDirectory(prefix="bench-pairs-") as folder:
        program = build_service(Path(folder))
        while len(pairs) < options.pairs and time.monotonic() < end:
            home = Path(folder, f"pair{len(pairs)}")
            pairs.append(_pair(program, home, options))
            shutil.rmtree(home)
            worse = sum("worse" in pair.answers for pair in pairs)
            print(f"{len(pairs)} of {options.pairs}: worse in {worse} of them", file=sys.stderr)
    print(_summary(pairs, options))


@dataclass(frozen=True)
class Pair:
    """What was said of a pair. seconds: of recording; different: the series that differ, in words."""

    answers: Counter[str]
    different: list[str]
    seconds: float
    load: float


def _pair(program: Path, folder: Path, options: argparse.Namespace) -> Pair:
    began = time.monotonic()
    artifacts = recorded(program, folder, options.runs, options.more)
    seconds = time.monotonic() - began
    series = _compared(artifacts, options.at_least)
    different = [
        f"{s['answer']} {s['metric']} of {s['subject']}, ×{s['ratio']:.3f}, q = {s['q_value']:.1g}"
        for s in series
        if s["answer"] in ("worse", "better")
    ]
    return Pair(Counter(s["answer"] for s in series), different, seconds, os.getloadavg()[0])


def _summary(pairs: list[Pair], options: argparse.Namespace) -> str:
    answers = sum((pair.answers for pair in pairs), Counter[str]())
    loads = [pair.load for pair in pairs]
    seconds = statistics.median(pair.seconds for pair in pairs)
    lines = [
        f"{len(pairs)} pairs of {options.runs} runs a side, each recorded in {seconds:.0f} s, "
        f"load {min(loads):.0f} to {max(loads):.0f}",
        ", ".join(f"{count} series {answer}" for answer, count in sorted(answers.items())),
    ]
    if not options.more:
        false = [f"pair {i}: {text}" for i, pair in enumerate(pairs, 1) for text in pair.different]
        return "\n".join([*lines, *(false or ["nothing false"])])
    found = sum("worse" in pair.answers for pair in pairs)
    silent = sum(not pair.different for pair in pairs)
    wrong = [f"pair {i}: {t}" for i, p in enumerate(pairs, 1) for t in p.different if t.startswith("better")]
    lines.append(f"{options.more:g} % more work: found in {found} of {len(pairs)}; nothing said in {silent}")
    seen = Counter(text.split()[1] for pair in pairs for text in pair.different)
    lines.append("by " + ", ".join(f"{metric} {count} times" for metric, count in seen.most_common(8)))
    return "\n".join([*lines, *(wrong or ["nothing called better"])])


def build_service(folder: Path) -> Path:
    """The example service's program, in the folder."""
    program = folder / "storefront"
    subprocess.run(
        [str(go("1.27")), "build", "-trimpath", "-buildvcs=false", "-o", str(program), "."],
        cwd=HERE / "service", env=environment(), check=True,
    )  # fmt: skip
    return program


def recorded(program: Path, folder: Path, runs: int, more: float) -> Path:
    """Artifacts of both builds, recorded in turns; head does so many per cent more than it says."""
    artifacts = folder / "artifacts"
    commands = [
        [str(program), f"-requests={requests}", "-out={out}"]
        for requests in (REQUESTS, round(REQUESTS * (1 + more / 100)))
    ]
    recording = [*TRACEMILL, "record", "-q", "-n", str(runs), "--artifacts", str(artifacts)]
    subprocess.run(
        [*recording, "--", *commands[0], "--", *commands[1]],
        env=environment() | {"GOMAXPROCS": "2"},
        check=True,
        stdout=subprocess.DEVNULL,
    )
    for run in artifacts.glob("*/*/run.json"):
        run.write_text(json.dumps(json.loads(run.read_text()) | {"work": {"requests": REQUESTS}}))
        (run.parent / "heap.txt").unlink()
    return artifacts


def _compared(artifacts: Path, at_least: float) -> list[dict[str, Any]]:
    """What `compare` says of each series."""
    sides = [str(artifacts / side) for side in ("base", "head")]
    said = subprocess.run(
        [*TRACEMILL, "compare", *sides, "--at-least", str(at_least), "--json", "-q"], stdout=subprocess.PIPE
    )
    return list(json.loads(said.stdout)["series"])


if __name__ == "__main__":
    main()
