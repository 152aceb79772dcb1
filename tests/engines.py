"""What other engines are given: the marts as exported, the tables as they lie, and the README's queries."""

from __future__ import annotations

import re
from pathlib import Path

from tests.conftest import SAMPLES

README = (SAMPLES.parents[1] / "README.md").read_text()
_SECTION = README.partition("## Five queries worth copying")[2].partition("\n## ")[0]
QUERIES = [
    q.strip().removesuffix(";") for q in _SECTION.partition("```sql")[2].partition("```")[0].split(";\n")
]
QUERIES = [query for query in QUERIES if query]
MARTS = sorted(set(re.findall(r"^from (\w+)", "\n".join(QUERIES), re.MULTILINE)))
# Of a table as it lies: what each capture's samples come to.
TABLE = "profile_samples"
SUMS = (
    "select capture_id, sample_type, count(*) as samples, sum(value) as total "
    f"from {TABLE} group by capture_id, sample_type"
)
ALL = (*QUERIES, SUMS)

Row = tuple[object, ...]


def plain(value: object) -> object:
    """A value as all engines can give it: lists for tuples, int for whole decimals, 12 digits of a fraction.

    Polars divides by multiplying with the inverse, which may be off by the last bit.
    """
    if isinstance(value, list | tuple):
        return [plain(each) for each in value]
    if type(value).__name__ == "Decimal":
        return int(value)  # type: ignore[call-overload]
    return float(f"{value:.12g}") if isinstance(value, float) else value


def rows(found: list[Row]) -> list[list[object]]:
    """Rows without the order in which ties came."""
    return sorted(([plain(value) for value in row] for row in found), key=repr)


def marts(folder: Path) -> dict[str, Path]:
    return {name: folder / f"marts/{name}.parquet" for name in MARTS}


def table(folder: Path) -> Path:
    return folder / "warehouse/tables" / TABLE
