"""The stacks of many captures, published once each."""

from __future__ import annotations

import shutil
from pathlib import Path

import duckdb

from tracemill import warehouse
from tracemill.flows.build import publish_tables
from tracemill.flows.loading.ingest import ingest
from tracemill.warehouse import publish
from tracemill.warehouse.connection import lean

SAMPLES = Path(__file__).parent / "samples" / "pprof"
COLUMNS = "stack_id, path_id, functions, files, lines, pcs"


def take(artifacts: Path, root: Path, version: str, *kinds: str) -> None:
    folder = artifacts / version / "r1"
    folder.mkdir(parents=True, exist_ok=True)
    for kind in kinds:
        shutil.copy(SAMPLES / version / f"{kind}.pb.gz", folder)
    assert not ingest([artifacts], root).failures
    publish_tables(root)


def published(root: Path) -> list[tuple]:
    with warehouse.connect(root) as connection:
        return connection.execute(f"select {COLUMNS} from stacks order by stack_id").fetchall()


def stored(root: Path) -> list[tuple]:
    files = f"{root}/tables/stacks/*/*.parquet"
    return duckdb.sql(
        f"select distinct on (stack_id) {COLUMNS} from read_parquet('{files}') order by stack_id"
    ).fetchall()


def test_every_stack_is_published_once_also_when_captures_come_later(tmp_path):
    artifacts, root = tmp_path / "artifacts", tmp_path / "w"
    take(artifacts, root, "go1.27", "heap")
    one = published(root)
    assert one == stored(root)
    take(artifacts, root, "go1.27", "allocs", "cpu", "goroutine")
    take(artifacts, root, "go1.24", "heap", "allocs")
    assert published(root) == stored(root)
    assert len(published(root)) > len(one) > 0


def test_stacks_taken_in_some_files_at_a_time_are_the_same(tmp_path, monkeypatch):
    take(tmp_path / "artifacts", tmp_path / "w", "go1.27", "heap", "allocs", "cpu", "goroutine")
    monkeypatch.setattr(publish, "STACK_BYTES_AT_ONCE", 1)
    shutil.copytree(tmp_path / "w/tables", tmp_path / "parts/tables")
    for name in ("log", "manifest.json"):
        source = tmp_path / "w" / name
        (shutil.copytree if source.is_dir() else shutil.copy)(source, tmp_path / "parts" / name)
    publish_tables(tmp_path / "parts")
    assert published(tmp_path / "parts") == published(tmp_path / "w")


def test_little_memory_is_asked_for_and_given_back():
    with duckdb.connect() as connection:
        limit = "select current_setting('memory_limit')"
        before = connection.execute(limit).fetchall()
        with lean(connection, 0):
            assert connection.execute(limit).fetchall() == [("192.0 MiB",)]
        with lean(connection, 2**30):
            assert connection.execute(limit).fetchall() == [("1.0 GiB",)]
        assert connection.execute(limit).fetchall() == before
