"""A git repository that is read and never trusted: no hook, no filter, no configured program of it is run.

git is called with argument lists, with the user's and the system's configuration left out, and with whatever
a repository's own configuration could start switched off. What a user names is resolved to an id first.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tracemill.warehouse.schema.errors import TracemillError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

SECONDS_FOR_GIT = 60
MAX_OUTPUT = 256 << 20
# Larger sources are generated or data: their functions are not looked at.
MAX_BLOB = 2 << 20
MAX_COMMITS = 5000
_ID = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")
_SAFE = (
    "core.fsmonitor=false", "core.hooksPath=/dev/null", "core.pager=cat", "core.attributesFile=/dev/null",
    "core.quotePath=false", "diff.external=", "log.showSignature=false", "gpg.program=/bin/false",
    "protocol.allow=never", "core.askPass=/bin/false", "credential.helper=",
    # Another owner's repository may be read, as nothing of its configuration is obeyed.
    "safe.directory=*",
)  # fmt: skip
_ENVIRONMENT = {
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_ATTR_NOSYSTEM": "1",
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_NO_REPLACE_OBJECTS": "1",
    "GIT_LITERAL_PATHSPECS": "1",
    "LC_ALL": "C",
}


class RepositoryError(TracemillError):
    """A repository, or a commit of it, that cannot be read, in one sentence."""


@dataclass(frozen=True, slots=True)
class Change:
    """A file that a commit changed. old, new: the contents' ids, None where the file was not or is no more.

    Of a merge: what is other than in each of its parents; old_ones are the parents' contents.
    """

    path: str
    old_ones: tuple[str | None, ...]
    new: str | None
    old_path: str | None = None


@dataclass(frozen=True, slots=True)
class Commit:
    """A commit and what it changed."""

    commit: str
    parents: tuple[str, ...]
    committed_at: str
    author: str
    message: str
    changes: tuple[Change, ...] = ()

    @property
    def title(self) -> str:
        """The message's first line."""
        return self.message.strip().partition("\n")[0][:200]

    @property
    def is_merge(self) -> bool:
        """Whether it has several parents."""
        return len(self.parents) > 1


class Repository:
    """Reads commits and contents. Raises RepositoryError: folder is in no repository, or git is missing."""

    def __init__(self, folder: Path) -> None:
        git = shutil.which("git")
        if git is None:
            raise RepositoryError("git is not installed: without it no commits can be read")
        if not folder.is_dir():
            raise RepositoryError(f"{folder}: no such folder")
        self.folder = folder
        settings = [word for setting in _SAFE for word in ("-c", setting)]
        self._command = [git, "--no-pager", *settings, "-C", str(folder)]
        self._contents: dict[str, bytes | None] = {}
        try:
            self._git("rev-parse", "--git-dir")
        except RepositoryError as error:
            raise RepositoryError(f"{folder}: no git repository that can be read ({error})") from error

    def commit_id(self, name: str) -> str:
        """The whole id of the commit that a name means."""
        try:
            said = self._git("rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}")
        except RepositoryError as error:
            raise RepositoryError(
                f"{self.folder} has no commit {name}: fetch it (git fetch --unshallow), or name another"
            ) from error
        return said.decode().strip()

    def between(self, good: str, bad: str) -> list[Commit]:
        """The commits that bad has and good has not, the newest first, with what each changed."""
        form = "--format=%H%x1f%P%x1f%cI%x1f%an%x1f%B"
        limit = f"--max-count={MAX_COMMITS + 1}"
        said = self._git(
            "log", "-z", "--topo-order", "--no-show-signature", limit, form, f"{good}..{bad}", "--"
        )
        commits = []
        for entry in said.decode("utf-8", "replace").split("\0"):
            if entry.strip():
                name, parents, committed_at, author, message = (entry.split("\x1f", 4) + [""] * 4)[:5]
                commits.append(
                    Commit(name.strip(), tuple(parents.split()), committed_at, author.strip(), message)
                )
        if len(commits) > MAX_COMMITS:
            raise RepositoryError(f"more than {MAX_COMMITS} commits between {good[:12]} and {bad[:12]}")
        return self._with_changes(commits)

    def _with_changes(self, commits: list[Commit]) -> list[Commit]:
        names = "".join(f"{c.commit}\n" for c in commits).encode()
        flags = (
            "-r",
            "-z",
            "--raw",
            "--root",
            "-c",
            "-M",
            "-l500",
            "--no-abbrev",
            "--no-ext-diff",
            "--no-textconv",
        )
        said = self._git("diff-tree", "--stdin", *flags, "--", given=names)
        changes = _changes(said.decode("utf-8", "surrogateescape").split("\0"))
        return [
            Commit(c.commit, c.parents, c.committed_at, c.author, c.message, tuple(changes.get(c.commit, ())))
            for c in commits
        ]

    def files(self, commit: str) -> dict[str, str]:
        """Every file of a commit with its contents' id."""
        said = self._git("ls-tree", "-r", "-z", "--full-tree", commit)
        found = {}
        for entry in said.decode("utf-8", "surrogateescape").split("\0"):
            facts, _, path = entry.partition("\t")
            mode, _, rest = facts.partition(" ")
            if path and mode in ("100644", "100755"):
                found[path] = rest.split()[1]
        return found

    def contents(self, blobs: Iterable[str]) -> dict[str, str]:
        """The contents as text, of those that are not too large."""
        wanted = dict.fromkeys(b for b in blobs if _ID.fullmatch(b))
        missing = [b for b in wanted if b not in self._contents]
        if missing:
            self._contents |= dict.fromkeys(missing)
            sizes = self._git("cat-file", "--batch-check", given="".join(f"{b}\n" for b in missing).encode())
            small = [
                words[0]
                for line in sizes.decode().splitlines()
                if len(words := line.split()) == 3 and words[1] == "blob" and int(words[2]) <= MAX_BLOB
            ]
            said = self._git("cat-file", "--batch", given="".join(f"{b}\n" for b in small).encode())
            self._contents |= _batched(said)
        return {b: c.decode("utf-8", "replace") for b in wanted if (c := self._contents[b]) is not None}

    def _git(self, *words: str, given: bytes = b"") -> bytes:
        """What git says on standard output. Raises RepositoryError: its complaint, or that it is too much."""
        environment = {k: v for k, v in os.environ.items() if not k.startswith("GIT_")} | _ENVIRONMENT
        with tempfile.TemporaryFile() as said, tempfile.TemporaryFile() as asked:
            asked.write(given)
            asked.seek(0)
            process = subprocess.Popen(
                [*self._command, *words], stdin=asked, stdout=subprocess.PIPE, stderr=said, env=environment
            )
            clock = threading.Timer(SECONDS_FOR_GIT, process.kill)
            clock.start()
            try:
                assert process.stdout is not None
                out = process.stdout.read(MAX_OUTPUT + 1)
                if len(out) > MAX_OUTPUT:
                    raise RepositoryError(f"git {words[0]} says more than {MAX_OUTPUT >> 20} MB")
            finally:
                if process.stdout:
                    process.stdout.close()
                if process.poll() is None and len(out) > MAX_OUTPUT:
                    process.kill()
                status = process.wait()
                clock.cancel()
            if status:
                said.seek(0)
                complaint = said.read(2000).decode("utf-8", "replace").strip().partition("\n")[0]
                raise RepositoryError(complaint or f"git {words[0]} ended with {status}")
        return out


def _changes(fields: Sequence[str]) -> dict[str, list[Change]]:
    """What `git diff-tree --stdin --raw -z -c` says, by commit."""
    found: dict[str, list[Change]] = {}
    current: list[Change] = []
    at = 0
    while at < len(fields):
        field = fields[at]
        at += 1
        # A commit's name stands alone, or in front of its first entry.
        if field and not field.startswith(":"):
            current = found.setdefault(field.strip(), [])
            continue
        if not field:
            continue
        parents = len(field) - len(field.lstrip(":"))
        words = field.lstrip(":").split()
        ids, status = words[parents + 1 : -1], words[-1]
        old_ones, new = tuple(_blob(i) for i in ids[:parents]), _blob(ids[parents])
        path = fields[at]
        at += 1
        old_path = None
        if parents == 1 and status[0] in "RC":
            old_path, path = path, fields[at]
            at += 1
        current.append(Change(path, old_ones, new, old_path))
    return found


def _blob(name: str) -> str | None:
    return name if name.strip("0") else None


def _batched(said: bytes) -> dict[str, bytes | None]:
    """What `git cat-file --batch` says: a line with id, type and size, the content, a line's end."""
    found: dict[str, bytes | None] = {}
    at = 0
    while at < len(said):
        end = said.index(b"\n", at)
        name, _, size = said[at:end].decode().split()
        start = end + 1
        found[name] = said[start : start + int(size)]
        at = start + int(size) + 1
    return found
