"""The verbs that make a warehouse smaller: retention, compact."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tracemill.flows.show.terminal import say, say_next, visible, visible_lines
from tracemill.flows.verbs.options import again, format_option, settings_of, wait_option, warehouse_option

if TYPE_CHECKING:
    from tracemill.flows.keep.compact import Compacted
    from tracemill.flows.keep.retention import Retained

_format = format_option("table", "json")
# So many builds are named one by one.
MAX_NAMED = 10


@click.command()
@warehouse_option
@wait_option
@click.option(
    "--keep",
    multiple=True,
    metavar="TABLE=AGE",
    help="How long rows are kept, such as raw=30d, trace_events=36h or benchmarks=forever. Default: the "
    "setting retention.",
)
@click.option(
    "--incidents/--no-incidents",
    default=None,
    help="Keep the rows of builds at which an incident begins. Default: as retention_keeps_incidents is set.",
)
@click.option("--apply", "is_applied", is_flag=True, help="Do it; without this, only say what would go.")
@_format
def retention(
    warehouse: Path | None, keep: tuple[str, ...], incidents: bool | None, is_applied: bool, format_: str
) -> None:
    """Say which raw rows are older than the policy says; with --apply drop them.

    History, verdicts, exemplars and flame graphs stay: what the models made of a build is kept before
    its rows go. A build's age is that of its commit, or of its captures. `tracemill rollback` undoes
    it for a day.

    \b
    tracemill retention
    tracemill retention --keep raw=90d --keep trace_events=7d --apply
    """
    from tracemill.flows.keep.retention import Policy
    from tracemill.flows.keep.retention import retention as retention_
    from tracemill.flows.progress import shown

    settings = settings_of(warehouse=warehouse, retention_keeps_incidents=incidents)
    policy = Policy.of(_ages(keep) or settings.retention, keeps_incidents=settings.retention_keeps_incidents)
    with shown() as progress:
        done = retention_(settings.warehouse, policy, is_trial=not is_applied, progress=progress)
    if format_ == "json":
        say(json.dumps(asdict(done) | {"applied": is_applied}, indent=1) + "\n")
        return
    say(visible_lines(_retained_as_text(done, is_applied)))
    if done.builds and is_applied:
        say_next(
            f"tracemill compact{again(warehouse)}; tracemill rollback {done.undo}{again(warehouse)} undoes it"
        )
    else:
        say_next(f"tracemill {'retention --apply' if done.builds else 'builds'}{again(warehouse)}")


def _ages(words: tuple[str, ...]) -> dict[str, str]:
    ages = {}
    for word in words:
        table, equals, age = word.partition("=")
        if not equals:
            raise click.UsageError(f"--keep {word}: say TABLE=AGE, such as raw=30d")
        ages[table] = age
    return ages


def _retained_as_text(done: Retained, is_applied: bool) -> str:
    from tracemill.flows.show.tables import format_table

    lines = []
    if done.builds:
        names = ["table", "builds", "captures", "files", "bytes", "shared files"]
        rows = [(t.table, t.builds, t.captures, t.files, t.bytes, t.shared_files) for t in done.tables]
        lines.append(format_table(names, rows).rstrip("\n"))
        verb = "dropped" if is_applied else "would be dropped"
        files, size = sum(t.files for t in done.tables), sum(t.bytes for t in done.tables)
        lines.append(f"{verb}: raw rows of {_named(done.builds)}; {files:,} files, {size:,} bytes")
        if any(t.shared_files for t in done.tables):
            lines.append("what shares a file with rows that stay goes with `tracemill compact`")
    else:
        lines.append("nothing is older than the policy lets it become")
    if done.kept_for_incidents:
        lines.append(f"kept, as an incident begins there: {_named(done.kept_for_incidents)}")
    if done.undated:
        lines.append(f"kept, as nothing tells their age: {_named(done.undated)}")
    if done.undo_until:
        lines.append(
            f"until {done.undo_until} `tracemill rollback {done.undo}` brings them back; then the files go"
        )
    return "\n".join(lines) + "\n"


def _named(builds: list[str]) -> str:
    shown = ", ".join(map(visible, builds[:MAX_NAMED]))
    more = f" and {len(builds) - MAX_NAMED:,} more" if len(builds) > MAX_NAMED else ""
    return f"{len(builds):,} builds ({shown}{more})"


@click.command()
@warehouse_option
@wait_option
@click.option("--dry-run", is_flag=True, help="Only say what would be done.")
@_format
def compact(warehouse: Path | None, dry_run: bool, format_: str) -> None:
    """Merge small Parquet files into files of up to 256 MiB, by table and month of the builds.

    What the warehouse says does not change, and readers are not disturbed: the files that were merged
    go when no kept state lists them any more, a day later.

    \b
    tracemill compact --dry-run
    tracemill compact
    """
    from tracemill.flows.keep.compact import compact as compact_
    from tracemill.flows.progress import shown

    with shown() as progress:
        done = compact_(settings_of(warehouse=warehouse).warehouse, is_trial=dry_run, progress=progress)
    if format_ == "json":
        say(json.dumps(asdict(done) | {"dry_run": dry_run}, indent=1) + "\n")
        return
    say(visible_lines(_compacted_as_text(done, dry_run)))
    say_next(f"tracemill {'compact' if dry_run and done.tables else 'verify --new'}{again(warehouse)}")


def _compacted_as_text(done: Compacted, is_trial: bool) -> str:
    from tracemill.flows.show.tables import format_table

    if not done.tables and done.files_before == done.files_after:
        return f"nothing to merge: {done.files_after:,} files\n"
    names = ["table", "files", "bytes", "files after", "bytes after"]
    rows = [
        (t.table, t.files_before, t.bytes_before, t.files_after, None if is_trial else t.bytes_after)
        for t in done.tables
    ]
    would = "would be " if is_trial else ""
    return (
        format_table(names, rows) + f"{would}listed: {done.files_after:,} files in the place of "
        f"{done.files_before:,}\n"
    )
