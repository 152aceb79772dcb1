"""Verify, repair and rollback, on a warehouse whose files were flipped, cut, emptied and lost."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from tracemill.flows.build import build
from tracemill.flows.cli import main
from tracemill.flows.keep.repair import repair
from tracemill.flows.keep.rollback import rollback, states
from tracemill.flows.keep.verify import verify
from tracemill.flows.loading.ingest import ingest
from tracemill.warehouse import connect, manifests
from tracemill.warehouse.catalog import Accepted, Catalog, WarehouseError
from tracemill.warehouse.errors import DamagedError

from .conftest import SAMPLES
from .test_manifests import as_version_1, flip

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of artifacts, two builds of two runs, and their warehouse: loaded in two operations, built."""
    top = tmp_path_factory.mktemp("keep")
    for name, day in (("b1", 1), ("b2", 2)):
        for run in ("1", "2"):
            folder = top / "artifacts" / name / run
            folder.mkdir(parents=True)
            for kind in ("heap", "allocs", "mutex"):
                shutil.copy(SAMPLES / f"pprof/go1.27/{kind}.pb.gz", folder)
        (top / f"artifacts/{name}/build.json").write_text(f'{{"committed_at": "2026-01-0{day}T00:00:00Z"}}')
    ingest([top / "artifacts/b1"], top / "w", processes=1)
    ingest([top / "artifacts"], top / "w", processes=1)
    build(top / "w")
    return top


@pytest.fixture
def warehouse(template: Path, tmp_path: Path) -> Path:
    return shutil.copytree(template / "w", tmp_path / "w")


@pytest.fixture
def artifacts(template: Path, tmp_path: Path) -> Path:
    return shutil.copytree(template / "artifacts", tmp_path / "artifacts")


def marts(root: Path) -> list[tuple[object, ...]]:
    with connect(root) as connection:
        return connection.execute("from heap_growth order by all").fetchall()


def harm(path: Path, how: str) -> None:
    content = path.read_bytes()
    if how == "flipped":
        flip(path, len(content) // 2)
    elif how == "missing":
        path.unlink()
    else:
        path.write_bytes(content[: {"cut": len(content) // 2, "empty": 0}[how]])


HARMS = {
    "flipped": "other bytes than were written, of the same number",
    "cut": "bytes of",
    "empty": "0 bytes of",
    "missing": "missing",
}


@pytest.mark.full
def test_a_whole_warehouse_is_found_whole(warehouse: Path) -> None:
    done = verify(warehouse)
    assert done.findings == []
    assert done.file_count == len([*warehouse.rglob("*.parquet")])
    assert done.bytes_read == sum(f.stat().st_size for f in warehouse.rglob("*.parquet"))
    assert (done.unsummed, done.commit) == (0, Catalog.load(warehouse).position.number)


@pytest.mark.sampled
@pytest.mark.parametrize("how", HARMS)
def test_a_damaged_file_is_found_and_its_captures_load_again(
    warehouse: Path, artifacts: Path, how: str
) -> None:
    before = marts(warehouse)
    catalog = Catalog.load(warehouse)
    stacks = max(catalog.listed(), key=lambda p: sum(p in c.paths for c in catalog.captures.values()))
    sharing = {c.place for c in catalog.captures.values() if stacks in c.paths}
    assert len(sharing) > 1, "the file is one that captures share"
    harm(warehouse / stacks, how)
    (found,) = verify(warehouse).findings
    assert found.path == stacks
    assert HARMS[how] in found.fact
    assert {c.place for c in repair(warehouse, is_trial=True).dropped} == sharing
    assert len(Catalog.load(warehouse).captures) == 12, "a trial changes nothing"
    assert {c.place for c in repair(warehouse).dropped} == sharing
    assert verify(warehouse).findings == []
    assert len(ingest([artifacts], warehouse).loaded) == len(sharing)
    if how == "flipped":
        build(warehouse)
        assert marts(warehouse) == before


@pytest.mark.sampled
@pytest.mark.parametrize("how", HARMS)
def test_a_damaged_published_file_is_found_and_made_anew(warehouse: Path, how: str) -> None:
    before = marts(warehouse)
    database = warehouse / "warehouse.duckdb"
    if how == "flipped":  # in each block: not all of them hold data
        content = bytearray(database.read_bytes())
        for at in range(20_000, len(content), 50_000):
            content[at] ^= 1
        database.write_bytes(content)
    else:
        harm(database, how)
    assert [f.path for f in verify(warehouse).published] == ["warehouse.duckdb"]
    done = repair(warehouse)
    assert (done.is_made_anew, done.dropped) == (True, [])
    assert verify(warehouse).findings == []
    assert marts(warehouse) == before


@pytest.mark.full
@pytest.mark.parametrize("how", ["flipped", "missing"])
def test_a_damaged_commit_loses_what_it_put_and_nothing_else(
    warehouse: Path, artifacts: Path, how: str
) -> None:
    before = marts(warehouse)
    catalog = Catalog.load(warehouse)
    catalog.accepted["b2", "block_ns", "f"] = Accepted("b2", "block_ns", "f", "why", "me", "2026-01-01")
    catalog.commit()
    with_captures = [
        n
        for n in manifests.listing(warehouse)[0]
        if manifests.read_commit(warehouse, n).change.put.get("captures")
    ]
    harm(warehouse / f"log/{with_captures[-1]:010}.json", how)
    assert verify(warehouse).log
    done = repair(warehouse)
    assert done.lost_commits == [f"log/{with_captures[-1]:010}.json"]
    assert verify(warehouse).findings == []
    left = Catalog.load(warehouse)
    assert {c.build_id for c in left.captures.values()} == {"b1"}
    assert len(left.accepted) == 1
    assert left.position.number > catalog.position.number
    assert len([*(warehouse / done.set_aside).iterdir()]) > 1
    assert len(ingest([artifacts], warehouse).loaded) == 6
    if how == "flipped":
        build(warehouse)
        assert marts(warehouse) == before


@pytest.mark.full
def test_a_lost_end_of_the_log_and_a_lost_head_can_be_gone_on_from(warehouse: Path) -> None:
    last = manifests.listing(warehouse)[0][-1]
    (warehouse / f"log/{last:010}.json").unlink()
    assert verify(warehouse).log
    repair(warehouse)
    assert verify(warehouse).findings == []
    (warehouse / "manifest.json").unlink()
    assert verify(warehouse).log
    assert repair(warehouse).lost_commits == []
    assert verify(warehouse).findings == []


def test_a_log_of_which_nothing_is_left_is_not_made_up(warehouse: Path) -> None:
    files = sorted(warehouse.rglob("*.parquet"))
    for file in (warehouse / "log").iterdir():
        file.unlink()
    with pytest.raises(WarehouseError, match="nothing of it can be read"):
        repair(warehouse)
    assert sorted(warehouse.rglob("*.parquet")) == files


@pytest.mark.full
def test_only_what_is_new_is_read_with_new(warehouse: Path, artifacts: Path) -> None:
    whole = verify(warehouse, is_new=True).file_count
    assert whole == verify(warehouse).file_count
    assert verify(warehouse, is_new=True).file_count == 0
    shutil.copy(SAMPLES / "pprof/go1.22/heap.pb.gz", artifacts / "b1/1/heap.pb.gz")
    ingest([artifacts], warehouse)
    build(warehouse)
    assert 0 < verify(warehouse, is_new=True).file_count < whole


def test_files_from_before_checksums_are_read_page_by_page(warehouse: Path) -> None:
    as_version_1(warehouse)
    done = verify(warehouse)
    assert done.findings == []
    assert done.unsummed == done.file_count > 0
    largest = max(warehouse.rglob("*.parquet"), key=lambda f: f.stat().st_size)
    flip(largest, 200)
    assert [f.path for f in verify(warehouse).files] == [largest.relative_to(warehouse).as_posix()]


def test_an_earlier_state_can_be_gone_back_to_and_left_again(warehouse: Path, artifacts: Path) -> None:
    both = marts(warehouse)
    newest, first = states(warehouse)
    assert (first.builds, first.captures, newest.builds, newest.captures) == (1, 6, 2, 12)
    shutil.copy(SAMPLES / "pprof/go1.22/heap.pb.gz", artifacts / "b1/1/heap.pb.gz")
    ingest([artifacts], warehouse)
    build(warehouse)
    rollback(warehouse, first.commit)
    assert len(Catalog.load(warehouse).captures) == 6
    assert {row[0] for row in marts(warehouse)} == {"b1"}
    rollback(warehouse, newest.commit)
    assert marts(warehouse) == both
    assert verify(warehouse).findings == []
    with pytest.raises(WarehouseError, match="no state 99 is kept; there is"):
        rollback(warehouse, 99)


@pytest.mark.full
@pytest.mark.usefixtures("no_earlier_states")
def test_only_states_whose_files_are_kept_are_offered(warehouse: Path, artifacts: Path) -> None:
    shutil.copy(SAMPLES / "pprof/go1.22/heap.pb.gz", artifacts / "b1/1/heap.pb.gz")
    ingest([artifacts], warehouse)
    build(warehouse)
    Catalog.load(warehouse).sweep()
    (only,) = states(warehouse)
    assert only.commit == Catalog.load(warehouse).position.number


@pytest.mark.full
def test_the_verbs_say_what_they_found_and_what_comes_next(warehouse: Path) -> None:
    def tracemill(*arguments: str) -> tuple[int, str]:
        result = CliRunner().invoke(main, [*arguments, "--warehouse", str(warehouse)])
        return result.exit_code, result.output

    code, text = tracemill("verify")
    assert code == 0
    assert "all as they were written" in text
    file = max(warehouse.rglob("*.parquet"), key=lambda f: f.stat().st_size)
    flip(file, 100)
    code, text = tracemill("verify")
    assert code == 1
    assert f"{file.relative_to(warehouse)}: other bytes" in text
    assert "tracemill repair --dry-run" in text
    code, text = tracemill("verify", "--format", "json")
    assert (code, len(json.loads(text)["files"])) == (1, 1)
    code, text = tracemill("repair", "--dry-run")
    assert code == 1
    assert "would be taken out, to be loaded again" in text
    assert tracemill("repair")[0] == 1
    code, text = tracemill("repair")
    assert code == 0
    assert text.startswith("nothing to repair: all is as it was written\n")
    code, text = tracemill("rollback")
    assert code == 0
    assert text.startswith("commit")
    repaired, whole = (line.split()[0] for line in text.splitlines()[2:4])
    code, text = tracemill("rollback", whole)
    assert code == 2
    assert f"{file.name}: other bytes than were written, of the same number; state {whole} needs it" in text
    code, text = tracemill("rollback", repaired)
    assert code == 0, text
    assert f"as it was after commit {repaired}" in text


@pytest.mark.parametrize("how", HARMS)
def test_no_model_is_built_from_a_damaged_file(warehouse: Path, how: str) -> None:
    before = marts(warehouse)
    file = Catalog.load(warehouse).captures["b2", "1", "b2/1/heap.pb.gz"].files["profile_samples"][0]
    harm(warehouse / file, how)
    with pytest.raises(DamagedError, match=f"{file}: .*{HARMS[how]}.*; `tracemill repair`"):
        build(warehouse, full=True)
    assert marts(warehouse) == before
