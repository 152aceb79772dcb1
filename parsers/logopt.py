"""The compiler's diagnostics as JSON: go build -gcflags=-json=0,DIR. Source: cmd/compile/internal/logopt.

Emits ``escapes``, as ``-m`` does: a file for each source file, whose first line names package and compiler;
below it a diagnostic a line. Several files one behind the other are one capture. What the compiler calls
``escapes`` of a variable alone is what ``-m`` calls moved to heap. Other kinds than those of ``-m``:

    bounds_check, nil_check       a check that the compiler could not do away with

Quirks: a diagnostic stands once for each time that the code was compiled: one row. Some have no message: then
what ``-d=ssa/check_bce`` or ``-m`` would say stands there; a repeated escape is left out.
A position in inlined code is that of the call. ``explanation`` is the way that a value takes to the heap. The
function that a go statement wraps around a call escapes here, and not with ``-m``.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from tracemill.parsers.api import Batch, Facts, Issue, ParseError
from tracemill.parsers.unwrap.lines import lines_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tracemill.parsers.api import Item, Options
    from tracemill.parsers.unwrap.source import Source

NAME = "logopt"

_HEADER = re.compile(rb'\A\s*\{"version":\d{1,3},"package":"')
# code → (kind, the message where there is none)
_CODES = {
    "escape": ("escapes_to_heap", ""),
    "escapes": ("escapes_to_heap", ""),
    "leak": ("leaking_param", "leaking param"),
    "canInlineFunction": ("can_inline", "can inline"),
    "cannotInlineFunction": ("cannot_inline", "cannot inline"),
    "cannotInlineCall": ("cannot_inline", "cannot inline call"),
    "inlineCall": ("inlined", "inlining call"),
    "isInBounds": ("bounds_check", "Found IsInBounds"),
    "isSliceInBounds": ("bounds_check", "Found IsSliceInBounds"),
    "nilcheck": ("nil_check", "nil check"),
}
_VARIABLE = re.compile(r"\w+ escapes to heap")
_FLOW = re.compile(r"^escflow:\s*")
MAX_ISSUES = 1000


def sniff(head: bytes) -> bool:
    """Whether head begins with the line that names a package."""
    return _HEADER.match(head) is not None


def parse(source: Source, _options: Options) -> Iterator[Item]:
    """The decisions. Raises ParseError where the first line can't be read."""
    import pyarrow as pa

    from tracemill.warehouse.schema import TABLES

    rows: dict[tuple[object, ...], dict[str, object]] = {}
    header: dict[str, Any] = {}
    lost = 0
    for number, line in enumerate(lines_of(source.read()), 1):
        if not line.strip():
            continue
        try:
            said = json.loads(line)
            if "package" in said:
                header = {"package": str(said["package"]), "file": str(said["file"]), **_origin(said)}
            else:
                _add(_row(said, header), rows)
        except (ValueError, RecursionError, TypeError, KeyError, AttributeError) as error:
            if not header:
                raise ParseError(source.path, f"line {number}", f"not a diagnostic: {error}") from error
            lost += 1
            if lost <= MAX_ISSUES:
                yield Issue("data_loss", "input", f"line {number}", f"not a diagnostic: {error}"[:300])
    yield Facts(kind="escapes", go_version=header.get("go_version"), is_salvaged=lost > 0)
    named = {_place(row) for row in rows.values() if row["message"]}
    kept = [row for row in rows.values() if row["message"] or _place(row) not in named]
    for row in kept:
        row["message"] = row["message"] or "escapes to heap"
    yield Batch("escapes", pa.RecordBatch.from_pylist(kept, TABLES["escapes"].arrow_schema()))


def _origin(said: dict[str, Any]) -> dict[str, str]:
    return {"go_version": str(said["gc_version"])} if said.get("gc_version") else {}


def _place(row: dict[str, object]) -> tuple[object, ...]:
    return row["file"], row["line"], row["column"], row["kind"] in ("escapes_to_heap", "moved_to_heap")


def _add(row: dict[str, object], rows: dict[tuple[object, ...], dict[str, object]]) -> None:
    key = (row["file"], row["line"], row["column"], row["message"], row["kind"])
    known = rows.setdefault(key, row)
    known["explanation"] = known["explanation"] or row["explanation"]


def _row(said: dict[str, Any], header: dict[str, Any]) -> dict[str, object]:
    """The row of a diagnostic. Raises ValueError, TypeError, KeyError for what is none."""
    start = said["range"]["start"]
    line, column = int(start["line"]), int(start["character"])
    if not 0 <= line < 2**31 or not 0 <= column < 2**31:
        raise ValueError("a position that no file has")
    code = str(said["code"])
    kind, unsaid = _CODES.get(code, ("other", code))
    message = str(said.get("message") or unsaid)
    if code == "escapes" and _VARIABLE.fullmatch(message):
        kind, message = "moved_to_heap", f"moved to heap: {message.removesuffix(' escapes to heap')}"
    flow = [
        _FLOW.sub("", text)
        for text in map(_related, said.get("relatedInformation") or [])
        if "escflow" in text
    ]
    return {
        "package": header["package"],
        "file": unquote(header["file"].removeprefix("file://")),
        "line": line,
        "column": column,
        "message": message,
        "kind": kind,
        "explanation": "\n".join(flow) or None,
    }


def _related(each: dict[str, Any]) -> str:
    return str(each.get("message", ""))
