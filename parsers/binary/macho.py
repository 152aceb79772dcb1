"""Mach-O, 64 bit, little endian: Go on macOS. Specification: mach-o/loader.h, fat.h; source: debug/macho.

A universal (fat) file holds one program for each architecture. They share their addresses, so only
one can be looked up: the first, which go version -m also takes.
"""

from __future__ import annotations

import struct
from dataclasses import replace

from tracemill.parsers.binary.image import BrokenImageError, Image, Section, cut, text_at

MAGIC = b"\xcf\xfa\xed\xfe"
# Big endian. Java's class files begin so too: their version stands where a fat file has its count.
_FAT_32, _FAT_64 = b"\xca\xfe\xba\xbe", b"\xca\xfe\xba\xbf"
_FAT_HEADER = struct.Struct(">4sI")
_FAT_PLACES = {_FAT_32: struct.Struct(">5I"), _FAT_64: struct.Struct(">2I2Q2I")}
_MAX_ARCHITECTURES = 20
_ARCHITECTURES = {0x01000007: "amd64", 0x0100000C: "arm64"}
_EXECUTABLE_TYPES = (2, 6, 8)  # program, dynamic library, bundle
_PIE = 0x200000
_SEGMENT_64 = 0x19
_EXECUTE = 4
_HEADER = struct.Struct("<4s7I")
_COMMAND = struct.Struct("<II")
_SEGMENT = struct.Struct("<II16s4Q4I")
_SECTION = struct.Struct("<16s16sQQ8I")
# Sections that hold nothing in the file: zero fill.
_ZERO_FILL = (1, 12)


def is_macho(head: bytes) -> bool:
    """Whether this is an executable in Mach-O."""
    return len(head) >= _HEADER.size and head.startswith(MAGIC) and head[12] in _EXECUTABLE_TYPES


def is_fat(head: bytes) -> bool:
    """Whether this is a universal file."""
    if len(head) < _FAT_HEADER.size or head[:4] not in _FAT_PLACES:
        return False
    count: int = _FAT_HEADER.unpack_from(head)[1]
    return 0 < count <= _MAX_ARCHITECTURES


def read_fat(data: memoryview) -> Image:
    """The first image of a universal file, and the architectures of the others. Raises BrokenImageError."""
    magic, count = _FAT_HEADER.unpack(cut(data, 0, _FAT_HEADER.size, "fat header"))
    place = _FAT_PLACES[magic]
    rows = [
        place.unpack(cut(data, _FAT_HEADER.size + index * place.size, place.size, f"architecture {index}"))
        for index in range(count)
    ]
    first = cut(data, rows[0][2], rows[0][3], "architecture 0")
    if not is_macho(bytes(first[: _HEADER.size])):
        raise BrokenImageError("architecture 0", "not an executable")
    others = tuple(_ARCHITECTURES.get(row[0], f"Mach-O CPU {row[0]:#x}") for row in rows[1:])
    return replace(read_macho(first), other_architectures=others)


def read_macho(data: memoryview) -> Image:
    """The image in data. Raises BrokenImageError."""
    _, cpu, _, _, count, size, flags, _ = _HEADER.unpack(cut(data, 0, _HEADER.size, "Mach-O header"))
    commands = cut(data, _HEADER.size, size, "load commands")
    sections: dict[str, Section] = {}
    segment = (0, 0)
    at = 0
    for index in range(count):
        place = f"load command {index}"
        kind, length = _COMMAND.unpack(cut(commands, at, _COMMAND.size, place))
        if length < _COMMAND.size:
            raise BrokenImageError(place, f"is {length} bytes long")
        if kind == _SEGMENT_64:
            command = cut(commands, at, length, place)
            is_executable, vaddr, offset = _read_segment(data, command, sections, place)
            if is_executable and segment == (0, 0):
                segment = (vaddr, offset)
        at += length
    return Image(
        architecture=_ARCHITECTURES.get(cpu, f"Mach-O CPU {cpu:#x}"),
        is_pie=bool(flags & _PIE),
        is_little_endian=True,
        segment_vaddr=segment[0],
        segment_offset=segment[1],
        gnu_build_id="",
        sections=sections,
    )


def _read_segment(
    data: memoryview, command: memoryview, sections: dict[str, Section], place: str
) -> tuple[bool, int, int]:
    """(is executable, virtual address, file offset) of a segment, whose sections go into sections."""
    header = _SEGMENT.unpack(cut(command, 0, _SEGMENT.size, place))
    vaddr, _, offset, _, _, protection, count, _ = header[3:]
    for index in range(count):
        row = _SECTION.unpack(cut(command, _SEGMENT.size + index * _SECTION.size, _SECTION.size, place))
        name, address, size, start, flags = text_at(memoryview(row[0]), 0), row[2], row[3], row[4], row[8]
        if flags & 0xFF not in _ZERO_FILL and size:
            content = cut(data, start, size, f"section {name}")
            sections.setdefault(name, Section(name, address, content))
    return bool(protection & _EXECUTE), vaddr, offset
