"""An input: its head, stream and whole content, without what stands around it, under a size cap.

The input is a file, or a member of an archive (``archive.py``). Compression is peeled off
(``compression.py``), so that a ``heap.pb.gz.zst`` reads like a plain profile, and so is what a shell, a log
or go test -json wraps around a text (``log_text.py``).
"""

from __future__ import annotations

import copy
import io
import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, cast

from tracemill.parsers.api import ParseError
from tracemill.parsers.unwrap.archive import open_file, size_on_disk
from tracemill.parsers.unwrap.compression import HEAD_BYTES, head_of, unpacked
from tracemill.parsers.unwrap.log_text import looks_like_text, steps_to_text, weaker_steps

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from typing_extensions import Buffer


# What one input may unpack to. Traces of 100 M events are about 600 MB.
MAX_BYTES = 16 * 1024**3
# What read() may hold at once: every format but traces is read whole.
MAX_WHOLE_BYTES = 1024**3
# Of what is compressed, so much or this many times its size on disk: no honest text is packed better.
FREE_WHOLE_BYTES, MAX_RATIO = 64 * 1024**2, 16
# A dump in one field of a JSON line.
MAX_LINE_BYTES = 64 * 1024**2
MAX_FURTHER_STEPS = 3


class Source:
    """One input, opened as often as needed; path is what error messages name (shown, or the file).

    members: where file is an archive, the way to the input in it.
    """

    def __init__(
        self,
        file: str | os.PathLike[str],
        members: tuple[str, ...] = (),
        *,
        shown: str | None = None,
        max_bytes: int = MAX_BYTES,
    ) -> None:
        self.file = Path(file)
        self.members = members
        self.path = shown or str(Path(self.file, *members))
        self.max_bytes = max_bytes
        # The names of the formats that claim it or a part of it, as registry.detect found them.
        self.formats: tuple[str, ...] = ()
        self._range: tuple[int, int | None] = (0, None)
        found = self.file.stat()
        if stat.S_ISFIFO(found.st_mode) or stat.S_ISSOCK(found.st_mode):
            raise ParseError(self.path, "", "a pipe, which can be read but once: save it to a file first")
        self.size_bytes = size_on_disk(self.file, members)
        with self._opened() as stream:
            self.head = head_of(stream)
            is_whole = len(self.head) < HEAD_BYTES
            if not is_whole and b"\n" not in self.head and looks_like_text(self.head):
                # A whole log may be one line: a part of it would say nothing.
                self.head += self._rest_of_line(stream)
                is_whole = True
        self._steps = steps_to_text(self.head, is_whole=is_whole)
        self.head = self._unwrapped(self.head)[:HEAD_BYTES]

    @property
    def is_text(self) -> bool:
        """Whether the head has nothing that no text has."""
        return looks_like_text(self.head)

    @property
    def name(self) -> str:
        """The file's name without folders."""
        return Path(self.file, *self.members).name

    def between(self, start: int, end: int | None) -> Source:
        """The part of the unpacked content from start to end, or to its end, as a source of its own."""
        part = copy.copy(self)
        part._range = (start, end)
        with part._opened() as stream:
            part.head = head_of(stream)
        part._steps = []
        return part

    def open(self) -> BinaryIO:
        """A stream of the decompressed content; reading past max_bytes raises ParseError."""
        return io.BytesIO(self.read()) if self._steps else self._opened()

    def read(self) -> bytes:
        """The whole content, unwrapped; ParseError above the cap for its size on disk."""
        most = min(MAX_WHOLE_BYTES, max(FREE_WHOLE_BYTES, MAX_RATIO * self.size_bytes))
        with self._opened() as stream:
            content = stream.read(most + 1)
        if len(content) > most:
            fact = f"more than {most >> 20} MiB to be read at once"
            advice = (
                "split it" if most == MAX_WHOLE_BYTES else "unpack it first, if it is no decompression bomb"
            )
            raise ParseError(self.path, f"byte {most}", f"{fact}: {advice}")
        return self._unwrapped(content)

    def text(self) -> str:
        """The whole content as text."""
        return self.read().decode("utf-8", "replace")

    def unwrap_further(self, count: Callable[[bytes], int]) -> None:
        """Take off what could also be the program's own words, where count finds more below it than with it.

        count: how many lines of a known format stand in a head.
        """
        for _ in range(MAX_FURTHER_STEPS):
            found = count(self.head)
            for step in weaker_steps(self.head):
                head = step(self.head)
                if count(head) > found:
                    self._steps.append(step)
                    self.head = head
                    break
            else:
                return

    def _unwrapped(self, content: bytes) -> bytes:
        for step in self._steps:
            content = step(content)
        return content

    def _opened(self) -> BinaryIO:
        stream = unpacked(open_file(self.file, self.members), self.path, self.max_bytes)
        if self._range == (0, None):
            return stream
        return cast("BinaryIO", io.BufferedReader(_Range(stream, *self._range), 1 << 20))

    def _rest_of_line(self, stream: BinaryIO) -> bytes:
        """What is left of the line that stream stands in. Raises ParseError for a line beyond the cap."""
        pieces: list[bytes] = []
        for piece in _pieces(stream):
            line, end, _ = piece.partition(b"\n")
            pieces.append(line)
            if end:
                break
        else:
            if len(pieces) << 20 >= MAX_LINE_BYTES and self.head.lstrip()[:1] not in (b"{", b"["):
                fact = f"a line of more than {MAX_LINE_BYTES >> 20} MiB: no text that is read here has one"
                raise ParseError(self.path, "line 1", fact)
        return b"".join(pieces)


class _Range(io.RawIOBase):
    """A part of a stream that stands at its start."""

    def __init__(self, stream: BinaryIO, start: int, end: int | None) -> None:
        self._stream = stream
        self._left = None if end is None else end - start
        while start and (piece := stream.read(min(start, 1 << 20))):
            start -= len(piece)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Buffer) -> int:
        view = memoryview(buffer).cast("B")
        data = self._stream.read(len(view) if self._left is None else min(len(view), self._left))
        view[: len(data)] = data
        if self._left is not None:
            self._left -= len(data)
        return len(data)

    def close(self) -> None:
        self._stream.close()
        super().close()


def _pieces(stream: BinaryIO) -> Iterator[bytes]:
    for _ in range(MAX_LINE_BYTES >> 20):
        piece = stream.read(1 << 20)
        if not piece:
            return
        yield piece
