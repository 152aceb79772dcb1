"""Text as a program wrote it, out of what a shell, a terminal or a log put around it.

UTF-16 with its byte order mark (what > writes in Windows PowerShell) and the mark of UTF-8;
colours; and what stands before every line of a log:

    2026-01-02T15:04:05.1234567Z …           GitHub Actions, docker logs -t, kubectl logs --timestamps
    job TAB step TAB 2026-01-02T15:04:05Z …  gh run view --log
    web-1  | …                               docker compose logs
    [pod/web-1/web] …                        kubectl logs --prefix
    Jan 02 15:04:05 host web[17]: …          journalctl

Lines of several sources take turns, so each source's text is put together by itself, in the order
in which they began; of one source lines keep their numbers. A log in which one line goes
without is left as it is: the program wrote those words itself.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

_UTF16 = (b"\xff\xfe", b"\xfe\xff")
_UTF8 = b"\xef\xbb\xbf"
# No text has these; a colour begins with 0x1b.
_CONTROL = re.compile(rb"[\x00-\x06\x0e-\x1a\x1c-\x1f]")
_COLOUR = re.compile(rb"\x1b\[[0-9;?]{0,20}[A-Za-z]")
_TIME = rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[-+]\d\d:?\d\d)(?: |$)"
_GITHUB = rb"[^\t\n]{1,200}\t[^\t\n]{1,200}\t"
_COMPOSE = rb"[\w.-]{1,100} *\|(?: |$)"
_KUBECTL = rb"\[pod/[^\s\]]{1,200}\] "
_JOURNAL = rb"[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d \S{1,100} [^\s:]{1,100}: ?"
_PREFIX = re.compile(
    rb"(?:(%b)(?:\xef\xbb\xbf)?)?%b|(%b|%b|(%b))(?:%b)?"
    % (_GITHUB, _TIME, _COMPOSE, _KUBECTL, _JOURNAL, _TIME)
)
# journalctl's own words.
_NO_LINE = b"-- "


def looks_like_text(head: bytes) -> bool:
    """Whether head has nothing that no text has."""
    return _CONTROL.search(head) is None


def steps_to_text(head: bytes, *, is_whole: bool) -> list[Callable[[bytes], bytes]]:
    """What to do, in this order, with content that begins with head; nothing for most.

    is_whole: head ends where the content does, and its last line is whole.
    """
    steps: list[Callable[[bytes], bytes]] = []
    if head.startswith((*_UTF16, _UTF8)):
        steps.append(_as_utf8)
        head = _as_utf8(head)
    if not looks_like_text(head):
        return steps
    if _COLOUR.search(head):
        steps.append(_without_colours)
        head = _without_colours(head)
    if _is_log(head, is_whole=is_whole):
        steps.append(_without_prefixes)
    return steps


def _as_utf8(content: bytes) -> bytes:
    if content.startswith(_UTF8):
        return content.removeprefix(_UTF8)
    return content.decode("utf-16", "replace").encode()


def _without_colours(content: bytes) -> bytes:
    return _COLOUR.sub(b"", content)


def _is_log(head: bytes, *, is_whole: bool) -> bool:
    """Whether every line of head has a prefix; the last may be cut."""
    lines = head.split(b"\n")
    whole = [line for line in (lines if is_whole else lines[:-1]) if line.strip() and line[:3] != _NO_LINE]
    return bool(whole) and all(_PREFIX.match(line) for line in whole)


def _without_prefixes(log: bytes) -> bytes:
    sources: dict[bytes, list[bytes]] = {}
    source = b""
    for line in log.split(b"\n"):
        prefix = _PREFIX.match(line)
        if prefix:
            source = _source(prefix)
            line = line[prefix.end() :]
        sources.setdefault(source, []).append(line)
    return b"\n".join(b"\n".join(lines) for lines in sources.values())


def _source(prefix: re.Match[bytes]) -> bytes:
    """Who wrote the line: a prefix without its times."""
    # The journal's time is always as wide as this.
    return prefix[3][len("Jan 02 15:04:05 ") :] if prefix[3] else prefix[1] or prefix[2] or b""
