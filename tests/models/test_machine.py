"""Benchmarks of a machine that is slower in some builds: what all have in common is no change of any."""

from __future__ import annotations

import numpy as np
import pytest

from bench.machines import AT, BENCHMARKS, BUILDS, MACHINES, REGRESSED, judge, make
from tracemill.flows.gate.judge import judge as gate_judge
from tracemill.flows.gate.suspected import suspected_changes
from tracemill.flows.show.coverage import coverage

from .given import Given, rows


def claims(logs: np.ndarray) -> dict[int, list[int]]:
    """The builds at which each benchmark is claimed to change, taken back or not."""
    found = judge(logs, is_timed=True).is_change.reshape(BENCHMARKS, BUILDS)
    return {
        int(series): np.flatnonzero(found[series]).tolist() for series in np.flatnonzero(found.any(axis=1))
    }


@pytest.mark.parametrize("unlike", [0.0, 0.2])
@pytest.mark.parametrize("machine", MACHINES)
def test_a_slower_machine_hides_no_regression_and_makes_none(machine: str, unlike: float) -> None:
    found = false = 0
    for seed in range(8):
        claimed = claims(make(np.random.default_rng(seed), machine, unlike, ratio=3.0))
        found += sum(AT in claimed.get(series, []) for series in range(REGRESSED))
        false += sum(series >= REGRESSED for series in claimed)
    assert found >= 0.8 * 8 * REGRESSED
    assert false <= 3


def test_regressions_are_found_at_the_build_where_the_machine_gets_slower() -> None:
    """All take 1.6 times as long, two of them 1.5 times more than that."""
    found = sum(
        series in claims(make(np.random.default_rng(seed), "slower in one build", 0.0, ratio=1.5))
        for seed in range(8)
        for series in range(REGRESSED)
    )
    assert found >= 13


@pytest.mark.parametrize("share", [0.5, 0.65])
def test_a_change_of_most_is_no_machine(share: float) -> None:
    """The others stayed where they were."""
    changed = int(share * BENCHMARKS)
    logs = make(np.random.default_rng(3), "as it was", 0.0, ratio=1.0)
    logs[:changed, AT:] += np.log(2)
    assert not judge(logs, is_timed=True).shared_change.any()
    assert claims(logs) == {series: [AT] for series in range(changed)}


def test_of_seven_series_nothing_is_taken_off() -> None:
    logs = make(np.random.default_rng(1), "slower from a build on", 0.0, ratio=1.0)
    is_few = np.arange(BENCHMARKS) < 7
    logs[~is_few] = np.nan
    assert not judge(logs, is_timed=True).shared_change.any()


def test_few_series_may_say_that_the_machine_still_is_as_slow() -> None:
    """A part of the benchmarks is run at the last build, on the machine that had become slower."""
    logs = make(np.random.default_rng(1), "slower from a build on", 0.0, ratio=1.0)
    logs[5:, -1] = np.nan
    assert claims(logs) == {}


def slow_builds(*, all_of: float = 1.6, one: float = 1.0) -> Given:
    """Ten benchmarks over twelve builds of three runs; at the last two, all or the first one are slower."""
    given, random = Given(), np.random.default_rng(2)
    for build in range(1, 13):
        for run in "123":
            capture_id = given.capture(f"b{build:02}", run, "benchmarks", format="benchmarks")
            for line in range(10):
                slow = (all_of if build >= 11 else 1) * (one if build >= 11 and line == 0 else 1)
                seconds = 1e-6 * (line + 1) * slow * np.exp(0.01 * random.standard_normal())
                for metric, unit, value in (
                    ("sec/op", "sec/op", seconds),
                    ("B/s", "B/s", 100 / seconds),
                    ("allocs/op", "allocs/op", 5.0),
                ):
                    given.tables["benchmarks"].append(
                        {"capture_id": capture_id, "line": line + 1, "package": "app", "name": f"B{line}"}
                        | {"metric": metric, "unit": unit, "value": value, "procs": 2}
                    )
    return given


def test_what_all_benchmarks_have_in_common_is_said_and_is_no_verdict() -> None:
    with slow_builds().models() as connection:
        assert rows(connection, "select * from regressions") == []
        for build in ("b11", "b12"):
            hints = suspected_changes(connection, build, ("bench sec/op",))
            assert len(hints) == 1
            assert hints[0].change.startswith("bench sec/op of all 10 series together: ×1.6")
        assert suspected_changes(connection, "b10", ()) == []
        [of_rates, of_times] = [s for s in coverage(connection).sentences() if s.startswith("shared")]
    assert "all series of bench B/s together in b11 (÷1.6" in of_rates
    assert "all series of bench sec/op together in b11 (×1.6" in of_times


def test_a_machine_that_is_faster_is_a_note() -> None:
    with slow_builds(all_of=0.5).models() as connection:
        judgement = gate_judge(connection, "b11", ("bench sec/op",))
    assert judgement.suspected == ()
    assert any("of all 10 series together: ÷2" in note for note in judgement.conditions)


@pytest.mark.full
def test_a_verdict_beside_the_others_says_so() -> None:
    query = """
        select distinct build_id, metric, subject, round(change_ratio, 1), evidence from regressions
        where metric = 'bench sec/op'
    """
    with slow_builds(one=2.0).models() as connection:
        [(build, metric, subject, ratio, evidence)] = rows(connection, query)
        checked = "select round(value / expected, 1) from regression_history where build_id = 'b11' and "
        assert rows(connection, checked + f"metric = '{metric}' and subject = '{subject}'") == [(2.0,)]
    assert (build, metric, subject, ratio) == ("b11", "bench sec/op", "app.B0-2", 2.0)
    assert "; beside all others of the build, which are 1.6 times what they were" in evidence
