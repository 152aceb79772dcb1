"""A series over the builds as a drawing: what was measured, what was expected, where it changed.

Only where things lie: across in percent of the width, down in pixels. templates/chart.svg draws them.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, floor, log2, log10
from typing import NamedTuple

from tracemill.flows.show.units import amount

HEIGHT, TOP, BOTTOM = 190, 22, 22
MAX_LABELS = 14
# With more builds they are drawn as one, without words for each.
MAX_WORDED = 40
SPARK_WIDTH, SPARK_HEIGHT, MAX_SPARK_POINTS = 120, 24, 60


class Point(NamedTuple):
    """One build of a series; low and high bound what was expected of it. status: "" or that of a verdict."""

    build_id: str
    value: float
    low: float | None
    high: float | None
    run_count: int
    status: str = ""


class Bar(NamedTuple):
    """A build's figure; text is shown by who points at it."""

    x: float
    width: float
    y: float
    height: float
    status: str
    text: str


class Band(NamedTuple):
    """What was expected of a build."""

    x: float
    width: float
    y: float
    height: float


class Shape(NamedTuple):
    """Many bars or bands of one kind, in a box that is as wide as there are builds."""

    name: str
    path: str


class Label(NamedTuple):
    """A value at a height, or a build at a place; minor ones go where there is little room."""

    place: float
    text: str
    is_minor: bool = False


@dataclass(frozen=True, slots=True)
class Chart:
    """What templates/chart.svg draws. text: the same for who cannot see it."""

    values: list[Label]
    builds: list[Label]
    bands: list[Band]
    bars: list[Bar]
    shapes: list[Shape]
    count: int
    text: str
    height: int = HEIGHT


def chart(points: list[Point], unit: str | None) -> Chart:
    """The drawing of a series."""
    most = max((max(p.value, p.high or 0) for p in points), default=0)
    ceiling = 1.08 * max((p.value for p in points), default=0) or most or 1
    step = 100 / max(len(points), 1)
    every = max(-(-len(points) // MAX_LABELS), 1)
    base = (unit or "").partition("/")[0]
    changed = "; ".join(_tooltip(p, unit) for p in points if p.status)

    def y(value: float) -> float:
        return TOP + (1 - min(max(value, 0) / ceiling, 1)) * (HEIGHT - TOP - BOTTOM)

    bars, bands = [], []
    for i, p in enumerate(points):
        top = min(y(p.value), HEIGHT - BOTTOM - 1)
        bars.append(
            Bar((i + 0.1) * step, 0.8 * step, top, HEIGHT - BOTTOM - top, p.status, _tooltip(p, unit))
        )
        if p.low is not None and p.high is not None:
            bands.append(Band(i * step, step, y(p.high), max(y(p.low) - y(p.high), 1)))
    is_one = len(points) > MAX_WORDED
    return Chart(
        values=[Label(y(v), amount(v, base)) for v in _ticks(ceiling, base)],
        builds=[
            Label((i + 0.5) * step, points[i].build_id[:12], number % 2 == 1)
            for number, i in enumerate(range(0, len(points), every))
        ],
        bands=[] if is_one else bands,
        bars=[] if is_one else bars,
        shapes=_shapes(bands, bars, step) if is_one else [],
        count=len(points),
        text=f"{len(points)} builds" + (f"; {changed}" if changed else ""),
    )


def _shapes(bands: list[Band], bars: list[Bar], step: float) -> list[Shape]:
    paths = {"band": ""}
    boxes = [("band", *band) for band in bands]
    boxes += [(f"bar {bar.status}".strip(), bar.x, bar.width, bar.y, bar.height) for bar in bars]
    for name, x, width, y, height in boxes:
        box = f"M{x / step:.1f} {y:.1f}h{width / step:.1f}v{height:.1f}h-{width / step:.1f}z"
        paths[name] = paths.get(name, "") + box
    return [Shape(name, path) for name, path in paths.items() if path]


def _ticks(ceiling: float, base: str) -> list[float]:
    step = _round_step(ceiling / 3, is_binary=base in {"bytes", "B"})
    return [tick * step for tick in range(1, int(ceiling / step) + 1)]


def sparkline(points: list[Point]) -> str:
    """A series as the points of a small line; of a long one as many as can be told apart."""
    if not points:
        return ""
    most = max(p.value for p in points) or 1
    across = SPARK_WIDTH / max(len(points) - 1, 1)
    places = range(0, len(points), -(-len(points) // MAX_SPARK_POINTS))
    return " ".join(
        f"{i * across:.0f},{SPARK_HEIGHT - 2 - (SPARK_HEIGHT - 4) * max(points[i].value, 0) / most:.1f}"
        for i in sorted({*places, len(points) - 1})
    )


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
