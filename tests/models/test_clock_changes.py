"""What ran longer by the clock and took no more CPU time is no verdict, and is said."""

from __future__ import annotations

import duckdb
import pytest

from .given import build, rows


@pytest.mark.parametrize(
    ("running", "program", "is_contradicted"),
    [
        ((40, 60), (55, 49), True),
        ((40, 60), (55, 64), True),
        # A tenth of the program's time is enough, if it is that much.
        ((4, 6), (55, 57), False),
        ((60, 40), (55, 55), True),
        ((60, 40), (55, 35), False),
        ((40, 60), None, False),
        # No machine makes that of nothing.
        ((4, 60), (55, 60), False),
    ],
)
def test_cpu_time_contradicts_what_only_the_clock_shows(running, program, is_contradicted):
    connection = duckdb.connect()
    connection.execute(
        """
        create table regression_history (
            metric varchar, first_subject varchar, subject varchar, build_id varchar, ordinal bigint,
            unit varchar, value double, expected double, is_change boolean, polarity bigint,
            change_before double, change_after double, change_log_ratio double, not_comparable varchar
        )
        """
    )
    connection.execute("create table detection_rules as select 2.0::double as load_ratio")
    connection.execute(
        "create table int_load_differences as "
        "select '' as metric, '' as first_subject, 0 as ordinal, '' as difference, true as is_by_clock "
        "limit 0"
    )
    row = (
        "insert into regression_history values "
        "($1, $2, $2, 'b4', 4, 'ns/s', $4, $3, $5, 1, $3, $4, ln($4 / $3), null)"
    )
    connection.execute(row, ["running_ns", "app.serve", *running, True])
    if program:
        connection.execute(row, ["process_cpu_ns", "program", *program, False])
    build(connection, "int_clock_changes")
    assert bool(rows(connection, "select subject from int_clock_changes")) is is_contradicted
