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

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import duckdb

ALL = "all"
# As it is asked for → as int_condition_values and int_build_loads of sql/intermediate/history call it.
# Upper and lower case count the same: labels have the keys that build.json gives them.
CONDITIONS = {
    "go_version": ("Go version", "trace format"),
    "godebug": ("DefaultGODEBUG", "GODEBUG"),
    "goexperiment": ("GOEXPERIMENT",),
    "gomaxprocs": ("GOMAXPROCS",),
    "gogc": ("GOGC", "GOMEMLIMIT"),
    "build_flags": ("-race", "-gcflags", "-tags"),
    "architecture": ("architecture", "GOAMD64", "GOARM64", "goos", "goarch"),
    "machine": ("cpu", "cpu_limit", "memory_limit", "machine", "runner", "environment"),
    "sampling_period": ("sampling period",),
    "recorder": ("traces recorded",),
    "processes": ("processes", "runs of one process"),
    "load": ("load",),
    "work": ("amount of work",),
    "duration": ("duration",),
    "processors": ("time on processors",),
}


def conditions(asked: str | None) -> tuple[str, ...]:
    """The names in a list with commas; ``all`` alone if it is one of them. Raises NoSuchNameError."""
    names = tuple(name.strip() for name in (asked or "").split(",") if name.strip())
    for name in names:
        require(name, "condition", [*CONDITIONS, ALL])
    return (ALL,) if ALL in names else tuple(dict.fromkeys(names))


def in_words(names: tuple[str, ...]) -> str:
    """The conditions that were asked for, as verdicts call them."""
    return ", ".join(" and ".join(CONDITIONS.get(name, ("all conditions",))) for name in names)


def without(ignored: tuple[str, ...]) -> tuple[dict[str, str], dict[str, object]]:
    """What WhatIf.change() takes, tables and values: the conditions less those that are ignored."""
    if not ignored:
        return {}, {}
    tables = {name: text(f"whatif/{name}") for name in ("int_condition_values", "int_build_loads")}
    return tables, {"ignored": [said.lower() for name in ignored for said in CONDITIONS.get(name, (ALL,))]}


@contextlib.contextmanager
def marts_ignoring(warehouse: Path, ignored: tuple[str, ...]) -> Iterator[duckdb.DuckDBPyConnection]:
    """The marts as they are, or as they would be without these conditions. Raises WarehouseError."""
    if not ignored:
        with connect(warehouse) as connection:
            yield connection
    else:
        from tracemill.warehouse.whatif import WhatIf  # its imports cost what --version and --help take

        with WhatIf(warehouse) as whatif:
            yield whatif.change(*without(ignored))
