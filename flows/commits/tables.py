"""An answer of flows/commits/answer.py on the screen and in Markdown."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from tracemill.flows.show.card_wording import headline
from tracemill.flows.show.tables import format_table, markdown_table
from tracemill.flows.show.terminal import visible

if TYPE_CHECKING:
    from tracemill.flows.commits.answer import Answer
    from tracemill.flows.commits.ranking import Ranked

HEADINGS = ("", "commit", "score", "kind", "title", "why")
SHORT = 12
MAX_SHOWN = 10
MAX_REASONS = 3


def as_text(answer: Answer, most: int) -> str:
    """For a terminal."""
    lines = [headline(answer.incident), _range(answer)]
    if answer.sentence:
        lines.append(answer.sentence)
    text = "".join(f"{visible(line)}\n" for line in lines)
    if not answer.ranked:
        return text
    rows = [_row(place, r) for place, r in enumerate(answer.ranked[:most], 1)]
    more = len(answer.ranked) - most
    return text + "\n" + format_table(HEADINGS, rows) + (f"and {more} more (--all)\n" if more > 0 else "")


def as_markdown(answer: Answer, most: int) -> str:
    """For a comment."""
    rows = [_row(place, r) for place, r in enumerate(answer.ranked[:most], 1)]
    said = [_range(answer), answer.sentence]
    return "".join(f"{visible(s)}\n\n" for s in said if s) + (markdown_table(HEADINGS, rows) if rows else "")


def _range(answer: Answer) -> str:
    kinds = Counter(kind for r in answer.ranked for kind in r.kinds if kind in ("merge", "revert"))
    without = len(answer.ranked) - len(answer.with_code)
    parts = [f"{len(answer.ranked)} commit{'s' * (len(answer.ranked) != 1)}"]
    parts += [f"{count} {kind}{'s' * (count > 1)}" for kind, count in sorted(kinds.items())]
    parts += [f"{without} without code"] if without else []
    return (
        f"after {answer.good[:SHORT]} ({answer.good_build or 'good'}) up to {answer.bad[:SHORT]} "
        f"({answer.bad_build}): {', '.join(parts)}"
    )


def _row(place: int, r: Ranked) -> tuple[object, ...]:
    why = "; ".join(dict.fromkeys(e.text for e in r.evidence[:MAX_REASONS]))
    if r.is_undone:
        why = "undone within the range" + (f"; {why}" if why else "")
    return place, r.commit.commit[:SHORT], f"{r.score:.2f}", ", ".join(r.kinds), r.commit.title, why
