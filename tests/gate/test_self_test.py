"""The gate's own test catches what it injects."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from tests.conftest import SAMPLES
from tracemill.flows.gate.self_test import Injected, SelfTest, as_text
from tracemill.warehouse import connect
from tracemill.warehouse.queries import text

from .common import branched, tracemill


@pytest.mark.full
def test_the_self_test_catches_what_it_injects_and_writes_nothing(demo: Path) -> None:
    before = {p: hashlib.sha256(p.read_bytes()).digest() for p in demo.iterdir() if p.is_file()}
    found = tracemill("gate", "--self-test", "--warehouse", demo)
    assert found.exit_code == 0, found.stdout
    assert "without an injection: no alarm" in found.stdout
    assert found.stdout.count("caught at") >= 5
    assert {p: hashlib.sha256(p.read_bytes()).digest() for p in demo.iterdir() if p.is_file()} == before


def test_the_self_test_fails_where_nothing_is_caught(demo: Path) -> None:
    assert SelfTest("b", (Injected("m", "s", None), Injected("m", "t", 2.0)), (), ()).exit_code == 1
    found = tracemill("gate", "--self-test", "--candidate", "b02", "--warehouse", demo)
    assert (found.exit_code, "too little data yet" in found.stdout) == (2, True)


@pytest.mark.full
def test_the_self_test_of_a_branch_catches_all(tmp_path: Path) -> None:
    tested = tracemill("gate", "--self-test", "--candidate", "branch", "--warehouse", branched(tmp_path))
    assert (tested.exit_code, "not caught" in tested.stdout) == (0, False), tested.stdout


@pytest.mark.full
def test_the_self_test_of_one_kind_of_capture_catches_all(tmp_path: Path) -> None:
    artifacts = SAMPLES / "cases/goroutine-profiles-only/artifacts"
    tracemill("run", artifacts, "--warehouse", tmp_path / "w")
    tested = tracemill("gate", "--self-test", "--candidate", "b06", "--warehouse", tmp_path / "w")
    assert (tested.exit_code, "caught at" in tested.stdout) == (0, True), tested.stdout
    assert "self-test: " in tested.stderr


def test_the_self_test_names_each_judged_metric_or_says_that_it_was_not_tried(demo: Path) -> None:
    with connect(demo) as connection:
        found = dict(connection.execute(text("gate/self_test_targets"), {"build_id": "b13"}).fetchall())
        judged = connection.execute(
            "select distinct metric from regression_history where build_id = 'b13' and p_value is not null"
        ).fetchall()
    assert found.keys() == {metric for (metric,) in judged}
    assert (found["block_ns"], found["binary_bytes"]) == (None, "program")
    said = as_text(SelfTest("b13", (Injected("m", "s", 2.0),), (), ("block_ns", "mutex_delay_ns")))
    assert "not tried: block_ns, mutex_delay_ns: no series is steady enough" in said
