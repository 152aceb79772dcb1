"""Reads a trace with the parser directly: tables, issues and facts."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pyarrow as pa

from tracemill.parsers import exectrace
from tracemill.parsers.api import Batch, Facts, Issue, Options, with_all_stacks
from tracemill.parsers.unwrap.source import Source
from tracemill.warehouse.intervals import with_intervals
from tracemill.warehouse.schema import TABLES

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from tracemill.parsers.api import Item


@dataclass
class Reading:
    tables: dict[str, pa.Table] = field(default_factory=dict)
    issues: list[Issue] = field(default_factory=list)
    facts: Facts = field(default_factory=Facts)


def collect(items: Iterable[Item]) -> Reading:
    reading = Reading()
    batches: dict[str, list[pa.RecordBatch]] = {}
    for item in with_all_stacks(items):
        if isinstance(item, Batch):
            batches.setdefault(item.table, []).append(TABLES[item.table].conform(item.rows))
        elif isinstance(item, Issue):
            reading.issues.append(item)
        else:
            reading.facts = item
    reading.tables = with_intervals({name: pa.Table.from_batches(parts) for name, parts in batches.items()})
    return reading


def read(path: Path, *, raw_events: bool = False) -> Reading:
    return collect(exectrace.parse(Source(path), Options(raw_events=raw_events)))
