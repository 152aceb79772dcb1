"""How claims on labelled series are counted (bench/labelled.py), and what ours claims on such a series."""

from __future__ import annotations

from bench.labelled import Labelled, row, tracemill

SERIES = Labelled("made", (100.0, 101.0) * 20 + (130.0, 131.0) * 20, steps=(40, 60), slope=70)


def test_a_claim_near_a_step_finds_it_and_others_are_false_but_on_the_slope() -> None:
    assert row(SERIES, "tool", [37, 43, 50, 75]) == "| made | tool | 1 of 2 | 50 | 1 |"
    assert row(SERIES, "tool", [36, 60]) == "| made | tool | 1 of 2 | 36 | 0 |"
    assert row(SERIES, "tool", []) == "| made | tool | 0 of 2 | – | 0 |"


def test_single_runs_of_a_series_suffice_for_a_step() -> None:
    assert tracemill(SERIES) == [40]
