"""Go execution traces (runtime/trace, /debug/pprof/trace), formats 1.22 to 1.26, which Go 1.22 to 1.27 write.

Specification: Go's source, internal/trace and its tracev2. Emits goroutines,
goroutine_cycles, trace_ranges, trace_metrics, trace_cpu_samples,
trace_tasks, trace_regions, trace_logs, stacks, and trace_events on request.

Quirks: the header's version is the format's, not the toolchain's (1.24 writes
1.23, 1.27 writes 1.26), so that a trace tells no release. A goroutine that was
there before the capture is taken to have been in its first known state since
the capture's start. Traces are cut as a matter of course (a process that ends, a
scrape that is broken off): what lies before the damage is kept, provided that
there is one event.

spec: the format as data · wire: bytes to generations · generation: what one says
besides its events · names: strings and stacks · order: the state machine's driver ·
tables: rows to batches · assembly: how a capture begins and ends · damage: what is
wrong with the bytes · recorder: snapshots of flight recorders · v1: Go 1.11 to 1.21 ·
parsed_text: what `go tool trace -d=parsed` prints, as input.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tracemill.parsers.api import Item, Options
    from tracemill.parsers.unwrap.source import Source

NAME = "exectrace"

_HEADER = re.compile(rb"go 1\.\d{1,3} trace\x00\x00\x00")

_PARSED_TEXT = b"M=-1 P=-1 G=-1 Sync Time="


def sniff(head: bytes) -> bool:
    """Whether the content begins with a trace's header, or as `go tool trace -d=parsed` does."""
    return _HEADER.match(head) is not None or head.startswith(_PARSED_TEXT)


def parse(source: Source, options: Options) -> Iterator[Item]:
    """The capture's items. Raises ParseError if not one event can be read."""
    if source.head.startswith(_PARSED_TEXT):
        from tracemill.parsers.exectrace import parsed_text

        yield from parsed_text.parse(source, options)
        return
    from tracemill.parsers.exectrace import (
        capture,  # numpy, pyarrow and kernels only when there is something to parse
    )

    yield from capture.parse(source, options)
