"""What costs most in a build: one table for each kind of cost, per unit of work where the runs count it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from tracemill.flows.show.tables import plain
from tracemill.flows.show.terminal import visible
from tracemill.flows.show.units import amount, factor, per_one, singular
from tracemill.warehouse import queries
from tracemill.warehouse.queries import ask
from tracemill.warehouse.schema.metrics import SOURCES

if TYPE_CHECKING:
    from collections.abc import Sequence

    import duckdb


# Where nobody says how many rows; of what is neither better nor worse a few suffice.
DEFAULT_ROWS = 10
MAX_IDLE_ROWS = 5
# A function needs so much more room than other words, and no word is cut to less.
LEAST_NAME, LEAST_WORD = 14, 10

Row = dict[str, Any]


class Column(NamedTuple):
    """A column of the screen: heading, the query's column, the unit of its figures; "" for words.

    is_per_unit: the heading says what the figure is per. whole: the column to show where nothing is known to
    divide by.
    """

    heading: str
    name: str
    unit: str = ""
    is_per_unit: bool = False
    whole: str = ""


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of cost. marts: what its query reads; cost: the column by which builds are compared.

    measures: what it is told by; of several the column `kind` says by which. idle: what rows of place 2 are
    called. calm: what is said where there are these alone. mart: where the rows can be asked for in SQL, if
    not the first of marts. instead: where else to look when there are none.
    """

    text: str
    marts: tuple[str, ...]
    columns: tuple[Column, ...]
    cost: Column
    measures: tuple[str, ...] = ("trace",)
    idle: str = ""
    calm: str = ""
    mart: str = ""
    instead: str = ""


_MEASURES = "int_build_measures"
_WAITED = Column("time", "block_ns_per_unit", "ns", True, "block_ns")
_WAITS = Column("waits", "block_count_per_unit", "count", True, "block_count")
_DELAYED = Column("delay", "delay_ns_per_unit", "ns", True, "delay_ns")
_DELAYS = Column("times", "contention_count_per_unit", "count", True, "contention_count")
_PROFILES = "`contention` has what mutex and block profiles show"
_P99 = Column("p99", "p99_ns", "ns")
_MAX = Column("longest", "max_ns", "ns")
_ALLOCATED = Column("allocated", "alloc_bytes_per_unit", "bytes", True, "alloc_bytes")
_IN_USE = Column("in use", "inuse_bytes", "bytes")
_CPU = Column("flat", "cpu_ns_per_unit", "ns", True, "cpu_ns")
_ASSISTED = Column("time", "assist_ns_per_unit", "ns", True, "assist_ns")
_RUNNABLE = Column("time ready", "runnable_ns_per_unit", "ns", True, "runnable_ns")
_COUNT = Column("goroutines", "goroutine_count", "count")

KINDS = {
    "waits": Kind(
        "where goroutines waited", ("int_function_waits", _MEASURES),
        (Column("function", "function"), Column("reason", "wait_reason"), _WAITED, _WAITS, _P99), _WAITED,
        idle="waiting for work, which is neither better nor worse", calm="no contention",
        mart="goroutine_blocks", instead=_PROFILES,
    ),
    "locks": Kind(
        "who waited for whom", ("lock_waits", _MEASURES),
        (Column("waits", "waiter"), Column("woken by", "holder"), _WAITED, _WAITS, _P99), _WAITED,
        instead=_PROFILES,
    ),
    "contention": Kind(
        "delays as mutex and block profiles have them", ("contention", _MEASURES),
        (Column("function", "function"), Column("profile", "kind"), _DELAYED, _DELAYS), _DELAYED,
        ("mutex", "block"),
        idle="waiting for work, or in the runtime alone, which is neither better nor worse",
        calm="no contention",
    ),
    "maps": Kind(
        "lines that assign or make maps", ("map_sites", _MEASURES),
        (Column("function", "site"), _ALLOCATED, _IN_USE, Column("known by", "evidence")), _ALLOCATED,
        ("heap_alloc",),
    ),
    "heap": Kind(
        "what functions allocated and still hold", ("heap_age", _MEASURES),
        (Column("function", "function"), _ALLOCATED, _IN_USE, Column("in use for", "age_units", "per")),
        _ALLOCATED, ("heap_alloc",),
    ),
    "cpu": Kind(
        "CPU time by function", ("cpu_functions", _MEASURES),
        (Column("function", "function"), _CPU, Column("share", "cpu_share", "share"),
         Column("with all below", "cpu_under_ns_per_unit", "ns", True, "cpu_under_ns")), _CPU, ("cpu",),
        idle="the runtime and the standard library alone", calm="none in the program's own code",
    ),
    "assists": Kind(
        "allocating, for the collector", ("gc_assists", _MEASURES),
        (Column("function", "function"), _ASSISTED, Column("assists", "assist_count", "count"), _MAX),
        _ASSISTED,
    ),
    "latency": Kind(
        "ready, and no processor free", ("scheduler_latency", _MEASURES),
        (Column("began with", "entry_function"), Column("made ready in", "function"), _RUNNABLE,
         Column("times", "runnable_count_per_unit", "count", True, "runnable_count"), _P99, _MAX), _RUNNABLE,
    ),
    "goroutines": Kind(
        "goroutines at the run's end", ("int_goroutine_counts", "goroutine_leaks", _MEASURES),
        (Column("function", "function"), Column("how", "fate"),
         Column("at first", "first_goroutine_count", "count"), _COUNT), _COUNT, ("goroutines",),
        idle="all of them", calm="none is known to be leaked, or only to become more",
        mart="goroutine_states",
    ),
    "tasks": Kind(
        "tasks and regions", ("goroutine_summary", _MEASURES),
        (Column("name", "name"), Column("kind", "span_kind"), Column("count", "span_count", "count"),
         Column("median", "p50_ns", "ns"), _P99, Column("running", "running_ns", "ns"),
         Column("ready", "runnable_ns", "ns"), Column("waiting", "waiting_ns", "ns")), _P99,
    ),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Top:
    """The rows of a kind, costliest first. per: what they are divided by; before: those of another build.

    apart: measure → why its figures do not compare with those of the other build. is_seen: whether the build
    has captures that would show any.
    """

    kind: str
    rows: list[Row]
    per: str | None
    runs: str
    before: list[Row] | None
    apart: dict[str, str]
    is_seen: bool


class _Measure(NamedTuple):
    measure: str
    run_count: int
    per: str | None
    divisor: float | None


def top(
    connection: duckdb.DuckDBPyConnection, kinds: Sequence[str], build: str, against: str | None = None
) -> list[Top]:
    """The kinds that either build has rows of; of kinds that were asked for by name also what is empty."""
    here = _measures(connection, build)
    there = _measures(connection, against) if against else {}
    found = []
    for name in kinds or KINDS:
        kind = KINDS[name]
        rows = _rows(connection, name, build, is_by_line=against is None)
        before = _rows(connection, name, against, is_by_line=False) if against else None
        if not (rows or before or kinds):
            continue
        apart: dict[str, str] = {}
        seen = {m for m in kind.measures if m in here or _of(kind, m, rows)}
        if before is not None:
            sides = _Side(str(against), before, there), _Side(build, rows, here)
            apart = {m: why for m in kind.measures if (why := _why_apart(kind, m, *sides))}
            if apart and all(m in apart for m in kind.measures if m in seen or _of(kind, m, before)):
                rows, before = _rows(connection, name, build, is_by_line=True), None
        per = next((row["per"] for row in [*rows, *(before or [])] if row.get("per")), None)
        runs = next((_runs(here[m]) for m in kind.measures if m in here), "")
        found.append(Top(name, rows, per, runs, before, apart, bool(seen)))
    return found


class _Side(NamedTuple):
    """One of two builds: its rows of a kind, and what its runs measured."""

    build: str
    rows: list[Row]
    measures: dict[str, _Measure]


def _measures(connection: duckdb.DuckDBPyConnection, build: str) -> dict[str, _Measure]:
    return {m.measure: m for m in ask(connection, "top/runs", _Measure, build_id=build)}


def _measure_of(kind: Kind, row: Row) -> str:
    return kind.measures[0] if len(kind.measures) == 1 else str(row["kind"])


def _of(kind: Kind, measure: str, rows: list[Row]) -> list[Row]:
    return [row for row in rows if _measure_of(kind, row) == measure]


def _why_apart(kind: Kind, measure: str, before: _Side, after: _Side) -> str:
    """Why figures of two builds do not compare: one has none, or they are per something else."""
    has = [bool(measure in side.measures or _of(kind, measure, side.rows)) for side in (before, after)]
    if has[0] != has[1]:
        return f"{(before if has[1] else after).build} has no capture that would show any"
    one, other = before.measures.get(measure), after.measures.get(measure)
    if not (kind.cost.whole and one and other) or _basis(one) == _basis(other):
        return ""
    return f"figures of {before.build} are {_basis(one)}, those of {after.build} {_basis(other)}"


def _basis(measure: _Measure) -> str:
    """What figures are per, in words; sums that nothing divides are of so many runs."""
    if not measure.divisor or not measure.per:
        return f"of all {measure.run_count} runs together"
    return "per second" if measure.per == "s" else f"per {singular(measure.per)}"


def _rows(connection: duckdb.DuckDBPyConnection, kind: str, build: str, *, is_by_line: bool) -> list[Row]:
    """The rows with the names to show; of two builds not by line, which moves from one to the other."""
    cursor = connection.execute(queries.text(f"top/{kind}"), {"build_id": build})
    names = [str(d[0]) for d in cursor.description or ()]
    rows = [dict(zip(names, values, strict=True)) for values in cursor.fetchall()]
    for row in rows:
        if kind == "locks":
            row["waiter"] = _placed(row["function"], row["line"] if is_by_line else None)
            row["holder"] = _placed(row["holder_function"], row["holder_line"] if is_by_line else None)
        elif kind == "maps":
            row["site"] = _placed(row["function"], row["line"] if is_by_line else None)
    return rows if is_by_line else _merged(rows, _key_of(KINDS[kind]))


def _merged(rows: list[Row], key: list[str]) -> list[Row]:
    """Rows of one key as one: sums of figures that add up, else the greatest."""
    found: dict[tuple[object, ...], Row] = {}
    for row in rows:
        first = found.setdefault(tuple(row[name] for name in key), row)
        if first is not row:
            for name, value in row.items():
                if isinstance(value, int | float) and name != "place":
                    is_greatest = name.startswith(("p50", "p99", "max", "line", "holder_line", "confidence"))
                    first[name] = max(first[name] or 0, value) if is_greatest else (first[name] or 0) + value
    return list(found.values())


def _key_of(kind: Kind) -> list[str]:
    """The words that tell a row of one build's from the others, and are the same in another build."""
    return [column.name for column in kind.columns if not column.unit and column.name != "evidence"]


def _placed(function: str | None, line: int | None) -> str:
    if not function:
        return "unknown"
    return function if line is None else f"{function}:{line}"


def _runs(measure: _Measure) -> str:
    runs = f"{measure.run_count} run{'s' * (measure.run_count != 1)}"
    if not measure.divisor or not measure.per:
        return runs
    return f"{measure.divisor:,.4g} s observed in {runs}" if measure.per == "s" else (
        f"{measure.divisor:,.0f} {measure.per} in {runs}"
    )  # fmt: skip


def as_json(found: list[Top], build: str, count: int | None, against: str | None = None) -> dict[str, object]:
    """The rows for machines, each kind's first ones."""
    most = count or DEFAULT_ROWS
    head: dict[str, object] = {"build_id": build}
    if against:
        head |= {"against": against, "not_compared": {each.kind: each.apart for each in found if each.apart}}
    return head | {
        each.kind: [{name: plain(value) for name, value in row.items()} for row in _ordered(each)[:most]]
        for each in found
    }


def as_text(
    found: list[Top], build: str, count: int | None, width: int | None, against: str | None = None
) -> str:
    """The rows for people, as wide as the terminal. count: of each table so many; None: as suffices."""
    return "\n".join(_section(each, build, count, width, against) for each in found)


def _section(each: Top, build: str, count: int | None, width: int | None, against: str | None) -> str:
    kind = KINDS[each.kind]
    lines = [f"{each.kind} of {build}{f' against {against}' if against else ''}: {kind.text}"]
    if each.runs:
        rests_on = f" ({each.runs})"
        is_long = width is not None and len(lines[0] + rests_on) > width
        lines[0] += f"\n{rests_on.strip()}" if is_long else rests_on
    ordered = _ordered(each)
    if not ordered:
        instead = f"; {kind.instead}" if kind.instead else ""
        none = "none" if each.is_seen else f"none: {build} has no capture that would show any"
        return "\n".join([*lines, f"{none}{instead}\n"])
    several = len(kind.measures) > 1
    lines += [f"not compared: {f'{m}: ' if several else ''}{why}" for m, why in each.apart.items()]
    fewer = MAX_IDLE_ROWS if count is None and _has(ordered, 1) else count or DEFAULT_ROWS
    for place, most in ((1, count or DEFAULT_ROWS), (2, fewer)):
        rows = [row for row in ordered if row["place"] == place]
        if not rows:
            continue
        if place == 2:
            lines += [] if _has(ordered, 1) else [kind.calm]
            lines.append(f"\n{kind.idle}:")
        lines.append(_table(kind, rows[:most], each, width).rstrip("\n"))
        if len(rows) > most:
            more = len(rows) - most
            lines.append(f"{more} more row{'s' * (more > 1)}; -n {len(rows)} shows all")
    if own := [row for row in each.rows if row["place"] == 3]:
        total = sum(_cost(row, kind.cost) or 0 for row in own)
        lines.append(f"\nthe runtime's own goroutines apart: {_figure(total, kind.cost, each.per)}")
    return "\n".join(lines) + "\n"


def _has(rows: list[Row], place: int) -> bool:
    return any(row["place"] == place for row in rows)


def _ordered(each: Top) -> list[Row]:
    """The rows with what the other build had, those furthest apart first; as they are without another."""
    if each.before is None:
        return each.rows
    kind = KINDS[each.kind]
    words = _key_of(kind)
    before = {
        tuple(row[w] for w in words): row for row in each.before if _measure_of(kind, row) not in each.apart
    }
    rows = []
    for row in each.rows:
        other = before.pop(tuple(row[w] for w in words), None)
        nothing = None if _measure_of(kind, row) in each.apart else 0
        rows.append(row | {"before": _cost(other, kind.cost) if other else nothing})
    for other in before.values():  # what is gone
        gone = {
            name: value if isinstance(value, str) or name == "place" else 0 for name, value in other.items()
        }
        rows.append(gone | {"before": _cost(other, kind.cost)})
    return sorted(
        rows,
        key=lambda row: (row["before"] is None, -abs((_cost(row, kind.cost) or 0) - (row["before"] or 0))),
    )


def _cost(row: Row, column: Column) -> float | None:
    value = row.get(column.name)
    return row.get(column.whole) if value is None and column.whole else value


def _table(kind: Kind, rows: list[Row], each: Top, width: int | None) -> str:
    """The rows as text, words to the left and figures to the right; a heading may take two lines."""
    columns = [
        c for c in kind.columns if not c.unit or c is kind.cost or any(_cost(r, c) is not None for r in rows)
    ]
    is_compared = each.before is not None
    if is_compared:  # beside what was before there is room for one figure
        columns = [c for c in columns if not c.unit or c is kind.cost]
    names = [[c.heading, per_one(each.per).strip() if c.is_per_unit else ""] for c in columns]
    cells = [[_cell(row, column, each.per) for column in columns] for row in rows]
    is_word = [not c.unit for c in columns]
    if is_compared:
        at = columns.index(kind.cost)
        names[at:at], is_word[at:at] = [["before", names[at][1]]], [False]
        names[at + 2 : at + 2], is_word[at + 2 : at + 2] = [["change", ""]], [False]
        for row, line in zip(rows, cells, strict=True):
            cost = _cost(row, kind.cost)
            before = row["before"]
            line[at:at] = ["" if before is None else _figure(before, kind.cost)]
            is_sample = SOURCES[_measure_of(kind, row)].is_sampled
            ratio = cost / before if cost and before else None
            line.insert(at + 2, "" if before is None else factor(ratio, before, is_sample=is_sample))
    if width is not None:
        _shorten(names, cells, is_word, width)
    return _in_columns(names, cells, is_word)


def _in_columns(names: list[list[str]], cells: list[list[str]], is_word: list[bool]) -> str:
    heads = [[name[i] for name in names] for i in (0, 1) if any(name[i] for name in names)]
    widths = [max(len(line[i]) for line in (*heads, *cells)) for i in range(len(names))]
    return "".join(
        "  ".join(
            text.ljust(w) if is_left else text.rjust(w)
            for text, w, is_left in zip(line, widths, is_word, strict=True)
        ).rstrip()
        + "\n"
        for line in (*heads, ["-" * w for w in widths], *cells)
    )


def _cell(row: Row, column: Column, per: str | None) -> str:
    if not column.unit:
        return visible(str(row[column.name] or ""))
    value = _cost(row, column)
    if value is None or (column.unit == "per" and per is None):
        return ""
    if column.unit == "per":
        return f"{value:,.3g} {per}" if value else ""
    return f"{100 * value:.3g} %" if column.unit == "share" else _figure(value, column)


def _figure(value: float | None, column: Column, per: str | None = None) -> str:
    if not value:
        return "0"
    is_count = column.unit == "count"
    text = f"{value:,.3g}" if is_count and value < 1000 else amount(value, "" if is_count else column.unit)
    return text + (per_one(per) if column.is_per_unit else "")


def _shorten(names: list[list[str]], cells: list[list[str]], is_word: list[bool], width: int) -> None:
    """Make words fit: functions lose what all begin with, then their left; others lose their right."""
    words = [i for i, is_left in enumerate(is_word) if is_left]
    functions = {i for i in words if any("." in line[i] for line in cells)}
    for i in functions:
        prefix = _common_path([line[i] for line in cells if line[i] and line[i] != "unknown"])
        for line in cells:
            line[i] = line[i].removeprefix(prefix)
    widths = [max(*(len(n) for n in names[i]), *(len(line[i]) for line in cells)) for i in range(len(names))]
    room = width - 2 * (len(names) - 1)
    while sum(widths) > room:
        widest = max(words, key=lambda i: widths[i] - (LEAST_NAME if i in functions else 0))
        if widths[widest] <= LEAST_WORD:
            return
        widths[widest] -= 1
    for line in cells:
        for i in words:
            if len(line[i]) > widths[i]:
                kept = widths[i] - 1
                line[i] = f"…{line[i][-kept:]}" if i in functions else f"{line[i][:kept]}…"


def _common_path(names: list[str]) -> str:
    """The folders that all packages have in common."""
    paths = [re.split(r"[(\[]", name)[0].split("/")[:-1] for name in names]
    common = []
    for parts in zip(*paths, strict=False):
        if len(set(parts)) > 1:
            break
        common.append(f"{parts[0]}/")
    return "".join(common)
