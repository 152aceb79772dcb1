"""Memory follows the largest generation, not the trace."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from bench.make_trace import make_trace
from tracemill.parsers.exectrace import wire

ROOT = Path(__file__).resolve().parents[2]

INGEST = """
import sys
from bench.ingest_trace import ingest
from bench.memory import peak_mb
ingest(sys.argv[1], raw=False)
print(peak_mb())
"""


def peak_mb(trace: Path) -> float:
    command = [sys.executable, "-c", INGEST, str(trace)]
    return float(subprocess.run(command, cwd=ROOT, capture_output=True, check=True).stdout)


@pytest.mark.full
def test_ten_times_the_length_takes_the_same_memory():
    short, long = peak_mb(make_trace(20)), peak_mb(make_trace(200))
    assert long < 400
    assert long < 1.25 * short


@pytest.mark.parametrize("version", ["1.22", "1.27"])
def test_a_files_buffer_never_moves(samples, version):
    """One that grew would stand in memory twice while it is copied."""
    trace = samples[version]
    with trace.open("rb") as stream:
        minor = wire.read_version(stream.read(wire.HEADER_BYTES)) or 0
        size = trace.stat().st_size
        reader = wire.GenerationReader(stream, minor, size_bytes=size, chunk_bytes=512)
        before = reader._buf.ctypes.data
        assert {gen.buf.ctypes.data for gen in reader} == {before}
