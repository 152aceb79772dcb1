"""What could not be judged is no pass: files that failed, builds without figures, damaged captures."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.models.story import story
from tracemill.flows.gate.formats import write
from tracemill.flows.gate.judgement import PASSED, REGRESSED, UNDECIDED
from tracemill.flows.names import NoSuchNameError

from .common import TOP, judged, tracemill


def test_a_file_that_failed_to_load_is_no_pass() -> None:
    given = story()
    given.tables["load_failures"].append(
        {"build_id": "b7", "run_id": "1", "path": "b7/1/x", "sha256": None, "message": "b7/1/x: broken"}
    )
    found = judged(given, "b7")
    assert found.exit_code == UNDECIDED
    assert found.doubts == ("b7/1/x could not be loaded: broken",)
    assert judged(given, "b3").exit_code == UNDECIDED  # too early
    assert judged(given, "b9").exit_code == PASSED  # another build's failure


def test_a_file_of_an_unknown_kind_is_listed_and_spoils_no_gate() -> None:
    given = story()
    failure = {"build_id": "b7", "run_id": "1", "sha256": None}
    given.tables["load_failures"].append(
        failure | {"path": "b7/1/notes", "message": "b7/1/notes: no known format", "is_unknown_kind": True}
    )
    found = judged(given, "b7")
    assert (found.exit_code, found.doubts) == (PASSED, ())
    assert "not read: b7/1/notes: no known format" in write(found, "table")
    given.tables["load_failures"].append(
        failure | {"path": "b7/1/x", "message": "b7/1/x: broken", "is_unknown_kind": False}
    )
    assert judged(given, "b7").exit_code == UNDECIDED


@pytest.mark.sampled
@pytest.mark.parametrize(
    ("content", "code"),
    [(b"notes of the night", 0), (b"", 2), (b"404 page not found", 2), (b"\x1f\x8bnothing", 2)],
)
def test_what_stands_where_a_capture_should_spoils_the_gate_and_a_stranger_does_not(
    tmp_path: Path, content: bytes, code: int
) -> None:
    for build in range(1, 6):
        folder = tmp_path / f"a/b{build}/1"
        folder.mkdir(parents=True)
        (folder / "bench.txt").write_text(f"pkg: a\nBenchmarkGet-2 \t20\t{50 + build % 2} ns/op\n")
        (folder.parent / "build.json").write_text(f'{{"committed_at": "2026-01-0{build}T00:00:00Z"}}')
    (tmp_path / "a/b5/1/other").write_bytes(content)
    where = ("--warehouse", tmp_path / "w")
    done = tracemill("run", tmp_path / "a", *where)
    assert (done.exit_code, "b5/1/other" in done.stderr) == (1, True)
    assert tracemill("gate", "--candidate", "b5", *where).exit_code == code


@pytest.mark.full
def test_a_build_of_which_nothing_was_loaded_is_no_pass() -> None:
    given = story()
    given.tables["load_failures"].append(
        {"build_id": "b13", "run_id": "1", "path": "b13/1/x", "sha256": None, "message": "broken"}
    )
    found = judged(given, "b13")
    assert found.exit_code == UNDECIDED
    assert "nothing of b13 was loaded" in found.doubts
    with pytest.raises(NoSuchNameError):
        judged(given, "b14")


@pytest.mark.full
def test_a_regression_counts_more_than_a_doubt() -> None:
    given = story()
    given.tables["load_failures"].append(
        {"build_id": "b4", "run_id": "1", "path": "b4/1/x", "sha256": None, "message": "broken"}
    )
    found = judged(given, "b4")
    assert (found.exit_code, len(found.doubts)) == (REGRESSED, 1)


@pytest.mark.full
def test_what_earlier_builds_measured_and_this_one_did_not_is_no_pass() -> None:
    given = story()
    given.tables["captures"] = [
        c for c in given.tables["captures"] if c["kind"] != "trace" or c["build_id"] != "b7"
    ]
    found = judged(given, "b7")
    assert found.exit_code == UNDECIDED
    assert found.doubts == tuple(
        f"{metric} was measured in the builds before, and not in b7 (from captures of kind trace or flight)"
        for metric in ("block_count", "block_ns")
    )
    assert judged(given, "b7", "mapassign_alloc_bytes").exit_code == PASSED


@pytest.mark.full
def test_damaged_captures_that_lack_series_are_no_pass() -> None:
    given = story()
    given.tables["run_work"] = []  # figures per second, of the seconds that were saved
    for capture in given.tables["captures"]:
        if capture["kind"] == "trace" and capture["build_id"] == "b7":
            capture["status"] = "salvaged"
    assert judged(given, "b7").exit_code == PASSED  # all series are there all the same
    gone = {i["stack_id"] for i in given.tables["goroutine_intervals"] if i["reason"] == "sync"}
    lost = gone - {given.tables["goroutine_intervals"][0]["stack_id"]}
    given.tables["goroutine_intervals"] = [
        i
        for i in given.tables["goroutine_intervals"]
        if not (i["capture_id"].startswith("b7/") and i["stack_id"] in lost)
    ]
    found = judged(given, "b7")
    assert found.exit_code == UNDECIDED
    assert found.doubts == ("3 captures of b7 are damaged or tell of failures, and 1 series is missing",)


@pytest.mark.full
@pytest.mark.parametrize(
    ("last", "code"),
    [
        ("BenchmarkPut-2 \t20\t100 ns/op\n", 0),
        ("--- FAIL: BenchmarkPut\nFAIL\tb\t0.1s\n", 2),
        (
            "panic: x\n\ngoroutine 20 [running]:\nb.BenchmarkPut(0xb05fd77c308)\n\t/b/b_test.go:3 +0xb0\n"
            "testing.(*B).runN(0xb05fd77c308, 0x1)\n\t/go/src/testing/benchmark.go:219 +0x190\n"
            "exit status 2\nFAIL\tb\t0.1s\n",
            2,
        ),
    ],
)
def test_a_benchmark_that_fails_is_no_pass(tmp_path: Path, last: str, code: int) -> None:
    for build in range(1, 9):
        folder = tmp_path / f"artifacts/b{build}/1"
        folder.mkdir(parents=True)
        put = last if build == 8 else f"BenchmarkPut-2 \t20\t{100 + build % 3} ns/op\n"
        (folder / "get.txt").write_text(f"pkg: a\nBenchmarkGet-2 \t20\t{50 + build % 2} ns/op\n")
        (folder / "put.txt").write_text(put)
        (folder.parent / "build.json").write_text(f'{{"committed_at": "2026-01-0{build}T00:00:00Z"}}')
    where = ("--warehouse", tmp_path / "w")
    assert tracemill("run", tmp_path / "artifacts", *where).exit_code == 0
    found = tracemill("gate", "--candidate", "b8", *where)
    assert found.exit_code == code, found.stdout
    assert ("1 capture of b8 is damaged or tells of failures, and 1 series" in found.stdout) == (code == 2)


@pytest.mark.full
def test_a_damaged_trace_does_not_hide_a_regression_behind_the_work_of_its_whole_run() -> None:
    given = story()
    waits = given.tables["goroutine_intervals"]
    cut = {
        c["capture_id"] for c in given.tables["captures"] if c["kind"] == "trace" and c["build_id"] == "b8"
    }
    for capture in given.tables["captures"]:
        if capture["capture_id"] in cut:
            capture |= {"status": "salvaged", "duration_ns": capture["duration_ns"] // 10}
    for wait in waits:
        if wait["capture_id"] in cut:
            wait["duration_ns"] //= 10  # a tenth was seen, of waits that are ten times as long
    found = judged(given, "b8", "block_ns")
    assert found.exit_code == UNDECIDED
    assert (
        "block_ns was measured in the builds before, and not in b8, which has it per s only" in found.doubts
    )


def test_a_leak_of_a_build_without_its_binary_is_found_by_its_traces_and_profiles(tmp_path: Path) -> None:
    for build in ("b01", "b02", "b03", "b04", "b05"):
        shutil.copytree(TOP / "examples/artifacts" / build, tmp_path / "a" / build)
    (tmp_path / "a/b05/storefront.xz").unlink()
    where = ("--warehouse", tmp_path / "w")
    assert tracemill("run", tmp_path / "a", *where).exit_code == 0
    found = tracemill("gate", "--candidate", "b05", "--metric", "mapassign_alloc_bytes", *where)
    assert (found.exit_code, "(*Table).Touch" in found.stdout) == (1, True)


@pytest.mark.full
@pytest.mark.parametrize("count", ["NaN", "Infinity", "-1e999"])
def test_work_that_is_no_number_is_named_and_stops_nothing(
    artifacts: Path, tmp_path: Path, count: str
) -> None:
    (artifacts / "b2/1/run.json").write_text(f'{{"work": {{"requests": {count}}}}}')
    done = tracemill("run", artifacts, "--warehouse", tmp_path / "w")
    assert (done.exit_code, "b2/1/run.json: work is counted in finite numbers" in done.stderr) == (1, True)
    found = tracemill("gate", "--candidate", "b2", "--warehouse", tmp_path / "w")
    assert "b2/1/run.json could not be loaded: work is counted" in found.stdout


@pytest.mark.full
def test_input_that_the_models_have_not_seen_is_no_pass(artifacts: Path, tmp_path: Path) -> None:
    where = ("--warehouse", tmp_path / "w")
    assert tracemill("run", artifacts, *where).exit_code == 2  # too few builds
    shutil.copytree(artifacts / "b2/1", artifacts / "b2/3")
    assert tracemill("ingest", artifacts, *where).exit_code == 0
    found = tracemill("gate", "--candidate", "b2", *where)
    assert found.exit_code == 2
    assert "run `tracemill build`" in found.stdout
    assert tracemill("build", *where).exit_code == 0
    assert "tracemill build" not in tracemill("gate", "--candidate", "b2", *where).stdout


@pytest.mark.full
def test_a_map_site_of_which_too_little_is_known_is_no_doubt_where_all_of_it_is_judged() -> None:
    given = story()
    for mapping in given.tables["profile_mappings"]:
        if mapping["capture_id"].startswith("b7/"):
            mapping["gnu_build_id"] = "of another binary"
    found = judged(given, "b7")
    assert (found.exit_code, found.doubts) == (PASSED, ())
    assert found.judged["alloc_bytes"]
    unjudged = {(u.metric, u.why) for u in found.unjudged}
    (why,) = {why for metric, why in unjudged if metric == "mapassign_alloc_bytes" and "not in this" in why}
    assert why.startswith("measured in the builds before, not in this one (")
    assert "session.(*Table).Put" in why
    # Who asks for it alone is told that it was not judged.
    alone = judged(given, "b7", "mapassign_alloc_bytes")
    assert alone.exit_code == UNDECIDED
    assert alone.doubts


@pytest.mark.full
def test_what_differs_from_the_builds_before_is_noted_where_no_figure_changed() -> None:
    given = story()
    assert judged(given, "b7").conditions == ()
    for capture in given.tables["captures"]:
        if capture["kind"] == "trace":
            given.tables["trace_metrics"].append(
                {
                    "capture_id": capture["capture_id"],
                    "name": "/sched/gomaxprocs:threads",
                    "ts_ns": 0,
                    "value": 1 if capture["build_id"] == "b7" else 2,
                }
            )
    found = judged(given, "b7")
    assert found.exit_code == PASSED
    assert found.conditions == (
        "GOMAXPROCS 2 → 1, unlike the builds before, in trace: what changed there is no regression, but not "
        "comparable",
    )
    assert f"note: {found.conditions[0]}" in write(found, "table")


@pytest.mark.full
def test_figures_per_second_are_noted() -> None:
    given = story()
    given.tables["run_work"] = []
    assert any("figures of trace are per second" in note for note in judged(given, "b7").conditions)


def test_what_falls_below_zero_is_no_improvement_and_is_said_not_to_be_judged(tmp_path: Path) -> None:
    """Once it counted as zero, and the fall from 10 to -50 as all of it gone."""
    for build in range(1, 7):
        for run in (1, 2, 3):
            folder = tmp_path / f"a/b{build}/{run}"
            folder.mkdir(parents=True)
            drift = 9 + run if build < 6 else -50 if run == 1 else 10
            (folder / "bench.txt").write_text(
                "pkg: a\nUnit drift better=lower\n"
                f"BenchmarkA-2 20 {5000 + build % 2 + run} ns/op {drift} drift {7 + run} widgets\n"
                f"BenchmarkB-2 20 {5000 + build % 2 + run} ns/op -{drift} drift -1 score\n"
            )
        (tmp_path / f"a/b{build}/build.json").write_text(f'{{"committed_at": "2026-01-0{build}T00:00:00Z"}}')
    where = ("--warehouse", tmp_path / "w")
    shown = tracemill("run", tmp_path / "a", *where).stdout
    assert "no regressions, no improvements in what was judged" in shown
    assert (
        "not judged: 3 series, below zero, where a change has no ratio: builds that have them so are passed "
        "over: bench drift (2), bench score (1)\n"
    ) in shown
    assert "not judged: 1 series of bench widgets, of a unit of which no Unit line says which way" in shown
    shown = tracemill("doctor", *where).stdout
    assert "not judged: bench drift (2), bench score (1): below zero, where a change has no ratio\n" in shown
    assert "not judged: bench widgets (1): nothing says which way is better\n" in shown
    doubt = (
        "1 series of bench drift is below zero in b6, and was not before: whether that is worse is not judged"
    )
    for baseline in ((), ("--baseline", "b5")):
        gate = tracemill("gate", "--candidate", "b6", *baseline, *where)
        assert (gate.exit_code, gate.stdout.count("could not judge: ")) == (2, 1)
        assert doubt in gate.stdout
    gate = tracemill("gate", "--candidate", "b5", *where)
    assert gate.exit_code == 0
    left_out = "2 series, below zero, where a change has no ratio (a.B-2): bench drift (1), bench score (1)\n"
    assert left_out in gate.stdout
    compared = tracemill("compare", "b5", "b6", *where).stdout
    assert "not compared: 3 of benchmarks: below zero, where a change has no ratio\n" in compared
