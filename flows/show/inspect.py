"""What is in one file, without a warehouse."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import duckdb
import pyarrow as pa

from tracemill.flows.show.tables import format_table, plain
from tracemill.parsers.api import Batch, Facts, Issue, NextCapture, Options, ParseError, Stacks
from tracemill.parsers.pprof.kind import ASIDE
from tracemill.parsers.registry import detect, items, sources
from tracemill.warehouse import queries
from tracemill.warehouse.intervals import CYCLES, INTERVALS, with_intervals
from tracemill.warehouse.schema import TABLES

if TYPE_CHECKING:
    import os
    from collections.abc import Iterator

    from tracemill.parsers.unwrap.source import Source

# Of these tables the few rows that say most are shown: sql/queries/summaries/.
# What the verb top is made of.
_IN_TOP = (INTERVALS, CYCLES, "profile_samples", "goroutine_dump")
_SUMMARISED = frozenset(name.partition("/")[2] for name in queries.names() if name.startswith("summaries/"))


@dataclass(slots=True)
class Inspected:
    """A capture's format, facts, row counts, and a short summary of each table as (names, rows).

    path: the file, with the way to it in an archive, and #2 … where it is not the file's first capture.
    error: why it could not be read; then there is nothing else.
    """

    path: str
    format: str
    size_bytes: int
    facts: Facts = field(default_factory=Facts)
    rows: dict[str, int] = field(default_factory=dict)
    issues: list[Issue] = field(default_factory=list)
    summaries: dict[str, tuple[list[str], list[tuple[object, ...]]]] = field(default_factory=dict)
    error: str | None = None

    @property
    def is_in_top(self) -> bool:
        """Whether top shows something of it."""
        return self.facts.kind not in ASIDE and any(self.rows.get(table) for table in _IN_TOP)


def inspect(file: str | os.PathLike[str], options: Options | None = None) -> list[Inspected]:
    """Parse one file, or the files of an archive, and sum each capture up.

    Raises OSError; where the file is no archive UnknownFormatError, ParseError.
    """
    found: list[Inspected] = []
    for source in sources(file):
        if isinstance(source, ParseError):
            found.append(Inspected(source.path, "", 0, error=source.fact))
            continue
        try:
            found += _inspect(source, options or Options())
        except ParseError as error:
            if not source.members:
                raise
            place = f"{error.position}: " if error.position else ""
            found.append(Inspected(source.path, "", source.size_bytes, error=f"{place}{error.fact}"))
    return found


def _inspect(source: Source, options: Options) -> Iterator[Inspected]:
    form = detect(source)
    found = Inspected(source.path, form.NAME, source.size_bytes)
    batches: dict[str, list[pa.RecordBatch]] = {}
    number = 1
    for item in items(form, source, options):
        if isinstance(item, NextCapture):
            yield _summed_up(found, batches)
            number += 1
            found = Inspected(f"{source.path}#{number}", item.format, source.size_bytes)
            batches = {}
        elif isinstance(item, Batch):
            found.rows[item.table] = found.rows.get(item.table, 0) + item.rows.num_rows
            if item.table in _SUMMARISED or item.table == CYCLES:
                batches.setdefault(item.table, []).append(TABLES[item.table].conform(item.rows))
        elif isinstance(item, Stacks):
            if len(item.ids):
                found.rows["stacks"] = len(item.ids)
        elif isinstance(item, Issue):
            found.issues.append(item)
        else:
            found.facts = found.facts.filled_by(item)
    yield _summed_up(found, batches)


def _summed_up(found: Inspected, batches: dict[str, list[pa.RecordBatch]]) -> Inspected:
    tables = with_intervals({name: pa.Table.from_batches(parts) for name, parts in batches.items()})
    if INTERVALS in tables:
        found.rows[INTERVALS] = tables[INTERVALS].num_rows
    with duckdb.connect() as connection:
        for name in sorted(tables.keys() & _SUMMARISED, key=list(tables).index):
            connection.register("rows", tables[name])
            cursor = connection.execute(queries.text(f"summaries/{name}"))
            found.summaries[name] = ([d[0] for d in cursor.description or ()], cursor.fetchall())
    return found


def as_json(found: list[Inspected]) -> dict[str, object]:
    """The same for machines: one capture's, or rows and issues of all and each one's own as captures."""
    if len(found) == 1 and found[0].error is None:
        return _as_json(found[0])
    rows: dict[str, int] = {}
    for each in found:
        for table, count in each.rows.items():
            rows[table] = rows.get(table, 0) + count
    return {
        "rows": rows,
        "issues": [asdict(issue) for each in found for issue in each.issues],
        "captures": [
            {"path": each.path, "error": each.error} if each.error else {"path": each.path} | _as_json(each)
            for each in found
        ],
    }


def _as_json(found: Inspected) -> dict[str, object]:
    return {
        "format": found.format,
        "facts": {k: v for k, v in asdict(found.facts).items() if v is not None},
        "size_bytes": found.size_bytes,
        "rows": found.rows,
        "issues": [asdict(i) for i in found.issues],
        "summaries": {
            table: [{n: plain(v) for n, v in zip(names, row, strict=True)} for row in rows]
            for table, (names, rows) in found.summaries.items()
        },
    }


def as_text(found: list[Inspected]) -> str:
    """The same for people."""
    if len(found) == 1 and found[0].error is None:
        return _as_text(found[0])
    texts = (f"not read: {each.error}\n" if each.error else _as_text(each) for each in found)
    parts = (f"{each.path}\n{text}" for each, text in zip(found, texts, strict=True))
    return "\n".join([f"{len(found)} captures\n", *parts])


def _as_text(found: Inspected) -> str:
    facts = found.facts
    lines = [f"format      {found.format}", f"kind        {facts.kind or found.format}"]
    if facts.go_version:
        lines.append(f"Go          {facts.go_version}")
    if "trace_format" in facts.labels:
        lines.append(f"trace format  {facts.labels['trace_format']}")
    if facts.duration_ns is not None:
        lines.append(f"duration    {facts.duration_ns / 1e9:.6f} s")
    if facts.captured_at_ns or facts.started_at_ns:
        at = datetime.fromtimestamp((facts.captured_at_ns or facts.started_at_ns or 0) / 1e9, UTC)
        lines.append(f"captured    {at.isoformat()}")
    lines.append(f"size        {found.size_bytes:,} bytes")
    lines.append(
        f"issues      {len(found.issues)}{' (only whole parts were kept)' if facts.is_salvaged else ''}"
    )
    text = "\n".join(lines) + "\n\n" + format_table(["table", "rows"], list(found.rows.items()))
    for table, (names, rows) in found.summaries.items():
        text += f"\n{table}\n" + format_table(names, rows)
    for issue in found.issues[:20]:
        text += f"{issue.severity} ({issue.blame}): {issue.position}: {issue.message}\n"
    return text
