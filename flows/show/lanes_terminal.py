"""Lanes of goroutines on a terminal: a line each, a column a part of the time."""

from __future__ import annotations

import re
import textwrap
from typing import TYPE_CHECKING

from tracemill.flows.show.card_wording import short_name
from tracemill.flows.show.lanes import columns, place_of, words
from tracemill.flows.show.terminal import visible
from tracemill.flows.show.units import amount

if TYPE_CHECKING:
    from tracemill.flows.show.lanes import Interval, Lane, Lanes

SIGNS = {"running": "█", "runnable": "▒", "lock": "x", "syscall": "s", "wait": "·", "": " "}
# By sign, in the numbers of terminals (ECMA-48): green, yellow, red, blue.
COLOURS = {"█": 32, "▒": 33, "x": 31, "s": 34}
# A single x or s is a letter; a legend's stands between blanks.
_SIGN_RUNS = re.compile(r"█+|▒+|(?<!\w)x+(?!\w)|(?<!\w)s+(?!\w)")
MAX_WAKES = 6
GUTTER = 10


def as_text(lanes: Lanes, width: int, *, is_coloured: bool = False) -> list[str]:
    """The title, the time, the lanes with what each does longest, and who woke whom; fit to be shown."""
    window = lanes.window
    room = max(width - GUTTER, 20)
    ends = amount(window.length_ns, "ns")
    legend = "   ".join(f"{SIGNS[k]} {text}" for k, text in lanes.states.items())
    lines = [
        f"{window.title}: {ends}" if window.title else f"{window.path}: {ends}",
        *textwrap.wrap(legend, width, initial_indent="  ", subsequent_indent="  "),
        f"{'':{GUTTER}}0{ends:>{room - 1}}",
    ]
    lines += [_lane(lanes, lane, room) for lane in lanes.lanes]
    if lanes.left_out:
        lines += textwrap.wrap(lanes.left_out_note, width, initial_indent="  ", subsequent_indent="  ")
    shown = [visible(line) for line in lines + _wakes(lanes, width)]
    return [_SIGN_RUNS.sub(_painted, line) for line in shown] if is_coloured else shown


def _painted(found: re.Match[str]) -> str:
    return f"\x1b[{COLOURS[found[0][0]]}m{found[0]}\x1b[0m"


def _lane(lanes: Lanes, lane: Lane, room: int) -> str:
    name = f"{'▶' if lane.is_focus else ' '} G{lane.goroutine_id}"
    drawn = [SIGNS[state] for state in columns(lanes.window, lane, room)]
    longest = max((i for i in lane.intervals if i.kind == "lock"), key=lanes.window.inside, default=None)
    if longest is not None:
        _write(lanes, longest, drawn, room)
    return f"{name:<{GUTTER}}{''.join(drawn)}".rstrip()


def _write(lanes: Lanes, interval: Interval, drawn: list[str], room: int) -> None:
    """Write what the goroutine does into its longest wait, where there is room."""
    window = lanes.window
    first = int(max(interval.start_ns - window.from_ns, 0) * room / window.length_ns) + 1
    last = int((min(interval.end_ns, window.to_ns) - window.from_ns) * room / window.length_ns) - 1
    text = f" {amount(interval.duration_ns, 'ns')} {short_name(interval.function)} "
    if len(text) > last - first:
        text = f" {amount(interval.duration_ns, 'ns')} "
    if len(text) <= last - first:
        drawn[first : first + len(text)] = list(text)


def _wakes(lanes: Lanes, width: int) -> list[str]:
    lines = []
    for wake in lanes.wakes[:MAX_WAKES]:
        at = amount(wake.at_ns - lanes.window.from_ns, "ns")
        waker, woken = (lanes.lanes[i].goroutine_id for i in (wake.waker, wake.woken))
        where = place_of(wake.interval.waker_file, wake.interval.waker_line)
        line = f"  at {at} G{waker} wakes G{woken}{f' in {where}' if where else ''}: {words(wake.interval)}"
        lines.append(line.replace(": waits", ": waited")[:width])
    return lines
