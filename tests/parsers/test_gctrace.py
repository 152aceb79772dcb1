from __future__ import annotations

from pathlib import Path

import pytest

from tests.parsers import reading

SAMPLES = Path(__file__).parents[1] / "samples" / "gctrace"
LINE = (
    "gc 3 @2.104s 2%: 0.018+1.1+0.003 ms clock, 0.14+0.35/1.0/3.0+0.024 ms cpu, 4->5->1 MB, 6 MB goal, "
    "0 MB stacks, 0 MB globals, 8 P"
)


def read(tmp_path: Path, text: str) -> tuple[list[dict], list]:
    path = tmp_path / "gc.txt"
    path.write_text(text)
    found = reading.items("gctrace", path)
    return reading.tables(found)["gc_cycles"].to_pylist(), reading.issues(found)


def test_every_figure_of_a_line_is_a_column(tmp_path):
    rows, issues = read(tmp_path, LINE + "\n")
    assert issues == []
    assert rows == [
        {
            "process_index": 0,
            "cycle": 3,
            "at_ns": 2_104_000_000,
            "gc_cpu_percent": 2.0,
            "stw_sweep_term_ns": 18_000,
            "mark_ns": 1_100_000,
            "stw_mark_term_ns": 3_000,
            "assist_cpu_ns": 350_000,
            "background_cpu_ns": 1_000_000,
            "idle_cpu_ns": 3_000_000,
            "heap_before_bytes": 4 << 20,
            "heap_after_bytes": 5 << 20,
            "heap_live_bytes": 1 << 20,
            "heap_goal_bytes": 6 << 20,
            "procs": 8,
            "is_forced": False,
        }
    ]


@pytest.mark.parametrize("path", sorted(SAMPLES.glob("*/*.txt")), ids=lambda p: p.parent.name)
def test_every_line_of_a_sample_is_a_cycle(path):
    found = reading.items("gctrace", path)
    rows = reading.tables(found)["gc_cycles"].to_pylist()
    assert len(rows) == path.read_text().count("ms clock") >= 2
    assert rows[-1]["is_forced"]
    assert reading.issues(found) == []


def test_lines_of_before_go_1_18_and_leak_checks_are_read(tmp_path):
    old = LINE.replace("0 MB stacks, 0 MB globals, ", "")
    leaks = LINE.replace("gc 3", "gc 4").replace("2%:", "2% (checking for goroutine leaks):")
    rows, issues = read(tmp_path, f"{old}\n{leaks} (forced)\n")
    assert [r["cycle"] for r in rows] == [3, 4]
    assert [r["is_forced"] for r in rows] == [False, True]
    assert issues == []


def test_line_behind_other_output_is_found_and_a_torn_one_is_an_issue(tmp_path):
    rows, issues = read(tmp_path, f"listening on :80{LINE}\nhello\n{LINE[:60]}\n")
    assert len(rows) == 1
    assert [(i.severity, i.position) for i in issues] == [("data_loss", "line 3")]


def test_every_cycle_of_a_line_is_read_and_each_torn_one_is_an_issue(tmp_path):
    second, third = (LINE.replace("gc 3 @2", f"gc {cycle} @{cycle}") for cycle in (4, 5))
    sched = SCHED.split("\n")[0]
    rows, issues = read(tmp_path, f"{LINE}{second}\n{LINE[:40]}{third} (forced){sched}{LINE[:70]}\n")
    assert [(r["cycle"], r["is_forced"]) for r in rows] == [(3, False), (4, False), (5, True)]
    assert [(i.severity, i.position) for i in issues] == [("data_loss", "line 2")] * 2
    assert [LINE[:40] in issues[0].message, LINE[:70] in issues[1].message] == [True, True]


def test_a_capture_with_a_torn_line_is_salvaged(tmp_path):
    path = tmp_path / "log"
    for text, is_salvaged in (
        (f"{LINE}\n{LINE[:60]}\n", True),
        (f"{LINE}\n{SCHED[:60]}\n", True),
        (f"{LINE}\n{SCHED}", False),
    ):
        path.write_text(text)
        assert reading.facts(reading.items("gctrace", path)).is_salvaged == is_salvaged


def test_every_state_of_the_scheduler_in_a_line_is_read_beside_cycles_and_what_has_no_table(tmp_path):
    path = tmp_path / "log"
    first, second, _ = SCHED.split("\n")
    path.write_text(f"{first}{second}{LINE}scav 0 KiB work \n{first[:60]}\n")
    found = reading.items("gctrace", path)
    assert len(reading.tables(found)["gc_cycles"]) == 1
    states = reading.tables(found)["scheduler_states"].to_pylist()
    assert [s["at_ns"] for s in states] == [0, 1_009_000_000]
    assert [s["local_run_queues"] for s in states] == [[0, 1, 2, 0], [0, 0, 0, 0]]
    assert [(i.severity, i.position) for i in reading.issues(found)] == [
        ("data_loss", "line 2"),
        ("info", ""),
    ]


def test_cycle_that_does_not_rise_begins_another_program(tmp_path):
    rows, _ = read(tmp_path, "\n".join(LINE.replace("gc 3", f"gc {n}") for n in (1, 2, 1, 2, 2)))
    assert [(r["process_index"], r["cycle"]) for r in rows] == [(0, 1), (0, 2), (1, 1), (1, 2), (2, 2)]


def test_a_time_that_falls_begins_another_program(tmp_path):
    # The logs of two pods, the second's from a later cycle on.
    lines = [
        LINE.replace("gc 3 @2.104s", f"gc {cycle} @{at}s") for cycle, at in ((3, 2.1), (4, 3.5), (7, 0.5))
    ]
    rows, _ = read(tmp_path, "\n".join(lines))
    assert [row["process_index"] for row in rows] == [0, 0, 1]


def test_a_goal_without_a_collector_is_kept_and_more_than_bytes_can_say_is_an_issue(tmp_path):
    line = "gc 7 @0.1s 3%: 0.4+4.5+0.1 ms clock, 0.8+0/0.8/3.3+0.1 ms cpu, 7->9->6 MB, {} MB goal, 2 P\n"
    path = tmp_path / "gctrace.txt"
    path.write_text(line.format(8796093022207) + line.format(8796093022208).replace("gc 7", "gc 8"))
    found = reading.items("gctrace", path)
    assert [i.position for i in reading.issues(found)] == ["line 2"]
    (batch,) = [b for b in found if getattr(b, "table", "") == "gc_cycles"]
    assert batch.rows.column("heap_goal_bytes").to_pylist() == [8796093022207 * 2**20]


SCHED = (
    "SCHED 0ms: gomaxprocs=4 idleprocs=2 threads=5 spinningthreads=1 needspinning=0 idlethreads=0 runqueue=3 "
    "[ 0 1 2 0 ] schedticks=[ 1 2 3 4 ]\n"
    "SCHED 1009ms: gomaxprocs=4 idleprocs=4 threads=8 spinningthreads=0 idlethreads=3 runqueue=0 [0 0 0 0]\n"
)


def test_lines_of_the_scheduler_are_a_table(tmp_path):
    path = tmp_path / "log"
    path.write_text(SCHED)
    assert reading.facts(reading.items("gctrace", path)).kind == "schedtrace"
    rows = reading.tables(reading.items("gctrace", path))["scheduler_states"].to_pylist()
    assert [
        (r["at_ns"], r["procs"], r["idle_procs"], r["run_queue"], r["local_run_queues"]) for r in rows
    ] == [
        (0, 4, 2, 3, [0, 1, 2, 0]),
        (1_009_000_000, 4, 4, 0, [0, 0, 0, 0]),
    ]


def test_a_comma_for_a_decimal_point_is_read(tmp_path):
    path = tmp_path / "log"
    path.write_text(
        "gc 1 @0,016s 19%: 0.053+36+0.016 ms clock, 0.21+36/4.9/39+0.066 ms cpu, 3->3->3 MB, 4 MB goal, 4 P\n"
        + SCHED
    )
    tables = reading.tables(reading.items("gctrace", path))
    assert tables["gc_cycles"]["at_ns"].to_pylist() == [16_000_000]
    assert tables["scheduler_states"].num_rows == 2


# As a program of Go 1.27.3 wrote them; long numbers are cut.
ALL_SETTINGS = (
    "pacer: assist ratio=1.4416 (scan 0 MB in 7->7 MB) workers=0+0.25\n"
    "pacer: 59% CPU (25 exp.) for 63416+1728+146826 B work (211786 B exp.) in 7465464 B -> 7547384 B "
    "(∆goal -64986, cons/mark 0)\n"
    "gc 2 @0.008s 4%: 0.051+0.18+0.012 ms clock, 0.10+0.16/0.024/0+0.025 ms cpu, 7->7->4 MB, 7 MB goal, "
    "0 MB stacks, 0 MB globals, 2 P\n"
    "pacer: sweep done at heap size 4MB; allocated 0MB during sweep; swept 940 pages at 0.0002 pages/byte\n"
    "scav 0 KiB work (bg), 0 KiB work (eager), 4416 KiB now, 77% util\n"
    "init internal/bytealg @0 ms, 0 ms clock, 0 bytes, 0 allocs\n"
    "init runtime @0.067 ms, 0.063 ms clock, 0 bytes, 0 allocs\n"
    "  P0: status=0 schedtick=0 syscalltick=0 m=nil runqsize=0 gfreecnt=0 timerslen=0\n"
    "  M3: p=nil curg=nil mallocing=0 throwing=0 preemptoff= locks=0 dying=0 spinning=false lockedg=nil\n"
    "  G1: status=1(chan receive) m=nil lockedm=nil\n"
    "  G17: status=6() m=1 lockedm=1\n"
)


def test_lines_of_other_settings_are_counted_and_named(tmp_path):
    path = tmp_path / "log"
    path.write_text(ALL_SETTINGS + SCHED)
    found = reading.items("gctrace", path)
    assert [(i.severity, i.message) for i in reading.issues(found)] == [
        (
            "info",
            "lines that have no table: 3 of gcpacertrace=1, 1 of scavtrace=1, 4 of scheddetail=1, "
            "2 of inittrace=1",
        )
    ]
    tables = reading.tables(found)
    assert (tables["gc_cycles"].num_rows, tables["scheduler_states"].num_rows) == (1, 2)
