"""The verbs that fill a warehouse: run, ingest, build, collect, serve."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tracemill.flows.show.terminal import say_next, tell
from tracemill.flows.verbs.options import (
    again,
    layout_options,
    on_option,
    prefect_option,
    settings_of,
    wait_option,
    wants_prefect,
    warehouse_option,
)

if TYPE_CHECKING:
    from tracemill.flows.loading.ingest import Ingested
    from tracemill.flows.loading.layout import Layout
    from tracemill.flows.run import Ran
    from tracemill.flows.settings import Settings
    from tracemill.warehouse.publish import Published

# Files that were passed over: more are counted.
MAX_STRAYS = 10
_artifacts = click.argument("artifacts", nargs=-1, required=True, type=click.Path(path_type=Path))
_processes = click.option(
    "--processes",
    type=click.IntRange(1, 256),
    metavar="N",
    help="Files parsed side by side on this machine. Default: one a core.",
)
_raw_events = click.option("--raw-events", is_flag=True, help="Also keep every trace event, in order.")


def _refuse_processes_elsewhere(processes: int | None, settings: Settings) -> None:
    """Raises UsageError: the workers of a cluster are as many as it has."""
    if processes and settings.on:
        raise click.UsageError(
            f"--processes is of this machine, and the cluster at {settings.on} does the work: leave it out"
        )


@click.command()
@_artifacts
@layout_options
@warehouse_option
@wait_option
@click.option(
    "--exports",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Where the exports and the report go. Default: exports/ in the warehouse.",
)
@_processes
@_raw_events
@prefect_option
@on_option
def run(
    artifacts: tuple[Path, ...],
    warehouse: Path | None,
    exports: Path | None,
    processes: int | None,
    raw_events: bool,
    prefect: bool,
    on: str | None,
    build_: str | None,
    run_: str | None,
    layout: tuple[str, ...],
    order: Path | None,
) -> None:
    """The main job: load what is new in ARTIFACTS, build the models, find regressions, export all.

    Only what is new costs time; a second run over the same input does nothing and says so. One bad
    file never stops the rest. What was compared with what, and what was not, is said at the end.
    Exit code: 0 done, 1 some input failed, 2 nothing was read or nothing could be judged.

    \b
    tracemill run artifacts/
    tracemill run artifacts/ --warehouse /var/lib/tracemill --exports public/
    tracemill run artifacts/ --on tcp://scheduler:8786
    tracemill run --build b07 bench.txt heap.pb.gz
    tracemill run results/ --layout 'bench-{build}.txt' --order commits.txt
    """
    from tracemill.flows.engine import Load, engine
    from tracemill.parsers.api import Options

    settings = settings_of(
        warehouse=warehouse,
        exports=exports,
        processes=processes,
        layout=list(layout) or None,
        order=order,
        on=on,
    )
    placing = settings.as_layout(build_, run_)
    options = Options(raw_events=raw_events)
    _refuse_processes_elsewhere(processes, settings)
    load = Load(list(artifacts), settings.warehouse, options, settings.processes, placing)
    with engine(settings.warehouse, is_prefect=wants_prefect(prefect), on=settings.on) as chosen:
        ran = chosen.run(load, settings.exports_folder)
    _print_ran(ran, settings, list(artifacts), again(warehouse), placing)


def _print_ran(ran: Ran, settings: Settings, artifacts: list[Path], where: str, layout: Layout) -> None:
    _print_ingested(ran.ingested, artifacts, layout)
    if ran.is_nothing_new:
        tell(f"nothing new; the warehouse {settings.warehouse} is up to date ({ran.seconds:.1f} s)")
        _print_set_aside(ran.published)
    else:
        _print_published(ran.published)
    is_judged = False
    if not ran.published.failed_checks:
        tell()
        is_judged, step = _print_verdicts(settings, where)
        everything = f"tracemill export DIR{where}"
        tell(f"\nexports: {settings.exports_folder} has the verdicts; every mart: {everything}")
        is_something_wrong = ran.ingested.failures or ran.published.set_aside
        say_next(f"tracemill doctor{where}" if is_something_wrong else step)
    click.get_current_context().exit(_exit_code(ran, is_judged=is_judged))


def _exit_code(ran: Ran, *, is_judged: bool) -> int:
    if ran.published.failed_checks or not ran.ingested.is_anything_read:
        return 2
    # Which is certain, and counts more than what could not be judged.
    if ran.ingested.failures or ran.published.set_aside:
        return 1
    return 0 if is_judged else 2


def _print_verdicts(settings: Settings, where: str) -> tuple[bool, str]:
    """Show the verdicts and what they rest on; whether anything was judged, and what to do next."""
    from tracemill.flows.show.coverage import coverage, overview
    from tracemill.flows.show.report import REPORT_FILE
    from tracemill.flows.show.verdicts import Filter, verdicts
    from tracemill.warehouse import connect

    with connect(settings.warehouse) as connection:
        rests_on = coverage(connection)
        tell(overview(connection, rests_on), nl=False)
        regressed = verdicts(connection, Filter(status="regressed"))
    standing = [v for v in regressed if v.is_lead and v.is_standing]
    if not rests_on.is_judged and not standing:
        both = list(dict.fromkeys([*rests_on.builds, *rests_on.unordered]))
        step = f"compare {shlex.join(both)}" if len(both) == 2 else "doctor"
        return False, f"tracemill {step}{where}"
    page = f"page: {settings.exports_folder / REPORT_FILE}"
    if standing:
        return True, f"tracemill show {shlex.quote(standing[-1].build_id)}{where}; {page}"
    return True, f"tracemill gate --candidate {shlex.quote(rests_on.builds[-1])}{where}; {page}"


def _print_ingested(done: Ingested, artifacts: list[Path], layout: Layout) -> None:
    why = "no layout fits" if layout.patterns else "it lies in no build's folder"
    for stray in done.strays[:MAX_STRAYS]:
        tell(f"passed over {stray}: {why}", err=True)
    if len(done.strays) > MAX_STRAYS:
        tell(f"passed over {len(done.strays) - MAX_STRAYS} more", err=True)
    if done.links:
        named = ", ".join(done.links[:MAX_STRAYS]) + " …" * (len(done.links) > MAX_STRAYS)
        tell(f"passed over {named}: a link to a folder, which is read where it lies", err=True)
    tell(
        f"loaded {len(done.loaded)} captures, {done.rows:,} rows, "
        f"{done.issues} issue{'s' * (done.issues != 1)} "
        f"in {done.seconds:.1f} s; {done.unchanged} were there already"
    )
    from tracemill.flows.show.layout import explained, taken_for_builds

    for doubt in taken_for_builds(done.loaded):
        tell(doubt, err=True)
    if not done.is_anything_read:
        tell("nothing was read", err=True)
        tell(explained(artifacts, done.strays), err=True, nl=False)
    if done.failures:
        tell(f"{len(done.failures)} failed:", err=True)
        for failure in done.failures:
            tell(f"  {failure.message}", err=True)


def _print_published(done: Published) -> None:
    tell(
        f"built {done.models} models for {len(done.builds)} builds, {done.checks} checks "
        f"in {done.seconds:.1f} s"
    )
    if done.kept.earlier or done.kept.missing:
        tell(_kept_as_text(done), err=True)
    if done.kept.late:
        from tracemill.flows.show.doctor import late_as_text

        tell(late_as_text(done.kept.late), err=True)
    for name, found in done.failed_checks.items():
        tell(f"check {name} failed, so nothing was published: {found}", err=True)
    _print_set_aside(done)


def _print_set_aside(done: Published) -> None:
    for build_id, why in done.set_aside.items():
        tell(f"{build_id} is set aside, the others are published: {why}", err=True)


def _kept_as_text(done: Published) -> str:
    """What could not be derived anew."""
    parts = []
    for found, what in (
        (done.kept.earlier, "keep the rows that earlier models made"),
        (done.kept.missing, "have no rows"),
    ):
        if found:
            builds = len({build for names in found.values() for build in names})
            parts.append(f"{builds} builds {what} in {', '.join(sorted(found))}")
    return "raw rows have expired: " + "; ".join(parts)


@click.command()
@_artifacts
@layout_options
@warehouse_option
@wait_option
@_processes
@_raw_events
@prefect_option
@on_option
def ingest(
    artifacts: tuple[Path, ...],
    warehouse: Path | None,
    processes: int | None,
    raw_events: bool,
    prefect: bool,
    on: str | None,
    build_: str | None,
    run_: str | None,
    layout: tuple[str, ...],
    order: Path | None,
) -> None:
    """Parse what is new in ARTIFACTS into Parquet, without building the models.

    The tables can be queried at once; the marts follow with `tracemill build`.

    \b
    tracemill ingest artifacts/
    tracemill ingest artifacts/ --raw-events
    tracemill ingest /shared/artifacts --warehouse /shared/warehouse --on tcp://scheduler:8786
    """
    from tracemill.flows.engine import Load, engine
    from tracemill.parsers.api import Options

    settings = settings_of(
        warehouse=warehouse, processes=processes, layout=list(layout) or None, order=order, on=on
    )
    placing = settings.as_layout(build_, run_)
    options = Options(raw_events=raw_events)
    _refuse_processes_elsewhere(processes, settings)
    load = Load(list(artifacts), settings.warehouse, options, settings.processes, placing)
    with engine(settings.warehouse, is_prefect=wants_prefect(prefect), on=settings.on) as chosen:
        done = chosen.ingest(load)
    _print_ingested(done, list(artifacts), placing)
    if done.is_anything_read:
        say_next(f"tracemill build{again(warehouse)}")
    click.get_current_context().exit(2 if not done.is_anything_read else 1 if done.failures else 0)


@click.command()
@warehouse_option
@wait_option
@click.option("--full", is_flag=True, help="Build every model for every build, not only for what is new.")
@prefect_option
@on_option
def build(warehouse: Path | None, full: bool, prefect: bool, on: str | None) -> None:
    """Build the SQL models over what is loaded, and check them.

    Builds only what is new or changed. Readers see the old state until the new one is whole and
    its checks hold.

    \b
    tracemill build
    tracemill build --full
    tracemill build --full --on tcp://scheduler:8786
    """
    from tracemill.flows.engine import engine
    from tracemill.warehouse.lock import require_begun

    settings = settings_of(warehouse=warehouse, on=on)
    with engine(settings.warehouse, is_prefect=wants_prefect(prefect), on=settings.on) as chosen:
        require_begun(settings.warehouse)
        done = chosen.build(settings.warehouse, full=full)
    if not done.is_changed and not done.failed_checks:
        tell("nothing new; the models are up to date")
        _print_set_aside(done)
    else:
        _print_published(done)
    if not done.failed_checks:
        say_next(f"tracemill regressions{again(warehouse)}")
    click.get_current_context().exit(2 if done.failed_checks else 1 if done.set_aside else 0)


@click.command()
@click.argument("url")
@click.option("--build", required=True, metavar="B", help="The build that the service runs.")
@click.option("--run", "run_", metavar="R", help="The run's name. Default: the time, in UTC.")
@click.option(
    "--seconds",
    type=click.IntRange(min=1, max=600),
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
@click.option(
    "--also",
    multiple=True,
    metavar="PATH",
    help="Another path on the service, such as that of a flight recorder: /debug/flight. May be repeated.",
)
def collect(
    url: str, build: str, run_: str | None, seconds: int, artifacts: Path, also: tuple[str, ...]
) -> None:
    """Scrape the live service at URL, from its net/http/pprof endpoints, as one run of a build.

    Takes a trace and a CPU profile, and before and behind them heaps and goroutines, so that what
    grows shows; leaked goroutines where the service finds them (Go 1.27), and what /debug/vars and
    /metrics tell of the runtime, if they do. Then load them with `tracemill run`. A copy of the
    service's binary in <build>/ makes map allocations exact. Of one process each run has the heap
    samples of the one before: start the service anew between runs where you can.

    Headers that the service asks for, one a line, are taken from TRACEMILL_COLLECT_HEADERS and never
    printed; SSL_CERT_FILE names whom to trust beside the machine's authorities.

    \b
    tracemill collect http://localhost:6060 --build b07
    tracemill collect http://localhost:6060 --build b07 --run 2 --seconds 30
    """
    from tracemill.flows.loading.collect import collect as collect_
    from tracemill.flows.progress import shown

    with shown() as progress:
        done = collect_(url, build, run_, artifacts, seconds=seconds, progress=progress, also=also)
    tell(f"{done.folder}: {len(done.files)} files, {sum(done.files.values()):,} bytes")
    for failure in done.failures:
        tell(f"  {failure}", err=True)
    say_next(f"tracemill run {shlex.quote(str(artifacts))}")
    click.get_current_context().exit(1 if done.failures else 0)


@click.command()
@click.argument("artifacts", nargs=-1, type=click.Path(path_type=Path))
@warehouse_option
@click.option("--cron", metavar="EXPR", help="When to run, as a cron expression.")
@click.option(
    "--every", type=click.FloatRange(min=1), metavar="SECONDS", help="How often to run. Default: 900."
)
@on_option
def serve(
    artifacts: tuple[Path, ...],
    warehouse: Path | None,
    cron: str | None,
    every: float | None,
    on: str | None,
) -> None:
    """Run the main job on a schedule, under Prefect, until stopped.

    Uses the server of PREFECT_API_URL; without one, starts its own on loopback, with its database
    in the warehouse, and ends it at its own end.

    \b
    tracemill serve artifacts/ --every 900
    tracemill serve artifacts/ --cron "0 * * * *"
    tracemill serve artifacts/ --on tcp://scheduler:8786
    """
    from tracemill.flows.engine import require_dask, require_prefect

    chosen = settings_of(
        warehouse=warehouse,
        artifacts=list(artifacts) or None,
        schedule_cron=cron,
        schedule_seconds=every,
        on=on,
    )
    require_prefect()
    if chosen.on:
        require_dask()
    from tracemill.flows.scheduled.serve import serve as serve_

    serve_(chosen)
