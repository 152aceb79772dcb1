"""Verdicts of one cause are one incident, whichever build made each of them certain."""

from __future__ import annotations

import duckdb
import pytest

from tracemill.warehouse.declared import declared

from .given import Given, build, rows


def incidents(
    *verdicts: tuple[str, str, str, str, str],
    calls: str = "",
    waits: str = "",
    starts: str = "",
    unseen: str = "",
    paths: str = "",
    after: dict[str, float] | None = None,
    moved: str = "",
    as_before: dict[str, str] | None = None,
) -> list[list[str]]:
    """The incidents of verdicts (known at, begins at, status, metric, function): members, the lead first.

    calls: callee<caller. waits: waiter<holder=ns. starts: started<starter.
    unseen: builds that do not show the last verdict's series. moved: those that show it where it went.
    paths: inner<outer<outermost=cost. after: what a function costs after, of others 100; before all cost 0.
    as_before: of functions that are back, the build at which they changed.
    """
    connection = duckdb.connect()
    for name in ("metrics", "verdict_statuses"):
        connection.register("_rows", declared()[name])
        connection.execute(f"create table {name} as from _rows")
    connection.execute("create table int_metrics as from metrics")
    connection.execute(
        "create table builds as select 'b' || i as build_id, i as ordinal from range(1, 10) r(i)"
    )
    connection.execute(
        "create table int_user_calls (build_id varchar, function varchar, calling_function varchar)"
    )
    for line in calls.split():
        connection.execute("insert into int_user_calls select unnest(['b5', 'b7']), $1, $2", line.split("<"))
    connection.execute(
        "create table int_lock_waits "
        "(build_id varchar, function varchar, holder_function varchar, block_ns bigint)"
    )
    connection.execute(
        "create table int_goroutine_starts (build_id varchar, function varchar, started_by varchar)"
    )
    connection.execute(
        "create table int_benchmark_stacks (build_id varchar, function varchar, benchmark varchar)"
    )
    connection.execute("create table int_iterations (package varchar, name varchar, benchmark varchar)")
    for line in starts.split():
        connection.execute("insert into int_goroutine_starts values ('b5', $1, $2)", line.split("<"))
    for line in waits.split():
        who, _, ns = line.partition("=")
        connection.execute(
            "insert into int_lock_waits select unnest(['b5', 'b7']), $1, $2, $3", [*who.split("<"), ns]
        )
    connection.execute(
        "create table int_stack_costs "
        "(build_id varchar, metric varchar, function varchar, functions varchar[], value double)"
    )
    for line in paths.split():
        path, _, cost = line.partition("=")
        functions = path.split("<")
        connection.execute(
            "insert into int_stack_costs values ('b5', 'cpu_ns', $1, $2, $3)", [functions[0], functions, cost]
        )
    connection.execute(
        "create table int_functions_seen as select distinct build_id, unnest(functions) as function "
        "from int_stack_costs"
    )
    connection.execute(
        """
        create table int_verdicts (
            build_id varchar, first_build_id varchar, status varchar, metric varchar, function varchar,
            subject varchar, found varchar, calling_function varchar, before double, after double,
            negligible double, first_subject varchar, as_before_build_id varchar
        )
        """
    )
    for verdict in verdicts:
        # A function may have its reason to wait behind it.
        connection.execute(
            "insert into int_verdicts values "
            "($1, $2, $3, $4, string_split($5, ' (')[1], $5, if($1 = $2, 'at_once', 'later'), "
            "null, 0, $7, 1, $5, $6)",
            [*verdict, (as_before or {}).get(verdict[4]), (after or {}).get(verdict[4], 100)],
        )
    connection.execute(
        """
        create table regression_history as
        select distinct verdicts.metric, verdicts.first_subject, verdicts.function,
            builds.build_id, builds.ordinal, verdicts.before as expected, verdicts.negligible,
            case
                when builds.build_id >= verdicts.first_build_id then verdicts.after
                when (verdicts.metric, verdicts.first_subject) <> ($1, $2) then 0
                when list_contains($4, builds.build_id) then 80
                else 0
            end as value,
        from int_verdicts as verdicts
        cross join builds
        where (verdicts.metric, verdicts.first_subject) <> ($1, $2) or not list_contains($3, builds.build_id)
        """,
        [verdicts[-1][3], verdicts[-1][4], unseen.split(), moved.split()],
    )
    build(connection, "int_changed_paths")
    build(connection, "int_incident_members")
    return [
        members
        for (members,) in rows(
            connection,
            """
            select list(build_id || ' ' || metric || ' ' || subject order by member_rank)
            from int_incident_members group by incident_id order by 1
            """,
        )
    ]


def test_what_follows_from_sites_that_are_back_is_of_those_that_changed_with_it():
    verdicts = (
        ("b7", "b7", "improved", "cpu_ns", "app.f"),
        ("b7", "b7", "improved", "alloc_bytes", "app.g"),
    )
    whole = ("b7", "b7", "improved", "process_cpu_ns", "program")
    back = {"app.f": "b3", "app.g": "b5", "program": "b5"}
    assert incidents(*verdicts, whole) == [
        ["b7 alloc_bytes app.g"],
        ["b7 cpu_ns app.f", "b7 process_cpu_ns program"],
    ]
    assert incidents(*verdicts, whole, as_before=back) == [
        ["b7 alloc_bytes app.g", "b7 process_cpu_ns program"],
        ["b7 cpu_ns app.f"],
    ]


def test_what_a_later_build_makes_certain_joins_the_incident_that_was_known():
    found = incidents(
        ("b7", "b5", "regressed", "alloc_bytes", "app.f"),
        ("b5", "b5", "regressed", "cpu_ns", "app.f"),
    )
    assert found == [["b5 cpu_ns app.f", "b7 alloc_bytes app.f"]]


def test_a_series_that_was_not_seen_for_a_while_changed_where_another_of_its_function_did():
    verdicts = (
        ("b6", "b5", "regressed", "inuse_bytes", "app.f"),
        ("b7", "b7", "regressed", "mapassign_alloc_bytes", "app.f"),
    )
    assert len(incidents(*verdicts)) == 2
    assert len(incidents(*verdicts, unseen="b6")) == 2
    assert incidents(*verdicts, unseen="b5 b6") == [
        ["b6 inuse_bytes app.f", "b7 mapassign_alloc_bytes app.f"]
    ]


def test_a_series_whose_runs_told_nothing_yet_changed_where_another_of_its_function_did():
    verdicts = (
        ("b6", "b6", "regressed", "alloc_bytes", "app.f"),
        ("b7", "b7", "regressed", "cpu_ns", "app.f"),
    )
    assert len(incidents(*verdicts)) == 2
    assert len(incidents(*verdicts, moved="b5")) == 2
    assert incidents(*verdicts, moved="b6") == [["b6 alloc_bytes app.f", "b7 cpu_ns app.f"]]


def test_parts_of_a_whole_that_was_known_before_are_one_incident():
    parts = (
        ("b7", "b5", "regressed", "inuse_bytes", "app.f"),
        ("b7", "b5", "regressed", "inuse_objects", "app.g"),
        ("b7", "b5", "regressed", "cpu_ns", "app.h"),
    )
    assert len(incidents(*parts)) == 3
    whole = ("b5", "b5", "regressed", "heap_live_bytes", "program")
    assert [len(members) for members in incidents(*parts, whole)] == [3, 1]


def test_what_links_two_incidents_later_takes_neither_away():
    """A name that an incident once had is how a tracker and an acceptance know it."""
    known = (
        ("b5", "b5", "regressed", "cpu_ns", "app.f"),
        ("b5", "b5", "regressed", "alloc_bytes", "app.g"),
    )
    link = ("b7", "b5", "regressed", "cpu_ns", "app.h")
    found = incidents(*known, link, calls="app.h<app.f app.h<app.g")
    assert found == [["b5 alloc_bytes app.g"], ["b5 cpu_ns app.f", "b7 cpu_ns app.h"]]
    # Known together, they are one.
    assert len(incidents(*known, ("b5", *link[1:]), calls="app.h<app.f app.h<app.g")) == 1


def test_what_sites_cost_stays_with_the_incident_that_was_known_first():
    known = (
        ("b5", "b5", "regressed", "alloc_bytes", "app.f"),
        ("b5", "b5", "regressed", "process_cpu_ns", "program"),
    )
    # The function's own CPU time would explain the program's better.
    later = ("b7", "b5", "regressed", "cpu_ns", "app.g")
    assert incidents(*known, later) == [
        ["b5 alloc_bytes app.f", "b5 process_cpu_ns program"],
        ["b7 cpu_ns app.g"],
    ]


def test_another_beginning_is_another_incident():
    found = incidents(
        ("b7", "b7", "regressed", "alloc_bytes", "app.f"),
        ("b5", "b5", "regressed", "cpu_ns", "app.f"),
    )
    assert found == [["b5 cpu_ns app.f"], ["b7 alloc_bytes app.f"]]


def test_a_regression_that_is_found_later_hides_in_no_improvement():
    found = incidents(
        ("b7", "b5", "regressed", "alloc_bytes", "app.f"),
        ("b5", "b5", "improved", "cpu_ns", "app.f"),
    )
    assert found == [["b5 cpu_ns app.f"], ["b7 alloc_bytes app.f"]]


def test_who_holds_a_lock_leads_those_that_wait_for_it():
    found = incidents(
        ("b5", "b5", "regressed", "block_ns", "app.f"),
        ("b5", "b5", "regressed", "block_ns", "app.holder"),
        ("b7", "b5", "regressed", "block_delay_ns", "app.g"),
        waits="app.f<app.holder=80 app.f<app.other=20 app.g<app.holder=9 app.holder<app.holder=10",
    )
    assert found == [["b5 block_ns app.holder", "b5 block_ns app.f", "b7 block_delay_ns app.g"]]


@pytest.mark.parametrize(
    ("wait", "leads"),
    [("app.send (chan send)", "goroutine_live_count"), ("app.send (sync)", "block_ns")],
)
def test_more_goroutines_lead_their_waiting_to_send(wait, leads):
    [members] = incidents(
        ("b5", "b5", "regressed", "block_ns", wait),
        ("b5", "b5", "regressed", "goroutine_live_count", "app.send"),
    )
    assert members[0].split()[1] == leads


@pytest.mark.parametrize(("metric", "is_one"), [("goroutine_count", True), ("alloc_bytes", False)])
def test_goroutines_and_those_that_their_starter_started_are_the_same(metric: str, is_one: bool) -> None:
    verdicts = (
        ("b5", "b5", "regressed", "goroutine_live_count", "app.(*conn).serve"),
        ("b5", "b5", "regressed", metric, "app.(*Server).Serve"),
    )
    found = incidents(*verdicts, starts="app.(*conn).serve<app.(*Server).Serve")
    assert len(found) == (1 if is_one else 2)
    assert len(incidents(*verdicts)) == 2


def test_that_they_wait_to_send_leads_no_other_when_it_is_known_later():
    [members] = incidents(
        ("b5", "b5", "regressed", "cpu_ns", "app.send"),
        ("b5", "b5", "regressed", "goroutine_live_count", "app.send"),
        ("b7", "b5", "regressed", "block_ns", "app.send (chan send)"),
    )
    assert members[0] == "b5 cpu_ns app.send"


def test_contention_in_methods_of_one_type_has_one_cause():
    found = incidents(
        ("b5", "b5", "regressed", "mutex_delay_ns", "app/store.(*Store).Put.deferwrap1"),
        ("b5", "b5", "regressed", "block_delay_ns", "app/store.(*Store).Get"),
        ("b7", "b5", "regressed", "block_delay_ns", "app/store.(*Store).Hit"),
        ("b5", "b5", "regressed", "block_delay_ns", "app/store.(*Index).Get"),
        ("b5", "b5", "regressed", "alloc_bytes", "app/store.(*Store).Grow"),
        ("b5", "b5", "regressed", "block_delay_ns", "app/store.Get"),
        ("b5", "b5", "regressed", "block_delay_ns", "app/other.Get"),
    )
    assert [len(members) for members in found] == [1, 1, 1, 1, 3]


@pytest.mark.parametrize(
    ("paths", "after", "is_one"),
    [
        ("app.sum<app.query=90 app.get<app.a<app.b<app.query=10", {}, True),
        ("app.sum<app.query=90 app.get<app.a<app.b<app.query=89 app.get<app.a<app.c=11", {}, False),
        ("app.sum<app.query=90 app.get<app.a<app.b<app.query=10", {"app.query": 12}, False),
        ("app.sum<app.query=90 app.get<app.a<app.b<app.query=10", {"app.get": 12}, False),
    ],
)
def test_what_changed_as_much_as_the_function_that_alone_reaches_it_has_one_cause(paths, after, is_one):
    query = ("b5", "b5", "regressed", "cpu_under_ns", "app.query")
    sites = [("b5", "b5", "regressed", "alloc_bytes", name) for name in ("app.sum", "app.get")]
    found = incidents(query, *sites, paths=paths, after=after)
    assert (len(found) == 1) is is_one, found


@pytest.mark.parametrize(("others", "is_one"), [(7, True), (5, False)])
def test_what_changes_below_one_handler_of_many_has_one_cause(others: int, is_one: bool) -> None:
    sites = [("b5", "b5", "regressed", "alloc_bytes", name) for name in ("app.sum", "app.get")]
    paths = "app.sum<app.query=90 app.get<app.a<app.b<app.query=10"
    paths += "".join(f" app.f{number}<app.other=1" for number in range(others - 1))
    found = incidents(*sites, paths=paths, after={"app.get": 3})
    assert (len(found) == 1) is is_one, found


def test_how_much_the_outer_function_changed_need_not_be_certain_yet():
    sites = [("b5", "b5", "regressed", "alloc_bytes", name) for name in ("app.sum", "app.get")]
    query = ("b7", "b5", "regressed", "cpu_under_ns", "app.query")
    assert len(incidents(*sites, query, paths="app.sum<app.query=90 app.get<app.a<app.b<app.query=10")) == 1


def test_what_feels_the_costs_of_a_function_is_of_that_functions_incident():
    under = ("b5", "b5", "regressed", "cpu_under_ns", "app.sum")
    sites = [("b5", "b5", "regressed", "alloc_bytes", name) for name in ("app.sum", "app.other")]
    found = incidents(under, *sites, after={"app.other": 900})
    of_sum = ["b5 alloc_bytes app.sum", "b5 cpu_under_ns app.sum"]
    assert sorted(found) == [["b5 alloc_bytes app.other"], of_sum]


@pytest.mark.parametrize(("begins", "is_one"), [("b3", True), ("b6", True), ("b7", False), ("b8", False)])
def test_what_is_known_later_begins_where_another_of_its_function_does_nearby(begins, is_one):
    found = incidents(
        ("b5", "b5", "regressed", "alloc_bytes", "app.f"),
        ("b8", begins, "regressed", "alloc_objects", "app.f"),
    )
    assert (len(found) == 1) is is_one, found


def test_of_two_that_are_known_later_the_greater_tells_the_build():
    found = incidents(
        ("b5", "b5", "regressed", "alloc_bytes", "app.g"),
        ("b7", "b5", "regressed", "cpu_ns", "app.f"),
        ("b7", "b4", "regressed", "alloc_objects", "app.f (part)"),
        calls="app.f<app.g",
        after={"app.f": 900},
    )
    assert len(found) == 1, found


def test_the_outer_function_is_of_the_incident_of_what_is_reached_through_it():
    query = ("b5", "b5", "regressed", "cpu_under_ns", "app.query")
    sites = [("b5", "b5", "regressed", "alloc_bytes", name) for name in ("app.sum", "app.other")]
    found = incidents(query, *sites, paths="app.sum<app.query=90 app.other=90", after={"app.other": 900})
    of_query = "b5 alloc_bytes app.sum", "b5 cpu_under_ns app.query"
    assert sorted(found) == [["b5 alloc_bytes app.other"], list(of_query)]


def test_a_closure_has_the_cause_of_its_function():
    found = incidents(
        ("b5", "b5", "regressed", "goroutine_count", "app.(*Server).start"),
        ("b5", "b5", "regressed", "goroutine_live_count", "app.(*Server).start.func1"),
        ("b5", "b5", "regressed", "alloc_bytes", "app.(*Server).start.gowrap2.func1"),
        ("b5", "b5", "regressed", "alloc_bytes", "app.init.func1"),
        ("b5", "b5", "regressed", "alloc_bytes", "app.init.func2"),
        ("b5", "b5", "regressed", "alloc_bytes", "app.(*Server).starter"),
    )
    assert [len(members) for members in found] == [3, 1, 1, 1]


def test_who_holds_a_lock_for_a_small_part_of_the_waits_is_not_their_cause():
    found = incidents(
        ("b5", "b5", "regressed", "block_ns", "app.f"),
        ("b5", "b5", "regressed", "block_ns", "app.holder"),
        waits="app.f<app.holder=20 app.f<app.other=80",
    )
    assert len(found) == 2


@pytest.mark.parametrize(("calls", "is_one"), [("app.f<app.g", True), ("app.f<app.other", False)])
def test_a_function_and_its_caller_have_one_cause(calls, is_one):
    found = incidents(
        ("b5", "b5", "regressed", "mapassign_alloc_bytes", "app.f"),
        ("b5", "b5", "regressed", "alloc_bytes", "app.g"),
        calls=calls,
    )
    assert (len(found) == 1) == is_one
    assert ["b5 mapassign_alloc_bytes app.f", "b5 alloc_bytes app.g"][: 2 if is_one else 1] in found


def test_callers_come_innermost_first_and_the_standard_library_is_left_out():
    given = Given()
    functions = ("zoo.Leaf", "text/template.exec", "mid.Run", "app.Serve", "net/http.serve", "app.Main")
    given.heap("b1", "1", [(given.stack("runtime.mallocgc", *functions), 0x100, 4096)])
    with given.models() as connection:
        found = rows(connection, "select function, calling_function from int_user_calls order by 2")
    assert found == [("zoo.Leaf", "app.Serve"), ("zoo.Leaf", "mid.Run")]


def test_who_starts_goroutines_is_known_by_traces_and_dumps() -> None:
    given = Given()
    started = given.stack("app.(*Server).Serve", "app.main")
    trace = given.trace("b1", "1", [])
    row = {"capture_id": trace, "goroutine_id": 7, "entry_function": "app.(*conn).serve", "created_ns": 0}
    given.tables["goroutines"].append(row | {"creation_stack_id": started})
    dump = given.capture("b1", "1", "goroutine_dump", format="goroutine_dump")
    stack = given.stack("runtime.chanrecv1", "app.(*Pool).run", "app.work")
    row = {"capture_id": dump, "report_index": 0, "goroutine_id": 1, "state": "waiting", "stack_id": stack}
    given.tables["goroutine_dump"].append(row | {"created_by": "app.NewPool"})
    with given.models() as connection:
        found = rows(connection, "from int_goroutine_starts order by function")
    assert found == [
        ("b1", "app.(*conn).serve", "app.(*Server).Serve"),
        ("b1", "app.work", "app.NewPool"),
    ]


def test_what_goroutines_start_is_of_who_started_these() -> None:
    """Of more connections there are more goroutines of each kind that a connection starts."""
    given = Given()
    trace = given.trace("b1", "1", [])
    for number, (entry, *creation) in enumerate(
        (
            ("app.(*conn).serve", "app.(*Server).Serve", "app.main"),
            ("app.(*conn).read", "app.(*conn).startRead", "app.(*conn).next", "app.(*conn).serve"),
        )
    ):
        row = {"capture_id": trace, "goroutine_id": number, "entry_function": entry, "created_ns": 0}
        given.tables["goroutines"].append(row | {"creation_stack_id": given.stack(*creation)})
    with given.models() as connection:
        found = rows(connection, "select function, started_by from int_goroutine_starts order by function")
    assert found == [
        ("app.(*conn).read", "app.(*conn).startRead"),
        ("app.(*conn).serve", "app.(*Server).Serve"),
        ("app.(*conn).startRead", "app.(*Server).Serve"),
    ]
