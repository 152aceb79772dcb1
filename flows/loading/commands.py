"""One command run to its end, in a process group of its own: what it said and how it ended."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tracemill.flows.signals import uninterrupted

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

# How long a process that was told to end has before it is killed.
_PATIENCE_SECONDS = 2.0
# Of what a command that failed said, as much is told.
_LAST_LINES, _LAST_BYTES = 10, 8192


@dataclass(frozen=True, slots=True)
class Ended:
    """Files with what the command said, and what is wrong with how it ended, in words; None if nothing is."""

    stdout: Path
    stderr: Path
    fault: str | None

    def last_lines(self) -> str:
        """The end of what it said last: of standard error, or else of standard output."""
        for file in (self.stderr, self.stdout):
            with file.open("rb") as stream:
                stream.seek(max(0, file.stat().st_size - _LAST_BYTES))
                lines = stream.read().decode("utf-8", "replace").split("\n")
            if said := [line.rstrip() for line in lines if line.strip()]:
                return "\n".join(said[-_LAST_LINES:])
        return ""


def run_command(
    argv: Sequence[str], folder: Path, environment: dict[str, str], timeout: float | None
) -> Ended:
    """Run a program without a shell and without input; what it says goes to files in folder.

    At its end, on a timeout and on Ctrl-C no process of its group is left. Raises OSError where it cannot
    be started.
    """
    stdout, stderr = folder / "stdout.txt", folder / "stderr.txt"
    process, fault = None, None
    try:
        # Once it is started it can be ended, and not before.
        with uninterrupted(), stdout.open("wb") as out, stderr.open("wb") as err:
            process = subprocess.Popen(
                argv,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                env=os.environ | environment,
                start_new_session=True,
            )
        code = process.wait(timeout)
    except subprocess.TimeoutExpired:
        fault = f"was not done after {timeout:g} s"
    except BaseException:
        _end(process)
        raise
    else:
        if code:
            fault = (
                f"was ended by {signal.Signals(-code).name}" if code < 0 else f"ended with exit code {code}"
            )
    _end(process)
    return Ended(stdout, stderr, fault)


def _end(process: subprocess.Popen[bytes] | None) -> None:
    """End what is left of the process, if it was started, and of those that it started."""
    if process is None:
        return
    if process.poll() is None:
        _signal(process, signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(_PATIENCE_SECONDS)
    _signal(process, signal.SIGKILL)
    process.wait()


def _signal(process: subprocess.Popen[bytes], number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, number)
