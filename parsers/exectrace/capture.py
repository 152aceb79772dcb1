"""One trace file, from its header to its last row."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tracemill.parsers.api import Facts, Issue, ParseError
from tracemill.parsers.exectrace import spec, wire
from tracemill.parsers.exectrace.heap import read_heap_info
from tracemill.parsers.exectrace.names import Decoded, Names
from tracemill.parsers.exectrace.order import Scheduler
from tracemill.parsers.exectrace.tables import Shaper
from tracemill.parsers.stacks import StackTable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tracemill.parsers.api import Item, Options
    from tracemill.parsers.exectrace.wire import Clocks
    from tracemill.parsers.unwrap.source import Source


def parse(source: Source, options: Options) -> Iterator[Item]:
    """See ``tracemill.parsers.exectrace.parse``."""
    version = wire.read_version(source.head)
    if version in spec.V1:
        from tracemill.parsers.exectrace.v1 import capture as v1  # rare by now

        yield from v1.parse(source, options, version)
        return
    if version not in spec.V2:
        raise ParseError(source.path, "byte 0", f"trace format go 1.{version} is not supported")
    yield from Capture(source, options, version).items()


class Capture:
    """A version 2 trace."""

    def __init__(
        self, source: Source, options: Options, version: int, *, chunk_bytes: int = wire.CHUNK_BYTES
    ) -> None:
        self._source = source
        self._version = version
        self._chunk_bytes = chunk_bytes
        self._stacks = StackTable()
        self._names = Names(self._stacks)
        arguments = None
        if options.raw_events:
            from tracemill.parsers.exectrace.raw import Arguments  # only --raw-events needs it

            arguments = Arguments(self._names)
        self._scheduler = Scheduler(self._names, arguments)
        self._shaper = Shaper(self._names, self._scheduler, arguments)
        self._generations = 0
        self._started_at_ns: int | None = None

    def items(self) -> Iterator[Item]:
        """Every item; see ``tracemill.parsers.api``."""
        damage: wire.DamageError | None = None
        try:
            yield from self._read_generations()
        except wire.DamageError as error:
            # Its traceback would hold this frame, and the frame holds it and every buffer.
            damage = error.with_traceback(None)
            if not self._scheduler.now_ns:  # not one event
                raise ParseError(self._source.path, damage.position, damage.fact) from error
        if not self._scheduler.now_ns:
            raise ParseError(
                self._source.path, f"byte {wire.HEADER_BYTES}", "a trace without a single generation"
            )
        for output in self._scheduler.finish(is_synced=damage is not None and damage.is_in_order):
            yield from self._shaper.batches(output)
        yield self._stacks.stacks()
        if damage is not None:
            seconds = self._scheduler.now_ns / 1e9
            kept = f"kept are {self._generations} whole generations, and events up to {seconds:.6f} s"
            yield Issue("data_loss", "input", damage.position, f"{damage.fact}; {kept}")
        yield Facts(
            kind="trace",
            started_at_ns=self._started_at_ns,
            duration_ns=self._scheduler.now_ns,
            is_salvaged=damage is not None,
            labels=spec.format_label(self._version),
        )

    def _read_generations(self) -> Iterator[Item]:
        with self._source.open() as stream:
            stream.read(wire.HEADER_BYTES)
            size, chunk = self._source.size_bytes, self._chunk_bytes
            for gen in wire.GenerationReader(stream, self._version, size_bytes=size, chunk_bytes=chunk):
                clocks = wire.read_clocks(gen)
                strings = self._names.add_strings(gen, wire.read_strings(gen))
                stacks = self._names.add_stacks(gen, wire.read_stacks(gen), strings)
                samples = wire.read_samples(gen, clocks)
                heap = read_heap_info(gen, self._names)
                if heap.fault:
                    yield Issue("error", "input", heap.fault, "types of heap objects are missing")
                decoded = Decoded(clocks, strings, stacks, samples, heap)
                for output in self._scheduler.generation(gen, decoded):
                    yield from self._shaper.batches(output)
                self._generations += 1
                self._note_start(clocks)

    def _note_start(self, clocks: Clocks) -> None:
        snapshot = clocks.snapshot
        if self._started_at_ns is None and snapshot is not None:
            wall = snapshot.wall_seconds * 1_000_000_000 + snapshot.wall_ns
            self._started_at_ns = wall - (snapshot.trace_ns - self._scheduler.base_ns)
