"""Every column and table, declared once: type, unit, text, grain.

What only asks for an error or a name does not wait for the declarations, which import pyarrow.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tracemill.warehouse.schema.columns import COLUMNS, Column
    from tracemill.warehouse.schema.marts import MARTS
    from tracemill.warehouse.schema.tables import TABLES, Table

# Of the exported tables. The first number rises when a column goes, changes its type or its meaning; the second
# when columns or tables are added. docs/exports.md is the promise.
EXPORTS_VERSION = "1.2"

__all__ = ["COLUMNS", "EXPORTS_VERSION", "MARTS", "TABLES", "Column", "Table"]

_PLACES = {"COLUMNS": "columns", "Column": "columns", "MARTS": "marts", "TABLES": "tables", "Table": "tables"}


def __getattr__(name: str) -> object:
    """A declaration, on its first use."""
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value: object = getattr(import_module(f"{__name__}.{_PLACES[name]}"), name)
    globals()[name] = value
    return value
