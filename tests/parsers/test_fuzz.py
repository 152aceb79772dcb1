"""Any bytes, through detection, unwrapping and every format, end in rows or in an error that names the file.

Each input is a real sample that was cut, flipped, doubled, mixed with another or given absurd numbers, and
packed or wrapped as people do. None may take more than its share of time and memory.
"""

from __future__ import annotations

import gzip
import io
import json
import random
import re
import resource
import time
import zipfile
from pathlib import Path

import pytest

from tracemill.parsers.api import ParseError
from tracemill.parsers.registry import FORMATS, captures
from tracemill.parsers.unwrap.source import Source

from .test_spoiled import spoiled

SAMPLES = Path(__file__).parents[1] / "samples"
TRACES = Path(__file__).parents[1] / "exectrace/samples"
# Larger samples are cut: what they hold is told by their beginning too.
MAX_BYTES = 200_000
MUTATIONS, FEW = 10_000, 300
MAX_SECONDS, MAX_MEGABYTES = 20, 1024


def sources() -> list[Path]:
    """The newest samples of every format."""
    found = []
    for form in FORMATS:
        folders = sorted((SAMPLES / form).glob("go*"), key=lambda p: int(p.name[4:]))
        found += sorted(folders[-1].iterdir()) if folders else []
    return [*found, *sorted(SAMPLES.glob("findings/sarif*/*")), max(TRACES.glob("*.trace.gz"))]


def content_of(path: Path, known: dict[Path, bytes]) -> bytes:
    if path not in known:
        with Source(path).open() as stream:
            known[path] = stream.read(MAX_BYTES)
    return known[path]


def absurd(content: bytes, r: random.Random) -> bytes:
    """One number of the text is another that nobody writes."""
    numbers = list(re.finditer(rb"\d+", content[:MAX_BYTES]))
    if not numbers:
        return content
    at = r.choice(numbers)
    number = r.choice([b"0", b"-1", b"9" * 19, b"9" * 40, b"1e309", b"NaN", b"0x1", "٣".encode()])
    return content[: at.start()] + number + content[at.end() :]


def wrapped(content: bytes, r: random.Random) -> bytes:
    """As a log, an archive or a shell passes it on; or as it is."""
    match r.randrange(8):
        case 0:
            return gzip.compress(content, 1)[: r.randrange(20, len(content) + 40)]
        case 1:
            packed = io.BytesIO()
            with zipfile.ZipFile(packed, "w") as archive:
                archive.writestr("a/b.txt", content)
                archive.writestr("c", content[: len(content) // 2])
            return packed.getvalue()
        case 2:
            lines = content.decode("utf-8", "replace").split("\n")[:500]
            return "\n".join(json.dumps({"log": line + "\n", "stream": "stderr"}) for line in lines).encode()
        case 3:
            return content.decode("utf-8", "replace").encode("utf-16")
        case 4:
            return b"".join(
                b"2026-01-02T15:04:05.1Z stdout F " + line + b"\n" for line in content.split(b"\n")
            )
        case _:
            return content


def mutated(number: int, found: list[Path], known: dict[Path, bytes]) -> bytes:
    r = random.Random(number)
    content = content_of(found[number % len(found)], known)
    for _ in range(r.randrange(1, 4)):
        match r.randrange(4):
            case 0:
                content = absurd(content, r)
            case 1:
                other = content_of(r.choice(found), known)
                at = r.randrange(len(content) + 1)
                content = content[:at] + other[: r.randrange(20_000)] + content[at:]
            case _:
                content = spoiled(content, r.randrange(1 << 30)) if len(content) > 2 else b"x"
    return wrapped(content or b"\n", r)


def assert_rows_or_errors(path: Path, numbers: range) -> None:
    found, known = sources(), {}
    for number in numbers:
        path.write_bytes(mutated(number, found, known))
        started = time.process_time()
        try:
            for capture in captures(path):
                if capture.error is not None:
                    assert path.name in str(capture.error), number
                for item in capture.tables().values():
                    item.validate()
        except ParseError as error:
            assert path.name in str(error), number
        except Exception as error:
            raise AssertionError(f"mutation {number} of {found[number % len(found)].name}") from error
        assert time.process_time() - started < MAX_SECONDS, number


def test_mutations_begin_with_every_format():
    assert {p.relative_to(SAMPLES).parts[0] for p in sources() if p.is_relative_to(SAMPLES)} == {
        form for form in FORMATS if form != "exectrace"
    }


def test_mutated_samples_end_in_rows_or_errors(tmp_path):
    assert_rows_or_errors(tmp_path / "mutated", range(FEW))


@pytest.mark.full
def test_ten_thousand_mutated_samples_end_in_rows_or_errors(tmp_path):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert_rows_or_errors(tmp_path / "mutated", range(FEW, FEW + MUTATIONS))
    assert (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) >> 10 < MAX_MEGABYTES
