"""What the published file says of itself: what it was made from, and whether it can be read."""

from __future__ import annotations

from importlib.metadata import version
from typing import TYPE_CHECKING

import duckdb

from tracemill.warehouse.connection import DATABASE, PUBLISHED_STATE, bring_published, open_database

if TYPE_CHECKING:
    from pathlib import Path


def is_own(root: Path) -> bool:
    """Whether this Tracemill made what is published, so that tables can be changed without the models."""
    bring_published(root)
    return bool(state_of(root / DATABASE, root))


def state_of(target: Path, root: Path) -> dict[str, str]:
    """What the published file was made from; nothing where it is to be made anew.

    That is where another Tracemill made it, and where it cannot be read.
    """
    if not target.is_file():
        return {}
    try:
        with open_database(target, root, read_only=True) as connection:
            state: dict[str, str] = dict(connection.execute(f"from {PUBLISHED_STATE}").fetchall())
    except duckdb.Error:
        return {}
    return state if state.get("tracemill") == version("tracemill") else {}


def damage_of(target: Path, root: Path) -> str:
    """What keeps a database file from being read to its end, in words; nothing where it is whole."""
    try:
        with open_database(target, root, read_only=True) as connection:
            for (name,) in connection.execute("select table_name from duckdb_tables()").fetchall():
                connection.execute(f'select bit_xor(hash(t)) from "{name}" t').fetchall()
    except duckdb.Error as error:
        return str(error).strip().splitlines()[0]
    return ""


def published_fingerprints(connection: duckdb.DuckDBPyConnection) -> dict[str, str]:
    """For each build, Catalog.build_fingerprints() as the published models have seen it."""
    rows = connection.execute(f"select subject, fingerprint from {PUBLISHED_STATE}").fetchall()
    return {s.removeprefix("build "): f for s, f in rows if s.startswith("build ") and f}
