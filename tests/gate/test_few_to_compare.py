"""What the builds before must have for a candidate to pass: enough that compare, and what most runs have."""

from __future__ import annotations

import pytest

from tests.models.given import Given
from tests.models.story import story
from tracemill.flows.gate.judgement import PASSED, UNDECIDED

from .common import judged


def calm_until_another_machine(first: int) -> Given:
    """Twelve builds without a change, from the first given one on recorded on another machine."""
    given = story(leak=1, contention=1)
    for build in range(1, 13):
        machine = "new" if build >= first else "old"
        given.tables["build_manifests"].append({"build_id": f"b{build}", "labels": [("machine", machine)]})
    return given


def test_too_few_builds_that_compare_are_no_pass() -> None:
    given = calm_until_another_machine(10)
    found = judged(given, "b12", "block_ns")
    assert found.doubts == ("of 11 earlier builds 2 compare with it; it takes 3 to tell noise",)
    assert found.exit_code == UNDECIDED
    assert judged(calm_until_another_machine(9), "b12", "block_ns").exit_code == PASSED


def with_goroutine_profiles(runs: dict[str, str]) -> Given:
    """Twelve builds without a change, with goroutine profiles of these runs: build → runs."""
    given = story(leak=1, contention=1)
    stack = given.stack("runtime.gopark", "app/workers.(*Pool).run")
    for build, chosen in runs.items():
        for run in chosen:
            sample = {"sample_index": 0, "sample_type": "goroutine", "unit": "count", "value": 60}
            capture = given.capture(build, run, "goroutine")
            given.tables["profile_samples"].append(sample | {"capture_id": capture, "stack_id": stack})
    return given


@pytest.mark.full
def test_what_few_runs_before_have_is_not_expected_of_a_build() -> None:
    few = {"b2": "123", "b3": "123", "b4": "123", "b5": "1", "b6": "1"}
    assert judged(with_goroutine_profiles(few), "b7").exit_code == PASSED
    found = judged(with_goroutine_profiles(few | {"b5": "123", "b6": "12"}), "b7")
    assert found.exit_code == UNDECIDED
    assert found.doubts == (
        "goroutine_profile_count was measured in the builds before, and not in b7 "
        "(from captures of kind goroutine or goroutine_text)",
    )
