"""The SQL prompt: completion, history across sessions, editing over several lines, commands."""

from __future__ import annotations

import io
import os
import re
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click
import duckdb
from prompt_toolkit import PromptSession
from prompt_toolkit.completion import Completer, Completion
from prompt_toolkit.filters import Condition
from prompt_toolkit.history import FileHistory, InMemoryHistory
from prompt_toolkit.key_binding import KeyBindings
from prompt_toolkit.lexers import PygmentsLexer
from pygments.lexers.sql import SqlLexer

from tracemill.flows.show.query import interruptible
from tracemill.flows.show.tables import TEXT_WRITERS, write_table
from tracemill.flows.show.terminal import tell
from tracemill.warehouse import queries
from tracemill.warehouse.reading import OnlyReadsError, require_reading

if TYPE_CHECKING:
    from collections.abc import Iterator

    from prompt_toolkit.completion import CompleteEvent
    from prompt_toolkit.document import Document
    from prompt_toolkit.history import History
    from prompt_toolkit.input import Input
    from prompt_toolkit.key_binding import KeyPressEvent
    from prompt_toolkit.output import Output

HELP = """\
A statement ends with ; and may span lines. Tab completes, the arrows bring back what was asked before,
Ctrl-C ends a query, Ctrl-D leaves.
  .tables [all]    the tables and marts; all: the models between them too   (also \\d)
  .columns TABLE   a table's columns and what they mean                    (also \\d TABLE)
  .mode FORMAT     table, csv, json or md
  help, exit
"""
# What may be asked without a ; behind it.
_COMMAND = re.compile(r"\s*(?:[.\\]\S.*|help|exit|quit)\s*;?\s*", re.IGNORECASE)
_WORD = re.compile(r"[\w.\\]+$")
_LEAVE = {".quit", ".exit", "exit", "quit", "\\q"}
# Wide rows scroll sideways, short output stays on the screen.
_LESS = "-SRFX"


class Names(Completer):
    """Completes tables, the columns of those in the statement, keywords and functions."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        columns = connection.execute(queries.text("prompt/all_columns")).fetchall()
        self._columns: dict[str, list[str]] = {}
        for table, column in columns:
            self._columns.setdefault(str(table), []).append(str(column))
        self._words = queries.ask_column(connection, "prompt/words")

    def get_completions(self, document: Document, complete_event: CompleteEvent) -> Iterator[Completion]:  # noqa: ARG002 - prompt_toolkit's
        """The names that begin as the word before the cursor does, the likeliest first."""
        found = _WORD.search(document.text_before_cursor)
        word = found.group().rpartition(".")[2].lower() if found else ""
        if not word:
            return
        named = [t for t in self._columns if re.search(rf"\b{re.escape(t)}\b", document.text)]
        inner = [c for table in named for c in self._columns[table]]
        others = [c for columns in self._columns.values() for c in columns]
        for name in dict.fromkeys([*inner, *self._columns, *self._words, *others]):
            if name.lower().startswith(word):
                yield Completion(name, start_position=-len(word))


def prompt(
    connection: duckdb.DuckDBPyConnection, *, source: Input | None = None, screen: Output | None = None
) -> None:
    """Read statements until the end of input; an error is shown and the prompt goes on."""
    session: PromptSession[str] = PromptSession(
        "tracemill> ",
        multiline=True,
        prompt_continuation=lambda width, *_: "...> ".rjust(width),
        history=_history(),
        completer=Names(connection),
        complete_while_typing=False,
        lexer=PygmentsLexer(SqlLexer),
        key_bindings=_keys(),
        input=source,
        output=screen,
    )
    tell(HELP)
    shell = _Shell(connection)
    while True:
        try:
            text = session.prompt().strip()
        except KeyboardInterrupt:
            continue
        except EOFError:
            return
        if text.rstrip("; ").lower() in _LEAVE:
            return
        try:
            shell.answer(text)
        except (duckdb.Error, OnlyReadsError) as error:
            tell(str(error))
        except KeyboardInterrupt:
            tell("interrupted")


class _Shell:
    """Answers statements and commands, in the format that was asked for last."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self._connection = connection
        self._mode = "table"

    def answer(self, text: str) -> None:
        """One input: a command, or any number of statements. Raises duckdb.Error, KeyboardInterrupt."""
        if _COMMAND.fullmatch(text):
            self._command(*text.rstrip("; ").split())
            return
        for statement in self._connection.extract_statements(text):
            self._show(statement.query, self._mode)

    def _command(self, command: str, argument: str = "", *_: str) -> None:
        name = command.lower()
        if name in {".tables", "\\d", "\\dt"} and argument in {"", "all"}:
            self._show(queries.text("prompt/tables"), "table", {"is_all": argument == "all"})
        elif name in {".columns", ".schema", "\\d"} and argument:
            self._show(queries.text("prompt/columns"), "table", {"table_name": argument})
        elif name == ".mode" and argument in TEXT_WRITERS:
            self._mode = argument
        else:
            tell(HELP)

    def _show(self, query: str, mode: str, values: dict[str, object] | None = None) -> None:
        out = io.StringIO()

        def write() -> None:
            require_reading(self._connection, query)
            rows = self._connection.execute(query, values or {})
            if mode == "table":
                write_table(rows, out, width=None)
            else:
                TEXT_WRITERS[mode](rows, out)

        interruptible(self._connection, write)
        _page(out.getvalue())


def _page(text: str) -> None:
    """Text as it is, or through a pager where it is larger than the terminal."""
    size = shutil.get_terminal_size()
    lines = text.splitlines()
    is_large = len(lines) > size.lines or max(map(len, lines), default=0) > size.columns
    if is_large and sys.stdout.isatty():
        os.environ.setdefault("LESS", _LESS)
        click.echo_via_pager(text)
    else:
        click.echo(text, nl=False)


def _keys() -> KeyBindings:
    """Enter sends what is whole, and begins another line of what is not."""
    keys = KeyBindings()

    def is_whole() -> bool:
        from prompt_toolkit.application import get_app

        text = get_app().current_buffer.text
        return not text.strip() or text.rstrip().endswith(";") or bool(_COMMAND.fullmatch(text))

    @keys.add("enter", filter=Condition(is_whole))
    def send(event: KeyPressEvent) -> None:
        event.current_buffer.validate_and_handle()

    return keys


def _history() -> History:
    """What was asked before, kept for this user; only for now where that cannot be written."""
    home = Path(os.environ.get("XDG_STATE_HOME") or "~/.local/state").expanduser() / "tracemill"
    try:
        home.mkdir(parents=True, exist_ok=True)
        file = home / "sql_history"
        file.touch()
    except OSError:
        return InMemoryHistory()
    return FileHistory(str(file))
