"""Ad-hoc SQL: the rows of queries to standard output. Ctrl-C ends it at once."""

from __future__ import annotations

import shutil
import sys
import tempfile
import threading
from typing import TYPE_CHECKING, TypeVar

from duckdb import ExpectedResultType

from tracemill.flows.show.tables import TEXT_WRITERS, OutputError, write_parquet
from tracemill.warehouse.reading import require_reading

if TYPE_CHECKING:
    from collections.abc import Callable

    import duckdb

SECONDS_TO_END = 5
# The formats in which tables may follow one another.
SEVERAL_RESULTS = ("table", "md")
_Result = TypeVar("_Result")


def run(connection: duckdb.DuckDBPyConnection, query: str, format_: str) -> None:
    """Run what may be several statements and write the rows of each to standard output, and nothing else.

    Raises duckdb.Error, OnlyReadsError, OutputError.
    """
    require_reading(connection, query)
    statements = connection.extract_statements(query)
    if not statements:
        raise OutputError('there is no query; such as: tracemill sql "from regressions"')
    # Of statements none of which gives rows, what DuckDB says of the last.
    shown = [s for s in statements if ExpectedResultType.QUERY_RESULT in s.expected_result_type]
    shown = shown or statements[-1:]
    if len(shown) > 1 and format_ not in SEVERAL_RESULTS:
        formats = " or ".join(SEVERAL_RESULTS)
        raise OutputError(
            f"{len(shown)} queries, and {format_} holds the rows of one: ask them one by one, or as {formats}"
        )
    if format_ != "parquet":
        interruptible(connection, lambda: _write_text(connection, statements, shown, format_))
        return
    if sys.stdout.isatty():
        raise OutputError("Parquet is not for a terminal; redirect the output to a file")
    with tempfile.TemporaryFile() as whole:  # a pipe cannot seek, and Parquet's writer must
        interruptible(connection, lambda: write_parquet(connection, query, whole))
        whole.seek(0)
        shutil.copyfileobj(whole, sys.stdout.buffer)


def _write_text(
    connection: duckdb.DuckDBPyConnection,
    statements: list[duckdb.Statement],
    shown: list[duckdb.Statement],
    format_: str,
) -> None:
    for statement in statements:
        rows = connection.execute(statement)
        if statement in shown:
            if statement is not shown[0]:
                sys.stdout.write("\n")
            TEXT_WRITERS[format_](rows, sys.stdout)


def interruptible(connection: duckdb.DuckDBPyConnection, work: Callable[[], _Result]) -> _Result:
    """What work gives. Ctrl-C interrupts the connection; raises KeyboardInterrupt once work has ended.

    DuckDB's execute() hears no signal: work runs in a thread, and this one waits for either.
    """
    results: list[_Result] = []
    errors: list[BaseException] = []
    is_done = threading.Event()

    def call() -> None:
        try:
            results.append(work())
        except BaseException as error:  # noqa: BLE001 - raised again by who waits
            errors.append(error)
        finally:
            is_done.set()

    thread = threading.Thread(target=call, daemon=True)
    thread.start()
    try:
        is_done.wait()
    except KeyboardInterrupt:
        connection.interrupt()
        thread.join(SECONDS_TO_END)
        raise
    if errors:
        raise errors[0]
    return results[0]
