"""The build's executable: ELF, Mach-O (also universal) or PE, built by Go 1.18 or later, stripped or not.

Emits one row of ``binaries`` (build id, Go version, module, settings, executable segment), one of
``binary_sizes``, the names and addresses of its functions (``binary_functions``), their lines
(``binary_lines``), and ``call_sites``: every CALL of a map, conversion or allocation function of
the runtime, by its return address, with the file and line of the CALL. A heap profile's leaf PC is
such a return address less one, so the two join whichever came first:
``call_sites.pc = leaf_pc + 1 - bias``, bias 0 without PIE, with PIE
``mapping_start - mapping_offset - (segment_vaddr - segment_offset)``.

Functions and lines come from gopclntab, which is in every Go binary and has the names that
the runtime itself reports (a symbol table has other names for generic functions). Sources:
see elf.py, macho.py, pe.py, pclntab.py, buildinfo.py, calls.py.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tracemill.parsers.api import Facts, Issue, ParseError
from tracemill.parsers.binary.elf import is_elf, read_elf
from tracemill.parsers.binary.image import BrokenImageError
from tracemill.parsers.binary.macho import is_fat, is_macho, read_fat, read_macho
from tracemill.parsers.binary.pe import is_pe, read_pe

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tracemill.parsers.api import Item, Options
    from tracemill.parsers.binary.image import Image
    from tracemill.parsers.unwrap.source import Source

NAME = "binary"
_CONTAINERS = ((is_elf, read_elf), (is_macho, read_macho), (is_fat, read_fat), (is_pe, read_pe))


def sniff(head: bytes) -> bool:
    """Whether this is an executable."""
    return any(is_ours(head) for is_ours, _ in _CONTAINERS)


def parse(source: Source, _options: Options) -> Iterator[Item]:
    """The binary's row and its call sites. Raises ParseError for headers that lead nowhere."""
    from tracemill.parsers.binary.buildinfo import read_build_info
    from tracemill.parsers.binary.tables import binary_row, code_rows, size_row

    try:
        content = source.read()
        image = _image(memoryview(content))
        info = read_build_info(image)
        yield Facts(kind="binary", go_version=info.go_version)
        yield binary_row(image, info)
        yield size_row(len(content))
        if image.other_architectures:
            others = ", ".join(image.other_architectures)
            fact = f"a universal file: {image.architecture} is read, {others} is not"
            yield Issue("info", "parser", "fat header", fact)
        yield from code_rows(image)
    except BrokenImageError as error:
        raise ParseError(source.path, error.place, error.fact) from error


def _image(data: memoryview) -> Image:
    head = bytes(data[:4096])
    for is_ours, read in _CONTAINERS:
        if is_ours(head):
            return read(data)
    raise BrokenImageError("header", "not an executable")
