"""Go's own tiny traces of rare scheduler cases, read from its source: the same events, the same outcome."""

from __future__ import annotations

import itertools
import re
from pathlib import Path

import go
import pytest

from tests.exectrace.golines import go_events, our_events
from tests.exectrace.reading import Reading, read
from tests.exectrace.texttrace import gos_test, to_bytes
from tracemill.parsers.api import ParseError

TESTS = sorted((Path(go.__file__).parent / "src/internal/trace/testdata/tests").glob("*.test"))


def test_there_are_22_of_gos_traces():
    assert len(TESTS) >= 22


@pytest.mark.parametrize("path", TESTS, ids=lambda path: path.stem)
def test_gos_text_trace_has_the_same_outcome(path, tmp_path):
    content, is_accepted = gos_test(path)
    trace = tmp_path / "text.trace"
    trace.write_bytes(content)
    expected, error = go_events(trace)
    assert is_accepted == (not error)
    try:
        reading = read(trace, raw_events=True)
    except ParseError:
        assert not is_accepted
        # We count a first synchronisation alone as nothing; else events before the failure are kept.
        assert len(expected) == 1
        return
    assert reading.facts.is_salvaged == (not is_accepted)
    start = int(re.search(r"Time=(\d+)", expected[0])[1])
    for ours, gos in itertools.zip_longest(our_events(reading.tables, start), expected):
        assert ours == gos


HEAD = """
Trace Go1.22
EventBatch gen=1 m=0 time=0 size={size}
{events}
EventBatch gen=1 m=18446744073709551615 time=0 size=5
Frequency freq=15625000
"""


def small_trace(tmp_path, *events: str) -> Reading:
    size = len(to_bytes("Trace Go1.22\n" + "\n".join(events))) - 16
    trace = tmp_path / "small.trace"
    strings = 'EventBatch gen=1 m=18446744073709551615 time=0 size=6\nStrings\nString id=1\ndata="kB"\n'
    trace.write_bytes(to_bytes(HEAD.format(size=size, events="\n".join(events)) + strings))
    return read(trace, raw_events=True)


RUNNING = ("ProcStatus dt=1 p=0 pstatus=1", "GoStatus dt=1 g=1 m=0 gstatus=2")


def test_regions_from_before_the_capture_lie_outside_of_all(tmp_path):
    end = "UserRegionEnd dt=1 task=0 name_string=1 stack=0"
    begin = "UserRegionBegin dt=1 task=0 name_string=1 stack=0"
    reading = small_trace(tmp_path, *RUNNING, end, begin, end, end)
    regions = reading.tables["trace_regions"].to_pylist()
    assert [(r["nesting"], r["is_complete"]) for r in regions] == [(-1, False), (0, True), (-2, False)]


def test_a_region_that_ends_twice_is_told_and_has_one_row(tmp_path):
    begin = "UserRegionBegin dt=1 task={task} name_string=1 stack=0"
    end = "UserRegionEnd dt=1 task={task} name_string=1 stack=0"
    steps = (
        begin.format(task=1),
        begin.format(task=2),
        end.format(task=2),
        end.format(task=2),
        end.format(task=1),
    )
    reading = small_trace(tmp_path, *RUNNING, *steps)
    regions = reading.tables["trace_regions"].to_pylist()
    assert [(r["task_id"], r["nesting"], r["is_complete"]) for r in regions] == [(2, 1, True), (1, 0, True)]
    assert [i.message.split(":")[0] for i in reading.issues] == ["1 regions end where they may not"]
    assert reading.issues[0].position.startswith("byte ")


def test_a_task_that_ends_twice_is_one_row(tmp_path):
    end = "UserTaskEnd dt=1 task=7 stack=0"
    reading = small_trace(tmp_path, *RUNNING, end, end)
    tasks = reading.tables["trace_tasks"].to_pylist()
    assert [(t["task_id"], t["is_complete"], t["name"]) for t in tasks] == [(7, False, None)]


def test_an_event_that_contradicts_the_state_names_its_place(tmp_path):
    reading = small_trace(tmp_path, *RUNNING, "GoSyscallEnd dt=1")
    assert [i.position for i in reading.issues] == ["byte 30, generation 1"]
    assert "goroutine 1 is not in the state that the event ends" in reading.issues[0].message
