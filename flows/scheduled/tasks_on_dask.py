"""A cluster's work as Prefect's tasks, by prefect-dask: the server lists each, with its tries and its log.

Its workers need Prefect too, and report to the server by themselves: at an address that they can reach.
"""

from __future__ import annotations

import contextlib
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from prefect import task
from prefect.runtime import task_run
from prefect_dask.client import PrefectDaskClient

from tracemill.flows.build import build
from tracemill.flows.scheduled.cluster import Work, cluster
from tracemill.flows.scheduled.task_options import AGAIN, load_title
from tracemill.flows.scheduled.worker import Errand, load_part, make_models

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tracemill.flows.loading.capture import Job, Outcome
    from tracemill.flows.progress import Progress
    from tracemill.flows.run import Steps
    from tracemill.warehouse.own_models import Made, Share


def _build_title() -> str:
    return f"models of {task_run.parameters['share'].build_id}"


@task(name="load", task_run_name=load_title, **AGAIN)
def _load(jobs: list[Job], errand: Errand) -> list[Outcome]:
    return load_part(jobs, errand)


@task(name="models", task_run_name=_build_title, **AGAIN)
def _models(share: Share, errand: Errand) -> Made:
    return make_models(share, errand)


_AS_TASKS = Work(PrefectDaskClient, _load, _models, None)  # the tasks try again themselves


@contextlib.contextmanager
def steps_on(
    address: str, warehouse: Path, artifacts: list[Path], steps: Steps, progress: Progress
) -> Iterator[Steps]:
    """The steps, with a cluster's workers at those that they can do. Raises ClusterError.

    To build is no task then: its parts are, and a task that hands out others would be sent with them.
    """
    with cluster(address, warehouse, artifacts, _AS_TASKS) as workers:
        building = partial(build, elsewhere=workers.models(progress))
        yield replace(steps, read=workers.read, load=workers.load, build=building)
