"""Scrapes a live service: its net/http/pprof endpoints, into the layout that `ingest` reads."""

from __future__ import annotations

import http.client
import shutil
import tempfile
import urllib.error
import urllib.parse
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from tracemill.flows.loading.discover import InputError
from tracemill.flows.loading.layout import folder_name

if TYPE_CHECKING:
    from collections.abc import Mapping
    from email.message import Message
    from typing import IO

    from tracemill.flows.progress import Progress

ENDPOINTS = "/debug/pprof"
# What one answer may hold: a trace of half a minute of a busy service is some 500 MB.
MAX_BYTES = 4 * 1024**3
CHUNK_BYTES = 1 << 20
# How long an answer may take beyond the time that it is asked to observe.
PATIENCE_SECONDS = 30.0

# What is there at any moment: file → endpoint. Twice, at the start and the end, as a leak shows in between.
_MOMENTS = {
    "heap.pb.gz": "heap",
    "heap.txt": "heap?debug=1",
    "goroutines.txt": "goroutine?debug=2",
}
# What adds up since the process began.
_SUMS = {"allocs.pb.gz": "allocs", "block.pb.gz": "block", "mutex.pb.gz": "mutex"}
# What is observed side by side, for whole seconds: of a fraction net/http/pprof makes a CPU
# profile of 30.
_OBSERVED = {"trace.out": "trace?seconds={seconds}", "cpu.pb.gz": "profile?seconds={seconds}"}


@dataclass(frozen=True, slots=True)
class Collected:
    """Where the files of the run lie, their sizes in bytes, and what could not be had, in words."""

    folder: Path
    files: dict[str, int]
    failures: list[str]


def collect(
    url: str, build: str, run: str | None, artifacts: Path, *, seconds: int, progress: Progress
) -> Collected:
    """Scrape the service at url for so many seconds into artifacts/<build>/<run>/.

    run: by default the time of day. The run shows once it is whole; an endpoint that is missing
    doesn't stop the others. Raises LayoutError for a name that no folder can have, InputError if nothing
    could be had, or the run is there already.
    """
    base = _base(url)
    run = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ") if run is None else run
    folder_name("build", build)
    folder_name("run", run)
    target = artifacts / build / run
    if target.exists():
        raise InputError(f"{target}: that run is there already")
    target.parent.mkdir(parents=True, exist_ok=True)
    part = Path(tempfile.mkdtemp(prefix=".collect-", dir=target.parent))  # hidden: no run yet
    try:
        scrape = _Scrape(base, part, progress)
        progress.start(f"collecting from {base}", 2 * len(_MOMENTS) + len(_OBSERVED) + len(_SUMS))
        scrape.fetch(_in_turn("1", _MOMENTS))
        observed = {name: path.format(seconds=seconds) for name, path in _OBSERVED.items()}
        scrape.fetch(observed, seconds=seconds)
        scrape.fetch(_in_turn("2", _MOMENTS) | _SUMS)
        if not scrape.files:
            raise InputError(f"{base}: nothing could be had; {scrape.failures[0]}")
        part.chmod(0o755)
        part.rename(target)
    except BaseException:
        shutil.rmtree(part, ignore_errors=True)
        raise
    return Collected(target, scrape.files, scrape.failures)


def _base(url: str) -> str:
    parts = urllib.parse.urlsplit(url if "://" in url else f"http://{url}")
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise InputError(f"{url}: not the address of a service, such as http://localhost:6060")
    path = parts.path.rstrip("/")
    path = path if path.endswith(ENDPOINTS) else path + ENDPOINTS
    return urllib.parse.urlunsplit((parts.scheme, parts.netloc, path, "", ""))


def _in_turn(turn: str, files: Mapping[str, str]) -> dict[str, str]:
    """heap.pb.gz → heap-1.pb.gz."""
    return {name.replace(".", f"-{turn}.", 1): path for name, path in files.items()}


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


class _Scrape:
    """The files of one run as they come."""

    def __init__(self, base: str, folder: Path, progress: Progress) -> None:
        self.files: dict[str, int] = {}
        self.failures: list[str] = []
        self._base = base
        self._folder = folder
        self._progress = progress
        self._opener = urllib.request.build_opener(_NoRedirect)

    def fetch(self, files: Mapping[str, str], *, seconds: float = 0.0) -> None:
        """Fetch the files side by side; what fails is a failure in words."""
        with ThreadPoolExecutor(len(files)) as pool:
            answers = {name: pool.submit(self._one, name, path, seconds) for name, path in files.items()}
        for name, answer in answers.items():
            try:
                self.files[name] = answer.result()
            except (OSError, http.client.HTTPException, InputError) as error:
                (self._folder / name).unlink(missing_ok=True)
                self.failures.append(f"{self._base}/{files[name]}: {error}")
            self._progress.step(name)

    def _one(self, name: str, path: str, seconds: float) -> int:
        """The bytes of one answer. Raises OSError, HTTPException or InputError."""
        size = 0
        timeout = seconds + PATIENCE_SECONDS
        with (
            self._opener.open(f"{self._base}/{path}", timeout=timeout) as answer,
            (self._folder / name).open("wb") as file,
        ):
            while chunk := answer.read(CHUNK_BYTES):
                size += len(chunk)
                if size > MAX_BYTES:
                    raise InputError(f"an answer of more than {MAX_BYTES} bytes")
                file.write(chunk)
        if not size:
            raise InputError("an empty answer")
        return size
