"""timeline: goroutines side by side, from the warehouse and straight from a file."""

from __future__ import annotations

import json
import re
import shutil
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from click.testing import CliRunner

from tracemill.flows.cli import main
from tracemill.flows.show.card import lanes_in
from tracemill.flows.show.card_incident import incidents, window_of
from tracemill.flows.show.lanes import Interval, Lane, Window, columns, lanes_of, runs
from tracemill.flows.show.lanes_drawing import drawing
from tracemill.flows.show.lanes_terminal import as_text
from tracemill.flows.show.timeline import Asked
from tracemill.flows.show.timeline import timeline as timeline_of
from tracemill.warehouse import connect

TRACE = Path(__file__).parents[1] / "examples/artifacts/b08/r1/trace.out.xz"


def timeline(*words: str, code: int = 0) -> str:
    done = CliRunner().invoke(main, ["timeline", *words])
    assert done.exit_code == code, done.output
    return done.output


def test_around_a_verdict_it_shows_the_convoy(demo: Path) -> None:
    text = timeline("--around", "b08", "--warehouse", str(demo))
    lines = text.splitlines()
    assert lines[0] == "The /order of b08 that it held up longest: 31.9 ms"
    assert sum("cache.(*Prices).Lookup x" in line for line in lines) > 8
    assert any(line.startswith("▶ G") for line in lines)
    assert max(map(len, lines)) <= 80


def test_the_slowest_task_of_a_name_is_shown_of_the_newest_or_a_named_build(demo: Path) -> None:
    where = ("--warehouse", str(demo))
    assert "The slowest /browse in b13/" in timeline("--task", "/browse", *where)
    assert "The slowest /order in b08/r1/trace.out.xz: 31.9 ms" in timeline(
        "--task", "/order", "--slowest", "--build", "b08", *where
    )
    assert "no task '/orders'; did you mean '/order'?" in timeline("--task", "/orders", *where, code=2)


def test_a_file_is_enough(tmp_path: Path) -> None:
    trace = shutil.copy(TRACE, tmp_path / "some.xz")
    text = timeline(str(trace), "--slowest", "--svg", str(tmp_path / "lanes.svg"))
    assert "wrote" in text
    svg = ET.parse(tmp_path / "lanes.svg").getroot()
    assert svg.tag == "{http://www.w3.org/2000/svg}svg"
    assert "waits for the lock 28.7 ms, cache.(*Prices).Lookup" in [t.text for t in svg.iter() if t.text]
    whole = json.loads(timeline(str(trace), "--json", "--from", "100", "--to", "103.5", "--lanes", "3"))
    assert (whole["from_ns"], whole["to_ns"]) == (100_000_000, 103_500_000)
    assert len(whole["lanes"]) == 3
    for lane in whole["lanes"]:
        for interval in lane["intervals"]:
            assert interval["start_ns"] < 103_500_000
            assert interval["start_ns"] + interval["duration_ns"] > 100_000_000


def test_around_what_is_no_waiting_it_shows_the_slowest_task_of_the_build(demo: Path) -> None:
    assert "The slowest /" in timeline("--around", "b05", "--warehouse", str(demo))
    assert " in b05/" in timeline("--around", "Touch", "--warehouse", str(demo))


def test_what_is_no_trace_is_told(tmp_path: Path) -> None:
    heap = shutil.copy(TRACE.with_name("heap.pb.gz"), tmp_path)
    assert "no execution trace in what was given" in timeline(str(heap), code=2)
    assert "from 5 ms to 4 ms is no time" in timeline(str(TRACE), "--from", "5", "--to", "4", code=2)


def test_an_exemplar_outlives_the_raw_intervals(demo: Path) -> None:
    with connect(demo) as connection:
        incident = next(i for i in incidents(connection) if i.seen_build_id == "b08")
        window = window_of(connection, incident)
        assert window
        raw = lanes_in(connection, window)
        connection.execute("create temp table goroutine_intervals as from goroutine_intervals limit 0")
        kept = lanes_in(connection, window)
    assert raw
    assert kept
    assert (raw.is_kept, kept.is_kept) == (False, True)
    focus = [
        [(i.start_ns, i.kind, i.function) for i in x.lanes[0].intervals if i.kind == "lock"]
        for x in (raw, kept)
    ]
    assert focus[0] == focus[1]
    assert len(kept.lanes) == len(raw.lanes)


def test_colours_are_for_terminals_and_change_no_words(demo: Path) -> None:
    with connect(demo) as connection:
        lanes = timeline_of(connection, Asked(around="b08"))
    plain, painted = (as_text(lanes, 80, is_coloured=c) for c in (False, True))
    assert "\x1b" not in "".join(plain)
    assert "\x1b[31mx" in "".join(painted)
    assert [re.sub(r"\x1b\[\d+m", "", line) for line in painted] == plain


def stay(
    goroutine: int, start: int, length: int, state: str, reason: str | None = None, waker: int | None = None
):
    return Interval(
        goroutine, None, start, length, state, reason, "app.f", "a.go", 1, waker, "app.g", "b.go", 2
    )


def test_lanes_are_of_whom_it_is_about_and_of_who_was_at_work() -> None:
    window = Window("c", "t", 0, 100, goroutine_id=7)
    found = lanes_of(
        window,
        [
            stay(7, 0, 60, "waiting", "sync", 9),
            stay(7, 60, 40, "running"),
            stay(8, 0, 100, "waiting", "chan receive"),
            stay(9, 0, 60, "running"),
            stay(10, 0, 5, "syscall"),
        ],
        most=2,
    )
    assert [lane.goroutine_id for lane in found.lanes] == [7, 9]
    assert found.left_out == 2
    # Of many requests the others are as short as 10 is: they do not wait for work.
    assert found.left_out_note == (
        "2 more goroutines are not shown: they ran, or waited for others, for less of this time"
    )
    assert found.left_out_note in " ".join(" ".join(as_text(found, 100)).split())
    assert drawing(found).note == found.left_out_note + "."
    assert [(w.at_ns, w.waker, w.woken) for w in found.wakes] == [(60, 1, 0)]


def test_who_waits_in_the_same_function_is_shown_whatever_for() -> None:
    window = Window("c", "t", 0, 100, function="app.f")
    elsewhere = stay(3, 0, 100, "waiting", "chan receive")._replace(function="app.other")
    found = lanes_of(window, [stay(2, 0, 100, "waiting", "chan receive"), elsewhere])
    assert [lane.goroutine_id for lane in found.lanes] == [2]


def test_the_wait_that_it_is_about_is_drawn_as_such_whatever_for_and_its_end_told_first() -> None:
    window = Window("c", "t", 0, 100, goroutine_id=7, function="app.f")
    locked = stay(8, 0, 99, "waiting", "sync", 9)._replace(function="app.other")
    found = lanes_of(
        window,
        [
            stay(7, 0, 60, "waiting", "select", 9),
            stay(7, 60, 40, "running"),
            locked,
            stay(9, 0, 100, "running"),
            stay(10, 0, 20, "waiting", "select", 9),
            stay(11, 0, 20, "waiting", "chan receive", 9),
        ],
    )
    kinds = {lane.goroutine_id: lane.intervals[0].kind for lane in found.lanes}
    assert kinds == {7: "lock", 8: "lock", 9: "running", 10: "lock", 11: "wait"}
    assert [found.lanes[w.woken].goroutine_id for w in found.wakes] == [7, 8, 10]
    assert found.instants()[0].goroutine_id == 7
    text = as_text(found, 80)
    assert "x waits for a lock or a full channel, or as ▶ does (select)" in text[1]
    assert text[-3] == "  at 60 ns G9 wakes G7 in b.go:2: waited: select 60 ns, app.f"


def test_the_programs_own_goroutines_come_before_those_of_the_runtime_and_of_capturing() -> None:
    def begun(interval: Interval, entry_function: str) -> Interval:
        return interval._replace(entry_function=entry_function)

    window = Window("c", "t", 0, 100, goroutine_id=7, function="app.f")
    stays = [
        begun(stay(7, 0, 100, "waiting", "select", 6), "runtime.main"),
        begun(stay(1, 0, 100, "syscall"), "os/signal.loop"),
        begun(stay(2, 0, 100, "syscall"), "runtime/pprof.profileWriter"),
        begun(stay(3, 0, 50, "waiting", "sync", 4)._replace(function="runtime.gc"), "runtime.gcBgMarkWorker"),
        begun(stay(4, 0, 100, "running"), "runtime.gcBgMarkWorker"),
        begun(stay(5, 0, 10, "running"), "app.serve"),
        begun(stay(6, 90, 10, "running"), "runtime.bgsweep"),
    ]
    found = lanes_of(window, stays)
    assert [lane.goroutine_id for lane in found.lanes] == [7, 4, 5, 6]
    assert [lane.goroutine_id for lane in lanes_of(window, stays, most=3).lanes] == [7, 5, 6]
    assert [(w.waker, w.woken) for w in found.wakes] == [(3, 0)]


def test_the_longer_part_of_a_column_counts() -> None:
    intervals = [stay(1, 0, 30, "running"), stay(1, 30, 70, "waiting", "sync")]
    assert columns(Window("c", "t", 0, 100), Lane(1, False, None, intervals), 1) == ["lock"]


@pytest.mark.parametrize("count", [1, 7, 100, 1000])
def test_a_column_has_the_state_that_took_most_of_it(count: int) -> None:
    intervals = [stay(1, i * 10, 10, ("running", "runnable")[i % 2]) for i in range(10)]
    drawn = columns(Window("c", "t", 0, 100), Lane(1, False, None, intervals), count)
    assert len(drawn) == count
    if count >= 100:
        assert drawn == [("running", "runnable")[i * 10 // count % 2] for i in range(count)]
    parts = [part for places in runs(drawn).values() for part in places]
    assert sum(width for _, width in parts) == count


def test_time_that_nothing_is_known_of_stays_empty() -> None:
    drawn = columns(Window("c", "t", 0, 100), Lane(1, False, None, [stay(1, 50, 10, "running")]), 10)
    assert drawn == ["", "", "", "", "", "running", "", "", "", ""]
