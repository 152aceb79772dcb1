"""Text that the go command wrapped in JSON events: go test -json, and go build -json from Go 1.24.

One object a line; ``Output`` holds a piece of what was printed, and a line may come in several
pieces: a benchmark's name before it runs, its result after. Packages may take turns, so each
one's text is put together by itself, in the order in which the packages began. What is no event
(the go command's own words on standard error) stays as it is. Source: cmd/internal/test2json,
cmd/go/internal/load (go help buildjson).

Lines are those of the text, not of the events.
"""

from __future__ import annotations

import json
import re

_EVENT = re.compile(rb'^\s*\{(?:"(?:Time|ImportPath)":"[^"\n]*",)?"Action":"[a-z-]+"', re.MULTILINE)


def is_events(head: bytes) -> bool:
    """Whether a line of head is an event of the go command: its own words may stand before the first."""
    return _EVENT.search(head) is not None


def text_of(events: bytes) -> bytes:
    """The text that the events carry."""
    packages: dict[str, list[str]] = {}
    for line in events.decode("utf-8", "replace").split("\n"):
        package, output = _piece(line)
        packages.setdefault(package, []).append(output)
    texts = ["".join(pieces) for pieces in packages.values()]
    # JSON may hold half of a surrogate pair, which is no text.
    return "".join(f"{text.removesuffix(chr(10))}\n" for text in texts if text).encode("utf-8", "replace")


def _piece(line: str) -> tuple[str, str]:
    """(package, what it printed) of one line."""
    if line.lstrip().startswith("{"):
        try:
            event = json.loads(line)
        except (ValueError, RecursionError):
            event = None
        if isinstance(event, dict) and "Action" in event:
            output = event.get("Output")
            package = event.get("Package") or event.get("ImportPath")
            return str(package or ""), output if isinstance(output, str) else ""
    return "", f"{line}\n" if line.strip() else ""
