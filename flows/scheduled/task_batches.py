"""Loading in parts that are worth a task each, and what of a failed part may pass. Knows no orchestrator."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import duckdb

from tracemill.flows.loading.capture import TransientFailure
from tracemill.flows.loading.ingest import load_with
from tracemill.warehouse.catalog import writer_lock

if TYPE_CHECKING:
    from collections.abc import Iterator
    from concurrent.futures import ProcessPoolExecutor
    from pathlib import Path

    from tracemill.flows.loading.capture import Job, Outcome

# A part takes files up to this many, or until they come to this many bytes.
FILES_A_TASK = 32
BYTES_A_TASK = 16 * 1024**2


class LoadAgainError(OSError):
    """Some files of a part met a passing error; outcomes has what there is of all of them."""

    def __init__(self, outcomes: list[Outcome]) -> None:
        super().__init__("; ".join(o.message for o in outcomes if isinstance(o, TransientFailure)))
        self.outcomes = outcomes

    def __reduce__(self) -> tuple[type[LoadAgainError], tuple[list[Outcome]]]:
        return LoadAgainError, (self.outcomes,)


def chunks(jobs: list[Job], files: int = FILES_A_TASK) -> Iterator[list[Job]]:
    """The jobs in parts, each enough for one task; files: the most in one."""
    part: list[Job] = []
    size = 0
    for job in jobs:
        part.append(job)
        size += job.size_bytes
        if len(part) == files or size >= BYTES_A_TASK:
            yield part
            part, size = [], 0
    if part:
        yield part


def load_files(jobs: list[Job], pool: ProcessPoolExecutor | None) -> list[Outcome]:
    """The jobs' outcomes. Raises LoadAgainError, with all outcomes, where another try can help."""
    outcomes = list(load_with(pool, jobs))
    if any(isinstance(o, TransientFailure) for o in outcomes):
        raise LoadAgainError(outcomes)
    return outcomes


def title(jobs: list[Job]) -> str:
    """What a part is called in a list of tasks."""
    return f"load {jobs[0].input.path}" + (f" and {len(jobs) - 1} more" if len(jobs) > 1 else "")


def may_pass(error: object) -> bool:
    """Whether what failed a task may be gone at its next try."""
    cause = error.__cause__ or error if isinstance(error, BaseException) else error
    return isinstance(cause, OSError | duckdb.IOException)


def take_lock(warehouse: Path) -> contextlib.ExitStack:
    """The writer's lock, taken, until the stack is closed. Raises WarehouseError."""
    stack = contextlib.ExitStack()
    stack.enter_context(writer_lock(warehouse))
    return stack
