"""SARIF 2.1.0 (OASIS), for code scanning."""

from __future__ import annotations

import json
from importlib.metadata import version
from typing import TYPE_CHECKING
from urllib.parse import quote

from tracemill.flows.gate.judgement import OPEN
from tracemill.flows.gate.wording import message, place
from tracemill.flows.show.tables import plain

if TYPE_CHECKING:
    from tracemill.flows.gate.judgement import Finding, Judgement

SARIF_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
# Code scanning refuses a log whole for one result without a file; benchmarks have none.
PLACE_OF_THE_PLACELESS = "go.mod"


def write(judgement: Judgement) -> str:
    """SARIF 2.1.0 (OASIS): a result for each regression; what could not be judged as notifications.

    What is open stays a result, under the fingerprint it had: else code scanning takes it for fixed.
    """
    found = [f for f in judgement.findings if f.status in {"regressed", OPEN}]
    run = {
        "tool": {
            "driver": {
                "name": "Tracemill",
                "version": version("tracemill"),
                "rules": [_rule(metric) for metric in sorted({f.metric for f in found})],
            }
        },
        "invocations": [
            {
                "executionSuccessful": not judgement.doubts,
                "exitCode": judgement.exit_code,
                "toolExecutionNotifications": [
                    {"level": "error", "message": {"text": doubt}} for doubt in judgement.doubts
                ],
            }
        ],
        "results": [_result(f) for f in found],
        "columnKind": "unicodeCodePoints",
    }
    whole = {"$schema": SARIF_SCHEMA, "version": "2.1.0", "runs": [run]}
    return json.dumps(plain(whole), indent=1, ensure_ascii=False) + "\n"


def _rule(metric: str) -> dict[str, object]:
    return {
        "id": f"regressed/{metric}",
        "shortDescription": {"text": f"{metric} changed for the worse"},
        "defaultConfiguration": {"level": "error"},
    }


def _result(finding: Finding) -> dict[str, object]:
    location: dict[str, object] = {
        "logicalLocations": [{"fullyQualifiedName": finding.function or finding.subject}]
    }
    uri = _uri(place(finding)) if finding.file else PLACE_OF_THE_PLACELESS
    physical: dict[str, object] = {"artifactLocation": {"uri": uri}}
    if finding.file and finding.line and finding.line > 0:
        physical["region"] = {"startLine": finding.line}
    location["physicalLocation"] = physical
    result: dict[str, object] = {
        "ruleId": f"regressed/{finding.metric}",
        "level": "warning" if finding.status == OPEN else "error",
        "baselineState": "unchanged" if finding.status == OPEN else "new",
        "message": {"text": message(finding)},
        "locations": [location],
        "partialFingerprints": {
            "tracemillChange/v1": f"{finding.build_id}/{finding.metric}/{finding.subject}"
        },
    }
    if finding.accepted_by:
        reason = f"{finding.accepted_by}: {finding.accepted_reason}"
        result["suppressions"] = [{"kind": "external", "status": "accepted", "justification": reason}]
    return result


def _uri(path: str) -> str:
    return ("file://" if path.startswith("/") else "") + quote(path)
