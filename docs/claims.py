"""The tables of docs/claims.md, from the claims lab's artifacts: python -m docs.claims writes them anew."""

from __future__ import annotations

import re
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from tracemill.flows.run import run
from tracemill.flows.show.tables import markdown_table, names_and_rows
from tracemill.warehouse import connect

if TYPE_CHECKING:
    import duckdb

PAGE = Path(__file__).parent / "claims.md"
ARTIFACTS = Path(__file__).parents[1] / "examples" / "claims" / "artifacts"
# A query, and below it the table that it gives.
_QUERY = re.compile(r"(```sql\n(.*?)```\n\n)(?:\|[^\n]*\n)*", re.DOTALL)


def filled(page: str, connection: duckdb.DuckDBPyConnection) -> str:
    """The page with what each of its queries gives below it."""

    def answer(query: re.Match[str]) -> str:
        return query[1] + markdown_table(*names_and_rows(connection.execute(query[2])))

    return _QUERY.sub(answer, page)


def main() -> None:
    """Run the main job over the artifacts and write the page."""
    with tempfile.TemporaryDirectory() as name:
        warehouse = Path(name, "warehouse")
        ran = run([ARTIFACTS], warehouse, Path(name, "exports"))
        if ran.ingested.failures or ran.published.failed_checks:
            sys.exit(f"{PAGE}: left as it is, since not everything could be loaded and checked")
        with connect(warehouse) as connection:
            PAGE.write_text(filled(PAGE.read_text("utf-8"), connection), "utf-8")


if __name__ == "__main__":
    main()
