"""Reports of the race detector (go test -race, go build -race), any Go version.

Emits ``race_reports`` and ``stacks``. Source: compiler-rt, tsan_report.cpp (the part for Go):

    ==================
    WARNING: DATA RACE
    Read at 0x00c000012345 by goroutine 8:
      main.f()
          /src/main.go:11 +0x8e

    Previous write at 0x00c000012345 by main goroutine:
      …
    Goroutine 8 (running) created at:
      …
    ==================

Quirks: the detector reports a race once for each pair of program counters and goroutines; here reports of
the same accesses with the same stacks, in either order, are one race, and ``report_count`` says how many
there were. The main goroutine is 0. A stack that the detector could not restore is null.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tracemill.parsers.api import Batch, Facts, Issue

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tracemill.parsers.api import Item, Options
    from tracemill.parsers.stacks import StackTable
    from tracemill.parsers.unwrap.source import Source

NAME = "race"

LINE = re.compile(rb"^\s*WARNING: DATA RACE$|^ +[^\s()][^\n]*\(\)$", re.MULTILINE)
_BEGIN = "WARNING: DATA RACE"
_ACCESS = re.compile(
    r"\s*((?:Previous )?(?:atomic )?(?:read|write)|(?:Atomic )?(?:Read|Write)) at 0x[0-9a-f]+ by "
    r"(?:(main) goroutine|goroutine (\d{1,18})):\s*",
    re.IGNORECASE,
)
_CREATED = re.compile(r"\s*Goroutine (\d{1,18}) \(\w+\) created at:\s*")
_FUNCTION = re.compile(r"\s+(\S.*?)\(\)\s*")
_PLACE = re.compile(r"\s+(\S.*):(\d{1,18})(?: \+0x[0-9a-f]+)?\s*")
_RULE = re.compile(r"\s*={10,}\s*")


@dataclass(slots=True)
class _Stack:
    functions: list[str] = field(default_factory=list)
    files: list[str] = field(default_factory=list)
    lines: list[int] = field(default_factory=list)


@dataclass(slots=True)
class _Access:
    words: str
    goroutine: int
    stack: _Stack = field(default_factory=_Stack)


@dataclass(slots=True)
class _Report:
    line: int
    accesses: list[_Access] = field(default_factory=list)
    created: dict[int, _Stack] = field(default_factory=dict)
    is_whole: bool = False


def sniff(head: bytes) -> bool:
    """Whether a report begins in head."""
    return b"WARNING: DATA RACE" in head


def parse(source: Source, _options: Options) -> Iterator[Item]:
    """The distinct races; an issue for each report that is cut."""
    import pyarrow as pa

    from tracemill.parsers.stacks import StackTable
    from tracemill.warehouse.schema import TABLES

    stacks = StackTable()
    rows: dict[tuple[object, ...], dict[str, object]] = {}
    issues: list[Issue] = []
    for report in _reports(source.text()):
        if len(report.accesses) != 2 or not report.is_whole:
            fact = f"a race with {len(report.accesses)} accesses, cut before its end: was it copied whole?"
            issues.append(Issue("data_loss", "input", f"line {report.line}", fact))
        if len(report.accesses) != 2:
            continue
        row = _row(report, stacks)
        sides = ((row["access"], row["stack_id"]), (row["previous_access"], row["previous_stack_id"]))
        known = rows.get(sides) or rows.get(sides[::-1])
        if known is None:
            rows[sides] = {"race_index": len(rows), "report_count": 1} | row
        else:
            known["report_count"] = int(str(known["report_count"])) + 1
    yield Facts(kind="race", is_salvaged=bool(issues))
    yield from issues
    schema = TABLES["race_reports"].arrow_schema()
    yield Batch("race_reports", pa.RecordBatch.from_pylist(list(rows.values()), schema))
    yield stacks.stacks()


def _reports(text: str) -> Iterator[_Report]:
    report: _Report | None = None
    stack: _Stack | None = None
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip() == _BEGIN:
            if report is not None:
                yield report
            report, stack = _Report(number), None
        elif report is None:
            continue
        elif _RULE.fullmatch(line):
            report.is_whole = True
            yield report
            report = None
        elif access := _ACCESS.fullmatch(line):
            report.accesses.append(_Access(access[1].lower(), int(access[3] or 0)))
            stack = report.accesses[-1].stack
        elif created := _CREATED.fullmatch(line):
            stack = report.created.setdefault(int(created[1]), _Stack())
        elif stack is not None and (function := _FUNCTION.fullmatch(line)):
            stack.functions.append(function[1])
            stack.files.append("")
            stack.lines.append(0)
        elif stack is not None and stack.functions and (place := _PLACE.fullmatch(line)):
            stack.files[-1], stack.lines[-1] = place[1], int(place[2])
    if report is not None:
        yield report


def _row(report: _Report, stacks: StackTable) -> dict[str, object]:
    from tracemill.warehouse.schema.hashes import combine, hash_name

    row: dict[str, object] = {}
    sides = []
    for prefix, access in zip(("", "previous_"), report.accesses, strict=True):
        words = access.words.removeprefix("previous ")
        created = report.created.get(access.goroutine, _Stack())
        function, file, line = _shown(access.stack)
        row |= {
            f"{prefix}access": words,
            f"{prefix}goroutine_id": access.goroutine,
            f"{prefix}stack_id": _id(access.stack, stacks),
            f"{prefix}creation_stack_id": _id(created, stacks),
            f"{prefix}function": function,
            f"{prefix}file": file,
            f"{prefix}line": line,
        }
        sides.append(combine([hash_name(words), *map(hash_name, access.stack.functions)]) % 2**64)
    return row | {"race_key": combine(sorted(sides))}


def _id(stack: _Stack, stacks: StackTable) -> int | None:
    return stacks.add(stack.functions, stack.files, stack.lines)


def _shown(stack: _Stack) -> tuple[str | None, str | None, int | None]:
    """The innermost frame outside the standard library, or the innermost one."""
    frames = list(zip(stack.functions, stack.files, stack.lines, strict=True))
    outside = [frame for frame in frames if not _is_standard(frame[0])]
    return next(iter(outside or frames), (None, None, None))


def _is_standard(function: str) -> bool:
    """Whether the package's first element has no dot, as the standard library's, and is not main."""
    package = function.rpartition("/")[0] or function
    first = package.split("/")[0] if "/" in function else function.split(".")[0]
    return "." not in first and first != "main"
