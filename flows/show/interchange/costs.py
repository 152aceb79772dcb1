"""What call paths cost, wherever that is from: a profile, the waits of a trace, a build by one metric."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from tracemill.flows.names import require
from tracemill.warehouse.queries import ask, ask_column
from tracemill.warehouse.schema.errors import TracemillError
from tracemill.warehouse.schema.metrics import TRACE_KINDS

if TYPE_CHECKING:
    import duckdb

# Profiles name what is counted first, and its amount behind it.
_AMOUNTS = frozenset({"cpu", "delay"})
# Behind any trace.
FOREVER_NS = 1 << 62
# What frames a figure is felt in, where it is not what call paths are kept by.
_METRIC_OF = (
    ("alloc", "alloc_bytes"),
    ("inuse", "inuse_bytes"),
    ("mutex_", "mutex_delay_ns"),
    ("block_delay", "block_delay_ns"),
    ("block_contentions", "block_delay_ns"),
    ("cpu_", "cpu_ns"),
    ("syscall_", "syscall_ns"),
    ("assist", "function_assist_ns"),
    ("goroutine_leak", "goroutine_leak_count"),
    ("goroutine", "goroutine_count"),
)


class NothingToExportError(TracemillError):
    """What was asked for has no rows that could be written, in one sentence."""


class Frame(NamedTuple):
    """A function with its place in the source."""

    function: str
    file: str
    line: int


class Stack(NamedTuple):
    """A call path, leaf first, with its value for each type of cost; reason: of waits."""

    frames: tuple[Frame, ...]
    reason: str
    values: tuple[int, ...]


@dataclass(slots=True)
class Costs:
    """Call paths with what they cost. types: name and unit of each value; the last is the one to show."""

    name: str
    types: list[tuple[str, str]] = field(default_factory=list)
    stacks: list[Stack] = field(default_factory=list)
    time_ns: int = 0
    duration_ns: int = 0


class Capture(NamedTuple):
    """A capture of the warehouse."""

    capture_id: str
    build_id: str
    path: str
    kind: str
    duration_ns: int
    time_ns: int


class Verdict(NamedTuple):
    """An incident, and where it is seen: in which capture, from when on, how long."""

    build_id: str
    metric: str
    name: str
    exemplar_capture_id: str | None
    start_ns: int | None
    duration_ns: int | None


class _Row(NamedTuple):
    cost: str
    unit: str
    value: int
    functions: list[str]
    files: list[str]
    lines: list[int]
    reason: str


def captures_of(connection: duckdb.DuckDBPyConnection, name: str | None) -> list[Capture]:
    """The captures that a name means: an id, a path or its end; all without one. Raises NoSuchNameError."""
    found = ask(connection, "interchange/captures", Capture, capture=name)
    if not found and name is not None:
        require(
            name, "capture", [c.path for c in ask(connection, "interchange/captures", Capture, capture=None)]
        )
    return found


def verdict_of(connection: duckdb.DuckDBPyConnection, build: str, function: str | None) -> Verdict:
    """The gravest incident of a build, or of a function there.

    Raises NoSuchNameError, NothingToExportError.
    """
    require(build, "build", ask_column(connection, "verdicts/known_builds"))
    found = ask(connection, "interchange/verdicts", Verdict, build_id=build, function=function)
    if not found:
        raise NothingToExportError(
            f"{build} has no verdict" + (f" of a function with {function!r}" if function else "")
        )
    return found[0]


def costs_of_captures(
    connection: duckdb.DuckDBPyConnection, captures: list[Capture], from_ns: int = 0, to_ns: int = FOREVER_NS
) -> Costs:
    """The samples of profiles, or the waits of traces within a range. Raises NothingToExportError."""
    values: dict[str, object] = {"captures": [c.capture_id for c in captures]}
    is_trace = all(c.kind in TRACE_KINDS for c in captures)
    query = "waits" if is_trace else "profile"
    if is_trace:
        values |= {"from_ns": from_ns, "to_ns": to_ns}
    costs = _costs(
        ", ".join(c.path for c in captures), ask(connection, f"interchange/{query}", _Row, **values)
    )
    costs.time_ns = min(c.time_ns for c in captures)
    costs.duration_ns = sum(c.duration_ns for c in captures)
    return costs


def costs_of_build(connection: duckdb.DuckDBPyConnection, build: str, metric: str) -> Costs:
    """What a build's call paths cost by a metric. Raises NoSuchNameError, NothingToExportError."""
    require(build, "build", ask_column(connection, "verdicts/known_builds"))
    require(
        metric, "metric with call paths", ask_column(connection, "interchange/build_metrics", build_id=build)
    )
    rows = ask(connection, "interchange/build", _Row, build_id=build, metric=metric)
    return _costs(f"{metric} of {build}", rows)


def metric_of_stacks(metric: str) -> str:
    """The metric by which call paths are kept that shows where a figure of another comes from."""
    return next((kept for part, kept in _METRIC_OF if part in metric), "block_ns")


def _costs(name: str, rows: list[_Row]) -> Costs:
    if not rows:
        raise NothingToExportError(f"{name}: no call path has a cost there")
    types = sorted(dict.fromkeys((row.cost, row.unit) for row in rows), key=lambda kind: kind[0] in _AMOUNTS)
    places = {cost: place for place, (cost, _) in enumerate(types)}
    found: dict[tuple[tuple[Frame, ...], str], list[int]] = {}
    for row in rows:
        frames = tuple(map(Frame, row.functions, row.files, row.lines))
        values = found.setdefault((frames, row.reason), [0] * len(types))
        values[places[row.cost]] += row.value
    stacks = [Stack(frames, reason, tuple(values)) for (frames, reason), values in found.items()]
    return Costs(name, types, stacks)
