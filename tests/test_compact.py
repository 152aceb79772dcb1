"""Compact merges files and changes nothing else: not what is read, not what can be forgotten or mended."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pyarrow.parquet as pq
import pytest

from tracemill.flows.build import build
from tracemill.flows.keep.compact import compact
from tracemill.flows.keep.forget import Which, forget, restore
from tracemill.flows.keep.repair import repair
from tracemill.flows.keep.rollback import rollback
from tracemill.flows.keep.verify import verify
from tracemill.flows.loading.ingest import ingest
from tracemill.warehouse import compaction, connect
from tracemill.warehouse.catalog import Catalog
from tracemill.warehouse.errors import DamagedError

from .conftest import SAMPLES
from .test_manifests import flip

if TYPE_CHECKING:
    from pathlib import Path

BUILDS = 8
FILES = ("pprof/go1.27/heap.pb.gz", "pprof/go1.27/mutex.pb.gz")


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Artifacts of builds of two months, and their warehouse."""
    top = tmp_path_factory.mktemp("compact")
    for number in range(1, BUILDS + 1):
        for run in ("1", "2"):
            folder = top / f"artifacts/b{number:02}/{run}"
            folder.mkdir(parents=True)
            for file in FILES:
                shutil.copy(SAMPLES / file, folder)
        month, day = divmod(number * 7 - 1, 30)
        facts = f'{{"committed_at": "2026-0{month + 1}-{day + 1:02}T00:00:00Z"}}'
        (top / f"artifacts/b{number:02}/build.json").write_text(facts)
    shutil.copy(SAMPLES.parent / "exectrace/samples/mixed-1.27.trace.gz", top / "artifacts/b01/1")
    shutil.copy(SAMPLES.parent / "exectrace/samples/mixed-1.26.trace.gz", top / "artifacts/b02/1")
    ingest([top / "artifacts"], top / "w", processes=1)
    build(top / "w")
    return top


@pytest.fixture
def warehouse(template: Path, tmp_path: Path) -> Path:
    return shutil.copytree(template / "w", tmp_path / "w")


TABLES = ("profile_samples", "goroutine_intervals", "stacks", "profile_mappings", "trace_ranges", "captures")


def rows(root: Path) -> dict[str, object]:
    """What the raw tables and some marts say."""
    with connect(root) as connection:
        return {
            name: connection.execute(f"select count(*), bit_xor(hash(t)) from {name} t").fetchall()
            for name in (*TABLES, "heap_growth", "goroutine_blocks")
        }


def test_it_says_the_same_from_a_file_for_each_table_and_month(warehouse: Path) -> None:
    before, files = rows(warehouse), len(Catalog.load(warehouse).listed())
    done = compact(warehouse)
    catalog = Catalog.load(warehouse)
    assert rows(warehouse) == before
    months = {(path.split("/")[1], path.split("/")[2]) for path in catalog.listed()}
    assert len(catalog.listed()) == len(months) == done.files_after < done.files_before == files
    assert verify(warehouse).findings == []
    build(warehouse, full=True)
    assert rows(warehouse) == before


@pytest.mark.full
def test_a_second_time_there_is_nothing_to_do(warehouse: Path) -> None:
    compact(warehouse)
    commit = Catalog.load(warehouse).position.number
    again = compact(warehouse)
    assert (again.tables, Catalog.load(warehouse).position.number) == ([], commit)


@pytest.mark.full
def test_only_said_nothing_changes(warehouse: Path) -> None:
    files = sorted(warehouse.rglob("*"))
    told = compact(warehouse, is_trial=True)
    assert sorted(warehouse.rglob("*")) == files
    done = compact(warehouse)
    assert (told.files_after, [t.files_after for t in told.tables]) == (
        done.files_after,
        [t.files_after for t in done.tables],
    )


@pytest.mark.full
def test_a_reader_goes_on_reading_what_it_opened(warehouse: Path) -> None:
    query = "select count(*), sum(value) from profile_samples"
    with connect(warehouse) as reader:
        compact(warehouse)
        with connect(warehouse) as later:
            assert reader.execute(query).fetchall() == later.execute(query).fetchall()


@pytest.mark.full
def test_rows_of_a_capture_stand_together_in_the_order_of_the_builds(warehouse: Path) -> None:
    compact(warehouse)
    (path,) = {
        p for p in Catalog.load(warehouse).listed() if p.startswith("tables/profile_samples/month=2026-01")
    }
    found = pq.read_table(warehouse / path, partitioning=None).column("capture_id").to_pylist()
    build_of = {c.capture_id: c.build_id for c in Catalog.load(warehouse).captures.values()}
    runs = list(dict.fromkeys(found))
    assert found == [c for c in runs for _ in range(found.count(c))]
    assert [build_of[c] for c in runs] == sorted(build_of[c] for c in runs)


@pytest.mark.full
def test_a_run_in_a_compacted_file_is_forgotten_and_put_back(warehouse: Path) -> None:
    before = rows(warehouse)
    compact(warehouse)
    forget(warehouse, Which("b03", "1"))
    with connect(warehouse) as connection:
        query = "select count(distinct capture_id) from profile_samples"
        assert connection.execute(query).fetchall() == [(2 * len(FILES) * BUILDS - 2,)]
    assert rows(warehouse) != before
    restore(warehouse, Which("b03", "1"))
    assert rows(warehouse) == before


@pytest.mark.full
def test_a_capture_that_was_forgotten_and_loaded_again_counts_once(template: Path, warehouse: Path) -> None:
    before = rows(warehouse)
    compact(warehouse)
    forget(warehouse, Which("b03", "1"))
    ingest([template / "artifacts"], warehouse, processes=1)
    build(warehouse)
    assert rows(warehouse) == before
    compact(warehouse)
    assert rows(warehouse) == before
    ids = pq.read_table(warehouse / _samples(warehouse), partitioning=None).column("capture_id").to_pylist()
    (capture,) = [c for c in Catalog.load(warehouse).captures.values() if c.path == "b03/1/heap.pb.gz"]
    assert ids.count(capture.capture_id) == capture.rows["profile_samples"]


def _samples(root: Path) -> str:
    return next(
        p for p in Catalog.load(root).listed() if p.startswith("tables/profile_samples/month=2026-01")
    )


@pytest.mark.full
def test_only_captures_whose_rows_are_damaged_are_to_be_loaded_again(
    template: Path, warehouse: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compaction, "GROUP_BYTES", 20_000)
    before = rows(warehouse)
    compact(warehouse)
    path = _samples(warehouse)
    meta = pq.ParquetFile(warehouse / path).metadata
    assert meta.num_row_groups > 3
    flip(warehouse / path, meta.row_group(1).column(5).data_page_offset + 40)
    with pytest.raises(DamagedError, match=path):
        build(warehouse, full=True)
    told = repair(warehouse, is_trial=True)
    done = repair(warehouse)
    assert 0 < len(done.dropped) < 12
    assert told.dropped == done.dropped
    assert verify(warehouse).findings == []
    assert len(Catalog.load(warehouse).captures) == 2 * len(FILES) * BUILDS + 2 - len(done.dropped)
    ingest([template / "artifacts"], warehouse, processes=1)
    build(warehouse)
    assert rows(warehouse) == before


@pytest.mark.full
def test_captures_whose_stacks_can_be_read_in_a_damaged_file_of_stacks_stay(
    template: Path, warehouse: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compaction, "GROUP_BYTES", 2_000)
    monkeypatch.setattr(compaction, "STACKS_A_BATCH", 20)
    before = rows(warehouse)
    compact(warehouse)
    path = next(p for p in Catalog.load(warehouse).listed() if p.startswith("tables/stacks/month=2026-01"))
    meta = pq.ParquetFile(warehouse / path).metadata
    last = meta.num_row_groups - 1
    assert last > 2
    flip(warehouse / path, meta.row_group(last).column(0).data_page_offset + 40)
    assert [finding.path for finding in verify(warehouse).findings] == [path]
    with pytest.raises(DamagedError, match=path):
        build(warehouse, full=True)
    needing = [c for c in Catalog.load(warehouse).captures.values() if path in c.paths]
    done = repair(warehouse)
    assert 0 < len(done.dropped) < len(needing)
    assert verify(warehouse).findings == []
    with connect(warehouse) as connection:
        for table in ("profile_samples", "goroutine_cycles"):
            named = f"select stack_id from {table} where stack_id is not null"
            assert connection.execute(f"from ({named}) anti join stacks using (stack_id)").fetchall() == []
    ingest([template / "artifacts"], warehouse, processes=1)
    build(warehouse)
    assert rows(warehouse) == before


@pytest.mark.full
def test_the_state_before_can_be_gone_back_to(warehouse: Path) -> None:
    before, catalog = rows(warehouse), Catalog.load(warehouse)
    compact(warehouse)
    rollback(warehouse, catalog.position.number)
    assert rows(warehouse) == before
    assert Catalog.load(warehouse).listed() == catalog.listed()


def test_a_damaged_file_is_not_merged(warehouse: Path) -> None:
    path = Catalog.load(warehouse).captures["b01", "1", "b01/1/heap.pb.gz"].files["profile_samples"][0]
    flip(warehouse / path, 200)
    with pytest.raises(DamagedError, match=path):
        compact(warehouse)


def test_what_comes_later_is_merged_among_itself_until_it_is_worth_a_large_file(
    warehouse: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compaction, "LEAST_BYTES", 1000)
    compact(warehouse)
    catalog = Catalog.load(warehouse)
    packs = compaction.plan(catalog)
    assert not [p for p in packs if any(catalog.files[s].size_bytes >= 1000 for s in p.sources)]
