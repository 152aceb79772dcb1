"""The catalog's records as rows of the tables that are made from it."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from tracemill.warehouse.records import as_dict
from tracemill.warehouse.schema import TABLES

if TYPE_CHECKING:
    import pyarrow as pa

    from tracemill.warehouse.records import Accepted, Build, Capture


def table(name: str, rows: list[dict[str, object]]) -> pa.Table:
    """Rows as the table of that name."""
    import pyarrow as pa

    schema = pa.schema([c.arrow_field() for c in TABLES[name].columns])
    return pa.Table.from_pylist(rows, schema=schema)


def capture_row(capture: Capture) -> dict[str, object]:
    """A row of captures."""
    row = as_dict(capture)
    row["captured_at"] = _microseconds(capture.captured_at_ns)
    row["started_at"] = _microseconds(capture.started_at_ns)
    row["expired_tables"] = row.pop("expired")
    row["row_count"] = sum(capture.rows.values())
    row["labels"] = list(capture.labels.items())
    return row


def build_row(build: Build) -> dict[str, object]:
    """A row of build_manifests."""
    row = as_dict(build)
    row["committed_at"] = datetime.fromisoformat(build.committed_at) if build.committed_at else None
    row["listed_position"] = row.pop("position")
    row["labels"] = list(build.labels.items())
    return row


def accepted_row(accepted: Accepted) -> dict[str, object]:
    """A row of accepted_regressions."""
    row = as_dict(accepted)
    row["accepted_at"] = datetime.fromisoformat(accepted.accepted_at)
    return row


def _microseconds(ns: int | None) -> int | None:
    return None if ns is None else ns // 1000
