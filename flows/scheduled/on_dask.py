"""Jobs of which a Dask cluster loads the files and makes each build's models; all else is done here."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from tracemill.flows.build import build, publish_tables
from tracemill.flows.loading.ingest import ingest
from tracemill.flows.progress import shown
from tracemill.flows.run import Steps, run
from tracemill.flows.scheduled.cluster import cluster

if TYPE_CHECKING:
    from pathlib import Path

    from tracemill.flows.engine import Load
    from tracemill.flows.loading.ingest import Ingested
    from tracemill.flows.run import Ran
    from tracemill.warehouse.publish import Published


class OnDask:
    """An Engine; each job connects anew. Jobs raise ClusterError beside what else they do."""

    def __init__(self, address: str) -> None:
        self._address = address

    def run(self, load: Load, exports: Path) -> Ran:
        """The main job."""
        with shown() as progress, cluster(self._address, load.warehouse, load.artifacts) as workers:
            steps = Steps(
                read=workers.read,
                load=workers.load,
                build=partial(build, elsewhere=workers.models(progress)),
            )
            return run(
                load.artifacts,
                load.warehouse,
                exports,
                options=load.options,
                progress=progress,
                steps=steps,
                layout=load.layout,
            )

    def ingest(self, load: Load) -> Ingested:
        """Load what is new, and show it in the tables."""
        with shown() as progress, cluster(self._address, load.warehouse, load.artifacts) as workers:
            done = ingest(
                load.artifacts,
                load.warehouse,
                options=load.options,
                progress=progress,
                read=workers.read,
                load=workers.load,
                layout=load.layout,
            )
        publish_tables(load.warehouse)
        return done

    def build(self, warehouse: Path, *, full: bool) -> Published:
        """Build the models."""
        with shown() as progress, cluster(self._address, warehouse) as workers:
            return build(warehouse, full=full, progress=progress, elsewhere=workers.models(progress))
