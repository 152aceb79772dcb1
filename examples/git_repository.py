"""A git repository written commit by commit, the same each time, for tests and benches of `commits`."""

from __future__ import annotations

import os
import subprocess
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

BEGAN = datetime(2026, 3, 1, tzinfo=UTC)


class Scripted:
    """A repository in a folder, made where it is not there; every commit has a time of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.commits = 0
        folder.mkdir(parents=True, exist_ok=True)
        self.git("init", "-q", "-b", "main")

    def git(self, *words: str) -> str:
        """Run git as a committer of a fixed name, without this machine's settings; returns what it prints."""
        when = (BEGAN + timedelta(minutes=7 * self.commits)).isoformat()
        names = {
            f"GIT_{who}_{what}": value
            for who in ("AUTHOR", "COMMITTER")
            for what, value in (("NAME", "A. Gopher"), ("EMAIL", "gopher@example.org"), ("DATE", when))
        }
        own = {"PATH": os.environ["PATH"], "HOME": str(self.folder), "GIT_CONFIG_NOSYSTEM": "1"}
        done = subprocess.run(
            ["git", *words], cwd=self.folder, env=names | own, capture_output=True, text=True, check=True
        )
        return done.stdout.strip()

    def write(self, path: str, text: str) -> None:
        """Write a file of the work tree."""
        file = self.folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)

    def append(self, path: str, text: str) -> None:
        """Add to the end of a file."""
        file = self.folder / path
        self.write(path, (file.read_text() if file.exists() else "") + text)

    def commit(self, title: str, files: Mapping[str, str] | None = None) -> str:
        """Commit these files, given by path, and whatever else was written; returns the commit's id."""
        self.commits += 1
        for path, text in (files or {}).items():
            self.write(path, text)
        self.git("add", "-A")
        self.git("commit", "-q", "--allow-empty", "-m", title)
        return self.git("rev-parse", "HEAD")
