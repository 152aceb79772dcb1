"""What the tables of a trace promise, whatever the program."""

from __future__ import annotations

import pickle
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

from tests.exectrace.reading import collect, read
from tests.exectrace.record import SAMPLES, VERSIONS
from tracemill.parsers import exectrace
from tracemill.parsers.api import Options
from tracemill.parsers.exectrace import capture, spec
from tracemill.parsers.exectrace.order import Scheduler
from tracemill.parsers.unwrap.source import Source

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def reading(samples):
    return read(samples["1.27"])


def test_every_table_of_a_trace_is_filled(reading):
    expected = {
        "goroutines", "goroutine_cycles", "goroutine_intervals", "trace_ranges", "trace_metrics",
        "trace_cpu_samples",
        "trace_tasks", "trace_regions", "trace_logs", "stacks", "named_addresses",
    }  # fmt: skip
    assert set(reading.tables) == expected
    assert not reading.issues


@pytest.mark.parametrize("version", VERSIONS)
def test_intervals_of_a_goroutine_leave_no_gap_and_do_not_overlap(samples, version):
    reading = read(samples[version])
    tables = reading.tables
    goroutines, intervals = tables["goroutines"], tables["goroutine_intervals"]  # noqa: F841 - DuckDB finds them
    wrong = duckdb.sql("""
        with steps as (
            select goroutine_id, start_ns, start_ns + duration_ns as end_ns,
                lead(start_ns) over (partition by goroutine_id order by start_ns) as next_ns
            from intervals
        )
        select * from steps where next_ns is not null and next_ns != end_ns or end_ns < start_ns
    """).fetchall()
    assert not wrong
    duration_ns = reading.facts.duration_ns
    spans = duckdb.sql(f"""
        select goroutine_id, min(start_ns), max(start_ns + duration_ns),
            any_value(coalesce(created_ns, 0)), any_value(coalesce(ended_ns, {duration_ns}))
        from intervals join goroutines using (goroutine_id) group by all
    """).fetchall()
    assert len(spans) == goroutines.num_rows
    assert all((start, end) == (created, ended) for _, start, end, created, ended in spans)


def test_grains_are_unique(reading):
    for name, key in {
        "goroutines": "goroutine_id",
        "goroutine_cycles": "goroutine_id, end_ns, waiting_ns, syscall_ns, runnable_ns, running_ns",
        "goroutine_intervals": "goroutine_id, start_ns",
        "trace_ranges": "start_ns, name, scope",
        "trace_tasks": "task_id",
        "trace_regions": "goroutine_id, start_ns, nesting",
        "stacks": "stack_id",
    }.items():
        rows = reading.tables[name]  # noqa: F841 - DuckDB finds it
        assert duckdb.sql(f"select count(*) = count(distinct ({key})) from rows").fetchall() == [(True,)], (
            name
        )


def test_a_trace_with_misused_regions_is_read_to_its_end():
    reading = read(SAMPLES / "misused-regions.trace.xz")
    regions = sorted(reading.tables["trace_regions"].to_pylist(), key=lambda r: (r["start_ns"], r["nesting"]))
    assert [(r["name"], r["nesting"], r["is_complete"]) for r in regions] == [
        ("good-before", 0, True),
        ("crossed", 0, False),  # its end on another goroutine is left out
        ("outer", 1, True),
        ("inner", 1, True),
        ("twice", 1, True),
        ("good-after", 1, True),
    ]
    assert not reading.facts.is_salvaged
    [issue] = reading.issues
    assert (issue.severity, issue.position) == ("info", "byte 349, generation 1")
    assert issue.message.startswith("3 regions end where they may not: ")


def test_annotations_of_the_program_are_told(reading):
    tasks = {row["name"]: row for row in reading.tables["trace_tasks"].to_pylist()}
    assert tasks["round"]["is_complete"]
    assert tasks["child"]["parent_task_id"] == tasks["round"]["task_id"]
    assert not tasks["unfinished"]["is_complete"]
    regions = reading.tables["trace_regions"].to_pylist()
    assert {(r["name"], r["nesting"]) for r in regions if r["is_complete"]} == {
        ('outer "quoted"', 0),
        ("inner", 1),
    }
    messages = [row["message"] for row in reading.tables["trace_logs"].to_pylist()]
    assert "värde\t3" in messages
    assert "from goroutine 4" in messages


def test_a_wait_names_who_ended_it(reading):
    rows = reading.tables["goroutine_intervals"].to_pylist()
    waits = [
        r for r in rows if r["state"] == "waiting" and r["reason"] == "chan receive" and r["is_complete"]
    ]
    assert waits
    assert all(r["stack_id"] is not None for r in waits)
    assert any(r["waker_goroutine_id"] is not None and r["waker_stack_id"] is not None for r in waits)


def test_facts_tell_format_start_and_duration(samples):
    facts = read(samples["1.27"]).facts
    assert (facts.kind, facts.labels, facts.is_salvaged) == ("trace", {"trace_format": "go 1.26"}, False)
    assert facts.duration_ns > 10**7
    assert facts.started_at_ns > 1.6e18
    assert read(samples["1.22"]).facts.started_at_ns is None


@pytest.mark.parametrize("chunk_bytes", [1, 4097, 1 << 22])
def test_chunk_size_changes_nothing(samples, chunk_bytes):
    for version in ("1.23", "1.27"):
        whole = read(samples[version], raw_events=True)
        source = Source(samples[version])
        other = capture.Capture(
            source, Options(raw_events=True), spec_version(source), chunk_bytes=chunk_bytes
        )
        assert collect(other.items()).tables == whole.tables


def spec_version(source) -> int:
    return capture.wire.read_version(source.head)


def test_compressed_trace_gives_the_same_tables(samples):
    packed = Path(__file__).parent / "samples" / "mixed-1.26.trace.gz"
    assert read(packed).tables == read(samples["1.26"]).tables


def test_batches_held_by_a_consumer_are_not_overwritten(samples, monkeypatch):
    monkeypatch.setitem(Scheduler.__init__.__kwdefaults__, "rows", 64)
    held = list(exectrace.parse(Source(samples["1.27"]), Options(raw_events=True)))
    monkeypatch.undo()
    assert_same(collect(held).tables, read(samples["1.27"], raw_events=True).tables)


def assert_same(some, others) -> None:
    assert some.keys() == others.keys()
    for name, table in some.items():
        assert table.to_pylist() == others[name].to_pylist(), name


UNCOMPILED = """
import pathlib, pickle, sys
from tests.exectrace import checked
checked.use_uncompiled()
from tests.exectrace.reading import read
sys.stdout.buffer.write(pickle.dumps(read(pathlib.Path(sys.argv[1]), raw_events=True).tables))
"""


@pytest.mark.parametrize("version", ["1.22", "1.27"])
@pytest.mark.full
def test_uncompiled_kernels_give_the_same_tables(samples, version):
    command = [sys.executable, "-c", UNCOMPILED, str(samples[version])]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, check=True)
    assert pickle.loads(done.stdout) == read(samples[version], raw_events=True).tables


def test_sniff_knows_every_header_and_nothing_else():
    for version in (*spec.V1, *spec.V2, 99):
        assert exectrace.sniff(f"go 1.{version} trace\0\0\0".encode())
    for head in (b"", b"go 1.22 trace", b"goroutine 1 [running]:", b"\x1f\x8b", b"go 1.x trace\0\0\0"):
        assert not exectrace.sniff(head)
