"""What a heap profile samples now and then is noise, and nothing of it is taken for a change."""

from __future__ import annotations

import pytest

from .given import Given, rows

INIT, PUT = "app.init.0", "app/cache.(*Cache).Put"
ASSIGN = "runtime.mapassign_faststr"


def sampled_now_and_then() -> Given:
    """Eight builds without a binary: a map of init sampled in three; what Put calls, known from b5 on."""
    given = Given()
    init, put = given.stack(INIT), given.stack(PUT)
    for number in range(1, 9):
        name = f"b{number}"
        sites = [(init, 0x100, 531_101)] if number in (1, 2, 4) else []
        given.heap(name, "1", [*sites, (put, 0x200, 60_000_000)])
        known = [(0x101, INIT, 1, ASSIGN)] + ([(0x201, PUT, 1, "runtime.growslice")] if number >= 5 else [])
        given.names(given.trace(name, "1", []), known)
    return given


def test_what_is_not_sampled_is_zero_where_nothing_of_the_site_is_unknown():
    query = """
        select build_id, value from regression_history
        where metric = 'mapassign_alloc_bytes' and subject = $1 order by ordinal
    """
    with sampled_now_and_then().models() as connection:
        points = connection.execute(query, [INIT]).fetchall()
        assert [(b, v > 0) for b, v in points] == [(f"b{n}", n in (1, 2, 4)) for n in range(1, 9)]
        assert rows(connection, "select subject, metric from regressions") == []


@pytest.mark.parametrize("figure", ["alloc", "inuse"])
def test_objects_are_as_uncertain_as_their_bytes(figure):
    query = """
        select metric, round(standard_error / value, 6) from observations
        where build_id = 'b1' and function = $1 and metric like $2 order by metric
    """
    with sampled_now_and_then().models() as connection:
        for function in (INIT, PUT):
            found = dict(connection.execute(query, [function, f"%{figure}_%"]).fetchall())
            assert found[f"{figure}_objects"] == found[f"{figure}_bytes"] > 0
            if function == INIT:
                assert found[f"mapassign_{figure}_objects"] == found[f"mapassign_{figure}_bytes"] > 0


@pytest.mark.full
def test_a_map_figure_of_a_site_that_is_known_in_part_is_no_point():
    given = Given()
    put = given.stack(PUT)
    for number in range(1, 4):
        given.heap(f"b{number}", "1", [(put, 0x100, 8_000_000), (put, 0x200, 8_000_000)])
        known = [(0x101, PUT, 1, ASSIGN)] + ([(0x201, PUT, 1, ASSIGN)] if number != 2 else [])
        given.names(given.trace(f"b{number}", "1", []), known)
    with given.models() as connection:
        query = "select build_id from regression_history where metric = 'mapassign_alloc_bytes' order by 1"
        assert rows(connection, query) == [("b1",), ("b3",)]


@pytest.mark.parametrize("requests", [0, 1000])
def test_next_to_nothing_unknown_leaves_a_map_figure_a_point_per_unit_of_work_as_well(requests):
    given = Given()
    put = given.stack(PUT)
    for number in range(1, 4):
        given.heap(f"b{number}", "1", [(put, 0x100, 800_000_000), (put, 0x200, 8_000_000)])
        given.names(given.trace(f"b{number}", "1", []), [(0x101, PUT, 1, ASSIGN)])
        if requests:
            work = {"build_id": f"b{number}", "run_id": "1", "work_unit": "requests", "work_count": requests}
            given.tables["run_work"].append(work)
    with given.models() as connection:
        query = "select build_id from regression_history where metric = 'mapassign_alloc_bytes' order by 1"
        assert rows(connection, query) == [("b1",), ("b2",), ("b3",)]
