"""The `sql` verb as its user types: comments first, Ctrl-C, and the prompt."""

from __future__ import annotations

import io
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest
from click.testing import CliRunner, Result
from prompt_toolkit.completion import CompleteEvent
from prompt_toolkit.document import Document
from prompt_toolkit.input import create_pipe_input
from prompt_toolkit.output import DummyOutput

from tests.conftest import hear_ctrl_c
from tracemill.flows.build import build
from tracemill.flows.cli import main
from tracemill.flows.show.prompt import Names, prompt
from tracemill.warehouse import connect
from tracemill.warehouse.reading import only_reading

ENDLESS = (
    "select count(*) from range(100000) a, range(100000) b, range(1000) c where a.range + b.range < c.range"
)


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("w")
    build(root, full=True)
    return root


@pytest.fixture
def connection(warehouse: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    with connect(warehouse) as opened:
        yield opened


def tracemill(*args: object) -> Result:
    return CliRunner().invoke(main, [str(a) for a in args])


@pytest.mark.parametrize(
    "query", ["-- one\nselect 1 as a", "-- which build=1?\nselect 1 as a", "--x y\nselect 1 as a"]
)
def test_a_query_that_begins_with_a_comment_is_no_option(warehouse: Path, query: str) -> None:
    for arguments in (("sql", query, "--format", "csv"), ("sql", "--format", "csv", query)):
        done = tracemill(*arguments, "--warehouse", warehouse)
        assert (done.exit_code, done.stdout) == (0, "a\n1\n"), done.output


def test_a_misspelt_option_stays_an_error(warehouse: Path) -> None:
    done = tracemill("sql", "--formt", "csv", "select 1", "--warehouse", warehouse)
    assert (done.exit_code, "--format" in done.stderr) == (2, True)


def test_ctrl_c_ends_a_query_at_once(warehouse: Path) -> None:
    command = [sys.executable, "-m", "tracemill", "sql", ENDLESS, "--warehouse", str(warehouse)]
    asked = subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
        preexec_fn=hear_ctrl_c,
    )
    try:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and _cpu_seconds(asked.pid) < 2:  # it is at work
            time.sleep(0.1)
        os.kill(asked.pid, signal.SIGINT)
        assert asked.wait(60) == 130
    finally:
        asked.kill()
        asked.communicate()


def _cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def typed(
    connection: duckdb.DuckDBPyConnection, keys: str, capsys: pytest.CaptureFixture[str], state: Path
) -> str:
    """What the prompt prints when these keys are typed; Ctrl-D is typed behind them."""
    with pytest.MonkeyPatch.context() as patch, create_pipe_input() as pipe:
        patch.setenv("XDG_STATE_HOME", str(state))
        pipe.send_text(keys + "\x04")
        prompt(connection, source=pipe, screen=DummyOutput())
    return capsys.readouterr().out


def test_the_prompt_answers_over_several_lines_and_goes_on_after_an_error(
    connection: duckdb.DuckDBPyConnection, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    shown = typed(
        connection,
        "select\r40 + 2 as answer;\rselect nonsense;\rselect 7 as seven; select 8 as eight;\r",
        capsys,
        tmp_path,
    )
    assert "answer\n" in shown
    assert re.search(r"\b42\b", shown)
    assert "nonsense" in shown
    assert "seven" in shown
    assert "eight" in shown
    kept = (tmp_path / "tracemill/sql_history").read_text()
    assert "40 + 2 as answer;" in kept


def test_the_prompts_commands(
    connection: duckdb.DuckDBPyConnection, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    shown = typed(
        connection, ".tables\r.columns builds\r.mode json\rselect 1 as a;\r.nonsense\r", capsys, tmp_path
    )
    assert re.search(r"^regressions\b", shown, re.MULTILINE)
    assert "int_points" not in shown
    assert "committed_at" in shown
    assert '{"a": 1}' in shown
    assert shown.count(".mode FORMAT") == 2  # at the beginning, and for what is no command
    assert "int_points" in typed(connection, "\\d all\r", capsys, tmp_path)
    assert "not reached" not in typed(connection, "exit\rselect 'not reached';\r", capsys, tmp_path)


def test_ctrl_c_at_the_prompt_drops_what_was_typed(
    connection: duckdb.DuckDBPyConnection, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    shown = typed(connection, "select 'dropped'\x03select 'kept' as k;\r", capsys, tmp_path)
    assert "kept" in shown
    assert "dropped" not in shown


@pytest.mark.parametrize(
    ("text", "expected"),
    [("from regr", "regressions"), ("select first_bu", "first_build_id"), ("SEL", "select"),
     ("select date_tr", "date_trunc"), ("from builds as b where b.commi", "commit")],
)  # fmt: skip
def test_completion_knows_tables_columns_keywords_and_functions(
    connection: duckdb.DuckDBPyConnection, text: str, expected: str
) -> None:
    found = [c.text for c in Names(connection).get_completions(Document(text), CompleteEvent())]
    assert expected in found


def test_completion_gives_the_columns_of_the_tables_named_first(
    connection: duckdb.DuckDBPyConnection,
) -> None:
    document = Document("from builds select com", len("from builds select com"))
    assert next(Names(connection).get_completions(document, CompleteEvent())).text == "commit"


@pytest.mark.parametrize(
    "query",
    [
        "copy (select 1) to '{outside}'",
        "copy (select 1) to 'tables/new.csv'",
        "explain analyze copy (select 1) to 'tables/new.csv'",
        "explain (analyze) copy (select 1) to 'tables/new.csv'",
        "select 1; copy (select 1) to 'tables/new.csv'",
        "attach '{outside}' as other",
        "export database '{outside}'",
        "install httpfs",
        "set threads = 1",
        "create table more as select 1",
        "drop table regressions",
        "call pragma_version()",
    ],
)
def test_a_query_does_nothing_but_read(warehouse: Path, tmp_path: Path, query: str) -> None:
    done = tracemill("sql", query.format(outside=tmp_path / "outside"), "--warehouse", warehouse)
    assert (done.exit_code, done.stdout) == (2, "")
    assert "a query reads and does nothing else; --unsafe lets it do more" in done.stderr
    assert not list(tmp_path.iterdir())
    assert not (warehouse / "tables/new.csv").exists()


@pytest.mark.parametrize("path", ["/etc/passwd", "tables/../manifest", "../{name}/log", "/etc/*"])
def test_a_query_reads_no_file_but_those_of_the_warehouse(warehouse: Path, path: str) -> None:
    query = f"select * from read_text('{path.format(name=warehouse.name)}')"
    done = tracemill("sql", query, "--warehouse", warehouse)
    assert (done.exit_code, done.stdout) == (2, "")
    assert "disabled by configuration" in done.stderr


def test_a_query_that_only_reads_may_be_explained_and_read_raw_rows(demo: Path) -> None:
    for query in (
        "select count(*) > 0 as found from goroutine_intervals",
        "explain analyze select count(*) from goroutine_intervals",
        "describe regressions",
        "summarize builds",
        "show tables",
    ):
        done = tracemill("sql", query, "--format", "csv", "--warehouse", demo)
        assert done.exit_code == 0, done.output
        assert done.stdout


def test_who_asks_for_it_may_do_more(warehouse: Path, tmp_path: Path) -> None:
    query = f"copy (select 1 as a) to '{tmp_path}/a.csv'"
    done = tracemill("sql", "--unsafe", query, "--warehouse", warehouse)
    assert (done.exit_code, (tmp_path / "a.csv").read_text()) == (0, "a\n1\n")


def test_the_prompt_refuses_what_does_more_than_read_and_goes_on(
    warehouse: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    with only_reading(warehouse) as connection:
        shown = typed(
            connection, f"copy (select 1) to '{tmp_path}/a.csv';\rselect 40 + 2;\r", capsys, tmp_path
        )
    assert "a query reads and does nothing else" in shown
    assert re.search(r"\b42\b", shown)
    assert not (tmp_path / "a.csv").exists()


def test_a_query_whose_answer_nobody_can_read_ends_well(
    warehouse: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdout", None)
    assert main(["sql", "select 1", "--warehouse", str(warehouse)], standalone_mode=False) in (None, 0)


@pytest.mark.parametrize(
    ("encoding", "shown"), [("ascii", b"-> ?"), ("latin-1", b"-> \xe9"), ("utf-8", "→ é".encode())]
)
@pytest.mark.parametrize("format_", ["table", "csv", "json"])
def test_a_sign_that_the_readers_encoding_lacks_ends_no_query(
    warehouse: Path, monkeypatch: pytest.MonkeyPatch, encoding: str, shown: bytes, format_: str
) -> None:
    written = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(written, encoding=encoding))
    words = ["sql", "select '→ é' as x", "--warehouse", str(warehouse), "--format", format_]
    assert main(words, standalone_mode=False) in (None, 0)
    sys.stdout.flush()
    assert shown in written.getvalue()
