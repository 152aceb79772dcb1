"""Every column and table, declared once: type, unit, text, grain."""

from tracemill.warehouse.schema.columns import COLUMNS, Column
from tracemill.warehouse.schema.marts import MARTS
from tracemill.warehouse.schema.tables import TABLES, Table

# Of the exported tables. The first number rises when a column goes, changes its type or its meaning; the second
# when columns or tables are added. docs/exports.md is the promise.
EXPORTS_VERSION = "1.2"

__all__ = ["COLUMNS", "EXPORTS_VERSION", "MARTS", "TABLES", "Column", "Table"]
