"""For a terminal: the verdicts, then in words what was judged."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tracemill.flows.gate.wording import HEADINGS, headline, row, sentences
from tracemill.flows.show.tables import format_table
from tracemill.flows.show.terminal import visible

if TYPE_CHECKING:
    from tracemill.flows.gate.judgement import Judgement


def write(judgement: Judgement) -> str:
    """The verdicts, then in words what was judged."""
    table = format_table(HEADINGS, list(map(row, judgement.findings))) + "\n" if judgement.findings else ""
    lines = [headline(judgement), *("  " + sentence for sentence in sentences(judgement))]
    return table + "".join(visible(line) + "\n" for line in lines)
