"""The verbs that look into captures and tables: sql, inspect."""

from __future__ import annotations

import contextlib
import json
import re
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tracemill.flows.show.terminal import say_next, tell
from tracemill.flows.verbs.options import format_option, settings_of, warehouse_option

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tracemill.flows.loading.files import Loaded


class _Query(click.Command):
    """A query may begin with a comment: what begins with -- and holds blanks is no option."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Put such a query behind the options."""
        queries = [a for a in args if a.startswith("--") and re.match(r"--\s|--[^=]*\s", a)]
        if queries and "--" not in args:
            args = [*(a for a in args if a not in queries), "--", *queries]
        return super().parse_args(ctx, args)


@click.command(cls=_Query)
@click.argument("query", required=False)
@warehouse_option
@format_option("table", "csv", "json", "md", "parquet")
@click.option(
    "--file",
    "files",
    metavar="FILE",
    multiple=True,
    help="Ask this file instead of a warehouse; or a folder of builds, a quoted pattern such as "
    "'b*/r1/heap.pb.gz', - for standard input. May be repeated: files of one folder are of one run, those of "
    "several folders of the <build>/<run>/ that they lie in.",
)
@click.option(
    "--unsafe",
    is_flag=True,
    help="Also reach files outside the warehouse, the network and DuckDB's settings, and write with COPY.",
)
def sql(
    query: str | None, warehouse: Path | None, format_: str, files: tuple[str, ...], unsafe: bool
) -> None:
    """Run QUERY, which reads the warehouse and does nothing else.

    Without one, read it from standard input, or prompt on a terminal. Several, with ; between them, give
    a table each.

    Tables and columns explain themselves: `tracemill sql "from duckdb_columns() select table_name,
    column_name, comment where comment is not null"`, and docs/dictionary.md has them all.

    \b
    tracemill sql "from regressions"
    tracemill sql --file trace.out.xz "from lock_waits"
    tracemill sql --format csv "select build_id, value from regression_history where metric = 'block_ns'"
    """
    if files and warehouse:
        raise click.UsageError("--file or --warehouse: a question is asked of one of them")
    is_prompt = query is None and sys.stdin.isatty()
    if query is None and not is_prompt:
        if "-" in files:
            raise click.UsageError(
                "--file - takes standard input for the file: give the query as an argument"
            )
        query = sys.stdin.read()
    with contextlib.ExitStack() as stack:
        if files:
            root = stack.enter_context(_loaded(files, query)).root
        else:
            root = settings_of(warehouse=warehouse).warehouse
        _answer(root, query, format_, is_unsafe=unsafe)


def _answer(root: Path, query: str | None, format_: str, *, is_unsafe: bool) -> None:
    """Run the query, or prompt where there is none."""
    from tracemill.flows.show.query import run
    from tracemill.warehouse import connect
    from tracemill.warehouse.reading import only_reading

    with connect(root) if is_unsafe else only_reading(root) as connection:
        if query is None:
            from tracemill.flows.show.prompt import prompt

            prompt(connection)
        else:
            run(connection, query, format_)


@contextlib.contextmanager
def _loaded(files: tuple[str, ...], query: str | None) -> Iterator[Loaded]:
    """The files loaded, with the marts that the query needs; with all where that can't be told."""
    from tracemill.flows.loading.files import named, warehouse_of
    from tracemill.warehouse.models import tables_read

    with warehouse_of(named(files), None if query is None else tables_read(query)) as loaded:
        for failure in loaded.failures:
            tell(f"not read: {failure.message}", err=True)
        yield loaded


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@format_option("table", "json")
def inspect(file: Path, format_: str) -> None:
    """Say what is in one FILE: its format, its tables, and the few rows that say most. No warehouse.

    \b
    tracemill inspect trace.out
    tracemill inspect heap.pb.gz --format json
    """
    from tracemill.flows.show.inspect import as_json, as_text
    from tracemill.flows.show.inspect import inspect as inspect_

    found = inspect_(file)
    if format_ == "json":
        click.echo(json.dumps(as_json(found), indent=1))
    else:
        tell(as_text(found), nl=False)
    unread = sum(each.error is not None for each in found)
    if unread < len(found) and format_ == "table":
        verb = "top" if any(each.is_in_top for each in found) else "sql --file"
        say_next(f"tracemill {verb} {shlex.quote(str(file))}")
    click.get_current_context().exit(0 if not unread else 1 if unread < len(found) else 2)
