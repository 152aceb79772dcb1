"""`go tool trace -d=parsed` as input: the tables of the trace that it was printed from."""

from __future__ import annotations

import random
import subprocess

import pytest

from examples.toolchain import environment, tool
from tests.exectrace.golines import quote
from tests.exectrace.reading import read
from tests.exectrace.record import VERSIONS, record
from tracemill.parsers import exectrace
from tracemill.parsers.api import ParseError
from tracemill.parsers.exectrace.parsed_text import unquote

TABLES = (
    "goroutines", "goroutine_intervals", "trace_ranges", "trace_metrics", "trace_cpu_samples", "trace_tasks",
    "trace_regions", "trace_logs", "stacks",
)  # fmt: skip


def printed(trace, folder):
    text = folder / "parsed.txt"
    with text.open("wb") as file:
        command = [tool("1.27", "trace"), "-d=parsed", str(trace)]
        subprocess.run(command, env=environment(), stdout=file, check=True)
    return text


def rows(table) -> list[str]:
    """As a set that keeps count; program counters of a stack are those of one occurrence."""
    return sorted(repr({k: v for k, v in row.items() if k != "pcs"}) for row in table.to_pylist())


def assert_same_tables(trace, folder) -> None:
    text = printed(trace, folder)
    assert exectrace.sniff(text.read_bytes()[:1000])
    ours, expected = read(text), read(trace)
    assert not ours.issues
    for name in TABLES:
        assert (name in ours.tables) == (name in expected.tables), name
        if name in ours.tables:
            assert rows(ours.tables[name]) == rows(expected.tables[name]), name
    assert ours.facts.duration_ns == expected.facts.duration_ns
    assert ours.facts.started_at_ns == expected.facts.started_at_ns


@pytest.mark.sampled
@pytest.mark.parametrize("version", VERSIONS)
def test_text_gives_the_tables_of_its_trace(samples, version, tmp_path):
    assert_same_tables(samples[version], tmp_path)


@pytest.mark.full
@pytest.mark.parametrize("name", ["coroutines 10", "stealing 40 60", "generations 3.3"])
def test_text_gives_the_tables_of_special_traces(name, tmp_path):
    program, *args = name.split()
    assert_same_tables(record(program, "1.27", *args, procs=8), tmp_path)


@pytest.mark.full
def test_cut_or_mended_text_is_an_error_with_its_place_or_salvaged(samples, tmp_path):
    content = printed(samples["1.27"], tmp_path).read_bytes()[:200_000]
    rng = random.Random(5)
    damaged = tmp_path / "damaged.txt"
    for _ in range(40):
        at = rng.randrange(len(content))
        data = (
            content[:at]
            if rng.random() < 0.3
            else content[:at] + bytes([rng.randrange(256)]) + content[at + 1 :]
        )
        damaged.write_bytes(data)
        try:
            reading = read(damaged) if exectrace.sniff(data) else None
        except ParseError as error:
            assert "byte" in str(error)
            continue
        if reading is not None:
            assert reading.facts.is_salvaged
            assert [issue.severity for issue in reading.issues] == ["data_loss"]


def test_strings_are_unquoted_as_go_quotes_them():
    for text in ("plain", 'a "quoted"\n\t\\ \a\x7f', "wörter \u2028 ☃", ""):
        assert unquote(quote(text)[1:-1]) == text
    assert unquote(r"\u00e4\U0001f600") == "ä" + chr(0x1F600)
    assert unquote(r"bad \xff byte") == "bad \ufffd byte"
