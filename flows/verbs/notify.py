"""The verb notify: word of incidents by mail, chat or webhook, each once."""

from __future__ import annotations

import json
import os
from pathlib import Path

import click

from tracemill.flows.show.terminal import say, say_next, tell
from tracemill.flows.verbs.options import again, settings_of, warehouse_option

# Addresses hold passwords: a command line is seen by everybody on the machine.
VARIABLE = "TRACEMILL_NOTIFY_TO"
_JOB = "a job that writes issues"


@click.command()
@click.option(
    "--to",
    "targets",
    multiple=True,
    metavar="URL",
    help=f"An address of Apprise, such as json://…. Default: those in {VARIABLE}, with spaces.",
)
@click.option(
    "--json",
    "is_json",
    is_flag=True,
    help="Send nothing: a JSON object a line, for a job that writes issues.",
)
@click.option("--dry-run", is_flag=True, help="Say what would be told, and tell nobody.")
@warehouse_option
def notify(targets: tuple[str, ...], is_json: bool, dry_run: bool, warehouse: Path | None) -> None:
    """Tell of incidents that opened, changed or closed since the last time: by mail, Slack or webhook.

    Each is told once to each address. With --json a job gets title, body and a hidden line (key) by which it
    finds the issue or comment of an incident again; what it got counts as told. The extra notify sends.

    \b
    tracemill notify --to json://127.0.0.1:8080/hook
    tracemill notify --json --dry-run
    """
    from tracemill.flows.gate import notify as job

    root = settings_of(warehouse=warehouse).warehouse
    found = [_JOB] if is_json else [*(targets or os.environ.get(VARIABLE, "").split())]
    if not found and not dry_run:
        raise click.UsageError(f"to whom? --to URL, or {VARIABLE}")
    told = 0
    for target in found or [""]:
        if dry_run:
            new = job.pending(root, target)
        else:
            new = job.notify(root, target, (lambda _target, _notice: None) if is_json else job.by_apprise)
        told += len(new)
        for notice in new:
            if is_json:
                say(json.dumps(notice.as_json(), ensure_ascii=False) + "\n")
            else:
                tell(notice.title)
    if not is_json:
        tell(f"{told} {'would be told' if dry_run else 'told'}")
        say_next(f"tracemill show{again(warehouse)}")
