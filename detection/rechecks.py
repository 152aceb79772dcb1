"""Changes that no single build shows: the builds since each series' last change, scanned again by ranks."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from tracemill.detection.distributions import benjamini_hochberg
from tracemill.detection.family import Family
from tracemill.detection.rank_scan import Scan, scan
from tracemill.detection.state import State

Reals = NDArray[np.float64]
Ints = NDArray[np.int64]
# Changes: row, column, and as in Change, (5, n_changes).
Suspected = tuple[Ints, Ints, Reals]


def look_back(state: State, build: int) -> None:
    """Claim changes that went unseen among the builds up to this one."""
    rules = state.rules
    rows, place, change = _look(state, build, rules.recheck_false_share, rules.least_ratio)
    state.found_later += len(rows)
    state.claim(build, rows, place, change)


def suspect(state: State, build: int, newest: Suspected) -> None:
    """What may have changed, as it looks at the last build: too unsure, or too small, for a claim.

    newest: what its last builds suggest; a longer look back says more where it finds something too.
    """
    rules = state.rules
    rows, place, change = _look(state, build, rules.suspected_share, rules.least_suspected_ratio)
    new_rows, new_place, new_change = newest
    is_new = ~np.isin(new_rows, rows) & ~state.is_change[new_rows, new_place]
    new = new_rows[is_new], new_place[is_new], new_change[:, is_new]
    for of_rows, at, found in ((rows, place, change), new):
        state.may_change[of_rows, at] = True
        state.keep(of_rows, at, found)


def _look(state: State, build: int, share: float, least_ratio: float) -> Suspected:
    """The changes since each series' last one, of which share may be false."""
    rules = state.rules
    first = max(0, build + 1 - rules.recheck_most_builds)
    is_here = state.has_been_real & np.isfinite(state.value[:, build])
    can_judge, rows = state.sums.worth_a_scan(np.maximum(state.start, first), build, is_here)
    if not len(rows):
        return rows, rows, np.empty((5, 0))
    columns = slice(first, build + 1)
    winsorised = state.winsorised[:, columns]
    is_in = np.isfinite(winsorised) & (np.arange(first, build + 1) >= state.start[:, None])
    # Of series that have never been there nothing is to be learnt.
    family = Family.of(winsorised, is_in & state.has_been_real[:, None])
    # Windows of some builds tell from the start how much more than by chance the family's means scatter.
    family = replace(family, inflation=state.typical.inflation(rows, columns))
    known = state.known
    variance = known.squares[rows] / np.maximum(known.df[rows], 1e-9)
    cut = scan(state.value[rows, columns], is_in[rows], family, variance, known.df[rows])
    place = first + cut.place
    of_machine = state.machine.doubt(
        state.machine.mean(place, np.full(len(rows), build + 1)),
        state.machine.mean(np.maximum(state.start[rows], first), place),
    )
    p_of_row = np.maximum(cut.p, _least_p(cut, of_machine))
    p = np.where(can_judge, 1.0, np.nan)
    p[rows] = p_of_row
    # The share is that of all claims so far, earlier ones among them; drifts make too many false ones.
    known_true = 0 if family.drifts else state.found_later
    q = benjamini_hochberg(np.append(np.zeros(known_true), p))[known_true:]
    # A look may err with as much of the series' own budget as the builds since the last one.
    own = rules.recheck_false_share / (max(rules.recheck_every_builds, 1) * state.budget()[rows])
    q = np.minimum(np.maximum(state.families[build] * q[rows], own * p_of_row), 1)
    is_found = np.less_equal(q, share) & ~cut.is_drift
    is_found &= state.is_worth(cut.before, cut.after, state.negligible[rows, build], least_ratio)
    is_found &= np.abs(cut.after - cut.before) >= rules.recheck_deviations * cut.noise
    found = np.array([cut.before, cut.after, np.sqrt(cut.error**2 + of_machine), p_of_row, q])
    return rows[is_found], place[is_found], found[:, is_found]


def _least_p(cut: Scan, of_machine: Reals) -> Reals:
    """How likely the cut is by how unlike series feel a machine; 0 where its builds do not tell of one."""
    error = np.maximum(np.sqrt(cut.error**2 + of_machine), 1e-300)
    return np.where(of_machine > 0, 2 * ndtr(-np.abs(cut.after - cut.before) / error), 0.0)
