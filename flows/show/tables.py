"""Query results on the screen and in files: one writer for each format."""

from __future__ import annotations

import csv
import json
import math
import re
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, BinaryIO, TextIO

from tracemill.flows.show.terminal import terminal_width, visible
from tracemill.warehouse.schema.errors import TracemillError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    import duckdb

ROWS_AT_ONCE = 10_000
# Stands for the width of the terminal, whatever that is.
SCREEN_WIDTH = 0
# A screen table shows this many rows; csv, json and parquet are never cut.
MAX_TABLE_ROWS = 200
# What makes cells, HTML, code and links in Markdown takes a backslash (CommonMark, "Backslash escapes").
_MARKUP = re.compile(r"([\\`|<\[\]])")


class OutputError(TracemillError):
    """Rows that cannot be written as asked, in one sentence."""


def names_and_rows(cursor: duckdb.DuckDBPyConnection) -> tuple[list[str], Iterator[tuple[object, ...]]]:
    """Column names and the rows, fetched as they are asked for."""

    def rows() -> Iterator[tuple[object, ...]]:
        while batch := cursor.fetchmany(ROWS_AT_ONCE):
            yield from batch

    return [str(d[0]) for d in cursor.description or ()], rows()


def write_csv(cursor: duckdb.DuckDBPyConnection, out: TextIO) -> None:
    """RFC 4180 with a header row; nested values as JSON."""
    names, rows = names_and_rows(cursor)
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(names)
    writer.writerows([_csv_value(v) for v in row] for row in rows)


def write_json(cursor: duckdb.DuckDBPyConnection, out: TextIO) -> None:
    """One array of objects."""
    names, rows = names_and_rows(cursor)
    out.write("[")
    for index, row in enumerate(rows):
        out.write(",\n " if index else "\n ")
        out.write(json.dumps(dict(zip(names, map(plain, row), strict=True)), ensure_ascii=False))
    out.write("\n]\n")


def write_markdown(cursor: duckdb.DuckDBPyConnection, out: TextIO) -> None:
    """A pipe table."""
    names, rows = names_and_rows(cursor)
    out.write(markdown_table(names, rows))


def markdown_table(names: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Rows as a pipe table; no cell can break out of it."""
    lines = ["| " + " | ".join(names) + " |", "|" + " --- |" * len(names)]
    lines += ["| " + " | ".join(_MARKUP.sub(r"\\\1", visible(short(v))) for v in row) + " |" for row in rows]
    return "\n".join(lines) + "\n"


def write_table(cursor: duckdb.DuckDBPyConnection, out: TextIO, width: int | None = SCREEN_WIDTH) -> None:
    """Columns in line, numbers to the right; the rows beyond a screenful are counted."""
    names, rows = names_and_rows(cursor)
    shown: list[tuple[object, ...]] = []
    more = 0
    for row in rows:
        if len(shown) < MAX_TABLE_ROWS:
            shown.append(row)
        else:
            more += 1
    out.write(format_table(names, shown, width))
    count = f"{len(shown) + more} row{'s' * (len(shown) + more != 1)}"
    out.write(f"({count}{f', {more} not shown; --format csv shows all' if more else ''})\n")


def format_table(
    names: Sequence[str], rows: Sequence[Sequence[object]], width: int | None = SCREEN_WIDTH
) -> str:
    """Rows as text in columns, no wider than width where the columns allow; None: as wide as they are."""
    cells = [[visible(short(v)) for v in row] for row in rows]
    widths = [max([len(n), *(len(row[i]) for row in cells)]) for i, n in enumerate(names)]
    is_number = [
        all(isinstance(row[i], int | float | Decimal) or row[i] is None for row in rows)
        for i in range(len(names))
    ]
    room = terminal_width() if width == SCREEN_WIDTH else width
    while room is not None and sum(widths) + 2 * len(widths) > room and max(widths, default=0) > 12:
        widths[widths.index(max(widths))] -= 1
    lines = [names, ["-" * w for w in widths], *cells]
    return "".join(
        "  ".join(
            _fit(c, w).rjust(w) if n else _fit(c, w).ljust(w)
            for c, w, n in zip(line, widths, is_number, strict=True)
        ).rstrip()
        + "\n"
        for line in lines
    )


def _fit(text: str, width: int) -> str:
    return text if len(text) <= width else text[: width - 1] + "…"


def short(value: object) -> str:
    """A value for people: floats to five digits, nested values as JSON."""
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.5g}" if abs(value) < 1e5 else f"{value:.0f}"
    if isinstance(value, dict | list | tuple):
        return json.dumps(plain(value), ensure_ascii=False)
    return str(value)


def plain(value: object) -> object:
    """A value as JSON can hold it."""
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, dict):
        return {str(k): plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [plain(v) for v in value]
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, datetime | date):
        return value.isoformat()
    return value if isinstance(value, str | int | float | bool) or value is None else str(value)


def _csv_value(value: object) -> object:
    if isinstance(value, dict | list | tuple):
        return json.dumps(plain(value), ensure_ascii=False)
    return value.isoformat() if isinstance(value, datetime | date) else value


def write_parquet(
    connection: duckdb.DuckDBPyConnection, query: str, out: BinaryIO, metadata: dict[str, str] | None = None
) -> None:
    """The query's rows as zstd-compressed Parquet, with metadata of the file; out must be seekable."""
    import pyarrow.parquet as pq

    relation = connection.sql(query)
    if relation is None:
        raise OutputError("the statement gives no rows")
    reader = relation.to_arrow_reader(ROWS_AT_ONCE)
    schema = reader.schema.with_metadata(metadata) if metadata else reader.schema
    with pq.ParquetWriter(out, schema, compression="zstd") as writer:
        for batch in reader:
            writer.write_batch(batch)


TEXT_WRITERS: dict[str, Callable[[duckdb.DuckDBPyConnection, TextIO], None]] = {
    "table": write_table,
    "csv": write_csv,
    "json": write_json,
    "md": write_markdown,
}
