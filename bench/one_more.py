"""What loading and publishing one more build costs after 100, 1,000 and 10,000 builds: CPU seconds.

    python -m bench.one_more [--models] [BUILDS …]

Two small builds (bench.years) are loaded and compacted once; longer histories are records of them under other
names, which share compacted files, as after `compact` every night. Then a build of two runs of a heap, a CPU
profile and a trace is loaded as the newest and its tables are published; with --models, with the models and
all that is judged, which for 1,000 builds takes a while before anything is timed. The least of ROUNDS counts.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import tempfile
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from bench.years import small_builds, timed
from tracemill.flows.build import build, publish_tables
from tracemill.flows.keep.compact import compact
from tracemill.flows.loading.ingest import ingest
from tracemill.warehouse import catalog as catalog_module
from tracemill.warehouse import parts
from tracemill.warehouse.catalog import Capture, Catalog

if TYPE_CHECKING:
    from collections.abc import Callable

HISTORIES = (100, 1000, 10_000)
ROUNDS = 3
BUILDS_PER_FILE = 500
BUILDS_PER_COMMIT = 50


def grow(example: Catalog, root: Path, builds: int) -> None:
    """Make the warehouse at root one of that many builds, of compacted files."""
    catalog = Catalog.load(root)
    names = sorted(example.builds)
    for number in range(builds):
        name = f"n{number:06}"
        committed_at = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(hours=number)
        original = example.builds[names[number % len(names)]]
        catalog.builds[name] = replace(original, build_id=name, committed_at=committed_at.isoformat())
        count = min(builds, (number // BUILDS_PER_FILE + 1) * BUILDS_PER_FILE) % BUILDS_PER_FILE
        for capture in example.captures_of([original.build_id]):
            _add(example, catalog, capture, name, number // BUILDS_PER_FILE, count or BUILDS_PER_FILE)
        if number % BUILDS_PER_COMMIT == BUILDS_PER_COMMIT - 1:
            catalog.commit()
            catalog = Catalog.load(root)
    catalog.commit()
    _grow_old(root)


def _grow_old(root: Path) -> None:
    """Let go what is kept for a day, as of a history that was not made in one."""
    kept = catalog_module.KEPT_SECONDS, parts.UNLISTED_STAYS_SECONDS
    catalog_module.KEPT_SECONDS, parts.UNLISTED_STAYS_SECONDS = 0.0, 0.0
    Catalog.load(root).sweep()
    catalog_module.KEPT_SECONDS, parts.UNLISTED_STAYS_SECONDS = kept


def _add(example: Catalog, catalog: Catalog, capture: Capture, name: str, group: int, builds: int) -> None:
    """Take in a capture as one of a group of that many builds, which share files."""

    def shared(path: str) -> str:
        link = Path(path).with_name(f"{group:04}.parquet").as_posix()
        if not (catalog.root / link).exists():
            (catalog.root / link).parent.mkdir(parents=True, exist_ok=True)
            os.link(example.root / path, catalog.root / link)
            file = example.files[path]
            catalog.files[link] = replace(file, captures=file.captures * builds // len(example.builds))
        return link

    files = {table: [shared(path) for path in paths] for table, paths in capture.files.items()}
    copied = replace(capture, capture_id=name + capture.capture_id[-10:], build_id=name, files=files)
    catalog.captures[copied.place] = copied


def one_more(
    artifacts: Path, root: Path, number: int, publication: Callable[[Path], object]
) -> dict[str, float]:
    """CPU seconds of one more build, by step."""
    top = root.parent / f"new-{number}"
    shutil.copytree(artifacts / "b1", top / f"new{number}")
    newest = {"committed_at": f"2036-01-01T00:00:0{number}Z"}
    (top / f"new{number}/build.json").write_text(json.dumps(newest))
    found = {"reading what there is": timed(lambda: Catalog.load(root))}
    found["loading"] = timed(lambda: ingest([top], root, processes=1))
    found["publication"] = timed(lambda: publication(root))
    return found


def main() -> None:
    """Print a table with a column for each length."""
    publication = build if "--models" in sys.argv else publish_tables
    histories = [int(argument) for argument in sys.argv[1:] if argument.isdigit()] or list(HISTORIES)
    found: dict[int, dict[str, float]] = {}
    with tempfile.TemporaryDirectory() as folder:
        artifacts = small_builds(Path(folder, "artifacts"))
        ingest([artifacts], Path(folder, "example"))
        compact(Path(folder, "example"))
        example = Catalog.load(Path(folder, "example"))
        for builds in histories:
            root = Path(folder, f"w{builds}", "w")
            root.mkdir(parents=True)
            grow(example, root, builds)
            publication(root)
            rounds = [one_more(artifacts, root, number, publication) for number in range(ROUNDS)]
            found[builds] = {name: min(took[name] for took in rounds) for name in rounds[0]}
            found[builds]["MB of log"] = sum(f.stat().st_size for f in (root / "log").rglob("*.json")) / 1e6
            found[builds]["MB published"] = (root / "warehouse.duckdb").stat().st_size / 1e6
    print(f"| one more build | {' | '.join(f'after {builds:,}' for builds in histories)} |")
    print("|---" * (1 + len(histories)) + "|")
    for name in found[histories[0]]:
        print(f"| {name} | {' | '.join(f'{found[builds][name]:.3g}' for builds in histories)} |")


if __name__ == "__main__":
    main()
