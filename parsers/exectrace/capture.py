"""One trace file, from its header to its last row."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tracemill.parsers.api import Issue, ParseError
from tracemill.parsers.exectrace import generation, recorder, spec, wire
from tracemill.parsers.exectrace.assembly import Assembly
from tracemill.parsers.exectrace.damage import DamageError, salvaged
from tracemill.parsers.unwrap.compression import head_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tracemill.parsers.api import Item, Options
    from tracemill.parsers.exectrace.wire import Clocks
    from tracemill.parsers.unwrap.source import Source


def parse(source: Source, options: Options) -> Iterator[Item]:
    """See ``parsers.exectrace.parse``."""
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
        self._assembly = Assembly(options)
        self._scheduler = self._assembly.scheduler
        self._generations = 0

    def items(self) -> Iterator[Item]:
        """Every item; see ``parsers.api``."""
        damage: DamageError | None = None
        try:
            yield from self._read_generations()
        except DamageError as error:
            damage = salvaged(error, self._source.path, has_events=self._scheduler.now_ns > 0)
        if not self._scheduler.now_ns:
            raise ParseError(
                self._source.path, f"byte {wire.HEADER_BYTES}", "a trace without a single generation"
            )
        yield from self._assembly.end(
            damage,
            version=self._version,
            generations=self._generations,
            is_synced=damage is not None and damage.is_in_order,
        )

    def _read_generations(self) -> Iterator[Item]:
        with self._source.open() as stream:
            head_of(stream, wire.HEADER_BYTES)
            size, chunk = self._source.size_bytes, self._chunk_bytes
            for gen in wire.GenerationReader(stream, self._version, size_bytes=size, chunk_bytes=chunk):
                decoded = generation.decode(gen, self._assembly.names)
                if not self._generations:
                    self._assembly.kind = recorder.kind_of(self._assembly.names, gen.number)
                if decoded.heap.fault:
                    yield Issue("error", "input", decoded.heap.fault, "types of heap objects are missing")
                yield from self._assembly.batches(self._scheduler.generation(gen, decoded))
                self._generations += 1
                self._note_start(decoded.clocks)

    def _note_start(self, clocks: Clocks) -> None:
        snapshot = clocks.snapshot
        if self._assembly.started_at_ns is None and snapshot is not None:
            wall = snapshot.wall_seconds * 1_000_000_000 + snapshot.wall_ns
            self._assembly.started_at_ns = wall - (snapshot.trace_ns - self._scheduler.base_ns)
