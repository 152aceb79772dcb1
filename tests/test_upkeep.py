"""What is loaded, what is watched, what is wrong and what to do next, as a newcomer meets it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from tests.models.given import Given
from tracemill.flows.cli import main
from tracemill.flows.show import doctor
from tracemill.warehouse.queries import ask

from .conftest import two_builds

DAMAGED, NOTHING = "b2/1/heap.pb.gz", b"\x1f\x8bnothing"


def tracemill(*args: object) -> Result:
    return CliRunner().invoke(main, [str(a) for a in args])


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two builds of two runs with heap profiles and no binary; one file of the second is damaged."""
    folder = tmp_path_factory.mktemp("upkeep")
    artifacts = two_builds(folder)
    (artifacts / DAMAGED).write_bytes(NOTHING)
    done = tracemill("run", artifacts, "--warehouse", folder / "w")
    assert done.exit_code == 1
    assert f"next: tracemill doctor --warehouse {folder / 'w'}" in done.stderr
    return folder / "w"


@pytest.fixture
def warehouse(template: Path, tmp_path: Path) -> Path:
    return shutil.copytree(template, tmp_path / "w")


def test_doctor_names_what_is_wrong_and_the_way_out(warehouse: Path) -> None:
    text = tracemill("doctor", "--warehouse", warehouse).stdout
    assert "b2/1/heap.pb.gz of b2 could not be loaded: " in text
    assert "nothing was judged: builds so far 2, 3 must come before one" in text
    assert "load 2 more builds" in text
    assert "b1, b2 have fewer than 3 runs" in text
    assert "b1, b2 have heap profiles of which up to 78% is not known: no binary fits" in text
    assert text.count("    → ") == len(
        json.loads(tracemill("doctor", "--format", "json", "--warehouse", warehouse).stdout)
    )


@pytest.mark.full
def test_what_comes_next_of_two_builds_is_to_compare_them(artifacts: Path, tmp_path: Path) -> None:
    done = tracemill("run", artifacts, "--warehouse", tmp_path / "w")
    assert f"next: tracemill compare b1 b2 --warehouse {tmp_path / 'w'}" in done.stderr


def test_doctor_asks_for_a_binary_only_where_too_little_of_a_heap_is_known() -> None:
    given = Given()
    put = given.stack("app.put")
    for build, start_line in (("b1", 1), ("b2", 1), ("b3", None)):
        given.names(given.heap(build, "1", [(put, 0x100, 4096)]), [(0x101, "app.put", 1, "")])
        given.tables["named_addresses"][-1]["start_line"] = start_line
    given.names(given.trace("b1", "1", []), [(0x101, "app.put", 1, "runtime.mapassign")])
    given.trace("b4", "1", [])
    with given.models() as connection:
        known = [b.is_heap_known for b in ask(connection, "doctor/builds", doctor.Build)]
    assert known == [True, True, False, None]


def test_doctor_sees_what_the_models_have_not_seen(artifacts: Path, warehouse: Path) -> None:
    (artifacts / DAMAGED).write_bytes(NOTHING)
    shutil.copytree(artifacts / "b1", artifacts / "b3")
    (artifacts / "b3/build.json").unlink()
    assert tracemill("ingest", artifacts, "--warehouse", warehouse).exit_code == 1
    text = tracemill("doctor", "--warehouse", warehouse).stdout
    assert "the models have not seen all that is loaded of b3\n    → tracemill build\n" in text
    assert "uncompiled" not in text


def test_doctor_knows_an_uncompiled_kernel(warehouse: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "EXTENSION_SUFFIXES", [".none"])
    assert "run uncompiled" in tracemill("doctor", "--warehouse", warehouse).stdout


def test_builds_and_metrics_say_what_there_is(warehouse: Path) -> None:
    builds = json.loads(tracemill("builds", "--format", "json", "--warehouse", warehouse).stdout)
    assert [(b["build_id"], b["run_count"], b["regressed"]) for b in builds] == [("b1", 2, 0), ("b2", 2, 0)]
    metrics = json.loads(tracemill("metrics", "--format", "json", "--warehouse", warehouse).stdout)
    [alloc] = [m for m in metrics if m["metric"] == "mapassign_alloc_bytes"]
    assert (alloc["unit"], alloc["worse"], alloc["judged"]) == ("bytes/requests", "up", 0)
    assert all(m["meaning"] for m in metrics)


@pytest.mark.full
@pytest.mark.parametrize("verb", ["run", "ingest"])
def test_a_layout_in_which_nothing_is_found_is_exit_2_and_drawn(tmp_path: Path, verb: str) -> None:
    (tmp_path / "a/deep/b1/1").mkdir(parents=True)
    (tmp_path / "a/deep/b1/build.json").write_text("{}")
    done = tracemill(verb, tmp_path / "a", "--warehouse", tmp_path / "w")
    assert done.exit_code == 2
    assert f"lies one level deeper than it should: try {tmp_path / 'a/deep'}" in done.stderr
    assert "a folder for each build" in done.stderr
    (tmp_path / "flat").mkdir()
    (tmp_path / "flat/trace.out").write_bytes(b"x")
    done = tracemill(verb, tmp_path / "flat", "--warehouse", tmp_path / "w2")
    assert done.exit_code == 2
    assert "1 files lie in no build's folder, such as " in done.stderr


def test_machines_get_no_next_step(warehouse: Path) -> None:
    for arguments in (
        ("regressions", "--format", "json"),
        ("builds", "--json"),
        ("gate", "--candidate", "b2", "--format", "md"),
    ):
        assert "next:" not in tracemill(*arguments, "--warehouse", warehouse).stderr
    assert "next: tracemill doctor" in tracemill("gate", "--candidate", "b2", "--warehouse", warehouse).stderr


def test_doctor_sees_captures_that_saw_parts_of_the_counted_work() -> None:
    given = Given()
    for build, seconds in (("b1", None), ("b2", 9), ("b3", None)):
        given.trace(build, "1", [], seconds=2)
        cpu = given.capture(build, "1", "cpu")
        for capture in given.tables["captures"]:
            if capture["capture_id"] == cpu:
                capture["duration_ns"] = 2_000_000_000 if build == "b3" else 5_000_000_000
        work = {"requests": 900} | ({"seconds": seconds} if seconds else {})
        given.tables["run_work"] += [
            {"build_id": build, "run_id": "1", "work_unit": unit, "work_count": count}
            for unit, count in work.items()
        ]
    with given.models() as connection:
        found = {b.build_id: b.sees_parts for b in ask(connection, "doctor/builds", doctor.Build)}
    assert found == {"b1": True, "b2": False, "b3": False}


def test_doctor_misses_no_race_and_no_difference_of_profiles() -> None:
    given = Given()
    for kind in ("race", "diff", "heap"):
        given.capture("b1", "1", kind)
    given.capture("b2", "1", "benchmarks")
    with given.models() as connection:
        kinds = {b.build_id: list(b.kinds) for b in ask(connection, "doctor/builds", doctor.Build)}
    assert kinds == {"b1": ["heap"], "b2": ["benchmarks"]}


@pytest.mark.full
def test_a_build_of_unknown_place_is_not_the_newest(tmp_path: Path) -> None:
    sample = Path(__file__).parent / "samples/benchmarks/go1.27/bench.txt"
    for build, captures in (("b1", 2), ("b2", 1), ("unknown", 0)):
        run = tmp_path / "artifacts" / build / "1"
        run.mkdir(parents=True)
        shutil.copy(sample, run)
        for kind in ("mutex", "block")[:captures]:
            shutil.copy(sample.parents[2] / f"pprof/go1.27/{kind}.pb.gz", run)
        if build != "unknown":
            at = f"2026-01-0{build[1]}T00:00:00Z"
            (run.parent / "build.json").write_text(json.dumps({"committed_at": at}))
    where = ("--warehouse", tmp_path / "w")
    tracemill("run", tmp_path / "artifacts", *where)
    text = tracemill("doctor", *where).stdout
    assert "unknown is not judged: nothing says when" in text
    assert "b2, the newest build, has no block, which the builds before it have" in text
    assert "unknown, the newest" not in text
    assert tracemill("top", "contention", *where).stdout.startswith("contention of b2:")


@pytest.mark.full
def test_a_profile_as_text_stands_for_its_protobuf(tmp_path: Path) -> None:
    samples = Path(__file__).parent / "samples"
    for build, profile in (("b1", "pprof/go1.27/mutex.pb.gz"), ("b2", "legacy_profile/go1.27/mutex.txt")):
        run = tmp_path / "artifacts" / build / "1"
        run.mkdir(parents=True)
        shutil.copy(samples / profile, run)
        at = f"2026-01-0{build[1]}T00:00:00Z"
        (run.parent / "build.json").write_text(json.dumps({"committed_at": at}))
    where = ("--warehouse", tmp_path / "w")
    tracemill("run", tmp_path / "artifacts", *where)
    assert "has no" not in tracemill("doctor", *where).stdout
