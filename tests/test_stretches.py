"""A long history is judged in stretches: the same rows however builds came, and no more work for old ones."""

from __future__ import annotations

import json
import random
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tracemill.flows.gate.judge import gate
from tracemill.flows.loading.ingest import ingest
from tracemill.warehouse import connect, stretches
from tracemill.warehouse.catalog import Catalog
from tracemill.warehouse.models import FOLDERS, ModelError, read_models
from tracemill.warehouse.publish import publish

if TYPE_CHECKING:
    from collections.abc import Iterator

BUILDS = 17
TABLES = ("observations", "regression_history", "int_points", "int_verdicts", "regressions", "incidents")


@pytest.fixture(autouse=True, scope="module")
def short() -> Iterator[None]:
    """Stretches of three builds instead of 25: twelve are judged together."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(stretches, "STRETCH", 3)
        yield


@pytest.fixture(scope="module")
def builds(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Three runs of six benchmarks a build; one is slower from the sixth build on, until the 15th."""
    folder = tmp_path_factory.mktemp("artifacts")
    draw = random.Random(7)
    for number in range(BUILDS):
        build = folder / f"b{number:02}"
        for run in "123":
            (build / run).mkdir(parents=True)
            lines = ["goos: linux", "goarch: amd64", "pkg: app"]
            for name in "ABCDEF":
                slower = 3 if name == "C" and 5 <= number < 14 else 1
                lines.append(f"BenchmarkOf{name}-2 \t1000\t{500 * slower * draw.gauss(1, 0.02):.1f} ns/op")
            (build / run / "bench.txt").write_text("\n".join(lines) + "\n")
        at = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(days=number)
        (build / "build.json").write_text(json.dumps({"committed_at": at.isoformat()}))
    return sorted(folder.iterdir())


@pytest.fixture(scope="module")
def at_once(builds: list[Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("at once") / "w"
    assert published(root, builds).count("builds b00 to b08") == 1
    return root


def published(root: Path, builds: list[Path]) -> list[str]:
    """Load the builds and publish them; the steps that it took."""
    for build in builds:
        ingest([build], root)
    steps: list[str] = []
    done = publish(Catalog.load(root), models=read_models(), progress=steps.append)
    assert done.failed_checks == done.set_aside == {}
    return steps


def rows(root: Path) -> dict[str, list[str]]:
    with connect(root) as connection:
        return {name: sorted(map(repr, connection.execute(f"from {name}").fetchall())) for name in TABLES}


def verdicts(root: Path, table: str) -> list[tuple[object, ...]]:
    with connect(root) as connection:
        return connection.execute(
            f"select build_id, status, first_build_id, ended_build_id from {table} order by 1"
        ).fetchall()


def test_each_build_is_judged_with_those_shortly_before_and_after_it() -> None:
    found = stretches.stretches([f"b{n}" for n in range(20)], ["of no place"])
    assert [s.builds[0] for s in found] == ["b0", "b3", "b6", "b9", "b12", "b15", "b18"]
    among = [(s.among[0], s.among[-1], len(s.among)) for s in found]
    assert among[:3] == [("b0", "b11", 12)] * 3
    assert among[3:] == [("b3", "b14", 12), ("b6", "b17", 12)] + [("b9", "of no place", 12)] * 2
    assert found[-1].builds == ("b18", "b19", "of no place")
    assert {s.among for s in stretches.stretches(["a", "b"])} == {("a", "b")}
    assert [s.among for s in stretches.stretches([], ["a"])] == [("a",)]


@pytest.mark.full
def test_rows_are_the_same_however_builds_came(builds: list[Path], at_once: Path, tmp_path: Path) -> None:
    expected = rows(at_once)
    assert all(expected.values())
    published(tmp_path / "w", builds[8:])
    published(tmp_path / "w", builds[:8])
    assert rows(tmp_path / "w") == expected


def test_points_are_the_same_made_of_some_builds_at_a_time(
    builds: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    published(tmp_path / "at once", builds[:9])
    made: list[int] = []
    parts = stretches._parts
    monkeypatch.setattr(stretches, "_parts", lambda run: made.append(len(found := parts(run))) or found)
    monkeypatch.setattr(stretches, "AT_ONCE", 6 * 2)
    published(tmp_path / "w", builds[:8])
    published(tmp_path / "w", builds[8:9])
    assert made == [4, 5]
    assert rows(tmp_path / "w") == rows(tmp_path / "at once")


@pytest.mark.parametrize("lines", ["-- scope: history\n-- by: run", "-- scope: build\n-- by: build"])
def test_a_header_that_asks_for_other_parts_is_refused(lines: str, tmp_path: Path) -> None:
    for folder in FOLDERS:
        (tmp_path / folder).mkdir()
    (tmp_path / "marts" / "numbers.sql").write_text(f"-- Numbers.\n{lines}\nselect 1 as n")
    with pytest.raises(ModelError, match=r"sql/marts/numbers\.sql: the header knows only `-- by: build`"):
        read_models(tmp_path)


@pytest.mark.full
def test_verdicts_of_long_ago_stand_and_end_and_only_the_newest_are_judged_again(
    builds: list[Path], at_once: Path, tmp_path: Path
) -> None:
    published(tmp_path / "w", builds[:12])
    assert verdicts(tmp_path / "w", "regressions") == [("b05", "regressed", "b05", None)]
    steps = published(tmp_path / "w", builds[12:14])
    assert "int_points" in steps
    # A stretch that has got all its neighbours was judged with them already, in a short history as well.
    assert not [step for step in steps if step.startswith("builds ")]
    assert verdicts(tmp_path / "w", "regressions") == [("b05", "regressed", "b05", None)]
    for first in (14, 15):
        steps = published(tmp_path / "w", builds[first : first + 1 if first == 14 else None])
        assert not [step for step in steps if step.startswith("builds ")]
    assert rows(tmp_path / "w") == rows(at_once)
    expected = [("b05", "regressed", "b05", "b14"), ("b14", "improved", "b14", None)]
    assert verdicts(tmp_path / "w", "regressions") == verdicts(tmp_path / "w", "incidents") == expected


@pytest.mark.full
def test_a_history_that_is_short_again_is_judged_as_a_whole(
    builds: list[Path], at_once: Path, tmp_path: Path
) -> None:
    root = shutil.copytree(at_once, tmp_path / "w")
    catalog = Catalog.load(root)
    for place in [place for place in catalog.captures if place[0] >= "b08"]:
        catalog.remove(place)
    catalog.commit()
    published(root, [])
    published(tmp_path / "short", builds[:8])
    assert rows(root) == rows(tmp_path / "short")
    published(root, builds[8:])
    assert rows(root) == rows(at_once)


@pytest.mark.full
def test_the_gate_counts_no_builds_of_other_conditions_in_an_earlier_stretch(
    builds: list[Path], tmp_path: Path
) -> None:
    old = [shutil.copytree(build, tmp_path / "artifacts" / build.name) for build in builds[:2]]
    for file in [file for build in old for file in build.glob("*/bench.txt")]:
        file.write_text(file.read_text().replace("pkg: app", "pkg: app\ncpu: another"))
    new = [shutil.copytree(build, tmp_path / "artifacts" / build.name) for build in builds[2:]]
    for file in [file for build in new for file in build.glob("*/bench.txt")]:
        file.write_text(file.read_text().replace("pkg: app", "pkg: app\ncpu: this one"))
    published(tmp_path / "w", [*old, *new])
    compared = gate(tmp_path / "w", builds[-1].name).compared
    assert compared
    assert (compared.most, compared.first_build_id) == (BUILDS - 3, "b02")
