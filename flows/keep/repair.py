"""Repair: make a damaged warehouse whole again, with as little loss as can be, and say what was lost.

What is derived, the published file, is made anew. A capture with a damaged file is taken out, so that the
next run over its artifacts loads it again; of a compacted file only captures whose rows are damaged. Damaged
condensed rows are written again from the published file; where that is lost too, all captures of the builds
are taken out. Of a log with damaged commits all others are kept; what the damaged ones put is loaded again
as well. The damaged log is set aside, not deleted.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from tracemill.flows.build import build, publish_files
from tracemill.flows.keep.verify import verify
from tracemill.flows.lock import held
from tracemill.warehouse import manifests, parts
from tracemill.warehouse.cached import cache_of
from tracemill.warehouse.catalog import Catalog, sole_lock
from tracemill.warehouse.compaction import is_compacted, list_merged, salvage, whole_captures
from tracemill.warehouse.condensed import rewrite
from tracemill.warehouse.errors import DamagedError, WarehouseError
from tracemill.warehouse.layout import LOG, PARTS, parquet_files
from tracemill.warehouse.published import is_own
from tracemill.warehouse.state import apply

if TYPE_CHECKING:
    from pathlib import Path

    from tracemill.flows.keep.verify import Finding
    from tracemill.flows.lock import Lock
    from tracemill.flows.progress import Progress
    from tracemill.warehouse.parts import Sections
    from tracemill.warehouse.records import Capture


@dataclass(slots=True)
class Repaired:
    """What was wrong, and what was done about it."""

    findings: list[Finding] = field(default_factory=list)
    # To be loaded again
    dropped: list[Capture] = field(default_factory=list)
    # Where the damaged log is now
    set_aside: str = ""
    lost_commits: list[str] = field(default_factory=list)
    is_made_anew: bool = False
    # Into the store, from this machine's copy
    put_back: list[str] = field(default_factory=list)


def repair(
    root: Path, *, is_trial: bool = False, progress: Progress | None = None, lock: Lock = sole_lock
) -> Repaired:
    """Mend what verify() finds; with is_trial only say what would be done. Raises WarehouseError."""
    with lock(root):
        done = Repaired()
        found = verify(root)
        done.findings += found.findings
        if found.log:
            if is_trial:
                return done
            if not {f.path for f in found.log} <= _mended(root):
                _salvage(root, done)
            found = verify(root)
            done.findings += [f for f in found.findings if f not in done.findings]
        catalog = Catalog.load(root)
        damaged = {f.path for f in found.files}
        if cache := cache_of(root):
            done.put_back = cache.put_back(sorted(damaged), catalog.files, is_trial=is_trial)
            damaged -= set(done.put_back)
        compacted = [p for p in sorted(damaged & catalog.files.keys()) if is_compacted(p)]
        at = {path: cache.as_it_is(path) if cache else root / path for path in compacted}
        saved = {path: whole_captures(catalog, path, file) for path, file in at.items()}
        condensed = [kept for path, kept in catalog.condensed.items() if path in damaged]
        can_rewrite = not found.published and is_own(root)
        lost = set() if can_rewrite else {b for kept in condensed for b in kept.builds}
        done.dropped = [
            c for c in catalog.captures.values() if c.build_id in lost or _is_lost(c, damaged, saved)
        ]
        done.is_made_anew = bool(found.published) or bool(done.set_aside)
        if is_trial:
            return done
        for capture in done.dropped:
            catalog.remove(capture.place)
        for path, captures in saved.items():
            _save(catalog, path, captures, at[path])
        catalog.forget_condensed(lost)
        if can_rewrite:
            rewrite(catalog, condensed)
        catalog.commit()
        if done.dropped or done.is_made_anew:
            build(root, full=done.is_made_anew, progress=progress, lock=held)
        elif saved:
            publish_files(catalog)
        return done


def _is_lost(capture: Capture, damaged: set[str], saved: dict[str, list[str]]) -> bool:
    """Whether a capture needs a damaged file, and its rows in that one cannot all be read."""
    return any(capture.capture_id not in saved.get(path, ()) for path in damaged.intersection(capture.paths))


def _save(catalog: Catalog, path: str, captures: list[str], file: Path) -> None:
    """Have captures whose rows in a damaged compacted file can be read list a new file with these rows."""
    there = {c.capture_id for c in catalog.captures.values() if path in c.paths}
    if left := [capture for capture in captures if capture in there]:
        target, catalog.files[target] = salvage(catalog.root, path, left, file)
        list_merged(catalog, {path: target})


def _mended(root: Path) -> set[str]:
    """The files of parts that were damaged, and are as they were written again."""
    try:
        return parts.mend(root, manifests.named_parts(root))
    except DamagedError:
        return set()


def _salvage(root: Path, done: Repaired) -> None:
    """Begin a log with all records that the damaged one still tells, and set that one aside."""
    try:
        head = manifests.read_head(root)
        if head is not None and head["version"] == 1:
            raise WarehouseError(f"{root}: a manifest of version 1 cannot be repaired")
    except DamagedError:
        head = None
    numbers, wholes = manifests.listing(root)
    sections, base = _newest_whole(root, wholes, done)
    last = max([*numbers, *wholes, int(head["number"]) if head else 0])
    first = base + 1 if base else min(numbers, default=1)
    for number in range(first, last + 1):
        try:
            apply(sections, manifests.read_commit(root, number).change)
        except (DamagedError, FileNotFoundError):
            done.lost_commits.append(f"{LOG}/{number:010}.json")
    if not sections:
        raise WarehouseError(f"{root / LOG}: nothing of it can be read; restore it from a backup")
    done.set_aside = f"{LOG}/damaged-{datetime.now(UTC):%Y%m%dT%H%M%SZ}"
    (root / done.set_aside).mkdir(parents=True, exist_ok=True)
    old = [f for f in (*(root / LOG).iterdir(), *(root / PARTS).glob("*")) if f.is_file()]
    listed = {
        path
        for capture in sections.get("captures", {}).values()
        for paths in capture["files"].values()
        for path in paths
    } | sections.get("condensed", {}).keys()
    cache = cache_of(root)
    present = cache.stored() if cache else set(parquet_files(root))
    change = manifests.Change(sections, unlisted=sorted(present - listed))
    position = manifests.append(root, manifests.Position(last), change, "repair")
    for file in old:
        target = root / done.set_aside / file.relative_to(root / LOG)
        target.parent.mkdir(exist_ok=True)
        file.rename(target)
    if cache:
        cache.set_aside([file.relative_to(root / LOG).as_posix() for file in old], done.set_aside)
    manifests.write_head(root, position)


def _newest_whole(root: Path, wholes: list[int], done: Repaired) -> tuple[Sections, int]:
    """The newest whole state that can be read, without the parts of it that cannot, and its commit."""
    for number in reversed(wholes):
        try:
            return manifests.read_whole(
                root, number, lambda part: done.lost_commits.append(f"{PARTS}/{part.sha256}.json")
            ), number
        except DamagedError:
            continue
    return {}, 0
