"""Condensed rows that are data: what models made of builds whose raw rows have expired.

A model of scope ``build`` that reads an expired table itself cannot run for that build any more. Its rows
are written to Parquet before the raw ones go, and are taken from there whenever the models are built again.
Every other model runs as always: on what those models made, and on the tables that are left. With the rows
stands the fingerprint of what made them, so that it can be told where they are those of an earlier model.
"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass, field
from itertools import groupby
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq

from tracemill.warehouse.connection import connect
from tracemill.warehouse.declared import declared
from tracemill.warehouse.durable import digest
from tracemill.warehouse.intervals import CYCLES, INTERVALS, view
from tracemill.warehouse.layout import TABLES_FOLDER
from tracemill.warehouse.records import Condensed, StoredFile
from tracemill.warehouse.schema.tables import DERIVED, PARSED

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    import duckdb

    from tracemill.warehouse.catalog import Catalog
    from tracemill.warehouse.models import Model

# Stacks are shared by captures and builds, and what could not be read is little.
KEPT_TABLES = frozenset({"stacks", "parse_issues"})
# What may expire: all other rows as they were parsed.
EXPIRABLE = tuple(name for name in (*PARSED, INTERVALS) if name not in KEPT_TABLES)


@dataclass(slots=True)
class Kept:
    """What could not be derived anew, as raw rows have expired.

    earlier: model → builds with rows that an earlier version of it made; missing: model → builds of which it
    has none, since it is newer than what was condensed. late: build → captures that came after.
    """

    earlier: dict[str, list[str]] = field(default_factory=dict)
    missing: dict[str, list[str]] = field(default_factory=dict)
    late: dict[str, list[str]] = field(default_factory=dict)


def late(catalog: Catalog, builds: Iterable[str]) -> dict[str, list[str]]:
    """Build → paths of the captures that came after rows of its others had expired.

    A model that needs such rows is not made of them: what was condensed has the others, and not these.
    """
    expired = catalog.expired(builds)
    found: dict[str, list[str]] = {}
    for capture in catalog.captures_of(expired):
        gone = expired.get(capture.build_id)
        if gone and not gone.isdisjoint(capture.files) and not capture.expired:
            found.setdefault(capture.build_id, []).append(capture.path)
    return {build: sorted(found[build]) for build in sorted(found)}


def raw_tables(models: Iterable[Model]) -> dict[str, frozenset[str]]:
    """Model of scope build → the parsed tables that it reads itself, or by views."""
    known = {model.name: model for model in models}
    direct: dict[str, frozenset[str]] = {}

    def reads(model: Model) -> frozenset[str]:
        if model.name not in direct:
            found: set[str] = set()
            for name in model.reads:
                if name == INTERVALS:
                    found |= {INTERVALS, CYCLES}
                elif name in PARSED:
                    found.add(name)
                elif name in known and known[name].scope == "view":
                    found |= reads(known[name])
            direct[model.name] = frozenset(found)
        return direct[model.name]

    return {model.name: reads(model) for model in known.values() if model.scope == "build"}


def fingerprints(models: Iterable[Model]) -> dict[str, str]:
    """Model → a hash of its SQL and of all that it is made by: models, views and declarations."""
    made = {name: view(name) for name in DERIVED}
    made |= {name: repr(table.to_pylist()) for name, table in declared().items()}
    for model in models:  # in the order in which they are built
        parts = [model.sql, *(made.get(name, name) for name in sorted(model.reads))]
        made[model.name] = hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]
    return made


def needing(models: Iterable[Model], expired: dict[str, set[str]]) -> dict[str, list[str]]:
    """Model → the builds for which it cannot run. expired: build → tables."""
    found = {
        name: [build for build, gone in expired.items() if not gone.isdisjoint(tables)]
        for name, tables in raw_tables(models).items()
    }
    return {name: builds for name, builds in found.items() if builds}


def condense(
    catalog: Catalog,
    connection: duckdb.DuckDBPyConnection,
    models: list[Model],
    expired: dict[str, set[str]],
) -> None:
    """Write down what can not be derived any more once these tables of builds are gone, and list it.

    connection: on what is published of the catalog by these models. What is kept already stays as it is.
    """
    _forget_unneeded(catalog, models)
    known: dict[str, set[str]] = {}
    for kept in catalog.condensed.values():
        known.setdefault(kept.model, set()).update(kept.builds)
    made = fingerprints(models)
    for model, builds in needing(models, expired).items():
        new = sorted(set(builds) - known.get(model, set()))
        if not new:
            continue
        rows = _published(connection, model, new)
        _write(catalog, rows, Condensed("", model, made[model], new, len(new)))


def rewrite(catalog: Catalog, damaged: Iterable[Condensed]) -> None:
    """Write condensed rows again from what is published."""
    with connect(catalog.root) as connection:
        for kept in damaged:
            del catalog.condensed[kept.path]
            _write(catalog, _published(connection, kept.model, kept.builds), kept)


def _published(connection: duckdb.DuckDBPyConnection, model: str, builds: list[str]) -> pa.Table:
    """The rows of builds in a published table."""
    query = f'from "{model}" where build_id in (select unnest($1::varchar[])) order by build_id'
    return connection.sql(query, params=[builds]).to_arrow_table()


def _forget_unneeded(catalog: Catalog, models: list[Model]) -> None:
    """Forget what was kept of builds that have been loaded again since, with all their rows."""
    needed = needing(models, catalog.expired())
    for name in raw_tables(models):
        kept = {b for k in catalog.condensed.values() if k.model == name for b in k.builds}
        catalog.forget_condensed(kept.difference(needed.get(name, ())), [name])


def take(
    connection: duckdb.DuckDBPyConnection,
    catalog: Catalog,
    model: str,
    builds: list[str],
    said: Kept,
    made: str,
) -> None:
    """Put the condensed rows of builds in the place of those that the model has just made of what is left.

    made: the model's fingerprint now. Of columns that the model did not have then, the rows have nulls.
    """
    import duckdb

    wanted = set(builds)
    of_builds = "where build_id in (select unnest($1::varchar[]))"
    connection.execute(f'delete from "{model}" {of_builds}', [builds])
    columns = [row[0] for row in connection.execute(f'describe "{model}"').fetchall()]
    for path, kept in catalog.condensed.items():
        chosen = sorted(wanted & set(kept.builds)) if kept.model == model else []
        if not chosen:
            continue
        wanted -= set(chosen)
        rows = f"read_parquet('{path}', hive_partitioning = false)"
        there = {row[0] for row in connection.execute(f"describe from {rows}").fetchall()}
        names = ", ".join(f'"{name}"' for name in columns if name in there)
        try:
            connection.execute(
                f'insert into "{model}" by name select {names} from {rows} {of_builds}', [chosen]
            )
        except duckdb.ConversionException:  # a column is of another type than it was
            said.missing.setdefault(model, []).extend(chosen)
            continue
        if kept.fingerprint != made:
            said.earlier.setdefault(model, []).extend(chosen)
    if wanted:
        said.missing.setdefault(model, []).extend(sorted(wanted))


def merge_condensed(catalog: Catalog) -> int:
    """Merge the files of each model that one version of it made; how many files fewer that makes."""

    def key(kept: Condensed) -> tuple[str, str]:
        return kept.model, kept.fingerprint

    fewer = 0
    for _, group in groupby(sorted(catalog.condensed.values(), key=key), key=key):
        files = sorted(group, key=lambda kept: kept.builds)
        if len(files) < 2 and all(len(kept.builds) == kept.build_count for kept in files):
            continue
        rows = pa.concat_tables([_rows(catalog.root, kept) for kept in files], promote_options="permissive")
        builds = sorted(build for kept in files for build in kept.builds)
        for kept in files:
            del catalog.condensed[kept.path]
        _write(catalog, rows, Condensed("", files[0].model, files[0].fingerprint, builds, len(builds)))
        fewer += len(files) - 1
    return fewer


def _rows(root: Path, kept: Condensed) -> pa.Table:
    wanted = pa.array(kept.builds, pa.string())
    rows = pq.read_table(root / kept.path, page_checksum_verification=True, partitioning=None)
    import pyarrow.compute as pc  # 50 ms, which only retention needs

    return rows.filter(pc.is_in(rows.column("build_id"), wanted))


def _write(catalog: Catalog, rows: pa.Table, kept: Condensed) -> None:
    """Write rows to a file and list it."""
    path = f"{TABLES_FOLDER}/{kept.model}/condensed/{secrets.token_hex(8)}.parquet"
    target = catalog.root / path
    target.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(rows, target, compression="zstd", write_page_checksum=True)
    catalog.files[path] = StoredFile(*digest(target))
    builds = list(kept.builds)
    catalog.condensed[path] = Condensed(path, kept.model, kept.fingerprint, builds, len(builds))
