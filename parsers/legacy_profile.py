"""Profiles as text (debug=1), Go 1.21 to 1.27. Source: runtime/pprof/pprof.go.

Three shapes: ``heap profile: …  @ heap/N`` (heap and allocs, the same text), ``--- contention:``
or ``--- mutex:``, and ``NAME profile: total N`` (goroutine, threadcreate, a program's own).

Emits ``profile_samples``, ``named_addresses`` and ``stacks``; kinds end in ``_text``: where a run has
the protobuf of the same moment, it counts alone. Values are scaled as that protobuf's are, and equal them.

Quirks: ``@`` lists return addresses, all of them, so ``pcs`` has the runtime frames that the
``#`` lines hide; an address of an inlined caller there is made up. ``stacks`` has the frames of
the ``#`` lines. A heap sample's ``leaf_pc`` is the first of these, as in a protobuf; that of
the others is the first address, less one. N of ``heap/N`` is twice the rate. In
the first line stand the totals of heap and count profiles: a text that lacks samples is salvaged. In
the names of generic functions the type arguments are ``[...]``. There are no mappings, so the
addresses of a position independent executable can't be looked up. The figures of
runtime.MemStats at the end become labels of the capture. Nothing says when a text was written; one of the
heap is as of the end of a collection, and LastGC is when the last one ended.
"""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tracemill.parsers.api import Batch, Facts, Issue, ParseError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

    from tracemill.parsers.api import Item, Options
    from tracemill.parsers.stacks import StackTable
    from tracemill.parsers.unwrap.source import Source

NAME = "legacy_profile"

_HEAP = re.compile(r"heap profile: \d+: \d+ \[\d+: \d+\] @ heap/(\d{1,12})\s*$")
_CYCLES = re.compile(r"--- (contention|mutex):\s*$")
_COUNTS = re.compile(r"(\S.*) profile: total \d+\s*$")
_PCS = r"@((?: 0x[0-9a-f]{1,16})*)\s*$"
_HEAP_SAMPLE = re.compile(r"(\d{1,18}): (\d{1,18}) \[(\d{1,18}): (\d{1,18})\] " + _PCS)
_CYCLES_SAMPLE = re.compile(r"(\d{1,18}) (\d{1,18}) " + _PCS)
# What the first line says that the samples come to: objects and bytes in use, allocated; or a count.
_TOTALS = re.compile(
    r"heap profile: (\d{1,18}): (\d{1,18}) \[(\d{1,18}): (\d{1,18})\] @|.* profile: total (\d{1,18})\s*$"
)
_COUNTS_SAMPLE = re.compile(r"(\d{1,18}) " + _PCS)
_FRAME = re.compile(r"#\t+(0x[0-9a-f]{1,16})(?:\t+(.+)\+(0x[0-9a-f]{1,15})\t+(.*):(\d{1,18}))?\s*$")
_MEM_STATS = re.compile(r"# (\w+) = (.*)$")
_HEAP_TYPES = (
    ("alloc_objects", "count"),
    ("alloc_space", "bytes"),
    ("inuse_objects", "count"),
    ("inuse_space", "bytes"),
)
_CYCLES_TYPES = (("contentions", "count"), ("delay", "ns"))


@dataclass(slots=True)
class _Sample:
    """One record of the text: values scaled, addresses as listed, frames of its # lines."""

    values: list[int]
    pcs: list[int]
    labels: list[tuple[str, str]] | None = None
    leaf_offset: int | None = None
    frame_pcs: list[int] = field(default_factory=list)
    functions: list[str] = field(default_factory=list)
    files: list[str] = field(default_factory=list)
    lines: list[int] = field(default_factory=list)


@dataclass(slots=True)
class _Shape:
    """How to read one of the three shapes. values: from a sample line's numbers to its values."""

    kind: str
    sample: re.Pattern[str]
    types: tuple[tuple[str, str], ...]
    values: Callable[[list[int]], list[int]]
    period: int
    is_heap: bool = False


def sniff(head: bytes) -> bool:
    """Whether head begins with the first line of one of the three shapes."""
    first = head.lstrip().split(b"\n", 1)[0][:1000].decode("utf-8", "replace")
    return any(shape.match(first) for shape in (_HEAP, _CYCLES, _COUNTS))


def scaled(count: int, size: int, rate: int) -> tuple[int, int]:
    """(objects, bytes) that count sampled objects of a size stand for.

    Source: runtime/pprof.scaleHeapSample.
    """
    if not count or not size:
        return 0, 0
    if rate <= 1:
        return count, count * size
    scale = 1 / (1 - math.exp(-size / rate))
    return int(count * scale), int(count * size * scale)


def parse(source: Source, _options: Options) -> Iterator[Item]:
    """The samples, an issue for each line that fits nothing. Raises ParseError for an unreadable head."""
    from tracemill.parsers.pprof.units import require_possible
    from tracemill.parsers.stacks import StackTable

    lines = source.read().decode("utf-8", "replace").strip().split("\n")
    shape = _shape(lines, source)
    samples: list[_Sample] = []
    labels: dict[str, str] = {}
    sums: list[int] = [0, 0, 0, 0]
    for number, line in enumerate(lines[1:], 2):
        if (match := shape.sample.match(line)) is not None:
            *numbers, pcs = match.groups()
            counted = [int(text) for text in numbers]
            sums = [total + count for total, count in zip(sums, [*counted, 0, 0, 0], strict=False)]
            values = shape.values(counted)
            if max(values) >= 2**63:
                yield Issue("data_loss", "input", f"line {number}", "a value beyond 64 bits")
                continue
            samples.append(_Sample(values, [int(pc, 16) for pc in pcs.split()]))
        elif line.startswith("#"):
            _comment(line, samples, labels)
        elif line.strip() and not re.match(r"(cycles/second|sampling period)=", line):
            yield Issue(
                "data_loss", "input", f"line {number}", f"neither a sample nor a comment: {line[:80]}"
            )
    if shape.kind != "custom_text":
        totals = [sum(column) for column in zip(*(sample.values for sample in samples), strict=True)]
        require_possible(dict(zip((name for name, _ in shape.types), totals, strict=False)), source.path)
    missing = _missing(lines[0], sums)
    if missing:
        yield Issue("data_loss", "input", "line 1", missing)
    at = _last_collection(labels) if shape.is_heap else None
    yield Facts(kind=shape.kind, captured_at_ns=at, labels=labels, is_salvaged=bool(missing))
    table = StackTable()
    yield Batch("profile_samples", _rows(shape, samples, table))
    yield _addresses(shape, samples)
    yield table.stacks()


def _last_collection(labels: dict[str, str]) -> int | None:
    """When it ended, in Unix nanoseconds; None where there was none, or the text says no time."""
    said = labels.get("memstats.LastGC", "")
    return int(said) if re.fullmatch(r"[1-9]\d{0,17}|[1-8]\d{18}", said) else None


def _missing(first: str, sums: list[int]) -> str:
    """What the samples lack of the totals in the first line, in words; nothing where they come to them."""
    found = _TOTALS.match(first)
    if found is None:
        return ""
    totals = [int(text) for text in found.groups() if text is not None]
    counted = sums[: len(totals)]
    # Where nothing was freed Go adds a byte to what was allocated (writeHeapInternal in runtime/pprof).
    is_nothing_freed = len(totals) == 4 and sums[1] == sums[3]
    if totals == counted or (is_nothing_freed and totals == [*sums[:3], sums[3] + 1]):
        return ""
    said, here = (" ".join(f"{n:,}" for n in numbers) for numbers in (totals, counted))
    return f"the samples come to {here}, and the first line says {said}: is the text cut?"


def _shape(lines: list[str], source: Source) -> _Shape:
    if match := _HEAP.match(lines[0]):
        rate = int(match[1]) // 2
        kind = "allocs_text" if "alloc" in source.name.lower() else "heap_text"
        return _Shape(kind, _HEAP_SAMPLE, _HEAP_TYPES, lambda n: _heap_values(n, rate), rate, is_heap=True)
    if match := _CYCLES.match(lines[0]):
        settings = dict(
            re.findall(r"^(cycles/second|sampling period)=(\d+)", "\n".join(lines[1:3]), re.MULTILINE)
        )
        if int(settings.get("cycles/second", 0)) <= 0:
            raise ParseError(source.path, "line 2", "no cycles/second to turn cycles into time")
        ghz = int(settings["cycles/second"]) / 1e9
        kind = "mutex_text" if match[1] == "mutex" else "block_text"
        return _Shape(
            kind,
            _CYCLES_SAMPLE,
            _CYCLES_TYPES,
            lambda n: [n[1], int(n[0] / ghz)],
            int(settings.get("sampling period", 1)),
        )
    if match := _COUNTS.match(lines[0]):
        name = match[1]
        kind = f"{name}_text" if name in ("goroutine", "goroutineleak", "threadcreate") else "custom_text"
        return _Shape(kind, _COUNTS_SAMPLE, ((name, "count"),), lambda n: n, 1)
    raise ParseError(source.path, "line 1", f"not the head of a text profile: {lines[0][:80]}")


def _heap_values(numbers: list[int], rate: int) -> list[int]:
    inuse_objects, _, alloc_objects, alloc_bytes = numbers
    size = alloc_bytes // alloc_objects if alloc_objects else 0
    return [*scaled(alloc_objects, size, rate), *scaled(inuse_objects, size, rate)]


def _comment(line: str, samples: list[_Sample], labels: dict[str, str]) -> None:
    """A frame or the labels of the last sample, or a figure of runtime.MemStats."""
    if samples and (frame := _FRAME.match(line)):
        sample = samples[-1]
        sample.frame_pcs.append(int(frame[1], 16))
        sample.functions.append(frame[2] or "<unknown>")
        sample.files.append(frame[4] or "")
        sample.lines.append(int(frame[5] or 0))
        if sample.leaf_offset is None and frame[3]:
            sample.leaf_offset = int(frame[3], 16)
    elif samples and line.startswith("# labels: "):
        try:
            samples[-1].labels = list(json.loads(line.removeprefix("# labels: ")).items())
        except ValueError:
            samples[-1].labels = [("labels", line.removeprefix("# labels: "))]
    elif (stats := _MEM_STATS.match(line)) and not stats[2].startswith("["):
        labels[f"memstats.{stats[1]}"] = stats[2].strip()


def _rows(shape: _Shape, samples: list[_Sample], table: StackTable) -> pa.RecordBatch:
    import pyarrow as pa

    from tracemill.warehouse.schema import TABLES

    rows = []
    for index, sample in enumerate(samples):
        stack = table.add(sample.functions, sample.files, sample.lines, sample.pcs)
        # Go 1.24 pads stacks of threadcreate with zeros, whose predecessor is 2⁶⁴ - 1 there and here.
        leaf = (sample.pcs[0] - 1) % 2**64 if sample.pcs else None
        if shape.is_heap and sample.frame_pcs:
            leaf = sample.frame_pcs[0]
        shared = {
            "sample_index": index,
            "stack_id": stack,
            "leaf_pc": leaf,
            "leaf_offset": sample.leaf_offset if shape.is_heap else None,
            "sampling_period": shape.period,
            "labels": sample.labels,
            "pcs": sample.pcs,
        }
        for (name, unit), value in zip(shape.types, sample.values, strict=True):
            rows.append(shared | {"sample_type": name, "unit": unit, "value": value})
    return pa.RecordBatch.from_pylist(rows, TABLES["profile_samples"].arrow_schema())


def _addresses(shape: _Shape, samples: list[_Sample]) -> Batch:
    """What the # lines name; a heap profile hides what its innermost frames call."""
    import numpy as np

    from tracemill.parsers import named_addresses

    place = {"": 0, "<unknown>": 0}

    def places(names: Iterable[str]) -> NDArray[np.int64]:
        return np.array([place.setdefault(name, len(place) - 1) for name in names], np.int64)

    depths = [len(sample.frame_pcs) for sample in samples]
    functions = places(name for sample in samples for name in sample.functions)
    frames = named_addresses.Frames(
        address=np.array([pc for sample in samples for pc in sample.frame_pcs], np.uint64),
        function=functions,
        file=places(name for sample in samples for name in sample.files),
        line=np.array([line for sample in samples for line in sample.lines], np.int64),
        names=[name for name in place if name != "<unknown>"],
    )
    above = np.roll(functions, 1)
    above[np.cumsum([0, *depths])[:-1][np.array(depths, np.int64) > 0]] = -1
    if shape.is_heap:
        above[:] = -1
    return named_addresses.rows(frames, np.arange(len(functions)), above)
