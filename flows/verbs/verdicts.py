"""The verbs that read verdicts: regressions, gate, accept, report."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tracemill.flows.gate.formats import FORMATS, write
from tracemill.flows.names import as_text
from tracemill.flows.show.terminal import say, say_next, tell, visible_lines
from tracemill.flows.verbs.options import (
    ALL_FORMATS,
    across_option,
    again,
    format_option,
    settings_of,
    wait_option,
    warehouse_option,
)

if TYPE_CHECKING:
    from tracemill.flows.gate.judgement import Judgement


@click.command()
@warehouse_option
@click.option("--build", "build_id", metavar="B", help="Only this build.")
@click.option("--since-build", metavar="B", help="Only this build and later ones.")
@click.option("--metric", help="Only this metric, such as block_ns.")
@click.option("--package", help="Only functions of this Go package and of those below it.")
@click.option("--status", help="Only regressed, improved, moved, cost_shift or not_comparable.")
@across_option
@format_option(*ALL_FORMATS)
def regressions(
    warehouse: Path | None,
    build_id: str | None,
    since_build: str | None,
    metric: str | None,
    package: str | None,
    status: str | None,
    across: str | None,
    format_: str,
) -> None:
    """What regressed, improved or moved, in which build, and how sure that is.

    \b
    tracemill regressions
    tracemill regressions --since-build b05 --package example.org/shop/cache --format json
    """
    from tracemill.flows.gate.comparability import conditions, marts_ignoring
    from tracemill.flows.show.coverage import coverage, overview
    from tracemill.flows.show.tables import TEXT_WRITERS, markdown_table
    from tracemill.flows.show.verdicts import HEADINGS, Filter, select, table, verdicts

    chosen = Filter(build_id, metric, status, package, since_build)
    with marts_ignoring(settings_of(warehouse=warehouse).warehouse, conditions(across)) as connection:
        if format_ == "table":
            rests_on = coverage(connection)
            tell(overview(connection, rests_on, chosen), nl=False)
            if rests_on.is_judged:
                newest = shlex.quote(rests_on.builds[-1])
                say_next(f"tracemill show{again(warehouse)}, or gate --candidate {newest}")
            else:
                say_next(f"tracemill doctor{again(warehouse)}")
        elif format_ == "md":
            tell(markdown_table(HEADINGS, table(verdicts(connection, chosen))), nl=False)
        else:
            TEXT_WRITERS[format_](select(connection, chosen), sys.stdout)


@click.command()
@warehouse_option
@click.option("--candidate", metavar="B", help="The build to judge.")
@click.option(
    "--baseline", metavar="B", multiple=True, help="Compare with these builds only; may be repeated."
)
@click.option("--metric", "metrics", metavar="M", multiple=True, help="Judge only this; may be repeated.")
@across_option
@click.option(
    "--fail-on-open", is_flag=True, help="Regressions of earlier builds that still stand fail it too."
)
@click.option(
    "--no-new-leaks/--allow-new-leaks",
    "no_new_leaks",
    default=True,
    show_default=True,
    help="Whether leaked goroutines fail the first build that has them, whatever came before.",
)
@format_option(
    *FORMATS,
    meaning="md: for a pull request; sarif: code scanning; github: annotations; junit: tests.",
)
@click.option(
    "--self-test",
    is_flag=True,
    help="Make a copy of the history worse and see that it is caught: 0 it is, 1 not, 2 too little data.",
)
def gate(
    warehouse: Path | None,
    candidate: str | None,
    baseline: tuple[str, ...],
    metrics: tuple[str, ...],
    across: str | None,
    fail_on_open: bool,
    no_new_leaks: bool,
    format_: str,
    self_test: bool,
) -> None:
    """Judge one build: exit code 0 no regression, 1 regression, 2 could not judge.

    A regression is a change for the worse that is known from the candidate on and that nobody accepted.
    What was known before and still stands is shown as open.
    Could not judge: input of the candidate failed to load, fewer than three builds came before it,
    or it lacks what earlier builds measured; beside a single --baseline, twice as much could hide in
    most series of a metric that is asked for or that users feel. What was judged and what was not is said.

    \b
    tracemill gate --candidate "$(git rev-parse --short HEAD)"
    tracemill gate --candidate b08 --baseline b06 --baseline b07 --format md
    """
    root = settings_of(warehouse=warehouse).warehouse
    if self_test:
        if baseline or metrics or across or fail_on_open or not no_new_leaks or format_ != "table":
            raise click.UsageError("--self-test takes no other option than --candidate and --warehouse")
        from tracemill.flows.gate.self_test import as_text
        from tracemill.flows.gate.self_test import self_test as self_test_
        from tracemill.flows.progress import shown

        with shown() as progress:
            tested = self_test_(root, candidate, progress)
        say(visible_lines(as_text(tested)))
        click.get_current_context().exit(tested.exit_code)
    if candidate is None:
        raise click.UsageError("which build? --candidate B")
    from tracemill.flows.gate.comparability import conditions
    from tracemill.flows.gate.judge import gate as gate_

    judgement = gate_(
        root,
        candidate,
        tuple(dict.fromkeys(baseline)),
        metrics,
        ignored=conditions(across),
        fails_on_open=fail_on_open,
        allows_leaks=not no_new_leaks,
    )
    say(write(judgement, format_))
    if format_ == "table":
        say_next(_after_gate(judgement, again(warehouse)))
    click.get_current_context().exit(judgement.exit_code)


def _after_gate(judgement: Judgement, where: str) -> str:
    """What to do after the gate's answer."""
    from tracemill.flows.gate.judge import FAULTS

    if judgement.failing:
        first = judgement.failing[0]
        is_fault = first.metric in FAULTS
        if is_fault and not judgement.is_placed:
            return (
                f"mend it; before it can be accepted, say where {first.build_id} belongs: "
                '"committed_at" in build.json, or run --order FILE'
            )
        # A fault is a verdict of the history, whatever the build is compared with.
        is_beside = judgement.comparison and not is_fault
        beside = f" --baseline {shlex.quote(judgement.baseline[0])}" if is_beside else ""
        count = len(judgement.failing)
        ways = "mend it, or" if count == 1 else f"mend them, or accept each of the {count}, first"
        # What is compared beside one build alone is of no incident that `show` knows.
        shown = "" if beside else f"tracemill show {shlex.quote(first.build_id)}{where}; "
        return (
            f"{shown}{ways} tracemill accept --build {shlex.quote(first.build_id)} --metric "
            f'{shlex.quote(first.metric)} --subject {shlex.quote(first.subject)}{beside} --reason "…"{where}'
        )
    return f"tracemill {'doctor' if judgement.doubts else 'report report.html'}{where}"


@click.command()
@warehouse_option
@wait_option
@click.option(
    "--build", "build_id", metavar="B", required=True, help="Where the regression is known or begins."
)
@click.option("--metric", metavar="M", required=True, help="The verdict's metric.")
@click.option("--subject", metavar="S", required=True, help="The verdict's subject, or its function.")
@click.option(
    "--baseline", metavar="B", help="Of a verdict by `gate --baseline B`: the build it was compared with."
)
@click.option("--reason", metavar="TEXT", help="Why; shown wherever the verdict is.")
@click.option("--author", metavar="NAME", help="Who accepts. Default: git's user.name, or the user.")
@click.option("--undo", is_flag=True, help="Take the acceptance back.")
def accept(
    warehouse: Path | None,
    build_id: str,
    metric: str,
    subject: str,
    baseline: str | None,
    reason: str | None,
    author: str | None,
    undo: bool,
) -> None:
    """Accept a regression: it stays in the tables, with author, time and reason, and fails no gate.

    \b
    tracemill accept --build b08 --metric block_ns --subject "shop.(*Cart).Add" --reason "safer, and worth it"
    tracemill accept --build b08 --metric block_ns --subject "shop.(*Cart).Add" --undo
    """
    from tracemill.flows.gate.acceptance import Which, withdraw
    from tracemill.flows.gate.acceptance import accept as accept_

    root = settings_of(warehouse=warehouse).warehouse
    which = Which(build_id, metric, subject, baseline)
    if undo:
        done = withdraw(root, which)
        tell(f"no longer accepted: {done.metric} of {done.subject} at {done.build_id}")
        say_next(f"tracemill gate --candidate {shlex.quote(done.build_id)}{again(warehouse)}")
        return
    if not (reason or "").strip():
        raise click.UsageError('why? --reason "…"')
    done = accept_(root, which, as_text(str(reason)).strip(), as_text(author) if author else None)
    tell(f"accepted by {done.accepted_by}: {done.metric} of {done.subject} at {done.build_id}")
    beside = f" --baseline {shlex.quote(baseline)}" if baseline else ""
    say_next(f"tracemill gate --candidate {shlex.quote(done.build_id)}{beside}{again(warehouse)}")


@click.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@warehouse_option
def report(file: Path, warehouse: Path | None) -> None:
    """Write every incident to FILE, with its series, flame graph and lanes: one self-contained HTML page.

    \b
    tracemill report report.html
    tracemill report public/index.html --warehouse /var/lib/tracemill
    """
    from tracemill.flows.show.report import write_report

    write_report(settings_of(warehouse=warehouse).warehouse, file)
    say_next(f"open {file} in a browser")
    tell(f"wrote {file}")
