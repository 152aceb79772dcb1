"""The verbs that keep a warehouse: verify, repair, rollback, forget."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tracemill.flows.show.terminal import say, say_next, visible
from tracemill.flows.verbs.options import again, format_option, settings_of, wait_option, warehouse_option

if TYPE_CHECKING:
    from tracemill.flows.keep.forget import Forgotten
    from tracemill.flows.keep.repair import Repaired
    from tracemill.flows.keep.verify import Verified

_format = format_option("table", "json")
_dry_run = click.option("--dry-run", is_flag=True, help="Only say what would be done.")
# So many captures are named one by one.
MAX_NAMED = 20


@click.command()
@warehouse_option
@click.option("--new", is_flag=True, help="Of the captures' files only those since the last verification.")
@_format
def verify(warehouse: Path | None, new: bool, format_: str) -> None:
    """Read all of the warehouse: is every byte as it was written? Exit code 1 where one is not.

    Compares each Parquet file with its size and SHA-256, follows the log of commits, and reads the
    published file to its end. Changes nothing, and waits for no writer.

    \b
    tracemill verify
    tracemill verify --new --format json
    """
    from tracemill.flows.keep.verify import verify as verify_

    done = verify_(settings_of(warehouse=warehouse).warehouse, is_new=new)
    if format_ == "json":
        say(json.dumps(asdict(done), indent=1) + "\n")
    else:
        say(_verified_as_text(done))
        say_next(f"tracemill {'repair --dry-run' if done.findings else 'builds'}{again(warehouse)}")
    click.get_current_context().exit(1 if done.findings else 0)


def _verified_as_text(done: Verified) -> str:
    lines = [visible(f"{found.path}: {found.fact}") for found in done.findings]
    lines.append(
        f"read {done.file_count:,} files, {done.bytes_read:,} bytes, up to commit {done.commit}: "
        + (f"{len(done.findings)} not as written" if done.findings else "all as they were written")
    )
    if done.unsummed:
        lines.append(f"{done.unsummed:,} of them are from before checksums were kept; they can be read")
    return "\n".join(lines) + "\n"


@click.command()
@warehouse_option
@wait_option
@_dry_run
@_format
def repair(warehouse: Path | None, dry_run: bool, format_: str) -> None:
    """Mend what `verify` finds. Exit code 1 where something has to be loaded again.

    The published file is made anew. A capture with a damaged file is taken out; the next `tracemill
    run` over its artifacts loads it again. A damaged log is set aside and begun anew with all that can
    be read of it.

    \b
    tracemill repair --dry-run
    tracemill repair
    """
    from tracemill.flows.keep.repair import repair as repair_
    from tracemill.flows.progress import shown

    with shown() as progress:
        done = repair_(settings_of(warehouse=warehouse).warehouse, is_trial=dry_run, progress=progress)
    if format_ == "json":
        told = asdict(done) | {"dropped": [list(c.place) for c in done.dropped], "dry_run": dry_run}
        say(json.dumps(told, indent=1) + "\n")
    else:
        say(_repaired_as_text(done, dry_run))
        say_next(f"tracemill {_after_repair(done, dry_run)}{again(warehouse)}")
    click.get_current_context().exit(1 if done.dropped or done.lost_commits else 0)


def _after_repair(done: Repaired, is_trial: bool) -> str:
    if is_trial and done.findings:
        return "repair"
    return "run ARTIFACTS" if done.dropped or done.lost_commits else "verify"


def _repaired_as_text(done: Repaired, is_trial: bool) -> str:
    if not done.findings:
        return "nothing to repair: all is as it was written\n"
    would = "would be " if is_trial else ""
    lines = [visible(f"{found.path}: {found.fact}") for found in done.findings]
    if done.set_aside:
        lines.append(f"the log was begun anew; the damaged one is {done.set_aside}")
    lines += [f"lost: what {path} put; load it again" for path in done.lost_commits]
    lines += [f"{would}stored again from this machine's copy: {path}" for path in done.put_back]
    if done.dropped:
        lines.append(f"{would}taken out, to be loaded again with `tracemill run ARTIFACTS`:")
        lines += [visible(f"  {capture.path}") for capture in done.dropped[:MAX_NAMED]]
        if len(done.dropped) > MAX_NAMED:
            lines.append(f"  and {len(done.dropped) - MAX_NAMED:,} more")
    if done.is_made_anew:
        lines.append(f"{would}made anew: the published file")
    return "\n".join(lines) + "\n"


@click.command()
@click.argument("commit", type=int, required=False)
@warehouse_option
@wait_option
@_format
def rollback(commit: int | None, warehouse: Path | None, format_: str) -> None:
    """Make the state after COMMIT the newest again; without one, list the states that are kept.

    What came since stays a state like the others, and can be gone back to as well.

    \b
    tracemill rollback
    tracemill rollback 17
    """
    from tracemill.flows.keep.rollback import rollback as rollback_
    from tracemill.flows.keep.rollback import states
    from tracemill.flows.progress import shown
    from tracemill.flows.show.tables import format_table

    root = settings_of(warehouse=warehouse).warehouse
    if commit is None:
        kept = states(root)
        if format_ == "json":
            say(json.dumps([asdict(state) for state in kept], indent=1) + "\n")
            return
        names = ["commit", "at", "by", "builds", "captures", "accepted"]
        say(format_table(names, [tuple(asdict(state).values()) for state in kept]))
        say_next(f"tracemill rollback COMMIT{again(warehouse)}")
        return
    with shown() as progress:
        rollback_(root, commit, progress=progress)
    say(f"the warehouse is as it was after commit {commit}\n")
    say_next(f"tracemill builds{again(warehouse)}; tracemill rollback{again(warehouse)} lists the states")


@click.command()
@warehouse_option
@wait_option
@click.option("--build", "build_", metavar="B", help="This build.")
@click.option("--run", "run_", metavar="R", help="Of the build only this run.")
@click.option("--capture", metavar="C", help="Only this capture: its id or path in the table captures.")
@click.option("--undo", is_flag=True, help="Put back what was forgotten, as long as its files are kept.")
@_dry_run
def forget(
    warehouse: Path | None,
    build_: str | None,
    run_: str | None,
    capture: str | None,
    undo: bool,
    dry_run: bool,
) -> None:
    """Take a build, a run or a capture out of the warehouse, and its figures out of all verdicts.

    Its files are kept for a day and ten operations; so long --undo puts it back. What still lies in the
    artifacts is loaded again by the next run.

    \b
    tracemill forget --build b07
    tracemill forget --build b07 --run 2 --dry-run
    tracemill forget --build b07 --undo
    """
    from tracemill.flows.keep import forget as keep
    from tracemill.flows.progress import shown

    if build_ is None and capture is None:
        raise click.UsageError("what? --build B, --build B --run R, or --capture C")
    if run_ is not None and build_ is None:
        raise click.UsageError("--run R needs the build: --build B")
    root, which = settings_of(warehouse=warehouse).warehouse, keep.Which(build_, run_, capture)
    with shown() as progress:
        if undo:
            done = keep.restore(root, which, progress=progress)
        else:
            done = keep.forget(root, which, is_trial=dry_run, progress=progress)
    what = "put back" if undo else "would be forgotten" if dry_run else "forgotten"
    say(_forgotten_as_text(done, what))
    say_next(f"tracemill builds{again(warehouse)}")


def _forgotten_as_text(done: Forgotten, what: str) -> str:
    lines = [visible(f"  {capture.path} of {capture.build_id}") for capture in done.captures[:MAX_NAMED]]
    if len(done.captures) > MAX_NAMED:
        lines.append(f"  and {len(done.captures) - MAX_NAMED:,} more")
    builds = f"; whole builds: {', '.join(map(visible, done.builds))}" if done.builds else ""
    return "\n".join([f"{what}: {len(done.captures):,} captures{builds}", *lines]) + "\n"
