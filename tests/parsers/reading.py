"""Reads a file with one format's parser, without detection, into conformed tables."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

import pyarrow as pa

from tracemill.parsers.api import Batch, Facts, Issue, Item, Options, with_all_stacks
from tracemill.parsers.unwrap.source import Source
from tracemill.warehouse.schema import TABLES


def items(form: str, path: Path) -> list[Item]:
    return list(import_module(f"parsers.{form}").parse(Source(path), Options()))


def tables(found: list[Item]) -> dict[str, pa.Table]:
    batches: dict[str, list[pa.RecordBatch]] = {}
    for item in with_all_stacks(found):
        if isinstance(item, Batch):
            batches.setdefault(item.table, []).append(TABLES[item.table].conform(item.rows))
    return {name: pa.Table.from_batches(parts) for name, parts in batches.items()}


def facts(found: list[Item]) -> Facts:
    return next(item for item in found if isinstance(item, Facts))


def issues(found: list[Item]) -> list[Issue]:
    return [item for item in found if isinstance(item, Issue)]


def empty(name: str) -> pa.Table:
    """A table without rows, with its capture_id."""
    return TABLES[name].arrow_schema().empty_table().append_column("capture_id", pa.array([], pa.string()))
