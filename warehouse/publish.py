"""Publication: the models are built, checked, and put in the place of what was published before.

The work is done on a copy of the published file, which then takes the file's place:
readers see the old state or the new one, never a mixture.
"""

from __future__ import annotations

import contextlib
import secrets
import shutil
import time
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING

import duckdb

from tracemill.warehouse import aside
from tracemill.warehouse.address import shown
from tracemill.warehouse.aside import failed_checks
from tracemill.warehouse.cached import cache_of
from tracemill.warehouse.catalog import Catalog
from tracemill.warehouse.condensed import Kept, late
from tracemill.warehouse.connection import DATABASE, PUBLISHED_STATE, lean, open_database
from tracemill.warehouse.declared import declared
from tracemill.warehouse.durable import copy_file, put_in_place, sync
from tracemill.warehouse.errors import OvertakenError, WarehouseError
from tracemill.warehouse.functions import register
from tracemill.warehouse.intervals import view
from tracemill.warehouse.models import Model, ModelError, judged_models, spanning_models
from tracemill.warehouse.own_models import (
    Elsewhere,
    FailedBuildsError,
    make,
    over_builds,
    shares,
    take_in,
)
from tracemill.warehouse.plan import Plan
from tracemill.warehouse.published import damage_of, state_of
from tracemill.warehouse.scan import STACKS, Files, scan, scan_of
from tracemill.warehouse.schema import MARTS, TABLES
from tracemill.warehouse.schema.tables import DERIVED, PARSED
from tracemill.warehouse.stretches import History, create

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from pathlib import Path

    import pyarrow as pa

    from tracemill.warehouse.aside import FailedCheck
    from tracemill.warehouse.pointer import Publication
    from tracemill.warehouse.schema import Table

# Of files of stacks, and how much more they take in memory.
STACK_BYTES_AT_ONCE = 1024**2
STACKS_EXPAND = 100
# What was made anew; what rows were put into has its comments still.
UNCOMMENTED = """
select table_name from duckdb_tables() where comment is null
union all select view_name from duckdb_views() where comment is null
"""
# So often a publication is made anew because another machine published meanwhile.
MOST_OVERTAKEN = 20


@dataclass(frozen=True, slots=True)
class Published:
    """What publish() did. models: tables that were made, views not counted.

    failed_checks: name → sentence and first offending rows, as text.
    """

    builds: tuple[str, ...]
    models: int
    checks: int
    seconds: float
    is_changed: bool
    failed_checks: dict[str, str]
    # Builds that were not published → why, in words.
    set_aside: dict[str, str] = field(default_factory=dict)
    # Of builds whose raw rows have expired, what the models now would make otherwise
    kept: Kept = field(default_factory=Kept)


def publish(
    catalog: Catalog,
    *,
    models: Iterable[Model] = (),
    full: bool = False,
    progress: Callable[[str], None] = lambda _: None,
    elsewhere: Elsewhere | None = None,
) -> Published:
    """Bring the database up to the catalog; with models, also build and check them. Under the writer's lock.

    Without models only the tables are brought up to date. full builds every model
    for every build. elsewhere makes the models of scope build; by default this process does. Builds whose
    models or checks fail are set aside; where none is to blame, or all are, the previous state stays
    published. Where the warehouse is in a store, and another machine publishes meanwhile, it is done anew
    from there.
    """
    make = partial(_publish, models=list(models), full=full, progress=progress, elsewhere=elsewhere)
    cache = cache_of(catalog.root)
    if cache is None:
        return make(catalog, None)
    for _ in range(MOST_OVERTAKEN):
        with cache.published.publishing() as publication:
            if publication.commit > catalog.position.number:
                catalog = Catalog.load(catalog.root)
            with contextlib.suppress(OvertakenError):
                return make(catalog, publication)
    raise WarehouseError(
        f"{shown(catalog.root)}: other machines published {MOST_OVERTAKEN} times meanwhile; run it again"
    )


def _publish(
    catalog: Catalog,
    publication: Publication | None,
    *,
    models: list[Model],
    full: bool,
    progress: Callable[[str], None],
    elsewhere: Elsewhere | None,
) -> Published:
    started = time.monotonic()
    target = catalog.root / DATABASE
    for left_behind in catalog.root.glob(f".{DATABASE}.*"):  # by a run that was stopped
        if left_behind.is_dir():  # what DuckDB had no memory for
            shutil.rmtree(left_behind)
        else:
            left_behind.unlink()
    before = {} if full else state_of(target, catalog.root)
    plan = replace(Plan.of(catalog, models, before), elsewhere=elsewhere)
    set_aside = aside.kept(plan.before, plan.stale)
    if not plan.is_needed:
        return Published((), 0, 0, time.monotonic() - started, False, {}, set_aside)
    builds = set(catalog.build_fingerprints())
    while True:
        now = plan.without(set_aside)
        now.check_files()
        try:
            failed = _replaced(target, now, progress, publication)
            more = aside.blamed(failed)
        except ModelError as error:
            failed, more = {}, _culprits(error, now, target)
            if not more or builds <= set_aside.keys() | more.keys():
                raise
        more = {build: why for build, why in more.items() if build in builds - set_aside.keys()}
        if not more or builds <= set_aside.keys() | more.keys():
            break
        set_aside |= more
    checks = sum(m.scope == "check" for m in plan.models)
    texts = {name: check.text for name, check in failed.items()}
    seconds = time.monotonic() - started
    built = sum(m.scope in {"build", "history", "all"} for m in plan.models)
    return Published(plan.stale, built, checks, seconds, not failed, texts, set_aside, now.kept)


def _replaced(
    target: Path, plan: Plan, progress: Callable[[str], None], publication: Publication | None
) -> dict[str, FailedCheck]:
    """_replace(), and anew from the start where what was published is damaged. Raises ModelError."""
    try:
        return _replace(target, plan, progress, publication)
    except duckdb.Error as error:
        if not plan.before or not damage_of(target, plan.catalog.root):
            raise ModelError(f"{target}: {str(error).strip()}") from error
    plan = plan.anew()  # what was published is derived
    plan.check_files()
    try:
        return _replace(target, plan, progress, publication)
    except duckdb.Error as again:
        raise ModelError(f"{target}: {str(again).strip()}") from again


def _culprits(error: ModelError, plan: Plan, target: Path) -> dict[str, str]:
    """Build → reason, of the builds whose own models cannot be built."""
    if isinstance(error, FailedBuildsError):
        return error.builds
    return aside.culprits(error, plan.stale, lambda builds: _trial(target, plan, builds))


def _trial(target: Path, plan: Plan, builds: Sequence[str]) -> ModelError | None:
    """What keeps the models of these builds alone from being built; on a file that is thrown away."""
    others = plan.catalog.build_fingerprints().keys() - set(builds)
    spanning = spanning_models(plan.models)
    own = [m for m in plan.models if m.scope == "build" or (m.scope == "view" and m.name not in spanning)]
    alone = Plan.of(aside.without(plan.catalog, dict.fromkeys(others, "not tried")), own, {})
    temporary = target.with_name(f".{target.name}.{secrets.token_hex(4)}")
    try:
        with open_database(temporary, plan.catalog.root, read_only=False, is_synced=False) as connection:
            _Build(connection, alone, temporary).run(lambda _: None)
    except ModelError as error:
        return error
    finally:
        for file in (temporary, temporary.with_name(temporary.name + ".wal")):
            file.unlink(missing_ok=True)
    return None


def _replace(
    target: Path, plan: Plan, progress: Callable[[str], None], publication: Publication | None
) -> dict[str, FailedCheck]:
    """Build a new file and put it in the place of target if its checks hold; those that failed."""
    temporary = target.with_name(f".{target.name}.{secrets.token_hex(4)}")
    log = temporary.with_name(temporary.name + ".wal")
    try:
        if plan.before:
            copy_file(target, temporary)
        # Unsynced until it is whole: else each of its hundreds of statements would wait for the disk.
        with open_database(temporary, plan.catalog.root, read_only=False, is_synced=False) as connection:
            if failed := _Build(connection, plan, temporary).run(progress):
                return failed
            # Closing does this too, but says nothing where it fails, as on a full disk.
            connection.execute("force checkpoint")
        if log.exists() and log.stat().st_size:
            raise WarehouseError(f"{target}: not replaced: DuckDB left a log beside the new file")
        if state_of(temporary, plan.catalog.root) != plan.before | plan.after:
            raise WarehouseError(f"{target}: not replaced: the new file does not say what was written to it")
        sync(temporary)
        if publication:
            publication.put(temporary, plan.catalog.position.number)
        put_in_place(temporary, target)
        if publication:
            publication.is_here()
    finally:
        temporary.unlink(missing_ok=True)
        log.unlink(missing_ok=True)
    return {}


class _Build:
    """One publication in the making, on the copy."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, plan: Plan, file: Path) -> None:
        """file: the copy."""
        self.connection = connection
        self.target = file
        self.failed: dict[str, FailedCheck] = {}
        self.checked: frozenset[str] = frozenset()
        self.plan = plan
        self.catalog = plan.catalog
        self.models = plan.models
        self.stale = plan.stale
        self.is_same_code = plan.is_same_code

    def run(self, progress: Callable[[str], None]) -> dict[str, FailedCheck]:
        """Build everything; the checks that failed."""
        register(self.connection)
        self.connection.execute("begin")  # one commit for hundreds of small statements
        self._add_stacks()
        for name, table in self.catalog.tables(self.plan.changed).items():
            self._put_rows(name, table)
        for name, table in declared().items():
            self._table_from(name, table)
        by_table = self.catalog.files_by_table()
        self._stand_in(by_table)
        for name in PARSED:
            if name != STACKS:
                self.connection.execute(f"create or replace view {name} as {scan_of(name, by_table)}")
                self._comment("view", name, TABLES[name])
        for name in DERIVED:
            self.connection.execute(f"create or replace view {name} as {view(name)}")
            self._comment("view", name, TABLES[name])
        self.connection.execute("commit")
        if self.models:
            self._build_models(progress)
        self.connection.execute("begin")
        has_none = {row[0] for row in self.connection.execute(UNCOMMENTED).fetchall()}
        for model in self.models:
            if model.name in MARTS and model.name in has_none:
                self._comment("view" if model.scope == "view" else "table", model.name, MARTS[model.name])
        self._note_state()
        self.connection.execute("commit")
        others = [m for m in self.models if m.scope == "check" and m.name not in self.checked]
        return self.failed | failed_checks(self.connection, others)

    def _stand_in(self, by_table: dict[str, Files]) -> None:
        """Where the warehouse is in a store: let views be made of files that are not here."""
        if cache := cache_of(self.catalog.root):
            self.catalog.require([path for files in by_table.values() for path in files.read_for_types()])
            folders = [cache.root.resolve(), cache.stand_in(self.catalog.listed()).resolve()]
            quoted = ",".join(map(str, folders)).replace("'", "''")
            self.connection.execute(f"set file_search_path = '{quoted}'")

    def _note_state(self) -> None:
        """Write down what the file is made from."""
        self.connection.execute(
            f"create table if not exists {PUBLISHED_STATE} (subject varchar primary key, fingerprint varchar)"
        )
        changed = {s: f for s, f in self.plan.after.items() if self.plan.before.get(s) != f}
        self.connection.execute(
            f"insert or replace into {PUBLISHED_STATE} select unnest($1::varchar[]), unnest($2::varchar[])",
            [list(changed), list(changed.values())],
        )

    def _add_stacks(self) -> None:
        """Take in the stacks of new captures: captures and builds share them, the table has each once."""
        known = set()
        if self.plan.is_from_rows:
            query = "select capture_id from captures where build_id in (select unnest($1::varchar[]))"
            known = {row[0] for row in self.connection.execute(query, [list(self.plan.changed)]).fetchall()}
        new = (c for c in self.catalog.captures_of(self.plan.changed) if c.capture_id not in known)
        files = dict.fromkeys(path for capture in new for path in capture.files.get(STACKS, []))
        self.connection.execute(f"create table if not exists {STACKS} as {scan(STACKS, Files())}")
        self.catalog.require(files)
        paths = self._with_new_stacks(list(files))
        sizes = {path: (self.catalog.root / path).stat().st_size for path in paths}
        with lean(self.connection, STACKS_EXPAND * max(sizes.values(), default=0)):
            for part in _in_parts(sizes):
                self.connection.execute(
                    f"insert into {STACKS} {scan(STACKS, Files(part))} anti join {STACKS} using (stack_id)"
                )
                self.connection.execute("commit")
                self.connection.execute("begin")
        self._comment("table", STACKS, TABLES[STACKS])

    def _with_new_stacks(self, paths: list[str]) -> list[str]:
        """The files that have all new stacks between them: a few large ones, where captures are alike."""
        if not paths:
            return []
        files = f"read_parquet({paths}, hive_partitioning = false)"
        rows = f"from {files} anti join {STACKS} using (stack_id) group by stack_id"
        found = self.connection.execute(f"select distinct min(file_index) {rows}").fetchall()
        return [paths[index] for (index,) in sorted(found)]

    def _put_rows(self, name: str, rows: pa.Table) -> None:
        """Put the changed builds' rows of one of the catalog's tables in the place of their old ones."""
        if not self.plan.is_from_rows:
            self._table_from(name, rows)
            return
        of_changed = "where build_id in (select unnest($1::varchar[]))"
        self.connection.execute(f"delete from {name} {of_changed}", [list(self.plan.changed)])
        self.connection.register("_rows", rows)
        self.connection.execute(f"insert into {name} by name from _rows")
        self.connection.unregister("_rows")

    def _table_from(self, name: str, rows: pa.Table) -> None:
        self.connection.register("_rows", rows)
        self.connection.execute(f"create or replace table {name} as from _rows")
        self.connection.unregister("_rows")
        self._comment("table", name, TABLES[name])

    def _build_models(self, progress: Callable[[str], None]) -> None:
        self._drop_strangers()
        elsewhere, kept = self.plan.elsewhere, self.plan.kept
        kept.late |= late(self.catalog, self.stale)
        with over_builds(
            self.connection, self.catalog, (*self.stale, *self.plan.gone), is_empty=elsewhere is not None
        ) as database:
            if elsewhere is None:
                made = make(self.connection, self.catalog, self.models, self.stale, kept, progress)
            else:
                found = elsewhere(list(shares(self.catalog, self.stale)))
                made = iter(take_in(self.connection, self.models, found, kept))
            for model in made:
                self._take_over(model, f'"{database}".main.{model.name}')
        judged = judged_models(self.models)
        for model in self.models:
            if model.name not in judged:
                self._make(model, progress)
        history = History(self.connection, self.models, self.plan.before, self.plan.after)
        if history.is_long:
            self._judge(history, progress)
        else:
            history.note()
        for model in self.models:
            if model.name in judged and not (history.is_long and model.scope == "history"):
                self._make(model, progress)

    def _make(self, model: Model, progress: Callable[[str], None]) -> None:
        """Make a model of several builds, or a view where it may have become another."""
        if model.scope in {"history", "all"}:
            progress(model.name)
            create(self.connection, model, is_same=self.is_same_code)
        elif model.scope == "view" and not self.is_same_code:  # each would read the list of all files
            create(self.connection, model)

    def _judge(self, history: History, progress: Callable[[str], None]) -> None:
        """Make the models of a long history, and check each stretch of it by itself."""
        for _ in history.judge(self.target.with_name(f"{self.target.name}.stretch"), progress):
            self.failed |= failed_checks(self.connection, history.checks)
        self.checked = frozenset(check.name for check in history.checks)

    def _take_over(self, model: Model, target: str) -> None:
        """Put the fresh rows in the place of the same builds' old ones."""
        if not self.is_same_code:
            self.connection.execute(f"create or replace table {target} as from {model.name}")
            return
        self.connection.execute(f"delete from {target} where build_id in (from stale)")
        self.connection.execute(f"insert into {target} by name from {model.name}")

    def _drop_strangers(self) -> None:
        """Drop what an earlier Tracemill published under names of no model now, or of one of another kind."""
        known = {m.name for m in self.models} | TABLES.keys() | {PUBLISHED_STATE}
        kinds = {m.name: "VIEW" if m.scope == "view" else "BASE TABLE" for m in self.models}
        found = self.connection.execute(
            "select table_name, table_type from information_schema.tables where table_schema = 'main'"
        ).fetchall()
        for name, kind in found:
            if name not in known or kinds.get(name, kind) != kind:
                self.connection.execute(f'drop {"view" if kind == "VIEW" else "table"} "{name}"')

    def _comment(self, what: str, name: str, table: Table) -> None:
        quoted = table.text.replace("'", "''")
        self.connection.execute(f"comment on {what} {name} is '{quoted}'")
        for column in table.columns:
            text = f"{column.text} [{column.unit}]" if column.unit else column.text
            quoted = text.replace("'", "''")
            self.connection.execute(f"comment on column {name}.\"{column.name}\" is '{quoted}'")


def _in_parts(sizes: dict[str, int]) -> Iterator[list[str]]:
    """The files, some at a time: what is not committed yet stays in memory, and frames take much."""
    part: list[str] = []
    for path in sizes:
        part.append(path)
        if sum(sizes[p] for p in part) > STACK_BYTES_AT_ONCE:
            yield part
            part = []
    if part:
        yield part
