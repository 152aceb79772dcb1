"""Event for event and nanosecond for nanosecond what Go's own tool says of the same bytes."""

from __future__ import annotations

import itertools
import re

import pytest

from tests.exectrace import views
from tests.exectrace.golines import go_events, our_events
from tests.exectrace.reading import read
from tests.exectrace.record import VERSIONS, record

QUICK = ("1.22", "1.23", "1.25", "1.27")


def assert_events_equal(trace) -> int:
    expected, _ = go_events(trace)
    start = int(re.search(r"Time=(\d+)", expected[0])[1])
    reading = read(trace, raw_events=True)
    count = 0
    for ours, gos in itertools.zip_longest(our_events(reading.tables, start), expected):
        assert ours == gos, f"event {count}"
        count += 1
    return count


def assert_views_equal(trace, scratch) -> None:
    tables = read(trace).tables
    for view in views.VIEWS:
        assert views.ours(tables, view) == views.gos(trace, view, scratch), view


@pytest.mark.parametrize("version", VERSIONS)
def test_sample_events_equal_gos(samples, version):
    assert assert_events_equal(samples[version]) > 3000


@pytest.mark.parametrize("version", QUICK)
def test_sample_views_equal_gos(samples, version, tmp_path):
    assert_views_equal(samples[version], tmp_path)


@pytest.mark.full
@pytest.mark.parametrize("procs", [1, 2, 8])
@pytest.mark.parametrize("version", VERSIONS)
def test_recorded_events_and_views_equal_gos(version, procs, tmp_path):
    trace = record("mixed", version, "3", "cpu", procs=procs)
    assert assert_events_equal(trace) > 3000
    assert_views_equal(trace, tmp_path)
