"""What the service offers to run, as Prefect has it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from prefect.types.entrypoint import EntrypointType

from tracemill.flows.settings import SettingsError

if TYPE_CHECKING:
    from prefect import Flow
    from prefect.deployments.runner import RunnerDeployment


def deployment(
    what: Flow[Any, Any],
    name: str,
    parameters: dict[str, Any],
    *,
    cron: str | None = None,
    every: float | None = None,
) -> RunnerDeployment:
    """A flow with its parameters and its schedule: cron, every so many seconds, or none.

    Raises SettingsError.
    """
    try:
        made = what.to_deployment(
            name, every, cron, parameters=parameters, entrypoint_type=EntrypointType.MODULE_PATH
        )
    except ValueError as error:
        setting = "upkeep_cron" if what.name == "upkeep" else "schedule_cron"
        raise SettingsError(f"setting {setting}: {cron!r} is no cron expression") from error
    return cast("RunnerDeployment", made)  # a coroutine only where an event loop runs
