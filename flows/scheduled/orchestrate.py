"""The flows as Prefect sees them: the same functions, with retries, a run history, schedules, artifacts.

Its settings are read at import, so import this
inside ``with flows.scheduled.server.server(…)``.

- **Tasks.** A task costs Prefect some tens of milliseconds, a small capture less than that to parse.
  So a load task takes many small files, or one large one. Tasks run in threads; the parsing goes on
  in the same processes as without Prefect, which need not import it.
- **Retries** where another try can help: a file system's passing error while loading,
  publishing or exporting, and a warehouse in which another writer is at work. A file that
  cannot be parsed stays so, and is reported at once.
- **Caching** by content is the catalog's: a capture's id is made from its content's hash, it is
  loaded once per parser version, and what is there becomes no task at all. Prefect's cache
  of results would be a second memory beside it, and could vouch for Parquet files that the
  catalog does not list.
"""

from __future__ import annotations

import asyncio
import contextlib
import datetime
import logging
import os
import signal
import threading
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast

from prefect import flow, get_client, get_run_logger, task
from prefect.artifacts import create_markdown_artifact
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas import State
from prefect.client.schemas.filters import FlowRunFilter
from prefect.client.schemas.sorting import FlowRunSort
from prefect.context import FlowRunContext
from prefect.events import emit_event
from prefect.exceptions import TerminationSignal
from prefect.futures import as_completed
from prefect.runner import Runner
from prefect.settings import get_current_settings
from prefect.states import Cancelled, Completed, Crashed, Failed
from prefect.task_runners import ThreadPoolTaskRunner

from tracemill.flows.build import build, publish_tables
from tracemill.flows.loading.capture import Job, Outcome
from tracemill.flows.loading.ingest import Ingested, ingest, workers
from tracemill.flows.loading.layout import Layout
from tracemill.flows.lock import Lock, held
from tracemill.flows.progress import Progress, Silent
from tracemill.flows.run import Ran, Steps, export, run
from tracemill.flows.scheduled.deployments import deployment
from tracemill.flows.scheduled.events import EVENT, new_since, regressions
from tracemill.flows.scheduled.run_states import artifact, deployment_name, ending, parameters, why_not_judged
from tracemill.flows.scheduled.server import SERVICE, end_with_service
from tracemill.flows.scheduled.task_batches import (
    LoadAgainError,
    chunks,
    load_files,
    take_lock,
)
from tracemill.flows.scheduled.task_options import AGAIN, load_title
from tracemill.flows.scheduled.upkeep import policy, upkeep_flow
from tracemill.flows.show.verdicts import Filter
from tracemill.flows.signals import stopped_in_queries
from tracemill.parsers.api import Options
from tracemill.warehouse.catalog import Failure
from tracemill.warehouse.publish import Published

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from uuid import UUID

    from prefect.client.schemas.objects import FlowRun
    from prefect.deployments.runner import RunnerDeployment
    from prefect.futures import PrefectFuture
    from prefect.task_runners import TaskRunner

    from tracemill.flows.settings import Settings

ARTIFACT = "regressions"
SECONDS_TO_SCHEDULE = 20
# The most that Prefect's API gives at once.
MAX_RUNS_READ = 200
SECONDS_TO_STOP = 60

_Result = TypeVar("_Result")
# They wait: the work is done by processes.
_THREADS = cast(
    "TaskRunner[PrefectFuture[Any]]", ThreadPoolTaskRunner(max_workers=max(4, os.cpu_count() or 1))
)
end_with_service()
# What a run did belongs in its log.
logging.getLogger("tracemill").setLevel(logging.INFO)


# --- flows --------------------------------------------------------------------------------------


@flow(name="run", task_runner=_THREADS)
def run_flow(
    artifacts: list[Path],
    warehouse: Path,
    exports: Path,
    raw_events: bool = False,
    processes: int | None = None,
    layout: Layout | None = None,
    on: str | None = None,
) -> State[Ran]:
    """The main job: load what is new, build the models, find regressions, export them."""
    _call_off_overdue()
    options = Options(raw_events=raw_events)
    with _steps(on, warehouse, artifacts) as steps:
        ran = run(
            artifacts,
            warehouse,
            exports,
            options=options,
            processes=processes,
            progress=_RunLog(),
            steps=steps,
            layout=layout,
        )
    if ran.published.is_changed:
        _show_regressions(warehouse, Filter())
    with _stopped():
        unjudged = None if ran.published.failed_checks else why_not_judged(warehouse)
    return _state(ran, ran.ingested.failures, ran.published, is_new=not ran.is_nothing_new, unjudged=unjudged)


@flow(name="ingest", task_runner=_THREADS)
def ingest_flow(
    artifacts: list[Path],
    warehouse: Path,
    raw_events: bool = False,
    processes: int | None = None,
    layout: Layout | None = None,
    on: str | None = None,
) -> State[Ingested]:
    """Load what is new, without building the models."""
    options = Options(raw_events=raw_events)
    with _steps(on, warehouse, artifacts) as steps:
        done = ingest(
            artifacts,
            warehouse,
            options=options,
            processes=processes,
            progress=_RunLog(),
            read=steps.read,
            load=steps.load,
            layout=layout,
        )
    _publish_tables(warehouse)
    return _state(done, done.failures, None, is_new=bool(done.loaded))


@flow(name="build")
def build_flow(warehouse: Path, full: bool = False, on: str | None = None) -> State[Published]:
    """Build the models over what is loaded, and check them."""
    with _steps(on, warehouse, []) as steps, _lock_and_emit_events(warehouse):
        published = steps.build(warehouse, full=full, progress=_RunLog(), lock=held)
    return _state(published, [], published, is_new=published.is_changed)


@flow(name="regressions")
def regressions_flow(
    warehouse: Path, build_id: str | None = None, metric: str | None = None, status: str | None = None
) -> None:
    """Show the verdicts, all or some, as an artifact."""
    _show_regressions(warehouse, Filter(build_id, metric, status))


def _state(
    data: _Result,
    failures: list[Failure],
    published: Published | None,
    *,
    is_new: bool,
    unjudged: str | None = None,
) -> State[_Result]:
    """How a run ended, in Prefect's words."""
    end = ending(failures, published, is_new=is_new, unjudged=unjudged)
    if end.is_failed:
        return Failed(message=end.message, data=data)
    return Completed(name=end.name, message=end.message, data=data) if end.name else Completed(data=data)


# --- tasks --------------------------------------------------------------------------------------


@task(name="load", task_run_name=load_title, **AGAIN)
def _load(jobs: list[Job], pool: ProcessPoolExecutor | None) -> list[Outcome]:
    return load_files(jobs, pool)


@task(name="build", **AGAIN)
def _build(warehouse: Path, *, full: bool, progress: Progress, lock: Lock) -> Published:
    with _stopped():
        return build(warehouse, full=full, progress=progress, lock=lock)


@task(name="publish tables", retries=3, retry_delay_seconds=[1, 5, 30], cache_policy=NO_CACHE)
def _publish_tables(warehouse: Path) -> Published:
    with _stopped():
        return publish_tables(warehouse)


@task(name="export", **AGAIN)
def _export(warehouse: Path, folder: Path) -> list[Path]:
    with _stopped():
        return export(warehouse, folder)


def _stopped() -> contextlib.AbstractContextManager[None]:
    """What tells Prefect of a service that stops in the middle of a query."""
    return stopped_in_queries(lambda: TerminationSignal(signal.SIGTERM))


# A person's `tracemill run` may be at work: scheduled flows wait for it a while.
@task(name="take the writer's lock", retries=3, retry_delay_seconds=[2, 10, 30], cache_policy=NO_CACHE)
def _take_lock(warehouse: Path) -> contextlib.ExitStack:
    return take_lock(warehouse)


def _load_in_tasks(jobs: list[Job], processes: int) -> Iterator[Outcome]:
    """A flows.loading.ingest.Loader: each job's outcome, loaded by tasks."""
    with workers(jobs, processes) as pool:
        futures = [_load.submit(part, pool) for part in chunks(jobs)]
        for future in as_completed(futures):
            result = future.result(raise_on_failure=False)
            if isinstance(result, LoadAgainError):
                yield from result.outcomes
            elif isinstance(result, BaseException):
                raise result
            else:
                yield from result


class _RunLog(Silent):
    """Progress as lines of the flow run's log."""

    def start(self, what: str, total: int) -> None:
        get_run_logger().info("%s: %d", what, total)


@contextlib.contextmanager
def _lock_and_emit_events(warehouse: Path) -> Iterator[None]:
    """The writer's lock; at its end an event for each regression that was not known at its beginning."""
    with _take_lock(warehouse):
        with _stopped():
            known = {news.key for news in regressions(warehouse)}
        yield
        with _stopped():
            found = new_since(known, warehouse)
        for news in found:
            emit_event(EVENT, news.resource(), payload=news.payload())


_STEPS = Steps(lock=_lock_and_emit_events, load=_load_in_tasks, build=_build, export=_export)


@contextlib.contextmanager
def _steps(on: str | None, warehouse: Path, artifacts: list[Path]) -> Iterator[Steps]:
    """What does each step; on: the Dask scheduler whose workers load files and build models."""
    if on is None:
        yield _STEPS
        return
    from tracemill.flows.scheduled.tasks_on_dask import steps_on

    with steps_on(on, warehouse, artifacts, _STEPS, _RunLog()) as steps:
        yield steps


def _show_regressions(warehouse: Path, chosen: Filter) -> None:
    with _stopped():
        markdown, description = artifact(warehouse, chosen)
    create_markdown_artifact(markdown, key=ARTIFACT, description=description)


def _call_off_overdue() -> None:
    """Take over the other runs of this run's schedule that are due: this one does their work.

    So a job that takes longer than its interval, or a night without the service, leaves no queue.
    """
    context = FlowRunContext.get()
    me = context.flow_run if context else None
    if me is None or me.deployment_id is None:
        return
    due = {"before_": datetime.datetime.now(datetime.UTC)}
    for other in _runs(me.deployment_id, ["SCHEDULED"], expected_start_time=due):
        if other.auto_scheduled:
            with get_client(sync_client=True) as client:
                client.set_flow_run_state(other.id, Cancelled(message=f"run {me.name} does its work"))


# --- schedules ----------------------------------------------------------------------------------


class _Runner(Runner):
    """Polls the server for runs that are due and starts each in a process of its own."""

    async def run_until_stopped(self) -> None:
        """Until SIGINT or SIGTERM; then ends the run under way, and says so to the server."""
        self._stop_asked = asyncio.Event()
        self._here = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            self._here.add_signal_handler(number, self._stop_asked.set)
        work = asyncio.create_task(self.start())
        stop = asyncio.create_task(self._stop_asked.wait())
        await asyncio.wait({work, stop}, return_when=asyncio.FIRST_COMPLETED)
        if work.done():
            await work
        # What hangs here must not keep the service; its children end when it is gone.
        deadline = threading.Timer(SECONDS_TO_STOP, os._exit, [1])
        deadline.daemon = True
        deadline.start()
        if self.started:
            await self.astop()
        else:
            work.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await work
        deadline.cancel()

    def handle_sigterm(self, *_args: object, **_kwargs: object) -> None:
        """What start() puts in the place of ours. Prefect's own forgets to await what it calls."""
        self._here.call_soon_threadsafe(self._stop_asked.set)


def serve_flows(settings: Settings, *, is_own_server: bool, say: Callable[[str], None]) -> None:
    """Run the flows on their schedules, one at a time, until SIGINT or SIGTERM. Raises SettingsError.

    is_own_server: nobody else's runs of these deployments can be under way.
    """
    os.environ[SERVICE] = str(os.getpid())
    runner = _Runner(name="tracemill", limit=1, pause_on_shutdown=True)
    scheduled, *on_request = _deployments(settings)
    main_job = cast("UUID", runner.add_deployment(scheduled))
    for other in on_request:
        runner.add_deployment(other)
    if is_own_server:
        _give_up_interrupted(main_job)
    say(f"Prefect: {get_current_settings().ui_url}")
    say(f"watching {', '.join(map(str, settings.artifacts))} for the warehouse {settings.warehouse}")
    if settings.schedule_cron:
        say(f"schedule: {settings.schedule_cron!r} (cron, UTC); next run: {_next_run(main_job)}")
    else:
        say(f"schedule: every {settings.schedule_seconds:g} s; next run: now")
        with get_client(sync_client=True) as client:
            client.create_flow_run_from_deployment(main_job)
    asyncio.run(runner.run_until_stopped())


def _deployments(settings: Settings) -> list[RunnerDeployment]:
    """What can be run: the main job, on its schedule; the other flows, when someone asks for them."""
    name = deployment_name(settings.warehouse.resolve())
    warehouse, load, exports = parameters(settings)
    cron = settings.schedule_cron
    every = None if cron else settings.schedule_seconds
    return [
        deployment(run_flow, name, warehouse | load | exports, cron=cron, every=every),
        deployment(ingest_flow, name, warehouse | load),
        deployment(build_flow, name, warehouse | {"on": settings.on}),
        deployment(regressions_flow, name, warehouse),
        deployment(upkeep_flow, name, warehouse | policy(settings), cron=settings.upkeep_cron),
    ]


def _runs(deployment: UUID, states: list[str], **more: object) -> list[FlowRun]:
    """The deployment's runs in any of the types of state, the soonest first."""
    chosen = {"deployment_id": {"any_": [deployment]}, "state": {"type": {"any_": states}}, **more}
    with get_client(sync_client=True) as client:
        return client.read_flow_runs(
            flow_run_filter=FlowRunFilter.model_validate(chosen),
            sort=FlowRunSort.EXPECTED_START_TIME_ASC,
            limit=MAX_RUNS_READ,
        )


def _give_up_interrupted(deployment: UUID) -> None:
    """Say of the runs that a killed service left behind that they are no more."""
    for left in _runs(deployment, ["PENDING", "RUNNING", "CANCELLING"]):
        with get_client(sync_client=True) as client:
            client.set_flow_run_state(left.id, Crashed(message="the service was killed"), force=True)


def _next_run(deployment: UUID) -> str:
    """When the server has scheduled the next run, which it does within seconds."""
    deadline = time.monotonic() + SECONDS_TO_SCHEDULE
    while time.monotonic() < deadline:
        if runs := [r for r in _runs(deployment, ["SCHEDULED"]) if r.expected_start_time]:
            return f"{runs[0].expected_start_time:%Y-%m-%d %H:%M:%S} UTC"
        time.sleep(0.5)
    return "not known yet"
