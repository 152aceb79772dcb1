"""How much of a heap profile's map allocations is told without a binary, and how much of that is right.

The same captures judged with the build's binary are the truth: tests/parsers/test_attribution.py shows that
this is exact against runtime.MemProfile. Figures are bytes allocated, by stack and class.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import duckdb
import pyarrow as pa

from bench.attribution_record import BINARY, RUNS, Series
from tests.models.given import Given, rows
from tests.models.given import build as build_models
from tests.parsers import reading
from tracemill.warehouse.functions import register
from tracemill.warehouse.models import read_models

if TYPE_CHECKING:
    from pathlib import Path

FORMATS = {
    "trace.out": "exectrace",
    "cpu.pb.gz": "pprof",
    "block.pb.gz": "pprof",
    "mutex.pb.gz": "pprof",
    "heap.pb.gz": "pprof",
    "heap.txt": "legacy_profile",
    BINARY: "binary",
}
NAMING = ("trace.out", "cpu.pb.gz", "block.pb.gz", "mutex.pb.gz")
PROTOBUF, TEXT = "heap.pb.gz", "heap.txt"
# What is measured, in the order of the table.
BY_TEXT = "(a) debug=1 text, named addresses"
BY_CALLEE = "(b) protobuf, callees seen"
POOLED = "(c) b and the other builds"
ONLY_POOLED = "(c) the other builds alone"
METHODS = (BY_TEXT, BY_CALLEE, POOLED, ONLY_POOLED)
ASKED = ("int_profile_callees", "int_pooled_callees")
CLAIMS = """
    select
        build_id, run_id, stack_id,
        if(callee_class = 'map_grow', 'map_assign', callee_class) as callee_class,
        evidence, sum(alloc_bytes)::bigint
    from {model}
    where alloc_bytes > 0 and {where}
    group by all
"""
# Build, run, stack and class.
Key = tuple[str, str, int, str]
MAPS = {"map_assign", "map_make", "map_clone"}


@dataclass
class Told:
    """Bytes of map allocations: claimed, rightly claimed, and true. Of all allocations: unknown, and all."""

    claimed: int = 0
    right: int = 0
    true: int = 0
    unknown: int = 0
    total: int = 0

    def add(self, other: Told) -> None:
        self.claimed += other.claimed
        self.right += other.right
        self.true += other.true
        self.unknown += other.unknown
        self.total += other.total

    @property
    def precision(self) -> float:
        return self.right / self.claimed if self.claimed else 1.0

    @property
    def recall(self) -> float:
        return self.right / self.true if self.true else 1.0

    @property
    def unknown_share(self) -> float:
        return self.unknown / self.total if self.total else 0.0


@dataclass
class Judged:
    """A series: what each method tells of each build, and how right each kind of evidence is over all."""

    series: Series
    by_build: dict[tuple[str, str], Told] = field(default_factory=dict)
    by_evidence: dict[str, Told] = field(default_factory=dict)


@dataclass(frozen=True)
class Claims:
    """What a warehouse says: bytes by key and evidence."""

    found: dict[str, Counter[Key]]

    def of(self, *, without: Iterable[str] = ()) -> Counter[Key]:
        total: Counter[Key] = Counter()
        for evidence, found in self.found.items():
            if evidence not in without:
                total.update(found)
        return total


class Recording:
    """A recorded series, each file of which is read once."""

    def __init__(self, series: Series, folder: Path) -> None:
        self.series = series
        self.folder = folder
        self._read: dict[Path, tuple[str, dict[str, pa.Table]]] = {}

    def claims(self, files: dict[str, tuple[str, ...]]) -> Claims:
        """What is said where each build has, in each run, the files that are given for it."""
        connection = self._warehouse(files)
        found: dict[str, Counter[Key]] = {}
        for model, where in (
            ("int_profile_callees", "evidence <> 'unknown'"),
            ("int_pooled_callees", "true"),
        ):
            for *key, evidence, size in rows(connection, CLAIMS.format(model=model, where=where)):
                found.setdefault(evidence, Counter())[tuple(key)] += size  # type: ignore[index]
        return Claims(found)

    def _warehouse(self, files: dict[str, tuple[str, ...]]) -> duckdb.DuckDBPyConnection:
        given = Given()
        parts: dict[str, list[pa.Table]] = {}
        for build, names in files.items():
            places = [(None, BINARY)] if BINARY in names else []
            places += [(run, name) for run in RUNS for name in names if name != BINARY]
            for run, name in places:
                kind, tables = self._tables(self.folder / build / (run or "") / name)
                capture = given.capture(build, run, kind, format=FORMATS[name], path=f"{build}/{run}/{name}")
                for table, found in tables.items():
                    column = pa.array([capture] * len(found), pa.string())
                    parts.setdefault(table, []).append(found.append_column("capture_id", column))
        return _asked_of(given.arrow(), parts)

    def _tables(self, file: Path) -> tuple[str, dict[str, pa.Table]]:
        if file not in self._read:
            form = FORMATS[file.name]
            found = reading.items(form, file)
            self._read[file] = (reading.facts(found).kind or form, reading.tables(found))
        return self._read[file]


def _asked_of(tables: dict[str, pa.Table], parts: dict[str, list[pa.Table]]) -> duckdb.DuckDBPyConnection:
    """The models that are asked, over the tables with their parts."""
    connection = duckdb.connect()
    register(connection)
    for name, table in tables.items():
        names = table.column_names
        whole = pa.concat_tables([table, *(part.select(names) for part in parts.get(name, []))])
        connection.register("_rows", whole)
        once = " qualify row_number() over (partition by stack_id) = 1" if name == "stacks" else ""
        connection.execute(f"create table {name} as from _rows{once}")
        connection.unregister("_rows")
    models = {model.name: model for model in read_models()}
    needed, waiting = set(), list(ASKED)
    while waiting:
        if (name := waiting.pop()) in models and name not in needed:
            needed.add(name)
            waiting += models[name].reads
    build_models(connection, *needed)
    return connection


def judge(recording: Recording) -> Judged:
    """All methods on one series."""
    names = [build.name for build in recording.series.builds]
    judged = Judged(recording.series)
    exact = {heap: recording.claims(dict.fromkeys(names, (heap, BINARY))).of() for heap in (PROTOBUF, TEXT)}
    by_text = recording.claims(dict.fromkeys(names, (TEXT, *NAMING)))
    by_callee = recording.claims(dict.fromkeys(names, (PROTOBUF, *NAMING)))
    from_others = ("other_build_call", "other_build_line")
    for method, truth, found in (
        (BY_TEXT, exact[TEXT], by_text.of(without=from_others)),
        (BY_CALLEE, exact[PROTOBUF], by_callee.of(without=from_others)),
        (POOLED, exact[PROTOBUF], by_callee.of()),
    ):
        for name in names:
            judged.by_build[method, name] = compare(of_builds(found, [name]), of_builds(truth, [name]))
    tried = [(by_text, exact[TEXT]), (by_callee, exact[PROTOBUF])]
    for bare in (names[::2], names[1::2]):
        files = {name: (PROTOBUF,) if name in bare else (PROTOBUF, *NAMING) for name in names}
        alone = recording.claims(files)
        truth = of_builds(exact[PROTOBUF], bare)
        for name in bare:
            judged.by_build[ONLY_POOLED, name] = compare(
                of_builds(alone.of(), [name]), of_builds(truth, [name])
            )
        tried.append((Claims({e: of_builds(found, bare) for e, found in alone.found.items()}), truth))
    for claims, truth in tried:
        for evidence, found in claims.found.items():
            if evidence != "unknown":
                judged.by_evidence.setdefault(evidence, Told()).add(compare(found, truth))
    return judged


def of_builds(found: Counter[Key], builds: list[str]) -> Counter[Key]:
    return Counter({key: size for key, size in found.items() if key[0] in builds})


def compare(found: Counter[Key], truth: Counter[Key]) -> Told:
    """Bytes of maps that are claimed and true."""
    claimed = Counter({key: size for key, size in found.items() if key[3] in MAPS})
    true = Counter({key: size for key, size in truth.items() if key[3] in MAPS})
    unknown = sum(size for key, size in found.items() if key[3] == "unknown")
    right = (claimed & true).total()
    return Told(claimed.total(), right, true.total(), unknown, found.total())
