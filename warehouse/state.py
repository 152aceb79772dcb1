"""The records after a commit as JSON has them: those of sealed parts, and what commits since have put.

Nothing of a part is read before a record of one of its builds, or of a file that they list, is asked for.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tracemill.warehouse import parts
from tracemill.warehouse.errors import DamagedError
from tracemill.warehouse.parts import BUILDS_PER_PART, SHARED, Digests, Listed, Part, Sections, group_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

FILES = "files"
# Sections of which each record is of one build, or of SHARED
GROUPED = ("captures", "builds", "work", "pairs", "failures", "accepted", "condensed")


@dataclass(frozen=True, slots=True)
class Change:
    """What one commit does. unlisted: the files that no capture lists any more.

    builds: whose records it changes → their digests after it; None of one that has no record left.
    """

    put: Sections = field(default_factory=dict)
    drop: dict[str, list[str]] = field(default_factory=dict)
    unlisted: list[str] = field(default_factory=list)
    builds: dict[str, Digests | None] = field(default_factory=dict)


def apply(sections: Sections, change: Change) -> None:
    """Make a commit's change to records that are all here."""
    for name, keys in change.drop.items():
        for key in keys:
            sections.get(name, {}).pop(key, None)
    for name, records in change.put.items():
        sections.setdefault(name, {}).update(records)


@dataclass(slots=True)
class State:
    """parts: of the last whole state; put, gone: what commits since have put, and the keys they dropped.

    changed: the builds that they changed, with their digests, None where no commit told them.
    """

    root: Path
    parts: list[Part] = field(default_factory=list)
    put: Sections = field(default_factory=dict)
    gone: dict[str, set[str]] = field(default_factory=dict)
    changed: dict[str, Digests | None] = field(default_factory=dict)
    _part_of: dict[str, Part] = field(default_factory=dict)
    # What was read of parts: build → its records, path → its record
    _read: dict[str, Sections] = field(default_factory=dict)
    _files: dict[str, Any] = field(default_factory=dict)
    _are_read: set[str] = field(default_factory=set)
    # Path → a part that lists it, and what commits have put, by build; each made when it is first asked for
    _lists: dict[str, Part] | None = None
    _put_by_build: dict[str, Sections] | None = None

    @classmethod
    def of(cls, root: Path, whole: dict[str, Any]) -> State:
        """The state that a whole state tells; before version 5 that had all records itself."""
        found = cls(root, [Part.of(part) for part in whole.get("parts", [])], whole["sections"])
        found._part_of = {build: part for part in found.parts for build in part.builds}
        found.changed = dict.fromkeys(found._by_build())
        return found

    def apply(self, change: Change) -> None:
        """Make a commit's change."""
        told = dict.fromkeys(
            group_of(name, key, record)
            for name in GROUPED
            for key, record in change.put.get(name, {}).items()
        )
        dropped = {
            group_of(name, key, record)
            for name, keys in change.drop.items()
            for key in keys
            if name in GROUPED and (record := self.put.get(name, {}).get(key)) is not None
        }
        for build in [*told, *dropped, *change.builds]:
            self.changed[build] = change.builds.get(build)
        for name, keys in change.drop.items():
            self.gone.setdefault(name, set()).update(keys)
        apply(self.put, change)
        self._put_by_build = None

    def builds(self) -> list[str]:
        """All builds that any record is of, SHARED among them."""
        since = [build for build in self.changed if build not in self._part_of]
        return [*self._part_of, *since]

    def digests(self, build: str) -> Digests | None:
        """A build's digests; None where no record is of it."""
        if build not in self.changed:
            part = self._part_of.get(build)
            return part.builds[build] if part else None
        if self.changed[build] is None and (records := self.records(build)):
            self.changed[build] = parts.digests(records)
        return self.changed[build]

    def records(self, build: str) -> Sections:
        """The records of a build, of each section that has any. Raises DamagedError."""
        found: Sections = {}
        if part := self._part_of.get(build):
            self._read_part(part)
            for name, records in self._read.get(build, {}).items():
                gone, put = self.gone.get(name, ()), self.put.get(name, {})
                left = {key: r for key, r in records.items() if key not in gone and key not in put}
                if left:
                    found[name] = left
        for name, records in self._by_build().get(build, {}).items():
            found[name] = found.get(name, {}) | records
        return found

    def file(self, path: str) -> dict[str, Any] | None:
        """The record of a Parquet file; None where nobody knows it. Raises DamagedError."""
        since = self.put.get(FILES, {}).get(path)
        if since is None and path not in self.gone.get(FILES, ()):
            if path not in self._files and (part := self._part_listing(path)):
                self._read_part(part)
            since = self._files.get(path)
        return since

    def sections(self, lost: Callable[[Part], None] | None = None) -> Sections:
        """All records, read now. lost: is told of parts that cannot be read; else raises DamagedError."""
        for part in self.parts:
            try:
                self._read_part(part)
            except DamagedError:
                if lost is None:
                    raise
                lost(part)
                self._part_of = {b: p for b, p in self._part_of.items() if p is not part}
        found: Sections = {name: dict(records) for name, records in self.put.items() if name not in GROUPED}
        for build in self.builds():
            for name, records in self.records(build).items():
                found.setdefault(name, {}).update(records)
        gone = self.gone.get(FILES, ())
        since = found.get(FILES, {})
        found[FILES] = {p: f for p, f in self._files.items() if p not in gone} | since
        return found

    def sealed(self, version: int) -> State:
        """The same with all records of builds in parts, written down where any of their builds changed."""
        groups: list[Part | list[str]] = [
            list(part.builds) if not self.changed.keys().isdisjoint(part.builds) else part
            for part in self.parts
            if SHARED not in part.builds
        ]
        new = [build for build in self.changed if build not in self._part_of and build != SHARED]
        last = groups[-1] if groups else []
        builds = list(last.builds) if isinstance(last, Part) else last
        if new and builds and len(builds) < BUILDS_PER_PART:  # it has room
            groups.pop()
            new = builds + new
        groups += [new[first : first + BUILDS_PER_PART] for first in range(0, len(new), BUILDS_PER_PART)]
        shared = next((part for part in self.parts if SHARED in part.builds), None)
        groups.append(shared if shared and SHARED not in self.changed else [SHARED])
        made = [group if isinstance(group, Part) else self._part(group, version) for group in groups]
        rest = {name: records for name, records in self.put.items() if name not in (*GROUPED, FILES)}
        after = State(self.root, [part for part in made if part], rest)
        after._part_of = {build: part for part in after.parts for build in part.builds}
        return after

    def as_whole(self) -> dict[str, Any]:
        """What a whole state has of it, once it is sealed."""
        return {"parts": [part.as_state() for part in self.parts], "sections": self.put}

    def _part(self, builds: Iterable[str], version: int) -> Part | None:
        """A new part of builds, written down; None where they have no records."""
        sections: Sections = {}
        told: dict[str, Digests] = {}
        for build in builds:
            records = self.records(build)
            for name, found in records.items():
                sections.setdefault(name, {}).update(found)
            if records and (digests := self.digests(build)):
                told[build] = digests
        if not told:
            return None
        listed = {p for c in sections.get("captures", {}).values() for ps in c["files"].values() for p in ps}
        listed |= sections.get("condensed", {}).keys()
        files = {path: record for path in sorted(listed) if (record := self.file(path)) is not None}
        tables = Listed.of(sections, files)
        return Part(parts.write(self.root, sections | {FILES: files}, version), told, tables)

    def _by_build(self) -> dict[str, Sections]:
        """What commits have put, by build."""
        if self._put_by_build is None:
            self._put_by_build = {}
            for name in GROUPED:
                for key, record in self.put.get(name, {}).items():
                    of_build = self._put_by_build.setdefault(group_of(name, key, record), {})
                    of_build.setdefault(name, {})[key] = record
        return self._put_by_build

    def _part_listing(self, path: str) -> Part | None:
        """A part that lists the file."""
        if self._lists is None:
            self._lists = {path: part for part in self.parts for path in part.listed.paths}
        return self._lists.get(path)

    def _read_part(self, part: Part) -> None:
        """Have the records of a part here."""
        if part.sha256 in self._are_read:
            return
        sections = parts.read(self.root, part.sha256)
        self._are_read.add(part.sha256)
        self._files.update(sections.pop(FILES, {}))
        for name, records in sections.items():
            for key, record in records.items():
                of_build = self._read.setdefault(group_of(name, key, record), {})
                of_build.setdefault(name, {})[key] = record
