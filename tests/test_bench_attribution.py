"""Map allocations told without a binary (bench/attribution*.py): right to the byte, and how much of them."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import pytest

from bench.attribution import build_table, evidence_table, version_table
from bench.attribution_judge import (
    BY_CALLEE,
    BY_TEXT,
    METHODS,
    POOLED,
    Judged,
    Recording,
    Told,
    compare,
    judge,
)
from bench.attribution_record import BUILDS, Series, edited, record

if TYPE_CHECKING:
    from pathlib import Path

# Recall at least, of the builds that collect garbage.
FLOORS = {BY_TEXT: 0.95, BY_CALLEE: 0.9, POOLED: 0.95}


@pytest.mark.full
@pytest.mark.parametrize("version", ["1.22", "1.27"])
def test_what_is_told_without_a_binary_is_right_and_nearly_all(version: str, tmp_path: Path) -> None:
    series = Series("service", version, is_pie=version == "1.27")
    judged = judge(Recording(series, record(series, tmp_path, seconds=3)))
    for (method, build), told in judged.by_build.items():
        assert told.true > 0
        assert told.precision == 1.0, (method, build)
        if "gogc" in build:
            assert told.recall >= FLOORS.get(method, 0), (method, build)
    for build in BUILDS["service"]:
        pooled, alone = (judged.by_build[method, build.name] for method in (POOLED, BY_CALLEE))
        assert pooled.recall >= alone.recall


def test_what_is_claimed_of_another_class_or_of_too_much_is_wrong() -> None:
    truth = Counter(
        {("b", "1", 1, "map_assign"): 60, ("b", "1", 2, "map_make"): 40, ("b", "1", 3, "other"): 9}
    )
    found = Counter(
        {("b", "1", 1, "map_assign"): 70, ("b", "1", 2, "map_assign"): 10, ("b", "1", 4, "unknown"): 20}
    )
    told = compare(found, truth)
    assert (told.precision, told.recall, told.unknown_share) == (0.75, 0.6, 0.2)


def test_tables_say_the_least_and_the_most_of_all_versions() -> None:
    judged = [
        Judged(
            Series("maps", version, is_pie=False),
            {(m, b.name): Told(right, right, 8, 1, 10) for m in METHODS for b in BUILDS["maps"]},
            {"seen_callee": Told(8, right)},
        )
        for version, right in (("1.26", 8), ("1.27", 4))
    ]
    assert build_table(judged).splitlines()[2] == f"| maps, gogc50 |{' 1.000 / 0.500–1.000 |' * 4} 0.100 |"
    assert version_table(judged).splitlines()[2] == f"| maps, 1.26 |{' 1.000 / 1.000 |' * 4}"
    assert evidence_table(judged).splitlines()[2] == "| `seen_callee` | 16 | 0.7500 |"


def test_each_build_of_the_service_has_another_source() -> None:
    texts = [edited("service", build)["shop.go"] for build in BUILDS["service"]]
    assert len(set(texts)) == len(texts)
