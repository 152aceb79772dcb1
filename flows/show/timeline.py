"""Which part of which trace a timeline shows: around an incident, of a task, or a whole file."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple

from tracemill.flows.names import require
from tracemill.flows.show.card import lanes_in
from tracemill.flows.show.card_incident import MARGIN, Span, choose, incidents, slowest_task, window_of
from tracemill.flows.show.lanes import MAX_LANES, Lanes, Window
from tracemill.flows.show.lanes_drawing import drawing
from tracemill.flows.show.page import render
from tracemill.warehouse.queries import ask, ask_column
from tracemill.warehouse.schema.errors import TracemillError

if TYPE_CHECKING:
    import duckdb

# What a timeline reads of files without a warehouse.
MODELS = ("int_stack_sites", "int_exemplar_intervals", "task_timelines", "builds")


class NoTimelineError(TracemillError):
    """There is no trace, or nothing in it, to show."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What to show. around: a build, or what an incident is found by; from_ns, to_ns: a part of a trace."""

    around: str | None = None
    task: str | None = None
    build_id: str | None = None
    is_slowest: bool = False
    from_ns: int | None = None
    to_ns: int | None = None
    most: int = MAX_LANES


class _Trace(NamedTuple):
    capture_id: str
    build_id: str
    path: str
    duration_ns: int | None


def timeline(connection: duckdb.DuckDBPyConnection, asked: Asked) -> Lanes:
    """The lanes that were asked for. Raises NoSuchNameError, NoTimelineError."""
    window = _part(_window(connection, asked), asked)
    found = lanes_in(connection, window, most=asked.most)
    if found is None:
        raise NoTimelineError(f"{window.path}: no goroutine did anything then, or it is not kept any more")
    return found


def _window(connection: duckdb.DuckDBPyConnection, asked: Asked) -> Window:
    if asked.around is not None:
        return _around(connection, asked.around)
    if asked.task is not None:
        require(asked.task, "task", ask_column(connection, "show/task_names"))
    if asked.task is not None or asked.is_slowest:
        if window := slowest_task(connection, asked.task, asked.build_id):
            return window
        if asked.is_slowest:
            return _longest_wait(connection, asked.build_id)
    return _whole(connection, asked.build_id)


def _around(connection: duckdb.DuckDBPyConnection, word: str) -> Window:
    chosen = choose(incidents(connection), [word], ask_column(connection, "verdicts/known_builds"))
    for incident in chosen:
        if window := window_of(connection, incident):
            return window
    # What is no waiting has no instant: the build's slowest task is as good a place to look as any.
    build = chosen[0].seen_build_id if chosen else word
    return slowest_task(connection, None, build) or _longest_wait(connection, build)


def _longest_wait(connection: duckdb.DuckDBPyConnection, build_id: str | None) -> Window:
    found = ask(connection, "show/longest_waits", Span, build=build_id)
    if not found:
        return _whole(connection, build_id)
    wait = found[0]
    margin = int(wait.duration_ns * MARGIN)
    return Window(
        capture_id=wait.capture_id,
        path=wait.path,
        from_ns=max(wait.start_ns - margin, 0),
        to_ns=wait.start_ns + wait.duration_ns + margin,
        goroutine_id=wait.goroutine_id,
        function=wait.name,
        title=f"The longest contended wait in {wait.path}",
    )


def _whole(connection: duckdb.DuckDBPyConnection, build_id: str | None) -> Window:
    traces = ask(connection, "show/traces", _Trace, build=build_id)
    if not traces:
        raise NoTimelineError(f"no execution trace{f' of {build_id}' if build_id else ' in what was given'}")
    return Window(traces[0].capture_id, traces[0].path, 0, traces[0].duration_ns or 0, title=traces[0].path)


def _part(window: Window, asked: Asked) -> Window:
    """The part of the window's trace between the times that were asked for."""
    if asked.from_ns is None and asked.to_ns is None:
        return window
    start = window.from_ns if asked.from_ns is None else asked.from_ns
    end = window.to_ns if asked.to_ns is None else asked.to_ns
    if end <= start:
        raise NoTimelineError(f"from {start / 1e6:g} ms to {end / 1e6:g} ms is no time")
    return replace(window, from_ns=start, to_ns=end, title=window.path)


def as_svg(lanes: Lanes) -> str:
    """The lanes as a drawing of its own."""
    return render("lanes_alone.svg", lanes=drawing(lanes))
