"""Goroutine intervals, one row for each stay in a state, from the cycles that are stored.

A cycle has a wait or a system call, then ready to run, then running, in one row: less than half the rows
and the time to write them. ``goroutine_intervals`` is a view that unfolds them. Earlier versions stored each
interval, which is a cycle of one part: warehouses may hold files of both.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tracemill.warehouse import queries
from tracemill.warehouse.schema import TABLES

if TYPE_CHECKING:
    import pyarrow as pa

CYCLES = "goroutine_cycles"
INTERVALS = "goroutine_intervals"

_PARTS = ("waiting", "syscall", "runnable", "running")


def view(name: str) -> str:
    """The query of a table that is a view of another."""
    return queries.text(f"tables/{name}")


def cycles_of_intervals(intervals: str) -> str:
    """A SELECT of cycles over one of intervals, as an earlier version stored them."""
    made = {f"{part}_ns": f"case when state = '{part}' then duration_ns end as {part}_ns" for part in _PARTS}
    made["end_ns"] = "start_ns + duration_ns as end_ns"
    names = ", ".join(made.get(name, name) for name in TABLES[CYCLES].column_names)
    return f"select {names} {intervals}"


def unfolded(cycles: pa.Table) -> pa.Table:
    """The intervals of one capture's cycles, in memory."""
    import duckdb

    schema = TABLES[INTERVALS].arrow_schema()
    names = ", ".join(schema.names)
    with duckdb.connect() as connection:
        connection.register("_cycles", cycles)
        connection.execute(f"create view {CYCLES} as select null::varchar as capture_id, * from _cycles")
        return connection.sql(f"select {names} from ({view(INTERVALS)})").to_arrow_table().cast(schema)


def with_intervals(tables: dict[str, pa.Table]) -> dict[str, pa.Table]:
    """A capture's tables by name, and of a trace its intervals among them."""
    found: dict[str, pa.Table] = {}
    for name, table in tables.items():
        found[name] = table
        if name == CYCLES:
            found[INTERVALS] = unfolded(table)
    return found
