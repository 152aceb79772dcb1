"""The layout that artifacts should have, drawn for who gave another, and a guess at what is wrong."""

from __future__ import annotations

import os
import re
import shlex
from pathlib import Path
from typing import TYPE_CHECKING

from tracemill.flows.loading.layout import BUILD_FILE, suggested

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tracemill.warehouse.catalog import Capture

EXPECTED = """\
what is read lies as
  artifacts/
    b01/                  a folder for each build
      build.json          {"commit": "…", "committed_at": "2026-01-31T12:00:00Z"}
      program.xz          what belongs to the whole build: its binary, a compiler listing
      1/                  a folder for each run: traces, profiles, dumps, benchmarks; any names
        trace.out  heap.pb.gz  cpu.pb.gz  bench.txt
      2/ …
or, in any layout, as --build B --run R, or --layout PATTERN says (docs/formats.md)
"""
# build/run/file
USUAL_DEPTH = 2
_DATE = re.compile(r"\d{4}[-_.]?\d\d[-_.]?\d\d")
# How deep a misplaced build.json is looked for.
MAX_DEPTH = 4


def taken_for_builds(captures: Sequence[Capture]) -> list[str]:
    """Doubts about folders that are named by a date, as no build is, and hold more folders than runs have."""
    dates = {
        capture.build_id
        for capture in captures
        if _DATE.fullmatch(capture.build_id) and capture.path.count("/") > USUAL_DEPTH
    }
    return [
        f"{date} was read as a build, the folders in it as its runs; if they are the builds, forget it "
        f"(tracemill forget --build {date}) and say so: --layout '*/{{build}}/{{run}}/*'"
        for date in sorted(dates)
    ]


def explained(folders: list[Path], strays: list[str]) -> str:
    """Why nothing was found in the folders, as far as that can be guessed, and the layout that is read."""
    guesses = [guess for folder in folders for guess in _guesses(folder)]
    if strays:
        guesses.append(f"{len(strays)} files lie in no build's folder, such as {strays[0]}")
        if pattern := suggested([Path(stray).name for stray in strays]):
            guesses.append(f"if each is of a build of its own, say so: --layout {shlex.quote(pattern)}")
        elif len(strays) == 1:
            guesses.append("if it is of one build, name it: --build B")
    return "\n".join([*guesses, EXPECTED])


def _guesses(folder: Path) -> list[str]:
    if not folder.is_dir():
        return []
    found = [path for path in _build_files(folder) if path.parent.parent != folder]
    if not found:
        return [] if any(folder.iterdir()) else [f"{folder} is empty"]
    top = found[0].parent.parent
    deeper = len(top.relative_to(folder).parts)
    levels = "one level" if deeper == 1 else f"{deeper} levels"
    return [f"{found[0]} lies {levels} deeper than it should: try {top}"]


def _build_files(folder: Path) -> list[Path]:
    found = []
    for current, folders, names in os.walk(folder):
        if len(Path(current).relative_to(folder).parts) >= MAX_DEPTH:
            folders.clear()
        if BUILD_FILE in names:
            found.append(Path(current, BUILD_FILE))
    return sorted(found)
