"""Compaction: many small files of a table into few large ones, by month, the rows of a build together.

A compacted file has a column capture_id, and its record says of how many captures it has rows. A capture
still lists the files that have its rows; whose rows in a file count is told by that alone (scan.py). So a
capture can be forgotten, or loaded again, without a change to a file that it shares.
"""

from __future__ import annotations

import secrets
from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from itertools import groupby
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from tracemill.warehouse.durable import digest
from tracemill.warehouse.layout import TABLES_FOLDER
from tracemill.warehouse.records import StoredFile
from tracemill.warehouse.scan import STACKS, Files, files_by_table, scan
from tracemill.warehouse.schema import TABLES
from tracemill.warehouse.schema.columns import COLUMNS
from tracemill.warehouse.store import ROWS_PER_GROUP, encodings

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from tracemill.warehouse.catalog import Capture, Catalog
    from tracemill.warehouse.schema import Table

MIB = 1024**2
# A file of so much stays as it is; files are merged up to so much.
LEAST_BYTES = 64 * MIB
MOST_BYTES = 256 * MIB
# A compacted file is merged again once the rest of its month has a quarter of its size: each row is then
# rewritten only as often as the logarithm of what comes after it.
GROWTH = 4
# What is gathered in memory before it is written as a row group.
GROUP_BYTES = 64 * MIB
STACKS_A_BATCH = ROWS_PER_GROUP // 8
UNDATED = "undated"


@dataclass(frozen=True, slots=True)
class Pack:
    """Files of one table and month that become one. sources: each, in order, with whose rows count in it."""

    table: str
    month: str
    sources: dict[str, list[str]]
    size_bytes: int

    @property
    def captures(self) -> set[str]:
        """Whose rows the file will have."""
        return {capture for captures in self.sources.values() for capture in captures}


@dataclass(slots=True)
class _Source:
    """A file that may be merged. is_full: the rows of all its captures count."""

    path: str
    month: str
    size_bytes: int
    is_compacted: bool
    is_full: bool
    captures: list[Capture] = field(default_factory=list)


def plan(catalog: Catalog) -> list[Pack]:
    """What to merge."""
    times = build_times(catalog)
    order = {b: place for place, b in enumerate(sorted(times, key=lambda b: (times[b] or "", b)))}
    captures = sorted(
        catalog.captures.values(), key=lambda c: (order[c.build_id], c.run_id or "", c.path, c.capture_id)
    )
    packs: list[Pack] = []
    for table in TABLES:
        sources = sorted(_sources(catalog, table, captures, times), key=lambda s: s.month)
        for month, group in groupby(sources, key=lambda s: s.month):
            packs += _packs(table, month, list(group), order)
    return packs


def build_times(catalog: Catalog) -> dict[str, str | None]:
    """Build → when it was committed, else when its last capture was made; RFC 3339 in UTC, None: unknown."""
    found: dict[str, str | None] = {}
    latest: dict[str, int] = {}
    for capture in catalog.captures.values():
        at = capture.captured_at_ns or capture.started_at_ns or 0
        latest[capture.build_id] = max(latest.get(capture.build_id, 0), at)
    for build_id, ns in latest.items():
        build = catalog.builds.get(build_id)
        if build and build.committed_at:
            moment = datetime.fromisoformat(build.committed_at)
            found[build_id] = moment.astimezone(UTC).isoformat()
        else:
            found[build_id] = datetime.fromtimestamp(ns / 1e9, UTC).isoformat() if ns else None
    return found


def _sources(
    catalog: Catalog, table: str, captures: list[Capture], times: dict[str, str | None]
) -> Iterator[_Source]:
    """The table's files that may be merged, with the captures whose rows count, in the captures' order."""
    found: dict[str, _Source] = {}
    for capture in captures:
        paths = capture.files.get(table, [])
        large = [p for p in paths if _size(catalog, p) >= LEAST_BYTES and not is_compacted(p)]
        if large and table != STACKS:
            continue  # a capture's rows of a table stay together
        for path in paths:
            if path in large:
                continue
            source = found.get(path)
            if source is None:
                time = times[capture.build_id]
                month = path.split("/")[2].removeprefix("month=") if is_compacted(path) else None
                month = month or (time[:7] if time else UNDATED)
                source = _Source(path, month, _size(catalog, path), is_compacted(path), is_full=True)
                found[path] = source
            source.captures.append(capture)
    for source in found.values():
        if source.is_compacted and table != STACKS:
            source.is_full = len(source.captures) == catalog.files[source.path].captures
        if not source.is_full or source.size_bytes < LEAST_BYTES:
            yield source


def _packs(table: str, month: str, sources: list[_Source], order: dict[str, int]) -> Iterator[Pack]:
    """The sources of one month, as many in a pack as make one file."""
    chosen = [s for s in sources if not s.is_compacted or not s.is_full]
    total = sum(s.size_bytes for s in chosen)
    for source in sorted((s for s in sources if s.is_compacted and s.is_full), key=lambda s: s.size_bytes):
        if source.size_bytes <= GROWTH * total:
            chosen.append(source)
            total += source.size_bytes
    chosen.sort(key=lambda s: (order[s.captures[0].build_id], not s.is_compacted))
    part: list[_Source] = []
    for source in chosen:
        shares = bool(part) and part[-1].captures[-1].capture_id == source.captures[0].capture_id
        is_room = sum(s.size_bytes for s in part) + source.size_bytes <= MOST_BYTES
        if not (shares or is_room):
            yield from _pack(table, month, part)
            part = []
        part.append(source)
    yield from _pack(table, month, part)


def _pack(table: str, month: str, part: list[_Source]) -> Iterator[Pack]:
    """The sources as a pack, where merging them changes anything."""
    if len(part) > 1 or (part and not part[0].is_full):
        sources = {s.path: [c.capture_id for c in s.captures] for s in part}
        yield Pack(table, month, sources, sum(s.size_bytes for s in part))


def is_compacted(path: str) -> bool:
    """Whether a file of the warehouse has many captures' rows."""
    return path.split("/")[2].startswith("month=")


def _size(catalog: Catalog, path: str) -> int:
    known = catalog.files.get(path)
    return known.size_bytes if known else (catalog.root / path).stat().st_size


def merge(catalog: Catalog, pack: Pack) -> tuple[str, StoredFile]:
    """Write a pack's rows into one file: its path and what it is. Raises OSError, pa.ArrowException."""
    path = f"{TABLES_FOLDER}/{pack.table}/month={pack.month}/{secrets.token_hex(8)}.parquet"
    rows = _stacks_of(catalog.root, pack) if pack.table == STACKS else _rows_of(catalog.root, pack)
    return path, _write(catalog.root / path, TABLES[pack.table], rows, len(pack.captures))


def list_merged(catalog: Catalog, merged: dict[str, str]) -> None:
    """Have captures list new files in the place of those that were merged. merged: old path → new path."""
    for place, capture in list(catalog.captures.items()):
        if merged.keys().isdisjoint(capture.paths):
            continue
        files = {
            table: list(dict.fromkeys(merged.get(path, path) for path in paths))
            for table, paths in capture.files.items()
        }
        catalog.captures[place] = replace(capture, files=files)


def whole_captures(catalog: Catalog, path: str, file: Path) -> list[str]:
    """The captures all of whose rows in a damaged compacted file can be read. file: where it is.

    Of stacks, those that name only stacks which can be read.
    """
    table = path.split("/")[1]
    captures = [c for c in catalog.captures.values() if c.files.get(table) == [path]]
    if table == STACKS:
        return _with_all_stacks(catalog, captures, file)
    expected = {c.capture_id: c.rows.get(table, 0) for c in captures}
    found: Counter[str] = Counter()
    for batch in _readable(file):
        for entry in batch.column("capture_id").value_counts().to_pylist():
            found[entry["values"]] += entry["counts"]
    return [capture for capture, rows in expected.items() if found[capture] == rows]


def _with_all_stacks(catalog: Catalog, captures: list[Capture], file: Path) -> list[str]:
    """Which of the captures name no other stacks than those that can be read in the file."""
    import duckdb

    ids = [batch.column("stack_id").cast(pa.int64()) for batch in _readable(file)]
    lacking: set[str] = set()
    with duckdb.connect() as connection:
        quoted = str(catalog.root.resolve()).replace("'", "''")
        connection.execute(f"set file_search_path = '{quoted}'")
        connection.register("readable", pa.table({"id": pa.chunked_array(ids, pa.int64())}))
        for name, files in files_by_table(captures, catalog.files).items():
            if name == STACKS:
                continue
            for column in TABLES[name].column_names:
                if column.endswith("stack_id"):
                    catalog.require([*files.own, *files.compacted])
                    rows, lost = scan(name, files), f"{column} not in (select id from readable)"
                    found = connection.execute(f"select distinct capture_id from ({rows}) where {lost}")
                    lacking.update(capture for (capture,) in found.fetchall())
    return [c.capture_id for c in captures if c.capture_id not in lacking]


def salvage(root: Path, path: str, captures: list[str], file: Path) -> tuple[str, StoredFile]:
    """Write the rows of these captures, of a damaged compacted file, into another: its path, what it is.

    Of stacks, all that can be read.
    """
    table = TABLES[path.split("/")[1]]
    target = f"{path.rpartition('/')[0]}/{secrets.token_hex(8)}.parquet"
    rows = _readable(file) if table.name == STACKS else _of_captures(_readable(file), captures)
    return target, _write(root / target, table, rows, len(captures))


def _readable(file: Path) -> Iterator[pa.RecordBatch]:
    """The row groups of a file whose pages are as they were written."""
    try:
        parquet = pq.ParquetFile(file, page_checksum_verification=True)
    except (pa.ArrowException, OSError):
        return
    with parquet:
        for number in range(parquet.num_row_groups):
            try:
                group = parquet.read_row_group(number)
            except (pa.ArrowException, OSError):
                continue
            yield from group.to_batches()


def _rows_of(root: Path, pack: Pack) -> Iterator[pa.RecordBatch]:
    """A pack's rows, with capture_id."""
    for path, captures in pack.sources.items():
        with pq.ParquetFile(root / path, page_checksum_verification=True) as file:
            if is_compacted(path):
                yield from _of_captures(file.iter_batches(), captures)
                continue
            capture = path.split("/")[2].removeprefix("capture_id=")
            for batch in file.iter_batches():
                yield batch.append_column("capture_id", pa.repeat(pa.scalar(capture), batch.num_rows))


def _of_captures(batches: Iterable[pa.RecordBatch], captures: list[str]) -> Iterator[pa.RecordBatch]:
    wanted = pa.array(captures, pa.string())
    for batch in batches:
        chosen = pc.is_in(batch.column("capture_id").cast(pa.string()), wanted)
        yield batch if pc.all(chosen).as_py() else batch.filter(chosen)


def _stacks_of(root: Path, pack: Pack) -> Iterator[pa.RecordBatch]:
    """Each stack of the files once."""
    import duckdb

    with duckdb.connect() as connection:
        quoted = str(root.resolve()).replace("'", "''")
        connection.execute(f"set file_search_path = '{quoted}'")
        yield from connection.sql(scan(STACKS, Files(list(pack.sources)))).to_arrow_reader(STACKS_A_BATCH)


def _write(target: Path, table: Table, batches: Iterable[pa.RecordBatch], captures: int) -> StoredFile:
    """Write the batches as a compacted file of the table, in large row groups."""
    target.parent.mkdir(parents=True, exist_ok=True)
    options = dict(encodings(table))
    if table.name == STACKS:
        captures = 0
    else:
        schema = options["schema"].insert(0, COLUMNS["capture_id"].arrow_field())
        options |= {
            "schema": schema,
            "use_dictionary": ["capture_id", *options["use_dictionary"]],
            "write_statistics": ["capture_id", *options["write_statistics"]],
        }
    try:
        with pq.ParquetWriter(target, **options) as writer:
            for group in _groups(_conform(batches, table)):
                writer.write_table(group, row_group_size=ROWS_PER_GROUP)
    except BaseException:
        target.unlink(missing_ok=True)
        raise
    return StoredFile(*digest(target), captures=captures)


def _conform(batches: Iterable[pa.RecordBatch], table: Table) -> Iterator[pa.RecordBatch]:
    for batch in batches:
        if not batch.num_rows:
            continue
        if table.name == STACKS:
            yield table.conform(batch)
            continue
        captures = batch.column("capture_id").cast(pa.string())
        rows = table.conform(batch.drop_columns(["capture_id"]))
        yield rows.add_column(0, COLUMNS["capture_id"].arrow_field(), captures)


def _groups(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.Table]:
    """The batches together, as much as makes a row group."""
    part: list[pa.RecordBatch] = []
    rows = size = 0
    for batch in batches:
        part.append(batch)
        rows, size = rows + batch.num_rows, size + batch.nbytes
        if rows >= ROWS_PER_GROUP or size >= GROUP_BYTES:
            yield pa.Table.from_batches(part).unify_dictionaries().combine_chunks()
            part, rows, size = [], 0, 0
    if part:
        yield pa.Table.from_batches(part).unify_dictionaries().combine_chunks()
