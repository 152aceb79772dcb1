"""What is known of builds besides their build.json: what was loaded before, a list of their order, git."""

from __future__ import annotations

import re
import shutil
import subprocess
from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from tracemill.warehouse.catalog import Build

# A commit's name, whole or short: digits alone may be a number of something else.
_COMMIT = re.compile(r"(?=[0-9]*[a-f])[0-9a-f]{7,64}|[0-9]{40}")
MIN_COMMIT_LENGTH = 7
SECONDS_FOR_GIT = 20


def merged(found: dict[str, Build], known: Mapping[str, Build], partial: set[str]) -> dict[str, Build]:
    """The builds found, with their places in a list and, of the partial ones, what else is known of them."""
    builds = {}
    for build_id, build in found.items():
        before = known.get(build_id)
        if before is not None:
            build = replace(build, position=before.position, unknown=before.unknown)
            if build.committed_at is None and _is_same(before.commit or "", build.commit or build_id):
                build = replace(build, commit=before.commit, committed_at=before.committed_at)
            if build_id in partial:
                build = replace(
                    build,
                    commit=build.commit or before.commit,
                    branch=build.branch or before.branch,
                    committed_at=build.committed_at or before.committed_at,
                    go_version=build.go_version or before.go_version,
                    labels=before.labels | build.labels,
                )
        builds[build_id] = build
    return builds


def placed_by_list(builds: Mapping[str, Build], order: Iterable[str]) -> dict[str, Build]:
    """The builds with their places in a list of builds or commits, oldest first; short commits do."""
    places: dict[str, int] = {}
    short: dict[str, list[int]] = {}
    for place, name in enumerate(order, 1):
        places.setdefault(name, place)
        if _COMMIT.fullmatch(name):
            short.setdefault(name[:MIN_COMMIT_LENGTH], []).append(place)
    names = {place: name for name, place in places.items()}

    def place_of(name: str | None) -> int | None:
        if name is None:
            return None
        alike = [
            p for p in short.get(name[:MIN_COMMIT_LENGTH], ()) if p in names and _is_same(names[p], name)
        ]
        return places.get(name, alike[0] if len(alike) == 1 else None)

    def position(build: Build) -> int | None:
        place = place_of(build.build_id)
        return place_of(build.commit) if place is None else place

    return {build_id: replace(build, position=position(build)) for build_id, build in builds.items()}


def _is_same(one: str, other: str) -> bool:
    """Whether two names of commits are of one, as far as the shorter says."""
    return len(other) >= MIN_COMMIT_LENGTH and (one.startswith(other) or other.startswith(one))


def with_git_times(builds: dict[str, Build], repository: Path | None = None) -> dict[str, Build]:
    """The builds that name a commit and no time, with the time that the repository gives it.

    A build whose id is a commit's name in the repository is of that commit. repository: default here.
    """
    asked = {
        build_id: name
        for build_id, build in builds.items()
        if build.committed_at is None and _COMMIT.fullmatch(name := build.commit or build_id)
    }
    known = _times(sorted(set(asked.values())), repository) if asked else {}
    found = dict(builds)
    for build_id, name in asked.items():
        if name in known:
            commit, committed_at = known[name]
            found[build_id] = replace(builds[build_id], commit=commit, committed_at=committed_at)
    return found


def _times(names: list[str], repository: Path | None) -> dict[str, tuple[str, str]]:
    """Commit and RFC 3339 time of those of the names that are commits in the repository."""
    git = shutil.which("git")
    if git is None:
        return {}
    command = [git, "log", "--no-walk=unsorted", "--ignore-missing", "--stdin", "--format=%H %cI"]
    try:
        said = subprocess.run(
            command,
            input="\n".join(names),
            cwd=repository,
            capture_output=True,
            text=True,
            check=False,
            timeout=SECONDS_FOR_GIT,
        ).stdout
    except (OSError, subprocess.TimeoutExpired):
        return {}
    commits = [(line.split()[0], line.split()[1]) for line in said.splitlines() if line.count(" ") == 1]
    found = {}
    for name in names:
        alike = [commit for commit in commits if commit[0].startswith(name)]
        if len(alike) == 1:
            found[name] = alike[0]
    return found
