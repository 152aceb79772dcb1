"""Each question of docs/questions.md is answered by the one command beside it, on the demo's warehouse."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import duckdb
import pytest
from click.testing import CliRunner

from tracemill.flows.cli import main

PAGE = (Path(__file__).parent.parent / "docs/questions.md").read_text()
QUESTIONS = re.findall(r"^\| ([^|`]+\?) \| `(tracemill .*)` \|$", PAGE, re.MULTILINE)
# What has to stand in the answer: it is the right one.
EXPECTED = {
    "Which call paths wait more": r"cache\.\(\*Prices\)\.Lookup +sync .*×1\d",
    "Who waited for whose mutex": r"Lookup:\d+ +\S*Lookup:\d+ .*ms",
    "Who holds the lock": r"Lookup +5\d +",
    "How did one map grow": r"b05 .*call_target",
    "Which functions work for the collector": r"load\.Request",
    "What is the p99": r"b08 +/browse",
    "Which benchmark got slower": r"bench sec/op of storefront/internal/server\.Shop-2",
    "What did the slowest request": r"/order",
    "What changed overall": r"17\.8 times as long in cache",
    "Is there a goroutine leak": r"created by it, in a dump",
}


def test_the_page_has_the_ten_questions() -> None:
    assert [q for q, _ in QUESTIONS if any(q.startswith(start) for start in EXPECTED)] == [
        q for q, _ in QUESTIONS
    ]
    assert len(QUESTIONS) == 10


@pytest.mark.parametrize(("question", "command"), QUESTIONS, ids=[q for q, _ in QUESTIONS])
def test_one_command_without_a_join_answers(demo: Path, question: str, command: str) -> None:
    assert " join " not in command
    words = shlex.split(command)
    done = CliRunner().invoke(main, [*words[1:], "--warehouse", str(demo)])
    assert done.exit_code == 0, done.output
    [pattern] = [pattern for start, pattern in EXPECTED.items() if question.startswith(start)]
    assert re.search(pattern, done.stdout), done.stdout


def test_plain_duckdb_reads_the_warehouse_from_any_folder(
    demo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    block = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)[0].replace("/var/lib/tracemill", str(demo))
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {"duckdb": duckdb}
    exec(block, names)
    connection = names["connection"]
    assert isinstance(connection, duckdb.DuckDBPyConnection)
    with connection:
        assert connection.execute("select count(*) > 0 from goroutine_intervals").fetchall() == [(True,)]
