"""Logs that we write, and those that our reader is tested on, are as SARIF 2.1.0 asks."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.gate.test_formats import a_judgement
from tests.sarif_shape import faults
from tracemill.flows.gate.formats import write

LOGS = sorted((Path(__file__).parent / "samples/findings").glob("sarif*/*.sarif"))


@pytest.mark.parametrize(
    "columns",
    [
        {},
        {"accepted_by": "Ann", "accepted_reason": "safer"},
        {"status": "open"},
        {"file": None, "line": None},
    ],
    ids=["regressed", "accepted", "open", "placeless"],
)
def test_what_the_gate_writes_is_sarif(columns):
    assert faults(json.loads(write(a_judgement(**columns), "sarif"))) == []


@pytest.mark.parametrize("log", LOGS, ids=lambda path: path.name)
def test_what_the_reader_is_tested_on_is_sarif(log):
    assert faults(json.loads(log.read_text())) == []


@pytest.mark.parametrize(
    ("harm", "fault"),
    [
        (lambda run: run.pop("tool"), "log.runs[0]: lacks tool"),
        (lambda run: run["results"][0].pop("message"), "log.runs[0].results[0]: lacks message"),
        (
            lambda run: run["results"][0].update(level="bad"),
            "log.runs[0].results[0].level: 'bad' is none of ['error', 'none', 'note', 'warning']",
        ),
        (lambda run: run.update(result=[]), "log.runs[0]: has no property result"),
    ],
    ids=["no tool", "no message", "other level", "other name"],
)
def test_what_is_no_sarif_is_found(harm, fault):
    log = json.loads(write(a_judgement(), "sarif"))
    harm(log["runs"][0])
    assert faults(log) == [fault]
