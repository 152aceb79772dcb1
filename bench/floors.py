"""What libraries alone take of our ingest: no code of ours can make it cheaper than that.

    python -m bench.floors [--megabytes 60]

Of the three shapes of trace and of the heap profiles: seconds of CPU of an ingest, of parsing alone, and
of writing rows that are ready by pyarrow's Parquet writer: as we set it, without compression, and with
nothing set. Of the profiles also of unpacking them, and of their fields as arrays. And what a command takes
that only starts: Python, and the libraries that an ingest imports. Medians of five.
"""

from __future__ import annotations

import argparse
import shutil
import statistics
import subprocess
import sys
import tempfile
from functools import partial
from pathlib import Path
from time import perf_counter, process_time
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq

from bench.make_profiles import make_profiles
from bench.make_trace import make_trace
from bench.shapes import SHAPES
from tracemill.flows.loading.ingest import ingest
from tracemill.parsers.api import Batch, Options, Stacks
from tracemill.parsers.pprof.decode import decode
from tracemill.parsers.registry import detect, items
from tracemill.parsers.unwrap.source import Source
from tracemill.warehouse.schema import TABLES
from tracemill.warehouse.shared_stacks import CaptureStacks, SharedStacks
from tracemill.warehouse.store import ROWS_PER_GROUP, encodings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

REPEATS = 5
LIBRARIES = "click, msgspec, numpy, pyarrow.parquet, duckdb"
# By table, in the order in which they came.
Rows = dict[str, list[pa.RecordBatch]]


def cpu(work: Callable[[], object]) -> float:
    """Seconds of CPU that a piece of work takes."""
    taken = []
    for _ in range(REPEATS):
        began = process_time()
        work()
        taken.append(process_time() - began)
    return statistics.median(taken)


def rows_of(file: Path, shared: SharedStacks) -> Rows:
    """What a file's tables are to hold."""
    found: Rows = {}
    stacks = CaptureStacks(shared)
    source = Source(file)
    for item in items(detect(source), source, Options()):
        if isinstance(item, Batch):
            found.setdefault(item.table, []).append(TABLES[item.table].conform(item.rows))
        elif isinstance(item, Stacks) and len(item.ids):
            made = [TABLES["stacks"].conform(part) for part in item.rows(stacks.missing(item.ids))]
            found.setdefault("stacks", []).extend(made)
    stacks.share(["elsewhere"])
    return found


def write(captures: Iterable[Rows], options: Callable[[str], dict[str, Any]]) -> None:
    """Write rows that are ready, into memory."""
    for tables in captures:
        for name, batches in tables.items():
            with pq.ParquetWriter(pa.BufferOutputStream(), **options(name)) as writer:
                for batch in batches:
                    writer.write_batch(batch, row_group_size=ROWS_PER_GROUP)


def ours(table: str) -> dict[str, Any]:
    """As the warehouse is written."""
    return encodings(TABLES[table])


def uncompressed(table: str) -> dict[str, Any]:
    """The same encodings, and no compression of their pages."""
    return ours(table) | {"compression": "none", "compression_level": None}


def plain(table: str) -> dict[str, Any]:
    """What pyarrow does where nothing is asked for."""
    return {"schema": TABLES[table].arrow_schema()}


def whole(folder: Path) -> None:
    """One ingest, without what publishes it."""
    with tempfile.TemporaryDirectory() as scratch:
        ingest([folder], Path(scratch) / "warehouse", processes=1)


def parse(files: list[Path]) -> None:
    """Parse the files into rows that nobody keeps."""
    for file in files:
        source = Source(file)
        for item in items(detect(source), source, Options()):
            del item


def unpack(files: list[Path]) -> list[bytes]:
    """What is in the files."""
    return [Source(file).read() for file in files]


def decode_all(unpacked: list[bytes]) -> None:
    """The profiles' fields."""
    for data in unpacked:
        decode(data, "")


def report(name: str, folder: Path, files: list[Path]) -> None:
    """One line of the first table."""
    shared = SharedStacks()
    ready = [rows_of(file, shared) for file in files]
    written = [cpu(partial(write, ready, options)) for options in (ours, uncompressed, plain)]
    taken = [cpu(partial(whole, folder)), cpu(partial(parse, files)), *written]
    print(f"| {name} | {' | '.join(f'{seconds:.2f}' for seconds in taken)} |", flush=True)


def started(*command: str) -> float:
    """Seconds that a command takes, which is to do nothing."""
    taken = []
    for _ in range(REPEATS):
        began = perf_counter()
        subprocess.run([sys.executable, *command], check=True, stdout=subprocess.DEVNULL)
        taken.append(perf_counter() - began)
    return statistics.median(taken)


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--megabytes", type=float, default=60)
    megabytes = parser.parse_args().megabytes
    print("| s of CPU | ingest in process | parsing | Parquet, as ours | uncompressed | nothing set |")
    print("|---|---|---|---|---|---|")
    for shape, text in SHAPES.items():
        with tempfile.TemporaryDirectory() as scratch:
            trace = make_trace(megabytes, shape=shape)
            place = Path(scratch) / "b1" / "r1"
            place.mkdir(parents=True)
            shutil.copy(trace, place)
            report(text, Path(scratch), [trace])
    folder = make_profiles()
    files = sorted(folder.rglob("*.pb.gz"))
    report(f"{len(files)} heap profiles", folder, files)
    unpacked = unpack(files)
    print(f"\nof the profiles, unpacking: {cpu(partial(unpack, files)):.2f} s of CPU")
    print(f"their fields as arrays: {cpu(partial(decode_all, unpacked)):.2f} s of CPU")
    libraries = started("-c", f"import {LIBRARIES}")
    print(f"Python alone: {started('-c', 'pass'):.2f} s; with {LIBRARIES}: {libraries:.2f} s")


if __name__ == "__main__":
    main()
