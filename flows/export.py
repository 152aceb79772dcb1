"""The public marts as files: CSV, Parquet, JSON, Markdown."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

from flows.output import TEXT_WRITERS, write_parquet
from warehouse import connect
from warehouse.schema import MARTS

if TYPE_CHECKING:
    from pathlib import Path

    import duckdb

FORMATS = ("csv", "parquet", "json", "md")


def export(warehouse: Path, folder: Path, formats: tuple[str, ...] = FORMATS) -> list[Path]:
    """Write every mart in every format; each file is replaced whole. The paths written.

    Raises WarehouseError where there is no warehouse, OSError where folder cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    with connect(warehouse) as connection:
        made = {row[0] for row in connection.execute("show tables").fetchall()}
        for mart, table in MARTS.items():
            if mart in made:
                query = f"from {mart} order by " + ", ".join(f'"{c}"' for c in table.grain)
                for name in formats:
                    path = folder / f"{mart}.{name}"
                    _write(connection, query, path, name)
                    written.append(path)
    return written


def _write(connection: duckdb.DuckDBPyConnection, query: str, path: Path, name: str) -> None:
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        if name == "parquet":
            with temporary.open("wb") as out:
                write_parquet(connection, query, out)
        else:
            with temporary.open("w", encoding="utf-8", newline="") as text:
                TEXT_WRITERS[name](connection.execute(query), text)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
