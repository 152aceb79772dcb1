"""Scrapes a live service: its net/http/pprof endpoints and metrics, into the layout that `ingest` reads."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
import time
import urllib.parse
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from tracemill.flows.folders import made
from tracemill.flows.loading.discover import InputError
from tracemill.flows.loading.layout import folder_name
from tracemill.flows.loading.scrape import HEADERS, Service
from tracemill.parsers.api import ParseError
from tracemill.parsers.registry import detect, sources

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tracemill.flows.progress import Progress

ENDPOINTS = "/debug/pprof"
# Before the name of a run that is being collected. One of a day ago was stopped.
_PART = ".collect-"
_STOPPED_SECONDS = 24 * 3600.0

# What is there at any moment: file → endpoint. Twice, at the start and the end: a leak shows in between,
# and what adds up since the process began is counted from the first.
_MOMENTS = {
    "heap.pb.gz": "heap",
    "heap.txt": "heap?debug=1",
    "block.pb.gz": "block",
    "mutex.pb.gz": "mutex",
    "goroutines.txt": "goroutine?debug=2",
}
# Has the same as the heap's profile, but of allocations first.
_ALLOCS = {"allocs.pb.gz": "allocs"}
# What is observed side by side, for whole seconds: of a fraction net/http/pprof makes a CPU
# profile of 30.
_OBSERVED = {"trace.out": "trace?seconds={seconds}", "cpu.pb.gz": "profile?seconds={seconds}"}
# Listed by the services that have it, Go 1.27's: looking for leaks costs a collection, so it comes last.
_LEAKS = {"goroutineleak.pb.gz": "goroutineleak"}
# Where services mostly have what they tell of the runtime, if they do; not below the endpoints.
_METRICS = {"expvar.json": "/debug/vars", "metrics.txt": "/metrics"}


@dataclass(frozen=True, slots=True)
class Collected:
    """Where the files of the run lie, their sizes in bytes, and what could not be had, in words."""

    folder: Path
    files: dict[str, int]
    failures: list[str]


def collect(
    url: str,
    build: str,
    run: str | None,
    artifacts: Path,
    *,
    seconds: int,
    progress: Progress,
    also: Sequence[str] = (),
) -> Collected:
    """Scrape the service at url for so many seconds into artifacts/<build>/<run>/.

    run: by default the time of day. also: paths on the service, such as one that gives what a flight recorder
    has. The run shows once it is whole; an endpoint that is missing doesn't stop the others. Raises
    LayoutError for a name that no folder can have, InputError if nothing could be had, or the run is there
    already.
    """
    base = _base(url)
    run = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ") if run is None else run
    folder_name("build", build)
    folder_name("run", run)
    target = artifacts / build / run
    if target.exists():
        raise InputError(f"{target}: that run is there already")
    for path in also:
        if not path.startswith("/") or path.startswith("//"):
            raise InputError(f"{path}: no path on the service, such as /debug/flight")
    scrape = _Scrape(Service(base), progress)
    with made(target.parent):
        _sweep(target.parent)
        part = Path(tempfile.mkdtemp(prefix=_PART, dir=target.parent))  # hidden: no run yet
        try:
            scrape.run(part, seconds, also)
            part.chmod(0o755)
            part.rename(target)
        except BaseException:
            shutil.rmtree(part, ignore_errors=True)
            raise
    return Collected(target, scrape.files, scrape.failures)


def _sweep(folder: Path) -> None:
    """Remove what runs have left that were stopped."""
    for part in folder.glob(f"{_PART}*"):
        with contextlib.suppress(OSError):
            if time.time() - part.stat().st_mtime > _STOPPED_SECONDS:
                shutil.rmtree(part, ignore_errors=True)


def _base(url: str) -> str:
    parts = urllib.parse.urlsplit(url if "://" in url else f"http://{url}")
    if parts.username is not None:  # the address is shown, and stands in logs
        raise InputError(f"a name or password in the address: give it as a header, in {HEADERS}")
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise InputError(f"{url}: not the address of a service, such as http://localhost:6060")
    path = parts.path.rstrip("/")
    path = path if path.endswith(ENDPOINTS) else path + ENDPOINTS
    return urllib.parse.urlunsplit((parts.scheme, parts.netloc, path, "", ""))


def _in_turn(turn: str, files: Mapping[str, str]) -> dict[str, str]:
    """heap.pb.gz → heap-1.pb.gz."""
    return {name.replace(".", f"-{turn}.", 1): path for name, path in files.items()}


class _Scrape:
    """The files of one run as they come."""

    def __init__(self, service: Service, progress: Progress) -> None:
        self.files: dict[str, int] = {}
        self.failures: list[str] = []
        self._service = service
        self._progress = progress

    def run(self, folder: Path, seconds: int, also: Sequence[str]) -> None:
        """All of a run. Raises InputError if nothing could be had."""
        last = _in_turn("2", _MOMENTS) | _ALLOCS
        if "goroutineleak" in self._service.text(""):
            last |= _LEAKS
        own = {f"also-{number}": path for number, path in enumerate(also, 1)}
        observed = {name: path.format(seconds=seconds) for name, path in _OBSERVED.items()}
        files = len(_MOMENTS) + len(observed) + len(last) + len(own) + len(_METRICS)
        self._progress.start(f"collecting from {self._service.address}", files)
        self._fetch(_in_turn("1", _MOMENTS), folder)
        self._fetch(observed, folder, seconds=seconds)
        self._fetch(last | own, folder)
        if not self.files:
            raise InputError(f"{self._service.address}: nothing could be had; {self.failures[0]}")
        self._fetch(_METRICS, folder, is_optional=True)

    def _fetch(
        self, files: Mapping[str, str], folder: Path, *, seconds: float = 0.0, is_optional: bool = False
    ) -> None:
        """Fetch files. What fails is a failure in words; of what is optional, it is not there."""
        for name, answer in self._service.fetch(files, folder, seconds=seconds).items():
            if isinstance(answer, int) and not (is_optional and not _is_known(folder / name)):
                self.files[name] = answer
            elif is_optional:
                (folder / name).unlink(missing_ok=True)
            else:
                place = urllib.parse.urljoin(f"{self._service.address}/", files[name])
                self.failures.append(f"{place}: {answer}")
            self._progress.step(name)


def _is_known(file: Path) -> bool:
    """Whether the file is of a kind that is read."""
    try:
        return all(not isinstance(s, ParseError) and detect(s) for s in sources(file))
    except ParseError:
        return False
