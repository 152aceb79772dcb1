"""Lines of a text, a piece of it at a time: a list of all of them can take many times the text's room."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_PIECE = 1 << 20


def lines_of(text: bytes) -> Iterator[bytes]:
    """The lines, as text.split of the line end gives them."""
    for start, end in _pieces(text):
        yield from text[start:end].split(b"\n")


def lines_from_the_end(text: bytes) -> Iterator[bytes]:
    """The same, last line first."""
    for start, end in reversed(list(_pieces(text))):
        yield from reversed(text[start:end].split(b"\n"))


def _pieces(text: bytes) -> Iterator[tuple[int, int]]:
    """Where pieces of whole lines begin and end, without the line end behind each."""
    start = 0
    while True:
        end = text.find(b"\n", start + _PIECE)
        if end < 0:
            yield start, len(text)
            return
        yield start, end
        start = end + 1
