"""A table's Parquet files as one SELECT, with the schema's types also where there is no file yet."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tracemill.warehouse.intervals import CYCLES, INTERVALS, cycles_of_intervals
from tracemill.warehouse.schema import TABLES

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    import pyarrow as pa

    from tracemill.warehouse.parts import Listed
    from tracemill.warehouse.records import Capture, StoredFile

STACKS = "stacks"


@dataclass(slots=True)
class Files:
    """Where rows of a table lie.

    own: files of one capture each, whose folder is named for it, and of stacks all files. compacted: files
    with a column capture_id, each with the captures whose rows count, or None where all do.
    """

    own: list[str] = field(default_factory=list)
    compacted: dict[str, list[str] | None] = field(default_factory=dict)

    def read_for_types(self) -> list[str]:
        """The files that DuckDB reads when a view of scan() is made, for the types of its columns."""
        whole = [path for path, captures in self.compacted.items() if captures is None]
        return [
            *self.own[:1],
            *whole[:1],
            *(p for p, captures in self.compacted.items() if captures is not None),
        ]


def files_by_table(
    captures: Iterable[Capture], known: Mapping[str, StoredFile], sealed: Iterable[Listed] = ()
) -> dict[str, Files]:
    """Table → its files, each once, in the order of the captures, whose rows alone count.

    sealed: what other captures list, of files of which all rows count.
    """
    own: dict[str, dict[str, None]] = {}
    compacted: dict[str, dict[str, list[str] | None]] = {}
    for listed in sealed:
        for name, paths in listed.own.items():
            own.setdefault(name, {}).update(dict.fromkeys(paths))
        for name, files in listed.compacted.items():
            compacted.setdefault(name, {}).update(dict.fromkeys(files))
    for capture in captures:
        for name, paths in capture.files.items():  # of stacks, several captures list one file
            for path in paths:
                file = known.get(path)
                if name == STACKS or file is None or not file.captures:
                    own.setdefault(name, {})[path] = None
                elif (there := compacted.setdefault(name, {}).setdefault(path, [])) is not None:
                    there.append(capture.capture_id)
    return {
        name: Files(
            list(own.get(name, ())),
            {
                path: None if there is None or len(there) == known[path].captures else there
                for path, there in compacted.get(name, {}).items()
            },
        )
        for name in own.keys() | compacted.keys()
    }


def scan_of(name: str, by_table: Mapping[str, Files]) -> str:
    """A SELECT over all of a table's files."""
    found = scan(name, by_table.get(name, Files()))
    if name == CYCLES and (earlier := by_table.get(INTERVALS)):
        return f"from ({found} union all {cycles_of_intervals(scan(INTERVALS, earlier))})"
    return found


def scan(name: str, files: Files) -> str:
    """A SELECT over the table's Parquet files; over no rows of the same shape where there are none."""
    columns = TABLES[name].columns
    names = ", ".join(f'"{c.name}"' for c in columns)
    if name == STACKS and files.own:
        # Each capture has its own file of stacks, and captures share stacks. Choosing places first keeps
        # the lists of frames out of the choice: an eighth of the time and of the memory of a DISTINCT ON.
        rows = f"read_parquet({_list(files.own)}, file_row_number = true, hive_partitioning = false)"
        place = "row(file_index, file_row_number)"
        chosen = f"select min({place}) from {rows} group by stack_id"
        return f"from (select {names} from {rows} where {place} in ({chosen}))"
    parts = []
    if files.own:
        hive = "hive_partitioning = true, hive_types = {'capture_id': varchar}"
        parts.append(f"select {names} from read_parquet({_list(files.own)}, {hive})")
    if whole := [path for path, captures in files.compacted.items() if captures is None]:
        parts.append(f"select {names} from read_parquet({_list(whole)}, hive_partitioning = false)")
    for path, captures in files.compacted.items():
        if captures is not None:
            rows = f"read_parquet({_list([path])}, hive_partitioning = false)"
            parts.append(f"select {names} from {rows} where capture_id in ({_list(captures)[1:-1]})")
    if not parts:
        empty = ", ".join(f'cast(null as {duckdb_type(c.type)}) as "{c.name}"' for c in columns)
        parts.append(f"select {empty} where false")
    return f"from ({' union all '.join(parts)})"


def _list(words: Iterable[str]) -> str:
    """Names that Tracemill made, as a list of SQL."""
    return "[" + ", ".join(f"'{word}'" for word in words) + "]"


def duckdb_type(kind: pa.DataType) -> str:
    """DuckDB's name of an Arrow type that the schema uses."""
    import pyarrow as pa

    if pa.types.is_dictionary(kind):
        return duckdb_type(kind.value_type)
    if pa.types.is_list(kind):
        return duckdb_type(kind.value_type) + "[]"
    if pa.types.is_map(kind):
        return f"map({duckdb_type(kind.key_type)}, {duckdb_type(kind.item_type)})"
    names = {
        pa.string(): "varchar",
        pa.int32(): "integer",
        pa.int64(): "bigint",
        pa.uint64(): "ubigint",
        pa.float64(): "double",
        pa.bool_(): "boolean",
        pa.timestamp("us", tz="UTC"): "timestamptz",
    }
    return names[kind]
