"""The views of `go tool trace -pprof=…`, ours by SQL and Go's by its tool, as {stack_id: (count, ns)}."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import duckdb

from examples.toolchain import environment, tool
from tracemill.parsers import parse
from tracemill.parsers.api import Batch

if TYPE_CHECKING:
    from pathlib import Path

    import pyarrow as pa

VIEWS = {
    "net": "state = 'waiting' and reason = 'network'",
    "sync": "state = 'waiting' and regexp_matches(reason, 'chan|sync|select')",
    "syscall": "state = 'syscall'",
    "sched": "state = 'runnable'",
}
# Go counts what lies between a goroutine's first run and its end. A frame without a
# name is what the runtime writes where it has no stack; in Go's profile it is none.
SQL = """
    with first_runs as (
        select goroutine_id, min(start_ns) as first_run_ns
        from intervals where state = 'running' group by all
    )
    select
        case when functions = [''] then 0 else coalesce(stack_id, 0) end as stack,
        count(*) as n,
        sum(duration_ns)::bigint as ns
    from intervals join first_runs using (goroutine_id) left join stacks using (stack_id)
    where is_complete and start_ns > first_run_ns and {condition}
    group by all
"""


def ours(tables: dict[str, pa.Table], view: str) -> dict[int, tuple[int, int]]:
    intervals, stacks = tables["goroutine_intervals"], tables["stacks"]  # noqa: F841 - DuckDB finds them
    rows = duckdb.sql(SQL.format(condition=VIEWS[view])).fetchall()
    return {stack: (n, ns) for stack, n, ns in rows}


def gos(trace: Path, view: str, scratch: Path) -> dict[int, tuple[int, int]]:
    out = scratch / f"{trace.name}.{view}"
    with out.open("wb") as file:
        command = [tool("1.27", "trace"), f"-pprof={view}", str(trace)]
        subprocess.run(command, env=environment(), stdout=file, check=True)
    found: dict[int, tuple[int, int]] = {}
    rows: dict[str, list[dict]] = {"profile_samples": [], "stacks": []}
    for item in parse(out):
        if isinstance(item, Batch) and item.table in rows:
            rows[item.table] += item.rows.to_pylist()
    nameless = {row["stack_id"] for row in rows["stacks"] if row["functions"] in ([""], ["<unknown>"])}
    for row in rows["profile_samples"]:
        key = 0 if row["stack_id"] is None or row["stack_id"] in nameless else row["stack_id"]
        n, ns = found.get(key, (0, 0))
        if row["unit"] == "count":
            found[key] = (n + int(row["value"]), ns)
        else:
            found[key] = (n, ns + int(row["value"]))
    return found
