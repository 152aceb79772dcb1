"""What go test -json and go build -json wrap reads like the plain text."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from tests.parsers.record import run_go
from tracemill import parsers
from tracemill.parsers.registry import detect
from tracemill.parsers.unwrap.source import Source

SAMPLES = Path(__file__).parents[1] / "samples"
EVENTS = sorted(SAMPLES.glob("*/go*/*.json"))
WRAPPED = [path for path in EVENTS if path.name != "vet.json"]


def wrapped(text: str, package: str = "p", step: int = 7) -> list[str]:
    """Events that carry the text, in pieces that end anywhere."""
    pieces = [text[at : at + step] for at in range(0, len(text), step)]
    events = ({"Action": "output", "Package": package, "Output": piece} for piece in pieces)
    return [json.dumps(event, separators=(",", ":")) for event in events]


def names_of(path: Path) -> list[tuple[str, str, int]]:
    return sorted((r["package"], r["name"], r["procs"]) for r in parsers.read(path)["benchmarks"].to_pylist())


@pytest.mark.parametrize("path", [p for p in WRAPPED if "benchmarks" in p.parts], ids=lambda p: p.parent.name)
def test_benchmarks_in_events_are_those_of_the_plain_output(path):
    assert names_of(path) == names_of(SAMPLES / "benchmarks" / "go1.27" / "bench.txt")


@pytest.mark.parametrize("version", [pytest.param("1.24", marks=pytest.mark.full), "1.27"])
def test_compiler_decisions_in_events_are_those_of_the_plain_output(version, tmp_path):
    path = tmp_path / "m.json"
    flags = ("-trimpath", "-o", "/dev/null", "-gcflags=-m")
    done = run_go("evidence", version, "build", "-json", *flags)
    path.write_text(done.stdout)
    assert '"Action":"build-output"' in done.stdout
    plain = SAMPLES / "escapes" / f"go{version}" / "m.txt"
    assert parsers.read(path)["escapes"].to_pylist() == parsers.read(plain)["escapes"].to_pylist()


@pytest.mark.parametrize("step", [1, 7, 10_000])
@pytest.mark.parametrize(
    "sample",
    ["benchmarks/go1.27/bench.txt", "goroutine_dump/go1.27/panic.all.txt", "gctrace/go1.27/gctrace.txt"],
)
def test_any_text_in_events_gives_the_same_rows(sample, step, tmp_path):
    plain = SAMPLES / sample
    path = tmp_path / plain.name
    path.write_text("\n".join(wrapped(plain.read_text(), step=step)))
    assert detect(Source(path)).NAME == detect(Source(plain)).NAME
    assert parsers.read(path) == parsers.read(plain)


def test_packages_that_take_turns_are_put_together_apart(tmp_path):
    text = "pkg: {0}\nBenchmark{0} 1 2 ns/op\n"
    both = [wrapped(text.format(name), name) for name in ("A", "B")]
    path = tmp_path / "both.json"
    lines = [event for pair in zip(*both, strict=True) for event in pair]
    # The go command's own words stand between.
    path.write_text("\n".join([lines[0], "# a warning", *lines[1:]]))
    assert names_of(path) == [("A", "A", 1), ("B", "B", 1)]


def test_a_head_of_events_that_is_cut_is_still_told(tmp_path):
    path = tmp_path / "long.json"
    path.write_text("\n".join(wrapped("x" * 40 + "\nBenchmarkA 1 2 ns/op\n" + "y\n" * 40_000)))
    assert path.stat().st_size > 1 << 17
    assert names_of(path) == [(None, "A", 1)]


@pytest.mark.parametrize("name", ["m2.json", "m2.json.gz"])
def test_a_package_in_one_long_event_is_read(name, tmp_path):
    # go build -json gives all that the compiler says of a package at once.
    said = "# a/b\n" + "".join(f"./a.go:{line}:2: can inline f{line}\n" for line in range(1, 5001))
    event = json.dumps({"ImportPath": "a/b", "Action": "build-output", "Output": said}, separators=(",", ":"))
    path = tmp_path / name
    content = f"{event}\n".encode()
    path.write_bytes(gzip.compress(content) if name.endswith(".gz") else content)
    assert path.stat().st_size > 1 << 16 or name.endswith(".gz")
    rows = parsers.read(path)["escapes"].to_pylist()
    assert len(rows) == 5000
    assert {row["package"] for row in rows} == {"a/b"}


@pytest.mark.parametrize(
    "lines",
    ['{"Action":"output","Output":3}', '{"Action":"output","Output":"\\ud800 1 x"}', '{"Action":"run"}\n[[['],
)
def test_odd_events_never_break_the_reader(lines, tmp_path):
    path = tmp_path / "odd.json"
    path.write_text('{"Action":"output","Output":"BenchmarkA 1 2 ns/op\\n"}\n' + lines)
    assert names_of(path) == [(None, "A", 1)]


@pytest.mark.parametrize("prefix", ["", "2026-01-02T15:04:05.1234567Z "])
def test_words_of_the_go_command_may_stand_before_the_first_event(prefix, tmp_path):
    said = [
        "##[group]Run go test -json -bench . ./... 2>&1",
        "go: downloading golang.org/x/sync v0.7.0",
        *wrapped("pkg: p\nBenchmarkA-8 \t 10\t 5 ns/op\n"),
    ]
    path = tmp_path / "bench.json"
    path.write_text("".join(f"{prefix}{line}\n" for line in said))
    assert names_of(path) == [("p", "A", 8)]
