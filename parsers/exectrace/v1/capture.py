"""A version 1 trace, from its bytes to its last row."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tracemill.parsers.api import ParseError
from tracemill.parsers.exectrace.assembly import Assembly
from tracemill.parsers.exectrace.damage import DamageError
from tracemill.parsers.exectrace.v1.decode import Decoder
from tracemill.parsers.exectrace.v1.settle import FIRST_NS, Settler

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tracemill.parsers.api import Item, Options
    from tracemill.parsers.unwrap.source import Source

MAX_BYTES = 64 << 20


def parse(source: Source, options: Options, version: int) -> Iterator[Item]:
    """The capture's items; the trace is read whole, and as in Go's reader a broken one gives none."""
    assembly = Assembly(options)
    names, scheduler = assembly.names, assembly.scheduler
    try:
        with source.open() as stream:
            content = stream.read(MAX_BYTES + 1)
        if len(content) > MAX_BYTES:
            raise DamageError(0, f"a trace of format 1.{version} above the cap of {MAX_BYTES} bytes")
        decoder = Decoder(content, version, names)
        decoder.decode()
        if not decoder.trace.n and not decoder.samples:
            raise ParseError(source.path, "", "a trace without a single event")
        scheduler.sync(FIRST_NS - 1)
        for rows, count in Settler(decoder, version, names).rows():
            yield from assembly.batches(scheduler.follow(rows, count))
    except DamageError as error:
        raise ParseError(source.path, error.position, error.fact) from error
    yield from assembly.end(version=version)
