"""Build: the SQL models and their checks, over what the catalog lists."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tracemill.flows.progress import Progress, Silent
from tracemill.warehouse.catalog import Catalog, writer_lock
from tracemill.warehouse.models import read_models
from tracemill.warehouse.publish import publish

if TYPE_CHECKING:
    from pathlib import Path

    from tracemill.warehouse.publish import Published


def build(warehouse: Path, *, full: bool = False, progress: Progress | None = None) -> Published:
    """Build what is new, or with full everything. Raises WarehouseError, ModelError."""
    with writer_lock(warehouse):
        return build_locked(warehouse, full=full, progress=progress or Silent())


def build_locked(warehouse: Path, *, full: bool, progress: Progress) -> Published:
    """build() for a caller that holds the writer's lock."""
    models = read_models()
    steps = iter([sum(m.scope in {"build", "history"} for m in models)])

    def step(name: str) -> None:
        for total in steps:  # once, and only if there is anything to build
            progress.start("build", total)
        progress.step(name)

    return publish(Catalog.load(warehouse), models=models, full=full, progress=step)


def publish_tables(warehouse: Path) -> Published:
    """Show what was ingested without building the models."""
    with writer_lock(warehouse):
        return publish(Catalog.load(warehouse))
