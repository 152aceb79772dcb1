"""A scripted repository of the example service: twenty branches of 16 commits, a regression hidden in each.

Every branch begins at the same commit. Beside the regression it has what histories have: a refactoring of the
very function, changes beside it and of its callers, comments, tests, docs, configuration, generated and
third-party code, a merge of a side branch, and a slow change that is reverted at once.
"""

from __future__ import annotations

import random
import shutil
from dataclasses import dataclass
from pathlib import Path

from bench.commits_regressions import REGRESSIONS, Edit, Regression
from examples.git_repository import Scripted
from examples.record import HERE


@dataclass(frozen=True)
class Case:
    """A branch: its regression, the commit that brought it, and the branch's end."""

    regression: Regression
    culprit: str
    bad: str
    length: int


class Shop(Scripted):
    """The example service, with generated and third-party code beside its own."""

    def __init__(self, folder: Path) -> None:
        shutil.copytree(HERE / "service", folder)
        super().__init__(folder)
        self.write("internal/gen/build_gen.go", _generated(0))
        self.write("third_party/units/units.go", _third_party(0))
        main = (folder / "main.go").read_text()
        extra = '\t"storefront/internal/gen"\n\t"storefront/internal/load"\n'
        main = main.replace('\t"storefront/internal/load"\n', extra)
        main = main.replace(
            '"storefront/internal/workers"\n',
            '"storefront/internal/workers"\n\t"storefront/third_party/units"\n',
        )
        main = main.replace(
            'log.Printf("serving', 'log.Printf("%s", units.Bytes(gen.Number))\n\tlog.Printf("serving'
        )
        self.write("main.go", main)
        self.write("Makefile", "build:\n\tgo build .\n")
        self.base = self.commit("The shop")

    def edit(self, edit: Edit) -> None:
        """Replace text in a file; it must be there once."""
        text = (self.folder / edit.path).read_text()
        if text.count(edit.old) != 1:
            raise SystemExit(f"{edit.path}: {text.count(edit.old)} times {edit.old!r}")
        self.write(edit.path, text.replace(edit.old, edit.new))


def scripted(folder: Path, seed: int = 1, chosen: tuple[str, ...] = ()) -> tuple[Shop, list[Case]]:
    """The repository and its cases."""
    made = Shop(folder)
    wanted = [r for r in REGRESSIONS if not chosen or r.name in chosen]
    return made, [_branch(made, r, random.Random(f"{seed} {r.name}")) for r in wanted]


def _branch(made: Shop, regression: Regression, chance: random.Random) -> Case:
    made.git("checkout", "-q", "-b", regression.name, made.base)
    steps = ["culprit", "same function", "beside", "caller", "comment", "tests", "docs", "configuration",
             "generated", "third party", "elsewhere"]  # fmt: skip
    chance.shuffle(steps)
    # A merge is three commits, a slow change and its revert are two.
    steps.insert(chance.randrange(len(steps)), "merge")
    steps.insert(chance.randrange(len(steps)), "reverted")
    culprit = ""
    for number, step in enumerate(steps):
        if step == "culprit":
            for edit in regression.edits:
                made.edit(edit)
            culprit = made.commit(regression.title)
        else:
            _step(made, regression, step, number)
    length = len(made.git("rev-list", f"{made.base}..HEAD").splitlines())
    return Case(regression, culprit, made.git("rev-parse", "HEAD"), length)


def _step(made: Shop, regression: Regression, step: str, number: int) -> None:
    """A commit, or a few, that cost nothing in the end."""
    file = regression.path
    if step == "same function":
        made.edit(regression.harmless)
        made.commit(f"Tidy {regression.function}")
    elif step == "beside":
        made.append(
            file,
            f"\nfunc checked{number}(n int) int {{ return max(n, {number}) }}\n\nvar _ = checked{number}(1)\n",
        )
        made.commit(f"A check for {file}")
    elif step == "caller":
        made.edit(
            Edit("internal/server/server.go", "\tdefer task.End()\n", f"\tdefer task.End()\n\t_ = {number}\n")
        )
        made.commit("Prepare for routes with numbers")
    elif step == "comment":
        made.append(file, f"\n// Note {number}: see the handbook for how this is used.\n")
        made.commit("Explain")
    elif step == "tests":
        package = (made.folder / file).read_text().partition("package ")[2].split()[0]
        name = f"{file.rpartition('/')[0] or '.'}/more{number}_test.go"
        made.write(
            name, f'package {package}\n\nimport "testing"\n\nfunc TestMore{number}(t *testing.T) {{}}\n'
        )
        made.commit("Test more")
    elif step == "generated":
        made.write("internal/gen/build_gen.go", _generated(number + 1))
        made.commit("Regenerate")
    elif step == "third party":
        made.write("third_party/units/units.go", _third_party(number + 1))
        made.commit("Update units")
    elif step == "elsewhere":
        made.append(
            "internal/capture/capture.go",
            f"\nfunc version{number}() int {{ return {number} }}\n\nvar _ = version{number}\n",
        )
        made.commit("Versions of captures")
    elif step == "merge":
        here = made.git("rev-parse", "--abbrev-ref", "HEAD")
        made.git("checkout", "-q", "-b", f"{here}-side")
        made.write("docs/side.md", "A side branch.\n")
        made.commit("Describe the side branch")
        made.append(
            "internal/upstream/upstream.go",
            f"\nfunc side{number}() int {{ return {number} }}\n\nvar _ = side{number}\n",
        )
        made.commit("Work of the side branch")
        made.git("checkout", "-q", here)
        made.git("merge", "-q", "--no-ff", "-m", "Merge the side branch", f"{here}-side")
    elif step == "reverted":
        text = "\nfunc init() { time.Sleep(time.Microsecond) }\n"
        made.append("internal/upstream/upstream.go", text)
        slow = made.commit("Wait for upstream at the start")
        made.git("revert", "--no-edit", slow)
    else:
        made.append({"docs": "docs/notes.md", "configuration": "Makefile"}[step], f"# {number}\n")
        made.commit(f"More {step}")


def _generated(number: int) -> str:
    return f"// Code generated by genbuild. DO NOT EDIT.\n\npackage gen\n\n// Number is the build's.\nconst Number = {number}\n"


def _third_party(number: int) -> str:
    return (
        'package units\n\nimport "strconv"\n\n// Bytes says a number of bytes.\n'
        f'func Bytes(n int) string {{ return strconv.Itoa(n+{number}) + " B" }}\n'
    )
