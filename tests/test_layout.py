"""Other layouts than folders of builds and runs: patterns, names given; lists of builds, and git."""

from __future__ import annotations

import os
import subprocess
import zipfile
from pathlib import Path

import pytest
from click.testing import CliRunner

from tracemill.flows import settings
from tracemill.flows.cli import main
from tracemill.flows.loading.discover import InputError, discover
from tracemill.flows.loading.ingest import ingest
from tracemill.flows.loading.known_builds import placed_by_list, with_git_times
from tracemill.flows.loading.layout import Layout, LayoutError, read_order, suggested, time_ns
from tracemill.flows.names import as_text
from tracemill.flows.run import run
from tracemill.warehouse import connect
from tracemill.warehouse.catalog import Build, Catalog

# Of the builds in the order of LISTED, beef123 is the first whose Decode takes half as long again.
FLAT = Path(__file__).parent / "samples/cases/flat-layout/artifacts"
LISTED = ["0f3e9aa", "1234abc", "5e6f7a8", "7c11d20", "9d8e7f6"]
LISTED += ["a1b2c3d", "beef123", "c0ffee1", "deadbee", "fa11ed0"]
BENCHMARK = "BenchmarkX-4 100 10 ns/op\n"


@pytest.fixture
def lay(tmp_path):
    def laid(*files: str) -> Path:
        for name in files:
            path = tmp_path / "in" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("{}" if path.suffix == ".json" else BENCHMARK)
        return tmp_path / "in"

    return laid


def places(folder: Path, *patterns: str, **given: str) -> list[tuple[str, str | None, str]]:
    found = discover([folder], Layout(patterns, **given))
    return [(i.build_id, i.run_id, i.path) for i in found.inputs]


@pytest.mark.parametrize(
    ("file", "pattern", "build", "run"),
    [
        ("bench-c0ffee1.txt", "bench-{build}.txt", "c0ffee1", None),
        ("v1/pod-1/20260102T150405Z.pb.gz", "{build}/{run}/{run}.pb.gz", "v1", "pod-1-20260102T150405Z"),
        ("v1/pod-1/20260102T150405Z.pb.gz", "{build}/*/{captured_at}.pb.gz", "v1", "20260102T150405Z"),
        ("heap-v1-rc2-3.pb", "heap-{build}-{run}.pb", "v1-rc2", "3"),
        ("out/x/y/c0ffee1/heap", "**/{build}/*", "c0ffee1", None),
        ("v7/1/deep/er/heap", "{build}/{run}/**", "v7", "1"),
        ("a+b(1).txt", "a+b({build}).txt", "1", None),
    ],
)
def test_a_pattern_names_build_and_run(file, pattern, build, run, lay):
    assert places(lay(file), pattern) == [(build, run, file)]


def test_the_first_pattern_that_fits_decides_and_what_fits_none_is_told(lay):
    folder = lay("v1/1/heap", "v1/program", "notes.txt")
    found = discover([folder], Layout(("{build}/{run}/*", "{build}/*")))
    assert [(i.build_id, i.run_id) for i in found.inputs] == [("v1", None), ("v1", "1")]
    assert found.strays == ["notes.txt"]


def test_manifests_lie_in_the_folders_that_are_named_for_builds_and_runs(lay):
    folder = lay("x/v1/pod-1/heap")
    (folder / "x/v1/build.json").write_text('{"commit": "abc"}')
    (folder / "x/v1/pod-1/run.json").write_text('{"work": {"requests": 5}}')
    found = discover([folder], Layout(("x/{build}/{run}/*",)))
    assert found.builds["v1"].commit == "abc"
    assert found.work == {("v1", "pod-1"): {"requests": 5.0}}
    assert [i.path for i in found.inputs] == ["x/v1/pod-1/heap"]


def test_a_path_says_when_a_build_was_committed_and_its_branch(lay):
    pattern = "{branch}/{committed_at}-{build}.txt"
    build = discover([lay("main/2026-01-31T12.30.00Z-abc.txt")], Layout((pattern,))).builds["abc"]
    assert (build.branch, build.committed_at) == ("main", "2026-01-31T12:30:00+00:00")


def test_a_zip_of_an_artifact_fits_a_pattern_as_a_folder(tmp_path):
    with zipfile.ZipFile(tmp_path / "bench-c0ffee1.zip", "w") as packed:
        packed.writestr("bench.txt", BENCHMARK)
    assert places(tmp_path, "bench-{build}/**") == [("c0ffee1", None, "bench-c0ffee1.zip/bench.txt")]


@pytest.mark.parametrize(
    "name",
    [
        "20260102T150405Z",
        "2026-01-02_15-04-05",
        "2026-01-02T16:04:05+01:00",
        "20260102-150405",
        "1767366245",
        "1767366245000",
    ],
)
def test_times_as_names_have_them(name):
    assert time_ns(name) == 1767366245 * 10**9


def test_a_date_that_there_is_not_fits_no_pattern(lay):
    found = discover([lay("2026-02-31-abc.txt")], Layout(("{committed_at}-{build}.txt",)))
    assert (found.inputs, found.strays) == ([], ["2026-02-31-abc.txt"])


def test_files_and_folders_are_of_the_build_that_is_named(lay):
    folder = lay("1/heap", "2/heap", "program")
    runs = {path: (build, run) for build, run, path in places(folder, build="b7")}
    assert runs == {"1/heap": ("b7", "1"), "2/heap": ("b7", "2"), "program": ("b7", None)}
    assert {run for _, run, _ in places(folder, build="b7", run="9")} == {"9"}
    file = folder / "1/heap"
    assert places(file, build="b7") == [("b7", "1", str(file))]
    assert places(file, build="b7", run="9") == [("b7", "9", str(file))]


def test_several_builds_are_not_read_as_one(lay):
    with pytest.raises(InputError, match=r"b1/build\.json is of a build of its own"):
        places(lay("b1/build.json", "b1/1/heap"), build="b7")


# Of which no folder can be, or none that is read.
NO_NAMES = ("", "../../etc", "x/y", ".x")


@pytest.mark.parametrize(
    ("layout", "says"),
    [
        (Layout(("{run}.txt",)), "names no build"),
        (Layout(("{buld}/{build}.txt",)), "did you mean {build}"),
        (Layout(run="1"), "--run needs --build"),
        *((Layout(build=name), "without slashes and no dot in front") for name in NO_NAMES),
        *((Layout(build="b", run=name), "without slashes and no dot in front") for name in NO_NAMES),
    ],
)
def test_a_layout_that_cannot_be_used_says_why(layout, says, lay):
    with pytest.raises(LayoutError, match=says):
        discover([lay("a.txt")], layout)


def test_a_file_that_is_added_to_a_build_leaves_what_is_known_of_it(lay, tmp_path):
    folder = lay("b1/1/bench", "more.txt")
    (folder / "b1/build.json").write_text('{"commit": "abc", "committed_at": "2026-01-31T12:00:00Z"}')
    (folder / "b1/1/noise").write_text("no capture")
    ingest([folder / "b1"], tmp_path / "w")
    ingest([folder / "more.txt"], tmp_path / "w", layout=Layout(build="b1", run="2"))
    catalog = Catalog.load(tmp_path / "w")
    assert catalog.builds["b1"].commit == "abc"
    assert {capture.run_id for capture in catalog.captures.values()} == {"1", "2"}
    assert [failure.path for failure in catalog.failures.values()] == ["b1/1/noise"]


def test_a_path_says_when_a_file_was_captured_also_of_one_that_is_loaded(lay, tmp_path):
    folder = lay("b1/1767366245.txt")
    for _ in range(2):
        ingest([folder], tmp_path / "w", layout=Layout(("{build}/*.txt",)))
        ingest([folder], tmp_path / "w", layout=Layout(("{build}/{captured_at}.txt",), run=None))
    times = {c.run_id: c.captured_at_ns for c in Catalog.load(tmp_path / "w").captures.values()}
    assert times == {None: None, "1767366245": 1767366245 * 10**9}
    ingest([folder], tmp_path / "v", layout=Layout(("{build}/*.txt",), run="1"))
    ingest([folder], tmp_path / "v", layout=Layout(("{build}/{captured_at}.txt",), run="1"))
    (capture,) = Catalog.load(tmp_path / "v").captures.values()
    assert capture.captured_at_ns == 1767366245 * 10**9


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_a_list_is_read_as_windows_writes_it(encoding, tmp_path):
    file = tmp_path / "commits.txt"
    file.write_bytes("b1 first\r\n# none\r\nb2 zweite Änderung\r\n".encode(encoding))
    assert read_order(file) == ("b1", "b2")


def test_a_list_of_commits_orders_builds():
    builds = {name: Build(name) for name in ("b", "a", "c0ffee1")} | {"d": Build("d", commit="f" * 40)}
    placed = placed_by_list(builds, ["a", "c0ffee1" + "0" * 33, "f" * 12, "b"])
    assert {name: build.position for name, build in placed.items()} == {"a": 1, "c0ffee1": 2, "d": 3, "b": 4}
    assert placed_by_list(placed, ["b"])["a"].position is None


def test_git_says_when_a_commit_was_made(tmp_path):
    def git(*words: str) -> str:
        who = ["-c", "user.name=x", "-c", "user.email=x@example.com"]
        done = subprocess.run(["git", *who, *words], cwd=tmp_path, capture_output=True, text=True, check=True)
        return done.stdout.strip()

    git("init", "-q")
    git("commit", "-q", "--allow-empty", "-m", "first")
    commit = git("rev-parse", "HEAD")
    builds = {name: Build(name) for name in (commit, "0123456", "fffffff", "--all")}
    found = with_git_times(builds | {"b1": Build("b1", commit=commit[:12])}, tmp_path)
    said = {name: build.committed_at for name, build in found.items()}
    when = git("show", "-s", "--format=%cI")
    assert said == {commit: when, "b1": when, "0123456": None, "fffffff": None, "--all": None}
    assert found["b1"].commit == commit


def test_words_of_a_latin_1_terminal_can_be_stored():
    said = os.fsencode("café").decode("latin-1").encode("latin-1").decode("utf-8", "surrogateescape")
    assert as_text(said) == "café"
    assert as_text(b"caf\xe9".decode("utf-8", "surrogateescape")) == "café"
    layout = settings.load().as_layout(build=b"caf\xe9".decode("utf-8", "surrogateescape"))
    assert layout.build == "café"


def test_a_pattern_is_suggested_where_one_part_of_the_names_differs():
    assert suggested([f"bench-{name}.txt" for name in LISTED]) == "bench-{build}.txt"
    assert suggested(["a1/x.txt", "b.log"]) is None


def test_flat_files_are_judged_with_a_layout_and_a_list(tmp_path):
    order = tmp_path / "order"
    order.write_text("# oldest first\n" + "\n".join(f"{name} its subject" for name in LISTED))
    arguments = ["run", str(FLAT), "--warehouse", str(tmp_path / "w")]
    done = CliRunner().invoke(main, arguments)
    assert done.exit_code == 2
    assert "--layout 'bench-{build}.txt'" in done.output
    done = CliRunner().invoke(main, [*arguments, "--layout", "bench-{build}.txt", "--order", str(order)])
    assert done.exit_code == 0, done.output
    with connect(tmp_path / "w") as connection:
        query = "select build_id from incidents where status = 'regressed'"
        assert connection.execute(query).fetchall() == [("beef123",)]
        query = "select list(build_id order by ordinal), any_value(order_source) from builds"
        assert connection.execute(query).fetchone() == (LISTED, "list")


@pytest.mark.full
def test_flat_files_without_a_list_are_set_aside(tmp_path):
    run([FLAT], tmp_path / "w", tmp_path / "exports", layout=Layout(("bench-{build}.txt",)))
    with connect(tmp_path / "w") as connection:
        assert connection.execute("select count(*) from builds where is_ordered").fetchone() == (0,)
