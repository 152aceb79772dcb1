"""What a shell, a terminal or a log put around a text does not change what is read."""

from __future__ import annotations

from pathlib import Path

import pytest

from tracemill import parsers
from tracemill.parsers.registry import detect
from tracemill.parsers.unwrap.source import Source

SAMPLES = Path(__file__).parents[1] / "samples"
PLAIN = [
    "benchmarks/go1.27/bench.txt",
    "benchmarks/go1.27/bench.json",
    "goroutine_dump/go1.27/goroutines.txt",
    "goroutine_dump/go1.22/maps.all.txt",
    "legacy_profile/go1.27/heap.txt",
    "escapes/go1.27/m2.txt",
    "findings/go1.27/vet.json",
    "gctrace/go1.27/gctrace.txt",
    "listing/go1.27/objdump.txt",
]
TIME = "2026-01-02T15:04:05.1234567Z"
PREFIXES = {
    "github": f"{TIME} ",
    "gh run view": f"bench\tRun go test\t{TIME} ",
    "docker -t": "2026-01-02T15:04:05.123456789+01:00 ",
    "compose": "web-1  | ",
    "compose -t": f"web-1  | {TIME} ",
    "kubectl": "[pod/web-7d4/web] ",
    "journal": "Jan  2 15:04:05 host web[17]: ",
}


def assert_same(path: Path, plain: Path) -> None:
    assert detect(Source(path)).NAME == detect(Source(plain)).NAME
    assert parsers.read(path) == parsers.read(plain)


@pytest.mark.parametrize("sample", PLAIN)
@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-be", "utf-8-sig"])
def test_encodings_of_windows_change_nothing(sample, encoding, tmp_path):
    plain = SAMPLES / sample
    text = plain.read_text().replace("\n", "\r\n")
    path = tmp_path / plain.name
    mark = "\ufeff" if encoding == "utf-16-be" else ""
    path.write_bytes(f"{mark}{text}".encode(encoding))
    assert_same(path, plain)


@pytest.mark.parametrize("sample", PLAIN)
@pytest.mark.parametrize("prefix", PREFIXES.values(), ids=PREFIXES)
def test_prefixes_of_a_log_change_nothing(sample, prefix, tmp_path):
    plain = SAMPLES / sample
    path = tmp_path / plain.name
    path.write_text("".join(f"{prefix}{line}\n" for line in plain.read_text().splitlines()))
    assert_same(path, plain)


@pytest.mark.parametrize(
    "sample",
    [name for name in PLAIN if name.startswith(("benchmarks/go1.27/bench.t", "goroutine", "gctrace"))],
)
@pytest.mark.parametrize(
    "prefix",
    ["[15:04:{0:02}]i:\t [Step 1/2] ", "#12 {0}.345 ", "2026/01/02 15:04:{0:02} ", "{0:6}\t", "[bench]"],
)
def test_a_prefix_that_nobody_knows_is_told_by_what_stands_behind_it(sample, prefix, tmp_path):
    plain = SAMPLES / sample
    path = tmp_path / plain.name
    lines = enumerate(plain.read_text().splitlines())
    path.write_text("".join(f"{prefix.format(number)}{line}".rstrip() + "\n" for number, line in lines))
    assert_same(path, plain)


@pytest.mark.parametrize("sample", PLAIN)
def test_colours_change_nothing(sample, tmp_path):
    plain = SAMPLES / sample
    path = tmp_path / plain.name
    path.write_text("".join(f"\x1b[1;31m{line}\x1b[0m\n" for line in plain.read_text().splitlines()))
    assert_same(path, plain)


def test_lines_of_containers_that_take_turns_are_put_together_apart(tmp_path):
    dump = (
        "goroutine {0} [select]:\nmain.f{0}()\n\t/src/f.go:{0} +0x1\ncreated by main.main\n\t/src/m.go:1\n\n"
    )
    turns = zip(dump.format(1).split("\n"), dump.format(2).split("\n"), strict=True)
    path = tmp_path / "compose.log"
    path.write_text("".join(f"a-1  | {a}\nlong-name-1  | {b}\n" for a, b in turns))
    tables = parsers.read(path)
    assert tables["goroutine_dump"]["goroutine_id"].to_pylist() == [1, 2]
    functions = tables["stacks"]["functions"].to_pylist()
    assert ["main.f1"] in functions
    assert ["main.f2"] in functions


def test_a_time_that_the_program_wrote_itself_stays(tmp_path):
    text = f"{TIME} starting\n{TIME} panic\nBenchmarkA 1 2 ns/op\n"
    path = tmp_path / "own.txt"
    path.write_text(text)
    assert Source(path).read().decode() == text


def test_binary_content_stays(tmp_path):
    content = b"web-1 | \x1b[1m\x00\x01\nweb-1 | x\n"
    path = tmp_path / "binary"
    path.write_bytes(content)
    assert Source(path).read() == Source(path).open().read() == content
