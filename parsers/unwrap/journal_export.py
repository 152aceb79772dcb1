"""Messages out of the journal's export format: journalctl -o export, systemd-journal-remote.

An entry is a line a field and ends with an empty line. NAME=value, or, where the value has bytes that are no
text (a tab is one), NAME alone, its size as 64 bits, least first, and the value. Source: systemd's "Journal
Export Formats". Entries of several processes take turns, so each one's text is put together by itself.
"""

from __future__ import annotations

_FIRST, _TIME = b"__CURSOR=", b"\n__REALTIME_TIMESTAMP="
_SOURCES = (b"_HOSTNAME", b"_SYSTEMD_UNIT", b"_PID")
_SIZE_BYTES = 8


def is_export(head: bytes) -> bool:
    """Whether head begins with an entry."""
    return head.startswith(_FIRST) and _TIME in head[:4096]


def text_of_export(log: bytes) -> bytes:
    """The messages, a line or several each. A value whose size leads beyond the end is what is left."""
    texts: dict[tuple[bytes, ...], list[bytes]] = {}
    entry: dict[bytes, bytes] = {}
    at = 0
    while at < len(log):
        end = log.find(b"\n", at)
        end = len(log) if end < 0 else end
        name, equals, value = log[at:end].partition(b"=")
        at = end + 1
        if name and not equals:
            size = int.from_bytes(log[at : at + _SIZE_BYTES], "little")
            value = log[at + _SIZE_BYTES : at + _SIZE_BYTES + size]
            at += _SIZE_BYTES + size + 1
        if name:
            entry[name] = value
        if entry and (not name or at >= len(log)):
            if b"MESSAGE" in entry:
                source = tuple(entry.get(field, b"") for field in _SOURCES)
                texts.setdefault(source, []).append(entry[b"MESSAGE"] + b"\n")
            entry = {}
    return b"".join(line for lines in texts.values() for line in lines)
