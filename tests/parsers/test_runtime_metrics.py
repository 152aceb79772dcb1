"""What programs say of their runtime, in the four ways of real programs and as people rewrite them."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa
import pytest

from tests.parsers import reading
from tracemill.parsers.api import Facts, ParseError
from tracemill.parsers.registry import captures

SAMPLES = Path(__file__).parents[1] / "samples/runtime_metrics"
VERSIONS = ["1.21", "1.27"]
LATENCIES = "/sched/latencies:seconds"


def read(path: Path) -> tuple[Facts, dict[str, pa.Table]]:
    items = reading.items("runtime_metrics", path)
    return next(item for item in items if isinstance(item, Facts)), reading.tables(items)


def values(path: Path, snapshot: int = 0) -> dict[str, float]:
    rows = read(path)[1]["runtime_metrics"].to_pylist()
    return {row["name"]: row["value"] for row in rows if row["snapshot_index"] == snapshot}


def buckets(path: Path, snapshot: int = 0) -> dict[float | None, float]:
    """Upper bound → count of the scheduler's latencies."""
    rows = read(path)[1]["runtime_histograms"].to_pylist()
    chosen = [row for row in rows if (row["name"], row["snapshot_index"]) == (LATENCIES, snapshot)]
    return {row["upper"]: row["bucket_count"] for row in chosen}


def text(tmp_path: Path, content: object) -> Path:
    path = tmp_path / "metrics"
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return path


@pytest.mark.parametrize("version", VERSIONS)
def test_json_lines_give_each_snapshots_values_and_histograms(version):
    path = SAMPLES / f"go{version}/metrics.json"
    for snapshot, line in enumerate(path.read_text().splitlines()):
        said = json.loads(line)
        numbers = {name: float(value) for name, value in said.items() if isinstance(value, int | float)}
        assert values(path, snapshot) == numbers
        counts, bounds = said[LATENCIES]["Counts"], said[LATENCIES]["Buckets"][1:]
        assert buckets(path, snapshot) == {b: n for b, n in zip(bounds, counts, strict=True) if n}
    facts, _ = read(path)
    assert facts.kind == "runtime_metrics"
    assert facts.duration_ns > 0
    assert str(facts.captured_at_ns)[:3] == "179"


@pytest.mark.parametrize("version", VERSIONS)
def test_prometheus_text_says_what_runtime_metrics_says(version):
    path = SAMPLES / f"go{version}/metrics.prom"
    # Written from the second snapshot.
    said = buckets(SAMPLES / f"go{version}/metrics.json", 1)
    assert list(buckets(path).values()) == list(said.values())
    assert values(path)["/sched/goroutines:goroutines"] == 1
    facts, _ = read(path)
    assert (facts.kind, facts.go_version.split(".")[:2]) == ("prometheus", [f"go{version[0]}", version[2:]])


@pytest.mark.parametrize("version", VERSIONS)
def test_expvar_has_the_names_of_runtime_metrics_and_the_programs_own(version):
    path = SAMPLES / f"go{version}/vars.json"
    stats = json.loads(path.read_text())["memstats"]
    found = values(path)
    assert read(path)[0].kind == "expvar"
    assert found["/gc/heap/goal:bytes"] == stats["NextGC"]
    assert found["/gc/cycles/total:gc-cycles"] == stats["NumGC"]
    assert found["memstats.PauseTotalNs"] == stats["PauseTotalNs"]
    assert (found["requests"], found["routes./buy"]) == (12, 3)
    # With the tiny objects, which runtime/metrics counts apart.
    assert found["memstats.Mallocs"] == stats["Mallocs"]
    assert "/gc/heap/allocs:objects" not in found


@pytest.mark.parametrize("version", VERSIONS)
def test_text_of_the_documentations_example_has_the_values_of_json(version):
    said = values(SAMPLES / f"go{version}/metrics.json", 1)
    found = values(SAMPLES / f"go{version}/metrics.txt")
    assert found == pytest.approx(said, abs=1e-6)


@pytest.mark.parametrize(
    "content",
    [
        [{"Name": "/gc/heap/live:bytes", "Kind": 1, "Value": 7}],
        [{"name": "/gc/heap/live:bytes", "kind": "uint64", "value": 7}],
        {"time": "2026-01-02T15:04:05Z", "metrics": {"/gc/heap/live:bytes": 7}},
        {"metrics": [{"name": "/gc/heap/live:bytes", "value": 7}]},
        {"/gc/heap/live:bytes": {"kind": "uint64", "uint64": 7}},
        "/gc/heap/live:bytes 7\n",
        "/gc/heap/live:bytes = 7\n",
        "# TYPE go_gc_heap_live_bytes gauge\ngo_gc_heap_live_bytes 7 1767366245000\n# EOF\n",
    ],
    ids=lambda content: str(content)[:40],
)
def test_dumps_as_people_write_them(content, tmp_path):
    assert values(text(tmp_path, content)) == {"/gc/heap/live:bytes": 7}


def test_snapshots_of_a_list_and_of_one_exposition_behind_the_other_are_told_apart(tmp_path):
    listed = [{"ts": 1767366245 + n, "/gc/heap/live:bytes": n} for n in range(3)]
    for content in (listed, "".join(f"go_gc_heap_live_bytes {n} {1767366245 + n}000\n" for n in range(3))):
        facts, tables = read(text(tmp_path, content))
        rows = tables["runtime_metrics"].to_pylist()
        assert [(r["snapshot_index"], r["value"]) for r in rows] == [(0, 0), (1, 1), (2, 2)]
        assert (facts.captured_at_ns, facts.duration_ns) == (1767366245 * 10**9, 2 * 10**9)


def test_records_of_a_log_may_have_metrics(tmp_path):
    record = {"time": "2026-01-02T15:04:05Z", "level": "INFO", "msg": "runtime"}
    records = [record | {"metrics": {"/gc/heap/live:bytes": live}} for live in (7, 9)]
    path = text(tmp_path, "".join(f"{json.dumps(record)}\n" for record in records))
    (capture,) = captures(path)
    rows = capture.tables()["runtime_metrics"].to_pylist()
    assert [(row["snapshot_index"], row["value"]) for row in rows] == [(0, 7), (1, 9)]


LIVE = [json.dumps({"time": f"2026-01-02T15:04:0{n}Z", "/gc/heap/live:bytes": 7 + n}) for n in range(3)]


def snapshots(path: Path) -> list[tuple[int, float]]:
    (capture,) = [c for c in captures(path) if c.format == "runtime_metrics"]
    assert capture.error is None
    rows = capture.tables()["runtime_metrics"].to_pylist()
    return [(row["snapshot_index"], row["value"]) for row in rows]


@pytest.mark.parametrize(
    "lines",
    [
        ["2026/01/02 15:04:05 listening on :8080"] * 3,
        ["2026/01/02 15:04:05 request served"] * 50_000,
        ["[INFO] ready", "{1 2 3}", '{"ready": true} at last'],
        ['{"time":"2026-01-02T15:04:05Z","level":"INFO","msg":"request served"}'] * 40,
        ["# example.com/shop", "./main.go:5:24: moved to heap: kept"],
        [],
    ],
    ids=["few", "many", "odd", "records", "listing", "none"],
)
def test_json_lines_among_those_of_a_log_are_read(lines, tmp_path):
    path = text(tmp_path, "\n".join([*lines, LIVE[0], *lines, *LIVE[1:], *lines]) + "\n")
    assert snapshots(path) == [(0, 7), (1, 8), (2, 9)]
    assert not [issue for capture in captures(path) for issue in capture.issues]


def test_lines_of_name_and_value_far_behind_in_a_log_are_read(tmp_path):
    path = text(tmp_path, "request served\n" * 50_000 + "/gc/heap/live:bytes: 7\n/gc/heap/live:bytes: 8\n")
    assert snapshots(path) == [(0, 7), (1, 8)]


@pytest.mark.parametrize("words", ["", "[metrics] ", "runtime: "])
def test_json_lines_that_a_logger_puts_words_before_are_read(words, tmp_path):
    lines = [f"2026/01/02 15:04:0{n} {words}{line}\n" for n, line in enumerate(LIVE)]
    path = text(tmp_path, "2026/01/02 15:04:05 request served\n".join(["", *lines]))
    assert snapshots(path) == [(0, 7), (1, 8), (2, 9)]


def test_a_torn_line_of_figures_in_a_log_is_told(tmp_path):
    path = text(tmp_path, f"request served\n{LIVE[0]}\n{LIVE[1][:50]}\nrequest served\n")
    assert snapshots(path) == [(0, 7)]
    (capture,) = captures(path)
    assert [(i.severity, i.position) for i in capture.issues] == [("data_loss", "line 3")]
    assert capture.facts.is_salvaged


def test_an_exposition_may_lack_the_first_sample_of_the_one_before_it(tmp_path):
    # The program began anew, and nothing has asked it yet.
    path = text(tmp_path, 'asked_total{code="200"} 5\ngo_goroutines 12\ngo_goroutines 3\ngo_goroutines 4\n')
    assert [values(path, snapshot)["/sched/goroutines:goroutines"] for snapshot in range(3)] == [12, 3, 4]


def test_a_line_that_is_cut_is_an_issue_and_the_others_are_kept(tmp_path):
    path = text(tmp_path, '{"/gc/heap/live:bytes": 7}\n{"/gc/heap/live:by')
    issues = [i for i in reading.items("runtime_metrics", path) if type(i).__name__ == "Issue"]
    assert [(i.severity, i.position) for i in issues] == [("data_loss", "line 2")]
    assert values(path) == {"/gc/heap/live:bytes": 7}
    assert read(path)[0].is_salvaged


def test_an_exemplar_is_not_the_value_that_it_is_of(tmp_path):
    path = tmp_path / "metrics.txt"
    path.write_text(
        "# TYPE asked counter\n"
        'asked_total{path="/}"} 17 1520879607.8 # {trace_id="KOO5"} 0.67 1520879607.7\n'
        'asked_total{path="/b"} 18 # {} 0.5\n'
        'asked_total 35 # {trace_id="a"} 0.25\n'
    )
    rows = reading.tables(reading.items("runtime_metrics", path))["runtime_metrics"].to_pylist()
    assert [(row["value"], row["labels"]) for row in rows] == [
        (17, [("path", "/}")]),
        (18, [("path", "/b")]),
        (35, None),
    ]


def test_an_exposition_that_begins_with_other_metrics_is_known(tmp_path):
    own = "".join(
        f'# HELP app_{n} x\n# TYPE app_{n} counter\napp_{n}{{path="a b"}} {n}\n' for n in range(5000)
    )
    path = text(tmp_path, own + "# TYPE go_goroutines gauge\ngo_goroutines 7\n")
    assert path.stat().st_size > 1 << 17
    (capture,) = captures(path)
    assert capture.facts.kind == "prometheus"
    assert values(path)["/sched/goroutines:goroutines"] == 7


def test_a_dump_without_a_number_is_refused(tmp_path):
    with pytest.raises(ParseError, match="no value that is a number"):
        read(text(tmp_path, {"/gc/heap/live:bytes": "much"}))


def test_a_document_that_is_too_large_to_hold_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("parsers.runtime_metrics.MAX_DOCUMENT_BYTES", 10)
    with pytest.raises(ParseError, match="more than 0 MiB in one document"):
        read(text(tmp_path, '{\n"/gc/heap/live:bytes":\n7}'))
