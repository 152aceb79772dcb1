"""The real series' plan and judgement (bench/service*.py), without recording anything."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest

from bench.service import calm_table, false_verdicts, injected_table
from bench.service_judge import Judged, Verdict, source
from bench.service_plan import (
    BUILDS,
    BUSY,
    CALM,
    IN_ORDER,
    KINDS,
    LARGE,
    MARGIN,
    PERCENTS,
    RUNS,
    Series,
    Take,
    all_series,
    schedule,
)
from bench.service_record import PATCH, constants, inject, manifest

LEAK = Series("leak-05-1", "leak", 5, first_bad=9, builds=BUILDS, calm_before=(2, 3, 5, 8, 13, 21, 22, 30))
TRUE = Verdict(
    11, 9, "regressed", "mapassign_inuse_bytes", "storefront/internal/session.(*Trails).Begin", 0.05
)


def test_every_kind_and_size_begins_at_a_build_with_enough_builds_on_both_sides() -> None:
    injected = [s for s in all_series(3, seed=1) if s.kind]
    assert Counter((s.kind, s.percent) for s in injected) == {
        (kind, percent): 3 for kinds in KINDS.values() for kind in kinds for percent in PERCENTS
    }
    for series in injected:
        assert MARGIN < series.first_bad <= BUILDS - MARGIN + 1
        assert len(set(series.calm_before)) == series.first_bad - 1
    assert len({s.first_bad for s in injected}) > 3


def test_every_run_is_recorded_once_and_the_same_seed_plans_the_same() -> None:
    takes = schedule(all_series(1, seed=1), seed=1)
    assert len({take.place for take in takes}) == len(takes)
    assert takes == schedule(all_series(1, seed=1), seed=1)
    assert takes != schedule(all_series(1, seed=1), seed=2)


@pytest.mark.parametrize("name", [IN_ORDER, BUSY])
def test_series_in_order_are_recorded_build_by_build_all_through_the_time(name: str) -> None:
    takes = schedule(all_series(1, seed=1), seed=1)
    at = [index for index, take in enumerate(takes) if take.series.name == name]
    assert [(takes[i].build, takes[i].run) for i in at] == [
        (build, run) for build in range(1, 31) for run in range(1, RUNS + 1)
    ]
    assert at[0] < 50
    assert at[-1] > len(takes) - 50


def test_the_others_are_recorded_in_no_order() -> None:
    takes = [t for t in schedule(all_series(1, seed=1), seed=1) if t.series.name == CALM]
    assert [t.build for t in takes] != sorted(t.build for t in takes)


def test_before_the_regression_stand_calm_builds_and_after_it_its_own() -> None:
    assert source(LEAK, 3) == (Series(CALM), 5)
    assert source(LEAK, 9) == (LEAK, 9)
    assert source(Series(IN_ORDER), 4) == (Series(IN_ORDER), 4)
    assert Take(LEAK, 9, 2).place == "leak-05-1/b09/r2"


def test_a_regression_is_written_into_the_source_the_patch_makes(tmp_path: Path) -> None:
    file = tmp_path / "inject.go"
    file.write_text("\n".join(line[1:] for line in PATCH.read_text().splitlines() if line.startswith("+")))
    inject(file, constants("largeleak-5"))
    assert "LeakPermille = 50\n" in file.read_text()
    assert "KeptTrails = 1000\n" in file.read_text()
    inject(file, constants("contention-20"))
    assert "HoldPermille = 200\n" in file.read_text()
    with pytest.raises(SystemExit, match="NoSuch"):
        inject(file, {"NoSuch": 1})


def test_only_the_kind_asked_for_is_in_a_variant() -> None:
    assert constants(Series(CALM).variant) == {}
    assert constants(Series(LARGE).variant) == {"KeptTrails": 1000}
    assert constants(LEAK.variant) == {"LeakPermille": 50}


def test_builds_of_the_same_source_differ_in_commit_and_time() -> None:
    first, second = manifest("tree", "go1.27", "calm", 1, "b01"), manifest("tree", "go1.27", "calm", 2, "b02")
    assert '"committed_at": "2026-11-01T06:00:00Z"' in first
    facts = [json.loads(text) for text in (first, second)]
    assert {key for key in facts[0] if facts[0][key] != facts[1][key]} == {"id", "commit", "committed_at"}


@pytest.mark.parametrize(
    "other",
    [
        Verdict(11, 9, "improved", TRUE.metric, TRUE.subject, -0.05),
        Verdict(11, 5, "regressed", TRUE.metric, TRUE.subject, 0.05),
        Verdict(11, 9, "regressed", "block_ns", TRUE.subject, 0.05),
        Verdict(11, 9, "regressed", TRUE.metric, "storefront/internal/session.(*Table).Touch", 0.05),
    ],
)
def test_only_a_verdict_on_the_right_function_metric_and_build_is_true(other: Verdict) -> None:
    judged = Judged(LEAK, (TRUE, other), (0.5,), (), 0.051, (0, 1, 1))
    assert judged.true == [TRUE]
    assert judged.false == [other]
    assert judged.delay == 2
    assert Judged(LEAK, (other,), (0.5,), (), 0.051, (0, 0, 1)).delay is None
    assert Judged(Series(CALM), (TRUE,), (0.5,), (), 0, (0,)).false == [TRUE]


def test_the_tables_count_what_was_found_and_what_was_false() -> None:
    alarm = Verdict(7, 7, "regressed", "block_ns", "f", 0.4)
    calm = Judged(Series(CALM), (alarm,), (0.5, 0.03, 0.005, 0.9), (0.98, 1.5, 1.1), 0, (2, 2, 2, 0, 1))
    hit = Judged(LEAK, (TRUE, alarm), (0.5,), (), 0.051, (0, 1, 1))
    miss = Judged(LEAK, (), (0.5,), (), 0.049, (0, 0, 1))
    assert (
        "| 4 | 50.0 % | 25.0 % | 0.98, 1.10 | 1 | 0 | 1 passed, 1 regressed, 3 could not judge |"
        in calm_table([calm])
    )
    row = "| leak 5 % | +5.0 % | 1 of 2 | 2 | +5 % | 0 of 2 | 1 of 2 | 2 of 2 | 1 |"
    assert row in injected_table([hit, miss])
    assert false_verdicts([hit]) == (
        "- leak-05-1 (changed at b09): regressed from b07 on, told at b07: block_ns of f, +40.0 %"
    )
    assert false_verdicts([miss]) == "None."
