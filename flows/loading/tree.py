"""What lies below an artifacts folder, archives taken as folders: files with the names that a layout sees."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from pathlib import Path

from tracemill.parsers.unwrap.archive import files_in, is_archive

# What an archive's name ends in, and what the folder that it stands for is not called.
_ARCHIVE_SUFFIX = re.compile(r"(?i)(?:\.(?:zip|tar|tgz|tbz2|txz|tzst|gz|zst|xz|bz2|lz4))+$")
# Names that a folder of artifacts bears inside an archive of it.
_WRAPPERS = frozenset({"artifacts", "artifact"})


@dataclass(frozen=True, slots=True)
class Found:
    """A file: the names on the way to it, how it is shown, and where it is (members: in an archive).

    captured_at_ns: when it was written, where its path says so.
    """

    parts: tuple[str, ...]
    shown: str
    file: Path
    members: tuple[str, ...] = ()
    captured_at_ns: int | None = None


@dataclass(frozen=True, slots=True)
class Problem:
    """What could not be taken, and why."""

    parts: tuple[str, ...]
    shown: str
    fact: str


@dataclass(slots=True)
class Tree:
    """All that lies below a folder, in natural order."""

    files: list[Found] = field(default_factory=list)
    folders: list[tuple[str, ...]] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    # Links to folders, as they are shown; what these hold is read where it lies.
    links: list[str] = field(default_factory=list)


def natural_key(name: str) -> list[tuple[int, str]]:
    """Orders b2 before b10."""
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in re.split(r"(\d+)", name) if part]


def text_of_name(name: str) -> str:
    """A file's name as text: names are bytes, and what is not UTF-8 is shown with escapes."""
    return os.fsencode(name).decode("utf-8", "backslashreplace")


def tree_of(top: Path) -> Tree:
    """What lies below a folder, or in an archive that stands for one. Hidden files are passed over."""
    tree = Tree()
    if not top.is_dir():
        _take_archive(top, (), "", tree)
    else:
        _walk(top, tree)
    order = {"key": lambda each: [natural_key(part) for part in each.parts]}
    tree.files.sort(**order)  # type: ignore[arg-type]
    tree.problems.sort(**order)  # type: ignore[arg-type]
    tree.folders.sort(key=lambda parts: [natural_key(part) for part in parts])
    return tree


def _walk(top: Path, tree: Tree) -> None:
    def unreadable(error: OSError) -> None:
        parts = _parts(Path(error.filename), top)
        tree.problems.append(Problem(parts, "/".join(parts), str(error.strerror)))

    for current, folders, names in os.walk(top, onerror=unreadable):
        folders[:] = [name for name in folders if not name.startswith(".")]
        for name in folders:
            path = Path(current, name)
            if path.is_symlink():
                _take_file(path, top, tree)
            else:
                tree.folders.append(_parts(path, top))
        for name in names:
            if not name.startswith("."):
                _take_file(Path(current, name), top, tree)


def _parts(path: Path, top: Path) -> tuple[str, ...]:
    return tuple(text_of_name(part) for part in path.relative_to(top).parts)


def _take_file(file: Path, top: Path, tree: Tree) -> None:
    parts = _parts(file, top)
    shown = "/".join(parts)
    if file.is_symlink() and (wrong := _wrong_link(file, top)):
        tree.problems.append(Problem(parts, shown, wrong))
    elif file.is_dir():  # by a link: folders themselves are walked
        tree.links.append(shown)
    elif not file.is_file():
        tree.problems.append(Problem(parts, shown, "not a regular file"))
    elif is_archive(file):
        _take_archive(file, parts, shown, tree)
    else:
        tree.files.append(Found(parts, shown, file))


def _wrong_link(link: Path, top: Path) -> str | None:
    """Why what a link leads to is not read, in words; None where it is."""
    # Path.resolve raises for a link that leads to itself; realpath gives it back.
    target, whole = Path(os.path.realpath(link)), Path(os.path.realpath(top))
    if not target.is_relative_to(whole):
        return "links out of the folder"
    is_hidden = any(part.startswith(".") for part in target.relative_to(whole).parts)
    return "a link to a hidden folder, which is not read" if is_hidden and target.is_dir() else None


def _take_archive(file: Path, parts: tuple[str, ...], shown: str, tree: Tree) -> None:
    """The files of an archive, as if they lay in a folder of its name."""
    stem = _ARCHIVE_SUFFIX.sub("", text_of_name(file.name))
    above = (*parts[:-1], stem) if parts else ()
    if parts:
        tree.folders.append(above)
    found = [(tuple("/".join(way).split("/")), way, problem) for way, problem in files_in(file)]
    skipped = _wrapping([inner for inner, _, _ in found], stem, len(above))
    for inner, way, problem in found:
        seen = (*above, *inner[skipped:])
        place = "/".join([shown, *way]) if shown else "/".join(way)
        if problem is None:
            tree.files.append(Found(seen, place, file, way))
            tree.folders += [seen[:depth] for depth in range(1, len(seen))]
        else:
            tree.problems.append(Problem(seen, place or shown or text_of_name(file.name), problem))
    tree.folders = list(dict.fromkeys(tree.folders))


def _wrapping(names: list[tuple[str, ...]], stem: str, depth: int) -> int:
    """How many folders around everything in an archive only say what its name says already.

    depth: of the folder that the archive stands for; 0 is the folder of all builds, 1 a build.
    """
    tops = {parts[0] for parts in names}
    if len(tops) != 1 or min(map(len, names)) < 2:
        return 0
    top = next(iter(tops))
    is_same = top == stem or (depth == 0 and top in _WRAPPERS and max(map(len, names)) > 3)
    return int(is_same or (depth == 1 and (top, "build.json") in names) or depth > 1)
