"""What a run says of what was compared with what: never "no regressions" where nothing was judged."""

from __future__ import annotations

import json
import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from tracemill.flows.cli import main
from tracemill.flows.show.coverage import coverage, most_of
from tracemill.flows.show.verdicts import Filter, verdicts
from tracemill.flows.verbs.looks import _why_none

from .conftest import SAMPLES
from .models.given import USER_PATH, Given
from .models.story import story


def tracemill(*args: object) -> Result:
    return CliRunner().invoke(main, [str(a) for a in args])


def run_over(
    tmp_path: Path, builds: int, manifests: dict[int, dict[str, object]], file: Path | None = None
) -> Result:
    """The main job over so many builds: of one benchmark, and in the last of another; or of copies of a file.

    manifests: build → what its build.json says beside its time.
    """
    for build in range(1, builds + 1):
        folder = tmp_path / f"a/b{build}/1"
        folder.mkdir(parents=True)
        if file:
            shutil.copy(file, folder)
        else:
            new = "BenchmarkNew-2 \t20\t7 ns/op\n" if build == builds else ""
            text = f"pkg: a\nBenchmarkGet-2 \t20\t{50 + build % 2} ns/op\n{new}"
            (folder / "bench.txt").write_text(text)
        manifest = {"committed_at": f"2026-01-0{build}T00:00:00Z", **manifests.get(build, {})}
        (folder.parent / "build.json").write_text(json.dumps(manifest))
    return tracemill("run", tmp_path / "a", "--warehouse", tmp_path / "w")


def test_no_regressions_is_said_of_what_was_judged(tmp_path: Path) -> None:
    done = run_over(tmp_path, 5, {})
    assert done.exit_code == 0
    assert "no regressions, no improvements in what was judged\njudged: 1 series of 1 metric, " in done.stdout
    assert "each build of b1 to b5 against those before it" in done.stdout
    assert "not judged: 1 series of bench sec/op, in too few builds (3 must come before one)" in done.stdout


@pytest.mark.full
def test_what_gives_no_judged_figure_is_no_all_clear(tmp_path: Path) -> None:
    done = run_over(tmp_path, 5, {}, next((SAMPLES / "escapes/go1.27").iterdir()))
    assert done.exit_code == 2
    assert "no regressions" not in done.stdout
    assert "nothing was judged: what is loaded (5 escapes) gives no figure that is judged" in done.stdout


@pytest.mark.full
def test_builds_that_never_compare_are_no_all_clear(tmp_path: Path) -> None:
    versions = {build: {"go_version": f"go1.2{build}.1"} for build in range(1, 7)}
    done = run_over(tmp_path, 6, versions)
    assert done.exit_code == 2
    assert "never in 4 builds that compare with each other" in done.stdout
    assert (
        "not compared: b2 with the builds before it in benchmark: Go version go1.21 → go1.22" in done.stdout
    )


def test_branches_that_take_turns_in_one_history_are_said(tmp_path: Path) -> None:
    turns = {build: {"branch": "feature" if build in (3, 5) else "main"} for build in range(1, 7)}
    done = run_over(tmp_path, 6, turns)
    assert "one history: builds of main (4), feature (2) take turns in it: " in done.stdout
    told = tracemill("doctor", "--warehouse", tmp_path / "w")
    assert "builds of main, feature take turns in one history" in told.output
    (tmp_path / "order").write_text("b1\nb2\nb4\nb6\n")
    listed = tracemill("run", tmp_path / "a", "--order", tmp_path / "order", "--warehouse", tmp_path / "w")
    assert "one history" not in listed.stdout
    assert "set aside: b3, b5: the list that orders the others does not have them" in listed.stdout


def test_a_branch_that_follows_another_for_good_is_no_mix(tmp_path: Path) -> None:
    renamed = {build: {"branch": "master" if build < 4 else "main"} for build in range(1, 6)}
    assert "one history" not in run_over(tmp_path, 5, renamed).stdout


def test_nothing_read_is_exit_2(tmp_path: Path) -> None:
    (tmp_path / "a/b1/1").mkdir(parents=True)
    (tmp_path / "a/b1/1/x").write_text("what is this")
    done = tracemill("run", tmp_path / "a", "--warehouse", tmp_path / "w")
    assert (done.exit_code, "nothing was read" in done.stderr) == (2, True)
    done = tracemill("ingest", tmp_path / "a", "--warehouse", tmp_path / "w")
    assert (done.exit_code, "nothing was read" in done.stderr) == (2, True)


def test_an_empty_warehouse_says_that_nothing_is_loaded() -> None:
    with Given().models() as connection:
        assert coverage(connection).sentences() == ["nothing was judged: nothing is loaded"]


@pytest.mark.full
def test_captures_in_no_runs_folder_count_as_one_run_which_is_said(tmp_path: Path) -> None:
    for build in ("b1", "b2"):
        (tmp_path / "a" / build).mkdir(parents=True)
        for name in ("1", "2"):
            text = f"pkg: a\nBenchmarkGet-2 \t20\t5{name} ns/op\n"
            (tmp_path / "a" / build / f"bench{name}.txt").write_text(text)
    done = tracemill("run", tmp_path / "a", "--warehouse", tmp_path / "w")
    assert "one run: the captures of b1, b2 lie in no run's folder" in done.stdout
    text = tracemill("doctor", "--warehouse", tmp_path / "w").stdout
    assert "captures of b1, b2 lie in the build's own folder and count as one run" in text
    assert "--layout '{build}/{run}.pb.gz'" in text


def test_a_build_without_a_place_is_told_what_orders_the_others() -> None:
    given = Given()
    for build, commit in (("b1", "2026-01-01T00:00:00Z"), ("b2", None)):
        given.trace(build, "1", [])
        given.tables["captures"][-1]["captured_at"] = datetime(2026, 1, 1, tzinfo=UTC)
        when = datetime.fromisoformat(commit) if commit else None
        given.tables["build_manifests"].append({"build_id": build, "committed_at": when})
    with given.models() as connection:
        found = coverage(connection).sentences()
    reason = "nothing says when they were committed, which orders the others"
    assert [s.partition(";")[0] for s in found if "set aside" in s] == [f"set aside: b2: {reason}"]


def shown(demo: Path, *options: str) -> list[list[str]]:
    """Build, status and metric of each verdict in the table."""
    done = tracemill("regressions", *options, "--warehouse", demo)
    lines = done.stdout.partition("\n\n")[0].splitlines()[2:]
    cells = [[c for c in line.split("  ") if c] for line in lines]
    return [[cell.strip() for cell in (row[0], row[1], row[3])] for row in cells]


def test_what_a_filter_finds_is_shown_though_another_verdict_leads_its_incident(demo: Path) -> None:
    assert shown(demo, "--build", "b09") == [["b09, since b08", "regressed", "task_p50_ns"]]
    assert shown(demo, "--package", "storefront/internal/server") == [
        ["b08", "regressed", "bench sec/op"],
        ["b12", "improved", "bench sec/op"],
    ]
    assert ["b08", "not_comparable", "gc_cpu_share"] in shown(demo, "--status", "not_comparable")


def test_an_incident_is_one_row_and_its_lead_where_that_is_found(demo: Path) -> None:
    assert shown(demo, "--build", "b08") == [["b08", "regressed", "block_ns"]]


def test_a_build_has_the_verdicts_that_a_later_one_made_known(demo: Path) -> None:
    rows = tracemill("regressions", "--build", "b08", "--format", "json", "--warehouse", demo).stdout
    assert ("b09", "b08", "task_p50_ns") in {
        (r["build_id"], r["first_build_id"], r["metric"]) for r in json.loads(rows)
    }
    assert ["b09, since b08", "regressed", "task_p50_ns"] in shown(
        demo, "--build", "b08", "--metric", "task_p50_ns"
    )


def test_figures_that_are_out_for_one_build_alone_are_told() -> None:
    given = story(leak=1, contention=1)
    touch = given.stack("sync.(*Mutex).Lock", "app/session.(*Table).Touch", *USER_PATH)
    for wait in given.tables["goroutine_intervals"]:
        if wait["stack_id"] == touch and wait["capture_id"].startswith("b6/"):
            wait["duration_ns"] *= 30
    with given.models() as connection:
        assert not [v for v in verdicts(connection, Filter()) if v.build_id == "b6"]
        [told] = [s for s in coverage(connection).sentences() if s.startswith("for one build alone")]
        assert _why_none(connection, [], ("b6",)) == told
        of_another = _why_none(connection, [], ("b6", "Quote")).splitlines()
    assert of_another == ["nothing changed at b6 Quote in what was judged", told]
    assert told.startswith("for one build alone: at b6 block_ns of session.(*Table).Touch (sync) ")
    assert told.endswith("; the next build took it back, so that no verdict stands")


def test_of_many_metrics_those_looked_for_in_vain_and_those_with_most_series_are_named() -> None:
    counts = {f"m{count}": count for count in range(1, 9)} | {"leaks": 0}
    assert most_of(counts) == "leaks (none found), m8 (8), m7 (7), m6 (6), m5 (5), m4 (4) and 3 more metrics"
    assert most_of({"m1": 1, "m2": 2}) == "m2 (2), m1 (1)"
