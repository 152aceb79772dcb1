"""A trace as ui.perfetto.dev reads it: goroutines, who woke whom, tasks, regions, ranges, counters.

Source: perfetto's protos/perfetto/trace (trace.proto, track_event.proto, track_descriptor.proto). Every
goroutine is a track of its own, with a slice for each stay in a state; a wake-up is an instant on the waker's
track, with a flow to the slice that it began. Times are nanoseconds since the capture's start.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from tracemill.flows.show.interchange.wire import data, fixed64, number, text
from tracemill.warehouse.queries import ask

if TYPE_CHECKING:
    from collections.abc import Iterator

    import duckdb

_BEGIN, _END, _INSTANT, _COUNTER = 1, 2, 3, 4
_SEQUENCE = number(10, 1)
_GROUPS = {"goroutines": 1, "tasks": 2, "regions": 3, "runtime": 4, "counters": 5}


class _Lane(NamedTuple):
    goroutine_id: int
    start_ns: int
    duration_ns: int
    state: str
    reason: str | None
    waker_goroutine_id: int | None
    entry_function: str | None
    functions: list[str] | None


class _Span(NamedTuple):
    what: str
    track: str
    name: str
    start_ns: int
    duration_ns: int


class _Point(NamedTuple):
    name: str
    ts_ns: int
    value: float


@dataclass(slots=True)
class _Tracks:
    """Descriptors of tracks, each written once; a track's id is its place."""

    ids: dict[tuple[str, str], int] = field(default_factory=dict)
    packets: list[bytes] = field(default_factory=list)

    def __post_init__(self) -> None:
        for name, pid in _GROUPS.items():
            process = data(3, number(1, pid) + text(6, name))
            self.packets.append(_packet(data(60, number(1, pid) + text(2, name) + process)))

    def id(self, group: str, name: str) -> int:
        """The track of that name in the group."""
        found = self.ids.get((group, name))
        if found is None:
            found = self.ids[group, name] = len(_GROUPS) + len(self.ids) + 1
            counter = data(8, b"") if group == "counters" else b""
            descriptor = number(1, found) + text(2, name) + number(5, _GROUPS[group]) + counter
            self.packets.append(_packet(data(60, descriptor)))
        return found


def perfetto(
    connection: duckdb.DuckDBPyConnection, capture_id: str, from_ns: int, to_ns: int
) -> Iterator[bytes]:
    """The file in pieces; what lies partly in the range is cut at its ends."""
    within = {"capture_id": capture_id, "from_ns": from_ns, "to_ns": to_ns}
    tracks = _Tracks()
    lanes = ask(connection, "interchange/lanes", _Lane, **within)
    names = {
        lane.goroutine_id: f"goroutine {lane.goroutine_id} {lane.entry_function or ''}" for lane in lanes
    }
    events = list(_of_lanes(lanes, names, tracks, from_ns, to_ns))
    for span in ask(connection, "interchange/spans", _Span, **within):
        track = tracks.id(span.what, span.track)
        start, end = max(span.start_ns, from_ns), min(span.start_ns + span.duration_ns, to_ns)
        events.append((start, _event(start, _BEGIN, track, text(23, span.name))))
        events.append((end, _event(end, _END, track)))
    for point in ask(connection, "interchange/counters", _Point, **within):
        track = tracks.id("counters", point.name)
        events.append((point.ts_ns, _event(point.ts_ns, _COUNTER, track, number(30, round(point.value)))))
    yield from tracks.packets
    events.sort(key=lambda event: event[0])  # of one time in this order: a slice ends before the next begins
    yield from (packet for _, packet in events)


def _of_lanes(
    lanes: list[_Lane], names: dict[int, str], tracks: _Tracks, from_ns: int, to_ns: int
) -> Iterator[tuple[int, bytes]]:
    woken: dict[tuple[int, int], int] = {}
    wakes: dict[int, list[tuple[int, int, int]]] = defaultdict(list)
    for lane in lanes:
        end = lane.start_ns + lane.duration_ns
        waker = lane.waker_goroutine_id
        if lane.state == "waiting" and waker is not None and waker in names and from_ns <= end < to_ns:
            flow = woken[lane.goroutine_id, end] = len(woken) + 1
            wakes[waker].append((end, flow, lane.goroutine_id))
    for lane in lanes:
        track = tracks.id("goroutines", names[lane.goroutine_id])
        start, end = max(lane.start_ns, from_ns), min(lane.start_ns + lane.duration_ns, to_ns)
        name = f"{lane.state}: {lane.reason}" if lane.reason else lane.state
        parts = text(23, name) + _annotations(lane)
        if woken_by := woken.get((lane.goroutine_id, lane.start_ns)):
            parts += fixed64(48, woken_by)
        yield start, _event(start, _BEGIN, track, parts)
        yield end, _event(end, _END, track)
    for goroutine_id, ends in wakes.items():
        track = tracks.id("goroutines", names[goroutine_id])
        for at, flow, goroutine in ends:
            yield at, _event(at, _INSTANT, track, text(23, f"wakes {goroutine}") + fixed64(47, flow))


def _annotations(lane: _Lane) -> bytes:
    if not lane.functions:
        return b""
    return data(4, text(10, "stack") + text(6, "\n".join(lane.functions)))


def _event(ts_ns: int, kind: int, track: int, more: bytes = b"") -> bytes:
    return _packet(number(8, ts_ns) + data(11, number(9, kind) + number(11, track) + more))


def _packet(content: bytes) -> bytes:
    return data(1, content + _SEQUENCE)
