"""Goroutine dumps (debug=2) and the stacks of crash reports, Go 1.19 to 1.27. Source: runtime/traceback.go.

Emits ``goroutine_dump`` and ``stacks``. Two kinds of capture:

goroutine_dump
    all goroutines of a program at one moment; each dump of a file with several is a capture of its own.
crash_report
    what panics, fatal errors such as ``concurrent map writes``, and SIGQUIT write to standard error, at any
    GOTRACEBACK level, and the stack of one goroutine that a program logged (``runtime/debug.Stack``). All of
    a file are one capture, told apart by ``report_index``: they count no goroutines. What else stands there
    (messages, registers, the program's own lines) is passed over.

Quirks: the wait is in whole minutes, and absent below one. ``state`` is in the dump's words, ``reason`` the
same wait in those of execution traces. goroutine 0 is a thread's scheduler stack, not a goroutine, and is
left out. A stack deeper than 100 frames is cut in the middle (``...n frames elided...``): a frame of that
name stands there. Inlined frames stand like any other, with ``(...)`` for arguments. A header can carry the
goroutine's labels: in Go 1.26 inside the brackets, from 1.27 after them. Blanks for tabs, lost blank lines,
indents, and text before a header or behind a stack change nothing. A dump that ends inside a frame is
salvaged.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from tracemill.parsers.api import Batch, Facts, Issue, NextCapture, ParseError
from tracemill.parsers.goroutine_dump.frames import FrameReader, Frames
from tracemill.parsers.goroutine_dump.reports import LOOKED_AT, Goroutine, Grouping, Report
from tracemill.parsers.goroutine_dump.words import State, labels_of, state_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tracemill.parsers.api import FileItem, Item, Options
    from tracemill.parsers.stacks import StackTable
    from tracemill.parsers.unwrap.source import Source

NAME = "goroutine_dump"

LINE = re.compile(
    rb"^goroutine \d+ [^\n]*\]:\r?$|^\t[^\n]*\.(?:go|s):\d+(?: \+0x[0-9a-f]+)?\r?$", re.MULTILINE
)
_HEADER = re.compile(
    r"(?<![\w/])goroutine (\d{1,18})(?: gp=\S+ m=\S+(?: mp=\S+)?)? "
    r"\[([^\]\n ]*+(?: (?!labels:\{)[^\]\n ]*+)*+)(?: labels:\{(.*)\})?\](?: \{(.*)\})?:[ \t]*\r?$",
    re.MULTILINE,
)
_HEADER_BYTES = re.compile(_HEADER.pattern.encode(), re.MULTILINE)
# A file with more dumps than this is no file of dumps.
MAX_DUMPS = 1000


def sniff(head: bytes) -> bool:
    """Whether the header of a goroutine's stack stands in head."""
    return _HEADER_BYTES.search(head) is not None


def parse(source: Source, _options: Options) -> Iterator[FileItem]:
    """The dumps, each a capture, and behind them the crash reports, together one.

    Raises ParseError above MAX_DUMPS.
    """
    crashes: list[Report] = []
    dumps = 0
    for report in _reports(source.text().replace("\r\n", "\n")):
        if report.is_crash:
            crashes.append(report)
            continue
        if dumps == MAX_DUMPS:
            raise ParseError(source.path, "", f"more than {MAX_DUMPS} dumps in one file: split it")
        if dumps:
            yield NextCapture(NAME)
        dumps += 1
        yield from _capture([report], "goroutine_dump")
    if crashes:
        if dumps:
            yield NextCapture(NAME)
        yield from _capture(crashes, "crash_report")


def _reports(text: str) -> Iterator[Report]:
    """The reports of a text, as they end."""
    grouping, reader = Grouping(), FrameReader()
    states: dict[str, State] = {}
    end = 0
    found = _HEADER.search(text)
    while found is not None:
        header, found = found, _HEADER.search(text, found.end())
        between = text[max(end, header.start() - LOOKED_AT) : header.start()]
        # What stands before the first goroutine is looked at, even if it is nothing.
        if (not end or between.strip()) and (done := grouping.begin_run(between)) is not None:
            yield done
        start = header.end() + 1
        stop = text.rfind("\n", 0, found.start()) + 1 if found is not None else len(text)
        frames = reader.read(text[start : max(start, stop)], is_last=found is None)
        end = start + frames.length
        if int(header[1]):
            state = states.get(header[2]) or states.setdefault(header[2], state_of(header[2]))
            goroutine = Goroutine(int(header[1]), state, frames, labels_of(header[3] or header[4]))
            if (done := grouping.add(goroutine)) is not None:
                yield done
    if (done := grouping.finish()) is not None:
        yield done


def _capture(reports: list[Report], kind: str) -> Iterator[Item]:
    """Facts, rows and issues of one capture."""
    import pyarrow as pa

    from tracemill.parsers.stacks import StackTable
    from tracemill.warehouse.schema import TABLES

    stacks = StackTable()
    rows = _Rows(stacks)
    for index, report in enumerate(reports):
        for goroutine in report.goroutines:
            rows.add(index, goroutine)
        for goroutine_id in report.repeated:
            fact = "is printed twice; the first is kept"
            rows.issues.append(Issue("info", "input", f"goroutine {goroutine_id}", fact))
    first = reports[0]
    labels = {"crash": first.cause} if first.cause else {}
    if len(reports) > 1:
        labels["reports"] = str(len(reports))
    yield Facts(kind=kind, captured_at_ns=first.captured_at_ns, is_salvaged=rows.is_salvaged, labels=labels)
    yield from rows.issues
    schema = TABLES["goroutine_dump"].arrow_schema()
    arrays = [pa.array(rows.columns[field.name], field.type) for field in schema]
    yield Batch("goroutine_dump", pa.RecordBatch.from_arrays(arrays, schema=schema))
    yield stacks.stacks()


_FACTS = {
    "cut": "the text ends inside its stack: was it copied whole?",
    "lost": "none of the lines below it is a frame",
}


class _Rows:
    """Columns of goroutine_dump, filled goroutine by goroutine."""

    def __init__(self, stacks: StackTable) -> None:
        from tracemill.warehouse.schema import TABLES

        self.columns: dict[str, list[object]] = {
            name: [] for name in TABLES["goroutine_dump"].column_names if name != "capture_id"
        }
        self.issues: list[Issue] = []
        self.is_salvaged = False
        self._stacks = stacks
        # Ids of a stack and its creator's; the same text is the same Frames.
        self._ids: dict[int, tuple[int | None, int | None]] = {}

    def add(self, report_index: int, goroutine: Goroutine) -> None:
        """One goroutine's row, and an issue where its stack is not whole."""
        frames, state = goroutine.frames, goroutine.state
        if frames.status in _FACTS:
            position = f"goroutine {goroutine.goroutine_id}"
            self.issues.append(Issue("data_loss", "input", position, _FACTS[frames.status]))
            self.is_salvaged = True
        if id(frames) not in self._ids:
            self._ids[id(frames)] = self._stack_ids(frames)
        stack, creation = self._ids[id(frames)]
        row = {
            "report_index": report_index,
            "goroutine_id": goroutine.goroutine_id,
            "state": state.state,
            "reason": state.reason,
            "wait_minutes": state.wait_minutes,
            "is_locked_to_thread": state.is_locked_to_thread,
            "stack_id": stack,
            "created_by": frames.created_by,
            "creation_stack_id": creation,
            "parent_goroutine_id": frames.parent,
            "labels": goroutine.labels,
            "stack_status": frames.status,
            "elided_frames": frames.elided,
            "bubble_id": state.bubble_id,
            "is_leaked": state.is_leaked,
        }
        for name, value in row.items():
            self.columns[name].append(value)

    def _stack_ids(self, frames: Frames) -> tuple[int | None, int | None]:
        files, lines = [file for file, _ in frames.places], [line for _, line in frames.places]
        stack = self._stacks.add(frames.functions, files, lines)
        if frames.created_by is None or frames.created_at is None:
            return stack, None
        file, line = frames.created_at
        return stack, self._stacks.add([frames.created_by], [file], [line])
