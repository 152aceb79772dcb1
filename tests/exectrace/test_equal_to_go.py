"""Event for event and nanosecond for nanosecond what Go's own tool says of the same bytes."""

from __future__ import annotations

import itertools
import re

import pytest

from tests.exectrace import views
from tests.exectrace.golines import go_events, our_events
from tests.exectrace.reading import read
from tests.exectrace.record import VERSIONS, record
from tests.exectrace.skew import skewed

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


@pytest.mark.full
@pytest.mark.parametrize("procs", [1, 2, 8])
@pytest.mark.parametrize("version", ["1.23", "1.24", "1.27"])
def test_coroutines_equal_gos(version, procs, tmp_path):
    trace = record("coroutines", version, "10", procs=procs)
    assert_events_equal(trace)
    assert_views_equal(trace, tmp_path)


@pytest.mark.full
@pytest.mark.parametrize(("threads", "procs"), [(6, 1), (6, 2), (6, 8), (40, 8)])
@pytest.mark.parametrize("version", ["1.22", "1.25", "1.27"])
def test_stolen_processors_equal_gos(version, threads, procs, tmp_path):
    trace = record("stealing", version, str(threads), "60", procs=procs)
    assert_events_equal(trace)
    assert_views_equal(trace, tmp_path)


@pytest.mark.full
@pytest.mark.parametrize("version", ["1.22", "1.25", "1.27"])
def test_what_spans_generations_equals_gos(version, tmp_path):
    trace = record("generations", version, "3.3")
    assert_events_equal(trace)
    assert_views_equal(trace, tmp_path)


def test_coroutines_and_stolen_processors_equal_gos():
    assert_events_equal(record("coroutines", "1.27", "3"))
    assert_events_equal(record("stealing", "1.27", "20", "20", procs=4))


# Ticks of 64 ns; each thread's clock is off by its own amount, which the order must survive.
SKEWS = {
    "one thread early": lambda thread: -400 if thread % 5 == 0 else 0,
    "one thread late": lambda thread: 3000 if thread % 4 == 1 else 0,
    "each its own": lambda thread: (thread * 7919) % 2003 - 1000,
    "all the same clock tick": lambda thread: -(10**15),
}


@pytest.mark.sampled
@pytest.mark.parametrize("skew", SKEWS)
@pytest.mark.parametrize("version", ["1.22", "1.27"])
def test_skewed_clocks_equal_gos(samples, version, skew, tmp_path):
    trace = tmp_path / "skewed.trace"
    trace.write_bytes(skewed(samples[version].read_bytes(), SKEWS[skew]))
    assert_events_equal(trace)


@pytest.mark.sampled
@pytest.mark.parametrize("frequency", [10**11, 10**13])
@pytest.mark.parametrize("version", ["1.22", "1.24", "1.27"])
def test_ties_between_threads_fall_as_in_gos_reader(samples, version, frequency, tmp_path):
    trace = tmp_path / "ties.trace"
    trace.write_bytes(skewed(samples[version].read_bytes(), lambda _: 0, frequency))
    assert_events_equal(trace)


@pytest.mark.full
@pytest.mark.parametrize("frequency", [10**11, 10**13])
@pytest.mark.parametrize("name", ["stealing 40 60", "stealing 6 60", "generations 3.3"])
def test_ties_of_special_traces_fall_as_in_gos_reader(name, frequency, tmp_path):
    program, *args = name.split()
    trace = tmp_path / "ties.trace"
    trace.write_bytes(skewed(record(program, "1.27", *args, procs=8).read_bytes(), lambda _: 0, frequency))
    assert_events_equal(trace)


@pytest.mark.full
@pytest.mark.parametrize("skew", SKEWS)
@pytest.mark.parametrize("name", ["stealing 40 60", "stealing 6 60", "coroutines 10", "generations 3.3"])
def test_skewed_clocks_of_special_traces_equal_gos(name, skew, tmp_path):
    program, *args = name.split()
    trace = tmp_path / "skewed.trace"
    trace.write_bytes(skewed(record(program, "1.27", *args, procs=8).read_bytes(), SKEWS[skew]))
    assert_events_equal(trace)
