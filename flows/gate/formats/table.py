"""For a terminal: the verdicts, then in words what was judged."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from tracemill.flows.gate.wording import HEADINGS, headline, rows, sentences, with_it
from tracemill.flows.show.tables import format_table
from tracemill.flows.show.terminal import terminal_width, visible
from tracemill.flows.show.verdicts import common_package, fits

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tracemill.flows.gate.judgement import Finding, Judgement

# A function's own name, with its type arguments: no cut reaches it.
_LONGEST_NAME = 300
_LAST_NAME = re.compile(r"[^./\[\]]*(?:\[[^\[]*\])?$")


def write(judgement: Judgement) -> str:
    """The verdicts, then in words what was judged."""
    found = judgement.findings
    table = on_screen(found, terminal_width()) + "\n" if found else ""
    joint = [(finding, with_it(finding)) for finding in judgement.regressed]
    parts = [f"with {f.metric} of {f.function or f.subject}: {others}" for f, others in joint if others]
    lines = [headline(judgement), *("  " + sentence for sentence in [*parts, *sentences(judgement)])]
    return table + "".join(visible(line) + "\n" for line in lines)


def on_screen(found: Sequence[Finding], width: int | None) -> str:
    """The verdicts for a terminal of that width; None: for no terminal.

    Where they do not fit, what all functions have before their names is said once; then each verdict takes
    two lines, and functions are cut in front.
    """
    cells = rows(found)
    whole = format_table(HEADINGS, cells, None)
    if width is None or fits(whole, width):
        return whole
    prefix = common_package(
        [name for f in found for name in (f.function or f.subject, f.calling_function) if name]
    )
    for row in cells:
        row[1] = row[1].replace(prefix, "") if prefix else row[1]
    note = visible(f"functions of {prefix}") + "\n" if prefix else ""
    short = format_table(HEADINGS, cells, None)
    if fits(short, width):
        return note + short
    return note + "".join(line + "\n" for row in cells for line in _lines(row, width))


def _lines(row: list[str], width: int) -> list[str]:
    """The function; the metric with its amounts, which are never cut; the place where it fits."""
    status, subject, metric, change_of_amount, ratio, where = map(visible, row)
    lines = [
        f"{status}  {_cut(subject, width - len(status) - 2)}",
        f"    {metric} {ratio}: {change_of_amount}",
    ]
    if where and len(lines[-1]) + len(where) + 2 <= width:
        lines[-1] += f", {where}"
    elif where:
        lines.append(f"    {where}")
    return lines


def _cut(subject: str, room: int) -> str:
    """The subject in the room there is, its longest words cut in front, up to their last names."""
    words = subject.split(" ")
    least = [len(_LAST_NAME.findall(word[-_LONGEST_NAME:])[0]) + 1 for word in words]
    kept = [len(word) for word in words]
    while sum(kept) + len(words) - 1 > room:
        spare = [have - need for have, need in zip(kept, least, strict=True)]
        longest = max(range(len(words)), key=lambda i: (spare[i] > 0, kept[i]))
        if spare[longest] <= 0:
            break
        kept[longest] -= 1
    return " ".join(
        word if len(word) <= size else "…" + word[len(word) - size + 1 :]
        for word, size in zip(words, kept, strict=True)
    )
