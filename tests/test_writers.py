"""Several that write at once, and are killed: nothing is lost, doubled or mixed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bench.writers import trial
from tracemill.flows.keep.compact import compact
from tracemill.flows.loading.ingest import ingest
from tracemill.warehouse import lock
from tracemill.warehouse.catalog import Catalog, WarehouseError
from tracemill.warehouse.lock import loading_lock, sole_lock, writer_lock

from .conftest import SAMPLES

if TYPE_CHECKING:
    from pathlib import Path


def artifacts_of(top: Path, name: str) -> Path:
    folder = top / name / "1"
    folder.mkdir(parents=True)
    (folder / "heap.pb.gz").write_bytes((SAMPLES / "pprof/go1.27/heap.pb.gz").read_bytes())
    return top


@pytest.mark.full
def test_writers_that_are_killed_at_random_lose_double_and_mix_nothing(tmp_path: Path) -> None:
    run = trial(tmp_path, 12, writers=3, readers=2, seed=7)
    assert run.problems == []
    assert len(run.done) > 1
    assert run.counts["reads"] > 1


@pytest.mark.full
def test_writers_that_are_killed_for_ten_minutes_lose_double_and_mix_nothing(tmp_path: Path) -> None:
    run = trial(tmp_path, 600, writers=8, readers=8, seed=8)
    assert run.problems == []


def test_a_load_while_another_loads_sweeps_nothing_of_it(tmp_path: Path) -> None:
    root = tmp_path / "w"
    ingest([artifacts_of(tmp_path / "a", "b1")], root)
    written = root / "tables/stacks/capture_id=other/1.parquet"
    written.parent.mkdir()
    written.write_bytes(b"by a load that has not committed yet")
    with loading_lock(root):
        ingest([artifacts_of(tmp_path / "a", "b2")], root)
        assert written.exists()
    assert len(Catalog.load(root).captures) == 2
    ingest([tmp_path / "a"], root)
    assert not written.exists()


def test_what_needs_the_warehouse_alone_waits_for_loads_and_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lock, "SWEEP_SECONDS", 0.2)
    root = tmp_path / "w"
    ingest([artifacts_of(tmp_path / "a", "b1")], root)
    with loading_lock(root), pytest.raises(WarehouseError, match=r"loading into this warehouse \(pid \d+ on"):
        compact(root)
    with (
        sole_lock(root),
        pytest.raises(WarehouseError, match=r"at work alone on this warehouse \(pid \d+ on"),
    ):
        ingest([tmp_path / "a"], root)


def test_loads_go_on_while_models_are_built(tmp_path: Path) -> None:
    with writer_lock(tmp_path / "w"):
        assert len(ingest([artifacts_of(tmp_path / "a", "b1")], tmp_path / "w").loaded) == 1
