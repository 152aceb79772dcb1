"""Each sample is claimed by exactly one format, and no sniffer raises on anything."""

from __future__ import annotations

import random
from importlib import import_module
from pathlib import Path

import pytest

from tracemill.parsers.api import ParseError
from tracemill.parsers.registry import FORMATS, UnknownFormatError, captures, detect, read
from tracemill.parsers.unwrap.source import Source

SAMPLES = Path(__file__).parents[1] / "samples"
FILES = sorted(p for p in SAMPLES.glob("*/*/*") if p.is_file())
TRACES = sorted((SAMPLES.parent / "exectrace/samples").rglob("*.trace.gz"))
OF_FORMAT = [(p.relative_to(SAMPLES).parts[0], p) for p in FILES] + [("exectrace", p) for p in TRACES]
MODULES = {name: import_module(f"tracemill.parsers.{name}") for name in FORMATS}


def claims(head: bytes) -> list[str]:
    return [name for name, module in MODULES.items() if module.sniff(head)]


@pytest.mark.parametrize(("form", "path"), OF_FORMAT, ids=lambda v: v if isinstance(v, str) else v.name)
def test_exactly_one_format_claims_a_sample(form, path):
    assert claims(Source(path).head) == [form]


def test_every_format_has_samples():
    assert {form for form, _ in OF_FORMAT} >= set(MODULES)


@pytest.mark.parametrize(
    "content", [b"", b"\n", b"\n\n\x08", b"{}", b"hello\n" * 100, b"\x1f\x8b", b"PK\x03\x04", b"\0" * 999]
)
def test_nobody_claims_what_is_nothing(content):
    assert claims(content) == []


def test_sniffers_never_raise():
    generator = random.Random(7)
    heads = [Source(path).head[:600] for path in FILES[::9]]
    for _ in range(300):
        noise = generator.randbytes(generator.randrange(200))
        head = generator.choice(heads)
        cut = generator.randrange(len(head))
        for content in (noise, head[:cut], head[:cut] + noise, noise + head):
            claims(content)


@pytest.mark.parametrize(
    "sample",
    ["goroutine_dump/go1.27/maps.all.txt", "benchmarks/go1.27/bench.txt", "gctrace/go1.27/gctrace.txt"],
)
@pytest.mark.parametrize("lines", [10_000, 45_000])
def test_what_stands_far_behind_in_a_log_is_found(sample, lines, tmp_path):
    plain = SAMPLES / sample
    path = tmp_path / "app.log"
    path.write_text("2026-01-02 15:04:05 request served\n" * lines + plain.read_text())
    assert detect(Source(path)).NAME == detect(Source(plain)).NAME


def test_long_text_of_nothing_is_of_no_format(tmp_path):
    path = tmp_path / "app.log"
    path.write_text("2026-01-02 15:04:05 request served\n" * 45_000)
    with pytest.raises(UnknownFormatError, match="no known format"):
        detect(Source(path))


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("benchmarks/go1.27/bench.txt", "gctrace/go1.27/gctrace.txt"),
        ("benchmarks/go1.27/bench.txt", "goroutine_dump/go1.27/maps.all.txt"),
        ("listing", "escapes"),
    ],
)
@pytest.mark.parametrize("is_turned", [False, True])
def test_a_second_kind_of_text_is_a_capture_of_its_own(first, second, is_turned, tmp_path):
    names = {str(f.relative_to(SAMPLES)): f for f in FILES}
    samples = [next(f for name, f in names.items() if name.startswith(kind)) for kind in (first, second)]
    heads = [Source(sample).head[:20_000] for sample in samples]
    path = tmp_path / "out.txt"
    path.write_bytes(b"\n".join(heads[::-1] if is_turned else heads))
    alone = []
    for number, head in enumerate(heads):
        part = tmp_path / f"part{number}.txt"
        part.write_bytes(head)
        alone += captures(part)
    assert [c.path for c in captures(path)] == [str(path), f"{path}#2"]
    for found, expected in zip(captures(path), alone, strict=True):
        assert found.format == expected.format
        assert {t: rows_of(r) for t, r in found.tables().items()} == {
            t: rows_of(r) for t, r in expected.tables().items()
        }


def rows_of(table) -> list[dict]:
    """Rows less the line of the input that they come from."""
    return [{k: v for k, v in row.items() if k not in ("line", "input_line")} for row in table.to_pylist()]


def test_a_file_of_two_captures_is_refused_where_one_is_asked_for(tmp_path):
    path = tmp_path / "out.txt"
    parts = ("benchmarks/go1.27/bench.txt", "gctrace/go1.27/gctrace.txt")
    path.write_bytes(b"".join((SAMPLES / part).read_bytes() for part in parts))
    with pytest.raises(ParseError, match=r"out\.txt: holds several captures: read each by captures\(\)"):
        read(path)


@pytest.mark.parametrize("path", [f for f in FILES if f.suffix == ".txt"][::5], ids=lambda p: p.name)
def test_one_kind_of_text_is_one_capture(path):
    assert [c.path for c in captures(path)] == [str(path)]
