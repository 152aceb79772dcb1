"""The verb export: the marts as files, and captures, ranges of time and verdicts for other tools."""

from __future__ import annotations

import contextlib
import difflib
import re
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tracemill.flows.show.terminal import say_next, tell
from tracemill.flows.verbs.options import settings_of, warehouse_option

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import duckdb

_NEXT = {
    "pprof": "go tool pprof -http=: {file}",
    "speedscope": "open {file} at https://www.speedscope.app or with `speedscope {file}`",
    "perfetto": "open {file} at https://ui.perfetto.dev, which keeps it in the browser",
    "pgo": "go build -pgo={file}, or lay it beside the main package as default.pgo",
}
_NS = {"": 1e6, "ns": 1, "us": 1e3, "µs": 1e3, "ms": 1e6, "s": 1e9}


class _Time(click.ParamType[int]):
    """A time since the capture's start, as Go writes durations: 250ms, 1.5s; without a unit milliseconds."""

    name = "time"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> int:
        found = re.fullmatch(r"(\d+(?:\.\d+)?)(ns|us|µs|ms|s|)", str(value))
        if found is None:
            self.fail(f"{value!r} is no time such as 250ms or 1.5s", param, ctx)
        return round(float(found[1]) * _NS[found[2]])


def _tool(name: str, text: str) -> Callable[[Any], Any]:
    return click.option(f"--{name}", "tool", flag_value=name, help=text)


@click.command()
@click.argument("target", metavar="FOLDER|FILE", type=click.Path(path_type=Path))
@warehouse_option
@click.option(
    "--format",
    "formats",
    help="Of the marts: csv, parquet, json, md, openmetrics, with commas. Default: all.",
)
@_tool("pprof", "One file for go tool pprof: a profile, the waits of a trace, a build by one metric.")
@_tool("speedscope", "The same for speedscope.")
@_tool("perfetto", "One file for ui.perfetto.dev: the goroutines of a trace, who woke whom, tasks, counters.")
@_tool("pgo", "The CPU profiles of a build merged into one for go build -pgo, and how much of it is stale.")
@click.option(
    "--capture", "captures", metavar="C", multiple=True, help="A capture's id, path or the end of its path."
)
@click.option("--file", "files", metavar="FILE", multiple=True, help="A file instead of a warehouse.")
@click.option("--build", "build_id", metavar="B", help="What this build's call paths cost …")
@click.option("--metric", metavar="M", help="… by this metric. Default: block_ns.")
@click.option("--verdict", metavar="B", help="What the gravest verdict of this build is seen in …")
@click.option("--function", metavar="F", help="… or that of a function with this in its name.")
@click.option(
    "--from", "from_ns", type=_Time(), metavar="T", help="Of a trace only from T on, such as 250ms."
)
@click.option("--to", "to_ns", type=_Time(), metavar="T", help="Of a trace only up to T.")
def export(
    target: Path,
    warehouse: Path | None,
    formats: str | None,
    tool: str | None,
    captures: tuple[str, ...],
    files: tuple[str, ...],
    build_id: str | None,
    metric: str | None,
    verdict: str | None,
    function: str | None,
    from_ns: int | None,
    to_ns: int | None,
) -> None:
    """Write the public marts to FOLDER, or one FILE for another tool.

    The marts: one file a mart and format, each replaced whole; schema.json beside them says what each
    column means. OpenMetrics is one file with the newest figures and the verdicts.

    \b
    tracemill export public/
    tracemill export waits.pb.gz --pprof --file trace.out --from 250ms --to 500ms
    tracemill export b08.perfetto --perfetto --verdict b08
    tracemill export default.pgo --pgo --build b12
    """
    from tracemill.flows.show.interchange.costs import FOREVER_NS
    from tracemill.flows.show.interchange.write import Wanted, write

    if tool is None:
        if captures or files or build_id or metric or verdict or function or from_ns or to_ns:
            raise click.UsageError("for which tool? --pprof, --speedscope, --perfetto or --pgo")
        _export_marts(target, warehouse, formats)
        return
    if formats:
        raise click.UsageError(f"--format is of the marts: without --{tool}")
    if not (captures or files or build_id or verdict) and tool != "pgo":
        raise click.UsageError("of what? --capture C, --file FILE, --build B or --verdict B")
    end = FOREVER_NS if to_ns is None else to_ns
    wanted = Wanted(captures, build_id, metric, verdict, function, from_ns or 0, end)
    with _source(files, warehouse, is_modelled=bool(verdict or build_id) and tool != "pgo") as connection:
        said = write(connection, tool, wanted, target)
    tell(f"wrote {target}: {said}")
    say_next(_NEXT[tool].format(file=shlex.quote(str(target))))


@contextlib.contextmanager
def _source(
    files: tuple[str, ...], warehouse: Path | None, *, is_modelled: bool
) -> Iterator[duckdb.DuckDBPyConnection]:
    """The warehouse, or one of the files alone."""
    from tracemill.warehouse import connect

    if not files:
        with connect(settings_of(warehouse=warehouse).warehouse) as connection:
            yield connection
        return
    from tracemill.flows.loading.files import named, warehouse_of

    models = None if is_modelled else ("builds", "int_stack_sites")
    with warehouse_of(named(files), models) as loaded, connect(loaded.root) as connection:
        yield connection


def _export_marts(folder: Path, warehouse: Path | None, formats: str | None) -> None:
    from tracemill.flows.show.export import FORMATS, SCHEMA_FILE
    from tracemill.flows.show.export import export as export_

    names = tuple(name.strip() for name in formats.split(",")) if formats else FORMATS
    for name in names:
        if name not in FORMATS:
            near = difflib.get_close_matches(name, FORMATS, n=1)
            raise click.UsageError(
                f"no format {name!r}; "
                + (f"did you mean {near[0]!r}?" if near else f"there is {', '.join(FORMATS)}")
            )
    written = export_(settings_of(warehouse=warehouse).warehouse, folder, names)
    tell(f"wrote {len(written)} files to {folder}")
    say_next(f"{folder / SCHEMA_FILE} says what each column means")
