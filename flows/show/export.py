"""The public marts as files: CSV, Parquet, JSON, Markdown, OpenMetrics; and the schema they keep to."""

from __future__ import annotations

import io
import json
from importlib.metadata import version
from typing import TYPE_CHECKING

from tracemill.flows.show.openmetrics import FILE as OPENMETRICS_FILE
from tracemill.flows.show.openmetrics import write_openmetrics
from tracemill.flows.show.tables import TEXT_WRITERS, write_parquet
from tracemill.warehouse import connect
from tracemill.warehouse.durable import beside
from tracemill.warehouse.scan import duckdb_type
from tracemill.warehouse.schema import EXPORTS_VERSION, MARTS, TABLES

if TYPE_CHECKING:
    from collections.abc import Callable, Collection
    from pathlib import Path
    from typing import BinaryIO, TextIO

    import duckdb

FORMATS = ("csv", "parquet", "json", "md", "openmetrics")
SCHEMA_FILE = "schema.json"
EXPORTED = {**MARTS, "accepted_regressions": TABLES["accepted_regressions"]}
# What `run` writes: what was found. All else can be asked for, and fills a disk.
VERDICT_TABLES = ("builds", "incidents", "regressions", "accepted_regressions")


def export(
    warehouse: Path,
    folder: Path,
    formats: tuple[str, ...] = FORMATS,
    tables: Collection[str] = EXPORTED,
) -> list[Path]:
    """Write the tables in every format; each file is replaced whole. The paths written.

    Raises WarehouseError where there is no warehouse, OSError where folder cannot be written.
    """
    with connect(warehouse) as connection:
        written = [folder / SCHEMA_FILE]
        replace_whole(written[0], lambda out: out.write(schema().encode()))
        made = {row[0] for row in connection.execute("show tables").fetchall()}
        for mart, table in EXPORTED.items():
            if mart in made and mart in tables:
                query = f"from {mart} order by " + ", ".join(f'"{c}"' for c in table.grain)
                for name in formats:
                    if name != "openmetrics":
                        written.append(folder / f"{mart}.{name}")
                        replace_whole(written[-1], _writer(connection, query, name))
        if "openmetrics" in formats and "regressions" in made:
            written.append(folder / OPENMETRICS_FILE)
            replace_whole(written[-1], _text_writer(lambda out: write_openmetrics(connection, out)))
    return written


def schema() -> str:
    """The exported tables' version, columns and texts as JSON; docs/exports.md says what may change."""
    tables = {
        name: {
            "text": table.text,
            "grain": table.grain,
            "columns": [
                {"name": c.name, "type": duckdb_type(c.type), "unit": c.unit, "text": c.text}
                for c in table.columns
            ],
        }
        for name, table in EXPORTED.items()
    }
    whole = {"version": EXPORTS_VERSION, "tracemill": version("tracemill"), "tables": tables}
    return json.dumps(whole, indent=1, ensure_ascii=False) + "\n"


def _writer(connection: duckdb.DuckDBPyConnection, query: str, name: str) -> Callable[[BinaryIO], object]:
    if name == "parquet":
        metadata = {"tracemill_exports_version": EXPORTS_VERSION}
        return lambda out: write_parquet(connection, query, out, metadata)
    return _text_writer(lambda out: TEXT_WRITERS[name](connection.execute(query), out))


def _text_writer(write: Callable[[TextIO], object]) -> Callable[[BinaryIO], object]:
    def encoded(out: BinaryIO) -> None:
        text = io.TextIOWrapper(out, encoding="utf-8", newline="")
        write(text)
        text.detach()  # flushes, and leaves the file open

    return encoded


def replace_whole(path: Path, write: Callable[[BinaryIO], object]) -> None:
    """Put what write writes in the place of path's content, whole or not at all; its folder is made.

    Raises OSError, which names path.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        error.filename = str(path)
        raise
    with beside(path) as temporary:
        with temporary.open("wb") as out:
            write(out)
        temporary.replace(path)
