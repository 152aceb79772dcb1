"""Which profile it is: differences, views of traces and other languages' profiles enter no mart."""

from __future__ import annotations

import gzip
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from examples.toolchain import environment, tool
from tests.parsers import reading
from tests.parsers.pprof_messages import Profile
from tracemill.flows.build import build
from tracemill.flows.loading.ingest import ingest
from tracemill.parsers.api import ParseError
from tracemill.warehouse import connect

SAMPLES = Path(__file__).parents[1] / "samples" / "pprof" / "go1.27"
TRACE = Path(__file__).parents[1] / "exectrace" / "samples" / "mixed-1.27.trace.gz"


def facts(path: Path):
    return reading.facts(reading.items("pprof", path))


def pprof(target: Path, *arguments: object) -> Path:
    """What go tool pprof -proto writes."""
    command = [tool("1.27", "pprof"), "-proto", "-symbolize=none", f"-output={target}", *map(str, arguments)]
    subprocess.run(command, env=environment() | {"HOME": "/nonexistent"}, check=True, capture_output=True)
    return target


def profile(
    functions: list[tuple[str, str]],
    types: list[tuple[str, str]],
    period: tuple[str, str] = ("", ""),
    values: tuple[int, ...] = (),
    duration_nanos: int = 0,
    period_value: int = 0,
) -> bytes:
    """One sample for each (function, file)."""
    message = Profile()
    strings = {"": 0}

    def index(text: str) -> int:
        return strings.setdefault(text, len(strings))

    for kind, unit in types:
        message.sample_type.add(type=index(kind), unit=index(unit))
    message.period_type.type, message.period_type.unit = index(period[0]), index(period[1])
    message.duration_nanos = duration_nanos
    message.period = period_value
    for number, (name, file) in enumerate(functions, 1):
        message.function.add(id=number, name=index(name), filename=index(file))
        message.location.add(id=number).line.add(function_id=number, line=1)
        message.sample.add(location_id=[number], value=values or [1] * len(types))
    message.string_table.extend(text.encode() for text in strings)
    return gzip.compress(message.SerializeToString())


def written(tmp_path: Path, content: bytes) -> Path:
    path = tmp_path / "profile.pb.gz"
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("view", ["sched", "sync", "syscall", "net"])
@pytest.mark.sampled
def test_a_view_of_a_trace_is_no_block_profile(view, tmp_path):
    trace = tmp_path / "trace.out"
    trace.write_bytes(gzip.decompress(TRACE.read_bytes()))
    command = [tool("1.27", "trace"), f"-pprof={view}", trace]
    done = subprocess.run(command, env=environment(), check=True, capture_output=True)
    assert facts(written(tmp_path, done.stdout)).kind == "trace_view"


@pytest.mark.parametrize("kind", ["heap", "allocs", "block", "mutex", "cpu", "goroutine"])
@pytest.mark.parametrize("flag", ["diff_base", "base"])
def test_a_difference_of_two_profiles_is_no_snapshot(flag, kind, tmp_path):
    # From the sample back to nothing, so that values fall.
    base, empty = SAMPLES / f"{kind}.pb.gz", tmp_path / "less.pb.gz"
    pprof(empty, "-ignore=.", base)
    found = facts(pprof(tmp_path / "diff.pb.gz", f"-{flag}={base}", empty))
    assert (found.kind, found.labels["of"]) == ("diff", kind)


@pytest.mark.parametrize("kind", ["heap", "block", "cpu"])
def test_a_difference_without_falling_values_is_told_by_the_label_of_its_base(kind, tmp_path):
    less = pprof(tmp_path / "less.pb.gz", "-focus=main", SAMPLES / f"{kind}.pb.gz")
    found = facts(pprof(tmp_path / "diff.pb.gz", f"-diff_base={less}", SAMPLES / f"{kind}.pb.gz"))
    assert found.kind == "diff"


@pytest.mark.parametrize("kind", ["heap", "block", "mutex", "cpu", "goroutine", "threadcreate"])
def test_merged_filtered_and_focused_profiles_keep_their_kind(kind, tmp_path):
    path = SAMPLES / f"{kind}.pb.gz"
    assert facts(pprof(tmp_path / "merged.pb.gz", path, path)).kind == kind


HEAP = [
    ("alloc_objects", "count"),
    ("alloc_space", "bytes"),
    ("inuse_objects", "count"),
    ("inuse_space", "bytes"),
]


def test_a_heap_profile_over_seconds_is_a_difference(tmp_path):
    content = profile([("main.f", "/a.go")], HEAP, ("space", "bytes"), duration_nanos=30 * 10**9)
    assert facts(written(tmp_path, content)).kind == "diff"


CPU = [("samples", "count"), ("cpu", "nanoseconds")]
OTHERS = {
    "py-spy": ([("fit", "/srv/app/model.py"), ("<module>", "main.py")], CPU, "Python", None),
    "pprof-rs": ([("app::run::h0123456789abcdef", ""), ("std::thread::spawn", "")], CPU, "Rust", None),
    "Node.js": (
        [("handler", "file:///srv/app/server.mjs"), ("(anonymous)", "node:internal/timers")],
        [("sample", "count"), ("wall", "nanoseconds")],
        "JavaScript",
        "a profiler of Node.js",
    ),
    "async-profiler": ([("com.acme.Shop.order", "Shop.java")], CPU, "Java", None),
    "gperftools": ([("std::vector<int>::push_back", "/a/v.cc")],
                   [("samples", "count"), ("cpu", "microseconds")], "C or C++", "gperftools"),
    "jemalloc": ([("operator new", ""), ("Cache::add(int)", "")],
                 [("objects", "count"), ("space", "bytes")], "C or C++", None),
    "Ruby": ([("Shop#order", "/srv/shop.rb")], CPU, "Ruby", None),
}  # fmt: skip


@pytest.mark.parametrize(("functions", "types", "language", "profiler"), OTHERS.values(), ids=OTHERS)
def test_a_profile_of_another_language_is_named(functions, types, language, profiler, tmp_path):
    found = facts(written(tmp_path, profile(functions, types)))
    assert found.kind == "foreign"
    assert (found.labels["language"], found.labels.get("profiler")) == (language, profiler)


@pytest.mark.parametrize(
    "functions",
    [
        [("main.f", "")],
        [("net/http.(*conn).serve", ""), ("main.main.func1", "")],
        [("example.com/x/y-z.(*Queue[...]).Take", "")],
        [("", "")],
        [("main.f", "/a.go"), *[(f"c_function_{i}", "/usr/src/lib.c") for i in range(5)]],
    ],
    ids=["plain", "methods", "generic", "no names", "mostly C"],
)
def test_a_program_in_go_is_one_without_files_and_with_c(functions, tmp_path):
    assert facts(written(tmp_path, profile(functions, CPU))).kind == "cpu"


@pytest.mark.full
def test_what_is_no_snapshot_enters_no_mart(tmp_path):
    runs = {"alone": ["heap"], "together": ["heap", "diff", "foreign", "trace_view"]}
    foreign = profile([("app::run", "a.rs")], HEAP, values=(9, 9 << 20, 9, 9 << 20))
    waits = [("contentions", "count"), ("delay", "nanoseconds")]
    view = profile([("main.f", "/a.go")], waits, ("trace", "count"))
    marts = {}
    for name, kinds in runs.items():
        run = tmp_path / name / "b1" / "1"
        run.mkdir(parents=True)
        shutil.copy(SAMPLES / "heap.pb.gz", run)
        if "diff" in kinds:
            pprof(run / "diff.pb.gz", f"-diff_base={SAMPLES / 'allocs.pb.gz'}", SAMPLES / "heap.pb.gz")
            (run / "foreign.pb.gz").write_bytes(foreign)
            (run / "view.pb.gz").write_bytes(view)
        warehouse = tmp_path / f"warehouse-{name}"
        assert len(ingest([tmp_path / name], warehouse).loaded) == len(kinds)
        assert not build(warehouse).failed_checks
        with connect(warehouse) as connection:
            assert {k for (k,) in connection.sql("select kind from captures").fetchall()} == set(kinds)
            marts[name] = [
                connection.sql(f"from {mart} order by all").fetchall()
                for mart in ("mapassign_allocations", "attribution_shares", "observations", "heap_growth")
            ]
    assert any(marts["alone"])
    assert marts["alone"] == marts["together"]


STACK = [("main.serve", "/x/main.go")]


def samples(path: Path) -> dict[str, tuple[str, int]]:
    rows = reading.tables(reading.items("pprof", path))["profile_samples"].to_pylist()
    return {row["sample_type"]: (row["unit"], row["value"]) for row in rows}


@pytest.mark.parametrize(
    ("name", "unit", "kind", "expected"),
    [
        ("alloc_space", "kb", "heap", ("bytes", 51200)),
        ("inuse_space", "MiB", "heap", ("bytes", 50 << 20)),
        ("alloc_space", "megabytes", "heap", ("bytes", 50 << 20)),
        ("alloc_space", "B", "heap", ("bytes", 50)),
        ("cpu", "microseconds", "cpu", ("ns", 50_000)),
        ("cpu", "ms", "cpu", ("ns", 50_000_000)),
        ("cpu", "s", "cpu", ("ns", 50_000_000_000)),
        ("cpu", "hrs", "cpu", ("ns", 50 * 3600 * 10**9)),
        # In none that is known as one of bytes or time.
        ("alloc_space", "pages", "custom", ("pages", 50)),
        ("cpu", "cycles", "custom", ("cycles", 50)),
        ("cpu", "bytes", "custom", ("bytes", 50)),
    ],
)
def test_values_are_in_base_units_whatever_a_tool_wrote(name, unit, kind, expected, tmp_path):
    path = written(tmp_path, profile(STACK, [(name, unit)], values=(50,)))
    assert facts(path).kind == kind
    assert samples(path) == {name: expected}


def test_the_period_is_in_base_units_too(tmp_path):
    content = profile(STACK, [("cpu", "microseconds")], ("cpu", "microseconds"), (50,), period_value=10_000)
    rows = reading.tables(reading.items("pprof", written(tmp_path, content)))["profile_samples"].to_pylist()
    assert [row["sampling_period"] for row in rows] == [10_000_000]


@pytest.mark.parametrize(
    ("types", "fact"),
    [
        ([("cpu", "nanoseconds")], "cpu: its values come to 9.223e+18: no program has so much"),
        ([("goroutine", "count")], "goroutine: its values come to 9.223e+18"),
        ([("alloc_space", "bytes")], "alloc_space: its values come to 9.223e+18"),
        ([("contentions", "count")], "contentions: its values come to 9.223e+18"),
    ],
)
def test_more_than_any_program_has_is_refused(types, fact, tmp_path):
    waits = [("delay", "nanoseconds")] * (types[0][0] == "contentions")
    content = profile(STACK * 2, [*types, *waits], values=(2**62, 1)[: 1 + len(waits)])
    with pytest.raises(ParseError, match=re.escape(fact)):
        list(reading.items("pprof", written(tmp_path, content)))


def test_more_than_64_bits_hold_in_base_units_is_refused(tmp_path):
    path = written(
        tmp_path, profile(STACK, [("contentions", "count"), ("delay", "hours")], values=(1, 2**40))
    )
    with pytest.raises(ParseError, match="sample 0: 1099511627776 hours are more ns than 64 bits hold"):
        list(reading.items("pprof", path))


def test_a_programs_own_figures_may_be_of_any_size(tmp_path):
    path = written(tmp_path, profile(STACK * 2, [("hashes", "count")], values=(2**62,)))
    assert samples(path) == {"hashes": ("count", 2**62)}


@pytest.mark.full
def test_figures_of_profiles_do_not_overflow(tmp_path):
    run = tmp_path / "artifacts/b1/1"
    run.mkdir(parents=True)
    large = {
        "cpu": ([("cpu", "nanoseconds")], (2**54,)),
        "heap": ([("alloc_space", "bytes"), ("inuse_space", "bytes")], (2**54, 2**54)),
        "block": ([("contentions", "count"), ("delay", "nanoseconds")], (5, 2**62)),
    }
    for name, (types, values) in large.items():
        lasted = 10**9 * (name == "cpu")
        content = profile(STACK * 4, types, ("x", "y"), values, lasted, period_value=10**9)
        (run / f"{name}.pb.gz").write_bytes(content)
    ingest([tmp_path / "artifacts"], tmp_path / "warehouse")
    build(tmp_path / "warehouse")
    with connect(tmp_path / "warehouse") as connection:
        figures = connection.sql("select metric, value from observations where subject = 'main.serve'")
        found = dict(figures.fetchall())
        delays = connection.sql("select delay_ns from contention").fetchall()
    assert (found["cpu_ns"], found["alloc_bytes"], found["block_delay_ns"]) == (2**56, 2**56, 2**64)
    assert delays == [(9 * 10**18,)]
