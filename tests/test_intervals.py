"""goroutine_intervals: a view of the cycles that are stored, and of what an earlier version stored."""

from __future__ import annotations

import gzip
from pathlib import Path

import duckdb
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tracemill import connect, read
from tracemill.flows.build import publish_tables
from tracemill.flows.loading.ingest import ingest
from tracemill.warehouse import store
from tracemill.warehouse.intervals import with_intervals
from tracemill.warehouse.scan import scan_of
from tracemill.warehouse.schema import TABLES

TRACE = Path(__file__).parent / "exectrace/samples/mixed-1.27.trace.gz"
COLUMNS = ", ".join(TABLES["goroutine_intervals"].arrow_schema().names)


@pytest.fixture(scope="module")
def artifacts(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("intervals") / "artifacts"
    (folder / "b1/r1").mkdir(parents=True)
    (folder / "b1/r1/trace.out").write_bytes(gzip.decompress(TRACE.read_bytes()))
    return folder


def in_order(row: tuple) -> str:
    return str(row)


def published(root: Path, table: str = "goroutine_intervals", columns: str = COLUMNS) -> list[tuple]:
    with connect(root) as connection:
        return sorted(connection.execute(f"select {columns} from {table}").fetchall(), key=in_order)


@pytest.fixture(scope="module")
def loaded(artifacts, tmp_path_factory) -> Path:
    root = tmp_path_factory.mktemp("intervals") / "w"
    assert not ingest([artifacts], root).failures
    publish_tables(root)
    return root


def test_the_view_has_the_rows_and_columns_of_the_capture(artifacts, loaded):
    intervals = read(artifacts / "b1/r1/trace.out")["goroutine_intervals"]  # noqa: F841 - DuckDB finds it
    assert published(loaded) == sorted(duckdb.sql("from intervals").fetchall(), key=in_order)
    with connect(loaded) as connection:
        described = connection.execute("describe goroutine_intervals").fetchall()
    assert tuple(column[0] for column in described) == TABLES["goroutine_intervals"].column_names


def test_a_warehouse_that_stored_each_interval_gives_the_same(artifacts, loaded, tmp_path, monkeypatch):
    def write_intervals(writer, table, rows):
        for name, part in with_intervals({table: rows_of(table, rows)}).items():
            if name != "goroutine_cycles":
                for batch in part.to_batches():
                    write(writer, name, batch)

    def rows_of(table, rows):
        return pa.Table.from_batches([TABLES[table].conform(rows)])

    write = store.CaptureWriter.write
    monkeypatch.setattr(store.CaptureWriter, "write", write_intervals)
    assert not ingest([artifacts], tmp_path / "w").failures
    monkeypatch.undo()
    publish_tables(tmp_path / "w")
    stored = {path.parent.parent.name for path in (tmp_path / "w/tables").rglob("*.parquet")}
    assert "goroutine_intervals" in stored
    assert "goroutine_cycles" not in stored
    assert published(tmp_path / "w") == published(loaded)
    # Each is a cycle of one part; beside them stand those of captures that are loaded now.
    (artifacts_2 := tmp_path / "artifacts/b2/r1").mkdir(parents=True)
    (artifacts_2 / "trace.out").write_bytes((artifacts / "b1/r1/trace.out").read_bytes())
    assert not ingest([tmp_path / "artifacts"], tmp_path / "w").failures
    publish_tables(tmp_path / "w")
    assert published(tmp_path / "w") == sorted(published(loaded) * 2, key=in_order)
    sums = "sum(waiting_ns), sum(syscall_ns), sum(runnable_ns), sum(running_ns)"
    ((*twice,),) = published(tmp_path / "w", "goroutine_cycles", sums)
    ((*once,),) = published(loaded, "goroutine_cycles", sums)
    assert twice == [2 * value for value in once]


@pytest.mark.parametrize(("states", "scans"), [("'waiting'", 1), ("'waiting', 'syscall'", 2)])
def test_a_query_on_some_states_reads_no_other_part_of_the_cycles(loaded, states, scans):
    with connect(loaded) as connection:
        query = f"select sum(duration_ns) from goroutine_intervals where state in ({states})"
        plan = connection.execute(f"explain {query}").fetchall()[0][1]
    assert plan.count("READ_PARQUET") == scans
    assert "running_ns" not in plan


def test_a_stored_table_of_no_capture_has_its_columns():
    columns = duckdb.sql(scan_of("goroutine_cycles", {})).columns
    assert tuple(columns) == TABLES["goroutine_cycles"].column_names


def test_every_reader_of_parquet_gets_the_same_rows_of_a_trace(loaded):
    files = sorted((loaded / "tables").rglob("*.parquet"))
    assert any("goroutine_cycles" in file.as_posix() for file in files)
    for file in files:
        ours = pq.ParquetFile(file).read()
        query = f"from read_parquet('{file}', hive_partitioning = false)"
        others = duckdb.sql(query).to_arrow_table(), pl.read_parquet(file, hive_partitioning=False).to_arrow()
        for other in others:
            assert [str(row) for row in other.to_pylist()] == [str(row) for row in ours.to_pylist()], file
