"""Two builds that are the same: `python -m bench.pairs [--pairs 200] [--runs 5] [--minutes 60]`.

The example service is built once. Each pair is recorded by `tracemill record` in turns, as builds base and
head, and judged by `tracemill compare`; what it says is worse or better is false. Printed: how many pairs and
series, how many of them were false, how many were told not to differ, and how busy the machine was.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from examples.record import HERE
from examples.toolchain import environment, go

REQUESTS = 600
AT_LEAST = 5


def main() -> None:
    """Build once, then record and compare pair after pair."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=200)
    parser.add_argument("--runs", type=int, default=5, help="of each build")
    parser.add_argument("--minutes", type=float, default=60.0, help="no pair begins later")
    options = parser.parse_args()
    end = time.monotonic() + 60 * options.minutes
    answers: Counter[str] = Counter()
    false: list[str] = []
    loads: list[float] = []
    with tempfile.TemporaryDirectory(prefix="bench-pairs-") as folder:
        program = Path(folder, "storefront")
        subprocess.run(
            [str(go("1.27")), "build", "-trimpath", "-buildvcs=false", "-o", str(program), "."],
            cwd=HERE / "service", env=environment(), check=True,
        )  # fmt: skip
        done = 0
        while done < options.pairs and time.monotonic() < end:
            found = _compared(program, Path(folder, f"pair{done}"), options.runs)
            done += 1
            loads.append(os.getloadavg()[0])
            answers.update(series["answer"] for series in found["series"])
            false += [
                f"pair {done}: {s['answer']} {s['metric']} of {s['subject']}, q = {s['q_value']}"
                for s in found["series"]
                if s["answer"] in ("worse", "better")
            ]
            print(f"{done} of {options.pairs}: {len(false)} false so far", file=sys.stderr)
    print(f"{done} pairs of {options.runs} runs a side, load {min(loads):.0f} to {max(loads):.0f}")
    print(", ".join(f"{count} series {answer}" for answer, count in sorted(answers.items())))
    print("\n".join(false) or "nothing false")


def _compared(program: Path, folder: Path, runs: int) -> dict[str, list[dict[str, object]]]:
    """What `compare` says of one pair."""
    tracemill = [sys.executable, "-m", "tracemill"]
    command = [str(program), f"-requests={REQUESTS}", "-out={out}"]
    artifacts = folder / "artifacts"
    recording = [*tracemill, "record", "-q", "-n", str(runs), "--artifacts", str(artifacts)]
    subprocess.run(
        [*recording, "--", *command, "--", *command],
        env=environment() | {"GOMAXPROCS": "2"},
        check=True,
        stdout=subprocess.DEVNULL,
    )
    for run in artifacts.glob("*/*/run.json"):
        run.write_text(json.dumps(json.loads(run.read_text()) | {"work": {"requests": REQUESTS}}))
        (run.parent / "heap.txt").unlink()
    sides = [str(artifacts / side) for side in ("base", "head")]
    said = subprocess.run(
        [*tracemill, "compare", *sides, "--at-least", str(AT_LEAST), "--json", "-q"], stdout=subprocess.PIPE
    )
    return dict(json.loads(said.stdout))


if __name__ == "__main__":
    main()
