"""PE, 32 and 64 bit: Go on Windows. Specification: Microsoft's PE format; source: debug/pe.

Go's function table has no section of its own here: it lies inside .rdata, and is found by
its header.
"""

from __future__ import annotations

import re
import struct

from parsers.binary.image import BrokenImageError, Image, Section, cut, text_at

_ARCHITECTURES = {0x14C: "386", 0x8664: "amd64", 0xAA64: "arm64"}
_PE_32_PLUS = 0x20B
_DYNAMIC_BASE = 0x40
_COFF = struct.Struct("<HHIIIHH")
_SECTION = struct.Struct("<8sIIIIIIHHI")
_EXECUTE = 0x20000000
# Magic of Go 1.18 or 1.20, two zeros, instruction size, pointer size.
_PCLNTAB = re.compile(rb"[\xf0\xf1]\xff\xff\xff\0\0[\x01\x04][\x04\x08]", re.DOTALL)


def is_pe(head: bytes) -> bool:
    """Whether this is an executable in PE."""
    if not head.startswith(b"MZ") or len(head) < 64:
        return False
    at = int.from_bytes(head[60:64], "little")
    return head[at : at + 4] == b"PE\0\0"


def read_pe(data: memoryview) -> Image:
    """The image in data. Raises BrokenImageError."""
    at = int.from_bytes(cut(data, 60, 4, "DOS header"), "little") + 4
    machine, count, _, _, _, optional_size, _ = _COFF.unpack(cut(data, at, _COFF.size, "COFF header"))
    optional = cut(data, at + _COFF.size, optional_size, "optional header")
    if optional_size < 72:
        raise BrokenImageError("optional header", f"is {optional_size} bytes long")
    is_64 = struct.unpack_from("<H", optional)[0] == _PE_32_PLUS
    base: int = (
        struct.unpack_from("<Q", optional, 24)[0] if is_64 else struct.unpack_from("<I", optional, 28)[0]
    )
    table = cut(data, at + _COFF.size + optional_size, count * _SECTION.size, "section headers")
    sections: dict[str, Section] = {}
    segment = (0, 0)
    for raw_name, size, rva, raw_size, start, *_, flags in _SECTION.iter_unpack(table):
        name = text_at(memoryview(raw_name), 0)
        # The file's part may be padded beyond the section, or shorter where the rest is zeros.
        content = cut(data, start, min(size, raw_size), f"section {name}")
        sections.setdefault(name, Section(name, base + rva, content))
        if flags & _EXECUTE and segment == (0, 0):
            segment = (base + rva, start)
    _name_pclntab(sections)
    return Image(
        architecture=_ARCHITECTURES.get(machine, f"PE machine {machine:#x}"),
        is_pie=bool(struct.unpack_from("<H", optional, 70)[0] & _DYNAMIC_BASE),
        is_little_endian=True,
        segment_vaddr=segment[0],
        segment_offset=segment[1],
        gnu_build_id="",
        sections=sections,
    )


def _name_pclntab(sections: dict[str, Section]) -> None:
    """Enter the function table among the sections, from its header to the end of .rdata."""
    rdata = sections.get(".rdata")
    if rdata is None or ".gopclntab" in sections:
        return
    for match in _PCLNTAB.finditer(rdata.data):
        at = match.start()
        if at % 8 == 0 and _is_header(rdata.data[at:]):
            sections[".gopclntab"] = Section(".gopclntab", rdata.vaddr + at, rdata.data[at:])
            return


def _is_header(table: memoryview) -> bool:
    """Whether the offsets behind the magic ascend inside the table, as those of a function table do."""
    word = "Q" if table[7] == 8 else "I"
    if len(table) < 72:
        return False
    count, _, _, *offsets = struct.unpack_from(f"<8{word}", table, 8)
    return (
        0 < count < len(table) and offsets == sorted(offsets) and offsets[0] > 0 and offsets[-1] < len(table)
    )
