"""levels_of_<model>: the points of a model judged part by part, each row with what was found of it."""

from __future__ import annotations

import duckdb
import numpy as np
import pytest

from tracemill.detection.levels import Points, find_levels
from tracemill.warehouse.level_relation import levels_at_hand

SERIES, BUILDS, PART = 250, 30, 100


@pytest.fixture
def points(monkeypatch: pytest.MonkeyPatch) -> duckdb.DuckDBPyConnection:
    """Two metrics of 250 series each, every fifth with a step; parts and batches smaller than they are."""
    monkeypatch.setattr("tracemill.warehouse.level_relation.PART", PART)
    monkeypatch.setattr("tracemill.warehouse.level_relation._BATCH", 2048)
    connection = duckdb.connect()
    connection.execute(
        f"""
        select setseed(0.5);
        create table given_points as
        select metric, series_number, ordinal, 2::bigint as families,
            7::bigint as builds_before, metric = 'it''s' as is_timed, 0::bigint as context,
            metric || ' ' || series_number as passed_on,
            1e-6 as negligible, 3::bigint as run_count, 0.0::double as counting_variance,
            case when ordinal <> 3 then 0.0001 end as run_variance,
            ln(100 * (1 + 0.02 * random()) * if(series_number % 5 = 0 and ordinal >= 12, 3, 1)) as log_value,
        from (select unnest(['block_ns', 'it''s']) as metric)
        cross join (select unnest(range(1, {SERIES + 1})) as series_number)
        cross join (select unnest(range(1, {BUILDS + 1})) as ordinal)
        -- Series that are not there leave their place.
        where series_number <> 4
        order by random()
        """
    )
    return connection


def test_each_point_comes_with_the_levels_of_its_part(points: duckdb.DuckDBPyConnection) -> None:
    query = "select *, log_value - log_level as change from levels_of_given_points"
    with levels_at_hand(points, query):
        points.execute(f"create table judged as {query}")
    assert points.execute(
        "select count(*) from judged where passed_on = metric || ' ' || series_number"
    ).fetchall() == [(2 * (SERIES - 1) * BUILDS,)]
    for metric in ("block_ns", "it's"):
        for first in range(1, SERIES + 1, PART):
            found = points.execute(
                "from judged where metric = $1 and series_number between $2 and $3",
                [metric, first, first + PART - 1],
            ).fetchnumpy()
            alone = find_levels(
                Points(
                    series=found["series_number"],
                    build=found["ordinal"],
                    log_value=found["log_value"],
                    run_variance=np.ma.filled(found["run_variance"], np.nan),
                    run_count=found["run_count"],
                    counting_variance=found["counting_variance"],
                    negligible=found["negligible"],
                    context=found["context"],
                ),
                families=2,
                builds_before=7,
                is_timed=metric == "it's",
            )
            assert alone.is_change.any()
            np.testing.assert_array_equal(found["is_change"], alone.is_change)
            np.testing.assert_array_equal(np.ma.filled(found["q"], np.nan), alone.q)
            np.testing.assert_array_equal(np.ma.filled(found["change_after"], np.nan), alone.change.after)


@pytest.mark.full
def test_they_can_be_read_again_and_are_gone_afterwards(points: duckdb.DuckDBPyConnection) -> None:
    relation = "levels_of_given_points"
    query = f"select count(*) from {relation} semi join {relation} as again using (ordinal)"
    with levels_at_hand(points, query):
        assert points.execute(query).fetchall() == [(2 * (SERIES - 1) * BUILDS,)]
    with pytest.raises(duckdb.CatalogException):
        points.execute(query)
    assert points.execute("select current_setting('disabled_optimizers')").fetchall() == [("",)]


def test_no_points_have_no_levels(points: duckdb.DuckDBPyConnection) -> None:
    points.execute("delete from given_points")
    query = "select count(*), max(q), bool_or(is_change) from levels_of_given_points"
    with levels_at_hand(points, query):
        assert points.execute(query).fetchall() == [(0, None, None)]
