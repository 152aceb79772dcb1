"""The command line as its user meets it: exit codes, sentences, formats, start-up."""

from __future__ import annotations

import csv
import importlib.util
import io
import json
import shutil
import subprocess
import sys
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner, Result

from tracemill.flows.cli import main
from tracemill.warehouse.schema import MARTS

from .conftest import two_builds


def tracemill(*args: object, stdin: str | None = None) -> Result:
    return CliRunner().invoke(main, [str(a) for a in args], input=stdin)


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A warehouse on which the main job ran; of two builds nothing can be judged."""
    folder = tmp_path_factory.mktemp("cli")
    assert tracemill("run", two_builds(folder), "--warehouse", folder / "w").exit_code == 2
    return folder / "w"


@pytest.fixture
def warehouse(template: Path, tmp_path: Path) -> Path:
    return shutil.copytree(template, tmp_path / "w")


def test_run_sums_up_and_a_second_run_does_nothing(artifacts: Path, tmp_path: Path) -> None:
    first = tracemill("run", artifacts, "--warehouse", tmp_path / "w")
    assert first.exit_code == 2
    assert "nothing was judged: builds so far 2, 3 must come before one" in first.stdout
    assert "loaded 12 captures" in first.stdout
    assert f"exports: {tmp_path / 'w/exports'}" in first.stdout
    second = tracemill("run", artifacts, "--warehouse", tmp_path / "w")
    assert second.exit_code == 2
    assert "loaded 0 captures" in second.stdout
    assert "nothing new" in second.stdout


@pytest.mark.full
def test_too_few_builds_are_no_all_clear(warehouse: Path) -> None:
    found = tracemill("regressions", "--warehouse", warehouse)
    assert found.stdout == "nothing was judged: builds so far 2, 3 must come before one\n"


def test_run_exports_the_verdicts_and_export_every_mart_in_every_format(warehouse: Path) -> None:
    tracemill("export", warehouse / "all", "--warehouse", warehouse)
    verdicts = ("builds", "incidents", "regressions", "accepted_regressions")
    for folder, tables in (("exports", verdicts), ("all", (*MARTS, "accepted_regressions"))):
        found = {p.name for p in (warehouse / folder).iterdir()} - {"report.html"}
        assert found == {"schema.json", "tracemill.openmetrics"} | {
            f"{table}.{kind}" for table in tables for kind in ("csv", "parquet", "json", "md")
        }
    rows = pq.read_table(warehouse / "exports/builds.parquet").to_pylist()
    assert [r["build_id"] for r in rows] == ["b1", "b2"]
    assert [r["build_id"] for r in json.loads((warehouse / "exports/builds.json").read_text())] == [
        "b1",
        "b2",
    ]
    assert [r["build_id"] for r in csv.DictReader((warehouse / "exports/builds.csv").open())] == ["b1", "b2"]


def test_run_with_a_bad_file_goes_on_and_exits_1(artifacts: Path, tmp_path: Path) -> None:
    (artifacts / "b1/1/bad").write_text("what is this")
    found = tracemill("run", artifacts, "--warehouse", tmp_path / "w")
    assert found.exit_code == 1
    assert "loaded 12 captures" in found.stdout
    assert "b1/1/bad: no known format" in found.stderr


@pytest.mark.parametrize(
    ("args", "sentence"),
    [
        (["run", "/nowhere", "--warehouse", "W"], "/nowhere: no such folder"),
        (["inspect", "/nowhere"], "/nowhere: No such file or directory"),
        (["inspect", __file__], "no known format"),
        (["sql", "select 1", "--warehouse", "/nowhere"], "no warehouse here yet"),
        (["rgressions"], "did you mean 'regressions'?"),
        (["run", "/tmp", "--warehose", "x"], "did you mean '--warehouse'"),
        (["export", "x", "--format", "cvs"], "did you mean 'csv'?"),
    ],
)
def test_what_cannot_be_done_is_one_sentence_and_exit_2(
    args: list[str], sentence: str, tmp_path: Path
) -> None:
    found = tracemill(*[str(tmp_path / "w") if a == "W" else a for a in args])
    assert found.exit_code == 2
    assert sentence.lower() in found.stderr.lower()
    assert "Traceback" not in found.stderr


def test_misspelt_names_get_the_nearest(warehouse: Path) -> None:
    column = tracemill("sql", "select pth from captures", "--warehouse", warehouse)
    assert (column.exit_code, "path" in column.stderr) == (2, True)
    table = tracemill("sql", "from capturs", "--warehouse", warehouse)
    assert (table.exit_code, "captures" in table.stderr) == (2, True)
    build = tracemill("regressions", "--build", "b11", "--warehouse", warehouse)
    assert (build.exit_code, "did you mean 'b1'?" in build.stderr) == (2, True)
    status = tracemill("regressions", "--status", "regresed", "--warehouse", warehouse)
    assert (status.exit_code, "did you mean 'regressed'?" in status.stderr) == (2, True)


def test_sql_formats_agree(warehouse: Path, tmp_path: Path) -> None:
    query = "select build_id, ordinal, labels from builds order by ordinal"
    rows = json.loads(tracemill("sql", query, "--format", "json", "--warehouse", warehouse).stdout)
    assert rows[0] == {"build_id": "b1", "ordinal": 1, "labels": {"a": "1"}}
    lines = tracemill("sql", query, "--format", "csv", "--warehouse", warehouse).stdout
    assert next(csv.DictReader(io.StringIO(lines))) == {
        "build_id": "b1",
        "ordinal": "1",
        "labels": '{"a": "1"}',
    }
    code = [
        sys.executable,
        "-m",
        "tracemill",
        "sql",
        query,
        "--format",
        "parquet",
        "--warehouse",
        str(warehouse),
    ]
    found = subprocess.run(code, capture_output=True, check=True, timeout=60)
    table = pq.read_table(io.BytesIO(found.stdout))
    assert table.column("ordinal").to_pylist() == [1, 2]


def test_sql_reads_standard_input(warehouse: Path) -> None:
    found = tracemill("sql", "--format", "csv", "--warehouse", warehouse, stdin="select 1 as one")
    assert found.stdout == "one\n1\n"


@pytest.mark.parametrize("query", ["", ";", " ", "-- only a comment", "/* */"])
def test_no_query_is_said_in_a_sentence(query: str, warehouse: Path) -> None:
    for found in (
        tracemill("sql", query, "--warehouse", warehouse),
        tracemill("sql", "--format", "parquet", "--warehouse", warehouse, stdin=query),
    ):
        assert (found.exit_code, found.stdout) == (2, "")
        assert found.stderr == 'tracemill: there is no query; such as: tracemill sql "from regressions"\n'


def test_several_queries_give_several_tables(warehouse: Path) -> None:
    found = tracemill("sql", "select 1 as a; select 2 as b;", "--warehouse", warehouse)
    assert found.stdout == "a\n-\n1\n(1 row)\n\nb\n-\n2\n(1 row)\n"
    for format_ in ("csv", "json", "parquet"):
        found = tracemill(
            "sql", "select 1 as a; select 2 as b", "--format", format_, "--warehouse", warehouse
        )
        assert (found.exit_code, found.stdout) == (2, "")
        assert f"2 queries, and {format_} holds the rows of one" in found.stderr


def test_a_setting_before_a_query_is_no_second_result(warehouse: Path) -> None:
    query = "set threads = 1; select 1 as a"
    found = tracemill("sql", "--unsafe", query, "--format", "csv", "--warehouse", warehouse)
    assert found.stdout == "a\n1\n"


def test_sql_cannot_write(warehouse: Path) -> None:
    found = tracemill("sql", "delete from builds", "--warehouse", warehouse)
    assert found.exit_code == 2
    assert "delete: a query reads and does nothing else" in found.stderr


def test_an_empty_json_is_an_empty_array(warehouse: Path) -> None:
    found = tracemill("sql", "from builds where false", "--format", "json", "--warehouse", warehouse)
    assert json.loads(found.stdout) == []


def test_names_from_files_cannot_steer_the_terminal(warehouse: Path) -> None:
    found = tracemill("sql", "select chr(27) || '[31m' as a", "--warehouse", warehouse)
    assert "\x1b" not in found.stdout


@pytest.mark.parametrize("name", ["heap.pb.gz", "goroutine.pb.gz"])
def test_inspect_needs_no_warehouse(name: str) -> None:
    file = Path(__file__).parent / "samples/pprof/go1.27" / name
    text = tracemill("inspect", file)
    assert text.exit_code == 0
    assert "profile_samples" in text.stdout
    found = json.loads(tracemill("inspect", file, "--format", "json").stdout)
    assert found["format"] == "pprof"
    assert found["rows"]["profile_samples"] > 0


def test_every_setting_says_what_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from tracemill.flows.settings import MEANINGS

    monkeypatch.chdir(tmp_path)
    assert all(MEANINGS.values()), MEANINGS
    assert "how often `serve` runs it" in tracemill("settings").stdout


def test_settings_say_where_they_come_from(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "tracemill.toml").write_text("processes = 3\nschedule_seconds = 60\n")
    monkeypatch.setenv("TRACEMILL_PROCESSES", "2")
    found = json.loads(tracemill("settings", "--warehouse", "w", "--format", "json").stdout)
    assert found["warehouse"] == {"value": "w", "origin": "option"}
    assert found["exports"]["value"] == "w/exports"
    assert found["processes"] == {"value": 2, "origin": "environment TRACEMILL_PROCESSES"}
    assert found["schedule_seconds"] == {"value": 60.0, "origin": "tracemill.toml"}
    assert found["schedule_cron"]["origin"] == "default"


def test_a_setting_that_cannot_be_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRACEMILL_PROCESSES", "many")
    found = tracemill("settings")
    assert found.exit_code == 2
    assert "setting processes 'many'" in found.stderr


def test_sql_imports_no_parser_and_no_prefect(warehouse: Path) -> None:
    code = (
        "import sys; from tracemill.flows.cli import main\n"
        f"main(['sql', 'select 1', '--warehouse', {str(warehouse)!r}], standalone_mode=False)\n"
        "unwanted = ('prefect', 'polars', 'tracemill.parsers.')\n"
        "print([name for name in sys.modules if f'{name}.'.startswith(unwanted)])"
    )
    found = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert found.stdout.splitlines()[-1] == "[]"


@pytest.mark.parametrize("asked", [["--version"], ["gate", "--help"]])
def test_what_needs_no_warehouse_imports_no_engine(asked: list[str]) -> None:
    code = (
        "import sys; from tracemill.flows.cli import main\n"
        f"main({asked!r}, standalone_mode=False)\n"
        "print([name for name in ('duckdb', 'numpy', 'pyarrow') if name in sys.modules])"
    )
    found = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert found.stdout.splitlines()[-1] == "[]"


@pytest.mark.parametrize(
    "verb", [["run", "W", "--prefect"], ["ingest", "W", "--prefect"], ["build", "--prefect"], ["serve", "W"]]
)
def test_without_prefect_the_verbs_that_need_it_say_how_to_install_it(
    verb: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "prefect" else find(name))
    arguments = [str(tmp_path) if part == "W" else part for part in verb]
    found = tracemill(*arguments, "--warehouse", tmp_path / "w")
    assert found.exit_code == 2
    assert found.stderr == (
        "tracemill: this needs Prefect, which is not installed: pip install 'tracemill[serve]'\n"
    )


def test_every_verb_has_help() -> None:
    for verb in main.commands:
        found = tracemill(verb, "--help")
        assert found.exit_code == 0
        assert len(found.stdout.splitlines()) > 5, verb


def test_a_setting_that_is_not_known_is_refused_with_the_nearest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "tracemill.toml").write_text('wharehouse = "w"\n')
    found = tracemill("settings")
    assert (found.exit_code, found.stdout) == (2, "")
    assert "did you mean 'warehouse'?" in found.stderr
    (tmp_path / "tracemill.toml").write_text("artifacts = 3\n")
    assert "setting artifacts 3: Expected `array`" in tracemill("settings").stderr
    (tmp_path / "tracemill.toml").unlink()
    monkeypatch.setenv("TRACEMILL_ARTIFACTS", "a b")
    assert "TRACEMILL_ARTIFACTS is no JSON" in tracemill("settings").stderr


@pytest.mark.parametrize(
    "words",
    [
        "report FILE/page.html",
        "report FILE/deep/down/page.html",
        "show b08 --html FILE/page.html",
        "timeline --around b08 --svg FILE/lanes.svg",
        "export FILE",
        "export FILE/marts",
        "export FILE/waits.pb.gz --pprof --build b08",
    ],
)
@pytest.mark.sampled
def test_what_cannot_be_written_below_a_file_says_which_file(demo: Path, tmp_path: Path, words: str) -> None:
    file = tmp_path / "plain"
    file.write_text("kept")
    done = tracemill(*words.replace("FILE", str(file)).split(), "--warehouse", demo)
    assert done.exit_code == 2
    assert done.stderr.startswith(f"tracemill: {file}/")
    assert done.stderr.endswith(f": {file} is a file, no folder\n")
    assert file.read_text() == "kept"


def test_a_warehouse_below_a_file_says_which_file(tmp_path: Path) -> None:
    file = tmp_path / "plain"
    file.write_text("kept")
    done = tracemill("run", two_builds(tmp_path), "--warehouse", file / "w")
    assert done.exit_code == 2
    assert f"{file}/w: cannot be written: {file} is a file, no folder" in done.stderr


@pytest.mark.parametrize(
    "words", [["show", "b08", "--html"], ["timeline", "--around", "b08", "--svg"], ["report"]]
)
@pytest.mark.sampled
def test_the_folder_of_a_file_that_is_asked_for_is_made(demo: Path, tmp_path: Path, words: list[str]) -> None:
    file = tmp_path / "new" / "page.html"
    assert tracemill(*words, file, "--warehouse", demo).exit_code == 0
    assert file.stat().st_size > 1000
