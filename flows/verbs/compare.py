"""The verb compare: two builds of the warehouse, two folders of captures or two files."""

from __future__ import annotations

import contextlib
import difflib
import json
import shlex
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tracemill.flows.show.terminal import say, say_next, tell, visible_lines
from tracemill.flows.verbs.options import again, format_option, settings_of, warehouse_option

if TYPE_CHECKING:
    from collections.abc import Iterator

    import duckdb

_Opened = tuple["duckdb.DuckDBPyConnection", str, str]

DEFAULT_PERCENT = 5.0
# What two paths are called in their throw-away warehouse.
_BEFORE, _AFTER = "before", "after"


@click.command()
@click.argument("before", metavar="A")
@click.argument("after", metavar="B")
@click.option(
    "--at-least",
    type=click.FloatRange(min=0, min_open=True),
    default=DEFAULT_PERCENT,
    show_default=True,
    metavar="PERCENT",
    help="The change that is worth a word.",
)
@click.option(
    "--same-source",
    is_flag=True,
    help="They are of one source, though no commit says so: what differs is the toolchain's.",
)
@format_option(
    "table",
    "json",
    "benchstat",
    meaning="json: one object with every series; benchstat: its table, of the benchmarks alone.",
)
@warehouse_option
@click.pass_context
def compare(
    context: click.Context,
    before: str,
    after: str,
    at_least: float,
    same_source: bool,
    format_: str,
    warehouse: Path | None,
) -> None:
    """Two builds without a history: what differs, what does not, what cannot be told.

    A and B are builds of the warehouse, folders of captures (of runs, or of files) or two files of one kind.
    Of one commit under two releases of Go, what differs is the toolchain's and no verdict on the code.
    Exit code 0: nothing got worse, 1: something did, 2: nothing could be told, as with one run a side, or a
    capture could not be loaded. With --format benchstat 0: there are benchmarks, 2: there are none, or a
    capture could not be loaded.

    \b
    tracemill compare base/ head/
    tracemill compare b07 b08 --at-least 10
    tracemill compare old.txt new.txt --format benchstat
    """
    is_path = warehouse is None and (Path(before).exists() or Path(after).exists())
    root = settings_of(warehouse=warehouse).warehouse
    if warehouse is None and not is_path and not root.exists():
        raise click.UsageError(
            f"neither {before} nor {after} is a folder or file here, and there is no warehouse {root}"
        )
    opened = _paths(Path(before), Path(after)) if is_path else _builds(root, before, after)
    with opened as (connection, first, second):
        if format_ == "benchstat":
            from tracemill.flows.gate.judge import failures_of
            from tracemill.flows.show.benchstat import as_benchstat

            text = as_benchstat(connection, first, second, names=(before, after))
            say(visible_lines(text) or "no benchmarks on either side\n")
            lost = [
                (name, f)
                for name, b in ((before, first), (after, second))
                for f in failures_of(connection, b)
            ]
            for name, failure in lost:
                tell(f"{name}: {failure.reason}", err=True)
            context.exit(0 if text and all(f.is_unknown_kind for _, f in lost) else 2)
        from tracemill.flows.gate.compare import compare as compare_

        found = compare_(connection, first, second, at_least, is_same_source=same_source)
    if format_ == "json":
        say(json.dumps(found.as_json(before, after), indent=1, ensure_ascii=False) + "\n")
    else:
        from tracemill.flows.show.comparison import as_text

        say(visible_lines(as_text(found, before, after)))
    if is_path:
        say_next(f"tracemill compare {shlex.quote(before)} {shlex.quote(after)} --json")
    else:
        say_next(
            f"tracemill top --build {shlex.quote(after)} --against {shlex.quote(before)}{again(warehouse)}"
        )
    context.exit(found.exit_code)


@contextlib.contextmanager
def _builds(warehouse: Path, before: str, after: str) -> Iterator[_Opened]:
    """The warehouse, and two builds of it."""
    from tracemill.flows.names import require
    from tracemill.warehouse import connect
    from tracemill.warehouse.queries import ask_column

    with connect(warehouse) as connection:
        builds = ask_column(connection, "verdicts/known_builds")
        for given in (before, after):
            require(given, "build", builds)
        if before == after:
            raise click.UsageError(f"{before} is one build; compare takes two")
        yield connection, before, after


@contextlib.contextmanager
def _paths(before: Path, after: Path) -> Iterator[_Opened]:
    """A warehouse for once, with what lies at each path as a build."""
    from tracemill.flows.gate.compare import MODELS
    from tracemill.flows.loading.files import warehouse_of_builds
    from tracemill.warehouse import connect
    from tracemill.warehouse.queries import ask_column

    for path in (before, after):
        if not path.exists():
            raise click.UsageError(_no_such_path(path))
    if before.is_dir() != after.is_dir():
        raise click.UsageError("one is a folder and the other a file; compare takes two of a kind")
    with (
        warehouse_of_builds({_BEFORE: before, _AFTER: after}, MODELS) as loaded,
        connect(loaded.root) as connection,
    ):
        if not before.is_dir():
            kinds = [ask_column(connection, "compare/kinds", build_id=b) for b in (_BEFORE, _AFTER)]
            if kinds[0] != kinds[1]:
                named = [", ".join(k) or "nothing that can be read" for k in kinds]
                raise click.UsageError(
                    f"{before} is {named[0]}, {after} is {named[1]}; compare takes two of a kind"
                )
        yield connection, _BEFORE, _AFTER


def _no_such_path(path: Path) -> str:
    folder = path.parent
    beside = [p.name for p in folder.iterdir()] if folder.is_dir() else []
    near = difflib.get_close_matches(path.name, beside, n=1)
    return f"{path}: no such file or folder" + (f"; did you mean {str(folder / near[0])!r}?" if near else "")
