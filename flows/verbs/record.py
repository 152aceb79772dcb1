"""The verb record: commands run in turns, what they write collected as runs of their builds."""

from __future__ import annotations

import shlex
from pathlib import Path

import click

from tracemill.flows.show.terminal import say_next, tell

SEPARATOR = "--"
DEFAULT_BUILDS = ("base", "head")
DEFAULT_RUNS = 10
DEFAULT_TIMEOUT = 600.0


@click.command(context_settings={"allow_interspersed_args": False})
@click.argument("words", nargs=-1, type=click.UNPROCESSED, metavar="-- CMD_A [-- CMD_B]")
@click.option(
    "--interleave",
    "pattern",
    metavar="PATTERN",
    help="The order of turns, over and over, such as AB or ABBA.  [default: ABBA]",
)
@click.option(
    "-n",
    "--runs",
    type=click.IntRange(min=1),
    default=DEFAULT_RUNS,
    show_default=True,
    metavar="N",
    help="Runs of each command.",
)
@click.option(
    "--builds",
    metavar="A,B",
    help="The builds that the commands run.  [default: base,head; of one command head]",
)
@click.option(
    "--artifacts",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("artifacts"),
    metavar="DIR",
    show_default=True,
    help="Where the files go, as DIR/<build>/<run>/.",
)
@click.option(
    "--warm-up",
    type=click.IntRange(min=0),
    default=0,
    show_default=True,
    metavar="N",
    help="Runs of each command that come first and are thrown away.",
)
@click.option(
    "--timeout",
    type=click.FloatRange(min=0, min_open=True),
    default=DEFAULT_TIMEOUT,
    show_default=True,
    metavar="SECONDS",
    help="How long one run may take.",
)
@click.pass_context
def record(
    context: click.Context,
    words: tuple[str, ...],
    pattern: str | None,
    runs: int,
    builds: str | None,
    artifacts: Path,
    warm_up: int,
    timeout: float,
) -> None:
    """Run commands in turns and collect what they write: base and head of a pull request, side by side.

    Each run has a folder of its own, in the variable TRACEMILL_OUT and as {out} in the arguments. Benchmark
    output on standard output is kept too. No shell is involved; for one, say sh -c '…'. Runs that are there
    already stay: the same command again adds more. A command that fails ends it, and what is whole is kept.
    Exit code 0: all was recorded, 1: a part, 2: nothing.

    \b
    tracemill record --interleave ABBA -n 10 -- ./base.test -test.bench . -- ./head.test -test.bench .
    tracemill record -n 5 --builds b07 -- ./load -cpuprofile {out}/cpu.pb.gz
    """
    from tracemill.flows.loading.record import DEFAULT_PATTERN, Command, kept
    from tracemill.flows.loading.record import record as record_
    from tracemill.flows.progress import shown

    argvs = _commands(words)
    if len(argvs) == 1 and pattern is not None:
        raise click.UsageError(
            f"--interleave takes two commands, and here is one: {shlex.join(argvs[0])}; "
            f"{SEPARATOR} stands before each: {SEPARATOR} CMD_A {SEPARATOR} CMD_B"
        )
    names = _builds(builds, len(argvs))
    commands = [Command(name, tuple(argv)) for name, argv in zip(names, argvs, strict=True)]
    with shown() as progress:
        done = record_(
            commands,
            artifacts,
            runs=runs,
            progress=progress,
            pattern=(DEFAULT_PATTERN if pattern is None else pattern).upper(),
            warm_up=warm_up,
            timeout=timeout,
        )
    if done.failure:
        for line in done.failure.splitlines():
            tell(line, err=True)
        tell(kept(done), err=True)
    for build, count in done.runs.items():
        tell(f"{artifacts / build}: {count} runs")
    if done.runs:
        where = [shlex.quote(str(artifacts / name)) for name in names]
        say_next(
            "tracemill " + (f"compare {' '.join(where)}" if len(where) > 1 else f"run {_quoted(artifacts)}")
        )
    context.exit((1 if done.runs else 2) if done.failure else 0)


def _quoted(path: Path) -> str:
    return shlex.quote(str(path))


def _commands(words: tuple[str, ...]) -> list[list[str]]:
    """The commands that words are. Raises UsageError."""
    parts: list[list[str]] = [[]]
    for word in words[1:] if words[:1] == (SEPARATOR,) else words:
        if word == SEPARATOR:
            parts.append([])
        else:
            parts[-1].append(word)
    if len(parts) > 2:
        raise click.UsageError(
            f"{len(parts)} commands; it takes one or two, and a {SEPARATOR} within a command is taken "
            "for the next one: put such a command into a script"
        )
    if not all(parts):
        which = "which command?" if not any(parts) else f"nothing stands on one side of {SEPARATOR};"
        raise click.UsageError(f"{which} tracemill record -n 10 {SEPARATOR} CMD_A {SEPARATOR} CMD_B")
    return parts


def _builds(given: str | None, count: int) -> list[str]:
    """A name for each command. Raises UsageError."""
    if given is None:
        return list(DEFAULT_BUILDS[-count:])
    names = [name.strip() for name in given.split(",")]
    if len(names) != count:
        commands = f"{count} command" + ("s" if count > 1 else "")
        raise click.UsageError(f"--builds names {len(names)}, and there are {commands}: {given}")
    return names
