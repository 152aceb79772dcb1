"""Jobs as flow runs of Prefect. Import this inside ``with flows.scheduled.server.server(…)``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from prefect.events.worker import EventsWorker
from prefect.logging.handlers import APILogWorker

from tracemill.flows.loading.ingest import Ingested
from tracemill.flows.run import Ran
from tracemill.flows.scheduled.orchestrate import build_flow, ingest_flow, run_flow
from tracemill.warehouse.publish import Published

if TYPE_CHECKING:
    from pathlib import Path

    from prefect.client.schemas import State

    from tracemill.flows.engine import Load

SECONDS_TO_REPORT = 30

_Result = TypeVar("_Result")


class UnderPrefect:
    """Each job is one flow run; its log, tasks and retries are the server's to show.

    on: the address of a Dask scheduler whose workers load files and build models.
    """

    def __init__(self, on: str | None = None) -> None:
        self._on = on

    def run(self, load: Load, exports: Path) -> Ran:
        """The main job."""
        state = run_flow(
            load.artifacts,
            load.warehouse,
            exports,
            load.options.raw_events,
            load.processes,
            load.layout,
            self._on,
            return_state=True,
        )
        return _result(state, Ran)

    def ingest(self, load: Load) -> Ingested:
        """Load what is new, and show it in the tables."""
        state = ingest_flow(
            load.artifacts,
            load.warehouse,
            load.options.raw_events,
            load.processes,
            load.layout,
            self._on,
            return_state=True,
        )
        return _result(state, Ingested)

    def build(self, warehouse: Path, *, full: bool) -> Published:
        """Build the models."""
        return _result(build_flow(warehouse, full, self._on, return_state=True), Published)


def _result(state: State[Any], kind: type[_Result]) -> _Result:
    """What a run returned, also one that failed; raises what it raised."""
    result = state.result(raise_on_failure=False)
    # Reports are sent from the background; a server of our own ends next.
    EventsWorker.drain_all(timeout=SECONDS_TO_REPORT)
    APILogWorker.drain_all(timeout=SECONDS_TO_REPORT)
    if isinstance(result, BaseException):
        raise result
    if not isinstance(result, kind):
        raise TypeError(f"the flow run ended {state.name} with {result!r}")
    return result
