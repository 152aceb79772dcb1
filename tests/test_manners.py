"""How verbs behave at a terminal and in scripts: quiet, JSON, next steps, completion, Ctrl-C."""

from __future__ import annotations

import json
import os
import pty
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from tests.conftest import hear_ctrl_c
from tracemill.flows.cli import main

TOP = Path(__file__).parent.parent


def tracemill(*args: object) -> Result:
    return CliRunner().invoke(main, [str(a) for a in args])


@pytest.mark.parametrize(
    "words",
    [
        ["regressions"], ["gate", "--candidate", "b13"], ["builds"], ["metrics"], ["doctor"], ["settings"],
        ["verify"], ["repair"], ["rollback"], ["top"], ["show", "b08"],
        ["forget", "--build", "b07", "--dry-run"],
    ],
    ids=lambda words: words[0],
)  # fmt: skip
@pytest.mark.sampled
def test_every_verb_ends_with_the_next_step_unless_it_is_to_be_quiet(demo: Path, words: list[str]) -> None:
    loud = tracemill(*words, "--warehouse", demo)
    assert loud.exit_code == 0, loud.output
    assert loud.stderr.rstrip().splitlines()[-1].startswith("next: "), loud.stderr
    quiet = tracemill(*words, "--quiet", "--warehouse", demo)
    assert (quiet.exit_code, quiet.stderr) == (0, "")
    assert quiet.stdout == loud.stdout or words == ["verify"]


@pytest.mark.parametrize(
    "words",
    [["gate", "--candidate", "b08"], ["show", "b08"], ["compare", "b07", "b08"], ["regressions"]],
    ids=lambda words: words[0],
)
@pytest.mark.sampled
def test_signs_that_a_terminal_lacks_are_written_in_its_letters(demo: Path, words: list[str]) -> None:
    def done(encoding: str) -> subprocess.CompletedProcess[str]:
        given = os.environ | {"PYTHONIOENCODING": encoding}
        command = [sys.executable, "-m", "tracemill", *words, "--warehouse", str(demo)]
        return subprocess.run(
            command, capture_output=True, encoding=encoding, env=given, cwd=TOP, check=False, timeout=60
        )

    usual, plain = done("utf-8"), done("ascii")
    assert plain.returncode == usual.returncode
    assert "→" in usual.stdout
    assert "->" in plain.stdout
    for shown, expected in ((plain.stdout, usual.stdout), (plain.stderr, usual.stderr)):
        assert (shown.count("?"), shown.count("\\")) == (expected.count("?"), expected.count("\\"))


@pytest.mark.parametrize(
    "words",
    [
        ["regressions"], ["gate", "--candidate", "b13"], ["builds"], ["metrics"], ["doctor"], ["settings"],
        ["sql", "select 1 as a"], ["top"], ["show", "b08"],
    ],
    ids=lambda words: words[0],
)  # fmt: skip
@pytest.mark.sampled
def test_json_is_an_option_of_every_verb_that_scripts_read(demo: Path, words: list[str]) -> None:
    done = tracemill(*words, "--json", "--warehouse", demo)
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout) or words == ["doctor"]


@pytest.mark.parametrize(("package", "builds"), [
    ("cache", {"b08"}), ("internal/session", {"b05", "b07"}), ("storefront/internal/cache", {"b08"}),
    ("storefront", {"b05", "b07", "b08", "b10", "b12"}),
])  # fmt: skip
def test_a_package_is_found_by_any_part_of_its_path(demo: Path, package: str, builds: set[str]) -> None:
    done = tracemill("regressions", "--package", package, "--json", "--warehouse", demo)
    assert {row["build_id"] for row in json.loads(done.stdout)} == builds
    assert "cache" not in package or all("cache" in row["subject"] for row in json.loads(done.stdout))


def test_completion_is_installed_where_the_shell_looks_and_completes_verbs(tmp_path: Path) -> None:
    environment = {"XDG_DATA_HOME": str(tmp_path), "SHELL": "/bin/bash"}
    done = CliRunner().invoke(main, ["completion"], env=environment)
    file = tmp_path / "bash-completion/completions/tracemill"
    assert (done.exit_code, done.stdout) == (0, f"wrote {file}\n")
    (tmp_path / "bin").mkdir()
    tool = tmp_path / "bin/tracemill"
    tool.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m tracemill "$@"\n')
    tool.chmod(0o755)
    script = f'source "{file}"; COMP_WORDS=(tracemill regr); COMP_CWORD=1; ' \
        '_tracemill_completion tracemill; echo "${COMPREPLY[@]}"'  # fmt: skip
    path = {"PATH": f"{tmp_path / 'bin'}:{os.environ['PATH']}"}
    shown = subprocess.run(
        ["bash", "-c", script], env=path, capture_output=True, text=True, check=True, timeout=60
    )
    assert shown.stdout.split() == ["regressions"]


@pytest.mark.full
def test_where_nothing_is_loaded_every_look_says_so(tmp_path: Path) -> None:
    (tmp_path / "a/b01/r1").mkdir(parents=True)
    (tmp_path / "a/b01/r1/notes.txt").write_text("just words\n")
    where = ("--warehouse", tmp_path / "w")
    assert tracemill("run", tmp_path / "a", *where).exit_code == 2
    top = tracemill("top", *where)
    assert (top.exit_code, "nothing is loaded yet" in top.stderr) == (2, True)
    said = "nothing was judged: nothing is loaded"
    assert tracemill("show", *where).stdout.startswith(said)
    machine = tracemill("show", "--json", *where)
    assert (json.loads(machine.stdout), machine.stderr.startswith(said)) == (None, True)


@pytest.mark.parametrize(
    "words",
    [
        ["run", "nowhere"], ["ingest", "nowhere"], ["build"], ["run", "nowhere", "--exports", "out/of/it"],
        ["forget", "--build", "b"], ["forget", "--build", "b", "--undo"],
        ["retention"], ["retention", "--apply"], ["compact"], ["repair"], ["rollback", "3"], ["verify"],
        ["collect", "http://127.0.0.1:1", "--build", "b", "--artifacts", "new/a"],
        ["record", "-n", "2", "--artifacts", "new/a", "--", "false"],
        ["report", "r.html"], ["export", "out"], ["accept", "x", "--because", "y"],
    ],
    ids=" ".join,
)  # fmt: skip
def test_a_command_that_is_refused_leaves_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: list[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    done = tracemill(*words)
    assert done.exit_code == 2, done.output
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("folder", "fact"),
    [
        ("builds, all", "cannot read a path with `,` in it"),
        ("all?", "cannot read a path with `?` in it"),
        ("name=app", "takes `name=app` for a column of what lies below it"),
        ("Name=app/all", "takes `Name=app` for a column of what lies below it"),
    ],
)
def test_a_folder_below_which_duckdb_reads_something_else_is_refused(
    tmp_path: Path, folder: str, fact: str
) -> None:
    root = tmp_path / folder
    done = tracemill("run", TOP / "tests/samples/cases", "--warehouse", root)
    assert (done.exit_code, done.stderr) == (
        2,
        f"tracemill: {root}: DuckDB {fact}; choose another folder for the warehouse\n",
    )
    assert list(tmp_path.iterdir()) == []


@pytest.mark.sampled
def test_a_folder_that_is_named_for_no_column_is_taken_as_it_is(demo: Path, tmp_path: Path) -> None:
    root = tmp_path / "team=a [b]'c%20*"
    shutil.copytree(demo, root)
    query = "select count(*) as n from profile_samples group by capture_id order by 1"
    answers = [tracemill("sql", query, "--warehouse", place).stdout for place in (demo, root)]
    assert answers[0] == answers[1] != ""


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_prints_a_script_for_each_shell(shell: str) -> None:
    done = tracemill("completion", shell, "--print")
    assert (done.exit_code, "_TRACEMILL_COMPLETE" in done.stdout) == (0, True)


@pytest.mark.full
def test_ctrl_c_in_an_ingest_says_what_is_kept_and_the_same_command_goes_on(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tracemill", "ingest", str(TOP / "examples/artifacts"),
               "--warehouse", str(tmp_path / "w")]  # fmt: skip
    started = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
        preexec_fn=hear_ctrl_c,
    )  # fmt: skip
    try:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and not any(
            '"captures"' in commit.read_text() for commit in tmp_path.glob("w/log/*.json")
        ):
            time.sleep(0.05)
        os.killpg(started.pid, signal.SIGINT)  # as a terminal does: the workers hear it too
        _, said = started.communicate(timeout=60)
    finally:
        started.kill()
    assert started.returncode == 130, said
    last = said.rstrip().splitlines()[-1]
    assert last.startswith("stopped: ")
    assert last.endswith("captures of the 455 new files are kept; the same command goes on from there")
    assert "Traceback" not in said
    kept = int(last.split()[1])
    assert 0 < kept < 455
    again = tracemill("ingest", TOP / "examples/artifacts/b01", "--warehouse", tmp_path / "w")
    assert again.exit_code == 0, again.output


@pytest.mark.full
def test_ctrl_c_while_models_are_built_stops_without_a_traceback_and_leaves_nothing(
    demo: Path, tmp_path: Path
) -> None:
    warehouse = tmp_path / "w"
    shutil.copytree(demo, warehouse)
    before = sorted(path.name for path in warehouse.iterdir())
    command = [sys.executable, "-m", "tracemill", "build", "--full", "--warehouse", str(warehouse)]
    started = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, preexec_fn=hear_ctrl_c
    )
    try:
        assert started.stderr is not None
        assert started.stderr.readline().startswith("building models")
        time.sleep(1)  # into a query
        started.send_signal(signal.SIGINT)
        _, said = started.communicate(timeout=60)
    finally:
        started.kill()
    assert (started.returncode, said.rstrip().splitlines()[-1], "Traceback" in said) == (
        130,
        "stopped",
        False,
    )
    assert sorted(path.name for path in warehouse.iterdir()) == before


@pytest.mark.full
def test_a_folder_named_by_a_date_is_not_taken_for_a_build_in_silence(tmp_path: Path) -> None:
    where = ("--warehouse", tmp_path / "w")
    for build in ("b1", "b2"):
        folder = tmp_path / "artifacts/2026-01-31" / build / "1"
        folder.mkdir(parents=True)
        (folder / "bench.txt").write_text(f"BenchmarkA 100 {build[1]} ns/op\n")
    done = tracemill("ingest", tmp_path / "artifacts", *where)
    assert "2026-01-31 was read as a build, the folders in it as its runs" in done.stderr
    assert "--layout '*/{build}/{run}/*'" in done.stderr
    assert tracemill("forget", "--build", "2026-01-31", *where).exit_code == 0
    told = tracemill("ingest", tmp_path / "artifacts", "--layout", "*/{build}/{run}/*", *where)
    assert (told.exit_code, "was read as a build" in told.stderr) == (0, False)
    found = tracemill("sql", "select distinct build_id from captures order by 1", "--json", *where)
    assert json.loads(found.stdout) == [{"build_id": "b1"}, {"build_id": "b2"}]


def test_processes_of_this_machine_beside_a_cluster_are_refused(tmp_path: Path) -> None:
    for verb in ("run", "ingest"):
        found = tracemill(
            verb, tmp_path, "--processes", "2", "--on", "tcp://127.0.0.1:1", "--warehouse", tmp_path / "w"
        )
        assert found.exit_code == 2
        assert (
            "--processes is of this machine, and the cluster at tcp://127.0.0.1:1 does the work"
            in found.stderr
        )


HOSTILE = "\x1b[31mred\x1b]0;pwn\x07\x9b[bold]"


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """artifacts/, whose names would steer a terminal, and a warehouse w/ of them."""
    top = tmp_path_factory.mktemp("hostile")
    sample = TOP / "tests/samples/benchmarks/go1.27/bench.txt"
    for number in (1, 2):
        run = top / f"artifacts/{number}{HOSTILE}/1{HOSTILE}"
        run.mkdir(parents=True)
        shutil.copy(sample, run / f"bench{HOSTILE}.txt")
        (run / f"junk{HOSTILE}").write_text("junk")
        (run.parent.parent / f"stray{HOSTILE}").write_text("stray")
    tracemill("run", top / "artifacts", "--warehouse", top / "w")
    return top


@pytest.mark.sampled
@pytest.mark.parametrize(
    "words",
    [
        ["run", "artifacts", "--warehouse", "w2"], ["-v", "ingest", "artifacts", "--warehouse", "w3"],
        ["inspect", "BENCH"], ["inspect", "JUNK"], ["inspect", "nowhere" + HOSTILE], ["top", "JUNK"],
        ["sql", "--file", "JUNK", "select 1"], ["compare", "BENCH", "BENCH"], ["compare", "JUNK", "JUNK"],
        ["doctor"], ["builds"], ["verify"], ["top"], ["retention", "--keep", "raw=1d"], ["show", HOSTILE],
        ["gate", "--candidate", "1" + HOSTILE], ["gate", "--candidate", HOSTILE], ["regressions"],
        ["forget", "--build", "1" + HOSTILE, "--dry-run"], ["export", "out" + HOSTILE, "--format", "csv"],
        ["report", HOSTILE + ".html"], ["timeline", "JUNK"], ["run", "nowhere" + HOSTILE], ["sql", HOSTILE],
    ],
    ids=lambda words: f"{words[0]}-{words[-1][:6]!a}",
)  # fmt: skip
@pytest.mark.sampled
def test_names_of_files_do_not_steer_the_terminal(
    hostile: Path, words: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(hostile)
    monkeypatch.setenv("TRACEMILL_WAREHOUSE", "w")
    folder = Path(f"artifacts/1{HOSTILE}/1{HOSTILE}")
    files = {"BENCH": folder / f"bench{HOSTILE}.txt", "JUNK": folder / f"junk{HOSTILE}"}
    done = tracemill(*[files.get(word, word) for word in words])
    assert done.output.strip()
    assert [line for line in done.output.splitlines() if not line.isprintable()] == []


@pytest.mark.full
def test_the_bars_of_a_terminal_show_names_as_they_are(hostile: Path) -> None:
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "tracemill", "run", "artifacts", "--warehouse", "w4"]
    done = subprocess.Popen(command, cwd=hostile, stdin=theirs, stdout=theirs, stderr=theirs)
    os.close(theirs)
    shown = b""
    while piece := _read(ours):
        shown += piece
    os.close(ours)
    assert done.wait(60) == 1, shown
    assert b"red" in shown
    assert not any(part in shown for part in (b"\x1b[31mred", b"\x1b]0;", b"\x07"))


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 65536)
    except OSError:  # the other end is closed
        return b""


def test_every_message_passes_the_function_that_makes_names_visible() -> None:
    raw = re.compile(
        r"^.*(?:click\.echo|(?<!\w)print)\((?!json|script|visible|text, nl=False).*$", re.MULTILINE
    )
    found = [
        (str(file.relative_to(TOP)), line.strip())
        for file in sorted((TOP / "flows").rglob("*.py"))
        for line in raw.findall(file.read_text())
    ]
    assert found == []
