"""Ad-hoc SQL: one query, or a prompt."""

from __future__ import annotations

import shutil
import sys
import tempfile

import duckdb

from tracemill.flows.show.tables import TEXT_WRITERS, OutputError, write_parquet, write_table

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
            line = (
                "select table_name, comment from (select table_name, comment from duckdb_tables() union all "
            )
            line += "select view_name, comment from duckdb_views() where not internal) order by all;"
        elif not statement and command == ".columns":
            table = argument.strip().rstrip(";").replace("'", "''")
            line = (
                f"select column_name, data_type, comment from duckdb_columns() where table_name = '{table}';"  # noqa: S608 - quoted above
            )
        elif not statement and command.startswith("."):
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
