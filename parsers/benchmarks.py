"""Output of go test -bench, any Go version. Specification: golang.org/x/perf/benchfmt and benchunit.

Emits ``benchmarks``: one row for each value of a result line; -count gives several lines of
one name. Names come without "Benchmark" and without the -N of GOMAXPROCS, which is ``procs``.
Values are tidied as benchunit does (ns → sec, MB → B, in the numerator only) and the
originals kept. Configuration lines (``goos: linux``) hold until they change: ``pkg`` becomes
``package``, the others ``labels``.

Quirks: a benchmark that prints leaves its name alone on its line; other text may stand
between the lines and is ignored. A result line that can't be read is an issue. When
GOMAXPROCS is 1 there is no -N, so a sub-benchmark called ``x-8`` can't be told from ``x``
on 8 processors.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from parsers.api import Batch, Facts, Issue

if TYPE_CHECKING:
    from collections.abc import Iterator

    from parsers.api import Item, Options
    from parsers.source import Source

NAME = "benchmarks"

_RESULT = re.compile(rb"^Benchmark\S*[ \t]+\d+[ \t]+[-+.\w]+[ \t]+\S", re.MULTILINE)
_PROCS = re.compile(r"-(\d{1,9})$")
# The parts of a unit: "p99-ns/op" is p99, ns, op.
_UNIT_PART = re.compile(r"[^-*/\s]+|[-*/]")
_TIDY = {"ns": ("sec", 1e-9), "MB": ("B", 1e6)}


def sniff(head: bytes) -> bool:
    """Whether a result line stands in head."""
    return _RESULT.search(head) is not None


def tidy(value: float, unit: str) -> tuple[float, str]:
    """The value in base units. Source: benchunit.Tidy; a denominator stays as it is."""
    factor = 1.0
    parts = []
    in_denominator = False
    for part in _UNIT_PART.findall(unit):
        if part in "*/":
            in_denominator = part == "/"
        base = part
        if not in_denominator and part in _TIDY:
            base, scale = _TIDY[part]
            factor *= scale
        parts.append(base)
    return value * factor, "".join(parts)


def parse(source: Source, _options: Options) -> Iterator[Item]:
    """The results, an issue for each result line that can't be read."""
    import pyarrow as pa

    from warehouse.schema import TABLES

    reader = _Reader()
    for number, line in enumerate(source.read().decode("utf-8", "replace").split("\n"), 1):
        reader.read(number, line.rstrip("\r"))
    yield Facts(kind="benchmarks", labels={k: v for k, v in reader.config.items() if k != "pkg"})
    yield from reader.issues
    yield Batch("benchmarks", pa.RecordBatch.from_pylist(reader.rows, TABLES["benchmarks"].arrow_schema()))


class _Reader:
    """Lines in, rows and issues out; the configuration so far in between."""

    def __init__(self) -> None:
        self.rows: list[dict[str, object]] = []
        self.issues: list[Issue] = []
        self.config: dict[str, str] = {}

    def read(self, number: int, line: str) -> None:
        if line.startswith("Benchmark"):
            fields = line.split()
            if len(fields) > 1:
                self._result(number, fields)
            return
        key, colon, value = line.partition(":")
        if colon and key[:1].islower() and not re.search(r"\s|[A-Z]", key) and (value[:1] in (" ", "\t", "")):
            self.config.pop(key, None)
            if value.strip():
                self.config[key] = value.strip()

    def _result(self, number: int, fields: list[str]) -> None:
        try:
            rows = _values(fields)
        except ValueError as error:
            # Prose may begin with the word, as in "BenchmarkX failed"; a count says it is a result.
            if fields[1].isdigit():
                self.issues.append(Issue("data_loss", "input", f"line {number}", f"{fields[0]}: {error}"))
            return
        procs = _PROCS.search(fields[0])
        name = fields[0].removeprefix("Benchmark")
        shared: dict[str, object] = {
            "line": number,
            "package": self.config.get("pkg"),
            "name": name[: -len(procs[0])] if procs else name,
            "procs": int(procs[1]) if procs else 1,
            "iterations": int(fields[1]),
            "labels": [(k, v) for k, v in self.config.items() if k != "pkg"],
        }
        self.rows += [shared | row for row in rows.values()]
        if 2 * len(rows) < len(fields) - 2:
            self.issues.append(Issue("error", "input", f"line {number}", f"{fields[0]}: a unit stands twice"))


def _values(fields: list[str]) -> dict[str, dict[str, object]]:
    """Rows by metric. Raises ValueError with what is wrong."""
    if int(fields[1]) >= 2**63:
        raise ValueError("more iterations than 64 bits hold")
    measured = fields[2:]
    if not measured or len(measured) % 2:
        raise ValueError("a value without its unit" if measured else "no values")
    rows: dict[str, dict[str, object]] = {}
    for text, unit in zip(measured[0::2], measured[1::2], strict=True):
        value, base = tidy(float(text), unit)
        row = {"metric": base, "unit": base, "value": value, "source_value": float(text), "source_unit": unit}
        rows.setdefault(base, row)
    return rows
