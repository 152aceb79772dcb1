"""Statistics as DuckDB functions that models call: whole Arrow vectors in, whole vectors out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from duckdb.func import PythonUDFType

if TYPE_CHECKING:
    import duckdb

_POINTS = (
    "struct(series bigint, build bigint, log_value double, run_variance double, run_count bigint, "
    "counting_variance double, negligible double, context bigint)[]"
)
_LEVELS = (
    "struct(series bigint, build bigint, log_level double, standard_error double, df double, "
    "half_width double, p double, q double, level_builds bigint, level_number bigint, "
    "is_change boolean, went_away boolean, is_apart boolean, found_build bigint, "
    "change_before double, change_after double, change_error double, "
    "change_half_width double, change_p double, change_q double)[]"
)


def register(connection: duckdb.DuckDBPyConnection) -> None:
    """Make our functions known to the connection. pyarrow and our statistics are imported at the first call.

    ``find_levels(points, families)`` takes the points of one family of series as a list of structs, and how
    many families there are; it gives a list of structs in the same order, see ``warehouse.levels``. A
    family's series go in together: the false discovery rate, which decides where a level ends, is a matter
    of all of them at each build. Half widths are those of 95 % intervals of differences of logarithms.
    ``path_id_of(functions)`` is the path_id of a stack whose functions were found later.
    """
    connection.create_function(
        "find_levels", _find_levels, [_POINTS, "bigint"], _LEVELS, type=PythonUDFType.ARROW
    )
    connection.create_function("path_id_of", _path_ids, ["varchar[]"], "bigint", type=PythonUDFType.ARROW)


def _path_ids(stacks: Any) -> Any:  # noqa: ANN401
    import pyarrow as pa

    from warehouse.schema.hashes import combine, hash_name

    found = [combine([hash_name(f) for f in functions]) for functions in stacks.to_pylist()]
    return pa.array(found, pa.int64())


# DuckDB evaluates the annotations of what it is given: no names that only type checkers see.
def _find_levels(points: Any, families: Any) -> Any:  # noqa: ANN401
    import numpy as np
    import pyarrow as pa

    from warehouse.inference import t_quantile
    from warehouse.levels import Points, find_levels

    found = []
    for family, count in zip(points, families, strict=True):
        given = {
            field.name: family.values.field(field.name).to_numpy(zero_copy_only=False)
            for field in family.values.type
        }
        # A column of nothing but nulls comes as objects.
        given["run_variance"] = given["run_variance"].astype(np.float64)
        levels = find_levels(Points(**given), count.as_py())
        reals = {
            "log_level": levels.log_level,
            "standard_error": levels.standard_error,
            "df": levels.df,
            "half_width": levels.standard_error * t_quantile(0.95, levels.df),
            "p": levels.p,
            "q": levels.q,
            "found_build": np.where(levels.is_change, levels.found_build, np.nan),
            "change_before": levels.change.before,
            "change_after": levels.change.after,
            "change_error": levels.change.standard_error,
            "change_half_width": levels.change.standard_error * t_quantile(0.95, levels.df),
            "change_p": levels.change.p,
            "change_q": levels.change.q,
        }
        fields = {"series": pa.array(given["series"]), "build": pa.array(given["build"])}
        fields |= {name: pa.array(values, mask=np.isnan(values)) for name, values in reals.items()}
        fields["found_build"] = fields["found_build"].cast(pa.int64())
        fields |= {
            "level_builds": pa.array(levels.level_builds),
            "is_change": pa.array(levels.is_change),
            "went_away": pa.array(levels.went_away),
            "is_apart": pa.array(levels.is_apart),
            "level_number": pa.array(levels.level_number),
        }
        names = [field.split()[0] for field in _LEVELS.removeprefix("struct(").split(", ")]
        found.append(pa.StructArray.from_arrays([fields[name] for name in names], names=names))
    offsets = np.cumsum([0, *(len(family) for family in found)], dtype=np.int32)
    return pa.ListArray.from_arrays(pa.array(offsets), pa.concat_arrays(found))
