"""The records of the manifests: captures, their files, failures, builds, acceptances, condensed rows.

A record that a newer Tracemill wrote may have fields that this one does not know. They are kept in
``unknown`` and written back with the others.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import MISSING, Field, dataclass, field, fields
from typing import Any, TypeVar

# (build_id, metric, subject)
Change = tuple[str, str, str]
# (build_id, run_id, path)
Place = tuple[str, str | None, str]
# (build_id, run_id)
Run = tuple[str, str]


def capture_id(build_id: str, run_id: str | None, sha256: str) -> str:
    """The capture's id: the same build, run and content give the same id."""
    key = json.dumps([build_id, run_id, sha256])
    return hashlib.sha256(key.encode()).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class StoredFile:
    """One Parquet file as it was written. captures: whose rows a compacted file has; 0 for a file of one."""

    size_bytes: int
    sha256: str
    captures: int = 0
    unknown: dict[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Capture:
    """One loaded input file; times are Unix nanoseconds."""

    capture_id: str
    build_id: str
    run_id: str | None
    path: str
    sha256: str
    size_bytes: int
    kind: str
    format: str
    parser_version: str
    status: str
    issue_count: int
    files: dict[str, list[str]]
    rows: dict[str, int]
    raw_events: bool = False
    captured_at_ns: int | None = None
    started_at_ns: int | None = None
    duration_ns: int | None = None
    go_version: str | None = None
    labels: dict[str, str] = field(default_factory=dict)
    # Tables whose rows of this capture retention has dropped
    expired: list[str] = field(default_factory=list)
    unknown: dict[str, object] = field(default_factory=dict)
    # Those of its files that were written for it; only from its loading to its commit
    written: dict[str, StoredFile] = field(default_factory=dict, compare=False)

    @property
    def place(self) -> Place:
        """Where it lies: (build_id, run_id, path)."""
        return self.build_id, self.run_id, self.path

    @property
    def paths(self) -> list[str]:
        """All its files, of all tables, relative to the warehouse."""
        return [path for paths in self.files.values() for path in paths]


@dataclass(frozen=True, slots=True)
class Failure:
    """One input that could not be loaded. is_unknown_kind: no format claims it, no capture is lost."""

    build_id: str
    run_id: str | None
    path: str
    sha256: str | None
    message: str
    is_unknown_kind: bool = False
    unknown: dict[str, object] = field(default_factory=dict)

    @property
    def place(self) -> Place:
        """Where it lies: (build_id, run_id, path)."""
        return self.build_id, self.run_id, self.path


@dataclass(frozen=True, slots=True)
class Build:
    """What build.json says; committed_at as RFC 3339. position: in a list of builds that was given."""

    build_id: str
    commit: str | None = None
    branch: str | None = None
    committed_at: str | None = None
    go_version: str | None = None
    labels: dict[str, str] = field(default_factory=dict)
    position: int | None = None
    unknown: dict[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Accepted:
    """A regression that someone decided to live with; accepted_at as RFC 3339."""

    build_id: str
    metric: str
    subject: str
    accepted_reason: str
    accepted_by: str
    accepted_at: str
    unknown: dict[str, object] = field(default_factory=dict)

    @property
    def change(self) -> Change:
        """Which verdict it is about: (build_id, metric, subject)."""
        return self.build_id, self.metric, self.subject


@dataclass(frozen=True, slots=True)
class Condensed:
    """What a model made of builds, kept since rows that it was made from have expired.

    fingerprint: of the model's SQL and all that it is made by. builds: those whose rows count; build_count:
    how many the file has rows of.
    """

    path: str
    model: str
    fingerprint: str
    builds: list[str]
    build_count: int
    unknown: dict[str, object] = field(default_factory=dict)


Record = Capture | Failure | Build | Accepted | StoredFile | Condensed
_R = TypeVar("_R", Capture, Failure, Build, Accepted, StoredFile, Condensed)
_FIELDS: dict[type[Record], dict[str, Field[Any]]] = {}


def _fields(kind: type[Record]) -> dict[str, Field[Any]]:
    """The fields that a manifest has, by name."""
    found = _FIELDS.get(kind)
    if found is None:
        found = _FIELDS[kind] = {f.name: f for f in fields(kind) if f.name not in {"unknown", "written"}}
    return found


def record(kind: type[_R], state: dict[str, Any]) -> _R:
    """A record as a manifest has it. Raises TypeError where it lacks a field."""
    known = _fields(kind)
    if state.keys() <= known.keys():
        return kind(**state)
    unknown = {name: value for name, value in state.items() if name not in known}
    return kind(**{n: v for n, v in state.items() if n in known}, unknown=unknown)


def as_dict(item: Record) -> dict[str, Any]:
    """Its fields by name; a tenth of asdict's time, which copies what lies in them."""
    return {name: getattr(item, name) for name in _fields(type(item))} | item.unknown


def as_state(item: Record) -> dict[str, Any]:
    """A record as a manifest has it: what is as if it had not been said is left out."""
    state: dict[str, Any] = {}
    for name, known in _fields(type(item)).items():
        value = getattr(item, name)
        if known.default is not MISSING:
            is_default = value == known.default
        else:
            is_default = known.default_factory is not MISSING and value == known.default_factory()
        if not is_default:
            state[name] = value
    return state | item.unknown
