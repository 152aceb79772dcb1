"""A flame graph of two builds: its width is what the costlier of the two took, its colour the change.

Only where frames lie, in shares of the whole width; templates/flame.svg draws them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from tracemill.flows.show.card_wording import short_name
from tracemill.flows.show.units import amount

if TYPE_CHECKING:
    from collections.abc import Iterable

# Frames narrower than this share are left out: nobody could read or hit them.
LEAST_SHARE = 0.004
# At most so many, the widest.
MAX_FRAMES = 250
MAX_DEPTH = 60
LONGEST_TITLE = 600
ROW_HEIGHT = 19
# From these shares of a frame on a change is coloured, the further the stronger.
_STRONG, _CLEAR, _SLIGHT = 0.6, 0.25, 0.03


class StackRow(NamedTuple):
    """One call path, leaf first, with what it cost a unit of work in both builds."""

    functions: list[str] | None
    files: list[str] | None
    lines: list[int] | None
    function: str | None
    wait_reason: str
    is_contention: bool
    per: str | None
    before: float
    after: float


class Frame(NamedTuple):
    """One frame: left and width in percent, and what is said of it."""

    left: float
    width: float
    depth: int
    label: str
    title: str
    shade: str


@dataclass(frozen=True, slots=True)
class Flame:
    """What templates/flame.svg draws."""

    frames: list[Frame]
    height: int
    row_height: int = ROW_HEIGHT


@dataclass(slots=True)
class _Node:
    name: str
    before: float = 0.0
    after: float = 0.0
    width: float = 0.0
    place: str = ""
    children: dict[str, _Node] = field(default_factory=dict)


def flame(rows: Iterable[StackRow], root: str, unit: str, builds: tuple[str, str]) -> Flame:
    """The frames of the paths, widest first. unit: of a path's figures."""
    top = _Node(root)
    for row in rows:
        _add(top, row)
    frames: list[Frame] = []
    if top.width:
        _lay_out(top, 0.0, 100.0 / top.width, 0, _Words(unit, builds), frames)
    if len(frames) > MAX_FRAMES:
        least = sorted((f.width for f in frames), reverse=True)[MAX_FRAMES - 1]
        frames = [f for f in frames if f.width >= least][:MAX_FRAMES]
    depth = max((f.depth for f in frames), default=-1) + 1
    return Flame(frames, depth * ROW_HEIGHT)


def _add(top: _Node, row: StackRow) -> None:
    names = row.functions or ["(many smaller call paths)"]
    files, lines = row.files or [], row.lines or []
    node, width = top, max(row.before, row.after)
    for place in (None, *range(len(names) - 1, -1, -1)):
        if place is not None:
            node = node.children.setdefault(names[place], _Node(names[place]))
            if not node.place and place < len(files) and files[place]:
                node.place = f"{files[place]}:{lines[place]}"
        node.before += row.before
        node.after += row.after
        node.width += width


class _Words(NamedTuple):
    unit: str
    builds: tuple[str, str]

    def title(self, node: _Node) -> str:
        """All that is known of a frame, a line each."""
        before, after = (amount(v, self.unit) for v in (node.before, node.after))
        figures = f"{self.builds[0]}: {before}, {self.builds[1]}: {after}"
        parts = (node.name[:LONGEST_TITLE], node.place[:LONGEST_TITLE], figures)
        return "\n".join(part for part in parts if part)

    def label(self, node: _Node) -> str:
        """The name, and by how much it changed."""
        change = node.after - node.before
        name = short_name(node.name)
        if abs(change) < _SLIGHT * node.width:
            return name
        return f"{name} {'+' if change > 0 else '−'}{amount(abs(change), self.unit.partition('/')[0])}"


def _lay_out(node: _Node, left: float, scale: float, depth: int, words: _Words, out: list[Frame]) -> None:
    width = node.width * scale
    out.append(Frame(left, width, depth, words.label(node), words.title(node), _shade(node)))
    if depth >= MAX_DEPTH:
        return
    for child in sorted(node.children.values(), key=lambda n: (-n.width, n.name)):
        if child.width * scale >= 100 * LEAST_SHARE:
            _lay_out(child, left, scale, depth + 1, words, out)
        left += child.width * scale


def _shade(node: _Node) -> str:
    share = (node.after - node.before) / node.width
    for number, least in ((3, _STRONG), (2, _CLEAR), (1, _SLIGHT)):
        if abs(share) >= least:
            return f"{'more' if share > 0 else 'less'}{number}"
    return "same"
