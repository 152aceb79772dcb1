"""A long history is judged in stretches: each build together with those that came shortly before and after.

Models of scope ``history`` take builds together. Of a hundred builds or less that is all of them. Of more,
stretches of builds get their rows one by one, each judged among its neighbours. Once a stretch has all of its
neighbours its rows stand, and only the newest ones are judged again as builds arrive. So one more build costs
as much after thousands as after a hundred, and the rows are the same whether builds came one by one or at
once.
"""

from __future__ import annotations

import contextlib
import hashlib
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING

from tracemill.detection.rules import STRETCH, STRETCHES_AFTER, STRETCHES_BEFORE
from tracemill.warehouse.level_relation import levels_at_hand
from tracemill.warehouse.models import judged_models
from tracemill.warehouse.own_models import execute

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    import duckdb

    from tracemill.warehouse.models import Model

# A model that is made of some builds at a time gets so many series times builds: of each DuckDB holds 1.5 KB.
AT_ONCE = 250_000
# Before a stretch's number, in the published state: the fingerprint of what its rows were made from.
SUBJECT = "stretch "


@dataclass(frozen=True, slots=True)
class Stretch:
    """Builds that get their rows together. among: the builds that are judged for that, in their order."""

    number: int
    builds: tuple[str, ...]
    among: tuple[str, ...]


def stretches(ordered: Sequence[str], others: Sequence[str] = ()) -> list[Stretch]:
    """The builds in stretches; others have no known place in the order, and go with the newest."""
    cuts = [tuple(ordered[first : first + STRETCH]) for first in range(0, len(ordered), STRETCH)] or [()]
    cuts[-1] += tuple(others)
    found = []
    for number, builds in enumerate(cuts):
        # The first ones are judged among each other, and so are the newest.
        last = min(max(number, STRETCHES_BEFORE) + STRETCHES_AFTER, len(cuts) - 1)
        first = max(last - STRETCHES_BEFORE - STRETCHES_AFTER, 0)
        found.append(Stretch(number, builds, tuple(b for cut in cuts[first : last + 1] for b in cut)))
    return found


def create(connection: duckdb.DuckDBPyConnection, model: Model, *, is_same: bool = False) -> None:
    """Make a model of several builds, in the place of what it was. Raises ModelError.

    is_same: a table of just this model stands, which keeps its comments.
    """
    what = "view" if model.scope == "view" else "table"
    anew = f"create or replace {what} {model.name} as {model.sql}"
    parts = _parts(connection) if model.is_by_build else [[]]
    with levels_at_hand(connection, model.sql):
        if not is_same and len(parts) == 1:
            execute(connection, model, anew)
            return
        execute(connection, model, f"truncate {model.name}" if is_same else f"{anew} with no data")
        for builds in parts:
            only = f"where build_id in ({', '.join('?' * len(builds))})" if builds else ""
            execute(connection, model, f"insert into {model.name} from ({model.sql}) {only}", builds)


def _parts(connection: duckdb.DuckDBPyConnection) -> list[list[str]]:
    """The builds that are judged, in parts of at most AT_ONCE; one part, which is all, names none."""
    run = connection.execute
    [(series,)] = run("select count(*) from int_series").fetchall()
    found = run("select build_id from int_conditions group by build_id order by min(ordinal)").fetchall()
    each = max(AT_ONCE // max(series, 1), 1)
    parts = [[build for (build,) in found[first : first + each]] for first in range(0, len(found), each)]
    return parts if len(parts) > 1 else [[]]


class History:
    """The models of scope history of one publication, once the models of its builds and ``builds`` stand."""

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        models: list[Model],
        before: Mapping[str, str],
        after: dict[str, str],
    ) -> None:
        """before, after: what the published file says that it was made from, and will say."""
        self._connection = connection
        self._before, self._after = before, after
        judged = judged_models(models)
        # Of the judged ones those that a stretch can have, in their order.
        self._models: list[Model] = []
        late: set[str] = set()
        for model in models:
            if model.name in judged and (model.scope not in {"history", "view"} or model.reads & late):
                late.add(model.name)
            elif model.name in judged:
                self._models.append(model)
        # About what is judged together, and nothing beyond.
        self.checks = [m for m in models if m.scope == "check" and m.reads & judged and not m.reads & late]
        # Of a part of the models, made for one question, there may be no builds.
        rows = _builds(connection) if any(m.name == "builds" for m in models) else []
        self._rows = {build: repr(row) for build, _, row in rows}
        self._stretches = stretches(
            [build for build, is_ordered, _ in rows if is_ordered],
            [build for build, is_ordered, _ in rows if not is_ordered],
        )

    @property
    def is_long(self) -> bool:
        """Whether there are builds that are not judged together."""
        return any(len(stretch.among) < len(self._rows) for stretch in self._stretches)

    def note(self) -> None:
        """Write down what each stretch's rows are made from; also of a history that is not long yet."""
        self._after.update(dict.fromkeys((s for s in self._before if s.startswith(SUBJECT)), ""))
        self._after.update({f"{SUBJECT}{s.number}": self._fingerprint(s) for s in self._stretches})

    def judge(self, file: Path, progress: Callable[[str], None]) -> Iterator[None]:
        """Judge the stretches that are not as they were; at each, the connection shows what it is made from.

        file: does not exist yet, and is removed. Raises ModelError.
        """
        self.note()
        newest = self._stretches[-1].among
        subjects = {stretch.number: f"{SUBJECT}{stretch.number}" for stretch in self._stretches}
        kept = [
            stretch
            for stretch in self._stretches
            if stretch.among != newest
            and self._before.get(subjects[stretch.number]) == self._after[subjects[stretch.number]]
        ]
        self._keep([build for stretch in kept for build in stretch.builds])
        is_begun = bool(kept)
        due = [stretch for stretch in self._stretches if stretch not in kept]
        for among, group in groupby(due, key=lambda stretch: stretch.among):
            builds = [build for stretch in group for build in stretch.builds]
            if among != newest:
                progress(f"builds {builds[0]} to {builds[-1]}")
            with self._over(among, builds, file) as database:
                for model in self._models:
                    if model.scope == "history" and among == newest:
                        progress(model.name)
                    create(self._connection, model)
                yield
                for model in self._models:
                    if model.scope == "history":
                        self._hand_over(model.name, database, is_begun=is_begun)
            is_begun = True

    def _fingerprint(self, stretch: Stretch) -> str:
        """Of all that the stretch's rows are made from."""
        made = [self._after["models"], self._after["detection"]]
        made += [f"{self._after.get(f'build {build}')} {self._rows[build]}" for build in stretch.among]
        return hashlib.sha256("\n".join(made).encode()).hexdigest()

    def _keep(self, builds: list[str]) -> None:
        """Drop the rows of all other builds, where any stay."""
        if not builds:
            return
        run = self._connection.execute
        chosen = "select build_id, ordinal from builds where build_id in (select unnest($1::varchar[]))"
        run(f"create or replace temp table kept as {chosen}", [builds])
        for model in self._models:
            if model.scope == "history" and (key := self._key(model.name)):
                run(f"delete from {model.name} where {key} not in (select {key} from kept)")

    @contextlib.contextmanager
    def _over(self, among: Sequence[str], builds: Sequence[str], file: Path) -> Iterator[str]:
        """Inside, each table shows the rows of the builds that are judged; the name of the other database."""
        run = self._connection.execute
        database = str(run("select current_database()").fetchall()[0][0])
        quoted = str(file).replace("'", "''")
        try:
            run(f"attach '{quoted}' as stretch")
            run("use stretch")
            run("create table among as select unnest($1::varchar[]) as build_id", [list(among)])
            run(
                f'create table given as select build_id, ordinal from "{database}".main.builds '
                "where build_id in (select unnest($1::varchar[]))",
                [list(builds)],
            )
            known = {model.name for model in self._models}
            read = {name for model in (*self._models, *self.checks) for name in model.reads}
            for name in sorted(read - known):
                rows = f'from "{database}".main.{name}'
                names = {column[0] for column in run(f"describe {rows}").fetchall()}
                only = " where build_id in (from among)" if "build_id" in names else ""
                run(f"create view {name} as {rows}{only}")
            yield database
            run(f'use "{database}"')
            run("detach stretch")
        finally:
            file.unlink(missing_ok=True)
            file.with_name(file.name + ".wal").unlink(missing_ok=True)

    def _hand_over(self, name: str, database: str, *, is_begun: bool) -> None:
        """Put the rows of the builds that get them beside those of the others."""
        key, target = self._key(name), f'"{database}".main.{name}'
        rows = f"from {name}" + (f" where {key} in (select {key} from given)" if key else "")
        if is_begun and key:
            self._connection.execute(f"insert into {target} by name {rows}")
        else:  # what has no build is as the newest say
            self._connection.execute(f"create or replace table {target} as {rows}")

    def _key(self, table: str) -> str | None:
        """The column that says of which build a row is."""
        names = {column[0] for column in self._connection.execute(f"describe {table}").fetchall()}
        return next((name for name in ("build_id", "ordinal") if name in names), None)


def _builds(connection: duckdb.DuckDBPyConnection) -> list[tuple[str, bool, dict[str, object]]]:
    """Each build in order: its name, whether its place is known, and its whole row."""
    return connection.execute("select build_id, is_ordered, builds from builds order by ordinal").fetchall()
