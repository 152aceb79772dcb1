from __future__ import annotations

import re
import time
from collections import Counter
from pathlib import Path

import pytest

from tests.parsers import reading

SAMPLES = Path(__file__).parents[1] / "samples" / "goroutine_dump"
FILES = sorted(SAMPLES.glob("*/*.txt"))
VERSIONS = sorted(p.name for p in SAMPLES.iterdir())


def name_of(path: Path) -> str:
    return f"{path.parent.name}/{path.name}"


def read(path: Path) -> tuple[dict[int, dict], dict[int, dict]]:
    tables = reading.tables(reading.items("goroutine_dump", path))
    stacks = {r["stack_id"]: r for r in tables["stacks"].to_pylist()}
    return {r["goroutine_id"]: r for r in tables["goroutine_dump"].to_pylist()}, stacks


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "dump.txt"
    path.write_text(text)
    return path


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_every_goroutine_and_frame_is_there(path):
    rows, stacks = read(path)
    text = path.read_text()
    ids = {int(i) for i in re.findall(r"^goroutine (\d+)\b.*:$", text, re.MULTILINE)}
    assert set(rows) == ids - {0}
    places = Counter(re.findall(r"^\t(\S+:\d+)", text, re.MULTILINE))
    ours = Counter()
    for row in rows.values():
        for stack in (row["stack_id"], row["creation_stack_id"]):
            if stack is not None:
                ours.update(
                    f"{f}:{n}"
                    for f, n in zip(stacks[stack]["files"], stacks[stack]["lines"], strict=True)
                    if f  # what stands for frames that were left out has no place
                )
    # A thread's own stack (goroutine 0) and a goroutine printed twice are in the text alone.
    assert not ours - places
    if len(ids) == len(re.findall(r"^goroutine \d+\b.*:$", text, re.MULTILINE)) and 0 not in ids:
        assert ours == places


@pytest.mark.parametrize("version", VERSIONS)
def test_dump_tells_states_locks_and_creators(version):
    rows, stacks = read(SAMPLES / version / "goroutines.txt")
    states = Counter((r["state"], r["reason"], r["is_locked_to_thread"]) for r in rows.values())
    assert states["chan receive", "chan receive", False] >= 4
    assert states["select", "select", True] == 1
    assert states["sync.Mutex.Lock", "sync", False] >= 1
    main = rows[1]
    assert (main["state"], main["created_by"], main["parent_goroutine_id"]) == ("running", None, None)
    child = next(r for r in rows.values() if r["is_locked_to_thread"])
    assert (child["created_by"], child["parent_goroutine_id"]) == ("main.park", 1)
    assert stacks[child["creation_stack_id"]]["functions"] == ["main.park"]
    assert stacks[child["stack_id"]]["functions"] == ["main.park.func2"]


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize(
    ("file", "crash"),
    [
        ("panic.all.txt", "panic: too deep"),
        ("maps.all.txt", "fatal error: concurrent map writes"),
        ("quit.system.txt", "SIGQUIT: quit"),
        ("deadlock.single.txt", "fatal error: all goroutines are asleep - deadlock!"),
    ],
)
def test_crash_report_says_what_ended_the_program(version, file, crash):
    found = reading.items("goroutine_dump", SAMPLES / version / file)
    # A panic's message is the value's; how it is printed differs between versions.
    assert reading.facts(found).labels["crash"].startswith(crash)


def test_panic_stack_cut_in_the_middle_keeps_both_ends():
    rows, stacks = read(SAMPLES / "go1.27" / "panic.all.txt")
    functions = stacks[rows[1]["stack_id"]]["functions"]
    assert functions[0] == "main.main.func1"
    assert functions[-1] == "main.main"
    assert functions.count("main.(*tree).depth") > 40


@pytest.mark.parametrize(
    "header",
    [
        "goroutine 5 [select (no cases), 2 minutes, locked to thread labels:{%s}]:",
        "goroutine 5 [select (no cases), 2 minutes, locked to thread] {%s}:",
    ],
    ids=["1.26", "1.27"],
)
def test_labels_of_a_header_are_those_that_were_set(header, tmp_path):
    # As Go 1.26 and 1.27 print them under GODEBUG=tracebacklabels=1.
    labels = r'"a": "b]c, d", "q": "x\"y\\ \u00fc\n", "raw": "\xff\x01\ud800\U0001f600"'
    rows, _ = read(written(tmp_path, f"{header % labels}\nmain.f()\n\t/src/f.go:1 +0x1\n"))
    assert rows[5]["labels"] == [("a", "b]c, d"), ("q", 'x"y\\ ü\n'), ("raw", "\ufffd\x01\ufffd\U0001f600")]
    state = [rows[5][name] for name in ("state", "reason", "wait_minutes", "is_locked_to_thread")]
    assert state == ["select (no cases)", "forever", 2, True]


def test_header_words_become_columns(tmp_path):
    text = (
        "goroutine 7 gp=0xc000 m=nil [chan receive (scan), 12 minutes, locked to thread] "
        '{route: /items, "a b": "x\\"y"}:\n'
        "main.f(0x1, {0x2, 0x3})\n\t/src/a b.go:10 +0x19 fp=0x1 sp=0x2 pc=0x3\n"
        "created by main.(*T).run.func1\n\t/src/a b.go:4 +0x1\n\n"
        "goroutine 8 [select (durable), synctest bubble 3]:\nmain.g(...)\n\t/src/g.go:1\n"
    )
    rows, stacks = read(written(tmp_path, text))
    seven = rows[7]
    assert (seven["state"], seven["reason"], seven["wait_minutes"]) == ("chan receive", "chan receive", 12)
    assert (seven["is_locked_to_thread"], seven["created_by"]) == (True, "main.(*T).run.func1")
    assert seven["labels"] == [("route", "/items"), ("a b", 'x"y')]
    assert (stacks[seven["stack_id"]]["files"], stacks[seven["stack_id"]]["lines"]) == (["/src/a b.go"], [10])
    assert (rows[8]["state"], rows[8]["reason"], rows[8]["wait_minutes"]) == (
        "select (durable)",
        "select",
        None,
    )


def test_unavailable_stack_is_a_goroutine_without_one(tmp_path):
    stack = "\tgoroutine running on other thread; stack unavailable\ncreated by main.f\n\ta.go:1\n"
    rows, _ = read(written(tmp_path, "goroutine 7 [running]:\n" + stack))
    assert (rows[7]["stack_id"], rows[7]["created_by"]) == (None, "main.f")
    assert rows[7]["stack_status"] == "unavailable"


def test_time_grows_with_the_goroutines_and_no_faster(tmp_path):
    blocks = [b for b in (SAMPLES / "go1.27" / "goroutines.txt").read_text().split("\n\n") if b.strip()]
    blocks = [b for b in blocks if "[running]" not in b]  # a second one begins another dump

    def seconds(count: int) -> float:
        many = (
            re.sub(r"^goroutine \d+", f"goroutine {i + 1}", blocks[i % len(blocks)]) for i in range(count)
        )
        path = written(tmp_path, "\n\n".join(many))
        started = time.process_time()
        found = reading.items("goroutine_dump", path)
        rows = next(b for b in found if getattr(b, "table", "") == "goroutine_dump")
        assert rows.rows.num_rows == count
        return time.process_time() - started

    seconds(1_000)  # what is imported on first use is no part of it
    # Ten times as many: ten times as long, with room for a busy machine. Were each
    # goroutine compared with each, it would be a hundred times.
    assert seconds(100_000) < 30 * seconds(10_000)


def test_a_hostile_header_takes_no_longer_than_its_length(tmp_path):
    def seconds(words: int) -> float:
        path = written(tmp_path, f"goroutine 1 [running{' labels:{' * words}]:x\n" * 2)
        started = time.process_time()
        reading.items("goroutine_dump", path)
        return time.process_time() - started

    seconds(10)
    assert seconds(100_000) < 0.1 + 30 * seconds(10_000)
