"""Markdown for a pull request: the verdict and what regressed; the evidence is folded away."""

from __future__ import annotations

import itertools
import re
from typing import TYPE_CHECKING

from tracemill.flows.gate.wording import HEADINGS, coverage, facts, rows
from tracemill.flows.show.terminal import visible

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tracemill.flows.gate.judgement import Finding, Judgement

# Before these Markdown takes a backslash (CommonMark, "Backslash escapes").
_MARKUP = re.compile(r"([\\`*_{}\[\]<>#|~&$!])")
# GitHub takes a comment of 65,536 characters; ours has four sections.
MARKDOWN_SECTION = 15_000
MARKS = {0: "✅", 1: "❌", 2: "❔"}


def write(judgement: Judgement) -> str:
    """For a pull request: the verdict and what regressed; the evidence is folded away."""
    parts = [f"### {MARKS[judgement.exit_code]} Tracemill: {_code(judgement.candidate)} {judgement.word}\n"]
    parts += _fitting([f"\n- could not judge: {_text(doubt)}" for doubt in judgement.doubts], "doubts")
    if judgement.doubts:
        parts.append("\n")
    if found := judgement.findings:
        cells = [[r[0], _code(r[1]), _code(r[2]), r[3], r[4], _code(r[5])] for r in rows(found)]
        head, *lines = _pipe_table(HEADINGS, cells)
        parts += ["\n" + head, *_fitting(lines, "verdicts")]
    parts.append("\n<details><summary>Evidence</summary>\n")
    parts += _fitting(["\n" + _evidence(f) for f in found], "verdicts")
    parts += _fitting([f"\n- {_text(sentence)}" for sentence in coverage(judgement)], "sentences")
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


def _pipe_table(names: Iterable[str], rows: Iterable[list[str]]) -> list[str]:
    """The head, then each row."""
    lines = ["| " + " | ".join(names) + " |\n|" + " --- |" * len(HEADINGS)]
    lines += ["| " + " | ".join(cells) + " |" for cells in rows]
    return [line + "\n" for line in lines]


def _code(text: str) -> str:
    """Text that no Markdown can be made of: in a code span, also where it stands in a table."""
    # A backslash before a pipe would take the pipe's own from it.
    apart = visible(text).replace("`", "'").replace("\\|", "\\\u200b|").replace("|", "\\|")
    return f"`{apart}`" if text else ""


def _text(text: str) -> str:
    """Text that stays text in Markdown: no markup, no HTML, no mention of anybody."""
    return _MARKUP.sub(r"\\\1", visible(text)).replace("@", "@\u200b")
