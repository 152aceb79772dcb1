"""What the verdicts would be if the history were another: the same models over changed tables, in memory.

The warehouse's file is attached read-only, so nothing of this can ever reach it. A
table that is changed stands before the published one of its name, and so does every
model of all builds that reads it, made anew.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from duckdb import BinderException, CatalogException

from tracemill.warehouse.address import no_warehouse
from tracemill.warehouse.connection import DATABASE, bring_published, open_database
from tracemill.warehouse.errors import WarehouseError
from tracemill.warehouse.functions import register
from tracemill.warehouse.level_relation import levels_at_hand
from tracemill.warehouse.models import read_models, spanning_models

if TYPE_CHECKING:
    from pathlib import Path

    import duckdb

# What is in the warehouse, for the queries given to change().
PUBLISHED = "published.main"


class WhatIf:
    """A history of one's own over the warehouse at root; close() it, or use it in a with statement."""

    def __init__(self, root: Path) -> None:
        from pathlib import Path

        bring_published(root)
        if not (root / DATABASE).is_file():
            raise no_warehouse(root)
        self.connection = open_database(Path(":memory:"), root, read_only=False)
        quoted = str(root.resolve() / DATABASE).replace("'", "''")
        self.connection.execute(f"attach '{quoted}' as published (read_only)")
        self.connection.execute(f"set search_path = 'memory.main,{PUBLISHED}'")
        register(self.connection)
        models = read_models()
        spanning = spanning_models(models)
        self._models = [m for m in models if m.name in spanning]

    def __enter__(self) -> WhatIf:
        return self

    def __exit__(self, *_: object) -> None:
        self.connection.close()

    def change(self, tables: dict[str, str], parameters: dict[str, object]) -> duckdb.DuckDBPyConnection:
        """Put queries in the place of tables and judge anew; the connection on which all of that shows.

        The queries read what is published as ``published.main.<table>``. Raises WarehouseError where other
        models than ours made that.
        """
        try:
            self._change(tables, parameters)
        except (BinderException, CatalogException) as error:  # a table or a column that is not there
            raise WarehouseError("other models made this warehouse; run `tracemill build`") from error
        return self.connection

    def _change(self, tables: dict[str, str], parameters: dict[str, object]) -> None:
        for name, query in tables.items():
            used = {key: value for key, value in parameters.items() if f"${key}" in query}
            self.connection.execute(f"create or replace table memory.main.{name} as {query}", used)
        changed = set(tables)
        for model in self._models:
            if model.name not in changed and model.reads & changed:
                with levels_at_hand(self.connection, model.sql):
                    self.connection.execute(
                        f"create or replace table memory.main.{model.name} as {model.sql}"
                    )
                changed.add(model.name)
