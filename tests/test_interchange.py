"""Captures, ranges and verdicts for other tools: what Go, Perfetto's schema and speedscope's fields say."""

from __future__ import annotations

import json
import re
import subprocess
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from perfetto.protos.perfetto.trace.perfetto_trace_pb2 import Trace, TrackEvent

from examples.toolchain import environment, go
from tracemill.flows.cli import main
from tracemill.warehouse import connect
from tracemill.warehouse.queries import text

from .models.given import Given
from .parsers.gopprof import raw, run, top

DEMO = Path(__file__).parent.parent / "examples/artifacts"
TRACE = "b08/r1/trace.out.xz"
LOOKUP = "storefront/internal/cache.(*Prices).Lookup"


def export(*args: object) -> Result:
    done = CliRunner().invoke(main, ["export", *map(str, args)])
    assert done.exit_code == 0, done.output
    return done


def asked(demo: Path, query: str) -> list[tuple[Any, ...]]:
    with connect(demo) as connection:
        return connection.execute(query).fetchall()


def by_frames(file: Path) -> Counter[tuple[object, ...]]:
    """Frames → values, as Go reads them; samples that differ in labels or addresses alone together."""
    found: dict[tuple[object, ...], list[int]] = defaultdict(lambda: [0] * 9)
    for (values, frames, _, _), count in raw(file).samples.items():
        for place, value in enumerate(values):
            found[frames][place] += value * count
    return Counter({(frames, tuple(values)): 1 for frames, values in found.items()})


@pytest.mark.parametrize("name", ["mutex", "cpu"])
def test_go_reads_a_profile_back_as_it_was(demo: Path, tmp_path: Path, name: str) -> None:
    original = DEMO / f"b08/r1/{name}.pb.gz"
    export(tmp_path / "out.pb.gz", "--pprof", "--capture", f"b08/r1/{name}.pb.gz", "--warehouse", demo)
    assert raw(tmp_path / "out.pb.gz").types == raw(original).types
    assert by_frames(tmp_path / "out.pb.gz") == by_frames(original)


def test_gos_top_of_a_trace_is_what_its_goroutines_waited(demo: Path, tmp_path: Path) -> None:
    export(tmp_path / "waits.pb.gz", "--pprof", "--capture", TRACE, "--warehouse", demo)
    found = top(tmp_path / "waits.pb.gz", "delay")
    ((expected,),) = asked(
        demo,
        f"""
        select sum(i.duration_ns) from goroutine_intervals as i
        join captures using (capture_id) join stacks using (stack_id)
        where path = '{TRACE}' and state = 'waiting' and list_contains(functions, '{LOOKUP}')
        """,
    )
    assert found[LOOKUP][1] == expected
    assert "reason:[sync]" in run(tmp_path / "waits.pb.gz", "-raw", "-symbolize=none")


def test_a_file_alone_is_cut_to_its_range_of_time(demo: Path, tmp_path: Path) -> None:
    file = DEMO / TRACE
    export(tmp_path / "all.pb.gz", "--pprof", "--file", file)
    parts = ("0ms", "100ms"), ("100ms", "250ms"), ("250ms", "10s")
    total = 0
    for number, (start, end) in enumerate(parts):
        export(tmp_path / f"{number}.pb.gz", "--pprof", "--file", file, "--from", start, "--to", end)
        total += sum(values[1] * n for (values, *_), n in raw(tmp_path / f"{number}.pb.gz").samples.items())
    assert total == sum(values[1] * n for (values, *_), n in raw(tmp_path / "all.pb.gz").samples.items())


def test_a_verdict_is_the_call_paths_of_its_metric(demo: Path, tmp_path: Path) -> None:
    done = export(tmp_path / "b05.pb.gz", "--pprof", "--verdict", "b05", "--warehouse", demo)
    assert "alloc_bytes of b05" in done.stdout
    assert "storefront/internal/session.(*Table).Touch" in run(
        tmp_path / "b05.pb.gz", "-top", "-symbolize=none"
    )


def test_speedscope_has_the_fields_of_its_schema_and_the_sums_of_the_build(
    demo: Path, tmp_path: Path
) -> None:
    export(
        tmp_path / "a.json", "--speedscope", "--build", "b08", "--metric", "alloc_bytes", "--warehouse", demo
    )
    whole = json.loads((tmp_path / "a.json").read_text())
    assert whole["$schema"] == "https://www.speedscope.app/file-format-schema.json"
    frames = whole["shared"]["frames"]
    assert all(isinstance(f["name"], str) and set(f) <= {"name", "file", "line", "col"} for f in frames)
    for profile in whole["profiles"]:
        assert set(profile) == {"type", "name", "unit", "startValue", "endValue", "samples", "weights"}
        assert profile["type"] == "sampled"
        assert profile["unit"] in {"none", "nanoseconds", "microseconds", "milliseconds", "seconds", "bytes"}
        assert len(profile["samples"]) == len(profile["weights"])
        assert profile["endValue"] - profile["startValue"] == sum(profile["weights"])
        assert all(0 <= place < len(frames) for sample in profile["samples"] for place in sample)
    shown = whole["profiles"][whole["activeProfileIndex"]]
    ((expected,),) = asked(
        demo,
        "select sum(value) from int_stack_costs where build_id = 'b08' and metric = 'alloc_bytes' "
        "and functions is not null",
    )
    assert (shown["unit"], shown["endValue"]) == ("bytes", pytest.approx(expected, abs=len(shown["weights"])))
    roots = {frames[sample[0]]["name"] for sample in shown["samples"]}
    assert "storefront/internal/session.(*Table).Touch" not in roots  # a stack begins at its root


def read(file: Path) -> tuple[dict[str, list[tuple[str, int, int]]], dict[str, list[tuple[int, int]]], Trace]:
    """Track → its slices as (name, start, end), counter → its points, and the whole."""
    trace = Trace.FromString(file.read_bytes())
    names = {
        p.track_descriptor.uuid: p.track_descriptor.name
        for p in trace.packet
        if p.HasField("track_descriptor")
    }
    slices: dict[str, list[tuple[str, int, int]]] = defaultdict(list)
    points: dict[str, list[tuple[int, int]]] = defaultdict(list)
    opened: dict[int, list[tuple[str, int]]] = defaultdict(list)
    last = 0
    for packet in trace.packet:
        if not packet.HasField("track_event"):
            continue
        event, at = packet.track_event, packet.timestamp
        assert at >= last, "packets are in the order of time"
        last = at
        if event.type == TrackEvent.TYPE_SLICE_BEGIN:
            opened[event.track_uuid].append((event.name, at))
        elif event.type == TrackEvent.TYPE_SLICE_END:
            name, start = opened[event.track_uuid].pop()
            slices[names[event.track_uuid]].append((name, start, at))
        elif event.type == TrackEvent.TYPE_COUNTER:
            points[names[event.track_uuid]].append((at, event.counter_value))
    assert not any(opened.values()), "every slice that begins ends"
    return slices, points, trace


@pytest.mark.full
def test_perfetto_reads_the_lanes_counters_and_wake_ups_that_the_tables_hold(
    demo: Path, tmp_path: Path
) -> None:
    export(tmp_path / "t.perfetto", "--perfetto", "--capture", TRACE, "--warehouse", demo)
    slices, points, trace = read(tmp_path / "t.perfetto")
    of_capture = f"join captures using (capture_id) where path = '{TRACE}'"
    expected: dict[int, list[tuple[str, int, int]]] = defaultdict(list)
    for goroutine, state, reason, start, length in asked(
        demo,
        "select goroutine_id, state, reason, start_ns, i.duration_ns from goroutine_intervals i "
        f"{of_capture} order by goroutine_id, start_ns",
    ):
        name = f"{state}: {reason}" if reason else state
        expected[goroutine].append((name, start, start + length))
    states = {"running", "runnable", "waiting", "syscall"}
    found = {
        int(track.split()[1]): rows
        for track, rows in slices.items()
        if track.startswith("goroutine ") and rows[0][0].split(":")[0] in states  # others are its regions
    }
    assert found == expected
    assert sum(len(rows) for track, rows in slices.items() if "#" in track) == 900  # its tasks
    for name, ts_ns, value in asked(demo, f"select name, ts_ns, value from trace_metrics {of_capture}"):
        assert (ts_ns, round(value)) in points[name]
    flows = [f for p in trace.packet for f in p.track_event.flow_ids]
    ends = [f for p in trace.packet for f in p.track_event.terminating_flow_ids]
    ((woken,),) = asked(
        demo,
        "select count(*) from goroutine_intervals i join captures c using (capture_id) "
        f"where path = '{TRACE}' and state = 'waiting' and i.start_ns + i.duration_ns < c.duration_ns "
        "and waker_goroutine_id in (select goroutine_id from goroutine_intervals j "
        "where j.capture_id = c.capture_id)",
    )
    assert len(flows) == len(set(flows)) == woken
    assert set(ends) <= set(flows)
    assert len(ends) > 0.95 * woken


def test_perfetto_of_a_verdict_is_cut_around_the_request_that_it_held_up(demo: Path, tmp_path: Path) -> None:
    export(tmp_path / "v.perfetto", "--perfetto", "--verdict", "b08", "--warehouse", demo)
    slices, _, _ = read(tmp_path / "v.perfetto")
    ((goroutine, start, length),) = asked(
        demo,
        "select exemplar_goroutine_id, exemplar_task_start_ns, exemplar_task_duration_ns from incidents "
        "where build_id = 'b08' and incident_rank = 1",
    )
    times = [at for rows in slices.values() for row in rows for at in row[1:]]
    assert min(times) >= start - length
    assert max(times) <= start + 2 * length
    lane = next(rows for track, rows in slices.items() if track.startswith(f"goroutine {goroutine} "))
    assert any(name == "waiting: sync" for name, *_ in lane)


def test_go_builds_with_the_merged_profile_and_what_is_stale_is_told(demo: Path, tmp_path: Path) -> None:
    done = export(tmp_path / "default.pgo", "--pgo", "--build", "b08", "--warehouse", demo)
    assert "3 CPU profiles of b08" in done.stdout
    told = re.search(r"([\d.]+) % of it is stale: in functions that b13 does not have", done.stdout)
    assert told and 0 < float(told[1]) < 20, "Lookup, which b10 renamed"
    newest = export(tmp_path / "newest.pgo", "--pgo", "--build", "b13", "--warehouse", demo)
    assert "0 % of it is stale" in newest.stdout
    merged, one = raw(tmp_path / "default.pgo"), raw(DEMO / "b08/r1/cpu.pb.gz")
    assert (merged.types, merged.period) == (one.types, one.period)
    originals = [raw(DEMO / f"b08/r{n}/cpu.pb.gz") for n in (1, 2, 3)]
    total = sum(values[1] * n for each in originals for (values, *_), n in each.samples.items())
    assert sum(values[1] * n for (values, *_), n in merged.samples.items()) == total
    # What `go build -pgo` reads first: it refuses a profile without the lines that functions begin in.
    command = [go("1.27"), "tool", "preprofile", "-i", tmp_path / "default.pgo", "-o", tmp_path / "edges"]
    subprocess.run(command, env=environment(), check=True, capture_output=True, timeout=300)
    edges = (tmp_path / "edges").read_text()
    assert edges.startswith("GO PREPROFILE V1")
    assert "storefront/internal/server" in edges


def test_what_the_newest_build_has_by_another_name_or_only_inlined_is_not_stale() -> None:
    given = Given()
    cpu = given.capture("b1", "1", "cpu", duration_ns=10**10)
    leaves = {"app.Map[...]": 3, "app.hash": 2, "app.Each-range1.func2": 1, "app.Run": 3, "app.Gone": 1}
    for index, (leaf, seconds) in enumerate(leaves.items()):
        sample = {"capture_id": cpu, "sample_index": index, "sample_type": "cpu", "unit": "nanoseconds"}
        stack = {"stack_id": given.stack(leaf, "app.main"), "value": seconds * 10**9}
        given.tables["profile_samples"].append(sample | stack)
    binary = given.binary("b2", {})
    for place, function in enumerate(
        ["app.Map[go.shape.int]", "app.Each-range1.func2", "app.Run", "app.main"]
    ):
        row = {"capture_id": binary, "start_pc": 16 * place, "end_pc": 16 * place + 16, "function": function}
        given.tables["binary_functions"].append(row)
    inlined = {"inlined_functions": ["app.hash"], "call_files": ["app.go"], "call_lines": [3]}
    given.tables["binary_inlines"].append({"capture_id": binary, "start_pc": 50} | inlined)
    with given.models() as connection:
        connection.make(["int_stack_sites"])
        found = connection.execute(text("interchange/stale"), {"build_id": "b1", "newest": "b2"}).fetchall()
    assert found == [(0.1,)]


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--pprof"], "of what?"),
        (["--capture", "x"], "for which tool?"),
        (["--pprof", "--capture", "b08/r1/cpu"], "did you mean 'b08/r1/cpu.pb.gz'?"),
        (["--perfetto", "--capture", "b08/r1/cpu.pb.gz"], "there is none"),
        (["--pprof", "--build", "b08", "--metric", "blok_ns"], "did you mean 'block_ns'?"),
        (["--pprof", "--verdict", "b06"], "b06 has no verdict"),
        (["--pprof", "--capture", TRACE, "--from", "soon"], "is no time such as 250ms"),
        (["--pgo", "--format", "csv"], "without --pgo"),
    ],
)
def test_what_cannot_be_exported_is_one_sentence(
    demo: Path, tmp_path: Path, words: list[str], sentence: str
) -> None:
    done = CliRunner().invoke(main, ["export", str(tmp_path / "x"), *words, "--warehouse", str(demo)])
    assert (done.exit_code, sentence in done.stderr) == (2, True), done.output
    assert not (tmp_path / "x").exists()
