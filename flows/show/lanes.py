"""What goroutines did in a window of a trace, side by side, and who woke whom."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import NamedTuple

from tracemill.flows.show.card_wording import short_name
from tracemill.flows.show.units import amount

# The states that lanes tell apart, in the order in which they are explained.
STATES = {
    "running": "running",
    "runnable": "ready, without a processor",
    "lock": "waits for a lock or a full channel",
    "syscall": "in a system call",
    "wait": "other waits",
}
CONTENTION = ("sync", "chan send", "GC mark assist wait for work")
# Where goroutines begin that are the runtime's own, or that capturing and signals need. The program's main
# goroutine begins in the runtime, too.
SYSTEM = re.compile(r"(?!runtime\.main$)(runtime[./]|os/signal\.)")
# Such a goroutine is shown where it ran for at least this share of the window.
SYSTEM_RAN = 0.01
MAX_LANES = 16
MAX_WAKES = 40
MAX_INSTANTS = 30
# Columns that the window is divided into for a drawing.
COLUMNS = 1000
# A stay of at least this share of the window is labelled.
LABELLED = 0.07


class Interval(NamedTuple):
    """One stay of a goroutine in a state."""

    goroutine_id: int
    entry_function: str | None
    start_ns: int
    duration_ns: int
    state: str
    reason: str | None
    function: str | None
    file: str | None
    line: int | None
    waker_goroutine_id: int | None
    waker_function: str | None
    waker_file: str | None
    waker_line: int | None
    # Whether it is a wait like the one that the window is about.
    is_focus: bool = False

    @property
    def end_ns(self) -> int:
        """When it ends."""
        return self.start_ns + self.duration_ns

    @property
    def kind(self) -> str:
        """Which of STATES it is."""
        if self.state != "waiting":
            return self.state
        is_own = not (self.function or "").startswith("runtime.")
        return "lock" if self.is_focus or (is_own and self.reason in CONTENTION) else "wait"


@dataclass(frozen=True, slots=True)
class Window:
    """A part of a trace: the capture, its file, from when to when, and whom it is about."""

    capture_id: str
    path: str
    from_ns: int
    to_ns: int
    goroutine_id: int | None = None
    function: str | None = None
    title: str = ""

    @property
    def length_ns(self) -> int:
        """How long it is."""
        return max(self.to_ns - self.from_ns, 1)

    def inside(self, interval: Interval) -> int:
        """How much of the interval lies in it."""
        return min(interval.end_ns, self.to_ns) - max(interval.start_ns, self.from_ns)


class Lane(NamedTuple):
    """One goroutine's stays in the window."""

    goroutine_id: int
    is_focus: bool
    entry_function: str | None
    intervals: list[Interval]


class Wake(NamedTuple):
    """At that time one goroutine woke another: their lanes."""

    at_ns: int
    waker: int
    woken: int
    interval: Interval


@dataclass(frozen=True, slots=True)
class Lanes:
    """Goroutines side by side. left_out: how many more there are. is_kept: the raw rows are gone."""

    window: Window
    lanes: list[Lane]
    wakes: list[Wake]
    left_out: int
    is_kept: bool = False

    @property
    def left_out_note(self) -> str:
        """What is said of the goroutines that have no lane, by what _weights chooses."""
        if not self.left_out:
            return ""
        more = "goroutine is" if self.left_out == 1 else "goroutines are"
        return (
            f"{self.left_out:,} more {more} not shown: they ran, or waited for others, for less of this time"
        )

    @property
    def states(self) -> dict[str, str]:
        """The states that there are, in words."""
        stays = [i for lane in self.lanes for i in lane.intervals]
        kinds = {i.kind for i in stays}
        told = {kind: text for kind, text in STATES.items() if kind in kinds}
        others = sorted({i.reason for i in stays if i.is_focus and i.reason and i.reason not in CONTENTION})
        if others:
            told["lock"] = f"{STATES['lock']}, or as ▶ does ({others[0]})"
        return told

    def instants(self) -> list[Interval]:
        """The longest stays that say why the goroutines waited, in the order of time."""
        stays = [i for lane in self.lanes for i in lane.intervals if i.kind in {"lock", "syscall"}]
        stays = stays or [i for lane in self.lanes for i in lane.intervals if i.kind != "running"]
        longest = sorted(stays, key=lambda i: (-self.window.inside(i), i.start_ns))[:MAX_INSTANTS]
        return sorted(longest, key=lambda i: (i.start_ns, i.goroutine_id))


def lanes_of(
    window: Window, intervals: list[Interval], *, most: int = MAX_LANES, is_kept: bool = False
) -> Lanes:
    """The lanes that say most: whom the window is about, who woke it, who was at work or waited alike."""
    wait = _wait_in_focus(window, intervals)
    by_goroutine: dict[int, list[Interval]] = {}
    for i in intervals:
        is_alike = wait is not None and _place_of_wait(i) == _place_of_wait(wait)
        by_goroutine.setdefault(i.goroutine_id, []).append(i._replace(is_focus=True) if is_alike else i)
    weights = _weights(window, by_goroutine)
    first = [window.goroutine_id, wait.waker_goroutine_id if wait else None]

    def order_of(goroutine_id: int) -> tuple[int, bool, int, int]:
        place = first.index(goroutine_id) if goroutine_id in first else len(first)
        is_system = _is_system(by_goroutine[goroutine_id])
        return place, is_system, -weights[goroutine_id], goroutine_id

    chosen = sorted((g for g in by_goroutine if g in first or weights[g] > 0), key=order_of)[:most]
    order = sorted(chosen, key=lambda g: (g != window.goroutine_id, g))
    lanes = [
        Lane(g, g == window.goroutine_id, by_goroutine[g][0].entry_function, by_goroutine[g]) for g in order
    ]
    return Lanes(window, lanes, _wakes(window, lanes), len(by_goroutine) - len(lanes), is_kept)


def _wait_in_focus(window: Window, intervals: list[Interval]) -> Interval | None:
    """The longest wait of the goroutine, in the function, that the window is about."""
    waits = [
        i
        for i in intervals
        if i.goroutine_id == window.goroutine_id
        and i.state == "waiting"
        and i.function is not None
        and i.function == window.function
    ]
    return max(waits, key=lambda i: (window.inside(i), -i.start_ns), default=None)


def _place_of_wait(interval: Interval) -> tuple[str, str | None, str | None]:
    return interval.state, interval.function, interval.reason


def _is_system(intervals: list[Interval]) -> bool:
    return SYSTEM.match(intervals[0].entry_function or "") is not None


def _weights(window: Window, by_goroutine: dict[int, list[Interval]]) -> Counter[int]:
    """How much of the window each goroutine explains: ns."""
    weights: Counter[int] = Counter()
    for goroutine_id, intervals in by_goroutine.items():
        if _is_system(intervals):
            ran = sum(window.inside(i) for i in intervals if i.state == "running")
            weights[goroutine_id] += ran if ran >= SYSTEM_RAN * window.length_ns else 0
        else:
            weights[goroutine_id] += sum(_weight(window, i) for i in intervals)
    for i in by_goroutine.get(window.goroutine_id, []) if window.goroutine_id is not None else []:
        if i.waker_goroutine_id is not None:
            weights[i.waker_goroutine_id] += window.inside(i)
    return weights


def _weight(window: Window, interval: Interval) -> int:
    inside = window.inside(interval)
    if interval.state == "waiting" and interval.function and interval.function == window.function:
        return 2 * inside
    # A system call that lasts is mostly one that waits for somebody else.
    return {"wait": 0, "syscall": inside // 4}.get(interval.kind, inside)


def _wakes(window: Window, lanes: list[Lane]) -> list[Wake]:
    place = {lane.goroutine_id: i for i, lane in enumerate(lanes)}
    found = [
        Wake(i.end_ns, place[i.waker_goroutine_id], place[lane.goroutine_id], i)
        for lane in lanes
        for i in lane.intervals
        if i.kind == "lock" and i.waker_goroutine_id in place and window.from_ns <= i.end_ns <= window.to_ns
    ]

    def order_of(wake: Wake) -> tuple[bool, int]:
        is_in_focus = wake.interval.is_focus and lanes[wake.woken].is_focus
        return not is_in_focus, -wake.interval.duration_ns

    return sorted(found, key=order_of)[:MAX_WAKES]


def columns(window: Window, lane: Lane, count: int) -> list[str]:
    """The state that took most of each of count equal parts of the window; "" where nothing is known."""
    states = [""] * count
    parts: defaultdict[int, defaultdict[str, float]] = defaultdict(lambda: defaultdict(float))
    width = window.length_ns / count
    for interval in lane.intervals:
        first = max(interval.start_ns - window.from_ns, 0)
        last = min(interval.end_ns, window.to_ns) - window.from_ns
        begin, end = int(first / width), min(int(last / width), count - 1)
        if end - begin > 1:  # a goroutine is in one state at a time: between both ends it is this one
            states[begin + 1 : end] = [interval.kind] * (end - begin - 1)
        for column in {begin, end}:
            inside = min(last, (column + 1) * width) - max(first, column * width)
            if inside > 0:
                parts[column][interval.kind] += inside
    for column, spent in parts.items():
        states[column] = max(spent, key=spent.__getitem__)
    return states


def runs(states: list[str]) -> dict[str, list[tuple[int, int]]]:
    """State → where it stands: first column and how many."""
    found: dict[str, list[tuple[int, int]]] = {}
    start = 0
    for i in range(1, len(states) + 1):
        if i == len(states) or states[i] != states[start]:
            if states[start]:
                found.setdefault(states[start], []).append((start, i - start))
            start = i
    return found


def words(interval: Interval) -> str:
    """What a goroutine does in the interval."""
    what = {
        "lock": "waits for the lock" if interval.reason == "sync" else f"waits: {interval.reason}",
        "wait": interval.reason or "waits",
        "syscall": "system call",
        "runnable": "ready",
        "running": "runs",
    }.get(interval.kind, interval.kind)
    where = f", {short_name(interval.function)}" if interval.function else ""
    return f"{what} {amount(interval.duration_ns, 'ns')}{where}"


def place_of(file: str | None, line: int | None) -> str:
    """prices.go:53, of a frame."""
    return f"{file.rsplit('/', 1)[-1]}:{line}" if file else ""
