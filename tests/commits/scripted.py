"""A small git repository, written commit by commit."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path


class Scripted:
    """A repository in a folder; every commit has a time of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.count = 0
        folder.mkdir(parents=True, exist_ok=True)
        self.git("init", "-q", "-b", "main")

    def git(self, *words: str) -> str:
        when = f"2026-01-01T00:{self.count:02}:00Z"
        names = {
            f"GIT_{who}_{what}": value
            for who in ("AUTHOR", "COMMITTER")
            for what, value in (("NAME", "A"), ("EMAIL", "a@example.org"), ("DATE", when))
        }
        variables = names | {"PATH": os.environ["PATH"], "HOME": str(self.folder)}
        done = subprocess.run(
            ["git", *words], cwd=self.folder, env=variables, capture_output=True, text=True, check=True
        )
        return done.stdout.strip()

    def write(self, path: str, text: str) -> None:
        file = self.folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)

    def commit(self, title: str, **files: str) -> str:
        """Commit files given by path, with / as __ and . as _DOT_, and whatever else was written."""
        self.count += 1
        for name, text in files.items():
            self.write(name.replace("_DOT_", ".").replace("__", "/"), text)
        self.git("add", "-A")
        self.git("commit", "-q", "--allow-empty", "-m", title)
        return self.git("rev-parse", "HEAD")
