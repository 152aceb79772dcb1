"""Decoding alone, by our kernel and by the same loop in C; and where the seconds of an ingest go.

python -m bench.decode TRACE
"""

from __future__ import annotations

import ctypes
import os
import subprocess
import sys
import sysconfig
import tempfile
from operator import itemgetter
from pathlib import Path
from time import perf_counter, process_time
from typing import TYPE_CHECKING, Any

import numpy as np

from bench.ingest_trace import ingest
from tracemill.parsers import exectrace
from tracemill.parsers.api import Options
from tracemill.parsers.exectrace import wire
from tracemill.parsers.exectrace.generation import Decoded
from tracemill.parsers.exectrace.heap import HeapInfo
from tracemill.parsers.exectrace.names import Names, id_map
from tracemill.parsers.exectrace.order import Scheduler
from tracemill.parsers.kernels.layout import LAYOUT
from tracemill.parsers.stacks import StackTable
from tracemill.parsers.unwrap.source import Source

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from tracemill.parsers.exectrace.wire import Generation

REPEATS = 5
NONE = np.zeros(0, np.int64)


def c_loop(folder: str) -> ctypes.CDLL:
    """bench/decode.c, compiled with the flags of the kernels."""
    library = Path(folder) / "decode.so"
    compiler = (os.environ.get("CC") or sysconfig.get_config_var("CC") or "cc").split()
    source = Path(__file__).with_name("decode.c")
    subprocess.run([*compiler, "-O3", "-shared", "-fPIC", source, "-o", library], check=True)
    loaded = ctypes.CDLL(str(library))
    loaded.decode.restype = ctypes.c_int64
    return loaded


def _in_c(library: ctypes.CDLL, inputs: list[NDArray[Any]], frequency: float) -> tuple[int, float]:
    *arrays, cursors = inputs
    cursors = cursors.copy()  # it is used up
    pointers = [ctypes.c_void_p(array.ctypes.data) for array in (*arrays, cursors)]
    arguments = (*pointers[:5], ctypes.c_double(frequency), pointers[5])
    count = ctypes.c_int64(len(cursors) // LAYOUT["C_WIDTH"])
    began = perf_counter()
    return library.decode(*arguments, count), perf_counter() - began


def generations(trace: Path) -> Iterator[tuple[Scheduler, Generation, Decoded]]:
    """What decode_only() takes, a generation at a time."""
    with trace.open("rb") as stream:
        version = wire.read_version(stream.read(wire.HEADER_BYTES)) or 0
        scheduler = Scheduler(Names(StackTable()))
        empty = id_map(NONE, NONE)
        for gen in wire.GenerationReader(stream, version):
            clocks = wire.read_clocks(gen)
            yield scheduler, gen, Decoded(clocks, empty, empty, np.zeros((0, 5), np.int64), HeapInfo())


def count_events(trace: Path) -> tuple[int, int]:
    """How many events the trace has, and the bytes of its largest generation."""
    events, largest = 0, 0
    for scheduler, gen, decoded in generations(trace):
        events += scheduler.decode_only(gen, decoded)[0]
        largest = max(largest, int(gen.batches[:, wire.END].max()))
    return events, largest


def measure(trace: Path) -> tuple[int, float, float]:
    """Events, seconds of our kernel, seconds of the C loop: the best of REPEATS for each generation."""
    count, ours, theirs = 0, 0.0, 0.0
    with tempfile.TemporaryDirectory() as folder:
        library = c_loop(folder)
        for scheduler, gen, decoded in generations(trace):
            runs = (scheduler.decode_only(gen, decoded) for _ in range(REPEATS))
            events, seconds = min(runs, key=itemgetter(1))
            ours += seconds
            inputs = scheduler.decoder_input(gen)
            runs = (_in_c(library, inputs, decoded.clocks.frequency) for _ in range(REPEATS))
            found, seconds = min(runs, key=itemgetter(1))
            assert found == events
            theirs += seconds
            count += events
    return count, ours, theirs


def parsing(trace: Path) -> float:
    """Seconds of CPU to parse the trace into batches that nobody keeps."""
    began = process_time()
    for _ in exectrace.parse(Source(trace), Options()):
        pass
    return process_time() - began


def whole(trace: Path) -> float:
    """Seconds of CPU to parse it and write every table."""
    began = process_time()
    ingest(str(trace), raw=False)
    return process_time() - began


if __name__ == "__main__":
    events, kernel, loop = measure(Path(sys.argv[1]))
    ratio = f"{kernel / loop:.2f} x (goal 1.3 x)"
    print(f"decode alone: {events} events, {kernel:.3f} s, the same loop in C {loop:.3f} s: {ratio}")
    parse = min(parsing(Path(sys.argv[1])) for _ in range(REPEATS))
    encode = min(whole(Path(sys.argv[1])) for _ in range(REPEATS)) - parse
    print(
        f"where the seconds of CPU go: decoding {kernel:.2f},"
        f" order, intervals and names {parse - kernel:.2f}, Parquet {encode:.2f}"
    )
