"""The build info that Go embeds: version, main module, settings. Source: debug/buildinfo (1.18 and later).

Some programs are shipped without it (esbuild from 0.27 on). Their release still stands in the text of
runtime.buildVersion, which the runtime itself needs: the linker (cmd/link/internal/ld/data.go, addstrdata)
writes it into the read-only data with a NUL behind, which constants of the program do not have.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tracemill.parsers.binary.image import Image

MAGIC = b"\xff Go buildinf:"
_INLINE_STRINGS = 2
# Strings stand behind the 32 byte header; the module info between two marks of 16 bytes.
_HEADER_BYTES, _MARK_BYTES = 32, 16
_SECTIONS = (".go.buildinfo", "__go_buildinfo", ".data")
_READ_ONLY = (".rodata", "__rodata", ".rdata")
# go1.26.5, go1.27rc1, go1.27.3-X:nojsonv2, go1.25.4 X:greenteagc; not the go1.13 of a file's name.
_VERSION = re.compile(
    rb"(?<![\w./-])go1\.\d+(?:\.\d+)?(?:rc\d+|beta\d+)?(?:[ -][\w.:,+-]{1,200}){0,2}(?=\0)", re.ASCII
)


@dataclass(frozen=True, slots=True)
class BuildInfo:
    """go_version such as go1.27.3; module the main module's path; settings of go build."""

    go_version: str | None = None
    module: str | None = None
    settings: dict[str, str] = field(default_factory=dict)


def read_build_info(image: Image) -> BuildInfo:
    """What the image says of its build; without build info the Go release alone; empty if it says nothing."""
    info = _embedded(image)
    return info if info.go_version else replace(info, go_version=_build_version(image))


def _embedded(image: Image) -> BuildInfo:
    section = image.section(*_SECTIONS)
    if section is None:
        return BuildInfo()
    data = bytes(section.data)
    at = data.find(MAGIC)
    if at < 0 or len(data) < at + _HEADER_BYTES or not data[at + 15] & _INLINE_STRINGS:
        return BuildInfo()
    version, after = _string(data, at + _HEADER_BYTES)
    info, _ = _string(data, after)
    text = info[_MARK_BYTES:-_MARK_BYTES].decode("utf-8", "replace")
    module = path = None
    settings: dict[str, str] = {}
    for line in text.splitlines():
        kind, _, rest = line.partition("\t")
        if kind == "path":
            path = rest
        elif kind == "mod":
            module = rest.split("\t")[0]
        elif kind == "build":
            key, _, value = rest.partition("=")
            settings[key.strip('"')] = value.strip('"')
    return BuildInfo(version.decode("utf-8", "replace") or None, module or path, settings)


def _build_version(image: Image) -> str | None:
    """The text of runtime.buildVersion; None where no text, or more than one, may be it."""
    section = image.section(*_READ_ONLY)
    found = {match.group() for match in _VERSION.finditer(section.data)} if section else set()
    return found.pop().decode() if len(found) == 1 else None


def _string(data: bytes, at: int) -> tuple[bytes, int]:
    """A string behind its varint length, and where it ends."""
    size = shift = 0
    while at < len(data) and shift < 35:
        byte = data[at]
        at += 1
        size |= (byte & 0x7F) << shift
        if byte < 0x80:
            break
        shift += 7
    return data[at : at + size], at + size
