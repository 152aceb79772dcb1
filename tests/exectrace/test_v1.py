"""Traces of Go 1.11 to 1.21, against Go's own reader: its test traces, read from its source."""

from __future__ import annotations

import pickle
import random
import re
import subprocess
import sys
import time
from pathlib import Path

import go
import pytest

from tests.exectrace import views
from tests.exectrace.golines import go_events, our_events
from tests.exectrace.reading import read
from tests.exectrace.test_tables import ROOT, UNCOMPILED
from tracemill.parsers.api import ParseError
from tracemill.parsers.exectrace.names import Names
from tracemill.parsers.exectrace.v1.decode import Decoder
from tracemill.parsers.exectrace.wire import read_version
from tracemill.parsers.stacks import StackTable

FOLDER = Path(go.__file__).parent / "src/internal/trace/internal/tracev1/testdata"
TRACES = sorted(FOLDER.glob("*_good"))
SMALL = [path for path in TRACES if path.stat().st_size < 50_000]
# More processors than this were never in one tick.
TIED_NS = 6
_TIME = re.compile(r" Time=(-?\d+)")
_UNNAMED = re.compile(r"(M=-1 P=-1 G=-1 StateTransition Time=\d+ GoID=)(\d+)( Undetermined->Runnable)")


def in_stable_order(events: list[str]) -> list[str]:
    """Goroutines that run for the first time later come at once, and in Go in no fixed order."""
    places = [i for i, event in enumerate(events) if _UNNAMED.match(event)]
    numbers = sorted(int(_UNNAMED.match(events[i])[2]) for i in places)
    stable = list(events)
    for i, number in zip(places, numbers, strict=True):
        stable[i] = _UNNAMED.sub(rf"\g<1>{number}\g<3>", events[i])
    return stable


def by_resource(events: list[str]) -> dict[str, list[tuple[str, int]]]:
    """Per goroutine or processor its events without and with their times."""
    found: dict[str, list[tuple[str, int]]] = {}
    for event in in_stable_order(events):
        resource = re.search(r"(GoID|ProcID)=\d+", event)
        key = resource[0] if resource else event.split()[1]
        found.setdefault(key, []).append((_TIME.sub("", event), int(_TIME.search(event)[1])))
    return found


def assert_events_equal(path: Path) -> None:
    """Equal but for the order of events of one clock tick on several processors.

    There Go's reader takes what its map of processors gives first, so that two runs of it
    differ: each event of such a tick is moved by 1 ns to keep times apart.
    """
    expected, error = go_events(path)
    assert not error
    start = int(re.search(r"Time=(-?\d+)", expected[0])[1])
    ours = list(our_events(read(path, raw_events=True).tables, start))
    assert len(ours) == len(expected)
    ours_of, gos_of = by_resource(ours), by_resource(expected)
    assert ours_of.keys() == gos_of.keys()
    for key, events in ours_of.items():
        assert [text for text, _ in events] == [text for text, _ in gos_of[key]], key
        shifts = [abs(a[1] - b[1]) for a, b in zip(events, gos_of[key], strict=True)]
        assert max(shifts) <= TIED_NS, key


def test_there_are_twelve_of_gos_traces():
    assert len(TRACES) >= 12


@pytest.mark.parametrize("path", SMALL, ids=lambda path: path.name)
def test_events_equal_gos(path):
    assert_events_equal(path)


@pytest.mark.full
@pytest.mark.parametrize("path", [p for p in TRACES if p not in SMALL], ids=lambda path: path.name)
def test_events_of_large_traces_equal_gos(path):
    assert_events_equal(path)


@pytest.mark.parametrize("path", SMALL, ids=lambda path: path.name)
def test_views_equal_gos(path, tmp_path):
    tables = read(path).tables
    for view in views.VIEWS:
        ours, gos = views.ours(tables, view), views.gos(path, view, tmp_path)
        assert {stack: n for stack, (n, _) in ours.items()} == {stack: n for stack, (n, _) in gos.items()}
        for stack, (n, ns) in ours.items():
            assert abs(ns - gos[stack][1]) <= TIED_NS * n


def test_uncompiled_kernels_give_the_same_tables():
    path = min(TRACES, key=lambda path: path.stat().st_size)
    command = [sys.executable, "-c", UNCOMPILED, str(path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, check=True)
    assert pickle.loads(done.stdout) == read(path, raw_events=True).tables


def test_a_trace_is_read_with_a_few_times_its_size():
    """Events are entries of arrays, not objects."""
    content = max(TRACES, key=lambda path: path.stat().st_size).read_bytes()
    decoder = Decoder(content, read_version(content), Names(StackTable()))
    decoder.decode()
    events = decoder.trace.n
    assert events > 5000
    assert sum(column[:events].nbytes for column in decoder.columns.values()) < 25 * len(content)


@pytest.mark.parametrize("path", SMALL, ids=lambda path: path.name)
def test_damage_is_an_error_with_its_place(path, tmp_path):
    content = path.read_bytes()
    rng = random.Random(path.name)
    damaged = tmp_path / "damaged.trace"
    for _ in range(20):
        data = bytearray(content)
        for _ in range(rng.choice((1, 3))):
            data[rng.randrange(16, len(data))] = rng.randrange(256)
        damaged.write_bytes(data[: rng.choice((len(data), rng.randrange(16, len(data))))])
        began = time.monotonic()
        try:
            read(damaged, raw_events=True)
        except ParseError as error:
            assert re.search(r"byte \d+|single event", str(error))
        assert time.monotonic() - began < 10
