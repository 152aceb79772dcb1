"""Load: one input file into Parquet, and the capture that the catalog is to list."""

from __future__ import annotations

import errno
import logging
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa

from tracemill.flows.loading.discover import Input
from tracemill.parsers.api import Batch, Facts, Issue, Options, ParseError, Stacks
from tracemill.parsers.registry import FORMATS, detect, items
from tracemill.parsers.unwrap.source import Source
from tracemill.warehouse.catalog import Capture, Failure
from tracemill.warehouse.store import CaptureWriter

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tracemill.parsers.api import Item
    from tracemill.warehouse.shared_stacks import SharedStacks

log = logging.getLogger(__name__)

# What a network's or a busy machine's file system says today and not tomorrow.
TRANSIENT = frozenset(
    {errno.EIO, errno.EAGAIN, errno.EBUSY, errno.EMFILE, errno.ENFILE, errno.ESTALE, errno.ETIMEDOUT}
    | {errno.ECONNRESET, errno.EHOSTDOWN, errno.EHOSTUNREACH, errno.ENETDOWN, errno.ENETUNREACH}
)
# A capture keeps this many issue rows; the rest are counted in the last one.
MAX_ISSUES = 1000


@dataclass(frozen=True, slots=True)
class Job:
    """One new input: the id of the capture it becomes, its content's hash and size, and where it goes."""

    capture_id: str
    input: Input
    sha256: str
    size_bytes: int
    root: Path
    options: Options


class TransientFailure(Failure):
    """A failure that may be gone at the next try."""


Outcome = Capture | Failure


@dataclass(frozen=True, slots=True)
class Parsed:
    """An input that is parsed; what of its rows is held is not written yet."""

    job: Job
    format: str
    facts: Facts
    issues: int
    writer: CaptureWriter


def load(job: Job, shared: SharedStacks) -> Outcome:
    """Parse one input into Parquet; the capture to list, or why it could not be loaded.

    shared: the stacks that it need not write again.
    """
    parsed = parse(job, shared)
    outcome = finish(parsed)
    share(parsed, outcome)
    return outcome


def parse(job: Job, shared: SharedStacks, *, is_held: bool = False) -> Parsed | Failure:
    """Parse one input; is_held leaves the rows of a small one to finish()."""
    item = job.input
    writer = CaptureWriter(job.root, job.capture_id, shared, is_held=is_held)
    try:
        source = Source(item.file, shown=item.path)
        form = detect(source)
        facts, issues = write_items(items(form, source, job.options), writer)
    except BaseException as error:  # noqa: BLE001 - _failure() raises what no file is to blame for
        writer.abort()
        return _failure(job, error)
    return Parsed(job, form.NAME, facts, issues, writer)


def finish(parsed: Parsed | Failure) -> Outcome:
    """Write what is held; on any thread."""
    if isinstance(parsed, Failure):
        return parsed
    try:
        parsed.writer.close()
    except Exception as error:  # noqa: BLE001 - a failure like any other
        return _failure(parsed.job, error)
    return _capture(parsed)


def share(parsed: Parsed | Failure, outcome: Outcome) -> None:
    """Let later inputs use the stacks of one that is loaded."""
    if isinstance(parsed, Parsed) and isinstance(outcome, Capture):
        parsed.writer.share()


def _failure(job: Job, error: BaseException) -> Failure:
    """What failed, in words; raises what is nobody's fault, such as a keyboard interrupt."""
    if isinstance(error, ParseError):
        return failed(job, str(error), is_whole=True)
    if isinstance(error, OSError):
        kind = TransientFailure if error.errno in TRANSIENT else Failure
        return failed(job, error.strerror or str(error), kind=kind)
    if isinstance(error, Exception):
        log.error("parser fault source=%s", job.input.path, exc_info=error)
        return failed(job, f"a fault in Tracemill's parser: {type(error).__name__}: {error}")
    raise error


def _capture(parsed: Parsed) -> Capture:
    job, facts, writer = parsed.job, parsed.facts, parsed.writer
    item = job.input
    return Capture(
        capture_id=job.capture_id,
        build_id=item.build_id,
        run_id=item.run_id,
        path=item.path,
        sha256=job.sha256,
        size_bytes=job.size_bytes,
        kind=facts.kind or parsed.format,
        format=parsed.format,
        parser_version=parser_version(parsed.format),
        status="salvaged" if facts.is_salvaged else "ok",
        issue_count=parsed.issues,
        files=writer.files,
        rows=writer.rows,
        raw_events=job.options.raw_events,
        captured_at_ns=facts.captured_at_ns,
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
