"""What a parser hands on: batches, stacks, issues and facts, in any order, as a stream.

A format is a module with three names:

``NAME: str``
    the format's name in ``captures.format``.
``sniff(head: bytes) -> bool``
    is this content ours? Gets the first 64 KiB, decompressed; answers yes or no
    and never raises. Must be cheap to import: heavy imports go into ``parse``.
``parse(source: Source, options: Options) -> Iterator[FileItem]``
    reads the source and yields items. Content that is ours but cannot be read at
    all raises ``ParseError``; one damaged part of a readable file yields an
    ``Issue`` and the rest is kept. ``NextCapture`` stands between the captures of a
    file that holds several.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from tracemill.warehouse.schema.errors import TracemillError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

Severity = Literal["info", "error", "data_loss"]
Blame = Literal["input", "parser"]


@dataclass(frozen=True, slots=True)
class Batch:
    """Rows of one table; columns and types as ``tracemill.warehouse.schema`` declares, less ``capture_id``.

    A column that the table declares and the batch lacks is null.
    """

    table: str
    rows: pa.RecordBatch


@dataclass(frozen=True, slots=True)
class Stacks:
    """Distinct stacks of a capture, told by their ids; rows are made only of those that are asked for.

    Captures of one program have most of their stacks in common, and a stack's row is long.
    ids: (n,), each row's ``stack_id``. rows(places) gives the ``stacks`` rows at these places, in any order.
    """

    ids: NDArray[np.int64]
    rows: Callable[[NDArray[np.int64]], Iterator[pa.RecordBatch]]


@dataclass(frozen=True, slots=True)
class Issue:
    """Something that a capture should have held and does not, or that looks wrong."""

    severity: Severity
    blame: Blame
    position: str
    message: str


@dataclass(frozen=True, slots=True)
class Facts:
    """What the content says of the whole capture; a later Facts fills what an earlier left None.

    kind: ``trace``, ``heap``, ``block``, ``binary`` … (default: the format's name).
    captured_at_ns, started_at_ns: Unix time; started_at_ns is the capture's time zero.
    """

    kind: str | None = None
    captured_at_ns: int | None = None
    started_at_ns: int | None = None
    duration_ns: int | None = None
    go_version: str | None = None
    is_salvaged: bool = False
    labels: dict[str, str] = field(default_factory=dict)

    def filled_by(self, later: Facts) -> Facts:
        """These facts, with what they leave open taken from later ones."""
        return Facts(
            kind=later.kind if self.kind is None else self.kind,
            captured_at_ns=later.captured_at_ns if self.captured_at_ns is None else self.captured_at_ns,
            started_at_ns=later.started_at_ns if self.started_at_ns is None else self.started_at_ns,
            duration_ns=later.duration_ns if self.duration_ns is None else self.duration_ns,
            go_version=later.go_version if self.go_version is None else self.go_version,
            is_salvaged=self.is_salvaged or later.is_salvaged,
            labels=later.labels | self.labels,
        )


@dataclass(frozen=True, slots=True)
class NextCapture:
    """What follows is another capture of the same file: the next dump of several, or another kind of text.

    format: the parser that reads it.
    """

    format: str


Item = Batch | Stacks | Issue | Facts
# What a file gives that may hold several captures.
FileItem = Item | NextCapture


def with_all_stacks(items: Iterable[FileItem]) -> Iterator[Batch | Issue | Facts | NextCapture]:
    """The items, with all rows of their stacks as batches."""
    import numpy as np

    for item in items:
        if isinstance(item, Stacks):
            for rows in item.rows(np.arange(len(item.ids))):
                yield Batch("stacks", rows)
        else:
            yield item


@dataclass(frozen=True, slots=True)
class Options:
    """How to parse. raw_events: also yield ``trace_events``."""

    raw_events: bool = False


class ParseError(TracemillError):
    """Content of a known format that cannot be read: file, place and fact."""

    def __init__(self, path: str, position: str, fact: str) -> None:
        super().__init__(f"{path}: {position}: {fact}" if position else f"{path}: {fact}")
        self.path = path
        self.position = position
        self.fact = fact

    def __reduce__(self) -> tuple[type[ParseError], tuple[str, str, str]]:
        return type(self), (self.path, self.position, self.fact)
