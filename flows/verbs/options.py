"""Options that many verbs have, and the settings they make."""

from __future__ import annotations

import os
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from collections.abc import Callable

    from tracemill.flows.settings import Settings

# What a table can be written as.
ALL_FORMATS = ("table", "json", "csv", "md")


class _Place(click.Path):
    """A folder; for an address in an object store the folder of this machine that is its cache."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:  # noqa: ANN401 - click's
        if isinstance(value, str) and "://" in value:
            return settings_of(warehouse=value).warehouse
        return super().convert(value, param, ctx)


def warehouse_option(command: Any) -> Any:  # noqa: ANN401 - any callable that click decorates
    """``--warehouse DIR``."""
    return click.option(
        "--warehouse",
        type=_Place(path_type=Path),
        metavar="DIR",
        help="The warehouse's folder, or its address in an object store: s3://bucket/path, gs://bucket/path, "
        "az://container/path. Default: TRACEMILL_WAREHOUSE, or .tracemill here.",
    )(command)


def format_option(*formats: str, meaning: str = "How to print it.") -> Callable[[Any], Any]:
    """``--format``, one of these; the first one where nothing is said."""
    return click.option(
        "--format",
        "format_",
        type=click.Choice(formats),
        default=formats[0],
        show_default=True,
        help=meaning,
    )


def wait_option(command: Any) -> Any:  # noqa: ANN401 - any callable that click decorates
    """``--wait SECONDS``."""

    def wait(_context: click.Context, _option: click.Parameter, seconds: float) -> None:
        from tracemill.warehouse.lock import patience

        patience.set(seconds)

    return click.option(
        "--wait",
        type=click.FloatRange(min=0),
        default=0,
        show_default=True,
        metavar="SECONDS",
        callback=wait,
        expose_value=False,
        help="How long to wait while another tracemill writes to the warehouse.",
    )(command)


def with_common_options(command: click.Command) -> click.Command:
    """The verb with ``--quiet`` and, where it has a ``--format`` that may be JSON, with ``--json``."""

    def quiet(_context: click.Context, _option: click.Parameter, is_quiet: bool) -> None:
        from tracemill.flows.show.terminal import quiet

        quiet.set(is_quiet)

    for option in command.params:
        if (
            option.name == "format_"
            and isinstance(option.type, click.Choice)
            and "json" in option.type.choices
        ):
            short = click.Option(["--json", "format_"], flag_value="json", help="Short for --format json.")
            command.params.append(short)
            break
    text = "Say what was asked for and what failed, but neither progress nor the next step."
    command.params.append(
        click.Option(["-q", "--quiet"], is_flag=True, expose_value=False, callback=quiet, help=text)
    )
    return command


def across_option(command: Any) -> Any:  # noqa: ANN401 - any callable that click decorates
    """``--across CONDITIONS``."""
    # The verbs that have this option load it anyway, the others need not.
    from tracemill.flows.gate.comparability import CONDITIONS

    return click.option(
        "--across",
        metavar="CONDITIONS",
        help=f"Compare builds that differ in this all the same: {', '.join(CONDITIONS)} or all; "
        "several with commas.",
    )(command)


def prefect_option(command: Any) -> Any:  # noqa: ANN401 - any callable that click decorates
    """``--prefect``."""
    return click.option(
        "--prefect",
        is_flag=True,
        help="Run as a Prefect flow. So it does wherever PREFECT_API_URL is set.",
    )(command)


def on_option(command: Any) -> Any:  # noqa: ANN401 - any callable that click decorates
    """``--on ADDRESS``."""
    return click.option(
        "--on",
        metavar="ADDRESS",
        help="The scheduler of a Dask cluster whose workers do it, such as tcp://scheduler:8786; they share "
        "the folders of the artifacts and of the warehouse. Default: TRACEMILL_ON, or this machine.",
    )(command)


def layout_options(command: Any) -> Any:  # noqa: ANN401 - any callable that click decorates
    """``--build``, ``--run``, ``--layout``, ``--order``: other layouts than folders of builds and runs."""
    for option in (
        click.option(
            "--order",
            type=click.Path(path_type=Path),
            metavar="FILE",
            help="The order of the builds: a list of them or of their commits, oldest first, one a line.",
        ),
        click.option(
            "--layout",
            multiple=True,
            metavar="PATTERN",
            help="How paths name builds and runs, such as 'bench-{build}.txt' or '{build}/*/{run}.pb.gz'; "
            "of several the first that fits counts.",
        ),
        click.option("--run", "run_", metavar="R", help="The run that all files are of."),
        click.option("--build", "build_", metavar="B", help="The build that all files are of."),
    ):
        command = option(command)
    return command


def wants_prefect(flag: bool) -> bool:
    """Whether to run as a Prefect flow: asked to, or where a server is named."""
    return flag or bool(os.environ.get("PREFECT_API_URL"))


def again(warehouse: Path | None) -> str:
    """What names the same warehouse in another command, where it was named in this one."""
    from tracemill.warehouse.address import shown

    return f" --warehouse {shlex.quote(shown(warehouse))}" if warehouse else ""


def settings_of(**options: object) -> Settings:
    """The settings, with the options that were given. Raises SettingsError."""
    from tracemill.flows.progress import tell_transfers
    from tracemill.flows.settings import load
    from tracemill.warehouse.cached import watcher

    watcher.set(tell_transfers)
    return load(**options)
