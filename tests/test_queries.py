"""The queries that flows ask fit the tables that are published, also where nothing is loaded yet."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest

from tracemill.flows.build import build
from tracemill.warehouse.queries import names, text
from tracemill.warehouse.schema import TABLES
from tracemill.warehouse.whatif import WhatIf

TOP = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[duckdb.DuckDBPyConnection]:
    """An empty published warehouse; what-if queries name its tables as ``published.main.…``."""
    root = tmp_path_factory.mktemp("w")
    build(root, full=True)
    with WhatIf(root) as whatif:
        yield whatif.connection


@pytest.mark.parametrize("name", names())
def test_every_query_is_prepared_against_an_empty_warehouse(
    name: str, empty: duckdb.DuckDBPyConnection
) -> None:
    folder, _, table = name.partition("/")
    if folder == "summaries":
        empty.register("rows", pa.Table.from_pylist([], TABLES[table].arrow_schema()))
    empty.execute(f"prepare asked as {text(name)}")


@pytest.mark.parametrize("name", names())
def test_every_query_begins_with_a_sentence_and_binds_by_name(name: str) -> None:
    first, *rest = text(name).splitlines()
    assert re.fullmatch(r"-- [A-Z].*\.", first), first
    code = [line for line in rest if not line.lstrip().startswith("--")]
    assert not re.search(r"\$\d|\?", re.sub(r"'[^']*'", "''", "\n".join(code)))


def test_every_query_is_asked() -> None:
    code = "".join(f.read_text() for top in ("flows", "warehouse") for f in (TOP / top).rglob("*.py"))
    for name in names():
        folder, _, last = name.partition("/")
        is_made_up = f'"{folder}/{{' in code and (f'"{last}"' in code or folder == "summaries")
        assert f'"{name}"' in code or is_made_up, name
