"""What is in one file, without a warehouse."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import duckdb
import pyarrow as pa

from tracemill.flows.show.tables import format_table, plain
from tracemill.parsers.api import Batch, Facts, Issue, Options, Stacks
from tracemill.parsers.registry import detect, items
from tracemill.parsers.unwrap.source import Source
from tracemill.warehouse.schema import TABLES

if TYPE_CHECKING:
    import os

# The few rows that say most about each table.
_SUMMARIES = {
    "goroutine_intervals": "select state, reason, count(*) as intervals, sum(duration_ns) as total_ns "
    "from rows group by all order by total_ns desc limit 20",
    "trace_ranges": "select name, scope, count(*) as ranges, sum(duration_ns) as total_ns "
    "from rows group by all order by total_ns desc limit 20",
    "profile_samples": "select sample_type, unit, count(*) as samples, sum(value) as total "
    "from rows group by all order by sample_type",
    "goroutine_dump": "select state, count(*) as goroutines, max(wait_minutes) as longest_wait_minutes "
    "from rows group by all order by goroutines desc limit 20",
    "benchmarks": "select name, unit, count(*) as results, median(value) as median "
    "from rows group by all order by name, unit limit 50",
    "escapes": "select kind, count(*) as sites from rows group by all order by sites desc",
    "call_sites": "select callee, count(*) as calls from rows group by all order by calls desc limit 30",
    "gc_cycles": "select count(*) as cycles, sum(mark_ns) as mark_ns, "
    "sum(stw_sweep_term_ns + stw_mark_term_ns) as pause_ns, "
    "max(heap_live_bytes) as heap_live_bytes from rows",
    "binaries": "select go_version, architecture, module, is_pie, gnu_build_id from rows",
}


@dataclass(slots=True)
class Inspected:
    """A file's format, facts, row counts, and a short summary of each table as (names, rows)."""

    format: str
    facts: Facts
    size_bytes: int
    rows: dict[str, int] = field(default_factory=dict)
    issues: list[Issue] = field(default_factory=list)
    summaries: dict[str, tuple[list[str], list[tuple[object, ...]]]] = field(default_factory=dict)


def inspect(file: str | os.PathLike[str], options: Options | None = None) -> Inspected:
    """Parse one file and sum it up. Raises OSError, UnknownFormatError, ParseError."""
    source = Source(file)
    form = detect(source)
    found = Inspected(form.NAME, Facts(), source.size_bytes)
    batches: dict[str, list[pa.RecordBatch]] = {}
    for item in items(form, source, options or Options()):
        if isinstance(item, Batch):
            found.rows[item.table] = found.rows.get(item.table, 0) + item.rows.num_rows
            if item.table in _SUMMARIES:
                batches.setdefault(item.table, []).append(TABLES[item.table].conform(item.rows))
        elif isinstance(item, Stacks):
            if len(item.ids):
                found.rows["stacks"] = len(item.ids)
        elif isinstance(item, Issue):
            found.issues.append(item)
        else:
            found.facts = found.facts.filled_by(item)
    with duckdb.connect() as connection:
        for name, parts in batches.items():
            connection.register("rows", pa.Table.from_batches(parts))
            cursor = connection.execute(_SUMMARIES[name])
            found.summaries[name] = ([d[0] for d in cursor.description or ()], cursor.fetchall())
    return found


def as_json(found: Inspected) -> dict[str, object]:
    """The same for machines."""
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


def as_text(found: Inspected) -> str:
    """The same for people."""
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
