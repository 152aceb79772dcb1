"""Damages real traces and reads them, under a limit of memory and time for each.

    python -m tests.exectrace.fuzz COUNT [SEED]

Kernels run with bounds checks. Whatever the bytes: a ParseError that names the place, or
tables with the capture marked as salvaged and issue rows. Prints what was tried; any
other outcome ends the run with the seed that shows it and exit code 1.
"""

from __future__ import annotations

import contextlib
import gzip
import io
import random
import re
import resource
import signal
import sys
import tempfile
import traceback
from pathlib import Path

from tests.exectrace import checked

checked.use_checked()

from bench.memory import peak_mb  # noqa: E402 - the kernels come first
from tests.exectrace.reading import collect  # noqa: E402
from tests.exectrace.record import SAMPLES  # noqa: E402
from tests.exectrace.test_v1 import SMALL as OLD  # noqa: E402
from tests.exectrace.texttrace import gos_test  # noqa: E402
from tracemill.parsers.api import Options, ParseError  # noqa: E402
from tracemill.parsers.exectrace import capture, spec, wire  # noqa: E402
from tracemill.parsers.exectrace.damage import DamageError  # noqa: E402
from tracemill.parsers.unwrap.source import Source  # noqa: E402

SECONDS = 20
MEMORY_BYTES = 2 << 30
PEAK_MB = 400


def seeds() -> list[bytes]:
    """The traces that are damaged: our samples, Go's text traces and its small ones of version 1."""
    import go

    texts = (Path(go.__file__).parent / "src/internal/trace/testdata/tests").glob("*.test")
    packed = [gzip.decompress(path.read_bytes()) for path in sorted(SAMPLES.glob("*.gz"))]
    old = [path.read_bytes() for path in OLD]
    return packed + [gos_test(path)[0] for path in sorted(texts)] + old


def damage(content: bytes, rng: random.Random, other: bytes) -> bytes:
    """One to a few changes of a kind that files suffer, or that a liar would make."""
    data = bytearray(content)
    for _ in range(rng.choice((1, 1, 1, 2, 4, 16))):
        at = rng.randrange(16, len(data)) if len(data) > 17 else 16
        kind = rng.randrange(9)
        if kind == 0:
            data[at : at + 1] = bytes([data[at] ^ 1 << rng.randrange(8)]) if at < len(data) else b""
        elif kind == 1:
            data[at : at + 1] = bytes([rng.choice((0, 1, 6, 7, 8, 49, 50, 52, 127, 128, 255))])
        elif kind == 2:
            data = data[:at]
        elif kind == 3:
            del data[at : at + rng.randrange(1, 40)]
        elif kind == 4:
            data[at:at] = bytes(rng.randrange(256) for _ in range(rng.randrange(1, 12)))
        elif kind == 5:  # an integer as large as they come
            data[at : at + 1] = b"\xff" * 9 + bytes([rng.choice((0, 1, 2))])
        elif kind == 6:  # a stretch comes twice
            size = rng.randrange(1, 3000)
            data[at:at] = data[at : at + size]
        elif kind == 7:  # two stretches change places
            size, to = rng.randrange(1, 200), rng.randrange(16, max(len(data), 18))
            data[at : at + size], data[to : to + size] = data[to : to + size], data[at : at + size]
        else:  # goes on as another trace
            data = data[:at] + other[rng.randrange(16, len(other)) :]
    if rng.random() < 0.1:
        versions = spec.V1 if wire.read_version(content) in spec.V1 else spec.V2
        data[:16] = f"go 1.{rng.choice(versions)} trace\0\0\0".encode()
    return bytes(data)


def damage_events(content: bytes, rng: random.Random) -> bytes:
    """Changes inside the batches of events only, so that it is the order that must notice."""
    data = bytearray(content)
    if wire.read_version(content) in spec.V1:  # events are nearly all there is
        for _ in range(rng.choice((1, 1, 2, 4))):
            at = rng.randrange(16, len(data))
            data[at] = rng.choice((data[at] ^ 1 << rng.randrange(7), data[at] + 1 & 127))
        return bytes(data)
    reader = wire.GenerationReader(io.BytesIO(content[16:]), wire.read_version(content) or 0)
    generations = []
    with contextlib.suppress(DamageError):  # one of Go's traces is broken as it is
        for gen in reader:
            batches = gen.of_kind(wire.EVENTS)
            if len(batches):
                generations.append((gen.base, batches.copy()))
    if not generations:
        return content
    for _ in range(rng.choice((1, 1, 2, 4))):
        base, batches = rng.choice(generations)
        row = batches[rng.randrange(len(batches))]
        if row[4] > row[3]:
            at = int(base) + rng.randrange(int(row[3]), int(row[4]))
            data[at] = rng.choice(
                (data[at] ^ 1 << rng.randrange(7), data[at] + 1 & 127, rng.randrange(9, 49))
            )
    return bytes(data)


def read_damaged(path: Path, content: bytes, *, raw: bool) -> str:
    """Read the bytes: "error", "salvaged" or "whole"; anything else raises."""
    path.write_bytes(content)
    assert wire.read_version(content) is not None, "the header is left alone"
    try:
        reading = collect(capture.parse(Source(path), Options(raw_events=raw)))
    except ParseError as error:
        assert re.search(r": byte \d+|single event", str(error)), f"no place in {error}"
        return "error"
    finally:
        assert not checked.faults, checked.faults
    assert reading.facts.is_salvaged == any(issue.severity == "data_loss" for issue in reading.issues)
    assert all(re.match(r"byte \d+", issue.position) for issue in reading.issues)
    return "salvaged" if reading.issues else "whole"


def too_long(*_: object) -> None:
    raise TimeoutError(f"more than {SECONDS} s")


def main() -> int:
    count, first = int(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 0
    resource.setrlimit(resource.RLIMIT_DATA, (MEMORY_BYTES, MEMORY_BYTES))
    signal.signal(signal.SIGALRM, too_long)
    traces = seeds()
    outcomes: dict[str, int] = {}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "damaged.trace"
        for seed in range(first, first + count):
            rng = random.Random(seed)
            if rng.random() < 0.4:
                content = damage_events(rng.choice(traces), rng)
            else:
                content = damage(rng.choice(traces), rng, rng.choice(traces))
            signal.alarm(SECONDS)
            try:
                outcome = read_damaged(path, content, raw=rng.random() < 0.5)
            except BaseException:  # noqa: BLE001 - whatever it is, the seed is wanted
                traceback.print_exc()
                print(f"seed {seed}: see above", file=sys.stderr)
                return 1
            signal.alarm(0)
            outcomes[outcome] = outcomes.get(outcome, 0) + 1
    peak = peak_mb()
    print(f"{count} damaged traces: {outcomes}, peak {peak:.0f} MB")
    return int(peak > PEAK_MB)


if __name__ == "__main__":
    sys.exit(main())
