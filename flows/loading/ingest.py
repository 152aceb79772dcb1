"""Ingest: find what is new, parse it side by side on all cores, commit it to the catalog.

A capture is committed once all its Parquet is written. Commits come every second
or so and at the end: a stop at any moment loses only the captures in work. Of a file
that holds several captures the first is committed last: where it is, the others are too.
"""

from __future__ import annotations

import contextlib
import hashlib
import itertools
import logging
import multiprocessing
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, ThreadPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field, replace
from multiprocessing import forkserver
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

from tracemill.flows.loading.capture import (
    Job,
    Outcome,
    Parsed,
    Stamp,
    failed,
    finish,
    load,
    parse,
    parser_version,
    share,
    stamp,
)
from tracemill.flows.loading.discover import Discovered, Input, discover
from tracemill.flows.loading.known_builds import merged, placed_by_list, with_git_times
from tracemill.flows.progress import Progress, Silent
from tracemill.flows.signals import uninterrupted
from tracemill.parsers.api import Options, ParseError
from tracemill.parsers.unwrap.archive import open_file
from tracemill.warehouse.catalog import Capture, Catalog, Failure, Place, capture_id
from tracemill.warehouse.lock import if_nobody_loads, loading_lock
from tracemill.warehouse.shared_stacks import SharedStacks

if TYPE_CHECKING:
    from tracemill.flows.loading.layout import Layout

log = logging.getLogger(__name__)

SECONDS_BETWEEN_COMMITS = 1.0
# Below this much input, starting other processes costs more than it saves.
MIN_BYTES_FOR_PROCESSES = 4 * 1024**2


@dataclass(slots=True)
class Ingested:
    """What one ingest did."""

    loaded: list[Capture] = field(default_factory=list)
    failures: list[Failure] = field(default_factory=list)
    unchanged: int = 0
    strays: list[str] = field(default_factory=list)
    links: list[str] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def is_anything_read(self) -> bool:
        """Whether there was any capture, new or known."""
        return bool(self.loaded or self.unchanged)

    @property
    def rows(self) -> int:
        """Rows over all tables of what was loaded."""
        return sum(sum(c.rows.values()) for c in self.loaded)

    @property
    def issues(self) -> int:
        """Issue rows of what was loaded."""
        return sum(c.issue_count for c in self.loaded)


# SHA-256, size and stamp of an input, or why it cannot be read
Content = tuple[str, int, Stamp] | OSError | ParseError
# Gives each input's content, in their order.
Reader = Callable[[list[Input]], Iterator[Content]]
# Takes the jobs and how many to work on side by side; yields each job's outcome as it comes.
Loader = Callable[[list[Job], int], Iterator[Outcome]]


def ingest(
    artifacts: list[Path],
    warehouse: Path,
    *,
    options: Options | None = None,
    processes: int | None = None,
    progress: Progress | None = None,
    read: Reader | None = None,
    load: Loader | None = None,
    layout: Layout | None = None,
) -> Ingested:
    """Load what is new below the artifact folders. Raises InputError, LayoutError, WarehouseError.

    processes: how many side by side; default one a core. read, load: what tells the files' contents and what
    loads them; default read_all(), load_all(). layout: how builds and runs are told, where not by folders.
    """
    started = time.monotonic()
    found = discover(artifacts, layout)  # what is refused here leaves nothing behind
    with if_nobody_loads(warehouse) as is_alone:
        if is_alone:
            Catalog.load(warehouse).sweep()
    result, todo = Ingested(), []
    with loading_lock(warehouse):
        try:
            catalog = Catalog.load(warehouse)
            result.strays, result.links = found.strays, found.links
            _take_manifests(found, catalog, result)
            if layout and layout.order:
                catalog.builds.update(placed_by_list(catalog.builds, layout.order))
            contents = (read or read_all)(found.inputs)
            todo = _what_is_new(found, contents, catalog, options or Options(), result)
            catalog.commit()
            if todo:
                shown = progress or Silent()
                shown.start("reading files", len(todo))
                outcomes = (load or load_all)(todo, processes or os.cpu_count() or 1)
                _take_outcomes(outcomes, catalog, result, shown)
        except KeyboardInterrupt as stop:
            of = f"{len(todo)} new files" if todo else "files"
            kept = f"{len(result.loaded)} captures of the {of} are kept"
            raise KeyboardInterrupt(f"{kept}; the same command goes on from there") from stop
        result.seconds = time.monotonic() - started
        return result


def _what_is_new(
    found: Discovered, contents: Iterator[Content], catalog: Catalog, options: Options, result: Ingested
) -> list[Job]:
    """The inputs whose content, at that build and run, is not loaded yet; largest first."""
    known: dict[str, list[Capture]] = {}
    for capture in catalog.captures_of({item.build_id for item in found.inputs}):
        # Other captures of a file have ids of their own.
        identity = capture_id(capture.build_id, capture.run_id, capture.sha256)
        known.setdefault(identity, []).append(capture)
    jobs: dict[str, Job] = {}
    content_at: dict[Place, str] = {}
    unchanged: list[tuple[Input, str, list[Capture]]] = []
    for item, content in zip(found.inputs, contents, strict=True):
        if isinstance(content, OSError | ParseError):
            fact = content.fact if isinstance(content, ParseError) else content.strerror
            message = f"{item.path}: {fact}"
            _fail(catalog, result, Failure(item.build_id, item.run_id, item.path, None, message))
            continue
        sha256, size_bytes, found_stamp = content
        identity = capture_id(item.build_id, item.run_id, sha256)
        content_at[item.build_id, item.run_id, item.path] = identity
        loaded = known.get(identity, [])
        is_whole = any(capture.capture_id == identity for capture in loaded)
        if identity in jobs or (is_whole and all(_is_current(capture, options) for capture in loaded)):
            result.unchanged += 1
            _take_time(item, loaded, catalog)
            unchanged.append((item, identity, loaded))
        else:
            jobs[identity] = Job(identity, item, sha256, size_bytes, catalog.root, options, found_stamp)
    _take_names(unchanged, content_at, catalog)
    return sorted(jobs.values(), key=lambda j: -j.size_bytes)


def _take_time(item: Input, loaded: list[Capture], catalog: Catalog) -> None:
    """Note when a loaded file was written, where only its path says so, by a layout given since."""
    for capture in loaded:
        if capture.captured_at_ns is None and item.captured_at_ns is not None:
            catalog.captures[capture.place] = replace(capture, captured_at_ns=item.captured_at_ns)


def _take_names(
    unchanged: list[tuple[Input, str, list[Capture]]], content_at: dict[Place, str], catalog: Catalog
) -> None:
    """List loaded files by the names that they have now, where their old names hold other content.

    Else what a log holds after its rotation would take the place of what it held before.
    """
    moved = {}
    for item, identity, loaded in unchanged:
        first = next((each for each in loaded if each.capture_id == identity), None)
        if first is not None and content_at.get(first.place, identity) != identity:
            for each in loaded:
                path = item.path + each.path.removeprefix(first.path)
                moved[each.place] = replace(catalog.captures[each.place], path=path)
    for place in moved:
        catalog.remove(place)
    for capture in moved.values():
        catalog.captures[capture.place] = capture


def _is_current(capture: Capture, options: Options) -> bool:
    lacks_events = options.raw_events and capture.format == "exectrace" and not capture.raw_events
    # What retention has dropped is not parsed again because a parser is newer: that would undo it.
    is_parsed = bool(capture.expired) or capture.parser_version == parser_version(capture.format)
    return is_parsed and not lacks_events


def read_all(inputs: list[Input]) -> Iterator[Content]:
    """A Reader: several at a time, by threads of this process."""
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        yield from pool.map(content_of, inputs)


def content_of(item: Input) -> Content:
    """SHA-256 and size of an input, and the stamp of its file before it was read."""
    try:
        before = stamp(item.file)
        with open_file(item.file, item.members) as stream:
            digest = hashlib.sha256()
            while piece := stream.read(1 << 20):
                digest.update(piece)
            return digest.hexdigest(), stream.tell(), before
    except (OSError, ParseError) as error:
        return error


def _take_manifests(found: Discovered, catalog: Catalog, result: Ingested) -> None:
    """Take over what the manifests say, and forget the failures that this run judges anew."""
    whole = found.builds.keys() - found.partial
    seen = {(item.build_id, item.run_id, item.path) for item in found.inputs}
    for place in catalog.failures.of(whole | {build_id for build_id, _, _ in seen}):
        if place[0] in whole or place in seen:
            del catalog.failures[place]
    catalog.builds |= with_git_times(merged(found.builds, catalog.builds, found.partial))
    for known, told in ((catalog.work, found.work), (catalog.pairs, found.pairs)):
        for run in found.runs - told.keys():
            if run[0] in whole:
                known.pop(run, None)
    catalog.work |= found.work
    catalog.pairs |= found.pairs
    for failure in found.failures:
        catalog.failures[failure.place] = failure
        result.failures.append(failure)


def _take_outcomes(
    outcomes: Iterator[Outcome], catalog: Catalog, result: Ingested, progress: Progress
) -> None:
    last_commit = time.monotonic()
    try:
        for outcome in outcomes:
            if isinstance(outcome, Failure):
                _fail(catalog, result, outcome)
            else:
                catalog.add(outcome)
                _forget_other_captures(outcome, catalog, result)
                result.loaded.append(outcome)
                log.info(
                    "ingested source=%s kind=%s rows=%d issues=%d",
                    outcome.path,
                    outcome.kind,
                    sum(outcome.rows.values()),
                    outcome.issue_count,
                )
            progress.step(outcome.path)
            if time.monotonic() - last_commit > SECONDS_BETWEEN_COMMITS:
                with uninterrupted():
                    catalog.commit()
                last_commit = time.monotonic()
    finally:
        with uninterrupted():
            catalog.commit()


def _forget_other_captures(first: Capture, catalog: Catalog, result: Ingested) -> None:
    """Drop the second, third … captures of what the file held before, once its first is listed."""
    others = (f"{first.path}#{number}" for number in itertools.count(2))
    places = ((first.build_id, first.run_id, path) for path in others)
    old = list(itertools.takewhile(catalog.captures.__contains__, places))
    if old:
        new = {capture.place for capture in result.loaded}
        for place in old:
            if place not in new:
                catalog.remove(place)


def _fail(catalog: Catalog, result: Ingested, failure: Failure) -> None:
    catalog.failures[failure.place] = failure
    result.failures.append(failure)


def load_all(jobs: list[Job], processes: int) -> Iterator[Outcome]:
    """Each job's outcome as it comes, from parsers side by side."""
    with workers(jobs, processes) as pool:
        yield from load_with(pool, jobs)


@contextlib.contextmanager
def workers(jobs: list[Job], processes: int) -> Iterator[ProcessPoolExecutor | None]:
    """Processes for the jobs; None where starting them would cost more than it saves."""
    if len(jobs) == 1 or processes == 1 or sum(j.size_bytes for j in jobs) < MIN_BYTES_FOR_PROCESSES:
        yield None
        return
    with _processes(processes) as pool:
        try:
            yield pool
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _processes(count: int) -> ProcessPoolExecutor:
    # A fork server starts clean: no threads of ours are copied into the workers.
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tracemill.flows.loading.ingest"])
    with _ignored_interrupts():
        forkserver.ensure_running()
    return ProcessPoolExecutor(count, mp_context=context, initializer=_end_with_parent)


def _submit(pool: ProcessPoolExecutor, job: Job) -> Future[list[Outcome]]:
    # A process that is left half started says so on the terminal.
    with uninterrupted(), _hidden_script():
        return pool.submit(_load_in_worker, job)


@contextlib.contextmanager
def _hidden_script() -> Iterator[None]:
    """Processes that are started in the block do not run the caller's script once more.

    They need nothing of it; where no ``if __name__ == "__main__"`` keeps them from it, it would load again.
    """
    script = sys.modules["__main__"]
    sys.modules["__main__"] = ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = script


@contextlib.contextmanager
def _ignored_interrupts() -> Iterator[None]:
    """Processes that are started in the block hear no Ctrl-C, until they ask for it."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _end_with_parent() -> None:
    """In a worker: end when the process that hands out the work does, even if killed; on Ctrl-C at once."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    parent = multiprocessing.parent_process()

    def watch() -> None:
        if parent is not None:
            parent.join()
            os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def load_with(pool: ProcessPoolExecutor | None, jobs: list[Job]) -> Iterator[Outcome]:
    """Each job's outcome as it comes; in this process where there is no pool."""
    if pool is None:
        yield from _load_here(jobs)
        return
    running: dict[Future[list[Outcome]], Job] = {}
    interrupted = []
    for job in jobs:
        try:
            running[_submit(pool, job)] = job
        except BrokenProcessPool:
            interrupted.append(job)
    while running:
        done, _ = wait(running, return_when=FIRST_COMPLETED)
        for future in done:
            job = running.pop(future)
            try:
                yield from future.result()
            except BrokenProcessPool:
                interrupted.append(job)
    # A process that dies takes its whole pool along: only a job that kills one of its own is at fault.
    for job in interrupted:
        yield from _load_alone(job)


def _load_here(jobs: list[Job]) -> Iterator[Outcome]:
    """One after the other: while one is parsed, a thread writes the one before it."""
    shared = SharedStacks()
    with ThreadPoolExecutor(1, "parquet") as thread:
        before: tuple[Parsed | Failure, Future[list[Outcome]]] | None = None
        for job in [*jobs, None]:
            parsed = parse(job, shared, is_held=True) if job else None
            if before:
                outcomes = before[1].result()
                share(before[0], outcomes)
                yield from outcomes
            before = (parsed, thread.submit(finish, parsed)) if parsed else None


# In a worker, which works for one ingest: what its captures share.
_shared = SharedStacks()


def _load_in_worker(job: Job) -> list[Outcome]:
    return load(job, _shared)


def _load_alone(job: Job) -> list[Outcome]:
    with _processes(1) as pool:
        try:
            return _submit(pool, job).result()
        except BrokenProcessPool:
            return [failed(job, "the parser's process died; the file may need more memory than there is")]
