"""The least change of the last build that is claimed, or hinted at: what is smaller hides."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from tracemill.detection.distributions import two_sided_p
from tracemill.detection.points import Least
from tracemill.detection.rules import WINDOWS
from tracemill.detection.windows import LOOKS, Recent, Windows, of_one_build, with_spikes

if TYPE_CHECKING:
    from collections.abc import Callable

    from tracemill.detection.state import State

Reals = NDArray[np.float64]
Flags = NDArray[np.bool_]

# Logarithm of a change that stands for never.
MOST = 14.0
_HALVINGS = 20


def least_changes(state: State, build: int, seen: Windows, factors: Reals, is_judged: Flags) -> Least:
    """The least changes of the last build, of the series that are judged."""
    rules, known, outliers, spikes = state.rules, state.known, state.outliers, state.spikes
    looks, exponent = LOOKS[seen.can_judge.sum(axis=0)], outliers.exponent(1)
    df, error = seen.df[0], seen.error[0] * factors[0]
    # Of each series alone, as if no other were out with it, but for those that are.
    out = max(int(outliers.out[build]), 1)
    budget, others = state.budget(), state.families[build] * max(int(is_judged.sum()), 1)
    of_claim = np.minimum(rules.false_share / others, budget)
    of_hint = np.minimum(rules.suspected_share / others, budget * rules.suspected_share / rules.false_share)

    def of_one(away: Reals) -> tuple[Reals, Reals]:
        t = away / error
        normal_p = two_sided_p(t, df)
        p = looks * of_one_build(normal_p, t, df, away, out, outliers, spikes)
        return normal_p, np.minimum(p, 1.0) ** exponent

    def is_hinted(away: Reals) -> Flags:
        normal_p, p = of_one(away)
        return np.asarray((p <= of_hint) | ((normal_p <= of_claim) & (p <= rules.spike_chance)))

    # The same level, with windows of builds that all stand equally far above it.
    windows = Windows(
        **{f.name: np.broadcast_to(getattr(seen, f.name)[0], seen.before.shape) for f in fields(Windows)}
    )
    windows = replace(windows, after=windows.before + 1)
    standing, every = Recent(len(error)), np.arange(len(error))
    standing.column[:] = build

    def is_lasting(away: Reals) -> Flags:
        standing.value[:] = seen.before[0] + away
        p = with_spikes(WINDOWS, every, windows, standing, known, factors, outliers, spikes)
        return np.asarray(np.minimum(LOOKS[WINDOWS] * p, 1.0) ** exponent <= of_claim)

    with np.errstate(invalid="ignore", divide="ignore"):
        least_ratio = state.negligible[:, build] / np.exp(seen.before[0])
        worth = np.log1p(np.maximum(rules.least_ratio, least_ratio))
        worth_a_hint = np.log1p(np.maximum(rules.least_suspected_ratio, least_ratio))
        claimed = np.maximum(_least(lambda away: of_one(away)[1] <= of_claim, len(error)), worth)
        hinted = np.minimum(np.maximum(_least(is_hinted, len(error)), worth_a_hint), claimed)
        lasting = np.minimum(np.maximum(_least(is_lasting, len(error)), worth), claimed)
    return Least(*(np.where(is_judged, least, np.nan) for least in (claimed, hinted, lasting)))


def _least(is_enough: Callable[[Reals], Flags], series: int) -> Reals:
    """The least argument at which each series' answer is yes, as for all greater ones; MOST where none is."""
    low, high = np.zeros(series), np.full(series, MOST)
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        is_yes = is_enough(middle)
        low, high = np.where(is_yes, low, middle), np.where(is_yes, middle, high)
    return high
