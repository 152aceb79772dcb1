"""What one more build costs after 25, 100 and 400 builds: CPU seconds of publishing it, by model.

    python -m bench.service_cost [BUILDS …]

The example service's builds are loaded once (examples/artifacts); longer histories hold them again and again
under other names, with links to the same Parquet files. Prints the tables of docs/detection.md.
"""

from __future__ import annotations

import os
import re
import sys
import tempfile
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from tracemill.flows.loading.ingest import ingest
from tracemill.warehouse.catalog import Build, Catalog
from tracemill.warehouse.models import read_models
from tracemill.warehouse.publish import publish

ARTIFACTS = Path(__file__).parent.parent / "examples" / "artifacts"
HISTORIES = (25, 100, 400)
# Models that take less are summed up.
LEAST_SECONDS = 0.03
_CAPTURE = re.compile(r"capture_id=(\w+)")


def add_builds(example: Catalog, root: Path, count: int) -> None:
    """Make the warehouse at root one of that many builds: those of the example in turn, under other names."""
    catalog = Catalog.load(root)
    names = sorted(example.builds)
    for number in range(len(catalog.digests()), count):
        original = names[number % len(names)]
        committed_at = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(hours=number)
        build = replace(
            example.builds[original], build_id=f"n{number:04}", committed_at=committed_at.isoformat()
        )
        _add(example, catalog, original, build)
    catalog.commit()


def _add(example: Catalog, catalog: Catalog, original: str, build: Build) -> None:
    """Take in the captures of the example's original as those of the build."""
    name = build.build_id

    def own(path: str) -> str:
        link = _CAPTURE.sub(rf"capture_id={name}\1", path)
        if not (catalog.root / link).exists():
            (catalog.root / link).parent.mkdir(parents=True, exist_ok=True)
            os.link(example.root / path, catalog.root / link)
        if path in example.files:
            catalog.files[link] = example.files[path]
        return link

    catalog.builds[name] = build
    for (build_id, run_id), work in example.work.items():
        if build_id == original:
            catalog.work[name, run_id] = work
    for capture in example.captures.values():
        if capture.build_id == original:
            files = {table: [own(path) for path in paths] for table, paths in capture.files.items()}
            copied = replace(capture, capture_id=name + capture.capture_id, build_id=name, files=files)
            catalog.captures[copied.place] = copied


def publishing(root: Path) -> dict[str, float]:
    """CPU seconds of publishing what is new: before the models, by model; the last has what comes after."""
    marks = [("before the models", time.process_time())]
    publish(
        Catalog.load(root),
        models=read_models(),
        progress=lambda model: marks.append((model, time.process_time())),
    )
    ends = [at for _, at in marks[1:]] + [time.process_time()]
    return {name: end - at for (name, at), end in zip(marks, ends, strict=True)}


def main() -> None:
    """Print both tables."""
    histories = [int(argument) for argument in sys.argv[1:]] or list(HISTORIES)
    found: dict[int, dict[str, float]] = {}
    with tempfile.TemporaryDirectory() as folder:
        ingest([ARTIFACTS], Path(folder, "example"))
        example = Catalog.load(Path(folder, "example"))
        root = Path(folder, "history")
        root.mkdir()
        for count in histories:
            add_builds(example, root, count)
            publishing(root)
            add_builds(example, root, count + 1)
            found[count] = publishing(root)
    print(f"| of one more build | {' | '.join(f'after {count}' for count in histories)} |")
    print("|---" * (1 + len(histories)) + "|")
    names = sorted(found[histories[-1]], key=lambda name: -found[histories[-1]][name])
    shown = [name for name in names if found[histories[-1]][name] >= LEAST_SECONDS]
    for name in shown:
        print(f"| {name} | {' | '.join(f'{found[count][name]:.2f}' for count in histories)} |")
    rest = [sum(s for name, s in found[count].items() if name not in shown) for count in histories]
    print(f"| {len(names) - len(shown)} others | {' | '.join(f'{s:.2f}' for s in rest)} |")
    print(f"| all | {' | '.join(f'{sum(found[count].values()):.2f}' for count in histories)} |")


if __name__ == "__main__":
    main()
