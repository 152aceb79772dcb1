"""The published file of a warehouse in a store: which one it is, and how a newer one takes its place.

Each has a name of its own in the store, and ``published.json`` says which one counts. That is replaced only
by who has seen it: of two machines that publish, the second begins anew from what the first one made. It lies
there compressed, to less than a tenth: DuckDB's blocks are half empty.
"""

from __future__ import annotations

import contextlib
import json
import secrets
import shutil
from dataclasses import asdict, dataclass, fields
from datetime import timedelta
from typing import TYPE_CHECKING

from tracemill.warehouse.durable import digest, put_in_place, size_of, sync
from tracemill.warehouse.errors import DamagedError, OvertakenError, WarehouseError
from tracemill.warehouse.layout import DATABASE
from tracemill.warehouse.remote import StaleError, Version

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tracemill.warehouse.cache import Cache

POINTER = "published.json"
PUBLISHED_FOLDER = "published"
# In the cache: held while the published file there is replaced, or the base of a publication
DATABASE_LOCK = "published.lock"
STATE_LOCK = "cache.lock"
# What nobody lists may be what another machine is about to commit: it stays in the store for so long.
UNLISTED_STAYS = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Pointer:
    """Which file in the store is the published one, what it is, and the commit that it was made from.

    database_bytes: of what it expands to.
    """

    file: str
    size_bytes: int
    sha256: str
    database_bytes: int
    commit: int


class PublishedFile:
    """The published file in a cache, and in the store that it is of."""

    def __init__(self, cache: Cache) -> None:
        self.cache = cache

    def pointer(self) -> Pointer | None:
        """What is published in the store."""
        found = self.cache.remote.find(POINTER)
        return None if found is None else self._pointer(found[0])

    def _pointer(self, content: bytes) -> Pointer:
        try:
            said = json.loads(content)
            return Pointer(**{one.name: said[one.name] for one in fields(Pointer)})
        except (ValueError, KeyError, TypeError) as error:
            raise DamagedError(
                f"{self.cache.remote.address}/{POINTER}: cannot be read; `tracemill repair` makes it anew"
            ) from error

    def fetch(self) -> None:
        """Bring the published file up to date; where somebody publishes from here, the one here is it."""
        pointer = self.pointer()
        if self._has(pointer):
            return
        is_there = (self.cache.root / DATABASE).is_file()
        with self.cache.locked(DATABASE_LOCK, is_patient=not is_there) as is_held:
            if is_held:
                self._take(self.pointer())

    @contextlib.contextmanager
    def publishing(self) -> Iterator[Publication]:
        """For the length of a publication, what it begins with stays the published file here."""
        with self.cache.locked(DATABASE_LOCK):
            found, pointer = self.cache.remote.find(POINTER), None
            try:
                pointer = None if found is None else self._pointer(found[0])
                self._take(pointer)
            except DamagedError:  # what is published is derived
                (self.cache.root / DATABASE).unlink(missing_ok=True)
            yield Publication(self, pointer.commit if pointer else 0, found[1] if found else None)

    def _has(self, pointer: Pointer | None) -> bool:
        size = size_of(self.cache.root / DATABASE)
        if pointer is None:
            return size is None
        return self.cache.state().get("published") == pointer.file and size == pointer.database_bytes

    def fault(self) -> str:
        """What is wrong with the published file in the store, in words."""
        try:
            pointer = self.pointer()
        except DamagedError as error:
            return str(error)
        if pointer is None:
            return ""
        try:
            found = self.cache.remote.digest(pointer.file)
        except FileNotFoundError:
            return f"missing: {pointer.file}"
        is_whole = found == (pointer.size_bytes, pointer.sha256)
        return "" if is_whole else f"not as it was published: {pointer.file}"

    def _take(self, pointer: Pointer | None) -> None:
        """Have the published file here. Under its lock."""
        target = self.cache.root / DATABASE
        if self._has(pointer):
            return
        if pointer is None:
            target.unlink(missing_ok=True)
            return
        temporary, size = target.with_name(f".{DATABASE}.{secrets.token_hex(4)}"), pointer.size_bytes
        database = temporary.with_suffix(".duckdb")
        try:
            what = "fetching what is published, MiB"
            self.cache.tell(what, 0, 1)
            found = self.cache.remote.download(
                pointer.file, temporary, lambda done: self.cache.tell(what, done >> 20, size >> 20)
            )
            if found != (pointer.size_bytes, pointer.sha256):
                raise DamagedError(
                    f"{self.cache.remote.address}/{pointer.file}: not as it was published; "
                    "`tracemill repair` makes it anew"
                )
            _expand(temporary, database)
            sync(database)
            put_in_place(database, target)
        except FileNotFoundError:
            raise DamagedError(
                f"{self.cache.remote.address}/{pointer.file}: missing, and published; "
                "`tracemill repair` makes it anew"
            ) from None
        finally:
            temporary.unlink(missing_ok=True)
            database.unlink(missing_ok=True)
        self.note_here(pointer.file)

    def note_here(self, file: str) -> None:
        """Write down which published file is here."""
        with self.cache.locked(STATE_LOCK):
            self.cache.note(self.cache.state() | {"published": file})


@dataclass(slots=True)
class Publication:
    """A publication from this cache: the commit of what was published when it began, and its version."""

    published: PublishedFile
    commit: int
    version: Version | None
    file: str = ""

    def put(self, file: Path, commit: int) -> None:
        """Have a file be what is published. Raises OvertakenError where another machine was quicker."""
        remote = self.published.cache.remote
        name = f"{PUBLISHED_FOLDER}/{commit:010}-{secrets.token_hex(8)}.duckdb.zst"
        packed = file.with_name(f"{file.name}.zst")
        try:
            _compress(file, packed)
            pointer = Pointer(name, *digest(packed), file.stat().st_size, commit)
            remote.put(name, packed)
        finally:
            packed.unlink(missing_ok=True)
        content = json.dumps(asdict(pointer)).encode() + b"\n"
        try:
            if self.version is None:
                remote.create(POINTER, content)
            else:
                remote.replace(POINTER, content, self.version)
        except (FileExistsError, StaleError):
            remote.delete([name])
            raise OvertakenError(
                f"{remote.address}: another machine published meanwhile; run it again"
            ) from None
        self.file = name
        self._remove_old(name)

    def is_here(self) -> None:
        """Note that the file has taken its place in the cache as well."""
        self.published.note_here(self.file)

    def _remove_old(self, name: str) -> None:
        """Remove what was replaced more than a day ago."""
        with contextlib.suppress(WarehouseError):  # the next publication does
            entries = {entry.path: entry for entry in self.published.cache.remote.entries(PUBLISHED_FOLDER)}
            if newest := entries.pop(name, None):
                old = [e for e in entries.values() if newest.modified - e.modified > UNLISTED_STAYS]
                old.sort(key=lambda entry: entry.modified)  # the last of them was not replaced then
                self.published.cache.remote.delete(entry.path for entry in old[:-1])


def _compress(source: Path, target: Path) -> None:
    import pyarrow as pa

    with source.open("rb") as content, pa.output_stream(str(target), compression="zstd") as out:
        shutil.copyfileobj(content, out, 1 << 20)


def _expand(source: Path, target: Path) -> None:
    import pyarrow as pa

    with pa.input_stream(str(source), compression="zstd") as content, target.open("xb") as out:
        shutil.copyfileobj(content, out, 1 << 20)
