"""The log of commits: what it keeps, what it refuses, and what a loss or a flipped bit in it does."""

from __future__ import annotations

import json
import shutil
from dataclasses import asdict
from typing import TYPE_CHECKING

import pytest

from tracemill.flows.build import build, publish_tables
from tracemill.flows.loading.ingest import ingest
from tracemill.warehouse import connect, manifests
from tracemill.warehouse.catalog import Build, Catalog, Failure, WarehouseError
from tracemill.warehouse.errors import DamagedError

from .conftest import SAMPLES

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def warehouse(artifacts: Path, tmp_path: Path) -> Path:
    """Two builds loaded in two operations."""
    root = tmp_path / "w"
    ingest([artifacts / "b1"], root)
    ingest([artifacts], root)
    return root


def with_failures(root: Path, count: int) -> Catalog:
    """A catalog with so many commits, of one failure each."""
    catalog = Catalog.load(root)
    for number in range(count):
        failure = Failure("b", None, f"b/{number}", None, "x" * 1000)
        catalog.failures[failure.place] = failure
        catalog.commit()
    return catalog


def flip(path: Path, at: int = -100) -> None:
    content = bytearray(path.read_bytes())
    content[at] ^= 1
    path.write_bytes(content)


def as_version_1(root: Path, **more: object) -> None:
    """Put the manifest of version 1 in the place of the log."""
    catalog = Catalog.load(root)
    captures = [asdict(c) for c in catalog.captures.values()]
    for capture in captures:
        del capture["unknown"], capture["written"]
    builds = [{k: v for k, v in asdict(b).items() if k != "unknown"} for b in catalog.builds.values()]
    state = {
        "version": 1,
        "captures": captures,
        "builds": builds,
        "work": [{"build_id": b, "run_id": r, "work": w} for (b, r), w in catalog.work.items()],
        "failures": [],
        "accepted": [],
        "retired": {},
    }
    shutil.rmtree(root / "log")
    (root / "manifest.json").write_text(json.dumps(state | more))


def test_a_commit_says_what_it_changed_and_nothing_else(tmp_path: Path) -> None:
    catalog = with_failures(tmp_path, 2)
    catalog.builds["b"] = Build("b", commit="abc")
    catalog.failures.pop(("b", None, "b/0"))
    catalog.commit()
    catalog.commit()
    commit = manifests.read_commit(tmp_path, 3)
    assert commit.change.put == {"builds": {"b": {"build_id": "b", "commit": "abc"}}}
    assert commit.change.drop == {"failures": ['["b",null,"b/0"]']}
    assert manifests.listing(tmp_path) == ([1, 2, 3], [])


def test_a_manifest_of_version_1_is_read_and_taken_over(warehouse: Path, artifacts: Path) -> None:
    before = Catalog.load(warehouse)
    gone = "tables/stacks/capture_id=gone/1.parquet"
    as_version_1(warehouse, retired={gone: 1.0})
    assert Catalog.load(warehouse).captures == before.captures
    shutil.copy(SAMPLES / "pprof/go1.22/heap.pb.gz", artifacts / "b1/1/heap.pb.gz")
    assert len(ingest([artifacts], warehouse).loaded) == 1
    after = Catalog.load(warehouse)
    assert after.captures.keys() == before.captures.keys()
    assert (after.work, after.builds) == (before.work, before.builds)
    assert json.loads((warehouse / "manifest.json").read_text())["version"] == manifests.MANIFEST_VERSION
    assert gone in manifests.read_commit(warehouse, 1).change.unlisted


def test_a_stop_while_version_1_is_taken_over_loses_nothing(warehouse: Path) -> None:
    as_version_1(warehouse)
    old = (warehouse / "manifest.json").read_bytes()
    before = Catalog.load(warehouse)
    before.commit()
    (warehouse / "manifest.json").write_bytes(old)  # the stop came between the two files
    again = Catalog.load(warehouse)
    assert again.captures == before.captures
    with_failures(warehouse, 1)
    assert len(Catalog.load(warehouse).failures) == 1


def test_a_newer_warehouse_is_refused_in_words(warehouse: Path) -> None:
    head = json.loads((warehouse / "manifest.json").read_text())
    (warehouse / "manifest.json").write_text(json.dumps(head | {"version": manifests.MANIFEST_VERSION + 1}))
    with pytest.raises(
        WarehouseError, match=r"version \d+, this Tracemill reads versions 1 to \d+; a newer one"
    ):
        Catalog.load(warehouse)


def test_fields_and_sections_that_a_newer_one_wrote_survive(
    warehouse: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(manifests, "MIN_BYTES_BETWEEN_WHOLE", 1)
    state, position = manifests.read(warehouse)
    sections = state.sections()
    (name, capture), *_ = sections["captures"].items()
    put = {
        "captures": {name: capture | {"mood": "good"}},
        "builds": {"b1": sections["builds"]["b1"] | {"owner": "me"}},
        "notes": {"1": {"text": "keep me"}},
    }
    manifests.append(warehouse, position, manifests.Change(put), "op")
    catalog = with_failures(warehouse, 20)
    assert manifests.listing(warehouse)[1], "a whole state was written"
    catalog.builds["b2"] = Build("b2")
    catalog.commit()
    sections = manifests.read(warehouse)[0].sections()
    assert sections["captures"][name]["mood"] == "good"
    assert sections["builds"]["b1"]["owner"] == "me"
    assert sections["notes"] == {"1": {"text": "keep me"}}


def test_data_without_a_manifest_is_no_new_warehouse(warehouse: Path, artifacts: Path) -> None:
    files = sorted(warehouse.rglob("*.parquet"))
    (warehouse / "manifest.json").unlink()
    with pytest.raises(DamagedError, match="missing, beside a log"):
        ingest([artifacts], warehouse)
    shutil.rmtree(warehouse / "log")
    with pytest.raises(DamagedError, match="missing, beside data"):
        ingest([artifacts], warehouse)
    assert sorted(warehouse.rglob("*.parquet")) == files


def test_a_log_that_lost_its_end_is_noticed(warehouse: Path) -> None:
    last = manifests.listing(warehouse)[0][-1]
    (warehouse / f"log/{last:010}.json").unlink()
    with pytest.raises(DamagedError, match=f"ends at commit {last - 1}, and manifest.json knows of {last}"):
        Catalog.load(warehouse)


def test_a_flipped_bit_in_a_commit_is_named(warehouse: Path) -> None:
    flip(warehouse / "log/0000000002.json")
    with pytest.raises(DamagedError, match=r"0000000002\.json: damaged"):
        Catalog.load(warehouse)


def test_a_commit_of_another_history_is_noticed(warehouse: Path, tmp_path: Path) -> None:
    other = with_failures(tmp_path / "other", 5)
    assert other.position.number == 5
    shutil.copy(tmp_path / "other/log/0000000002.json", warehouse / "log")
    with pytest.raises(DamagedError, match="follows another commit"):
        Catalog.load(warehouse)


def test_a_damaged_whole_state_costs_nothing_while_the_one_before_is_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(manifests, "MIN_BYTES_BETWEEN_WHOLE", 3000)
    with_failures(tmp_path, 12)
    _, wholes = manifests.listing(tmp_path)
    assert len(wholes) >= 2
    flip(tmp_path / f"log/{wholes[-1]:010}.whole.json")
    assert len(Catalog.load(tmp_path).failures) == 12


def test_a_state_of_an_earlier_commit_can_be_read(warehouse: Path) -> None:
    last = Catalog.load(warehouse).position.number
    with_failures(warehouse, 3)
    earlier = Catalog.load(warehouse, at=last + 1)
    assert len(earlier.failures) == 1
    assert len(earlier.captures) == 12


@pytest.mark.usefixtures("no_earlier_states")
def test_the_log_is_cut_behind_what_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(manifests, "MIN_BYTES_BETWEEN_WHOLE", 3000)
    with_failures(tmp_path, 30)
    with_failures(tmp_path, 0).sweep()
    numbers, wholes = manifests.listing(tmp_path)
    assert len(wholes) == manifests.KEPT_WHOLE
    assert numbers[0] == wholes[0] + 1
    assert len(Catalog.load(tmp_path).failures) == 30
    flip(tmp_path / f"log/{wholes[-1]:010}.whole.json")
    assert len(Catalog.load(tmp_path).failures) == 30


def test_of_two_commits_after_one_state_the_second_is_made_to_the_first(tmp_path: Path) -> None:
    with_failures(tmp_path, 3)
    one, two, late = (Catalog.load(tmp_path) for _ in range(3))
    place, other, third = one.failures
    one.builds["b1"] = Build("b1")
    del one.failures[place]
    one.commit()
    two.builds["b2"] = Build("b2", commit="c2")
    del two.failures[other]
    two.commit()
    found = Catalog.load(tmp_path)
    assert (set(found.builds), set(found.failures)) == ({"b1", "b2"}, {third})
    assert (two.builds, two.failures, two.position) == (found.builds, found.failures, found.position)
    with pytest.raises(manifests.ConflictError, match="another writer was quicker"):
        manifests.append(tmp_path, late.position, manifests.Change(), "late")


@pytest.mark.usefixtures("no_earlier_states")
def test_what_the_published_file_reads_is_not_swept_away(artifacts: Path, warehouse: Path) -> None:
    publish_tables(warehouse)
    with connect(warehouse) as reader:
        shutil.copy(SAMPLES / "pprof/go1.22/heap.pb.gz", artifacts / "b1/1/heap.pb.gz")
        ingest([artifacts], warehouse)
        assert Catalog.load(warehouse).sweep() == 0
        assert reader.execute("select count(distinct capture_id) from profile_samples").fetchone() == (12,)
    publish_tables(warehouse)
    assert Catalog.load(warehouse).sweep() > 0


@pytest.mark.full
@pytest.mark.parametrize("harm", ["cut", "empty", "no database", "flipped", "gone"])
def test_what_is_derived_is_made_anew(warehouse: Path, artifacts: Path, harm: str) -> None:
    build(warehouse)
    with connect(warehouse) as connection:
        whole = connection.execute("from heap_growth order by all").fetchall()
    database = warehouse / "warehouse.duckdb"
    content = bytearray(database.read_bytes())
    if harm == "flipped":
        for at in range(16384, len(content), 4096):
            content[at] ^= 255
    shown = {"cut": content[: len(content) // 2], "empty": b"", "no database": b"x" * 9999}.get(harm, content)
    database.unlink()
    if harm != "gone":
        database.write_bytes(shown)
    shutil.copy(SAMPLES / "pprof/go1.22/mutex.pb.gz", artifacts / "b2/2/mutex.pb.gz")
    ingest([artifacts], warehouse)
    assert build(warehouse).is_changed
    with connect(warehouse) as connection:
        assert connection.execute("from heap_growth order by all").fetchall() == whole
