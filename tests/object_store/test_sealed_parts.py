"""Sealed parts of the log in a bucket: fetched when one of their builds is asked for, once, and checked."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tracemill.flows.keep.repair import repair
from tracemill.flows.keep.verify import verify
from tracemill.warehouse import manifests
from tracemill.warehouse.catalog import Build, Catalog

from .common import flip, machine, objects, of

if TYPE_CHECKING:
    from pathlib import Path

    from .server import Faults


@pytest.fixture(autouse=True)
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Parts of two builds, and a whole state after each commit."""
    monkeypatch.setattr("tracemill.warehouse.state.BUILDS_PER_PART", 2)
    monkeypatch.setattr(manifests, "is_whole_due", lambda _: True)


def add(root: Path, *builds: str) -> None:
    catalog = Catalog.load(root)
    catalog.builds |= {name: Build(name) for name in builds}
    catalog.commit()


def here(root: Path) -> list[str]:
    return sorted(file.name for file in root.glob("log/parts/*"))


def test_a_part_is_fetched_when_a_build_of_it_is_asked_for(
    faults: Faults, place: str, tmp_path: Path
) -> None:
    a, b = machine(tmp_path, place), machine(tmp_path, place, "b")
    add(a, "b1", "b2", "b3", "b4", "b5")
    assert list(Catalog.load(b).digests()) == ["b1", "b2", "b3", "b4", "b5"]
    assert not here(b)
    assert Catalog.load(b).builds["b3"] == Build("b3")
    assert len(here(b)) == 1
    add(b, "b6")
    assert set(Catalog.load(a).builds) == {f"b{number}" for number in range(1, 7)}


def test_a_damaged_part_in_the_store_is_named_and_stored_again(
    faults: Faults, place: str, tmp_path: Path
) -> None:
    a = machine(tmp_path, place)
    add(a, "b1", "b2", "b3")
    path = next(path for path in sorted(objects(a)) if path.startswith("log/parts/"))
    flip(a, path)
    other = machine(tmp_path, place, "b")
    assert len(Catalog.load(other).builds) == 3
    assert [finding.path for finding in verify(other).findings] == [path]
    repair(other)
    assert not verify(other).findings
    assert of(a).find(path) is not None
