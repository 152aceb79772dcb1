"""What the detection costs over many series and builds: CPU seconds and peak memory.

    python -m bench.detection_scale

Prints the table of docs/detection.md, each row from a process of its own. The series have noise of 3 %, three
runs a build, and a step in every tenth. A large family is judged in parts, see detection/levels.py; the mart
regression_history is made over the points of the same series, in a database on disk as the models make it,
with a limit to what DuckDB itself may take; int_points, before it, with another.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import fields

import duckdb
import numpy as np
import pyarrow as pa

from bench.memory import peak_mb
from tracemill.detection.levels import Points, find_levels
from tracemill.detection.rules import PART
from tracemill.warehouse.level_relation import levels_at_hand
from tracemill.warehouse.models import read_models
from tracemill.warehouse.stretches import create

NEGLIGIBLE = 1e-6
SMALL, LARGE = (10_000, 100), (100_000, 300)
# DuckDB would use what the machine has; what does not fit goes to disk.
MEMORY_LIMIT, MEMORY_LIMIT_OF_RUNS = "300MB", "1GB"

POINTS_OF_PART = """
    select 'block_ns' as metric, series + 1 as series_number, 'b' || build as build_id, build as ordinal,
        context, 'ns' as unit, 'trace' as evidence, negligible, exp(log_value) as value, log_value,
        run_variance, run_count, counting_variance, 1::bigint as families, 0::bigint as builds_before,
        false as is_timed,
    from part
"""
OTHER_TABLES = """
    create table int_series as
    select metric, series_number, 'f' || series_number as first_subject, first_subject as first_function,
        null::varchar as wait_reason, null::varchar as first_calling_function, 'trace' as measure,
        1 as polarity,
    from int_points
    group by metric, series_number;
    create table int_lineages as
    select first_function as function, first_function, 0::bigint as since_ordinal,
    from int_series;
    create table int_conditions as
    select distinct 'b' || ordinal as build_id, ordinal, 'trace' as measure, null::varchar as difference,
        0::bigint as context, null::varchar as last_difference,
    from int_points;
"""


# What int_points is made from: each series in RUNS runs of each build.
RUNS = 3
TABLES_OF_RUNS = """
    create table observations as
    select 'b' || build as build_id, build_id || '/' || run as run_id, 'block_ns' as metric,
        'f' || series as subject, 'ns' as unit, 1 as polarity,
        1e6 * (1 + (hash(series, build, run) % 1000) / 1e4) as value,
        null::double as standard_error, 'trace' as evidence,
    from range({series}) as a (series), range({builds}) as b (build), range({runs}) as c (run);
    create table int_series as
    select 'block_ns' as metric, series + 1 as series_number, 'trace' as measure, ['f' || series] as subjects,
    from range({series}) as a (series);
    create table int_run_measures as
    select distinct build_id, run_id, 'trace' as measure, true as is_comparable, true as is_exhaustive,
        false as is_told_by_site,
    from observations;
    create table int_conditions as
    select 'b' || build as build_id, build as ordinal, 'trace' as measure, 0::bigint as context,
    from range({builds}) as b (build);
    create table int_families as select distinct ordinal, 1::bigint as families from int_conditions;
    create table int_metric_floors as select 'block_ns' as metric, 1000.0::double as negligible;
    create table int_metrics as select 'block_ns' as metric, 'waiting' as family, true as is_timed,
        false as is_fault;
    create table metric_sources as select '' as measure, null::varchar as sample_type limit 0;
    create table int_heap_processes as
    select '' as build_id, '' as sample_type, 1::bigint as own_count, 1::bigint as run_count limit 0;
    create table int_unknown_sites as
    select '' as build_id, '' as run_id, '' as function, 1.0::double as alloc_bytes,
        1.0::double as inuse_bytes
    limit 0;
    create table int_run_programs as select '' as build_id, '' as run_id, '' as program limit 0;
    create table int_series_programs as
    select '' as metric, 1::bigint as series_number, '' as program limit 0;
    create table figures_heap as
    select '' as build_id, '' as run_id, '' as metric, '' as function, '' as calling_function,
        1.0::double as value
    limit 0;
"""


def series(count: int, builds: int, *, step: int = PART) -> Iterator[Points]:
    """The series, in parts of one family."""
    random = np.random.default_rng(11)
    for first in range(0, count, step):
        shape = min(step, count - first), builds
        noise = 0.03 * random.standard_normal(shape, dtype=np.float32)
        for row in range(0, shape[0], 10):
            noise[row, int(random.integers(10, builds - 10)) :] += 0.1
        points = shape[0] * builds
        yield Points(
            series=np.repeat(np.arange(first, first + shape[0]), builds),
            build=np.tile(np.arange(builds), shape[0]),
            log_value=np.log(100.0) + noise.ravel().astype(float),
            run_variance=0.0002 * random.chisquare(2, points) / 2,
            run_count=np.full(points, 3),
            counting_variance=np.zeros(points),
            negligible=np.full(points, NEGLIGIBLE),
            context=np.zeros(points, np.int64),
        )


def judge(shape: tuple[int, int]) -> dict[str, float]:
    """The detection alone."""
    cpu, changes = 0.0, 0
    for points in series(*shape):
        began = time.process_time()
        found = find_levels(points)
        cpu += time.process_time() - began
        changes += int((found.is_change & ~found.went_away).sum())
    return {"cpu": cpu, "changes": changes}


def mart(shape: tuple[int, int]) -> dict[str, float]:
    """The mart regression_history over int_points, in a database of its own as the models build it."""
    with tempfile.TemporaryDirectory() as folder:
        connection = duckdb.connect(f"{folder}/history.duckdb")
        connection.execute("set threads = 2")
        connection.execute(f"set memory_limit = '{MEMORY_LIMIT}'")
        for number, points in enumerate(series(*shape)):
            connection.register("part", pa.table({f.name: getattr(points, f.name) for f in fields(points)}))
            verb = "insert into int_points" if number else "create table int_points as"
            connection.execute(f"{verb} {POINTS_OF_PART}")
        connection.execute(OTHER_TABLES)
        [model] = [m for m in read_models() if m.name == "regression_history"]
        began = time.process_time()
        with levels_at_hand(connection, model.sql):
            connection.execute(f"create table regression_history as {model.sql}")
        cpu = time.process_time() - began
        [(changes,)] = connection.execute(
            "select count(*) from regression_history where is_change"
        ).fetchall()
        connection.close()
    return {"cpu": cpu, "changes": changes}


def points(shape: tuple[int, int]) -> dict[str, float]:
    """int_points over what each run showed, and the view between them."""
    count, builds = shape
    models = {m.name: m for m in read_models()}
    with tempfile.TemporaryDirectory() as folder, duckdb.connect(f"{folder}/history.duckdb") as connection:
        connection.execute("set threads = 2")
        connection.execute(TABLES_OF_RUNS.format(series=count, builds=builds, runs=RUNS))
        connection.execute(f"create view int_run_points as {models['int_run_points'].sql}")
        began = time.process_time()
        connection.execute(f"set memory_limit = '{MEMORY_LIMIT_OF_RUNS}'")
        create(connection, models["int_points"])
        return {"cpu": time.process_time() - began, "changes": 0}


ROWS = {
    "int_points, of three runs": (points, SMALL),
    "detection": (judge, SMALL),
    "detection, large": (judge, LARGE),
    "mart regression_history": (mart, SMALL),
    "the same, one build less": (mart, (SMALL[0], SMALL[1] - 1)),
    "mart regression_history, large": (mart, LARGE),
}


def main() -> None:
    """Every row in its own process."""
    if len(sys.argv) > 1:
        what, shape = ROWS[sys.argv[1]]
        print(json.dumps(what(shape) | {"peak": peak_mb()}))
        return
    print("| what | series × builds | CPU s | peak MB | changes |\n|---|---|---|---|---|")
    for name, (_, (count, builds)) in ROWS.items():
        command = [sys.executable, "-m", "bench.detection_scale", name]
        found = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
        size, cpu, peak = f"{count:,} × {builds}", f"{found['cpu']:.1f}", f"{found['peak']:.0f}"
        print(f"| {name} | {size} | {cpu} | {peak} | {found['changes']:,} |")


if __name__ == "__main__":
    main()
