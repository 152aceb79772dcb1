"""Record programs that fill maps, with all that a build in CI would keep of them, for bench/attribution.py.

A series is one program (tests/parsers/programs) by one Go version, position independent or not: builds with
another GOGC and another load each, whose sources differ as those of real commits do. Two runs of each.
"""

from __future__ import annotations

import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from examples.recording import say
from examples.toolchain import environment, go
from tests.parsers.record import PROGRAMS

PIE = "-buildmode=pie"
RUNS = ("1", "2")
BINARY = "program"
CALM = "calm"


@dataclass(frozen=True)
class Edit:
    """One change of a commit: in a file, a text becomes another."""

    file: str
    old: str
    new: str


@dataclass(frozen=True)
class Build:
    """One build of a series. rate: requests a second, 0 for as many as can be; live: megabytes in use."""

    name: str
    gogc: int
    rate: int = 0
    live: int = 8
    edits: tuple[Edit, ...] = ()


@dataclass(frozen=True)
class Series:
    """One program's builds by one Go version."""

    program: str
    version: str
    is_pie: bool

    @property
    def name(self) -> str:
        return f"{self.program}-{self.version}{'-pie' if self.is_pie else ''}"

    @property
    def builds(self) -> tuple[Build, ...]:
        return BUILDS[self.program]


# All lines of the file move; those of no function move within it.
_ABOVE = Edit(
    "shop.go",
    "type article struct {",
    "// sum adds up.\nfunc sum(of []int) (total int) {\n\tfor _, n := range of {\n\t\ttotal += n\n\t}\n"
    "\treturn total\n}\n\n"
    "type article struct {",
)
# The two lines change places: where one assigned to a map, the other appends to a slice.
_SWAPPED = Edit(
    "shop.go",
    "\t\topened.basket[n+i*i] += i\n\t\topened.seen = append(opened.seen, strconv.Itoa(n+i))\n",
    "\t\topened.seen = append(opened.seen, strconv.Itoa(n+i))\n\t\topened.basket[n+i*i] += i\n",
)
# What follows in the function moves down by a line, and in memory.
_WITHIN = Edit(
    "shop.go",
    "\ttotals := make(map[string]int)\n\tfor i := 0; i < 60; i++ {\n",
    "\tif n < 0 {\n\t\treturn 0\n\t}\n\ttotals := make(map[string]int)\n\tfor i := 0; i < 60; i++ {\n",
)
_MORE = Edit("shop.go", "a := s.catalog[(n*3+i)%20000]", "a := s.catalog[(n*5+i+1)%20000]")
_LONGER = Edit("shop.go", "\tfor i := 0; i < 12; i++ {\n", "\tfor i := 0; i < 16; i++ {\n")
BUILDS = {
    "service": (
        Build("b1-gogc50", 50),
        Build("b2-gogc100", 100, live=64, edits=(_ABOVE, _MORE)),
        Build("b3-gogc400", 400, edits=(_ABOVE, _MORE, _WITHIN, _SWAPPED)),
        Build(f"b4-{CALM}", 100, rate=300, live=64, edits=(_ABOVE, _MORE, _WITHIN, _SWAPPED, _LONGER)),
    ),
    "maps": (Build("b1-gogc50", 50), Build("b2-gogc100", 100), Build("b3-gogc400", 400)),
}


def record(series: Series, home: Path, seconds: int) -> Path:
    """The series' folder, <build>/<run>/<capture> and <build>/program; recorded at the first use."""
    folder = home / f"{series.name}-{seconds}s"
    if not folder.exists():
        say(f"recording {series.name}")
        home.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=home) as work:
            made = Path(work) / "made"
            for build in series.builds:
                _record_build(series, build, made / build.name, seconds)
            made.rename(folder)
    return folder


def _record_build(series: Series, build: Build, folder: Path, seconds: int) -> None:
    folder.mkdir(parents=True)
    binary = folder / BINARY
    compile_program(series, build, binary)
    for run in RUNS:
        (folder / run).mkdir()
        arguments = [str(seconds)]
        if series.program == "service":
            arguments += [str(build.rate), str(build.live)]
        env = environment() | {"GOGC": str(build.gogc)}
        subprocess.run([binary, folder / run, *arguments], env=env, check=True)


def edited(program: str, build: Build) -> dict[str, str]:
    """The program's files with the build's edits. Raises ValueError if an edit does not fit."""
    files = {file.name: file.read_text() for file in (PROGRAMS / program).iterdir()}
    for edit in build.edits:
        text = files[edit.file]
        if text.count(edit.old) != 1:
            raise ValueError(f"{edit.file}: stands {text.count(edit.old)} times: {edit.old!r}")
        files[edit.file] = text.replace(edit.old, edit.new)
    return files


def compile_program(series: Series, build: Build, target: Path) -> None:
    """The build's program, of the program's source with the build's edits."""
    with tempfile.TemporaryDirectory() as work:
        source = Path(work)
        for name, text in edited(series.program, build).items():
            (source / name).write_text(text)
        flags = ["-trimpath", "-buildvcs=false", *([PIE] if series.is_pie else [])]
        command = [go(series.version), "build", *flags, "-o", target, "."]
        subprocess.run(command, cwd=source, env=environment(), check=True)
