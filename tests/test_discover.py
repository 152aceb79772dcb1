"""Odd things among the artifacts are named, and stop nothing else."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tracemill.flows.loading.discover import discover


@pytest.fixture
def artifacts(tmp_path) -> Path:
    run = tmp_path / "artifacts" / "b1" / "1"
    run.mkdir(parents=True)
    (run / "fine").write_text("x")
    return tmp_path / "artifacts"


def test_links_in_circles_are_failures(artifacts):
    (artifacts / "b1/1/loop").symlink_to("loop")
    (artifacts / "b1/1/self").symlink_to(".")
    found = discover([artifacts])
    assert [f.message for f in found.failures] == ["b1/1/loop: not a regular file"]
    assert [i.path for i in found.inputs] == ["b1/1/fine"]


def test_a_link_to_a_folder_that_is_read_is_no_failure_and_told(artifacts):
    (artifacts / "latest").symlink_to("b1")
    (artifacts / "b1/last").symlink_to("1")
    (artifacts / ".store").mkdir()
    (artifacts / "b2").symlink_to(".store")
    found = discover([artifacts])
    assert found.links == ["latest", "b1/last"]
    assert [f.message for f in found.failures] == ["b2: a link to a hidden folder, which is not read"]
    assert [i.path for i in found.inputs] == ["b1/1/fine"]


@pytest.mark.parametrize("folder", ["b1/1/closed", "b2", "b2/1"])
def test_folder_that_cannot_be_read_is_a_failure(folder, artifacts, monkeypatch):
    (artifacts / folder).mkdir(parents=True)
    scandir, listdir = os.scandir, os.listdir

    def refused(read):
        def read_unless_closed(path="."):
            if Path(path) == artifacts / folder:
                raise PermissionError(13, "Permission denied", str(path))
            return read(path)

        return read_unless_closed

    # The tests may run as root, who may read everything.
    monkeypatch.setattr(os, "scandir", refused(scandir))
    monkeypatch.setattr(os, "listdir", refused(listdir))
    found = discover([artifacts])
    assert [f.message for f in found.failures] == [f"{folder}: Permission denied"]
    assert [i.path for i in found.inputs] == ["b1/1/fine"]


def test_a_misspelt_key_is_a_failure_and_keys_of_your_own_are_let_be(artifacts):
    (artifacts / "b1/build.json").write_text('{"fork": false, "owner": "me"}')
    (artifacts / "b1/1/run.json").write_text('{"Work": {"requests": 3}, "host": "h"}')
    [failure] = discover([artifacts]).failures
    assert (failure.build_id, failure.run_id) == ("b1", "1")
    assert failure.message == "b1/1/run.json: 'Work' says nothing: is \"work\" meant?"


@pytest.mark.parametrize(
    "wrong",
    [
        '"committed_at": "soon"',
        '"work": 3',
        '"work": {"n": NaN}',
        f'"work": {{"n": {10**400}}}',
        '"work": {"n": "2000"}',
        '"work": {"n": true}',
        '"labels": ["GOGC=50"]',
        '"committedAt": "2026-01-01T00:00:00Z"',
        '"works": {"requests": 3}',
    ],
    ids=["time", "no object", "nan", "too large", "text", "bool", "labels", "misspelt", "plural"],
)
def test_what_a_manifest_says_wrongly_is_a_failure_of_the_build_that_it_names(wrong, artifacts):
    (artifacts / "b1/build.json").write_text(f'{{"id": "4711", "commit": "abc", {wrong}}}')
    found = discover([artifacts])
    assert [(f.build_id, f.path) for f in found.failures] == [("4711", "b1/build.json")]
    assert [(b.build_id, b.commit, b.committed_at) for b in found.builds.values()] == [("4711", "abc", None)]
    assert {i.build_id for i in found.inputs} == {"4711"}
    assert not found.work


def test_work_as_text_is_refused_with_file_and_key(artifacts):
    (artifacts / "b1/1/run.json").write_text('{"work": {"requests": "2000"}}')
    found = discover([artifacts])
    assert [f.message for f in found.failures] == ["b1/1/run.json: work: requests is '2000', not a number"]
    assert not found.work
