"""Text out of structured logs: JSON lines, JSON answers of log stores, and quoted fields of logfmt.

    {"log": "…\\n", "stream": "stderr", "time": …}         docker's json-file; long lines come in pieces
    {"line": "…", "timestamp": …, "labels": {…}}           Loki (logcli -o jsonl), newest line first too
    {"MESSAGE": "…", "_PID": …}                            journalctl -o json; a text may be a list of bytes
    {"textPayload": "…"}, {"jsonPayload": {"message": …}}  Google Cloud Logging
    {"events": [{"timestamp": …, "message": "…"}]}         CloudWatch
    {"level": "error", "msg": "…", "stacktrace": "…"}      zap, logrus, slog, zerolog

What a record says (its message) becomes a line; every other text in it that has several lines of its own,
such as a stack, follows. Records of several sources take turns, so each one's text is put together by
itself.

    time=… level=info msg="…\\ngoroutine 1 [running]:\\n…"   logfmt, and the console format of zap

A quoted value with line ends in it is written out. Everything else stays as it is.
"""

from __future__ import annotations

import itertools
import json
import re
from typing import Any

from tracemill.parsers.unwrap.lines import lines_from_the_end, lines_of

# Where a record has what the program wrote, first match first.
_MESSAGES = (
    "full_message", "log", "MESSAGE", "line", "textPayload", "message", "msg", "@message", "_raw", "event",
    "text", "body", "Body", "short_message", "LogMessage", "LogEntry",
)  # fmt: skip
# Where a record may lie in another.
_INNER = (
    "jsonPayload", "_source", "result", "attributes", "fields", "log", "message", "line", "msg", "event",
    "body", "Body", "record", "data",
)  # fmt: skip
# Where an answer has its records.
_LISTS = (
    "events", "entries", "data", "result", "results", "hits", "logs", "streams", "values", "items",
    "resourceLogs", "scopeLogs", "logRecords",
)  # fmt: skip
_SOURCES = (
    "stream", "labels", "kubernetes", "resource", "logName", "_SYSTEMD_UNIT", "SYSLOG_IDENTIFIER", "_PID",
    "container_name", "container", "pod", "host", "hostname", "service", "logStreamName",
)  # fmt: skip
_TIMES = ("time", "timestamp", "ts", "@timestamp", "__REALTIME_TIMESTAMP", "Timestamp")
_MAX_DEPTH = 6
# The compiler's diagnostics (-json=0,DIR) are JSON lines that are no log.
_NO_LOG = re.compile(rb'\A\s*\{"version":\d+,"package":')
# What runtime/metrics calls its figures: a record with them is read as it is.
_METRIC = re.compile(rb'(?<!\\)"/(?:gc|sched|memory|cpu)/[\w./-]{1,200}:[\w*/-]{1,50}"')
_MESSAGE_KEY = rb'"(?:%b)"\s*:' % b"|".join(re.escape(name.encode()) for name in _MESSAGES)
_ANSWER = re.compile(
    rb"\A\s*(?:\[\s*(?=\{)|\{[^{}]{0,2000}\"(?:%b)\"\s*:\s*[\[{])"
    % b"|".join(name.encode() for name in _LISTS)
)
_ENOUGH = 0.8
# So many records say which way the times go.
_LOOKED_AT = 1000
# Parsed, JSON takes up to sixteen times its room.
_MAX_ANSWER_BYTES = 32 * 1024**2
_HAS_ENDS = re.compile(rb'"log"\s*:\s*"(?:[^"\\]|\\.)*+(?<=\\n)"')
_ESCAPED = re.compile(rb"""\\(?:([nrtabfv0"'/\\])|x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8}))""")
_LETTERS = {
    b"n": b"\n", b"r": b"\r", b"t": b"\t", b"a": b"\a", b"b": b"\b", b"f": b"\f", b"v": b"\v", b"0": b"\0",
}  # fmt: skip
# key="…\n…" or "key": "…\n…"; the value is read once, whatever stands in it.
_QUOTED = re.compile(rb'(?<=[=:\s])"((?:[^"\\\n]|\\[^\n])*+)"')
_HAS_QUOTED = re.compile(rb'[=:] ?"(?:[^"\\\n]|\\[^n\n])*+\\n(?:[^"\\\n]|\\[^n\n])*+\\n')
# A goroutine's labels stand in its header as they are.
_HEADER = b"goroutine "


def is_records(head: bytes, *, is_whole: bool) -> bool:
    """Whether most lines of head are records of a log; the last may be cut."""
    if (head.lstrip()[:1] != b"{" and b"\n{" not in head) or _NO_LOG.match(head):
        return False
    lines = [line for line in _whole_lines(head, is_whole=is_whole) if line.strip()]
    return bool(lines) and sum(_is_record(line) for line in lines) >= _ENOUGH * len(lines)


def _whole_lines(head: bytes, *, is_whole: bool) -> list[bytes]:
    lines = head.split(b"\n")
    return lines if is_whole else lines[:-1]


def _is_record(line: bytes) -> bool:
    return _says(_json(line), line)


def _says(record: object, line: bytes) -> bool:
    """Whether record, which stands in line, is one of a log."""
    return isinstance(record, dict) and _message(record) is not None and not _METRIC.search(line)


def _json(line: bytes) -> object:
    if line.lstrip()[:1] != b"{":
        return None
    try:
        return json.loads(line)
    except (ValueError, RecursionError):
        return None


def text_of_records(log: bytes) -> bytes:
    """The text that JSON lines carry; lines that are no record stay."""
    texts = _Texts(has_ends=_HAS_ENDS.search(log) is not None)
    first = [_json(line) for _, line in zip(range(_LOOKED_AT), lines_of(log), strict=False)]
    for line in lines_from_the_end(log) if _is_backwards(first) else lines_of(log):
        record = _json(line)
        texts.add(record if _says(record, line) else line.decode("utf-8", "replace"))
    return texts.joined()


def is_answer(head: bytes) -> bool:
    """Whether head may begin a JSON answer of a log store: records in one list."""
    return _ANSWER.match(head) is not None and re.search(rb"%b|\"values\"" % _MESSAGE_KEY, head) is not None


def text_of_answer(content: bytes) -> bytes:
    """The text that the records of an answer carry; the content itself where it is none, or is too large."""
    if len(content) > _MAX_ANSWER_BYTES:
        return content
    try:
        records = list(_records(json.loads(content), "", 0))
    except (ValueError, RecursionError):
        return content
    found = sum(isinstance(record, dict | tuple) for record in records)
    if not found or found < _ENOUGH * len(records):
        return content
    texts = _Texts(has_ends=_HAS_ENDS.search(content) is not None)
    for record in reversed(records) if _is_backwards(records) else records:
        if record is not None:
            texts.add(record)
    return texts.joined()


def _records(value: object, source: str, depth: int) -> Any:  # noqa: ANN401 - whatever JSON holds
    """Records, and (source, time, line) where a line stands beside its time, in their order."""
    if depth > _MAX_DEPTH:
        return
    if isinstance(value, list):
        if len(value) in (2, 3) and all(isinstance(part, str) for part in value[:2]):
            yield source, value[0], value[1]
            return
        for part in value:
            yield from _records(part, source, depth + 1)
    elif isinstance(value, dict):
        lists = [value[name] for name in _LISTS if isinstance(value.get(name), list | dict)]
        if lists and _message(value) is None:
            inner = _source(value) or source
            for part in lists:
                yield from _records(part, inner, depth + 1)
        elif _message(value) is not None:
            yield value
        else:
            yield None


class _Texts:
    """Each source's text by itself, in the order in which they began."""

    def __init__(self, *, has_ends: bool) -> None:
        # docker's texts bring their line ends; a piece of a long line has none.
        self._has_ends = has_ends
        self._sources: dict[str, bytearray] = {}
        self._source = ""

    def add(self, record: Any) -> None:  # noqa: ANN401 - whatever JSON holds
        """Add a record, a (source, time, line), or a line that is no record."""
        is_piece = False
        if isinstance(record, dict):
            self._source, text = _source(record), _said(record)
            is_piece = self._has_ends and isinstance(record.get("log"), str)
        elif isinstance(record, tuple):
            self._source, _, text = record
        else:
            text = record
        if not is_piece and not text.endswith("\n"):
            text += "\n"
        # JSON may hold half of a surrogate pair, which is no text.
        self._sources.setdefault(self._source, bytearray()).extend(text.encode("utf-8", "replace"))

    def joined(self) -> bytes:
        """All texts, one behind the other."""
        return b"".join(t if t.endswith(b"\n") else t + b"\n" for t in self._sources.values() if t)


def _is_backwards(records: list[Any]) -> bool:
    """Whether the newest record stands first."""
    times = [time for record in records if (time := _time(record)) is not None]
    falls = sum(a > b for a, b in itertools.pairwise(times))
    rises = sum(a < b for a, b in itertools.pairwise(times))
    return falls > 0 and rises == 0


def _time(record: object) -> tuple[float, str] | None:
    """A number or a text that times can be ordered by."""
    time: object = None
    if isinstance(record, tuple):
        time = record[1]
    elif isinstance(record, dict):
        time = next((record[name] for name in _TIMES if name in record), None)
    if isinstance(time, str):
        return (float(time), "") if re.fullmatch(r"\d{1,30}", time) else (0.0, time)
    return (float(time), "") if isinstance(time, int | float) else None


def _source(record: dict[str, Any]) -> str:
    """Who wrote it: what the record says of its origin."""
    given = [record[name] for name in _SOURCES if record.get(name) is not None]
    return json.dumps(given, sort_keys=True, default=str) if given else ""


def _message(record: dict[str, Any], depth: int = 0) -> str | None:
    """What the program wrote; None where the record has no such field."""
    for name in _MESSAGES:
        value = record.get(name)
        if isinstance(value, str):
            return value
        if isinstance(value, list) and value and all(isinstance(b, int) and 0 <= b < 256 for b in value):
            return bytes(value).decode("utf-8", "replace")
        if isinstance(value, dict) and isinstance(value.get("stringValue"), str):
            return str(value["stringValue"])
    if depth < _MAX_DEPTH:
        for name in _INNER:
            inner = record.get(name)
            if isinstance(inner, dict) and (found := _message(inner, depth + 1)) is not None:
                return found
    return None


def _said(record: dict[str, Any]) -> str:
    """The message, and each other text of several lines in the record."""
    message = _message(record) or ""
    blocks = [text for text in _texts(record, 0) if text != message and "\n" in text.strip("\n")]
    if not blocks:
        return message
    return "\n".join([message, *(block.strip("\n") + "\n" for block in blocks)])


def _texts(value: object, depth: int) -> Any:  # noqa: ANN401 - a generator that calls itself
    if isinstance(value, str):
        yield value
    elif depth < _MAX_DEPTH and isinstance(value, dict | list):
        for part in value.values() if isinstance(value, dict) else value:
            yield from _texts(part, depth + 1)


def has_quoted_lines(head: bytes) -> bool:
    """Whether a quoted value with line ends in it stands in head."""
    return _HAS_QUOTED.search(head) is not None


def with_quoted_lines(log: bytes) -> bytes:
    """The log with each quoted value of several lines written out behind the line that it stands in."""
    written = bytearray()
    for line in lines_of(log):
        is_plain = b"\\n" not in line or line.startswith(_HEADER)
        values = [] if is_plain else [m[1] for m in _QUOTED.finditer(line) if _has_lines(m)]
        # The line without them, so that nothing is read twice.
        written += _QUOTED.sub(lambda m: b'""' if _has_lines(m) else m[0], line) if values else line
        written += b"\n"
        for value in values:
            written += unescaped(value) + b"\n"
        if values:
            written += b"\n"
    del written[-1:]
    return bytes(written)


def _has_lines(quoted: re.Match[bytes]) -> bool:
    return quoted[1].count(b"\\n") > 1


def unescaped(text: bytes) -> bytes:
    """The text that Go's %q, JSON or logfmt wrote with backslashes."""
    return _ESCAPED.sub(_character, text)


def _character(escape: re.Match[bytes]) -> bytes:
    letter, byte, short, long = escape.groups()
    if letter:
        return _LETTERS.get(letter, letter)
    if byte:
        return bytes([int(byte, 16)])
    code = int(short or long, 16)
    is_text = code < 0x110000 and not 0xD800 <= code < 0xE000
    return (chr(code) if is_text else "\ufffd").encode()
