"""Build the storefront service in all its builds, run each, and keep what it recorded.

    python examples/record.py                            # what is committed in examples/artifacts
    python examples/record.py --go 1.22 --out /tmp/old --builds b01 b05 --runs 1

The base is examples/service; build N is the base with the first N patches of
examples/builds laid over it. Needs git and the package registry (for Go), nothing else.

Writes <out>/<build>/<run>/<file>, the layout that Tracemill reads: build.json, the binary
(stripped) and the compiler's escape listing belong to a build; traces, profiles, dumps,
benchmark output and the GC trace to a run. The runs are interleaved (run 1 of every build,
then run 2 ...), so that a machine that slows down meanwhile slows all builds alike.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

if __package__ in (None, ""):  # run as a script: make the checkout importable
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from examples.recording import fresh_folder, pack_gzip, pack_xz, run, say, tree_hash
from examples.toolchain import environment, go, tool

HERE = Path(__file__).resolve().parent
REQUESTS = 900
PROCS = 2  # the same on every machine: how many requests run at once shapes all waiting
BENCH_FLAGS = ("-test.run=^$", "-test.bench=.", "-test.benchmem")
BENCH_REPEATS = ("-test.benchtime=3000x", "-test.count=2")
BENCH_ROUNDS = 3  # a run's benchmarks are spread over this many moments
# Large texts are worth packing; profiles are packed already.
PACKED_XZ = ("trace.out", "heap.txt")
PACKED_GZIP = ("goroutines.txt",)


@dataclass(frozen=True)
class Build:
    """A build to record: its patch's header, its source, and what was built of it."""

    build_id: str
    committed_at: str
    source: Path
    service: Path
    bench: Path


def main() -> None:
    """Record what the command line asks for."""
    options = parse_arguments()
    patches = sorted((HERE / "builds").glob("*.patch"))
    known = [patch.stem for patch in patches]
    wanted = options.builds or known
    if unknown := sorted(set(wanted) - set(known)):
        sys.exit(f"no such build: {', '.join(unknown)} (there are {known[0]} to {known[-1]})")
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="storefront-") as work:
        builds = []
        for number, patch in enumerate(patches, start=1):
            if patch.stem in wanted:
                say(f"building {patch.stem}")
                folder = fresh_folder(options.out / patch.stem)
                build = make_build(options.go, patches[:number], Path(work) / patch.stem, folder)
                builds.append(build)
        for run in range(1, options.runs + 1):
            for build in builds:
                say(f"recording {build.build_id} run {run} of {options.runs}")
                record_run(options.go, build, options.out / build.build_id / f"r{run}")
            for part in range(1, BENCH_ROUNDS + 1):
                say(f"benchmarks of run {run}, part {part} of {BENCH_ROUNDS}")
                for build in builds:
                    run_benchmarks(build, options.out / build.build_id / f"r{run}" / "bench.txt")
    files = [file for file in options.out.rglob("*") if file.is_file()]
    size_mb = sum(file.stat().st_size for file in files) / 1e6
    say(f"{len(files)} files, {size_mb:.1f} MB, {time.monotonic() - started:.0f} s: {options.out}")


def parse_arguments() -> argparse.Namespace:
    """Return the command line's options."""
    parser = argparse.ArgumentParser(
        description=(__doc__ or "").split("\n\n")[0], epilog="See examples/STORY.md for the builds."
    )
    parser.add_argument("--go", default="1.27", metavar="VERSION", help="Go to build with (1.27)")
    parser.add_argument(
        "--out", type=Path, default=HERE / "artifacts", help="folder to write to (%(default)s)"
    )
    parser.add_argument("--builds", nargs="+", metavar="ID", help="only these, such as b01 b05")
    parser.add_argument("--runs", type=int, default=3, help="runs of each build (3)")
    return parser.parse_args()


def make_build(version: str, patches: Sequence[Path], work: Path, folder: Path) -> Build:
    """Build the service with patches over it in work; fill folder with what is the build's."""
    source = work / "source"
    shutil.copytree(HERE / "service", source)
    for patch in patches:
        apply_patch(patch, source)
    header = read_header(patches[-1])
    build = Build(
        build_id=patches[-1].stem,
        committed_at=header["Date"],
        source=source,
        service=work / "storefront",
        bench=work / "storefront.test",
    )
    flags = ["-trimpath", "-buildvcs=false"]
    stripped = [*flags, "-ldflags=-s -w"]
    go_command(version, source, "build", *stripped, "-o", str(build.service), ".")
    go_command(version, source, "test", "-c", *flags, "-o", str(build.bench), "./internal/server")
    escapes = go_command(version, source, "build", *flags, "-gcflags=-m", "./...")
    pack_xz(build.service.read_bytes(), folder / "storefront.xz", is_code=True)
    pack_gzip(escapes.encode(), folder / "escapes.txt.gz")
    facts = {
        "id": build.build_id,
        "commit": tree_hash(source),
        "branch": "main",
        "committed_at": build.committed_at,
        "go_version": go_command(version, source, "env", "GOVERSION").split()[0],
    }
    (folder / "build.json").write_text(json.dumps(facts, indent=2) + "\n")
    return build


def record_run(version: str, build: Build, folder: Path) -> None:
    """Run the service once; keep in folder what it wrote."""
    folder = fresh_folder(folder)
    variables = {"GOMAXPROCS": str(PROCS), "GODEBUG": "gctrace=1"}
    command = [str(build.service), f"-requests={REQUESTS}", f"-out={folder}"]
    gctrace = run(command, folder, environment() | variables, stream="stderr")
    (folder / "gctrace.txt").write_text(gctrace)
    # Reading a trace to its end is the proof that it is whole.
    run([str(tool(version, "trace")), "-pprof=sync", "trace.out"], folder, environment())
    (folder / "run.json").write_text(json.dumps({"work": {"requests": REQUESTS}}) + "\n")
    for name in PACKED_XZ:
        pack_xz((folder / name).read_bytes(), folder / f"{name}.xz")
        (folder / name).unlink()
    for name in PACKED_GZIP:
        pack_gzip((folder / name).read_bytes(), folder / f"{name}.gz")
        (folder / name).unlink()


def run_benchmarks(build: Build, results: Path) -> None:
    """Run the build's benchmarks and append what they print to results."""
    command = [str(build.bench), *BENCH_FLAGS, *BENCH_REPEATS]
    variables = environment() | {"GOMAXPROCS": str(PROCS)}
    with results.open("a") as file:
        file.write(run(command, results.parent, variables))


def apply_patch(patch: Path, source: Path) -> None:
    """Apply patch to source; a patch of a header alone changes nothing."""
    if "\ndiff --git " in patch.read_text():
        # Inside of a checkout git would apply it there, and silently to nothing.
        outside = os.environ | {"GIT_CEILING_DIRECTORIES": str(source.parent)}
        run(["git", "apply", str(patch)], source, outside)


def read_header(patch: Path) -> dict[str, str]:
    """Return the fields (Subject, Date) before a patch's diff."""
    header = patch.read_text().split("\n\n")[0]
    return dict(line.split(": ", 1) for line in header.splitlines())


def go_command(version: str, source: Path, *arguments: str) -> str:
    """Run the go command in source and return what it wrote (listings go to stderr)."""
    variables = {}
    if int(re.split(r"\D", version)[1]) >= 27:
        # encoding/json upon its second version adds 170 KB to each packed binary.
        variables["GOEXPERIMENT"] = "nojsonv2"
    return run([str(go(version)), *arguments], source, environment() | variables, stream="both")


if __name__ == "__main__":
    main()
