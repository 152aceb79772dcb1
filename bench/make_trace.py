"""Makes the large traces that the benchmarks read: .cache/bench/<shape>-<MB>-go<version>.trace, once.

python -m bench.make_trace [MEGABYTES [GO_VERSION [SHAPE]]]
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from examples.toolchain import CACHE, environment, go

ROOT = Path(__file__).resolve().parents[1]


def make_trace(megabytes: float = 60, version: str = "1.27", shape: str = "busy") -> Path:
    """Return the trace, recorded by bench/programs/<shape>.go under a version of Go on first use."""
    folder = CACHE / "bench"
    folder.mkdir(parents=True, exist_ok=True)
    trace = folder / f"{shape}-{megabytes:g}-go{version}.trace"
    if not trace.exists():
        program, part = folder / f"{shape}-go{version}", folder / f".{trace.name}.part"
        build = [go(version), "build", "-o", program, ROOT / f"bench/programs/{shape}.go"]
        subprocess.run(build, env=environment(), check=True)
        subprocess.run([program, part, str(megabytes)], env=environment(), check=True)
        part.rename(trace)
    return trace


if __name__ == "__main__":
    print(make_trace(float((sys.argv[1:] or [60])[0]), *sys.argv[2:4]))
