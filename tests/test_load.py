"""One input into Parquet, at once or in two steps: parsed here, written by another thread."""

from __future__ import annotations

import errno
import os
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tracemill.flows.loading.ingest import ingest
from tracemill.warehouse.catalog import Catalog
from tracemill.warehouse.schema import TABLES
from tracemill.warehouse.store import CaptureWriter

if TYPE_CHECKING:
    from pathlib import Path

BATCHES = [
    TABLES["trace_metrics"].conform(
        pa.RecordBatch.from_pydict({"ts_ns": range(i, i + 100), "name": ["heap"] * 100, "value": [1.0] * 100})
    )
    for i in range(0, 500, 100)
]


def write(root: Path, *, is_held: bool) -> CaptureWriter:
    writer = CaptureWriter(root, "c", is_held=is_held)
    for rows in BATCHES:
        writer.write("trace_metrics", rows)
    return writer


def written(root: Path, writer: CaptureWriter) -> list[int]:
    files = [root / f for f in writer.files["trace_metrics"]]
    return sorted(ts for f in files for ts in pq.read_table(f)["ts_ns"].to_pylist())


@pytest.mark.parametrize("small_bytes", [0, 3 * BATCHES[0].nbytes, 10**6])
def test_what_is_held_is_written_in_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, small_bytes: int
) -> None:
    monkeypatch.setattr("tracemill.warehouse.store.SMALL_BYTES", small_bytes)
    for is_held in (True, False):
        root = tmp_path / str(is_held)
        writer = write(root, is_held=is_held)
        if is_held and small_bytes == 10**6:
            assert not root.exists()
        writer.close()
        assert written(root, writer) == [*range(500)]
        assert writer.rows == {"trace_metrics": 500}


def test_what_is_held_is_dropped_by_an_abort(tmp_path: Path) -> None:
    writer = write(tmp_path / "w", is_held=True)
    writer.abort()
    writer.close()
    assert (writer.files, writer.rows) == ({}, {})
    assert not (tmp_path / "w").exists()


def test_a_capture_that_cannot_be_written_fails_alone_and_leaves_nothing(
    artifacts: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class FullDisk(pq.ParquetWriter):
        count = 0

        def write_batch(self, *args: Any, **kwargs: Any) -> None:
            FullDisk.count += 1
            if FullDisk.count == 3:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            super().write_batch(*args, **kwargs)

    monkeypatch.setattr("tracemill.warehouse.store.pq.ParquetWriter", FullDisk)
    found = ingest([artifacts], tmp_path / "w", processes=1)
    assert len(found.loaded) == 11
    (failure,) = found.failures
    assert failure.message.endswith(": No space left on device")
    listed = {
        tmp_path / "w" / path
        for capture in Catalog.load(tmp_path / "w").captures.values()
        for paths in capture.files.values()
        for path in paths
    }
    assert {*(tmp_path / "w").rglob("*.parquet")} == listed
