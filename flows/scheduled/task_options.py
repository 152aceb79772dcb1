"""What the tasks have in common: when another try can help, and what they are called."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from prefect.cache_policies import NO_CACHE
from prefect.runtime import task_run

from tracemill.flows.scheduled.task_batches import may_pass, title

if TYPE_CHECKING:
    from prefect.client.schemas import State


def _may_pass(_task: object, _run: object, state: State[Any]) -> bool:
    return may_pass(state.result(raise_on_failure=False))


def load_title() -> str:
    """The name of a run of a task that loads ``jobs``."""
    return title(task_run.parameters["jobs"])


# Another try can help against a passing error of a file system.
AGAIN: dict[str, Any] = {
    "retries": 2,
    "retry_delay_seconds": [1, 5],
    "retry_condition_fn": _may_pass,
    "cache_policy": NO_CACHE,
}
