"""What changed most of a metric: of waiting without what waits for work, and never without the incident."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tracemill.flows.show.card import Change, card
from tracemill.flows.show.card_incident import incidents, points

from .models.given import Given
from .models.test_waits_of_requests import SELECT

if TYPE_CHECKING:
    from collections.abc import Sequence

OWN = "app/pool.(*Gate).Start (select within a request)"


def changes(waits_of_others: Sequence[tuple[str, str, str]]) -> list[Change]:
    """Requests queue since b6; (function, reason before, reason since) of others that wait for 10 s."""
    given, random = Given(), np.random.default_rng(0)
    queue = given.stack(*SELECT)
    others = [(given.stack("runtime.gopark", name), before, since) for name, before, since in waits_of_others]
    for build in range(1, 11):
        for run in "123":
            lengths = (5e6 if build > 5 else 1e6) * np.exp(0.1 * random.standard_normal(200))
            waits = [(queue, "select", int(ns)) for ns in lengths]
            waits += [(stack, since if build > 5 else before, 10**10) for stack, before, since in others]
            given.trace(f"b{build}", run, waits)
    with given.models() as connection:
        series = points(connection)
        (found,) = [i for i in incidents(connection) if i.metric == "block_ns"]
        assert found.subject == OWN
        return card(connection, found, series[found.metric, found.first_subject]).changes


def test_goroutines_that_sleep_through_one_trace_are_no_change_of_waiting() -> None:
    found = changes([("app/web.(*Listener).Accept", "network", "unknown")])
    assert [c.subject for c in found] == [OWN]


def test_however_much_else_changed_the_incident_is_among_it() -> None:
    # Assists are contention, but not judged as waiting.
    assists = [(f"app/a.F{i}", "unknown", "GC mark assist wait for work") for i in range(9)]
    found = changes(assists)
    assert [c.subject for c in found if c.subject == OWN] == [OWN]
    assert len(found) == 8
