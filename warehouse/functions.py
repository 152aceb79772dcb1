"""Statistics as DuckDB functions that models call: whole Arrow vectors in, whole vectors out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from duckdb.func import PythonUDFType

if TYPE_CHECKING:
    import duckdb


def register(connection: duckdb.DuckDBPyConnection) -> None:
    """Make our functions known to the connection.

    ``path_id_of(functions)`` is the path_id of a stack whose functions were found later.
    """
    connection.create_function("path_id_of", _path_ids, ["varchar[]"], "bigint", type=PythonUDFType.ARROW)


def _path_ids(stacks: Any) -> Any:  # noqa: ANN401
    import pyarrow as pa

    from tracemill.warehouse.schema.hashes import combine, hash_name

    found = [combine([hash_name(f) for f in functions]) for functions in stacks.to_pylist()]
    return pa.array(found, pa.int64())
