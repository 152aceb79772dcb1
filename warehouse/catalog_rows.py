"""The catalog's records as rows of the tables that are made from it."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from tracemill.warehouse.records import as_dict
from tracemill.warehouse.schema import TABLES

if TYPE_CHECKING:
    import pyarrow as pa

    from tracemill.warehouse.catalog import Catalog
    from tracemill.warehouse.records import Accepted, Build, Capture


def tables_of(catalog: Catalog, builds: set[str]) -> dict[str, pa.Table]:
    """The catalog's own tables, with the rows of these builds."""
    failures = [*catalog.failures.of(builds).values()]
    failures += [failure for build, failure in catalog.set_aside.items() if build in builds]
    rows: dict[str, list[dict[str, object]]] = {
        "captures": [capture_row(c) for c in catalog.captures_of(builds)],
        "build_manifests": [build_row(b) for b in catalog.builds.of(builds).values()],
        "run_work": [
            {"build_id": b, "run_id": r, "work_unit": unit, "work_count": float(count)}
            for (b, r), work in catalog.work.of(builds).items()
            for unit, count in work.items()
        ],
        "run_pairs": [
            {"build_id": b, "run_id": r, "pair": pair} for (b, r), pair in catalog.pairs.of(builds).items()
        ],
        "load_failures": [as_dict(f) for f in failures],
        "accepted_regressions": [accepted_row(a) for a in catalog.accepted.of(builds).values()],
    }
    return {name: table(name, found) for name, found in rows.items()}


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
