"""A version 1 trace, from its bytes to its last row."""

from __future__ import annotations

from typing import TYPE_CHECKING

from parsers.api import Facts, ParseError
from parsers.exectrace.names import Names
from parsers.exectrace.order import sync_args
from parsers.exectrace.tables import Shaper
from parsers.exectrace.v1 import read
from parsers.exectrace.v1.check import check
from parsers.exectrace.v1.convert import Converter
from parsers.exectrace.v1.record import Recorder
from parsers.exectrace.wire import DamageError
from parsers.stacks import StackTable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from parsers.api import Item, Options
    from parsers.source import Source


def parse(source: Source, options: Options, version: int) -> Iterator[Item]:
    """The capture's items; the trace is read whole, and as in Go's reader a broken one gives none."""
    stacks = StackTable()
    names = Names(stacks)
    arguments = None
    if options.raw_events:
        from parsers.exectrace.raw import Arguments  # only --raw-events needs it

        arguments = Arguments(names)
    try:
        with source.open() as stream:
            trace, events = read.read_events(stream.read(read.MAX_BYTES + 1), version)
        if not events:
            raise ParseError(source.path, "", "a trace without a single event")
        check(trace, events)
        recorder = Recorder(names, _stack_indexes(names, trace), is_raw=options.raw_events)
        shaper = Shaper(names, recorder, arguments)
        recorder.sync(events[0].ts - 1, arguments.add_sync(sync_args(1, None)) if arguments else 0)
        for event in Converter(trace, events, version).convert():
            recorder.event(event)
            if recorder.is_full():
                yield from shaper.batches(recorder.take())
    except DamageError as error:
        raise ParseError(source.path, error.position, error.fact) from error
    recorder.sync(recorder.now_ns + events[0].ts, arguments.add_sync(sync_args(2, None)) if arguments else 0)
    for output in recorder.finish():
        yield from shaper.batches(output)
    yield from stacks.batches()
    yield Facts(kind="trace", duration_ns=recorder.now_ns, go_version=f"go1.{version}")


def _stack_indexes(names: Names, trace: read.Trace) -> dict[int, int]:
    """The trace's stack ids → indexes; a frame's strings that are missing are empty."""
    strings = {number: names.add_string(text) for number, text in trace.strings.items()}
    strings[0] = 0
    indexes = {0: 0}
    for number, pcs in trace.stacks.items():
        frames = [(pc, *trace.frames[pc]) for pc in pcs]
        indexes[number] = names.add_stack(
            [
                (pc, strings.get(fn, 0), strings.get(file, 0), line & (1 << 62) - 1)
                for pc, fn, file, line in frames
            ]
        )
    return indexes
