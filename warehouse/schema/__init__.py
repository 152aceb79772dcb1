"""Every column and table, declared once: type, unit, text, grain."""

from warehouse.schema.columns import COLUMNS, Column
from warehouse.schema.marts import MARTS
from warehouse.schema.tables import TABLES, Table

__all__ = ["COLUMNS", "MARTS", "TABLES", "Column", "Table"]
