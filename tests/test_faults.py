"""A full or broken disk at any write of an ingest or a publication: the old state stays, and it is said."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bench import faults

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


# How many calls of a verb fail in the long run, each with either error.
CALLS = 60


def last_of_each_kind(calls: list[str]) -> list[faults.Try]:
    """The last of each kind of call, after which the disk stays full or broken."""
    last = dict(faults.numbered(calls))
    return [(call, at, faults.ERRORS[i % 2], True) for i, (call, at) in enumerate(last.items())]


def some_of_each_kind(calls: list[str]) -> list[faults.Try]:
    """The first of each kind of call alone, and the last with all after it."""
    last = last_of_each_kind(calls)
    return [(call, 1, error, False) for call, _, error, _ in last] + last


def some_all_over(calls: list[str]) -> list[faults.Try]:
    """Every so-many-th call; each call is for `python -m bench.faults`, which takes hours."""
    return [*faults.every(calls, len(calls) // CALLS + 1)]


def assert_every_fault_leaves_the_old_state(
    tmp_path: Path, verb: str, choose: Callable[[list[str]], list[faults.Try]]
) -> set[str]:
    """The kinds of calls that failed."""
    library = faults.compiled(tmp_path)
    if library is None:
        pytest.skip("no C compiler on the PATH, so no fault can be made")
    artifacts = faults.artifacts_of_two_builds(tmp_path / "artifacts")
    found = faults.faults(library, artifacts, tmp_path, verb, choose)
    assert {f.exit_code for f in found} >= {2}
    wrong = [f for f in found if not f.is_right]
    assert not wrong, "\n".join(map(str, wrong))
    return {f.call for f in found}


def test_a_fault_at_the_last_write_of_each_kind_leaves_the_old_state(tmp_path: Path) -> None:
    wanted, kinds = {"write", "fsync", "link", "rename"}, set()
    # How many calls there are differs a little from run to run: the last of a kind may never come.
    for attempt in range(3):
        if not wanted <= kinds:
            (folder := tmp_path / str(attempt)).mkdir()
            kinds |= assert_every_fault_leaves_the_old_state(folder, "ingest", last_of_each_kind)
    assert wanted <= kinds


@pytest.mark.full
@pytest.mark.parametrize("verb", faults.VERBS)
def test_a_fault_at_a_write_of_each_kind_leaves_the_old_state(tmp_path: Path, verb: str) -> None:
    kinds = assert_every_fault_leaves_the_old_state(tmp_path, verb, some_of_each_kind)
    assert {"write", "fsync", "link", "rename"} <= kinds


@pytest.mark.full
@pytest.mark.parametrize("verb", faults.VERBS)
def test_a_fault_at_any_write_leaves_the_old_state(tmp_path: Path, verb: str) -> None:
    assert "write" in assert_every_fault_leaves_the_old_state(tmp_path, verb, some_all_over)
