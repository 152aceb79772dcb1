"""What is to load: ``artifacts/<build>/<run>/<file>``, ``build.json``, ``run.json``, or by another layout.

A folder that itself holds a ``build.json`` is taken as one build. A zip or tar stands
for a folder of its name: at the top for a build, in a build's folder for a run. Hidden
files are passed over, and links to folders, which are read where they lie. Whatever is no
regular file below the folder given is a failure: a link out of it, a pipe, a device.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, field, replace
from datetime import datetime
from difflib import get_close_matches
from pathlib import Path

from tracemill.flows.loading.layout import BUILD_FILE, RUN_FILE, Layout, Placed
from tracemill.flows.loading.tree import Found, Problem, Tree, text_of_name, tree_of
from tracemill.parsers.api import ParseError
from tracemill.parsers.unwrap.archive import is_archive, open_file
from tracemill.warehouse.catalog import Build, Failure
from tracemill.warehouse.schema.errors import TracemillError

# The run of files that are given by name for a build.
ONLY_RUN = "1"
# What a manifest may hold; it is small by nature.
MAX_MANIFEST_BYTES = 1024**2
RUN_KEYS = ("work", "pair")
BUILD_KEYS = ("id", "commit", "branch", "committed_at", "go_version", "labels", "work")
# Of 1: what a key has in common with one of these when it is taken for that one, misspelt.
LEAST_LIKENESS = 0.8


class InputError(TracemillError):
    """Input that cannot be used at all, in one sentence."""


@dataclass(frozen=True, slots=True)
class Input:
    """One file to load. path is what error messages and the captures table show.

    members: where file is an archive, the way to the input in it.
    """

    build_id: str
    run_id: str | None
    path: str
    file: Path
    members: tuple[str, ...] = ()
    # When it was written, where the path says so and the content may not.
    captured_at_ns: int | None = None


@dataclass(slots=True)
class Discovered:
    """What lies below the folders given."""

    inputs: list[Input] = field(default_factory=list)
    builds: dict[str, Build] = field(default_factory=dict)
    # Of these builds other files may lie elsewhere: what is known of them stays.
    partial: set[str] = field(default_factory=set)
    runs: set[tuple[str, str]] = field(default_factory=set)
    work: dict[tuple[str, str], dict[str, float]] = field(default_factory=dict)
    pairs: dict[tuple[str, str], str] = field(default_factory=dict)
    failures: list[Failure] = field(default_factory=list)
    # Files that belong to no build, which is worth a word and no more.
    strays: list[str] = field(default_factory=list)
    # Links to folders, which are read where they lie.
    links: list[str] = field(default_factory=list)


def discover(folders: list[Path], layout: Layout | None = None) -> Discovered:
    """Everything below the folders, in a stable order; layout: another than the usual one.

    Raises InputError for a folder that is not there, LayoutError.
    """
    found = Discovered()
    taken: dict[tuple[str, str | None, str], Path] = {}
    for folder in folders:
        if not folder.exists():
            raise InputError(f"{folder}: no such folder")
        count = len(found.inputs)
        if layout and not layout.is_usual:
            _take_placed(folder, layout, found)
        else:
            _take_usual(folder, found)
        found.inputs[count:] = _told_apart(folder, found.inputs[count:], taken)
    return found


def _take_usual(folder: Path, found: Discovered) -> None:
    """Take what lies below a folder, or in an archive, as builds and runs."""
    if not folder.is_dir() and not is_archive(folder):
        raise InputError(f"{folder}: neither a folder nor an archive; of one file say the build: --build B")
    tree = tree_of(folder)
    found.links += tree.links
    if any(file.parts == (BUILD_FILE,) for file in tree.files):
        _take_builds(_below(folder.resolve(), tree), found)
    else:
        found.strays += [str(folder / file.shown) for file in tree.files if len(file.parts) == 1]
        _take_builds(tree, found)


def _told_apart(
    folder: Path, inputs: list[Input], taken: dict[tuple[str, str | None, str], Path]
) -> list[Input]:
    """The inputs of a folder, with its name in front of their paths where another's file has one of these.

    taken: which file has a path of a build and run; those of inputs are noted.
    """
    places = {(each.build_id, each.run_id, each.path): each.file for each in inputs}
    if any(taken.get(place, file) != file for place, file in places.items()):
        name = text_of_name(str(folder))
        inputs = [replace(each, path=f"{name}/{each.path}") for each in inputs]
    taken |= places
    return inputs


def _take_placed(folder: Path, layout: Layout, found: Discovered) -> None:
    """Take what lies below a folder, or a file, in another layout."""
    if folder.is_dir() or is_archive(folder):
        tree = tree_of(folder)
    else:
        name = text_of_name(folder.name)
        parts = (name,) if layout.patterns or layout.run else (ONLY_RUN, name)
        tree = Tree([Found(parts, str(folder), folder)], [parts[:-1]])
    if layout.build is not None and not layout.patterns:
        other = next((f.shown for f in tree.files if f.parts[1:] == (BUILD_FILE,)), None)
        if other:
            raise InputError(f"{folder}: {other} is of a build of its own: without --build it is read as one")
    placed = layout.placed(tree)
    found.links += tree.links
    found.strays += placed.strays
    _take_builds(placed.tree, found, placed, layout.build)


def _below(folder: Path, tree: Tree) -> Tree:
    """The tree of a folder that is itself a build, as the tree of the folder around it."""
    name = text_of_name(folder.name)
    return Tree(
        [replace(f, parts=(name, *f.parts), shown=f"{name}/{f.shown}") for f in tree.files],
        [(name,), *((name, *parts) for parts in tree.folders)],
        [replace(p, parts=(name, *p.parts), shown=f"{name}/{p.shown}") for p in tree.problems],
    )


def _take_builds(
    tree: Tree,
    found: Discovered,
    placed: Placed | None = None,
    build_id: str | None = None,
) -> None:
    """Take the builds of a tree. placed: by another layout; build_id: given, whatever build.json says."""
    builds: dict[str, _Folder] = {
        parts[0]: _Folder(parts[0]) for parts in [*tree.folders, *(p.parts for p in tree.problems)] if parts
    }
    for parts in tree.folders:
        if len(parts) == 2:
            builds[parts[0]].runs.append(parts[1])
    for file in tree.files:
        if len(file.parts) > 1:
            builds[file.parts[0]].files.append(file)
    for problem in tree.problems:
        builds[problem.parts[0]].problems.append(problem)
    for folder in builds.values():
        folder.build_id, folder.is_placed = build_id, placed is not None
        folder.said = placed.builds.get(folder.name, {}) if placed else {}
        _take_build(folder, found)


@dataclass(slots=True)
class _Folder:
    """A build's folder."""

    name: str
    runs: list[str] = field(default_factory=list)
    files: list[Found] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    # Of another layout: what paths say of the build, and its id where it is given.
    is_placed: bool = False
    said: dict[str, str] = field(default_factory=dict)
    build_id: str | None = None


def _take_build(folder: _Folder, found: Discovered) -> None:
    manifests = {f.parts[1:]: f for f in folder.files if f.parts[-1] in (BUILD_FILE, RUN_FILE)}
    file = manifests.get((BUILD_FILE,))
    manifest = {**folder.said, **_read_manifest(file, (folder.name, None), found)}
    if folder.build_id is not None:
        manifest["id"] = folder.build_id
    build = _build(folder.name, file, manifest, found)
    if folder.is_placed and file is None:
        found.partial.add(build.build_id)
    _check_keys(file, manifest, BUILD_KEYS, (build.build_id, None), found)
    build_work = _work(file, manifest, (build.build_id, None), found)
    if build.build_id not in found.builds or manifest:
        found.builds[build.build_id] = build
    for name in folder.runs:
        run = (build.build_id, name)
        found.runs.add(run)
        file = manifests.get((name, RUN_FILE))
        of_run = _read_manifest(file, run, found)
        _check_keys(file, of_run, RUN_KEYS, run, found)
        if work := build_work | _work(file, of_run, run, found):
            found.work[run] = work
        if (pair := _pair(file, of_run, run, found)) is not None:
            found.pairs[run] = pair
    runs = set(folder.runs)
    for problem in folder.problems:
        run_id = problem.parts[1] if len(problem.parts) > 1 and problem.parts[1] in runs else None
        _fail(problem.shown, build.build_id, run_id, problem.fact, found)
    for item in folder.files:
        run_id = item.parts[1] if len(item.parts) > 2 else None
        if item.parts[1:] not in ((BUILD_FILE,), (run_id, RUN_FILE)):
            place = build.build_id, run_id, item.shown
            found.inputs.append(Input(*place, item.file, item.members, item.captured_at_ns))


def _fail(shown: str, build_id: str, run_id: str | None, fact: str, found: Discovered) -> None:
    found.failures.append(Failure(build_id, run_id, shown, None, f"{shown}: {fact}"))


def _read_manifest(file: Found | None, place: tuple[str, str | None], found: Discovered) -> dict[str, object]:
    """The manifest's content; nothing where it is missing or wrong. place: build and run that it is of."""
    if file is None:
        return {}
    try:
        with open_file(file.file, file.members) as stream:
            content = json.loads(stream.read(MAX_MANIFEST_BYTES))
        if not isinstance(content, dict):
            raise TypeError("not a JSON object")
        return content
    except (OSError, ParseError, ValueError, TypeError, RecursionError) as error:
        _fail(file.shown, *place, str(error), found)
        return {}


def _check_keys(
    file: Found | None,
    manifest: dict[str, object],
    known: tuple[str, ...],
    place: tuple[str, str | None],
    found: Discovered,
) -> None:
    """Keys of your own are let be; one that is nearly one of ours would be passed over without a word."""
    for key in manifest:
        near = [] if key in known else get_close_matches(key.lower(), known, 1, LEAST_LIKENESS)
        if near:
            _fail(
                file.shown if file else "", *place, f'{key[:40]!r} says nothing: is "{near[0]}" meant?', found
            )


def _work(
    file: Found | None, manifest: dict[str, object], place: tuple[str, str | None], found: Discovered
) -> dict[str, float]:
    """The work that the manifest names; none where it is wrong."""
    declared = manifest.get("work") or {}
    try:
        if not isinstance(declared, dict):
            raise TypeError("work is not a JSON object")
        work: dict[str, float] = {}
        for unit, count in declared.items():
            if isinstance(count, bool) or not isinstance(count, (int, float)):
                raise TypeError(f"work: {_text(unit)} is {repr(count)[:40]}, not a number")
            work[_text(unit)] = float(count)
        if not all(math.isfinite(count) for count in work.values()):
            raise ValueError("work is counted in finite numbers")
        return work
    except (ValueError, TypeError, OverflowError) as error:
        _fail(file.shown if file else "", *place, str(error), found)
        return {}


def _pair(
    file: Found | None, manifest: dict[str, object], run: tuple[str, str], found: Discovered
) -> str | None:
    """What the manifest says that the run has in common with those recorded in turns with it."""
    pair = manifest.get("pair")
    try:
        if pair is not None and (isinstance(pair, bool) or not isinstance(pair, (str, int))):
            raise TypeError("pair is neither a text nor a whole number")
        return None if pair is None else _text(pair)
    except (ValueError, TypeError) as error:
        _fail(file.shown if file else "", *run, str(error), found)
        return None


def _text(value: object) -> str:
    """A text that can be stored. Raises ValueError for half of a surrogate pair, which JSON may hold."""
    try:
        return str(value).encode().decode()
    except UnicodeEncodeError as error:
        shown = str(value).encode("utf-8", "backslashreplace").decode()
        raise ValueError(f"{shown!r} is no Unicode text: it holds half of a surrogate pair") from error


def _build(name: str, file: Found | None, declared: dict[str, object], found: Discovered) -> Build:
    place = (name, None)

    def text(key: str) -> str | None:
        value = declared.get(key)
        try:
            return None if value is None else _text(value)
        except ValueError as error:
            _fail(file.shown if file else name, *place, f"{key}: {error}", found)
            return None

    build_id = text("id") or name
    place = (build_id, None)
    committed_at = text("committed_at")
    if committed_at is not None:
        try:
            if datetime.fromisoformat(committed_at).tzinfo is None:
                committed_at += "+00:00"
        except ValueError:
            fact = f"committed_at {committed_at!r} is no RFC 3339 time"
            _fail(file.shown if file else name, *place, fact, found)
            committed_at = None
    labels = declared.get("labels") or {}
    kept: dict[str, str] = {}
    if not isinstance(labels, dict):
        _fail(file.shown if file else name, *place, "labels is not a JSON object", found)
        labels = {}
    for key, value in labels.items():
        try:
            kept[_text(key)] = _text(value)
        except ValueError as error:
            _fail(file.shown if file else name, *place, f"labels: {error}", found)
    return Build(
        build_id=build_id,
        commit=text("commit"),
        branch=text("branch"),
        committed_at=committed_at,
        go_version=text("go_version"),
        labels=kept,
    )
