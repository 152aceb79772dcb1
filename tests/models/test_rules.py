"""The rules of detection stand once: SQL and flows read them, and each bites where it is read."""

from __future__ import annotations

from dataclasses import asdict

import duckdb
import pytest

from tracemill.detection.rules import RULES
from tracemill.flows.gate.suspected import suspected_changes
from tracemill.warehouse.declared import declared

from .given import USER_PATH, Given, rows
from .judging import no_verdicts
from .test_cost_shifts import HANDLE, LIST, RENDER, TOUCH, service, verdicts

CALM = 0.0005


def test_the_table_has_the_rules_as_they_are() -> None:
    [row] = declared()["detection_rules"].to_pylist()
    assert row.items() <= asdict(RULES).items()


@pytest.mark.parametrize(("factor", "statuses"), [(1.015, []), (1.04, ["not_comparable"])])
def test_a_figure_under_another_condition_is_worth_a_word_from_the_least_ratio_on(factor, statuses):
    given = Given()
    for build in range(1, 13):
        given.binary(f"b{build}", {}, go_version="go1.27.1" if build >= 10 else "go1.26.1")
        for run in "123":
            capture_id = given.capture(f"b{build}", run, "benchmarks", format="benchmarks")
            given.tables["benchmarks"] += [
                {"capture_id": capture_id, "line": line, "package": "app", "name": name, "metric": "sec/op"}
                | {"unit": "sec/op", "value": 1e-3 * (factor if build >= 10 and name == "List" else 1)}
                for line, name in enumerate(("List", "Render", "Touch"))
            ]
    with given.models() as connection:
        assert [status for (status,) in rows(connection, "select status from regressions")] == statuses


@pytest.mark.sampled
@pytest.mark.parametrize(("others", "status"), [(60e6, "cost_shift"), (64e6, "regressed")])
def test_a_caller_that_rises_by_more_than_the_shift_share_makes_it_a_regression(others, status):
    """The site adds 2.1 % to the sum, which rises by 0.6 % or 1.5 %: less than the least ratio either way."""
    before = 400e6

    def waits(build):
        touched, listed, rest = (20e6, others, before) if build in (6, 7, 8) else (10e6, 67e6, before)
        return {(TOUCH, *USER_PATH): touched, (LIST, *USER_PATH): listed, (RENDER, *USER_PATH): rest}

    assert (status, TOUCH) in {(found[2], found[1]) for found in verdicts(service(waits, spread=CALM))}


@pytest.mark.full
def test_the_callers_level_is_taken_from_as_many_builds_as_a_level_is():
    """The last two builds before the change cost the caller more, within the least ratio in each callee."""
    callees = [f"app/catalog.F{n}" for n in range(9)]

    def waits(build):
        high = 1.019 if build in (28, 29) else 1
        paths = {(callee, *USER_PATH): 10e6 * high for callee in callees}
        return paths | {(RENDER, *USER_PATH): 13.5e6 if build >= 30 else 10e6 * high}

    found = verdicts(service(waits, spread=CALM, builds=32))
    assert ("b30", RENDER, "regressed", None) in found
    assert HANDLE not in {caller for *_, caller in found}


@pytest.mark.parametrize(("change", "count"), [(1.015, 0), (1.03, 1), (1 / 1.03, 0)])
def test_a_suspected_change_is_worth_a_word_from_the_least_ratio_on(change, count):
    connection = duckdb.connect()
    connection.register("_rules", declared()["detection_rules"])
    connection.execute("create table detection_rules as from _rules")
    connection.execute("create table builds as select 'b9' as build_id, 9 as ordinal, true as is_ordered")
    no_verdicts(connection)
    connection.execute(
        f"""
        create table regression_history as
        select 'block_ns' as metric, 'f' as subject, 'f' as first_subject, 'f' as function,
            'ns' as unit, 1.0 as negligible, 'b9' as build_id, 9 as ordinal,
            100.0 as expected, 100.0 * {change} as value, ln({change}) as log_change, 1 as polarity,
            0.99 * suspected_share as q_value, false as is_change, false as may_change,
            null::double as change_before, null::double as change_after, null::double as change_q_value,
            null::double as change_log_ratio, 0.0 as shared_log_change,
        from detection_rules
        """
    )
    assert len(suspected_changes(connection, "b9", ())) == count
