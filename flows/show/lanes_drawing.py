"""Lanes of goroutines as a drawing; templates/lanes.svg draws it: across in percent, down in pixels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from tracemill.flows.show.lanes import COLUMNS, LABELLED, STATES, columns, runs, words
from tracemill.flows.show.units import amount

if TYPE_CHECKING:
    from tracemill.flows.show.lanes import Lane, Lanes

TOP, LANE, BAR = 20, 19, 14
# The names of goroutines stand in this part of the width.
GUTTER = 11.0
TICKS = 4


class Text(NamedTuple):
    """Words in a place that cuts them off."""

    x: float
    width: float
    text: str


class Row(NamedTuple):
    """One lane: its states as (name, path) in a box of COLUMNS by 1, and words over them."""

    y: int
    name: str
    title: str
    is_focus: bool
    paths: list[tuple[str, str]]
    texts: list[Text]


class Arrow(NamedTuple):
    """Who woke whom, upright."""

    x: float
    y1: float
    y2: float
    title: str


@dataclass(frozen=True, slots=True)
class LanesDrawing:
    """What templates/lanes.svg draws."""

    title: str
    text: str
    legend: list[tuple[str, str]]
    ticks: list[Text]
    rows: list[Row]
    arrows: list[Arrow]
    height: int
    note: str
    gutter: float = GUTTER
    bar: int = BAR
    columns: int = COLUMNS


def drawing(lanes: Lanes) -> LanesDrawing:
    """Where everything lies."""
    window = lanes.window
    rows = [_row(lanes, lane, TOP + i * LANE) for i, lane in enumerate(lanes.lanes)]
    used = {state for row in rows for state, _ in row.paths}
    length = amount(window.length_ns, "ns")
    waiting = sum(any(i.kind == "lock" for i in lane.intervals) for lane in lanes.lanes)
    note = f"{lanes.left_out_note}." if lanes.left_out else ""
    if lanes.is_kept:
        note = f"{note} Drawn from what is kept of the capture: short stays may be missing.".strip()
    return LanesDrawing(
        title=f"{window.title}: {length}" if window.title else length,
        text=f"{len(rows)} goroutines over {length}, {waiting} of them held up by others",
        legend=[(state, text) for state, text in lanes.states.items() if state in used],
        ticks=[
            Text(_x(i / TICKS), 0, amount(window.length_ns * i / TICKS, "ns") if i else "0")
            for i in range(TICKS + 1)
        ],
        rows=rows,
        arrows=[
            Arrow(
                _x((wake.at_ns - window.from_ns) / window.length_ns),
                TOP + wake.waker * LANE + BAR / 2,
                TOP + wake.woken * LANE + BAR / 2,
                f"G{lanes.lanes[wake.waker].goroutine_id} wakes G{lanes.lanes[wake.woken].goroutine_id}",
            )
            for wake in lanes.wakes
        ],
        height=TOP + len(rows) * LANE,
        note=note,
    )


def _x(share: float) -> float:
    return GUTTER + (100 - GUTTER) * share


def _row(lanes: Lanes, lane: Lane, y: int) -> Row:
    window = lanes.window
    found = runs(columns(window, lane, COLUMNS))
    texts = []
    for i in lane.intervals:
        inside = window.inside(i) / window.length_ns
        if inside >= LABELLED and i.kind in {"lock", "syscall"}:
            start = max(i.start_ns - window.from_ns, 0) / window.length_ns
            texts.append(Text(_x(start), (100 - GUTTER) * inside, words(i)))
    paths = [
        (state, "".join(f"M{at} 0h{count}v1h-{count}z" for at, count in found[state]))
        for state in STATES
        if state in found
    ]
    name = f"{'▶ ' if lane.is_focus else ''}G{lane.goroutine_id}"
    return Row(y, name, lane.entry_function or "", lane.is_focus, paths, texts)
