"""Load: one input file into Parquet, and the capture that the catalog is to list."""

from __future__ import annotations

import errno
import logging
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa

from tracemill.flows.loading.discover import Input
from tracemill.parsers.api import Batch, Facts, Issue, NextCapture, Options, ParseError, Stacks
from tracemill.parsers.registry import FORMATS, LostCaptureError, UnknownFormatError, detect, items
from tracemill.parsers.unwrap.source import Source
from tracemill.warehouse.catalog import Capture, Failure, capture_id
from tracemill.warehouse.store import CaptureWriter

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tracemill.parsers.api import FileItem, Item
    from tracemill.warehouse.shared_stacks import SharedStacks

log = logging.getLogger(__name__)

# What a network's or a busy machine's file system says today and not tomorrow.
TRANSIENT = frozenset(
    {errno.EIO, errno.EAGAIN, errno.EBUSY, errno.EMFILE, errno.ENFILE, errno.ESTALE, errno.ETIMEDOUT}
    | {errno.ECONNRESET, errno.EHOSTDOWN, errno.EHOSTUNREACH, errno.ENETDOWN, errno.ENETUNREACH}
)
# A capture keeps this many issue rows; the rest are counted in the last one.
MAX_ISSUES = 1000


# Size, time of the last change and inode of a file.
Stamp = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class Job:
    """One new input: the id of the capture it becomes, its content's hash and size, and where it goes."""

    capture_id: str
    input: Input
    sha256: str
    size_bytes: int
    root: Path
    options: Options
    # Of the file before it was hashed; None where nobody looked.
    stamp: Stamp | None = None


class TransientFailure(Failure):
    """A failure that may be gone at the next try."""


Outcome = Capture | Failure


@dataclass(slots=True)
class Part:
    """One capture of an input that may hold several: the first, the second (number 2) …"""

    number: int
    format: str
    writer: CaptureWriter
    facts: Facts = field(default_factory=Facts)
    issues: int = 0


@dataclass(frozen=True, slots=True)
class Parsed:
    """An input that is parsed; what of its rows is held is not written yet."""

    job: Job
    parts: list[Part]


def load(job: Job, shared: SharedStacks) -> list[Outcome]:
    """Parse one input into Parquet; the captures to list, or why it could not be loaded.

    shared: the stacks that it need not write again.
    """
    parsed = parse(job, shared)
    outcomes = finish(parsed)
    share(parsed, outcomes)
    return outcomes


def parse(job: Job, shared: SharedStacks, *, is_held: bool = False) -> Parsed | Failure:
    """Parse one input, each of its captures; is_held leaves the rows of small ones to finish()."""
    item = job.input
    parts: list[Part] = []
    try:
        source = Source(item.file, item.members, shown=item.path)
        form = detect(source)
        for number, (name, found) in enumerate(_by_capture(form.NAME, items(form, source, job.options)), 1):
            writer = CaptureWriter(job.root, part_id(job, number), shared, is_held=is_held)
            parts.append(Part(number, name, writer))
            parts[-1].facts, parts[-1].issues = write_items(found, writer)
        if is_changed(job):
            raise OSError(errno.ESTALE, "changed while it was read: load it again")
    except BaseException as error:  # noqa: BLE001 - _failure() raises what no file is to blame for
        for part in parts:
            part.writer.abort()
        return _failure(job, error)
    return Parsed(job, parts)


def _by_capture(name: str, found: Iterator[FileItem]) -> Iterator[tuple[str, Iterator[Item]]]:
    """(format, items) of each capture; its items are to be taken before the next capture is asked for."""
    following: list[str] = [name]

    def taken() -> Iterator[Item]:
        for item in found:
            if isinstance(item, NextCapture):
                following.append(item.format)
                return
            yield item

    while following:
        yield following.pop(), taken()


def finish(parsed: Parsed | Failure) -> list[Outcome]:
    """Write what is held; on any thread.

    Of an input's captures the first comes last: where it is listed, so are the others.
    """
    if isinstance(parsed, Failure):
        return [parsed]
    try:
        for part in parsed.parts:
            part.writer.close()
    except Exception as error:  # noqa: BLE001 - a failure like any other
        for part in parsed.parts:
            part.writer.abort()
        return [_failure(parsed.job, error)]
    return [_capture(parsed.job, part) for part in reversed(parsed.parts)]


def share(parsed: Parsed | Failure, outcomes: list[Outcome]) -> None:
    """Let later inputs use the stacks of one that is loaded."""
    if isinstance(parsed, Parsed) and all(isinstance(outcome, Capture) for outcome in outcomes):
        for part in parsed.parts:
            part.writer.share()


def part_id(job: Job, number: int) -> str:
    """The id of one of an input's captures."""
    if number == 1:
        return job.capture_id
    return capture_id(job.input.build_id, job.input.run_id, f"{job.sha256}#{number}")


def is_changed(job: Job) -> bool:
    """Whether the file is another than when its content was hashed."""
    return job.stamp is not None and stamp(job.input.file) != job.stamp


def stamp(file: Path) -> Stamp:
    """What changes with a file's content, without reading it."""
    found = file.stat()
    return found.st_size, found.st_mtime_ns, found.st_ino


def _failure(job: Job, error: BaseException) -> Failure:
    """What failed, in words; raises what is nobody's fault, such as a keyboard interrupt."""
    if isinstance(error, ParseError):
        is_unknown = isinstance(error, UnknownFormatError) and not isinstance(error, LostCaptureError)
        return replace(failed(job, str(error), is_whole=True), is_unknown_kind=is_unknown)
    if isinstance(error, OSError):
        kind = TransientFailure if error.errno in TRANSIENT else Failure
        return failed(job, error.strerror or str(error), kind=kind)
    if isinstance(error, Exception):
        log.error("parser fault source=%s", job.input.path, exc_info=error)
        return failed(job, f"a fault in Tracemill's parser: {type(error).__name__}: {error}")
    raise error


def _capture(job: Job, part: Part) -> Capture:
    item, facts, writer = job.input, part.facts, part.writer
    return Capture(
        capture_id=part_id(job, part.number),
        build_id=item.build_id,
        run_id=item.run_id,
        path=item.path if part.number == 1 else f"{item.path}#{part.number}",
        sha256=job.sha256,
        size_bytes=job.size_bytes,
        kind=facts.kind or part.format,
        format=part.format,
        parser_version=parser_version(part.format),
        status="salvaged" if facts.is_salvaged else "ok",
        issue_count=part.issues,
        files=writer.files,
        written=writer.stored,
        rows=writer.rows,
        raw_events=job.options.raw_events,
        captured_at_ns=item.captured_at_ns if facts.captured_at_ns is None else facts.captured_at_ns,
        started_at_ns=facts.started_at_ns,
        duration_ns=facts.duration_ns,
        go_version=facts.go_version,
        labels=facts.labels,
    )


def failed(job: Job, fact: str, *, is_whole: bool = False, kind: type[Failure] = Failure) -> Failure:
    """The outcome of a job that failed; is_whole where the fact names the file."""
    message = fact if is_whole else f"{job.input.path}: {fact}"
    return kind(job.input.build_id, job.input.run_id, job.input.path, job.sha256, message)


def parser_version(format_name: str) -> str:
    """Changes when a format's parser gives other rows for the same bytes."""
    version = FORMATS.get(format_name)
    return f"{format_name}/{version}"


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
