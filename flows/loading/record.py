"""Records runs of commands, in turns where there are two, into the layout that `ingest` reads.

A command finds the folder of its run in TRACEMILL_OUT, and ``{out}`` in its arguments stands for it. What it
says is a file of the run too where it is benchmark output or GODEBUG's gctrace. The folder is hidden until
the run is whole, and with it the other run of its pair: a failure, a timeout or a stop leaves neither half a
run nor half a pair. Which runs are a pair stands in their run.json.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import shlex
import shutil
import tempfile
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from tracemill.flows.folders import made
from tracemill.flows.loading.commands import Ended, run_command
from tracemill.flows.loading.discover import InputError
from tracemill.flows.loading.layout import RUN_FILE, folder_name
from tracemill.flows.signals import terminated_as_interrupted
from tracemill.parsers.api import ParseError
from tracemill.parsers.registry import detect
from tracemill.parsers.unwrap.source import Source

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tracemill.flows.progress import Progress

OUT_VARIABLE, OUT_FIELD = "TRACEMILL_OUT", "{out}"
DEFAULT_PATTERN = "ABBA"
# What a command says is kept where it is of these formats.
_SAID_FORMATS = {"benchmarks", "gctrace"}
_HIDDEN, _LOCK = ".record-", ".record.lock"


@dataclass(frozen=True, slots=True)
class Command:
    """A program with its arguments, and the build that its runs are of."""

    build: str
    argv: tuple[str, ...]

    def __str__(self) -> str:
        return shlex.join(self.argv)


@dataclass(slots=True)
class Recorded:
    """How many runs of each build were recorded; what stopped it before its end, in words."""

    runs: Counter[str] = field(default_factory=Counter)
    failure: str | None = None


class _FailedRunError(Exception):
    """A run that is none, in words."""


def turns(pattern: str, runs: int) -> list[str]:
    """Whose turn it is: the pattern over and over, until A and B had so many runs.

    Raises InputError for a pattern that has not as many of the one as of the other, or none.
    """
    share = pattern.count("A")
    if not share or sorted(pattern) != ["A"] * share + ["B"] * share:
        raise InputError(f"the order of turns {pattern!r}: it takes as many A as B, such as AB or ABBA")
    had: Counter[str] = Counter()
    found = []
    for letter in pattern * runs:
        if had[letter] < runs:
            had[letter] += 1
            found.append(letter)
    return found


def record(
    commands: Sequence[Command],
    artifacts: Path,
    *,
    runs: int,
    progress: Progress,
    pattern: str = DEFAULT_PATTERN,
    warm_up: int = 0,
    timeout: float | None = None,
) -> Recorded:
    """Run one command or two so many times each into artifacts/<build>/<run>/; runs there stay.

    warm_up: runs of each that come before and are thrown away. timeout: seconds that one may take. Raises
    LayoutError, InputError, KeyboardInterrupt that says what is kept.
    """
    order = turns(pattern, runs) if len(commands) > 1 else ["A"] * runs
    _require_commands(commands)
    with _alone_in(artifacts), terminated_as_interrupted():
        session = _Session(commands, artifacts, timeout, progress)
        progress.start("recording", len(order) + warm_up * len(commands))
        try:
            for command in list(commands) * warm_up:
                shutil.rmtree(session.run(command, f"{command.build} warm-up"))
            for letter in order:
                session.take("AB".index(letter))
        except _FailedRunError as failure:
            session.done.failure = str(failure)
        except KeyboardInterrupt as stop:
            raise KeyboardInterrupt(kept(session.done)) from stop
        finally:
            session.sweep()
    return session.done


def kept(done: Recorded) -> str:
    """What was recorded, in words."""
    if not done.runs:
        return "nothing is kept"
    return "kept: " + ", ".join(f"{count} runs of {build}" for build, count in done.runs.items())


def _require_commands(commands: Sequence[Command]) -> None:
    for command in commands:
        folder_name("build", command.build)
        if not command.argv or shutil.which(command.argv[0]) is None:
            name = command.argv[0] if command.argv else ""
            raise InputError(f"{name!r} of {command.build}: no program of that name, or it may not be run")
    if len({command.build for command in commands}) < len(commands):
        raise InputError(f"both commands are of the build {commands[0].build!r}: name two, by --builds A,B")


@contextlib.contextmanager
def _alone_in(artifacts: Path) -> Iterator[None]:
    """One recording at a time: another would be noise in this one. Sweeps what a killed one left.

    Of folders that are made for it and get no run nothing stays.
    """
    with made(artifacts) as is_new, (artifacts / _LOCK).open("w") as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise InputError(f"{artifacts}: another tracemill is recording there") from None
        for left in artifacts.glob(f"*/{_HIDDEN}*"):
            shutil.rmtree(left, ignore_errors=True)
        try:
            yield
        finally:
            if is_new and [file.name for file in artifacts.iterdir()] == [_LOCK]:
                (artifacts / _LOCK).unlink()


class _Session:
    """The runs as they come; whole pairs are shown."""

    def __init__(
        self, commands: Sequence[Command], artifacts: Path, timeout: float | None, progress: Progress
    ) -> None:
        self.done = Recorded()
        self._commands, self._artifacts = commands, artifacts
        self._timeout, self._progress = timeout, progress
        self._name = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
        self._first = 1 + max((_last_number(artifacts / c.build) for c in commands), default=0)
        self._turns: Counter[int] = Counter()
        # Number of the run → index of the command → its folder, while the pair is not whole
        self._waiting: dict[int, dict[int, Path]] = {}
        self._checked: set[str] = set()

    def take(self, which: int) -> None:
        """One run of a command; with the last one of its pair both are shown. Raises _FailedRunError."""
        command, number = self._commands[which], self._first + self._turns[which]
        self._turns[which] += 1
        folder = self.run(command, f"{command.build} {number:03}")
        pair = self._waiting.setdefault(number, {})
        pair[which] = folder
        if len(pair) == len(self._commands):
            if len(pair) > 1:
                for part in pair.values():
                    self._say_pair(part, number)
            for index, part in pair.items():
                build = self._commands[index].build
                part.chmod(0o755)
                part.rename(self._artifacts / build / f"{number:03}")
                self.done.runs[build] += 1
            del self._waiting[number]

    def run(self, command: Command, shown: str) -> Path:
        """The hidden folder of one run that is whole. Raises _FailedRunError."""
        build = self._artifacts / command.build
        build.mkdir(exist_ok=True)
        folder = Path(tempfile.mkdtemp(prefix=_HIDDEN, dir=build)).resolve()
        argv = [word.replace(OUT_FIELD, str(folder)) for word in command.argv]
        with tempfile.TemporaryDirectory(prefix="tracemill-") as said:
            try:
                ended = run_command(argv, Path(said), {OUT_VARIABLE: str(folder)}, self._timeout)
            except OSError as error:
                raise _FailedRunError(f"{shown}: {command}: {error.strerror}") from error
            if ended.fault:
                said_last = ended.last_lines()
                raise _FailedRunError(
                    f"{shown}: {command} {ended.fault}" + (f"\n{said_last}" if said_last else "")
                )
            self._keep_said(ended, folder)
        files = [f for f in folder.rglob("*") if f.is_file() and f.name != RUN_FILE]
        if not files:
            raise _FailedRunError(
                f"{shown}: {command} wrote nothing into ${OUT_VARIABLE} and no benchmark output; name "
                f"the folder in its arguments as {OUT_FIELD}, such as -test.cpuprofile={OUT_FIELD}/cpu.pb.gz"
            )
        if command.build not in self._checked:
            self._check(files, f"{shown}: {command}")
            self._checked.add(command.build)
        self._progress.step(shown)
        return folder

    def _check(self, files: list[Path], who: str) -> None:
        """Of a command's first run: one of its files at least is a capture. Raises _FailedRunError."""
        faults = []
        for file in files:
            try:
                detect(Source(file, shown=file.name))
            except (ParseError, OSError) as error:
                faults.append(str(error))
            else:
                return
        raise _FailedRunError(f"{who} wrote no capture: {faults[0]}")

    def _keep_said(self, ended: Ended, folder: Path) -> None:
        for file in (ended.stdout, ended.stderr):
            source = Source(file)
            with contextlib.suppress(ParseError):
                detect(source)
                if _SAID_FORMATS & set(source.formats) and not (folder / file.name).exists():
                    shutil.copyfile(file, folder / file.name)

    def _say_pair(self, folder: Path, number: int) -> None:
        """Write the pair into the run's run.json, beside what its command may have written there."""
        file = folder / RUN_FILE
        try:
            content = json.loads(file.read_text()) if file.exists() else {}
            if not isinstance(content, dict):
                raise TypeError("not a JSON object")
        except (ValueError, TypeError, OSError) as error:
            raise _FailedRunError(f"run {number:03}: the {RUN_FILE} that was written: {error}") from error
        file.write_text(json.dumps(content | {"pair": f"{self._name}-{number}"}) + "\n")

    def sweep(self) -> None:
        """Remove what is not whole, and builds of which nothing is."""
        for build in {command.build for command in self._commands}:
            for left in (self._artifacts / build).glob(f"{_HIDDEN}*"):
                shutil.rmtree(left, ignore_errors=True)
            with contextlib.suppress(OSError):  # there is something in it, as there should
                (self._artifacts / build).rmdir()


def _last_number(build: Path) -> int:
    """The greatest number that a run of the build has as its name; 0 where there is none."""
    names = (entry.name for entry in build.iterdir()) if build.is_dir() else ()
    return max((int(name) for name in names if name.isascii() and name.isdecimal()), default=0)
