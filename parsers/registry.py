"""The formats in the order they are sniffed. A new format is one file and one line here."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Protocol, cast

from tracemill.parsers.api import Batch, Issue, Options, ParseError, with_all_stacks
from tracemill.parsers.unwrap.source import MAX_WHOLE_BYTES, Source

if TYPE_CHECKING:
    import os
    from collections.abc import Iterator

    import pyarrow as pa

    from tracemill.parsers.api import Facts, Item

# Binary formats first, then texts from the most to the least particular. The number
# is the parser's version: it goes up when the same bytes give other rows.
FORMATS = {
    "exectrace": 3,
    "binary": 5,
    "pprof": 4,
    "legacy_profile": 2,
    # Before goroutine dumps and gctrace's lines, which may stand in their output.
    "benchmarks": 3,
    "goroutine_dump": 5,
    "gctrace": 1,
    "listing": 4,
    "escapes": 1,
    "findings": 2,
}

# Texts that may stand far behind the first lines of a log: a crash report at its end.
ANYWHERE = (
    "benchmarks",
    "goroutine_dump",
    "gctrace",
    "escapes",
)
_PIECE_BYTES, _OVERLAP_BYTES = 1 << 20, 1 << 16


class Format(Protocol):
    """What a format's module offers; see ``tracemill.parsers.api``."""

    NAME: str

    def sniff(self, head: bytes, /) -> bool: ...

    def parse(self, source: Source, options: Options, /) -> Iterator[Item]: ...


class UnknownFormatError(ParseError):
    """No format claims the content."""


def formats() -> Iterator[Format]:
    """Every format, imported as it is asked for."""
    for name in FORMATS:
        yield _imported(name)


def _imported(name: str) -> Format:
    return cast("Format", import_module(f"tracemill.parsers.{name}"))


def detect(source: Source) -> Format:
    """The format whose content this is; UnknownFormatError if none claims it."""
    for form in formats():
        if form.sniff(source.head):
            return form
    if source.is_text and (found := _deep_in(source)) is not None:
        return found
    raise UnknownFormatError(
        source.path, "", f"no known format: begins with {source.head[:16]!r}" if source.head else "empty file"
    )


def _deep_in(source: Source) -> Format | None:
    """The format that claims the first piece of a long text that any claims."""
    texts = [_imported(name) for name in ANYWHERE]
    read, kept = 0, b""
    with source.open() as stream:
        # No text beyond this is read whole.
        while read < MAX_WHOLE_BYTES and (piece := stream.read(_PIECE_BYTES)):
            read += len(piece)
            for form in texts:
                if form.sniff(kept + piece):
                    return form
            kept = piece[-_OVERLAP_BYTES:]
    return None


def items(form: Format, source: Source, options: Options) -> Iterator[Item]:
    """What form reads of source, and an issue for each other kind of text that its head holds."""
    if source.is_text:
        for other in formats():
            if other.NAME != form.NAME and other.sniff(source.head):
                fact = f"also holds {other.NAME} lines, which are not read: save them as a file of their own"
                yield Issue("info", "input", "first 64 KiB", fact)
    yield from form.parse(source, options)


def parse(path: str | os.PathLike[str], options: Options | None = None) -> Iterator[Batch | Issue | Facts]:
    """The items of one file, streamed, stacks as batches. Raises OSError, UnknownFormatError, ParseError."""
    source = Source(path)
    return with_all_stacks(items(detect(source), source, options or Options()))


def read(path: str | os.PathLike[str], *, raw_events: bool = False) -> dict[str, pa.Table]:
    """A capture's tables by name, whole in memory. Raises OSError, UnknownFormatError, ParseError."""
    import pyarrow as pa

    from tracemill.warehouse.schema import TABLES

    batches: dict[str, list[pa.RecordBatch]] = {}
    for item in parse(path, Options(raw_events=raw_events)):
        if isinstance(item, Batch):
            batches.setdefault(item.table, []).append(TABLES[item.table].conform(item.rows))
    return {name: pa.Table.from_batches(parts) for name, parts in batches.items()}
