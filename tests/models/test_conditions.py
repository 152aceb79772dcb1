"""Builds under other conditions: told in words, not compared, and compared again from there on."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from tracemill.flows.gate.formats import write
from tracemill.flows.gate.judge import judge
from tracemill.flows.gate.notes import notes
from tracemill.flows.gate.wording import coverage

from .given import Given, rows
from .story import GET, LOOKUP, PUT, story

VERDICTS = "select build_id, metric, subject, status from regressions where is_lead order by all"


def with_go(given, versions):
    """The builds b1 … b12 built with these releases of Go."""
    for binary in given.tables["binaries"]:
        binary["go_version"] = versions(int(binary["capture_id"].split("/")[0][1:]))
    return given


def test_what_comes_with_another_go_version_is_no_regression():
    given = with_go(story(contention=1), lambda build: "go1.27.1" if build >= 4 else "go1.25.3")
    with given.models() as connection:
        found = rows(connection, VERDICTS)
        [(words,)] = rows(
            connection,
            f"select evidence from regressions where build_id = 'b4' and subject = '{PUT}' limit 1",
        )
    assert [f for f in found if f[0] == "b4"] == [("b4", "mapassign_alloc_bytes", PUT, "not_comparable")]
    assert words.startswith("Go version go1.25 → go1.27: not compared")


def test_the_gate_says_which_builds_the_candidate_compares_with():
    given = with_go(story(leak=1, contention=1), lambda build: "go1.27" if build >= 5 else "go1.26")
    with given.models() as connection:
        later, first = (judge(connection, build) for build in ("b9", "b5"))
    assert (later.word, first.word) == ("passed", "could not judge")
    assert first.doubts == ("of 4 earlier builds none compares with it; it takes 3 to tell noise",)
    told = json.loads(write(first, "json"))
    assert (told["judged"], told["judged_against"]) == ({}, coverage(first)[:2])
    assert told["unjudged"][0]["why"] == "none of the builds before compares"
    later, first = coverage(later), coverage(first)
    assert later[0].endswith(" against 4 builds: b5 to b8")
    assert "not compared: what is before b5 (Go version)" in later
    assert first[0] == "judged nothing against earlier builds, of which none compares with it"
    assert first[1] == "not looked at: whether regressions of earlier builds still stand"
    assert not any(line.startswith(("judged: block_ns", "judged: alloc")) for line in first)
    assert any(line.startswith("judged: ") for line in later)


def test_no_series_is_counted_as_judged_of_which_no_earlier_build_compares():
    given = story(leak=1, contention=1)
    for sample in given.tables["profile_samples"]:
        if sample["capture_id"].startswith("b9/"):
            sample["sampling_period"] //= 2
    with given.models() as connection:
        before, found = (judge(connection, build) for build in ("b8", "b9"))
    assert before.judged["alloc_bytes"] and before.judged["block_ns"]
    assert "alloc_bytes" not in found.judged and found.judged["block_ns"] == before.judged["block_ns"]
    alone = {
        u.metric: u.series_count for u in found.unjudged if u.why == "none of the builds before compares"
    }
    assert alone["alloc_bytes"] == before.judged["alloc_bytes"]
    assert 'classname="tracemill.alloc_bytes" name="not judged: ' in write(found, "junit")
    assert coverage(found)[0].endswith(" against 8 builds: b1 to b8")


@pytest.mark.full
def test_a_patch_release_of_go_compares():
    given = with_go(story(contention=1), lambda build: "go1.27.1" if build >= 4 else "go1.27.0")
    with given.models() as connection:
        assert ("b4", "mapassign_alloc_bytes", PUT, "regressed") in rows(connection, VERDICTS)


@pytest.mark.full
def test_a_level_starts_with_the_other_condition_and_is_judged_against():
    given = with_go(story(leak=1), lambda build: "go1.27" if build >= 5 else "go1.26")
    query = f"""
        select distinct build_id, level_number, not_comparable from regression_history
        where first_subject = '{GET} (sync)' and build_id in ('b4', 'b5', 'b6') order by all
    """
    with given.models() as connection:
        assert rows(connection, query) == [
            ("b4", 0, None),
            ("b5", 1, "Go version go1.26 → go1.27"),
            ("b6", 1, None),
        ]
        found = rows(connection, VERDICTS)
    assert ("b8", "block_ns", f"{GET} (sync)", "regressed") in found
    assert ("b11", "block_ns", f"{LOOKUP} (sync)", "improved") in found
    assert not [f for f in found if f[0] == "b5"]


@pytest.mark.full
def test_builds_that_do_not_tell_a_condition_are_taken_to_be_as_before():
    given = with_go(story(contention=1), lambda build: None if build in (4, 5) else "go1.27")
    with given.models() as connection:
        assert ("b4", "mapassign_alloc_bytes", PUT, "regressed") in rows(connection, VERDICTS)


@pytest.mark.parametrize(
    ("name", "values", "difference"),
    [
        ("/gc/gogc:percent", (100, 25), "GOGC 100 → 25"),
        ("/gc/gomemlimit:bytes", (2.0**63, 512 << 20), "GOMEMLIMIT off → 536870912"),
    ],
)
def test_what_a_program_says_of_its_collector_is_a_condition(name, values, difference):
    given = story(leak=1, contention=1)
    for build in range(1, 13):
        for run in "12":
            capture = given.capture(f"b{build}", run, "runtime_metrics", format="runtime_metrics")
            row = {"capture_id": capture, "snapshot_index": 0, "name": name, "unit": ""}
            given.tables["runtime_metrics"].append(row | {"value": float(values[build >= 8])})
    with given.models() as connection:
        found = rows(
            connection, "select distinct build_id, difference from int_conditions where difference <> ''"
        )
    assert found == [("b8", difference)]
    for one in (0, -1):  # a program that changes it: of b1 and b12 it is no condition
        given.tables["runtime_metrics"][one]["value"] *= 2
    with given.models() as connection:
        query = f"select count(*) from int_build_conditions where condition = '{difference.split()[0]}'"
        assert rows(connection, query) == [(10,)]


def with_formats(given, formats):
    """The traces of b1 … b12 in these formats."""
    for capture in given.tables["captures"]:
        if capture["kind"] == "trace":
            capture["labels"] = [("trace_format", formats(int(capture["build_id"][1:])))]
    return given


@pytest.mark.full
def test_another_format_of_traces_is_another_release_of_go():
    given = with_go(story(contention=1), lambda build: None if build >= 4 else "go1.23.12")
    with_formats(given, lambda build: "go 1.25" if build >= 4 else "go 1.23")
    with given.models() as connection:
        found = rows(connection, VERDICTS)
        words = rows(connection, "select distinct difference from int_conditions where difference <> ''")
    assert [f for f in found if f[0] == "b4"] == [("b4", "mapassign_alloc_bytes", PUT, "not_comparable")]
    assert words == [("trace format go 1.23 → go 1.25",)]


def test_another_format_is_not_said_beside_the_release_that_it_follows_from():
    given = with_go(story(contention=1), lambda build: "go1.25.5" if build >= 4 else "go1.23.12")
    with_formats(given, lambda build: "go 1.25" if build >= 5 else None if build == 4 else "go 1.23")
    query = "select distinct build_id, difference from int_conditions where difference <> ''"
    with given.models() as connection:
        found = rows(connection, query)
    assert found == [("b4", "Go version go1.23 → go1.25")]


@pytest.mark.full
def test_a_release_that_was_taken_from_a_traces_format_counts_for_nothing():
    """Captures that earlier versions loaded have it: it is the format's version."""
    given = with_go(story(contention=1), lambda build: "go1.27" if build >= 4 else None)
    for capture in given.tables["captures"]:
        if capture["kind"] == "trace":
            capture["go_version"] = "go1.26"
    with given.models() as connection:
        assert ("b4", "mapassign_alloc_bytes", PUT, "regressed") in rows(connection, VERDICTS)


@pytest.mark.sampled
@pytest.mark.parametrize(
    ("condition", "metric"), [("procs", "block_ns"), ("period", "mapassign_alloc_bytes")]
)
def test_other_processors_and_another_sampling_do_not_compare(condition, metric):
    given = story(leak=4, contention=10)
    late = tuple(f"b{build}/" for build in range(4 if condition == "period" else 8, 13))
    for capture in given.tables["captures"]:
        if condition == "procs" and capture["kind"] == "trace":
            value = 8.0 if capture["capture_id"].startswith(late) else 4.0
            name = "/sched/gomaxprocs:threads"
            given.tables["trace_metrics"].append(
                {"capture_id": capture["capture_id"], "ts_ns": 0, "name": name, "value": value}
            )
    for sample in given.tables["profile_samples"]:
        if condition == "period" and sample["capture_id"].startswith(late):
            sample["sampling_period"] //= 2
    with given.models() as connection:
        found = rows(connection, VERDICTS)
        words = rows(
            connection, "select distinct not_comparable from regression_history where not_comparable <> ''"
        )
    first = late[0].rstrip("/")
    assert {f[3] for f in found if f[0] == first and f[1] == metric} == {"not_comparable"}
    expected = "GOMAXPROCS 4 → 8" if condition == "procs" else "sampling period 524288 → 262144"
    assert words == [(expected,)]


def worked(given, factor, seconds=1):
    """From b8 on, so many times the work was done in a trace so many times as long."""
    late = {f"b{build}" for build in range(8, 13)}
    for run in given.tables["run_work"]:
        run["work_count"] *= factor if run["build_id"] in late else 1
    for capture in given.tables["captures"]:
        if capture["kind"] == "trace" and capture["build_id"] in late:
            capture["duration_ns"] = int(capture["duration_ns"] * seconds)
    for interval in given.tables["goroutine_intervals"]:
        if interval["capture_id"].split("/")[0] in late:
            interval["duration_ns"] = int(interval["duration_ns"] * factor)
    return given


def contended(given):
    with given.models() as connection:
        return rows(
            connection,
            f"select status, evidence from regressions where build_id = 'b8' and subject = '{GET} (sync)'",
        )[0]


def test_what_gets_worse_with_a_greater_load_is_not_compared():
    status, words = contended(worked(story(leak=1), 3))
    assert status == "not_comparable"
    assert words.startswith("load 999 → 2.94e+03 requests/s: not compared; 7 builds (21 runs) before, 3 (9)")


@pytest.mark.full
def test_what_gets_worse_at_a_smaller_load_is_a_regression():
    assert contended(worked(story(leak=1), 0.3))[0] == "regressed"


@pytest.mark.full
def test_work_in_proportion_to_the_duration_is_the_same_load():
    assert contended(worked(story(leak=1), 3, seconds=3))[0] == "regressed"


def without_work(given):
    given.tables["run_work"] = []
    return given


@pytest.mark.full
def test_totals_of_runs_of_another_duration_are_not_compared():
    given = without_work(story(contention=1))
    for capture in given.tables["captures"]:
        if capture["kind"] == "trace" and capture["build_id"] in ("b4", "b5"):
            capture["duration_ns"] *= 3
    with given.models() as connection:
        found = rows(
            connection,
            "select distinct build_id, status, split_part(evidence, ':', 1) from regressions "
            f"where subject = '{PUT}'",
        )
    assert ("b4", "not_comparable", "duration 1 → 3 s") in found
    with without_work(story(contention=1)).models() as connection:
        assert ("b4", "mapassign_alloc_bytes", PUT, "regressed") in rows(connection, VERDICTS)


def served(given, before, after, entry="net/http.(*connReader).backgroundRead"):
    """No work is counted; each trace has so many requests, from b8 on other ones."""
    for capture in given.tables["captures"]:
        if capture["kind"] == "trace":
            is_late = int(capture["build_id"].removeprefix("b")) >= 8
            given.tables["goroutines"] += [
                {
                    "capture_id": capture["capture_id"],
                    "goroutine_id": 1000 + number,
                    "entry_function": entry,
                    "created_ns": number,
                }
                for number in range(after if is_late else before)
            ]
    return without_work(given)


@pytest.mark.full
@pytest.mark.parametrize(
    "entry",
    [
        "net/http.(*connReader).backgroundRead",
        "net/http.(*http2serverConn).runHandler",
        "net/http/internal/http2.(*serverConn).runHandler",
        "golang.org/x/net/http2.(*serverConn).runHandler",
        "google.golang.org/grpc.(*Server).serveStreams.func2.1",
    ],
)
def test_requests_that_traces_show_are_a_load(entry):
    status, words = contended(served(worked(story(leak=1, contention=1), 3), 40, 120, entry))
    assert status == "not_comparable"
    assert words.startswith("load 40 → 120 requests/s, by its traces: not compared; ")


def test_the_gate_says_what_requests_traces_show():
    with served(story(leak=1, contention=1), 40, 120).models() as connection:
        said = notes(connection, "b8")
    assert any("its traces show 120 requests/s, those of the builds before 40 to 40" in note for note in said)


@pytest.mark.full
@pytest.mark.parametrize(
    ("factor", "before", "after", "entry"),
    [
        # As many requests; fewer than tell anything; twice what they explain; goroutines of connections.
        (3, 40, 40, "net/http.(*connReader).backgroundRead"),
        (3, 5, 19, "net/http.(*connReader).backgroundRead"),
        (12, 40, 120, "net/http.(*connReader).backgroundRead"),
        (3, 40, 120, "net/http.(*conn).serve"),
    ],
)
def test_requests_explain_no_more_than_they_can(factor, before, after, entry):
    assert (
        contended(served(worked(story(leak=1, contention=1), factor), before, after, entry))[0] == "regressed"
    )


@pytest.mark.parametrize(
    ("factor", "after", "status"),
    [(1.7, 180, "not_comparable"), (1.7, 120, "regressed"), (1.7, 60, "regressed")],
)
def test_a_change_no_greater_than_that_of_the_requests_is_not_compared(factor, after, status):
    # A greater one, or one at fewer requests, is a regression.
    found = contended(served(worked(story(leak=1, contention=1), factor), 100, after))
    assert found[0] == status
    assert found[1].startswith("load 100 → 180 requests/s, by its traces") == (status == "not_comparable")


@pytest.mark.full
def test_work_of_a_part_does_not_compare_with_that_of_the_whole_run():
    given = story(leak=1, contention=1)
    given.tables["run_work"] += [
        run | {"work_unit": "seconds", "work_count": 9}
        for run in given.tables["run_work"]
        if int(run["build_id"].removeprefix("b")) >= 8
    ]
    with given.models() as connection:
        words = "select distinct not_comparable from regression_history where not_comparable <> ''"
        assert rows(connection, words) == [("amount of work of the whole run → while captured",)]
        assert rows(connection, "from regressions where status in ('regressed', 'improved')") == []


def replicas(late):
    """Eight builds of a thousand requests in ten seconds a run, by one process; from b6 on by so many."""
    given = Given()
    for build in range(1, 9):
        for run in "123":
            for unit, count in (("requests", 1000), ("seconds", 10)):
                work = {"build_id": f"b{build}", "run_id": run, "work_unit": unit, "work_count": count}
                given.tables["run_work"].append(work)
            for process in range(late if build >= 6 else 1):
                started_at = datetime(2026, 1, 1, 0, 0, process, tzinfo=UTC)
                capture = given.capture(
                    f"b{build}",
                    run,
                    "trace",
                    name=f"{process}.trace",
                    format="exectrace",
                    duration_ns=10**10,
                    started_at=started_at,
                )
                seen = {"name": "/memory/classes/heap/objects:bytes", "value": 100 * 2**20 + 12345 * build}
                given.tables["trace_metrics"].append({"capture_id": capture, "ts_ns": 1} | seen)
                given.tables["goroutines"] += [
                    {
                        "capture_id": capture,
                        "goroutine_id": n,
                        "entry_function": "app.worker",
                        "created_ns": 0,
                    }
                    for n in range(1, 101)
                ]
    return given


def test_what_more_processes_hold_together_is_not_compared_where_work_is_counted():
    loads = "select distinct value from int_build_loads where measure = 'trace'"
    with replicas(1).models() as connection:
        assert rows(connection, "from regressions") == []
        assert rows(connection, loads) == [(100.0,)]
    with replicas(2).models() as connection:
        found = rows(connection, "select build_id, metric, status from regressions order by metric")
        history = "from regression_history where not_comparable <> ''"
        words = rows(connection, f"select distinct not_comparable {history}")
        assert rows(connection, loads) == [(100.0,)]
    assert found == [
        ("b6", "goroutine_live_count", "not_comparable"),
        ("b6", "heap_live_bytes", "not_comparable"),
    ]
    assert words == [("processes 1 → 2",)]
