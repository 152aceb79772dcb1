"""A new metric is one entry in warehouse/schema/metrics.py and one model in sql/intermediate/figures."""

from __future__ import annotations

import shutil
from dataclasses import replace
from importlib.resources import files
from pathlib import Path

import pytest

from tracemill.warehouse.models import read_models
from tracemill.warehouse.schema.metrics import METRICS, SOURCES

from . import given as given_module
from .given import Given, rows

MODEL = """-- How many messages the program logged, by category.
-- grain: build_id, run_id, metric, subject
-- scope: build
with

captures as (
    select * from int_counted_captures
),

logs as (
    select * from stg_trace_logs
)

select captures.build_id, captures.run_id, 'log_count' as metric, logs.category as subject,
    count(*)::double as value, 'trace' as evidence,
from logs
inner join captures using (capture_id)
group by captures.build_id, captures.run_id, logs.category
"""
LOG_COUNT = replace(METRICS["block_count"], name="log_count", family="logs", text="Messages of a category.")


def logged(counts: list[int]) -> Given:
    """Builds b1, b2, … of three runs, each with as many messages of the category cache."""
    given = Given()
    for build, count in enumerate(counts, 1):
        for run in "123":
            capture_id = given.trace(f"b{build}", run, [])
            given.tables["trace_logs"] += [
                {"capture_id": capture_id, "ts_ns": n, "goroutine_id": 1, "category": "cache", "message": "m"}
                for n in range(count + int(run))
            ]
    return given


@pytest.fixture
def with_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copytree(str(files("tracemill.sql")), tmp_path / "sql")
    (tmp_path / "sql/intermediate/figures/figures_logs.sql").write_text(MODEL)
    monkeypatch.setattr(given_module, "read_models", lambda: read_models(tmp_path / "sql"))


@pytest.mark.usefixtures("with_model")
@pytest.mark.full
def test_an_entry_and_a_model_make_a_metric_that_is_judged(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(METRICS, "log_count", LOG_COUNT)
    with logged([100, 104, 98, 102, 101, 900, 905]).models() as connection:
        found = rows(connection, "select build_id, metric, subject, status, unit from regressions")
    assert found == [("b6", "log_count", "cache", "regressed", "count/s")]


@pytest.mark.full
@pytest.mark.usefixtures("with_model")
def test_a_metric_that_nobody_declared_is_found_by_a_check() -> None:
    with pytest.raises(AssertionError, match="judged_metrics_reach_points"):
        logged([100, 104]).all_models()


def test_a_source_that_nobody_declared_is_found_by_a_check(monkeypatch: pytest.MonkeyPatch) -> None:
    given = Given()
    capture_id = given.capture("b1", "1", "gctrace", format="gctrace")
    given.tables["gc_cycles"].append(
        {"capture_id": capture_id, "process_index": 0, "cycle": 1, "gc_cpu_percent": 3.0}
    )
    monkeypatch.delitem(SOURCES, "gctrace")
    with pytest.raises(AssertionError, match="judged_metrics_reach_points"):
        given.all_models()
