"""The SQL models: read from sql/, put in order by their FROM clauses, built, checked, published.

A model's header is its contract::

    -- One sentence.
    -- grain: build_id, function
    -- scope: build

Staging models are views. Others are tables, of one of two scopes: ``build``
models read the raw facts of the builds that are new or changed, and replace the
rows of just these builds; ``history`` models read those condensed rows of all
builds, and as ``levels_of_<model>`` those of a model as judging.py judges them. The
work is done on a copy of the published file, which then takes the file's place:
readers see the old state or the new one, never a mixture.
"""

from __future__ import annotations

import hashlib
import json
import secrets
import shutil
import time
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from importlib.metadata import version
from importlib.resources import files
from typing import TYPE_CHECKING

import duckdb

from tracemill.warehouse.catalog import Capture, Catalog, WarehouseError
from tracemill.warehouse.connection import DATABASE, open_database
from tracemill.warehouse.functions import register
from tracemill.warehouse.judging import LEVELS_OF, levels_at_hand
from tracemill.warehouse.schema import MARTS, TABLES
from tracemill.warehouse.schema.tables import CATALOG, PARSED

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from importlib.resources.abc import Traversable
    from pathlib import Path

    import pyarrow as pa

    from tracemill.warehouse.schema import Table

FOLDERS = ("staging", "intermediate", "marts", "checks")
_STATE = "_published"
STACKS = "stacks"


class ModelError(WarehouseError):
    """A model that cannot be read, ordered or built."""


@dataclass(frozen=True, slots=True)
class Model:
    """One file of sql/: its sentence, grain, scope (view, build, history or check) and what it reads."""

    name: str
    folder: str
    text: str
    grain: tuple[str, ...]
    scope: str
    sql: str
    reads: frozenset[str]


@dataclass(frozen=True, slots=True)
class Published:
    """What publish() did. failed_checks: name → sentence and first offending rows, as text."""

    builds: tuple[str, ...]
    models: int
    checks: int
    seconds: float
    is_changed: bool
    failed_checks: dict[str, str]


def read_models(folder: Traversable | None = None) -> list[Model]:
    """Every model in the order in which they can be built. Raises ModelError."""
    top = folder or files("tracemill.sql")
    models = {
        m.name: m
        for name in FOLDERS
        for m in (_read_model(file, name) for file in _sql_files(top.joinpath(name)))
    }
    for model in models.values():
        unknown = model.reads - models.keys() - TABLES.keys()
        if unknown:
            raise ModelError(
                f"sql/{model.folder}/{model.name}.sql: reads {', '.join(sorted(unknown))}, which nobody makes"
            )
    try:
        order = TopologicalSorter({m.name: m.reads & models.keys() for m in models.values()}).static_order()
        return [models[name] for name in order]
    except CycleError as error:
        raise ModelError(f"sql: models read each other in a circle: {' → '.join(error.args[1])}") from error


def _sql_files(folder: Traversable) -> Iterator[Traversable]:
    """The folder's models; its subfolders are subjects, for the reader's sake alone."""
    for entry in sorted(folder.iterdir(), key=lambda f: f.name):
        if entry.is_dir():
            yield from _sql_files(entry)
        elif entry.name.endswith(".sql"):
            yield entry


def _read_model(file: Traversable, folder: str) -> Model:
    sql = file.read_text("utf-8")
    place = f"sql/{folder}/{file.name}"
    header = [line[2:].strip() for line in sql.splitlines() if line.startswith("--")]
    keys = dict(line.split(": ", 1) for line in header if line.startswith(("grain: ", "scope: ")))
    scope = {"staging": "view", "checks": "check"}.get(folder, keys.get("scope", ""))
    if scope not in {"view", "check", "build", "history"}:
        raise ModelError(f"{place}: the header needs `-- scope: build` or `-- scope: history`")
    if not header or header[0].startswith(("grain:", "scope:")):
        raise ModelError(f"{place}: the header needs a sentence")
    grain = tuple(name.strip() for name in keys.get("grain", "").split(",") if name.strip())
    reads = frozenset(name.removeprefix(LEVELS_OF) for name in _tables_read(sql, place))
    return Model(file.name.removesuffix(".sql"), folder, header[0], grain, scope, sql, reads)


def _tables_read(sql: str, place: str) -> frozenset[str]:
    """The tables in the query's FROM clauses, less its own CTEs, by DuckDB's own parser."""
    tree = json.loads(duckdb.execute("select json_serialize_sql(?)", [sql]).fetchall()[0][0])
    if tree["error"]:
        raise ModelError(f"{place}: {tree['error_message']}")
    tables: set[str] = set()
    own: set[str] = set()
    todo: list[object] = [tree]
    while todo:
        node = todo.pop()
        if isinstance(node, dict):
            if node.get("type") == "BASE_TABLE":
                tables.add(str(node["table_name"]))
            own.update(str(cte["key"]) for cte in node.get("cte_map", {}).get("map", []))
            todo.extend(node.values())
        elif isinstance(node, list):
            todo.extend(node)
    return frozenset(tables - own)


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
                "\0".join(m.name + m.sql for m in models).encode()
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
        for name, table in self.catalog.tables().items():
            self._table_from(name, table)
        by_table = _files_by_table(self.catalog.captures.values())
        for name in PARSED:
            if name != STACKS:
                scan = _scan(name, by_table.get(name, []))
                self.connection.execute(f"create or replace view {name} as {scan}")
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
        new = _files_by_table(c for c in self.catalog.captures.values() if c.capture_id not in known)
        self.connection.execute(f"create table if not exists {STACKS} as {_scan(STACKS, [])}")
        paths = self._with_new_stacks(new.get(STACKS, []))
        self.connection.execute(
            f"insert into {STACKS} {_scan(STACKS, paths)} anti join {STACKS} using (stack_id)"
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
        by_table = _files_by_table(c for c in self.catalog.captures.values() if c.build_id in stale)
        for name in PARSED:
            self.connection.execute(f"create view {name} as {_scan(name, by_table.get(name, []))}")
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


def _files_by_table(captures: Iterable[Capture]) -> dict[str, list[str]]:
    found: dict[str, dict[str, None]] = {}
    for capture in captures:
        for name, paths in capture.files.items():  # of stacks, several captures list one file
            found.setdefault(name, {}).update(dict.fromkeys(paths))
    return {name: list(paths) for name, paths in found.items()}


def _scan(name: str, paths: list[str]) -> str:
    """A SELECT over the table's Parquet files; over no rows of the same shape where there are none."""
    columns = TABLES[name].columns
    if not paths:
        empty = ", ".join(f'cast(null as {duckdb_type(c.type)}) as "{c.name}"' for c in columns)
        return f"from (select {empty} where false)"
    names = ", ".join(f'"{c.name}"' for c in columns)
    listed = ", ".join(f"'{p}'" for p in paths)
    if name == STACKS:
        # Each capture has its own file of stacks, and captures share stacks. Choosing places first keeps
        # the lists of frames out of the choice: an eighth of the time and of the memory of a DISTINCT ON.
        rows = f"read_parquet([{listed}], file_row_number = true)"
        place = "row(file_index, file_row_number)"
        chosen = f"select min({place}) from {rows} group by stack_id"
        return f"from (select {names} from {rows} where {place} in ({chosen}))"
    return (
        f"from (select {names} from read_parquet([{listed}], "
        "hive_partitioning = true, hive_types = {'capture_id': varchar}))"
    )


def duckdb_type(kind: pa.DataType) -> str:
    """DuckDB's name of an Arrow type that the schema uses."""
    import pyarrow as pa

    if pa.types.is_dictionary(kind):
        return duckdb_type(kind.value_type)
    if pa.types.is_list(kind):
        return duckdb_type(kind.value_type) + "[]"
    if pa.types.is_map(kind):
        return f"map({duckdb_type(kind.key_type)}, {duckdb_type(kind.item_type)})"
    names = {
        pa.string(): "varchar",
        pa.int32(): "integer",
        pa.int64(): "bigint",
        pa.uint64(): "ubigint",
        pa.float64(): "double",
        pa.bool_(): "boolean",
        pa.timestamp("us", tz="UTC"): "timestamptz",
    }
    return names[kind]
