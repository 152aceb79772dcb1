"""What a program says of its runtime: runtime/metrics as JSON or text, expvar, Prometheus text.

Emits ``runtime_metrics``, one row a value, and ``runtime_histograms``, one row a bucket. Sources: package
runtime/metrics (metrics.All), package expvar, Prometheus' exposition formats, client_golang's collectors.

    {"/gc/heap/live:bytes": 4194304, "/sched/latencies:seconds": {"Counts": […], "Buckets": […]}}
    [{"name": "/gc/heap/live:bytes", "kind": "uint64", "value": 4194304}, …]       any case of the words
    /gc/heap/live:bytes: 4194304                                                   the documentation's example
    {"cmdline": […], "memstats": {…}}                                              /debug/vars
    go_goroutines 12                                                               /metrics

A name is the one of runtime/metrics, wherever the value came from; values that it does not have keep theirs:
``memstats.PauseTotalNs``. Snapshots one behind the other (JSON lines, a list, an exposition that begins anew)
are told apart by ``snapshot_index``. Their time is that of a field beside them (time, timestamp, ts …).

A log may have such lines, JSON or text, among its own, which are passed over.

Quirks: JSON has no infinity, so that the outer bounds of a histogram are null, texts or left out. A bucket of
Prometheus counts what lies below it too; here it counts for itself. What is no number is passed over.
"""

from __future__ import annotations

import json
import math
import re
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeGuard

from tracemill.parsers.api import Batch, Facts, Issue, ParseError
from tracemill.parsers.unwrap.lines import lines_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tracemill.parsers.api import Item, Options
    from tracemill.parsers.unwrap.source import Source

NAME = "runtime_metrics"

_ROOTS = "gc|sched|memory|cpu|cgo|sync|godebug"
_NAME = re.compile(rf"/(?:{_ROOTS})/[\w./-]{{1,200}}:[\w*/-]{{1,50}}")
_JSON = re.compile(rb'\A\s*[\[{].*?"/(?:%b)/[\w./-]{1,200}:[\w*/-]{1,50}"' % _ROOTS.encode(), re.DOTALL)
# What a document names, and a torn line of one. It is looked for first, as a log is long and has few of them.
_FIGURE = re.compile(rb'"(?:/(?:%b)/|memstats")' % _ROOTS.encode())
# A line that begins a document, before which a logger may have put words, and one that names a figure.
_OPENS = re.compile(rb'[^\n{]{0,200}?(?=\[?\s*\{\s*(?:["}]|$)|\[\s*$)')
LINE = re.compile(
    rb'^[^\n{]{0,200}\{[^\n]*?(?<!\\)"(?:/(?:%b)/[\w./-]{1,200}:[\w*/-]{1,50}"\s*[:,]|memstats"\s*:\s*\{)'
    % _ROOTS.encode(),
    re.MULTILINE,
)
_EXPVAR = re.compile(rb'\A\s*\{.*?"memstats"\s*:\s*\{\s*"\w+"\s*:', re.DOTALL)
_TEXT = re.compile(rb"^/(?:%b)/[\w./-]{1,200}:[\w*/-]{1,50}[:= \t]+[-+]?\d" % _ROOTS.encode(), re.MULTILINE)
_TEXT_LINE = re.compile(rf"({_NAME.pattern})[:= \t]+([-+]?[\d.]\S{{0,40}})\s*")
_EXPOSITION = re.compile(
    rb"^go_(?:goroutines|threads|info|gc|memstats|sched)\w*(?:\{[^\n]*\})? +\S", re.MULTILINE
)
# Of an exposition whose first lines are the program's own metrics.
_TYPED = re.compile(
    rb"\A(?:#[^\n]*\n|\s)*# TYPE [a-zA-Z_:][\w:]* "
    rb"(?:counter|gauge|histogram|summary|untyped|unknown|info|stateset)\s"
)
# The braces of the labels end before those of an exemplar behind the value.
_SAMPLE = re.compile(
    r'([a-zA-Z_:][\w:]*)(?:\{((?:[^"}]|"(?:[^"\\]|\\.)*+")*+)\})?[ \t]+(\S+)'
    r"(?:[ \t]+(-?[\d.]+))?(?:[ \t]+#.*)?"
)
_LABEL = re.compile(r'\s*+([a-zA-Z_]\w*+)\s*+=\s*"((?:[^"\\]|\\.)*+)"\s*,?')
# A document is held whole, and takes up to sixteen times its room; JSON lines are read one by one.
MAX_DOCUMENT_BYTES = 32 * 1024**2
_MAX_DEPTH = 6
_ROWS_PER_BATCH = 65_536
_TIMES = ("time", "timestamp", "ts", "at", "now", "captured_at", "@timestamp")
_VALUES = ("value", "uint64", "float64", "float64histogram", "histogram")
# Digits before the point of a Unix time → nanoseconds of its unit
_UNITS = {10: 10**9, 13: 10**6, 16: 10**3, 19: 1}

# What runtime.MemStats has, by the names of runtime/metrics. Its Mallocs and Frees have the tiny objects too.
_MEMSTATS = {
    "HeapAlloc": "/memory/classes/heap/objects:bytes",
    "NextGC": "/gc/heap/goal:bytes",
    "TotalAlloc": "/gc/heap/allocs:bytes",
    "HeapObjects": "/gc/heap/objects:objects",
    "NumGC": "/gc/cycles/total:gc-cycles",
    "NumForcedGC": "/gc/cycles/forced:gc-cycles",
    "Sys": "/memory/classes/total:bytes",
}
# Of Prometheus: what is not simply the name of runtime/metrics in its letters
_EXPOSED = {
    "go_goroutines": "/sched/goroutines:goroutines",
    "go_sched_gomaxprocs_threads": "/sched/gomaxprocs:threads",
    "go_memstats_heap_alloc_bytes": "/memory/classes/heap/objects:bytes",
    "go_memstats_next_gc_bytes": "/gc/heap/goal:bytes",
    "go_memstats_alloc_bytes_total": "/gc/heap/allocs:bytes",
    "go_memstats_mallocs_total": "memstats.Mallocs",
    "go_memstats_frees_total": "memstats.Frees",
    "go_memstats_heap_objects": "/gc/heap/objects:objects",
    "go_memstats_sys_bytes": "/memory/classes/total:bytes",
    "go_memstats_gc_cpu_fraction": "memstats.GCCPUFraction",
    "go_gc_duration_seconds_count": "/gc/cycles/total:gc-cycles",
    "go_gc_duration_seconds_sum": "gc_pause_total:seconds",
    "go_gc_gogc_percent": "/gc/gogc:percent",
    "go_gc_gomemlimit_bytes": "/gc/gomemlimit:bytes",
    "go_gc_heap_live_bytes": "/gc/heap/live:bytes",
    "go_gc_heap_goal_bytes": "/gc/heap/goal:bytes",
    "go_gc_heap_allocs_bytes_total": "/gc/heap/allocs:bytes",
    "go_gc_cycles_total_gc_cycles_total": "/gc/cycles/total:gc-cycles",
    "go_cpu_classes_gc_total_cpu_seconds_total": "/cpu/classes/gc/total:cpu-seconds",
    "go_cpu_classes_total_cpu_seconds_total": "/cpu/classes/total:cpu-seconds",
    "go_sched_goroutines_goroutines": "/sched/goroutines:goroutines",
    "go_sched_latencies_seconds": "/sched/latencies:seconds",
    "go_sched_pauses_total_gc_seconds": "/sched/pauses/total/gc:seconds",
    "go_gc_pauses_seconds": "/gc/pauses:seconds",
    "go_sync_mutex_wait_total_seconds_total": "/sync/mutex/wait/total:seconds",
}


def sniff(head: bytes) -> bool:
    """Whether head is of a dump of metrics."""
    forms = [_TEXT, _EXPOSITION, _TYPED]
    if _FIGURE.search(head):
        forms += [_JSON, _EXPVAR, LINE]
    return any(form.search(head) for form in forms)


def parse(source: Source, _options: Options) -> Iterator[Item]:
    """The values and histograms. Raises ParseError for broken JSON, and where nothing is a number."""
    rows, content = _Rows(), source.read()
    if source.head.lstrip()[:1] in (b"{", b"["):
        kind = "expvar" if _EXPVAR.match(source.head) else "runtime_metrics"
        found = _document(source, content, rows)
    elif _TYPED.match(source.head) or _EXPOSITION.search(content):
        kind, found = "prometheus", _exposition(content, rows)
    else:
        kind, found = "runtime_metrics", _lines(source, content, rows)
    yield from found
    yield from rows.batches()
    if not rows.count:
        raise ParseError(source.path, "", "no value that is a number")
    times = [time for time in rows.times if time is not None]
    yield Facts(
        kind=kind,
        captured_at_ns=min(times, default=None),
        duration_ns=max(times) - min(times) if len(set(times)) > 1 else None,
        go_version=rows.go_version,
        is_salvaged=rows.is_cut,
    )


class _Rows:
    """Rows of both tables, and what is known of the snapshots."""

    def __init__(self) -> None:
        self.count = 0
        self.times: list[int | None] = []
        self.go_version: str | None = None
        self.is_cut = False
        self._values: list[dict[str, object]] = []
        self._buckets: list[dict[str, object]] = []
        self._seen: set[tuple[str, str]] = set()

    def begin(self, time: int | None) -> None:
        """What follows is another snapshot."""
        self.times.append(time)
        self._seen.clear()

    @property
    def is_full(self) -> bool:
        """Whether the rows so far are to be taken."""
        return len(self._values) + len(self._buckets) >= _ROWS_PER_BATCH

    def value(self, name: str, source_name: str, value: float, labels: dict[str, str] | None = None) -> None:
        """A value; of two of a snapshot that mean the same the first counts."""
        key = name, json.dumps(labels) if labels else ""
        if not math.isfinite(value) or key in self._seen:
            return
        self._seen.add(key)
        self.count += 1
        self._values.append(
            self._place(name)
            | {"series_index": self.count, "source_name": source_name, "value": value, "labels": labels}
        )

    def histogram(self, name: str, bounds: list[float], counts: list[float]) -> None:
        """A histogram: bucket i lies from bounds[i] to bounds[i + 1]."""
        if (name, "buckets") in self._seen:
            return
        self._seen.add((name, "buckets"))
        self.count += 1
        for index, (lower, upper, count) in enumerate(zip(bounds, bounds[1:], counts, strict=False)):
            if count:
                row = {"bucket_index": index, "lower": _finite(lower), "upper": _finite(upper)}
                self._buckets.append(self._place(name) | row | {"bucket_count": count})

    def _place(self, name: str) -> dict[str, object]:
        return {"snapshot_index": len(self.times) - 1, "at_unix_ns": self.times[-1], "name": name}

    def batches(self) -> Iterator[Batch]:
        """What there is since the last time."""
        import pyarrow as pa

        from tracemill.warehouse.schema import TABLES

        for table, rows in (("runtime_metrics", self._values), ("runtime_histograms", self._buckets)):
            if rows:
                yield Batch(table, pa.RecordBatch.from_pylist(rows, TABLES[table].arrow_schema()))
                rows.clear()


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


# --- JSON ---------------------------------------------------------------------------------------


def _document(source: Source, content: bytes, rows: _Rows) -> Iterator[Item]:
    """One document, or one a line."""
    try:
        if len(content) > MAX_DOCUMENT_BYTES:
            raise ValueError(f"more than {MAX_DOCUMENT_BYTES >> 20} MiB in one document")
        _take(json.loads(content), None, rows, 0)
    except RecursionError as error:
        raise ParseError(source.path, "", "JSON that is nested too deep") from error
    except ValueError as error:
        yield from _lines(source, content, rows, error)


def _lines(
    source: Source, content: bytes, rows: _Rows, no_document: ValueError | None = None
) -> Iterator[Item]:
    """A document a line, or a name and a value; a name that comes again begins the next snapshot.

    no_document: why content, which begins like one, is none.
    """
    first, is_log = "", no_document is None
    for number, line in enumerate(lines_of(content), 1):
        if opens := _OPENS.match(line):
            try:
                _take(json.loads(line[opens.end() :]), None, rows, 0)
            except (ValueError, RecursionError) as error:
                if not is_log and not rows.count:
                    where = (
                        f"line {no_document.lineno}" if isinstance(no_document, json.JSONDecodeError) else ""
                    )
                    raise ParseError(source.path, where, f"broken JSON: {no_document}") from error
                if not is_log or _FIGURE.search(line):
                    rows.is_cut = True
                    yield Issue("data_loss", "input", f"line {number}", f"broken JSON: {error}")
        elif (found := _TEXT_LINE.fullmatch(line.decode("utf-8", "replace"))) and (
            value := _number(found[2])
        ) is not None:
            if not first or found[1] == first:
                rows.begin(None)
                first = found[1]
            rows.value(found[1], found[1], value)
        elif line.strip():
            is_log = True
        if rows.is_full:
            yield from rows.batches()


def _take(value: object, time: int | None, rows: _Rows, depth: int) -> None:
    """The snapshots in a document, however deep they lie."""
    if depth > _MAX_DEPTH:
        return
    if isinstance(value, list):
        named = [s for s in map(_sample, value) if s is not None]
        if named:
            _take_snapshot(dict(named), time, rows)
            return
        for each in value:
            _take(each, time, rows, depth + 1)
    elif isinstance(value, dict):
        time = next((_time(value[key]) for key in _TIMES if key in value), time)
        if isinstance(value.get("memstats"), dict) or any(_NAME.fullmatch(key) for key in value):
            _take_snapshot(value, time, rows)
            return
        for each in value.values():
            if isinstance(each, dict | list):
                _take(each, time, rows, depth + 1)


def _sample(value: object) -> tuple[str, object] | None:
    """The name and value of {"name": …, "value": …}."""
    if not isinstance(value, dict):
        return None
    fields = {key.lower(): each for key, each in value.items()}
    name = fields.get("name")
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        return None
    return name, next((fields[key] for key in _VALUES if key in fields), None)


def _take_snapshot(values: dict[str, Any], time: int | None, rows: _Rows) -> None:
    rows.begin(time)
    for name, value in values.items():
        if name == "memstats" and isinstance(value, dict):
            for field, inner in value.items():
                if _is_number(inner):
                    rows.value(_MEMSTATS.get(field, f"memstats.{field}"), f"memstats.{field}", float(inner))
        elif name in _TIMES:
            continue
        elif _is_number(value):
            rows.value(name, name, float(value))
        elif isinstance(value, dict):
            _take_fields(name, value, rows)


def _take_fields(name: str, value: dict[str, Any], rows: _Rows) -> None:
    """A histogram, a value in a wrapper, or an expvar.Map."""
    fields = {key.lower(): each for key, each in value.items()}
    counts, bounds = fields.get("counts"), fields.get("buckets")
    if isinstance(counts, list) and isinstance(bounds, list):
        numbers = [float(count) if _is_number(count) else 0.0 for count in counts]
        if len(bounds) == len(numbers) + 1:
            rows.histogram(name, [_bound(bound, at == 0) for at, bound in enumerate(bounds)], numbers)
        return
    inner = next((fields[key] for key in _VALUES if key in fields), None)
    if _is_number(inner):
        rows.value(name, name, float(inner))
    elif isinstance(inner, dict):
        _take_fields(name, inner, rows)
    elif not _NAME.fullmatch(name):
        for key, each in value.items():
            if _is_number(each):
                rows.value(f"{name}.{key}", f"{name}.{key}", float(each))


def _is_number(value: object) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 2**64 * 1e3


def _bound(value: object, is_first: bool) -> float:
    """A bound of a histogram; what is no number is infinite."""
    if isinstance(value, int | float) and abs(value) < 1e300:
        return float(value)
    return -math.inf if is_first else math.inf


def _time(value: object) -> int | None:
    """Unix nanoseconds; None for what is no time."""
    if isinstance(value, str):
        try:
            moment = datetime.fromisoformat(value)
        except ValueError:
            return _time(float(value)) if re.fullmatch(r"\d{10,19}(?:\.\d{1,9})?", value) else None
        return round(moment.timestamp() * 1e6) * 1000 if moment.tzinfo else None
    if isinstance(value, int | float) and not isinstance(value, bool) and 0 < value < 2**63:
        unit = _UNITS.get(len(str(int(value))))
        return None if unit is None else round(value * unit)
    return None


# --- Prometheus --------------------------------------------------------------------------------------


def _exposition(content: bytes, rows: _Rows) -> Iterator[Item]:
    """Samples of Prometheus' text or OpenMetrics; one that comes again begins the next snapshot."""
    seen: set[tuple[str, str]] = set()
    histograms: dict[str, list[tuple[float, float]]] = {}
    lost = 0
    for line_number, raw in enumerate(lines_of(content), 1):
        line = raw.decode("utf-8", "replace").strip()
        if not line or line.startswith("#"):
            continue
        found = _SAMPLE.fullmatch(line)
        value = _number(found[3]) if found else None
        if found is None or value is None:
            lost += 1
            if lost <= 100:
                yield Issue("error", "input", f"line {line_number}", f"not a sample: {line[:80]}")
            continue
        name, text = found[1], found[2] or ""
        if not seen or (name, text) in seen:
            _close(histograms, rows)
            rows.begin(_time(found[4] or ""))
            seen.clear()
        seen.add((name, text))
        labels = _labels(text)
        if name.endswith("_bucket") and name.removesuffix("_bucket") in _EXPOSED and "le" in labels:
            bound = _number(labels["le"])
            bounds = histograms.setdefault(_EXPOSED[name.removesuffix("_bucket")], [])
            if bound is not None and not math.isnan(bound):
                bounds.append((bound, value))
            continue
        if name == "go_info":
            rows.go_version = labels.get("version")
        rows.value(_EXPOSED.get(name, name), name, value, labels or None)
        if rows.is_full:
            yield from rows.batches()
    _close(histograms, rows)


def _labels(text: str) -> dict[str, str]:
    """Labels between braces, up to what is none: looked for at every character, a long text takes hours."""
    labels, at = {}, 0
    while (found := _LABEL.match(text, at)) is not None:
        labels[found[1]] = found[2]
        at = found.end()
    return labels


def _close(histograms: dict[str, list[tuple[float, float]]], rows: _Rows) -> None:
    """Rows of the histograms of the snapshot that ends."""
    for name, cumulated in histograms.items():
        cumulated.sort()
        bounds = [-math.inf, *(bound for bound, _ in cumulated)]
        sums = [count for _, count in cumulated]
        counts = [max(now - before, 0.0) for before, now in zip([0.0, *sums], sums, strict=False)]
        rows.histogram(name, bounds, counts)
    histograms.clear()


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None
