"""Small inputs that were judged wrongly once, each of a kind that people have: what they say now.

The folders in tests/samples/cases are artifacts as the main job takes them; see tests/samples/README.md.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tracemill.flows.gate.formats import write
from tracemill.flows.gate.judge import gate
from tracemill.flows.loading.layout import Layout
from tracemill.flows.run import run
from tracemill.flows.show.coverage import Metric, coverage, overview
from tracemill.warehouse import connect
from tracemill.warehouse.queries import ask

CASES = Path(__file__).parent / "samples/cases"
PASSED, REGRESSED, UNDECIDED = 0, 1, 2

# The case, the build, what its gate says, and its incidents that are regressions: metric and subject.
JUDGED = [
    ("overlapping-snapshots", "b07", PASSED, []),
    ("crash-report-counted", "b06", PASSED, []),
    ("goroutineleak-no-verdict", "b07", REGRESSED, [("goroutine_leak_count", "main.leak")]),
    ("goroutine-profiles-only", "b07", REGRESSED, [("goroutine_profile_count", "main.main.func2")]),
    ("gctrace-only", "b07", REGRESSED, [("gc_cpu_share", "program")]),
    (
        "block-profiles-only",
        "b07",
        REGRESSED,
        [("mutex_delay_ns", "main.(*Index[...]).Put")],
    ),
    ("bench-zero-alloc-family", "b07", REGRESSED, [("bench B/op", "example.com/log.Hot-4")]),
    ("one-run-a-build", "b08", REGRESSED, [("goroutine_count", "main.main")]),
    ("bench-cpu-model", "b07", UNDECIDED, []),
    ("build-order-by-sha", "c0ffee1", UNDECIDED, []),
]


@pytest.mark.sampled
@pytest.mark.parametrize(("case", "build", "code", "incidents"), JUDGED, ids=[c[0] for c in JUDGED])
def test_a_case_is_judged_as_it_should_be(
    case: str, build: str, code: int, incidents: list[tuple[str, str]], tmp_path: Path
) -> None:
    run([CASES / case / "artifacts"], tmp_path / "w", tmp_path / "exports")
    assert gate(tmp_path / "w", build).exit_code == code
    with connect(tmp_path / "w") as connection:
        query = "select build_id, metric, subject from incidents where status = 'regressed' order by all"
        found = connection.execute(query).fetchall()
    assert found == [(build, *incident) for incident in incidents]


def test_a_leak_needs_no_history(tmp_path: Path) -> None:
    artifacts = CASES / "goroutineleak-no-verdict/artifacts"
    run([artifacts / "b07"], tmp_path / "w", tmp_path / "exports")
    assert gate(tmp_path / "w", "b07").exit_code == REGRESSED
    with connect(tmp_path / "w") as connection:
        rests_on = overview(connection, coverage(connection))
    assert "judged: 1 series of 1 metric, of b07 alone: there is no build before" in rests_on
    run([artifacts], tmp_path / "w", tmp_path / "exports")
    assert [gate(tmp_path / "w", b).exit_code for b in ("b07", "b08")] == [REGRESSED, PASSED]


@pytest.mark.full
def test_builds_of_which_only_leaks_were_looked_for_pass_without_any_and_it_is_said(tmp_path: Path) -> None:
    artifacts = CASES / "goroutineleak-no-verdict/artifacts"
    run([artifacts / "b06"], tmp_path / "w", tmp_path / "exports")
    found = gate(tmp_path / "w", "b06")
    assert (found.exit_code, found.judged, found.doubts) == (PASSED, {"goroutine_leak_count": 0}, ())
    with connect(tmp_path / "w") as connection:
        lines = overview(connection, coverage(connection)).splitlines()
    assert lines[1] == "judged: goroutine_leak_count, looked for in 1 build: none"


def test_a_new_leak_fails_no_gate_that_allows_it(tmp_path: Path) -> None:
    run([CASES / "goroutineleak-no-verdict/artifacts"], tmp_path / "w", tmp_path / "exports")
    found = gate(tmp_path / "w", "b07", allows_leaks=True)
    assert (found.exit_code, [f.subject for f in found.allowed]) == (PASSED, ["main.leak"])
    assert "allowed: goroutine_leak_count of main.leak, a new leak" in write(found, "table")
    for format_ in ("table", "md", "json"):
        assert "regressed" not in write(found, format_).replace("from regression", "")


def test_benchmarks_of_another_machine_are_not_compared(tmp_path: Path) -> None:
    run([CASES / "bench-cpu-model/artifacts"], tmp_path / "w", tmp_path / "exports")
    doubts = " ".join(gate(tmp_path / "w", "b07").doubts)
    assert "the builds do not compare: cpu AMD EPYC 7763 64-Core Processor → Intel" in doubts


def test_builds_whose_order_nobody_gave_are_not_judged_and_it_is_said_how_to_give_it(tmp_path: Path) -> None:
    run([CASES / "build-order-by-sha/artifacts"], tmp_path / "w", tmp_path / "exports")
    found = gate(tmp_path / "w", "c0ffee1")
    (doubt,) = found.doubts
    assert "the order of the builds is not known" in doubt
    assert "committed_at" in doubt
    assert "against nothing: c0ffee1 has no place among the builds\n" in write(found, "table")
    with connect(tmp_path / "w") as connection:
        assert connection.execute("select count(*) from incidents").fetchone() == (0,)


def test_it_is_said_that_the_other_builds_have_no_place_not_that_there_are_none(tmp_path: Path) -> None:
    shutil.copytree(CASES / "build-order-by-sha/artifacts", tmp_path / "artifacts")
    (tmp_path / "artifacts/c0ffee1/build.json").write_text('{"committed_at": "2026-01-02T03:04:05Z"}')
    run([tmp_path / "artifacts"], tmp_path / "w", tmp_path / "exports")
    found = gate(tmp_path / "w", "c0ffee1")
    (doubt,) = found.doubts
    assert doubt.startswith(
        "builds to compare with: 0; it takes 3 to tell noise; nothing says where 0f3e9aa, "
    )
    told = write(found, "table")
    assert "against nothing: no build is known to be before it, and nothing says where 0f3e9aa, " in told
    assert "there is no build before" not in told
    others = write(gate(tmp_path / "w", "beef123"), "table")
    assert "against nothing: beef123 has no place among the builds\n" in others


LEAK = """goroutineleak profile: total 2
2 @ 0x47b5a1 0x47b5a8
#\t0x47b5a0\tmain.leak+0x41\t/src/main.go:12
#\t0x47b5a7\tmain.main+0x41\t/src/main.go:20
"""


@pytest.mark.parametrize(
    ("leak", "verdict"),
    [
        ("goroutineleak profile: total 0\n", (UNDECIDED, {"goroutine_leak_count": 0})),
        (LEAK, (REGRESSED, {"goroutine_leak_count": 1})),
    ],
)
def test_of_a_build_without_a_place_nothing_but_its_leaks_is_judged(
    tmp_path: Path, leak: str, verdict: tuple[int, dict[str, int]]
) -> None:
    """It does not pass since it has looked for them, and nothing is said to be missing from it."""
    for build in ("b1", "b2", "b3", "b4", "new"):
        folder = tmp_path / "artifacts" / build
        (folder / "1").mkdir(parents=True)
        (folder / "1/bench.txt").write_text("pkg: app\nBenchmarkA-2 100 100 ns/op\n")
        (folder / "1/leak.txt").write_text(leak if build == "new" else "goroutineleak profile: total 0\n")
        if build != "new":
            (folder / "build.json").write_text(f'{{"committed_at": "2026-01-0{build[1]}T00:00:00Z"}}')
    run([tmp_path / "artifacts"], tmp_path / "w", tmp_path / "exports")
    found = gate(tmp_path / "w", "new")
    (doubt,) = found.doubts
    assert ((found.exit_code, found.judged), found.unjudged) == (verdict, ())
    assert doubt.startswith("the order of the builds is not known: new has no place among them")
    with connect(tmp_path / "w") as connection:
        looked_in = {m.metric: m.looked_in for m in ask(connection, "coverage/metrics", Metric)}
    assert looked_in["goroutine_leak_count"] == 4


@pytest.mark.full
def test_benchmarks_that_scatter_by_half_are_found_five_times_as_slow_or_hinted_at(tmp_path: Path) -> None:
    case = CASES / "bench-noisy-5x"
    layout = Layout(order=tuple(sorted(build.name for build in (case / "artifacts").iterdir())))
    run([case / "artifacts"], tmp_path / "w", tmp_path / "exports", layout=layout)
    found = gate(tmp_path / "w", "beef123")
    slower = "bench sec/op of example.com/parse.Count/words-10-2: 560 ns → 2.87 µs/op"
    latest = gate(tmp_path / "w", "fa11ed0").suspected
    assert (found.exit_code, any(hint.change.startswith(slower) for hint in latest)) == (REGRESSED, True)
