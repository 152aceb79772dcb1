"""Records traces of the programs in programs/ with any Go version; results are kept in .cache.

python -m tests.exectrace.record    # makes the committed samples anew
"""

from __future__ import annotations

import gzip
import hashlib
import os
import subprocess
from pathlib import Path

from examples.toolchain import CACHE, environment, go

HERE = Path(__file__).resolve().parent
SAMPLES = HERE / "samples"
VERSIONS = ("1.22", "1.23", "1.24", "1.25", "1.26", "1.27")


def program(name: str, version: str) -> Path:
    """The executable of programs/<name>.go, built on first use."""
    source = HERE / "programs" / f"{name}.go"
    digest = hashlib.sha256(source.read_bytes()).hexdigest()[:12]
    folder = CACHE / "exectrace"
    folder.mkdir(parents=True, exist_ok=True)
    executable = folder / f"{name}-{version}-{digest}"
    if not executable.exists():
        part = folder / f".{executable.name}.{os.getpid()}"
        subprocess.run([go(version), "build", "-o", part, source], env=environment(), check=True, cwd=folder)
        part.rename(executable)
    return executable


def record(name: str, version: str, *args: str, procs: int = 2, godebug: str = "") -> Path:
    """A trace that the program wrote: OUT is put before args."""
    executable = program(name, version)
    trace = executable.parent / "-".join([executable.name, *args, f"p{procs}", f"{godebug}.trace"])
    if not trace.exists():
        part = trace.parent / f".{trace.name}.{os.getpid()}"
        env = environment() | {"GOMAXPROCS": str(procs), "GODEBUG": godebug}
        subprocess.run([executable, part, *args], env=env, check=True, stdout=subprocess.DEVNULL)
        part.rename(trace)
    return trace


def main() -> None:
    for version in VERSIONS:
        trace = record("mixed", version, "1", "cpu")
        (SAMPLES / f"mixed-{version}.trace.gz").write_bytes(gzip.compress(trace.read_bytes(), 9, mtime=0))


if __name__ == "__main__":
    main()
