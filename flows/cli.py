"""The command line: thin verbs over the functions beside this file.

Each verb imports what it needs when it is called, so that `sql` does not wait
for parsers and nothing but `--prefect` waits for Prefect.

Exit codes: 0 done; 1 done, but some input failed or a check did; 2 not done. The gate's: 0 passed;
1 regressed; 2 could not judge. 130 stopped.
"""

from __future__ import annotations

import difflib
import json
import logging
import sys
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tracemill.flows.show.tables import leave_unread
from tracemill.flows.verbs import verdicts
from tracemill.flows.verbs.options import prefect_option, settings_of, wants_prefect, warehouse_option

if TYPE_CHECKING:
    from tracemill.flows.loading.ingest import Ingested
    from tracemill.flows.run import Ran
    from tracemill.flows.settings import Settings
    from tracemill.warehouse.publish import Published


class _Verbs(click.Group):
    """Suggests the nearest verb, and turns our errors into one sentence and exit code 2."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in self.commands and not args[0].startswith("-"):
            near = difflib.get_close_matches(args[0], self.commands, n=1)
            ctx.fail(f"no verb {args[0]!r}" + (f"; did you mean {near[0]!r}?" if near else ""))
        return super().resolve_command(ctx, args)

    def invoke(self, ctx: click.Context) -> Any:  # noqa: ANN401 - click's own signature
        try:
            return super().invoke(ctx)
        except (click.ClickException, click.exceptions.Exit, click.Abort):
            raise
        except BrokenPipeError:
            leave_unread()
            ctx.exit(0)
        except KeyboardInterrupt:
            ctx.exit(130)  # as shells have it; click's own 1 is a regression to whoever asked the gate
        except Exception as error:  # noqa: BLE001 - nothing may end with the code of a verdict
            sentence = _sentence(error)
            if sentence is None:
                # Python would end with 1, which is a regression to whoever asked the gate.
                traceback.print_exc()
            else:
                click.echo(f"tracemill: {sentence}", err=True)
            ctx.exit(2)


def _sentence(error: Exception) -> str | None:
    """What to tell the user of an error that is about his input; None for a fault of ours."""
    if isinstance(error, OSError):
        return f"{error.filename}: {error.strerror}" if error.filename else str(error)
    module, name = type(error).__module__, type(error).__name__
    if module.partition(".")[0] in {"_duckdb", "duckdb"}:
        lines = [line.strip() for line in str(error).splitlines() if line.strip()]
        return "; ".join(line for line in lines if not line.startswith(("LINE ", "^")))
    ours = {"InputError", "SettingsError", "WarehouseError", "ModelError", "ParseError", "UnknownFormatError",
            "NoSuchNameError", "OutputError", "ServerError"}  # fmt: skip
    return str(error) if name in ours else None


@click.group(cls=_Verbs, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="tracemill", prog_name="tracemill")
@click.option("-v", "--verbose", is_flag=True, help="Log one line for each input to standard error.")
def main(verbose: bool) -> None:
    """Go traces, profiles, dumps and benchmarks as a warehouse, and what regressed from build to build.

    \b
    The main job:   tracemill run artifacts/
    Then:           tracemill regressions
                    tracemill sql "select * from block_mapassign limit 10"

    Artifacts lie as artifacts/<build>/<run>/<file>; a file directly in <build>/ (its binary, its
    compiler listing) belongs to the whole build. What a file is, its content tells.
    """
    logging.basicConfig(
        level=logging.INFO if verbose else logging.WARNING,
        stream=sys.stderr,
        format="%(levelname)s %(message)s",
    )


for _verb in (verdicts.regressions, verdicts.gate, verdicts.accept, verdicts.export, verdicts.report):
    main.add_command(_verb)


_artifacts = click.argument("artifacts", nargs=-1, required=True, type=click.Path(path_type=Path))
_processes = click.option(
    "--processes",
    type=click.IntRange(1, 256),
    metavar="N",
    help="Files parsed side by side. Default: one a core.",
)
_raw_events = click.option("--raw-events", is_flag=True, help="Also keep every trace event, in order.")


@main.command()
@_artifacts
@warehouse_option
@click.option(
    "--exports",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Where the exports and the report go. Default: exports/ in the warehouse.",
)
@_processes
@_raw_events
@prefect_option
def run(
    artifacts: tuple[Path, ...],
    warehouse: Path | None,
    exports: Path | None,
    processes: int | None,
    raw_events: bool,
    prefect: bool,
) -> None:
    """The main job: load what is new in ARTIFACTS, build the models, find regressions, export all.

    Only what is new costs time; a second run over the same input does nothing and says so. One bad
    file never stops the rest: the run then ends with exit code 1 and lists what failed.
    """
    from tracemill.parsers.api import Options

    settings = settings_of(warehouse=warehouse, exports=exports, processes=processes)
    options = Options(raw_events=raw_events)
    where = (list(artifacts), settings.warehouse, settings.exports_folder)
    if wants_prefect(prefect):
        from tracemill.flows.scheduled.server import server

        with server(settings.warehouse):
            from tracemill.flows.scheduled.orchestrate import run_under_prefect

            ran = run_under_prefect(*where, options=options, processes=settings.processes)
    else:
        from tracemill.flows.progress import shown
        from tracemill.flows.run import run as run_

        with shown() as progress:
            ran = run_(*where, options=options, processes=settings.processes, progress=progress)
    _print_ran(ran, settings)


def _print_ran(ran: Ran, settings: Settings) -> None:
    _print_ingested(ran.ingested)
    if ran.is_nothing_new:
        click.echo(f"nothing new; the warehouse {settings.warehouse} is up to date ({ran.seconds:.1f} s)")
    else:
        _print_published(ran.published)
    if not ran.published.failed_checks:
        click.echo()
        _print_regressions(settings)
        click.echo(f"\nexports: {settings.exports_folder}")
    click.get_current_context().exit(0 if ran.is_clean else 1)


def _print_regressions(settings: Settings) -> None:
    from tracemill.flows.show.verdict_table import overview
    from tracemill.warehouse import connect

    with connect(settings.warehouse) as connection:
        click.echo(overview(connection), nl=False)


def _print_ingested(done: Ingested) -> None:
    for stray in done.strays:
        click.echo(f"passed over {stray}: it lies in no build's folder", err=True)
    click.echo(
        f"loaded {len(done.loaded)} captures, {done.rows:,} rows, {done.issues} issues "
        f"in {done.seconds:.1f} s; {done.unchanged} were there already"
    )
    if done.failures:
        click.echo(f"{len(done.failures)} failed:", err=True)
        for failure in done.failures:
            click.echo(f"  {failure.message}", err=True)


def _print_published(done: Published) -> None:
    click.echo(
        f"built {done.models} models for {len(done.builds)} builds, {done.checks} checks "
        f"in {done.seconds:.1f} s"
    )
    for name, found in done.failed_checks.items():
        click.echo(f"check {name} failed, so nothing was published: {found}", err=True)


@main.command()
@_artifacts
@warehouse_option
@_processes
@_raw_events
@prefect_option
def ingest(
    artifacts: tuple[Path, ...],
    warehouse: Path | None,
    processes: int | None,
    raw_events: bool,
    prefect: bool,
) -> None:
    """Parse what is new in ARTIFACTS into Parquet, without building the models.

    The tables can be queried at once; the marts follow with `tracemill build`.
    """
    from tracemill.parsers.api import Options

    settings = settings_of(warehouse=warehouse, processes=processes)
    options = Options(raw_events=raw_events)
    if wants_prefect(prefect):
        from tracemill.flows.scheduled.server import server

        with server(settings.warehouse):
            from tracemill.flows.scheduled.orchestrate import ingest_under_prefect

            done = ingest_under_prefect(
                list(artifacts), settings.warehouse, options=options, processes=settings.processes
            )
    else:
        from tracemill.flows.build import publish_tables
        from tracemill.flows.loading.ingest import ingest as ingest_
        from tracemill.flows.progress import shown

        with shown() as progress:
            done = ingest_(
                list(artifacts),
                settings.warehouse,
                options=options,
                processes=settings.processes,
                progress=progress,
            )
        publish_tables(settings.warehouse)
    _print_ingested(done)
    click.get_current_context().exit(1 if done.failures else 0)


@main.command()
@warehouse_option
@click.option("--full", is_flag=True, help="Build every model for every build, not only for what is new.")
@prefect_option
def build(warehouse: Path | None, full: bool, prefect: bool) -> None:
    """Build the SQL models over what is loaded, and check them.

    Builds only what is new or changed. Readers see the old state until the new one is whole and
    its checks hold.
    """
    settings = settings_of(warehouse=warehouse)
    if wants_prefect(prefect):
        from tracemill.flows.scheduled.server import server

        with server(settings.warehouse):
            from tracemill.flows.scheduled.orchestrate import build_under_prefect

            done = build_under_prefect(settings.warehouse, full=full)
    else:
        from tracemill.flows.build import build as build_
        from tracemill.flows.progress import shown

        with shown() as progress:
            done = build_(settings.warehouse, full=full, progress=progress)
    if not done.is_changed and not done.failed_checks:
        click.echo("nothing new; the models are up to date")
    else:
        _print_published(done)
    click.get_current_context().exit(1 if done.failed_checks else 0)


@main.command()
@click.argument("query", required=False)
@warehouse_option
@click.option(
    "--format", "format_", type=click.Choice(["table", "csv", "json", "md", "parquet"]), default="table",
    show_default=True,
)  # fmt: skip
def sql(query: str | None, warehouse: Path | None, format_: str) -> None:
    """Run QUERY, read-only; without one, read it from standard input, or prompt on a terminal.

    Tables and columns explain themselves: `tracemill sql "from duckdb_columns() select table_name,
    column_name, comment where comment is not null"`, and docs/dictionary.md has them all.
    """
    from tracemill.flows.show import query as query_
    from tracemill.warehouse import connect

    with connect(settings_of(warehouse=warehouse).warehouse) as connection:
        if query is None and sys.stdin.isatty():
            query_.prompt(connection)
        else:
            query_.run(connection, sys.stdin.read() if query is None else query, format_)


@main.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--format", "format_", type=click.Choice(["table", "json"]), default="table", show_default=True)
def inspect(file: Path, format_: str) -> None:
    """Say what is in one FILE: its format, its tables, and the few rows that say most. No warehouse."""
    from tracemill.flows.show.inspect import as_json, as_text
    from tracemill.flows.show.inspect import inspect as inspect_

    found = inspect_(file)
    click.echo(
        json.dumps(as_json(found), indent=1) if format_ == "json" else as_text(found), nl=format_ == "json"
    )


@main.command()
@click.argument("url")
@click.option("--build", required=True, metavar="B", help="The build that the service runs.")
@click.option("--run", "run_", metavar="R", help="The run's name. Default: the time, in UTC.")
@click.option(
    "--seconds",
    type=click.FloatRange(min=1, max=600),
    default=10,
    show_default=True,
    help="How long the trace and the CPU profile observe.",
)
@click.option(
    "--artifacts",
    type=click.Path(path_type=Path),
    default=Path("artifacts"),
    metavar="DIR",
    show_default=True,
    help="Where the files go, as DIR/<build>/<run>/.",
)
def collect(url: str, build: str, run_: str | None, seconds: float, artifacts: Path) -> None:
    """Scrape the live service at URL, from its net/http/pprof endpoints, as one run of a build.

    Takes a trace and a CPU profile, and before and behind them heaps and goroutines, so that what
    grows shows; then load them with `tracemill run`. A copy of the service's binary in <build>/
    makes map allocations exact.
    """
    from tracemill.flows.loading.collect import collect as collect_
    from tracemill.flows.progress import shown

    with shown() as progress:
        done = collect_(url, build, run_, artifacts, seconds=seconds, progress=progress)
    click.echo(f"{done.folder}: {len(done.files)} files, {sum(done.files.values()):,} bytes")
    for failure in done.failures:
        click.echo(f"  {failure}", err=True)
    click.get_current_context().exit(1 if done.failures else 0)


@main.command()
@click.option("--format", "format_", type=click.Choice(["table", "json"]), default="table", show_default=True)
@warehouse_option
def settings(format_: str, warehouse: Path | None) -> None:
    """Show each setting, its value and where it came from."""
    from tracemill.flows.settings import origins
    from tracemill.flows.show.tables import format_table

    chosen = settings_of(warehouse=warehouse)
    where = origins(chosen, {"warehouse": warehouse})
    values = chosen.model_dump(mode="json")
    if format_ == "json":
        click.echo(json.dumps({n: {"value": values[n], "origin": where[n]} for n in values}, indent=1))
        return
    rows = [(n, values[n], where[n], type(chosen).model_fields[n].description) for n in values]
    click.echo(format_table(["setting", "value", "from", "what it is"], rows), nl=False)


@main.command()
@click.argument("artifacts", nargs=-1, type=click.Path(path_type=Path))
@warehouse_option
@click.option("--cron", metavar="EXPR", help="When to run, as a cron expression.")
@click.option(
    "--every", type=click.FloatRange(min=1), metavar="SECONDS", help="How often to run. Default: 900."
)
def serve(artifacts: tuple[Path, ...], warehouse: Path | None, cron: str | None, every: float | None) -> None:
    """Run the main job on a schedule, under Prefect, until stopped.

    Uses the server of PREFECT_API_URL; without one, starts its own on loopback, with its database
    in the warehouse, and ends it at its own end.
    """
    chosen = settings_of(
        warehouse=warehouse,
        artifacts=list(artifacts) or None,
        schedule_cron=cron,
        schedule_seconds=every,
    )
    from tracemill.flows.scheduled.serve import serve as serve_

    serve_(chosen)
