"""The gate of a candidate beside its base alone: no history, and never a pass in doubt."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from .common import LOOKUP, QUOTE, tracemill


def warehouse(folder: Path, head: list[float], *, drop: str = "", builds: str = "base head") -> Path:
    """Two builds of eight pairs of runs; drop: a benchmark's name that head lacks. No times, no commits."""
    for build in builds.split():
        for number in range(8):
            load = 100 * (1 + 0.3 * (number % 3))
            value = load * (head[number % len(head)] if build == "head" else 1) * (1 + 0.002 * (number % 4))
            run = folder / "a" / build / str(number)
            run.mkdir(parents=True)
            lines = [f"BenchmarkA-2 100 {value} ns/op 64 B/op", f"BenchmarkB-2 100 {load} ns/op 32 B/op"]
            lines = [
                line.replace(f" {drop}", " dropped/op ") if drop and build == "head" else line
                for line in lines
            ]
            (run / "bench.txt").write_text("goos: linux\npkg: app\n" + "\n".join(lines) + "\n")
            (run / "run.json").write_text(json.dumps({"pair": number}))
    tracemill("run", folder / "a", "--warehouse", folder / "w")
    return folder / "w"


def gate(where: Path, *args: object) -> tuple[int, dict[str, Any], str]:
    asked = ("gate", "--candidate", "head", "--baseline", "base", "--warehouse", where, *args)
    shown = tracemill(*asked)
    whole: dict[str, Any] = json.loads(tracemill(*asked, "--format", "json").stdout)
    assert whole["exit_code"] == shown.exit_code
    return shown.exit_code, whole, shown.stdout


def test_two_builds_alone_are_judged_by_their_pairs(tmp_path: Path) -> None:
    code, whole, text = gate(warehouse(tmp_path, [1.2]))
    assert code == 1
    assert "head regressed: 1 regression" in text
    assert "compared: two builds without a history, by 8 pairs of runs recorded in turns" in text
    (worse,) = whole["findings"]
    assert (worse["status"], worse["subject"], worse["evidence"]) == (
        "regressed", "app.A-2", "two builds compared by 8 pairs of runs, " + worse["evidence"].split(", ")[1],
    )  # fmt: skip
    assert worse["change_ratio"] == pytest.approx(1.2, rel=0.01)
    assert whole["baseline"] == ["base"]
    assert "8 pairs" in whole["comparison"][0]


@pytest.mark.full
def test_a_build_like_its_base_passes_and_an_improvement_does(tmp_path: Path) -> None:
    code, whole, text = gate(warehouse(tmp_path / "same", [1.0]))
    assert (code, whole["findings"], whole["doubts"]) == (0, [], []), text
    code, whole, _ = gate(warehouse(tmp_path / "better", [0.8]))
    assert (code, [f["status"] for f in whole["findings"]]) == (0, ["improved"])


def test_counts_that_all_repeats_of_a_single_run_agree_on_fail_it(tmp_path: Path) -> None:
    for build, allocs in (("base", 6), ("head", 16)):
        (tmp_path / "a" / build).mkdir(parents=True)
        line = f"BenchmarkA-2 100 {{}} ns/op {allocs} allocs/op\n"
        lines = "".join(line.format(100 + i) for i in range(5))
        (tmp_path / "a" / build / "bench.txt").write_text(f"pkg: app\n{lines}")
    tracemill("run", tmp_path / "a", "--warehouse", tmp_path / "w")
    code, whole, _ = gate(tmp_path / "w")
    (worse,) = whole["findings"]
    assert (code, worse["metric"], worse["before"], worse["after"]) == (1, "bench allocs/op", 6, 16)
    assert worse["evidence"] == "two builds compared by a run of each, a count without noise"
    assert [u["metric"] for u in whole["unjudged"]] == ["bench sec/op"]


def test_what_cannot_be_told_is_listed_with_what_would_help(tmp_path: Path) -> None:
    code, whole, _ = gate(warehouse(tmp_path, [0.5, 2.0, 1.1]), "--metric", "bench sec/op")
    why = {u["why"] for u in whole["unjudged"]}
    assert any("cannot be told from noise; more than 50 more runs of each" in w for w in why), why
    assert code == 0  # of the other benchmark it is known


@pytest.mark.full
def test_a_metric_in_most_of_whose_series_twice_as_much_could_hide_is_no_pass(tmp_path: Path) -> None:
    for build in ("base", "head"):
        for number in range(6):
            noise = (0.3, 3.0, 1.0)[number % 3] if build == "head" else 1
            run = tmp_path / "a" / build / str(number)
            run.mkdir(parents=True)
            lines = [f"Benchmark{name}-2 100 {100 * noise} ns/op 64 B/op 2 allocs/op" for name in "ABC"]
            (run / "bench.txt").write_text("goos: linux\npkg: app\n" + "\n".join(lines) + "\n")
    tracemill("run", tmp_path / "a", "--warehouse", tmp_path / "w")
    code, whole, text = gate(tmp_path / "w")
    # Of nine series six are known to be the same.
    assert (code, sum(whole["judged"].values())) == (2, 6), text
    (doubt,) = whole["doubts"]
    assert doubt.startswith(
        "twice as much could hide in most of bench sec/op (3 of 3 series): record more runs"
    )
    assert gate(tmp_path / "w", "--metric", "bench sec/op")[0] == 2
    assert gate(tmp_path / "w", "--metric", "bench B/op")[0] == 0


@pytest.mark.full
def test_what_comes_from_nothing_has_no_ratio_and_any_other_is_of_what_is_shown(tmp_path: Path) -> None:
    for build, size in (("base", 0), ("head", 128)):
        for number in range(8):
            run = tmp_path / "a" / build / str(number)
            run.mkdir(parents=True)
            lines = [f"BenchmarkA-2 100 5 ns/op {size} B/op", f"BenchmarkB-2 100 5 ns/op {4 + size} B/op"]
            (run / "bench.txt").write_text("goos: linux\npkg: app\n" + "\n".join(lines) + "\n")
    tracemill("run", tmp_path / "a", "--warehouse", tmp_path / "w")
    _, whole, text = gate(tmp_path / "w", "--metric", "bench B/op")
    found = {f["subject"]: f for f in whole["findings"]}
    assert (found["app.A-2"]["change_ratio"], found["app.A-2"]["interval"]) == (None, None)
    assert found["app.B-2"]["change_ratio"] == 33
    assert found["app.B-2"]["interval"] == pytest.approx([33, 33])  # every run says so
    assert " new" in text and "×33" in text


@pytest.mark.full
def test_what_base_measured_and_head_does_not_is_no_pass(tmp_path: Path) -> None:
    where = warehouse(tmp_path, [1.0], drop="64 B/op")
    code, whole, text = gate(where)
    assert code == 0, text  # one benchmark of two still has it
    assert any(u["why"] == "before alone has it" for u in whole["unjudged"])
    for run in (tmp_path / "a/head").iterdir():
        text = (run / "bench.txt").read_text().replace("B/op", "other/op")
        (run / "bench.txt").write_text(text)
    tracemill("run", tmp_path / "a", "--warehouse", where)
    code, whole, _ = gate(where)
    assert (code, whole["doubts"]) == (2, ["bench B/op was measured in base, and not in head"])


@pytest.mark.full
@pytest.mark.parametrize("side", ["base", "head"])
def test_a_capture_that_was_lost_on_either_side_is_no_pass(tmp_path: Path, side: str) -> None:
    where = warehouse(tmp_path, [1.0])
    (tmp_path / f"a/{side}/1/broken").write_bytes(b"\x1f\x8bnothing")
    tracemill("run", tmp_path / "a", "--warehouse", where)
    code, whole, _ = gate(where)
    assert code == 2
    assert f"{side}/1/broken could not be loaded" in whole["doubts"][0]


@pytest.mark.full
def test_of_the_demo_one_base_is_enough(demo: Path) -> None:
    where = ("--warehouse", demo)
    worse = tracemill("gate", "--candidate", "b08", "--baseline", "b07", *where, "--format", "json")
    found = json.loads(worse.stdout)["findings"]
    assert worse.exit_code == 1
    (lead,) = [f for f in found if f["status"] == "regressed"]
    assert (lead["metric"], lead["subject"]) == ("block_ns", f"{LOOKUP} (sync)")
    assert (lead["file"], lead["line"] > 1) == ("internal/cache/prices.go", True)
    # One lock: what waits at it, what is counted there and what feels it are one cause, all of it named.
    assert {f"block_count of {LOOKUP} (sync)", f"mutex_delay_ns of {LOOKUP}"} <= set(lead["members"])
    asked = tracemill(
        "gate",
        "--candidate",
        "b08",
        "--baseline",
        "b07",
        *where,
        "--format",
        "json",
        "--metric",
        "block_count",
    )
    counted = [f for f in json.loads(asked.stdout)["findings"] if f["subject"] == f"{LOOKUP} (sync)"]
    assert [(f["is_lead"], f["members"], f["incident_id"]) for f in counted] == [
        (False, None, lead["incident_id"])
    ]
    moved = tracemill("gate", "--candidate", "b12", "--baseline", "b11", *where, "--format", "json")
    (lead,) = json.loads(moved.stdout)["findings"]
    assert (lead["status"], lead["function"], lead["moved_from"]) == ("improved", QUOTE, LOOKUP)
    calm = tracemill("gate", "--candidate", "b03", "--baseline", "b02", *where)
    assert calm.exit_code == 0, calm.stdout
    itself = tracemill("gate", "--candidate", "b03", "--baseline", "b03", *where)
    assert (itself.exit_code, "one build" in itself.stderr) == (2, True)
    for format_ in ("md", "sarif", "github", "junit"):
        assert (
            tracemill(
                "gate", "--candidate", "b08", "--baseline", "b07", *where, "--format", format_
            ).exit_code
            == 1
        )


@pytest.mark.full
def test_what_one_pull_request_makes_worse_can_be_accepted(tmp_path: Path) -> None:
    where = warehouse(tmp_path, [1.2])
    which = (
        "accept",
        "--build",
        "head",
        "--metric",
        "bench sec/op",
        "--subject",
        "app.A-2",
        "--warehouse",
        where,
    )
    assert "tracemill accept --build head" in tracemill(
        "gate", "--candidate", "head", "--baseline", "base", "--warehouse", where
    ).stderr  # fmt: skip
    alone = tracemill(*which, "--reason", "safer")
    assert (alone.exit_code, "no build with a regression" in alone.stderr) == (2, True)
    done = tracemill(*which, "--reason", "safer", "--author", "Ann", "--baseline", "base")
    assert (done.exit_code, done.stdout) == (0, "accepted by Ann: bench sec/op of app.A-2 at head\n"), (
        done.stderr
    )
    code, whole, text = gate(where)
    assert (code, [f["accepted_by"] for f in whole["findings"]]) == (0, ["Ann"])
    assert "accepted by Ann: bench sec/op of app.A-2: safer" in text
    assert tracemill(*which, "--undo").exit_code == 0
    assert gate(where)[0] == 1
    for changed, sentence in (("bas", "did you mean 'base'?"), ("head", "no regression beside head")):
        found = tracemill(*which, "--reason", "x", "--baseline", changed)
        assert (found.exit_code, sentence in found.stderr) == (2, True), found.stderr
