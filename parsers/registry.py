"""The formats in the order they are sniffed. A new format is one file and one line here."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, cast

from tracemill.parsers.api import (
    Batch,
    Facts,
    Issue,
    NextCapture,
    Options,
    ParseError,
    with_all_stacks,
)
from tracemill.parsers.unwrap.archive import files_in, is_archive
from tracemill.parsers.unwrap.foreign import foreign
from tracemill.parsers.unwrap.joined_traces import starts_of_traces
from tracemill.parsers.unwrap.source import Source

if TYPE_CHECKING:
    import os
    import re
    from collections.abc import Iterable, Iterator

    import pyarrow as pa

    from tracemill.parsers.api import FileItem, Item

# Binary formats first, then texts from the most to the least particular. The number
# is the parser's version: it goes up when the same bytes give other rows.
FORMATS = {
    "exectrace": 6,
    "binary": 9,
    "pprof": 7,
    "legacy_profile": 6,
    # Before goroutine dumps and gctrace's lines, which may stand in their output.
    "benchmarks": 9,
    "goroutine_dump": 9,
    "race": 1,
    "gctrace": 7,
    "listing": 4,
    "escapes": 4,
    "logopt": 1,
    "findings": 3,
    "runtime_metrics": 6,
}
# They are told by magic numbers and fields; no text format reads what is no text.
BINARY = ("exectrace", "binary", "pprof")
# Texts of which one file may hold several, and which may stand far behind the first lines: a crash report
# at the end of a log, the compiler's decisions between benchmarks, a program's own figures among its lines.
ANYWHERE = ("benchmarks", "goroutine_dump", "race", "gctrace", "listing", "escapes", "runtime_metrics")
_PIECE_BYTES, _OVERLAP_BYTES = 1 << 20, 1 << 16


class Format(Protocol):
    """What a format's module offers; see ``tracemill.parsers.api``."""

    NAME: str
    # Of the formats of ANYWHERE: a line that no other text has.
    LINE: re.Pattern[bytes]

    def sniff(self, head: bytes, /) -> bool: ...

    def parse(self, source: Source, options: Options, /) -> Iterator[FileItem]: ...


class UnknownFormatError(ParseError):
    """No format claims the content."""


def formats() -> Iterator[Format]:
    """Every format, imported as it is asked for."""
    for name in FORMATS:
        yield _imported(name)


class LostCaptureError(UnknownFormatError):
    """What lies where a capture should: nothing, a pointer to it, the error of who should have fetched it."""


def _imported(name: str) -> Format:
    return cast("Format", import_module(f"tracemill.parsers.{name}"))


def detect(source: Source) -> Format:
    """The format whose content this is; UnknownFormatError if none claims it.

    Notes in source.formats the names of all that claim a part of it.
    """
    source.formats = _formats_of(source)
    return _imported(source.formats[0])


def _formats_of(source: Source) -> tuple[str, ...]:
    """Every format that claims a part of the content, in the order of FORMATS; but one for all but ANYWHERE.

    Raises UnknownFormatError if there is none, which says what it is where that is known.
    """
    for name in BINARY:
        if _imported(name).sniff(source.head):
            return (name,)
    if source.is_text:
        source.unwrap_further(_known_lines)
        first = _claims(source.head)
        if first in ANYWHERE or not first:
            found = _anywhere(source)
            first = first or next(iter(found), None)
            if first:
                return tuple(name for name in FORMATS if name in {first, *found})
        elif first:
            return (first,)
    what = foreign(source.head)
    is_lost = not source.head or (what is not None and what.is_lost)
    raise (LostCaptureError if is_lost else UnknownFormatError)(source.path, "", _refusal(source))


def _refusal(source: Source) -> str:
    if not source.head:
        return "empty file"
    if (what := foreign(source.head)) is not None:
        return f"{what.what}, no capture{f': {what.advice}' if what.advice else ''}"
    return f"no known format: begins with {source.head[:16]!r}"


def _claims(head: bytes) -> str | None:
    """The first text format that claims head."""
    return next((name for name in FORMATS if name not in BINARY and _imported(name).sniff(head)), None)


def _known_lines(head: bytes) -> int:
    """How many lines of head only one format has."""
    return sum(len(_imported(name).LINE.findall(head)) for name in ANYWHERE)


def _anywhere(source: Source) -> list[str]:
    """The formats of ANYWHERE that claim a piece of the text, looked at as a whole."""
    open_ = {name: _imported(name) for name in ANYWHERE}
    found, kept = [], b""
    with source.open() as stream:
        while open_ and (piece := stream.read(_PIECE_BYTES)):
            for name in [name for name, form in open_.items() if form.sniff(kept + piece)]:
                found.append(name)
                del open_[name]
            kept = piece[-_OVERLAP_BYTES:]
    return found


def items(form: Format, source: Source, options: Options) -> Iterator[FileItem]:
    """What form reads of source, and behind it what the other formats read that claim a part of it.

    Traces that stand one behind the other are captures of their own.
    """
    if form.NAME == "exectrace":
        yield from _traces(form, source, options)
        return
    yield from form.parse(source, options)
    for name in source.formats:
        if name != form.NAME:
            yield NextCapture(name)
            try:
                yield from _imported(name).parse(source, options)
            except ParseError as error:
                yield Facts(is_salvaged=True)
                yield Issue("error", "input", error.position, error.fact)


def _traces(form: Format, source: Source, options: Options) -> Iterator[FileItem]:
    """The traces of a file, which may stand one behind the other."""
    with source.open() as stream:
        starts = starts_of_traces(stream)
    if len(starts) < 2:
        yield from form.parse(source, options)
        return
    for number, (start, end) in enumerate(itertools.zip_longest(starts, starts[1:])):
        if number:
            yield NextCapture(form.NAME)
        try:
            yield from form.parse(source.between(start, end), options)
        except ParseError as error:
            yield Facts(is_salvaged=True)
            yield Issue("data_loss", "input", f"trace from byte {start}", f"{error.position}: {error.fact}")


def parse(path: str | os.PathLike[str], options: Options | None = None) -> Iterator[Batch | Issue | Facts]:
    """The items of a file with one capture, streamed, stacks as batches.

    Raises OSError, UnknownFormatError, ParseError; the latter also at the second capture of a file.
    """
    ways = [way for way, problem in _files(Path(path)) if problem is None]
    source = Source(path, ways[0] if len(ways) == 1 else ())
    if len(ways) != 1:
        raise ParseError(source.path, "", f"an archive of {len(ways)} files: read each by captures()")
    for item in with_all_stacks(items(detect(source), source, options or Options())):
        if isinstance(item, NextCapture):
            raise ParseError(source.path, "", "holds several captures: read each by captures()")
        yield item


def read(path: str | os.PathLike[str], *, raw_events: bool = False) -> dict[str, pa.Table]:
    """A capture's tables by name, whole in memory. Raises OSError, UnknownFormatError, ParseError."""
    return _tables(parse(path, Options(raw_events=raw_events)))


def _tables(found: Iterable[Item | NextCapture]) -> dict[str, pa.Table]:
    import pyarrow as pa

    from tracemill.warehouse.schema import TABLES

    batches: dict[str, list[pa.RecordBatch]] = {}
    for item in found:
        if isinstance(item, Batch):
            batches.setdefault(item.table, []).append(TABLES[item.table].conform(item.rows))
    return {name: pa.Table.from_batches(parts) for name, parts in batches.items()}


@dataclass(slots=True)
class FoundCapture:
    """One capture of a file, as its items come; error where it could not be read."""

    path: str
    format: str
    size_bytes: int
    items: list[Item] = field(default_factory=list)
    error: ParseError | None = None

    @property
    def facts(self) -> Facts:
        """What the content says of the whole capture."""
        facts = Facts()
        for item in self.items:
            if isinstance(item, Facts):
                facts = facts.filled_by(item)
        return facts

    @property
    def issues(self) -> list[Issue]:
        """What could not be read, or looks wrong."""
        return [item for item in self.items if isinstance(item, Issue)]

    def tables(self) -> dict[str, pa.Table]:
        """The tables by name."""
        return _tables(with_all_stacks(self.items))


def sources(path: str | os.PathLike[str]) -> Iterator[Source | ParseError]:
    """The file, or each file of the archive that it is; one that cannot be read as its error.

    Raises OSError; where the file itself is no archive ParseError.
    """
    for way, problem in _files(Path(path)):
        if problem is not None:
            yield ParseError(str(Path(path, *way)), "", problem)
            continue
        try:
            yield Source(path, way)
        except ParseError as error:
            if not way:
                raise
            yield ParseError(str(Path(path, *way)), error.position, error.fact)


def captures(path: str | os.PathLike[str], options: Options | None = None) -> Iterator[FoundCapture]:
    """Every capture in a file or in the files of an archive; one that cannot be read bears its error.

    Raises OSError; where the file itself is no archive UnknownFormatError, ParseError.
    """
    for source in sources(path):
        if isinstance(source, ParseError):
            yield FoundCapture(source.path, "", 0, error=source)
            continue
        try:
            yield from _captures_of(source, options or Options())
        except ParseError as error:
            if not source.members:
                raise
            yield FoundCapture(source.path, "", source.size_bytes, error=error)


def _captures_of(source: Source, options: Options) -> Iterator[FoundCapture]:
    form = detect(source)
    found = FoundCapture(source.path, form.NAME, source.size_bytes)
    number = 1
    for item in items(form, source, options):
        if isinstance(item, NextCapture):
            yield found
            number += 1
            found = FoundCapture(f"{source.path}#{number}", item.format, source.size_bytes)
        else:
            found.items.append(item)
    yield found


def _files(path: Path) -> Iterator[tuple[tuple[str, ...], str | None]]:
    """(way in the archive, problem) of each file in an archive; ((), None) for any other file."""
    if is_archive(path):
        yield from files_in(path)
    else:
        yield (), None
