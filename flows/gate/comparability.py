"""Comparing builds that do not compare: only when asked to, condition by condition.

The history is judged anew, in memory (warehouse/whatif.py), as if the builds did not
differ in what was named; the published verdicts stay.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from tracemill.flows.show.verdicts import require
from tracemill.warehouse import connect
from tracemill.warehouse.whatif import PUBLISHED, WhatIf

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


def without(across: tuple[str, ...]) -> dict[str, str]:
    """What WhatIf.change() takes: the tables of conditions without those named."""
    if not across:
        return {}
    listed = ", ".join(f"'{CONDITIONS[name]}'" for name in across)
    return {
        table: f"select * from {PUBLISHED}.{table} where condition not in ({listed})"  # noqa: S608 - our words
        for table in ("int_condition_values", "int_build_loads")
    }


@contextlib.contextmanager
def compared_across(warehouse: Path, across: tuple[str, ...]) -> Iterator[duckdb.DuckDBPyConnection]:
    """The marts as they are, or as they would be across what is named. Raises WarehouseError."""
    if not across:
        with connect(warehouse) as connection:
            yield connection
    else:
        with WhatIf(warehouse) as whatif:
            yield whatif.change(without(across), {})
