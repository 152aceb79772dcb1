"""What an input announces is never believed: layers, sizes, lengths."""

from __future__ import annotations

import gzip
import json
import lzma
import subprocess
import sys
import time
from pathlib import Path

import pyarrow as pa
import pytest

from tracemill import parsers
from tracemill.parsers.api import Batch, Issue, ParseError
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


def profile(locations: list[bytes], strings: list[str], samples: list[bytes]) -> bytes:
    """A profile's message from those of its samples and locations; function 1 is called by string 3."""
    sample_type = field(1, number(1, 1) + number(2, 2))
    return b"".join(
        [
            sample_type,
            field(11, number(1, 1) + number(2, 2)),
            *(field(2, sample) for sample in samples),
            *(field(4, location) for location in locations),
            field(5, number(1, 1) + number(2, 3)),
            *(field(6, string.encode()) for string in ["", "cpu", "nanoseconds", *strings]),
        ]
    )


def varint(value: int) -> bytes:
    low = bytes([value & 127 | (128 if value > 127 else 0)])
    return low + varint(value >> 7) if value > 127 else low


def field(tag: int, content: bytes) -> bytes:
    return varint(tag << 3 | 2) + varint(len(content)) + content


def number(tag: int, value: int) -> bytes:
    return varint(tag << 3) + varint(value)


def sarif(message: object, text: str, results: int) -> str:
    rule = {"id": "r", "messageStrings": {"m": {"text": text}}}
    run = {
        "tool": {"driver": {"name": "x", "rules": [rule]}},
        "results": [{"ruleId": "r", "message": message}] * results,
    }
    return json.dumps({"version": "2.1.0", "runs": [run]})


LINE = number(1, 1) + field(4, number(1, 1) + number(2, 1))
# What each comes to, were it written out: 5, 1, 8, 24, 22, 40 and 6 GB.
GREEDY = {
    "benchmarks with many keys": lambda: "".join(f"k{i}: v\n" for i in range(12_000)) + RESULT * 9000,
    "benchmarks with a long key": lambda: f"key: {'v' * 150_000}\n" + RESULT * 7000,
    "a message of many arguments": lambda: sarif(
        {"id": "m", "arguments": ["a" * 20_000]}, "{0}" * 20_000, 20
    ),
    "a message of many results": lambda: sarif({"id": "m"}, "t" * 90_000, 270_000 // 9),
    "labels": lambda: profile(
        [LINE],
        ["f", "k", "l" * 1_000_000],
        [field(1, b"\1") + field(2, b"\1") + field(3, number(1, 4) + number(2, 5))] * 20_000,
    ),
    "inlined lines": lambda: profile(
        [number(1, 1) + field(4, number(1, 1)) * 60_000],
        ["f"],
        [field(1, b"\1" * 100) + field(2, varint(value)) for value in range(1000)],
    ),
    "inlined lines in different stacks": lambda: profile(
        [number(1, 1) + field(4, number(1, 1)) * 9000, LINE.replace(b"\x08\x01", b"\x08\x02", 1)],
        ["f"],
        [field(1, b"\1" + b"\2" * depth) + field(2, b"\1") for depth in range(1000)],
    ),
}
RESULT = "BenchmarkA 1 1 ns/op\n"
CHILD = """
import resource, sys
from tracemill.parsers.api import ParseError
from tracemill.parsers.registry import captures
try:
    for capture in captures(sys.argv[1]):
        print("rows", sum(table.num_rows for table in capture.tables().values()))
except ParseError as error:
    print("refused", error.fact)
# Not ru_maxrss, which begins with that of the process that it was forked from.
[peak] = [line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM")]
print(int(peak) >> 10, resource.getrusage(resource.RUSAGE_SELF).ru_utime)
"""


@pytest.mark.parametrize("name", GREEDY)
def test_what_is_repeated_in_every_row_takes_no_more_than_it_should(name, tmp_path):
    content = GREEDY[name]()
    path = tmp_path / "greedy"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    assert path.stat().st_size < 10 << 20
    done = subprocess.run([sys.executable, "-c", CHILD, path], capture_output=True, text=True, check=True)
    *said, used = done.stdout.splitlines()
    megabytes, seconds = map(float, used.split())
    assert said
    assert (megabytes < 1024, seconds < 20) == (True, True), used


def test_configuration_beyond_the_cap_is_an_issue_and_later_lines_have_their_place(tmp_path):
    path = tmp_path / "bench.txt"
    path.write_text("goos: linux\n" + "".join(f"k{i}: v\n" for i in range(200)) + RESULT)
    tables = parsers.read(path)
    (labels,) = tables["benchmarks"]["labels"].to_pylist()
    assert (len(labels), dict(labels)["goos"]) == (100, "linux")
    assert [i.position for i in parsers.parse(path) if isinstance(i, Issue)] == ["line 101"]


def test_rows_of_a_long_benchmark_file_come_in_parts_and_whole(tmp_path, monkeypatch):
    path = tmp_path / "bench.txt"
    path.write_text("goos: linux\n" + RESULT * 25 + "goos:\n" + RESULT)
    whole = parsers.read(path)
    monkeypatch.setattr("tracemill.parsers.benchmarks._BATCH_ROWS", 10)
    assert len([item for item in parsers.parse(path) if isinstance(item, Batch)]) == 3
    assert parsers.read(path)["benchmarks"].equals(whole["benchmarks"])


def test_labels_of_a_long_sample_are_read_once(tmp_path):
    path = tmp_path / "metrics"
    path.write_text("# TYPE go_goroutines gauge\ngo_goroutines{" + "a" * 1_000_000 + "} 7\n")
    started = time.process_time()
    parsers.read(path)
    assert time.process_time() - started < 10


def test_a_long_header_of_a_goroutine_is_read_once(tmp_path):
    path = tmp_path / "dump"
    labels = '{"a":"' + "b" * 200_000 + '"}'
    path.write_text(f"goroutine 1 [chan receive, labels:{labels}]:\nmain.f()\n\t/a.go:1 +0x1\n")
    started = time.process_time()
    parsers.read(path)
    # Looked for at every character, labels take minutes.
    assert time.process_time() - started < 10
