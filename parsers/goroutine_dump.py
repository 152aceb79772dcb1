"""Goroutine dumps (debug=2) and the stacks of crash reports, Go 1.21 to 1.27. Source: runtime/traceback.go.

Emits ``goroutine_dump`` and ``stacks``. A crash report is what a panic, a fatal error such as
``concurrent map writes``, or SIGQUIT writes to standard error, at any GOTRACEBACK level; what
else stands there (messages, registers, the program's own lines) is passed over.

Quirks: the wait is in whole minutes, and absent below one. ``state`` is in the dump's words,
``reason`` the same wait in those of execution traces. goroutine 0 is a thread's scheduler
stack, not a goroutine, and is left out. A stack deeper than 100 frames is cut in the middle
(``...n frames elided...``). Inlined frames stand like any other, with ``(...)`` for arguments.
A header can carry the goroutine's labels: in Go 1.26 inside the brackets, from 1.27 after them.
"""

from __future__ import annotations

import re
from itertools import pairwise
from typing import TYPE_CHECKING

from tracemill.parsers.api import Batch, Facts, Issue

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tracemill.parsers.api import Item, Options
    from tracemill.parsers.stacks import StackTable
    from tracemill.parsers.unwrap.source import Source

NAME = "goroutine_dump"

LINE = re.compile(
    rb"^goroutine \d+ [^\n]*\]:\r?$|^\t[^\n]*\.(?:go|s):\d+(?: \+0x[0-9a-f]+)?\r?$", re.MULTILINE
)
_HEADER = re.compile(
    r"^goroutine (\d{1,18})(?: gp=\S+ m=\S+(?: mp=\S+)?)? "
    r"\[([^\]\n ]*+(?: (?!labels:\{)[^\]\n ]*+)*+)(?: labels:\{(.*)\})?\](?: \{(.*)\})?:\r?$",
    re.MULTILINE,
)
_HEADER_BYTES = re.compile(_HEADER.pattern.encode(), re.MULTILINE)
_PLACE = re.compile(r"\t(.*):(\d{1,18})(?: \+0x[0-9a-f]+)?(?: fp=\S+ sp=\S+ pc=\S+)?\s*$")
_CREATED_BY = re.compile(r"created by (.*?)(?: in goroutine (\d{1,18}))?$")
_ESCAPE = re.compile(r"\\(?:x([0-9a-f]{2})|u([0-9a-f]{4})|U([0-9a-f]{8})|(.))")
_LABEL = re.compile(r'("(?:[^"\\]|\\.)*"|[^:,]+): ("(?:[^"\\]|\\.)*"|[^,]*)(?:, |$)')

# A dump's words for a wait (waitReasonStrings in runtime2.go) → a trace's (traceBlockReasonStrings in
# traceruntime.go); the runtime's calls of gopark say which go together.
_REASONS = {
    "chan receive": "chan receive",
    "chan send": "chan send",
    "chan receive (nil chan)": "forever",
    "chan send (nil chan)": "forever",
    "panicwait": "forever",
    "select (no cases)": "forever",
    "select": "select",
    "IO wait": "network",
    "sleep": "sleep",
    "semacquire": "sync",
    "sync.Mutex.Lock": "sync",
    "sync.RWMutex.RLock": "sync",
    "sync.RWMutex.Lock": "sync",
    "sync.WaitGroup.Wait": "sync",
    "sync.Cond.Wait": "sync.(*Cond).Wait",
    "GC assist wait": "GC mark assist wait for work",
    "GC sweep wait": "GC background sweeper wait",
    "GC scavenge wait": "system goroutine wait",
    "GC worker (idle)": "system goroutine wait",
    "force gc (idle)": "system goroutine wait",
    "finalizer wait": "system goroutine wait",
    "cleanup wait": "system goroutine wait",
    "GOMAXPROCS updater (idle)": "system goroutine wait",
    "wait for GC cycle": "wait until GC ends",
    "GC weak to strong wait": "GC weak to strong wait",
    "synctest.Run": "synctest",
    "synctest.Wait": "synctest",
    "preempted": "preempted",
    "debug call": "wait for debug call",
}
_SUFFIX = re.compile(r" \((?:scan|durable|leaked)\)")


def sniff(head: bytes) -> bool:
    """Whether the header of a goroutine's stack stands in head."""
    return _HEADER_BYTES.search(head) is not None


def parse(source: Source, _options: Options) -> Iterator[Item]:
    """The goroutines with their stacks; an issue for one that stands there twice."""
    import pyarrow as pa

    from tracemill.parsers.stacks import StackTable
    from tracemill.warehouse.schema import TABLES

    text = source.read().decode("utf-8", "replace").replace("\r\n", "\n")
    cause = _cause(text)
    yield Facts(kind="goroutine_dump", labels=cause)
    dump = _Dump(StackTable(), is_crash=bool(cause))
    for header in _HEADER.finditer(text):
        end = text.find("\n\n", header.end())
        dump.add(header, text[header.end() + 1 : end if end >= 0 else len(text)].rstrip("\n"))
    yield from dump.issues
    schema = TABLES["goroutine_dump"].arrow_schema()
    dump.columns["report_index"] = [0] * len(dump.columns["goroutine_id"])
    arrays = {name: pa.array(values, schema.field(name).type) for name, values in dump.columns.items()}
    yield Batch("goroutine_dump", pa.RecordBatch.from_pydict(arrays))
    yield dump.stacks.stacks()


def _cause(text: str) -> dict[str, str]:
    """What ended the program, if this is a crash report."""
    found = re.search(r"^(panic: .*|fatal error: .*|SIG[A-Z]+: .*)$", text, re.MULTILINE)
    return {"crash": found[1]} if found else {}


class _Dump:
    """Columns of goroutine_dump, filled goroutine by goroutine."""

    def __init__(self, stacks: StackTable, *, is_crash: bool) -> None:
        self.stacks = stacks
        self._is_crash = is_crash
        self.issues: list[Issue] = []
        self.columns: dict[str, list[object]] = {
            name: []
            for name in (
                "goroutine_id", "state", "reason", "wait_minutes", "is_locked_to_thread", "stack_id",
                "created_by", "creation_stack_id", "parent_goroutine_id", "labels",
            )
        }  # fmt: skip
        self._seen: set[int] = set()
        # The same place lines and functions are the same stack: most goroutines of a dump wait alike.
        self._stack_ids: dict[tuple[str, ...], int | None] = {}
        self._states: dict[str, tuple[str, str | None, int | None, bool]] = {}
        self._places: dict[str, tuple[str, int]] = {}

    def add(self, header: re.Match[str], body: str) -> None:
        """One goroutine: its header, and the lines up to the next empty one."""
        goroutine = int(header[1])
        if goroutine == 0:
            return
        if goroutine in self._seen:
            self._note_repeated(goroutine)
            return
        self._seen.add(goroutine)
        status = header[2]
        if status not in self._states:
            self._states[status] = _state(status)
        lines = body.split("\n")
        if "[originating from goroutine " in body:
            first = next(i for i, line in enumerate(lines) if line.startswith("[originating from goroutine "))
            lines = lines[:first]
        created, parent, creation = None, None, None
        if "created by " in body:
            at = next((i for i, line in enumerate(lines[:-1]) if line.startswith("created by ")), len(lines))
            if at < len(lines):
                created, parent, creation = self._creation(lines[at], lines[at + 1])
            del lines[at:]
        stack = self._stack(lines)
        labels = _labels(header[3] or header[4])
        row = (goroutine, *self._states[status], stack, created, creation, parent, labels)
        for column, value in zip(self.columns.values(), row, strict=True):
            column.append(value)

    def _note_repeated(self, goroutine: int) -> None:
        if self._is_crash:
            # Two threads may fail at once, and each prints its own goroutine first.
            issue = Issue("info", "input", f"goroutine {goroutine}", "is printed twice; the first is kept")
        else:
            fact = "stands there twice: several dumps in one file? The first is kept"
            issue = Issue("data_loss", "input", f"goroutine {goroutine}", fact)
        self.issues.append(issue)

    def _stack(self, lines: Sequence[str]) -> int | None:
        functions, places = lines[0::2], lines[1::2]
        if len(functions) != len(places) or not all(place.startswith("\t") for place in places):
            functions, places = _paired(lines)
        # Arguments never hold a parenthesis, so the last one opens them.
        names = [line.rpartition("(")[0] or line for line in functions]
        key = (*names, *places)
        if key not in self._stack_ids:
            found = [self._place(place) for place in places]
            self._stack_ids[key] = self.stacks.add(names, [f for f, _ in found], [n for _, n in found])
        return self._stack_ids[key]

    def _place(self, line: str) -> tuple[str, int]:
        place = self._places.get(line)
        if place is None:
            match = _PLACE.match(line)
            place = self._places[line] = (match[1], int(match[2])) if match else (line.strip(), 0)
        return place

    def _creation(self, line: str, place: str) -> tuple[str, int | None, int | None]:
        """(function, parent goroutine, stack of the go statement alone)."""
        match = _CREATED_BY.match(line)
        assert match is not None
        file, number = self._place(place)
        return match[1], int(match[2]) if match[2] else None, self.stacks.add([match[1]], [file], [number])


def _paired(lines: Sequence[str]) -> tuple[list[str], list[str]]:
    """Functions and their places where other lines stand between them."""
    functions, places = [], []
    for line, after in pairwise(lines):
        if _PLACE.match(after) and not line.startswith("\t") and line.endswith(")"):
            functions.append(line)
            places.append(after)
    return functions, places


def _state(status: str) -> tuple[str, str | None, int | None, bool]:
    """(state, reason, minutes, is locked to its thread) from what stands in the brackets."""
    state, *rest = status.split(", ")
    minutes = next((int(part.split()[0]) for part in rest if re.fullmatch(r"\d{1,18} minutes", part)), None)
    state = state.removesuffix(" (scan)")
    return state, _REASONS.get(_SUFFIX.sub("", state)), minutes, "locked to thread" in rest


def _labels(text: str | None) -> list[tuple[str, str]] | None:
    """Labels from the braces of a header, quotes taken off."""
    if not text:
        return None
    return [(_unquoted(key), _unquoted(value)) for key, value in _LABEL.findall(text)]


def _unquoted(text: str) -> str:
    """What runtime.printquoted quoted."""
    return _ESCAPE.sub(_escaped, text[1:-1]) if text.startswith('"') else text


def _escaped(escape: re.Match[str]) -> str:
    byte, short, long, letter = escape.groups()
    if letter:
        return {"n": "\n", "r": "\r", "t": "\t"}.get(letter, letter)
    code = int(byte or short or long, 16)
    # \x stands for a control character, or for a byte that is no UTF-8.
    is_text = code < 0x80 or (not byte and code < 0x110000 and not 0xD800 <= code < 0xE000)
    return chr(code) if is_text else "\ufffd"
