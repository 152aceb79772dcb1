"""An executable as batches: binaries, call_sites."""

from __future__ import annotations

from datetime import datetime
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from tracemill.parsers.api import Batch, Issue
from tracemill.parsers.binary.call_scans import SCANS
from tracemill.parsers.binary.callees import callee_class
from tracemill.parsers.binary.calls import CallSites, find_calls, find_text_start, text_start_by_entry
from tracemill.parsers.binary.pclntab import Functions, LineTable, find_table

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tracemill.parsers.api import Item
    from tracemill.parsers.binary.buildinfo import BuildInfo
    from tracemill.parsers.binary.image import Image

_PCLNTAB = (".gopclntab", ".data.rel.ro.gopclntab", "__gopclntab")
# PE has no section for it; a C linker merges it into this one in a position independent executable.
_MERGED = (".rdata", ".data.rel.ro")
_TEXT = (".text", "__text")


def binary_row(image: Image, info: BuildInfo) -> Batch:
    """The row of binaries."""
    when = info.settings.get("vcs.time")
    row = {
        "gnu_build_id": image.gnu_build_id or None,
        "go_version": info.go_version,
        "architecture": image.architecture,
        "is_pie": image.is_pie,
        "segment_vaddr": image.segment_vaddr,
        "segment_offset": image.segment_offset,
        "module": info.module,
        "commit": info.settings.get("vcs.revision"),
        "committed_at": _time(when) if when else None,
        "build_settings": list(info.settings.items()),
    }
    return Batch("binaries", pa.RecordBatch.from_pylist([row], _schema("binaries")))


def size_row(file_bytes: int) -> Batch:
    """The row of binary_sizes."""
    return Batch(
        "binary_sizes", pa.RecordBatch.from_pylist([{"file_bytes": file_bytes}], _schema("binary_sizes"))
    )


def _schema(table: str) -> pa.Schema:
    from tracemill.warehouse.schema import TABLES

    return TABLES[table].arrow_schema()


def _time(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None


def code_rows(image: Image) -> Iterator[Item]:
    """The rows of binary_functions and the like, and of call_sites; an issue where there are none to find."""
    table, text = _function_table(image), image.section(*_TEXT)
    if table is None or text is None:
        yield Issue("info", "input", "sections", "no Go function table (gopclntab): not a Go program?")
        return
    lines = LineTable(table, is_little_endian=image.is_little_endian)
    functions = lines.functions()
    has_calls = image.architecture in SCANS
    if not lines.text_start:
        start = (
            find_text_start(image.architecture, text, functions)
            if has_calls
            else text_start_by_entry(image.architecture, image.entry, functions)
        )
        if start is None:
            yield Issue("data_loss", "parser", "pclntab", "where Go's code begins can't be told")
            return
        lines.text_start = start
        functions = lines.functions()
    yield _function_rows(functions)
    yield _line_rows(lines)
    yield from _inlined_rows(image, lines)
    if not has_calls:
        yield Issue("info", "parser", "header", f"call sites are not looked for on {image.architecture}")
        return
    yield _call_site_rows(find_calls(image.architecture, text, functions), functions, lines)


def _function_table(image: Image) -> memoryview | None:
    """The function table: a section of its own, or found in one that it was merged into."""
    own = image.section(*_PCLNTAB)
    if own is not None:
        return own.data
    merged = image.section(*_MERGED)
    return find_table(merged.data, is_little_endian=image.is_little_endian) if merged else None


def _function_rows(functions: Functions) -> Batch:
    # The linker's marks (runtime.text, …) may share an address with the first function: the last one counts.
    ends = np.append(functions.entries[1:], np.uint64(functions.end))
    is_real = ends > functions.entries
    names = [name for name, real in zip(functions.names, is_real.tolist(), strict=True) if real]
    rows = {
        "start_pc": pa.array(functions.entries[is_real]),
        "end_pc": pa.array(ends[is_real]),
        "function": pa.array(names, pa.string()),
    }
    return Batch("binary_functions", pa.RecordBatch.from_pydict(rows))


def _line_rows(lines: LineTable) -> Batch:
    pcs, files, file, line = lines.lines()
    rows = {
        "start_pc": pa.array(pcs),
        "file": pa.DictionaryArray.from_arrays(pa.array(file), pa.array(files, pa.string())),
        "line": pa.array(line),
    }
    return Batch("binary_lines", pa.RecordBatch.from_pydict(rows))


def _inlined_rows(image: Image, lines: LineTable) -> Iterator[Batch]:
    found = lines.inlined(section.data for name, section in image.sections.items() if name not in _TEXT)
    if found is not None:
        rows = {
            "start_pc": pa.array(found.pcs),
            "inlined_functions": found.functions,
            "call_files": found.files,
            "call_lines": found.lines,
        }
        yield Batch("binary_inlines", pa.RecordBatch.from_pydict(rows))


def _call_site_rows(calls: CallSites, functions: Functions, lines: LineTable) -> Batch:
    pcs = calls.return_pcs
    owners = np.searchsorted(functions.entries, pcs - np.uint64(1), "right") - 1
    files: list[str] = []
    numbers: list[int] = []
    bounds = [0, *(np.flatnonzero(np.diff(owners)) + 1).tolist(), len(pcs)]
    for start, end in pairwise(bounds):
        if start == end:
            continue
        # The return address may be on the next line; the byte before it is still the CALL.
        inside = (pcs[start:end] - np.uint64(1)).tolist()
        for file, line in lines.places(int(owners[start]), inside):
            files.append(file)
            numbers.append(line)
    names = functions.names
    callees = [names[i] for i in calls.callees.tolist()]
    classes = {callee: callee_class(callee) for callee in set(callees)}
    rows = {
        "pc": pa.array(pcs, pa.uint64()),
        "function": pa.array([names[i] for i in owners.tolist()], pa.string()),
        "file": pa.array(files, pa.string()),
        "line": pa.array(numbers, pa.int64()),
        "callee": pa.array(callees, pa.string()),
        "callee_class": pa.array([classes[callee] for callee in callees], pa.string()),
    }
    return Batch("call_sites", pa.RecordBatch.from_pydict(rows))
