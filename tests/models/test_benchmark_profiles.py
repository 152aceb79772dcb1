"""What a function costs an operation of a benchmark, by its share of what runs below the benchmark."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from tracemill.flows.gate.judge import judge
from tracemill.flows.gate.judgement import REGRESSED

from .given import Given, rows

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

PACKAGE = "example.org/glob"
FILTER, SPLIT, JOIN = f"{PACKAGE}.(*Set).Filter", f"{PACKAGE}.split", f"{PACKAGE}.join"
BENCHMARK = f"{PACKAGE}.BenchmarkFilter"
OWN = ("testing.(*B).runN", "testing.(*B).launch")
PERIOD = 10_000_000
FIGURES = "select function, value from figures_benchmark_profiles where metric = ?"

Sites = dict[tuple[str, ...], float]


def says(given: Given, build: str, iterations: int, *, run: str = "1", **line: Any) -> None:
    """Let BenchmarkFilter-2 of a run say of an operation what line has: ns, B, allocs; procs and names."""
    capture = given.capture(build, run, "benchmarks", format="benchmarks")
    names = {"package": PACKAGE, "name": "Filter", "procs": 2}
    names |= {key: line.pop(key) for key in list(line) if key in names}
    number = len(given.tables["benchmarks"])
    for unit, value in line.items():
        given.tables["benchmarks"].append(
            {
                "capture_id": capture,
                "line": number,
                "iterations": iterations,
                "metric": unit,
                "unit": "sec/op" if unit == "ns" else f"{unit}/op",
                "value": value * (1e-9 if unit == "ns" else 1),
            }
            | names
        )


def cpu(given: Given, build: str, samples: Mapping[tuple[str, ...], float], *, run: str = "1") -> None:
    """Add a CPU profile: call path → samples."""
    capture = given.capture(build, run, "cpu", duration_ns=2 * 10**9)
    for index, (path, count) in enumerate(samples.items()):
        given.tables["profile_samples"].append(
            {
                "capture_id": capture,
                "sample_index": index,
                "sample_type": "cpu",
                "unit": "nanoseconds",
                "value": int(count) * PERIOD,
                "stack_id": given.stack(*path),
                "sampling_period": PERIOD,
            }
        )


def heap(given: Given, build: str, sites: Mapping[tuple[str, ...], float], *, run: str = "1") -> None:
    """Add a heap profile: call path → bytes allocated in all."""
    given.heap(build, run, [(given.stack(*path), 256, int(size)) for path, size in sites.items()])


def below(*functions: str, benchmark: str = BENCHMARK) -> tuple[str, ...]:
    """A call path on the benchmark's own goroutine."""
    return (*functions, benchmark, *OWN)


def figures(given: Given, metric: str) -> dict[str, float]:
    """By function: what it costs an operation, in the one run that the tests of figures have."""
    with given.models() as connection:
        return dict(connection.execute(FIGURES, [metric]).fetchall())


def history(
    iterations: Callable[[int], int], sites: Callable[[int], Mapping[tuple[str, ...], float]], **line: Any
) -> Given:
    """Builds b1 to b9 of two runs. sites(build): call path → bytes an operation. B/op is their sum.

    A profile has a fifth more iterations than are told.
    """
    given, random = Given(), np.random.default_rng(3)
    for build in range(1, 10):
        per_operation = sites(build)
        for run in "12":
            count = int(iterations(build) * np.exp(random.normal(0, 0.05)))
            total = sum(per_operation.values())
            says(
                given,
                f"b{build}",
                count,
                run=run,
                **({"ns": 5e8 / count, "B": total, "allocs": total / 1024} | line),
            )
            noisy = {path: size * np.exp(random.normal(0, 0.02)) for path, size in per_operation.items()}
            heap(given, f"b{build}", {path: 1.2 * count * size for path, size in noisy.items()}, run=run)
    # When the benchmarks are done, nothing is in use.
    samples = given.tables["profile_samples"]
    given.tables["profile_samples"] = [s for s in samples if s["sample_type"].startswith("alloc")]
    return given


def verdicts(given: Given, metric: str = "benchmark_alloc_bytes") -> list[tuple[str, ...]]:
    with given.models() as connection:
        return rows(
            connection,
            "select distinct function, calling_function, status, first_build_id from regressions "
            f"where metric = '{metric}' order by all",
        )


def test_a_share_of_what_is_below_the_benchmark_is_that_of_its_bytes_and_objects():
    given = Given()
    says(given, "b1", 1000, B=4096, allocs=4, ns=1e5)
    heap(given, "b1", {below(FILTER): 3e6, below(SPLIT, FILTER): 1e6, (JOIN, "main.main"): 9e6})
    of_bytes, objects = figures(given, "benchmark_alloc_bytes"), figures(given, "benchmark_alloc_objects")
    assert of_bytes == pytest.approx({FILTER: 3072, SPLIT: 1024}, rel=1e-3)
    assert objects == pytest.approx({FILTER: 3, SPLIT: 1}, rel=1e-3)


def test_repeats_count_by_how_often_they_went_around():
    given = Given()
    says(given, "b1", 3000, B=1000)
    says(given, "b1", 1000, B=2000)
    heap(given, "b1", {below(FILTER): 6e6})
    assert figures(given, "benchmark_alloc_bytes") == pytest.approx({FILTER: 1250})


@pytest.mark.parametrize(
    ("times", "ns"),
    [
        (1, 4e6 / 3),
        # Twice as much CPU time as 3000 operations can have taken: it went around 6000 times.
        (2, 4e6 / 3),
        # The benchmark waits, or others use the processors.
        (1, 9e6),
    ],
)
def test_cpu_time_is_of_the_iterations_that_are_told_or_as_many_as_must_have_been(times, ns):
    given = Given()
    says(given, "b1", 3000, ns=ns)
    cpu(given, "b1", {below(FILTER): 300 * times, below(SPLIT): 100 * times, (JOIN, "main.main"): 50})
    assert figures(given, "benchmark_cpu_ns")[FILTER] == pytest.approx(1e6)


def test_goroutines_that_a_benchmark_starts_run_on_all_processors():
    given = Given()
    says(given, "b1", 1000, ns=1e6)
    parallel = (FILTER, f"{BENCHMARK}.func1", "testing.(*B).RunParallel.func1")
    cpu(given, "b1", {parallel: 200})
    assert figures(given, "benchmark_cpu_ns") == pytest.approx({FILTER: 2e6})


@pytest.mark.parametrize(
    "lines", [[{"name": "Filter/short"}, {"name": "Filter/long"}], [{"procs": 1}, {"procs": 4}]]
)
def test_what_several_benchmarks_of_one_function_cost_is_not_told_apart(lines):
    given = Given()
    for line in lines:
        says(given, "b1", 1000, B=4096, ns=1e6, **line)
    heap(given, "b1", {below(FILTER): 4e6})
    cpu(given, "b1", {below(FILTER): 100})
    for metric in ("benchmark_alloc_bytes", "benchmark_cpu_ns"):
        assert figures(given, metric) == {}


@pytest.mark.parametrize(("times", "is_told"), [([3, 4], False), ([3, 1.1], True)])
def test_a_set_up_that_outweighs_the_iterations_in_each_run_is_no_operation(times, is_told):
    given = Given()
    for run, more in zip("12", times, strict=True):
        says(given, "b1", 1000, run=run, B=4096, ns=1e6)
        heap(given, "b1", {below(FILTER): more * 4096e3}, run=run)
        cpu(given, "b1", {below(FILTER): more * 100}, run=run)
    for metric in ("benchmark_alloc_bytes", "benchmark_cpu_ns"):
        assert bool(figures(given, metric)) is is_told


def test_benchmarks_of_an_external_test_package_and_of_a_path_with_a_dot_are_known():
    given = Given()
    says(given, "b1", 1000, B=4096, package="gopkg.in/yaml.v3")
    external = "gopkg.in/yaml%2ev3_test.BenchmarkFilter"
    heap(given, "b1", {below(FILTER, benchmark=external): 4e6})
    assert figures(given, "benchmark_alloc_bytes") == pytest.approx({FILTER: 4096})


def drawn_errors(metric: str) -> tuple[np.ndarray, np.ndarray]:
    """What the figures of two functions scatter by, and what they say that they do."""
    given, random = Given(), np.random.default_rng(7)
    for run in range(300):
        says(given, "b1", 1000, run=str(run), B=20_480, ns=1e6)
        if metric == "benchmark_cpu_ns":
            first = int(random.binomial(100, 0.7))
            cpu(given, "b1", {below(FILTER): first, below(SPLIT): 100 - first}, run=str(run))
        else:
            # Objects of 1 KiB, of which one in 512 or so is sampled.
            chance = 1 - np.exp(-1024 / 524288)
            counts = random.binomial([14_000, 6_000], chance) / chance
            sizes = dict(zip([below(FILTER), below(SPLIT)], 1024 * counts, strict=True))
            heap(given, "b1", sizes, run=str(run))
    with given.models() as connection:
        found = connection.execute(
            "select stddev(value), median(standard_error) from figures_benchmark_profiles "
            "where metric = ? group by function order by function",
            [metric],
        ).fetchall()
    return np.array([row[0] for row in found]), np.array([row[1] for row in found])


@pytest.mark.full
@pytest.mark.parametrize("metric", ["benchmark_cpu_ns", "benchmark_alloc_bytes"])
def test_the_share_of_samples_is_as_certain_as_it_says(metric):
    scatter, told = drawn_errors(metric)
    assert told == pytest.approx(scatter, rel=0.15)


@pytest.mark.full
def test_the_doubt_of_what_else_is_below_the_benchmark_counts():
    given = Given()
    for run, more in zip("12", [1, 1.9], strict=True):
        says(given, "b1", 1000, run=run, B=4096)
        heap(given, "b1", {below(FILTER): more * 4096e4 / 10}, run=run)
    with given.models() as connection:
        told = connection.execute(
            "select standard_error / value from figures_benchmark_profiles "
            "where metric = 'benchmark_alloc_bytes' order by run_id"
        ).fetchall()
    assert [row[0] for row in told] == pytest.approx([0, np.log(1.9) / np.sqrt(12)], abs=0.002)


def faster(build: int) -> int:
    return 9000 if build >= 6 else 1000


def test_twice_as_much_an_operation_is_a_regression_of_the_function_and_one_incident():
    """As many more iterations as the benchmark is given time for hide nothing and cause nothing."""

    def sites(build: int) -> Sites:
        return {below(FILTER): 20_000, below(SPLIT, FILTER): 30_000 if build >= 6 else 10_000}

    given = history(faster, sites)
    with given.models() as connection:
        found = judge(connection, "b6")
        members = rows(connection, "select distinct incident_id from regressions where status = 'regressed'")
    assert found.exit_code == REGRESSED
    assert [(f.metric, f.function) for f in found.findings] == [("benchmark_alloc_bytes", SPLIT)]
    assert len(members) == 1
    assert not [condition for condition in found.conditions if "by iterations alone" in condition]
    assert verdicts(given) == [(SPLIT, None, "regressed", "b6")]


def test_what_is_told_of_no_operation_is_said_as_ever():
    def sites(_build: int) -> Sites:
        return {below(FILTER): 20_000, below(SPLIT, FILTER): 10_000}

    def said(given: Given) -> int:
        with given.models() as connection:
            assert not rows(connection, "select * from regressions where metric <> 'bench sec/op'")
            return sum("by iterations alone" in text for text in judge(connection, "b6").conditions)

    assert said(history(faster, sites)) == 0
    assert said(history(faster, sites, name="Filter/one")) == 1


def test_what_moves_between_functions_of_an_operation_is_a_shift():
    def sites(build: int) -> Sites:
        moved = 15_000 if build >= 6 else 1_000
        return {below(FILTER): 20_000 - moved, below(SPLIT, FILTER): moved, below(JOIN): 10_000}

    found = verdicts(history(lambda _: 5000, sites))
    assert {(function, status) for function, _, status, _ in found} == {
        (FILTER, "cost_shift"),
        (SPLIT, "cost_shift"),
    }


def test_what_a_given_time_hides_is_no_shift():
    """Of its second a benchmark takes all, whatever an operation costs."""
    given, random = Given(), np.random.default_rng(4)
    for build in range(1, 13):
        fast = build >= 7
        # 2 s of samples: split takes 4 of 5 ms an operation, and then 0.25 of 1.25.
        shares = {below(FILTER, JOIN): 0.8 if fast else 0.2, below(SPLIT, JOIN): 0.2 if fast else 0.8}
        for run in "12":
            count = int((1600 if fast else 400) * np.exp(random.normal(0, 0.03)))
            says(given, f"b{build}", count, run=run, ns=1.25e6 if fast else 5e6)
            cpu(
                given,
                f"b{build}",
                {path: random.normal(200 * share, 2) for path, share in shares.items()},
                run=run,
            )
    with given.models() as connection:
        found = rows(
            connection,
            "select distinct metric, status, first_build_id from regressions "
            f"where function = '{SPLIT}' and metric in ('cpu_ns', 'benchmark_cpu_ns') order by all",
        )
        incidents = rows(connection, "select count(distinct incident_id) from regressions")
    assert found == [("benchmark_cpu_ns", "improved", "b7"), ("cpu_ns", "improved", "b7")]
    assert incidents == [(1,)]


def test_one_benchmark_more_and_one_that_tells_nothing_change_no_sum():
    """From b6 on a third benchmark runs the function too; at b8 one of the first two tells no memory."""
    given, random = Given(), np.random.default_rng(6)
    for build in range(1, 10):
        names = ["Filter", "Match", "Find"][: 3 if build >= 6 else 2]
        for run in "12":
            sites = {}
            for name in names:
                size = 8192 * np.exp(random.normal(0, 0.02))
                if (build, name) != (8, "Match"):
                    says(given, f"b{build}", 1000, run=run, name=name, B=size)
                sites[below(SPLIT, benchmark=f"{PACKAGE}.Benchmark{name}")] = 1000 * size
            heap(given, f"b{build}", sites, run=run)
    with given.models() as connection:
        sums = rows(
            connection,
            "select build_id, median(value) from figures_benchmark_functions "
            "where metric = 'benchmark_alloc_bytes' group by build_id order by build_id",
        )
        found = rows(connection, "select * from regressions where starts_with(metric, 'benchmark_')")
    assert [build for build, _ in sums] == [f"b{n}" for n in (1, 2, 3, 4, 5, 6, 7, 9)]
    assert [size for _, size in sums] == pytest.approx([2 * 8192] * 8, rel=0.06)
    assert not found


def test_a_set_up_that_passes_for_iterations_is_no_shift_where_these_changed():
    """Its share is half of that of the iterations, and an eighth once they are four times as many."""
    given, random = Given(), np.random.default_rng(5)
    for build in range(1, 10):
        count = 8000 if build >= 6 else 2000
        for run in "12":
            noise = np.exp(random.normal(0, 0.02, 2))
            says(given, f"b{build}", count, run=run, B=1e4)
            heap(
                given,
                f"b{build}",
                {below(FILTER): count * 1e4 * noise[0], below(JOIN): 1e7 * noise[1]},
                run=run,
            )
    with given.models() as connection:
        told = rows(connection, "select * from regressions where starts_with(metric, 'benchmark_')")
        shifts = rows(
            connection, "select metric from int_cost_shifts where starts_with(metric, 'benchmark_')"
        )
    assert shifts
    assert not told
