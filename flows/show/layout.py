"""The layout that artifacts should have, drawn for who gave another, and a guess at what is wrong."""

from __future__ import annotations

import os
import shlex
from pathlib import Path

from tracemill.flows.loading.layout import BUILD_FILE, suggested

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
# How deep a misplaced build.json is looked for.
MAX_DEPTH = 4


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
