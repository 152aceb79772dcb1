"""A stack that several captures have is written once, and stays for as long as any of them needs it."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tracemill.flows.build import build, publish_tables
from tracemill.flows.loading.ingest import ingest
from tracemill.warehouse import connect
from tracemill.warehouse.catalog import Catalog
from tracemill.warehouse.schema import TABLES
from tracemill.warehouse.shared_stacks import MOST_REMEMBERED, CaptureStacks, SharedStacks
from tracemill.warehouse.store import CaptureWriter

from .conftest import SAMPLES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tracemill.warehouse.catalog import Capture


def ids_in(root: Path, files: list[str], column: str = "stack_id") -> list[int]:
    return [i for f in files for i in pq.read_table(root / f, columns=[column])[column].to_pylist()]


def assert_captures_are_whole(root: Path) -> None:
    """Every stack that a capture's rows name is in the files that it lists."""
    for capture in Catalog.load(root).captures.values():
        held = ids_in(root, capture.files["stacks"])
        for table, files in capture.files.items():
            for column in TABLES[table].column_names:
                if column.endswith("stack_id") and table != "stacks":
                    assert {*ids_in(root, files, column)} - {None} <= {*held}, (capture.path, table)
        assert capture.rows["stacks"] <= len(held)


@pytest.fixture
def related(tmp_path: Path) -> Path:
    """Three runs whose profiles are of one program, and one of another Go version."""
    for run, version, kinds in (
        ("1", "go1.27", ("heap", "allocs", "cpu")),
        ("2", "go1.27", ("heap", "goroutine")),
        ("3", "go1.24", ("heap", "allocs")),
    ):
        folder = tmp_path / "related/b1" / run
        folder.mkdir(parents=True)
        for kind in kinds:
            shutil.copy(SAMPLES / f"pprof/{version}/{kind}.pb.gz", folder)
    return tmp_path / "related"


def listed(root: Path) -> dict[str, list[Capture]]:
    """Files of stacks, and the captures that list each."""
    found: dict[str, list[Capture]] = {}
    for capture in Catalog.load(root).captures.values():
        for file in capture.files["stacks"]:
            found.setdefault(file, []).append(capture)
    return found


def test_captures_of_one_program_write_a_stack_once(related: Path, tmp_path: Path) -> None:
    root = tmp_path / "w"
    ingest([related], root, processes=1)
    assert_captures_are_whole(root)
    assert max(len(captures) for captures in listed(root).values()) > 2
    written = ids_in(root, [*listed(root)])
    assert len(written) < 1.1 * len({*written})


def test_a_capture_counts_the_stacks_that_it_has_not_those_that_it_wrote(
    related: Path, tmp_path: Path
) -> None:
    ingest([related], tmp_path / "all", processes=1)
    for capture in Catalog.load(tmp_path / "all").captures.values():
        alone = tmp_path / "alone" / capture.capture_id
        folder = alone / "b1" / str(capture.run_id)
        folder.mkdir(parents=True)
        shutil.copy(related / capture.path, folder)
        ingest([alone], alone / "w")
        (same,) = Catalog.load(alone / "w").captures.values()
        assert same.rows == capture.rows
        assert len(ids_in(alone / "w", same.files["stacks"])) == capture.rows["stacks"]


@pytest.mark.usefixtures("no_earlier_states")
def test_a_replaced_capture_takes_no_stacks_from_others(related: Path, tmp_path: Path) -> None:
    root = tmp_path / "w"
    ingest([related], root, processes=1)
    file, captures = max(listed(root).items(), key=lambda found: len(found[1]))
    owner = next(c for c in captures if c.capture_id in file)
    others = [c for c in captures if c is not owner]
    for replaced, kind in zip((owner, *others), ("mutex", "cpu", "block", "goroutine"), strict=False):
        assert_captures_are_whole(root)
        shutil.copy(SAMPLES / f"pprof/go1.22/{kind}.pb.gz", related / replaced.path)
        ingest([related], root, processes=1)
    assert_captures_are_whole(root)
    assert file not in listed(root)
    Catalog.load(root).sweep()
    assert not (root / file).exists()


@pytest.mark.full
def test_models_over_shared_stacks_are_those_over_stacks_of_their_own(
    related: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def rows(root: Path) -> Iterator[list[tuple[object, ...]]]:
        with connect(root) as connection:
            for name in ("stacks", "mapassign_allocations", "heap_growth", "observations"):
                yield connection.execute(f"from {name} order by all").fetchall()

    ingest([related], tmp_path / "shared", processes=1)
    build(tmp_path / "shared")
    monkeypatch.setattr("tracemill.warehouse.shared_stacks.LEAST_SHARE", 2)
    ingest([related], tmp_path / "own", processes=1)
    build(tmp_path / "own")
    assert all(len(captures) == 1 for captures in listed(tmp_path / "own").values())
    assert [*rows(tmp_path / "shared")] == [*rows(tmp_path / "own")]


@pytest.mark.full
def test_what_was_loaded_before_is_published_with_what_came_later(related: Path, tmp_path: Path) -> None:
    shutil.move(related / "b1/2", tmp_path / "later")
    ingest([related], tmp_path / "steps")
    publish_tables(tmp_path / "steps")
    shutil.move(tmp_path / "later", related / "b1/2")
    ingest([related], tmp_path / "steps")
    publish_tables(tmp_path / "steps")
    ingest([related], tmp_path / "once")
    publish_tables(tmp_path / "once")
    found = []
    for root in ("steps", "once"):
        assert_captures_are_whole(tmp_path / root)
        with connect(tmp_path / root) as connection:
            found.append(connection.execute("from stacks order by stack_id").fetchall())
    assert found[0] == found[1] != []


def test_a_capture_that_fails_shares_nothing(tmp_path: Path) -> None:
    ids = np.arange(100)
    shared = SharedStacks()

    def rows(places: np.ndarray) -> Iterator[pa.RecordBatch]:
        if len(places):
            yield pa.RecordBatch.from_pydict({"stack_id": ids[places]})

    with pytest.raises(OSError, match="cut"), CaptureWriter(tmp_path, "a", shared) as writer:
        writer.write_stacks(ids, rows)
        raise OSError("cut")
    with CaptureWriter(tmp_path, "b", shared) as writer:
        writer.write_stacks(ids, rows)
    writer.share()
    (file,) = writer.files["stacks"]
    assert ids_in(tmp_path, [file]) == ids.tolist()
    with CaptureWriter(tmp_path, "c", shared) as writer:
        writer.write_stacks(ids, rows)
    assert writer.files == {"stacks": [file]}
    writer.abort()
    assert (tmp_path / file).exists(), "it is another capture's"


def test_a_capture_reads_no_file_for_few_of_its_stacks() -> None:
    shared = SharedStacks()
    first = CaptureStacks(shared)
    assert first.missing(np.arange(1000)).tolist() == [*range(1000)]
    first.share(["first"])
    second = CaptureStacks(shared)
    assert second.missing(np.arange(900, 1900)[::-1]).tolist() == [*range(1000)]
    assert second.files == []
    third = CaptureStacks(shared)
    assert third.missing(np.arange(500, 1500)).tolist() == [*range(500, 1000)]
    assert third.files == ["first"]


def test_only_the_latest_files_are_remembered() -> None:
    shared = SharedStacks()
    for i in range(MOST_REMEMBERED + 1):
        capture = CaptureStacks(shared)
        capture.missing(np.arange(100 * i, 100 * i + 100))
        capture.share([f"{i}"])
    oldest = CaptureStacks(shared)
    assert len(oldest.missing(np.arange(100))) == 100
    latest = CaptureStacks(shared)
    assert len(latest.missing(np.arange(100, 200))) == 0
    assert latest.files == ["1"]
