"""The manifests of a warehouse: a log with one numbered file for each commit, which is never changed.

``log/0000000012.json`` has the records that commit 12 put and dropped. ``log/0000000012.whole.json`` tells
which builds there are after it and in which sealed part each has its records (parts.py), so that reading need
not begin at the first commit, nor reach further than the builds that are asked for. Both end in the SHA-256
of what is before it, and a commit names the SHA-256 of the commit before. A commit is made by creating its
file, which fails where another writer was quicker. ``manifest.json`` says in which version the warehouse is
kept and how far the log goes: a log that ends earlier has lost something.

Version 1 was one ``manifest.json`` with the whole state; it is read, and the next commit makes a log of it.
From version 3 on captures may list goroutine_cycles, of which a reader of version 2 would know nothing; from
version 4 on files may have rows of several captures, and builds rows that are kept condensed. Up to version 4
a whole state had all records itself; it is read, and the next commit writes one of parts.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import socket
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from tracemill.warehouse import parts
from tracemill.warehouse.cached import cache_of, write_file
from tracemill.warehouse.durable import create_file
from tracemill.warehouse.errors import DamagedError, WarehouseError
from tracemill.warehouse.layout import LOG, MANIFEST, PARTS
from tracemill.warehouse.parts import Digests, Part, Sections
from tracemill.warehouse.state import Change as Change  # part of what is given here
from tracemill.warehouse.state import State, apply

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

MANIFEST_VERSION = 5
# The first whose whole states are of parts
_OF_PARTS = 5
_WHOLE = ".whole.json"
# Commits since the last whole state are replayed by each reader: not less than so much, nor more than it has.
MIN_BYTES_BETWEEN_WHOLE = 256 * 1024
# What a newer whole state fails to tell, the one before it and the commits in between still do.
KEPT_WHOLE = 2


@dataclass(frozen=True, slots=True)
class Position:
    """Where the log stands: its last commit, and how much there is to replay since a whole state."""

    number: int = 0
    sha256: str = ""
    bytes_since_whole: int = 0
    whole_bytes: int = 0


@dataclass(frozen=True, slots=True)
class Commit:
    """One commit as its file tells it; at in RFC 3339. An operation is all commits of one run of a verb."""

    number: int
    sha256: str
    previous: str
    at: str
    operation: str
    by: str
    change: Change
    size_bytes: int


class ConflictError(WarehouseError):
    """Another commit was made first."""


def read(root: Path, at: int | None = None) -> tuple[State, Position]:
    """The records, of now or after an earlier commit. Raises WarehouseError, DamagedError."""
    cache = cache_of(root)
    if cache is None or at is not None:
        return _tried(root, at)
    cache.refresh()
    try:
        return _tried(root, at)
    except DamagedError:  # here, perhaps, and not in the store
        cache.refresh(anew=True)
        return _tried(root, at)


def _tried(root: Path, at: int | None) -> tuple[State, Position]:
    for _ in range(3):
        with contextlib.suppress(FileNotFoundError):  # pruned between the listing and the reading
            return _read(root, at)
    return _read(root, at)


def _read(root: Path, at: int | None) -> tuple[State, Position]:
    head = read_head(root)
    numbers, wholes = listing(root)
    if head is None and numbers:  # begun in between
        head = read_head(root)
    if head is None:
        if numbers or wholes:
            raise DamagedError(f"{root / MANIFEST}: missing, beside a log; `tracemill repair` makes it anew")
        return State(root), Position()
    if head["version"] == 1:
        return _of_version_1(root, head, numbers)
    last = numbers[-1] if numbers else 0
    if last < head["number"]:
        raise DamagedError(
            f"{root / LOG}: ends at commit {last}, and {MANIFEST} knows of {head['number']}; restore the "
            "missing files from a backup, or go on from what is left with `tracemill repair`"
        )
    state, position = replay(root, numbers, wholes, last if at is None else at)
    if position.number == head["number"] and position.sha256 != head["sha256"]:
        raise DamagedError(
            f"{_commit_file(root, last)}: another commit than the one that {MANIFEST} knows of"
        )
    return state, position


def replay(root: Path, numbers: list[int], wholes: list[int], last: int) -> tuple[State, Position]:
    """The records after commit ``last``, from the newest whole state that can be read."""
    state = State(root)
    position = Position()
    lost: DamagedError | None = None
    for number in reversed([w for w in wholes if w <= last]):
        try:
            state, position = _whole(root, number)
        except DamagedError as error:
            lost = error
            continue
        break
    if not position.number and stands_alone(root, numbers):
        position = Position(numbers[0] - 1)
    present = set(numbers)
    for number in range(position.number + 1, last + 1):
        if number not in present:
            raise lost or DamagedError(f"{_commit_file(root, number)}: missing; `tracemill repair`")
        commit = read_commit(root, number)
        if commit.previous != position.sha256 and number != numbers[0]:
            raise DamagedError(
                f"{_commit_file(root, number)}: follows another commit {number - 1} than the one here"
            )
        state.apply(commit.change)
        since = position.bytes_since_whole + commit.size_bytes
        position = Position(number, commit.sha256, since, position.whole_bytes)
    return state, position


def _whole(root: Path, number: int) -> tuple[State, Position]:
    """A whole state, and where it stands. Raises DamagedError."""
    whole, _, size = unseal(root / LOG / f"{number:010}{_WHOLE}")
    state = State.of(root, whole)
    if not parts.is_there(root, state.parts):
        raise DamagedError(f"{root / PARTS}: lacks a part of whole state {number}; `tracemill repair`")
    is_old = whole["version"] < _OF_PARTS  # then one of parts is due
    return state, Position(number, whole["sha256"], size if is_old else 0, 0 if is_old else size)


def read_whole(root: Path, number: int, lost: Callable[[Part], None]) -> Sections:
    """All records after a commit, as they were written down. Raises DamagedError.

    lost: is told of parts that cannot be read.
    """
    return State.of(root, unseal(root / LOG / f"{number:010}{_WHOLE}")[0]).sections(lost)


def named_parts(root: Path) -> list[Part]:
    """The parts that the whole states name. Raises DamagedError where one of these cannot be read."""
    found: dict[str, Part] = {}
    for number in listing(root)[1]:
        with contextlib.suppress(FileNotFoundError):  # pruned meanwhile
            whole = unseal(root / LOG / f"{number:010}{_WHOLE}")[0]
            found |= {part["sha256"]: Part.of(part) for part in whole.get("parts", [])}
    return list(found.values())


def part_files(root: Path) -> set[str]:
    """The files of parts that are needed; of all parts here where it cannot be told which are not."""
    try:
        return parts.files_of(named_parts(root))
    except DamagedError:
        return {file.relative_to(root).as_posix() for file in (root / PARTS).glob("*")}


def stands_alone(root: Path, numbers: list[int]) -> bool:
    """Whether the log's first commit has all records, as the first one of all and that of a repair do."""
    return bool(numbers) and (numbers[0] == 1 or not read_commit(root, numbers[0]).previous)


def history(root: Path) -> Iterator[tuple[Commit, Sections]]:
    """Each commit whose state is kept, and the records after it; they change with the next one."""
    numbers, wholes = listing(root)
    sections: Sections = {}
    if numbers and not stands_alone(root, numbers):
        sections = replay(root, numbers, wholes, numbers[0] - 1)[0].sections()
    for number in numbers:
        commit = read_commit(root, number)
        apply(sections, commit.change)
        yield commit, sections


def append(root: Path, position: Position, change: Change, operation: str) -> Position:
    """Commit the change after position; from here on it is in the warehouse, whatever comes.

    Raises ConflictError where another commit was made since position was read.
    """
    number = position.number + 1
    content = _seal(
        {
            "version": MANIFEST_VERSION,
            "number": number,
            "previous": position.sha256,
            "at": datetime.now(UTC).isoformat(timespec="milliseconds"),
            "operation": operation,
            "by": f"tracemill {version('tracemill')}, pid {os.getpid()} on {socket.gethostname()}",
            "put": change.put,
            "drop": change.drop,
            "unlisted": change.unlisted,
            "builds": change.builds,
        }
    )
    file = _commit_file(root, number)
    file.parent.mkdir(parents=True, exist_ok=True)
    if not position.number and not (root / MANIFEST).exists():
        write_head(root, position)  # a log without one has lost it
    try:
        if cache := cache_of(root):
            cache.commit(file.name, content)
            with contextlib.suppress(OSError):  # the commit stands; reading fetches it
                create_file(file, content)
        else:
            create_file(file, content)
    except FileExistsError:
        raise ConflictError(f"{file}: another writer was quicker; run it again") from None
    since = position.bytes_since_whole + len(content)
    done = Position(number, _sha256(content), since, position.whole_bytes)
    with contextlib.suppress(OSError, WarehouseError):  # the commit stands; the next one writes it again
        head = read_head(root)
        if head is None or head.get("number", 0) < number:  # else another writer has gone on from there
            write_head(root, done)
    return done


def is_whole_due(position: Position) -> bool:
    """Whether replaying the commits has become dearer than reading a whole state."""
    return position.bytes_since_whole > max(MIN_BYTES_BETWEEN_WHOLE, position.whole_bytes)


def write_whole(root: Path, position: Position, state: State) -> tuple[State, Position]:
    """Write down the records as they are at position: first what is new in parts, then which there are."""
    sealed = state.sealed(MANIFEST_VERSION)
    told = {"version": MANIFEST_VERSION, "number": position.number, "sha256": position.sha256}
    content = _seal(told | sealed.as_whole())
    write_file(root, f"{LOG}/{position.number:010}{_WHOLE}", content)
    return sealed, Position(position.number, position.sha256, 0, len(content))


def write_head(root: Path, position: Position) -> None:
    """Say how far the log goes."""
    head = {"version": MANIFEST_VERSION, "number": position.number, "sha256": position.sha256, "log": LOG}
    write_file(root, MANIFEST, json.dumps(head).encode() + b"\n")


def read_head(root: Path) -> dict[str, Any] | None:
    """What manifest.json says; None where there is none. Raises WarehouseError for a newer version."""
    path = root / MANIFEST
    try:
        head = json.loads(path.read_bytes())
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise DamagedError(f"{path}: cannot be read as a manifest: {error}") from error
    found = head.get("version") if isinstance(head, dict) else None
    if isinstance(found, int) and found > MANIFEST_VERSION:
        raise WarehouseError(
            f"{path}: version {found}, this Tracemill reads versions 1 to {MANIFEST_VERSION}; "
            "a newer one wrote this warehouse"
        )
    if found not in range(1, MANIFEST_VERSION + 1) or (found != 1 and "number" not in head):
        raise DamagedError(f"{path}: cannot be read as a manifest: version {found}")
    return dict(head)


def _of_version_1(root: Path, state: dict[str, Any], numbers: list[int]) -> tuple[State, Position]:
    """The records of a manifest of version 1; of the log where a stop came right after that was begun."""
    sha256 = _sha256((root / MANIFEST).read_bytes())
    if numbers:
        if read_commit(root, 1).previous == sha256:
            return replay(root, numbers, [], numbers[-1])
        raise DamagedError(f"{root}: {MANIFEST} of version 1 and a log of another state; remove one of them")
    sections: Sections = {
        "captures": {c["capture_id"]: c for c in state["captures"]},
        "builds": {b["build_id"]: b for b in state["builds"]},
        "work": {key(w["build_id"], w["run_id"]): w for w in state["work"]},
        "failures": {key(f["build_id"], f["run_id"], f["path"]): f for f in state["failures"]},
        "accepted": {key(a["build_id"], a["metric"], a["subject"]): a for a in state.get("accepted", [])},
        "retired": state["retired"],
    }
    return State.of(root, {"sections": sections}), Position(0, sha256)


def key(*parts: str | None) -> str:
    """The key of a record that has several columns for its grain."""
    return json.dumps(parts, separators=(",", ":"))


def listing(root: Path) -> tuple[list[int], list[int]]:
    """The numbers of the commits and of the whole states in the log, in order."""
    try:
        names = sorted(file.name for file in (root / LOG).iterdir())
    except FileNotFoundError:
        return [], []
    whole = [int(n.removesuffix(_WHOLE)) for n in names if n.endswith(_WHOLE) and n[0] != "."]
    return [int(n[:-5]) for n in names if n.removesuffix(".json").isdecimal()], whole


def read_commit(root: Path, number: int) -> Commit:
    """One commit. Raises DamagedError."""
    state, sha256, size = unseal(_commit_file(root, number))
    builds = {build: told and Digests(*told) for build, told in state.get("builds", {}).items()}
    change = Change(state["put"], state["drop"], state["unlisted"], builds)
    return Commit(
        number, sha256, state["previous"], state["at"], state["operation"], state["by"], change, size
    )


def prune(root: Path, first_kept: int) -> list[str]:
    """Remove what is not needed to know the states from commit first_kept on; the names of the files."""
    numbers, wholes = listing(root)
    enough = [w for w in wholes if w <= first_kept][-KEPT_WHOLE:]
    if len(enough) < KEPT_WHOLE:
        return []
    gone = [_commit_file(root, n) for n in numbers if n <= enough[0]]
    gone += [root / LOG / f"{w:010}{_WHOLE}" for w in wholes if w < enough[0]]
    for file in gone:
        file.unlink(missing_ok=True)
    if gone:
        parts.prune(root, part_files(root))
    return [file.name for file in gone]


def remove_leftovers(root: Path) -> None:
    """Remove the unfinished files of writers that were stopped. Under the lock only."""
    for file in [*root.glob(f".{MANIFEST}.*"), *(root / LOG).rglob(".*.json.*")]:
        file.unlink(missing_ok=True)


def unseal(path: Path) -> tuple[dict[str, Any], str, int]:
    """A sealed file's content, SHA-256 and size. Raises DamagedError; WarehouseError for a newer version."""
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        raise
    except OSError as error:
        raise DamagedError(f"{path}: cannot be read: {error.strerror}") from error
    body, seal = content[:-65], content[-65:]
    found = hashlib.sha256(body)
    if seal != found.hexdigest().encode() + b"\n":
        raise DamagedError(f"{path}: damaged, its SHA-256 is another than the one at its end")
    state = json.loads(body)
    if state["version"] > MANIFEST_VERSION:
        raise WarehouseError(f"{path}: version {state['version']}; a newer Tracemill wrote this warehouse")
    found.update(seal)
    return state, found.hexdigest(), len(content)


def _seal(state: dict[str, Any]) -> bytes:
    body = json.dumps(state, separators=(",", ":")).encode()
    return body + _sha256(body).encode() + b"\n"


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _commit_file(root: Path, number: int) -> Path:
    return root / LOG / f"{number:010}.json"
