"""Series whose builds come back to earlier conditions: the level that they had under them goes on.

Where runners of two kinds take turns, or an update is taken back, builds compare with those before the
difference. Of each series and its conditions the level is kept while builds of others come, and put in its
place when they are there again; in the sums, builds under other conditions are as if they were not there.
Nothing of this costs anything where no series comes back.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from tracemill.detection.state import State

Reals = NDArray[np.float64]
Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]

# What a level is, of State's arrays; and what of it went into the noise of earlier levels when it was left.
_LEVEL = ("start", "start_before", "last_closed", "last_closed_df")
_CLOSED = ("squares", "df")


@dataclass(slots=True)
class Kept:
    """The levels that the series had under one context, (n_series,) each."""

    is_kept: Flags
    level: dict[str, NDArray[np.float64] | Ints]
    closed: dict[str, Reals]

    @classmethod
    def none(cls, series: int) -> Kept:
        level = {name: np.zeros(series, np.int64 if name.startswith("start") else float) for name in _LEVEL}
        return cls(np.zeros(series, bool), level, {name: np.zeros(series) for name in _CLOSED})


@dataclass(slots=True)
class Contexts:
    """What is set aside of the series that come back.

    comes_back: which do; (n_series,). winsorised, own: as State has them while the builds count; (n_series,
    n_builds). has_come_back: the builds where the level under earlier conditions goes on. left: the context
    of each series before the build, where it has another.
    """

    comes_back: Flags
    winsorised: Reals
    own: Reals
    has_come_back: Flags
    left: Ints
    kept: dict[int, Kept] = field(default_factory=dict)


def contexts_of(context: Ints) -> Contexts | None:
    """None where no series comes back. context: (n_series, n_builds), -1 where a series is not there."""
    comes_back = np.zeros(len(context), bool)
    is_here = context >= 0
    last = np.full(len(context), -1, np.int64)
    seen: dict[int, Flags] = {}
    for build in range(context.shape[1]):
        now = context[:, build]
        is_other = is_here[:, build] & (last >= 0) & (now != last)
        for one in np.unique(now[is_here[:, build]]):
            of_one = seen.setdefault(int(one), np.zeros(len(context), bool))
            comes_back |= of_one & is_other & (now == one)
            of_one |= now == one
        last = np.where(is_here[:, build], now, last)
    if not comes_back.any():
        return None
    return Contexts(
        comes_back,
        np.full(context.shape, np.nan),
        np.zeros(context.shape),
        np.zeros(context.shape, bool),
        np.full(len(context), -1, np.int64),
    )


def come_back(state: State, build: int) -> None:
    """Before the build is taken in: set the levels of other contexts aside, go on with those of its own."""
    contexts = state.contexts
    if contexts is None:
        return
    contexts.left = np.where(state.is_other_context(build), state.last_context, -1)
    rows = np.flatnonzero(contexts.comes_back & (contexts.left >= 0))
    for context in np.unique(contexts.left[rows]):
        _set_aside(state, contexts, rows[contexts.left[rows] == context], int(context), build)
    for context in np.unique(state.context[rows, build]):
        kept = contexts.kept.get(int(context))
        here = rows[state.context[rows, build] == context]
        if kept is not None and len(here := here[kept.is_kept[here]]):
            state.close(here, state.start[here], np.full(len(here), build))
            note_left(state, here)
            _go_on(state, contexts, here, kept, int(context), build)


def note_left(state: State, rows: Ints) -> None:
    """The rows' level before was closed: remember what of it went into the noise of earlier levels."""
    contexts = state.contexts
    if contexts is None:
        return
    rows = rows[contexts.comes_back[rows] & (contexts.left[rows] >= 0)]
    for context in np.unique(contexts.left[rows]):
        of_one = rows[contexts.left[rows] == context]
        closed = contexts.kept[int(context)].closed
        closed["squares"][of_one] = state.last_closed[of_one]
        closed["df"][of_one] = state.last_closed_df[of_one]


def _set_aside(state: State, contexts: Contexts, rows: Ints, context: int, build: int) -> None:
    """Keep the current level of the rows, which was under this context."""
    kept = contexts.kept.setdefault(context, Kept.none(len(state.start)))
    kept.is_kept[rows] = True
    for name, values in kept.level.items():
        values[rows] = getattr(state, name)[rows]
    is_of_it = state.context[rows, :build] == context
    own = np.diff(state.own_sums[: build + 1, rows], axis=0).T
    for aside, values in ((contexts.winsorised, state.winsorised[rows, :build]), (contexts.own, own)):
        aside[rows, :build] = np.where(is_of_it, values, aside[rows, :build])


def _go_on(state: State, contexts: Contexts, rows: Ints, kept: Kept, context: int, build: int) -> None:
    """Put the level of the rows that is kept of this context in the place of the current one."""
    state.closed[rows] = np.maximum(state.closed[rows] - kept.closed["squares"][rows], 0.0)
    state.closed_df[rows] -= kept.closed["df"][rows]
    for name, level in kept.level.items():
        getattr(state, name)[rows] = level[rows]
    is_of_it = state.context[rows, :build] == context
    values = np.where(is_of_it, contexts.winsorised[rows, :build], np.nan)
    own = np.where(is_of_it, contexts.own[rows, :build], 0.0)
    state.put(rows, values)
    state.own_sums[1 : build + 1, rows] = own.cumsum(axis=1).T
    recent = state.recent
    recent.leave_out(rows, values, state.value[rows, :build])
    column = recent.column[:, rows]
    recent.own[:, rows] = np.where(column >= 0, own[np.arange(len(rows)), column], 0.0)
    state.last_context[rows] = context
    contexts.has_come_back[rows, build] = True


def level_numbers(begins: Flags, context: Ints, contexts: Contexts | None) -> tuple[Ints, Ints]:
    """The number of each build's level, and of the level before it; (n_series, n_builds).

    begins: where levels begin. A level that goes on has the number that it had.
    """
    number = begins.cumsum(axis=1)
    before = number - 1
    if contexts is None:
        return number, before
    rows = np.flatnonzero(contexts.comes_back)
    highest, current = np.zeros(len(rows), np.int64), np.zeros(len(rows), np.int64)
    current_before = np.full(len(rows), -1)
    # Of each context, the level that was its last one and the one before that.
    last: dict[int, tuple[Ints, Ints]] = {}
    for build in range(begins.shape[1]):
        now = context[rows, build]
        is_back = contexts.has_come_back[rows, build]
        for one in np.unique(now[is_back]):
            of_one = is_back & (now == one)
            current[of_one], current_before[of_one] = (values[of_one] for values in last[int(one)])
        is_new = begins[rows, build]
        current_before = np.where(is_new, current, current_before)
        highest = highest + is_new
        current = np.where(is_new, highest, current)
        number[rows, build], before[rows, build] = current, current_before
        for one in np.unique(now[now >= 0]):
            of_one = now == one
            of_context = last.setdefault(int(one), (np.zeros_like(highest), np.full(len(rows), -1)))
            of_context[0][of_one], of_context[1][of_one] = current[of_one], current_before[of_one]
    return number, before
