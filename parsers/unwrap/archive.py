"""Archives: zip and tar, the latter compressed or not; each member is a file of its own.

GitHub and GitLab give CI artifacts as zips, others keep a run as a tar.gz, and either may lie in the other.
Nothing is written to disk but what has no name there: a compressed tar, or an archive inside an archive, is
unpacked once into a temporary file that has none.

Caps: MAX_MEMBERS, MAX_DEPTH archives in each other, what a compressed archive may unpack to
(``allowed_bytes``). A member whose name leads out of the archive, that is a link or a device, is encrypted,
or is replaced by a later one of its name is no member but a problem, which is told. Hidden files are passed
over. Specifications: PKWARE APPNOTE 6.3, POSIX pax; by Python's zipfile and tarfile.
"""

from __future__ import annotations

import io
import tarfile
import tempfile
import threading
import zipfile
import zlib
from collections import OrderedDict
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, cast

from tracemill.parsers.api import ParseError
from tracemill.parsers.unwrap.compression import BROKEN, is_compressed, unpacked

if TYPE_CHECKING:
    from collections.abc import Iterator

    from typing_extensions import Buffer

MAX_MEMBERS = 20_000
MAX_DEPTH = 3
MAX_NAME = 1000
MAX_BYTES = 16 * 1024**3
# Whatever an archive says, what comes out of it is some multiple of what it takes on disk.
_FREE_BYTES, _MAX_RATIO = 256 * 1024**2, 32
_IN_MEMORY = 16 * 1024**2

_ZIP, _EMPTY_ZIP, _TAR, _TAR_AT = b"PK\x03\x04", b"PK\x05\x06", b"ustar", 257
_BAD_ARCHIVE = (zipfile.BadZipFile, tarfile.TarError, NotImplementedError, RuntimeError, zlib.error, *BROKEN)
_KINDS_OF_ZIP = (
    ("[Content_Types].xml", "an Office document"),
    ("META-INF/MANIFEST.MF", "a Java archive"),
    ("AndroidManifest.xml", "an Android package"),
    ("mimetype", "an OpenDocument or EPUB file"),
)


@dataclass(frozen=True, slots=True)
class Member:
    """A file in an archive: its name there, where it begins in an unpacked tar, its size unpacked."""

    name: str
    offset: int
    size_bytes: int


@dataclass(slots=True)
class Archive:
    """An archive that is open: members by name, and what is no member, with the reason."""

    kind: str
    path: str
    members: dict[str, Member] = field(default_factory=dict)
    problems: list[tuple[str, str]] = field(default_factory=list)
    _stream: BinaryIO | None = None
    _zip: zipfile.ZipFile | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def open(self, name: str) -> BinaryIO:
        """A seekable stream of one member. Raises KeyError for a name that is none."""
        member = self.members[name]
        if self._zip is not None:
            packed = self._zip.open(self._zip.infolist()[member.offset])
            return cast(
                "BinaryIO", io.BufferedReader(_Unpacked(cast("BinaryIO", packed), self.path), 1 << 16)
            )
        assert self._stream is not None
        return cast("BinaryIO", io.BufferedReader(_Part(self, member, self._stream), 1 << 16))


class _Unpacked(io.RawIOBase):
    """A member of a zip, whose faults are ParseErrors."""

    def __init__(self, stream: BinaryIO, path: str) -> None:
        self._stream, self._path = stream, path

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        return self._stream.seek(offset, whence)

    def readinto(self, buffer: Buffer) -> int:
        view = memoryview(buffer).cast("B")
        try:
            data = self._stream.read(len(view))
        except _BAD_ARCHIVE as error:
            raise ParseError(self._path, "", f"a zip that is broken: {error}") from error
        view[: len(data)] = data
        return len(data)

    def close(self) -> None:
        self._stream.close()
        super().close()


class _Part(io.RawIOBase):
    """The bytes of one member of an unpacked tar."""

    def __init__(self, archive: Archive, member: Member, stream: BinaryIO) -> None:
        self._archive = archive  # keeps the stream open
        self._stream = stream
        self._lock = archive._lock
        self._start, self._size, self._at = member.offset, member.size_bytes, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        self._at = max(0, base + offset)
        return self._at

    def readinto(self, buffer: Buffer) -> int:
        view = memoryview(buffer).cast("B")
        wanted = min(len(view), max(0, self._size - self._at))
        with self._lock:
            self._stream.seek(self._start + self._at)
            data = self._stream.read(wanted)
        view[: len(data)] = data
        self._at += len(data)
        return len(data)


def allowed_bytes(size_on_disk: int) -> int:
    """What an archive of this size may unpack to."""
    return min(MAX_BYTES, max(_FREE_BYTES, _MAX_RATIO * size_on_disk))


def kind_of(stream: BinaryIO, path: str) -> str | None:
    """zip or tar, if the stream is one, compressed or not; it is left at its start.

    Broken compression is no archive. Raises OSError.
    """
    head = stream.read(512)
    stream.seek(0)
    if head.startswith((_ZIP, _EMPTY_ZIP)):
        return "zip"
    if head[_TAR_AT:].startswith(_TAR):
        return "tar"
    if not is_compressed(stream):
        return None
    # What is peeled off closes the stream below it: look at the rest through a second view of it.
    try:
        inner = unpacked(cast("BinaryIO", _Unclosed(stream)), path, 1 << 20, 512)
        head = inner.read(512)
    except ParseError:
        return None
    finally:
        stream.seek(0)
    if head.startswith((_ZIP, _EMPTY_ZIP)):
        return "zip"
    return "tar" if head[_TAR_AT:].startswith(_TAR) else None


class _Unclosed(io.RawIOBase):
    """A stream that others may close without closing the one behind it."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def read(self, size: int | None = -1) -> bytes:
        return self._stream.read(-1 if size is None else size)

    def readinto(self, buffer: Buffer) -> int:
        view = memoryview(buffer).cast("B")
        data = self._stream.read(len(view))
        view[: len(data)] = data
        return len(data)

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        return self._stream.seek(offset, whence)

    def tell(self) -> int:
        return self._stream.tell()


# Opening one may mean unpacking it: the last few stay open.
_OPEN_AT_ONCE = 4
_opened: OrderedDict[tuple[object, ...], Archive] = OrderedDict()
_opening = threading.Lock()


def open_archive(file: Path, members: tuple[str, ...] = ()) -> Archive:
    """The archive in file, or the one that members lead to. Raises OSError, ParseError."""
    found = file.stat()
    key = (str(file), members, found.st_size, found.st_mtime_ns, found.st_ino)
    with _opening:
        if key in _opened:
            _opened.move_to_end(key)
            return _opened[key]
    archive = _open(_seekable(file, members), str(Path(file, *members)), found.st_size)
    with _opening:
        _opened[key] = archive
        while len(_opened) > _OPEN_AT_ONCE:
            _opened.popitem(last=False)
    return archive


def open_file(file: Path, members: tuple[str, ...] = ()) -> BinaryIO:
    """The bytes of a file, or of the member that members lead to. Raises OSError, ParseError."""
    if not members:
        return file.open("rb", buffering=1 << 20)
    if len(members) > MAX_DEPTH:
        raise ParseError(str(file), "", f"archives in each other more than {MAX_DEPTH} deep")
    try:
        return open_archive(file, members[:-1]).open(members[-1])
    except KeyError as error:
        raise ParseError(str(file), "", f"has no member {members[-1]} any more") from error
    except _BAD_ARCHIVE as error:
        raise ParseError(str(Path(file, *members)), "", f"cannot be unpacked: {error}") from error


def size_on_disk(file: Path, members: tuple[str, ...]) -> int:
    """The size of a file, or of a member unpacked."""
    if not members:
        return file.stat().st_size
    return open_archive(file, members[:-1]).members[members[-1]].size_bytes


def _seekable(file: Path, members: tuple[str, ...]) -> BinaryIO:
    stream = open_file(file, members)
    return _spooled(stream, str(file), allowed_bytes(file.stat().st_size)) if members else stream


def _spooled(stream: BinaryIO, path: str, most: int) -> BinaryIO:
    """A copy of the stream in a file without a name. Raises ParseError above the cap."""
    copy = tempfile.SpooledTemporaryFile(_IN_MEMORY)  # noqa: SIM115 - it lives as long as its archive
    with stream:
        while piece := stream.read(1 << 20):
            copy.write(piece)
            if copy.tell() > most:
                copy.close()
                raise ParseError(path, "", f"unpacks to more than the cap of {most} bytes: unpack it by hand")
    copy.seek(0)
    return cast("BinaryIO", copy)


def _open(stream: BinaryIO, path: str, size: int) -> Archive:
    most = allowed_bytes(size)
    kind = None
    try:
        kind = kind_of(stream, path)
        if is_compressed(stream):
            stream = _spooled(unpacked(stream, path, most), path, most)
        archive = _open_zip(stream, path) if kind == "zip" else _open_tar(stream, path)
    except _BAD_ARCHIVE as error:
        fact = f"{f'a {kind}' if kind else 'an archive'} that is cut off or broken: {error}"
        raise ParseError(path, "", fact) from error
    total = sum(member.size_bytes for member in archive.members.values())
    if total > most:
        raise ParseError(
            path, "", f"unpacks to {total} bytes, more than the cap of {most}: unpack it by hand"
        )
    return archive


def _open_zip(stream: BinaryIO, path: str) -> Archive:
    packed = zipfile.ZipFile(stream)
    archive = Archive("zip", path, _zip=packed, _stream=stream)
    names = {info.filename for info in packed.infolist()[:MAX_MEMBERS]}
    what = next((words for name, words in _KINDS_OF_ZIP if name in names), None)
    if what:
        raise zipfile.BadZipFile(f"{what}, which holds no captures")
    for place, info in enumerate(packed.infolist()):
        if info.is_dir() and place < MAX_MEMBERS:
            continue
        wrong = "is encrypted: unpack it by hand" if info.flag_bits & 1 else None
        # A link's target stands where a file's content does.
        wrong = "is a link, which is not followed" if info.external_attr >> 28 == 0xA else wrong
        if not _take(archive, info.filename.replace("\\", "/"), place, info.file_size, wrong):
            break
    return archive


def _open_tar(stream: BinaryIO, path: str) -> Archive:
    archive = Archive("tar", path, _stream=stream)
    with tarfile.open(fileobj=stream, mode="r:") as packed:
        for place, info in enumerate(packed):
            if info.isdir() and place < MAX_MEMBERS:
                continue
            wrong = None if info.isreg() else "is a link or no regular file"
            if not _take(archive, info.name, info.offset_data, info.size, wrong) or place >= MAX_MEMBERS:
                break
    return archive


def _take(archive: Archive, name: str, place: int, size: int, wrong: str | None) -> bool:
    """Note one entry as a member or a problem; False where there are too many."""
    name = name.removeprefix("./").encode("utf-8", "backslashreplace").decode()
    shown = "".join(c if c.isprintable() else repr(c)[1:-1] for c in name)[:MAX_NAME]
    parts = name.split("/")
    if any((part.startswith(".") and part not in (".", "..")) or part == "__MACOSX" for part in parts):
        return True
    if len(archive.members) + len(archive.problems) >= MAX_MEMBERS:
        archive.problems.append(
            (shown, f"is not read, nor are those behind it: more than {MAX_MEMBERS} files")
        )
        return False
    if shown != name or any(part in ("", ".", "..") for part in parts):
        wrong = "has a name that leads out of the archive, or is none"
    if name in archive.members:
        archive.problems.append((shown, "stands there twice; the last is read"))
    if wrong:
        archive.problems.append((shown, wrong))
    else:
        archive.members[name] = Member(name, place, size)
    return True


def files_in(file: Path, members: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], str | None]]:
    """(way to the member, problem) of all that lies in an archive, those of archives in it included."""
    try:
        archive = open_archive(file, members)
    except ParseError as error:
        yield members, error.fact
        return
    if not archive.members and not archive.problems:
        yield members, f"a {archive.kind} without files"
    for name, fact in archive.problems:
        yield (*members, name), fact
    for name in archive.members:
        way = (*members, name)
        if not is_archive(file, way):
            yield way, None
        elif len(way) < MAX_DEPTH:
            yield from files_in(file, way)
        else:
            yield way, f"an archive in more than {MAX_DEPTH - 1} others: unpack it by hand"


def is_archive(file: Path, members: tuple[str, ...] = ()) -> bool:
    """Whether the file or member is an archive; False for one that cannot be read."""
    if not file.is_file():
        return False
    try:
        with open_file(file, members) as stream:
            return kind_of(stream, str(file)) is not None
    except (OSError, ParseError):
        return False
