"""Of captures without a time the names say which is the last, and digits in them count as numbers."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from .given import USER_PATH, Given, rows

if TYPE_CHECKING:
    from collections.abc import Callable

PUT = "app/cache.(*Cache).Put"
ASSIGN, GROW = "runtime.mapassign_faststr", "internal/runtime/maps.(*table).rehash"
NUMBERS = (8, 9, 10)


def work(given: Given) -> int:
    """The one stack of all captures."""
    known = given.tables["stacks"]
    return known[0]["stack_id"] if known else given.stack(PUT, *USER_PATH)


def sampled(given: Given, kind: str, number: int, sample_type: str, value: int) -> str:
    """Add a profile of one sample, without a time; its id."""
    capture_id = given.capture("b1", "1", kind, name=f"{kind}-{number}.out")
    given.tables["profile_samples"].append(
        {"capture_id": capture_id, "sample_index": 0, "sample_type": sample_type, "unit": "count",
         "value": value, "stack_id": work(given)}
    )  # fmt: skip
    return capture_id


def dump(given: Given, number: int) -> None:
    """Add a dump of so many goroutines, all of them leaked."""
    capture_id = given.capture(
        "b1", "1", "goroutine_dump", name=f"dump-{number}.txt", format="goroutine_dump"
    )
    stack = work(given)
    given.tables["goroutine_dump"] += [
        {"capture_id": capture_id, "report_index": 0, "goroutine_id": goroutine_id, "state": "chan receive",
         "stack_id": stack, "created_by": "main.main", "is_leaked": True}
        for goroutine_id in range(number)
    ]  # fmt: skip


def snapshot(given: Given, number: int) -> None:
    """Add a snapshot of a program with so many live goroutines."""
    capture_id = given.capture("b1", "1", "prometheus", name=f"metrics-{number}.prom", format="prometheus")
    given.tables["runtime_metrics"].append(
        {"capture_id": capture_id, "snapshot_index": 0, "series_index": 0,
         "name": "/sched/goroutines:goroutines", "value": float(number)}
    )  # fmt: skip


def trace(given: Given, number: int) -> None:
    """Add a trace with so many goroutines that live at its end."""
    capture_id = given.capture("b1", "1", "trace", name=f"{number}.trace", format="exectrace")
    given.tables["goroutines"] += [
        {"capture_id": capture_id, "goroutine_id": goroutine_id, "entry_function": "app.worker"}
        for goroutine_id in range(number)
    ]


def heap(given: Given, number: int) -> None:
    given.heap("b1", "1", [(work(given), 0x10, number * 1024)], name=f"heap-{number}.pb", period=1)


FIGURE = "select value from int_figures where calling_function is null and metric = "


@pytest.mark.parametrize(
    ("add", "query"),
    [
        (dump, FIGURE + "'dumped_leak_count'"),
        (dump, "select goroutine_count from goroutine_states"),
        (dump, "select value from int_stack_costs where metric = 'goroutine_count'"),
        (trace, FIGURE + "'goroutine_live_count'"),
        (lambda given, n: sampled(given, "goroutine", n, "goroutine", n),
         FIGURE + "'goroutine_profile_count'"),
        (lambda given, n: sampled(given, "mutex", n, "delay", n), FIGURE + "'mutex_delay_ns'"),
        (snapshot, FIGURE + "'runtime_goroutine_count'"),
        (heap, "select alloc_bytes / 1024 from int_heap_sites"),
    ],
)  # fmt: skip
def test_the_tenth_capture_is_later_than_the_ninth(add: Callable[[Given, int], None], query: str) -> None:
    given = Given()
    for number in NUMBERS:
        add(given, number)
    with given.models() as connection:
        assert rows(connection, query) == [(10,)]


def test_growth_is_from_the_first_profile_to_the_last() -> None:
    given = Given()
    for number in NUMBERS:
        heap(given, number)
    with given.models() as connection:
        assert rows(connection, "select run_growth_bytes from int_heap_sites") == [(1024,)]


def text_heap(given: Given, name: str, size: int, captured_at: datetime | None = None) -> None:
    """Add a heap profile as text of a map that grew by so many bytes."""
    capture_id = given.heap(
        "b1", "1", [(work(given), 0x100, size)], kind="heap_text", format="legacy_profile", name=name,
        gnu_build_id=None, period=1, captured_at=captured_at,
    )  # fmt: skip
    given.tables["profile_mappings"].clear()
    for row in given.tables["profile_samples"]:
        if row["capture_id"] == capture_id:
            row |= {"pcs": [0x901, 0x301, 0x101], "mapping_index": None, "leaf_offset": 0x44}


@pytest.mark.parametrize(
    ("captures", "size"),
    [
        ([("heap-9.txt", None), ("heap-10.txt", None)], 2048),
        # A profile without a time is taken for an earlier one than any with a time.
        ([("heap-2.txt", None), ("heap-1.txt", datetime(2026, 1, 1, tzinfo=UTC))], 2048),
    ],
)  # fmt: skip
def test_growing_maps_and_allocations_are_of_the_same_last_profile(captures, size) -> None:
    given = Given()
    for number, (name, captured_at) in enumerate(captures, 1):
        text_heap(given, name, 1024 * number, captured_at)
    given.binary("b1", {0x101: ASSIGN, 0x301: GROW})
    with given.models() as connection:
        assert rows(connection, "select growth_bytes from map_growth") == [(size,)]
        assert rows(connection, "select alloc_bytes from int_heap_sites") == [(size,)]
