"""Dumps and panics as people have them: pasted, cut, one behind the other, in a log; which are a census."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from examples.toolchain import ToolchainError, go
from tracemill import parsers
from tracemill.parsers.goroutine_dump.words import REASONS, state_of
from tracemill.parsers.registry import FoundCapture

SAMPLES = Path(__file__).parents[1] / "samples" / "goroutine_dump"
DUMP = (SAMPLES / "go1.27" / "goroutines.txt").read_text()
PANIC = (SAMPLES / "go1.27" / "panic.all.txt").read_text()


def captures(tmp_path: Path, text: str) -> list[FoundCapture]:
    path = tmp_path / "dump.txt"
    path.write_text(text)
    return list(parsers.captures(path))


def rows(found: FoundCapture) -> list[dict]:
    return found.tables()["goroutine_dump"].to_pylist()


def ids(found: FoundCapture) -> list[int]:
    return [row["goroutine_id"] for row in rows(found)]


def statuses(found: FoundCapture) -> dict[int, str]:
    return {row["goroutine_id"]: row["stack_status"] for row in rows(found)}


def depths(found: FoundCapture) -> list[int]:
    stacks = {r["stack_id"]: r["functions"] for r in found.tables()["stacks"].to_pylist()}
    return [len(stacks.get(row["stack_id"], ())) for row in rows(found)]


PASTED = {
    "eight blanks for a tab": lambda text: text.replace("\t", " " * 8),
    "four blanks": lambda text: text.replace("\t", "    "),
    "one blank": lambda text: text.replace("\t", " "),
    "no blank at all": lambda text: text.replace("\t", ""),
    "no empty lines": lambda text: text.replace("\n\n", "\n"),
    "indented": lambda text: re.sub(r"^(?=.)", "      ", text, flags=re.MULTILINE),
    "blanks at line ends": lambda text: re.sub(r"$", "  ", text, flags=re.MULTILINE),
    "words before and behind": lambda text: f"This is what I saw:\n{text.rstrip()}\nexit status 2\n",
    "in a fence": lambda text: f"```\n{text.rstrip()}\n```\nand then it hung.\n",
}


@pytest.mark.parametrize("paste", PASTED.values(), ids=PASTED)
@pytest.mark.parametrize("sample", ["goroutines.txt", "panic.all.txt", "maps.all.txt", "deadlock.single.txt"])
def test_a_pasted_dump_reads_like_the_dump(sample, paste, tmp_path):
    text = (SAMPLES / "go1.27" / sample).read_text()
    (plain,) = captures(tmp_path, text)
    (found,) = captures(tmp_path, paste(text))
    assert found.tables() == plain.tables()
    assert (found.facts.kind, found.issues) == (plain.facts.kind, plain.issues)


def test_what_testing_logs_is_read(tmp_path):
    stack = (
        "runtime/debug.Stack()\n\t/src/runtime/debug/stack.go:26 +0x5e\n"
        "main.TestLog(0x3c02)\n\t/src/main_test.go:36 +0x18\n"
        "created by testing.(*T).Run in goroutine 1\n\t/src/testing/testing.go:2260 +0x4d4\n"
    )
    text = "=== RUN   TestLog\n    main_test.go:36: stack: goroutine 18 [running]:\n" + "".join(
        f"        {line}\n" for line in stack.splitlines()
    )
    text += "--- PASS: TestLog (0.00s)\nPASS\n"
    (found,) = captures(tmp_path, text)
    assert (found.facts.kind, ids(found), depths(found)) == ("crash_report", [18], [2])
    assert rows(found)[0]["created_by"] == "testing.(*T).Run"


def test_dumps_one_behind_the_other_are_captures_of_their_own(tmp_path):
    text = "".join(f"2026-11-25T10:0{i}:00Z\n{DUMP}" for i in range(3))
    found = captures(tmp_path, text)
    (one,) = captures(tmp_path, DUMP)
    assert [c.facts.kind for c in found] == ["goroutine_dump"] * 3
    assert all(c.tables() == one.tables() for c in found)
    times = [c.facts.captured_at_ns for c in found]
    assert [t - times[0] for t in times] == [0, 60 * 10**9, 120 * 10**9]


@pytest.mark.parametrize("between", ["", "\n", "some words\n"])
def test_the_goroutine_that_took_a_dump_belongs_to_it(between, tmp_path):
    # Another one takes it each time, so no number comes again before the second of the second dump.
    dump = "goroutine {} [running]:\nmain.dump()\n\t/a.go:1 +0x1\n\n" + "".join(
        f"goroutine {i} [select]:\nmain.f()\n\t/a.go:2 +0x1\n\n" for i in (1, 2, 3)
    )
    found = captures(tmp_path, dump.format(50) + between + dump.format(51) + between + dump.format(52))
    assert [ids(c) for c in found] == [[50, 1, 2, 3], [51, 1, 2, 3], [52, 1, 2, 3]]


@pytest.mark.parametrize(
    "innermost",
    [
        "syscall.Syscall(0x0, 0x9, 0x1)\n\t/go/src/syscall/syscall_linux.go:74 +0x25",
        "internal/runtime/syscall/linux.Syscall6(0x0)\n\t/go/src/internal/runtime/syscall/asm.s:36 +0xe",
        "golang.org/x/sys/unix.EpollWait(0x3)\n\t/mod/golang.org/x/sys/unix/zsyscall_linux.go:56 +0x6b",
        "runtime.cgocall(0x401050, 0xc000080e78)\n\t/go/src/runtime/cgocall.go:167 +0x4b",
        "os/signal.signal_recv()\n\t/go/src/runtime/sigqueue.go:152 +0x98",
    ],
    ids=lambda text: text.partition("(")[0],
)
@pytest.mark.parametrize("place", [1, -1])
def test_a_goroutine_that_returns_from_a_system_call_begins_no_other_dump(innermost, place, tmp_path):
    parts = DUMP.rstrip("\n").split("\n\n")
    parts.insert(place, f"goroutine 9999 [running]:\n{innermost}\nmain.work()\n\t/src/main.go:7 +0x1")
    (found,) = captures(tmp_path, "\n\n".join(parts) + "\n")
    assert found.facts.kind == "goroutine_dump"
    assert len(ids(found)) == len(parts)


def test_a_dump_with_lines_of_a_log_between_its_goroutines_is_one(tmp_path):
    text = DUMP.replace("\n\n", "\n\nrequest served\n")
    (found,) = captures(tmp_path, text)
    assert len(ids(found)) == DUMP.count("goroutine ") - DUMP.count("in goroutine ")


RECOVERED = """2026/11/25 10:00:0{0} http: panic serving 10.0.0.1:1234: {1}
goroutine 1 [running]:
runtime/debug.Stack()
	/src/runtime/debug/stack.go:26 +0x5e
main.main.func6.1()
	/src/main.go:80 +0x45
panic({{0x5d6628?, 0x5ee030?}})
	/src/runtime/panic.go:859 +0x125
main.handle{0}(0x0)
	/src/main.go:106 +0x3e

"""


def test_recovered_panics_are_reports_of_one_capture(tmp_path):
    text = "".join(RECOVERED.format(i, f"kind {i}") for i in range(3))
    (found,) = captures(tmp_path, text)
    assert (found.facts.kind, found.issues) == ("crash_report", [])
    assert [(r["report_index"], r["goroutine_id"]) for r in rows(found)] == [(0, 1), (1, 1), (2, 1)]
    assert len({r["stack_id"] for r in rows(found)}) == 3
    assert found.facts.labels == {"crash": "http: panic serving 10.0.0.1:1234: kind 0", "reports": "3"}


@pytest.mark.parametrize(
    "sample", ["panic.all.txt", "maps.all.txt", "quit.system.txt", "deadlock.single.txt"]
)
@pytest.mark.parametrize("version", ["go1.21", "go1.22", "go1.24", "go1.27"])
def test_a_crash_report_is_no_dump(version, sample, tmp_path):
    (found,) = captures(tmp_path, (SAMPLES / version / sample).read_text())
    assert found.facts.kind == "crash_report"


def test_a_log_with_a_dump_and_panics_gives_both(tmp_path):
    found = captures(tmp_path, PANIC + "restarted\n" + DUMP + "restarted\n" + PANIC)
    assert [c.facts.kind for c in found] == ["goroutine_dump", "crash_report"]
    (dump,), (panic,) = captures(tmp_path, DUMP), captures(tmp_path, PANIC)
    assert found[0].tables()["goroutine_dump"] == dump.tables()["goroutine_dump"]
    assert len(rows(found[1])) == 2 * len(rows(panic))
    assert {r["report_index"] for r in rows(found[1])} == {0, 1}


def test_a_profile_of_one_goroutine_is_a_dump(tmp_path):
    text = "goroutine 1 [running]:\nruntime/pprof.writeGoroutineStacks({0x1, 0x2})\n\t/p.go:1 +0x1\n"
    (found,) = captures(tmp_path, text)
    assert found.facts.kind == "goroutine_dump"


LAST = (
    "goroutine 9999 [chan receive]:\nmain.work(0x1, 0x2)\n\t/home/ci/main.go:39 +0xb7\n"
    "created by main.main in goroutine 1\n\t/home/ci/main.go:12 +0x2f\n"
)


def test_a_cut_dump_is_salvaged_wherever_the_cut_can_be_seen(tmp_path):
    for length in range(1, len(LAST) + 1):
        text = LAST[:length]
        (found,) = captures(tmp_path, DUMP + text)
        if "]:" not in text:
            assert 9999 not in ids(found)
            continue
        # Cut inside an offset, or behind a whole frame: no one can tell.
        is_whole = re.search(r"\+0x[0-9a-f]+\n?$", text) is not None
        assert statuses(found)[9999] == ("ok" if is_whole else "cut"), text
        assert found.facts.is_salvaged == (not is_whole)
        said = [] if is_whole else ["the text ends inside its stack: was it copied whole?"]
        assert [i.message for i in found.issues] == said


def test_frames_left_out_are_marked_where_they_were(tmp_path):
    (found,) = captures(tmp_path, PANIC)
    row = next(r for r in rows(found) if r["goroutine_id"] == 1)
    left_out = int(re.search(r"\.\.\.(\d+) frames elided", PANIC)[1])
    assert (row["stack_status"], row["elided_frames"]) == ("elided", left_out)
    (stack,) = (r for r in found.tables()["stacks"].to_pylist() if r["stack_id"] == row["stack_id"])
    assert stack["functions"][50] == "runtime.(frames elided)"


def test_a_stack_of_other_lines_is_lost_and_told(tmp_path):
    text = "goroutine 5 [select]:\n<redacted>\n<redacted>\n\n" + DUMP
    (found,) = captures(tmp_path, text)
    assert statuses(found)[5] == "lost"
    assert [i.severity for i in found.issues] == ["data_loss"]


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ("select (durable), synctest bubble 3", ("select (durable)", "select", None, 3)),
        (
            "chan receive (synctest), 2 minutes, synctest group 4",
            ("chan receive (synctest)", "chan receive", 2, 4),
        ),
        ("chan receive (nil chan) (leaked)", ("chan receive (nil chan)", "forever", None, None)),
        ("???", ("???", None, None, None)),
    ],
)
def test_states_of_every_shape(status, expected):
    state = state_of(status)
    assert (state.state, state.reason, state.wait_minutes, state.bubble_id) == expected
    assert state.is_leaked == status.endswith("(leaked)")


def assert_reasons_are_those_of(version: str) -> None:
    """Every wait of runtime2.go is known, and stands beside the trace's reason that gopark is called with."""
    runtime = go(version).parents[1] / "src" / "runtime"
    tables = (runtime / "runtime2.go").read_text() + "".join(p.read_text() for p in runtime.glob("trace*.go"))
    waits = dict(re.findall(r"^\t(waitReason\w+): +\"(.*)\",", tables, re.MULTILINE))
    waits.pop("waitReasonZero", None)
    assert len(waits) > 25
    words = {name: re.sub(r" \((?:durable|synctest)\)$", "", word) for name, word in waits.items()}
    assert set(words.values()) <= set(REASONS)
    blocks = dict(re.findall(r"^\t(traceBlock\w+): +\"(.*)\",", tables, re.MULTILINE))
    code = "".join(p.read_text() for p in runtime.glob("*.go"))
    parked = set(re.findall(r"\b(waitReason\w+), (traceBlock\w+)", code))
    for wait, block in parked:
        if wait in words and block in blocks and block != "traceBlockGeneric":
            assert REASONS[words[wait]] == blocks[block], wait
    if blocks:
        assert len(parked) > 15


def test_the_reasons_of_waits_are_those_of_the_runtime():
    assert_reasons_are_those_of("1.27")


@pytest.mark.full
@pytest.mark.parametrize("version", ["1.21", "1.22", "1.23", "1.24", "1.25", "1.26"])
def test_the_reasons_of_waits_are_those_of_every_runtime(version):
    try:
        assert_reasons_are_those_of(version)
    except ToolchainError as error:
        pytest.fail(str(error))
