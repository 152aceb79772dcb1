"""The lines below a goroutine's header: functions and their places, creator, and what is missing."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

# What stands for the frames that the runtime left out. It has the runtime's name, so that no one takes it for
# a function of the program.
ELIDED_FUNCTION = "runtime.(frames elided)"

_PLACE = re.compile(r"\s+(\S.*?):(\d{1,18})(?: \+0x[0-9a-f]+)?(?: fp=\S+ sp=\S+(?: pc=\S+)?)?\s*")
# Where blanks before a line were lost, a path tells a place.
_BARE_PLACE = re.compile(r"(\S.*\.(?:go|s|c|cc|cpp|h|m)):(\d{1,18})(?: \+0x[0-9a-f]+)?(?: fp=.*)?\s*")
_CREATED_BY = re.compile(r"created by (.*?)(?: in goroutine (\d{1,18}))?\s*")
_ELIDED = re.compile(r"\.\.\.(?:(\d{1,9}) |additional )?frames elided\.\.\.")
_UNAVAILABLE = "stack unavailable"
_OFFSET = re.compile(r"\+0x[0-9a-f]+|fp=")
# What a name may be the beginning of: a function's line has no blanks before its arguments.
_NAME = re.compile(r"[\w./*()\[\]{}\x7f-\uffff-]+")
# Longer than any stack of a hundred frames.
MAX_LENGTH = 1 << 20


@dataclass(slots=True)
class Frames:
    """A goroutine's stack, leaf first, and who created it; places as (file, line).

    status: see the column stack_status. length: of the text that it took.
    """

    functions: list[str] = field(default_factory=list)
    places: list[tuple[str, int]] = field(default_factory=list)
    created_by: str | None = None
    created_at: tuple[str, int] | None = None
    parent: int | None = None
    status: str = "ok"
    elided: int | None = None
    length: int = 0


class FrameReader:
    """Reads stacks; the same text is the same stack, as most goroutines of a dump wait alike."""

    def __init__(self) -> None:
        self._read: dict[str, Frames] = {}
        self._places: dict[str, tuple[str, int] | None] = {}

    def read(self, body: str, *, is_last: bool) -> Frames:
        """The stack at the beginning of body, which may hold other text behind it.

        is_last: body ends where the input does, so that its last line may be cut.
        """
        end = body.find("\n\n", 0, MAX_LENGTH)
        if end < 0 and is_last and len(body) <= MAX_LENGTH:
            return self._lines(body, is_last=True)
        text = body[: end if end >= 0 else MAX_LENGTH]
        if (frames := self._read.get(text)) is None:
            frames = self._read[text] = self._plain(text) or self._lines(text, is_last=False)
        return frames

    def _plain(self, text: str) -> Frames | None:
        """A stack as the runtime writes it: each function's line, then its place behind a tab."""
        lines = text.rstrip("\n").split("\n")
        if len(lines) % 2 or not text:
            return None
        frames = Frames(length=len(text))
        for function, line in zip(lines[0::2], lines[1::2], strict=True):
            place = self._place(line) if line.startswith("\t") else None
            if place is None or function[:1].isspace() or frames.created_by is not None:
                return None
            if function.startswith("created by "):
                _note_creator(frames, function, place)
            elif function.endswith(")") and not function.startswith("."):
                frames.functions.append(name_of(function))
                frames.places.append(place)
            else:
                return None
        return frames

    def _lines(self, text: str, *, is_last: bool) -> Frames:
        """A stack that is not as the runtime wrote it; it ends at the first line of something else."""
        frames = Frames()
        function = before = last = ""
        for line in text.split("\n"):
            bare = line.strip()
            place = self._place(line) if function else None
            if place is not None:
                _take(frames, function, place)
                function, before = "", function
            elif found := _ELIDED.fullmatch(bare):
                frames.functions.append(ELIDED_FUNCTION)
                frames.places.append(("", 0))
                frames.status, frames.elided = "elided", int(found[1] or 0)
            elif bare.endswith(_UNAVAILABLE):
                frames.status = "unavailable"
            elif frames.created_by is not None or not _is_function(bare):
                break
            else:
                # A function whose place is missing keeps its name.
                if function:
                    _take(frames, function, ("", 0))
                function = bare
            frames.length += len(line) + 1
            last = line
        rest = text[frames.length :].strip("\n")
        frames.length = min(frames.length, len(text))
        has_end = text.endswith("\n")
        if is_last and _is_cut(rest, function, before, last, has_end=has_end):
            frames.status = "cut"
        if function:
            _take(frames, function, ("", 0))
        if not frames.functions and frames.status == "ok":
            frames.status = "cut" if is_last and not (rest and has_end) else "lost"
        return frames

    def _place(self, line: str) -> tuple[str, int] | None:
        if line not in self._places:
            match = _PLACE.fullmatch(line) or _BARE_PLACE.fullmatch(line)
            self._places[line] = (match[1], int(match[2])) if match else None
        return self._places[line]


def _is_function(line: str) -> bool:
    return line.startswith("created by ") or (line.endswith(")") and "(" in line)


def name_of(line: str) -> str:
    """A function's name without its arguments: they never hold a parenthesis, so the last one opens them."""
    return line.rpartition("(")[0] or line


def _take(frames: Frames, function: str, place: tuple[str, int]) -> None:
    if function.startswith("created by "):
        _note_creator(frames, function, place)
    else:
        frames.functions.append(name_of(function))
        frames.places.append(place)


def _note_creator(frames: Frames, line: str, place: tuple[str, int]) -> None:
    match = _CREATED_BY.fullmatch(line)
    assert match is not None
    frames.created_by, frames.created_at = match[1], place
    frames.parent = int(match[2]) if match[2] else None


def _is_cut(rest: str, function: str, before: str, last: str, *, has_end: bool) -> bool:
    """Whether a stack at the input's end lacks its last words.

    rest: what stands behind it; function: its last one, if its place is not there yet; before: the function
    of its last line, a place; has_end: whether a line end is the input's last character.
    """
    if function and (not rest or rest[:1].isspace()):
        return True
    if has_end:
        return False
    if rest:
        return "created by ".startswith(rest) or ("." in rest and _NAME.fullmatch(rest) is not None)
    return bool(before) and not before.endswith("(...)") and _OFFSET.search(last) is None
