"""Changes that are soon over: a single build that is taken back, an excursion of up to three that ends.

A single build whose next one is not quite back is not taken back; it is an excursion that ends, once more
builds show it.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tracemill.detection.distributions import two_sided_p
from tracemill.detection.state import State

Reals = NDArray[np.float64]
Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]


def take_back(state: State, build: int, own: Reals) -> bool:
    """Take back changes that began at the build before and are gone at this one; whether there are any."""
    value = state.value[:, build]
    rows = _began_with_change(state, np.full(len(value), build), (1, 1))
    rows = rows[np.isfinite(value[rows])]
    if not len(rows):
        return False
    _, _, is_back = _compare(state, rows, np.full(len(rows), build), value[rows], own)
    rows = rows[is_back]
    state.went_away[rows, state.start[rows]] = True
    state.restore(rows, np.full(len(rows), build), build)
    return bool(len(rows))


def ended_excursions(state: State, ends: Ints, value: Reals, own: Reals) -> Flags:
    """Whether series are back at the level before a change that lasted for one to three builds.

    ends: (n_series,) the column at which they would be back. value: the mean from there on.
    """
    rows = _began_with_change(state, ends, (1, state.rules.excursion_builds))
    rows = rows[np.isfinite(value[rows])]
    found = np.zeros(len(value), bool)
    if len(rows):
        old, new, is_back = _compare(state, rows, ends[rows], value[rows], own)
        found[rows] = is_back & (new**2 - old**2 >= 2 * np.log(state.rules.return_odds))
    return found


def excursions(state: State, build: int) -> Flags:
    """Whether series are in what may be an excursion: some builds after a claimed change."""
    found = np.zeros(len(state.start), bool)
    ends = np.full(len(found), build)
    found[_began_with_change(state, ends, (1, state.rules.excursion_builds))] = True
    return found


def _began_with_change(state: State, ends: Ints, builds: tuple[int, int]) -> Ints:
    """The series whose level began with a claimed change and has builds (at least, at most) before ends."""
    rows = np.flatnonzero(state.start_before < state.start)
    if not len(rows):
        return rows
    n = state.sums.between(state.start[rows], ends[rows], rows).n
    is_due = (n >= builds[0]) & (n <= builds[1]) & (state.found_at[rows, state.start[rows]] >= 0)
    return rows[is_due]


def _compare(state: State, rows: Ints, ends: Ints, value: Reals, own: Reals) -> tuple[Reals, Reals, Flags]:
    """How far values are from the level before the current one and from that, and whether back at the former.

    Back means nearer, and no less likely there than back_at_level_p.
    """
    rules, known = state.rules, state.known
    start = state.start[rows]
    old = state.sums.between(
        np.maximum(state.start_before[rows], start - rules.most_level_builds), start, rows
    )
    new = state.sums.between(start, ends, rows)
    variance = np.maximum(known.squares[rows] / np.maximum(known.df[rows], 1e-9), known.floor[rows])
    t = [
        (value - level.mean) / np.sqrt(variance * (1 + 1 / np.maximum(level.n, 1)) + own[rows])
        for level in (old, new)
    ]
    is_back = (np.abs(value - old.mean) < np.abs(value - new.mean)) & (old.n >= rules.least_builds)
    is_back &= two_sided_p(t[0], np.maximum(known.df[rows], 1)) >= rules.back_at_level_p
    return t[0], t[1], is_back
