"""A series over the builds as a drawing: what was measured, what was expected, where it changed.

Only where things lie; templates/chart.svg draws them.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, floor, log2, log10
from typing import NamedTuple

from tracemill.flows.show.units import amount

WIDTH, HEIGHT = 760, 230
LEFT, RIGHT, TOP, BOTTOM = 78, 18, 36, 30
MAX_LABELS = 14
# With more builds the dots are drawn smaller.
MANY_BUILDS = 60


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


class Label(NamedTuple):
    """A value on the left, or a build below; place is y or x."""

    place: float
    text: str


class Band(NamedTuple):
    """What was expected of a build."""

    x: float
    y: float
    width: float
    height: float


class Line(NamedTuple):
    """Where a verdict begins: an upright line with its word beside it."""

    x: float
    y: float
    status: str
    text: str
    anchor: str
    shift: int


class Dot(NamedTuple):
    """A build's figure; text is shown by who points at it."""

    x: float
    y: float
    status: str
    text: str


@dataclass(frozen=True, slots=True)
class Chart:
    """What templates/chart.svg draws."""

    values: list[Label]
    builds: list[Label]
    bands: list[Band]
    lines: list[Line]
    dots: list[Dot]
    radius: int
    width: int = WIDTH
    height: int = HEIGHT
    left: int = LEFT
    right: int = WIDTH - RIGHT
    bottom: int = HEIGHT - BOTTOM


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


def chart(points: list[Point], marks: list[Mark], unit: str | None) -> Chart:
    """The drawing of a series with its verdicts."""
    frame = _Frame(len(points), 1.12 * max((p.value for p in points), default=1) or 1)
    every = -(-len(points) // MAX_LABELS)
    changed = {mark.index: mark.status for mark in marks}
    return Chart(
        values=_values(frame, unit),
        builds=[Label(frame.x(i), points[i].build_id[:12]) for i in range(0, len(points), every)],
        bands=[_band(frame, i, p.low, p.high) for i, p in enumerate(points) if p.low is not None],
        lines=[_line(frame, number, mark) for number, mark in enumerate(marks)],
        dots=[
            Dot(frame.x(i), frame.y(p.value), changed.get(i, ""), _tooltip(p, unit))
            for i, p in enumerate(points)
        ],
        radius=4 if len(points) <= MANY_BUILDS else 2,
    )


def _values(frame: _Frame, unit: str | None) -> list[Label]:
    base = (unit or "").partition("/")[0]
    step = _round_step(frame.ceiling / 4, is_binary=base in {"bytes", "B"})
    return [
        Label(frame.y(tick * step), amount(tick * step, base) if tick else "0")
        for tick in range(int(frame.ceiling / step) + 1)
    ]


def _band(frame: _Frame, index: int, low: float | None, high: float | None) -> Band:
    left, top, bottom = frame.x(index - 0.5), frame.y(high or 0), frame.y(low or 0)
    return Band(left, top, frame.x(index + 0.5) - left, max(bottom - top, 1))


def _line(frame: _Frame, number: int, mark: Mark) -> Line:
    y = 12 + 12 * (number % 2)  # labels of neighbours stay apart
    anchor, shift = ("end", -5) if mark.index > frame.count * 0.7 else ("start", 5)
    return Line(frame.x(mark.index - 0.5), y, mark.status, mark.text, anchor, shift)


def _tooltip(point: Point, unit: str | None) -> str:
    text = f"{point.build_id}: {amount(point.value, unit)}, median of {point.run_count} runs"
    if point.low is not None:
        text += f"; expected {amount(point.low, unit)} to {amount(point.high, unit)}"
    return text


def _round_step(least: float, *, is_binary: bool) -> float:
    """The next of 1, 2, 5 times a power of ten; of bytes, the next power of two."""
    if is_binary:
        return 2.0 ** ceil(log2(least))
    power = 10.0 ** floor(log10(least))
    return next(m * power for m in (1, 2, 5, 10) if m * power >= least)
