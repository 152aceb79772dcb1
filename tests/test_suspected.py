"""What the last build's look back finds is hinted at, and only there."""

from __future__ import annotations

import duckdb
import numpy as np
import pyarrow as pa
import pytest

from bench.detection_scale import OTHER_TABLES, POINTS_OF_PART
from bench.synthetic import make
from tracemill.flows.gate.suspected import Hint, in_short, suspected_changes
from tracemill.warehouse.declared import declared
from tracemill.warehouse.level_relation import levels_at_hand
from tracemill.warehouse.models import read_models

from .models.judging import no_verdicts

SERIES, BUILDS = 1000, 100


@pytest.fixture(scope="module")
def history() -> duckdb.DuckDBPyConnection:
    """regression_history of a thousand series, a hundred of which change by as much as builds differ."""
    logs = np.log(make(np.random.default_rng(43), "bimodal", "1 sigma", SERIES, BUILDS).runs[:, :, :3])
    rows = {
        "series": np.repeat(np.arange(SERIES), BUILDS),
        "build": np.tile(np.arange(BUILDS), SERIES),
        "log_value": np.median(logs, axis=2).ravel(),
        "run_variance": logs.var(axis=2, ddof=1).ravel(),
        "run_count": np.full(SERIES * BUILDS, 3),
        "counting_variance": np.zeros(SERIES * BUILDS),
        "negligible": np.full(SERIES * BUILDS, 1e-6),
        "context": np.zeros(SERIES * BUILDS, np.int64),
    }
    connection = duckdb.connect()
    connection.register("part", pa.table(rows))
    connection.execute(f"create table int_points as {POINTS_OF_PART}")
    connection.execute(OTHER_TABLES)
    connection.register("_rules", declared()["detection_rules"])
    connection.execute("create table detection_rules as from _rules")
    connection.execute(
        "create table builds as select distinct build_id, ordinal, true as is_ordered from int_conditions"
    )
    no_verdicts(connection)
    [model] = [m for m in read_models() if m.name == "regression_history"]
    with levels_at_hand(connection, model.sql):
        connection.execute(f"create table regression_history as {model.sql}")
    return connection


def said_of(connection: duckdb.DuckDBPyConnection, build: str, metrics: tuple[str, ...]) -> list[str]:
    """The sentences on what may have got worse at the build."""
    return in_short(suspected_changes(connection, build, metrics))


def test_what_may_have_changed_is_said_of_the_last_build_with_where_it_begins(history) -> None:
    sentences = [s for s in said_of(history, f"b{BUILDS - 1}", ()) if " since b" in s]
    worse = history.execute(
        "select 'f' || substr(first_subject, 2), build_id from regression_history "
        "where may_change and change_log_ratio > 0 order by change_q_value, subject"
    ).fetchall()
    assert len(worse) >= 3
    assert len(sentences) == len(worse)
    for sentence, (subject, build) in zip(sentences, worse, strict=True):
        assert f" of {subject}: " in sentence and f" since {build} (q = " in sentence
    assert said_of(history, f"b{BUILDS - 1}", ("gc_pauses",)) == []


def test_of_an_earlier_build_nothing_is_said_that_later_ones_tell(history) -> None:
    assert not any(" since b" in s for s in said_of(history, f"b{BUILDS - 2}", ()))


def test_what_may_have_changed_is_no_change_and_has_its_figures(history) -> None:
    wrong = [
        "is_change and may_change",
        "may_change and (change_before is null or found_ordinal is not null)",
        "not is_change and not may_change and change_q_value is not null",
    ]
    for what in wrong:
        assert history.execute(f"from regression_history select count(*) where {what}").fetchall() == [(0,)]


def test_a_series_is_hinted_at_once(history: duckdb.DuckDBPyConnection) -> None:
    told = {
        "may_change": "true",
        "is_change": "false",
        "q_value": "0.02",
        "log_change": "1.0",
        "change_log_ratio": "2.0",
        "change_q_value": "0.03",
    }
    changed = ", ".join(f"{value} as {name}" for name, value in told.items())
    with history.cursor() as connection:
        connection.execute(
            f"create temporary table regression_history as select * replace ({changed}) "
            f"from regression_history where build_id = 'b{BUILDS - 1}' order by subject limit 5"
        )
        found = said_of(connection, f"b{BUILDS - 1}", ())
    assert len(found) == len({sentence.partition(":")[0] for sentence in found}) == 5
    assert all(sentence.endswith("(q = 0.02)") for sentence in found)


@pytest.mark.parametrize(
    ("changed", "doubt"),
    [
        (
            "true as may_change, 1e0 as q_value, 2.0 as change_log_ratio, 1e-3 as change_q_value",
            "looked over again",
        ),
        (
            "1.0 as log_change, 1e-3 as q_value, abs(value - expected) * 2 as negligible",
            "too small for a verdict",
        ),
    ],
)
def test_what_is_certain_and_no_verdict_says_why(
    history: duckdb.DuckDBPyConnection, changed: str, doubt: str
) -> None:
    with history.cursor() as connection:
        connection.execute(
            f"create temporary table regression_history as select * replace ({changed}) "
            f"from regression_history where build_id = 'b{BUILDS - 1}' and value <> expected limit 1"
        )
        (found,) = said_of(connection, f"b{BUILDS - 1}", ())
    assert "(q = 0.001, " in found
    assert doubt in found


def test_what_may_be_a_spike_is_said_to(history: duckdb.DuckDBPyConnection) -> None:
    with history.cursor() as connection:
        connection.execute(
            "create temporary table regression_history as select * replace (true as may_change, 0.2 as "
            "change_q_value, 2.0 as change_log_ratio, 1.0 as q_value) "
            f"from regression_history where build_id = 'b{BUILDS - 1}' limit 1"
        )
        (found,) = said_of(connection, f"b{BUILDS - 1}", ())
    assert found.endswith("(q = 0.2, or a spike: the next build tells)")


def test_of_an_earlier_build_it_is_said_what_the_next_one_told(history: duckdb.DuckDBPyConnection) -> None:
    with history.cursor() as connection:
        connection.execute(
            "create temporary table regression_history as select * replace ("
            f"false as is_change, if(build_id = 'b{BUILDS - 2}', 0.02, 1.0) as q_value, 1.0 as log_change, "
            "4e6 as value) "
            f"from regression_history where ordinal >= {BUILDS - 2} order by first_subject, ordinal limit 2"
        )
        (found,) = said_of(connection, f"b{BUILDS - 2}", ())
    assert found.endswith(f"(q = 0.02, at b{BUILDS - 1} it was 4 ms)")


def test_what_a_standing_incident_may_explain_is_said_once_beside_it(
    history: duckdb.DuckDBPyConnection,
) -> None:
    with history.cursor() as connection:
        connection.execute(
            "create temporary table regression_history as select * replace ("
            "false as is_change, 0.02 as q_value, 1.0 as log_change) "
            f"from regression_history where build_id = 'b{BUILDS - 2}' order by first_subject limit 5"
        )
        for metric, subject in (("heap_live_bytes", "program"), ("bench sec/op", "Parse")):
            connection.execute(
                "update regression_history set metric = $1, subject = $2, function = null "
                "where first_subject = (select max(first_subject) from regression_history "
                "where function is not null)",
                [metric, subject],
            )
        felt, felt_too, other, _, _ = [
            s for (s,) in connection.execute("select subject from regression_history").fetchall()
        ]
        connection.execute(
            "create temporary table regressions as select '1a2b3c4d' as incident_id, 'callee' as function, "
            f"'regressed' as status, 'b{BUILDS - 3}' as build_id, build_id as first_build_id, "
            "null::varchar as ended_build_id, '' as metric, '' as subject"
        )
        connection.execute(
            "create temporary table incidents as select '1a2b3c4d' as incident_id, 1 as weight"
        )
        connection.execute(
            "create temporary table int_user_calls as select * from (values "
            f"('b{BUILDS - 2}', 'callee', '{felt}'), ('b{BUILDS - 2}', '{felt}', '{felt_too}'), "
            f"('b1', 'callee', '{other}')) as calls (build_id, function, calling_function)"
        )
        of_benchmark, alone, explained = said_of(connection, f"b{BUILDS - 2}", ())
        each = suspected_changes(connection, f"b{BUILDS - 2}", ())
        # Another figure of the same benchmark.
        connection.execute(
            "insert into regressions select * replace (null as function, 'Parse' as subject) from regressions"
        )
        [_, of_incident] = said_of(connection, f"b{BUILDS - 2}", ())
        connection.execute(f"update regressions set ended_build_id = 'b{BUILDS - 2}'")
        ended = said_of(connection, f"b{BUILDS - 2}", ())
    assert of_benchmark.startswith("bench sec/op of Parse: ") and "perhaps" not in of_benchmark
    assert f" of {other}: " in alone and "perhaps" not in alone
    assert f" of {felt}: " in explained
    assert explained.endswith(", and 2 more; perhaps caused by incident 1a2b3c4d")
    assert of_incident.endswith(", and 3 more; perhaps caused by incident 1a2b3c4d")
    assert len(ended) == 5
    # For machines and for who asks which commit did it, each by its own name.
    assert {h.subject for h in each if h.incident_id} >= {felt, felt_too}
    assert sum(h.sentence.endswith("; perhaps caused by incident 1a2b3c4d") for h in each) == 3


def test_more_than_a_page_names_are_counted() -> None:
    hints = [
        Hint(f"m of {name}", name, incident)
        for name, incident in zip("abcd", ["i", None, "i", None], strict=True)
    ]
    assert in_short(hints) == ["m of a, and 1 more; perhaps caused by incident i", "m of b", "m of d"]
    assert in_short(hints, 1)[1:] == ["2 more, which the gate of this build names"]
