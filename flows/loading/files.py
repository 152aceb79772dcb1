"""Files without a warehouse: loaded and modelled as always, into a folder that is gone afterwards."""

from __future__ import annotations

import contextlib
import shutil
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tracemill.flows.loading.discover import InputError
from tracemill.flows.loading.ingest import ingest
from tracemill.flows.loading.layout import Layout
from tracemill.warehouse.catalog import Catalog
from tracemill.warehouse.lock import writer_lock
from tracemill.warehouse.models import needed_for, read_models
from tracemill.warehouse.publish import publish

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from tracemill.warehouse.catalog import Failure

# What files that are given by name belong to; a folder is read as builds and runs.
BUILD, RUN = "files", "1"
STANDARD_INPUT = Path("-")


@dataclass(frozen=True, slots=True)
class Loaded:
    """A warehouse of files. failures: those that could not be read, where others could."""

    root: Path
    failures: list[Failure]


@contextlib.contextmanager
def warehouse_of(files: Sequence[Path], models: Iterable[str] | None = None) -> Iterator[Loaded]:
    """Load files (- is standard input) and folders of builds; build the named models, or with None all.

    Raises InputError where nothing could be read, OSError, ModelError.
    """
    with tempfile.TemporaryDirectory(prefix="tracemill-") as folder:
        root = Path(folder, "warehouse")
        given = [_spooled(Path(folder)) if file == STANDARD_INPUT else file for file in files]
        failures = []
        for paths, layout in (
            ([f for f in given if not f.is_dir()], Layout(build=BUILD, run=RUN)),
            ([f for f in given if f.is_dir()], Layout()),
        ):
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
