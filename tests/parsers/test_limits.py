"""What an input announces is never believed: layers, sizes, lengths."""

from __future__ import annotations

import gzip
import lzma
import time
from pathlib import Path

import pyarrow as pa
import pytest

from tracemill import parsers
from tracemill.parsers.api import ParseError
from tracemill.parsers.unwrap.source import Source

HEAP = Path(__file__).parents[1] / "samples" / "pprof" / "go1.27" / "heap.pb.gz"


def zstd(data: bytes) -> bytes:
    return pa.compress(data, codec="zstd", asbytes=True)


@pytest.mark.parametrize("pack", [gzip.compress, lzma.compress, zstd])
def test_a_packed_file_may_be_packed_again(pack, tmp_path):
    path = tmp_path / "heap"
    path.write_bytes(pack(HEAP.read_bytes()))
    assert parsers.read(path) == parsers.read(HEAP)
    path.write_bytes(gzip.compress(path.read_bytes()))
    assert parsers.read(path) == parsers.read(HEAP)


def test_a_fourth_layer_is_refused(tmp_path):
    path = tmp_path / "heap"
    content = HEAP.read_bytes()
    for _ in range(3):
        content = gzip.compress(content)
    path.write_bytes(content)
    with pytest.raises(ParseError, match="heap: compressed more than 3 times over"):
        Source(path)


@pytest.mark.parametrize("pack", [gzip.compress, lzma.compress, zstd])
def test_a_bomb_in_a_packed_file_is_stopped_at_the_cap(pack, tmp_path):
    path = tmp_path / "bomb"
    path.write_bytes(pack(gzip.compress(bytes(1 << 24))))
    assert path.stat().st_size < 1 << 15
    with pytest.raises(ParseError, match="bomb: byte 1048576 unpacked: unpacks to more than the cap"):
        Source(path, max_bytes=1 << 20).read()


@pytest.mark.parametrize("field", [1, 2, 3, 4, 5, 6, 11])
@pytest.mark.parametrize("length", [b"\x7f", b"\xff\xff\xff\xff\x07", b"\xff" * 8 + b"\x7f"])
def test_a_length_that_lies_is_named_with_its_byte(field, length, tmp_path):
    content = gzip.decompress(HEAP.read_bytes())
    path = tmp_path / "lies.pb"
    path.write_bytes(content + bytes([field << 3 | 2]) + length + b"\0")
    with pytest.raises(ParseError, match=rf"lies\.pb: byte {len(content)}: the field announces \d+ bytes"):
        parsers.read(path)


@pytest.mark.parametrize(
    "word",
    ["gc 1 @1.0s 1%", "gc 1 @1.0s 1% (", "Benchmark", "  1\t1 ns/op\ta b", "BenchmarkX \t", "a.go:1:2: "],
)
def test_a_line_of_the_same_words_takes_no_longer_than_its_length(word, tmp_path):
    path = tmp_path / "line"
    path.write_text("BenchmarkX-2 \tprinted\n" + word * (2_000_000 // len(word)) + " x")
    started = time.process_time()
    try:
        parsers.read(path)
    except ParseError as error:
        assert "line" in str(error)
    # It takes half a second; looked at from every word, minutes.
    assert time.process_time() - started < 20
