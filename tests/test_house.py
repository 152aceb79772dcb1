"""The house stands as designed: imports run one way, every column is declared, every verb is documented."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from importlib import import_module
from pathlib import Path

import pytest

from tracemill.parsers.registry import FORMATS
from tracemill.warehouse.models import read_models
from tracemill.warehouse.schema import COLUMNS, MARTS, TABLES

TOP = Path(__file__).parent.parent
# folder → what of ours it may import
ALLOWED = {
    "flows": {"flows", "parsers", "warehouse"},
    "parsers": {"parsers", "warehouse.schema"},
    "parsers/kernels": {"parsers.kernels"},
    "warehouse": {"warehouse", "detection"},
    "warehouse/schema": {"warehouse.schema"},
    "detection": {"detection"},
}
FOLDERS = ("flows", "parsers", "warehouse", "detection")
OURS = ("tracemill", *FOLDERS, "sql", "examples", "bench", "tests")
# What stands beside the folders of code; names that begin with a dot are no part of the house.
BESIDE = {"CHANGELOG.md", "Dockerfile", "LICENSE", "Makefile", "README.md", "action.yml", "docs"}
BESIDE |= {"pyproject.toml", "requirements.lock"}


def _imports(file: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
    return found


def _folder_rule(file: Path) -> str:
    path = file.relative_to(TOP).parent.as_posix()
    return max((f for f in ALLOWED if path == f or path.startswith(f + "/")), key=len)


CODE = sorted(f for top in FOLDERS for f in (TOP / top).rglob("*.py"))


@pytest.mark.parametrize("file", CODE, ids=lambda f: f.relative_to(TOP).as_posix())
def test_imports_run_one_way(file: Path) -> None:
    allowed = ALLOWED[_folder_rule(file)]
    for name in _imports(file):
        if name.split(".")[0] in OURS:
            part = name.removeprefix("tracemill.")
            is_allowed = any(part == a or part.startswith(a + ".") for a in allowed)
            assert name.startswith("tracemill.") and is_allowed, f"{file} imports {name}"


@pytest.mark.parametrize("file", sorted((TOP / "warehouse/schema").glob("*.py")), ids=lambda f: f.name)
def test_schema_knows_only_pyarrow(file: Path) -> None:
    third_party = {n.split(".")[0] for n in _imports(file)} - {"tracemill"} - sys.stdlib_module_names
    assert third_party <= {"pyarrow"}


@pytest.mark.parametrize("file", sorted((TOP / "parsers/kernels").glob("*.py")), ids=lambda f: f.name)
def test_kernels_import_nothing_but_cython(file: Path) -> None:
    # layout.py is no kernel: it gives uncompiled kernels what C takes from the .pxd files.
    allowed = {"cython", "__future__", "tracemill.parsers.kernels.layout"}
    assert _imports(file) <= (allowed | {"pathlib", "re"} if file.name == "layout.py" else allowed)


def test_only_the_scheduled_folder_imports_prefect_and_dask() -> None:
    engines = {"prefect", "prefect_dask", "dask", "distributed"}
    found = [f for f in CODE if engines & {n.split(".")[0] for n in _imports(f)}]
    assert {f.relative_to(TOP).parent.as_posix() for f in found} == {"flows/scheduled"}


def test_the_core_imports_only_what_the_core_installs() -> None:
    project = tomllib.loads((TOP / "pyproject.toml").read_text())["project"]
    core = {re.split(r"[^\w-]", d)[0].replace("-", "_") for d in project["dependencies"]}
    assert not {"prefect", "fastapi", "sqlalchemy", "distributed", "prefect_dask"} & core
    brought = {"markupsafe", "_duckdb", "cython", "typing_extensions"}  # with these
    for file in CODE:
        # notify says which extra brings what it lacks.
        if "flows/scheduled" not in file.as_posix() and file.name not in {"notify.py", "remote.py"}:
            third_party = {n.split(".")[0] for n in _imports(file)} - {"tracemill"} - sys.stdlib_module_names
            assert third_party <= core | brought, file


@pytest.mark.parametrize("file", sorted((TOP / "detection").glob("*.py")), ids=lambda f: f.name)
def test_detection_knows_only_numpy_and_scipy(file: Path) -> None:
    third_party = {n.split(".")[0] for n in _imports(file)} - {"tracemill"} - sys.stdlib_module_names
    assert third_party <= {"numpy", "scipy"}


def test_the_package_is_the_checkouts_folders() -> None:
    package = TOP / ".package/tracemill"
    links = {p.name: p.resolve() for p in package.iterdir() if p.is_symlink()}
    assert links == {name: TOP / name for name in (*FOLDERS, "sql")}


def test_only_the_warehouse_reads_sql() -> None:
    readers = [
        f
        for f in CODE
        if re.search(r'files\("tracemill\.sql"\)|\bsql/(staging|marts|intermediate)\b.*open', f.read_text())
    ]
    assert {f.relative_to(TOP).as_posix() for f in readers} == {"warehouse/models.py", "warehouse/queries.py"}


def test_flows_hold_no_sql() -> None:
    for file in (TOP / "flows").rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                assert not re.match(r"\s*(with|select)\s.*\sfrom\s", node.value, re.DOTALL), (
                    f"{file}: {node.value}"
                )


def test_every_column_says_what_it_is() -> None:
    for column in COLUMNS.values():
        assert column.text.endswith((".", "…")), column.name
        assert not column.name.endswith("_ns") or column.unit == "ns", column.name
        assert not column.name.endswith("_bytes") or column.unit.startswith("bytes"), column.name


def test_every_column_is_used() -> None:
    used = {name for table in (*TABLES.values(), *MARTS.values()) for name in table.column_names}
    assert set(COLUMNS) == used


def test_every_mart_is_declared_and_made() -> None:
    made = {m.name: m for m in read_models() if m.folder == "marts"}
    assert set(made) == set(MARTS)
    for name, model in made.items():
        assert model.grain == MARTS[name].grain


def test_every_format_has_its_module_and_name() -> None:
    for module in FORMATS:
        form = import_module(f"tracemill.parsers.{module}")
        assert module == form.NAME
        assert form.__doc__, module


def test_every_verb_is_in_the_readme() -> None:
    from tracemill.flows.cli import main

    readme = (TOP / "README.md").read_text()
    for verb, command in main.commands.items():
        assert f"`{verb}" in readme or f"tracemill {verb}" in readme, verb
        assert command.help, verb


def test_the_dictionary_is_what_the_schema_says() -> None:
    from docs.dictionary import dictionary

    assert (TOP / "docs/dictionary.md").read_text() == dictionary(), "run `make docs`"


def test_nothing_names_an_index_or_this_machine() -> None:
    for name in (
        "requirements.lock",
        ".ci/core.lock",
        ".ci/compiler.lock",
        ".ci/spark.lock",
        "pyproject.toml",
        "Makefile",
    ):
        text = (TOP / name).read_text()
        assert "index-url" not in text
        assert "find-links" not in text


@pytest.mark.skipif(not (TOP / ".git").exists(), reason="not a checkout")
def test_nothing_else_lies_at_the_top() -> None:
    listed = subprocess.run(["git", "ls-files"], cwd=TOP, capture_output=True, text=True, check=True).stdout
    tops = {line.partition("/")[0] for line in listed.splitlines() if not line.startswith(".")}
    assert tops == BESIDE | set(OURS) - {"tracemill"}
