"""The compiler's decisions: go build -gcflags=-m, -m=2 and -d=ssa/check_bce, Go 1.21 to 1.27.

Source: cmd/compile/internal/escape, inline, devirtualize, ssa (checkbce.go). ``logopt.py`` reads their JSON.

Emits ``escapes``, one row for each package, place and message. ``package`` is that of the last
``# package`` line; ``kind`` what was decided:

    escapes_to_heap, moved_to_heap, does_not_escape, leaking_param, can_inline, cannot_inline,
    inlined, devirtualized (by a profile too), bounds_check, other

Quirks: with -m=2 the reasons stand before the decision, under a line ``… escapes to heap in
f:``; they become its ``explanation``. The same message may stand several times (generic code
is compiled for each shape): one row. Files are relative to the folder where go was called, or
absolute for other modules; on Windows with a drive and backslashes. What the build cache repeats is
relative to the folder of the build that filled it: a listing may have ``./main.go`` of several packages.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from tracemill.parsers.api import Batch, Facts

if TYPE_CHECKING:
    from collections.abc import Iterator

    import polars as pl

    from tracemill.parsers.api import Item, Options
    from tracemill.parsers.unwrap.source import Source

NAME = "escapes"

LINE = re.compile(rb"^(?:[A-Za-z]:\\)?[^\s:]+\.go:\d+:\d+: |^# [\w./-]+$", re.MULTILINE)
_DECISION = re.compile(
    rb"^(?:[A-Za-z]:\\)?[^\s:][^\n:]*\.go:[0-9]+:[0-9]+: "
    rb"(?:(?:can|cannot) inline |inlining call to |leaking param|moved to heap: "
    rb"|[^\n]* escapes to heap|[^\n]* does not escape|Found Is(?:Slice)?InBounds$"
    rb"|PGO devirtualizing |(?:partially )?devirtualizing )",
    re.MULTILINE,
)
_PLACE = (
    r"^(?P<file>(?:[A-Za-z]:\\)?[^\s:][^:]*):(?P<line>[0-9]{1,18}):(?P<column>[0-9]{1,18}): (?P<message>.+)$"
)
# The first that matches the message decides.
_KINDS = (
    ("moved_to_heap", r"^moved to heap: "),
    ("escapes_to_heap", r" escapes to heap$"),
    ("does_not_escape", r" does not escape$"),
    ("leaking_param", r"^leaking param"),
    ("can_inline", r"^can inline "),
    ("cannot_inline", r"^cannot inline "),
    ("inlined", r"^inlining call to "),
    ("devirtualized", r"^(?:partially |PGO )?devirtualizing "),
    ("bounds_check", r"^Found Is(?:Slice)?InBounds$"),
)
# What -m=2 puts before a decision: a heading and indented reasons.
_HEADING = r":$"
_REASON = r"^\s"


def sniff(head: bytes) -> bool:
    """Whether a line of head is one of the compiler's decisions."""
    return _DECISION.search(head) is not None


def parse(source: Source, _options: Options) -> Iterator[Item]:
    """The decisions of the whole listing."""
    import polars as pl

    yield Facts(kind="escapes")
    text = source.read().decode("utf-8", "replace").replace("\r\n", "\n")
    lines = pl.LazyFrame({"text": text.split("\n")})
    found = _decisions(lines).collect()
    for part in found.iter_slices(500_000):
        for batch in part.to_arrow().combine_chunks().to_batches():
            yield Batch("escapes", batch)


def _decisions(lines: pl.LazyFrame) -> pl.LazyFrame:
    """Rows of escapes from the listing's lines, in their order."""
    import polars as pl

    text, message = pl.col("text"), pl.col("message")
    kind = pl.lit("other")
    for name, pattern in reversed(_KINDS):
        kind = pl.when(message.str.contains(pattern)).then(pl.lit(name)).otherwise(kind)
    place = ["package", "file", "line", "column"]
    said = (
        lines.with_columns(package=text.str.extract(r"^# (\S+)").forward_fill())
        .with_columns(text.str.extract_groups(_PLACE).alias("parts"))
        .unnest("parts")
        .filter(message.is_not_null())
        .with_columns(pl.col("line", "column").cast(pl.Int64))
    )
    is_reason, is_heading = message.str.contains(_REASON), message.str.contains(_HEADING)
    reasons = (
        said.filter(is_reason)
        .group_by(place, maintain_order=True)
        .agg(explanation=message.str.strip_chars().str.join("\n"))
    )
    return (
        said.filter(~is_reason & ~is_heading)
        .unique([*place, "message"], keep="first", maintain_order=True)
        .with_columns(kind=kind)
        .join(reasons, on=place, how="left", nulls_equal=True, maintain_order="left")
        .with_columns(
            explanation=pl.when(pl.col("kind").is_in(["escapes_to_heap", "moved_to_heap", "leaking_param"]))
            .then("explanation")
            .otherwise(None)
        )
        .select(*place, "message", "kind", "explanation")
    )
