"""Texts out of journalctl -o export."""

from __future__ import annotations

import pytest

from tracemill.parsers.registry import captures
from tracemill.parsers.unwrap.journal_export import is_export, text_of_export

DUMP = (
    "goroutine 1 [running]:\nmain.main()\n\t/app/main.go:9 +0x1d\n\n"
    "goroutine 7 [select]:\nmain.serve()\n\t/app/main.go:20 +0x2d\ncreated by main.main in goroutine 1\n"
    "\t/app/main.go:8 +0x1a\n"
)


def entry(message: str, number: int, pid: int = 12) -> bytes:
    """As journald exports it: what holds a tab goes by its size."""
    head = f"__CURSOR=s=abc;i={number:x}\n__REALTIME_TIMESTAMP=170000000000000{number % 10}\n_PID={pid}\n"
    text = message.encode()
    if b"\t" not in text and b"\n" not in text:
        return head.encode() + b"MESSAGE=" + text + b"\n\n"
    return head.encode() + b"MESSAGE\n" + len(text).to_bytes(8, "little") + text + b"\n\n"


@pytest.mark.parametrize(
    "messages", [DUMP.rstrip("\n").split("\n"), [DUMP.rstrip("\n")]], ids=["lines", "one"]
)
def test_a_dump_in_the_export_format_has_its_goroutines(messages, tmp_path):
    path = tmp_path / "journal.export"
    path.write_bytes(b"".join(entry(m, n) for n, m in enumerate(messages)))
    [found] = captures(path)
    assert found.tables()["goroutine_dump"]["goroutine_id"].to_pylist() == [1, 7]
    assert not found.issues


def test_entries_of_processes_that_take_turns_are_put_together_by_process():
    log = entry("a1", 1, 1) + entry("b1", 2, 2) + entry("a2", 3, 1)
    assert is_export(log)
    assert text_of_export(log) == b"a1\na2\nb1\n"


@pytest.mark.parametrize("end", range(1, 120))
def test_a_cut_export_gives_what_is_left(end):
    log = entry("first", 1) + entry("x\ty", 2)
    assert text_of_export(log[:end]) in {b"", b"first\n"} | {b"first"[:n] + b"\n" for n in range(5)}


def test_a_size_beyond_the_end_takes_what_is_left():
    log = entry("first", 1) + b"__CURSOR=x\nMESSAGE\n" + b"\xff" * 8 + b"rest"
    assert text_of_export(log) == b"first\nrest\n"
