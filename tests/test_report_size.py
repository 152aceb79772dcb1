"""A long history: the report stays small, and quick beside the models that it tells of."""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pytest

from tracemill.flows.show.page import Links
from tracemill.flows.show.report import MAX_WHOLE, report_page

from .browser import BROWSER, Browser
from .models.given import Given, built_over

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.full
BUILDS, RUNS, SERIES, CHANGES = 100, 3, 1000, 120


def history() -> dict[str, pa.Table]:
    """100 builds of three runs in which goroutines wait in 1,000 functions; 120 changes."""
    random, given = np.random.default_rng(0), Given()
    stacks = [
        given.stack(
            "sync.(*Mutex).Lock",
            f"example.org/shop/pkg{i % 40}.(*Type{i}).Method{i}",
            f"example.org/shop/server{i % 17}.(*Server).Handle",
            "net/http.HandlerFunc.ServeHTTP",
        )
        for i in range(SERIES)
    ]
    traces = []
    for build in range(BUILDS):
        for run in range(RUNS):
            name, number = f"b{build:03}", str(run)
            traces.append(given.capture(name, number, "trace", format="exectrace", duration_ns=10**9))
            work = {"build_id": name, "run_id": number, "work_unit": "requests", "work_count": 1000.0}
            given.tables["run_work"].append(work)
    level = np.tile(np.exp(random.normal(17, 1, SERIES)), (BUILDS, 1))
    for series in random.choice(SERIES, CHANGES, replace=False):
        level[random.integers(8, 95) :, series] *= random.choice([3, 5, 10, 0.3])
    waits = np.repeat(level, RUNS, axis=0) * np.exp(0.08 * random.standard_normal((BUILDS * RUNS, SERIES)))
    count = BUILDS * RUNS * SERIES
    columns = {
        "capture_id": np.repeat(traces, SERIES),
        "goroutine_id": np.tile(np.arange(1, SERIES + 1), BUILDS * RUNS),
        "start_ns": np.tile(np.arange(SERIES) * 1000, BUILDS * RUNS),
        "state": ["waiting"] * count,
        "reason": ["sync"] * count,
        "duration_ns": waits.astype(np.int64).ravel(),
        "is_complete": np.ones(count, bool),
        "stack_id": np.tile(stacks, BUILDS * RUNS),
    }
    tables = given.arrow()
    schema = tables["goroutine_intervals"].schema
    tables["goroutine_intervals"] = pa.Table.from_arrays(
        [
            pa.array(columns[f.name]).cast(f.type) if f.name in columns else pa.nulls(count, f.type)
            for f in schema
        ],
        schema=schema,
    )
    return tables


def test_a_hundred_builds_of_a_thousand_series_make_a_page_below_5_mb(tmp_path: Path) -> None:
    tables = history()
    started = time.process_time()
    with built_over(tables, is_whole=True) as connection:
        built = time.process_time()
        page = report_page(connection, Links())
        done = time.process_time()
    # What it is made from costs 30 ms an incident to ask, of 60: about as much as all models together.
    # In CPU time, as of one beside other programs the clock tells little.
    assert done - built < 1.5 * (built - started)
    assert len(page.encode()) < 5_000_000
    rows = re.findall(r'<tr data-id="(\w+)"', page)
    assert len(rows) > 100
    assert sorted(rows) == sorted(re.findall(r'<article id="(\w+)"', page))
    assert page.count('class="lanes"') == MAX_WHOLE
    if BROWSER:
        file = tmp_path / "report.html"
        file.write_text(page)
        with Browser() as browser:
            browser.open(file)
            assert browser.value("performance.getEntriesByType('navigation')[0].domComplete") < 5000
            assert browser.errors == []
