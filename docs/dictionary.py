"""The data dictionary, from warehouse/schema: `make docs` writes docs/dictionary.md."""

from __future__ import annotations

from tracemill.warehouse.scan import duckdb_type
from tracemill.warehouse.schema import MARTS, TABLES, Table

_HEAD = """# Data dictionary

Generated from `warehouse/schema` by `make docs`; the same texts are in the Parquet field metadata
and in DuckDB's comments (`from duckdb_columns()`). Times are nanoseconds since the capture's start,
sizes are bytes, unless the unit says otherwise. The grain is what makes a row unique.
"""


def dictionary() -> str:
    """The whole page."""
    parts = [
        _HEAD,
        "\n## Marts\n",
        *map(_section, MARTS.values()),
        "\n## Tables\n",
        *map(_section, TABLES.values()),
    ]
    return "".join(parts)


def _section(table: Table) -> str:
    rows = "".join(
        f"| {c.name} | {duckdb_type(c.type)} | {c.unit} | {c.text.replace('|', chr(92) + '|')} |\n"
        for c in table.columns
    )
    grain = ", ".join(table.grain)
    return (
        f"\n### {table.name}\n\n{table.text}\n\nGrain: {grain}\n\n"
        f"| column | type | unit | meaning |\n| --- | --- | --- | --- |\n{rows}"
    )


if __name__ == "__main__":
    print(dictionary(), end="")
