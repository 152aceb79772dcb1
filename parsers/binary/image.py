"""What an executable's container says, the same for each container format."""

from __future__ import annotations

from dataclasses import dataclass, field


class BrokenImageError(ValueError):
    """A header that leads outside the file; place says where it stands."""

    def __init__(self, place: str, fact: str) -> None:
        super().__init__(f"{place}: {fact}")
        self.place = place
        self.fact = fact


@dataclass(frozen=True, slots=True)
class Section:
    """A section's name, virtual address and content."""

    name: str
    vaddr: int
    data: memoryview


@dataclass(frozen=True, slots=True)
class Image:
    """An executable. architecture is a GOARCH; gnu_build_id hex or empty.

    segment_vaddr, segment_offset: the executable segment, which ties a mapping of the
    running program to the file. other_architectures: what else a universal file holds, unread.
    """

    architecture: str
    is_pie: bool
    is_little_endian: bool
    segment_vaddr: int
    segment_offset: int
    gnu_build_id: str
    sections: dict[str, Section] = field(repr=False)
    other_architectures: tuple[str, ...] = ()
    # Where the program begins; 0 where the container is not asked
    entry: int = 0

    def section(self, *names: str) -> Section | None:
        """The first of the named sections that is there and not empty."""
        for name in names:
            found = self.sections.get(name)
            if found is not None and len(found.data):
                return found
        return None


def cut(data: memoryview, start: int, size: int, place: str) -> memoryview:
    """data[start:start + size]; BrokenImageError if that leads outside the file."""
    if start < 0 or size < 0 or start + size > len(data):
        raise BrokenImageError(place, f"{size} bytes at {start} lie outside the {len(data)} of the file")
    return data[start : start + size]


def text_at(data: memoryview, start: int) -> str:
    """The NUL-terminated text that begins at start; at most 4 KiB of it."""
    raw = bytes(data[start : start + 4096])
    return raw.split(b"\0", 1)[0].decode("utf-8", "replace")
