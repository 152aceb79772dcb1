"""Build the example service with regressions of known size, and record what bench/service_plan.py plans.

What the sizes mean (bench/programs/service.patch):
- leak of X %: the workers keep the trails of the latest 1000 visitors, a map each. Every so many are not
  deleted, so that at the end of a run X % more maps are held. largeleak: of the latest 4000 visitors.
- contention of X %: the price cache holds its lock for 3 ms at every 80th lookup; now X % longer.

The program counts both itself, and says so on standard output: truth.json beside the captures, which the
pipeline never sees. Nothing listens on any port; a run that takes too long is killed by its process id.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import tempfile
import time
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

from bench.service_plan import BUSY, LARGE, Take
from examples.record import BENCH_FLAGS, HERE, PROCS, apply_patch, go_command
from examples.recording import pack_gzip, say, tree_hash
from examples.toolchain import environment

PATCH = Path(__file__).parent / "programs" / "service.patch"
GO = "1.27"
REQUESTS = 6000
LARGE_TRAILS = 1000
LONGEST_SECONDS = 60
BENCH_REPEATS = ("-test.benchtime=3000x", "-test.count=2")
TRUTH = "truth.json"
SAID = re.compile(r"truth: (\d+) trails held, (\d+) ns of lock held")
PACKED = ("trace.out", "goroutines.txt")
NOT_KEPT = ("heap.txt",)  # the same figures as heap.pb.gz, and larger than all the rest


def program(variant: str, home: Path) -> Path:
    """The folder with the service and its benchmarks as programs, built at the first use."""
    folder = home / "programs" / variant
    if folder.exists():
        return folder
    say(f"building {variant}")
    with tempfile.TemporaryDirectory(dir=home) as work:
        source, made = Path(work) / "source", Path(work) / "made"
        shutil.copytree(HERE / "service", source)
        apply_patch(PATCH, source)
        inject(source / "internal/inject/inject.go", constants(variant))
        made.mkdir()
        flags = ("-trimpath", "-buildvcs=false")
        go_command(GO, source, "build", *flags, "-ldflags=-s -w", "-o", str(made / "storefront"), ".")
        go_command(GO, source, "test", "-c", *flags, "-o", str(made / "bench"), "./internal/server")
        facts = {
            "tree": tree_hash(source),
            "go_version": go_command(GO, source, "env", "GOVERSION").split()[0],
        }
        (made / "facts.json").write_text(json.dumps(facts))
        folder.parent.mkdir(exist_ok=True)
        made.rename(folder)
    return folder


def constants(variant: str) -> dict[str, int]:
    """What the source of a variant has other than the patch."""
    if variant == LARGE:
        return {"KeptTrails": LARGE_TRAILS}
    kind, _, percent = variant.partition("-")
    permille = 10 * int(percent or 0)
    if kind == "largeleak":
        return {"KeptTrails": LARGE_TRAILS, "LeakPermille": permille}
    return {"leak": {"LeakPermille": permille}, "contention": {"HoldPermille": permille}}.get(kind, {})


def inject(file: Path, numbers: dict[str, int]) -> None:
    """Write numbers into the source."""
    text = file.read_text()
    for name, number in numbers.items():
        text, count = re.subn(rf"\b{name} = \d+", f"{name} = {number}", text)
        if count != 1:
            raise SystemExit(f"{file}: expected one line {name} = …, found {count}")
    file.write_text(text)


def manifest(tree: str, go_version: str, series: str, number: int, build: str) -> str:
    """build.json: every build has its own commit and time, also where the source is the same."""
    commit = hashlib.sha1(f"{tree} {series} {build}".encode(), usedforsecurity=False).hexdigest()
    committed = datetime(2026, 11, 1, tzinfo=UTC) + timedelta(hours=6 * number)
    facts = {
        "id": build,
        "commit": commit,
        "branch": "main",
        "committed_at": committed.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "go_version": go_version,
    }
    return json.dumps(facts, indent=2) + "\n"


def record(takes: list[Take], home: Path, minutes: float) -> int:
    """Record what is not there yet, for at most so long. Returns how many are still missing."""
    recordings = home / "recordings"
    for abandoned in home.glob(".take-*"):
        shutil.rmtree(abandoned, ignore_errors=True)
    due = [take for take in takes if not (recordings / take.place).exists()]
    for variant in dict.fromkeys(take.series.variant for take in due):
        program(variant, home)
    deadline = time.monotonic() + 60 * minutes
    for done, take in enumerate(due):
        if time.monotonic() > deadline:
            return len(due) - done
        take_priority(is_first=take.series.name != BUSY)
        record_one(program(take.series.variant, home), recordings / take.place, home)
        if done % 25 == 0:
            say(f"{done} of {len(due)} recorded, {take.place}, load {os.getloadavg()[0]:.1f}")
    return 0


def take_priority(*, is_first: bool) -> None:
    """Go before all other work on the machine, where the system lets us, or queue with it."""
    with suppress(PermissionError):
        if is_first:
            os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(10))
        else:
            os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))


def record_one(made: Path, target: Path, home: Path) -> None:
    """Run the service and its benchmarks once; target appears when all is there."""
    folder = Path(tempfile.mkdtemp(prefix=".take-", dir=home))
    service = [str(made / "storefront"), f"-requests={REQUESTS}", f"-out={folder}"]
    began = datetime.now(UTC)
    said, gctrace = _run(service, folder, {"GODEBUG": "gctrace=1"})
    benchmarks, _ = _run([str(made / "bench"), *BENCH_FLAGS, *BENCH_REPEATS], folder, {})
    trails, held_ns = map(int, SAID.findall(said)[0])
    truth = {
        "trails": trails,
        "held_ns": held_ns,
        "began": began.isoformat(),
        "load": round(os.getloadavg()[0], 2),
    }
    (folder / TRUTH).write_text(json.dumps(truth))
    (folder / "gctrace.txt").write_text(gctrace)
    (folder / "bench.txt").write_text(benchmarks)
    (folder / "run.json").write_text(json.dumps({"work": {"requests": REQUESTS}}) + "\n")
    for name in PACKED:
        pack_gzip((folder / name).read_bytes(), folder / f"{name}.gz")
    for name in (*PACKED, *NOT_KEPT):
        (folder / name).unlink()
    target.parent.mkdir(parents=True, exist_ok=True)
    folder.rename(target)


def _run(command: list[str], folder: Path, variables: dict[str, str]) -> tuple[str, str]:
    """Standard output and error of a program of ours, which is killed if it hangs."""
    done = subprocess.run(
        command,
        cwd=folder,
        env=environment() | {"GOMAXPROCS": str(PROCS)} | variables,
        capture_output=True,
        text=True,
        timeout=LONGEST_SECONDS,
        check=False,
    )
    if done.returncode:
        raise SystemExit(f"{' '.join(command)}: exit {done.returncode}\n{done.stderr[-2000:]}")
    return done.stdout, done.stderr
