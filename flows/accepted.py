"""Accepted regressions: verdicts that someone decided to live with, kept with author, time and reason."""

from __future__ import annotations

import getpass
import os
import shutil
import subprocess
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from flows.regressions import NoSuchNameError, require
from warehouse import connect
from warehouse.catalog import Accepted, Catalog, writer_lock
from warehouse.models import publish

if TYPE_CHECKING:
    from pathlib import Path

    import duckdb


@dataclass(frozen=True, slots=True)
class Which:
    """A verdict as its reader names it: the subject may also be the function alone."""

    build_id: str
    metric: str
    subject: str


def accept(warehouse: Path, which: Which, reason: str, author: str | None = None) -> Accepted:
    """Accept one regression, in the warehouse. Raises NoSuchNameError, WarehouseError."""
    with writer_lock(warehouse):
        with connect(warehouse) as connection:
            subject = _subject(connection, which)
        accepted = Accepted(
            which.build_id,
            which.metric,
            subject,
            reason,
            author or whoami(),
            datetime.now(UTC).isoformat(timespec="seconds"),
        )
        catalog = Catalog.load(warehouse)
        catalog.accepted[accepted.change] = accepted
        catalog.commit()
        publish(catalog)
        return accepted


def withdraw(warehouse: Path, which: Which) -> Accepted:
    """Take an acceptance back. Raises NoSuchNameError, WarehouseError."""
    with writer_lock(warehouse):
        catalog = Catalog.load(warehouse)
        known = [a for a in catalog.accepted if a[:2] == (which.build_id, which.metric)]
        subjects = {a[2]: a for a in known} | {a[2].partition(" (")[0]: a for a in known}
        require(which.subject, f"accepted {which.metric} of {which.build_id} for", sorted(subjects))
        accepted = catalog.accepted.pop(subjects[which.subject])
        catalog.commit()
        publish(catalog)
        return accepted


def _subject(connection: duckdb.DuckDBPyConnection, which: Which) -> str:
    """The verdict's subject in full. Raises NoSuchNameError with what there is."""
    rows = connection.execute(
        "select build_id, metric, subject, function, status from regressions"
    ).fetchall()
    rows = [row for row in rows if row[4] in {"regressed", "not_comparable"}]
    require(which.build_id, "build with a regression", sorted({r[0] for r in rows}))
    rows = [row for row in rows if row[0] == which.build_id]
    require(which.metric, f"regression of {which.build_id} in", sorted({r[1] for r in rows}))
    rows = [row for row in rows if row[1] == which.metric]
    exact = [row for row in rows if row[2] == which.subject]
    found = exact or [row for row in rows if row[3] == which.subject]
    if len(found) > 1:
        subjects = ", ".join(repr(row[2]) for row in found)
        raise NoSuchNameError(f"{which.subject!r} has several verdicts; name one of {subjects}")
    if not found:
        require(
            which.subject, f"{which.metric} regression of {which.build_id} in", sorted(r[2] for r in rows)
        )
    return str(found[0][2])


def whoami() -> str:
    """Who is at work: as git knows him, or the user's name on this machine."""
    if name := os.environ.get("GIT_AUTHOR_NAME"):
        return name
    if git := shutil.which("git"):
        asked = subprocess.run([git, "config", "user.name"], capture_output=True, text=True, check=False)
        if asked.stdout.strip():
            return asked.stdout.strip()
    return getpass.getuser()
