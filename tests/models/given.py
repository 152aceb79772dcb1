"""Tables given to the models, and what the models make of them."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, cast

import duckdb
import pyarrow as pa

from tracemill.parsers.binary.callees import callee_class
from tracemill.parsers.stacks import stack_ids
from tracemill.warehouse.declared import declared
from tracemill.warehouse.functions import register
from tracemill.warehouse.level_relation import levels_at_hand
from tracemill.warehouse.models import needed_for, read_models
from tracemill.warehouse.schema import TABLES

if TYPE_CHECKING:
    from collections.abc import Iterable

Rows = list[dict[str, Any]]
_WORD = re.compile(r"\w+")

USER_PATH = ["app/server.(*Server).Handle", "net/http.HandlerFunc.ServeHTTP", "net/http.(*conn).serve"]


class Given:
    """Rows of the warehouse's tables, put together by a test."""

    def __init__(self) -> None:
        self.tables: dict[str, Rows] = {name: [] for name in TABLES}

    def capture(self, build: str, run: str | None, kind: str, *, name: str = "", **columns: Any) -> str:
        """Add a capture; its id. name: of its file below the run's folder, where a kind has several."""
        file = name or f"{kind}.out"
        capture_id = f"{build}/{run}/{name or kind}"
        row = {
            "capture_id": capture_id,
            "build_id": build,
            "run_id": run,
            "kind": kind,
            "format": "pprof",
            "path": f"{build}/{run}/{file}",
            "status": "ok",
            "issue_count": 0,
        }
        self.tables["captures"].append(row | columns)
        return capture_id

    def stack(self, *functions: str) -> int:
        """Add a stack, leaf first; its id."""
        files = ["app.go"] * len(functions)
        lines = list(range(1, len(functions) + 1))
        stack_id, path_id = stack_ids(functions, files, lines)
        self.tables["stacks"].append(
            {
                "stack_id": stack_id,
                "path_id": path_id,
                "functions": list(functions),
                "files": files,
                "lines": lines,
            }
        )
        return stack_id

    def trace(
        self, build: str, run: str, waits: list[tuple[int, str | None, int]], seconds: float = 1.0
    ) -> str:
        """Add a trace with waits of (stack_id, reason, nanoseconds), one a goroutine."""
        capture_id = self.capture(build, run, "trace", format="exectrace", duration_ns=int(seconds * 1e9))
        for goroutine_id, (stack_id, reason, duration_ns) in enumerate(waits, 1):
            self.tables["goroutine_intervals"].append(
                {
                    "capture_id": capture_id,
                    "goroutine_id": goroutine_id,
                    "start_ns": 0,
                    "state": "waiting",
                    "reason": reason,
                    "duration_ns": duration_ns,
                    "is_complete": True,
                    "stack_id": stack_id,
                }
            )
        return capture_id

    def heap(
        self,
        build: str,
        run: str,
        sites: list[tuple[int, int, int]],
        *,
        kind: str = "heap",
        period: int = 524288,
        gnu_build_id: str | None = "cafe",
        start: int = 0,
        program: str = "/srv/app",
        **columns: Any,
    ) -> str:
        """Add a heap profile with (stack_id, leaf_pc, bytes): half as much in use, objects of 1 KiB."""
        capture_id = self.capture(build, run, kind, **columns)
        self.tables["profile_mappings"].append(
            {
                "capture_id": capture_id,
                "mapping_index": 0,
                "mapping_start": start,
                "mapping_limit": start + 10**9,
                "mapping_offset": 0,
                "mapping_file": program,
                "gnu_build_id": gnu_build_id,
            }
        )
        for index, (stack_id, leaf_pc, size) in enumerate(sites):
            figures = {
                "alloc_space": size,
                "alloc_objects": size // 1024,
                "inuse_space": size // 2,
                "inuse_objects": size // 2048,
            }
            for sample_type, value in figures.items():
                self.tables["profile_samples"].append(
                    {
                        "capture_id": capture_id,
                        "sample_index": index,
                        "sample_type": sample_type,
                        "unit": "bytes" if sample_type.endswith("space") else "count",
                        "value": value,
                        "stack_id": stack_id,
                        "leaf_pc": leaf_pc,
                        "mapping_index": 0,
                        "sampling_period": period,
                    }
                )
        return capture_id

    def binary(
        self,
        build: str,
        calls: dict[int, str],
        *,
        gnu_build_id: str | None = "cafe",
        name: str = "",
        **columns: Any,
    ) -> str:
        """Add a binary with CALLs: return address → callee. name: where a build has several."""
        path = f"{build}/{name or 'app'}.gz"
        capture_id = self.capture(build, None, "binary", name=name, format="binary", path=path)
        row = {
            "capture_id": capture_id,
            "gnu_build_id": gnu_build_id,
            "is_pie": False,
            "segment_vaddr": 0,
            "segment_offset": 0,
            "module": "app",
            "go_version": "go1.27",
        }
        self.tables["binaries"].append(row | columns)
        self.tables["call_sites"] += [
            {
                "capture_id": capture_id,
                "pc": pc,
                "function": "",
                "file": "app.go",
                "line": 1,
                "callee": callee,
                "callee_class": callee_class(callee),
            }
            for pc, callee in calls.items()
        ]
        return capture_id

    def names(self, capture_id: str, calls: list[tuple[int, str, int, str]]) -> None:
        """Let a capture name addresses: (return address, function, its line, callee or "")."""
        self.tables["named_addresses"] += [
            {
                "capture_id": capture_id,
                "pc": pc,
                "function": function,
                "callee": callee,
                "callee_class": callee_class(callee) if callee else None,
                "file": "app.go",
                "line": line,
            }
            for pc, function, line, callee in calls
        ]

    def _commit_in_order(self) -> None:
        """Give builds of which the test says nothing a time of commit, by their first capture."""
        described = {row["build_id"]: row for row in self.tables["build_manifests"]}
        builds = dict.fromkeys(row["build_id"] for row in self.tables["captures"])
        for day, build in enumerate(builds):
            if build not in described:
                described[build] = {"build_id": build}
                self.tables["build_manifests"].append(described[build])
            described[build].setdefault(
                "committed_at", datetime(2026, 1, 1, tzinfo=UTC) + timedelta(days=day)
            )

    def arrow(self) -> dict[str, pa.Table]:
        """Every table as Arrow."""
        self._commit_in_order()
        schemas = {
            name: pa.schema([c.arrow_field() for c in table.columns]) for name, table in TABLES.items()
        }
        return {
            name: pa.Table.from_pylist(self.tables[name], schema=schema) for name, schema in schemas.items()
        } | declared()

    def models(self) -> duckdb.DuckDBPyConnection:
        """The models over the tables, each built when a query names it; the checks hold."""
        return built_over(self.arrow())

    def all_models(self) -> duckdb.DuckDBPyConnection:
        """The same, all of them built."""
        return built_over(self.arrow(), is_whole=True)


class Models:
    """A connection to models that are built, with what they are made from, when a query first names them.

    Checks hold as soon as all that they look at is built. To build all takes seconds, in each of hundreds of
    tests, and most ask for one.
    """

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self.connection = connection
        self.todo = {model.name: model for model in read_models()}
        self.checks = {name: model for name, model in self.todo.items() if model.scope == "check"}

    def __enter__(self) -> Models:
        return self

    def __exit__(self, *_: object) -> None:
        self.connection.close()

    def __getattr__(self, name: str) -> Any:
        return getattr(self.connection, name)

    def execute(self, query: str, *parameters: Any) -> duckdb.DuckDBPyConnection:
        """The query's answer."""
        self.make(_WORD.findall(query))
        return self.connection.execute(query, *parameters)

    def sql(self, query: str, **options: Any) -> duckdb.DuckDBPyRelation:
        """The query's relation."""
        self.make(_WORD.findall(query))
        return self.connection.sql(query, **options)

    def make(self, words: Iterable[str]) -> None:
        """Build those of which a word is the name."""
        named = self.todo.keys() & set(words) - self.checks.keys()
        for model in needed_for(read_models(), named) if named else ():
            if self.todo.pop(model.name, None):
                build(self.connection, model.name)
        for name, check in list(self.checks.items()) if named else ():
            if not check.reads & self.todo.keys():
                build(self.connection, name)
                del self.checks[name]


def built_over(tables: dict[str, pa.Table], *, is_whole: bool = False) -> duckdb.DuckDBPyConnection:
    """The models over tables, as Given.models() has them, or all_models()."""
    connection = duckdb.connect()
    connection.execute("set timezone = 'UTC'")
    register(connection)
    for name, table in tables.items():
        connection.register("_rows", table)
        connection.execute(f"create table {name} as from _rows")
        connection.unregister("_rows")
    models = Models(connection)
    if is_whole:
        models.make(models.todo)
    return cast("duckdb.DuckDBPyConnection", models)


def build(connection: duckdb.DuckDBPyConnection, *names: str) -> None:
    """Build the named models, or all; the checks hold."""
    for model in read_models():
        if names and model.name not in names:
            continue
        if model.scope == "check":
            assert connection.execute(model.sql).fetchall() == [], model.name
        else:
            what = "view" if model.scope == "view" else "table"
            with levels_at_hand(connection, model.sql):
                connection.execute(f"create or replace {what} {model.name} as {model.sql}")


def rows(connection: duckdb.DuckDBPyConnection, query: str) -> list[tuple[Any, ...]]:
    """The query's rows."""
    return connection.execute(query).fetchall()
