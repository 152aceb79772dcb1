"""Incidents of every kind of metric as cards and pages: full where there is something, nowhere empty."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import numpy as np
import pytest

from tracemill.flows.show.card import Card, card
from tracemill.flows.show.card_incident import incidents, points
from tracemill.flows.show.card_json import as_json
from tracemill.flows.show.card_terminal import as_text
from tracemill.flows.show.page import Links, incident_page

from .models.given import USER_PATH, Given
from .test_show import Tags

if TYPE_CHECKING:
    from collections.abc import Callable

# The build at which each of them gets five times worse.
SINCE = {"assist": 5, "cpu": 6, "mutex": 7, "block": 8, "goroutine": 9, "dump": 10}
EXPECTED = {
    "b05": ("goroutines assist the collector 5", "In the lines of alloc.Make", "app.go:2"),
    "b06": ("enc.Encode takes 5.04 times as much CPU time", "In its lines", "app.go:1"),
    "b07": ("others wait 5", "In its lines", "sync.(*Mutex).Unlock"),
    "b08": ("goroutines are blocked", "In its lines", "runtime.chansend1"),
    "b09": ("goroutines that began in worker.loop are", "In its lines", "runtime.chanrecv1"),
    "b10": ("goroutines that worker.Start created are", "In the lines of worker.loop", "runtime.chanrecv1"),
}


def given_kinds() -> Given:
    """Twelve builds of three runs with profiles, dumps and traces."""
    given, random = Given(), np.random.default_rng(1)
    stacks = {
        "cpu": given.stack("app/enc.Encode", *USER_PATH),
        "mutex": given.stack("sync.(*Mutex).Unlock", "app/store.(*DB).Put", *USER_PATH),
        "block": given.stack("runtime.chansend1", "app/queue.Push", *USER_PATH),
        "goroutine": given.stack("runtime.chanrecv1", "app/worker.loop"),
        "assist": given.stack("runtime.mallocgc", "app/alloc.Make", *USER_PATH),
    }
    for build in range(1, 13):
        for run in "123":

            def about(value: float, kind: str, build: int = build) -> int:
                return int(
                    value * (5 if build >= SINCE[kind] else 1) * np.exp(0.04 * random.standard_normal())
                )

            _profiles(given, f"b{build:02}", run, stacks, about)
            trace = given.capture(f"b{build:02}", run, "trace", format="exectrace", duration_ns=10**9)
            given.tables["trace_ranges"] += [
                {
                    "capture_id": trace,
                    "start_ns": i * 10**7,
                    "name": "GC mark assist",
                    "scope": "goroutine",
                    "scope_id": 5,
                    "duration_ns": about(1e6, "assist"),
                    "is_complete": True,
                    "stack_id": stacks["assist"],
                }
                for i in range(20)
            ]
    return given


def _profiles(
    given: Given, build: str, run: str, stacks: dict[str, int], about: Callable[[float, str], int]
) -> None:
    for kind, figures in {
        "cpu": {"cpu": 2e8, "samples": 20},
        "mutex": {"delay": 5e8, "contentions": 500},
        "block": {"delay": 5e8, "contentions": 500},
        "goroutine": {"goroutine": 50},
    }.items():
        capture = given.capture(build, run, kind, duration_ns=10**9 if kind == "cpu" else None)
        given.tables["profile_samples"] += [
            {
                "capture_id": capture,
                "sample_index": 0,
                "sample_type": sample_type,
                "unit": "count",
                "value": about(value, kind),
                "stack_id": stacks[kind],
                "sampling_period": 10_000_000,
            }
            for sample_type, value in figures.items()
        ]
    dump = given.capture(build, run, "goroutine_dump", format="goroutine_dump")
    given.tables["goroutine_dump"] += [
        {
            "capture_id": dump,
            "report_index": 0,
            "goroutine_id": i + 1,
            "state": "chan receive",
            "reason": "chan receive",
            "stack_id": stacks["goroutine"],
            "created_by": "app/worker.Start",
            "is_leaked": False,
        }
        for i in range(about(40, "dump"))
    ]


@pytest.fixture(scope="module")
def cards() -> dict[str, Card]:
    """The card of each build's incident."""
    with given_kinds().models() as connection:
        series = points(connection)
        return {
            i.seen_build_id: card(connection, i, series[i.metric, i.first_subject])
            for i in incidents(connection)
            if i.status == "regressed"
        }


@pytest.mark.parametrize("build", EXPECTED)
def test_a_verdict_of_its_kind_says_what_happened_and_leads_to_its_lines(
    cards: dict[str, Card], build: str
) -> None:
    headline, title, line = EXPECTED[build]
    text = as_text(cards[build])
    assert text.startswith(f"{build}: {headline}")
    assert title in text
    assert line in text
    assert max(map(len, text.splitlines())) <= 80
    for section in text.split("\n\n")[1:-1]:
        assert len(section.splitlines()) > 1, section
    assert json.dumps(as_json(cards[build]))


@pytest.mark.parametrize("build", EXPECTED)
def test_its_page_has_no_empty_box(cards: dict[str, Card], build: str) -> None:
    page = incident_page(cards[build], Links())
    assert Tags(page).seen
    assert not re.search(r"<tbody>\s*</tbody>", page)
    assert not re.search(r"</h2>\s*</section>", page)
    assert page.count('class="f ') >= 2
    assert 'class="lanes"' not in page
