"""Publication: the models are built, checked, and put in the place of what was published before.

The work is done on a copy of the published file, which then takes the file's place:
readers see the old state or the new one, never a mixture.
"""

from __future__ import annotations

import hashlib
import secrets
import shutil
import time
from dataclasses import dataclass
from importlib.metadata import version
from typing import TYPE_CHECKING

import duckdb

from tracemill.detection.rules import RULES
from tracemill.warehouse.connection import DATABASE, open_database
from tracemill.warehouse.functions import register
from tracemill.warehouse.level_relation import levels_at_hand, rules_table
from tracemill.warehouse.models import Model, ModelError
from tracemill.warehouse.scan import STACKS, files_by_table, scan
from tracemill.warehouse.schema import MARTS, TABLES
from tracemill.warehouse.schema.tables import CATALOG, PARSED

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    import pyarrow as pa

    from tracemill.warehouse.catalog import Catalog
    from tracemill.warehouse.schema import Table

_STATE = "_published"


@dataclass(frozen=True, slots=True)
class Published:
    """What publish() did. failed_checks: name → sentence and first offending rows, as text."""

    builds: tuple[str, ...]
    models: int
    checks: int
    seconds: float
    is_changed: bool
    failed_checks: dict[str, str]


def publish(
    catalog: Catalog,
    *,
    models: Iterable[Model] = (),
    full: bool = False,
    progress: Callable[[str], None] = lambda _: None,
) -> Published:
    """Bring the database up to the catalog; with models, also build and check them. Under the writer's lock.

    Without models only the tables are brought up to date. full builds every model
    for every build. A failed check leaves the previous state published.
    """
    started = time.monotonic()
    models = list(models)
    target = catalog.root / DATABASE
    for left_behind in catalog.root.glob(f".{DATABASE}.*"):  # by a run that was stopped
        left_behind.unlink()
    temporary = catalog.root / f".{DATABASE}.{secrets.token_hex(4)}"
    try:
        if not full and _is_of_this_version(target, catalog.root):
            shutil.copyfile(target, temporary)
        with open_database(temporary, catalog.root, read_only=False) as connection:
            build = _Build(connection, catalog, models)
            if not build.is_needed():
                return Published((), 0, 0, time.monotonic() - started, False, {})
            failed = build.run(progress)
        if not failed:
            temporary.replace(target)
    except duckdb.Error as error:
        hint = "" if full else "; `tracemill build --full` makes it anew"
        raise ModelError(f"{target}: {str(error).strip()}{hint}") from error
    finally:
        temporary.unlink(missing_ok=True)
        temporary.with_name(temporary.name + ".wal").unlink(missing_ok=True)
    checks = sum(m.scope == "check" for m in models)
    return Published(
        build.stale, len(models) - checks, checks, time.monotonic() - started, not failed, failed
    )


def _is_of_this_version(target: Path, root: Path) -> bool:
    """Whether to go on from the published file; one that another Tracemill made is made anew."""
    if not target.is_file():
        return False
    with open_database(target, root, read_only=True) as connection:
        found = connection.execute(f"select fingerprint from {_STATE} where subject = 'tracemill'").fetchall()
    return found == [(version("tracemill"),)]


class _Build:
    """One publication in the making, on the copy."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, catalog: Catalog, models: list[Model]) -> None:
        self.connection = connection
        self.catalog = catalog
        self.models = models
        connection.execute(
            f"create table if not exists {_STATE} (subject varchar primary key, fingerprint varchar)"
        )
        self.before: dict[str, str] = dict(connection.execute(f"from {_STATE}").fetchall())
        self.after = {"catalog": catalog.fingerprint(), "tracemill": version("tracemill")}
        fingerprints = catalog.build_fingerprints() if models else {}
        if models:
            self.after["models"] = hashlib.sha256(
                "\0".join([*(m.name + m.sql for m in models), repr(RULES)]).encode()
            ).hexdigest()
            self.after |= {f"build {b}": f for b, f in fingerprints.items()}
        self.is_same_code = self.before.get("models") == self.after.get("models")
        self.stale = tuple(
            b for b, f in fingerprints.items() if not self.is_same_code or self.before.get(f"build {b}") != f
        )

    def is_needed(self) -> bool:
        """Whether what is published differs from what would be."""
        return any(self.before.get(subject) != f for subject, f in self.after.items())

    def run(self, progress: Callable[[str], None]) -> dict[str, str]:
        """Build everything; the checks that failed."""
        register(self.connection)
        self.connection.execute("begin")  # one commit for hundreds of small statements
        self._add_stacks()
        for name, table in {**self.catalog.tables(), "detection_rules": rules_table()}.items():
            self._table_from(name, table)
        by_table = files_by_table(self.catalog.captures.values())
        for name in PARSED:
            if name != STACKS:
                query = scan(name, by_table.get(name, []))
                self.connection.execute(f"create or replace view {name} as {query}")
                self._comment("view", name, TABLES[name])
        self.connection.execute("commit")
        if self.models:
            self._build_models(progress)
        changed = [[subject, f] for subject, f in self.after.items() if self.before.get(subject) != f]
        self.connection.executemany(f"insert or replace into {_STATE} values (?, ?)", changed)
        return self._failed_checks()

    def _add_stacks(self) -> None:
        """Take in the stacks of new captures: captures and builds share them, the table has each once."""
        known = set()
        if self.before:
            known = {row[0] for row in self.connection.execute("select capture_id from captures").fetchall()}
        new = files_by_table(c for c in self.catalog.captures.values() if c.capture_id not in known)
        self.connection.execute(f"create table if not exists {STACKS} as {scan(STACKS, [])}")
        paths = self._with_new_stacks(new.get(STACKS, []))
        self.connection.execute(
            f"insert into {STACKS} {scan(STACKS, paths)} anti join {STACKS} using (stack_id)"
        )
        self._comment("table", STACKS, TABLES[STACKS])

    def _with_new_stacks(self, paths: list[str]) -> list[str]:
        """The files that have all new stacks between them: a few large ones, where captures are alike."""
        if not paths:
            return []
        rows = f"from read_parquet({paths}) anti join {STACKS} using (stack_id) group by stack_id"
        found = self.connection.execute(f"select distinct min(file_index) {rows}").fetchall()
        return [paths[index] for (index,) in sorted(found)]

    def _table_from(self, name: str, rows: pa.Table) -> None:
        self.connection.register("_rows", rows)
        self.connection.execute(f"create or replace table {name} as from _rows")
        self.connection.unregister("_rows")
        self._comment("table", name, TABLES[name])

    def _build_models(self, progress: Callable[[str], None]) -> None:
        self._drop_strangers()
        database = self.connection.execute("select current_database()").fetchall()[0][0]
        self.connection.execute("attach ':memory:' as fresh")
        self.connection.execute("use fresh")
        # Inside `fresh`, every table shows only what is new: build models run there.
        self.connection.execute(
            "create table stale as select unnest($1::varchar[]) as build_id", [list(self.stale)]
        )
        for name in CATALOG:
            self.connection.execute(
                f'create view {name} as select * from "{database}".main.{name} where build_id in (from stale)'
            )
        stale = set(self.stale)
        by_table = files_by_table(c for c in self.catalog.captures.values() if c.build_id in stale)
        for name in PARSED:
            self.connection.execute(f"create view {name} as {scan(name, by_table.get(name, []))}")
        for model in self.models:
            if model.scope == "view":
                self._execute(model, f"create view {model.name} as {model.sql}")
            elif model.scope == "build":
                progress(model.name)
                self._execute(model, f"create table {model.name} as {model.sql}")
                self._take_over(model, f'"{database}".main.{model.name}')
        self.connection.execute(f'use "{database}"')
        self.connection.execute("detach fresh")
        for model in self.models:
            if model.scope == "view" and not self.is_same_code:  # each would read the list of all files
                self._execute(model, f"create or replace view {model.name} as {model.sql}")
            elif model.scope == "history":
                progress(model.name)
                with levels_at_hand(self.connection, model.sql):
                    self._execute(model, f"create or replace table {model.name} as {model.sql}")
            if model.name in MARTS:
                self._comment("table", model.name, MARTS[model.name])

    def _take_over(self, model: Model, target: str) -> None:
        """Put the fresh rows in the place of the same builds' old ones."""
        if not self.is_same_code:
            self.connection.execute(f"create or replace table {target} as from {model.name}")
            return
        self.connection.execute(f"delete from {target} where build_id in (from stale)")
        self.connection.execute(f"insert into {target} by name from {model.name}")

    def _drop_strangers(self) -> None:
        """Drop what an earlier Tracemill published under names that are no model or table now."""
        known = {m.name for m in self.models} | TABLES.keys() | {_STATE}
        found = self.connection.execute(
            "select table_name, table_type from information_schema.tables where table_schema = 'main'"
        ).fetchall()
        for name, kind in found:
            if name not in known:
                self.connection.execute(f'drop {"view" if kind == "VIEW" else "table"} "{name}"')

    def _execute(self, model: Model, statement: str) -> None:
        try:
            self.connection.execute(statement)
        except duckdb.Error as error:
            raise ModelError(f"sql/{model.folder}/{model.name}.sql: {str(error).strip()}") from error

    def _comment(self, what: str, name: str, table: Table) -> None:
        quoted = table.text.replace("'", "''")
        self.connection.execute(f"comment on {what} {name} is '{quoted}'")
        for column in table.columns:
            text = f"{column.text} [{column.unit}]" if column.unit else column.text
            quoted = text.replace("'", "''")
            self.connection.execute(f"comment on column {name}.\"{column.name}\" is '{quoted}'")

    def _failed_checks(self) -> dict[str, str]:
        failed = {}
        for model in self.models:
            if model.scope == "check":
                cursor = self.connection.execute(model.sql)
                rows = cursor.fetchmany(3)
                if rows:
                    names = [d[0] for d in cursor.description or ()]
                    failed[model.name] = f"{model.text} Offending: " + "; ".join(
                        ", ".join(f"{n}={v!r}" for n, v in zip(names, row, strict=True)) for row in rows
                    )
        return failed


def published_fingerprints(connection: duckdb.DuckDBPyConnection) -> dict[str, str]:
    """For each build, Catalog.build_fingerprints() as the published models have seen it."""
    rows = connection.execute(f"select subject, fingerprint from {_STATE}").fetchall()
    return {s.removeprefix("build "): f for s, f in rows if s.startswith("build ")}
