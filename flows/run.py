"""The main job: ingest, build, find regressions, export."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from tracemill.flows.build import build
from tracemill.flows.loading.ingest import Loader, Reader, ingest, load_all, read_all
from tracemill.flows.lock import Lock, held
from tracemill.flows.progress import Progress, Silent
from tracemill.flows.show.export import SCHEMA_FILE, VERDICT_TABLES
from tracemill.flows.show.export import export as export_marts
from tracemill.flows.show.report import REPORT_FILE, write_report
from tracemill.warehouse.catalog import writer_lock
from tracemill.warehouse.connection import DATABASE

if TYPE_CHECKING:
    from pathlib import Path

    from tracemill.flows.loading.ingest import Ingested
    from tracemill.flows.loading.layout import Layout
    from tracemill.parsers.api import Options
    from tracemill.warehouse.publish import Published


def export(warehouse: Path, folder: Path) -> list[Path]:
    """Write the verdicts and the report to folder. The paths written."""
    written = export_marts(warehouse, folder, tables=VERDICT_TABLES)
    write_report(warehouse, folder / REPORT_FILE)
    return [*written, folder / REPORT_FILE]


class Builder(Protocol):
    """flows.build.build(), or what an engine wraps around it."""

    def __call__(self, warehouse: Path, *, full: bool, progress: Progress, lock: Lock) -> Published: ...


@dataclass(frozen=True, slots=True)
class Steps:
    """What does each step of the job: these functions, or what an engine wraps around them."""

    lock: Lock = writer_lock
    read: Reader = read_all
    load: Loader = load_all
    build: Builder = build
    export: Callable[[Path, Path], list[Path]] = export


@dataclass(frozen=True, slots=True)
class Ran:
    """What one run did."""

    ingested: Ingested
    published: Published
    exports: list[Path]
    seconds: float

    @property
    def is_nothing_new(self) -> bool:
        """Whether there was nothing to do."""
        return not self.ingested.loaded and not self.published.is_changed and not self.published.failed_checks


def run(
    artifacts: list[Path],
    warehouse: Path,
    exports: Path,
    *,
    options: Options | None = None,
    processes: int | None = None,
    progress: Progress | None = None,
    steps: Steps | None = None,
    layout: Layout | None = None,
) -> Ran:
    """Do the main job; exports are written anew when the marts changed or a file is missing.

    Raises InputError, LayoutError, WarehouseError, ModelError, OSError for exports.
    """
    shown, do = progress or Silent(), steps or Steps()
    started = time.monotonic()
    ingested = ingest(
        artifacts,
        warehouse,
        options=options,
        processes=processes,
        progress=shown,
        read=do.read,
        load=do.load,
        layout=layout,
    )
    with do.lock(warehouse):
        published = do.build(warehouse, full=False, progress=shown, lock=held)
        is_due = published.is_changed or _are_outdated(exports, warehouse)
        written = do.export(warehouse, exports) if is_due and not published.failed_checks else []
        return Ran(ingested, published, written, time.monotonic() - started)


def _are_outdated(exports: Path, warehouse: Path) -> bool:
    """Whether what is published is newer than the exports, as after `build` or `accept`."""
    first, last = exports / SCHEMA_FILE, exports / REPORT_FILE
    return not last.is_file() or first.stat().st_mtime < (warehouse / DATABASE).stat().st_mtime
