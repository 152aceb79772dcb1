"""For a terminal: the verdicts, then in words what was judged."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tracemill.flows.gate.wording import HEADINGS, headline, row, sentences, shown
from tracemill.flows.show.tables import format_table
from tracemill.flows.show.terminal import visible

if TYPE_CHECKING:
    from tracemill.flows.gate.judgement import Judgement


def write(judgement: Judgement) -> str:
    """The verdicts, then in words what was judged."""
    found = shown(judgement)
    table = format_table(HEADINGS, [row(f) for f in found]) + "\n" if found else ""
    lines = [headline(judgement), *("  " + sentence for sentence in sentences(judgement))]
    return table + "".join(visible(line) + "\n" for line in lines)
