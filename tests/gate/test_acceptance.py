"""Accepted regressions fail no gate and stay in sight."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import duckdb
import pytest

from tracemill.flows.gate import acceptance
from tracemill.flows.gate.acceptance import Which, find_verdict
from tracemill.flows.gate.judgement import Finding, Judgement
from tracemill.flows.names import NoSuchNameError
from tracemill.flows.verbs.verdicts import _after_gate

from .common import ACCEPT, LOOKUP, TOP, tracemill


def test_an_open_regression_that_somebody_accepted_is_silent(demo: Path, tmp_path: Path) -> None:
    where = ("--warehouse", shutil.copytree(demo, tmp_path / "w"))
    assert tracemill(*ACCEPT, "--reason", "known", *where).exit_code == 0
    assert tracemill("gate", "--candidate", "b09", *where).stdout.count("open since b08") == 0


@pytest.mark.full
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
    assert "no build with an accepted regression 'b08'" in tracemill(*ACCEPT, "--undo", *where).stderr


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({2: "b008"}, "no build with a regression 'b008'; did you mean 'b08'?"),
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


def of_regressions(*rows: tuple[str, str, str, str]) -> duckdb.DuckDBPyConnection:
    """Regressions of the metric m: build, build where it begins, subject, function."""
    connection = duckdb.connect()
    connection.execute(
        "create table regressions (build_id text, first_build_id text, metric text, subject text, "
        "function text, status text, calling_function text)"
    )
    for build, first, subject, function in rows:
        connection.execute(
            "insert into regressions values ($1, $2, 'm', $3, $4, 'regressed', null)",
            [build, first, subject, function],
        )
    return connection


@pytest.mark.parametrize("named", ["go.yaml.in/yaml.v3.F", "go.yaml.in/yaml%2ev3.F"])
def test_a_function_of_a_package_with_dots_is_named_as_it_is_imported(named: str) -> None:
    escaped = "go.yaml.in/yaml%2ev3.F"
    with of_regressions(("b9", "b9", f"{escaped} (sync)", escaped)) as connection:
        for subject in (named, f"{named} (sync)"):
            assert find_verdict(connection, Which("b9", "m", subject)) == ("b9", f"{escaped} (sync)")
        with pytest.raises(NoSuchNameError, match=r"did you mean 'go.yaml.in/yaml.v3.F \(sync\)'"):
            find_verdict(connection, Which("b9", "m", f"{named} (syn)"))


def test_what_was_accepted_is_taken_back_by_the_words_that_accepted_it(
    demo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    where = shutil.copytree(demo, tmp_path / "w")
    subjects = [f"{LOOKUP} (sync)", f"{LOOKUP} (chan receive)"]
    verdicts = [acceptance._Acceptable("b08", "b07", "block_ns", s, LOOKUP) for s in subjects]
    monkeypatch.setattr(acceptance, "ask", lambda *_: verdicts)
    for subject in subjects:
        acceptance.accept(where, Which("b07", "block_ns", subject), "why", "Ann")
    with pytest.raises(NoSuchNameError, match="has several verdicts; name one of"):
        acceptance.withdraw(where, Which("b07", "block_ns", LOOKUP))
    assert acceptance.withdraw(where, Which("b07", "block_ns", subjects[0])).subject == subjects[0]
    assert acceptance.withdraw(where, Which("b07", "block_ns", LOOKUP)).subject == subjects[1]


def test_an_acceptance_needs_a_reason(demo: Path) -> None:
    for reason in ([], ["--reason", "  "]):
        found = tracemill(*ACCEPT, *reason, "--warehouse", demo)
        assert (found.exit_code, "why?" in found.stderr) == (2, True)


def test_what_to_accept_says_how_many_more_there_are() -> None:
    first = Finding(*[None] * len(Finding._fields))._replace(
        status="regressed", build_id="b8", metric="block_ns", subject="a.F", is_leak=False
    )
    judgement = Judgement("b8", None, (), False, {}, (first, first._replace(subject="a.G")), (), ())
    assert _after_gate(judgement, "") == (
        "tracemill show b8; mend them, or accept each of the 2, first tracemill accept --build b8 "
        '--metric block_ns --subject a.F --reason "…"'
    )
    alone = _after_gate(replace(judgement, findings=(first,)), "")
    assert alone.startswith("tracemill show b8; mend it, or tracemill accept --build b8 ")
    # An incident beside one build alone is in no mart that `show` reads.
    beside = replace(judgement, findings=(first,), baseline=("b7",), comparison=("two builds",))
    assert _after_gate(beside, "").startswith("mend it, or tracemill accept --build b8 ")
