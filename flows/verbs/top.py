"""The verb top: what costs most, in a build of the warehouse or straight in files."""

from __future__ import annotations

import difflib
import json
import shlex
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tracemill.flows.show.terminal import query_for_shell, say_next, tell
from tracemill.flows.verbs.options import again, settings_of, warehouse_option
from tracemill.warehouse.schema.errors import TracemillError

if TYPE_CHECKING:
    import duckdb


class NothingToShowError(TracemillError):
    """What has none of the kinds, in one sentence."""


@click.command()
@click.argument(
    "what",
    metavar="[waits|locks|contention|maps|heap|cpu|assists|latency|goroutines|tasks]… [FILE]…",
    nargs=-1,
)
@click.option("--build", "build_id", metavar="B", help="The build. Default: the newest.")
@click.option(
    "--against", metavar="B", help="Beside each figure that of this build; what differs most comes first."
)
@click.option("-n", "--rows", type=click.IntRange(min=1), show_default="10", metavar="N",
              help="Rows of each table.")  # fmt: skip
@click.option("--json", "is_json", is_flag=True, help="As one JSON object, every column.")
@warehouse_option
def top(
    what: tuple[str, ...],
    build_id: str | None,
    against: str | None,
    rows: int | None,
    is_json: bool,
    warehouse: Path | None,
) -> None:
    """What costs most: per unit of work where it is counted, what only waits for work apart.

    Of a build in the warehouse, or straight of FILEs (traces, profiles, dumps; - is standard input),
    without a warehouse; where their folders are several builds, of the newest. Without a kind, all that there
    are captures for.

    \b
    tracemill top locks --build b08
    tracemill top waits --build b08 --against b06
    tracemill top waits trace.out.xz
    """
    kinds, files = _told_apart(what)
    if files:
        if build_id or against or warehouse:
            raise click.UsageError("FILEs have no build: without --build, --against and --warehouse")
        from tracemill.flows.loading.files import warehouse_of
        from tracemill.flows.show.top import KINDS
        from tracemill.warehouse import connect

        marts = {mart for kind in kinds or KINDS for mart in KINDS[kind].marts}
        with warehouse_of(files, {*marts, "builds"}) as loaded:
            for failure in loaded.failures:
                tell(f"not read: {failure.message}", err=True)
            with connect(loaded.root) as connection:
                names = None if _has_builds(connection) else " ".join(file.name for file in files)
                _print(connection, kinds, None, None, rows, is_json, names)
        say_next(f"tracemill sql --file {' --file '.join(shlex.quote(str(f)) for f in files)}")
        if loaded.failures:
            click.get_current_context().exit(1)
        return
    from tracemill.warehouse import connect

    with connect(settings_of(warehouse=warehouse).warehouse) as connection:
        build = _print(connection, kinds, build_id, against, rows, is_json, None)
    say_next(_next_step(kinds, build, again(warehouse)))


def _has_builds(connection: duckdb.DuckDBPyConnection) -> bool:
    """Whether the files' folders say of which build they are."""
    from tracemill.flows.loading.files import BUILD
    from tracemill.warehouse.queries import ask_column

    return ask_column(connection, "verdicts/known_builds") != [BUILD]


def _told_apart(words: tuple[str, ...]) -> tuple[list[str], list[Path]]:
    """The kinds and the files among the words."""
    from tracemill.flows.show.top import KINDS

    kinds = [word for word in words if word in KINDS and not Path(word).exists()]
    files = [Path(word) for word in words if word not in kinds]
    for file in files:
        if str(file) != "-" and not file.exists():
            near = difflib.get_close_matches(str(file), KINDS, n=1)
            raise click.UsageError(
                f"{file}: no such file"
                + (
                    f"; did you mean {near[0]!r}?"
                    if near
                    else f"; what there is to ask for: {', '.join(KINDS)}"
                )
            )
    return kinds, files


def _print(
    connection: duckdb.DuckDBPyConnection,
    kinds: list[str],
    build_id: str | None,
    against: str | None,
    rows: int | None,
    is_json: bool,
    name: str | None,
) -> str:
    """Print the tables of a build, the newest where none is named; its id."""
    from tracemill.flows.names import require
    from tracemill.flows.show.terminal import terminal_width
    from tracemill.flows.show.top import as_json, as_text
    from tracemill.flows.show.top import top as top_
    from tracemill.warehouse.queries import ask_column

    builds = ask_column(connection, "verdicts/known_builds")
    if not builds:
        raise NothingToShowError("nothing is loaded yet; `tracemill run ARTIFACTS` loads builds")
    for given in (build_id, against):
        if given is not None:
            require(given, "build", builds)
    build = build_id or builds[-1]
    found = top_(connection, kinds, build, against)
    if not found and not is_json:
        raise NothingToShowError(
            f"{name or build}: nothing here that top shows; `tracemill inspect` says what there is"
        )
    if is_json:
        click.echo(json.dumps(as_json(found, build, rows, against), indent=1, ensure_ascii=False))
    else:
        tell(as_text(found, name or build, rows, terminal_width(), against), nl=False)
    return build


def _next_step(kinds: list[str], build: str, where: str) -> str:
    from tracemill.flows.show.top import KINDS

    if len(kinds) != 1:
        return f"tracemill top locks --build {shlex.quote(build)}{where}"
    mart = KINDS[kinds[0]].mart or KINDS[kinds[0]].marts[0]
    of_build = build.replace("'", "''")
    query = f"from {mart} where build_id = '{of_build}'"
    return f"tracemill sql {query_for_shell(query)}{where}"
