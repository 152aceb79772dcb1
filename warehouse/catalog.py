"""What is loaded: the records of the manifests, changed in memory and committed.

A capture is in the warehouse when the manifests list it, and only then; readers never look at folders. A
commit syncs the files that it lists before it is written. The catalog's own tables (captures,
build_manifests, run_work, run_pairs, load_failures, accepted_regressions) are made from it for publication.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tracemill.warehouse import manifests, parts
from tracemill.warehouse.address import shown
from tracemill.warehouse.cached import cache_of
from tracemill.warehouse.catalog_rows import tables_of
from tracemill.warehouse.durable import fault_of, sync_all
from tracemill.warehouse.errors import DamagedError, WarehouseError
from tracemill.warehouse.layout import DATABASE, LOG, MANIFEST, parquet_files
from tracemill.warehouse.lock import is_alone, sole_lock, writer_lock
from tracemill.warehouse.merging import merged, overlap
from tracemill.warehouse.parts import SHARED, Digests, Part, Sections
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
    as_state,
    capture_id,
)
from tracemill.warehouse.scan import Files, files_by_table
from tracemill.warehouse.sections import CODECS, FileRecords, Records, Unread
from tracemill.warehouse.state import FILES, State

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pyarrow as pa

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
    """The manifests' records; change them, then commit(). They are read as far as they are asked for."""

    root: Path
    captures: Records[Place, Capture] = field(default_factory=partial(Records, CODECS["captures"].build_of))
    builds: Records[str, Build] = field(default_factory=partial(Records, CODECS["builds"].build_of))
    # (build_id, run_id) → unit → count
    work: Records[Run, dict[str, float]] = field(default_factory=partial(Records, CODECS["work"].build_of))
    # (build_id, run_id) → what it shares with the runs of other builds that were recorded in turns with it
    pairs: Records[Run, str] = field(default_factory=partial(Records, CODECS["pairs"].build_of))
    failures: Records[Place, Failure] = field(default_factory=partial(Records, CODECS["failures"].build_of))
    accepted: Records[Change, Accepted] = field(default_factory=partial(Records, CODECS["accepted"].build_of))
    # Path of a Parquet file → what a model made of builds whose raw rows have expired
    condensed: Records[str, Condensed] = field(default_factory=partial(Records, CODECS["condensed"].build_of))
    # Path of a Parquet file → what it was when it was written; nothing of files from before version 2
    files: FileRecords = field(default_factory=lambda: FileRecords(State(Path())))
    position: manifests.Position = field(default_factory=manifests.Position)
    # Build → the failure that is published in the place of its captures; such a catalog is never committed
    set_aside: dict[str, Failure] = field(default_factory=dict)
    _operation: str = field(default_factory=lambda: secrets.token_hex(4))
    _state: State = field(default_factory=lambda: State(Path()))
    # Files that version 1 kept for its readers
    _retired: list[str] = field(default_factory=list)

    @classmethod
    def load(cls, root: Path, at: int | None = None) -> Catalog:
        """The committed state, or that after an earlier commit; an empty catalog where nothing is there yet.

        Raises WarehouseError, also where data lies but no manifest; so does reading the records.
        """
        state, position = manifests.read(root, at)
        if position == manifests.Position() and cache_of(root) is None and _has_data(root):
            raise DamagedError(
                f"{root / MANIFEST}: missing, beside data; restore it and {LOG}/ from a backup, "
                "or load into another folder"
            )
        unread = Unread(dict.fromkeys(state.builds()))
        sections: dict[str, Any] = {name: Records(codec.build_of, unread) for name, codec in CODECS.items()}
        retired = list(state.put.pop("retired", {}))
        catalog = cls(
            root, **sections, files=FileRecords(state), position=position, _state=state, _retired=retired
        )
        unread.read = partial(_read, root, state, sections)
        if not position.number:  # of version 1: what it has is to be committed
            unread.need_all()
            for section in sections.values():
                section.before.clear()
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

    def captures_of(self, builds: Iterable[str]) -> list[Capture]:
        """The captures of these builds; none of those that are set aside."""
        return list(self.captures.of(set(builds) - self.set_aside.keys()).values())

    def expired(self, builds: Iterable[str] | None = None) -> dict[str, set[str]]:
        """Build → the tables of which rows have expired; of all builds, or of these."""
        found: dict[str, set[str]] = {}
        for capture in self.captures.values() if builds is None else self.captures_of(builds):
            if capture.expired:
                found.setdefault(capture.build_id, set()).update(capture.expired)
        return found

    def take_over(self, other: Catalog) -> None:
        """Take over all that another state lists, in the place of what this one does."""
        for name in (*CODECS, FILES):
            section, theirs = getattr(self, name), getattr(other, name)
            for key in [key for key in section if key not in theirs]:
                del section[key]
            section.update(theirs)

    def commit(self) -> None:
        """Write what changed since the last commit: from here on it is in the warehouse, whatever comes.

        Where others have committed meanwhile, the change is made to what they left. Raises OSError,
        WarehouseError; the warehouse is then as it was before.
        """
        for _ in range(MOST_CONFLICTS):
            change = self._change()
            if not change.put and not change.drop and not change.unlisted and self.position.number:
                return
            new = [path for path in self.files.now if path not in self.files.before]
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
        self._state.apply(change)
        self._retired = []
        for section in (*self._sections().values(), self.files):
            section.keep()
        if manifests.is_whole_due(self.position):
            with contextlib.suppress(
                OSError, WarehouseError
            ):  # the commit stands, and reading begins earlier
                self._state, self.position = manifests.write_whole(self.root, self.position, self._state)
                self.files.state = self._state

    def _take_in_newer(self) -> None:
        """Make the change since the last commit to what others have committed since. Ours wins."""
        newer = Catalog.load(self.root)
        ours, theirs = self._sections(), newer._sections()
        read = {section.build_of(k) for section in ours.values() for k in (*section.now, *section.before)}
        other = {name: section.of(read) for name, section in theirs.items()}
        before = {name: section.before for name, section in ours.items()}
        now = {name: section.now for name, section in ours.items()}
        if is_alone.get() and (name := overlap(now, before, other)):
            raise manifests.ConflictError(
                f"{shown(self.root)}: another machine has changed the same meanwhile ({name}); "
                "nothing was done here: run it again"
            )
        for name, section in theirs.items():
            section.put(merged(now[name], before[name], other[name]), read)
            setattr(self, name, section)
        put, gone = self.files.changes()
        newer.files.update(put)
        for path in gone:
            newer.files.pop(path, None)
        self.files, self.position, self._state = newer.files, newer.position, newer._state

    def _sections(self) -> dict[str, Records[Any, Any]]:
        return {name: getattr(self, name) for name in CODECS}

    def _change(self) -> manifests.Change:
        """What changed since the last commit."""
        change = manifests.Change(unlisted=self._forget_unlisted_files())
        builds: set[str] = set()
        for name, section in self._sections().items():
            codec = CODECS[name]
            changed, left_out = section.changes()
            builds.update(section.build_of(key) for key in (*changed, *left_out))
            put = {codec.key_of(key, value): codec.encode(key, value) for key, value in changed.items()}
            # Another content in the same place is another capture.
            earlier = [*left_out, *(key for key in changed if key in section.before)]
            gone = {codec.key_of(key, section.before[key]) for key in earlier} - put.keys()
            if put:
                change.put[name] = put
            if gone:
                change.drop[name] = sorted(gone)
        put_files, gone_files = self.files.changes()
        if put_files:
            change.put[FILES] = {path: as_state(file) for path, file in put_files.items()}
        if gone_files:
            change.drop[FILES] = sorted(gone_files)
        change.builds.update(self._digests_of(builds))
        return change

    def _digests_of(self, builds: set[str]) -> dict[str, Digests | None]:
        """The digests of builds by their records here, all of which were read; None where there is none."""
        records: dict[str, Sections] = {build: {} for build in sorted(builds)}
        for name, section in self._sections().items() if builds else ():
            codec = CODECS[name]
            for key, value in section.now.items():
                if (build := codec.build_of(key)) in builds:
                    of_section = records[build].setdefault(name, {})
                    of_section[codec.key_of(key, value)] = codec.encode(key, value)
        return {build: parts.digests(found) if found else None for build, found in records.items()}

    def _forget_unlisted_files(self) -> list[str]:
        """Drop what is known of files that nothing lists any more; those that something committed did."""
        now = self.captures.now
        earlier = {p for place, c in self.captures.before.items() if now.get(place) is not c for p in c.paths}
        earlier |= self.condensed.before.keys() - self.condensed.now.keys()
        unlisted = earlier - self.listed() if earlier else set()
        for path in unlisted:
            self.files.pop(path, None)
        return self._retired + sorted(unlisted)

    def _sealed(self) -> tuple[list[Part], set[str]]:
        """The parts of which nothing changed since, and the builds of the others and of none."""
        loose = self._state.changed.keys() | self.set_aside.keys()
        loose |= self.captures.changed() | self.condensed.changed()
        sealed = []
        for part in self._state.parts:
            if loose.isdisjoint(part.builds):
                sealed.append(part)
            else:
                loose |= part.builds.keys()
        return sealed, loose

    def listed(self) -> set[str]:
        """The files of all captures, and those of condensed rows."""
        sealed, loose = self._sealed()
        found = {path for part in sealed for path in part.listed.paths}
        found |= {path for capture in self.captures.of(loose).values() for path in capture.paths}
        return found | self.condensed.of(loose).keys()

    def files_by_table(self) -> dict[str, Files]:
        """Table → its files, each once, whose rows count; without what is set aside."""
        sealed, loose = self._sealed()
        rows_of: dict[str, int] = {}
        listing = Counter(path for capture in self.captures_of(loose) for path in capture.paths)
        for files in (files for part in sealed for files in part.listed.compacted.values()):
            for path, (count, has_rows_of) in files.items():
                rows_of[path] = has_rows_of
                listing[path] += count
        # Of a file that has rows that do not count, each capture whose rows do is named.
        partly = {path for path, count in rows_of.items() if listing[path] < count}
        for part in [p for p in sealed if partly and not partly.isdisjoint(p.listed.paths)]:
            sealed.remove(part)
            loose |= part.builds.keys()
        return files_by_table(self.captures_of(loose), self.files, [part.listed for part in sealed])

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

    def sweep(self, *, is_thorough: bool = False) -> int:
        """Remove the Parquet files that no kept or published state lists; how many. While nobody loads.

        They lie where commits have dropped them, or where what was stopped wrote: in folders that nothing
        lists, or of captures that commits have changed of late. is_thorough: look into all folders, and where
        the warehouse is in a store, also there.
        """
        cache = cache_of(self.root)
        # In a store others may have committed since, whatever is locked here.
        listed = (self if cache is None else Catalog.load(self.root)).listed()
        commits = [manifests.read_commit(self.root, n) for n in manifests.listing(self.root)[0]]
        if not commits:
            return 0
        first = first_kept(
            self.root, commits, KEPT_SECONDS + (GRACE_SECONDS if cache and is_thorough else 0.0)
        )
        listed.update(self._retired)
        listed.update(*(c.change.unlisted for c in commits if c.number > first))
        gone = {path for c in commits for path in c.change.unlisted if (self.root / path).exists()}
        gone.update(parquet_files(self.root, set() if is_thorough else self._settled_folders(listed)))
        gone -= listed
        for path in gone:
            (self.root / path).unlink(missing_ok=True)
            with contextlib.suppress(OSError):  # other files of the capture are still there
                (self.root / path).parent.rmdir()
        removed = len(gone)
        if cache is None:
            manifests.prune(self.root, first)
        else:
            cache.remove_leftovers()
        if cache and is_thorough:
            pruned = manifests.prune(self.root, first)
            removed += cache.sweep(listed | manifests.part_files(self.root), pruned)
        manifests.remove_leftovers(self.root)
        return removed

    def _settled_folders(self, listed: set[str]) -> set[str]:
        """The folders of listed files into which nothing was written since the last whole state."""
        changed = {path for c in self.captures_of(self._state.changed) for path in c.paths}
        return {p.rpartition("/")[0] for p in listed} - {p.rpartition("/")[0] for p in changed}

    def digests(self) -> dict[str, Digests]:
        """For each build, hashes of the captures and facts that its models read, and of all its records."""
        since = self._digests_of(set().union(*(s.changed() for s in self._sections().values())))
        found = {b: since[b] if b in since else self._state.digests(b) for b in self._state.builds()} | since
        return {build: told for build, told in found.items() if told and build != SHARED}

    def build_fingerprints(self) -> dict[str, str]:
        """For each build, a hash of the captures and facts that its models read."""
        return {b: told.made for b, told in self.digests().items() if told.made and b not in self.set_aside}

    def tables(self, builds: Iterable[str] | None = None) -> dict[str, pa.Table]:
        """The catalog's own tables; of all builds, or of these."""
        return tables_of(self, set(self.digests() if builds is None else builds))


def _read(root: Path, state: State, sections: dict[str, Records[Any, Any]], build: str) -> None:
    """Have the sections take in the records of a build. Raises DamagedError."""
    try:
        for name, records in state.records(build).items():
            decode = CODECS[name].decode
            sections[name].take_in(decode(found) for found in records.values())
    except (TypeError, KeyError) as error:
        raise DamagedError(f"{root / MANIFEST}: cannot be read as a manifest: {error}") from error


def _has_data(root: Path) -> bool:
    """Whether something lies here that a manifest should list."""
    return any(parquet_files(root)) or (root / DATABASE).exists()


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
