"""An incident on a terminal of 80 columns."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

from tracemill.flows.show.card_wording import commit, facts, short_name
from tracemill.flows.show.lanes import place_of
from tracemill.flows.show.lanes_terminal import as_text as lanes_as_text
from tracemill.flows.show.tables import format_table
from tracemill.flows.show.terminal import visible
from tracemill.flows.show.units import amount, amounts, base_and_per, factor
from tracemill.warehouse.schema.metrics import is_sampled

if TYPE_CHECKING:
    from tracemill.flows.show.card import Card

WIDTH = 80
# So many builds are drawn, those around the incident.
MAX_BUILDS = 20
MAX_MEMBERS = 8
MAX_PATH = 8


def as_text(card: Card, width: int = WIDTH, *, is_coloured: bool = False) -> str:
    """The card, section by section; what there is none of is left out, and said at the end."""
    sections = [
        _head(card, width),
        _bars(card, width),
        _holders(card, width),
        _lines(card, width),
        _changes(card, width),
        _members(card, width),
        _call_path(card, width),
        _notes(card, width),
    ]
    parts = ["\n".join(visible(line) for line in s) for s in sections if s]
    if card.lanes:
        parts.insert(-1, "\n".join(lanes_as_text(card.lanes, width, is_coloured=is_coloured)))
    return "\n\n".join(parts) + "\n"


def _head(card: Card, width: int) -> list[str]:
    said = facts(card.incident, card.runs_before)
    if card.incident.commit:
        said.append(f"commit {commit(card.incident)}")
    said += [card.also] if card.also else []
    lines = [*_wrapped(card.headline, width, ""), *_wrapped("; ".join(said), width, "  ")]
    notes = [note for note in (card.shared_cause, card.else_differs) if note]
    return [*lines, *(line for note in notes for line in _wrapped(note, width, "  "))]


def _wrapped(text: str, width: int, indent: str) -> list[str]:
    return textwrap.wrap(
        text, width, initial_indent=indent, subsequent_indent=indent or "  ", break_on_hyphens=False
    )


def _bars(card: Card, width: int) -> list[str]:
    points, incident = card.points, card.incident
    at = next((i for i, p in enumerate(points) if p.build_id == incident.seen_build_id), len(points) - 1)
    first = max(min(at - MAX_BUILDS // 2, len(points) - MAX_BUILDS), 0)
    shown = points[first : first + MAX_BUILDS]
    if len(shown) < 2:
        return []
    most = max(p.value for p in shown) or 1
    names = max(len(p.build_id[:16]) for p in shown)
    room = max(width - names - 24, 10)
    lines = [f"Over the builds, {incident.metric}" + (f" ({len(points) - len(shown)} more)" if first else "")]
    for point in shown:
        bar = "█" * round(room * max(point.value, 0) / most) or "▏"
        mark = "◀ here" if point.build_id == incident.seen_build_id else ""
        value = amount(point.value, (incident.unit or "").partition("/")[0])
        lines.append(f"  {point.build_id[:16]:<{names}}  {bar} {value} {mark}".rstrip())
    return lines


def _holders(card: Card, width: int) -> list[str]:
    if not card.holders:
        return []
    rows = []
    for holder in card.holders:
        place = place_of(holder.holder_file, holder.holder_line) or "unknown"
        time = (
            amount(holder.block_ns_per_unit, f"ns/{holder.per}" if holder.per else "ns")
            if holder.block_ns_per_unit is not None
            else amount(holder.block_ns, "ns")
        )
        name = _cut(short_name(holder.holder_function), width - 50)
        rows.append([place, f"{holder.block_count} waits", time, name])
    return ["Who makes them wait: the line at which the holder lets go", *_table(rows)]


def _lines(card: Card, width: int) -> list[str]:
    if not card.lines or not card.stacks or card.holders:
        return []
    before, after = card.stacks.builds
    rows = [
        [
            place_of(line.file, line.line),
            _cut(line.calls, width - 50),
            amounts(line.before, line.after, card.stacks.unit),
        ]
        for line in card.lines
    ]
    return [f"{card.lines_title}, {card.stacks.metric}, {before} → {after}", *_table(rows)]


def _changes(card: Card, width: int) -> list[str]:
    if not card.changes:
        return []
    incident = card.incident
    names = ("", incident.previous_build_id or "", incident.seen_build_id, "change")
    base, per = base_and_per(card.changes[0].unit)
    rows = [
        [
            _cut(short_name(c.subject), width - 40),
            *(amount(v, base) for v in (c.before, c.after)),
            ("+" if c.change >= 0 else "−") + amount(abs(c.change), base),
        ]
        for c in card.changes
    ]
    table = format_table(names, rows, width).splitlines()
    return [f"What changed most of {incident.metric}{per}", *(f"  {line}" for line in (table[0], *table[2:]))]


def _members(card: Card, width: int) -> list[str]:
    others = [m for m in card.members if not m.is_lead]
    if not others:
        return []
    rows = [
        [
            factor(m.change_ratio, m.before, is_sample=is_sampled(m.metric)),
            m.metric,
            _cut(short_name(m.subject), width - 36),
        ]
        for m in others[:MAX_MEMBERS]
    ]
    more = len(others) - MAX_MEMBERS
    return ["Seen by it too", *_table(rows), *([f"  and {more} more"] if more > 0 else [])]


def _call_path(card: Card, width: int) -> list[str]:
    path = card.call_path
    if not path:
        return []
    more = [f"  … {len(path) - MAX_PATH} more"] if len(path) > MAX_PATH else []
    return ["Its costliest call path", *(f"  {_cut(frame, width - 2)}" for frame in path[:MAX_PATH]), *more]


def _notes(card: Card, width: int) -> list[str]:
    lines = []
    if card.incident.exemplar_path:
        lines += _wrapped(f"seen best in {card.incident.exemplar_path}", width, "")
    lines += _wrapped(card.toolchain, width, "") if card.toolchain else []
    for text in card.missing:
        lines += _wrapped(f"missing: {text}", width, "")
    for text in card.may_be_worse:
        lines += _wrapped(f"may have got worse too: {text}", width, "")
    return lines


def _table(rows: list[list[str]]) -> list[str]:
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    return ["  " + "  ".join(c.ljust(w) for c, w in zip(row, widths, strict=True)).rstrip() for row in rows]


def _cut(text: str, width: int) -> str:
    """Cut on the left: the end of a name says most."""
    return text if len(text) <= max(width, 12) else "…" + text[-(max(width, 12) - 1) :]
