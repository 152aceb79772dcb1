"""Reports of the race detector: both accesses with their stacks, each race once, cut ones told."""

from __future__ import annotations

from pathlib import Path

import pytest

from tracemill import parsers

SAMPLE = Path(__file__).parents[1] / "samples" / "race" / "go1.27" / "race.txt"


def test_each_race_stands_once_with_both_accesses():
    tables = parsers.read(SAMPLE)
    rows = tables["race_reports"].to_pylist()
    names = ("report_count", "access", "function", "previous_access", "previous_line")
    said = [tuple(r[name] for name in names) for r in rows]
    inc = "main.(*counter).inc"
    assert said == [
        (2, "read", "runtime.mapaccess2_faststr", "write", 11),
        (1, "read", inc, "write", 11),
        (1, "read", "main.main", "write", 11),
    ]
    assert [(r["goroutine_id"], r["previous_goroutine_id"]) for r in rows] == [(8, 7), (8, 7), (0, 8)]
    stacks = {r["stack_id"]: r for r in tables["stacks"].to_pylist()}
    assert stacks[rows[1]["stack_id"]]["functions"] == [inc, "main.main.func1"]
    assert stacks[rows[1]["stack_id"]]["lines"] == [11, 16]
    assert stacks[rows[1]["creation_stack_id"]]["functions"] == ["main.main"]
    assert rows[2]["creation_stack_id"] is None


def test_the_key_of_a_race_survives_shifted_lines(tmp_path):
    text = SAMPLE.read_text().split("==================\n")[3]
    keys = []
    for number, content in enumerate((text, text.replace(":11 ", ":12 "))):
        path = tmp_path / f"{number}.txt"
        path.write_text(f"==================\n{content}==================\n")
        keys += [r["race_key"] for r in parsers.read(path)["race_reports"].to_pylist()]
    assert len(keys) == 2
    assert keys[0] == keys[1]


@pytest.mark.parametrize("cut", [60, 400])
def test_a_cut_report_is_told(cut, tmp_path):
    path = tmp_path / "race.txt"
    path.write_text(SAMPLE.read_text()[:cut])
    (found,) = parsers.captures(path)
    assert found.facts.is_salvaged
    assert [i.severity for i in found.issues] == ["data_loss"]


def test_races_among_benchmarks_are_a_capture_of_their_own(tmp_path):
    bench = SAMPLE.parents[2] / "benchmarks" / "go1.27" / "bench.txt"
    path = tmp_path / "ci.log"
    path.write_text(bench.read_text() + SAMPLE.read_text())
    assert [c.facts.kind for c in parsers.captures(path)] == ["benchmarks", "race"]
