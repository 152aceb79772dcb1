"""Leaks and data races: certain by themselves, whatever else cannot be judged."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from .common import TOP, tracemill

RACE = TOP / "tests/samples/race/go1.27/race.txt"
PLACED = ("b1", "b2", "b3", "b4")


def warehouse(folder: Path, racy: tuple[str, ...], placed: tuple[str, ...] = PLACED) -> Path:
    """Four builds of a benchmark, and pr; racy: those with a data race, placed: those with a time."""
    for number, build in enumerate((*PLACED, "pr"), 1):
        for run in range(1, 5):
            (folder / "a" / build / f"{run}").mkdir(parents=True)
            text = "".join(f"BenchmarkA-2 1000 {500 + run + each} ns/op\n" for each in range(3))
            (folder / "a" / build / f"{run}/bench.txt").write_text(text)
        if build in racy:
            shutil.copy(RACE, folder / "a" / build / "1")
        if build in placed:
            manifest = json.dumps({"committed_at": f"2026-01-0{number}T00:00:00Z"})
            (folder / "a" / build / "build.json").write_text(manifest)
    tracemill("run", folder / "a", "--warehouse", folder / "w")
    return folder / "w"


def test_a_race_of_a_build_without_a_place_fails_it(tmp_path: Path) -> None:
    where = warehouse(tmp_path, ("pr",))
    for words in ((), ("--metric", "race_count"), ("--baseline", "b4")):
        done = tracemill("gate", "--candidate", "pr", "--warehouse", where, *words)
        assert done.exit_code == 1, done.output
        assert "pr regressed" in done.stdout
        assert "say where pr belongs" in done.stderr
    assert "pr has no place" in tracemill("gate", "--candidate", "pr", "--warehouse", where).stdout


def test_a_race_that_another_build_has_may_be_older_than_a_build_without_a_place(tmp_path: Path) -> None:
    done = tracemill("gate", "--candidate", "pr", "--warehouse", warehouse(tmp_path, ("b2", "pr")))
    assert done.exit_code == 2, done.output
    assert "open since b2" in done.stdout


def test_a_race_fails_a_build_beside_its_base_and_can_be_accepted(tmp_path: Path) -> None:
    where = warehouse(tmp_path, ("pr",), (*PLACED, "pr"))
    asked = ("gate", "--candidate", "pr", "--baseline", "b4", "--warehouse", where)
    done = tracemill(*asked)
    assert done.exit_code == 1, done.output
    subject = "main.(*counter).inc"
    assert f"accept --build pr --metric race_count --subject '{subject}' --reason" in done.stderr
    words = ("--build", "pr", "--metric", "race_count", "--subject", subject, "--reason", "known")
    assert tracemill("accept", *words, "--warehouse", where).exit_code == 0
    assert "accepted" in tracemill(*asked).stdout


@pytest.mark.full
def test_a_build_beside_its_base_passes_without_a_race(tmp_path: Path) -> None:
    done = tracemill("gate", "--candidate", "pr", "--baseline", "b4", "--warehouse", warehouse(tmp_path, ()))
    assert done.exit_code == 0, done.output
