"""Waiting for work is idleness, but not where a request waits: within a server's handler."""

from __future__ import annotations

import numpy as np
import pytest

from tracemill.flows.show.card import ENDED_BY_NOBODY, card
from tracemill.flows.show.card_incident import incidents, points
from tracemill.flows.show.card_terminal import as_text

from .given import Given, rows

SERVED = ["net/http.HandlerFunc.ServeHTTP", "net/http.serverHandler.ServeHTTP", "net/http.(*conn).serve"]
STARTED = ["app/pool.(*Gate).Start", "app/api.Query", *SERVED]
SELECT = ["runtime.selectgo", *STARTED]
VERDICTS = """
    select build_id, metric, subject, status
    from regressions join builds using (build_id) order by ordinal, metric, subject
"""


def history(functions: list[str], reason: str | None, *, count: float = 1, seconds: float = 1) -> Given:
    """Ten builds of three runs; from b6 on waits are so many times as many and each as long."""
    given, random = Given(), np.random.default_rng(0)
    stack = given.stack(*functions)
    for build in range(1, 11):
        is_late = build > 5
        waits = int(200 * (count if is_late else 1))
        longer = seconds if is_late else 1
        for run in "123":
            lengths = 1e6 * longer * np.exp(0.1 * random.standard_normal(waits))
            given.trace(f"b{build}", run, [(stack, reason, int(ns)) for ns in lengths])
    return given


def verdicts(given: Given) -> list[tuple[str, ...]]:
    with given.models() as connection:
        return rows(connection, VERDICTS)


@pytest.mark.parametrize(
    ("reason", "functions"),
    [
        ("select", SELECT),
        ("chan receive", ["runtime.chanrecv1", *STARTED]),
        ("network", ["internal/poll.runtime_pollWait", "net.(*conn).Read", *STARTED]),
        ("sleep", ["time.Sleep", *STARTED]),
    ],
)
def test_requests_that_queue_are_a_regression(reason, functions):
    subject = f"app/pool.(*Gate).Start ({reason} within a request)"
    assert verdicts(history(functions, reason, seconds=5)) == [("b6", "block_ns", subject, "regressed")]


@pytest.mark.parametrize(
    "root",
    [
        ["golang.org/x/net/http2.(*serverConn).runHandler"],
        [
            "google.golang.org/grpc.(*Server).handleStream",
            "google.golang.org/grpc.(*Server).serveStreams.func2.1",
        ],
        ["net/rpc.(*service).call"],
    ],
)
def test_other_servers_have_requests_too(root):
    found = verdicts(history(["runtime.selectgo", "app/pool.(*Gate).Start", *root], "select", seconds=5))
    assert [(build, status) for build, _, _, status in found] == [("b6", "regressed")]


def test_idle_workers_and_the_handlers_that_take_captures_raise_no_alarm():
    worker = ["runtime.selectgo", "app/pool.(*Pool).run"]
    assert verdicts(history(worker, "select", seconds=5)) == []
    capture = [
        "runtime.selectgo",
        "net/http/pprof.sleep",
        "net/http/pprof.Profile",
        "app/api.Logged",
        *SERVED,
    ]
    assert verdicts(history(capture, "select", seconds=5)) == []


def test_a_stream_with_more_events_raises_no_alarm():
    # As long as the client stays the handler waits, for many events or for few.
    assert verdicts(history(SELECT, "select", count=5, seconds=1 / 5)) == []
    assert verdicts(history(SELECT, "select", count=1 / 5, seconds=5)) == []


PARKED = "runtime.gopark"
FOR_SELECT = [PARKED, *SELECT]
FOR_SYNC = [PARKED, "runtime.goparkunlock", "runtime.semacquire1", "sync.runtime_SemacquireMutex"]


@pytest.mark.parametrize(
    ("functions", "reason"),
    [
        (FOR_SELECT, "select within a request"),
        ([PARKED, "runtime.chanrecv", "runtime.chanrecv1", *STARTED], "chan receive within a request"),
        ([PARKED, "runtime.chansend", "runtime.chansend1", "app/pool.(*Pool).run"], "chan send"),
        (
            [PARKED, "runtime.netpollblock", "internal/poll.runtime_pollWait", "net.(*conn).Read", *STARTED],
            "network within a request",
        ),
        ([*FOR_SYNC, "sync.(*Mutex).lockSlow", "app/pool.(*Pool).run"], "sync"),
        ([*FOR_SYNC[:3], "sync.(*WaitGroup).Wait", "app/pool.(*Pool).run"], "sync.(*WaitGroup).Wait"),
        ([*FOR_SYNC[:3], "runtime.GC", "app/pool.(*Pool).run"], "runtime semaphore"),
        (
            [*FOR_SYNC[:2], "sync.runtime_notifyListWait", "sync.(*Cond).Wait", *STARTED],
            "sync.(*Cond).Wait within a request",
        ),
        ([PARKED, "time.Sleep", *STARTED], "sleep within a request"),
        # The runtime's own workers park without a function that says why.
        ([PARKED, "runtime.gcBgMarkWorker"], "unknown"),
        # A coroutine switch has no reason, and does not begin with the parking.
        (["runtime.coroswitch_m", "app/pool.(*Pool).run"], "unknown"),
    ],
)
def test_a_wait_throughout_a_capture_has_the_reason_that_its_stack_tells(functions, reason):
    given = Given()
    given.trace("b1", "1", [(given.stack(*functions), None, 10**9)])
    with given.models() as connection:
        found = rows(connection, "select reason, wait_reason from int_wait_kinds")
    assert found == [("unknown", reason)]


def test_streams_that_were_open_before_are_waited_for_as_those_opened_later_are():
    # Ten streams are open all the time; from b6 on some are opened while the trace is taken.
    given = Given()
    before, opened = given.stack(*FOR_SELECT), given.stack(*SELECT)
    for build in range(1, 11):
        for run in "123":
            few = [(opened, "select", 10**6 * int(run))] * (5 if build > 5 else 0)
            given.trace(f"b{build}", run, [(before, None, 10**9)] * 10 + few)
    query = "select distinct subject, build_id from observations where metric = 'block_ns'"
    with given.models() as connection:
        found = rows(connection, query)
        assert len({build for _, build in found}) == 10
        assert {subject.partition(" from ")[0] for subject, _ in found} == {
            "app/pool.(*Gate).Start (select within a request)"
        }
        assert rows(connection, VERDICTS) == []


def test_of_waits_that_nobody_ends_no_holder_is_shown_and_it_is_said():
    with history(SELECT, "select", seconds=5).models() as connection:
        [incident] = incidents(connection)
        series = points(connection)[incident.metric, incident.first_subject]
        shown = as_text(card(connection, incident, series))
    assert "Who makes them wait" not in shown and "unknown" not in shown
    assert ENDED_BY_NOBODY in " ".join(shown.split())


def test_lanes_say_what_a_wait_throughout_a_capture_waits_for():
    with history(FOR_SELECT, None, seconds=5).models() as connection:
        [incident] = incidents(connection)
        series = points(connection)[incident.metric, incident.first_subject]
        shown = as_text(card(connection, incident, series))
        kept = rows(connection, "select distinct reason from int_exemplar_intervals")
    assert kept == [("select",)]
    assert "or as ▶ does (select)" in " ".join(shown.split())


def test_a_lock_within_a_request_is_what_it_was():
    lock = ["sync.(*Mutex).Lock", *STARTED]
    found = verdicts(history(lock, "sync", count=5))
    subject = "app/pool.(*Gate).Start (sync)"
    assert found == [("b6", "block_count", subject, "regressed"), ("b6", "block_ns", subject, "regressed")]


def test_block_profiles_tell_the_same():
    given, random = Given(), np.random.default_rng(0)
    queue, idle = given.stack(*SELECT), given.stack("runtime.chanrecv1", "app/pool.(*Pool).run")
    for build in range(1, 11):
        for run in "123":
            capture_id = given.capture(f"b{build}", run, "block")
            slower = 5 if build > 5 else 1
            for index, stack in enumerate((queue, idle)):
                for sample_type, value in (("contentions", 500 * slower), ("delay", 2e9 * slower)):
                    given.tables["profile_samples"].append(
                        {
                            "capture_id": capture_id,
                            "sample_index": index,
                            "sample_type": sample_type,
                            "unit": "count" if sample_type == "contentions" else "nanoseconds",
                            "value": int(value * np.exp(0.05 * random.standard_normal())),
                            "stack_id": stack,
                        }
                    )
    subject = "app/pool.(*Gate).Start (within a request)"
    with given.models() as connection:
        assert rows(connection, VERDICTS) == [("b6", "block_delay_ns", subject, "regressed")]
        told = """
            select function, is_contention, contention_count > 2000, delay_ns > 8e9
            from contention where build_id = 'b10' order by function
        """
        assert rows(connection, told) == [
            ("app/pool.(*Gate).Start", True, True, True),
            ("app/pool.(*Pool).run", False, True, True),
        ]
