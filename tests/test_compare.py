"""`compare`: two builds of the demo, two folders, two files; what cannot be compared is said."""

from __future__ import annotations

import json
import re
import shutil
import zipfile
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import pytest
from click.testing import CliRunner, Result

from tracemill.flows.cli import main
from tracemill.flows.gate.compare import advice

if TYPE_CHECKING:
    from tracemill.flows.gate.compare import Series

DEMO = Path(__file__).parent.parent / "examples/artifacts"
LOOKUP = "storefront/internal/cache.(*Prices).Lookup"


def compare(*args: object) -> Result:
    return CliRunner().invoke(main, ["compare", *map(str, args)])


def found(*args: object) -> dict[str, Any]:
    done = compare(*args, "--json")
    answer: dict[str, Any] = json.loads(done.stdout)
    assert answer["exit_code"] == done.exit_code
    return answer


def answers(answer: dict[str, Any]) -> set[str]:
    return {s["answer"] for s in answer["series"]}


def benchmarks(folder: Path, values: list[float], cpu: str = "a") -> Path:
    """A folder of benchmark output, a file a run."""
    folder.mkdir()
    for run, value in enumerate(values):
        results = f"BenchmarkA-2 100 {value} ns/op\nBenchmarkB-2 100 {1000 + run} ns/op\n"
        (folder / f"{run}.txt").write_text(f"goos: linux\ncpu: {cpu}\npkg: app\n{results}")
    return folder


def test_the_lock_held_over_a_call_upstream_is_worse(demo: Path) -> None:
    done = compare("b07", "b08", "--warehouse", demo)
    assert done.exit_code == 1, done.output
    lines = done.stdout.splitlines()
    assert max(map(len, lines)) <= 80
    assert lines[0].startswith("b07 → b08: ")
    assert any(line.startswith("worse ") and "block_ns" in line for line in lines)
    assert f"        {LOOKUP} (sync)" in lines
    assert "exact test's p is at least 0.1" in done.stdout
    assert "next: tracemill top --build b08 --against b07" in done.stderr
    (lookup,) = [s for s in found("b07", "b08", "--warehouse", demo)["series"]
                 if (s["metric"], s["subject"]) == ("block_ns", f"{LOOKUP} (sync)")]  # fmt: skip
    low, high = lookup["interval"]
    assert 10 < low < lookup["ratio"] < high < 30
    assert (lookup["unit"], lookup["runs_before"], lookup["test"]) == ("ns/requests", 3, "Student")


def test_the_other_way_round_it_is_better(demo: Path) -> None:
    answer = found("b08", "b07", "--warehouse", demo)
    assert answer["exit_code"] == 0
    assert "better" in answers(answer)


@pytest.mark.parametrize(
    ("before", "after"), [("b08", "b09"), ("b01", "b02"), ("b02", "b03"), ("b12", "b13")]
)
def test_builds_that_changed_nothing_do_not_differ(demo: Path, before: str, after: str) -> None:
    answer = found(before, after, "--warehouse", demo)
    assert answer["exit_code"] == 0
    assert answers(answer) == {"does not differ", "the same", "cannot tell"}
    assert any(s["more_runs"] for s in answer["series"] if s["answer"] == "cannot tell")


def test_folders_of_runs_need_no_warehouse() -> None:
    answer = found(DEMO / "b07", DEMO / "b08")
    assert answer["exit_code"] == 1
    assert any(s["subject"] == f"{LOOKUP} (sync)" for s in answer["series"] if s["answer"] == "worse")


@pytest.mark.full
def test_folders_of_files_are_a_run_each_and_ten_runs_get_the_exact_test(tmp_path: Path) -> None:
    before = benchmarks(tmp_path / "base", [100 + i for i in range(10)])
    after = benchmarks(tmp_path / "head", [120 + i for i in range(10)])
    answer = found(before, after)
    assert answer["exit_code"] == 1
    a, b = sorted(answer["series"], key=lambda s: s["subject"])
    assert (a["answer"], a["test"], a["runs_after"]) == ("worse", "exact", 10)
    assert a["p_value"] == pytest.approx(2 / 184756)
    assert b["answer"] == "does not differ"
    assert found(before, after, "--at-least", 50)["exit_code"] == 0


@pytest.mark.parametrize(
    "name", ["{run}/bench.txt", "{side}/{run}/bench.txt", "out/{run}/bench.txt", "{run}.txt", "out/{run}.txt"]
)
def test_an_archive_stands_for_a_folder_of_runs(name: str, tmp_path: Path) -> None:
    for side, factor in (("a", 1.0), ("b", 1.5)):
        with zipfile.ZipFile(tmp_path / f"{side}.zip", "w") as packed:
            for run in range(6):
                result = f"pkg: app\nBenchmarkA-2 100 {factor * (100 + run)} ns/op\n"
                packed.writestr(name.format(side=side, run=run), result)
    (series,) = found(tmp_path / "a.zip", tmp_path / "b.zip")["series"]
    assert (series["answer"], series["runs_after"]) == ("worse", 6)


def test_an_archive_of_a_folder_with_a_run_json_is_one_run(tmp_path: Path) -> None:
    for side in ("a", "b"):
        with zipfile.ZipFile(tmp_path / f"{side}.zip", "w") as packed:
            packed.writestr("out/run.json", "{}")
            for name in ("1.txt", "2.txt"):
                packed.writestr(f"out/{name}", "BenchmarkA-2 100 5 ns/op\n")
    answer = found(tmp_path / "a.zip", tmp_path / "b.zip")
    assert [series["runs_after"] for series in answer["series"]] == [1]


def test_an_archive_in_a_folder_is_a_run(tmp_path: Path) -> None:
    for side, factor in (("a", 1.0), ("b", 1.5)):
        (tmp_path / side).mkdir()
        for run in range(6):
            with zipfile.ZipFile(tmp_path / side / f"{run}.zip", "w") as packed:
                packed.writestr("bench.txt", f"BenchmarkA-2 100 {factor * (100 + run)} ns/op\n")
    (series,) = found(tmp_path / "a", tmp_path / "b")["series"]
    assert (series["answer"], series["runs_after"]) == ("worse", 6)


def test_two_files_show_ratios_and_never_a_verdict() -> None:
    done = compare(DEMO / "b07/r1/mutex.pb.gz", DEMO / "b08/r1/mutex.pb.gz")
    assert done.exit_code == 2
    assert "a single run cannot tell a change from noise between" in " ".join(done.stdout.split())
    assert "mutex_delay_ns" in done.stdout
    assert "worse " not in done.stdout


def repeated(file: Path, allocs: list[int], own: float = 3.0) -> Path:
    """Benchmark output of one process, as of -count: times that vary, a count, and a unit of its own."""
    lines = [
        f"BenchmarkA-2 100 {100 + 7 * i} ns/op {own} hits {value} allocs/op\n"
        for i, value in enumerate(allocs)
    ]
    file.write_text("pkg: app\n" + "".join(lines))
    return file


@pytest.mark.parametrize(
    ("allocs", "answer", "test"),
    [
        ([16] * 5, "worse", "count"),
        ([2] * 5, "better", "count"),
        ([6] * 5, "the same", "count"),
        # Go rounds what an operation allocates: one more may be none.
        ([7] * 5, "cannot tell", None),
        ([16, 16, 16, 17, 16], "cannot tell", None),
        ([16] * 2, "cannot tell", None),
    ],
)
def test_a_count_that_all_repeats_of_one_run_agree_on_is_told(
    allocs: list[int], answer: str, test: str | None, tmp_path: Path
) -> None:
    before, after = repeated(tmp_path / "old.txt", [6] * 5), repeated(tmp_path / "new.txt", allocs, own=3.75)
    told = found(before, after)
    of = {s["metric"]: (s["answer"], s["test"]) for s in told["series"]}
    assert of["bench allocs/op"] == (answer, test)
    # Times are never told so, nor what is no count.
    assert of["bench sec/op"] == ("cannot tell", None)
    assert of.get("bench hits", ("cannot tell", None)) == ("cannot tell", None)
    assert told["exit_code"] == {"worse": 1, "better": 0}.get(answer, 2)
    text = " ".join(compare(before, after).stdout.split())
    is_told = answer in {"worse", "better"}
    assert ("(counted)" in text) == ("1 series is told by a single run, as counts" in text) == is_told
    assert "--format benchstat takes every repeat for a measurement" in text


def test_the_size_of_a_binary_is_told_from_one_of_each(tmp_path: Path) -> None:
    for side, build in (("a", "b01"), ("b", "b10")):
        shutil.copytree(DEMO / build, tmp_path / side, ignore=shutil.ignore_patterns("r*", "bench*", "*.txt"))
    told = found(tmp_path / "a", tmp_path / "b")
    assert told["exit_code"] == 0
    assert {s["metric"]: s["answer"] for s in told["series"]} == {
        "binary_bytes": "does not differ", "package_code_bytes": "the same",
    }  # fmt: skip
    assert "worse" in answers(found(tmp_path / "a", tmp_path / "b", "--at-least", 0.1))


@pytest.mark.full
def test_what_is_equal_in_every_run_is_counted_and_not_listed(tmp_path: Path) -> None:
    before, after = (benchmarks(tmp_path / name, [100, 100, 100]) for name in ("base", "head"))
    for number in range(3):
        file = after / f"{number}.txt"
        file.write_text(file.read_text().replace("BenchmarkB-2 100 10", f"BenchmarkB-2 100 {number + 1}0"))
    text = compare(before, after).stdout
    assert "1 series is the same to the last digit: bench sec/op (1)." in text
    assert "nothing could be told of what varies" in " ".join(text.split())
    done = found(before, after)
    # That some are equal says nothing of the one that scatters.
    assert (done["exit_code"], answers(done)) == (2, {"the same", "cannot tell"})
    (equal,) = [s for s in done["series"] if s["answer"] == "the same"]
    assert (equal["subject"], equal["more_runs"]) == ("app.A-2", None)


def many_benchmarks(folder: Path, one: list[float]) -> Path:
    """One benchmark of these values among sixty that scatter, a run a file."""
    folder.mkdir()
    random = np.random.default_rng(list(folder.name.encode()))
    for run, value in enumerate(one):
        others = 100 * np.exp(0.06 * random.standard_normal(60))
        lines = [f"BenchmarkN{i}-2 100 {ns} ns/op" for i, ns in enumerate(others)]
        (folder / f"{run}.txt").write_text(
            "\n".join(["pkg: app", f"BenchmarkA-2 100 {value} ns/op", *lines, ""])
        )
    return folder


def test_what_looks_changed_and_is_not_certain_is_named_with_how_many_more_runs_would_tell(
    tmp_path: Path,
) -> None:
    runs = [142.0, 182, 158, 171, 149, 160], [316.0, 313, 340, 300, 333, 321]
    base, head = (
        many_benchmarks(tmp_path / name, v[:3]) for name, v in zip(("base", "head"), runs, strict=True)
    )
    done = compare(base, head)
    assert done.exit_code == 2, done.output
    lines = done.stdout.splitlines()
    assert max(map(len, lines)) <= 80
    at = lines.index("        app.A-2")
    text = " ".join(" ".join(lines[:at]).split())
    assert re.search(r"Of these \d looks? changed \(p ≤ 0.05\), as up to 3 would by chance", text)
    advised = re.search(
        r"×2 \([^)]*\) bench sec/op 158 ns → 316 ns/op, q = 0.\d+; (\d) more runs? a side would tell", text
    )
    assert advised, text
    more = 3 + int(advised[1])
    assert more <= 6
    base, head = (
        many_benchmarks(tmp_path / f"{name}-more", v[:more])
        for name, v in zip(("base", "head"), runs, strict=True)
    )
    assert [s["subject"] for s in found(base, head)["series"] if s["answer"] == "worse"] == ["app.A-2"]


def test_of_one_series_that_more_runs_would_tell_it_is_not_said_that_nothing_could_be_told(
    tmp_path: Path,
) -> None:
    base, head = tmp_path / "base", tmp_path / "head"
    for folder, values in ((base, (100, 101)), (head, (150, 152))):
        folder.mkdir()
        for run, value in enumerate(values):
            (folder / f"{run}.txt").write_text(f"pkg: app\nBenchmarkA-2 100 {value} ns/op\n")
    text = " ".join(compare(base, head).stdout.split())
    assert "nothing could be told yet 1 series cannot be told from noise with 2 runs a side" in text
    assert "1 more run a side would tell. Of these 1 looks changed (p ≤ 0.05), as fewer than 1 would" in text


@pytest.mark.parametrize(
    ("more_runs", "said"),
    [
        ([3], "; 3 more runs of each would tell"),
        ([1, 4, 9, None], "; 4 more runs of each would tell half of them"),
        ([1, None, None], ""),
        (
            [200, 300],
            "; more than 50 more runs of each would tell half of them, and a quieter machine helps sooner",
        ),
    ],
)
def test_half_of_the_series_is_half_of_all_and_not_of_those_that_have_a_number(
    more_runs: list[int | None], said: str
) -> None:
    series = [SimpleNamespace(more_runs=number) for number in more_runs]
    assert advice(cast("list[Series]", series), "runs of each") == said


@pytest.mark.full
def test_two_equal_binaries_do_not_differ() -> None:
    done = compare(DEMO / "b01/storefront.xz", DEMO / "b01/storefront.xz")
    assert (done.exit_code, "nothing differs that can be told" in " ".join(done.stdout.split())) == (0, True)


@pytest.mark.full
def test_an_equal_figure_of_a_sample_is_no_equal_figure() -> None:
    heap = DEMO / "b07/r1/heap.pb.gz"
    assert answers(found(heap, heap)) == {"cannot tell"}


@pytest.mark.full
def test_a_single_run_a_side_is_said_first() -> None:
    text = compare(DEMO / "b07/r1/mutex.pb.gz", DEMO / "b08/r1/mutex.pb.gz").stdout
    first = " ".join(text.split()).partition("mutex_delay_ns")[0]
    assert "nothing could be told: each side has a single run" in first
    assert "a single run cannot tell a change from noise" in first


@pytest.mark.full
def test_what_was_measured_on_another_machine_is_not_compared(tmp_path: Path) -> None:
    before = benchmarks(tmp_path / "base", [100, 101, 102])
    after = benchmarks(tmp_path / "head", [900, 901, 902], cpu="b")
    done = compare(before, after)
    assert done.exit_code == 2
    assert "not compared: 2 of benchmark: cpu a → b" in done.stdout


@pytest.mark.full
def test_a_capture_that_was_lost_passes_nothing_and_no_other_file_does_harm(tmp_path: Path) -> None:
    before, after = (benchmarks(tmp_path / name, [100, 101, 102, 103]) for name in ("base", "head"))
    (after / "readme.txt").write_text("just words\n")
    done = compare(before, after, "--at-least", 50)
    assert (done.exit_code, "after: readme.txt could not be loaded" in done.stdout) == (0, True)
    whole = (DEMO / "b08/r1/cpu.pb.gz").read_bytes()
    (after / "cpu.pb.gz").write_bytes(whole[:200])
    done = compare(before, after, "--at-least", 50)
    assert done.exit_code == 2
    assert "after: cpu.pb.gz could not be loaded" in done.stdout
    assert "nothing differs that can be told" in " ".join(done.stdout.split())
    assert {lost["side"] for lost in found(before, after)["not_loaded"]} == {"after"}


def test_names_that_are_not_there_get_the_nearest(demo: Path, tmp_path: Path) -> None:
    done = compare("b07", "b80", "--warehouse", demo)
    assert (done.exit_code, "did you mean 'b" in done.stderr) == (2, True)
    shutil.copy(DEMO / "b07/r1/bench.txt", tmp_path / "bench.txt")
    done = compare(tmp_path / "bench.txt", tmp_path / "bench.tx")
    assert (done.exit_code, "did you mean" in done.stderr) == (2, True)


@pytest.mark.parametrize(
    ("before", "after", "why"),
    [
        ("b07/r1/bench.txt", "b08", "one is a folder"),
        ("b07/r1/bench.txt", "b07/r1/cpu.pb.gz", "two of a kind"),
    ],
)
def test_what_is_not_of_one_kind_is_refused(before: str, after: str, why: str) -> None:
    done = compare(DEMO / before, DEMO / after)
    assert (done.exit_code, why in done.stderr) == (2, True)


def paired(folder: Path, values: list[float], session: str = "s", order: int = 1) -> Path:
    """A folder of runs that were recorded in turns, with benchmarks of which all share what a value says."""
    for number, value in enumerate(values):
        run = folder / f"{number}"
        run.mkdir(parents=True)
        names = "ABCDEF"
        results = "".join(
            f"Benchmark{name}-2 100 {value * (1 + 0.004 * ((number * (i + 3) + order) % 5))} ns/op\n"
            for i, name in enumerate(names)
        )
        (run / "bench.txt").write_text(f"goos: linux\npkg: app\n{results}")
        (run / "run.json").write_text(json.dumps({"pair": f"{session}-{number}"}))
    return folder


# What else the machine does while a pair is recorded.
LOAD = [100, 150, 230, 120, 300, 180, 260, 110, 140, 280]


@pytest.mark.full
def test_runs_that_are_pairs_are_compared_within_them(tmp_path: Path) -> None:
    base = paired(tmp_path / "base", LOAD)
    head = paired(tmp_path / "head", [1.1 * x for x in LOAD], order=2)
    done = found(base, head)
    assert (done["exit_code"], answers(done)) == (1, {"worse"})
    assert {(s["pairs"], s["runs_after"]) for s in done["series"]} == {(10, 10)}
    assert all(1.08 < s["ratio"] < 1.12 for s in done["series"])
    same = found(base, paired(tmp_path / "same", LOAD, order=3))
    assert (same["exit_code"], answers(same)) == (0, {"does not differ"})


@pytest.mark.full
def test_runs_of_other_pairs_are_compared_as_runs(tmp_path: Path) -> None:
    base = paired(tmp_path / "base", LOAD)
    head = paired(tmp_path / "head", [1.1 * x for x in LOAD], session="another")
    done = found(base, head)
    assert (done["exit_code"], answers(done)) == (2, {"cannot tell"})
    assert {s["pairs"] for s in done["series"]} == {0}


@pytest.mark.full
def test_two_pairs_a_pair_given_twice_and_runs_without_one_are_told_apart(tmp_path: Path) -> None:
    base, head = (paired(tmp_path / name, LOAD[:4]) for name in ("base", "head"))
    (head / "3/run.json").unlink()
    (base / "2/run.json").write_text('{"pair": "s-1"}')
    (head / "2/run.json").write_text('{"pair": "s-1"}')
    assert {s["pairs"] for s in found(base, head)["series"]} == {2}
    (head / "0/run.json").unlink()
    assert {s["pairs"] for s in found(base, head)["series"]} == {0}


@pytest.mark.full
def test_more_pairs_are_advised_where_pairs_cannot_tell(tmp_path: Path) -> None:
    base = paired(tmp_path / "base", LOAD[:6])
    head = paired(tmp_path / "head", [LOAD[i] * (0.7, 1.2, 1.1)[i % 3] for i in range(6)])
    text = " ".join(compare(base, head).stdout.split())
    assert "cannot be told from noise with 6 pairs; more than 50 more pairs would tell half" in text
    near = paired(tmp_path / "near", [LOAD[i] * (0.92, 1.08, 1.0)[i % 3] for i in range(6)])
    text = " ".join(compare(base, near).stdout.split())
    assert re.search(r"with 6 pairs; \d+ more pairs? would tell half", text), text


def test_neither_folders_nor_a_warehouse_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("TRACEMILL_WAREHOUSE", raising=False)
    done = compare("a", "b")
    assert (done.exit_code, "neither a nor b is a folder or file here" in done.stderr) == (2, True), (
        done.stderr
    )


@pytest.mark.full
def test_noise_that_all_signals_share_in_a_run_is_said(tmp_path: Path) -> None:
    calm = [100.0] * 10
    busy = [*calm[:7], 160.0, *calm[8:]]
    base, head = paired(tmp_path / "base", calm), paired(tmp_path / "head", busy, order=2)
    done = compare(base, head)
    text = " ".join(done.stdout.split())
    assert "run 7 of after: 100% of what is measured in time is off to the same side, ×1.6" in text
    assert done.exit_code == 2  # one pair of ten is far off
    assert [run["run_id"] for run in found(base, head)["noisy_runs"]] == ["7"]
    assert found(base, paired(tmp_path / "calm", calm))["noisy_runs"] == []
