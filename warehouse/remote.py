"""The objects of a warehouse in an object store (S3, Google Cloud Storage, Azure), through obstore.

What fails for a moment is tried again, with longer and longer pauses; what is left over is said in words that
never hold credentials: of the store's own answers only known kinds are told.
"""

from __future__ import annotations

import contextlib
import hashlib
import random
import re
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

from tracemill.warehouse.address import SCHEMES, server_of
from tracemill.warehouse.errors import WarehouseError

_Found = TypeVar("_Found")

# Pauses before what failed is tried again; obstore itself tries a request that was refused OWN_RETRIES times.
PAUSES = (0.2, 0.5, 1.0, 2.0, 4.0)
OWN_RETRIES = 2
# Seconds without a byte, and for one request as a whole
SILENCE = 30.0
REQUEST = 1800.0
CONNECT = 5.0
PIECE = 8 * 1024**2
_CREDENTIALS = {
    "s3": "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY",
    "gs": "GOOGLE_SERVICE_ACCOUNT, the file of a service account's key",
    "az": "AZURE_STORAGE_ACCOUNT_NAME and AZURE_STORAGE_ACCOUNT_KEY",
}
_NO_CREDENTIALS = re.compile(r"169\.254\.|metadata\.google|oauth2|[Cc]redential")
_NO_BUCKET = re.compile(r"NoSuchBucket|bucket does not exist|ContainerNotFound", re.IGNORECASE)


class StoreError(WarehouseError):
    """A store that does not do what it is asked for, in words."""


class StaleError(StoreError):
    """An object is another than the one that was to be replaced."""


@dataclass(frozen=True, slots=True)
class Version:
    """What tells one content of an object from the next."""

    e_tag: str | None
    version: str | None = None

    @property
    def mark(self) -> str:
        """The version as text, the same from an upload and from a listing."""
        tag = (self.e_tag or "").strip('"')  # Azure's listings have it without
        return tag or self.version or ""  # Google's have no version


@dataclass(frozen=True, slots=True)
class Entry:
    """One object as a listing has it; path relative to the warehouse."""

    path: str
    size_bytes: int
    version: Version
    modified: datetime


class Remote:
    """The objects below an address, by their paths relative to it."""

    def __init__(self, address: str) -> None:
        self.address = address

    @cached_property
    def _store(self) -> Any:  # noqa: ANN401 - a class for each kind of store
        try:
            from obstore.store import from_url
        except ImportError as error:
            raise StoreError(f"{self.address}: needs obstore: pip install 'tracemill[store]'") from error
        options: dict[str, Any] = {
            "connect_timeout": f"{CONNECT * 1000:.0f}ms",
            "timeout": f"{REQUEST * 1000:.0f}ms",
            "read_timeout": f"{SILENCE * 1000:.0f}ms",
        }
        if server_of(self.address).startswith("http://"):  # who names a server without TLS means it
            options["allow_http"] = True
        retries: Any = {"max_retries": OWN_RETRIES}
        try:
            return from_url(self.address, client_options=options, retry_config=retries)
        except Exception as error:  # noqa: BLE001 - a setting that the store does not know, of whatever kind
            raise self._said("", error) from None

    def get(self, path: str) -> tuple[bytes, Version]:
        """An object's content. Raises FileNotFoundError, StoreError."""
        import obstore

        def read() -> tuple[bytes, Version]:
            found = obstore.get(self._store, path)
            size, version = found.meta["size"], _version(found.meta)
            content = bytes(found.bytes())
            if len(content) != size:
                raise _CutError(f"{len(content)} bytes of {size}")
            return content, version

        return self._tried(path, read)

    def find(self, path: str) -> tuple[bytes, Version] | None:
        """An object's content, where there is such an object."""
        with contextlib.suppress(FileNotFoundError):
            return self.get(path)
        return None

    def download(
        self, path: str, target: Path, told: Callable[[int], None] = lambda _: None
    ) -> tuple[int, str]:
        """Copy an object to a file that is not there yet: its size and SHA-256, as digest() has them."""

        def read() -> tuple[int, str]:
            try:
                with target.open("wb") as stream:

                    def write(piece: bytes) -> None:
                        told(stream.tell() + stream.write(piece))

                    return self._digest(path, write)
            except BaseException:
                target.unlink(missing_ok=True)
                raise

        return self._tried(path, read)

    def digest(self, path: str) -> tuple[int, str]:
        """An object's size and the SHA-256 of its content. Raises FileNotFoundError, StoreError."""
        return self._tried(path, lambda: self._digest(path, lambda _: None))

    def _digest(self, path: str, write: Callable[[bytes], None]) -> tuple[int, str]:
        import obstore

        found = obstore.get(self._store, path)
        expected, size, sha256 = found.meta["size"], 0, hashlib.sha256()
        for piece in found.stream(min_chunk_size=PIECE):
            content = bytes(piece)
            size += len(content)
            sha256.update(content)
            write(content)
        if size != expected:
            raise _CutError(f"{size} bytes of {expected}")
        return size, sha256.hexdigest()

    def put(self, path: str, content: bytes | Path) -> Version:
        """Store an object, in the place of what is there."""
        return self._put(path, content, None)

    def create(self, path: str, content: bytes) -> Version:
        """Store an object that is not there yet. Raises FileExistsError where it is, StoreError."""
        return self._conditional(path, content, "create")

    def replace(self, path: str, content: bytes, before: Version) -> Version:
        """Store an object in the place of one version of it. Raises StaleError where that is no longer it."""
        known = {"e_tag": before.e_tag, "version": before.version}
        return self._conditional(path, content, {name: v for name, v in known.items() if v is not None})

    def _conditional(self, path: str, content: bytes, mode: Any) -> Version:  # noqa: ANN401 - obstore's
        try:
            return self._put(path, content, mode)
        except (FileExistsError, StaleError):
            # An answer that was lost: what was stored then refuses the second try.
            found = self.find(path)
            if found is None or found[0] != content:
                raise
            return found[1]

    def _put(self, path: str, content: bytes | Path, mode: Any) -> Version:  # noqa: ANN401 - obstore's
        import obstore

        given = {} if mode is None else {"mode": mode}
        try:
            return _version(self._tried(path, lambda: obstore.put(self._store, path, content, **given)))
        except FileNotFoundError as error:
            raise self._said(path, error) from None

    def entries(self, folder: str) -> Iterator[Entry]:
        """All objects below a folder."""
        import obstore

        def read() -> list[Entry]:
            pages = obstore.list(self._store, folder, chunk_size=1000)
            return [
                Entry(one["path"], one["size"], _version(one), one["last_modified"])
                for page in pages
                for one in page
            ]

        try:
            yield from self._tried(folder, read)
        except FileNotFoundError as error:
            raise self._said(folder, error) from None

    def delete(self, paths: Iterable[str]) -> None:
        """Remove objects; those that are not there, too."""
        import obstore

        for path in paths:
            with contextlib.suppress(FileNotFoundError):
                self._tried(path, lambda path=path: obstore.delete(self._store, path))  # type: ignore[misc]

    def move(self, path: str, target: str) -> None:
        """Give an object another path."""
        content, _ = self.get(path)
        self.put(target, content)
        self.delete([path])

    def _tried(self, path: str, action: Callable[[], _Found]) -> _Found:
        """The action's result; what may be over in a moment is tried again."""
        from obstore import exceptions as of_store

        final = (of_store.PermissionDeniedError, of_store.UnauthenticatedError, of_store.InvalidPathError)
        for pause in (*PAUSES, None):
            try:
                return action()
            except FileNotFoundError as error:
                if _NO_BUCKET.search(str(error)):
                    raise self._said(path, error) from None
                raise
            except StoreError:
                raise
            except of_store.AlreadyExistsError:
                raise FileExistsError(path) from None
            except of_store.PreconditionError:
                raise StaleError(f"{self.address}/{path}: was changed by another writer") from None
            except final as error:
                raise self._said(path, error) from None
            except (of_store.BaseError, _CutError, TimeoutError, ConnectionError) as error:
                if pause is None or _NO_BUCKET.search(str(error)) or _NO_CREDENTIALS.search(str(error)):
                    raise self._said(path, error) from None
                time.sleep(pause * random.uniform(0.5, 1.5))  # noqa: S311 - so that writers do not march in step
        raise AssertionError

    def _said(self, path: str, error: Exception) -> StoreError:
        """What went wrong, in words; the store's own may hold what is secret."""
        from obstore import exceptions as of_store

        place, text = f"{self.address}/{path}".rstrip("/"), str(error)
        scheme = self.address.partition(":")[0]
        named = _CREDENTIALS[scheme] if scheme in SCHEMES else "none"
        if _NO_BUCKET.search(text) or isinstance(error, FileNotFoundError):
            fact = f"there is no such {'container' if scheme == 'az' else 'bucket'}; make it first"
            place = self.address
        elif isinstance(error, of_store.PermissionDeniedError):
            fact = "the store refuses these credentials (403): they are not right, or may not do this"
        elif isinstance(error, of_store.UnauthenticatedError):
            fact = "the store does not know these credentials (401)"
        elif _NO_CREDENTIALS.search(text):
            fact = f"no credentials; they come from the environment: {named}"
        elif isinstance(error, _CutError):
            fact = f"the answer was cut, again and again: {text}"
        elif "Incomplete" in text:
            fact = "the answer was cut, again and again; try later"
        elif status := re.search(r"status: (\d{3}[^,:\n]{0,40})|status code (\d{3})", text):
            fact = f"the store answered {status[1] or status[2]} again and again; try later"
        elif re.search(r"TimedOut|timed out", text):
            fact = "the store did not answer in time, again and again; try later"
        elif re.search(r"connect|dns|tcp|sending request", text, re.IGNORECASE):
            fact = "the store cannot be reached"
        else:
            fact = f"the store failed ({type(error).__name__})"
        return StoreError(f"{place}: {fact}")


class _CutError(Exception):
    """Fewer bytes came than were announced."""


def _version(meta: Any) -> Version:  # noqa: ANN401 - obstore's dict
    return Version(meta["e_tag"], meta["version"])
