"""Builds that are set aside: what is loaded of them stays in the warehouse, and is not published.

A build is set aside where its own models cannot be built, or where a check selects rows of it. The others are
published. It is tried again once something of it, or the models, changed.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import duckdb

from tracemill.warehouse.records import Failure

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from tracemill.warehouse.catalog import Catalog
    from tracemill.warehouse.models import Model, ModelError

# Before a build's name, in the published state: why it was set aside; empty where it no longer is.
_SUBJECT = "aside "
# What no build is to blame for.
_OF_THE_MACHINE = (duckdb.IOException, duckdb.OutOfMemoryException, duckdb.InterruptException)


@dataclass(frozen=True, slots=True)
class FailedCheck:
    """A check that selected rows. builds: those that the rows name."""

    text: str
    builds: frozenset[str]


def failed_checks(connection: duckdb.DuckDBPyConnection, checks: Iterable[Model]) -> dict[str, FailedCheck]:
    """Those of the checks that select rows, by name."""
    failed = {}
    for check in checks:
        cursor = connection.execute(check.sql)
        rows = cursor.fetchmany(3)
        if rows:
            names = [d[0] for d in cursor.description or ()]
            text = f"{check.text} Offending: " + "; ".join(
                ", ".join(f"{n}={v!r}" for n, v in zip(names, row, strict=True)) for row in rows
            )
            rows += cursor.fetchall()
            at = names.index("build_id") if "build_id" in names else None
            named = frozenset() if at is None else frozenset(str(row[at]) for row in rows)
            failed[check.name] = FailedCheck(text, named)
    return failed


def kept(before: dict[str, str], stale: Iterable[str]) -> dict[str, str]:
    """Build → reason of what was set aside and has not changed since."""
    named = {s.removeprefix(_SUBJECT): why for s, why in before.items() if s.startswith(_SUBJECT) and why}
    return {build: why for build, why in named.items() if build not in set(stale)}


def known(before: dict[str, str]) -> set[str]:
    """The builds that are set aside in what is published."""
    return {s.removeprefix(_SUBJECT) for s, why in before.items() if s.startswith(_SUBJECT) and why}


def noted(before: dict[str, str], aside: dict[str, str]) -> dict[str, str]:
    """What the published state is to say of them."""
    released = {subject: "" for subject in before if subject.startswith(_SUBJECT)}
    return released | {f"{_SUBJECT}{build}": why for build, why in aside.items()}


def without(catalog: Catalog, aside: dict[str, str]) -> Catalog:
    """The catalog with failures in the place of the builds' captures, to be published and never committed."""
    if not aside:
        return catalog
    failures = {b: Failure(b, None, "", None, f"{b} is set aside: {why}") for b, why in aside.items()}
    return replace(catalog, set_aside=catalog.set_aside | failures)


def blamed(failed: dict[str, FailedCheck]) -> dict[str, str]:
    """Build → reason, of the builds whose rows the checks select."""
    found: dict[str, str] = {}
    for name, check in failed.items():
        for build in check.builds:
            found.setdefault(build, f"check {name} failed: {check.text}")
    return found


def culprits(
    error: ModelError, builds: Sequence[str], trial: Callable[[Sequence[str]], ModelError | None]
) -> dict[str, str]:
    """Build → reason, of the builds whose own models cannot be built; none where no build alone fails.

    trial: tries to build these builds' models alone, and gives the error.
    """
    if isinstance(error.__cause__, _OF_THE_MACHINE) or not builds:
        return {}
    fault = trial(builds)
    if fault is None:
        return {}
    if len(builds) == 1:
        return {builds[0]: str(fault)}
    middle = len(builds) // 2
    return culprits(error, builds[:middle], trial) | culprits(error, builds[middle:], trial)
