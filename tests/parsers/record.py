"""Records the real samples in tests/samples: python -m tests.parsers.record [version …].

Builds the programs beside this file with each Go version (examples/toolchain.py) and
keeps what they write. tests/samples/README.md says what is what.
"""

from __future__ import annotations

import lzma
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from examples.toolchain import environment, go

PROGRAMS = Path(__file__).parent / "programs"
SAMPLES = Path(__file__).parents[1] / "samples"
VERSIONS = ("1.21", "1.22", "1.24", "1.27")
BINARIES = (
    ("1.21", "linux", "amd64"),
    ("1.22", "windows", "amd64"),
    ("1.24", "linux", "arm64"),
    ("1.26", "darwin", "arm64"),
)
CRASHES = (("panic", "all"), ("maps", "all"), ("quit", "system"), ("deadlock", "single"))
METERED = ("1.21", "1.27")
EVENTS = ("1.21", "1.24", "1.27")
DEBUG_1 = ("heap", "block", "mutex", "goroutine", "threadcreate", "open_sessions")


def build(program: str, version: str, target: Path, *flags: str, **env: str) -> None:
    """Build a program of this folder."""
    command = [go(version), "build", "-trimpath", "-buildvcs=false", *flags, "-o", target, "."]
    subprocess.run(command, cwd=PROGRAMS / program, env=environment() | env, check=True)


def keep(file: Path, form: str, version: str) -> None:
    """Put a file among the samples of a format."""
    folder = SAMPLES / form / f"go{version}"
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(file, folder / file.name)


def record_evidence(version: str) -> None:
    """Every profile and dump of the evidence program."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        build("evidence", version, folder / "evidence")
        subprocess.run([folder / "evidence", folder], env=environment(), check=True)
        for file in folder.glob("*.pb.gz"):
            keep(file, "pprof", version)
        for profile in DEBUG_1:
            keep(folder / f"{profile}.txt", "legacy_profile", version)
        keep(folder / "goroutines.txt", "goroutine_dump", version)


def run_go(program: str, version: str, *arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
    """Run the go command in the folder of a program."""
    command = [go(version), *arguments]
    return subprocess.run(
        command, cwd=PROGRAMS / program, env=environment() | env, check=True, capture_output=True, text=True
    )


def keep_text(text: str, name: str, form: str, version: str) -> None:
    """Put a text among the samples of a format."""
    folder = SAMPLES / form / f"go{version}"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(text)


def record_listings(version: str) -> None:
    """Benchmark output, the compiler's decisions, and lines of gctrace."""
    flags = ("-trimpath", "-run=^$", "-bench=.", "-benchtime=200x", "-count=2", "-cpu=1,2")
    keep_text(run_go("benchmarked", version, "test", *flags).stdout, "bench.txt", "benchmarks", version)
    if version in EVENTS:
        events = run_go("benchmarked", version, "test", "-json", *flags).stdout
        keep_text(events, "bench.json", "benchmarks", version)
    for name, level in (("m.txt", "-m"), ("m2.txt", "-m=2")):
        flags = ("-trimpath", "-o", "/dev/null", f"-gcflags={level}")
        keep_text(run_go("evidence", version, "build", *flags).stderr, name, "escapes", version)
    with tempfile.TemporaryDirectory() as name:
        flags = ("-trimpath", "-o", "/dev/null", f"-gcflags=-json=0,{name}")
        run_go("evidence", version, "build", *flags)
        for file in Path(name).glob("main/main.json"):
            keep(file, "logopt", version)
    flags = ("-trimpath", "-o", "/dev/null", "-gcflags=-d=ssa/check_bce")
    keep_text(run_go("evidence", version, "build", *flags).stderr, "bce.txt", "escapes", version)
    keep_text(
        run_go("tiny", version, "build", "-trimpath", "-o", "/dev/null", "-gcflags=-S").stderr,
        "S.txt",
        "listing",
        version,
    )
    if version == "1.27":
        flags = ("-trimpath", "-o", "/dev/null", "-gcflags=-S")
        arm64 = run_go("tiny", version, "build", *flags, GOARCH="arm64").stderr
        keep_text(arm64, "S.arm64.txt", "listing", version)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        build("tiny", version, folder / "tiny")
        dump = run_go("tiny", version, "tool", "objdump", "-s", "^main", str(folder / "tiny")).stdout
        keep_text(dump, "objdump.txt", "listing", version)
        build("evidence", version, folder / "evidence")
        done = subprocess.run(
            [folder / "evidence", folder],
            env=environment() | {"GODEBUG": "gctrace=1"},
            check=True,
            capture_output=True,
            text=True,
        )
        keep_text(done.stderr, "gctrace.txt", "gctrace", version)


def record_vet(version: str) -> None:
    """What go vet finds, as JSON; the folder it ran in is called /src."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "vetted"
        shutil.copytree(PROGRAMS / "vetted", folder)
        command = [go(version), "vet", "-json", "./..."]
        done = subprocess.run(
            command, cwd=folder, env=environment(), check=True, capture_output=True, text=True
        )
        # Up to Go 1.24 the report goes to standard error.
        report = (done.stdout.strip() or done.stderr) + "\n"
        keep_text(report.replace(str(folder), "/src/vetted"), "vet.json", "findings", version)


def record_crashes(version: str) -> None:
    """What the crash program leaves on standard error when it ends in each of its ways."""
    with tempfile.TemporaryDirectory() as name:
        binary = Path(name) / "crash"
        build("crash", version, binary)
        for way, level in CRASHES:
            env = environment() | {"GOTRACEBACK": level}
            done = subprocess.run([binary, way], env=env, check=False, capture_output=True, text=True)
            keep_text(done.stderr, f"{way}.{level}.txt", "goroutine_dump", version)


def record_binary(version: str, system: str, arch: str) -> None:
    """The tiny program's executable, stripped and compressed."""
    with tempfile.TemporaryDirectory() as name:
        binary = Path(name) / f"tiny.{system}-{arch}"
        build("tiny", version, binary, "-ldflags=-s -w", GOOS=system, GOARCH=arch)
        packed = binary.with_name(f"{binary.name}.xz")
        packed.write_bytes(lzma.compress(binary.read_bytes(), preset=9 | lzma.PRESET_EXTREME))
        keep(packed, "binary", version)


def record_metrics(version: str) -> None:
    """What the measured program says of its runtime."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        build("measured", version, folder / "measured")
        (folder / "out").mkdir()
        subprocess.run(["./measured", "out"], cwd=folder, env=environment(), check=True)
        for file in (folder / "out").iterdir():
            keep(file, "runtime_metrics", version)


def main(versions: list[str]) -> None:
    """Record all samples of the versions, or of VERSIONS."""
    for version in versions or VERSIONS:
        record_evidence(version)
        record_listings(version)
        record_crashes(version)
        record_vet(version)
        if version in METERED:
            record_metrics(version)
    for version, system, arch in BINARIES:
        if not versions or version in versions:
            record_binary(version, system, arch)


if __name__ == "__main__":
    main(sys.argv[1:])
