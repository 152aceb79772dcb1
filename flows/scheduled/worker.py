"""What a worker of a cluster is asked to do: load files, make the models of a build. Knows no orchestrator.

A worker writes Parquet into the warehouse's folder and answers with records; who asked commits them. Before
its first errand of a run it is compared with who asked: the same code, the same folders.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import socket
from dataclasses import dataclass, replace
from functools import cache
from importlib.machinery import EXTENSION_SUFFIXES
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

from tracemill.flows.loading.capture import failed, stamp
from tracemill.flows.loading.ingest import content_of
from tracemill.flows.scheduled.task_batches import load_files
from tracemill.warehouse.durable import sync_all
from tracemill.warehouse.models import read_models
from tracemill.warehouse.own_models import make_share
from tracemill.warehouse.records import Capture
from tracemill.warehouse.schema.errors import TracemillError

if TYPE_CHECKING:
    from tracemill.flows.loading.capture import Job, Outcome
    from tracemill.flows.loading.discover import Input
    from tracemill.flows.loading.ingest import Content
    from tracemill.warehouse.own_models import Made, Share

# What makes the rows of a capture and of a build: our sources, and the libraries beside them.
_SOURCES = ("parsers", "warehouse", "detection", "sql", "flows/loading")
_LIBRARIES = ("tracemill", "duckdb", "numpy", "polars", "pyarrow")


class RefusedWorkerError(TracemillError):
    """A worker that would not do the same work as the others, in words."""


@dataclass(frozen=True, slots=True)
class Errand:
    """Who asks: the code there, and a file in the warehouse's folder that says the token; artifacts."""

    code: dict[str, str]
    marker: Path
    token: str
    artifacts: tuple[Path, ...]


# Tokens of the errands that this worker was found fit for
_fit: set[str] = set()


@cache
def code() -> dict[str, str]:
    """What the rows depend on, by name."""
    found = {name: version(name) for name in _LIBRARIES}
    top = Path(str(files("tracemill")))
    content = hashlib.sha256()
    for folder in _SOURCES:
        for file in sorted((top / folder).rglob("*")):
            if file.suffix in {".py", ".pxd", ".sql"}:
                content.update(f"{file.relative_to(top).as_posix()}\0".encode() + file.read_bytes())
    found["sources"] = content.hexdigest()[:12]
    kernels = sorted(f.stem for f in (top / "parsers/kernels").glob("*.pxd"))
    slow = [kernel for kernel in kernels if _is_uncompiled(kernel)]
    found["kernels"] = f"{', '.join(slow)} uncompiled" if slow else "compiled"
    return found


def _is_uncompiled(kernel: str) -> bool:
    found = importlib.util.find_spec(f"tracemill.parsers.kernels.{kernel}")
    return bool(found and found.origin and not found.origin.endswith(tuple(EXTENSION_SUFFIXES)))


def other_code(there: dict[str, str], here: dict[str, str]) -> str:
    """In what the code there is another, in words; nothing where it is the same."""
    for name, wanted in here.items():
        if there.get(name) != wanted:
            what = {"sources": "tracemill's sources", "kernels": "tracemill's kernels"}.get(name, name)
            return f"{what}: {there.get(name)} there, {wanted} here"
    return ""


def why_unfit(errand: Errand) -> str:
    """What keeps this worker from doing it, in words; nothing where it can."""
    if why := other_code(code(), errand.code):
        return why
    folder = errand.marker.parent
    try:
        said = errand.marker.read_text()
    except OSError as error:
        return f"{folder} is not this warehouse's folder there ({error.strerror}); it has to be shared"
    if said != errand.token or not os.access(folder, os.W_OK):
        return f"{folder} cannot be written there"
    missing = [str(path) for path in errand.artifacts if not path.exists()]
    return f"{', '.join(missing)}: not there; artifacts have to be shared" if missing else ""


def require_fit(errand: Errand) -> None:
    """Raises RefusedWorkerError where this worker cannot do it."""
    if errand.token not in _fit:
        if why := why_unfit(errand):
            raise RefusedWorkerError(f"a worker on {socket.gethostname()} is refused: {why}")
        _fit.add(errand.token)


def read_part(inputs: list[Input], errand: Errand) -> list[Content]:
    """The inputs' contents. Raises RefusedWorkerError."""
    require_fit(errand)
    return [content_of(item) for item in inputs]


def load_part(jobs: list[Job], errand: Errand) -> list[Outcome]:
    """The jobs' outcomes, their files on the disk. Raises RefusedWorkerError, LoadAgainError."""
    require_fit(errand)
    found, others = [], []
    for job in jobs:
        seen = _as_seen_here(job)
        if seen is None:
            others.append(failed(job, "another file is seen by a worker than where it was found"))
        else:
            found.append(seen)
    outcomes = load_files(found, None)
    written = [path for o in outcomes if isinstance(o, Capture) for path in o.written]
    if written:
        # Another machine cannot sync what this one holds.
        sync_all(jobs[0].root, written)
    return [*outcomes, *others]


def _as_seen_here(job: Job) -> Job | None:
    """The job with the file's stamp on this machine: inodes may differ from one to the next."""
    if job.stamp is None:
        return job
    try:
        seen = stamp(job.input.file)
    except OSError:
        return job  # loading it says why
    return replace(job, stamp=seen) if seen[:2] == job.stamp[:2] else None


def make_models(share: Share, errand: Errand) -> Made:
    """The rows of one build. Raises RefusedWorkerError, DamagedError, OSError."""
    require_fit(errand)
    return make_share(share, read_models())
