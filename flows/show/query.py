"""Ad-hoc SQL: one query, or a prompt."""

from __future__ import annotations

import shutil
import sys
import tempfile

import duckdb

from tracemill.flows.show.tables import TEXT_WRITERS, OutputError, write_parquet, write_table
from tracemill.warehouse import queries

HELP = (
    """End a statement with ; — .tables lists tables, .columns TABLE its columns, .quit or Ctrl-D leaves."""
)


def run(connection: duckdb.DuckDBPyConnection, query: str, format_: str) -> None:
    """Run one query and write its rows to standard output, and nothing else. Raises duckdb.Error."""
    if format_ != "parquet":
        TEXT_WRITERS[format_](connection.execute(query), sys.stdout)
        return
    if sys.stdout.isatty():
        raise OutputError("Parquet is not for a terminal; redirect the output to a file")
    with tempfile.TemporaryFile() as whole:  # a pipe cannot seek, and Parquet's writer must
        write_parquet(connection, query, whole)
        whole.seek(0)
        shutil.copyfileobj(whole, sys.stdout.buffer)


def prompt(connection: duckdb.DuckDBPyConnection) -> None:
    """Read statements until the end of input; an error is shown and the prompt goes on."""
    import readline  # noqa: F401 - gives input() history and editing

    print(HELP)
    statement = ""
    while True:
        try:
            line = input("tracemill> " if not statement else "      ...> ")
        except EOFError:
            print()
            return
        except KeyboardInterrupt:
            print()
            statement = ""
            continue
        command, _, argument = line.strip().partition(" ")
        if not statement and command in {".quit", ".exit"}:
            return
        if not statement and command == ".tables":
            write_table(connection.execute(queries.text("prompt/tables")), sys.stdout)
            continue
        if not statement and command == ".columns":
            asked = {"table_name": argument.strip().rstrip(";")}
            write_table(connection.execute(queries.text("prompt/columns"), asked), sys.stdout)
            continue
        if not statement and command.startswith("."):
            print(HELP)
            continue
        statement += line + "\n"
        if line.rstrip().endswith(";"):
            try:
                write_table(connection.execute(statement), sys.stdout)
            except duckdb.Error as error:
                print(error)
            except KeyboardInterrupt:
                connection.interrupt()
            statement = ""
