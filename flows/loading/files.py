"""Files without a warehouse: loaded and modelled as always, into a folder that is gone afterwards."""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tracemill.flows.loading.discover import InputError
from tracemill.flows.loading.ingest import ingest
from tracemill.flows.loading.layout import BUILD_FILE, RUN_FILE, Layout
from tracemill.flows.loading.tree import tree_of
from tracemill.parsers.unwrap.archive import is_archive
from tracemill.warehouse.catalog import Catalog
from tracemill.warehouse.lock import writer_lock
from tracemill.warehouse.models import needed_for, read_models
from tracemill.warehouse.publish import publish

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from tracemill.warehouse.catalog import Failure

# What files of one folder that are given by name belong to; a folder is read as builds and runs.
BUILD, RUN = "files", "1"
STANDARD_INPUT = Path("-")


@dataclass(frozen=True, slots=True)
class Loaded:
    """A warehouse of files. failures: those that could not be read, where others could."""

    root: Path
    failures: list[Failure]


def warehouse_of(
    files: Sequence[Path], models: Iterable[str] | None = None
) -> contextlib.AbstractContextManager[Loaded]:
    """Load files (- is standard input) and folders of builds; build the named models, or with None all.

    Files of one folder are of one run, those of several are of runs and builds as folders say.
    Raises InputError where nothing could be read, OSError, ModelError.
    """
    named = [f for f in files if not f.is_dir()]
    folders = [f for f in files if f.is_dir()]
    return _loaded([*_by_run(named), (folders, Layout())], models)


def _by_run(files: Sequence[Path]) -> list[tuple[list[Path], Layout]]:
    """The files of each run with where they belong, by their folders: ``<build>/<run>/<file>``.

    A folder with a build.json is a build. Else the topmost folders in which the files differ are
    builds and those in them runs; where there is but one level of folders, they are runs.
    """
    folders = {file: file.parent.resolve() for file in files if file != STANDARD_INPUT}
    if len(set(folders.values())) < 2:
        return [(list(files), Layout(build=BUILD, run=RUN))]
    top = Path(os.path.commonpath(folders.values()))
    is_deep = any(len(folder.relative_to(top).parts) > 1 for folder in folders.values())
    found: dict[tuple[str, str | None], list[Path]] = {}
    for file in files:
        if file == STANDARD_INPUT:
            found.setdefault((BUILD, RUN), []).append(file)
            continue
        folder = folders[file]
        # <build>/<file>, <build>/<run>/<file>, <build>/<run>/<process>/<file>
        build = next((f for f in (folder, *folder.parents[:2]) if (f / BUILD_FILE).exists()), None)
        if build is None:
            parts = folder.relative_to(top).parts if is_deep else (BUILD, *folder.relative_to(top).parts)
        else:
            parts = build.name, *folder.relative_to(build).parts
        of_run = found.setdefault((parts[0] if parts else BUILD, parts[1] if len(parts) > 1 else None), [])
        of_run.append(file)
        if build is not None and (manifest := build / BUILD_FILE) not in of_run:
            of_run.append(manifest)
    return [
        (of_run, Layout(build=build_id, run=run_id) if run_id else Layout(build=build_id, patterns=("*",)))
        for (build_id, run_id), of_run in found.items()
    ]


def warehouse_of_builds(
    builds: dict[str, Path], models: Iterable[str]
) -> contextlib.AbstractContextManager[Loaded]:
    """Load each folder, or each file as a single run, as the build of that name; build the named models.

    Of a folder or archive without folders each file is a run, unless a run.json makes it one. Raises as
    warehouse_of.
    """
    return _loaded([([path], _layout_of(build, path)) for build, path in builds.items()], models)


def _layout_of(build: str, path: Path) -> Layout:
    if not path.is_dir() and not is_archive(path):
        return Layout(build=build, run=RUN)
    files = [file.parts for file in tree_of(path).files]
    # An archive may hold the folder that it was made of, under any name.
    tops = {parts[0] for parts in files}
    is_wrapped = not path.is_dir() and len(tops) == 1 and all(len(parts) > 1 for parts in files)
    inner = [parts[is_wrapped:] for parts in files]
    if (RUN_FILE,) in inner:
        return Layout(build=build, run=RUN, patterns=("**",) if is_wrapped else ())
    if not any(len(parts) > 1 for parts in inner):
        return Layout(build=build, patterns=("*/{run}" if is_wrapped else "{run}",))
    return Layout(build=build, patterns=("*/{run}/**", "*/*") if is_wrapped else ())


@contextlib.contextmanager
def _loaded(parts: list[tuple[list[Path], Layout]], models: Iterable[str] | None) -> Iterator[Loaded]:
    with tempfile.TemporaryDirectory(prefix="tracemill-") as folder:
        root = Path(folder, "warehouse")
        failures = []
        for files, layout in parts:
            paths = [_spooled(Path(folder)) if file == STANDARD_INPUT else file for file in files]
            if paths:
                done = ingest(paths, root, layout=layout)
                failures += done.failures
        catalog = Catalog.load(root)
        if not catalog.captures:
            raise InputError("; ".join(f.message for f in failures) or "nothing to read in what was given")
        every = read_models()
        with writer_lock(root):
            publish(catalog, models=every if models is None else needed_for(every, models))
        yield Loaded(root, failures)


def named(words: Sequence[str]) -> list[Path]:
    """The files that words name: a path, a pattern, - for standard input. Raises InputError."""
    found: list[Path] = []
    for word in words:
        if word == str(STANDARD_INPUT) or Path(word).exists():
            found.append(Path(word))
            continue
        start = Path("/") if Path(word).is_absolute() else Path()
        matches = sorted(start.glob(word.lstrip("/")))
        if not matches:
            raise InputError(f"{word}: no such file")
        found += [match for match in matches if match.is_file()] or matches
    return found


def _spooled(folder: Path) -> Path:
    """Standard input as a file."""
    file = folder / "standard input"
    with file.open("wb") as out:
        shutil.copyfileobj(sys.stdin.buffer, out)
    return file
