"""Answers of a live service as files: within a time and a size, and never from anywhere else."""

from __future__ import annotations

import http.client
import os
import ssl
import time
import urllib.error
import urllib.parse
import urllib.request
from queue import SimpleQueue
from threading import Lock, Thread
from typing import TYPE_CHECKING

from tracemill.flows.loading.discover import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from email.message import Message
    from pathlib import Path
    from typing import IO

# One header a line, such as "Authorization: Bearer …"; what they say is never printed.
HEADERS = "TRACEMILL_COLLECT_HEADERS"
# What one answer may hold, and all of a run: a trace of half a minute of a busy service is some 500 MB.
MAX_BYTES = 4 * 1024**3
MAX_RUN_BYTES = 8 * 1024**3
CHUNK_BYTES = 1 << 20
# How long an answer may take as a whole, beyond the time that it is asked to observe.
PATIENCE_SECONDS = 30.0


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """A service that sends us elsewhere is not the one that was asked for."""

    def redirect_request(  # the signature is urllib's
        self,
        req: urllib.request.Request,
        fp: IO[bytes],
        code: int,
        msg: str,  # noqa: ARG002
        headers: Message,
        newurl: str,
    ) -> None:
        raise urllib.error.HTTPError(req.full_url, code, f"sends elsewhere: {newurl[:200]}", headers, fp)


class Service:
    """A live service at an address. Raises InputError for headers in the environment that are none."""

    def __init__(self, address: str) -> None:
        self.address = address
        self._headers = _headers(os.environ.get(HEADERS, ""))
        self._opener = urllib.request.build_opener(_NoRedirect)
        self._left, self._lock = MAX_RUN_BYTES, Lock()

    def fetch(self, files: Mapping[str, str], folder: Path, *, seconds: float = 0.0) -> dict[str, int | str]:
        """Fetch files, name → path on the service, side by side: how large each is, or why it is not there.

        seconds: how long the service is asked to observe. A stop of the caller does not wait for answers.
        """
        answers: SimpleQueue[tuple[str, int | str]] = SimpleQueue()

        def one(name: str, path: str) -> None:
            try:
                answers.put((name, self._save(folder / name, path, seconds)))
            except (OSError, http.client.HTTPException, InputError) as error:
                (folder / name).unlink(missing_ok=True)
                answers.put((name, in_words(error)))

        for name, path in files.items():
            Thread(target=one, args=(name, path), daemon=True).start()
        found = dict(answers.get() for _ in files)
        return {name: found[name] for name in files}

    def text(self, path: str, most: int = CHUNK_BYTES) -> str:
        """The beginning of an answer; nothing where there is none."""
        try:
            with self._open(path, PATIENCE_SECONDS) as answer:
                return answer.read(most).decode("utf-8", "replace")
        except (OSError, http.client.HTTPException):
            return ""

    def _open(self, path: str, patience: float) -> http.client.HTTPResponse:
        place = urllib.parse.urljoin(f"{self.address}/", path)
        request = urllib.request.Request(place, headers=self._headers)  # noqa: S310 - http, see collect
        answer: http.client.HTTPResponse = self._opener.open(request, timeout=patience)
        return answer

    def _save(self, file: Path, path: str, seconds: float) -> int:
        """The bytes of one answer. Raises OSError, HTTPException or InputError."""
        patience = seconds + PATIENCE_SECONDS
        end = time.monotonic() + patience
        size = 0
        with self._open(path, patience) as answer, file.open("wb") as out:
            announced = answer.length
            while chunk := answer.read1(CHUNK_BYTES):
                size += len(chunk)
                self._take(len(chunk))
                if size > MAX_BYTES:
                    raise InputError(f"an answer of more than {MAX_BYTES:,} bytes")
                if time.monotonic() > end:
                    raise InputError(f"not finished after {patience:g} s: {size:,} bytes")
                out.write(chunk)
        if announced is not None and size < announced:
            raise InputError(f"ended after {size:,} of {announced:,} bytes")
        if not size:
            raise InputError("an empty answer")
        return size

    def _take(self, size: int) -> None:
        """Count what has come. Raises InputError where it is too much."""
        with self._lock:
            self._left -= size
            if self._left < 0:
                raise InputError(f"answers of more than {MAX_RUN_BYTES:,} bytes together")


def in_words(error: Exception) -> str:
    """What went wrong, as people say it."""
    reason = error.reason if isinstance(error, urllib.error.URLError) else error
    if isinstance(error, urllib.error.HTTPError):
        return f"HTTP Error {error.code}: {error.reason}"
    if isinstance(reason, ssl.SSLCertVerificationError):
        return (
            f"its certificate is not trusted ({reason.verify_message}); SSL_CERT_FILE can name whom to trust"
        )
    if isinstance(reason, ssl.SSLError):
        return "no TLS there that this machine understands; does it speak http:// instead?"
    if isinstance(reason, TimeoutError):
        return f"no answer within {PATIENCE_SECONDS:g} s beyond what was asked for"
    if isinstance(reason, OSError) and reason.strerror:
        return reason.strerror
    return str(reason) or type(error).__name__


def _headers(lines: str) -> dict[str, str]:
    found = {}
    for number, line in enumerate(filter(None, map(str.strip, lines.splitlines())), 1):
        name, colon, value = line.partition(":")
        is_fit = bool(colon) and name.isascii() and name.replace("-", "").isalnum() and value.isprintable()
        if not is_fit:
            raise InputError(f"{HEADERS}: header {number} is none: write Name: value, one a line")
        found[name] = value.strip()
    return found
