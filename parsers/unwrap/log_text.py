"""Text as a program wrote it, out of what a shell, a terminal, a log or a page put around it.

UTF-16 (what > writes in Windows PowerShell, with its byte order mark or without) and the mark of UTF-8;
colours and other commands to a terminal; line ends of Windows; a hole of zeros where a log was cut while it
was written; records (``records.py``); and what stands before every line of a log:

    2026-01-02T15:04:05.1234567Z …              GitHub Actions, docker logs -t, kubectl logs --timestamps
    job TAB step TAB 2026-01-02T15:04:05Z …     gh run view --log
    2026-01-02T15:04:05.123456789Z stderr F …   Kubernetes (CRI); P for F: the line goes on in the next
    2026-01-02T15:04:05.123456Z 00O …           GitLab; + for the space: it goes on the line before
    web-1  | …                                  docker compose
    [pod/web-1/web] …                           kubectl logs --prefix
    Jan 02 15:04:05 host web[17]: …             journalctl, syslog; with any of journalctl's times
    <134>1 2026-01-02T15:04:05Z host web 17 - - …   syslog (RFC 5424)
    2026-01-02T15:04:05Z app[web.1]: …          Heroku; [APP/PROC/WEB/0] OUT … Cloud Foundry
    2026-01-02T15:04:05Z TAB tag TAB {…}        fluentd
    2026-01-02T15:04:05Z {app="web"} …          logcli
    [2026-01-02T15:04:05Z] …                    Jenkins

Lines of several sources take turns, so each source's text is put together by itself, in the order in which
they began; of one source lines keep their numbers. Where fewer than four lines of five have such a prefix,
the program wrote it itself, and it stays. A line that has none stays as it is.

``weaker_steps`` could also be a program's own words: they are taken only where a format then knows more
lines.
"""

from __future__ import annotations

import html
import re
from functools import partial
from typing import TYPE_CHECKING

from tracemill.parsers.unwrap import records
from tracemill.parsers.unwrap.go_events import is_events, text_of
from tracemill.parsers.unwrap.journal_export import is_export, text_of_export
from tracemill.parsers.unwrap.lines import lines_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Step = Callable[[bytes], bytes]

MAX_STEPS = 8
_UTF16 = (b"\xff\xfe", b"\xfe\xff")
_UTF8 = b"\xef\xbb\xbf"
# No text has these; a colour begins with 0x1b.
_CONTROL = re.compile(rb"[\x00-\x06\x0e-\x1a\x1c-\x1f]")
# One such byte in so many is a slip of the program that wrote the text, more are no text.
_BYTES_A_CONTROL = 2000
_COLOUR = re.compile(
    rb"\x1b(?:\[[0-9;?]{0,20}[A-Za-z]|\][^\x07\x1b\n]{0,500}(?:\x07|\x1b\\)|_[^\x07\n]{0,200}\x07|\([A-B0])"
)

_TIME = rb"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d{1,9})?(?:Z| ?[-+]\d\d:?\d\d| UTC)?"
_ZONED = rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[-+]\d\d:?\d\d)"
_ANY_TIME = (
    rb"(?:%b|(?:[A-Z][a-z]{2} )?\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d{1,9})? [A-Z]{1,5}"
    rb"|[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d(?:\.\d{1,9})?|\d{10}\.\d{6}|\[ *\d+\.\d+\])" % _TIME
)
_DETAILS = rb"(?:-|(?:\[[^\]\n]{0,500}\])+)"
# Most particular first. source: who wrote the line; more: it goes on in the source's next line.
_PREFIXES = tuple(
    re.compile(pattern)
    for pattern in (
        rb"(?P<source>[^\t\n]{1,200}\t[^\t\n]{1,200}\t)(?:\xef\xbb\xbf)?%b(?: |$)" % _ZONED,
        rb"%b (?P<source>stdout|stderr) (?:F|(?P<more>P))(?: |$)" % _ZONED,
        rb"%b (?P<source>[0-9a-f]{2}[OE])(?:(?P<again>\+)| |$)" % _ZONED,
        rb"(?P<source>[\w.@-]{1,100} *\|)(?: |$)",
        rb"(?P<source>\[pod/[^\s\]]{1,200}\])(?: |$)",
        rb"<\d{1,3}>1 %b (?P<source>\S{1,255} \S{1,48} \S{1,128}) \S{1,32} %b(?: |$)" % (_ZONED, _DETAILS),
        rb"(?:<\d{1,3}>)?%b (?P<source>\S{1,100} [^\s:\[]{1,100}(?:\[[\w.-]{1,40}\])?):(?: |$)" % _ANY_TIME,
        rb"%b (?P<source>[\w.-]{1,100}\[[\w.-]{1,40}\]):(?: |$)" % _ZONED,
        rb" *%b (?P<source>\[[\w/.-]{1,100}\] (?:OUT|ERR))(?: |$)" % _ZONED,
        rb"%b\t(?P<source>[\w.-]{1,200})\t" % _TIME,
        rb'%b (?P<source>\{\w+="[^}\n]{1,1000}\})(?: |$)' % _ZONED,
        rb"\[%b\](?: |$)" % _TIME,
        rb"%b(?: |$)" % _ZONED,
        rb"(?:@[0-9a-f]{24}|\d{4}-\d\d-\d\d_\d\d:\d\d:\d\d\.\d{1,9})(?: |$)",
    )
)  # fmt: skip
# Sources that write a tab as #011, and put blanks under a prefix where a text has several lines.
_SYSLOG = frozenset(_PREFIXES[5:8])
_ENOUGH = 0.8
_MIN_WIDTH = 20
# What stands before a line of which the beginning is known.
_BEFORE_KNOWN = re.compile(rb"^([^\n]{1,200}?)(?:goos: |pkg: |gc \d+ @|goroutine \d+ \[)", re.MULTILINE)
_TRIED_PREFIXES = 20
# journalctl's own words.
_NO_LINE = b"-- "
# Behind comments, in go vet's.
_JSON = re.compile(rb"(?:#[^\n]*\n)*+\s*[{\[]")
_PAGE = re.compile(rb"\A\s*<(?:!doctype|html|head|body|pre)\b", re.IGNORECASE)
_TAG = re.compile(
    rb"</?(?:pre|code|p|br|div|span|td|tr|table|tbody|html|head|body)\b[^>\n]{0,500}>", re.IGNORECASE
)
_ENTITY = re.compile(rb"&(?:lt|gt|amp|quot|apos|nbsp|#\d{1,6}|#x[0-9a-fA-F]{1,5});")
# What a text that was escaped for HTML has none of.
_RAW = re.compile(rb"[<>]|&(?!(?:lt|gt|amp|quot|apos|nbsp|#\d{1,6}|#x[0-9a-fA-F]{1,5});)")
_QUOTE = re.compile(rb"^ {0,3}> ?", re.MULTILINE)
_FENCE = re.compile(rb"^([ \t]+)(?:```|~~~)", re.MULTILINE)


def looks_like_text(head: bytes) -> bool:
    """Whether head has nothing that no text has, or so little of it that a slip wrote it."""
    if _CONTROL.search(head) is None:
        return True
    return b"\0\0" not in head and len(_CONTROL.findall(head)) * _BYTES_A_CONTROL <= len(head)


def steps_to_text(head: bytes, *, is_whole: bool) -> list[Step]:
    """What to do, in this order, with content that begins with head; nothing for most.

    is_whole: head ends where the content does, and its last line is whole.
    """
    steps: list[Step] = []
    while len(steps) < MAX_STEPS and (step := _next_step(head, is_whole=is_whole)) is not None:
        steps.append(step)
        head = step(head)
    return steps


def _next_step(head: bytes, *, is_whole: bool) -> Step | None:
    if head.startswith((*_UTF16, _UTF8)) or _is_utf16_without_mark(head):
        return _as_utf8
    if head.startswith(b"\0") and looks_like_text(head.lstrip(b"\0")) and head.strip(b"\0"):
        return _without_hole
    if is_export(head):
        return text_of_export
    if not looks_like_text(head):
        return None
    if _COLOUR.search(head):
        return _without_colours
    if b"\r\n" in head:
        return _with_line_ends
    if is_events(head):
        return text_of
    if records.is_records(head, is_whole=is_whole):
        return records.text_of_records
    if records.is_answer(head):
        return records.text_of_answer
    if prefix := _prefix_of(head, is_whole=is_whole):
        return lambda log: _without_prefixes(log, prefix)
    if _JSON.match(head):
        return None  # quoted texts and entities are a part of it
    if records.has_quoted_lines(head):
        return records.with_quoted_lines
    if _ENTITY.search(head) and not _RAW.search(head):
        return _without_tags
    return None


def weaker_steps(head: bytes) -> Iterator[Step]:
    """What else may stand around the text, each to be tried by itself."""
    for prefix in (_common_words(head), _prefix_of_known_lines(head)):
        if prefix:
            yield partial(_without_prefixes, prefix=prefix)
    if b"\\n" in head:
        yield records.unescaped
    if _PAGE.match(head) or _ENTITY.search(head):
        yield _without_tags
    if _QUOTE.search(head):
        yield lambda text: _QUOTE.sub(b"", text)
    if fence := _FENCE.search(head):
        indent = re.compile(rb"^" + re.escape(fence[1]), re.MULTILINE)
        yield lambda text: indent.sub(b"", text)
    if head[:1] in b" \t":
        yield _without_indent


def _is_utf16_without_mark(head: bytes) -> bool:
    """Whether every other byte is zero, as in a text of mostly Latin letters."""
    zeros = sorted(part.count(0) / (len(part) or 1) for part in (head[0:4096:2], head[1:4096:2]))
    return len(head) >= 16 and zeros[0] == 0 and zeros[1] > _ENOUGH


def _as_utf8(content: bytes) -> bytes:
    if content.startswith(_UTF8):
        return content.removeprefix(_UTF8)
    if content.startswith(_UTF16):
        return content.decode("utf-16", "replace").encode()
    return content.decode("utf-16-be" if content[:1] == b"\0" else "utf-16-le", "replace").encode()


def _without_hole(content: bytes) -> bytes:
    return content.lstrip(b"\0")


def _without_colours(content: bytes) -> bytes:
    return _COLOUR.sub(b"", content)


def _with_line_ends(content: bytes) -> bytes:
    return content.replace(b"\r\n", b"\n")


def _without_tags(content: bytes) -> bytes:
    return html.unescape(_TAG.sub(b"", content).decode("utf-8", "replace")).encode("utf-8", "replace")


def _without_indent(content: bytes) -> bytes:
    indent = content[: len(content) - len(content.lstrip(b" \t"))]
    return re.sub(rb"^" + re.escape(indent), b"", content, flags=re.MULTILINE)


def _whole_lines(head: bytes, *, is_whole: bool) -> list[bytes]:
    lines = head.split(b"\n")
    return [line for line in (lines if is_whole else lines[:-1]) if line.strip() and line[:3] != _NO_LINE]


def _prefix_of(head: bytes, *, is_whole: bool) -> re.Pattern[bytes] | None:
    """The prefix that most lines of head have; the last may be cut."""
    whole = _whole_lines(head, is_whole=is_whole)
    for prefix in _PREFIXES:
        with_prefix = [line for line in whole if prefix.match(line)]
        below = [line for line in whole if prefix in _SYSLOG and not line[:_MIN_WIDTH].strip()]
        if with_prefix and len(with_prefix) + len(below) >= _ENOUGH * len(whole):
            return prefix
    return None


def _common_words(head: bytes) -> re.Pattern[bytes] | None:
    """One or two words that most lines begin with, the same few over and over: a pod and its container
    (stern)."""
    whole = _whole_lines(head, is_whole=False)[:2000]
    for count in (2, 1):
        words = [b" ".join(line.split(b" ")[:count]) for line in whole if line.count(b" ") >= count]
        counts = {word: words.count(word) for word in set(words[:200])}
        common = [word for word, n in counts.items() if n > 1 and b"-" in word]
        if common and sum(counts[word] for word in common) >= _ENOUGH * len(whole):
            return re.compile(rb"(?P<source>%b)(?: |$)" % rb"|".join(map(re.escape, sorted(common))))
    return None


def _prefix_of_known_lines(head: bytes) -> re.Pattern[bytes] | None:
    """What stands before a known line and, but for its numbers, before most others: a time, a step."""
    whole = _whole_lines(head, is_whole=False)
    before = (found[1] for found in _BEFORE_KNOWN.finditer(head))
    for text in list(dict.fromkeys(before))[:_TRIED_PREFIXES]:
        words = text.rstrip(b" \t")
        if words.endswith(b'"'):
            continue  # of a table with commas: another quote would stay behind the line
        parts = (_any_number(part) for part in re.split(rb"(\d+| +)", words))
        # A line that is empty may have lost the blanks at its end.
        prefix = re.compile(rb"%b(?:%b|$)" % (b"".join(parts), re.escape(text[len(words) :])))
        if sum(prefix.match(line) is not None for line in whole) >= _ENOUGH * len(whole):
            return prefix
    return None


def _any_number(part: bytes) -> bytes:
    """An expression for a part of a prefix, in which numbers differ, and blanks where they are aligned."""
    return rb"\d+" if part.isdigit() else b" +" if part[:1] == b" " else re.escape(part)


def _without_prefixes(log: bytes, prefix: re.Pattern[bytes]) -> bytes:
    sources: dict[bytes, bytearray] = {}
    source, width = b"", 0
    groups, is_syslog = {"source": 0, "more": 0, "again": 0} | dict(prefix.groupindex), prefix in _SYSLOG
    for line in lines_of(log):
        found = prefix.match(line)
        is_again = False
        end = b"\n"
        if found:
            # Group 0 is the whole: a prefix without such a group.
            source = (found[groups["source"]] or b"") if groups["source"] else b""
            is_again = bool(groups["again"] and found[groups["again"]])
            end = b"" if groups["more"] and found[groups["more"]] else b"\n"
            width = found.end()
            line = line[width:].replace(b"#011", b"\t") if is_syslog else line[width:]
        elif is_syslog and width and len(line) >= width and not line[:width].strip():
            line = line[width:]
        text = sources.setdefault(source, bytearray())
        if is_again and text.endswith(b"\n"):
            del text[-1:]
        text += line
        text += end
    if len(sources) == 1:
        del text[-1:]  # the last line has no end in the log
    return b"".join(sources.values())
