"""Sealed parts: what one more build reads, what a change rewrites, and what a loss in a part does."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING

import pytest

from tracemill.flows.build import publish_tables
from tracemill.flows.keep.compact import compact
from tracemill.flows.keep.forget import Which, forget
from tracemill.flows.keep.repair import repair
from tracemill.flows.keep.verify import verify
from tracemill.flows.loading.ingest import ingest
from tracemill.warehouse import connect, manifests, parts
from tracemill.warehouse.catalog import Build, Catalog, Failure
from tracemill.warehouse.errors import DamagedError
from tracemill.warehouse.parts import Part

from .conftest import SAMPLES

if TYPE_CHECKING:
    from pathlib import Path

BUILDS = 7
INPUTS = [f"pprof/go1.{version}/{kind}.pb.gz" for kind in ("heap", "mutex") for version in (22, 27)]


@pytest.fixture(autouse=True)
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Parts of two builds, and a whole state after each commit."""
    monkeypatch.setattr("tracemill.warehouse.state.BUILDS_PER_PART", 2)
    monkeypatch.setattr(manifests, "MIN_BYTES_BETWEEN_WHOLE", 1)
    monkeypatch.setattr(manifests, "is_whole_due", lambda _: True)


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The parts that are read, as they are."""
    found: list[str] = []
    read = parts.read

    def told(root: Path, sha256: str) -> parts.Sections:
        found.append(sha256)
        return read(root, sha256)

    monkeypatch.setattr(parts, "read", told)
    return found


def add(root: Path, *builds: str, text: str = "x") -> None:
    catalog = Catalog.load(root)
    for name in builds:
        catalog.builds[name] = Build(name)
        failure = Failure(name, None, f"{name}/x", None, text)
        catalog.failures[failure.place] = failure
    catalog.commit()


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Seven builds that came one by one."""
    for number in range(BUILDS):
        add(tmp_path, f"b{number}")
    return tmp_path


def newest(root: Path) -> list[Part]:
    last = manifests.listing(root)[1][-1]
    whole, _, _ = manifests.unseal(root / f"log/{last:010}.whole.json")
    return [Part.of(part) for part in whole["parts"]]


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[-30] ^= 1
    path.write_bytes(content)


def loaded(tmp_path: Path, builds: int) -> Path:
    """Builds of one profile each, loaded one by one."""
    for number in range(builds):
        place = tmp_path / "artifacts" / f"b{number}" / "1"
        place.mkdir(parents=True)
        shutil.copy(SAMPLES / INPUTS[number], place / "profile.pb.gz")
        ingest([place.parent.parent], tmp_path / "w", processes=1)
    return tmp_path / "w"


def published(root: Path) -> dict[str, list[tuple[object, ...]]]:
    names = ("captures", "build_manifests", "load_failures", "stacks", "profile_samples")
    with connect(root) as connection:
        return {name: connection.execute(f"from {name} order by all").fetchall() for name in names}


def test_one_more_build_reads_no_records_of_closed_builds(root: Path, reads: list[str]) -> None:
    publish_tables(root)
    reads.clear()
    closed = {part.sha256 for part in newest(root) if "b6" not in part.builds}
    add(root, "new", "newer")
    add(root, "newest")
    publish_tables(root)
    assert reads
    assert closed.isdisjoint(reads)
    assert closed < {part.sha256 for part in newest(root)}
    assert len(Catalog.load(root).builds) == BUILDS + 3


def test_records_come_in_the_order_of_their_builds_whatever_was_asked_for_first(root: Path) -> None:
    catalog = Catalog.load(root)
    assert catalog.builds["b5"] == Build("b5")
    assert list(catalog.builds.of({"b5", "b2", "b0", "b4"})) == ["b0", "b2", "b4", "b5"]


def test_parts_fill_up_and_a_build_that_changes_makes_its_own_anew(root: Path) -> None:
    before = newest(root)
    assert [list(part.builds) for part in before] == [["b0", "b1"], ["b2", "b3"], ["b4", "b5"], ["b6"]]
    add(root, "b3", text="y")
    after = newest(root)
    assert [list(part.builds) for part in after] == [list(part.builds) for part in before]
    assert [a.sha256 == b.sha256 for a, b in zip(after, before, strict=True)] == [True, False, True, True]
    assert Catalog.load(root).failures["b3", None, "b3/x"].message == "y"


def test_a_build_that_goes_leaves_its_part(root: Path) -> None:
    catalog = Catalog.load(root)
    for build in ("b2", "b3", "b4"):
        del catalog.builds[build]
        del catalog.failures[build, None, f"{build}/x"]
    catalog.commit()
    assert [list(part.builds) for part in newest(root)] == [["b0", "b1"], ["b5"], ["b6"]]
    assert list(Catalog.load(root).builds) == list(Catalog.load(root).digests()) == ["b0", "b1", "b5", "b6"]


def test_of_a_part_one_file_may_be_damaged_and_repair_writes_it_again(root: Path) -> None:
    path = f"log/parts/{newest(root)[1].sha256}.json"
    flip(root / path)
    assert Catalog.load(root).builds["b2"] == Build("b2")
    assert [finding.path for finding in verify(root).findings] == [path]
    repair(root)
    assert not verify(root).findings
    assert not list(root.glob("log/damaged-*"))


def test_what_both_files_of_a_part_had_is_told_and_all_else_repaired(root: Path) -> None:
    lost = newest(root)[1].sha256
    for file in (root / "log/parts").glob(f"{lost}*"):
        flip(file)
    assert Catalog.load(root).builds["b0"] == Build("b0")
    with pytest.raises(DamagedError, match=f"{lost}.json: damaged or missing; `tracemill repair`"):
        Catalog.load(root).builds.get("b2")
    assert repair(root).lost_commits == [f"log/parts/{lost}.json"]
    assert set(Catalog.load(root).builds) == {f"b{number}" for number in range(BUILDS)} - {"b2", "b3"}
    assert not verify(root).findings


def test_a_whole_state_without_a_part_is_as_none(root: Path) -> None:
    before, after = newest(root), None
    add(root, "new")
    after = newest(root)
    for file in (root / "log/parts").glob(f"{after[-1].sha256}*"):
        file.unlink()
    assert after[-1].sha256 not in {part.sha256 for part in before}
    assert len(Catalog.load(root).builds) == BUILDS + 1


def test_a_whole_state_of_version_4_is_read_and_the_next_commit_makes_parts(root: Path) -> None:
    sections = manifests.read(root)[0].sections()
    last = manifests.listing(root)[1][-1]
    old = {"version": 4, "number": last, "sha256": Catalog.load(root).position.sha256}
    for file in [*root.glob("log/*.whole.json"), *root.glob("log/parts/*")]:
        file.unlink()
    content = manifests._seal(old | {"sections": sections})
    (root / f"log/{last:010}.whole.json").write_bytes(content)
    head = json.loads((root / "manifest.json").read_text())
    (root / "manifest.json").write_text(json.dumps(head | {"version": 4}))
    assert len(Catalog.load(root).builds) == BUILDS
    assert Catalog.load(root).digests().keys() == {f"b{number}" for number in range(BUILDS)}
    add(root, "new")
    assert [build for part in newest(root) for build in part.builds] == [*(f"b{n}" for n in range(7)), "new"]
    assert json.loads((root / "manifest.json").read_text())["version"] == manifests.MANIFEST_VERSION


@pytest.mark.usefixtures("no_earlier_states")
def test_parts_that_no_whole_state_names_go_once_they_are_old(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Catalog.load(root).sweep()
    assert len(list((root / "log/parts").iterdir())) > 2 * len(newest(root)) + 2
    monkeypatch.setattr(parts, "UNLISTED_STAYS_SECONDS", 0.0)
    add(root, "new")
    Catalog.load(root).sweep()
    named = {part.sha256 for part in manifests.named_parts(root)}
    assert {file.name.partition(".")[0] for file in (root / "log/parts").iterdir()} == named
    assert len(Catalog.load(root).builds) == BUILDS + 1


@pytest.mark.full
def test_rows_of_changed_builds_take_the_place_of_theirs_alone(tmp_path: Path) -> None:
    root = loaded(tmp_path, 3)
    publish_tables(root)
    add(root, "b1", text="new")
    catalog = Catalog.load(root)
    catalog.remove(("b0", "1", "b0/1/profile.pb.gz"))
    catalog.commit()
    publish_tables(root)
    found = published(root)
    (root / "warehouse.duckdb").unlink()
    publish_tables(root)
    anew = published(root)
    # Stacks stay for as long as the file does.
    assert {n: rows for n, rows in found.items() if n != "stacks"} == {
        n: rows for n, rows in anew.items() if n != "stacks"
    }
    assert {row[0] for row in anew["stacks"]} <= {row[0] for row in found["stacks"]}


@pytest.mark.full
def test_of_a_compacted_file_the_rows_of_forgotten_builds_do_not_count(tmp_path: Path) -> None:
    root = loaded(tmp_path, 4)
    publish_tables(root)
    rows = published(root)["profile_samples"]
    compact(root)
    assert published(root)["profile_samples"] == rows
    forget(root, Which("b2"))
    ids = {capture.capture_id for capture in Catalog.load(root).captures.values()}
    left = published(root)["profile_samples"]
    assert left
    assert left == [row for row in rows if row[0] in ids]
    (row,) = Catalog.load(root).files_by_table()["profile_samples"].compacted.values()
    assert set(row or ()) == ids


def test_what_was_stopped_left_folders_that_nothing_lists_and_rarely_files_in_others(tmp_path: Path) -> None:
    root = loaded(tmp_path, 2)
    place = ("b0", "1", "b0/1/profile.pb.gz")
    (path,) = Catalog.load(root).captures[place].files["profile_samples"]
    stray = root / "tables/profile_samples/capture_id=stray/1.parquet"
    inside = (root / path).with_name("stray.parquet")
    stray.parent.mkdir()
    for file in (stray, inside):
        file.write_bytes(b"half")
    assert Catalog.load(root).sweep() == 1
    assert not stray.parent.exists()
    assert Catalog.load(root).sweep(is_thorough=True) == 1
    assert not inside.exists()
    assert (root / path).exists()


def test_leftovers_beside_files_of_captures_that_changed_of_late_go_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(manifests, "is_whole_due", lambda _: False)
    root = loaded(tmp_path, 1)
    (path,) = Catalog.load(root).captures["b0", "1", "b0/1/profile.pb.gz"].files["profile_samples"]
    (root / path).with_name("stray.parquet").write_bytes(b"half")
    assert Catalog.load(root).sweep() == 1
