"""The gate's own test catches what it injects."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from tests.conftest import SAMPLES
from tracemill.flows.gate.self_test import Injected, SelfTest

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
    assert SelfTest("b", (Injected("m", "s", None), Injected("m", "t", 2.0)), ()).exit_code == 1
    found = tracemill("gate", "--self-test", "--candidate", "b02", "--warehouse", demo)
    assert (found.exit_code, "too little data yet" in found.stdout) == (2, True)


@pytest.mark.full
def test_the_self_test_of_a_branch_catches_all(tmp_path: Path) -> None:
    tested = tracemill("gate", "--self-test", "--candidate", "branch", "--warehouse", branched(tmp_path))
    assert (tested.exit_code, "not caught" in tested.stdout) == (0, False), tested.stdout


def test_the_self_test_of_one_kind_of_capture_catches_all(tmp_path: Path) -> None:
    artifacts = SAMPLES / "cases/goroutine-profiles-only/artifacts"
    tracemill("run", artifacts, "--warehouse", tmp_path / "w")
    tested = tracemill("gate", "--self-test", "--candidate", "b06", "--warehouse", tmp_path / "w")
    assert (tested.exit_code, "caught at" in tested.stdout) == (0, True), tested.stdout
