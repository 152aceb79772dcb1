"""ELF, 32 and 64 bit, either byte order. Specification: System V ABI, chapters 4 and 5."""

from __future__ import annotations

import struct
from dataclasses import dataclass

from tracemill.parsers.binary.image import BrokenImageError, Image, Section, cut, text_at

MAGIC = b"\x7fELF"
_ARCHITECTURES = {
    3: "386",
    8: "mips",
    21: "ppc64",
    22: "s390x",
    40: "arm",
    62: "amd64",
    183: "arm64",
    243: "riscv64",
    258: "loong64",
}
_EXECUTABLE_TYPES = (2, 3)
_PIE = 3
_NOBITS = 8
_LOAD, _EXECUTE = 1, 1
_GNU_BUILD_ID = 3


@dataclass(frozen=True, slots=True)
class _Layout:
    """Field formats of one class (32 or 64 bit) and byte order."""

    header: struct.Struct
    section: struct.Struct
    program: struct.Struct
    is_64: bool


def is_elf(head: bytes) -> bool:
    """Whether this is an executable or shared object in ELF."""
    if len(head) < 20 or not head.startswith(MAGIC):
        return False
    order = {1: "<", 2: ">"}.get(head[5])
    return order is not None and struct.unpack_from(f"{order}H", head, 16)[0] in _EXECUTABLE_TYPES


def read_elf(data: memoryview) -> Image:
    """The image in data. Raises BrokenImageError."""
    layout = _layout(data)
    (kind, machine, _, entry, phoff, shoff, _, _, phentsize, phnum, shentsize, shnum, shstrndx) = (
        layout.header.unpack(cut(data, 16, layout.header.size, "ELF header"))
    )
    sections = _sections(data, layout, shoff, shentsize, shnum, shstrndx)
    segment = _executable_segment(data, layout, phoff, phentsize, phnum)
    order = data[5]
    architecture = _ARCHITECTURES.get(machine, f"ELF machine {machine}")
    if architecture == "ppc64" and order == 1:
        architecture = "ppc64le"
    return Image(
        architecture=architecture,
        is_pie=kind == _PIE,
        is_little_endian=order == 1,
        segment_vaddr=segment[0],
        segment_offset=segment[1],
        gnu_build_id=_gnu_build_id(sections, "<" if order == 1 else ">"),
        sections=sections,
        entry=entry,
    )


def _layout(data: memoryview) -> _Layout:
    if len(data) < 64 or data[4] not in (1, 2) or data[5] not in (1, 2):
        raise BrokenImageError("ELF header", "neither 32 nor 64 bit, or cut off")
    order = "<" if data[5] == 1 else ">"
    if data[4] == 2:
        shapes = ("HHIQQQIHHHHHH", "IIQQQQIIQQ", "IIQQQQQQ")
    else:
        shapes = ("HHIIIIIHHHHHH", "IIIIIIIIII", "IIIIIIII")
    header, section, program = (struct.Struct(order + shape) for shape in shapes)
    return _Layout(header, section, program, is_64=data[4] == 2)


def _sections(
    data: memoryview, layout: _Layout, offset: int, entry: int, count: int, names_index: int
) -> dict[str, Section]:
    if not offset or not count:
        return {}
    if entry != layout.section.size:
        raise BrokenImageError("ELF header", f"section headers of {entry} bytes")
    table = cut(data, offset, entry * count, "section headers")
    rows = list(layout.section.iter_unpack(table))
    if names_index >= len(rows):
        raise BrokenImageError("ELF header", f"section names are section {names_index} of {count}")
    names = cut(data, rows[names_index][4], rows[names_index][5], "section names")
    found: dict[str, Section] = {}
    for name_offset, kind, _, vaddr, start, size, *_ in rows:
        name = text_at(names, name_offset)
        if kind != _NOBITS and size:
            found.setdefault(name, Section(name, vaddr, cut(data, start, size, f"section {name}")))
    return found


def _executable_segment(
    data: memoryview, layout: _Layout, offset: int, entry: int, count: int
) -> tuple[int, int]:
    """(virtual address, file offset) of the first executable segment; (0, 0) if there is none."""
    if not count:
        return 0, 0
    if entry != layout.program.size:
        raise BrokenImageError("ELF header", f"program headers of {entry} bytes")
    for row in layout.program.iter_unpack(cut(data, offset, entry * count, "program headers")):
        if layout.is_64:
            kind, flags, start, vaddr = row[0], row[1], row[2], row[3]
        else:
            kind, start, vaddr, flags = row[0], row[1], row[2], row[6]
        if kind == _LOAD and flags & _EXECUTE:
            return vaddr, start
    return 0, 0


def _gnu_build_id(sections: dict[str, Section], order: str) -> str:
    note = sections.get(".note.gnu.build-id")
    if note is None or len(note.data) < 16:
        return ""
    name_size, size, kind = struct.unpack_from(f"{order}III", note.data)
    if kind != _GNU_BUILD_ID or name_size != 4 or bytes(note.data[12:16]) != b"GNU\0":
        return ""
    return bytes(note.data[16 : 16 + size]).hex()
