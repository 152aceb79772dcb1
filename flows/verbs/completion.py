"""The verb completion: the shell completes verbs, options and files."""

from __future__ import annotations

import os
from pathlib import Path

import click
from click.shell_completion import get_completion_class

from tracemill.flows.show.terminal import say_next, tell

SHELLS = ("bash", "zsh", "fish")
# Where each shell looks for completions of a user's own; zsh once that folder is in its fpath.
_FOLDERS = {
    "bash": ("XDG_DATA_HOME", "~/.local/share", "bash-completion/completions/tracemill"),
    "zsh": ("XDG_DATA_HOME", "~/.local/share", "zsh/site-functions/_tracemill"),
    "fish": ("XDG_CONFIG_HOME", "~/.config", "fish/completions/tracemill.fish"),
}


@click.command()
@click.argument("shell", type=click.Choice(SHELLS), required=False)
@click.option("--print", "is_printed", is_flag=True, help="Print the script and install nothing.")
def completion(shell: str | None, is_printed: bool) -> None:
    """Install completion of verbs, options and files for SHELL. Default: the shell that is in use.

    \b
    tracemill completion
    tracemill completion zsh --print
    """
    chosen = shell or Path(os.environ.get("SHELL", "")).name
    if chosen not in SHELLS:
        raise click.UsageError(f"which shell? {', '.join(SHELLS)}")
    script = _script(chosen)
    if is_printed:
        click.echo(script, nl=False)
        return
    variable, default, name = _FOLDERS[chosen]
    file = Path(os.environ.get(variable) or default).expanduser() / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(script, "utf-8")
    tell(f"wrote {file}")
    if chosen == "zsh":
        say_next(f"in ~/.zshrc, before compinit: fpath=({file.parent} $fpath); then begin a new shell")
    else:
        say_next("begin a new shell")


def _script(shell: str) -> str:
    kind = get_completion_class(shell)
    command = click.get_current_context().find_root().command
    assert kind is not None
    return kind(command, {}, "tracemill", "_TRACEMILL_COMPLETE").source() + "\n"
