"""The build's executable: ELF with Go's function table, built by Go 1.18 or later, stripped or not.

Emits one row of ``binaries`` (build id, Go version, module, settings, executable segment) and
``call_sites``: every CALL of a map, conversion or allocation function of the runtime, by its
return address, with the file and line of the CALL. A heap profile's leaf PC is such a return
address less one, so the two join whichever came first:
``call_sites.pc = leaf_pc + 1 - bias``, bias 0 without PIE, with PIE
``mapping_start - mapping_offset - (segment_vaddr - segment_offset)``.

Functions and lines come from gopclntab, which is in every Go binary and has the names that
the runtime itself reports (a symbol table has other names for generic functions). Sources:
see elf.py, pclntab.py, buildinfo.py, calls.py.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from parsers.api import Facts, ParseError
from parsers.binary.elf import is_elf, read_elf
from parsers.binary.image import BrokenImageError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from parsers.api import Item, Options
    from parsers.source import Source

NAME = "binary"


def sniff(head: bytes) -> bool:
    """Whether this is an executable."""
    return is_elf(head)


def parse(source: Source, _options: Options) -> Iterator[Item]:
    """The binary's row and its call sites. Raises ParseError for headers that lead nowhere."""
    from parsers.binary.buildinfo import read_build_info
    from parsers.binary.tables import binary_row, call_site_rows

    try:
        image = read_elf(memoryview(source.read()))
        info = read_build_info(image)
        yield Facts(kind="binary", go_version=info.go_version)
        yield binary_row(image, info)
        yield from call_site_rows(image)
    except BrokenImageError as error:
        raise ParseError(source.path, error.place, error.fact) from error
