"""The regressions found, as a query: filters are bound, never pasted into SQL."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tracemill.warehouse.schema.errors import TracemillError

if TYPE_CHECKING:
    import duckdb

# Every column of the mart, and beside each verdict who accepted it and why.
EVERY_COLUMN = "r.*, a.accepted_by, a.accepted_reason"
# Type parameters and methods may hold slashes and dots of their own.
_PACKAGE = "regexp_extract(split_part(coalesce(function, subject), '[', 1), '^(.*/)?[^./]*')"


class NoSuchNameError(TracemillError):
    """A build, metric or status that is not there, with the nearest that is."""


@dataclass(frozen=True, slots=True)
class Filter:
    """Which verdicts to show; None shows all. A package holds also what lies below it."""

    build_id: str | None = None
    metric: str | None = None
    status: str | None = None
    package: str | None = None
    since_build: str | None = None


def least_earlier_builds(connection: duckdb.DuckDBPyConnection) -> int:
    """With fewer builds before it, a build cannot be told from noise."""
    ((count,),) = connection.execute("select least_builds from detection_rules").fetchall()
    return int(count)


_KNOWN_STATUS = "select unnest(['regressed', 'improved', 'moved', 'cost_shift', 'not_comparable'])"


def select(
    connection: duckdb.DuckDBPyConnection, chosen: Filter, columns: str = EVERY_COLUMN
) -> duckdb.DuckDBPyConnection:
    """The cursor over the verdicts, in the order of the builds. Raises NoSuchNameError."""
    builds = "select build_id from builds"
    for what, value, known in (
        ("build", chosen.build_id, builds),
        ("build", chosen.since_build, builds),
        ("metric", chosen.metric, "select distinct metric from observations"),
        ("status", chosen.status, _KNOWN_STATUS),
    ):
        if value is not None:
            require(value, what, [str(row[0]) for row in connection.execute(known).fetchall()])
    if chosen.package is not None:
        _require_package(connection, chosen.package)
    return connection.execute(
        f"""
        select {columns}
        from regressions as r
        left join (select build_id, ordinal from builds) as b using (build_id)
        left join accepted_regressions as a using (build_id, metric, subject)
        where coalesce(build_id = $build_id, true)
          and coalesce(metric = $metric, true)
          and coalesce(status = $status, true)
          and coalesce(b.ordinal >= (select ordinal from builds where build_id = $since_build), true)
          and (
              $package is null
              or starts_with(coalesce(r.function, subject), $package || '.')
              or starts_with(coalesce(r.function, subject), $package || '/')
          )
        order by b.ordinal, metric, status, subject
        """,  # noqa: S608 - columns is a constant of ours
        {
            "build_id": chosen.build_id,
            "metric": chosen.metric,
            "status": chosen.status,
            "package": chosen.package,
            "since_build": chosen.since_build,
        },
    )


def _require_package(connection: duckdb.DuckDBPyConnection, package: str) -> None:
    rows = connection.execute(f"select distinct {_PACKAGE} from observations").fetchall()  # noqa: S608
    known = [str(row[0]) for row in rows]
    if not any(name == package or name.startswith(package + "/") for name in known):
        require(package, "package", known)


def require(value: str, what: str, known: list[str]) -> None:
    """Raises NoSuchNameError, with the nearest name, unless value is known."""
    if value not in known:
        near = difflib.get_close_matches(value, known, n=1, cutoff=0.5)
        hint = (
            f"; did you mean {near[0]!r}?"
            if near
            else f"; there is {', '.join(sorted(known)[:10]) or 'none yet'}"
        )
        raise NoSuchNameError(f"no {what} {value!r}{hint}")
