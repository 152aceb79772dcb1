"""Forget takes out what should not be there, and nothing else; undo puts it back."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from tracemill.flows.build import build
from tracemill.flows.cli import main
from tracemill.flows.keep.forget import Which, forget, restore
from tracemill.flows.loading.ingest import ingest
from tracemill.flows.names import NoSuchNameError
from tracemill.warehouse import connect
from tracemill.warehouse.catalog import Catalog

from .conftest import SAMPLES

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A warehouse of two builds of two runs, each with a heap and a file that is none."""
    top = tmp_path_factory.mktemp("forget")
    for name, day in (("b1", 1), ("b2", 2)):
        for run in ("1", "2"):
            folder = top / "artifacts" / name / run
            folder.mkdir(parents=True)
            shutil.copy(SAMPLES / "pprof/go1.27/heap.pb.gz", folder)
            (folder / "run.json").write_text('{"work": {"requests": 7}, "pair": 1}')
            (folder / "noise").write_text("no capture")
        facts = {"committed_at": f"2026-01-0{day}T00:00:00Z", "commit": f"c{day}"}
        (top / f"artifacts/{name}/build.json").write_text(json.dumps(facts))
    ingest([top / "artifacts"], top / "w", processes=1)
    build(top / "w")
    return top / "w"


@pytest.fixture
def warehouse(template: Path, tmp_path: Path) -> Path:
    return shutil.copytree(template, tmp_path / "w")


def builds(root: Path) -> list[tuple[object, ...]]:
    with connect(root) as connection:
        return connection.execute(
            "select build_id, commit, run_count, capture_count from builds order by 1"
        ).fetchall()


def state(root: Path) -> tuple[object, ...]:
    catalog = Catalog.load(root)
    return catalog.captures, catalog.builds, catalog.work, catalog.pairs, catalog.failures


def test_a_build_is_gone_with_all_that_is_known_of_it_and_comes_back(warehouse: Path) -> None:
    before = state(warehouse)
    done = forget(warehouse, Which("b1"))
    assert (len(done.captures), done.builds) == (2, ["b1"])
    assert builds(warehouse) == [("b2", "c2", 2, 2)]
    catalog = Catalog.load(warehouse)
    assert {b for b, _ in catalog.pairs} == {"b2"}
    assert {*catalog.builds} == {b for b, _ in catalog.work} == {p[0] for p in catalog.failures} == {"b2"}
    with connect(warehouse) as connection:
        of_builds = connection.execute(
            "select table_name from duckdb_columns() where column_name = 'build_id' and schema_name = 'main'"
        ).fetchall()
        for (table,) in of_builds:
            assert not connection.execute(
                f"select 1 from {table} where build_id = 'b1' limit 1"
            ).fetchall(), table
    restore(warehouse, Which("b1"))
    assert builds(warehouse) == [("b1", "c1", 2, 2), ("b2", "c2", 2, 2)]
    assert state(warehouse) == before


@pytest.mark.full
def test_a_run_or_a_capture_is_gone_and_the_build_stays(warehouse: Path) -> None:
    forget(warehouse, Which("b1", "2"))
    assert builds(warehouse) == [("b1", "c1", 1, 1), ("b2", "c2", 2, 2)]
    (path,) = [c.path for c in Catalog.load(warehouse).captures.values() if c.place[:2] == ("b2", "1")]
    forget(warehouse, Which(capture=path))
    assert builds(warehouse) == [("b1", "c1", 1, 1), ("b2", "c2", 1, 1)]
    assert ("b1", "2") not in Catalog.load(warehouse).work


@pytest.mark.full
def test_what_was_loaded_since_stays_when_something_is_put_back(warehouse: Path, tmp_path: Path) -> None:
    forget(warehouse, Which("b1"))
    forget(warehouse, Which("b2", "1"))
    restore(warehouse, Which("b1"))
    assert builds(warehouse) == [("b1", "c1", 2, 2), ("b2", "c2", 1, 1)]


def test_a_trial_changes_nothing(warehouse: Path) -> None:
    before = state(warehouse)
    assert len(forget(warehouse, Which("b1"), is_trial=True).captures) == 2
    assert state(warehouse) == before


def test_names_that_there_are_not_say_the_nearest(warehouse: Path) -> None:
    with pytest.raises(NoSuchNameError, match="did you mean 'b1'"):
        forget(warehouse, Which("b11"))
    with pytest.raises(NoSuchNameError, match="no run of b1 '9'"):
        forget(warehouse, Which("b1", "9"))
    with pytest.raises(NoSuchNameError, match="no state that is kept has more of build b1"):
        restore(warehouse, Which("b1"))


@pytest.mark.full
def test_the_verb_says_what_is_gone_and_needs_to_be_told_what(warehouse: Path) -> None:
    where = ["--warehouse", str(warehouse)]
    assert CliRunner().invoke(main, ["forget", *where]).exit_code == 2
    done = CliRunner().invoke(main, ["forget", "--build", "b1", *where])
    assert (done.exit_code, done.stdout.splitlines()[0]) == (0, "forgotten: 2 captures; whole builds: b1")
    done = CliRunner().invoke(main, ["forget", "--build", "b1", "--undo", *where])
    assert done.stdout.startswith("put back: 2 captures; whole builds: b1")
