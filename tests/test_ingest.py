"""Ingest and publication: what is loaded, what a bad file does, what a stop leaves."""

from __future__ import annotations

import dataclasses
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from tracemill.flows.build import build, publish_tables
from tracemill.flows.loading.discover import InputError
from tracemill.flows.loading.ingest import ingest
from tracemill.flows.loading.layout import Layout
from tracemill.parsers.api import Options
from tracemill.warehouse import connect
from tracemill.warehouse.catalog import MANIFEST, Catalog, WarehouseError, writer_lock
from tracemill.warehouse.models import Model, read_models
from tracemill.warehouse.publish import publish
from tracemill.warehouse.schema import MARTS, TABLES

from .conftest import SAMPLES

TOP = Path(__file__).parent


def _rows(warehouse: Path, query: str) -> list[tuple[object, ...]]:
    with connect(warehouse) as connection:
        return connection.execute(query).fetchall()


def test_every_file_is_loaded_once(artifacts: Path, tmp_path: Path) -> None:
    first = ingest([artifacts], tmp_path / "w")
    assert (len(first.loaded), first.unchanged, first.failures) == (12, 0, [])
    second = ingest([artifacts], tmp_path / "w")
    assert (len(second.loaded), second.unchanged) == (0, 12)


def test_work_and_build_facts_are_taken_over(artifacts: Path, tmp_path: Path) -> None:
    ingest([artifacts], tmp_path / "w")
    publish_tables(tmp_path / "w")
    assert _rows(tmp_path / "w", "select distinct work_unit, work_count from run_work") == [
        ("requests", 100.0)
    ]
    found = _rows(tmp_path / "w", 'select build_id, "commit", labels from build_manifests order by 1')
    assert found == [("b1", "aaa", {"a": "1"}), ("b2", "bbb", {"a": "1"})]


def test_labels_that_come_later_are_conditions_as_if_they_had_been_there(
    artifacts: Path, tmp_path: Path
) -> None:
    query = """
        select distinct build_id, condition, value from int_condition_values where condition = 'machine'
    """
    ingest([artifacts], tmp_path / "w")
    build(tmp_path / "w")
    assert _rows(tmp_path / "w", query) == []
    (artifacts / "b1/build.json").write_text('{"labels": {"machine": "slow"}}')
    ingest([artifacts], tmp_path / "w")
    build(tmp_path / "w")
    assert _rows(tmp_path / "w", query) == [("b1", "machine", "slow")]


def test_the_last_dump_counts_also_where_its_time_is_told_later(tmp_path: Path) -> None:
    for name, goroutines in (("early-1767366300", 2), ("late-1767366200", 5)):
        dump = (f"goroutine {i} [select]:\nmain.f()\n\t/a/main.go:1 +0x1\n" for i in range(1, goroutines + 1))
        (tmp_path / "in/b1/1").mkdir(parents=True, exist_ok=True)
        (tmp_path / f"in/b1/1/{name}.txt").write_text("\n".join(dump))
    counted = []
    for pattern in ("{build}/{run}/*.txt", "{build}/{run}/*-{captured_at}.txt"):
        ingest([tmp_path / "in"], tmp_path / "w", layout=Layout((pattern,)))
        build(tmp_path / "w")
        query = "select sum(value) from observations where metric = 'goroutine_count'"
        counted += _rows(tmp_path / "w", query)
    assert counted == [(5.0,), (2.0,)]


@pytest.mark.parametrize("content", [None, "{}", '{"work": {"lines": 3}}', '{"work": {"requests": NaN}}'])
def test_work_that_a_folder_no_longer_names_is_forgotten(
    artifacts: Path, tmp_path: Path, content: str | None
) -> None:
    ingest([artifacts], tmp_path / "w")
    catalog = Catalog.load(tmp_path / "w")
    catalog.work["b1", "1"]["requests"] = float("nan")  # which an older version took
    catalog.commit()
    file = artifacts / "b1/1/run.json"
    file.unlink() if content is None else file.write_text(content)
    shutil.rmtree(artifacts / "b1/2")
    ingest([artifacts / "b1"], tmp_path / "w")
    kept = {("b1", "2"), ("b2", "1"), ("b2", "2")}
    work = Catalog.load(tmp_path / "w").work
    assert {run for run, units in work.items() if units == {"requests": 100}} == kept
    assert work.get(("b1", "1")) == ({"lines": 3} if content and "lines" in content else None)


@pytest.mark.parametrize(
    ("pair", "known"), [('"4-1"', "4-1"), ("3", "3"), ("null", None), ("true", None), ("[1]", None)]
)
def test_what_pairs_runs_is_taken_over_and_anything_else_is_named(
    artifacts: Path, tmp_path: Path, pair: str, known: str | None
) -> None:
    (artifacts / "b1/1/run.json").write_text(f'{{"pair": {pair}}}')
    done = ingest([artifacts], tmp_path / "w")
    assert Catalog.load(tmp_path / "w").pairs == ({("b1", "1"): known} if known else {})
    assert any("b1/1/run.json: pair is neither" in f.message for f in done.failures) == (
        known is None and pair != "null"
    )
    (artifacts / "b1/1/run.json").unlink()
    ingest([artifacts], tmp_path / "w")
    assert not Catalog.load(tmp_path / "w").pairs


def test_a_build_folder_alone_can_be_given(artifacts: Path, tmp_path: Path) -> None:
    found = ingest([artifacts / "b1"], tmp_path / "w")
    assert {(c.build_id, c.run_id) for c in found.loaded} == {("b1", "1"), ("b1", "2")}


def test_one_bad_file_does_not_stop_the_others(artifacts: Path, tmp_path: Path) -> None:
    whole = (artifacts / "b1/1/heap.pb.gz").read_bytes()
    (artifacts / "b1/1/heap.pb.gz").write_bytes(whole[: len(whole) // 2])
    (artifacts / "b1/1/notes.xyz").write_text("no capture")
    (artifacts / "b1/1/empty").touch()
    found = ingest([artifacts], tmp_path / "w")
    assert len(found.loaded) == 11
    messages = sorted(f.message for f in found.failures)
    assert messages[0] == "b1/1/empty: empty file"
    assert messages[1].startswith("b1/1/heap.pb.gz: ")
    assert messages[2].startswith("b1/1/notes.xyz: no known format")


def test_a_failure_is_forgotten_once_the_file_is_good(artifacts: Path, tmp_path: Path) -> None:
    bad = artifacts / "b1/1/heap.pb.gz"
    good = bad.read_bytes()
    bad.write_bytes(b"\x1f\x8bnothing")
    ingest([artifacts], tmp_path / "w")
    assert len(Catalog.load(tmp_path / "w").failures) == 1
    bad.write_bytes(good)
    assert len(ingest([artifacts], tmp_path / "w").loaded) == 1
    assert not Catalog.load(tmp_path / "w").failures


def test_a_file_that_changed_takes_the_old_ones_place(
    artifacts: Path, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    ingest([artifacts], tmp_path / "w")
    shutil.copy(SAMPLES / "pprof/go1.22/heap.pb.gz", artifacts / "b1/1/heap.pb.gz")
    assert len(ingest([artifacts], tmp_path / "w").loaded) == 1
    catalog = Catalog.load(tmp_path / "w")
    assert len(catalog.captures) == 12
    assert catalog.sweep() == 0, "a reader may still need the old files"
    request.getfixturevalue("no_earlier_states")
    assert catalog.sweep() > 0
    left = {p.relative_to(tmp_path / "w").as_posix() for p in (tmp_path / "w").rglob("*.parquet")}
    assert left == {p for c in catalog.captures.values() for paths in c.files.values() for p in paths}


def test_a_rotated_log_keeps_what_it_held(tmp_path: Path) -> None:
    run = tmp_path / "artifacts/b1/1"
    run.mkdir(parents=True)
    for number in range(4):
        for older in range(number, 0, -1):
            (run / (f"log.{older - 1}" if older > 1 else "log")).rename(run / f"log.{older}")
        (run / "log").write_text(f"BenchmarkA{number} 1 5 ns/op\npanic: {number}\n\ngoroutine 1 [running]:\n")
        done = ingest([tmp_path / "artifacts"], tmp_path / "w")
        assert (len(done.loaded), done.unchanged) == (2, number)
        publish_tables(tmp_path / "w")
        paths = [p for f in ["log", *(f"log.{i + 1}" for i in range(number))] for p in (f, f"{f}#2")]
        found = _rows(tmp_path / "w", "select path from captures order by path")
        assert found == [(f"b1/1/{path}",) for path in paths]
    names = "select path, name from benchmarks join captures using (capture_id) order by path"
    assert _rows(tmp_path / "w", names) == [
        ("b1/1/log", "A3"), ("b1/1/log.1", "A2"), ("b1/1/log.2", "A1"), ("b1/1/log.3", "A0"),
    ]  # fmt: skip


@pytest.mark.parametrize("layout", [Layout(), Layout(build="b1", run="1")], ids=["usual", "run given"])
def test_files_of_one_path_below_two_folders_are_both_kept(layout: Layout, tmp_path: Path) -> None:
    for shard in ("s1", "s2"):
        (tmp_path / shard / "b1/1").mkdir(parents=True)
        (tmp_path / shard / "b1/1/bench.txt").write_text(f"Benchmark{shard} 1 5 ns/op\n")
    folders = [tmp_path / "s1", tmp_path / "s2"]
    assert len(ingest(folders, tmp_path / "w", layout=layout).loaded) == 2
    assert ingest(folders, tmp_path / "w", layout=layout).unchanged == 2
    paths = {capture.path for capture in Catalog.load(tmp_path / "w").captures.values()}
    assert paths == {"b1/1/bench.txt", f"{tmp_path}/s2/b1/1/bench.txt"}


def test_links_and_pipes_are_not_followed(artifacts: Path, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    shutil.copy(SAMPLES / "pprof/go1.27/heap.pb.gz", secret)
    (artifacts / "b1/1/link").symlink_to(secret)
    (artifacts / "b1/folder").symlink_to(tmp_path)
    os.mkfifo(artifacts / "b1/1/pipe")
    found = ingest([artifacts], tmp_path / "w")
    assert sorted(f.message for f in found.failures) == [
        "b1/1/link: links out of the folder",
        "b1/1/pipe: not a regular file",
        "b1/folder: links out of the folder",
    ]


def test_hostile_names_stay_names(artifacts: Path, tmp_path: Path) -> None:
    name = "b'; drop table captures; --\n\x1b[31m"
    (artifacts / "b1").rename(artifacts / name)
    (artifacts / "b2/1/heap.pb.gz").rename(os.fsdecode(os.fsencode(artifacts) + b"/b2/1/\xff'heap"))
    ingest([artifacts], tmp_path / "w")
    publish_tables(tmp_path / "w")
    assert _rows(tmp_path / "w", "select distinct build_id from captures order by 1") == [(name,), ("b2",)]
    assert _rows(tmp_path / "w", "select path from captures where path like '%xff%'") == [
        ("b2/1/\\xff'heap",)
    ]


@pytest.mark.parametrize(
    "content", ["[]", "{", '{"work": 3}', '{"work": {"n": "many"}}', '{"committed_at": "soon"}']
)
def test_a_broken_build_file_is_named(artifacts: Path, tmp_path: Path, content: str) -> None:
    (artifacts / "b1/build.json").write_text(content)
    found = ingest([artifacts], tmp_path / "w")
    assert len(found.loaded) == 12
    assert [f.message.partition(": ")[0] for f in found.failures] == ["b1/build.json"]


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="nowhere: no such folder"):
        ingest([tmp_path / "nowhere"], tmp_path / "w")


def test_a_second_writer_is_told_so(artifacts: Path, tmp_path: Path) -> None:
    ingest([artifacts], tmp_path / "w")
    with writer_lock(tmp_path / "w"), pytest.raises(WarehouseError, match="another tracemill is writing"):
        build(tmp_path / "w")


def test_a_verb_waits_for_another_writer_where_it_is_told_to(artifacts: Path, tmp_path: Path) -> None:
    root = tmp_path / "w"
    command = [sys.executable, "-m", "tracemill", "run", str(artifacts), "--warehouse", str(root)]
    with writer_lock(root):
        refused = subprocess.run(command, capture_output=True, text=True, check=False)
        waiting = subprocess.Popen([*command, "--wait", "300"], stdout=subprocess.PIPE, text=True)
        with pytest.raises(subprocess.TimeoutExpired):  # it goes on waiting
            waiting.wait(2)
    assert (refused.returncode, "`--wait SECONDS` waits for it" in refused.stderr) == (2, True)
    assert "built " in waiting.communicate(timeout=300)[0]
    assert waiting.returncode == 2  # of two builds nothing can be judged


def test_processes_side_by_side_give_the_same(
    artifacts: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tracemill.flows.loading.ingest.MIN_BYTES_FOR_PROCESSES", 0)
    ingest([artifacts], tmp_path / "side", processes=2)
    ingest([artifacts], tmp_path / "one", processes=1)

    def without_files(root: Path) -> dict[object, object]:
        captures = Catalog.load(root).captures
        return {p: dataclasses.replace(c, files={}) for p, c in captures.items()}

    assert without_files(tmp_path / "side") == without_files(tmp_path / "one")


def test_parquet_carries_the_columns_texts(artifacts: Path, tmp_path: Path) -> None:
    ingest([artifacts], tmp_path / "w")
    file = next((tmp_path / "w/tables/profile_samples").rglob("*.parquet"))
    fields = {f.name: f.metadata for f in pq.read_schema(file)}
    for column in TABLES["profile_samples"].columns:
        if column.name != "capture_id":
            assert fields[column.name][b"description"].decode() == column.text
            assert fields[column.name][b"unit"].decode() == column.unit


def test_duckdb_carries_the_columns_texts(artifacts: Path, tmp_path: Path) -> None:
    ingest([artifacts], tmp_path / "w")
    publish_tables(tmp_path / "w")
    query = """
        select comment from duckdb_columns()
        where table_name = 'profile_samples' and column_name = 'stack_id'
    """
    assert _rows(tmp_path / "w", query) == [(TABLES["stacks"].columns[0].text,)]


# A child that loads slowly enough to be stopped in the middle.
_CHILD = """
import sys, time
from pathlib import Path
import tracemill.flows.loading.ingest as i
parse = i.parse
def slow(job, shared, *, is_held):
    time.sleep(0.05)
    return parse(job, shared, is_held=is_held)
i.parse = slow
i.SECONDS_BETWEEN_COMMITS = 0.1
i.ingest([Path(sys.argv[1])], Path(sys.argv[2]), processes=1)
"""


@pytest.mark.full
@pytest.mark.parametrize("commits", [1, 2])
def test_a_kill_loses_nothing_that_showed(artifacts: Path, tmp_path: Path, commits: int) -> None:
    root = tmp_path / "w"
    child = subprocess.Popen([sys.executable, "-c", _CHILD, str(artifacts), str(root)])
    try:
        seen = -1
        deadline = time.monotonic() + 60
        while seen < commits and time.monotonic() < deadline:
            seen = len(Catalog.load(root).captures)
        assert child.poll() is None, "the child ended before it could be stopped"
    finally:
        child.send_signal(signal.SIGKILL)
        child.wait()
    kept = Catalog.load(root)
    assert commits <= len(kept.captures) < 12
    for capture in kept.captures.values():
        for table, paths in capture.files.items():
            assert sum(pq.read_metadata(root / p).num_rows for p in paths) == capture.rows[table]
    (root / "tables/stacks/capture_id=dead").mkdir(parents=True)
    (root / "tables/stacks/capture_id=dead/half.parquet").write_bytes(b"PAR1 half")
    ingest([artifacts], root)
    assert len(Catalog.load(root).captures) == 12
    assert not (root / "tables/stacks/capture_id=dead").exists()


def test_readers_keep_their_state_while_a_newer_one_is_published(artifacts: Path, tmp_path: Path) -> None:
    root = tmp_path / "w"
    shutil.move(artifacts / "b2", tmp_path / "b2")
    ingest([artifacts], root)
    publish_tables(root)
    with connect(root) as old:
        assert old.execute("select count(*) from captures").fetchall() == [(6,)]
        shutil.move(tmp_path / "b2", artifacts / "b2")
        ingest([artifacts], root)
        publish_tables(root)
        assert old.execute("select count(*) from captures").fetchall() == [(6,)]
        assert old.execute("select count(distinct capture_id) from profile_samples").fetchall() == [(6,)]
    assert _rows(root, "select count(*) from captures") == [(12,)]


def test_a_moved_warehouse_still_answers(artifacts: Path, tmp_path: Path) -> None:
    ingest([artifacts], tmp_path / "w")
    publish_tables(tmp_path / "w")
    (tmp_path / "w").rename(tmp_path / "moved")
    assert _rows(tmp_path / "moved", "select count(*) > 0 from profile_samples") == [(True,)]


def test_models_are_built_only_for_what_is_new(artifacts: Path, tmp_path: Path) -> None:
    root = tmp_path / "w"
    shutil.move(artifacts / "b2", tmp_path / "b2")
    ingest([artifacts], root)
    assert build(root).builds == ("b1",)
    assert not build(root).is_changed
    shutil.move(tmp_path / "b2", artifacts / "b2")
    ingest([artifacts], root)
    assert build(root).builds == ("b2",)
    of_marts = "where not internal and list_contains($1, table_name)"
    with connect(root) as connection:
        told = f"select table_name, column_name from duckdb_columns() {of_marts} and comment is null"
        assert connection.execute(told, [list(MARTS)]).fetchall() == []
    by_steps = _rows(root, "from heap_growth order by all")
    build(root, full=True)
    assert _rows(root, "from heap_growth order by all") == by_steps


def _check(sql: str) -> Model:
    return Model("no_builds", "checks", "There are no builds.", (), "check", sql, frozenset())


@pytest.mark.full
def test_a_failed_check_publishes_nothing(artifacts: Path, tmp_path: Path) -> None:
    root = tmp_path / "w"
    ingest([artifacts / "b1"], root)
    build(root)
    ingest([artifacts], root)
    failing = _check("select build_id from builds order by 1")
    done = publish(Catalog.load(root), models=[*read_models(), failing])
    assert done.failed_checks == {"no_builds": "There are no builds. Offending: build_id='b1'; build_id='b2'"}
    assert not done.is_changed
    assert _rows(root, "select build_id from builds") == [("b1",)]
    assert not list(root.glob(".warehouse*"))


@pytest.mark.full
def test_a_capture_that_was_parsed_again_is_published_again(artifacts: Path, tmp_path: Path) -> None:
    shutil.copy(TOP / "exectrace/samples/mixed-1.27.trace.gz", artifacts / "b1/1/trace")
    root = tmp_path / "w"
    ingest([artifacts], root)
    publish_tables(root)
    assert _rows(root, "select count(*) from trace_events") == [(0,)]
    assert len(ingest([artifacts], root, options=Options(raw_events=True)).loaded) == 1
    assert publish_tables(root).is_changed
    assert _rows(root, "select count(*) > 1000 from trace_events") == [(True,)]
    assert _rows(
        root, "select count(*) = count(distinct (goroutine_id, start_ns)) from goroutine_intervals"
    ) == [(True,)]


@pytest.mark.full
@pytest.mark.parametrize(
    ("names", "other", "builds"),
    [
        (("published.version", "plan.version"), lambda _: "99.0", ("b1", "b2")),
        # The rows of single builds stay as they are.
        (("plan._detection",), lambda: "another", ()),
    ],
)
def test_what_another_version_or_detection_made_is_made_anew(
    names: tuple[str, ...],
    other: Callable[..., str],
    builds: tuple[str, ...],
    artifacts: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    root = tmp_path / "w"
    ingest([artifacts], root)
    build(root)
    assert not build(root).is_changed
    for name in names:
        monkeypatch.setattr(f"tracemill.warehouse.{name}", other)
    again = build(root)
    assert (again.is_changed, again.builds) == (True, builds)
    assert not build(root).is_changed


def test_raw_events_do_not_reload_profiles(artifacts: Path, tmp_path: Path) -> None:
    ingest([artifacts], tmp_path / "w")
    assert ingest([artifacts], tmp_path / "w", options=Options(raw_events=True)).loaded == []


def test_an_unreadable_manifest_is_named(tmp_path: Path) -> None:
    (tmp_path / MANIFEST).write_text('{"version": 99}')
    with pytest.raises(
        WarehouseError, match=r"manifest\.json: version 99, this Tracemill reads versions 1 to \d+"
    ):
        Catalog.load(tmp_path)
