"""The input layout: ``artifacts/<build>/<run>/<file>``, ``build.json``, ``run.json``.

A folder that itself holds a ``build.json`` is taken as one build. Hidden files
are passed over, and so is whatever is no regular file below the folder given:
a link out of it, a pipe, a device.
"""

from __future__ import annotations

import json
import math
import os
import re
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from tracemill.warehouse.catalog import Build, Failure
from tracemill.warehouse.schema.errors import TracemillError

BUILD_FILE, RUN_FILE = "build.json", "run.json"
# What a manifest may hold; it is small by nature.
MAX_MANIFEST_BYTES = 1024**2


class InputError(TracemillError):
    """Input that cannot be used at all, in one sentence."""


@dataclass(frozen=True, slots=True)
class Input:
    """One file to load. path is what error messages and the captures table show."""

    build_id: str
    run_id: str | None
    path: str
    file: Path


@dataclass(slots=True)
class Discovered:
    """What lies below the folders given."""

    inputs: list[Input] = field(default_factory=list)
    builds: dict[str, Build] = field(default_factory=dict)
    runs: set[tuple[str, str]] = field(default_factory=set)
    work: dict[tuple[str, str], dict[str, float]] = field(default_factory=dict)
    failures: list[Failure] = field(default_factory=list)
    # Files that belong to no build, which is worth a word and no more.
    strays: list[str] = field(default_factory=list)


def discover(folders: list[Path]) -> Discovered:
    """Everything below the folders, in a stable order. Raises InputError for a folder that is not there."""
    found = Discovered()
    for folder in folders:
        if not folder.is_dir():
            raise InputError(f"{folder}: {'not a folder' if folder.exists() else 'no such folder'}")
        if (folder / BUILD_FILE).is_file():
            _read_build(folder.resolve(), found, folder.resolve().parent)
            continue
        for entry in _entries(folder):
            if entry.is_dir() and not entry.is_symlink():
                _read_build(entry, found, folder)
            else:
                found.strays.append(str(entry))
    return found


def _entries(folder: Path) -> list[Path]:
    return sorted(
        (p for p in folder.iterdir() if not p.name.startswith(".")), key=lambda p: natural_key(p.name)
    )


def natural_key(name: str) -> list[tuple[int, str]]:
    """Orders b2 before b10."""
    return [(int(part), "") if part.isdigit() else (-1, part) for part in re.split(r"(\d+)", name) if part]


def _read_build(folder: Path, found: Discovered, top: Path) -> None:
    manifest = _read_manifest(folder / BUILD_FILE, (folder.name, None), found, top)
    build = _build(folder, manifest, found, top)
    build_work = _work(folder / BUILD_FILE, manifest, (build.build_id, None), found, top)
    if build.build_id not in found.builds or manifest:
        found.builds[build.build_id] = build
    try:
        entries = _entries(folder)
    except OSError as error:
        entries = []
        _fail(folder, build.build_id, None, str(error.strerror), found, top)
    for entry in entries:
        if entry.is_dir() and not entry.is_symlink():
            run = (build.build_id, entry.name)
            found.runs.add(run)
            manifest = _read_manifest(entry / RUN_FILE, run, found, top)
            if work := build_work | _work(entry / RUN_FILE, manifest, run, found, top):
                found.work[run] = work
            _read_files(entry, build.build_id, entry.name, found, top)
        elif entry.name != BUILD_FILE:
            _take(entry, build.build_id, None, found, top)


def _read_files(folder: Path, build_id: str, run_id: str, found: Discovered, top: Path) -> None:
    def unreadable(error: OSError) -> None:
        _fail(Path(error.filename), build_id, run_id, str(error.strerror), found, top)

    for current, folders, names in os.walk(folder, onerror=unreadable):
        folders[:] = sorted(n for n in folders if not n.startswith("."))
        for name in folders:
            if Path(current, name).is_symlink():
                _take(Path(current, name), build_id, run_id, found, top)
        for name in sorted(names, key=natural_key):
            if not name.startswith(".") and not (name == RUN_FILE and Path(current) == folder):
                _take(Path(current, name), build_id, run_id, found, top)


def _take(file: Path, build_id: str, run_id: str | None, found: Discovered, top: Path) -> None:
    # Path.resolve raises for a link that leads to itself; realpath gives it back.
    if file.is_symlink() and not Path(os.path.realpath(file)).is_relative_to(os.path.realpath(top)):
        _fail(file, build_id, run_id, "links out of the folder", found, top)
    elif not file.is_file():
        _fail(file, build_id, run_id, "not a regular file", found, top)
    else:
        found.inputs.append(Input(build_id, run_id, _shown(file, top), file))


def _fail(path: Path, build_id: str, run_id: str | None, fact: str, found: Discovered, top: Path) -> None:
    shown = _shown(path, top)
    found.failures.append(Failure(build_id, run_id, shown, None, f"{shown}: {fact}"))


def _shown(file: Path, top: Path) -> str:
    # Names are bytes; one that is not UTF-8 is shown with escapes.
    return os.fsencode(file.relative_to(top)).decode("utf-8", "backslashreplace")


def _read_manifest(
    file: Path, place: tuple[str, str | None], found: Discovered, top: Path
) -> dict[str, object]:
    """The manifest's content; nothing where it is missing or wrong. place: build and run that it is of."""
    if not file.is_file():
        return {}
    try:
        with file.open("rb") as stream:
            content = json.loads(stream.read(MAX_MANIFEST_BYTES))
        if not isinstance(content, dict):
            raise TypeError("not a JSON object")
        return content
    except (OSError, ValueError, TypeError, RecursionError) as error:
        _fail(file, *place, str(error), found, top)
        return {}


def _work(
    file: Path, manifest: dict[str, object], place: tuple[str, str | None], found: Discovered, top: Path
) -> dict[str, float]:
    """The work that the manifest names; none where it is wrong."""
    declared = manifest.get("work") or {}
    try:
        if not isinstance(declared, dict):
            raise TypeError("work is not a JSON object")
        work = {str(unit): float(count) for unit, count in declared.items()}
        if not all(math.isfinite(count) for count in work.values()):
            raise ValueError("work is counted in finite numbers")
        return work
    except (ValueError, TypeError, OverflowError) as error:
        _fail(file, *place, str(error), found, top)
        return {}


def _build(folder: Path, declared: dict[str, object], found: Discovered, top: Path) -> Build:
    def text(key: str) -> str | None:
        value = declared.get(key)
        return None if value is None else str(value)

    build_id = text("id") or folder.name
    committed_at = text("committed_at")
    if committed_at is not None:
        try:
            if datetime.fromisoformat(committed_at).tzinfo is None:
                committed_at += "+00:00"
        except ValueError:
            fact = f"committed_at {committed_at!r} is no RFC 3339 time"
            _fail(folder / BUILD_FILE, build_id, None, fact, found, top)
            committed_at = None
    labels = declared.get("labels")
    return Build(
        build_id=build_id,
        commit=text("commit"),
        branch=text("branch"),
        committed_at=committed_at,
        go_version=text("go_version"),
        labels={str(k): str(v) for k, v in labels.items()} if isinstance(labels, dict) else {},
    )
