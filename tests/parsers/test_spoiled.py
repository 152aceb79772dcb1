"""Cut, flipped and mixed samples of every format end in an error that names the file, or in rows."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from tests.parsers import reading
from tracemill.parsers.api import ParseError
from tracemill.parsers.registry import FORMATS
from tracemill.parsers.unwrap.source import Source

SAMPLES = Path(__file__).parents[1] / "samples"
# Binaries and traces have their own tests: they are large, and a trace's damage is told apart in words.
FORMS = sorted(set(FORMATS) - {"binary", "exectrace"})
# Every kind of content of the newest Go release that the format has, whatever its name.
SOURCES = [
    sample
    for form in FORMS
    for sample in sorted(max((SAMPLES / form).glob("go*"), key=lambda p: int(p.name[4:])).iterdir())
] + sorted(SAMPLES.glob("findings/sarif*/*"))


def test_every_format_is_spoiled():
    assert {source.relative_to(SAMPLES).parts[0] for source in SOURCES} == set(FORMS)


def spoiled(content: bytes, seed: int) -> bytes:
    r = random.Random(seed)
    data = bytearray(content)
    match seed % 4:
        case 0:
            del data[r.randrange(len(data)) :]
        case 1:
            for _ in range(8):
                data[r.randrange(len(data))] ^= 1 << r.randrange(8)
        case 2:
            at = r.randrange(len(data))
            data[at : at + r.randrange(200)] = r.randbytes(r.randrange(50))
        case _:
            a, b = sorted(r.sample(range(len(data)), 2))
            data[a:a] = data[a:b]
    return bytes(data)


def assert_error_or_rows(source: Path, path: Path, seeds: range) -> None:
    form = source.relative_to(SAMPLES).parts[0]
    content = Source(source).read()
    for seed in seeds:
        path.write_bytes(spoiled(content, seed))
        try:
            reading.tables(reading.items(form, path))
        except ParseError as error:
            assert path.name in str(error)


@pytest.mark.parametrize("source", SOURCES, ids=lambda p: str(p.relative_to(SAMPLES)))
def test_spoiled_sample_ends_in_an_error_or_rows(source, tmp_path):
    assert_error_or_rows(source, tmp_path / "spoiled", range(24))


@pytest.mark.full
@pytest.mark.parametrize("source", SOURCES, ids=lambda p: str(p.relative_to(SAMPLES)))
def test_sample_spoiled_in_many_ways_ends_in_an_error_or_rows(source, tmp_path):
    assert_error_or_rows(source, tmp_path / "spoiled", range(24, 600))


HUGE = "9" * 30


@pytest.mark.parametrize(
    ("form", "text"),
    [
        ("benchmarks", f"BenchmarkX-{HUGE} {HUGE} {HUGE} ns/op\n"),
        (
            "gctrace",
            f"gc {HUGE} @0.1s 1%: 0+0+0 ms clock, 0+0/0/0+0 ms cpu, 1->1->1 MB, 1 MB goal, {HUGE} P\n",
        ),
        (
            "goroutine_dump",
            f"goroutine {HUGE} [running]:\nmain.f()\n\ta.go:1\n\ngoroutine 1 [running]:\nf()\n\ta:{HUGE}\n",
        ),
        (
            "legacy_profile",
            f"heap profile: 1: 1 [1: 1] @ heap/8\n1: 1 [{HUGE[:18]}: {HUGE[:18]}] @ 0x{HUGE}\n",
        ),
        (
            "legacy_profile",
            f"heap profile: 1: 1 [1: 1] @ heap/{HUGE[:12]}\n1: 1 [9{HUGE[:17]}: 9{HUGE[:17]}] @ 0x1\n",
        ),
        ("escapes", f"a.go:{HUGE}:{HUGE}: moved to heap: x\na.go:1:1: can inline f\n"),
        ("listing", f"f STEXT size=1\n\t0x{HUGE} 00000 (a.go:{HUGE})\tCALL\truntime.newobject(SB)\n"),
        ("findings", f'# p\n{{"p": {{"a": [{{"posn": "a.go:{HUGE}:1", "message": 3}}]}}}}\n'),
        (
            "findings",
            '{"version": "2.1.0", "runs": [{"tool": {"driver": {"name": 1}}, "results": [{"ruleId": 7, '
            '"message": {}, "locations": [{"physicalLocation": {"region": {"startLine": '
            f"{HUGE}"
            "}}}]}]}]}",
        ),
    ],
)
def test_numbers_beyond_64_bits_and_wrong_types_end_in_issues(form, text, tmp_path):
    path = tmp_path / "huge"
    path.write_text(text)
    try:
        reading.tables(reading.items(form, path))
    except ParseError as error:
        assert "huge" in str(error)
