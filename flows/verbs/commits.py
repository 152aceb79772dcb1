"""The verb commits: which commit brought an incident."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tracemill.flows.show.terminal import say, say_next, tell
from tracemill.flows.verbs.options import again, format_option, settings_of, warehouse_option

if TYPE_CHECKING:
    from tracemill.flows.commits.answer import Answer
    from tracemill.flows.show.card_incident import Incident

MAX_SHOWN = 10


@click.command()
@click.argument("words", nargs=-1, metavar="[BUILD] [FUNCTION|INCIDENT|METRIC]")
@click.option(
    "--repo",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path(),
    metavar="DIR",
    help="The git repository of the program. Default: here.",
)
@click.option("--good", metavar="COMMIT", help="The last good commit, instead of the build's.")
@click.option("--bad", metavar="COMMIT", help="The first bad commit, instead of the build's.")
@click.option("--all", "is_all", is_flag=True, help="Every commit of the range, not the first ten.")
@click.option(
    "--bisect",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Write a script that finds the commit, by itself or for git bisect run.",
)
@click.option(
    "--run",
    "command",
    metavar="COMMAND",
    help="For the script: builds what is checked out, runs it and leaves its captures in $TRACEMILL_OUT.",
)
@click.option("--runs", type=click.IntRange(min=1), default=3, show_default=True, metavar="N",
              help="For the script: how often it runs COMMAND at each commit.")  # fmt: skip
@click.option(
    "--judge",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    metavar="FOLDER",
    help="As the script does: is what was recorded in FOLDER good (exit 0), bad (1) or untested (125)?",
)
@format_option("table", "json", "md")
@warehouse_option
@click.pass_context
def commits(
    context: click.Context,
    words: tuple[str, ...],
    repo: Path,
    good: str | None,
    bad: str | None,
    is_all: bool,
    bisect: Path | None,
    command: str | None,
    runs: int,
    judge: Path | None,
    format_: str,
    warehouse: Path | None,
) -> None:
    """Which commit brought an incident: those between its builds, ranked by what they change of its path.

    The words choose the incident as for show. Commits rank by the functions that they change (comments and
    layout aside) of the call paths whose cost changed. Where none changes code, it says what else differed.

    \b
    tracemill commits b08 --repo ~/src/shop
    tracemill commits b08 --bisect bisect.sh --run 'go build -o /tmp/a . && /tmp/a -out "$TRACEMILL_OUT"'
    """
    root = settings_of(warehouse=warehouse).warehouse
    if bisect is not None and not command:
        raise click.UsageError("how is a commit recorded? --run 'COMMAND', which writes to $TRACEMILL_OUT")
    if judge is not None:
        from tracemill.flows.commits.bisect import judge as judge_

        judged = judge_(_chosen(root, words), judge)
        tell(judged.text, err=True)
        context.exit(judged.exit_code)
    from tracemill.flows.commits.answer import which_commit
    from tracemill.flows.commits.repository import Repository
    from tracemill.flows.commits.tables import as_markdown, as_text
    from tracemill.warehouse import connect

    incident = _chosen(root, words)
    with connect(root) as connection:
        answer = which_commit(connection, incident, Repository(repo), good, bad)
    most = len(answer.ranked) if is_all else MAX_SHOWN
    if format_ == "json":
        say(json.dumps(answer.as_json(), indent=1, ensure_ascii=False) + "\n")
    else:
        say(as_markdown(answer, most) if format_ == "md" else as_text(answer, most))
    if bisect is not None and command:
        _write(answer, bisect, command, runs, root)
    elif format_ == "table" and len(answer.with_code) > 1:
        say_next(
            f"tracemill commits {incident.incident_id}{again(warehouse)} --repo {shlex.quote(str(repo))} "
            "--bisect bisect.sh --run 'build and record, into $TRACEMILL_OUT'"
        )


def _chosen(root: Path, words: tuple[str, ...]) -> Incident:
    """The worst incident that the words fit. Raises NoSuchNameError."""
    from tracemill.flows.names import NoSuchNameError
    from tracemill.flows.show.card_incident import choose, incidents
    from tracemill.warehouse import connect
    from tracemill.warehouse.queries import ask_column

    with connect(root) as connection:
        known = incidents(connection)
        found = choose(known, words, ask_column(connection, "verdicts/known_builds"))
    if not found:
        raise NoSuchNameError("no incident fits: nothing changed in what was judged")
    return found[0]


def _write(answer: Answer, file: Path, command: str, runs: int, root: Path) -> None:
    from tracemill.flows.commits.bisect import Asked, script
    from tracemill.flows.show.card_wording import headline
    from tracemill.flows.show.export import replace_whole

    asked = Asked(command, runs, root)
    text = script(answer, asked, file.name, headline(answer.incident))
    replace_whole(file, lambda out: out.write(text.encode()))
    tell(f"wrote {file}", err=True)
    say_next(f"in a clean checkout: sh {shlex.quote(str(file))}")
