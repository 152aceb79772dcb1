"""Accepted regressions: verdicts that someone decided to live with, kept with author, time and reason."""

from __future__ import annotations

import getpass
import os
import shutil
import subprocess
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, NamedTuple

from tracemill.flows.gate.compare import AT_LEAST, WORSE, compare
from tracemill.flows.names import NoSuchNameError, as_text, plain, require
from tracemill.warehouse import connect
from tracemill.warehouse.catalog import Accepted, Catalog, writer_lock
from tracemill.warehouse.lock import loading_lock
from tracemill.warehouse.publish import publish
from tracemill.warehouse.queries import ask, ask_column

if TYPE_CHECKING:
    from pathlib import Path

    import duckdb


@dataclass(frozen=True, slots=True)
class Which:
    """A verdict as its reader names it: the build that made it known or the one where it begins.

    The subject may also be the function alone. baseline: of a verdict on two builds without a history, the
    build that it was compared with.
    """

    build_id: str
    metric: str
    subject: str
    baseline: str | None = None


def accept(warehouse: Path, which: Which, reason: str, author: str | None = None) -> Accepted:
    """Accept one regression, in the warehouse. Raises NoSuchNameError, WarehouseError."""
    with writer_lock(warehouse), loading_lock(warehouse):
        with connect(warehouse) as connection:
            build_id, subject = find_verdict(connection, which)
        accepted = Accepted(
            build_id,
            which.metric,
            subject,
            reason,
            as_text(author or whoami()),
            datetime.now(UTC).isoformat(timespec="seconds"),
        )
        catalog = Catalog.load(warehouse)
        catalog.accepted[accepted.change] = accepted
        catalog.commit()
        publish(catalog)
        return accepted


def withdraw(warehouse: Path, which: Which) -> Accepted:
    """Take an acceptance back. Raises NoSuchNameError, WarehouseError."""
    with writer_lock(warehouse), loading_lock(warehouse):
        catalog = Catalog.load(warehouse)
        with connect(warehouse) as connection:
            verdicts = {v.change: v for v in ask(connection, "gate/acceptable", _Acceptable)}
        # An acceptance may be of two builds, or have outlived its verdict.
        known = [verdicts.get(a) or _Acceptable(a[0], *a, a[2].partition(" (")[0]) for a in catalog.accepted]
        accepted = catalog.accepted.pop(_chosen(known, which, "an accepted regression").change)
        catalog.commit()
        publish(catalog)
        return accepted


class _Acceptable(NamedTuple):
    build_id: str
    first_build_id: str
    metric: str
    subject: str
    function: str | None

    @property
    def change(self) -> tuple[str, str, str]:
        """What an acceptance of it is kept by."""
        return self.build_id, self.metric, self.subject


def find_verdict(connection: duckdb.DuckDBPyConnection, which: Which) -> tuple[str, str]:
    """The verdict's build and its subject in full. Raises NoSuchNameError with what there is."""
    verdicts = (
        _beside(connection, which) if which.baseline else ask(connection, "gate/acceptable", _Acceptable)
    )
    if which.baseline and not verdicts:
        raise NoSuchNameError(f"{which.build_id} has no regression beside {which.baseline}")
    found = _chosen(verdicts, which, "a regression")
    return found.build_id, found.subject


def _chosen(verdicts: list[_Acceptable], which: Which, what: str) -> _Acceptable:
    """The one of the verdicts, which are called what. Raises NoSuchNameError with what there is."""
    builds = {name for v in verdicts for name in (v.build_id, v.first_build_id)}
    require(which.build_id, f"build with {what}", sorted(builds))
    verdicts = [v for v in verdicts if which.build_id in (v.build_id, v.first_build_id)]
    one = what.partition(" ")[2]
    require(which.metric, f"{one} of {which.build_id} in", sorted({v.metric for v in verdicts}))
    verdicts = [v for v in verdicts if v.metric == which.metric]
    subject = plain(which.subject)
    exact = [v for v in verdicts if plain(v.subject) == subject]
    found = exact or [v for v in verdicts if v.function and plain(v.function) == subject]
    if len(found) > 1:
        known = ", ".join(f"{v.subject!r} at {v.build_id}" for v in found)
        raise NoSuchNameError(f"{which.subject!r} has several verdicts; name one of {known}")
    if not found:
        require(
            which.subject,
            f"{which.metric} {one} of {which.build_id} in",
            sorted(plain(v.subject) for v in verdicts),
        )
    return found[0]


def _beside(connection: duckdb.DuckDBPyConnection, which: Which) -> list[_Acceptable]:
    """What got worse at the build, compared with the baseline alone."""
    builds = ask_column(connection, "gate/builds")
    for build in (which.build_id, str(which.baseline)):
        require(build, "build", builds)
    series = compare(connection, str(which.baseline), which.build_id, AT_LEAST).of(WORSE)
    return [
        _Acceptable(
            which.build_id, which.build_id, s.metric, s.subject, None if s.calling_function else s.function
        )
        for s in series
    ]


def whoami() -> str:
    """Who is at work: as git knows him, or the user's name on this machine."""
    if name := os.environ.get("GIT_AUTHOR_NAME"):
        return name
    if git := shutil.which("git"):
        asked = subprocess.run([git, "config", "user.name"], capture_output=True, text=True, check=False)
        if asked.stdout.strip():
            return asked.stdout.strip()
    return getpass.getuser()
