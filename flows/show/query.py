"""Ad-hoc SQL: one query, its rows to standard output. Ctrl-C ends it at once."""

from __future__ import annotations

import shutil
import sys
import tempfile
import threading
from typing import TYPE_CHECKING, TypeVar

from tracemill.flows.show.tables import TEXT_WRITERS, OutputError, write_parquet
from tracemill.warehouse.reading import require_reading

if TYPE_CHECKING:
    from collections.abc import Callable

    import duckdb

SECONDS_TO_END = 5
_Result = TypeVar("_Result")


def run(connection: duckdb.DuckDBPyConnection, query: str, format_: str) -> None:
    """Run one query and write its rows to standard output, and nothing else.

    Raises duckdb.Error, OnlyReadsError.
    """
    require_reading(connection, query)
    if format_ != "parquet":
        interruptible(connection, lambda: TEXT_WRITERS[format_](connection.execute(query), sys.stdout))
        return
    if sys.stdout.isatty():
        raise OutputError("Parquet is not for a terminal; redirect the output to a file")
    with tempfile.TemporaryFile() as whole:  # a pipe cannot seek, and Parquet's writer must
        interruptible(connection, lambda: write_parquet(connection, query, whole))
        whole.seek(0)
        shutil.copyfileobj(whole, sys.stdout.buffer)


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
