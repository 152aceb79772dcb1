"""What is loaded: ``manifest.json``, replaced last, under one writer's lock.

A capture is in the warehouse when the manifest lists it, and only then; readers
never look at folders. The catalog's own tables (captures, build_manifests,
run_work, load_failures, accepted_regressions) are made from it when the warehouse is published.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import secrets
import time
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING

from tracemill.warehouse.schema import TABLES
from tracemill.warehouse.schema.errors import TracemillError
from tracemill.warehouse.store import TABLES_FOLDER

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pyarrow as pa

MANIFEST = "manifest.json"
MANIFEST_VERSION = 1
RETIRED_SECONDS = 24 * 3600.0


# (build_id, metric, subject)
Change = tuple[str, str, str]
# (build_id, run_id, path)
Place = tuple[str, str | None, str]


class WarehouseError(TracemillError):
    """A warehouse that cannot be read or written, in one sentence."""


def capture_id(build_id: str, run_id: str | None, sha256: str) -> str:
    """The capture's id: the same build, run and content give the same id."""
    key = json.dumps([build_id, run_id, sha256])
    return hashlib.sha256(key.encode()).hexdigest()[:16]


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

    @property
    def place(self) -> Place:
        """Where it lies: (build_id, run_id, path)."""
        return self.build_id, self.run_id, self.path


@dataclass(frozen=True, slots=True)
class Failure:
    """One input that could not be loaded."""

    build_id: str
    run_id: str | None
    path: str
    sha256: str | None
    message: str

    @property
    def place(self) -> Place:
        """Where it lies: (build_id, run_id, path)."""
        return self.build_id, self.run_id, self.path


@dataclass(frozen=True, slots=True)
class Build:
    """What build.json says; committed_at as RFC 3339."""

    build_id: str
    commit: str | None = None
    branch: str | None = None
    committed_at: str | None = None
    go_version: str | None = None
    labels: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Accepted:
    """A regression that someone decided to live with; accepted_at as RFC 3339."""

    build_id: str
    metric: str
    subject: str
    accepted_reason: str
    accepted_by: str
    accepted_at: str

    @property
    def change(self) -> Change:
        """Which verdict it is about: (build_id, metric, subject)."""
        return self.build_id, self.metric, self.subject


@dataclass(slots=True)
class Catalog:
    """The manifest in memory; change it, then commit()."""

    root: Path
    captures: dict[Place, Capture] = field(default_factory=dict)
    builds: dict[str, Build] = field(default_factory=dict)
    # (build_id, run_id) → unit → count
    work: dict[tuple[str, str], dict[str, float]] = field(default_factory=dict)
    failures: dict[Place, Failure] = field(default_factory=dict)
    accepted: dict[Change, Accepted] = field(default_factory=dict)
    # Files that a newer version of their capture replaced → Unix time of that
    retired: dict[str, float] = field(default_factory=dict)

    @classmethod
    def load(cls, root: Path) -> Catalog:
        """The committed state; an empty catalog where there is none yet."""
        path = root / MANIFEST
        try:
            state = json.loads(path.read_bytes())
        except FileNotFoundError:
            return cls(root)
        except (OSError, ValueError) as error:
            raise WarehouseError(f"{path}: cannot be read as a manifest: {error}") from error
        if state.get("version") != MANIFEST_VERSION:
            raise WarehouseError(
                f"{path}: version {state.get('version')}, this Tracemill reads version {MANIFEST_VERSION}"
            )
        return cls(
            root,
            {c.place: c for c in (Capture(**c) for c in state["captures"])},
            {b["build_id"]: Build(**b) for b in state["builds"]},
            {(w["build_id"], w["run_id"]): w["work"] for w in state["work"]},
            {f.place: f for f in (Failure(**f) for f in state["failures"])},
            {a.change: a for a in (Accepted(**a) for a in state.get("accepted", []))},
            state["retired"],
        )

    def add(self, capture: Capture) -> None:
        """Take a loaded capture in, in the place of what the same path of the same run held before."""
        old = self.captures.get(capture.place)
        if old is not None:
            self.retired |= {path: time.time() for paths in old.files.values() for path in paths}
        self.captures[capture.place] = capture
        self.failures.pop(capture.place, None)

    def remove(self, place: Place) -> None:
        """Take a capture out, whose files stay as long as those of one that was replaced."""
        old = self.captures.pop(place)
        self.retired |= {path: time.time() for paths in old.files.values() for path in paths}

    def commit(self) -> None:
        """Replace the manifest: from here on, what was added is in the warehouse."""
        state = {
            "version": MANIFEST_VERSION,
            "captures": [_as_dict(c) for c in self.captures.values()],
            "builds": [_as_dict(b) for b in self.builds.values()],
            "work": [{"build_id": b, "run_id": r, "work": w} for (b, r), w in self.work.items()],
            "failures": [_as_dict(f) for f in self.failures.values()],
            "accepted": [_as_dict(a) for a in self.accepted.values()],
            "retired": self.retired,
        }
        replace_file(self.root / MANIFEST, json.dumps(state, separators=(",", ":")).encode())

    def sweep(self) -> int:
        """Remove the Parquet files that nothing lists; how many. Under the lock only.

        Replaced files stay for a day, for readers that opened the state before.
        """
        kept_since = time.time() - RETIRED_SECONDS
        self.retired = {path: at for path, at in self.retired.items() if at > kept_since}
        listed = {path for c in self.captures.values() for paths in c.files.values() for path in paths}
        listed |= self.retired.keys()
        removed = 0
        for path in (self.root / TABLES_FOLDER).glob("*/*/*.parquet"):
            if path.relative_to(self.root).as_posix() not in listed:
                path.unlink(missing_ok=True)
                with contextlib.suppress(OSError):  # other files of the capture are still there
                    path.parent.rmdir()
                removed += 1
        return removed

    def fingerprint(self) -> str:
        """Changes with whatever the published tables would show differently."""
        state = [
            sorted(p for c in self.captures.values() for paths in c.files.values() for p in paths),
            sorted(c.capture_id for c in self.captures.values()),
            [_as_dict(b) for b in self.builds.values()],
            [[*k, v] for k, v in self.work.items()],
            [_as_dict(f) for f in self.failures.values()],
            [_as_dict(a) for a in self.accepted.values()],
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
            "captures": [_capture_row(c) for c in self.captures.values()],
            "build_manifests": [_build_row(b) for b in self.builds.values()],
            "run_work": [
                {"build_id": b, "run_id": r, "work_unit": unit, "work_count": float(count)}
                for (b, r), work in self.work.items()
                for unit, count in work.items()
            ],
            "load_failures": [_as_dict(f) for f in self.failures.values()],
            "accepted_regressions": [_accepted_row(a) for a in self.accepted.values()],
        }
        return {name: _table(name, found) for name, found in rows.items()}


def _as_dict(record: Capture | Build | Failure | Accepted) -> dict[str, object]:
    """Its fields by name; a tenth of asdict's time, which copies what lies in them."""
    return {f.name: getattr(record, f.name) for f in fields(record)}


def _table(name: str, rows: list[dict[str, object]]) -> pa.Table:
    import pyarrow as pa

    schema = pa.schema([c.arrow_field() for c in TABLES[name].columns])
    return pa.Table.from_pylist(rows, schema=schema)


def _capture_row(capture: Capture) -> dict[str, object]:
    row = _as_dict(capture)
    row["captured_at"] = _microseconds(capture.captured_at_ns)
    row["started_at"] = _microseconds(capture.started_at_ns)
    row["row_count"] = sum(capture.rows.values())
    row["labels"] = list(capture.labels.items())
    return row


def _build_row(build: Build) -> dict[str, object]:
    from datetime import datetime

    row = _as_dict(build)
    row["committed_at"] = datetime.fromisoformat(build.committed_at) if build.committed_at else None
    row["labels"] = list(build.labels.items())
    return row


def _accepted_row(accepted: Accepted) -> dict[str, object]:
    from datetime import datetime

    row = _as_dict(accepted)
    row["accepted_at"] = datetime.fromisoformat(accepted.accepted_at)
    return row


def _microseconds(ns: int | None) -> int | None:
    return None if ns is None else ns // 1000


def replace_file(path: Path, content: bytes) -> None:
    """Put content in place of path's, whole or not at all."""
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        with temporary.open("wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


@contextlib.contextmanager
def writer_lock(root: Path) -> Iterator[None]:
    """One writer at a time; readers are never asked. Raises WarehouseError when another holds it."""
    try:
        root.mkdir(parents=True, exist_ok=True)
        stream = (root / "writer.lock").open("w")
    except OSError as error:
        raise WarehouseError(f"{root}: cannot be written: {error.strerror}") from error
    with stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise WarehouseError(f"{root}: another tracemill is writing to this warehouse") from None
        yield
