"""Ingests one trace to Parquet, as a process of its own; bench/exectrace.py starts it.

    python -m bench.ingest_trace TRACE RAW REPEATS

With REPEATS, ingests that often again and prints as JSON what the last one cost (wall, cpu, peak), how many
bytes it stored, and the CPU of parsing alone.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import tempfile
from pathlib import Path
from time import perf_counter, process_time

from bench.memory import peak_mb
from tracemill.parsers import exectrace
from tracemill.parsers.api import Batch, Options, Stacks
from tracemill.parsers.unwrap.source import Source
from tracemill.warehouse.store import CaptureWriter


def ingest(trace: str, *, raw: bool) -> int:
    """Parse and write every table; how many bytes that takes."""
    folder = Path(tempfile.mkdtemp(dir=os.environ.get("BENCH_SCRATCH")))
    with CaptureWriter(folder, "bench") as writer:
        for item in exectrace.parse(Source(trace), Options(raw_events=raw)):
            if isinstance(item, Batch):
                writer.write(item.table, item.rows)
            elif isinstance(item, Stacks):
                writer.write_stacks(item.ids, item.rows)
    stored = sum(file.stat().st_size for file in folder.rglob("*.parquet"))
    shutil.rmtree(folder)
    return stored


def parse_cpu(trace: str, *, raw: bool) -> float:
    """Seconds of CPU to parse into batches that nobody keeps."""
    began = process_time()
    for _ in exectrace.parse(Source(trace), Options(raw_events=raw)):
        pass
    return process_time() - began


def main() -> None:
    trace, raw, repeats = sys.argv[1], sys.argv[2] == "1", int(sys.argv[3])
    ingest(trace, raw=raw)
    for left in range(repeats - 1, -1, -1):
        wall, cpu = perf_counter(), process_time()
        stored = ingest(trace, raw=raw)
        cost = {"wall": perf_counter() - wall, "cpu": process_time() - cpu, "peak": peak_mb()}
        if not left:
            print(json.dumps(cost | {"stored": stored, "parse_cpu": parse_cpu(trace, raw=raw)}))


if __name__ == "__main__":
    main()
