"""A connection to what is published of a warehouse in a store: rows are fetched when a query needs them.

The published file has the marts. Its views of Parquet files name files that need not be here: DuckDB then
says which one it misses, and all that is published of that table is fetched before the query is tried again.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import duckdb

from tracemill.warehouse.errors import DamagedError
from tracemill.warehouse.layout import TABLES_FOLDER

if TYPE_CHECKING:
    from tracemill.warehouse.cache import Cache

_MISSING = re.compile(rf'No files found that match the pattern "(?:[^"]*/)?{TABLES_FOLDER}/([^/"]+)/')
_RUN = frozenset({"execute", "sql", "query", "from_query"})


class OnDemand:
    """A DuckDB connection that fetches files which its queries miss."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, cache: Cache, commit: int) -> None:
        self._connection = connection
        self._cache = cache
        self._commit = commit

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - the connection's own
        found = getattr(self._connection, name)
        return self._fetching(found) if name in _RUN else found

    def __enter__(self) -> OnDemand:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def cursor(self) -> OnDemand:
        """Another connection to the same."""
        return OnDemand(self._connection.cursor(), self._cache, self._commit)

    def _fetching(self, run: Any) -> Any:  # noqa: ANN401 - the connection's own
        def tried(*args: Any, **values: Any) -> Any:  # noqa: ANN401
            fetched: set[str] = set()
            while True:
                try:
                    found = run(*args, **values)
                except duckdb.IOException as error:
                    missing = _MISSING.search(str(error))
                    if missing is None or missing[1] in fetched:
                        raise
                    fetched.add(missing[1])
                    self._fetch(missing[1])
                else:
                    return self if found is self._connection else found

        return tried

    def _fetch(self, table: str) -> None:
        """Have all files here that are published of a table. Raises DamagedError."""
        from tracemill.warehouse.catalog import Catalog

        self._cache.refresh()
        catalog = Catalog.load(self._cache.root, at=self._commit)
        paths = sorted(path for path in catalog.listed() if path.split("/")[1] == table)
        for path, fact in self._cache.bring(paths, catalog.files).items():
            raise DamagedError(
                f"{path}: {fact}; `tracemill repair` takes out what cannot be read, "
                "so that it is loaded again"
            )
