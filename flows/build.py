"""Build: the SQL models and their checks, over what the catalog lists."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tracemill.flows.progress import Progress, Silent
from tracemill.warehouse.catalog import Catalog, writer_lock
from tracemill.warehouse.lock import patience
from tracemill.warehouse.models import read_models
from tracemill.warehouse.publish import publish
from tracemill.warehouse.published import is_own

if TYPE_CHECKING:
    from pathlib import Path

    from tracemill.flows.lock import Lock
    from tracemill.warehouse.own_models import Elsewhere
    from tracemill.warehouse.publish import Published


# What several that load side by side wait for each other's short publications.
SECONDS_TO_WAIT = 60.0


def build(
    warehouse: Path,
    *,
    full: bool = False,
    progress: Progress | None = None,
    lock: Lock = writer_lock,
    elsewhere: Elsewhere | None = None,
) -> Published:
    """Build what is new, or with full everything. Raises WarehouseError, ModelError.

    elsewhere: what makes the models of scope build, where it is not this process.
    """
    models = read_models()
    shown = progress or Silent()
    here = {"history", "all"} if elsewhere else {"build", "history", "all"}
    steps = iter([sum(m.scope in here for m in models)])

    def step(name: str) -> None:
        for total in steps:  # once, and only if there is anything to build
            shown.start("building models", total)
        shown.step(name)

    with lock(warehouse):
        return publish(Catalog.load(warehouse), models=models, full=full, progress=step, elsewhere=elsewhere)


def publish_files(catalog: Catalog) -> None:
    """Show the catalog's rows from where they lie now; the models' rows stay as they are. Under the lock."""
    publish(catalog, models=() if is_own(catalog.root) else read_models())


def publish_tables(warehouse: Path) -> Published:
    """Show what was ingested without building the models; others that publish are waited for a while."""
    with writer_lock(warehouse, max(patience.get(), SECONDS_TO_WAIT)):
        return publish(Catalog.load(warehouse))
