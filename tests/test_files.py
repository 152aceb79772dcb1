"""Questions asked of files alone: `sql --file` and `top FILE`, without a warehouse or a layout."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from tracemill.flows.cli import main

DEMO = Path(__file__).parent.parent / "examples/artifacts"
TRACE = DEMO / "b08/r1/trace.out.xz"
LOOKUP = "storefront/internal/cache.(*Prices).Lookup"


def tracemill(*args: object, stdin: bytes | None = None) -> Result:
    return CliRunner().invoke(main, [str(a) for a in args], input=stdin)


def rows(done: Result) -> list[dict[str, object]]:
    assert done.exit_code == 0, done.output
    found: list[dict[str, object]] = json.loads(done.stdout)
    return found


def test_sql_asks_a_mart_of_one_file() -> None:
    query = "select distinct function, holder_function from lock_waits"
    done = tracemill("sql", "--file", TRACE, query, "--format", "json")
    assert rows(done) == [{"function": LOOKUP, "holder_function": LOOKUP}]


def test_sql_takes_a_pattern_and_a_query_that_begins_with_a_comment() -> None:
    query = "-- what there is\nselect distinct kind from profile_samples join captures using (capture_id)"
    files = ("--file", f"{DEMO}/b01/r1/mute*.pb.gz", "--file", f"{DEMO}/b01/r1/cpu.pb.gz")
    done = tracemill("sql", query, *files, "--format", "json")
    assert {row["kind"] for row in rows(done)} == {"mutex", "cpu"}


def test_sql_takes_standard_input_for_a_file() -> None:
    done = tracemill("sql", "--file", "-", "select distinct metric from benchmarks", "--format", "json",
                     stdin=(DEMO / "b01/r1/bench.txt").read_bytes())  # fmt: skip
    assert {"metric": "sec/op"} in rows(done)


def test_a_folder_of_builds_is_read_as_builds(tmp_path: Path) -> None:
    for build in ("b01", "b02"):
        (tmp_path / build / "r1").mkdir(parents=True)
        shutil.copy(DEMO / build / "r1/bench.txt", tmp_path / build / "r1")
    done = tracemill("sql", "--file", tmp_path, "select build_id from builds order by 1", "--format", "json")
    assert rows(done) == [{"build_id": "b01"}, {"build_id": "b02"}]


@pytest.mark.full
def test_sql_of_files_reads_and_does_nothing_else(tmp_path: Path) -> None:
    done = tracemill("sql", "--file", DEMO / "b01/r1/bench.txt", f"copy (select 1) to '{tmp_path}/a.csv'")
    assert (done.exit_code, list(tmp_path.iterdir())) == (2, [])


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["sql", "--file", "/nowhere/*.pb.gz", "select 1"], "/nowhere/*.pb.gz: no such file"),
        (["sql", "--file", __file__, "select 1"], "no known format"),
        (["top", __file__], "no known format"),
        (["top", "wait"], "did you mean 'waits'?"),
        (["top", DEMO / "b08/r1/bench.txt"], "nothing here that top shows; `tracemill inspect` says"),
        (["top", "waits", TRACE, "--build", "b1"], "FILEs have no build"),
        (["sql", "--file", "-"], "give the query as an argument"),
    ],
)
def test_what_cannot_be_read_is_one_sentence_and_exit_2(words: list[object], sentence: str) -> None:
    done = tracemill(*words, stdin=b"")
    assert (done.exit_code, sentence in done.stderr) == (2, True), done.stderr


@pytest.mark.full
def test_top_of_a_trace_names_the_lock_its_holder_and_the_time_a_second() -> None:
    done = tracemill("top", "locks", TRACE, "--json")
    assert done.exit_code == 0, done.output
    first = json.loads(done.stdout)["locks"][0]
    assert (first["function"], first["holder_function"], first["per"]) == (LOOKUP, LOOKUP, "s")
    assert first["file"].endswith("prices.go")
    assert first["block_count"] > 100


@pytest.mark.full
def test_top_without_a_kind_shows_what_the_file_has() -> None:
    done = tracemill("top", DEMO / "b08/r1/cpu.pb.gz")
    assert done.exit_code == 0
    assert done.stdout.startswith("cpu of cpu.pb.gz: CPU time by function")
    assert "the runtime and the standard library alone:" in done.stdout
    assert "waits of" not in done.stdout


@pytest.mark.full
def test_top_keeps_what_waits_for_work_and_the_runtimes_own_apart() -> None:
    done = tracemill("top", "waits", TRACE)
    ahead, _, idle = done.stdout.partition("waiting for work, which is neither better nor worse:")
    assert LOOKUP in ahead
    assert "chan receive" not in ahead
    assert "chan receive" in idle
    assert "runtime." not in done.stdout
    assert "the runtime's own goroutines apart: " in idle


def test_top_says_so_where_nothing_is_amiss() -> None:
    done = tracemill("top", "goroutines", DEMO / "b08/r1/goroutines.txt.gz")
    assert "none is known to be leaked, or only to become more" in done.stdout
    assert "storefront/internal/load.Run" in done.stdout


def test_one_bad_file_stops_no_other() -> None:
    done = tracemill("top", "cpu", DEMO / "b08/r1/cpu.pb.gz", __file__)
    assert (done.exit_code, "not read: " in done.stderr) == (1, True)
    assert "CPU time by function" in done.stdout


HEAPS = [DEMO / build / run / "heap.pb.gz" for build in ("b01", "b02") for run in ("r1", "r2")]
PLACES = "select distinct build_id, run_id from captures order by all"


def places(*files: Path, query: str = PLACES) -> list[tuple[object, ...]]:
    words = [word for file in files for word in ("--file", file)]
    return [tuple(row.values()) for row in rows(tracemill("sql", *words, query, "--format", "json"))]


@pytest.mark.full
def test_files_of_several_builds_are_not_one_process() -> None:
    query = "select distinct build_id from mapassign_allocations order by all"
    assert places(*HEAPS, query=query) == [("b01",), ("b02",)]
    order = "select build_id, is_ordered from builds order by ordinal"
    assert places(*HEAPS, query=order) == [("b01", True), ("b02", True)]


@pytest.mark.parametrize(
    ("files", "found"),
    [
        (["b1/1/m", "b2/1/m"], [("b1", "1"), ("b2", "1")]),
        (["b1/m", "b2/1/m"], [("b1", None), ("b2", "1")]),
        (["b1/1/pod-1/m", "b1/1/pod-2/m", "b2/1/m"], [("b1", "1"), ("b2", "1")]),
        (["1/m", "2/m"], [("files", "1"), ("files", "2")]),
        (["1/m", "1/n"], [("files", "1")]),
    ],
)
def test_folders_say_of_which_build_and_run_files_are(tmp_path: Path, files, found) -> None:
    for number, name in enumerate(files):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(f"BenchmarkX 1 {number} ns/op\nPASS\n")
    assert places(*(tmp_path / name for name in files)) == found


@pytest.mark.full
def test_top_of_files_of_several_builds_shows_the_newest() -> None:
    done = tracemill("top", "heap", *HEAPS)
    assert done.stdout.startswith("heap of b02: ")
