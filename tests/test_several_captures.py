"""A file that holds several captures: each is listed, none is merged or lost, new content replaces all."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest

from tracemill.flows.loading import capture
from tracemill.flows.loading.ingest import ingest
from tracemill.warehouse.catalog import Catalog

SAMPLES = Path(__file__).parent / "samples"
BENCH = SAMPLES / "benchmarks/go1.27/bench.txt"
PARTS = [BENCH, SAMPLES / "gctrace/go1.27/gctrace.txt", SAMPLES / "escapes/go1.27/m.txt"]


@pytest.fixture
def log(tmp_path) -> Path:
    run = tmp_path / "artifacts/b1/1"
    run.mkdir(parents=True)
    path = run / "ci.log"
    path.write_bytes(b"".join(part.read_bytes() for part in PARTS))
    return path


def listed(top: Path) -> dict[str, str]:
    return {c.path: c.kind for c in Catalog.load(top / "warehouse").captures.values()}


def load(top: Path):
    return ingest([top / "artifacts"], top / "warehouse", processes=1)


def test_each_kind_of_text_in_a_log_is_a_capture(log, tmp_path):
    done = load(tmp_path)
    assert (len(done.loaded), done.failures) == (3, [])
    assert listed(tmp_path) == {
        "b1/1/ci.log": "benchmarks",
        "b1/1/ci.log#2": "gctrace",
        "b1/1/ci.log#3": "escapes",
    }
    again = load(tmp_path)
    assert (again.loaded, again.unchanged) == ([], 1)


def test_what_a_file_held_before_goes_with_its_first_capture(log, tmp_path):
    load(tmp_path)
    log.write_bytes(BENCH.read_bytes())
    load(tmp_path)
    assert listed(tmp_path) == {"b1/1/ci.log": "benchmarks"}


def test_the_first_capture_of_a_file_is_listed_last(log, tmp_path):
    # So a stop between two commits leaves a file that is read again, never one that lacks a capture for good.
    assert [c.path for c in load(tmp_path).loaded] == ["b1/1/ci.log#3", "b1/1/ci.log#2", "b1/1/ci.log"]


def test_a_parser_that_changed_reads_the_whole_file_again(log, tmp_path, monkeypatch):
    load(tmp_path)
    monkeypatch.setitem(capture.FORMATS, "gctrace", 99)
    assert len(load(tmp_path).loaded) == 3
    assert load(tmp_path).loaded == []


def test_a_file_that_changes_between_hashing_and_parsing_is_refused_and_loaded_by_the_next_run(
    log, tmp_path, monkeypatch
):
    detect = capture.detect

    def changed(source):
        log.write_bytes(log.read_bytes() + b"\n")
        return detect(source)

    with monkeypatch.context() as context:
        context.setattr(capture, "detect", changed)
        done = load(tmp_path)
    assert [f.message for f in done.failures] == ["b1/1/ci.log: changed while it was read: load it again"]
    assert (done.loaded, listed(tmp_path)) == ([], {})
    assert errno.ESTALE in capture.TRANSIENT
    assert len(load(tmp_path).loaded) == 3
