"""Cut and flipped bytes: a clear error, or what is whole with issue rows beside it."""

from __future__ import annotations

import gzip
import random
import re
import subprocess
import sys
import time
import zlib
from pathlib import Path

import pytest

from tests.exectrace.reading import collect, read
from tracemill.parsers import registry
from tracemill.parsers.api import Facts, Issue, Options, ParseError
from tracemill.parsers.exectrace import capture, wire
from tracemill.parsers.unwrap.source import Source

ROOT = Path(__file__).resolve().parents[2]


def read_bytes(tmp_path, content: bytes, **options):
    path = tmp_path / "damaged.trace"
    path.write_bytes(content)
    return read(path, **options)


@pytest.mark.sampled
@pytest.mark.parametrize("version", ["1.22", "1.25", "1.27"])
def test_cut_anywhere_is_an_error_with_its_place_or_salvaged(samples, version, tmp_path):
    content = samples[version].read_bytes()
    rng = random.Random(version)
    for cut in [0, 1, 15, 16, 17, *(rng.randrange(len(content)) for _ in range(60))]:
        check(tmp_path, content[:cut])


@pytest.mark.full
@pytest.mark.parametrize("version", ["1.22", "1.23", "1.25", "1.27"])
def test_flipped_bits_never_crash(samples, version, tmp_path):
    content = samples[version].read_bytes()
    rng = random.Random(version)
    for _ in range(60):
        flipped = bytearray(content)
        for _ in range(rng.choice([1, 1, 1, 5, 50])):
            flipped[rng.randrange(16, len(content))] ^= 1 << rng.randrange(8)
        check(tmp_path, bytes(flipped))


def check(tmp_path, content: bytes) -> None:
    began = time.monotonic()
    path = tmp_path / "damaged.trace"
    path.write_bytes(content)
    try:
        version = wire.read_version(content)
        if version is None:
            return
        reading = collect(capture.Capture(Source(path), Options(raw_events=True), version).items())
    except ParseError as error:
        assert re.search(r"damaged\.trace: byte \d+", str(error)), error
    else:
        assert reading.facts.is_salvaged == bool(reading.issues)
        for issue in reading.issues:
            assert re.match(r"byte \d+", issue.position)
    assert time.monotonic() - began < 20


def test_truncated_batch_names_byte_offset_and_generation(samples, tmp_path):
    content = samples["1.27"].read_bytes()
    with pytest.raises(ParseError, match=r"byte 9000, generation \d+: the file ends inside a generation"):
        read_bytes(tmp_path, content[:9000])


def test_generation_before_the_damage_is_kept(samples, tmp_path):
    content = samples["1.27"].read_bytes()
    whole = read(samples["1.27"])
    reading = read_bytes(tmp_path, content + content[16:3000])
    assert reading.facts.is_salvaged
    assert reading.tables["goroutine_intervals"] == whole.tables["goroutine_intervals"]
    assert [issue.severity for issue in reading.issues] == ["data_loss"]
    assert "kept are 1 whole generations" in reading.issues[0].message


@pytest.mark.parametrize("version", ["1.22", "1.27"])
@pytest.mark.parametrize("part", [0.5, 0.9, 1.0])
def test_a_cut_upload_gives_what_the_unpacked_part_does(samples, version, part, tmp_path):
    """A second generation, half of it, behind compression whose end is missing."""
    content = samples[version].read_bytes()
    content += content[16 : len(content) // 2]
    packed = gzip.compress(content, mtime=0)[: -9 if part == 1.0 else None]
    packed = packed[: int(len(packed) * part)]
    unpacked = zlib.decompressobj(wbits=31).decompress(packed)
    path = tmp_path / "trace.out.gz"
    path.write_bytes(packed)
    try:
        expected = read_bytes(tmp_path, unpacked)
    except ParseError:
        with pytest.raises(ParseError, match=r"broken compression|no thread.s next event"):
            read(path)
        return
    found = read(path)
    assert found.tables == expected.tables
    assert found.facts.is_salvaged
    told, told_of_part = (reading.issues[-1].message for reading in (found, expected))
    assert told == told_of_part or "broken compression" in told


def test_a_cut_upload_is_a_capture_that_was_salvaged(samples, tmp_path):
    """As every verb reads a file, which looks first for traces one behind the other."""
    content = samples["1.27"].read_bytes()
    path = tmp_path / "trace.out.gz"
    path.write_bytes(gzip.compress(content + content[16 : len(content) // 2], mtime=0)[:-9])
    found = list(registry.parse(path))
    assert [item.is_salvaged for item in found if isinstance(item, Facts)] == [True]
    assert "broken compression" in next(item.message for item in found if isinstance(item, Issue))


def test_unknown_version_is_told(tmp_path):
    with pytest.raises(ParseError, match=r"trace format go 1\.99 is not supported"):
        read_bytes(tmp_path, b"go 1.99 trace\0\0\0" + bytes(100))


def test_header_alone_is_an_error(tmp_path):
    with pytest.raises(ParseError, match="without a single generation"):
        read_bytes(tmp_path, b"go 1.26 trace\0\0\0")


def fuzz(count: int, first: int) -> str:
    command = [sys.executable, "-m", "tests.exectrace.fuzz", str(count), str(first)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.full
def test_fuzz_with_bounds_checks_finds_nothing():
    assert "300 damaged traces" in fuzz(300, 0)


@pytest.mark.full
@pytest.mark.parametrize("first", range(10_000, 34_000, 6_000))
def test_long_fuzz_with_bounds_checks_finds_nothing(first):
    assert "6000 damaged traces" in fuzz(6_000, first)
