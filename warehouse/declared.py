"""The tables that are the same in every warehouse: what the code declares, for SQL and for people to read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tracemill.detection.rules import RULES
from tracemill.warehouse.schema import TABLES
from tracemill.warehouse.schema.metrics import metric_rows, source_rows
from tracemill.warehouse.schema.vocabularies import evidence_rows, status_rows

if TYPE_CHECKING:
    import pyarrow as pa


def declared() -> dict[str, pa.Table]:
    """metrics, metric_sources, verdict_statuses, evidence_kinds and detection_rules by name."""
    import pyarrow as pa  # who only reads a warehouse does not wait for it

    names = TABLES["detection_rules"].column_names
    rows = {
        "metrics": metric_rows(),
        "metric_sources": source_rows(),
        "verdict_statuses": status_rows(),
        "evidence_kinds": evidence_rows(),
        "detection_rules": [{name: getattr(RULES, name) for name in names}],
    }
    schemas = {name: pa.schema([c.arrow_field() for c in TABLES[name].columns]) for name in rows}
    return {name: pa.Table.from_pylist(found, schema=schemas[name]) for name, found in rows.items()}
