"""Forget: take a build, a run or a capture out of the warehouse; put it back, while its files are kept."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from tracemill.flows.build import build as build_models
from tracemill.flows.keep.rollback import states
from tracemill.flows.lock import held
from tracemill.flows.names import NoSuchNameError, require
from tracemill.warehouse.catalog import Catalog, sole_lock
from tracemill.warehouse.errors import DamagedError, WarehouseError

if TYPE_CHECKING:
    from pathlib import Path

    from tracemill.flows.lock import Lock
    from tracemill.flows.progress import Progress
    from tracemill.warehouse.catalog import Capture


@dataclass(frozen=True, slots=True)
class Which:
    """What to forget. build: whole, or run: of it, or capture: an id or path of the table captures."""

    build: str | None = None
    run: str | None = None
    capture: str | None = None

    def has(self, one: Capture) -> bool:
        """Whether it is among what was chosen."""
        return (
            (self.build is None or one.build_id == self.build)
            and (self.run is None or one.run_id == self.run)
            and (self.capture is None or self.capture in (one.capture_id, one.path))
        )

    @property
    def is_build(self) -> bool:
        """Whether a build is chosen as a whole."""
        return self.run is None and self.capture is None


@dataclass(slots=True)
class Forgotten:
    """What was taken out or put back, and the builds that are gone or back with it."""

    captures: list[Capture] = field(default_factory=list)
    builds: list[str] = field(default_factory=list)


def forget(
    root: Path,
    which: Which,
    *,
    is_trial: bool = False,
    progress: Progress | None = None,
    lock: Lock = sole_lock,
) -> Forgotten:
    """Take what was chosen out, and build the models without it; is_trial only says what would go.

    Raises NoSuchNameError, WarehouseError.
    """
    with lock(root):
        catalog = Catalog.load(root)
        _require(which, catalog)
        done = Forgotten([c for c in catalog.captures.values() if which.has(c)])
        if not done.captures and not which.is_build:
            raise NoSuchNameError(f"nothing is loaded of {_shown(which)}")
        gone = {c.build_id for c in done.captures} | ({which.build} if which.build else set())
        left = {c.build_id for c in catalog.captures.values() if not which.has(c)}
        done.builds = sorted(gone - left) if which.is_build else []
        if condensed := sorted(
            {c.build_id for c in done.captures} & catalog.expired().keys() - {*done.builds}
        ):
            raise WarehouseError(
                f"raw rows of {condensed[0]} have expired, so that its figures cannot be made without a part "
                f"of it; `tracemill forget --build {condensed[0]}` takes the build out as a whole"
            )
        if is_trial:
            return done
        for capture in done.captures:
            catalog.remove(capture.place)
        _drop(done, which, catalog)
        catalog.commit()
        build_models(root, progress=progress, lock=held)
        return done


def _drop(done: Forgotten, which: Which, catalog: Catalog) -> None:
    """Drop what else is known of what is gone: the build's facts, its work, its failures."""
    catalog.forget_condensed(done.builds)
    for name in done.builds:
        catalog.builds.pop(name, None)
    for place in list(catalog.failures):
        of_run = place[0] == which.build and which.run is not None and place[1] == which.run
        if place[0] in done.builds or (of_run and which.capture is None):
            del catalog.failures[place]
    for run in list(catalog.work.keys() | catalog.pairs.keys()):
        of_run = run == (which.build, which.run) and which.capture is None
        if run[0] in done.builds or of_run:
            catalog.work.pop(run, None)
            catalog.pairs.pop(run, None)


def restore(
    root: Path, which: Which, *, progress: Progress | None = None, lock: Lock = sole_lock
) -> Forgotten:
    """Put back what was chosen and forgotten, from the newest state that has it; what was loaded since stays.

    Raises NoSuchNameError where no kept state has more of it, WarehouseError.
    """
    with lock(root):
        catalog = Catalog.load(root)
        for state in states(root):
            earlier = Catalog.load(root, at=state.commit)
            missing = [
                c for place, c in earlier.captures.items() if which.has(c) and place not in catalog.captures
            ]
            if missing:
                return _put_back(root, missing, earlier, catalog, progress)
        raise NoSuchNameError(f"no state that is kept has more of {_shown(which)} than there is")


def _put_back(
    root: Path, missing: list[Capture], earlier: Catalog, catalog: Catalog, progress: Progress | None
) -> Forgotten:
    condensed = {c.build_id for c in missing} & earlier.expired().keys()
    kept = [k for k in earlier.condensed.values() if not condensed.isdisjoint(k.builds)]
    paths = {p for c in missing for p in c.paths} | {k.path for k in kept}
    for path, fact in earlier.damaged(sorted(paths)).items():
        raise DamagedError(f"{root / path}: {fact}; load it again")
    done = Forgotten(missing, sorted({c.build_id for c in missing} - catalog.builds.keys()))
    for capture in missing:
        catalog.captures[capture.place] = capture
        catalog.files |= {path: earlier.files[path] for path in capture.paths if path in earlier.files}
        run = (capture.build_id, capture.run_id or "")
        if run in earlier.work:
            catalog.work.setdefault(run, earlier.work[run])
        if run in earlier.pairs:
            catalog.pairs.setdefault(run, earlier.pairs[run])
    for one in kept:
        now = catalog.condensed[one.path].builds if one.path in catalog.condensed else []
        builds = sorted({*now, *condensed.intersection(one.builds)})
        catalog.condensed[one.path] = replace(one, builds=builds)
        catalog.files[one.path] = earlier.files[one.path]
    for name in done.builds:
        if name in earlier.builds:
            catalog.builds[name] = earlier.builds[name]
        catalog.failures |= {p: f for p, f in earlier.failures.items() if p[0] == name}
    catalog.commit()
    build_models(root, progress=progress, lock=held)
    return done


def _require(which: Which, catalog: Catalog) -> None:
    """Raises NoSuchNameError, with the nearest name, for what is not loaded."""
    captures = list(catalog.captures.values())
    if which.build is not None:
        require(which.build, "build", sorted({c.build_id for c in captures} | catalog.builds.keys()))
    if which.run is not None:
        known = sorted({c.run_id for c in captures if c.build_id == which.build and c.run_id is not None})
        require(which.run, f"run of {which.build}", known)
    if which.capture is not None and not any(which.has(c) for c in captures):
        require(which.capture, "capture", sorted({c.path for c in captures}))


def _shown(which: Which) -> str:
    parts = [("build", which.build), ("run", which.run), ("capture", which.capture)]
    return ", ".join(f"{name} {value}" for name, value in parts if value is not None)
