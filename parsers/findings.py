"""Static findings: go vet -json (Go 1.21 to 1.27), and SARIF 2.1.0 of any analyzer.

Emits ``static_findings``, which join by file and line with what the place costs at run time.
Specifications: golang.org/x/tools/go/analysis/internal/analysisflags (JSONTree), and OASIS
SARIF 2.1.0.

Quirks: go vet writes one JSON object a package, after lines that begin with ``#``; up to Go
1.24 to standard error. An analyzer that failed stands there as ``{"error": …}``: an issue.
A SARIF result may have several locations, of which the first is taken, or none. Files stand
as the tool has them: absolute for vet, mostly relative to the repository in SARIF. Rows repeat names and
messages that stand in a log once: a log that would come to many times its size is refused.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, TypeGuard
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
_ARGUMENT = re.compile(r"\{(\d{1,3})\}")
_POSITION = re.compile(r"(.*?):(\d{1,18})(?::(\d{1,18}))?$")
# A message with its arguments put in; the texts of all rows, or this many times the log's size.
MAX_MESSAGE_CHARS = 100_000
FREE_CHARS, MAX_RATIO = 64 * 1024**2, 8
# Issues that are kept; what follows is counted.
MAX_ISSUES, MAX_FACT = 1000, 300


class _Rows:
    """Findings so far, under a cap on the texts in them."""

    def __init__(self, path: str, max_chars: int) -> None:
        self.rows: list[dict[str, object]] = []
        self._path = path
        self._left = max_chars

    def add(self, row: dict[str, object]) -> None:
        """Add a finding. Raises ParseError beyond the cap."""
        self._left -= sum(len(value) for value in row.values() if isinstance(value, str))
        if self._left < 0:
            fact = "names and messages that are repeated come to many times the size of the file"
            raise ParseError(self._path, f"finding {len(self.rows)}", fact)
        self.rows.append({"finding_index": len(self.rows)} | row)


def sniff(head: bytes) -> bool:
    """Whether head begins a SARIF log or the JSON of go vet."""
    return _SARIF.match(head) is not None or _VET.match(head) is not None


def parse(source: Source, _options: Options) -> Iterator[Item]:
    """The findings; an issue for each that can't be read. Raises ParseError for broken JSON."""
    import pyarrow as pa

    from tracemill.warehouse.schema import TABLES

    content = source.read()
    found = _Rows(source.path, max(FREE_CHARS, MAX_RATIO * len(content)))
    issues: list[Issue] = []
    try:
        if _SARIF.match(content[:65536]):
            kind = "sarif"
            _read_sarif(json.loads(content), found, issues)
        else:
            kind = "vet"
            _read_vet(content.decode("utf-8", "replace"), found, issues)
    except json.JSONDecodeError as error:
        raise ParseError(source.path, f"line {error.lineno}", f"broken JSON: {error.msg}") from error
    except RecursionError as error:
        raise ParseError(source.path, "", "JSON that is nested too deep") from error
    except (AttributeError, TypeError, KeyError, ValueError) as error:
        raise ParseError(
            source.path, f"finding {len(found.rows)}", f"not of the announced shape: {error}"
        ) from error
    yield Facts(kind=kind)
    yield from issues[:MAX_ISSUES]
    if len(issues) > MAX_ISSUES:
        yield Issue("data_loss", "input", "", f"{len(issues) - MAX_ISSUES} more issues like these")
    schema = TABLES["static_findings"].arrow_schema()
    yield Batch("static_findings", pa.RecordBatch.from_pylist(found.rows, schema))


def _read_vet(text: str, rows: _Rows, issues: list[Issue]) -> None:
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
                for finding in found:
                    rows.add(_vet_row(package, analyzer, finding))
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


def _read_sarif(log: dict[str, Any], rows: _Rows, issues: list[Issue]) -> None:
    for number, run in enumerate(log.get("runs") or []):
        tool = _Tool(run["tool"], run.get("artifacts") or [])
        for index, result in enumerate(run.get("results") or []):
            try:
                rows.add(_sarif_row(tool, result))
            except (AttributeError, TypeError, KeyError, ValueError, IndexError) as error:
                fact = f"not a SARIF result: {type(error).__name__}: {error}"
                issues.append(Issue("data_loss", "input", f"run {number}, result {index}", fact[:MAX_FACT]))


class _Tool:
    """A run's analyzer: its own rules and those of its extensions, by place and by id; its files by place."""

    def __init__(self, tool: dict[str, Any], artifacts: list[dict[str, Any]]) -> None:
        driver = tool["driver"]
        self.name = str(driver.get("name"))
        self.files = [(each.get("location") or {}).get("uri") for each in artifacts]
        self._rules = driver.get("rules") or []
        self._extensions = [each.get("rules") or [] for each in tool.get("extensions") or []]
        # The first of a name wins, the tool's own before an extension's.
        self._by_id: dict[object, dict[str, Any]] = {}
        for rule in [*self._rules, *(rule for rules in self._extensions for rule in rules)]:
            self._by_id.setdefault(rule.get("id"), rule)

    def rule_of(self, result: dict[str, Any]) -> dict[str, Any]:
        """The rule that a result refers to; empty where it is not described. Source: SARIF 2.1.0, 3.27.7."""
        reference = result.get("rule") or {}
        component = (reference.get("toolComponent") or {}).get("index")
        rules = self._extensions[component] if _is_index(component, self._extensions) else self._rules
        name = result.get("ruleId") or reference.get("id")
        for place in (reference.get("index"), result.get("ruleIndex")):
            # A place that leads to another rule than the name says is a slip of the tool.
            if _is_index(place, rules) and (name is None or _is_same(rules[place].get("id"), name)):
                found: dict[str, Any] = rules[place]
                return found
        return self._by_id.get(name, {})


def _is_index(place: object, rows: list[Any]) -> TypeGuard[int]:
    return isinstance(place, int) and 0 <= place < len(rows)


def _is_same(rule: object, name: object) -> bool:
    """Whether a name is the rule's, or of a part of it: CA1000/1."""
    return str(name) == str(rule) or str(name).startswith(f"{rule}/")


def _sarif_row(tool: _Tool, result: dict[str, Any]) -> dict[str, object]:
    rule = result.get("ruleId") or (result.get("rule") or {}).get("id")
    described = tool.rule_of(result)
    rule = described.get("id") if rule is None else rule
    locations = result.get("locations") or [{}]
    physical = locations[0].get("physicalLocation") or {}
    region = physical.get("region") or {}
    artifact = physical.get("artifactLocation") or {}
    uri = artifact.get("uri")
    if uri is None and _is_index(artifact.get("index"), tool.files):
        uri = tool.files[artifact["index"]]
    message = result["message"]
    return {
        "tool": tool.name,
        "rule": None if rule is None else str(rule),
        "level": _sarif_level(described, result),
        "message": _sarif_message(message, described),
        "file": _file_of(uri) if uri else None,
        "line": _number(region.get("startLine")),
        "column": _number(region.get("startColumn")),
        "is_suppressed": _is_suppressed(result),
    }


def _is_suppressed(result: dict[str, Any]) -> bool:
    """Whether a suppression holds: one that is under review or rejected does not. Source: 3.27.23, 3.35.3."""
    given = result.get("suppressions") or []
    return any(each.get("status", "accepted") == "accepted" for each in given)


def _sarif_message(message: dict[str, Any], rule: dict[str, Any]) -> str:
    """The message's text, or the rule's by its id, with arguments put in. Source: 3.11.

    Raises ValueError for one that comes to more than MAX_MESSAGE_CHARS.
    """
    known = (rule.get("messageStrings") or {}).get(message.get("id")) or {}
    text = str(message.get("text") or message.get("markdown") or known.get("text") or message.get("id"))
    arguments = [str(each) for each in message.get("arguments") or []]
    parts, chars, at = [], len(text), 0
    for place in _ARGUMENT.finditer(text):
        number = int(place[1])
        value = arguments[number] if number < len(arguments) else place[0]
        parts += [text[at : place.start()], value]
        chars += len(value)
        at = place.end()
        if chars > MAX_MESSAGE_CHARS:
            break
    if chars > MAX_MESSAGE_CHARS:
        raise ValueError(f"a message of more than {MAX_MESSAGE_CHARS:,} characters")
    return "".join([*parts, text[at:]])


def _file_of(uri: str) -> str:
    """A path out of a URI: file:///C:/a.go is C:/a.go, file:///a.go is /a.go."""
    path = unquote(uri.removeprefix("file://"))
    return path[1:] if re.match(r"/[A-Za-z]:/", path) else path


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
