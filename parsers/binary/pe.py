"""PE, 32 and 64 bit: Go on Windows. Specification: Microsoft's PE format; source: debug/pe.

Go's function table has no section of its own here: it lies inside .rdata.
"""

from __future__ import annotations

import struct

from tracemill.parsers.binary.image import BrokenImageError, Image, Section, cut, text_at

_ARCHITECTURES = {0x14C: "386", 0x8664: "amd64", 0xAA64: "arm64"}
_PE_32_PLUS = 0x20B
_DYNAMIC_BASE = 0x40
_COFF = struct.Struct("<HHIIIHH")
_SECTION = struct.Struct("<8sIIIIIIHHI")
_EXECUTE = 0x20000000


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
    return Image(
        architecture=_ARCHITECTURES.get(machine, f"PE machine {machine:#x}"),
        is_pie=bool(struct.unpack_from("<H", optional, 70)[0] & _DYNAMIC_BASE),
        is_little_endian=True,
        segment_vaddr=segment[0],
        segment_offset=segment[1],
        gnu_build_id="",
        sections=sections,
    )
