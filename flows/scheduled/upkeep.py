"""Upkeep as a flow: verify what is new, drop what retention lets go, merge small files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from prefect import flow, get_run_logger, task
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas import State
from prefect.states import Completed, Failed

from tracemill.flows.keep.compact import Compacted, compact
from tracemill.flows.keep.retention import Policy, Retained, retention
from tracemill.flows.keep.verify import Verified, verify
from tracemill.warehouse.lock import patience

if TYPE_CHECKING:
    from tracemill.flows.settings import Settings

# The main job may be at work; upkeep waits for it.
SECONDS_TO_WAIT = 3600.0


@task(name="verify", cache_policy=NO_CACHE)
def _verify(warehouse: Path) -> Verified:
    return verify(warehouse, is_new=True)


@task(name="retention", cache_policy=NO_CACHE)
def _retention(warehouse: Path, kept: Policy) -> Retained:
    patience.set(SECONDS_TO_WAIT)
    return retention(warehouse, kept, is_trial=False)


@task(name="compact", cache_policy=NO_CACHE)
def _compact(warehouse: Path) -> Compacted:
    patience.set(SECONDS_TO_WAIT)
    return compact(warehouse)


@flow(name="upkeep")
def upkeep_flow(warehouse: Path, ages: dict[str, str], keeps_incidents: bool = True) -> State[None]:
    """Verify what is new; if all is as it was written, drop what the policy lets go, and compact."""
    found = _verify(warehouse).findings
    if found:
        damaged = "; ".join(f"{f.path}: {f.fact}" for f in found[:5])
        return Failed(message=f"{len(found)} files are not as they were written: {damaged}")
    kept = Policy.of(ages, keeps_incidents=keeps_incidents)
    retained = _retention(warehouse, kept)
    compacted = _compact(warehouse)
    log = get_run_logger()
    for table in retained.tables:
        log.info(
            "dropped %s: %d builds, %d files, %d bytes", table.table, table.builds, table.files, table.bytes
        )
    message = (
        f"raw rows of {len(retained.builds)} builds dropped; {compacted.files_before} files are now "
        f"{compacted.files_after}"
    )
    return Completed(message=message)


def policy(settings: Settings) -> dict[str, Any]:
    """The flow's parameters that say what is kept, as JSON holds them."""
    return {"ages": dict(settings.retention), "keeps_incidents": settings.retention_keeps_incidents}
