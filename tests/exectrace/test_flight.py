"""Snapshots of a flight recorder are told from whole traces by what they hold."""

from __future__ import annotations

import os
import shutil
import subprocess

import pytest

from examples.toolchain import environment
from tests.exectrace.reading import read
from tests.exectrace.record import SAMPLES, program
from tracemill.flows.run import run
from tracemill.warehouse import connect

KINDS = {
    "begin": "flight", "window-1": "flight", "window-2": "flight", "last": "flight",
    "joined": "trace", "after": "trace",
}  # fmt: skip
FLIGHT = SAMPLES / "flight"


@pytest.mark.parametrize(("name", "kind"), KINDS.items())
def test_a_snapshot_is_told_from_a_trace_whatever_of_its_start_is_left(name, kind):
    assert read(FLIGHT / f"{name}.trace.xz").facts.kind == kind


@pytest.mark.parametrize("version", ["1.22", "1.23", "1.24", "1.25", "1.26", "1.27"])
def test_what_trace_start_wrote_is_a_trace(samples, version):
    assert read(samples[version]).facts.kind == "trace"


@pytest.mark.full
@pytest.mark.parametrize("version", ["1.25", "1.26", "1.27"])
def test_recorders_of_each_go_version_are_told(version, tmp_path):
    env = os.environ | environment()
    subprocess.run([program("flight", version), tmp_path], env=env, check=True)
    assert {f.stem: read(f).facts.kind for f in tmp_path.iterdir()} == KINDS


def loaded(tmp_path, *names):
    """(kind, block_ns of main.work) of the build's run, and the path of the longest wait's capture."""
    folder = tmp_path / "artifacts/b1/1"
    folder.mkdir(parents=True)
    for name in names:
        shutil.copy(FLIGHT / f"{name}.trace.xz", folder)
    run([tmp_path / "artifacts"], tmp_path / "w", tmp_path / "exports")
    with connect(tmp_path / "w") as connection:
        (waited,) = connection.execute(
            "select coalesce(sum(block_ns), 0)::bigint from goroutine_blocks where function = 'main.work'"
        ).fetchone()
        (seen,) = connection.execute(
            "select path from int_wait_exemplars join captures using (capture_id)"
            " where function = 'main.work'"
        ).fetchone()
    return waited, seen.split("/")[-1].split(".")[0]


@pytest.mark.full
def test_snapshots_beside_a_whole_trace_are_looked_at_and_do_not_count(tmp_path):
    alone, _ = loaded(tmp_path / "alone", "after")
    together, seen = loaded(tmp_path / "together", "after", "last", "window-1")
    assert (together, seen in {"last", "window-1"}) == (alone, True)


@pytest.mark.full
def test_snapshots_alone_count_as_their_windows(tmp_path):
    first, _ = loaded(tmp_path / "first", "window-1")
    second, _ = loaded(tmp_path / "second", "last")
    assert loaded(tmp_path / "both", "window-1", "last")[0] == first + second > 0
