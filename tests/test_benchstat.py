"""`compare --format benchstat` prints what benchstat prints of the same files.

The expected texts are benchstat's own: of its documentation, and of smallSample.stdout and units.stdout in
golang.org/x/perf/cmd/benchstat/testdata, with the figures of the files beside them.
"""

from __future__ import annotations

from itertools import combinations
from pathlib import Path

import numpy as np
import pytest

from tracemill.detection.mann_whitney import interval_orders, mann_whitney
from tracemill.flows.show.benchstat import scale

from .gate.common import tracemill

ENCODE = {
    "old": {
        "json": [1726, 1723, 1707, 1707, 1713, 1729, 1736, 1707, 1705, 1774],
        "gob": [3069, 3075, 3069, 3067, 3207, 3064, 3064, 3058, 3059, 3062],
    },
    "new": {
        "json": [1423, 1416, 1411, 1413, 1412, 1426, 1422, 1424, 1447, 1425],
        "gob": [3075, 3065, 3059, 3065, 3060, 3081, 3186, 3135, 3087, 3062],
    },
}
OF_ENCODE = """\
goos: linux
goarch: amd64
pkg: golang.org/x/perf/cmd/benchstat/testdata
                      │   old.txt   │               new.txt               │
                      │   sec/op    │   sec/op     vs base                │
Encode/format=json-48   1.718µ ± 1%   1.423µ ± 1%  -17.20% (p=0.000 n=10)
Encode/format=gob-48    3.066µ ± 0%   3.070µ ± 2%        ~ (p=0.446 n=10)
geomean                 2.295µ        2.090µ        -8.94%
"""
OF_ONE = """\
  │    before    │              after              │
  │    sec/op    │    sec/op     vs base           │
X   100.0n ± ∞ ¹   101.0n ± ∞ ¹  ~ (p=1.000 n=1) ²
¹ need >= 6 samples for confidence interval at level 0.95
² need >= 4 samples to detect a difference at alpha level 0.05
"""
OF_EXACT = """\
         │    before    │          after           │
         │  text-bytes  │ text-bytes  vs base      │
Size       100.0 ± 0%     105.0 ± 0%  +5.00% (n=1)
NonExact   101.0 ± 1% ¹   101.0 ± 0%   0.00% (n=3)
geomean    100.5          103.0       +2.47%
¹ exact distribution expected, but values range from 100 to 101
"""
EXACT = "Unit text-bytes assume=exact\n"


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def compared(before: str, after: str, names: tuple[str, str] = ("before", "after")) -> str:
    for name, text in zip(names, (before, after), strict=True):
        Path(name).write_text(text)
    done = tracemill("compare", *names, "--format", "benchstat")
    assert done.exit_code == 0, done.output
    return str(done.stdout)


def encode(side: str) -> str:
    head = "goos: linux\ngoarch: amd64\npkg: golang.org/x/perf/cmd/benchstat/testdata\n"
    rows = [
        f"BenchmarkEncode/format={name}-48 \t  690848\t      {value} ns/op\n"
        for name, values in ENCODE[side].items()
        for value in values
    ]
    return head + "".join(rows) + "PASS\n"


def line(name: str, *values: int) -> str:
    return "".join(f"Benchmark{name} 1 {value} text-bytes\n" for value in values)


def test_the_documentations_example() -> None:
    assert compared(encode("old"), encode("new"), ("old.txt", "new.txt")) == OF_ENCODE


@pytest.mark.full
def test_too_few_values_have_no_bounds_and_no_difference() -> None:
    assert compared("BenchmarkX 1 100 ns/op\n", "BenchmarkX 1 101 ns/op\n") == OF_ONE


@pytest.mark.full
def test_a_unit_that_is_exact_needs_one_value() -> None:
    before = EXACT + line("Size", 100) + line("NonExact", 100, 101, 101)
    after = EXACT + line("Size", 105) + line("NonExact", 101, 101, 101)
    assert compared(before, after) == OF_EXACT


@pytest.mark.full
def test_a_benchmark_of_one_side_is_shown_without_a_change() -> None:
    both = "BenchmarkA-2 1 100 ns/op 16 B/op 0 allocs/op\nBenchmarkB-2 1 200 ns/op 2048 B/op 0 allocs/op\n"
    text = compared(both, both + "BenchmarkC-2 1 300 ns/op 8 B/op 1 allocs/op\n")
    times, sizes, counts = text.split("\n\n")
    assert [part.splitlines()[1].split()[1] for part in (times, sizes, counts)] == [
        "sec/op", "B/op", "allocs/op",
    ]  # fmt: skip
    assert "C-2                      300.0n ± ∞ ¹" in times
    assert "benchmark set differs from baseline; geomeans may not be comparable" in times
    assert "2.000Ki ± ∞ ¹" in sizes
    assert "all samples are equal" in counts
    assert "summaries must be >0 to compute geomean" in counts


@pytest.mark.full
def test_without_benchmarks_there_is_nothing_to_say() -> None:
    for name in ("a", "b"):
        Path(name).write_text("gc 1 @0.1s 1%: 0+1+0 ms clock, 0+0/1/0+0 ms cpu, 4->4->0 MB, 4 MB goal, 2 P\n")
    done = tracemill("compare", "a", "b", "--format", "benchstat")
    assert (done.exit_code, done.stdout) == (2, "no benchmarks on either side\n")


@pytest.mark.full
def test_a_capture_that_was_lost_is_said_and_passes_nothing() -> None:
    for side in ("base", "head"):
        Path(side, "1").mkdir(parents=True)
        Path(side, "1/bench.txt").write_text("BenchmarkX 1 100 ns/op\n")
    Path("head/1/heap.pb.gz").write_bytes(b"\x1f\x8bnothing")
    done = tracemill("compare", "base", "head", "--format", "benchstat")
    assert done.exit_code == 2
    assert "100.0n" in done.stdout
    assert done.stderr.startswith("head: ")


@pytest.mark.parametrize("seed", range(5))
def test_p_with_equal_values_is_that_of_all_choices(seed: int) -> None:
    random = np.random.default_rng(seed)
    before, after = random.integers(0, 5, 5).astype(float), random.integers(0, 6, 6).astype(float)
    both = np.concatenate([before, after])

    def u(chosen: tuple[int, ...]) -> float:
        one, other = both[list(chosen)][:, None], np.delete(both, list(chosen))
        return float((one > other).sum() + 0.5 * (one == other).sum())

    every = np.array([u(chosen) for chosen in combinations(range(11), 5)])
    found = every[0]  # the first choice is the one that was measured
    least = min(found, 30 - found)
    expected = 1.0 if 2 * least == 30 else min(1.0, 2 * float(np.mean(every <= least)))
    assert mann_whitney(before, after) == pytest.approx(expected)


def test_bounds_of_a_median_are_values_from_six_on() -> None:
    assert [interval_orders(n) for n in (5, 6, 8, 10, 30)] == [(0, 5), (1, 6), (1, 7), (2, 9), (10, 21)]


def test_prefixes_keep_three_digits() -> None:
    assert scale([0.0], "sec/op") == (3, 1.0, "")
    assert scale([1.5e-6, 5.0], "sec/op") == (3, pytest.approx(1e-6), "µ")
    assert scale([1536.0], "B/op") == (3, 1024.0, "Ki")
    assert scale([1536.0, 1e6], "allocs/op") == (3, 1e3, "k")
    assert scale([2e-12], "sec/op")[0] > 3
