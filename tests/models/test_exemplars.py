"""Where a verdict is seen best, and the stacks that any two builds are compared by."""

from __future__ import annotations

import pytest

from .given import USER_PATH, Given, rows
from .story import story

LOCK = ("sync.(*Mutex).Lock", "app/cache.(*Prices).Get", *USER_PATH)


def waiting(
    given: Given, capture_id: str, goroutine_id: int, start_ns: int, duration_ns: int, stack_id: int
) -> None:
    """Add a wait for a lock, which goroutine 99 ends."""
    given.tables["goroutine_intervals"].append(
        {
            "capture_id": capture_id,
            "goroutine_id": goroutine_id,
            "start_ns": start_ns,
            "state": "waiting",
            "reason": "sync",
            "duration_ns": duration_ns,
            "is_complete": True,
            "stack_id": stack_id,
            "waker_goroutine_id": 99,
            "waker_stack_id": stack_id,
        }
    )


def task(
    given: Given, capture_id: str, task_id: int, goroutine_id: int, start_ns: int, duration_ns: int
) -> None:
    """Add a task that ended."""
    given.tables["trace_tasks"].append(
        {
            "capture_id": capture_id,
            "task_id": task_id,
            "name": f"/task{task_id}",
            "start_ns": start_ns,
            "duration_ns": duration_ns,
            "is_complete": True,
            "goroutine_id": goroutine_id,
        }
    )


def test_the_exemplar_is_the_task_that_waited_longest_in_sum():
    given = Given()
    trace = given.capture("b1", "1", "trace", format="exectrace", duration_ns=10**9)
    lock = given.stack(*LOCK)
    task(given, trace, 1, 7, 1000, 5000)
    task(given, trace, 2, 8, 1000, 9000)
    waiting(given, trace, 7, 2000, 3000, lock)
    for start in (2000, 5000):
        waiting(given, trace, 8, start, 2500, lock)
    waiting(given, trace, 9, 2000, 3500, lock)  # longest of all, but of no task
    with given.models() as connection:
        query = (
            "select task_name, goroutine_id, start_ns, duration_ns, task_duration_ns from int_wait_exemplars"
        )
        assert rows(connection, query) == [("/task2", 8, 2000, 2500, 9000)]


def test_without_tasks_the_exemplar_is_the_longest_wait():
    given = Given()
    trace = given.capture("b1", "1", "trace", format="exectrace", duration_ns=10**9)
    lock = given.stack(*LOCK)
    waiting(given, trace, 7, 2000, 3000, lock)
    waiting(given, trace, 9, 2000, 3500, lock)
    with given.models() as connection:
        query = "select task_name, goroutine_id, duration_ns from int_wait_exemplars"
        assert rows(connection, query) == [(None, 9, 3500)]


def test_a_region_on_another_goroutine_belongs_to_its_task():
    given = Given()
    trace = given.capture("b1", "1", "trace", format="exectrace", duration_ns=10**9)
    lock = given.stack(*LOCK)
    task(given, trace, 1, 7, 1000, 9000)
    given.tables["trace_regions"].append(
        {
            "capture_id": trace,
            "goroutine_id": 8,
            "start_ns": 1500,
            "nesting": 0,
            "task_id": 1,
            "name": "part",
            "duration_ns": 6000,
            "is_complete": True,
        }
    )
    waiting(given, trace, 8, 2000, 3000, lock)
    with given.models() as connection:
        assert rows(connection, "select task_name, goroutine_id from int_wait_exemplars") == [("/task1", 8)]


def test_what_is_kept_around_an_exemplar_is_bounded_and_has_the_waker():
    given = Given()
    trace = given.capture("b1", "1", "trace", format="exectrace", duration_ns=10**9)
    lock = given.stack(*LOCK)
    for goroutine in range(1, 41):
        for step in range(120):
            waiting(given, trace, goroutine, 1000 + 10 * step, 10, lock)
    waiting(given, trace, 50, 1000, 1200, lock)
    with given.models() as connection:
        query = "select count(*), count(distinct goroutine_id) from int_exemplar_intervals"
        ((count, goroutines),) = rows(connection, query)
        assert 1000 < count <= 2000
        assert 2 < goroutines <= 20
        assert rows(connection, "select function from int_exemplar_intervals where goroutine_id = 50") == [
            ("app/cache.(*Prices).Get",)
        ]


def test_stack_costs_add_up_to_what_the_build_waited_and_allocated():
    with story().models() as connection:
        (whole,) = rows(
            connection,
            """
            select (select sum(duration_ns) from goroutine_intervals where state = 'waiting'),
                (select sum(value) from profile_samples where sample_type = 'alloc_space'),
                (select sum(value) from profile_samples where sample_type = 'alloc_objects'),
            """,
        )
        (kept,) = rows(
            connection,
            """
            select sum(value) filter (where metric = 'block_ns'),
                sum(value) filter (where metric = 'alloc_bytes'),
                sum(event_count) filter (where metric = 'alloc_bytes'),
            from int_stack_costs
            """,
        )
        assert kept == pytest.approx(whole)


def test_the_cheapest_of_too_many_stacks_are_one_row():
    given = Given()
    given.heap(
        "b1", "1", [(given.stack(f"app.f{i}", *USER_PATH), 0x1000 + i, 1024 * (i + 1)) for i in range(2100)]
    )
    with given.models() as connection:
        query = """
            select count(*), count(path_id), count(functions), sum(value),
                min(value) filter (where path_id is not null)
            from int_stack_costs where metric = 'alloc_bytes'
        """
        assert rows(connection, query) == [
            (2001, 2000, 2000, sum(1024 * (i + 1) for i in range(2100)), 1024 * 101)
        ]


def test_each_incident_names_a_capture_of_its_first_build():
    with story().models() as connection:
        found = rows(
            connection,
            """
            select i.metric, i.first_build_id, c.build_id, c.kind, i.exemplar_goroutine_id is not null
            from incidents as i left join captures as c on c.capture_id = i.exemplar_capture_id
            where i.status = 'regressed' order by i.build_id
            """,
        )
    assert found == [
        ("mapassign_alloc_bytes", "b4", "b4", "heap", False),
        ("block_ns", "b8", "b8", "trace", True),
    ]


@pytest.mark.full
def test_the_exemplar_of_an_incident_is_one_wait_and_not_pieces_of_two():
    given = story()
    assist = given.stack("runtime.gcAssistAlloc", "app/cache.(*Prices).Get", *USER_PATH)
    trace = "b8/1/trace"
    task(given, trace, 1, 77, 0, 10**6)
    given.tables["goroutine_intervals"].append(
        {
            "capture_id": trace,
            "goroutine_id": 77,
            "start_ns": 10,
            "state": "waiting",
            "reason": "GC mark assist wait for work",
            "duration_ns": 10**8,
            "is_complete": True,
            "stack_id": assist,
        }
    )
    with given.models() as connection:
        (found,) = rows(
            connection,
            """
            select exemplar_goroutine_id <> 77, exemplar_task_name, exemplar_task_duration_ns
            from incidents where status = 'regressed' and metric = 'block_ns'
            """,
        )
    assert found == (True, None, None)


def test_a_function_stands_where_it_costs_and_one_that_only_calls_where_it_does() -> None:
    given = Given()
    # Get costs at line 1, seldom, and calls something that costs more at line 2.
    own = given.stack("app/cache.(*Prices).Get", *USER_PATH)
    called = given.stack("app/cache.scan", "app/cache.(*Prices).Get", *USER_PATH)
    given.heap("b1", "r1", [(own, 100, 2**20), (called, 101, 2**30)])
    with given.models() as connection:
        found = rows(connection, "select function, line from int_function_places where build_id = 'b1'")
    places = dict(found)
    assert (places["app/cache.(*Prices).Get"], places["app/cache.scan"]) == (1, 1)
    # The server's handler allocates nothing itself: the line that calls the dearer path.
    assert places["app/server.(*Server).Handle"] == 3


def test_a_function_does_not_stand_in_the_compilers_wrapper() -> None:
    given = Given()
    own = given.stack("app/offers.(*Desk).Offer", *USER_PATH)
    wrapper = given.stack("app/offers.(*Desk).Offer-fm", *USER_PATH)
    given.tables["stacks"][-1]["files"][0] = "<autogenerated>"
    given.heap("b1", "r1", [(own, 100, 2**20), (wrapper, 101, 2**30)])
    with given.models() as connection:
        query = "select file, line from int_function_places where function like '%.Offer'"
        assert rows(connection, query) == [("app.go", 1)]
