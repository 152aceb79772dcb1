"""Text to a terminal or whatever reads standard output."""

from __future__ import annotations

import codecs
import contextlib
import io
import os
import re
import shutil
import sys
from contextvars import ContextVar

import click

# What a shell takes for itself between double quotes.
_FOR_SHELL = re.compile(r'(["$`\\])')
# Whether progress and next steps are kept back.
quiet = ContextVar("quiet", default=False)
_IN_ASCII = "tracemill.in_ascii"


# Our own signs in the letters that every encoding has.
_PLAIN = {
    "→": "->", "×": "x", "÷": "/", "−": "-", "±": "+/-", "≤": "<=", "∞": "inf", "µ": "u", "…": "...",
    "·": ".", "│": "|", "█": "#", "▒": "=", "▏": "|", "▶": ">", "◀": "<", "✅": "+", "❌": "x",
}  # fmt: skip


def write_what_can_be_read() -> None:
    """No sign that an encoding lacks is a reason to say nothing: ours become ASCII there, another is a ?.

    An encoding of ASCII was asked for: without a locale Python takes UTF-8. Where standard output was closed
    before we came, nobody reads.
    """
    if sys.stdout is None:
        sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115 - for as long as we run
    codecs.register_error(_IN_ASCII, _in_ascii)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors=_IN_ASCII)


def _in_ascii(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return "".join(_PLAIN.get(c, "?") for c in error.object[error.start : error.end]), error.end


def say(text: str) -> None:
    """Text to standard output, for a verb whose exit code counts whether or not anybody reads on."""
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except BrokenPipeError:
        leave_unread()


def tell(text: str = "", *, err: bool = False, nl: bool = True) -> None:
    """A message to standard output or error: whatever a verb says that holds names and is no data."""
    # As they are set up here: of its own accord click takes UTF-8 for ASCII.
    click.echo(visible_lines(text), file=sys.stderr if err else sys.stdout, nl=nl)


def say_next(step: str) -> None:
    """What to do next: to standard error, where it is in the way of nothing that reads the output."""
    if sys.stderr is not None and not quiet.get():
        with contextlib.suppress(OSError):  # nobody reads it: what was done counts all the same
            print(visible(f"next: {step}"), file=sys.stderr, flush=True)


def leave_unread() -> None:
    """The reader, such as head, has had enough. Python would complain of it once more at its end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def visible(text: str) -> str:
    """Without what could steer a terminal: names come from files."""
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text.replace("\n", " "))


def visible_lines(text: str) -> str:
    """The same of each line."""
    return "\n".join(visible(line) for line in text.split("\n"))


def query_for_shell(query: str) -> str:
    """A query as one word of a shell's command: SQL's own quotes stay as they are."""
    return '"' + _FOR_SHELL.sub(r"\\\1", query) + '"'


def is_coloured() -> bool:
    """Whether standard output is a terminal whose user did not turn colours off (no-color.org)."""
    is_terminal = bool(sys.stdout and sys.stdout.isatty())
    return is_terminal and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def terminal_width() -> int | None:
    """Columns of the terminal that standard output is; None where it is none."""
    return shutil.get_terminal_size((200, 50)).columns if sys.stdout and sys.stdout.isatty() else None
