"""A folder of this machine that holds what was needed of a warehouse in an object store.

The store has the truth, the cache a part of it, under the same paths: the log of commits as a whole, the
published file, and those Parquet files that something here has read or written. A commit is in the warehouse
when the store has its file, which can be made once only; whoever comes second takes in the newer commits and
tries again, as writers of one folder do. Of the published file each version has a name of its own in the
store, and ``published.json`` says which one counts; that one is replaced only by who has seen it.

What is fetched is compared with its size and SHA-256 before it gets its name here. Locks hold for this cache
alone; across machines nothing is locked.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import secrets
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from tracemill.warehouse.cached import watcher
from tracemill.warehouse.durable import digest, place, size_of, sync
from tracemill.warehouse.errors import DamagedError
from tracemill.warehouse.layout import LOG, MANIFEST, PARTS, TABLES_FOLDER
from tracemill.warehouse.pointer import PUBLISHED_FOLDER, UNLISTED_STAYS, PublishedFile
from tracemill.warehouse.remote import Remote

if TYPE_CHECKING:
    from tracemill.warehouse.records import StoredFile

_Found = TypeVar("_Found")

# In the cache: which versions it has; a lock; empty files in the place of those that are not here; what is
# being fetched
STATE = "cache.json"
LOG_LOCK = "cache.lock"
STAND_INS = "absent"
INCOMING = "incoming"
TRANSFERS_AT_ONCE = 16


class Cache:
    """The cache in a folder, and the store that it is of. Raises StoreError where that does not answer."""

    def __init__(self, root: Path, remote: Remote) -> None:
        self.root = root
        self.remote = remote
        self.published = PublishedFile(self)
        self._sent: set[str] = set()

    def refresh(self, *, anew: bool = False) -> None:
        """Bring the log of commits up to date; anew: also files of it that are here already."""
        with self.locked(LOG_LOCK):
            head = self.remote.find(MANIFEST)
            there = {
                entry.path.rpartition("/")[2]: entry
                for entry in self.remote.entries(LOG)
                if entry.path.count("/") == 1
            }
            if head is None and not there:
                self._require_new()
            state = self.state()
            known = {} if anew else state.get("log", {})
            marks = {name: entry.version.mark for name, entry in there.items()}
            folder = self.root / LOG
            folder.mkdir(exist_ok=True)
            wanted = [
                name
                for name, entry in sorted(there.items())
                if known.get(name) != marks[name] or size_of(folder / name) != entry.size_bytes
            ]
            found = self._all("commits", [f"{LOG}/{name}" for name in wanted], self.remote.find)
            for name, content in zip(wanted, found, strict=True):  # in their order: who reads finds no gap
                if content is None:  # pruned meanwhile
                    marks.pop(name)
                else:
                    place(folder / name, content[0])
            if head is None:
                (self.root / MANIFEST).unlink(missing_ok=True)
            elif head[0] != _content(self.root / MANIFEST):
                place(self.root / MANIFEST, head[0])
            for file in folder.iterdir():
                if file.is_file() and not file.name.startswith(".") and file.name not in there:
                    file.unlink(missing_ok=True)
            self.note(state | {"log": marks})

    def _require_new(self) -> None:
        """Raise DamagedError where the store has data and nothing that lists it."""
        for folder in (TABLES_FOLDER, PUBLISHED_FOLDER):
            for entry in self.remote.entries(folder):
                raise DamagedError(
                    f"{self.remote.address}/{MANIFEST}: missing, beside data such as {entry.path}; restore "
                    f"it and {LOG}/ from a backup, or load into another place"
                )

    def commit(self, name: str, content: bytes) -> None:
        """Store a commit. Raises FileExistsError where there is another one of that number."""
        with self.locked(LOG_LOCK):
            mark = self.remote.create(f"{LOG}/{name}", content).mark
            state = self.state()
            state.setdefault("log", {})[name] = mark
            self.note(state)

    def write(self, path: str, content: bytes) -> None:
        """Store a small file, and put it here."""
        self.remote.put(path, content)
        place(self.root / path, content)

    def read(self, path: str) -> bytes | None:
        """A small file that the cache need not have."""
        found = self.remote.find(path)
        return None if found is None else found[0]

    def bring(self, paths: Iterable[str], known: Mapping[str, StoredFile]) -> dict[str, str]:
        """Have these files here; of those that cannot be had as they were written, what is wrong in words."""
        missing = [path for path in paths if not (self.root / path).is_file()]
        facts = self._all("fetching files", missing, lambda path: self._fetch(path, known.get(path)))
        return {path: fact for path, fact in zip(missing, facts, strict=True) if fact}

    def _fetch(self, path: str, known: StoredFile | None) -> str:
        """Have one file here; what is wrong with it, in words."""
        if not path.startswith(f"{TABLES_FOLDER}/") or ".." in path.split("/"):
            return "no path that a file of a warehouse has"
        target = self.root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        temporary = self.root / INCOMING / secrets.token_hex(8)
        temporary.parent.mkdir(exist_ok=True)
        try:
            found = self.remote.download(path, temporary)
            if fact := _difference(found, known):
                return f"{fact}, in {self.remote.address}"
            sync(temporary)
            temporary.replace(target)
        except FileNotFoundError:
            return f"missing in {self.remote.address}"
        finally:
            temporary.unlink(missing_ok=True)
        return ""

    def faults(self, paths: Iterable[str], known: Mapping[str, StoredFile]) -> dict[str, str]:
        """Those of the store's files that are not as they were written, and what is wrong with them."""
        paths = list(paths)

        def fault(path: str) -> str:
            try:
                return _difference(self.remote.digest(path), known.get(path))
            except FileNotFoundError:
                return "missing"

        facts = self._all("reading files", paths, fault)
        return {path: fact for path, fact in zip(paths, facts, strict=True) if fact}

    def send(self, paths: Iterable[str]) -> None:
        """Store files, before the commit that lists them."""
        new = [path for path in paths if path not in self._sent]
        self._all("storing files", new, lambda path: self.remote.put(path, self.root / path))
        self._sent.update(new)

    def as_it_is(self, path: str) -> Path:
        """A damaged file of the store, to see what of it can be read; it is none of the cache."""
        target = self.root / INCOMING / path.replace("/", "-")
        target.parent.mkdir(exist_ok=True)
        with contextlib.suppress(FileNotFoundError):
            self.remote.download(path, target)
        return target

    def put_back(
        self, paths: Iterable[str], known: Mapping[str, StoredFile], *, is_trial: bool = False
    ) -> list[str]:
        """Store those of the files again that are here as they were written; which."""
        whole = [p for p in paths if p in known and size_of(self.root / p) is not None]
        whole = [p for p in whole if not _difference(digest(self.root / p), known[p])]
        if not is_trial:
            self._all("storing files", whole, lambda path: self.remote.put(path, self.root / path))
        return whole

    def stored(self) -> set[str]:
        """The Parquet files in the store, listed or not."""
        return {entry.path for entry in self.remote.entries(TABLES_FOLDER)}

    def set_aside(self, names: Iterable[str], folder: str) -> None:
        """Put files of the log into another folder of the store."""
        for name in names:
            self.remote.move(f"{LOG}/{name}", f"{folder}/{name}")

    def stand_in(self, paths: Iterable[str]) -> Path:
        """A folder with an empty file for each that is not here.

        DuckDB has to find all files of a view that it makes, of which it then reads the first. Of an empty
        one it says that it is no Parquet file, so that what is missing is never taken for no rows.
        """
        folder = self.root / STAND_INS
        for path in paths:
            if not (self.root / path).is_file():
                file = folder / path
                if not file.exists():
                    file.parent.mkdir(parents=True, exist_ok=True)
                    file.touch()
        return folder

    def remove_leftovers(self) -> None:
        """Remove from the cache what was being fetched by what was stopped a day ago."""
        for file in (self.root / INCOMING).glob("*"):
            with contextlib.suppress(FileNotFoundError):
                if time.time() - file.stat().st_mtime > UNLISTED_STAYS.total_seconds():
                    file.unlink()

    def sweep(self, listed: set[str], pruned: Iterable[str]) -> int:
        """Remove from the store what is neither listed nor new, and these files of the log; how many."""
        self.remote.delete(f"{LOG}/{name}" for name in pruned)
        # The store's own clock, as far as its newest commit tells it
        now = max((entry.modified for entry in self.remote.entries(LOG)), default=None)
        if now is None:
            return 0
        gone = [
            entry.path
            for folder in (TABLES_FOLDER, PARTS)
            for entry in self.remote.entries(folder)
            if entry.path not in listed and now - entry.modified > UNLISTED_STAYS
        ]
        self._all("removing files", gone, lambda path: self.remote.delete([path]))
        return len(gone)

    def _all(self, what: str, paths: list[str], action: Callable[[str], _Found]) -> list[_Found]:
        """The action's results for all paths, of which many are at work at once."""
        if not paths:
            return []
        self.tell(what, 0, len(paths))
        done: list[_Found] = []
        with ThreadPoolExecutor(TRANSFERS_AT_ONCE, "store") as pool:
            try:
                for found in pool.map(action, paths):
                    done.append(found)
                    self.tell(what, len(done), len(paths))
            except BaseException:
                pool.shutdown(cancel_futures=True)
                raise
        return done

    def tell(self, what: str, done: int, total: int) -> None:
        """Say how a transfer gets on, to who wants to know."""
        if tell := watcher.get():
            tell(what, done, total)

    def state(self) -> dict[str, Any]:
        """Which versions are here; nothing where that cannot be read: then all is fetched again."""
        try:
            return dict(json.loads((self.root / STATE).read_bytes()))
        except (OSError, ValueError):
            return {}

    def note(self, state: dict[str, Any]) -> None:
        place(self.root / STATE, json.dumps(state).encode())

    @contextlib.contextmanager
    def locked(self, name: str, *, is_patient: bool = True) -> Iterator[bool]:
        """One at a time in this cache; whether it is us, which only one without patience has to ask."""
        with (self.root / name).open("a") as stream:
            try:
                fcntl.flock(stream, fcntl.LOCK_EX | (0 if is_patient else fcntl.LOCK_NB))
            except BlockingIOError:
                yield False
                return
            yield True


def _difference(found: tuple[int, str], known: StoredFile | None) -> str:
    """In what a file differs from what was written, in words."""
    if known is None or found == (known.size_bytes, known.sha256):
        return ""
    if found[0] != known.size_bytes:
        return f"{found[0]:,} bytes of {known.size_bytes:,}"
    return "other bytes than were written, of the same number"


def _content(path: Path) -> bytes | None:
    return path.read_bytes() if path.is_file() else None
