"""Ingest: find what is new, parse it side by side on all cores, commit it to the catalog.

A capture is committed once all its Parquet is written. Commits come every second
or so and at the end: a stop at any moment loses only the captures in work.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import logging
import multiprocessing
import os
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, ThreadPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa

from flows.discover import Discovered, Input, discover
from flows.progress import Progress, Silent
from parsers.api import Batch, Facts, Issue, Options, ParseError, Stacks
from parsers.registry import FORMATS, detect
from parsers.source import Source
from warehouse.catalog import Capture, Catalog, Failure, capture_id, writer_lock
from warehouse.shared_stacks import SharedStacks
from warehouse.store import CaptureWriter

if TYPE_CHECKING:
    from parsers.api import Item

log = logging.getLogger(__name__)

SECONDS_BETWEEN_COMMITS = 1.0
# Below this much input, starting other processes costs more than it saves.
MIN_BYTES_FOR_PROCESSES = 4 * 1024**2
# What a network's or a busy machine's file system says today and not tomorrow.
TRANSIENT = frozenset(
    {errno.EIO, errno.EAGAIN, errno.EBUSY, errno.EMFILE, errno.ENFILE, errno.ESTALE, errno.ETIMEDOUT}
    | {errno.ECONNRESET, errno.EHOSTDOWN, errno.EHOSTUNREACH, errno.ENETDOWN, errno.ENETUNREACH}
)
# A capture keeps this many issue rows; the rest are counted in the last one.
MAX_ISSUES = 1000


@dataclass(slots=True)
class Ingested:
    """What one ingest did."""

    loaded: list[Capture] = field(default_factory=list)
    failures: list[Failure] = field(default_factory=list)
    unchanged: int = 0
    strays: list[str] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def rows(self) -> int:
        """Rows over all tables of what was loaded."""
        return sum(sum(c.rows.values()) for c in self.loaded)

    @property
    def issues(self) -> int:
        """Issue rows of what was loaded."""
        return sum(c.issue_count for c in self.loaded)


def ingest(
    artifacts: list[Path],
    warehouse: Path,
    *,
    options: Options | None = None,
    processes: int | None = None,
    progress: Progress | None = None,
) -> Ingested:
    """Load what is new below the artifact folders. Raises InputError, WarehouseError.

    processes: how many side by side; default one a core.
    """
    with writer_lock(warehouse):
        return ingest_locked(artifacts, warehouse, options or Options(), processes, progress or Silent())


def ingest_locked(
    artifacts: list[Path],
    warehouse: Path,
    options: Options,
    processes: int | None,
    progress: Progress,
    loader: Loader | None = None,
) -> Ingested:
    """ingest() for a caller that holds the writer's lock, and may bring a loader of its own."""
    started = time.monotonic()
    found = discover(artifacts)
    catalog = Catalog.load(warehouse)
    catalog.sweep()
    result = Ingested(strays=found.strays)
    _take_manifests(found, catalog, result)
    todo = _what_is_new(found, catalog, options, result)
    catalog.commit()
    if todo:
        progress.start("ingest", len(todo))
        outcomes = (loader or load_all)(todo, processes or os.cpu_count() or 1)
        _take_outcomes(outcomes, catalog, result, progress)
    result.seconds = time.monotonic() - started
    return result


@dataclass(frozen=True, slots=True)
class Job:
    """One new input: its content's hash and size, and where it goes."""

    input: Input
    sha256: str
    size_bytes: int
    root: Path
    options: Options


class TransientFailure(Failure):
    """A failure that may be gone at the next try."""


Outcome = Capture | Failure
# Takes the jobs and how many to work on side by side; yields each job's outcome as it comes.
Loader = Callable[[list[Job], int], Iterator[Outcome]]


def _what_is_new(found: Discovered, catalog: Catalog, options: Options, result: Ingested) -> list[Job]:
    """The inputs whose content, at that build and run, is not loaded yet; largest first."""
    known = {c.capture_id: c for c in catalog.captures.values()}
    jobs: dict[str, Job] = {}
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        contents = pool.map(_content_or_error, [i.file for i in found.inputs])
        for item, content in zip(found.inputs, contents, strict=True):
            if isinstance(content, OSError):
                message = f"{item.path}: {content.strerror}"
                _fail(catalog, result, Failure(item.build_id, item.run_id, item.path, None, message))
                continue
            sha256, size_bytes = content
            identity = capture_id(item.build_id, item.run_id, sha256)
            loaded = known.get(identity)
            if identity in jobs or (loaded is not None and _is_current(loaded, options)):
                result.unchanged += 1
            else:
                jobs[identity] = Job(item, sha256, size_bytes, catalog.root, options)
    return sorted(jobs.values(), key=lambda j: -j.size_bytes)


def _is_current(capture: Capture, options: Options) -> bool:
    lacks_events = options.raw_events and capture.kind == "trace" and not capture.raw_events
    return capture.parser_version == parser_version(capture.format) and not lacks_events


def parser_version(format_name: str) -> str:
    """Changes when a format's parser gives other rows for the same bytes."""
    version = {module.rpartition(".")[2]: number for module, number in FORMATS.items()}.get(format_name)
    return f"{format_name}/{version}"


def _content_or_error(file: Path) -> tuple[str, int] | OSError:
    """(SHA-256, size) of a file."""
    try:
        with file.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest(), stream.tell()
    except OSError as error:
        return error


def _take_manifests(found: Discovered, catalog: Catalog, result: Ingested) -> None:
    """Take over what the manifests say, and forget the failures that this run judges anew."""
    for place in [p for p in catalog.failures if p[0] in found.builds]:
        del catalog.failures[place]
    catalog.builds |= found.builds
    catalog.work |= found.work
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
                catalog.commit()
                last_commit = time.monotonic()
    finally:
        catalog.commit()


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
    context.set_forkserver_preload(["flows.ingest"])
    return ProcessPoolExecutor(count, mp_context=context, initializer=_end_with_parent)


def _end_with_parent() -> None:
    """In a worker: end when the process that hands out the work does, even if it was killed."""
    parent = multiprocessing.parent_process()

    def watch() -> None:
        if parent is not None:
            parent.join()
            os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def load_with(pool: ProcessPoolExecutor | None, jobs: list[Job]) -> Iterator[Outcome]:
    """Each job's outcome as it comes; in this process where there is no pool."""
    if pool is None:
        shared = SharedStacks()
        yield from (load(job, shared) for job in jobs)
        return
    running: dict[Future[Outcome], Job] = {}
    interrupted = []
    for job in jobs:
        try:
            running[pool.submit(_load_in_worker, job)] = job
        except BrokenProcessPool:
            interrupted.append(job)
    while running:
        done, _ = wait(running, return_when=FIRST_COMPLETED)
        for future in done:
            job = running.pop(future)
            try:
                yield future.result()
            except BrokenProcessPool:
                interrupted.append(job)
    # A process that dies takes its whole pool along: only a job that kills one of its own is at fault.
    yield from map(_load_alone, interrupted)


# In a worker, which works for one ingest: what its captures share.
_shared = SharedStacks()


def _load_in_worker(job: Job) -> Outcome:
    return load(job, _shared)


def _load_alone(job: Job) -> Outcome:
    with _processes(1) as pool:
        try:
            return pool.submit(load, job).result()
        except BrokenProcessPool:
            return _failure(job, "the parser's process died; the file may need more memory than there is")


def load(job: Job, shared: SharedStacks | None = None) -> Outcome:
    """Parse one input into Parquet; the capture to list, or why it could not be loaded.

    shared: the stacks that it need not write again.
    """
    item = job.input
    identity = capture_id(item.build_id, item.run_id, job.sha256)
    try:
        source = Source(item.file, shown=item.path)
        form = detect(source)
        with CaptureWriter(job.root, identity, shared) as writer:
            facts, issues = write_items(form.parse(source, job.options), writer)
    except ParseError as error:
        return _failure(job, str(error), is_whole=True)
    except OSError as error:
        kind = TransientFailure if error.errno in TRANSIENT else Failure
        return _failure(job, error.strerror or str(error), kind=kind)
    except Exception as error:
        log.exception("parser fault source=%s", item.path)
        return _failure(job, f"a fault in Tracemill's parser: {type(error).__name__}: {error}")
    return Capture(
        capture_id=identity,
        build_id=item.build_id,
        run_id=item.run_id,
        path=item.path,
        sha256=job.sha256,
        size_bytes=job.size_bytes,
        kind=facts.kind or form.NAME,
        format=form.NAME,
        parser_version=parser_version(form.NAME),
        status="salvaged" if facts.is_salvaged else "ok",
        issue_count=issues,
        files=writer.files,
        rows=writer.rows,
        raw_events=job.options.raw_events,
        captured_at_ns=facts.captured_at_ns,
        started_at_ns=facts.started_at_ns,
        duration_ns=facts.duration_ns,
        go_version=facts.go_version,
        labels=facts.labels,
    )


def _failure(job: Job, fact: str, *, is_whole: bool = False, kind: type[Failure] = Failure) -> Failure:
    message = fact if is_whole else f"{job.input.path}: {fact}"
    return kind(job.input.build_id, job.input.run_id, job.input.path, job.sha256, message)


def write_items(items: Iterator[Item], writer: CaptureWriter) -> tuple[Facts, int]:
    """Write a parser's batches and issues; its facts merged, and the number of issues."""
    facts = Facts()
    issues: list[Issue] = []
    count = 0
    for item in items:
        if isinstance(item, Batch):
            writer.write(item.table, item.rows)
        elif isinstance(item, Stacks):
            writer.write_stacks(item.ids, item.rows)
        elif isinstance(item, Issue):
            count += 1
            if count < MAX_ISSUES:
                issues.append(item)
        else:
            facts = facts.filled_by(item)
    if count >= MAX_ISSUES:
        issues.append(Issue("info", "input", "", f"{count - len(issues)} more issues like these"))
    if issues:
        writer.write("parse_issues", _issue_rows(issues))
    return facts, count


def _issue_rows(issues: list[Issue]) -> pa.RecordBatch:
    return pa.RecordBatch.from_pydict(
        {
            "position": [i.position for i in issues],
            "severity": [i.severity for i in issues],
            "blame": [i.blame for i in issues],
            "message": [i.message for i in issues],
        }
    )
