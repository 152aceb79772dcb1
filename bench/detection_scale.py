"""What the detection costs over many series and builds: CPU seconds and peak memory.

    python -m bench.detection_scale

Prints the table of docs/detection.md, each row from a process of its own. The series have noise of 3 %, three
runs a build, and a step in every tenth. A large family is judged in parts, see warehouse/levels.py; the mart
regression_history is built by DuckDB over the same series, as the models build it.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator

import numpy as np

from bench.memory import peak_mb
from warehouse.levels import PART, Points, find_levels

NEGLIGIBLE = 1e-6
SMALL, LARGE = (10_000, 100), (100_000, 300)


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
    """The mart regression_history over int_series, with all that DuckDB does around the detection."""
    import duckdb
    import pyarrow as pa

    from warehouse.functions import register
    from warehouse.models import read_models

    connection = duckdb.connect()
    connection.execute("set threads = 2")
    register(connection)
    for number, points in enumerate(series(*shape)):
        names = (
            "series",
            "build",
            "log_value",
            "run_variance",
            "run_count",
            "counting_variance",
            "negligible",
        )
        rows = pa.table({name: getattr(points, name) for name in names})
        connection.register("rows", rows)
        connection.execute(("create table points as " if not number else "insert into points ") + "from rows")
    connection.execute(
        """
        create table int_series as
        select 'block_ns' as metric, 'f' || series as first_subject, 'b' || build as build_id,
            build as ordinal, 'f' || series as first_function,
            null::varchar as wait_reason, 'trace' as measure, 1 as polarity,
            'ns' as unit, 'trace' as evidence, negligible, exp(log_value) as value, log_value, run_variance,
            run_count, counting_variance,
        from points;
        create table int_lineages as
        select distinct first_function as function, first_function, 0::bigint as since_ordinal,
        from int_series;
        create table int_conditions as
        select distinct build_id, ordinal, measure, null::varchar as difference, 0::bigint as context,
            null::varchar as last_difference,
        from int_series;
        """
    )
    [model] = [m for m in read_models() if m.name == "regression_history"]
    began = time.process_time()
    connection.execute(f"create table regression_history as {model.sql}")
    cpu = time.process_time() - began
    [(changes,)] = connection.execute("select count(*) from regression_history where is_change").fetchall()
    return {"cpu": cpu, "changes": changes}


ROWS = {
    "detection": (judge, SMALL),
    "detection, large": (judge, LARGE),
    "mart regression_history": (mart, SMALL),
    "the same, one build less": (mart, (SMALL[0], SMALL[1] - 1)),
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
