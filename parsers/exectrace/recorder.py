"""Whether a trace is a snapshot of a flight recorder or was written from its start to its end.

Source: Go's src/runtime/trace.go (StartTrace) and src/runtime/trace/subscribe.go; tried on traces of Go
1.22 to 1.27.

The first generation of a trace that began with tracing itself has stacks of runtime.StartTrace, and their
callers say who started it: trace.Start, which writes all, or a recorder, which keeps the last generations and
writes them on request. Where tracing was on before, a trace of trace.Start begins with the generation in
which that call returns. A window that begins in neither way has lost its start: only a recorder does so.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tracemill.parsers.exectrace.names import Names

TRACE, FLIGHT = "trace", "flight"

_BEGIN, _WRITER = "runtime.StartTrace", "runtime/trace.Start"
# Of the standard library (Go 1.25 and later), and its forerunner, which keeps what trace.Start gives it.
_RECORDERS = ("runtime/trace.(*FlightRecorder).", "golang.org/x/exp/trace.(*FlightRecorder).")


def kind_of(first: Names, generation: int) -> str:
    """FLIGHT or TRACE.

    first: the names of the first generation alone. generation: its number, which a process counts over all
    its traces.
    """
    started_by = {name for stack in first.stacks_with(_BEGIN) for name in stack}
    if started_by:
        return FLIGHT if any(name.startswith(_RECORDERS) for name in started_by) else TRACE
    if _WRITER in first.strings:
        return TRACE
    return FLIGHT if generation > 1 or any(s.startswith(_RECORDERS) for s in first.strings) else TRACE
