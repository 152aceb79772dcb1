"""DuckDB functions that models call: of Python, with whole Arrow vectors in and out, and of SQL."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from duckdb.func import PythonUDFType

if TYPE_CHECKING:
    import duckdb

# Names in the order of what they count: b2 before b10. Of b2 and b02, which count the same, b02 comes first.
NATURAL_ORDER = r"""
create or replace temp macro natural_order(name) as concat_ws(
    ' ',
    array_to_string(list_transform(
        regexp_extract_all(name, '\d+|\D+'),
        lambda part: if(regexp_matches(part, '^\d'), lpad(part, greatest(length(part), 20)::int, '0'), part)
    ), ''),
    name
)
"""


def register(connection: duckdb.DuckDBPyConnection) -> None:
    """Make our functions known to the connection.

    ``path_id_of(functions)`` is the path_id of a stack whose functions were found later.
    ``natural_order(name)`` is a text that sorts as the name does with its digits read as numbers.
    """
    connection.execute(NATURAL_ORDER)
    connection.create_function("path_id_of", _path_ids, ["varchar[]"], "bigint", type=PythonUDFType.ARROW)


def _path_ids(stacks: Any) -> Any:  # noqa: ANN401
    import pyarrow as pa

    from tracemill.warehouse.schema.hashes import combine, hash_name

    found = [combine([hash_name(f) for f in functions]) for functions in stacks.to_pylist()]
    return pa.array(found, pa.int64())
