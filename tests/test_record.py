"""`record`: runs of commands in turns, whole or not at all, and which runs are a pair."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from tracemill.flows.cli import main
from tracemill.flows.loading.commands import run_command
from tracemill.flows.loading.record import turns
from tracemill.flows.signals import terminated_as_interrupted

TOP = Path(__file__).parent.parent
RESULT = "BenchmarkA-2 100 {} ns/op"
# Says where it was in the order of all runs, in a benchmark's line and in a file of its run.
PROGRAM = """
import os, pathlib, sys, time
log = pathlib.Path(sys.argv[1])
with log.open("a") as out:
    print(sys.argv[2], file=out)
number = len(log.read_text().split())
if number == int(os.environ.get("FAIL_AT", 0)):
    print("all is lost", file=sys.stderr)
    sys.exit(3)
if number == int(os.environ.get("HANG_AT", 0)):
    time.sleep(60)
pathlib.Path(os.environ["TRACEMILL_OUT"], "order.txt").write_text(f"goos: linux\\npkg: {number}\\n")
print(f"goos: linux\\npkg: app\\nBenchmarkA-2 100 {number} ns/op")
"""


@pytest.fixture
def program(tmp_path: Path) -> list[str]:
    """A command without its last word."""
    (tmp_path / "program.py").write_text(PROGRAM)
    return [sys.executable, str(tmp_path / "program.py"), str(tmp_path / "log")]


def record(folder: Path, *args: object) -> Result:
    return CliRunner().invoke(main, ["record", "--artifacts", str(folder / "a"), *map(str, args)])


def runs(folder: Path) -> list[str]:
    """The runs that show, and anything else that lies beside them."""
    return sorted(p.relative_to(folder / "a").as_posix() for p in (folder / "a").glob("*/*"))


def manifest(folder: Path, run: str) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((folder / "a" / run / "run.json").read_text())
    return content


def test_turns_are_the_pattern_until_each_had_its_runs() -> None:
    assert "".join(turns("ABBA", 4)) == "ABBAABBA"
    assert "".join(turns("ABBA", 3)) == "ABBAAB"
    assert "".join(turns("AABB", 3)) == "AABBAB"


def test_two_commands_run_in_turns_and_their_runs_are_pairs(program: list[str], tmp_path: Path) -> None:
    done = record(tmp_path, "-n", 2, "--", *program, "a", "--", *program, "b")
    assert done.exit_code == 0, done.output
    assert (tmp_path / "log").read_text().split() == ["a", "b", "b", "a"]
    assert runs(tmp_path) == ["base/001", "base/002", "head/001", "head/002"]
    pairs = {run: manifest(tmp_path, run)["pair"] for run in runs(tmp_path)}
    assert pairs["base/001"] == pairs["head/001"] != pairs["base/002"] == pairs["head/002"]
    assert "BenchmarkA-2 100 4 ns/op" in (tmp_path / "a/base/002/stdout.txt").read_text()
    assert "next: tracemill compare" in done.stderr
    again = record(tmp_path, "-n", 1, "--", *program, "a", "--", *program, "b")
    assert again.exit_code == 0
    assert runs(tmp_path)[2] == "base/003"
    assert manifest(tmp_path, "base/003")["pair"] not in pairs.values()


def test_one_command_has_runs_and_no_pairs(program: list[str], tmp_path: Path) -> None:
    done = record(tmp_path, "-n", 2, "--builds", "b7", "--warm-up", 1, "--", *program, "a")
    assert (done.exit_code, runs(tmp_path)) == (0, ["b7/001", "b7/002"])
    assert (tmp_path / "log").read_text().split() == ["a"] * 3
    assert not (tmp_path / "a/b7/001/run.json").exists()
    assert "next: tracemill run" in done.stderr


def test_what_a_command_counts_of_its_work_stays_beside_the_pair(tmp_path: Path) -> None:
    script = f"echo '{{\"work\": {{\"requests\": 5}}}}' > {{out}}/run.json; echo '{RESULT.format(1)}'"
    command = ["sh", "-c", script]
    assert record(tmp_path, "-n", 1, "--", *command, "--", *command).exit_code == 0
    said = manifest(tmp_path, "head/001")
    assert (said["work"], "pair" in said) == ({"requests": 5}, True)


def test_a_command_that_fails_stops_it_with_its_last_lines_and_leaves_no_half_pair(
    program: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAIL_AT", "4")
    done = record(tmp_path, "-n", 3, "--", *program, "a", "--", *program, "b")
    assert (done.exit_code, runs(tmp_path)) == (1, ["base/001", "head/001"])
    assert "base 002: " in done.stderr
    assert "ended with exit code 3\nall is lost\nkept: 1 runs of base, 1 runs of head" in done.stderr


def test_one_that_never_succeeds_leaves_nothing_and_is_exit_2(
    program: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAIL_AT", "1")
    done = record(tmp_path, "--", *program, "a", "--", *program, "b")
    assert (done.exit_code, list((tmp_path / "a").glob("[!.]*"))) == (2, [])
    assert "nothing is kept" in done.stderr


def test_a_run_that_takes_too_long_is_ended_and_swept(
    program: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HANG_AT", "3")
    done = record(tmp_path, "--timeout", 1, "--", *program, "a", "--", *program, "b")
    assert (done.exit_code, runs(tmp_path)) == (1, ["base/001", "head/001"])
    assert "was not done after 1 s" in done.stderr


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_stop_while_a_command_is_being_started_leaves_no_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: signal.Signals
) -> None:
    started = []

    class Stopped(subprocess.Popen[bytes]):
        """Started, and the stop comes before anybody has it in hand."""

        def __init__(self, *args: Any, **options: Any) -> None:
            super().__init__(*args, **options)
            started.append(self.pid)
            signal.raise_signal(number)

    monkeypatch.setattr(subprocess, "Popen", Stopped)
    with pytest.raises(KeyboardInterrupt), terminated_as_interrupted():
        run_command([sys.executable, "-c", "import time; time.sleep(60)"], tmp_path, {}, None)
    with pytest.raises(ProcessLookupError):
        os.kill(started[0], 0)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_stop_leaves_no_half_run_and_no_process(
    program: list[str], tmp_path: Path, number: signal.Signals
) -> None:
    command = [sys.executable, "-m", "tracemill", "record", "--artifacts", str(tmp_path / "a"),
               "--", *program, "a", "--", *program, "b"]  # fmt: skip
    process = subprocess.Popen(
        command, cwd=TOP, env=os.environ | {"HANG_AT": "3"}, stderr=subprocess.PIPE, text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )  # fmt: skip
    log = tmp_path / "log"
    deadline = time.monotonic() + 30
    while not (log.exists() and len(log.read_text().split()) == 3):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    process.send_signal(number)
    _, said = process.communicate(timeout=30)
    assert process.returncode == 130, said
    assert "stopped: kept: 1 runs of base, 1 runs of head" in said
    assert runs(tmp_path) == ["base/001", "head/001"]
    left = subprocess.run(["pgrep", "-f", program[1]], capture_output=True, check=False)
    assert left.stdout == b""


def test_what_a_killed_recording_left_is_swept_by_the_next(program: list[str], tmp_path: Path) -> None:
    (tmp_path / "a/base/.record-x").mkdir(parents=True)
    assert record(tmp_path, "-n", 1, "--", *program, "a", "--", *program, "b").exit_code == 0
    assert runs(tmp_path) == ["base/001", "head/001"]


def test_a_process_left_behind_by_a_run_is_ended_with_it(tmp_path: Path) -> None:
    script = f"sleep 54321 & echo $! > {tmp_path}/pid; echo '{RESULT.format(1)}'"
    assert record(tmp_path, "-n", 1, "--", "sh", "-c", script).exit_code == 0
    pid = int((tmp_path / "pid").read_text())
    deadline = time.monotonic() + 10
    while Path(f"/proc/{pid}").exists() and "Z" not in Path(f"/proc/{pid}/stat").read_text().split()[2]:
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.mark.parametrize(
    ("args", "sentence"),
    [
        ([], "which command?"),
        (["--"], "which command?"),
        (["--", "true", "--"], "nothing stands on one side of --"),
        (["--", "true", "--", "true", "--", "true"], "3 commands"),
        (["--interleave", "ABBA", "--", "true", "false"], "--interleave takes two commands"),
        (["--interleave", "ABA", "--", "true", "--", "true"], "as many A as B"),
        (["--interleave", "A", "--", "true", "--", "true"], "as many A as B"),
        (["--interleave", "B", "--", "true", "--", "true"], "as many A as B"),
        (["--interleave", "", "--", "true", "--", "true"], "as many A as B"),
        (["--interleave", "AXXA", "--", "true", "--", "true"], "as many A as B"),
        (["--builds", "a", "--", "true", "--", "true"], "--builds names 1, and there are 2 commands"),
        (["--builds", "a,a", "--", "true", "--", "true"], "both commands are of the build 'a'"),
        (["--builds", "a,../b", "--", "true", "--", "true"], "without slashes"),
        (["--", "no-such-program", "--", "true"], "'no-such-program' of base: no program"),
        (["--", "true", "--", "true"], "wrote nothing into $TRACEMILL_OUT"),
        (["--", "sh", "-c", "echo hello > {out}/x.log"], "wrote no capture: x.log: no known format"),
        (["--", "sh", "-c", "echo hello"], "wrote nothing into $TRACEMILL_OUT"),
    ],
)
def test_what_cannot_be_recorded_is_exit_2_and_says_why(
    tmp_path: Path, args: list[str], sentence: str
) -> None:
    done = record(tmp_path, *args)
    assert (done.exit_code, sentence in done.stderr) == (2, True), done.output
    assert runs(tmp_path) == []


def test_no_shell_reads_the_arguments(tmp_path: Path) -> None:
    done = record(tmp_path, "-n", 1, "--", "echo", "$HOME; x", "\n" + RESULT.format(1))
    assert done.exit_code == 0
    assert "$HOME; x" in (tmp_path / "a/head/001/stdout.txt").read_text()
