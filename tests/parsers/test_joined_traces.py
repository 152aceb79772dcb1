"""Traces one behind the other in a file are captures of their own, as if each had a file of its own."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from tracemill import parsers

SAMPLES = sorted((Path(__file__).parents[1] / "exectrace" / "samples").glob("mixed-*.trace.gz"))
ARTIFACTS = Path(__file__).parents[2] / "examples" / "artifacts"


def contents() -> list[bytes]:
    return [gzip.decompress(path.read_bytes()) for path in SAMPLES]


def counts(found: parsers.FoundCapture) -> dict[str, int]:
    return {name: table.num_rows for name, table in found.tables().items()}


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_each_trace_of_a_file_is_read_as_if_it_were_alone(pack, tmp_path):
    path = tmp_path / "joined.trace"
    path.write_bytes(pack(b"".join(contents())))
    found = list(parsers.captures(path))
    assert [c.path for c in found] == [str(path), *(f"{path}#{i}" for i in range(2, len(SAMPLES) + 1))]
    for capture, sample in zip(found, SAMPLES, strict=True):
        (alone,) = parsers.captures(sample)
        assert capture.issues == alone.issues
        assert counts(capture) == counts(alone)
        assert capture.facts == alone.facts


def test_a_cut_trace_before_another_is_salvaged_and_the_other_is_whole(tmp_path):
    *_, last = contents()
    path = tmp_path / "joined.trace"
    path.write_bytes(last + last[: len(last) // 2])
    one, two = parsers.captures(path)
    assert (one.issues, one.facts.is_salvaged, two.facts.is_salvaged) == ([], False, True)
    assert any(issue.severity == "data_loss" for issue in two.issues)


def test_what_follows_a_trace_and_is_none_is_told(tmp_path):
    path = tmp_path / "trailing.trace"
    path.write_bytes(contents()[-1] + b"go 1.99 trash and more of it")
    (found,) = parsers.captures(path)
    assert found.issues
