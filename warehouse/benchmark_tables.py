"""The benchmarks of two builds, each line a measurement, by what they were measured under and by unit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from tracemill.detection.mann_whitney import ALPHA, CONFIDENCE, Summary, mann_whitney, summary
from tracemill.warehouse.queries import ask

if TYPE_CHECKING:
    import duckdb

__all__ = ["ALPHA", "CONFIDENCE", "Benchmark", "Table", "benchmark_tables"]


class _Value(NamedTuple):
    build_id: str
    package: str
    labels: dict[str, str] | None
    name: str
    unit: str
    assume: str | None
    value: float


class Benchmark(NamedTuple):
    """A benchmark of one unit. before, after: None where a side has none; sizes: how many values each has.

    p: of Mann and Whitney's test; None where all values are equal or a side has none.
    """

    name: str
    before: Summary | None
    after: Summary | None
    sizes: tuple[int, int]
    p: float | None


@dataclass(frozen=True, slots=True)
class Table:
    """Benchmarks of one unit under the same settings. is_exact: values are not to vary (`assume=exact`)."""

    settings: tuple[tuple[str, str], ...]
    unit: str
    is_exact: bool
    benchmarks: list[Benchmark]


def benchmark_tables(connection: duckdb.DuckDBPyConnection, before: str, after: str) -> list[Table]:
    """Of both builds, settings as they come, units as `go test` writes them."""
    values: dict[tuple[tuple[str, str], ...], dict[str, list[_Value]]] = {}
    for one in ask(connection, "compare/benchmarks", _Value, before=before, after=after):
        values.setdefault(_settings(one), {}).setdefault(one.unit, []).append(one)
    return [
        _table(settings, unit, units[unit], after)
        for settings, units in values.items()
        for unit in sorted(units, key=_place)
    ]


def _settings(value: _Value) -> tuple[tuple[str, str], ...]:
    """What the line was measured under, in the order in which `go test` says it."""
    labels = dict(value.labels or {}) | ({"pkg": value.package} if value.package else {})
    first = [key for key in ("goos", "goarch", "pkg", "cpu") if key in labels]
    return tuple((key, labels[key]) for key in [*first, *(k for k in labels if k not in first)])


def _place(unit: str) -> int:
    """Where `go test` writes the unit in a line: what a benchmark reports itself stands in the middle."""
    return {"sec/op": 0, "B/s": 1, "B/op": 3, "allocs/op": 4}.get(unit, 2)


def _table(settings: tuple[tuple[str, str], ...], unit: str, values: list[_Value], after: str) -> Table:
    is_exact = any(one.assume == "exact" for one in values)
    sides: dict[str, tuple[list[float], list[float]]] = {}
    for one in values:
        sides.setdefault(one.name, ([], []))[one.build_id == after].append(one.value)
    benchmarks = []
    for name, (first, second) in sides.items():
        found = [_summary(np.array(side), is_exact=is_exact) if side else None for side in (first, second)]
        p = mann_whitney(np.array(first), np.array(second)) if first and second else None
        benchmarks.append(Benchmark(name, found[0], found[1], (len(first), len(second)), p))
    return Table(settings, unit, is_exact, benchmarks)


def _summary(values: np.ndarray, *, is_exact: bool) -> Summary:
    if is_exact:
        return Summary(float(np.median(values)), float(values.min()), float(values.max()))
    return summary(values)
