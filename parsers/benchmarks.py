"""Output of go test -bench, any Go version. Specification: golang.org/x/perf/benchfmt and benchunit.

Emits ``benchmarks``: one row for each value of a result line; -count gives several lines of
one name. Names come without "Benchmark" and without the -N of GOMAXPROCS, which is ``procs``.
Values are tidied as benchunit does (ns → sec, MB → B, in the numerator only) and the
originals kept. Configuration lines (``goos: linux``) hold until they change: ``pkg`` becomes
``package``, the others ``labels``; what the go command says of downloads or coverage is none. A ``Unit``
line says of a unit which way is better and what may be assumed of its values, for the results behind it.
Every row repeats the configuration: of more than 100 keys or 4,000 characters the rest is left out, which is
an issue.

Quirks: go test writes a name and a tab, runs the benchmark, then writes the result: what the
benchmark prints (or GODEBUG=gctrace=1) stands between, and the result at the end of a later line.
It belongs to the last name. Other text is ignored. A result line that can't be read, a name
without a result, a result without a name and whatever failed are issues, and the capture is salvaged. Figures
that are no number or below zero are issues too: they are kept, and not judged.
A benchmark that fails at its first iteration is named in its failure alone; a package that can't be
compiled, whose tests fail or which panics has no results from there on, and where the first benchmark
panics, the file has none. When GOMAXPROCS is 1 there
is no -N, so a sub-benchmark called ``x-8`` can't be told from ``x`` on 8 processors.
"""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING

from tracemill.parsers.api import Batch, Facts, Issue
from tracemill.parsers.unwrap.lines import lines_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tracemill.parsers.api import Item, Options
    from tracemill.parsers.unwrap.source import Source

NAME = "benchmarks"

# What no other text has: how well a text is unwrapped is told by how many of them it has.
LINE = re.compile(rb"^Benchmark\S*[ \t]+\d+[ \t]+[-+.\w]+[ \t]+\S|^(?:goos|goarch|pkg|cpu): ", re.MULTILINE)
_RESULT = re.compile(rb"^Benchmark\S*[ \t]+\d+[ \t]+[-+.\w]+[ \t]+\S", re.MULTILINE)
# The two parts of a line that something was printed into: a word before a tab, and a result. Neither
# reads a character twice, however long the line is.
_WORD = re.compile(r"(?<!\S)(\S++)(?= *+\t)")
_REST = re.compile(r"(?:^|[ \t])(\d++\t *+[-+.\w]++ ns/op(?:\t *+[-+.\w]++ \S++)*+)", re.MULTILINE)
_REST_BYTES = re.compile(_REST.pattern.encode(), re.MULTILINE)
# What the go command and package testing say in the shape of a configuration line; a version may be one.
_SAID = re.compile(r"go: (?!(?:devel )?(?:go)?\d)|coverage: [\d\[]|testing: warning: ")
# As package testing, the go command and the runtime write them.
_FAILURE = re.compile(r"(?:^ *|\t)--- FAIL: \S+|(?:^|\t)(?:panic|fatal error): .*|^FAIL\t.*")
# Where nothing has a result: how what ran ended, and what says that it was benchmarks: a failure, the lines
# before the first result, a frame.
_CRASH = re.compile(rb"^(?:panic|fatal error): ", re.MULTILINE)
_FAILED = re.compile(rb"^FAIL(?:\t|\r?$)", re.MULTILINE)
_OF_ONE = re.compile(
    rb"^--- FAIL: Benchmark|^pkg: |testing\.\(\*B\)\.|\.Benchmark[^\s.(]*[.( ]", re.MULTILINE
)
_PROCS = re.compile(r"-(\d{1,9})$")
# The parts of a unit: "p99-ns/op" is p99, ns, op.
_UNIT_PART = re.compile(r"[^-*/\s]+|[-*/]")
_UNIT_WORDS = {"better": ("higher", "lower"), "assume": ("nothing", "exact")}
# Configuration that a row may have, and rows that are put together at once.
MAX_KEYS, MAX_CONFIG_CHARS = 100, 4000
_BATCH_ROWS, _BATCH_CELLS, _CELL_CHARS = 65_536, 500_000, 50
_TIDY = {"ns": ("sec", 1e-9), "MB": ("B", 1e6)}


def sniff(head: bytes) -> bool:
    """Whether a result line stands in head, or a name and later a result, or the failure of a benchmark."""
    if _RESULT.search(head) is not None or (b"Benchmark" in head and _REST_BYTES.search(head) is not None):
        return True
    # A server's crash has no such frame, and a test's neither that nor the others.
    is_stopped = b"testing.(*B)." in head and _CRASH.search(head) is not None
    return is_stopped or (
        b"FAIL" in head and _FAILED.search(head) is not None and _OF_ONE.search(head) is not None
    )


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
    reader = _Reader()
    for number, line in enumerate(lines_of(source.read()), 1):
        reader.read(number, line.decode("utf-8", "replace").rstrip("\r"))
        if reader.is_full:
            yield reader.batch()
    reader.end()
    yield Facts(
        kind="benchmarks",
        is_salvaged=any(issue.severity == "data_loss" for issue in reader.issues),
        labels={k: v for k, v in reader.config.items() if k != "pkg"},
    )
    yield from reader.issues
    yield reader.batch()


class _Reader:
    """Lines in, rows and issues out; the configuration so far in between."""

    def __init__(self) -> None:
        self.rows: list[dict[str, object]] = []
        self.issues: list[Issue] = []
        self.config: dict[str, str] = {}
        # What Unit lines say of a unit in base units: better=, assume=.
        self._units: dict[str, dict[str, str]] = {}
        # Unit → (line and name of the first result below zero, how many there are).
        self._below_zero: dict[str, tuple[int, str, int]] = {}
        # The configuration as rows have it; None once it has changed.
        self._labels: list[tuple[str, str]] | None = None
        self._cells = 0
        self._config_chars = 0
        self._is_config_cut = False
        # The line, the name and what is wrong so far of a benchmark whose result is still to come.
        self._waiting: tuple[int, str, str] | None = None

    @property
    def is_full(self) -> bool:
        """Whether the rows so far are to be taken."""
        return len(self.rows) >= _BATCH_ROWS or self._cells >= _BATCH_CELLS

    def batch(self) -> Batch:
        """The rows since the last batch."""
        import pyarrow as pa

        from tracemill.warehouse.schema import TABLES

        rows, self.rows, self._cells = self.rows, [], 0
        return Batch("benchmarks", pa.RecordBatch.from_pylist(rows, TABLES["benchmarks"].arrow_schema()))

    def read(self, number: int, line: str) -> None:
        if failure := _FAILURE.search(line):
            self._fails(number, line[: failure.start()], failure[0].strip())
            return
        if line.startswith("Unit "):
            self._unit(number, line.split()[1:])
            return
        if "Benchmark" in line and self._begins(number, line):
            return
        if "ns/op" in line and (rest := list(_REST.finditer(line))) and not line[rest[-1].end() :].strip():
            self._ends(number, rest[-1][1].split())
            return
        if _SAID.match(line):
            return
        key, colon, value = line.partition(":")
        if colon and key[:1].islower() and not re.search(r"\s|[A-Z]", key) and (value[:1] in (" ", "\t", "")):
            self._configure(number, key, value.strip())

    def _configure(self, number: int, key: str, value: str) -> None:
        """Take a configuration line; an empty value takes its key away."""
        before = self.config.pop(key, None)
        self._config_chars -= 0 if before is None else len(key) + len(before)
        self._labels = None
        if not value:
            return
        chars = self._config_chars + len(key) + len(value)
        if len(self.config) < MAX_KEYS and chars <= MAX_CONFIG_CHARS:
            self.config[key] = value
            self._config_chars = chars
        elif not self._is_config_cut:
            self._is_config_cut = True
            most = f"{MAX_KEYS} keys or {MAX_CONFIG_CHARS} characters"
            fact = f"more configuration than {most}: {key[:80]} and what follows is left out"
            self.issues.append(Issue("error", "input", f"line {number}", fact))

    def _unit(self, number: int, words: list[str]) -> None:
        """What a Unit line says. Specification: golang.org/x/perf/benchfmt, "Unit metadata"."""
        if not words:
            return
        said = self._units.setdefault(tidy(1.0, words[0])[1], {})
        for word in words[1:]:
            key, _, value = word.partition("=")
            if said.get(key, value) != value:
                fact = f"Unit {words[0]}: {key}={value}, and {said[key]} before"
                self.issues.append(Issue("error", "input", f"line {number}", fact))
            elif value in _UNIT_WORDS.get(key, ()):
                said[key] = value

    def _begins(self, number: int, line: str) -> bool:
        """Take a whole result, or note a name; whether nothing else stands there."""
        fields = line.split()
        wrong = ""
        if line.startswith("Benchmark") and len(fields) > 1:
            try:
                self._result(number, fields)
            except ValueError as error:
                # Prose may begin with the word, as in "BenchmarkX failed"; a count says it is a result.
                wrong = str(error) if fields[1].isdigit() else ""
            else:
                self.give_up()
                return True
        words = [word for word in _WORD.findall(line) if "Benchmark" in word]
        if words:
            self.give_up()
            self._waiting = (number, words[-1][words[-1].index("Benchmark") :], wrong)
            return False
        if wrong:
            self._note(number, f"{fields[0]}: {wrong}")
        return line.startswith("Benchmark")

    def _ends(self, number: int, fields: list[str]) -> None:
        if self._waiting is None:
            self._note(number, f"{' '.join(fields)}: no benchmark's name stands before this result")
            return
        _, name, _ = self._waiting
        self._waiting = None
        try:
            self._result(number, [name, *fields])
        except ValueError as error:
            self._note(number, f"{name}: {error}")

    def _fails(self, number: int, before: str, said: str) -> None:
        """Note a failure, which stands in the place of a result: before may name the benchmark."""
        if "Benchmark" in before:
            self._begins(number, f"{before}\t")
        name = self._waiting[1] if self._waiting else ""
        self._waiting = None
        message = said if name in said else f"{name}: {said}"
        self._note(number, message.replace("\t", " "))

    def give_up(self) -> None:
        """No result follows any more."""
        if self._waiting is not None:
            number, name, wrong = self._waiting
            self._note(number, f"{name}: {wrong or 'no result follows; did it fail?'}")
        self._waiting = None

    def end(self) -> None:
        """The text ends here."""
        self.give_up()
        for unit, (first, named, count) in self._below_zero.items():
            more = f" and {count - 1} more" if count > 1 else ""
            fact = f"{named}{more}: below zero in {unit}, where a change has no ratio: not judged"
            self.issues.append(Issue("info", "input", f"line {first}", fact))

    def _note(self, number: int, message: str) -> None:
        self.issues.append(Issue("data_loss", "input", f"line {number}", message))

    def _result(self, number: int, fields: list[str]) -> None:
        """Rows of a result's fields. Raises ValueError for what is none."""
        rows = _values(fields)
        procs = _PROCS.search(fields[0])
        name = fields[0].removeprefix("Benchmark")
        if self._labels is None:
            self._labels = [(k, v) for k, v in self.config.items() if k != "pkg"]
        shared: dict[str, object] = {
            "line": number,
            "package": self.config.get("pkg"),
            "name": name[: -len(procs[0])] if procs else name,
            "procs": int(procs[1]) if procs else 1,
            "iterations": int(fields[1]),
            "labels": self._labels,
        }
        self._cells += len(rows) * (1 + len(self._labels) + self._config_chars // _CELL_CHARS)
        self.rows += [shared | row | self._units.get(str(row["unit"]), {}) for row in rows.values()]
        if 2 * len(rows) < len(fields) - 2:
            self.issues.append(Issue("error", "input", f"line {number}", f"{fields[0]}: a unit stands twice"))
        for unit in (str(row["source_unit"]) for row in rows.values() if float(str(row["value"])) < 0):
            first, named, count = self._below_zero.get(unit, (number, fields[0], 0))
            self._below_zero[unit] = first, named, count + 1
        for text, unit in zip(fields[2::2], fields[3::2], strict=True):
            # Package testing writes NaN of one that ran not once; what broke it is told by itself.
            if int(fields[1]) and not math.isfinite(float(text)):
                fact = f"{fields[0]}: {text} {unit} is no figure, and is not judged"
                self.issues.append(Issue("error", "input", f"line {number}", fact))


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
