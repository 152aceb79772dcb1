"""Models of scope ``build``: what is condensed of one build's raw rows, in this process or in another.

They read the rows of their build and of no other, so builds can be shared out. Who makes a share needs the
records of that build (a Share) and its Parquet files; what comes back are the models' rows (Made).
"""

from __future__ import annotations

import contextlib
import io
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb
import pyarrow as pa

from tracemill.warehouse.catalog import Catalog
from tracemill.warehouse.condensed import Kept, fingerprints, needing, take
from tracemill.warehouse.connection import open_database
from tracemill.warehouse.declared import declared
from tracemill.warehouse.errors import DamagedError
from tracemill.warehouse.functions import register
from tracemill.warehouse.intervals import view
from tracemill.warehouse.models import Model, ModelError, spanning_models
from tracemill.warehouse.scan import STACKS, files_by_table, scan_of
from tracemill.warehouse.schema.tables import CATALOG, DERIVED, PARSED

if TYPE_CHECKING:
    from tracemill.warehouse.records import Capture, Condensed

# The catalog's sections of which a share has a build's records, beside its captures and what is kept of it
_BY_BUILD = ("builds", "work", "pairs", "failures", "accepted")


@dataclass(frozen=True, slots=True)
class Share:
    """One build: the records of it and of nothing else, never to be committed."""

    build_id: str
    catalog: Catalog


@dataclass(frozen=True, slots=True)
class Made:
    """A build's rows of each model, as compressed Arrow streams; or, of a build that failed, why."""

    build_id: str
    rows: dict[str, bytes] = field(default_factory=dict)
    kept: Kept = field(default_factory=Kept)
    fault: str = ""


# Makes the models of each share somewhere else, and gives them in the order of the shares.
Elsewhere = Callable[[Sequence[Share]], Iterator[Made]]


class FailedBuildsError(ModelError):
    """Builds whose own models could not be made. builds: each with the reason."""

    def __init__(self, builds: dict[str, str]) -> None:
        super().__init__("; ".join(f"{build}: {why}" for build, why in builds.items()))
        self.builds = builds


def shares(catalog: Catalog, builds: Sequence[str]) -> Iterator[Share]:
    """Each of the builds with its records."""
    condensed: dict[str, dict[str, Condensed]] = {}
    if catalog.expired(builds):
        for path, kept in catalog.condensed.items():
            for build in kept.builds:
                condensed.setdefault(build, {})[path] = kept
    for build in builds:
        alone = Catalog(catalog.root)
        alone.condensed.update(condensed.get(build, {}))
        alone.captures.update({c.place: c for c in catalog.captures_of([build])})
        for name in _BY_BUILD:
            getattr(alone, name).update(getattr(catalog, name).of([build]))
        alone.files.update({p: catalog.files[p] for p in alone.listed() if p in catalog.files})
        yield Share(build, alone)


def checked_here(catalog: Catalog, captures: Iterable[Capture]) -> set[str]:
    """The captures' files that one process looks at for all, where their models are made elsewhere.

    Those are files that builds share, and stacks, which are published as they are.
    """
    listed = [(name, path) for c in captures for name, paths in c.files.items() for path in paths]
    return {path for name, path in listed if name == STACKS or _is_shared(catalog, path)}


def _is_shared(catalog: Catalog, path: str) -> bool:
    file = catalog.files.get(path)
    return file is not None and file.captures > 0


def make_share(share: Share, models: list[Model]) -> Made:
    """Make the models of one build, in a database that is thrown away. Raises DamagedError, OSError."""
    catalog = share.catalog
    read = {p for c in catalog.captures.values() for p in c.paths}
    own = read - checked_here(catalog, catalog.captures.values())
    for path, fact in catalog.damaged(sorted(own)).items():
        raise DamagedError(f"{catalog.root / path}: {fact}; `tracemill repair` takes out what cannot be read")
    kept = Kept()
    rows: dict[str, bytes] = {}
    with (
        tempfile.TemporaryDirectory(prefix="tracemill-") as folder,
        contextlib.closing(
            open_database(Path(folder, "models"), catalog.root, read_only=False, is_synced=False)
        ) as connection,
    ):
        register(connection)
        for name, table in (catalog.tables() | declared()).items():
            connection.register("_rows", table)
            connection.execute(f"create table {name} as from _rows")
            connection.unregister("_rows")
        try:
            with over_builds(connection, catalog, [share.build_id]):
                for model in make(connection, catalog, models, [share.build_id], kept):
                    made = connection.sql(f"from {model.name}").to_arrow_table()
                    rows[model.name] = _encoded(made)
        except ModelError as error:
            if isinstance(error.__cause__, duckdb.IOException | duckdb.OutOfMemoryException):
                raise OSError(str(error)) from None
            return Made(share.build_id, fault=str(error))
    return Made(share.build_id, rows, kept)


@contextlib.contextmanager
def over_builds(
    connection: duckdb.DuckDBPyConnection, catalog: Catalog, builds: Iterable[str], *, is_empty: bool = False
) -> Iterator[str]:
    """Inside, every table shows only the rows of these builds, in a database ``fresh``; the other's name.

    is_empty: the tables that were parsed show no rows, for models of which only the columns are needed.
    """
    database = str(connection.execute("select current_database()").fetchall()[0][0])
    builds = list(builds)
    connection.execute("attach ':memory:' as fresh")
    connection.execute("use fresh")
    connection.execute(
        "create table stale as select unnest($1::varchar[]) as build_id", [list(dict.fromkeys(builds))]
    )
    for name in CATALOG:
        connection.execute(
            f'create view {name} as select * from "{database}".main.{name} where build_id in (from stale)'
        )
    for name in declared():
        connection.execute(f'create view {name} as from "{database}".main.{name}')
    read = [] if is_empty else catalog.captures_of(builds)
    by_table = files_by_table(read, catalog.files)
    for name in PARSED:
        connection.execute(f"create view {name} as {scan_of(name, by_table)}")
    for name in DERIVED:
        connection.execute(f"create view {name} as {view(name)}")
    yield database
    connection.execute(f'use "{database}"')
    connection.execute("detach fresh")


def make(
    connection: duckdb.DuckDBPyConnection,
    catalog: Catalog,
    models: list[Model],
    builds: Sequence[str],
    kept: Kept,
    progress: Callable[[str], None] = lambda _: None,
) -> Iterator[Model]:
    """Make the models of scope build inside ``over_builds``; each once its table stands. Raises ModelError.

    kept: is told what raw rows that have expired leave undone.
    """
    expired = catalog.expired(builds)
    cannot_run = needing(models, expired)
    made = fingerprints(models) if cannot_run else {}
    for model in _own(connection, models):
        progress(model.name)
        execute(connection, model, f"create table {model.name} as {model.sql}")
        if without_rows := cannot_run.get(model.name):
            take(connection, catalog, model.name, without_rows, kept, made[model.name])
        yield model


def take_in(
    connection: duckdb.DuckDBPyConnection, models: list[Model], found: Iterator[Made], kept: Kept
) -> list[Model]:
    """The same from what was made elsewhere. Raises FailedBuildsError."""
    own = []
    for model in _own(connection, models):
        execute(connection, model, f"create table {model.name} as {model.sql} with no data")
        own.append(model)
    failed: dict[str, str] = {}
    for made in found:
        if made.fault:
            failed[made.build_id] = made.fault
            continue
        for name, stream in made.rows.items():
            connection.register("_rows", _decoded(stream))
            connection.execute(f"insert into {name} by name from _rows")
            connection.unregister("_rows")
        for name, builds in made.kept.earlier.items():
            kept.earlier.setdefault(name, []).extend(builds)
        for name, builds in made.kept.missing.items():
            kept.missing.setdefault(name, []).extend(builds)
    if failed:
        raise FailedBuildsError(failed)
    return own


def _own(connection: duckdb.DuckDBPyConnection, models: list[Model]) -> Iterator[Model]:
    """The models of scope build in their order; the views between them are made on the way."""
    spanning = spanning_models(models)
    for model in models:
        if model.scope == "view" and model.name not in spanning:
            execute(connection, model, f"create view {model.name} as {model.sql}")
        elif model.scope == "build":
            yield model


def execute(
    connection: duckdb.DuckDBPyConnection, model: Model, statement: str, values: Sequence[str] = ()
) -> None:
    """Execute what makes a model. Raises ModelError, which names it."""
    try:
        connection.execute(statement, values)
    except duckdb.Error as error:
        raise ModelError(f"sql/{model.folder}/{model.name}.sql: {str(error).strip()}") from error


def _encoded(rows: pa.Table) -> bytes:
    stream = io.BytesIO()
    with pa.ipc.new_stream(stream, rows.schema, options=pa.ipc.IpcWriteOptions(compression="zstd")) as out:
        out.write_table(rows)
    return stream.getvalue()


def _decoded(stream: bytes) -> pa.Table:
    return pa.ipc.open_stream(stream).read_all()
