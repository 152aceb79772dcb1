"""Static findings: go vet -json (Go 1.21 to 1.27), and SARIF 2.1.0 of any analyzer.

Emits ``static_findings``, which join by file and line with what the place costs at run time.
Specifications: golang.org/x/tools/go/analysis/internal/analysisflags (JSONTree), and OASIS
SARIF 2.1.0.

Quirks: go vet writes one JSON object a package, after lines that begin with ``#``; up to Go
1.24 to standard error. An analyzer that failed stands there as ``{"error": …}``: an issue.
A SARIF result may have several locations, of which the first is taken, or none. Files stand
as the tool has them: absolute for vet, mostly relative to the repository in SARIF.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from tracemill.parsers.api import Batch, Facts, Issue, ParseError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tracemill.parsers.api import Item, Options
    from tracemill.parsers.unwrap.source import Source

NAME = "findings"

_SARIF = re.compile(rb'\A\s*\{.*?"(?:version"\s*:\s*"2\.1\.0"|\$schema"\s*:\s*"[^"]*sarif)', re.DOTALL)
_VET = re.compile(
    rb'\A(?:#[^\n]*\n|\{\}\s*)*\{\s*"[^"\n]+": \{\s*"\w+": (?:\[\s*\{\s*"posn"|\{\s*"error")'
    # Nothing was found in the first package.
    rb"|\A(?:#[^\n]*\n)+\{\}"
)
_POSITION = re.compile(r"(.*?):(\d{1,18})(?::(\d{1,18}))?$")
Rows = list[dict[str, object]]


def sniff(head: bytes) -> bool:
    """Whether head begins a SARIF log or the JSON of go vet."""
    return _SARIF.match(head) is not None or _VET.match(head) is not None


def parse(source: Source, _options: Options) -> Iterator[Item]:
    """The findings; an issue for each that can't be read. Raises ParseError for broken JSON."""
    import pyarrow as pa

    from tracemill.warehouse.schema import TABLES

    content = source.read()
    rows: Rows = []
    issues: list[Issue] = []
    try:
        if _SARIF.match(content[:65536]):
            kind = "sarif"
            _read_sarif(json.loads(content), rows, issues)
        else:
            kind = "vet"
            _read_vet(content.decode("utf-8", "replace"), rows, issues)
    except json.JSONDecodeError as error:
        raise ParseError(source.path, f"line {error.lineno}", f"broken JSON: {error.msg}") from error
    except RecursionError as error:
        raise ParseError(source.path, "", "JSON that is nested too deep") from error
    except (AttributeError, TypeError, KeyError, ValueError) as error:
        raise ParseError(
            source.path, f"finding {len(rows)}", f"not of the announced shape: {error}"
        ) from error
    yield Facts(kind=kind)
    yield from issues
    numbered = [{"finding_index": i} | row for i, row in enumerate(rows)]
    yield Batch(
        "static_findings", pa.RecordBatch.from_pylist(numbered, TABLES["static_findings"].arrow_schema())
    )


def _read_vet(text: str, rows: Rows, issues: list[Issue]) -> None:
    """Objects of package → analyzer → findings, one after the other."""
    # Comment lines become empty ones, so that line numbers in errors stay right.
    text = re.sub(r"^#.*$", "", text, flags=re.MULTILINE)
    decoder = json.JSONDecoder()
    at = len(text) - len(text.lstrip())
    while at < len(text):
        packages, at = decoder.raw_decode(text, at)
        for package, analyzers in packages.items():
            for analyzer, found in analyzers.items():
                if isinstance(found, dict):
                    fact = f"{analyzer} failed: {found.get('error', found)}"
                    issues.append(Issue("error", "input", package, fact))
                    continue
                rows += [_vet_row(package, analyzer, finding) for finding in found]
        at += len(text[at:]) - len(text[at:].lstrip())


def _vet_row(package: str, analyzer: str, finding: dict[str, Any]) -> dict[str, object]:
    place = _POSITION.match(finding.get("posn", ""))
    return {
        "tool": "vet",
        "rule": analyzer,
        "level": "warning",
        "message": str(finding["message"]),
        "package": package.split(" ")[0],
        "file": place[1] if place else None,
        "line": int(place[2]) if place else None,
        "column": int(place[3]) if place and place[3] else None,
        "is_suppressed": False,
    }


def _read_sarif(log: dict[str, Any], rows: Rows, issues: list[Issue]) -> None:
    for number, run in enumerate(log.get("runs") or []):
        driver = run["tool"]["driver"]
        rules = driver.get("rules") or []
        for index, result in enumerate(run.get("results") or []):
            try:
                rows.append(_sarif_row(str(driver.get("name")), rules, result))
            except (AttributeError, TypeError, KeyError, ValueError, IndexError) as error:
                fact = f"not a SARIF result: {type(error).__name__}: {error}"
                issues.append(Issue("data_loss", "input", f"run {number}, result {index}", fact))


def _sarif_row(tool: str, rules: list[dict[str, Any]], result: dict[str, Any]) -> dict[str, object]:
    rule = result.get("ruleId") or (result.get("rule") or {}).get("id")
    if result.get("ruleIndex", -1) >= 0:
        described = rules[result["ruleIndex"]]
    else:
        described = next((each for each in rules if each.get("id") == rule), {})
    rule = described.get("id") if rule is None else rule
    locations = result.get("locations") or [{}]
    physical = locations[0].get("physicalLocation") or {}
    region = physical.get("region") or {}
    uri = (physical.get("artifactLocation") or {}).get("uri")
    message = result["message"]
    return {
        "tool": tool,
        "rule": None if rule is None else str(rule),
        "level": _sarif_level(described, result),
        "message": str(message.get("text") or message.get("markdown") or message.get("id")),
        "file": unquote(uri.removeprefix("file://")) if uri else None,
        "line": _number(region.get("startLine")),
        "column": _number(region.get("startColumn")),
        "is_suppressed": bool(result.get("suppressions")),
    }


def _sarif_level(rule: dict[str, Any], result: dict[str, Any]) -> str:
    """The result's level, or its rule's; what is no failure has none. Source: SARIF 2.1.0, 3.27.10."""
    if result.get("kind", "fail") != "fail":
        return "none"
    default = (rule.get("defaultConfiguration") or {}).get("level")
    return str(result.get("level") or default or "warning")


def _number(value: object) -> int | None:
    """A line or column. Raises ValueError for one that is none."""
    if value is None:
        return None
    if not isinstance(value, int) or not 0 <= value < 2**63:
        raise ValueError(f"{value!r} is no line or column")
    return value
