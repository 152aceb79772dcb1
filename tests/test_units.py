"""Figures, changes and verdicts as a person reads them, on a terminal of any width."""

from __future__ import annotations

import pytest

from tracemill.flows.show.units import amount, amounts, factor, singular
from tracemill.flows.show.verdicts import Verdict, on_screen


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (262144, "bytes/requests", "256 KiB a request"),
        (1.5e6, "ns/orders", "1.5 ms an order"),
        (4.37e-5, "sec/op", "43.7 µs/op"),
        (3, "count/s", "3/s"),
        (1023 * 1024, "bytes", "0.999 MiB"),
        (999_600, "ns", "1 ms"),
        (999_400, "ns", "999 µs"),
        (1000, "bytes", "0.977 KiB"),
        (999, "bytes", "999 B"),
        (7.2e12, "ns", "7,200 s"),
        (0, "bytes", "0 B"),
        (-2048, "bytes", "-2 KiB"),
        (12, "queries", "12 queries"),
        (0.25, "share", "25 %"),
        (64_570, "count", "64,570"),
        (3.2e9, "count", "3.2e+09"),
        (None, "ns", "?"),
        (5, None, "5"),
        (1, "allocs/op", "1 alloc/op"),
        (1, "p99-ns", "1 p99-ns"),
    ],
)
def test_a_figure_reads_in_its_best_step_and_per_unit_of_work(
    value: float | None, unit: str | None, text: str
) -> None:
    assert amount(value, unit) == text


def test_what_a_change_is_per_stands_once() -> None:
    assert amounts(28, 581, "bytes/requests") == "28 B → 581 B a request"
    assert amounts(None, 581, "bytes/requests") == "? → 581 B a request"


def test_a_change_for_less_is_divided() -> None:
    assert [factor(*r) for r in ((20.7, 1), (1 / 20.4, 1), (1, 1), (None, 0), (0, 5))] == [
        "×20.7", "÷20.4", "×1", "new", "gone"
    ]  # fmt: skip


def test_units_of_work_in_the_singular() -> None:
    words = {"requests": "request", "queries": "query", "batches": "batch", "boxes": "box", "pass": "pass"}
    assert {word: singular(word) for word in words} == words


def a_verdict(name: str, **more: object) -> Verdict:
    values: dict[str, object] = dict.fromkeys(Verdict._fields) | {
        "build_id": "b05", "status": "regressed", "subject": name, "function": name, "metric": "block_ns",
        "unit": "ns/requests", "before": 4.29e5, "after": 7.65e6, "change_ratio": 17.8, "q_value": 3e-14,
        "n_before": 7, "query": "", "incident_id": name, "member_rank": 1, "member_count": 1,
        "first_build_id": "b05",
    }  # fmt: skip
    return Verdict(**(values | more))  # type: ignore[arg-type]


LONG = "example.org/shop/internal/" + "deeply/nested/" * 3 + "cache.(*Prices).Lookup"


def test_verdicts_fit_eighty_columns_and_keep_what_tells_functions_apart() -> None:
    found = [
        a_verdict(LONG),
        a_verdict("example.org/shop/internal/session.(*Table).Touch", status="improved"),
    ]
    text = on_screen(found, 80)
    assert max(map(len, text.splitlines())) <= 80
    assert text.startswith("functions of example.org/shop/internal/\n")
    assert "cache.(*Prices).Lookup\n" in text
    assert "b05 improved  session.(*Table).Touch\n" in text
    assert "    block_ns ×17.8: 429 µs → 7.65 ms a request, q = 3e-14" in text


def test_a_name_too_long_is_cut_on_the_left() -> None:
    text = on_screen([a_verdict("a/" + "x" * 90 + ".Lookup"), a_verdict("b/c.F")], 60)
    assert max(map(len, text.splitlines())) <= 60
    assert "…" in text
    assert "xxx.Lookup\n" in text


def test_how_sure_shrinks_before_anything_else() -> None:
    found = [a_verdict("a/b.F"), a_verdict("a/c.G")]
    whole = on_screen(found, None)
    assert "q = 3e-14, 7 builds before" in whole
    width = max(map(len, whole.splitlines()))
    assert on_screen(found, width) == whole
    shrunk = on_screen(found, width - 1)
    assert "builds before" not in shrunk
    assert shrunk.splitlines()[1].startswith("build  verdict")


def test_nothing_in_a_name_steers_the_terminal() -> None:
    assert "\x1b" not in on_screen([a_verdict("a/\x1b[31m" + "x" * 200)], 40)
