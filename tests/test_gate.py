"""The gate: passes, fails, refuses; and says why, to people and to machines."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import duckdb
import pytest
from click.testing import CliRunner, Result

from tracemill.flows.cli import main
from tracemill.flows.gate.acceptance import Which, find_verdict
from tracemill.flows.gate.formats import write
from tracemill.flows.gate.judge import judge
from tracemill.flows.gate.judgement import PASSED, REGRESSED, UNDECIDED, Finding, Judgement
from tracemill.flows.gate.self_test import Injected, SelfTest
from tracemill.flows.names import NoSuchNameError
from tracemill.flows.show.tables import markdown_table
from tracemill.warehouse.schema import MARTS

from .models.given import Given
from .models.story import PUT, story

TOP = Path(__file__).parent.parent
LOOKUP = "storefront/internal/cache.(*Prices).Lookup"
QUOTE = "storefront/internal/pricing.(*Prices).Quote"
ACCEPT = ("accept", "--build", "b08", "--metric", "block_ns", "--subject", LOOKUP)


def tracemill(*args: object) -> Result:
    return CliRunner().invoke(main, [str(a) for a in args])


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo's warehouse."""
    folder = tmp_path_factory.mktemp("demo") / "w"
    assert tracemill("run", TOP / "examples/artifacts", "--warehouse", folder).exit_code == 0
    return folder


def judged(given: Given, candidate: str, *metrics: str) -> Judgement:
    with given.models() as connection:
        return judge(connection, candidate, metrics)


@pytest.mark.parametrize(
    ("build", "code"), [("b01", 2), ("b03", 2), ("b05", 1), ("b06", 0), ("b08", 1), ("b12", 0), ("b13", 0)]
)
def test_a_build_fails_where_a_regression_begins(demo: Path, build: str, code: int) -> None:
    found = tracemill("gate", "--candidate", build, "--warehouse", demo)
    assert (found.exit_code, found.stderr.count("\n"), found.stderr[:6]) == (code, 1, "next: ")


def test_what_was_judged_is_said(demo: Path) -> None:
    found = tracemill("gate", "--candidate", "b08", "--warehouse", demo).stdout
    assert "b08 regressed: 1 regression" in found
    assert "against 7 builds: b01 to b07" in found
    assert "internal/cache/prices.go:42" in found
    assert "not judged: 4 of mapassign_inuse_bytes, too small in every build" in found


def test_a_chosen_baseline_is_all_that_is_compared_with(demo: Path) -> None:
    contended = [f"--baseline=b{n:02}" for n in (8, 9, 10, 11)]
    found = tracemill("gate", "--candidate", "b13", "--warehouse", demo, "--format", "json", *contended)
    improved = {f["metric"] for f in json.loads(found.stdout)["findings"] if f["status"] == "improved"}
    assert (found.exit_code, improved) == (0, {"block_ns"})
    calm = [f"--baseline=b{n:02}" for n in (6, 7, 12, 13)]  # also builds that came later
    found = tracemill("gate", "--candidate", "b08", "--warehouse", demo, "--format", "json", *calm)
    assert (found.exit_code, json.loads(found.stdout)["baseline"]) == (1, ["b06", "b07", "b12", "b13"])
    few = tracemill("gate", "--candidate", "b08", "--warehouse", demo, "--baseline=b06", "--baseline=b07")
    assert few.exit_code == 2
    assert "builds to compare with: 2; it takes 3" in few.stdout


@pytest.mark.parametrize(
    ("args", "sentence"),
    [
        (["--candidate", "b99"], "no build 'b99'; did you mean 'b09'?"),
        (["--candidate", "b08", "--baseline", "b1"], "no build 'b1'; did you mean"),
        (["--candidate", "b08", "--metric", "block_n"], "did you mean 'block_ns'?"),
        ([], "--candidate B"),
        (["--self-test", "--format", "json"], "--self-test takes no other option"),
    ],
)
def test_a_question_that_makes_no_sense_is_exit_2(demo: Path, args: list[str], sentence: str) -> None:
    found = tracemill("gate", *args, "--warehouse", demo)
    assert (found.exit_code, found.stdout) == (2, "")
    assert sentence in found.stderr


def test_a_fault_of_ours_is_no_regression(demo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("tracemill.flows.gate.judge.gate", broken)
    found = tracemill("gate", "--candidate", "b08", "--warehouse", demo)
    assert found.exit_code == 2
    assert "ZeroDivisionError" in found.stderr


def test_a_branch_is_not_excused_by_what_main_did_since(tmp_path: Path) -> None:
    arrivals = {"b01": "b01", "b02": "b02", "b03": "b03", "b04": "b04", "branch": "b05", "later": "b04"}
    for day, (build, recorded) in enumerate(arrivals.items(), 1):
        shutil.copytree(TOP / "examples/artifacts" / recorded, tmp_path / "a" / build)
        manifest = {"id": build, "committed_at": f"2026-01-0{day}T00:00:00Z"}
        (tmp_path / "a" / build / "build.json").write_text(json.dumps(manifest))
    where = ("--warehouse", tmp_path / "w")
    assert tracemill("run", tmp_path / "a", *where).exit_code == 0
    found = tracemill("gate", "--candidate", "branch", *where)
    assert (found.exit_code, found.stdout.count("regressed  ")) == (1, 1)
    assert "against 4 builds: b01 to b04" in found.stdout
    tested = tracemill("gate", "--self-test", "--candidate", "branch", *where)
    assert (tested.exit_code, "not caught" in tested.stdout) == (0, False), tested.stdout


def test_a_verdict_counts_though_nobody_reads_it(demo: Path) -> None:
    def code(build: str, **how: Any) -> tuple[int, bytes]:
        command = [
            sys.executable,
            "-m",
            "tracemill",
            "gate",
            "--candidate",
            build,
            "--warehouse",
            str(demo),
        ]
        done = subprocess.run(command, stderr=subprocess.PIPE, check=False, cwd=TOP, timeout=60, **how)
        return done.returncode, done.stderr[:6]

    ends = os.pipe()
    os.close(ends[0])
    assert code("b08", stdout=ends[1]) == (REGRESSED, b"next: ")
    os.close(ends[1])
    assert code("b08", preexec_fn=lambda: os.close(1)) == (REGRESSED, b"next: ")
    assert code("b08", stdout=subprocess.PIPE, preexec_fn=lambda: os.close(2)) == (REGRESSED, b"")
    latin = os.environ | {"PYTHONIOENCODING": "latin-1"}
    assert code("b08", stdout=subprocess.PIPE, env=latin) == (REGRESSED, b"next: ")


def test_a_gate_that_was_stopped_gives_no_verdict(demo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def stopped(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("tracemill.flows.gate.judge.gate", stopped)
    assert tracemill("gate", "--candidate", "b08", "--warehouse", demo).exit_code == 130


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


def test_a_regression_counts_more_than_a_doubt() -> None:
    given = story()
    given.tables["load_failures"].append(
        {"build_id": "b4", "run_id": "1", "path": "b4/1/x", "sha256": None, "message": "broken"}
    )
    found = judged(given, "b4")
    assert (found.exit_code, len(found.doubts)) == (REGRESSED, 1)


def test_what_earlier_builds_measured_and_this_one_did_not_is_no_pass() -> None:
    given = story()
    given.tables["captures"] = [
        c for c in given.tables["captures"] if c["kind"] != "trace" or c["build_id"] != "b7"
    ]
    found = judged(given, "b7")
    assert found.exit_code == UNDECIDED
    assert found.doubts == tuple(
        f"{metric} was measured in the builds before, and not in b7" for metric in ("block_count", "block_ns")
    )
    assert judged(given, "b7", "mapassign_alloc_bytes").exit_code == PASSED


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
    assert found.doubts == ("3 captures of b7 are damaged or tell of failures, and 1 series are missing",)


@pytest.mark.parametrize(
    ("last", "code"), [("BenchmarkPut-2 \t20\t100 ns/op\n", 0), ("--- FAIL: BenchmarkPut\n", 2)]
)
def test_a_benchmark_that_fails_is_no_pass(tmp_path: Path, last: str, code: int) -> None:
    for build in range(1, 9):
        folder = tmp_path / f"artifacts/b{build}/1"
        folder.mkdir(parents=True)
        put = last if build == 8 else f"BenchmarkPut-2 \t20\t{100 + build % 3} ns/op\n"
        (folder / "bench.txt").write_text(f"pkg: a\nBenchmarkGet-2 \t20\t{50 + build % 2} ns/op\n{put}")
        (folder.parent / "build.json").write_text(f'{{"committed_at": "2026-01-0{build}T00:00:00Z"}}')
    where = ("--warehouse", tmp_path / "w")
    assert tracemill("run", tmp_path / "artifacts", *where).exit_code == 0
    found = tracemill("gate", "--candidate", "b8", *where)
    assert found.exit_code == code, found.stdout
    assert ("1 captures of b8 are damaged or tell of failures, and 1 series" in found.stdout) == (code == 2)


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


def test_figures_of_another_unit_are_named() -> None:
    given = story()
    given.tables["run_work"] = [w for w in given.tables["run_work"] if w["build_id"] != "b7"]
    assert "block_ns was measured in the builds before, and not in b7, which has it per s only" in (
        judged(given, "b7").doubts
    )


def test_metrics_can_be_left_out() -> None:
    assert judged(story(), "b4").exit_code == REGRESSED
    assert judged(story(), "b4", "block_ns").exit_code == PASSED
    assert {f.function for f in judged(story(), "b4", "mapassign_alloc_bytes").regressed} == {PUT}


@pytest.mark.parametrize("count", ["NaN", "Infinity", "-1e999"])
def test_work_that_is_no_number_is_named_and_stops_nothing(
    artifacts: Path, tmp_path: Path, count: str
) -> None:
    (artifacts / "b2/1/run.json").write_text(f'{{"work": {{"requests": {count}}}}}')
    done = tracemill("run", artifacts, "--warehouse", tmp_path / "w")
    assert (done.exit_code, "b2/1/run.json: work is counted in finite numbers" in done.stderr) == (1, True)
    found = tracemill("gate", "--candidate", "b2", "--warehouse", tmp_path / "w")
    assert "b2/1/run.json could not be loaded: work is counted" in found.stdout


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


# --- open regressions, and builds that do not compare ---------------------------------------------


def test_what_was_known_before_and_stands_is_open_and_fails_where_asked(demo: Path) -> None:
    where = ("--warehouse", demo)
    found = tracemill("gate", "--candidate", "b09", *where)
    assert (found.exit_code, found.stdout.count("open since b08")) == (0, 1)
    assert "b09 passed: 1 open from earlier builds" in found.stdout
    asked = tracemill("gate", "--candidate", "b09", "--fail-on-open", *where)
    assert (asked.exit_code, "b09 regressed: 1 open" in asked.stdout) == (1, True)
    assert "open" not in tracemill("gate", "--candidate", "b12", "--fail-on-open", *where).stdout
    told = json.loads(tracemill("gate", "--candidate", "b09", "--format", "json", *where).stdout)
    assert (told["open"], told["regressions"], told["exit_code"]) == (1, 0, 0)
    assert {f["first_build_id"] for f in told["findings"]} == {"b08"}


def test_an_open_regression_that_somebody_accepted_is_silent(demo: Path, tmp_path: Path) -> None:
    where = ("--warehouse", shutil.copytree(demo, tmp_path / "w"))
    assert tracemill(*ACCEPT, "--reason", "known", *where).exit_code == 0
    assert tracemill("gate", "--candidate", "b09", *where).stdout.count("open since b08") == 0


def test_code_scanning_keeps_what_is_open_under_its_fingerprint(demo: Path) -> None:
    def prints(build: str) -> dict[str, str]:
        log = tracemill("gate", "--candidate", build, "--format", "sarif", "--warehouse", demo).stdout
        results = json.loads(log)["runs"][0]["results"]
        return {r["partialFingerprints"]["tracemillChange/v1"]: r["baselineState"] for r in results}

    assert prints("b08").keys() == prints("b09").keys()
    assert set(prints("b08").values()) == {"new"}
    assert set(prints("b09").values()) == {"unchanged"}
    annotated = tracemill("gate", "--candidate", "b09", "--format", "github", "--warehouse", demo).stdout
    assert annotated.count("::warning ") == 1


def test_a_regression_found_later_says_where_it_begins() -> None:
    late = a_judgement(build_id="b9", first_build_id="b7", commit="cafe")
    assert "regressed since b7" in write(late, "table")
    assert "regressed since b7, commit cafe; known from b9 on" in write(late, "md")


def test_builds_of_two_go_versions_compare_only_when_asked(tmp_path: Path) -> None:
    for build in ("b01", "b02", "b03", "b04", "b05"):
        shutil.copytree(TOP / "examples/artifacts" / build, tmp_path / "a" / build)
    manifest = tmp_path / "a/b05/build.json"
    manifest.write_text(json.dumps(json.loads(manifest.read_text()) | {"go_version": "go1.21.13"}))
    where = ("--warehouse", tmp_path / "w")
    assert tracemill("run", tmp_path / "a", *where).exit_code == 0
    apart = tracemill("gate", "--candidate", "b05", *where)
    assert (apart.exit_code, "builds do not compare: Go version" in apart.stdout) == (2, True)
    for names in ("go_version", "all"):
        asked = tracemill("gate", "--candidate", "b05", "--across", names, *where)
        assert (asked.exit_code, "compared across Go version" in asked.stdout) == (1, True)
    assert tracemill("gate", "--candidate", "b05", "--across", "gomaxprocs", *where).exit_code == 2
    chosen = [f"--baseline=b{n:02}" for n in (1, 2, 3, 4)]
    assert tracemill("gate", "--candidate", "b05", *chosen, *where).exit_code == 2
    assert tracemill("gate", "--candidate", "b05", "--across=all", *chosen, *where).exit_code == 1
    assert "regressed" not in tracemill("regressions", *where).stdout
    assert "regressed" in tracemill("regressions", "--across", "go_version", *where).stdout
    wrong = tracemill("regressions", "--across", "goversion", *where)
    assert (wrong.exit_code, "did you mean 'go_version'?" in wrong.stderr) == (2, True)


def test_what_may_have_got_worse_is_hinted_at_and_fails_nothing() -> None:
    assert judged(story(leak=1, contention=1), "b8").suspected == ()
    found = judged(story(leak=1, contention=1.7), "b8")
    assert found.exit_code == PASSED
    assert any("may have got worse: block_ns of" in line for line in write(found, "table").splitlines())


# --- accepted regressions -----------------------------------------------------------------------


def test_an_accepted_regression_fails_no_gate_and_stays_in_sight(demo: Path, tmp_path: Path) -> None:
    where = ("--warehouse", shutil.copytree(demo, tmp_path / "w"))
    done = tracemill(*ACCEPT, "--reason", "until b12", "--author", "Ann", *where)
    assert done.stdout == f"accepted by Ann: block_ns of {LOOKUP} (sync) at b08\n"
    found = tracemill("gate", "--candidate", "b08", *where)
    assert found.exit_code == 0
    assert f"accepted by Ann: block_ns of {LOOKUP} (sync): until b12" in found.stdout
    assert tracemill("run", TOP / "examples/artifacts", *where).exit_code == 0  # nothing is forgotten
    rows = json.loads(tracemill("regressions", "--status", "regressed", "--format", "json", *where).stdout)
    leads = {r["accepted_by"]: r["accepted_reason"] for r in rows if r["build_id"] == "b08" and r["is_lead"]}
    assert leads == {"Ann": "until b12"}
    assert "accepted by Ann" in tracemill("regressions", *where).stdout
    kept = json.loads(tracemill("sql", "from accepted_regressions", "--format", "json", *where).stdout)
    assert {r["build_id"] for r in kept} == {"b08"}
    assert all(r["accepted_at"] for r in kept)
    assert tracemill(*ACCEPT, "--undo", *where).exit_code == 0
    assert tracemill("gate", "--candidate", "b08", *where).exit_code == 1
    assert "no accepted" in tracemill(*ACCEPT, "--undo", *where).stderr


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({2: "b80"}, "no build with a regression 'b80'; did you mean 'b08'?"),
        ({4: "block_n"}, "no regression of b08 in 'block_n'; did you mean 'block_ns'?"),
        ({6: LOOKUP[:-1]}, f"did you mean '{LOOKUP} (sync)'?"),
        ({2: "b06"}, "no build with a regression 'b06'"),
    ],
)
def test_only_a_regression_can_be_accepted(demo: Path, changed: dict[int, str], sentence: str) -> None:
    args = [changed.get(i, a) for i, a in enumerate(ACCEPT)]
    found = tracemill(*args, "--reason", "x", "--warehouse", demo)
    assert (found.exit_code, sentence in found.stderr) == (2, True), found.stderr


def test_a_regression_can_be_named_by_the_build_where_it_begins() -> None:
    with duckdb.connect() as connection:
        connection.execute(
            "create table regressions as select *, null as calling_function from "
            "(values ('b9', 'b7', 'm', 'F (sync)', 'F', 'regressed'), "
            "('b7', 'b7', 'm', 'G', 'G', 'not_comparable'), ('b7', 'b7', 'm', 'F', 'F', 'improved')) "
            "t(build_id, first_build_id, metric, subject, function, status)"
        )
        for build in ("b7", "b9"):
            assert find_verdict(connection, Which(build, "m", "F")) == ("b9", "F (sync)")
        assert find_verdict(connection, Which("b7", "m", "G")) == ("b7", "G")
        with pytest.raises(NoSuchNameError):
            find_verdict(connection, Which("b9", "m", "G"))


def test_an_acceptance_needs_a_reason(demo: Path) -> None:
    for reason in ([], ["--reason", "  "]):
        found = tracemill(*ACCEPT, *reason, "--warehouse", demo)
        assert (found.exit_code, "why?" in found.stderr) == (2, True)


# --- filters -------------------------------------------------------------------------------------


def test_verdicts_are_chosen_by_package_and_first_build(demo: Path) -> None:
    def builds(*args: str) -> list[str]:
        found = tracemill("regressions", *args, "--format", "json", "--warehouse", demo)
        return sorted({row["build_id"] for row in json.loads(found.stdout)})

    assert builds("--package", "storefront/internal/session") == ["b05", "b07"]
    assert builds("--package", "storefront/internal") == builds()
    assert builds("--since-build", "b08") == ["b08", "b10", "b12"]
    assert builds("--since-build", "b08", "--package", "storefront/internal/session") == []
    wrong = tracemill("regressions", "--package", "storefront/internal/sesion", "--warehouse", demo)
    assert (wrong.exit_code, "did you mean 'storefront/internal/session'?" in wrong.stderr) == (2, True)


# --- formats -------------------------------------------------------------------------------------

HOSTILE = "app/a|b.<script>`x`\n::error::@all %,:[y](z)"


def a_judgement(**columns: object) -> Judgement:
    row = dict.fromkeys(Finding._fields, None) | {
        "status": "regressed",
        "build_id": HOSTILE,
        "first_build_id": HOSTILE,
        "metric": "block_ns",
        "subject": HOSTILE,
        "function": HOSTILE,
        "unit": "ns",
        "before": 1000.0,
        "after": 3000.0,
        "change_ratio": 3.0,
        "q_value": 1e-9,
        "p_value": 1e-10,
        "evidence": HOSTILE,
        "file": "a,b:c.go",
        "line": 7,
    }
    finding = Finding(**(row | columns))
    return Judgement(HOSTILE, None, ("b1", "b2", "b3"), False, {"block_ns": 1}, (finding,), (), (HOSTILE,))


def test_json_has_what_the_docs_say(demo: Path) -> None:
    found = tracemill("gate", "--candidate", "b10", "--format", "json", "--warehouse", demo)
    told = json.loads(found.stdout)
    assert {c.name for c in MARTS["regressions"].columns} < told["findings"][0].keys()
    [moved] = [f for f in told["findings"] if f["status"] == "moved"]
    assert (moved["moved_from"], moved["subject"]) == (LOOKUP, f"{QUOTE} (sync)")
    said = (TOP / "docs/exports.md").read_text().partition("## What the gate says")[2].partition("\n## ")[0]
    assert [key for key in told if f"`{key}`" not in said] == []


def test_github_annotations_are_one_escaped_line_each() -> None:
    lines = write(a_judgement(), "github").splitlines()
    assert len(lines) == 2
    assert lines[0].startswith(
        "::error file=a%2Cb%3Ac.go,line=7,title=Tracemill%3A block_ns::block_ns of app/a|b"
    )
    assert "%0A::error::@all %25,:" in lines[0]
    assert lines[1].startswith("::error title=Tracemill::could not judge: app/a|b")


def test_markdown_lets_no_name_out_of_its_place() -> None:
    text = write(a_judgement(), "md")
    spans = "".join(part for i, part in enumerate(text.split("`")) if i % 2 == 0)
    assert "<script" not in spans.replace("\\<", "")
    assert "@all" not in spans
    assert "[y](z)" not in spans
    assert "\n::error" not in text
    [row] = [line for line in text.splitlines() if line.startswith("| regressed")]
    assert row.replace("\\|", "").count("|") == 7
    assert text.count("<details>") == text.count("</details>") == 1


def test_a_backslash_before_a_pipe_makes_no_cell() -> None:
    [row] = [
        r for r in write(a_judgement(function=r"a\|b"), "md").splitlines() if r.startswith("| regressed")
    ]
    assert len(re.findall(r"(?:\\.|[^|\\])+", row.strip("|"))) == 6  # as GitHub's parser splits cells
    [row] = markdown_table(["a"], [[r"x\|y `z` <b> [l](u)"]]).splitlines()[2:]
    assert row == r"| x\\\|y \`z\` \<b> \[l\](u) |"


def test_markdown_of_many_verdicts_fits_a_comment_and_counts_the_rest() -> None:
    one = a_judgement()
    many = replace(
        one, findings=one.findings * 2000, doubts=one.doubts * 2000, suspected=("may " * 9,) * 2000
    )
    text = write(many, "md")
    assert 30_000 < len(text) < 65_536
    assert len(re.findall(r"\n- \d+ more (?:verdicts|doubts|sentences): --format json", text)) == 4
    assert text.count("<details>") == text.count("</details>") == 1
    assert "more" not in write(replace(one, suspected=()), "md")


def test_a_terminal_shows_no_line_of_a_name() -> None:
    assert "\n::error" not in write(a_judgement(subject="\x1b[31m"), "table")
    assert "\x1b" not in write(a_judgement(function="\x1b[31m"), "table")


def test_sarif_has_what_the_standard_and_code_scanning_ask_for(demo: Path) -> None:
    found = tracemill("gate", "--candidate", "b08", "--format", "sarif", "--warehouse", demo)
    assert found.exit_code == 1
    log = json.loads(found.stdout)
    assert (log["version"], len(log["runs"])) == ("2.1.0", 1)
    run = log["runs"][0]
    assert run["tool"]["driver"]["name"] == "Tracemill"
    rules = {rule["id"] for rule in run["tool"]["driver"]["rules"]}
    assert {r["ruleId"] for r in run["results"]} == rules == {"regressed/block_ns"}
    [blocked] = [r for r in run["results"] if r["ruleId"] == "regressed/block_ns"]
    place = blocked["locations"][0]["physicalLocation"]
    assert place == {
        "artifactLocation": {"uri": "internal/cache/prices.go"},
        "region": {"startLine": 42},
    }
    assert run["invocations"][0]["executionSuccessful"] is True
    # Code scanning refuses the log whole where one result has no file, as a benchmark has none.
    bench = tracemill(
        *("gate", "--candidate", "b08", "--metric", "bench sec/op", "--format", "sarif", "--warehouse", demo)
    )
    [result] = json.loads(bench.stdout)["runs"][0]["results"]
    assert result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == "go.mod"
    assert json.loads(write(a_judgement(), "sarif"))["runs"][0]["invocations"][0] == {
        "executionSuccessful": False,
        "exitCode": 1,
        "toolExecutionNotifications": [{"level": "error", "message": {"text": f"{HOSTILE}"}}],
    }


def test_accepted_regressions_are_suppressed_in_sarif_and_noticed_on_github() -> None:
    accepted = a_judgement(accepted_by="Ann", accepted_reason="why not")
    assert accepted.exit_code == UNDECIDED  # for its doubt
    [result] = json.loads(write(accepted, "sarif"))["runs"][0]["results"]
    assert result["suppressions"][0]["justification"] == "Ann: why not"
    lines = write(accepted, "github").splitlines()
    assert [line.split(" ")[0] for line in lines] == ["::error", "::notice"]


# --- self-test -----------------------------------------------------------------------------------


def test_the_self_test_catches_what_it_injects_and_writes_nothing(demo: Path) -> None:
    before = {p: hashlib.sha256(p.read_bytes()).digest() for p in demo.iterdir() if p.is_file()}
    found = tracemill("gate", "--self-test", "--warehouse", demo)
    assert found.exit_code == 0, found.stdout
    assert "without an injection: no alarm" in found.stdout
    assert found.stdout.count("caught at") >= 5
    assert {p: hashlib.sha256(p.read_bytes()).digest() for p in demo.iterdir() if p.is_file()} == before


def test_the_self_test_fails_where_nothing_is_caught(demo: Path) -> None:
    assert SelfTest("b", (Injected("m", "s", None), Injected("m", "t", 2.0)), ()).exit_code == 1
    found = tracemill("gate", "--self-test", "--candidate", "b02", "--warehouse", demo)
    assert (found.exit_code, "too little data yet" in found.stdout) == (2, True)


@pytest.mark.parametrize(
    "lacks", ["drop table int_caller_costs", "alter table int_condition_values drop column condition"]
)
def test_a_warehouse_of_other_models_says_what_to_do(demo: Path, tmp_path: Path, lacks: str) -> None:
    root = shutil.copytree(demo, tmp_path / "w")
    with duckdb.connect(str(root / "warehouse.duckdb")) as connection:
        connection.execute(lacks)
    found = tracemill("gate", "--candidate", "b08", "--across", "all", "--warehouse", root)
    assert (found.exit_code, "run `tracemill build`" in found.stderr) == (2, True)


def test_junit_has_a_failure_an_error_and_what_was_not_judged() -> None:
    given = story()
    suite = ElementTree.fromstring(write(judged(given, "b4"), "junit")).find("testsuite")
    assert suite is not None
    failed = {case.get("classname") for case in suite.findall("testcase[failure]")}
    assert failed == {"tracemill.mapassign_alloc_bytes"}  # what leads the incident
    assert (suite.get("failures"), suite.get("errors")) == ("1", "0")
    passed = [c for c in suite.findall("testcase") if not len(c)]
    names = {case.get("classname") for case in passed}
    assert "tracemill.block_ns" in names
    assert "tracemill.mapassign_inuse_bytes" not in names  # a figure of the same incident
    assert suite.get("tests") == str(len(suite.findall("testcase")))
    undecided = ElementTree.fromstring(write(judged(given, "b2"), "junit"))
    assert undecided.get("errors") == "1"
    error = undecided.find(".//error")
    assert error is not None
    assert "it takes 3" in str(error.get("message"))


def test_junit_is_xml_whatever_names_hold() -> None:
    suite = ElementTree.fromstring(write(a_judgement(function='a\x1b<]]>&"b', subject="\x00\ud800"), "junit"))
    assert suite.get("failures") == "1"
