from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.parsers import reading
from tracemill.parsers.api import Facts
from tracemill.parsers.benchmarks import sniff, tidy
from tracemill.parsers.registry import captures, detect
from tracemill.parsers.unwrap.source import Source

SAMPLES = Path(__file__).parents[1] / "samples" / "benchmarks"


def rows_of(path: Path) -> list[dict]:
    return reading.tables(reading.items("benchmarks", path))["benchmarks"].to_pylist()


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "bench.txt"
    path.write_text(text)
    return path


# The first ten are those of x/perf's own benchunit/tidy_test.go.
@pytest.mark.parametrize(
    ("unit", "base", "factor"),
    [
        ("ns/op", "sec/op", 1e-9),
        ("x-ns/op", "x-sec/op", 1e-9),
        ("MB/s", "B/s", 1e6),
        ("x-MB/s", "x-B/s", 1e6),
        ("B/op", "B/op", 1),
        ("x-B/op", "x-B/op", 1),
        ("x-allocs/op", "x-allocs/op", 1),
        ("op/ns", "op/ns", 1),
        ("MB*MB/s", "B*B/s", 1e12),
        ("MB/MB", "B/MB", 1e6),
        ("op/ns*MB", "op/ns*B", 1e6),
        ("heap_inuse_delta_bytes", "heap_inuse_delta_bytes", 1),
        ("columns", "columns", 1),
    ],
)
def test_units_are_tidied_as_benchunit_does(unit, base, factor):
    assert tidy(1, unit) == (factor, base)


@pytest.mark.parametrize("path", sorted(SAMPLES.glob("*/*.txt")), ids=lambda p: p.parent.name)
def test_every_value_of_a_sample_is_a_row(path):
    rows = rows_of(path)
    lines = path.read_text().splitlines()
    results = {n: line.split() for n, line in enumerate(lines, 1) if line.startswith("Benchmark")}
    assert [(r["line"], r["source_value"], r["source_unit"]) for r in rows] == [
        (n, float(value), unit)
        for n, fields in results.items()
        for value, unit in zip(fields[2::2], fields[3::2], strict=True)
    ]
    assert {r["package"] for r in rows} == {"example.com/benchmarked"}
    assert {r["procs"] for r in rows} == {1, 2}
    assert {r["iterations"] for r in rows} == {200}
    assert {r["name"] for r in rows} == {"Fill/n=10/kind=string", "Fill/n=1000/kind=string", "InUse"}
    assert ("goarch", "amd64") in rows[0]["labels"]


def test_value_is_tidied_and_the_original_kept(tmp_path):
    (row,) = rows_of(written(tmp_path, "BenchmarkX-8 100 1200 ns/op\n"))
    assert (row["metric"], row["value"], row["unit"]) == ("sec/op", pytest.approx(1.2e-6), "sec/op")
    assert (row["source_value"], row["source_unit"]) == (1200, "ns/op")
    assert (row["name"], row["procs"], row["iterations"]) == ("X", 8, 100)


def test_configuration_holds_until_it_changes(tmp_path):
    text = "pkg: a\nnote: x\nBenchmarkX 1 1 ns/op\npkg: b\nnote:\nBenchmarkX 1 1 ns/op\n"
    assert [(r["package"], r["labels"]) for r in rows_of(written(tmp_path, text))] == [
        ("a", [("note", "x")]),
        ("b", []),
    ]


@pytest.mark.parametrize(
    "said",
    [
        "go: downloading golang.org/x/sync v0.7.0",
        'go: warning: "./..." matched no packages',
        "coverage: 45.2% of statements",
        "coverage: [no statements]",
        "testing: warning: no tests to run",
    ],
)
def test_what_the_go_command_says_is_no_configuration(said, tmp_path):
    result = "BenchmarkA-8 \t 10\t 5 ns/op"
    rows = rows_of(written(tmp_path, f"{said}\ngo: go1.24.1\npkg: p\n{result}\n{said}\n{result}\n"))
    assert [row["labels"] for row in rows] == [[("go", "go1.24.1")]] * 2


def test_unreadable_result_is_an_issue_and_prose_is_not(tmp_path):
    text = (
        "BenchmarkLone\nBenchmarkX was slow today\nBenchmarkY 10 12 ns/op 7\nBenchmarkZ 10 fast ns/op\n"
        "BenchmarkTwice 10 1 ns/op 2 ns/op\nBenchmarkFine 10 1 ns/op\n"
    )
    found = reading.items("benchmarks", written(tmp_path, text))
    assert [(i.position, i.message) for i in reading.issues(found)] == [
        ("line 3", "BenchmarkY: a value without its unit"),
        ("line 4", "BenchmarkZ: could not convert string to float: 'fast'"),
        ("line 5", "BenchmarkTwice: a unit stands twice"),
    ]
    assert [r["name"] for r in reading.tables(found)["benchmarks"].to_pylist()] == ["Twice", "Fine"]


def test_result_that_something_was_printed_before_belongs_to_the_last_name(tmp_path):
    # As go test -bench writes them; the third with GODEBUG=gctrace=1.
    text = (
        "pkg: a\nhello from 1\n"
        "BenchmarkPrints-2                            \thello from 20\nnote: 3\n"
        "      20\t      1600 ns/op\n"
        "no newline BenchmarkSame/a=1-2                        \tno newline       20\t      2848 ns/op\n"
        "BenchmarkMap-2          \tgc 3 @0.009s 2%: 0.10+0.12+0.002 ms clock\n"
        "      20\t       173.3 ns/op\t     192 B/op\t       2 allocs/op\n"
        "BenchmarkDigits-2  \t7 wonders\n      30\t       5 ns/op\n"
        "BenchmarkWhole-2  \t      40\t       6 ns/op\n"
    )
    path = written(tmp_path, text)
    found = reading.items("benchmarks", path)
    assert reading.issues(found) == []
    rows = [(r["line"], r["name"], r["procs"], r["iterations"], r["source_value"]) for r in rows_of(path)]
    assert [row for row in rows if row[4] > 2] == [
        (5, "Prints", 2, 20, 1600),
        (6, "Same/a=1", 2, 20, 2848),
        (8, "Map", 2, 20, 173.3),
        (8, "Map", 2, 20, 192),
        (10, "Digits", 2, 30, 5),
        (11, "Whole", 2, 40, 6),
    ]
    assert sniff(b"BenchmarkMap-2 \tprinted\n      20\t     3 ns/op\n")
    assert not sniff(b"BenchmarkMap-2 \tprinted\n")


def test_a_figure_that_is_none_is_an_issue(tmp_path):
    found = reading.items("benchmarks", written(tmp_path, "BenchmarkA-2 10 NaN p99-ns 7 ns/op +Inf MB/s\n"))
    assert [(i.position, i.message) for i in reading.issues(found)] == [
        ("line 1", "BenchmarkA-2: NaN p99-ns is no figure, and is not judged"),
        ("line 1", "BenchmarkA-2: +Inf MB/s is no figure, and is not judged"),
    ]


def test_figures_below_zero_are_told_once_a_unit_and_kept(tmp_path):
    text = "BenchmarkA-2 10 7 ns/op -3 drift-ns\nBenchmarkB-2 10 7 ns/op -1 drift-ns -2 score 0 x\n"
    path = written(tmp_path, text)
    found = reading.items("benchmarks", path)
    assert [(i.severity, i.position, i.message) for i in reading.issues(found)] == [
        (
            "info",
            "line 1",
            "BenchmarkA-2 and 1 more: below zero in drift-ns, where a change has no ratio: not judged",
        ),
        ("info", "line 2", "BenchmarkB-2: below zero in score, where a change has no ratio: not judged"),
    ]
    assert reading.facts(found).is_salvaged is False
    assert [r["source_value"] for r in rows_of(path)] == [7, -3, 7, -1, -2, 0]


def test_name_without_result_and_result_without_name_are_issues(tmp_path):
    text = (
        "      20\t      1600 ns/op\nBenchmarkA-2 \t--- FAIL: BenchmarkA-2\n"
        "BenchmarkB-2 \t10\tfast ns/op\nBenchmarkC 10 1 ns/op\nBenchmarkD-2 \tpanic: no\n"
    )
    found = reading.items("benchmarks", written(tmp_path, text))
    assert [(i.position, i.message) for i in reading.issues(found)] == [
        ("line 1", "20 1600 ns/op: no benchmark's name stands before this result"),
        ("line 2", "--- FAIL: BenchmarkA-2"),
        ("line 3", "BenchmarkB-2: could not convert string to float: 'fast'"),
        ("line 5", "BenchmarkD-2: panic: no"),
    ]
    assert [r["name"] for r in reading.tables(found)["benchmarks"].to_pylist()] == ["C"]


def test_whatever_failed_is_an_issue_of_a_salvaged_capture(tmp_path):
    # As go test -bench of Go 1.27 wrote them, in part.
    text = (
        "BenchmarkA-2   \t      20\t        48.10 ns/op\n"
        "--- FAIL: BenchmarkB\n    p_test.go:4: no such map\n"
        "BenchmarkC-2   \t--- FAIL: BenchmarkC-2\n    p_test.go:5: late\n"
        "--- FAIL: BenchmarkD/x\n    p_test.go:6: sub\nFAIL\nexit status 1\nFAIL\texample.com/b/p\t0.018s\n"
        "BenchmarkB-2   \t       0\t               NaN ns/op\npanic: assignment to entry in nil map\n\n"
        "goroutine 8 [running]:\nexample.com/b/q.BenchmarkB(0xe21f5e56608?)\n\t/b/q/q_test.go:4 +0x32\n"
        "exit status 2\nFAIL\texample.com/b/q\t0.009s\nFAIL\texample.com/b/r [build failed]\n"
        "--- FAIL: TestA (0.00s)\n    t_test.go:3: wrong\nBenchmarkExits-2 \tbye\n"
        "FAIL\texample.com/b/t\t0.1s\n"
    )
    path = written(tmp_path, text)
    assert detect(Source(path)).NAME == "benchmarks"
    found = reading.items("benchmarks", path)
    assert [(i.severity, i.position, i.message) for i in reading.issues(found)] == [
        ("data_loss", "line 2", "--- FAIL: BenchmarkB"),
        ("data_loss", "line 4", "--- FAIL: BenchmarkC-2"),
        ("data_loss", "line 6", "--- FAIL: BenchmarkD/x"),
        ("data_loss", "line 10", "FAIL example.com/b/p 0.018s"),
        ("data_loss", "line 12", "panic: assignment to entry in nil map"),
        ("data_loss", "line 18", "FAIL example.com/b/q 0.009s"),
        ("data_loss", "line 19", "FAIL example.com/b/r [build failed]"),
        ("data_loss", "line 20", "--- FAIL: TestA"),
        ("data_loss", "line 23", "BenchmarkExits-2: FAIL example.com/b/t 0.1s"),
    ]
    assert [f.is_salvaged for f in found if isinstance(f, Facts)] == [True]
    fine = reading.items("benchmarks", written(tmp_path, "BenchmarkA 1 1 ns/op\nwell, no --- FAIL: X\n"))
    assert [f.is_salvaged for f in fine if isinstance(f, Facts)] == [False]


# As go test of Go 1.27 wrote it, in part.
PANIC = (
    "panic: x\n\ngoroutine 20 [running]:\nexample.com/shop.BenchmarkBoom(0xb05fd77c308)\n"
    "\t/shop/bad_test.go:3 +0xb0\ntesting.(*B).runN(0xb05fd77c308, 0x1)\n"
    "\t/go/src/testing/benchmark.go:219 +0x190\ncreated by testing.(*B).run1 in goroutine 1\n"
    "\t/go/src/testing/benchmark.go:238 +0x9b\n"
)
END = "exit status 2\nFAIL\texample.com/shop\t0.006s\nFAIL\n"
# The benchmark began a goroutine, which panicked.
BEGUN = (
    "panic: y\n\ngoroutine 7 [running]:\nexample.com/shop.load()\n\t/shop/load.go:3 +0x1d\n"
    "created by example.com/shop.BenchmarkBoom in goroutine 6\n\t/shop/bad_test.go:3 +0x9b\n"
)


def as_events(text: str) -> str:
    """The text as go test -json has it."""
    event = {"Action": "output", "Package": "example.com/shop"}
    return "".join(
        f"{json.dumps(event | {'Output': line}, separators=(',', ':'))}\n"
        for line in text.splitlines(keepends=True)
    )


@pytest.mark.parametrize(
    "text", [PANIC + END, PANIC, BEGUN + END, f"goos: linux\npkg: example.com/shop\n{BEGUN}{END}"]
)
@pytest.mark.parametrize("written_as", [str, as_events])
def test_a_benchmark_that_panics_before_any_result_is_a_salvaged_capture_beside_the_crash(
    tmp_path, text, written_as
):
    found = list(captures(written(tmp_path, written_as(text))))
    assert [(capture.format, capture.facts.kind) for capture in found] == [
        ("benchmarks", "benchmarks"),
        ("goroutine_dump", "crash_report"),
    ]
    assert found[0].facts.is_salvaged
    said = [line for line in text.splitlines() if line.startswith(("panic", "FAIL\t"))]
    assert [issue.message for issue in found[0].issues] == [line.replace("\t", " ") for line in said]


def test_a_benchmark_that_fails_before_any_result_is_a_salvaged_capture(tmp_path):
    text = f"--- FAIL: BenchmarkBoom\n    bad_test.go:3: boom\nFAIL\n{END}"
    (found,) = captures(written(tmp_path, text))
    assert (found.facts.kind, found.facts.is_salvaged, len(found.issues)) == ("benchmarks", True, 2)


def test_the_crash_of_a_program_or_of_a_test_is_no_benchmark():
    crash = "panic: x\n\ngoroutine 20 [running]:\nmain.main()\n\t/app/main.go:3 +0xb0\n"
    assert not sniff(crash.encode())
    assert not sniff(f"{crash.replace('main.main', 'app.TestX')}{END}".encode())
    # A dump that was taken while benchmarks ran.
    assert not sniff(PANIC.partition("\n\n")[2].encode())


def test_unit_lines_say_which_way_is_better_and_what_may_be_assumed(tmp_path):
    path = tmp_path / "bench.txt"
    path.write_text(
        "Unit MB/s better=higher\nUnit ns/op better=lower assume=nothing\n"
        "Unit text-bytes assume=exact other=x\n"
        "Unit ns/op better=higher\nBenchmarkA 1 2 ns/op 3 MB/s 4 text-bytes\n"
    )
    found = reading.items("benchmarks", path)
    rows = reading.tables(found)["benchmarks"].to_pylist()
    assert [(r["unit"], r["better"], r["assume"]) for r in rows] == [
        ("sec/op", "lower", "nothing"),
        ("B/s", "higher", None),
        ("text-bytes", None, "exact"),
    ]
    assert [i.message for i in reading.issues(found)] == ["Unit ns/op: better=higher, and lower before"]
