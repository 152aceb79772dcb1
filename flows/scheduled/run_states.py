"""What a run tells of itself, in words: how it ended, and the verdicts as an artifact."""

from __future__ import annotations

import hashlib
import os
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, NamedTuple

from tracemill.flows.show.coverage import coverage
from tracemill.flows.show.tables import markdown_table
from tracemill.flows.show.verdicts import HEADINGS, table, verdicts
from tracemill.warehouse import connect

if TYPE_CHECKING:
    from pathlib import Path

    from tracemill.flows.settings import Settings
    from tracemill.flows.show.verdicts import Filter
    from tracemill.warehouse.catalog import Failure
    from tracemill.warehouse.publish import Published

# The artifact shows this many verdicts; the exports have them all.
MAX_ARTIFACT_ROWS = 500


class Ending(NamedTuple):
    """How a run ended. name: of the state, None for the usual one."""

    is_failed: bool
    name: str | None
    message: str | None


def ending(
    failures: list[Failure], published: Published | None, *, is_new: bool, unjudged: str | None = None
) -> Ending:
    """How a run ended, in the words of the run list. unjudged: why nothing could be judged."""
    if published is not None and published.failed_checks:
        found = "; ".join(f"{name}: {text}" for name, text in published.failed_checks.items())
        return Ending(True, None, f"nothing was published, for a check failed: {found}")
    if published is not None and published.set_aside:
        found = "; ".join(f"{build}: {why}" for build, why in published.set_aside.items())
        return Ending(False, "SomeFailed", f"builds were set aside: {found}")
    if failures:
        message = f"{len(failures)} inputs failed: {'; '.join(f.message for f in failures[:5])}"
        return Ending(False, "SomeFailed", message)
    if unjudged:
        return Ending(False, "NothingJudged", unjudged)
    return Ending(False, None, None) if is_new else Ending(False, "NothingNew", "nothing new")


def why_not_judged(warehouse: Path) -> str | None:
    """Why nothing of the warehouse could be judged; None where something was."""
    with connect(warehouse) as connection:
        rests_on = coverage(connection)
    return None if rests_on.is_judged else rests_on.sentences()[0]


def artifact(warehouse: Path, chosen: Filter) -> tuple[str, str]:
    """The verdicts chosen as Markdown, and what it shows."""
    with connect(warehouse) as connection:
        rows = table(verdicts(connection, chosen))
    more = f"\n{len(rows) - MAX_ARTIFACT_ROWS} more" if len(rows) > MAX_ARTIFACT_ROWS else ""
    shown = markdown_table(HEADINGS, rows[:MAX_ARTIFACT_ROWS]) + more
    return shown, f"What regressed, improved or moved: {len(rows)} verdicts in {warehouse}"


def deployment_name(root: Path) -> str:
    """One server may have the deployments of several warehouses."""
    return f"{root.name.strip('.')}-{hashlib.sha256(os.fsencode(root)).hexdigest()[:6]}"


def parameters(settings: Settings) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
    """Parameters of flows, as JSON holds them: of every one, of those that load, of those that export."""
    return (
        {"warehouse": str(settings.warehouse.resolve())},
        {
            "artifacts": [str(p.resolve()) for p in settings.artifacts],
            "processes": settings.processes,
            "on": settings.on,
            "layout": asdict(settings.as_layout()),
        },
        {"exports": str(settings.exports_folder.resolve())},
    )
