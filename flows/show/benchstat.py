"""Two builds' benchmarks as the table that users of benchstat know, by its rules (golang.org/x/perf)."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from math import exp, log
from typing import TYPE_CHECKING, NamedTuple

from tracemill.flows.show.terminal import visible
from tracemill.warehouse.benchmark_tables import ALPHA, CONFIDENCE, Benchmark, Table, benchmark_tables

if TYPE_CHECKING:
    import duckdb

_DECIMAL = [
    (10.0 ** (12 - 3 * k), prefix) for k, prefix in enumerate(("T", "G", "M", "k", "", "m", "µ", "n"))
]
_BINARY = [(2.0 ** (40 - 10 * k), prefix) for k, prefix in enumerate(("Ti", "Gi", "Mi", "Ki", ""))]
# One is shown with three digits behind the point, ten with two, a hundred with one.
_THRESHOLDS = ((99.995, 1), (9.9995, 2), (0.99995, 3))
_MOST_DIGITS = 10
_SUPERSCRIPTS = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")
# With fewer values a side no difference can be significant, nor has a median bounds.
_LEAST_FOR_P, _LEAST_FOR_BOUNDS = 4, 6


@dataclass(slots=True)
class _Notes:
    """What is said below a table, each thing once."""

    texts: list[str] = field(default_factory=list)

    def mark(self, text: str | None) -> str:
        """The number by which a cell refers to the text."""
        if text is None:
            return ""
        if text not in self.texts:
            self.texts.append(text)
        return str(self.texts.index(text) + 1).translate(_SUPERSCRIPTS)


class _Cells(NamedTuple):
    """A row: of each side the middle, its bounds and a mark; then the change, what it rests on, a mark."""

    name: str
    before: tuple[str, str, str]
    after: tuple[str, str, str]
    change: tuple[str, str, str]


def as_benchstat(
    connection: duckdb.DuckDBPyConnection, before: str, after: str, names: tuple[str, str]
) -> str:
    """The tables of all benchmarks of builds before and after, which are called by names."""
    parts: list[str] = []
    shown: dict[str, str] = {}
    for table in benchmark_tables(connection, before, after):
        new = [f"{key}: {value}" for key, value in table.settings if shown.get(key) != value]
        shown |= dict(table.settings)
        parts.append("\n".join([*new, *_lines(table, names)]))
    text = "\n\n".join(parts) + "\n" if parts else ""
    return "\n".join(map(visible, text.split("\n")))


def _lines(table: Table, names: tuple[str, str]) -> list[str]:
    notes = _Notes()
    rows = [_row(benchmark, table, notes) for benchmark in table.benchmarks]
    if len(rows) > 1:
        rows.append(_geomean(table, notes))
    label = max(len(row.name) for row in rows)
    before, after = _sides([row.before for row in rows]), _sides([row.after for row in rows])
    changes = _changes([row.change for row in rows])
    is_compared = any(text.strip() for text in changes)
    first = max(_width(before), len(names[0]), len(table.unit))
    second = max(_width(after), len(table.unit))
    change = 2 + max(_width(changes), len("vs base")) if is_compared else 0
    whole = max(second + change, len(names[1]))
    unit = _centred(table.unit, second) + ("  vs base" if is_compared else "")
    lines = [
        f"{'':{label}} │ {_centred(names[0], first)} │ {_centred(names[1], whole)} │",
        f"{'':{label}} │ {_centred(table.unit, first)} │ {unit:{whole}} │",
    ]
    for row, *sides, text in zip(rows, before, after, changes, strict=True):
        line = f"{row.name:{label}}   {sides[0]:{first}}   {sides[1]:{second}}  {text}"
        lines.append(line.rstrip())
    marked = [f"{str(n).translate(_SUPERSCRIPTS)} {text}" for n, text in enumerate(notes.texts, 1)]
    return [*lines, *marked]


def _row(benchmark: Benchmark, table: Table, notes: _Notes) -> _Cells:
    found = (benchmark.before, benchmark.after)
    digits, factor, prefix = scale([one.center for one in found if one], table.unit)
    cells = []
    for one in found:
        if one is None:
            cells.append(("", "", ""))
            continue
        why = None
        if table.is_exact and one.low != one.high:
            why = f"exact distribution expected, but values range from {one.low:g} to {one.high:g}"
        elif one.spread == "∞":
            why = f"need >= {_LEAST_FOR_BOUNDS} samples for confidence interval at level {CONFIDENCE}"
        cells.append((f"{one.center / factor:.{digits}f}{prefix}", one.spread, notes.mark(why)))
    return _Cells(benchmark.name, cells[0], cells[1], _change(benchmark, notes, is_exact=table.is_exact))


def _change(benchmark: Benchmark, notes: _Notes, *, is_exact: bool) -> tuple[str, str, str]:
    before, after, sizes = benchmark.before, benchmark.after, benchmark.sizes
    if before is None or after is None:
        return "", "", ""
    n = f"n={sizes[0]}" if sizes[0] == sizes[1] else f"n={sizes[0]}+{sizes[1]}"
    if is_exact:
        return delta(before.center, after.center), f"({n})", ""
    why = None
    p = benchmark.p
    if p is None:
        p, why = 1.0, "all samples are equal"
    elif p > ALPHA and max(sizes) < _LEAST_FOR_P:
        why = f"need >= {_LEAST_FOR_P} samples to detect a difference at alpha level {ALPHA}"
    shown = "~" if p > ALPHA else delta(before.center, after.center)
    return shown, f"(p={p:.3f} {n})", notes.mark(why)


def delta(before: float, after: float) -> str:
    """The change in per cent; ``?`` from nothing."""
    if before == after:
        return "0.00%"
    return "?" if before == 0 else f"{(after / before - 1) * 100:+.2f}%"


def _geomean(table: Table, notes: _Notes) -> _Cells:
    """The row of geometric means, of the medians there are; the change is that of the benchmarks of both."""
    centres = [[one.center if one else None for one in (b.before, b.after)] for b in table.benchmarks]
    texts, marks = ["", ""], ["", ""]
    for side in (0, 1):
        there = [c[side] for c in centres if c[side] is not None]
        mean = _mean(there)
        if mean is not None:
            digits, factor, prefix = scale([mean], table.unit)
            texts[side] = f"{mean / factor:.{digits}f}{prefix}"
        elif there:
            marks[side] = notes.mark("summaries must be >0 to compute geomean")
    before, after = (texts[0], "", marks[0]), (texts[1], "", "")
    common = [(a, b) for a, b in centres if a is not None and b is not None]
    if not common:
        return _Cells("geomean", before, after, ("", "", marks[1]))
    ratios = [1.0 if a == b else b / a if a else None for a, b in common]
    ratio = _mean(ratios)
    if len(common) < len(centres):
        why = "benchmark set differs from baseline; geomeans may not be comparable"
        marks[1] = " ".join(filter(None, [marks[1], notes.mark(why)]))
    text = "?" if ratio is None else f"{(ratio - 1) * 100:+.2f}%"
    return _Cells("geomean", before, after, (text, "", marks[1]))


def _mean(values: list[float | None]) -> float | None:
    """The geometric mean; None where there is none."""
    if not values or any(v is None or v <= 0 for v in values):
        return None
    return exp(sum(log(v) for v in values if v) / len(values))


def scale(values: list[float], unit: str) -> tuple[int, float, str]:
    """For values shown side by side: digits behind the point, what one of the prefix is, and the prefix."""
    least = min((abs(v) for v in values if v), default=0.0)
    if not least:
        return 3, 1.0, ""
    numerator = unit.split("/")[0]
    is_binary = not {"B", "MB", "bytes"}.isdisjoint(re.split(r"[-*]", numerator))
    factors = _BINARY if is_binary else _DECIMAL
    for factor, prefix in factors:
        for threshold, digits in _THRESHOLDS:
            if least >= threshold * factor:
                return digits, factor, prefix
    factor, prefix = factors[-1]
    digits = 3
    while least / factor < 9.9995 * 10.0 ** (2 - digits) and digits < _MOST_DIGITS:
        digits += 1
    return digits, factor, prefix


def _sides(cells: list[tuple[str, str, str]]) -> list[str]:
    """A side's cells as lines of one width: medians and their bounds to the right, marks behind."""
    middle, spread, mark = (max(len(cell[k]) for cell in cells) for k in range(3))
    out = []
    for cell in cells:
        bounds = (" ± " if cell[1] else "   ") + cell[1].rjust(spread) if spread else ""
        out.append(cell[0].rjust(middle) + bounds + (" " + cell[2].ljust(mark) if mark else ""))
    return out


def _changes(cells: list[tuple[str, str, str]]) -> list[str]:
    """The changes as lines of one width: per cent to the right, what they rest on to the left."""
    change, why, mark = (max(len(cell[k]) for cell in cells) for k in range(3))
    return [
        f"{cell[0]:>{change}} {cell[1]:{why}}" + (" " + cell[2].ljust(mark) if mark else "") for cell in cells
    ]


def _width(texts: list[str]) -> int:
    return max(len(text) for text in texts)


def _centred(text: str, width: int) -> str:
    left = (width - len(text)) // 2
    return (" " * left + text).ljust(width)
