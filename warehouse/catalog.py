"""What is loaded: the records of the manifests, changed in memory and committed.

A capture is in the warehouse when the manifests list it, and only then; readers never look at folders. A
commit syncs the files that it lists before it is written. The catalog's own tables (captures,
build_manifests, run_work, run_pairs, load_failures, accepted_regressions) are made from it for publication.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import secrets
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from tracemill.warehouse import manifests
from tracemill.warehouse.address import shown
from tracemill.warehouse.cached import cache_of
from tracemill.warehouse.catalog_rows import accepted_row, build_row, capture_row, table
from tracemill.warehouse.durable import fault_of, sync_all
from tracemill.warehouse.errors import DamagedError, WarehouseError
from tracemill.warehouse.layout import DATABASE, LOG, MANIFEST, TABLES_FOLDER
from tracemill.warehouse.lock import is_alone, sole_lock, writer_lock
from tracemill.warehouse.merging import merged, overlap
from tracemill.warehouse.records import (
    Accepted,
    Build,
    Capture,
    Change,
    Condensed,
    Failure,
    Place,
    Run,
    StoredFile,
    as_dict,
    as_state,
    capture_id,
    record,
)

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    import pyarrow as pa

    from tracemill.warehouse.manifests import Sections

__all__ = [
    "MANIFEST", "Accepted", "Build", "Capture", "Catalog", "Change", "Condensed", "Failure", "Place",
    "StoredFile", "WarehouseError", "capture_id", "sole_lock", "writer_lock",
]  # fmt: skip

# Earlier states are kept, for rollback and for readers that have one open: those at the end of so many
# operations, and all of the last day. What any of them lists is not swept away.
KEPT_OPERATIONS = 10
KEPT_SECONDS = 24 * 3600.0
# In a store so much longer: another machine may be going back to one.
GRACE_SECONDS = 3600.0
# So often a commit is tried while others commit.
MOST_CONFLICTS = 100


@dataclass(slots=True)
class Catalog:
    """The manifests' records in memory; change them, then commit()."""

    root: Path
    captures: dict[Place, Capture] = field(default_factory=dict)
    builds: dict[str, Build] = field(default_factory=dict)
    # (build_id, run_id) → unit → count
    work: dict[Run, dict[str, float]] = field(default_factory=dict)
    # (build_id, run_id) → what it shares with the runs of other builds that were recorded in turns with it
    pairs: dict[Run, str] = field(default_factory=dict)
    failures: dict[Place, Failure] = field(default_factory=dict)
    accepted: dict[Change, Accepted] = field(default_factory=dict)
    # Path of a Parquet file → what it was when it was written; nothing of files from before version 2
    files: dict[str, StoredFile] = field(default_factory=dict)
    # Path of a Parquet file → what a model made of builds whose raw rows have expired
    condensed: dict[str, Condensed] = field(default_factory=dict)
    position: manifests.Position = field(default_factory=manifests.Position)
    _operation: str = field(default_factory=lambda: secrets.token_hex(4))
    _committed: dict[str, dict[Any, Any]] = field(default_factory=dict)
    # Sections that a newer Tracemill wrote
    _unknown: Sections = field(default_factory=dict)
    # Files that version 1 kept for its readers
    _retired: list[str] = field(default_factory=list)

    @classmethod
    def load(cls, root: Path, at: int | None = None) -> Catalog:
        """The committed state, or that after an earlier commit; an empty catalog where nothing is there yet.

        Raises WarehouseError, also where data lies but no manifest.
        """
        sections, position = manifests.read(root, at)
        if position == manifests.Position() and cache_of(root) is None and _has_data(root):
            raise DamagedError(
                f"{root / MANIFEST}: missing, beside data; restore it and {LOG}/ from a backup, "
                "or load into another folder"
            )
        try:
            catalog = cls._of(root, sections)
        except (TypeError, KeyError) as error:
            raise DamagedError(f"{root / MANIFEST}: cannot be read as a manifest: {error}") from error
        catalog.position = position
        if position.number:
            catalog._committed = catalog._copies()
        return catalog

    @classmethod
    def _of(cls, root: Path, sections: Sections) -> Catalog:
        """The catalog of the manifests' records."""
        parts = {name: sections.pop(name, {}) for name in _SECTIONS}
        catalog = cls(
            root,
            {c.place: c for c in (record(Capture, c) for c in parts["captures"].values())},
            {b["build_id"]: record(Build, b) for b in parts["builds"].values()},
            {(w["build_id"], w["run_id"]): w["work"] for w in parts["work"].values()},
            {(p["build_id"], p["run_id"]): p["pair"] for p in parts["pairs"].values()},
            {f.place: f for f in (record(Failure, f) for f in parts["failures"].values())},
            {a.change: a for a in (record(Accepted, a) for a in parts["accepted"].values())},
            {path: record(StoredFile, f) for path, f in parts["files"].items()},
            {path: record(Condensed, c) for path, c in parts["condensed"].items()},
        )
        catalog._retired = list(sections.pop("retired", {}))
        catalog._unknown = sections
        return catalog

    def add(self, capture: Capture) -> None:
        """Take a loaded capture in, in the place of what the same path of the same run held before."""
        self.captures[capture.place] = capture
        self.files |= capture.written
        self.failures.pop(capture.place, None)

    def remove(self, place: Place) -> None:
        """Take a capture out, whose files stay as long as those of one that was replaced."""
        del self.captures[place]

    def forget_condensed(self, builds: Iterable[str], models: Iterable[str] | None = None) -> None:
        """Let the condensed rows of these builds, of all or of the named models, count no more."""
        gone, named = set(builds), None if models is None else set(models)
        for path, kept in list(self.condensed.items()):
            if gone.isdisjoint(kept.builds) or (named is not None and kept.model not in named):
                continue
            left = [b for b in kept.builds if b not in gone]
            if left:
                self.condensed[path] = replace(kept, builds=left)
            else:
                del self.condensed[path]

    def expired(self) -> dict[str, set[str]]:
        """Build → the tables of which rows have expired."""
        found: dict[str, set[str]] = {}
        for capture in self.captures.values():
            if capture.expired:
                found.setdefault(capture.build_id, set()).update(capture.expired)
        return found

    def take_over(self, other: Catalog) -> None:
        """Take over all that another state lists, in the place of what this one does."""
        for name in _SECTIONS:
            setattr(self, name, getattr(other, name))

    def commit(self) -> None:
        """Write what changed since the last commit: from here on it is in the warehouse, whatever comes.

        Where others have committed meanwhile, the change is made to what they left. Raises OSError,
        WarehouseError; the warehouse is then as it was before.
        """
        for _ in range(MOST_CONFLICTS):
            change = self._change()
            if not change.put and not change.drop and not change.unlisted and self.position.number:
                return
            before = self._committed.get("files", {})
            new = [path for path in self.files if path not in before]
            sync_all(self.root, new)
            if cache := cache_of(self.root):
                cache.send(new)
            try:
                self.position = manifests.append(self.root, self.position, change, self._operation)
                break
            except manifests.ConflictError:
                self._take_in_newer()
        else:
            raise WarehouseError(
                f"{self.root}: other writers were quicker {MOST_CONFLICTS} times; run it again"
            )
        self._committed = self._copies()
        self._retired = []
        if manifests.is_whole_due(self.position):
            with contextlib.suppress(
                OSError, WarehouseError
            ):  # the commit stands, and reading begins further back
                self.position = manifests.write_whole(self.root, self.position, self._encoded())

    def _take_in_newer(self) -> None:
        """Make the change since the last commit to what others have committed since. Ours wins."""
        newer = Catalog.load(self.root)
        ours, before, theirs = self._sections(), self._committed, newer._sections()
        if is_alone.get() and (name := overlap(ours, before, theirs)):
            raise manifests.ConflictError(
                f"{shown(self.root)}: another machine has changed the same meanwhile ({name}); "
                "nothing was done here: run it again"
            )
        for name in _SECTIONS:
            setattr(self, name, merged(ours[name], before.get(name, {}), theirs[name]))
        self.position, self._unknown, self._committed = newer.position, newer._unknown, newer._committed

    def _sections(self) -> dict[str, dict[Any, Any]]:
        return {name: getattr(self, name) for name in _SECTIONS}

    def _copies(self) -> dict[str, dict[Any, Any]]:
        """The sections as they are, to tell later what changed."""
        copies = {name: dict(section) for name, section in self._sections().items()}
        copies["work"] = {run: dict(work) for run, work in self.work.items()}
        return copies

    def _change(self) -> manifests.Change:
        """What changed since the last commit."""
        unlisted = self._forget_unlisted_files()
        change = manifests.Change(unlisted=unlisted)
        for name, (key_of, encode) in _SECTIONS.items():
            now, before = getattr(self, name), self._committed.get(name, {})
            put = {
                key_of(key, value): encode(key, value)
                for key, value in now.items()
                if (known := before.get(key)) is not value and known != value
            }
            gone = {key_of(key, before[key]) for key in before.keys() - now.keys()}
            if name == "captures":  # another content in the same place is another capture
                gone |= {c.capture_id for place, c in before.items() if place in now}
                gone -= {c.capture_id for c in now.values()}
            if put:
                change.put[name] = put
            if gone:
                change.drop[name] = sorted(gone)
        return change

    def _forget_unlisted_files(self) -> list[str]:
        """Drop what is known of files that nothing lists any more; those that something committed did."""
        before, condensed = self._committed.get("captures", {}), self._committed.get("condensed", {})
        if condensed.keys() <= self.condensed.keys() and all(
            self.captures.get(place) is capture for place, capture in before.items()
        ):
            return self._retired
        listed = self.listed()
        for path in self.files.keys() - listed:
            del self.files[path]
        earlier = {p for c in before.values() for p in c.paths} | condensed.keys()
        return self._retired + sorted(earlier - listed)

    def _encoded(self) -> Sections:
        """All sections as the manifests have them."""
        known = {
            name: {key_of(key, value): encode(key, value) for key, value in getattr(self, name).items()}
            for name, (key_of, encode) in _SECTIONS.items()
        }
        return known | self._unknown

    def listed(self) -> set[str]:
        """The files of all captures, and those of condensed rows."""
        return {path for capture in self.captures.values() for path in capture.paths} | self.condensed.keys()

    def require(self, paths: Iterable[str]) -> None:
        """Have the files here, where the warehouse is in a store. Raises DamagedError."""
        if cache := cache_of(self.root):
            for path, fact in cache.bring(paths, self.files).items():
                raise DamagedError(f"{path}: {fact}; `tracemill repair`")

    def damaged(self, paths: Iterable[str], *, in_store: bool = False) -> dict[str, str]:
        """Those of the files that are not as they were written, and what is wrong with them, in words.

        Where the warehouse is in a store, the others are here afterwards. in_store: look there alone.
        """
        paths, cache = list(paths), cache_of(self.root)
        if cache is None:
            return self._damaged_here(paths)
        if in_store:
            return cache.faults(paths, self.files)
        facts = cache.bring(paths, self.files)
        for path in self._damaged_here([path for path in paths if path not in facts]):
            (self.root / path).unlink(missing_ok=True)
        return facts | cache.bring([path for path in paths if path not in facts], self.files)

    def _damaged_here(self, paths: list[str]) -> dict[str, str]:
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            facts = pool.map(lambda path: fault_of(self.root / path, self.files.get(path)), paths)
            return {path: fact for path, fact in zip(paths, facts, strict=True) if fact}

    def sweep(self, *, in_store: bool = False) -> int:
        """Remove the Parquet files that no kept or published state lists; how many. While nobody loads.

        in_store: where the warehouse is in a store, also those there, not only those that are here.
        """
        cache = cache_of(self.root)
        # In a store others may have committed since, whatever is locked here.
        listed = self.listed() if cache is None else Catalog.load(self.root).listed()
        commits = [manifests.read_commit(self.root, n) for n in manifests.listing(self.root)[0]]
        if not commits:
            return 0
        first = first_kept(self.root, commits, KEPT_SECONDS + (GRACE_SECONDS if cache and in_store else 0.0))
        listed.update(self._retired)
        listed.update(*(c.change.unlisted for c in commits if c.number > first))
        removed = 0
        for path in (self.root / TABLES_FOLDER).glob("*/*/*.parquet"):
            if path.relative_to(self.root).as_posix() not in listed:
                path.unlink(missing_ok=True)
                with contextlib.suppress(OSError):  # other files of the capture are still there
                    path.parent.rmdir()
                removed += 1
        if cache is None:
            manifests.prune(self.root, first)
        else:
            cache.remove_leftovers()
        if cache and in_store:
            removed += cache.sweep(listed, manifests.prune(self.root, first))
        manifests.remove_leftovers(self.root)
        return removed

    def fingerprint(self) -> str:
        """Changes with whatever the published tables would show differently."""
        state = [
            sorted(path for capture in self.captures.values() for path in capture.paths),
            sorted(c.capture_id for c in self.captures.values()),
            [as_dict(b) for b in self.builds.values()],
            [[*k, v] for k, v in self.work.items()],
            [[*k, v] for k, v in self.pairs.items()],
            [as_dict(f) for f in self.failures.values()],
            [as_dict(a) for a in self.accepted.values()],
        ]
        return hashlib.sha256(json.dumps(state).encode()).hexdigest()

    def build_fingerprints(self) -> dict[str, str]:
        """For each build, a hash of the captures and facts that its models read."""
        parts: dict[str, list[str]] = {}
        for capture in self.captures.values():
            identity = f"{capture.capture_id}/{capture.parser_version}/{capture.path}"
            parts.setdefault(capture.build_id, []).append(identity)
        for (build_id, run_id), work in self.work.items():
            parts.setdefault(build_id, []).append(f"{run_id} {sorted(work.items())}")
        return {b: hashlib.sha256("\n".join(sorted(p)).encode()).hexdigest() for b, p in parts.items()}

    def tables(self) -> dict[str, pa.Table]:
        """The catalog's own tables."""
        rows: dict[str, list[dict[str, object]]] = {
            "captures": [capture_row(c) for c in self.captures.values()],
            "build_manifests": [build_row(b) for b in self.builds.values()],
            "run_work": [
                {"build_id": b, "run_id": r, "work_unit": unit, "work_count": float(count)}
                for (b, r), work in self.work.items()
                for unit, count in work.items()
            ],
            "run_pairs": [{"build_id": b, "run_id": r, "pair": pair} for (b, r), pair in self.pairs.items()],
            "load_failures": [as_dict(f) for f in self.failures.values()],
            "accepted_regressions": [accepted_row(a) for a in self.accepted.values()],
        }
        return {name: table(name, found) for name, found in rows.items()}


# section → (key, record) → its key in the manifests, and what stands there
_SECTIONS: dict[str, tuple[Any, Any]] = {
    "captures": (lambda _, capture: capture.capture_id, lambda _, capture: as_state(capture)),
    "builds": (lambda build_id, _: build_id, lambda _, build: as_state(build)),
    "work": (
        lambda run, _: manifests.key(*run),
        lambda run, work: {"build_id": run[0], "run_id": run[1], "work": dict(work)},
    ),
    "pairs": (
        lambda run, _: manifests.key(*run),
        lambda run, pair: {"build_id": run[0], "run_id": run[1], "pair": pair},
    ),
    "failures": (lambda place, _: manifests.key(*place), lambda _, failure: as_state(failure)),
    "accepted": (lambda change, _: manifests.key(*change), lambda _, accepted: as_state(accepted)),
    "files": (lambda path, _: path, lambda _, file: as_state(file)),
    "condensed": (lambda path, _: path, lambda _, kept: as_state(kept)),
}


def _has_data(root: Path) -> bool:
    """Whether something lies here that a manifest should list."""
    return any((root / TABLES_FOLDER).glob("*/*/*.parquet")) or (root / DATABASE).exists()


def first_kept(root: Path, commits: list[manifests.Commit], seconds: float | None = None) -> int:
    """The earliest of the commits whose state is kept: all its files are there."""
    from tracemill.warehouse.connection import published_commit

    published = published_commit(root)
    ends = [a.number for a, b in pairwise(commits) if a.operation != b.operation]
    first = [*ends, commits[-1].number][-KEPT_OPERATIONS:][0]
    day_ago = time.time() - (KEPT_SECONDS if seconds is None else seconds)
    earlier = [c.number for c in commits if datetime.fromisoformat(c.at).timestamp() <= day_ago]
    first = min(first, earlier[-1] if earlier else commits[0].number)
    return first if published is None else min(first, published)
