"""An input file: its decompressed head, stream and whole content, under a size cap.

gzip, zstd and xz are peeled off by their magic numbers, up to three layers, so
that a ``heap.pb.gz.zst`` reads like a plain profile. So is what a shell, a log or go test -json wraps
around a text.
"""

from __future__ import annotations

import io
import lzma
import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, cast

from isal import igzip, igzip_lib

from tracemill.parsers.api import ParseError
from tracemill.parsers.unwrap.go_events import is_events, text_of
from tracemill.parsers.unwrap.log_text import looks_like_text, steps_to_text

if TYPE_CHECKING:
    from typing_extensions import Buffer

HEAD_BYTES = 64 * 1024
MAX_EVENT_BYTES = 64 * 1024**2
MAX_LAYERS = 3
# What one input may unpack to. Traces of 100 M events are about 600 MB.
MAX_BYTES = 16 * 1024**3
# What read() may hold at once: every format but traces is read whole.
MAX_WHOLE_BYTES = 1024**3

_GZIP, _ZSTD, _XZ = b"\x1f\x8b", b"\x28\xb5\x2f\xfd", b"\xfd7zXZ\x00"
# What decompressors raise on content that is broken.
_BROKEN = (OSError, EOFError, lzma.LZMAError, cast("type[Exception]", igzip_lib.IsalError))


class Source:
    """One input, opened as often as needed; path is what error messages name (shown, or the file)."""

    def __init__(
        self, file: str | os.PathLike[str], *, shown: str | None = None, max_bytes: int = MAX_BYTES
    ) -> None:
        self.file = Path(file)
        self.path = shown or str(self.file)
        self.max_bytes = max_bytes
        found = self.file.stat()
        if stat.S_ISFIFO(found.st_mode) or stat.S_ISSOCK(found.st_mode):
            raise ParseError(self.path, "", "a pipe, which can be read but once: save it to a file first")
        self.size_bytes = found.st_size
        with self._opened() as stream:
            self.head = stream.read(HEAD_BYTES)
            self._steps = steps_to_text(self.head, is_whole=len(self.head) < HEAD_BYTES)
            self.head = self._unwrapped(self.head)
            if is_events(self.head):
                # A package's whole output may be one event: a part of it would say nothing.
                self.head = text_of(self.head + self._unwrapped(_rest_of_line(stream)))[:HEAD_BYTES]
                self._steps.append(text_of)

    @property
    def is_text(self) -> bool:
        """Whether the head has nothing that no text has."""
        return looks_like_text(self.head)

    @property
    def name(self) -> str:
        """The file's name without folders."""
        return self.file.name

    def open(self) -> BinaryIO:
        """A stream of the decompressed content; reading past max_bytes raises ParseError."""
        return io.BytesIO(self.read()) if self._steps else self._opened()

    def _unwrapped(self, content: bytes) -> bytes:
        for step in self._steps:
            content = step(content)
        return content

    def _opened(self) -> BinaryIO:
        stream: BinaryIO = self.file.open("rb", buffering=1 << 20)
        layers = 0
        try:
            while (kind := _magic(stream)) is not None:
                layers += 1
                if layers > MAX_LAYERS:
                    raise ParseError(self.path, "", f"compressed more than {MAX_LAYERS} times over")
                stream = _peel(stream, kind)
        except _BROKEN as error:
            stream.close()
            raise ParseError(self.path, "byte 0", f"broken compression: {error}") from error
        except ParseError:
            stream.close()
            raise
        return cast("BinaryIO", _Capped(stream, self)) if layers else stream

    def read(self) -> bytes:
        """The whole decompressed content; ParseError above 1 GiB."""
        with self._opened() as stream:
            content = stream.read(MAX_WHOLE_BYTES + 1)
        if len(content) > MAX_WHOLE_BYTES:
            raise ParseError(
                self.path, f"byte {MAX_WHOLE_BYTES}", "larger than the cap of 1 GiB for this kind"
            )
        return self._unwrapped(content)


def _rest_of_line(stream: BinaryIO) -> bytes:
    """What is left of the line that stream stands in."""
    rest = b""
    while len(rest) < MAX_EVENT_BYTES and b"\n" not in rest and (piece := stream.read(1 << 20)):
        rest += piece
    return rest.partition(b"\n")[0]


def _magic(stream: BinaryIO) -> bytes | None:
    head = stream.read(6)
    stream.seek(0)
    for magic in (_GZIP, _ZSTD, _XZ):
        if head.startswith(magic):
            return magic
    return None


def _peel(stream: BinaryIO, magic: bytes) -> BinaryIO:
    if magic == _GZIP:
        unpacked = igzip.GzipFile(fileobj=stream, mode="rb")  # type: ignore[no-untyped-call]
        return cast("BinaryIO", io.BufferedReader(unpacked, HEAD_BYTES))
    if magic == _XZ:
        return cast("BinaryIO", io.BufferedReader(lzma.LZMAFile(stream), 1 << 20))
    return cast("BinaryIO", io.BufferedReader(_Zstd(stream), 1 << 20))


class _Zstd(io.RawIOBase):
    """zstd through Arrow's codec, seekable back to its start, as sniffing needs."""

    def __init__(self, stream: BinaryIO) -> None:
        self._raw = stream
        self._open()

    def _open(self) -> None:
        import pyarrow as pa  # only zstd needs it

        self._stream = pa.CompressedInputStream(pa.PythonFile(self._raw, mode="r"), "zstd")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Buffer) -> int:
        view = memoryview(buffer).cast("B")
        data = self._stream.read(len(view))
        view[: len(data)] = data
        return len(data)

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        if offset or whence:
            raise io.UnsupportedOperation("only back to the start")
        self._raw.seek(0)
        self._open()
        return 0


class _Capped(io.RawIOBase):
    """Counts what a decompressed stream gives and turns its failures into ParseError."""

    def __init__(self, stream: BinaryIO, source: Source) -> None:
        self._stream = stream
        self._source = source
        self._given = 0

    def readable(self) -> bool:
        return True

    def read(self, size: int | None = -1) -> bytes:
        limit = self._source.max_bytes - self._given + 1
        wanted = limit if size is None or size < 0 else min(size, limit)
        try:
            data = self._stream.read(wanted)
        except _BROKEN as error:
            raise ParseError(
                self._source.path, f"byte {self._given} unpacked", f"broken compression: {error}"
            ) from error
        self._given += len(data)
        if self._given > self._source.max_bytes:
            raise ParseError(
                self._source.path,
                f"byte {self._source.max_bytes} unpacked",
                "unpacks to more than the cap; is it a decompression bomb?",
            )
        return data

    def readinto(self, buffer: Buffer) -> int:
        view = memoryview(buffer).cast("B")
        data = self.read(len(view))
        view[: len(data)] = data
        return len(data)

    def close(self) -> None:
        self._stream.close()
        super().close()
