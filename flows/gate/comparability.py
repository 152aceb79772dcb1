"""Comparing builds that do not compare: only when asked to, condition by condition.

The history is judged anew, in memory (warehouse/whatif.py), as if the builds did not
differ in what was named; the published verdicts stay.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from tracemill.flows.names import require
from tracemill.warehouse import connect
from tracemill.warehouse.queries import text
from tracemill.warehouse.whatif import WhatIf

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import duckdb

ALL = "all"
# As it is asked for → as sql/intermediate/history/int_condition_values and int_build_loads call it.
CONDITIONS = {
    "go_version": "Go version",
    "gomaxprocs": "GOMAXPROCS",
    "sampling_period": "sampling period",
    "architecture": "architecture",
    "processes": "processes",
    "load": "load",
    "work": "amount of work",
    "duration": "duration",
}


def conditions(asked: str | None) -> tuple[str, ...]:
    """The names in a list with commas; ``all`` stands for every one. Raises NoSuchNameError."""
    names = tuple(name.strip() for name in (asked or "").split(",") if name.strip())
    for name in names:
        require(name, "condition", [*CONDITIONS, ALL])
    return tuple(CONDITIONS) if ALL in names else tuple(dict.fromkeys(names))


def without(ignored: tuple[str, ...]) -> tuple[dict[str, str], dict[str, object]]:
    """What WhatIf.change() takes, tables and values: the conditions less those that are ignored."""
    if not ignored:
        return {}, {}
    tables = {name: text(f"whatif/{name}") for name in ("int_condition_values", "int_build_loads")}
    return tables, {"ignored": [CONDITIONS[name] for name in ignored]}


@contextlib.contextmanager
def marts_ignoring(warehouse: Path, ignored: tuple[str, ...]) -> Iterator[duckdb.DuckDBPyConnection]:
    """The marts as they are, or as they would be without these conditions. Raises WarehouseError."""
    if not ignored:
        with connect(warehouse) as connection:
            yield connection
    else:
        with WhatIf(warehouse) as whatif:
            yield whatif.change(*without(ignored))
