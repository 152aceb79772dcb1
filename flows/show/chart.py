"""A series over the builds as inline SVG: what was measured, what was expected, where it changed."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from math import ceil, floor, log2, log10
from typing import NamedTuple

from tracemill.flows.show.terminal import visible
from tracemill.flows.show.verdict_table import amount

WIDTH, HEIGHT = 760, 230
LEFT, RIGHT, TOP, BOTTOM = 78, 18, 36, 30
MAX_LABELS = 14


class Point(NamedTuple):
    """One build of a series; low and high bound what was expected of it."""

    build_id: str
    value: float
    expected: float | None
    low: float | None
    high: float | None
    run_count: int


@dataclass(frozen=True, slots=True)
class Mark:
    """A verdict at the build of that index."""

    index: int
    status: str
    text: str


def text(value: object) -> str:
    """A value as HTML text: nothing of it is markup."""
    return escape(visible(str(value)))


@dataclass(frozen=True, slots=True)
class _Frame:
    """Where values lie in the drawing."""

    count: int
    ceiling: float

    def x(self, index: float) -> float:
        return LEFT + (index + 0.5) * (WIDTH - LEFT - RIGHT) / self.count

    def y(self, value: float) -> float:
        share = min(max(value, 0) / self.ceiling, 1)
        return TOP + (1 - share) * (HEIGHT - TOP - BOTTOM)


def chart(points: list[Point], marks: list[Mark], unit: str | None) -> str:
    """The drawing; it needs the style sheet of the page."""
    frame = _Frame(len(points), 1.12 * max((p.value for p in points), default=1) or 1)
    line = " ".join(f"{frame.x(i):.1f},{frame.y(p.value):.1f}" for i, p in enumerate(points))
    return (
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="Values by build">'
        f"{_scales(frame, points, unit)}{_bands(frame, points)}{_marks(frame, marks)}"
        f'<polyline class="line" points="{line}"/>{_dots(frame, points, marks, unit)}</svg>'
    )


def _scales(frame: _Frame, points: list[Point], unit: str | None) -> str:
    base = (unit or "").partition("/")[0]
    step = _round_step(frame.ceiling / 4, is_binary=base in {"bytes", "B"})
    parts = []
    for tick in range(int(frame.ceiling / step) + 1):
        place = f"{frame.y(tick * step):.1f}"
        parts.append(
            f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{place}" y2="{place}"/>'
            f'<text class="tick" x="{LEFT - 8}" y="{place}" dy=".32em" text-anchor="end">'
            f"{text(amount(tick * step, base) if tick else 0)}</text>"
        )
    every = -(-len(points) // MAX_LABELS)
    parts += [
        f'<text class="tick" x="{frame.x(i):.1f}" y="{HEIGHT - 10}" text-anchor="middle">'
        f"{text(points[i].build_id[:12])}</text>"
        for i in range(0, len(points), every)
    ]
    return "".join(parts)


def _bands(frame: _Frame, points: list[Point]) -> str:
    parts = []
    for i, p in enumerate(points):
        if p.low is not None and p.high is not None:
            left, high, low = frame.x(i - 0.5), frame.y(p.high), frame.y(p.low)
            parts.append(
                f'<rect class="band" x="{left:.1f}" width="{frame.x(i + 0.5) - left:.1f}" y="{high:.1f}" '
                f'height="{max(low - high, 1):.1f}"/>'
            )
    return "".join(parts)


def _marks(frame: _Frame, marks: list[Mark]) -> str:
    parts = []
    for number, mark in enumerate(marks):
        row = 12 + 12 * (number % 2)  # labels of neighbours stay apart
        place, kind = f"{frame.x(mark.index - 0.5):.1f}", text(mark.status)
        anchor, shift = ("end", -5) if mark.index > frame.count * 0.7 else ("start", 5)
        parts.append(
            f'<line class="mark {kind}" x1="{place}" x2="{place}" y1="{row - 8}" y2="{HEIGHT - BOTTOM}"/>'
            f'<text class="label {kind}" x="{place}" dx="{shift}" y="{row}" text-anchor="{anchor}">'
            f"{text(mark.text)}</text>"
        )
    return "".join(parts)


def _dots(frame: _Frame, points: list[Point], marks: list[Mark], unit: str | None) -> str:
    radius = 4 if len(points) <= 60 else 2
    changed = {mark.index: mark.status for mark in marks}
    return "".join(
        f'<circle class="dot {text(changed.get(i, ""))}" cx="{frame.x(i):.1f}" cy="{frame.y(p.value):.1f}" '
        f'r="{radius}"><title>{text(_tooltip(p, unit))}</title></circle>'
        for i, p in enumerate(points)
    )


def _tooltip(point: Point, unit: str | None) -> str:
    said = f"{point.build_id}: {amount(point.value, unit)}, median of {point.run_count} runs"
    if point.low is not None:
        said += f"; expected {amount(point.low, unit)} to {amount(point.high, unit)}"
    return said


def _round_step(least: float, *, is_binary: bool) -> float:
    """The next of 1, 2, 5 times a power of ten; of bytes, the next power of two."""
    if is_binary:
        return 2.0 ** ceil(log2(least))
    power = 10.0 ** floor(log10(least))
    return next(m * power for m in (1, 2, 5, 10) if m * power >= least)
