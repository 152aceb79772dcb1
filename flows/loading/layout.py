"""Other layouts than ``artifacts/<build>/<run>/<file>``, told by patterns of paths or by names given.

A pattern is the path of a file below the folder given, such as ``bench-{build}.txt`` or
``{build}/{run}/**``:

    {build} {run}               which build and run the file is of; {run} twice gives "pod-1-20260102T150405Z"
    {commit} {branch}           of the build
    {committed_at}              when the build's revision was committed
    {captured_at}               when the file was written, where its content does not say; also the run's name
                                where there is no {run}
    *  **                       anything within a name; any folders

A field takes as much as it can: of ``v1-rc2-3`` the pattern ``{build}-{run}`` gives build v1-rc2, run 3. The
first pattern that fits decides; what fits none is passed over, and told. A ``build.json`` lies in the folder
whose name has the last {build}, a ``run.json`` likewise. An archive is a folder without its suffix.
"""

from __future__ import annotations

import difflib
import re
from codecs import BOM_UTF16_BE, BOM_UTF16_LE
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from tracemill.flows.loading.tree import Tree
from tracemill.warehouse.schema.errors import TracemillError

if TYPE_CHECKING:
    from pathlib import Path

BUILD_FILE, RUN_FILE = "build.json", "run.json"
# A million builds with their subjects.
MAX_ORDER_BYTES = 64 * 1024**2
# Digits of a Unix time → nanoseconds of its unit
_UNITS = {10: 10**9, 13: 10**6, 19: 1}
_CLOCK = r"[T_. -]?\d\d[:.-]?\d\d[:.-]?\d\d(?:[.,]\d{1,9})?"
_TIME = rf"\d{{4}}-?\d\d-?\d\d(?:{_CLOCK})?(?:Z|[+-]\d\d:?\d\d)?|\d{{10}}|\d{{13}}|\d{{19}}"
_FIELDS = {
    "build": r"[^/]+",
    "run": r"[^/]+",
    "commit": r"[0-9a-fA-F]{4,64}",
    "branch": r"[^/]+",
    "committed_at": _TIME,
    "captured_at": _TIME,
}
_NAME = re.compile(r"[^./\\\0][^/\\\0]*")
_TOKEN = re.compile(r"\{([^{}/]*)\}|(\*\*/?)|(\*)|([^{}*]+|[{}])")
_PARTS_OF_TIME = re.compile(
    r"(\d{4})-?(\d\d)-?(\d\d)(?:[T_. -]?(\d\d)[:.-]?(\d\d)[:.-]?(\d\d)(?:[.,](\d{1,9}))?)?"
    r"(?:Z|([+-]\d\d):?(\d\d))?"
)


class LayoutError(TracemillError):
    """A layout that cannot be used, in one sentence."""


def folder_name(what: str, name: str) -> None:
    """Raise LayoutError where no folder that is read can have that name."""
    if not _NAME.fullmatch(name):
        raise LayoutError(f"{what} {name!r}: a folder's name, without slashes and no dot in front")


@dataclass(slots=True)
class Placed:
    """A tree in the usual layout, what its paths say of builds, and what no pattern fits."""

    tree: Tree = field(default_factory=Tree)
    builds: dict[str, dict[str, str]] = field(default_factory=dict)
    strays: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Layout:
    """How builds and runs are told. patterns: see above. build, run: of every file, whatever its path.

    order: builds or their commits, oldest first, where a list gives the order of builds.
    """

    patterns: tuple[str, ...] = ()
    build: str | None = None
    run: str | None = None
    order: tuple[str, ...] = ()

    @property
    def is_usual(self) -> bool:
        """Whether folders are builds and runs."""
        return not self.patterns and self.build is None and self.run is None

    def placed(self, tree: Tree) -> Placed:
        """The tree with each file in the folder of its build and run. Raises LayoutError."""
        rules = self._rules()
        placed = Placed()
        for file in tree.files:
            place = self._place(file.parts, rules)
            if place is None:
                placed.strays.append(file.shown)
                continue
            placed.tree.files.append(replace(file, parts=place.parts, captured_at_ns=place.captured_at_ns))
            placed.tree.folders += [place.parts[:depth] for depth in range(1, len(place.parts))]
            placed.builds.setdefault(place.parts[0], {}).update(place.of_build)
        for problem in tree.problems:
            place = self._place(problem.parts, rules)
            # What cannot be read fails the build that it may be of; of none, under its own name.
            parts = place.parts if place else problem.parts
            placed.tree.problems.append(replace(problem, parts=parts))
            placed.tree.folders.append(parts[:1])
        placed.tree.folders = list(dict.fromkeys(placed.tree.folders))
        return placed

    def _rules(self) -> list[_Rule]:
        for what, name in (("build", self.build), ("run", self.run)):
            if name is not None:
                folder_name(what, name)
        if self.run is not None and self.build is None and not self.patterns:
            raise LayoutError("--run needs --build, or a --layout that names the build")
        return [_Rule(pattern, has_build=self.build is not None) for pattern in self.patterns]

    def _place(self, parts: tuple[str, ...], rules: list[_Rule]) -> _Place | None:
        """Where a file goes; None where no rule fits."""
        if not self.patterns:
            build = self.build or ""
            is_manifest = parts == (BUILD_FILE,)
            return _Place((build, *parts) if self.run is None or is_manifest else (build, self.run, *parts))
        path = "/".join(parts)
        for rule in rules:
            if (said := rule.match(path)) is not None:
                build = self.build if self.build is not None else said.build
                run = self.run if self.run is not None else said.run
                if parts[-1] in (BUILD_FILE, RUN_FILE):
                    names = (build,) if parts[-1] == BUILD_FILE or run is None else (build, run)
                    return _Place((*names, parts[-1]), said.of_build)
                names = (build,) if run is None else (build, run)
                return _Place((*names, *parts[-1:]), said.of_build, said.captured_at_ns)
        return None


@dataclass(frozen=True, slots=True)
class _Place:
    """The path of a file in the usual layout, and what its own path says of the build and of the file."""

    parts: tuple[str, ...]
    of_build: dict[str, str] = field(default_factory=dict)
    captured_at_ns: int | None = None


@dataclass(frozen=True, slots=True)
class _Said:
    """What a path says by a pattern."""

    build: str
    run: str | None
    of_build: dict[str, str]
    captured_at_ns: int | None


class _Rule:
    """A pattern, compiled; also for the manifests that lie beside its builds and runs."""

    def __init__(self, pattern: str, *, has_build: bool) -> None:
        folders = pattern.split("/")
        if not has_build and "{build}" not in pattern:
            raise LayoutError(f"the layout {pattern!r} names no build: it needs {{build}}, or --build B")
        self._expressions = [
            self._compiled("/".join([*folders[: last + 1], name]))
            for fielded, name in (("{build}", BUILD_FILE), ("{run}", RUN_FILE))
            if (last := max((i for i, part in enumerate(folders[:-1]) if fielded in part), default=-1)) >= 0
        ]
        self._expressions.append(self._compiled(pattern))

    def _compiled(self, pattern: str) -> tuple[re.Pattern[str], list[str]]:
        """The expression and the field of each of its groups. Raises LayoutError."""
        names: list[str] = []
        written = []
        for token in _TOKEN.finditer(pattern):
            name, folders, star, plain = token.groups()
            if name is not None:
                if name not in _FIELDS:
                    raise LayoutError(_no_field(pattern, name))
                names.append(name)
                written.append(f"({_FIELDS[name]})")
            elif folders:
                written.append("(?:[^/]+/)*" if folders.endswith("/") else "(?:[^/]+/)*[^/]+")
            else:
                written.append("[^/]*" if star else re.escape(plain))
        return re.compile("".join(written)), names

    def match(self, path: str) -> _Said | None:
        """What the path says; None where it does not fit, or what should be a time is none."""
        for expression, names in self._expressions:
            found = expression.fullmatch(path)
            if found is not None:
                said: dict[str, list[str]] = {}
                for name, value in zip(names, found.groups(), strict=True):
                    said.setdefault(name, []).append(value)
                return _said(said)
        return None


def _said(fields: dict[str, list[str]]) -> _Said | None:
    values = {name: "-".join(parts) for name, parts in fields.items()}
    times = {name: time_ns(values[name]) for name in ("committed_at", "captured_at") if name in values}
    if None in times.values():
        return None
    of_build: dict[str, str] = {name: values[name] for name in ("commit", "branch") if name in values}
    if (committed := times.get("committed_at")) is not None:
        of_build["committed_at"] = datetime.fromtimestamp(committed // 10**9, UTC).isoformat()
    run = values.get("run", values.get("captured_at"))
    return _Said(values.get("build", ""), run, of_build, times.get("captured_at"))


def time_ns(text: str) -> int | None:
    """Unix nanoseconds of a time as names have it, in UTC where no zone stands; None where it is none."""
    if text.isdecimal() and len(text) in _UNITS:
        return int(text) * _UNITS[len(text)]
    found = _PARTS_OF_TIME.fullmatch(text)
    if found is None:
        return None
    *parts, fraction, sign, minutes = found.groups()
    zone = f"{sign}:{minutes}" if sign else "+00:00"
    clock = ":".join(part or "00" for part in parts[3:])
    try:
        moment = datetime.fromisoformat(f"{'-'.join(parts[:3])}T{clock}{zone}")
    except ValueError:
        return None
    return round(moment.timestamp()) * 10**9 + int((fraction or "").ljust(9, "0"))


def read_order(file: Path) -> tuple[str, ...]:
    """The builds or commits that a file lists, the first word of each line. Raises LayoutError.

    It may have a byte order mark: what > writes in Windows PowerShell is UTF-16.
    """
    try:
        with file.open("rb") as stream:
            content = stream.read(MAX_ORDER_BYTES)
    except OSError as error:
        raise LayoutError(f"{file}: {error.strerror}") from error
    encoding = "utf-16" if content.startswith((BOM_UTF16_LE, BOM_UTF16_BE)) else "utf-8-sig"
    lines = content.decode(encoding, "replace").splitlines()
    return tuple(words[0] for line in lines if (words := line.split()) and not words[0].startswith("#"))


def _no_field(pattern: str, name: str) -> str:
    near = difflib.get_close_matches(name, _FIELDS, n=1)
    known = f"did you mean {{{near[0]}}}?" if near else "there is " + ", ".join(f"{{{f}}}" for f in _FIELDS)
    return f"the layout {pattern!r} has a field {{{name}}} that there is not; {known}"


def _common_start(names: list[str]) -> str:
    first, last = min(names), max(names)
    return first[: next((i for i, (a, b) in enumerate(zip(first, last, strict=False)) if a != b), len(first))]


def suggested(names: list[str]) -> str | None:
    """A pattern that fits all of the files, where they differ in one part of their names alone."""
    if len(names) < 2:
        return None
    front = _common_start(names)
    back = _common_start([name[len(front) :][::-1] for name in names])[::-1]
    # Whole words stay together: of bench-a1.txt and bench-a2.txt the build is a1 and a2.
    front = front[: max((i + 1 for i, c in enumerate(front) if not c.isalnum()), default=0)]
    back = back[min((i for i, c in enumerate(back) if not c.isalnum()), default=len(back)) :]
    middles = [name[len(front) : len(name) - len(back)] for name in names]
    is_plain = all(middle and "/" not in middle and "." not in middle for middle in middles)
    return f"{front}{{build}}{back}" if is_plain and (front or back) else None
