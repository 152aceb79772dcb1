"""What carries out a job: this process, a Dask cluster, or Prefect. The verbs know only the interface.

A job is a plain function (flows.run.run, flows.loading.ingest.ingest, flows.build.build). ``Here`` calls
it and shows its progress; flows/scheduled/on_dask.py lets a cluster's workers load files and make each
build's models; flows/scheduled/engine.py makes it a flow run, with the same steps as tasks.
"""

from __future__ import annotations

import contextlib
import importlib.util
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from tracemill.warehouse.schema.errors import TracemillError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tracemill.flows.loading.ingest import Ingested
    from tracemill.flows.loading.layout import Layout
    from tracemill.flows.run import Ran
    from tracemill.parsers.api import Options
    from tracemill.warehouse.publish import Published


class MissingExtraError(TracemillError):
    """A part of Tracemill that was not installed, and how to install it."""


@dataclass(frozen=True, slots=True)
class Load:
    """What to load, where to, and how. processes: files parsed side by side; None means one a core."""

    artifacts: list[Path]
    warehouse: Path
    options: Options
    processes: int | None
    layout: Layout | None = None


class Engine(Protocol):
    """Carries out jobs. Each raises what the job's function raises."""

    def run(self, load: Load, exports: Path) -> Ran:
        """The main job."""
        ...

    def ingest(self, load: Load) -> Ingested:
        """Load what is new, and show it in the tables."""
        ...

    def build(self, warehouse: Path, *, full: bool) -> Published:
        """Build the models."""
        ...


class Here:
    """Jobs in this process; their progress on standard error."""

    def run(self, load: Load, exports: Path) -> Ran:
        """The main job."""
        from tracemill.flows.progress import shown
        from tracemill.flows.run import run

        with shown() as progress:
            return run(
                load.artifacts,
                load.warehouse,
                exports,
                options=load.options,
                processes=load.processes,
                layout=load.layout,
                progress=progress,
            )

    def ingest(self, load: Load) -> Ingested:
        """Load what is new, and show it in the tables."""
        from tracemill.flows.build import publish_tables
        from tracemill.flows.loading.ingest import ingest
        from tracemill.flows.progress import shown

        with shown() as progress:
            done = ingest(
                load.artifacts,
                load.warehouse,
                options=load.options,
                processes=load.processes,
                layout=load.layout,
                progress=progress,
            )
        publish_tables(load.warehouse)
        return done

    def build(self, warehouse: Path, *, full: bool) -> Published:
        """Build the models."""
        from tracemill.flows.build import build
        from tracemill.flows.progress import shown

        with shown() as progress:
            return build(warehouse, full=full, progress=progress)


@contextlib.contextmanager
def engine(warehouse: Path, *, is_prefect: bool, on: str | None = None) -> Iterator[Engine]:
    """The engine for jobs on this warehouse. on: the address of a Dask scheduler.

    Raises MissingExtraError, ServerError.
    """
    if on is not None:
        require_dask()
    if is_prefect:
        require_prefect()
        from tracemill.flows.scheduled.server import server

        with server(warehouse):
            # Prefect reads its settings when it is imported: not before its server stands.
            from tracemill.flows.scheduled.engine import UnderPrefect

            yield UnderPrefect(on)
    elif on is None:
        yield Here()
    else:
        from tracemill.flows.scheduled.on_dask import OnDask

        yield OnDask(on)


def require_prefect() -> None:
    """Raises MissingExtraError where Prefect is not installed."""
    if importlib.util.find_spec("prefect") is None:
        raise MissingExtraError("this needs Prefect, which is not installed: pip install 'tracemill[serve]'")


def require_dask() -> None:
    """Raises MissingExtraError where Dask is not installed."""
    if importlib.util.find_spec("distributed") is None:
        raise MissingExtraError("this needs Dask, which is not installed: pip install 'tracemill[dask]'")
