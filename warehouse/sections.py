"""The sections of the catalog: mappings whose records are read once a key of their build is asked for.

What runs over all of a section reads all of it. What runs over some builds says so by of().
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, MutableMapping
from dataclasses import dataclass, field
from typing import Any, Generic, NamedTuple, Self, TypeVar

from tracemill.warehouse import manifests
from tracemill.warehouse.parts import SHARED
from tracemill.warehouse.records import (
    Accepted,
    Build,
    Capture,
    Condensed,
    Failure,
    StoredFile,
    as_state,
    record,
)
from tracemill.warehouse.state import FILES, State

K = TypeVar("K")
V = TypeVar("V")


# Named, as catalogs of single builds are sent to other processes
def _first(key: Any) -> str:  # noqa: ANN401 - a place, a run, a change
    return str(key[0])


def _shared(_: object) -> str:
    return SHARED


def _nothing(_: str) -> None:
    pass


@dataclass(slots=True)
class Unread:
    """The builds whose records no section has yet; read has the sections take in those of one.

    place: of each build among all that were committed.
    """

    builds: dict[str, None] = field(default_factory=dict)
    read: Callable[[str], None] = _nothing
    place: dict[str, int] = field(init=False)

    def __post_init__(self) -> None:
        self.place = {build: place for place, build in enumerate(self.builds)}

    def need(self, builds: Iterable[str]) -> None:
        """Have the records of these builds in all sections. Raises DamagedError."""
        for build in builds:
            if build in self.builds:
                self.read(build)
                del self.builds[build]

    def need_all(self) -> None:
        """Have all records in all sections."""
        self.need(list(self.builds))


class Records(MutableMapping[K, V], Generic[K, V]):
    """A section. now: the records that were read or set; before: those of them that are committed."""

    def __init__(self, build_of: Callable[[K], str], unread: Unread | None = None) -> None:
        self.now: dict[K, V] = {}
        self.before: dict[K, V] = {}
        self.build_of = build_of
        self._unread = unread or Unread()

    def of(self, builds: Iterable[str]) -> dict[K, V]:
        """The records of these builds, in the builds' order, and no others read."""
        chosen, place = set(builds), self._unread.place
        self._unread.need(chosen)
        found = [(key, value) for key, value in self.now.items() if self.build_of(key) in chosen]
        found.sort(key=lambda pair: place.get(self.build_of(pair[0]), len(place)))
        return dict(found)

    def changes(self) -> tuple[dict[K, V], list[K]]:
        """The records that are not committed so, and the keys of those that are left out."""
        before = self.before
        put = {k: v for k, v in self.now.items() if (known := before.get(k)) is not v and known != v}
        return put, [key for key in before if key not in self.now]

    def changed(self) -> set[str]:
        """The builds with another record than is committed."""
        put, gone = self.changes()
        return {self.build_of(key) for key in (*put, *gone)}

    def take_in(self, records: Iterable[tuple[K, V]]) -> None:
        """Have records that are committed."""
        for key, value in records:
            self.now[key], self.before[key] = value, _copy(value)

    def put(self, records: Mapping[K, V], builds: Iterable[str]) -> None:
        """Have these records be all that there are of the builds."""
        chosen = set(builds)
        others = {key: value for key, value in self.now.items() if self.build_of(key) not in chosen}
        self.now = others | dict(records)

    def keep(self) -> None:
        """Take the records as committed."""
        self.before = {key: _copy(value) for key, value in self.now.items()}

    def _need(self, key: object) -> None:
        builds = self._unread.builds
        if builds:
            self._unread.need([self.build_of(key)])  # type: ignore[arg-type]

    def __getitem__(self, key: K) -> V:
        self._need(key)
        return self.now[key]

    def __setitem__(self, key: K, value: V) -> None:
        self._need(key)
        self.now[key] = value

    def __delitem__(self, key: K) -> None:
        self._need(key)
        del self.now[key]

    def __contains__(self, key: object) -> bool:
        self._need(key)
        return key in self.now

    def __iter__(self) -> Iterator[K]:
        self._unread.need_all()
        return iter(self.now)

    def __len__(self) -> int:
        self._unread.need_all()
        return len(self.now)

    def __ior__(self, other: Mapping[K, V]) -> Self:
        self.update(other)
        return self

    def __repr__(self) -> str:
        return repr(dict(self))


def _copy(value: V) -> V:
    """The value, or where it may be changed a copy."""
    return dict(value) if isinstance(value, dict) else value  # type: ignore[return-value]


class FileRecords(Records[str, StoredFile]):
    """What Parquet files were when they were written: path → record; one at a time, as they are asked for."""

    def __init__(self, state: State) -> None:
        super().__init__(_shared)
        self.state = state
        self._gone: set[str] = set()

    def _need(self, key: Any) -> None:  # noqa: ANN401 - of any type
        if key in self.now or key in self._gone:
            return
        if (found := self.state.file(key)) is not None:
            self.now[key] = self.before[key] = record(StoredFile, found)

    def __delitem__(self, key: str) -> None:
        super().__delitem__(key)
        self._gone.add(key)

    def __setitem__(self, key: str, value: StoredFile) -> None:
        self._gone.discard(key)
        super().__setitem__(key, value)

    def __iter__(self) -> Iterator[str]:
        for path in self.state.sections().get(FILES, {}):
            self._need(path)
        return iter(self.now)

    def __len__(self) -> int:
        return sum(1 for _ in self)


class Codec(NamedTuple):
    """How a section's records stand in the manifests: their key there, what stands there, and back.

    build_of: the build of a key.
    """

    key_of: Callable[[Any, Any], str]
    encode: Callable[[Any, Any], dict[str, Any]]
    decode: Callable[[dict[str, Any]], tuple[Any, Any]]
    build_of: Callable[[Any], str]


def _of_run(name: str) -> Codec:
    """The codec of what is known of a run."""
    return Codec(
        lambda run, _: manifests.key(*run),
        lambda run, value: {
            "build_id": run[0],
            "run_id": run[1],
            name: dict(value) if isinstance(value, dict) else value,
        },
        lambda state: ((state["build_id"], state["run_id"]), state[name]),
        _first,
    )


def _of_capture(state: dict[str, Any]) -> tuple[Any, Any]:
    capture = record(Capture, state)
    return capture.place, capture


def _of_failure(state: dict[str, Any]) -> tuple[Any, Any]:
    failure = record(Failure, state)
    return failure.place, failure


def _of_accepted(state: dict[str, Any]) -> tuple[Any, Any]:
    accepted = record(Accepted, state)
    return accepted.change, accepted


CODECS = {
    "captures": Codec(lambda _, c: str(c.capture_id), lambda _, c: as_state(c), _of_capture, _first),
    "builds": Codec(
        lambda build_id, _: str(build_id),
        lambda _, build: as_state(build),
        lambda state: (state["build_id"], record(Build, state)),
        str,
    ),
    "work": _of_run("work"),
    "pairs": _of_run("pair"),
    "failures": Codec(lambda place, _: manifests.key(*place), lambda _, f: as_state(f), _of_failure, _first),
    "accepted": Codec(
        lambda change, _: manifests.key(*change), lambda _, a: as_state(a), _of_accepted, _first
    ),
    "condensed": Codec(
        lambda path, _: str(path),
        lambda _, kept: as_state(kept),
        lambda state: (state["path"], record(Condensed, state)),
        _shared,
    ),
}
