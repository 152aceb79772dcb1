"""Measure what is claimed of maps with several versions of Go, and keep what they recorded.

    python examples/claims/record.py                     # what is committed in examples/claims/artifacts
    python examples/claims/record.py --go 1.28           # one more version beside them
    python examples/claims/record.py --go 1.27 --runs 1 --bench 'IfaceDeepCopy' --out /tmp/lab

Each version of Go is a build, claims-go<version>, committed when the toolchain was: that is all that differs
between them. The label lab=claims in build.json is what the models go by. Writes the layout that Tracemill
reads; RECORDED.md says which file is what. Needs the package registry for Go, and Debian's for the analyzer's
libraries: without these it says so, and there is no rule.sarif.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

if __package__ in (None, ""):  # run as a script: make the checkout importable
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from examples.claims.analyzer import MODULE, NoXToolsError, mapassert, sarif_of_vet
from examples.recording import fresh_folder, pack_gzip, pack_xz, run, say, tree_hash
from examples.toolchain import environment, go

HERE = Path(__file__).resolve().parent
VERSIONS = ("1.22", "1.25", "1.27")
PROCS = "2"  # the same on every machine
FLAGS = ("-trimpath", "-buildvcs=false")
TRACES = ("contend", "grow", "assist", "requests")
CRASH_EXITS = (0, 2)  # writers without a lock may go on, or be ended by the runtime
# A fixed number of iterations where a first one costs more than the others; otherwise some time for each.
COUNTED = "FmtCopies|SharedIfaceBloat|GrowAllocates|JsonNestedLeak"
COUNTED_FLAGS = ("-test.benchtime=10x",)
TIMED_FLAGS = ("-test.benchtime=50ms", "-test.count=3")


@dataclass(frozen=True)
class Build:
    """A version's programs: the benchmarks, the same ones not optimised, the lab."""

    version: str
    folder: Path
    bench: Path
    plain: Path
    lab: Path


def main() -> None:
    """Record what the command line asks for."""
    options = parse_arguments()
    with tempfile.TemporaryDirectory(prefix="claims-") as work:
        source = Path(work) / "claimslab"
        copy_source(source)
        builds = []
        for version in options.go:
            say(f"building with Go {version}")
            folder = fresh_folder(options.out / f"claims-go{version}")
            builds.append(make_build(version, source, Path(work) / version, folder))
        for number in range(1, options.runs + 1):
            for build in builds:
                say(f"recording Go {build.version}, run {number} of {options.runs}")
                folder = fresh_folder(build.folder / f"r{number}")
                run_benchmarks(build, options.bench, folder)
                run_lab(build, folder)
    files = [file for file in options.out.rglob("*") if file.is_file()]
    say(f"{len(files)} files, {sum(file.stat().st_size for file in files) / 1e6:.2f} MB: {options.out}")


def parse_arguments() -> argparse.Namespace:
    """Return the command line's options."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("--go", nargs="+", default=VERSIONS, metavar="VERSION", help="versions (%(default)s)")
    parser.add_argument(
        "--out", type=Path, default=HERE / "artifacts", help="folder to write to (%(default)s)"
    )
    parser.add_argument("--runs", type=int, default=2, help="runs with each version (2)")
    parser.add_argument("--bench", default=".", metavar="REGEX", help="only these benchmarks")
    return parser.parse_args()


def copy_source(source: Path) -> None:
    """Copy the Go module alone, so that its hash does not depend on what was recorded."""
    own = (file for file in sorted(HERE.rglob("*.go")) if MODULE not in file.parents)
    for file in (HERE / "go.mod", *own):
        target = source / file.relative_to(HERE)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, target)


def make_build(version: str, source: Path, work: Path, folder: Path) -> Build:
    """Build the programs in work; fill folder with what is the build's."""
    work.mkdir()
    build = Build(version, folder, work / "bench", work / "plain", work / "lab")

    def go_command(*arguments: str) -> str:
        return run([str(go(version)), *arguments], source, environment(), stream="both")

    go_command("test", "-c", *FLAGS, "-o", str(build.bench), "./bench")
    unoptimised = ("-tags=unoptimised", "-gcflags=-N -l")
    go_command("test", "-c", *FLAGS, *unoptimised, "-o", str(build.plain), "./bench")
    go_command("build", *FLAGS, "-o", str(build.lab), "./lab")
    (folder / "escapes.txt").write_text(go_command("build", *FLAGS, "-gcflags=-m", "./static"))
    listing = go_command("build", *FLAGS, "-gcflags=-S", "./static")
    pack_gzip(listing.encode(), folder / "listing.txt.gz")
    try:
        found = go_command("vet", f"-vettool={mapassert()}", "-json", "./assertions")
        (folder / "rule.sarif").write_text(sarif_of_vet(found, source))
    except NoXToolsError as error:
        say(f"no rule.sarif: the analyzer was not run: {error}")
    facts = {
        "id": f"claims-go{version}",
        "commit": tree_hash(source),
        "committed_at": toolchain_time(version),
        "go_version": go_command("env", "GOVERSION").split()[0],
        "labels": {"lab": "claims"},
    }
    (folder / "build.json").write_text(json.dumps(facts, indent=2) + "\n")
    return build


def run_benchmarks(build: Build, wanted: str, folder: Path) -> None:
    """Run the benchmarks that wanted names; those of IfaceSince110 also without optimisation."""
    since = "IfaceSince110"
    output = bench(build.bench, folder, wanted, *TIMED_FLAGS, f"-test.skip=^Benchmark({COUNTED})$")
    if wanted == ".":
        output += bench(build.bench, folder, f"^Benchmark({COUNTED})$", *COUNTED_FLAGS)
        output += bench(build.plain, folder, since, *TIMED_FLAGS)
    (folder / "bench.txt").write_text(output)


def bench(program: Path, folder: Path, wanted: str, *flags: str) -> str:
    """Return what a test binary's benchmarks print."""
    command = [str(program), "-test.run=^$", f"-test.bench={wanted}", "-test.benchmem", *flags]
    return run(command, folder, environment() | {"GOMAXPROCS": PROCS})


def run_lab(build: Build, folder: Path) -> None:
    """Run every experiment; keep what it wrote in folder."""
    lab, variables = str(build.lab), environment() | {"GOMAXPROCS": PROCS}
    run([lab, "leak", "heap.pb.gz", "goroutines.txt"], folder, variables)
    crash = run([lab, "crash"], folder, variables | {"GOTRACEBACK": "all"}, "stderr", CRASH_EXITS)
    (folder / "crash.txt").write_text(crash)
    for name in TRACES:
        trace = folder / f"{name}.trace"
        run([lab, name, trace.name], folder, variables)
        pack_xz(trace.read_bytes(), folder / f"{trace.name}.xz")
        trace.unlink()


def toolchain_time(version: str) -> str:
    """Return when the toolchain was committed, from the VERSION file at its root."""
    written = (go(version).parents[1] / "VERSION").read_text()
    return next(line.split()[1] for line in written.splitlines() if line.startswith("time "))


if __name__ == "__main__":
    main()
