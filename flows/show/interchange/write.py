"""Which captures, range of time or verdict is asked for, and its file in the format of another tool."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from tracemill.flows.names import require
from tracemill.flows.show.export import replace_whole
from tracemill.flows.show.interchange.costs import (
    FOREVER_NS,
    Capture,
    Costs,
    NothingToExportError,
    captures_of,
    costs_of_build,
    costs_of_captures,
    metric_of_stacks,
    verdict_of,
)
from tracemill.flows.show.interchange.perfetto import perfetto
from tracemill.flows.show.interchange.pprof import pprof
from tracemill.flows.show.interchange.speedscope import speedscope
from tracemill.warehouse.queries import ask, ask_column
from tracemill.warehouse.schema.metrics import TRACE_KINDS

if TYPE_CHECKING:
    from pathlib import Path

    import duckdb

FORMATS = ("pprof", "speedscope", "perfetto", "pgo")
# Around what a verdict is seen in, so much of its length on either side.
_MARGIN = 0.25


@dataclass(frozen=True, slots=True)
class Wanted:
    """What to write: captures by name, a build's call paths by a metric, or a verdict of a build.

    from_ns, to_ns: of traces the range of time, since the capture's start.
    """

    captures: tuple[str, ...] = ()
    build: str | None = None
    metric: str | None = None
    verdict: str | None = None
    function: str | None = None
    from_ns: int = 0
    to_ns: int = FOREVER_NS


class _Share(NamedTuple):
    share: float | None


class _StartLine(NamedTuple):
    function: str
    start_line: int


def write(connection: duckdb.DuckDBPyConnection, format_: str, wanted: Wanted, file: Path) -> str:
    """Write the file whole; what it holds, in words.

    Raises NothingToExportError, NoSuchNameError, OSError.
    """
    if format_ == "pgo":
        return _write_pgo(connection, wanted, file)
    if format_ == "perfetto":
        return _write_perfetto(connection, wanted, file)
    costs = _costs(connection, wanted)
    content = pprof(costs) if format_ == "pprof" else speedscope(costs)
    replace_whole(file, lambda out: out.write(content))
    return f"{costs.name}: {len(costs.stacks):,} call paths"


def _costs(connection: duckdb.DuckDBPyConnection, wanted: Wanted) -> Costs:
    if wanted.verdict is not None:
        verdict = verdict_of(connection, wanted.verdict, wanted.function)
        return costs_of_build(connection, verdict.build_id, metric_of_stacks(verdict.metric))
    if wanted.build is not None:
        return costs_of_build(connection, wanted.build, wanted.metric or "block_ns")
    captures = _captures(connection, wanted)
    if len({capture.kind for capture in captures}) > 1:
        raise NothingToExportError(
            "captures of several kinds do not add up: name one of " + ", ".join(c.path for c in captures[:5])
        )
    return costs_of_captures(connection, captures, wanted.from_ns, wanted.to_ns)


def _captures(connection: duckdb.DuckDBPyConnection, wanted: Wanted) -> list[Capture]:
    names = wanted.captures or (None,)
    return [capture for name in names for capture in captures_of(connection, name)]


def _write_perfetto(connection: duckdb.DuckDBPyConnection, wanted: Wanted, file: Path) -> str:
    from_ns, to_ns = wanted.from_ns, wanted.to_ns
    if wanted.verdict is not None:
        verdict = verdict_of(connection, wanted.verdict, wanted.function)
        if verdict.exemplar_capture_id is None:
            raise NothingToExportError(f"{verdict.metric} of {verdict.name}: seen in no trace")
        (capture,) = captures_of(connection, verdict.exemplar_capture_id)
        if verdict.start_ns is not None and verdict.duration_ns is not None:
            margin = round(verdict.duration_ns * _MARGIN)
            from_ns, to_ns = verdict.start_ns - margin, verdict.start_ns + verdict.duration_ns + margin
    else:
        traces = [c for c in _captures(connection, wanted) if c.kind in TRACE_KINDS]
        if len(traces) != 1:
            named = ", ".join(c.path for c in traces[:5]) or "there is none"
            raise NothingToExportError(f"--perfetto takes one trace, named by --capture: {named}")
        capture = traces[0]
    if capture.kind not in TRACE_KINDS:
        raise NothingToExportError(f"{capture.path} is no trace: it has no times to show")
    packets = list(perfetto(connection, capture.capture_id, max(from_ns, 0), to_ns))
    replace_whole(file, lambda out: out.writelines(packets))
    return f"{capture.path}: {len(packets):,} packets"


def _write_pgo(connection: duckdb.DuckDBPyConnection, wanted: Wanted, file: Path) -> str:
    """The CPU profiles of a build as one, and what share of it the newest build can't use."""
    builds = ask_column(connection, "verdicts/known_builds")
    if wanted.build is not None:
        require(wanted.build, "build", builds)
    profiles = [c for c in _captures(connection, wanted) if c.kind == "cpu"]
    profiled = [b for b in builds if any(c.build_id == b for c in profiles)]
    build = wanted.build or (profiled[-1] if profiled else builds[-1])
    merged = [c for c in profiles if c.build_id == build]
    if not merged:
        raise NothingToExportError(f"{build} has no CPU profile")
    costs = costs_of_captures(connection, merged)
    costs.name = f"CPU profiles of {build}"
    lines = {
        s.function: s.start_line
        for s in ask(connection, "interchange/start_lines", _StartLine, build_id=build)
    }
    if not lines:
        raise NothingToExportError(
            f"{build}: nothing tells where functions begin, which -pgo counts lines from"
        )
    count = next((place for place, (_, unit) in enumerate(costs.types) if unit == "count"), 0)
    total, weights = (sum(stack.values[place] for stack in costs.stacks) for place in (count, -1))
    content = pprof(costs, lines, period=round(weights / total) if total else 0)
    replace_whole(file, lambda out: out.write(content))
    newest = builds[-1]
    (stale,) = ask(connection, "interchange/stale", _Share, build_id=build, newest=newest)
    said = f"{100 * (stale.share or 0):.3g} % of it is stale: in functions that {newest} does not have"
    return f"{len(merged)} CPU profiles of {build}, {len(costs.stacks):,} call paths; {said}"
