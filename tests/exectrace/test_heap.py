"""heap_objects of traces recorded with GODEBUG=traceallocfree=1."""

from __future__ import annotations

import duckdb
import pytest

from tests.exectrace.reading import read
from tests.exectrace.record import record
from tests.exectrace.test_equal_to_go import assert_events_equal

ALLOCATED = 9000  # slices of 1024 bytes that one round of programs/mixed.go puts into maps


def check(version: str) -> None:
    trace = record("mixed", version, "1", godebug="traceallocfree=1")
    assert_events_equal(trace)
    reading = read(trace, raw_events=True)
    assert not reading.issues
    objects = reading.tables["heap_objects"]  # noqa: F841 - DuckDB finds it
    events = reading.tables["trace_events"]  # noqa: F841 - the same
    bytes_1024 = duckdb.sql("""
        select count(*) from objects where type_name = 'uint8' and size_bytes = 1024 and allocated_ns >= 0
    """).fetchall()[0][0]
    assert ALLOCATED <= bytes_1024 < ALLOCATED + 50
    # Every object that the sweeper frees is one that we know, by the slot it lay in.
    frees = duckdb.sql("select count(*) from events where event = 'HeapObjectFree'").fetchall()
    assert duckdb.sql("select count(freed_ns) from objects").fetchall() == frees
    known = duckdb.sql("select count(*) from objects where size_bytes is null").fetchall()
    assert known == [(0,)]
    maps = duckdb.sql("""
        select count(*), count(freed_ns), min(freed_ns - allocated_ns) from objects
        where starts_with(type_name, 'map.')
    """).fetchall()[0]
    assert maps[0] > 20
    assert maps[1] > 20
    assert maps[2] > 0
    twice = duckdb.sql("select object, allocated_ns from objects group by all having count(*) > 1").fetchall()
    assert not twice


def test_objects_are_told_with_type_size_and_times():
    check("1.27")


@pytest.mark.full
@pytest.mark.parametrize("version", ["1.23", "1.24", "1.25", "1.26"])
def test_objects_are_told_by_every_version(version):
    check(version)
