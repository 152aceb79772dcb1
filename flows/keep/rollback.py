"""Rollback: make an earlier state of the warehouse the newest again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tracemill.flows.build import build
from tracemill.flows.lock import held
from tracemill.warehouse import manifests
from tracemill.warehouse.address import no_warehouse
from tracemill.warehouse.cached import refresh
from tracemill.warehouse.catalog import Catalog, first_kept, sole_lock
from tracemill.warehouse.errors import DamagedError, WarehouseError

if TYPE_CHECKING:
    from pathlib import Path

    from tracemill.flows.lock import Lock
    from tracemill.flows.progress import Progress
    from tracemill.warehouse.publish import Published


@dataclass(frozen=True, slots=True)
class State:
    """The warehouse at the end of one operation. at: RFC 3339."""

    commit: int
    at: str
    by: str
    builds: int
    captures: int
    accepted: int


def states(root: Path) -> list[State]:
    """The states that rollback() can go back to, the newest first. Raises WarehouseError."""
    found: list[State] = []
    operation = ""
    refresh(root)
    numbers, _ = manifests.listing(root)
    if not numbers:
        raise no_warehouse(root)
    kept = first_kept(root, [manifests.read_commit(root, number) for number in numbers])
    for commit, sections in manifests.history(root):
        if commit.number < kept:
            continue
        if found and commit.operation == operation:
            found.pop()
        operation = commit.operation
        captures = sections.get("captures", {}).values()
        builds = {capture["build_id"] for capture in captures}
        found.append(
            State(
                commit=commit.number,
                at=commit.at,
                by=commit.by,
                builds=len(builds),
                captures=len(captures),
                accepted=len(sections.get("accepted", {})),
            )
        )
    return found[::-1]


def rollback(
    root: Path, commit: int, *, progress: Progress | None = None, lock: Lock = sole_lock
) -> Published:
    """Make the state after a commit the newest, and publish it. What came since stays a state like others.

    Raises WarehouseError where that state is not kept, or lacks a file.
    """
    with lock(root):
        known = [state.commit for state in states(root)]
        if commit not in known:
            shown = ", ".join(map(str, known)) or "none"
            raise WarehouseError(f"{root}: no state {commit} is kept; there is {shown}")
        earlier, catalog = Catalog.load(root, at=commit), Catalog.load(root)
        for path, fact in earlier.damaged(sorted(earlier.listed() - catalog.listed())).items():
            raise DamagedError(f"{root / path}: {fact}; state {commit} needs it")
        catalog.take_over(earlier)
        catalog.commit()
        return build(root, progress=progress, lock=held)
