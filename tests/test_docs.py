"""The commands that README and docs show are commands that there are, with options that they have."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import click
import pytest

from tracemill.flows.cli import GROUPS, main

TOP = Path(__file__).parent.parent
PAGES = [TOP / "README.md", *sorted((TOP / "docs").glob("*.md")), TOP / "Makefile"]
# In code blocks and in running text; up to what the shell takes for itself.
_COMMAND = re.compile(
    r"(?:^|[\s`/@])tracemill ((?:[a-z]|-{1,2}[a-z-]+ )[^`|;&>\n]*(?:\\\n[^`|;&>\n]*)*)", re.MULTILINE
)


def _commands(text: str) -> list[list[str]]:
    found = []
    for line in _COMMAND.findall(text):
        line = line.replace("\\\n", " ").replace("$$", "$").partition(" #")[0].partition("    ")[0]
        line = line.replace("…", "x").rstrip(' .,:)"')
        try:
            words = shlex.split(line)
        except ValueError:
            continue  # a query that goes on in the next line
        if words and words[0] in main.commands:
            found.append(words)
    return found


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_every_command_that_is_shown_can_be_given(page: Path) -> None:
    for verb, *words in _commands(page.read_text()):
        try:
            main.commands[verb].make_context(verb, list(words))
        except click.MissingParameter:
            continue  # the text names the verb, or a part of the command
        except click.UsageError as error:
            raise AssertionError(f"{page.name}: tracemill {verb} {words}: {error}") from error


def test_commands_are_found_in_the_docs() -> None:
    found = {words[0] for page in PAGES for words in _commands(page.read_text())}
    assert {"run", "gate", "regressions", "sql", "serve", "export"} <= found


def test_every_verb_is_in_one_group() -> None:
    listed = [verb for verbs in GROUPS.values() for verb in verbs]
    assert sorted(listed) == sorted(main.commands)


def test_every_verb_has_two_examples_that_can_be_given() -> None:
    for verb, command in main.commands.items():
        lines = [re.sub(r"^[A-Z_]+=\S+ ", "", line.strip()) for line in (command.help or "").splitlines()]
        examples = [line for line in lines if line.startswith(f"tracemill {verb}")]
        assert len(examples) >= 2, verb
        for example in examples:
            words = shlex.split(example.replace("$(git rev-parse --short HEAD)", "b1"))
            command.make_context(verb, words[2:])


def test_no_summary_is_cut() -> None:
    from click.testing import CliRunner

    text = CliRunner().invoke(main, ["--help"]).stdout
    assert "..." not in text.partition("Every day:")[2]
    for verb in main.commands:
        assert re.search(rf"^  {verb} ", text, re.MULTILINE), verb
