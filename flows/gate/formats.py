"""A judgement for people and machines: text, Markdown, JSON, SARIF 2.1.0, GitHub annotations."""

from __future__ import annotations

import itertools
import json
import re
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from tracemill.flows.gate.comparability import CONDITIONS
from tracemill.flows.gate.judgement import OPEN, PASSED
from tracemill.flows.show.tables import format_table, plain
from tracemill.flows.show.terminal import visible
from tracemill.flows.show.verdict_table import amount

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from tracemill.flows.gate.judgement import Finding, Judgement

HEADINGS = ("verdict", "function", "metric", "before → after", "change", "where")
JSON_VERSION = 1
SARIF_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
# Code scanning refuses a log whole for one result without a file; benchmarks have none.
PLACE_OF_THE_PLACELESS = "go.mod"
# Before these Markdown takes a backslash (CommonMark, "Backslash escapes").
_MARKUP = re.compile(r"([\\`*_{}\[\]<>#|~&$!])")
# GitHub takes a comment of 65,536 characters; ours has four sections.
MARKDOWN_SECTION = 15_000
MARKS = {0: "✅", 1: "❌", 2: "❔"}


def as_table(judgement: Judgement) -> str:
    """For a terminal: the verdicts, then in words what was judged."""
    shown = _shown(judgement)
    table = format_table(HEADINGS, [_row(f) for f in shown]) + "\n" if shown else ""
    lines = [headline(judgement), *("  " + sentence for sentence in sentences(judgement))]
    return table + "".join(visible(line) + "\n" for line in lines)


def headline(judgement: Judgement) -> str:
    """The verdict in one line."""
    said = [_count(len(judgement.regressed), "regression")] if judgement.regressed else []
    said += [f"{len(judgement.open)} open from earlier builds"] if judgement.open else []
    return f"{judgement.candidate} {judgement.word}" + (f": {', '.join(said)}" if said else "")


def sentences(judgement: Judgement) -> list[str]:
    """What was judged, what not, and why."""
    return [
        *(f"could not judge: {doubt}" for doubt in judgement.doubts),
        *judged_and_not(judgement),
        *(
            f"accepted by {f.accepted_by}: {f.metric} of {f.subject}: {f.accepted_reason}"
            for f in judgement.accepted
        ),
    ]


def judged_and_not(judgement: Judgement) -> list[str]:
    """How much was judged against what, and what was not."""
    builds = judgement.baseline
    listed = ", ".join(builds) if judgement.is_baseline_chosen or len(builds) < 3 else ""
    named = listed or f"{builds[0]} to {builds[-1]}" if builds else ""
    said = [
        f"judged {_count(sum(judgement.judged.values()), 'series', 'series')} of "
        f"{_count(len(judgement.judged), 'metric')} against "
        + (f"{_count(len(builds), 'build')}: {named}" if builds else "nothing: there is no build before")
    ]
    if judgement.across:
        said.append("compared across " + ", ".join(CONDITIONS[name] for name in judgement.across))
    if judgement.judged:
        said.append("judged: " + ", ".join(f"{m} ({n})" for m, n in judgement.judged.items()))
    said += [f"may have got worse: {hint}" for hint in judgement.hints]
    return said + [f"not judged: {u.series_count} of {u.metric}, {u.why}" for u in judgement.unjudged]


def _count(number: int, one: str, many: str | None = None) -> str:
    return f"{number} {one if number == 1 else many or one + 's'}"


def _shown(judgement: Judgement) -> list[Finding]:
    """What a person should see: all but what merely moved."""
    return [f for f in judgement.findings if f.status != "moved"]


def _row(finding: Finding) -> list[str]:
    return [
        "accepted" if finding.accepted_by else finding.status + _since(finding),
        finding.function or finding.subject,
        finding.metric,
        f"{amount(finding.before, finding.unit)} → {amount(finding.after, finding.unit)}",
        change(finding),
        f"{_file(finding)}:{finding.line}" if finding.file else "",
    ]


def _since(finding: Finding) -> str:
    """Where it begins, if at an earlier build."""
    is_earlier = finding.status == OPEN or finding.first_build_id != finding.build_id
    return f" since {finding.first_build_id}" if is_earlier else ""


def change(finding: Finding) -> str:
    """How much, as a factor."""
    if not finding.change_ratio:
        return "new" if not finding.before else "gone"
    return f"×{finding.change_ratio:.3g}"


def _file(finding: Finding) -> str:
    """The file, from where the gate runs if it lies there."""
    path = Path(finding.file or "")
    here = Path.cwd()
    return path.relative_to(here).as_posix() if path.is_relative_to(here) else path.as_posix()


def as_json(judgement: Judgement) -> str:
    """One object, for machines; docs/exports.md has its schema."""
    found = [
        {**f._asdict(), "file": _file(f) if f.file else None, "is_accepted": f.accepted_by is not None}
        for f in judgement.findings
    ]
    whole = {
        "version": JSON_VERSION,
        "candidate": judgement.candidate,
        "commit": judgement.commit,
        "verdict": judgement.word,
        "exit_code": judgement.exit_code,
        "baseline": judgement.baseline,
        "judged": judgement.judged,
        "regressions": len(judgement.regressed),
        "open": len(judgement.open),
        "across": judgement.across,
        "doubts": judgement.doubts,
        "hints": judgement.hints,
        "unjudged": [u._asdict() for u in judgement.unjudged],
        "findings": found,
    }
    return json.dumps(plain(whole), indent=1, ensure_ascii=False) + "\n"


def as_markdown(judgement: Judgement) -> str:
    """For a pull request: the verdict and what regressed; the evidence is folded away."""
    parts = [f"### {MARKS[judgement.exit_code]} Tracemill: {_code(judgement.candidate)} {judgement.word}\n"]
    parts += _fitting([f"\n- could not judge: {_text(doubt)}" for doubt in judgement.doubts], "doubts")
    if judgement.doubts:
        parts.append("\n")
    if shown := _shown(judgement):
        cells = [[r[0], _code(r[1]), _code(r[2]), r[3], r[4], _code(r[5])] for r in map(_row, shown)]
        head, *rows = _pipe_table(HEADINGS, cells)
        parts += ["\n" + head, *_fitting(rows, "verdicts")]
    parts.append("\n<details><summary>Evidence</summary>\n")
    parts += _fitting(["\n" + _evidence(f) for f in shown], "verdicts")
    parts += _fitting([f"\n- {_text(sentence)}" for sentence in judged_and_not(judgement)], "sentences")
    parts.append("\n\n</details>\n")
    return "".join(parts)


def _fitting(parts: list[str], what: str) -> list[str]:
    """As many parts as a section has room for, and how many more there are."""
    lengths = itertools.accumulate(len(part) for part in parts)
    count = sum(length <= MARKDOWN_SECTION for length in lengths)
    more = [f"\n- {len(parts) - count} more {what}: --format json has them all\n"]
    return parts[:count] + (more if count < len(parts) else [])


def _evidence(finding: Finding) -> str:
    lines = [f"**{_code(finding.metric)} of {_code(finding.subject)}**", ""]
    lines += [f"- {_text(fact)}" for fact in facts(finding)]
    if finding.accepted_by:
        lines.append(f"- accepted by {_text(finding.accepted_by)}: {_text(finding.accepted_reason or '')}")
    if finding.query:
        lines.append(f"- the series: {_code(finding.query)}")
    return "\n".join(lines) + "\n"


def facts(finding: Finding) -> list[str]:
    """What the verdict rests on."""
    said = []
    if since := _since(finding):
        commit = f", commit {finding.commit}" if finding.commit else ""
        said.append(f"{finding.status}{since}{commit}; known from {finding.build_id} on")
    if finding.moved_from:
        said.append(f"was {finding.moved_from}")
    if finding.expected_interval:
        low, high = (amount(bound, finding.unit) for bound in finding.expected_interval)
        said.append(f"expected {low} to {high} (95 %)")
    if finding.q_value is not None:
        said.append(f"p = {finding.p_value:.1e}, q = {finding.q_value:.1e}")
    if finding.evidence:
        said.append(finding.evidence)
    if finding.call_path:
        said.append(f"called through {finding.call_path}")
    return said


def _pipe_table(names: Iterable[str], rows: Iterable[list[str]]) -> list[str]:
    """The head, then each row."""
    lines = ["| " + " | ".join(names) + " |\n|" + " --- |" * len(HEADINGS)]
    lines += ["| " + " | ".join(row) + " |" for row in rows]
    return [line + "\n" for line in lines]


def _code(text: str) -> str:
    """Text that no Markdown can be made of: in a code span, also where it stands in a table."""
    # A backslash before a pipe would take the pipe's own from it.
    apart = visible(text).replace("`", "'").replace("\\|", "\\\u200b|").replace("|", "\\|")
    return f"`{apart}`" if text else ""


def _text(text: str) -> str:
    """Text that stays text in Markdown: no markup, no HTML, no mention of anybody."""
    return _MARKUP.sub(r"\\\1", visible(text)).replace("@", "@\u200b")


def as_sarif(judgement: Judgement) -> str:
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
    uri = _uri(_file(finding)) if finding.file else PLACE_OF_THE_PLACELESS
    place: dict[str, object] = {"artifactLocation": {"uri": uri}}
    if finding.file and finding.line and finding.line > 0:
        place["region"] = {"startLine": finding.line}
    location["physicalLocation"] = place
    result: dict[str, object] = {
        "ruleId": f"regressed/{finding.metric}",
        "level": "warning" if finding.status == OPEN else "error",
        "baselineState": "unchanged" if finding.status == OPEN else "new",
        "message": {"text": _message(finding)},
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
    from urllib.parse import quote

    return ("file://" if path.startswith("/") else "") + quote(path)


def _message(finding: Finding) -> str:
    before, after = amount(finding.before, finding.unit), amount(finding.after, finding.unit)
    said = "; ".join(facts(finding))
    what = f"{finding.metric} of {finding.subject}: {before} → {after}"
    return f"{what} ({change(finding)}) at {finding.first_build_id}; {said}"


def as_github(judgement: Judgement) -> str:
    """Workflow commands: errors for regressions and doubts, warnings for what is open, else notices."""
    lines = [_annotation("error", _message(f), f) for f in judgement.regressed]
    level = "error" if judgement.fails_on_open else "warning"
    lines += [_annotation(level, _message(f), f) for f in judgement.open]
    lines += [_annotation("error", f"could not judge: {doubt}") for doubt in judgement.doubts]
    for finding in judgement.accepted:
        text = f"accepted by {finding.accepted_by} ({finding.accepted_reason}): "
        lines.append(_annotation("notice", text + _message(finding), finding))
    if judgement.exit_code == PASSED:
        lines.append(_annotation("notice", "; ".join([headline(judgement), *sentences(judgement)])))
    return "".join(line + "\n" for line in lines)


def _annotation(level: str, message: str, finding: Finding | None = None) -> str:
    properties = {"title": f"Tracemill: {finding.metric}" if finding else "Tracemill"}
    if finding and finding.file:
        properties = {"file": _file(finding), "line": str(finding.line or 1), **properties}
    listed = ",".join(f"{name}={_property(value)}" for name, value in properties.items())
    return f"::{level} {listed}::{_data(message)}"


def _data(text: str) -> str:
    """Escaped as the runner reads it (actions/toolkit, command.ts)."""
    return "%0A".join(visible(line).replace("%", "%25") for line in text.split("\n"))


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")


WRITERS: dict[str, Callable[[Judgement], str]] = {
    "table": as_table,
    "json": as_json,
    "md": as_markdown,
    "sarif": as_sarif,
    "github": as_github,
}
