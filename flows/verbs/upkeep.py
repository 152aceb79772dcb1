"""The verbs that say what is there and what is wrong: builds, metrics, doctor, settings."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import click

from tracemill.flows.show.terminal import say_next, tell
from tracemill.flows.verbs.options import ALL_FORMATS, again, format_option, settings_of, warehouse_option


@click.command()
@warehouse_option
@format_option(*ALL_FORMATS)
def builds(warehouse: Path | None, format_: str) -> None:
    """What is loaded: the builds in their order, with their runs, captures and verdicts.

    \b
    tracemill builds
    tracemill builds --format json
    """
    _table("report/builds", warehouse, format_)
    if format_ == "table":
        say_next(f"tracemill regressions{again(warehouse)}")


@click.command()
@warehouse_option
@format_option(*ALL_FORMATS)
def metrics(warehouse: Path | None, format_: str) -> None:
    """What is watched: each metric, its unit, which way is worse, and how many series are judged.

    \b
    tracemill metrics
    tracemill metrics --format csv
    """
    _table("verdicts/metrics", warehouse, format_)
    if format_ == "table":
        say_next(f"tracemill regressions --metric block_ns{again(warehouse)}")


def _table(query: str, warehouse: Path | None, format_: str) -> None:
    from tracemill.flows.show.tables import TEXT_WRITERS
    from tracemill.warehouse import connect
    from tracemill.warehouse.queries import text

    with connect(settings_of(warehouse=warehouse).warehouse) as connection:
        TEXT_WRITERS[format_](connection.execute(text(query)), sys.stdout)


@click.command()
@warehouse_option
@format_option("table", "json")
def doctor(warehouse: Path | None, format_: str) -> None:
    """What is wrong with the set-up or with what is loaded, each with the way out.

    \b
    tracemill doctor
    tracemill doctor --format json
    """
    from tracemill.flows.show.doctor import as_text, examine

    found = examine(settings_of(warehouse=warehouse).warehouse)
    if format_ == "json":
        click.echo(json.dumps([ailment._asdict() for ailment in found], indent=1, ensure_ascii=False))
    else:
        tell(as_text(found).rstrip("\n"))
        if found:
            say_next(f"tracemill run ARTIFACTS{again(warehouse)}, once what is wrong is mended")
        else:
            say_next(f"tracemill regressions{again(warehouse)}")


@click.command()
@format_option("table", "json")
@warehouse_option
def settings(format_: str, warehouse: Path | None) -> None:
    """Show each setting, its value and where it came from.

    \b
    tracemill settings
    TRACEMILL_PROCESSES=2 tracemill settings --format json
    """
    from tracemill.flows.settings import MEANINGS, origins
    from tracemill.flows.show.tables import format_table

    values = settings_of(warehouse=warehouse).told()
    where = origins({"warehouse": warehouse})
    if format_ == "json":
        click.echo(json.dumps({n: {"value": values[n], "origin": where[n]} for n in values}, indent=1))
        return
    rows = [(n, values[n], where[n], MEANINGS[n]) for n in values]
    tell(format_table(["setting", "value", "from", "what it is"], rows), nl=False)
    say_next("an option, TRACEMILL_<SETTING> in the environment or a line in tracemill.toml sets one")
