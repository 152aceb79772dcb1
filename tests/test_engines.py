"""Other engines read the warehouse from plain paths: the README's five queries and a table, equal rows."""

from __future__ import annotations

import importlib.util
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb
import polars as pl
import pytest

import tracemill
from tests import engines
from tests.conftest import SAMPLES
from tracemill.flows.build import publish_tables
from tracemill.flows.keep.compact import compact
from tracemill.flows.loading.ingest import ingest
from tracemill.flows.show.export import export
from tracemill.warehouse import connect

if TYPE_CHECKING:
    from _pytest.mark.structures import ParameterSet

RECIPES = re.findall(r"```python\n(.*?)```", (SAMPLES.parents[1] / "docs/engines.md").read_text(), re.DOTALL)
NEEDS_SPARK = pytest.mark.skipif(
    importlib.util.find_spec("pyspark") is None or shutil.which("java") is None,
    reason="no Java or no pyspark here: Spark did not read a warehouse (`make test-full` installs pyspark, "
    "Debian's openjdk-17-jre-headless is a Java)",
)
Answers = list[list[list[object]]]


@pytest.fixture(scope="module")
def folder(demo: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """As docs/engines.md has it: the marts as they are exported, and the warehouse."""
    folder = tmp_path_factory.mktemp("engines")
    export(demo, folder / "marts", ("parquet",), engines.MARTS)
    (folder / "warehouse").symlink_to(demo)
    return folder


@pytest.fixture(scope="module")
def expected(demo: Path) -> Answers:
    """What the warehouse itself answers."""
    with connect(demo) as connection:
        found = [engines.rows(connection.execute(q).fetchall()) for q in engines.ALL]
    assert len(found) == 6
    assert all(found)
    return found


def test_duckdb_reads_plain_paths(folder: Path, expected: Answers) -> None:
    with duckdb.connect() as connection:
        for name, file in engines.marts(folder).items():
            connection.execute(f"create view {name} as from read_parquet('{file}')")
        connection.execute(
            f"create view {engines.TABLE} as from read_parquet('{engines.table(folder)}/*/*.parquet', "
            "hive_partitioning = true, hive_types = {'capture_id': varchar})"
        )
        assert [engines.rows(connection.execute(q).fetchall()) for q in engines.ALL] == expected


def test_polars_reads_plain_paths(folder: Path, expected: Answers) -> None:
    frames = {name: pl.scan_parquet(file) for name, file in engines.marts(folder).items()}
    frames[engines.TABLE] = pl.scan_parquet(
        engines.table(folder), hive_partitioning=True, hive_schema={"capture_id": pl.String}
    )
    with pl.SQLContext(frames) as context:
        assert [engines.rows(context.execute(q).collect().rows()) for q in engines.ALL] == expected


@pytest.mark.full
@NEEDS_SPARK
def test_spark_on_workers_of_its_own_reads_plain_paths(folder: Path, expected: Answers) -> None:
    from tests.spark import answers

    assert answers(folder, "local-cluster[2,1,1024]") == expected


def _recipe(text: str) -> ParameterSet:
    name = re.findall(r"import (\w+)|from (\w+)", text)[0]
    is_spark = "pyspark" in name
    return pytest.param(text, id="".join(name), marks=[pytest.mark.full, NEEDS_SPARK] if is_spark else [])


@pytest.mark.parametrize("recipe", [_recipe(text) for text in RECIPES])
def test_the_recipes_run(recipe: str, folder: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", recipe], cwd=folder, capture_output=True, text=True, check=False, timeout=300
    )
    assert done.returncode == 0, done.stderr
    assert "capture_id" in done.stdout


def test_the_files_of_a_table_are_those_that_count(artifacts: Path, tmp_path: Path) -> None:
    root = tmp_path / "w"
    ingest([artifacts], root)
    publish_tables(root)
    stray = root / "tables/profile_samples/capture_id=0123456789abcdef/left.parquet"
    stray.parent.mkdir()
    shutil.copy(tracemill.files(root, "profile_samples")[0], stray)

    def total() -> tuple[object, ...]:
        files = tracemill.files(root, "profile_samples")
        assert str(stray) not in files
        query = "select count(*), sum(value) from read_parquet($1, hive_partitioning = false)"
        with duckdb.connect() as connection:
            return connection.execute(query, [files]).fetchall()[0]

    with connect(root) as connection:
        (expected,) = connection.execute("select count(*), sum(value) from profile_samples").fetchall()
    assert total() == expected
    before = len(tracemill.files(root, "profile_samples"))
    compact(root)
    assert len(tracemill.files(root, "profile_samples")) < before
    assert total() == expected
    assert tracemill.files(root, "trace_events") == []
    with pytest.raises(KeyError, match="no table 'profile_sample'"):
        tracemill.files(root, "profile_sample")
