"""Compression, peeled off by its magic number: gzip, zstd, xz, bzip2, lz4; up to three layers of it."""

from __future__ import annotations

import bz2
import contextlib
import io
import lzma
from typing import TYPE_CHECKING, BinaryIO, cast

from isal import igzip, igzip_lib

from tracemill.parsers.api import ParseError

if TYPE_CHECKING:
    from typing_extensions import Buffer

MAX_LAYERS = 3
HEAD_BYTES = 64 * 1024

_GZIP, _ZSTD, _XZ = b"\x1f\x8b", b"\x28\xb5\x2f\xfd", b"\xfd7zXZ\x00"
_BZIP2, _LZ4 = b"BZh", b"\x04\x22\x4d\x18"
_MAGICS = (_GZIP, _ZSTD, _XZ, _BZIP2, _LZ4)
_BLOCK = b"1AY&SY"  # what stands behind bzip2's magic and its level
# What decompressors raise on content that is broken.
BROKEN = (OSError, EOFError, lzma.LZMAError, ValueError, cast("type[Exception]", igzip_lib.IsalError))


class BrokenCompressionError(ParseError):
    """Content that is cut or broken below its compression; what was unpacked before may be whole."""


def is_compressed(stream: BinaryIO) -> bool:
    """Whether the stream begins with a magic number of ours; it is left at its start."""
    return _magic(stream) is not None


def unpacked(stream: BinaryIO, path: str, max_bytes: int, buffer_bytes: int = 1 << 20) -> BinaryIO:
    """The stream without its layers of compression; it is closed with the stream that is given back.

    buffer_bytes: what is unpacked at once; few, where only the head is looked at. Reading past max_bytes, and
    broken compression, raise ParseError, which names path. A stream without compression is given back as it
    is.
    """
    layers = 0
    try:
        while (kind := _magic(stream)) is not None:
            layers += 1
            if layers > MAX_LAYERS:
                raise ParseError(path, "", f"compressed more than {MAX_LAYERS} times over")
            stream = _peel(stream, kind, buffer_bytes)
    except BROKEN as error:
        stream.close()
        raise ParseError(path, "byte 0", f"broken compression: {error}") from error
    except ParseError:
        stream.close()
        raise
    return cast("BinaryIO", _Capped(cast("io.BufferedReader", stream), path, max_bytes)) if layers else stream


def head_of(stream: BinaryIO, size: int = HEAD_BYTES) -> bytes:
    """The next bytes, fewer where the compression breaks off behind them; ParseError where none are left."""
    head = memoryview(bytearray(size))
    filled = 0
    try:
        while filled < size and (got := stream.readinto(head[filled:])):  # type: ignore[attr-defined]
            filled += got
    except BrokenCompressionError:
        if not filled:
            raise
    return bytes(head[:filled])


def _magic(stream: BinaryIO) -> bytes | None:
    head = stream.read(10)
    stream.seek(0)
    for magic in _MAGICS:
        if head.startswith(magic) and (magic != _BZIP2 or head[4:] == _BLOCK):
            return magic
    return None


def _peel(stream: BinaryIO, magic: bytes, buffer_bytes: int) -> BinaryIO:
    if magic == _GZIP:
        packed = igzip.GzipFile(fileobj=stream, mode="rb")  # type: ignore[no-untyped-call]
        return cast("BinaryIO", io.BufferedReader(packed, min(HEAD_BYTES, buffer_bytes)))
    if magic == _XZ:
        return cast("BinaryIO", io.BufferedReader(lzma.LZMAFile(stream), buffer_bytes))
    if magic == _BZIP2:
        return cast("BinaryIO", io.BufferedReader(bz2.BZ2File(stream), buffer_bytes))
    arrow = _Arrow(stream, "lz4" if magic == _LZ4 else "zstd")
    return cast("BinaryIO", io.BufferedReader(arrow, buffer_bytes))


class _Arrow(io.RawIOBase):
    """zstd or lz4 through Arrow's codecs, seekable back to its start, as sniffing needs."""

    def __init__(self, stream: BinaryIO, codec: str) -> None:
        self._raw = stream
        self._codec = codec
        self._open()

    def _open(self) -> None:
        import pyarrow as pa  # only these two need it

        self._stream = pa.CompressedInputStream(pa.PythonFile(self._raw, mode="r"), self._codec)

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

    def __init__(self, stream: io.BufferedReader, path: str, max_bytes: int) -> None:
        self._stream = stream
        self._path = path
        self._max_bytes = max_bytes
        self._given = 0
        # After a break: what was unpacked before it.
        self._rest: io.BytesIO | None = None

    def readable(self) -> bool:
        return True

    def read(self, size: int | None = -1) -> bytes:
        limit = self._max_bytes - self._given + 1
        wanted = limit if size is None or size < 0 else min(size, limit)
        try:
            return self._counted(self._stream.read(wanted))
        except BROKEN as error:
            raise self._broken(error) from error

    def readinto(self, buffer: Buffer) -> int:
        """As of any raw stream, and what comes before a break is given, of which read() gives nothing."""
        view = memoryview(buffer).cast("B")
        wanted = min(len(view), self._max_bytes - self._given + 1)
        try:
            data = self._rest.read(wanted) if self._rest else self._stream.read1(wanted)
        except BROKEN as error:
            self._rest = self._before_break(wanted + HEAD_BYTES)
            data = self._rest.read(wanted)
            if not data:
                raise self._broken(error) from error
        if self._rest and not data:
            raise self._broken(EOFError("its end is missing or damaged"))
        view[: len(data)] = self._counted(data)
        return len(data)

    def _before_break(self, most: int) -> io.BytesIO:
        """What is left before the break; most: what was unpacked at once when it came."""
        self._stream.seek(0)
        raw = self._stream.raw
        left = self._given
        while left and (skipped := len(raw.read(min(left, HEAD_BYTES)) or b"")):
            left -= skipped
        found = bytearray()
        with contextlib.suppress(*BROKEN):
            while len(found) < most and (byte := raw.read(1)):
                found += byte
        return io.BytesIO(found)

    def _counted(self, data: bytes) -> bytes:
        self._given += len(data)
        if self._given > self._max_bytes:
            fact = "unpacks to more than the cap; is it a decompression bomb?"
            raise ParseError(self._path, f"byte {self._max_bytes} unpacked", fact)
        return data

    def _broken(self, error: Exception) -> BrokenCompressionError:
        position = f"byte {self._given} unpacked"
        return BrokenCompressionError(self._path, position, f"broken compression: {error}")

    def close(self) -> None:
        self._stream.close()
        super().close()
