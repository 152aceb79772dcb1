"""GitHub's workflow commands: annotations on the lines that regressed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tracemill.flows.gate.judgement import PASSED
from tracemill.flows.gate.wording import headline, message, place, sentences
from tracemill.flows.show.terminal import visible

if TYPE_CHECKING:
    from tracemill.flows.gate.judgement import Finding, Judgement


def write(judgement: Judgement) -> str:
    """Workflow commands: errors for regressions and doubts, warnings for what is open, else notices."""
    lines = [_annotation("error", message(f), f) for f in judgement.regressed]
    level = "error" if judgement.fails_on_open else "warning"
    lines += [_annotation(level, message(f), f) for f in judgement.open]
    lines += [_annotation("error", f"could not judge: {doubt}") for doubt in judgement.doubts]
    for finding in judgement.accepted:
        text = f"accepted by {finding.accepted_by} ({finding.accepted_reason}): "
        lines.append(_annotation("notice", text + message(finding), finding))
    if judgement.exit_code == PASSED:
        lines.append(_annotation("notice", "; ".join([headline(judgement), *sentences(judgement)])))
    return "".join(line + "\n" for line in lines)


def _annotation(level: str, message: str, finding: Finding | None = None) -> str:
    properties = {"title": f"Tracemill: {finding.metric}" if finding else "Tracemill"}
    if finding and finding.file:
        properties = {"file": place(finding), "line": str(finding.line or 1), **properties}
    listed = ",".join(f"{name}={_property(value)}" for name, value in properties.items())
    return f"::{level} {listed}::{_data(message)}"


def _data(text: str) -> str:
    """Escaped as the runner reads it (actions/toolkit, command.ts)."""
    return "%0A".join(visible(line).replace("%", "%25") for line in text.split("\n"))


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
