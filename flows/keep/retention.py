"""Retention: drop raw rows that are older than a policy says. History, verdicts and exemplars stay.

What the models made of a build is written down before its rows go (warehouse/condensed.py). A build expires
as a whole: its age is that of its commit, or of its last capture where no commit time is known.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from duckdb import CatalogException

from tracemill.flows.build import build as build_models
from tracemill.flows.build import publish_files
from tracemill.flows.lock import held
from tracemill.flows.names import require
from tracemill.flows.settings import SettingsError
from tracemill.warehouse import connect, queries
from tracemill.warehouse.address import no_warehouse
from tracemill.warehouse.catalog import KEPT_SECONDS, Catalog, sole_lock
from tracemill.warehouse.compaction import build_times
from tracemill.warehouse.condensed import EXPIRABLE, condense
from tracemill.warehouse.errors import WarehouseError
from tracemill.warehouse.models import read_models

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from tracemill.flows.lock import Lock
    from tracemill.flows.progress import Progress

# In a policy: every table that may expire and is not named itself
RAW = "raw"
FOREVER = "forever"
_AGE = re.compile(r"(\d+(?:\.\d+)?)\s*(h|d|w)")
_UNITS = {"h": "hours", "d": "days", "w": "weeks"}


@dataclass(frozen=True, slots=True)
class Policy:
    """How long rows are kept: table, or ``raw`` for all others → age; without an age for ever.

    keeps_incidents: builds at which an incident begins keep all rows.
    """

    ages: Mapping[str, timedelta | None]
    keeps_incidents: bool = True

    @classmethod
    def of(cls, words: Mapping[str, str], *, keeps_incidents: bool = True) -> Policy:
        """The policy in words such as {"raw": "30d", "benchmarks": "forever"}. Raises SettingsError."""
        ages: dict[str, timedelta | None] = {}
        for table, age in words.items():
            if table != RAW:
                require(table, "table that may expire", sorted(EXPIRABLE))
            found = _AGE.fullmatch(age.strip())
            if not found and age != FOREVER:
                raise SettingsError(f"retention of {table}: {age!r} is no age; say 36h, 30d, 8w or {FOREVER}")
            ages[table] = timedelta(**{_UNITS[found[2]]: float(found[1])}) if found else None
        return cls(ages, keeps_incidents)

    def age(self, table: str) -> timedelta | None:
        """How old rows of the table may become."""
        return self.ages.get(table, self.ages.get(RAW))


@dataclass(slots=True)
class Going:
    """What goes of one table. files, bytes: those that no build needs any more; compact frees the others."""

    table: str
    builds: int = 0
    captures: int = 0
    files: int = 0
    bytes: int = 0
    shared_files: int = 0


@dataclass(slots=True)
class Retained:
    """What was dropped, or would be. builds: of which anything goes; undo: the commit to roll back to."""

    tables: list[Going] = field(default_factory=list)
    builds: list[str] = field(default_factory=list)
    kept_for_incidents: list[str] = field(default_factory=list)
    undated: list[str] = field(default_factory=list)
    undo: int = 0
    undo_until: str = ""
    swept: int = 0


def retention(
    root: Path,
    policy: Policy,
    *,
    is_trial: bool = True,
    now: datetime | None = None,
    progress: Progress | None = None,
    lock: Lock = sole_lock,
) -> Retained:
    """Drop what the policy lets go; is_trial, the default, only says what that would be.

    Raises WarehouseError, also where the models cannot be brought up to date first.
    """
    moment = now or datetime.now(UTC)
    with lock(root):
        catalog = Catalog.load(root)
        if not catalog.position.number:
            raise no_warehouse(root)
        if not is_trial:
            done = build_models(root, progress=progress, lock=held)
            if done.failed_checks:
                names = ", ".join(done.failed_checks)
                raise WarehouseError(f"{root}: nothing was dropped, for checks of the models fail: {names}")
        retained = Retained(undo=catalog.position.number)
        expiring = _expiring(catalog, policy, moment, retained)
        before = catalog.listed()
        _drop(catalog, expiring)
        _count(catalog, expiring, before, retained)
        if is_trial or not expiring:
            return retained
        with connect(root) as connection:
            condense(catalog, connection, read_models(), catalog.expired())
        catalog.commit()
        publish_files(catalog)
        until = datetime.now(UTC) + timedelta(seconds=KEPT_SECONDS)
        retained.undo_until = f"{until:%Y-%m-%d %H:%M} UTC"
        retained.swept = catalog.sweep(is_thorough=True)
        return retained


def _expiring(catalog: Catalog, policy: Policy, now: datetime, said: Retained) -> dict[str, set[str]]:
    """Build → the tables of which it has rows that the policy lets go."""
    times = build_times(catalog)
    there: dict[str, set[str]] = {}
    for capture in catalog.captures.values():
        there.setdefault(capture.build_id, set()).update(capture.files)
    kept = _builds_of_incidents(catalog.root) if policy.keeps_incidents else frozenset()
    found: dict[str, set[str]] = {}
    for build in _set_aside(catalog.root):  # of which nothing was made that could be kept
        there.pop(build, None)
    for build, tables in sorted(there.items()):
        aged = {t for t in tables.intersection(EXPIRABLE) if policy.age(t) is not None}
        time = times[build]
        if time is None:
            said.undated += [build] if aged else []
            continue
        age = now - datetime.fromisoformat(time)
        gone = {t for t in aged if (limit := policy.age(t)) is not None and age > limit}
        if gone and build in kept:
            said.kept_for_incidents.append(build)
        elif gone:
            found[build] = gone
    return found


def _set_aside(root: Path) -> list[str]:
    """The builds that are loaded and not published."""
    with connect(root) as connection:
        found = connection.execute(queries.text("keep/set_aside")).fetchall()
    return [build for (build,) in found]


def _builds_of_incidents(root: Path) -> frozenset[str]:
    """The builds at which what is published sees an incident begin."""
    with connect(root) as connection:
        try:
            found = connection.execute(queries.text("keep/incident_builds")).fetchall()
        except CatalogException:  # only tables are published, no models
            return frozenset()
    return frozenset(build for (build,) in found)


def _drop(catalog: Catalog, expiring: dict[str, set[str]]) -> None:
    """Have captures list the expiring tables' files no more."""
    for place, capture in list(catalog.captures.items()):
        gone = expiring.get(capture.build_id, set()) & capture.files.keys()
        if gone:
            files = {table: paths for table, paths in capture.files.items() if table not in gone}
            expired = sorted({*capture.expired, *gone})
            catalog.captures[place] = replace(capture, files=files, expired=expired)


def _count(catalog: Catalog, expiring: dict[str, set[str]], before: set[str], said: Retained) -> None:
    """Say what goes."""
    left = catalog.listed()
    going: dict[str, Going] = {}
    for capture in catalog.captures.values():
        for table in expiring.get(capture.build_id, set()) & {*capture.expired}:
            going.setdefault(table, Going(table)).captures += 1
    for tables in expiring.values():
        for table in tables:
            going[table].builds += 1
    for path in before - left:
        one = going[path.split("/")[1]]
        one.files += 1
        known = catalog.files.get(path)
        one.bytes += known.size_bytes if known else (catalog.root / path).stat().st_size
    for path in left:
        table = path.split("/")[1]
        file = catalog.files.get(path)
        if table in going and file is not None and file.captures:
            listing = sum(path in c.files.get(table, ()) for c in catalog.captures.values())
            going[table].shared_files += listing < file.captures
    said.tables = sorted(going.values(), key=lambda one: -one.bytes)
    said.builds = sorted(expiring)
