"""Sealed parts of the state of a warehouse: all records of some builds, read only when they are asked for.

``log/parts/<SHA-256>.json`` has the records of up to BUILDS_PER_PART builds and of the files that their
captures list. It is named for its content and never changed: when a build of it changes, another part takes
its place in the next whole state. Of each part there are two files, as there are two whole states: what one
fails to tell, the other still does. A whole state tells of each part which builds it has, what they are made
from, and which Parquet files they list.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from tracemill.warehouse.cached import cache_of, write_file
from tracemill.warehouse.durable import place
from tracemill.warehouse.errors import DamagedError
from tracemill.warehouse.layout import PARTS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

# section → key → the record as JSON has it
Sections = dict[str, dict[str, Any]]

BUILDS_PER_PART = 64
# What belongs to no build: condensed rows, which several share. It has a part of its own.
SHARED = ""
# In the lists of files, beside the tables: the files of condensed rows
CONDENSED = "condensed"
# A part may be written before the whole state that names it.
UNLISTED_STAYS_SECONDS = 24 * 3600.0
_ENDS = (".json", ".copy.json")


class Digests(NamedTuple):
    """Hashes of a build's records. made: of what its models read, none without captures; shown: of all."""

    made: str
    shown: str


@dataclass(frozen=True, slots=True)
class Listed:
    """The Parquet files that captures list.

    own: table → files of one capture each, and of stacks all. compacted: table → file → how many of the
    captures list it, and of how many it has rows.
    """

    own: dict[str, list[str]] = field(default_factory=dict)
    compacted: dict[str, dict[str, list[int]]] = field(default_factory=dict)

    @classmethod
    def of(cls, sections: Sections, files: Mapping[str, dict[str, Any]]) -> Listed:
        """What the records list. files: path → record, of a compacted one with ``captures``."""
        own: dict[str, dict[str, None]] = {}
        compacted: dict[str, dict[str, list[int]]] = {}
        for capture in sections.get("captures", {}).values():
            for table, paths in capture["files"].items():
                for path in paths:
                    if has_rows_of := files.get(path, {}).get("captures", 0):
                        compacted.setdefault(table, {}).setdefault(path, [0, has_rows_of])[0] += 1
                    else:
                        own.setdefault(table, {})[path] = None
        if condensed := sections.get("condensed"):
            own[CONDENSED] = dict.fromkeys(condensed)
        return cls({table: list(paths) for table, paths in own.items()}, compacted)

    @property
    def paths(self) -> set[str]:
        """All of them."""
        return {p for paths in (*self.own.values(), *self.compacted.values()) for p in paths}


@dataclass(frozen=True, slots=True)
class Part:
    """What a whole state tells of a part."""

    sha256: str
    builds: dict[str, Digests]
    listed: Listed

    @classmethod
    def of(cls, state: dict[str, Any]) -> Part:
        """A part as a whole state has it."""
        told = state["builds"]
        builds = dict(zip(told, map(Digests._make, told.values()), strict=True))
        return cls(state["sha256"], builds, Listed(state["own"], state["compacted"]))

    def as_state(self) -> dict[str, Any]:
        """The same as a whole state has it."""
        listed = {"own": self.listed.own, "compacted": self.listed.compacted}
        return {"sha256": self.sha256, "builds": self.builds} | listed


def group_of(section: str, key: str, record: dict[str, Any]) -> str:
    """The build that a record of a known section, other than files, is of."""
    return key if section == "builds" else str(record.get("build_id", SHARED))


def digests(sections: Sections) -> Digests:
    """The digests of one build's records."""
    captures = sections.get("captures", {}).values()
    parts = [
        f"{c['capture_id']}/{c['parser_version']}/{c['path']}/{c.get('captured_at_ns')}" for c in captures
    ]
    parts += [f"{w['run_id']} {sorted(w['work'].items())}" for w in sections.get("work", {}).values()]
    if parts:  # what build.json says alone is no build
        labels = [build.get("labels") or {} for build in sections.get("builds", {}).values()]
        parts += [f"labels {sorted(said.items())}" for said in labels]
    made = _sha256("\n".join(sorted(parts)).encode())[:32] if parts else ""
    return Digests(made, _sha256(json.dumps(sections, sort_keys=True).encode())[:32])


def read(root: Path, sha256: str) -> Sections:
    """The records of a part. Raises DamagedError where no file of it is as it was written."""
    sections: Sections = json.loads(_whole(root, sha256))["sections"]
    return sections


def _whole(root: Path, sha256: str) -> bytes:
    """What one of a part's files has, as it was written. Raises DamagedError."""
    for end in _ENDS:
        if (content := _content(root, f"{PARTS}/{sha256}{end}", sha256)) is not None:
            return content
    raise DamagedError(f"{root / PARTS / sha256}.json: damaged or missing; `tracemill repair`")


def _content(root: Path, path: str, sha256: str) -> bytes | None:
    """A file's content, fetched where it is in a store alone; None where it is not as it was written."""
    with contextlib.suppress(OSError):
        content = (root / path).read_bytes()
        if _sha256(content) == sha256:
            return content
    if cache := cache_of(root):
        fetched = cache.read(path)
        if fetched is not None and _sha256(fetched) == sha256:
            place(root / path, fetched)
            return fetched
    return None


def write(root: Path, sections: Sections, version: int) -> str:
    """Write a part down, twice, each whole and on the disk; its SHA-256."""
    content = json.dumps({"version": version, "sections": sections}, separators=(",", ":")).encode() + b"\n"
    sha256 = _sha256(content)
    for end in _ENDS:  # also where it is there already: it may be damaged, or about to be removed
        write_file(root, f"{PARTS}/{sha256}{end}", content)
    return sha256


def is_there(root: Path, parts: Iterable[Part]) -> bool:
    """Whether each part has a file; in a store that is seen when it is read."""
    if cache_of(root):
        return True
    names = {file.name for file in (root / PARTS).glob("*.json")} if parts else set()
    return all(any(f"{part.sha256}{end}" in names for end in _ENDS) for part in parts)


def damaged(root: Path, parts: Iterable[Part]) -> dict[str, str]:
    """Those files of the parts that are not as they were written, and what is wrong with them, in words."""
    cache = cache_of(root)
    found: dict[str, str] = {}
    for part in parts:
        for end in _ENDS:
            path = f"{PARTS}/{part.sha256}{end}"
            try:
                content = cache.read(path) if cache else (root / path).read_bytes()
            except FileNotFoundError:
                content = None
            except OSError as error:
                found[path] = f"cannot be read: {error.strerror}"
                continue
            if content is None:
                found[path] = "missing"
            elif _sha256(content) != part.sha256:
                found[path] = "damaged, its SHA-256 is another than its name says"
    return found


def mend(root: Path, some: Iterable[Part]) -> set[str]:
    """Write damaged files of parts anew of which the other file is whole; which."""
    some = list(some)
    found = damaged(root, some)
    mended = set()
    for part in some:
        for path in files_of([part]) & found.keys():
            with contextlib.suppress(DamagedError):
                write_file(root, path, _whole(root, part.sha256))
                mended.add(path)
    return mended


def files_of(some: Iterable[Part]) -> set[str]:
    """The files of the parts, relative to the warehouse."""
    return {f"{PARTS}/{part.sha256}{end}" for part in some for end in _ENDS}


def prune(root: Path, needed: set[str]) -> None:
    """Remove the files of parts here that are not needed and not new."""
    long_ago = time.time() - UNLISTED_STAYS_SECONDS
    for file in (root / PARTS).glob("[!.]*.json"):
        with contextlib.suppress(FileNotFoundError):
            if file.relative_to(root).as_posix() not in needed and file.stat().st_mtime < long_ago:
                file.unlink()


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
