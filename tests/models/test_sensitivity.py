"""The least change that is told of: one made so great is told of, a smaller one is not."""

from __future__ import annotations

import numpy as np
import pytest

from .judging import judge

BUILDS, FAMILIES = 14, 12


def family(seed: int, series: int) -> np.ndarray:
    random = np.random.default_rng(seed)
    of_builds = random.standard_normal((series, BUILDS, 1))
    of_runs = random.standard_normal((series, BUILDS, 2))
    return np.log(100) + random.choice([0.02, 0.1, 0.3], (series, 1, 1)) * (of_builds + of_runs / 2)


def told(logs: np.ndarray, change: float, builds: int = 1) -> tuple[bool, bool]:
    """Whether the first series is claimed, or hinted at, when its last build, and more, stand so far out."""
    level = judge(logs, families=FAMILIES).log_level.reshape(len(logs), BUILDS)[0, -1]
    changed = np.concatenate([logs, *[logs[:, -1:]] * (builds - 1)], axis=1)
    changed[0, BUILDS - 1 :] += level + change - np.median(logs[0, -1])
    found = judge(changed, families=FAMILIES)
    claimed = found.is_change & ~found.went_away & (found.found_build >= BUILDS - 1)
    return (
        bool(claimed[: BUILDS + builds - 1].any()),
        bool((claimed | found.may_change)[: BUILDS + builds - 1].any()),
    )


@pytest.mark.parametrize("series", [1, 5, 40])
def test_a_change_is_claimed_from_the_least_one_on_and_not_below_it(series: int) -> None:
    for seed in range(12):
        logs = family(seed, series)
        claimed, hinted, lasting = (
            of.reshape(series, BUILDS)
            for least in [judge(logs, families=FAMILIES).least]
            for of in (least.claimed, least.hinted, least.lasting)
        )
        assert np.isnan(claimed[:, :-1]).all() and np.isfinite(claimed[:, -1]).all()
        assert (hinted[:, -1] <= claimed[:, -1]).all() and (lasting[:, -1] <= claimed[:, -1]).all()
        assert told(logs, 1.02 * claimed[0, -1])[0]
        assert not told(logs, 0.8 * claimed[0, -1])[0]
        assert not told(logs, 0.8 * hinted[0, -1])[1]


def test_most_of_what_is_said_to_be_hinted_at_is_and_most_that_lasts_is_claimed() -> None:
    """Other windows and later builds have a say, too."""
    hints, lasting, count = 0, 0, 40
    for seed in range(count):
        logs = family(seed, 40)
        least = judge(logs, families=FAMILIES).least
        hints += told(logs, 1.02 * least.hinted[BUILDS - 1])[1]
        lasting += told(logs, 1.1 * least.lasting[BUILDS - 1], builds=4)[0]
    assert hints >= 0.85 * count
    assert lasting >= 0.75 * count
