"""What is known of one family's series while they are walked from build to build."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tracemill.detection.contexts import contexts_of, level_numbers, note_left
from tracemill.detection.machine import Machine
from tracemill.detection.noise import Prior, Runs
from tracemill.detection.outliers import Outliers
from tracemill.detection.points import Change, Least, Levels, Points
from tracemill.detection.rules import Rules
from tracemill.detection.spikes import Spikes
from tracemill.detection.sums import Stretch, Sums
from tracemill.detection.windows import Known, Recent, Typical

Reals = NDArray[np.float64]
Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]

FOUND = ("log_level", "standard_error", "df", "p", "q")
CHANGE = ("before", "after", "standard_error", "p", "q")


class State:
    """The series as rows of matrices, one column a build; the current level of each, and what was found."""

    def __init__(self, points: Points, families: Ints, rules: Rules, builds_before: int) -> None:
        self.rules = rules
        names, row = np.unique(points.series, return_inverse=True)
        self.builds, column = np.unique(points.build, return_inverse=True)
        self.place = row, column
        self.shape = shape = len(names), len(self.builds)
        self.every = np.arange(shape[0])
        self.families = np.ones(shape[1])
        self.families[column] = families
        self.value = self._matrix(points.log_value, np.nan)
        self.negligible = self._matrix(points.negligible, 0.0)
        self.context = np.full(shape, -1, np.int64)
        self.context[self.place] = points.context
        self.contexts = contexts_of(self.context)
        self.is_real = np.isfinite(self.value) & (np.exp(self.value) > 2 * self.negligible)
        self.counting = self._carried(self._matrix(points.counting_variance, 0.0))
        self.runs = Runs(
            rules,
            self._matrix(points.run_variance, np.nan),
            self._matrix(points.run_count.astype(float), 1.0),
        )
        self._reset(*shape)
        was_there = self.is_real[:, : rules.least_builds].any(axis=1)
        self.judged_builds = np.where(was_there, float(builds_before), 0.0)

    def _reset(self, series: int, builds: int) -> None:
        shape = series, builds
        # What levels are taken from: spikes winsorised, nan for what is not there or went away.
        self.winsorised = self.value.copy()
        self.sums, self.recent = Sums(series, builds), Recent(series)
        self.machine = Machine(self.rules, builds)
        # Of what the runs of builds added to their variance, a row before the first.
        self.own_sums = np.zeros((builds + 1, series))
        self.outliers = Outliers(self.rules, series, builds)
        self.typical = Typical(self.rules, series, builds)
        self.spikes = Spikes(self.rules, series)
        # The current level, the one before it, and what was closed of that.
        self.start, self.start_before = np.zeros(series, np.int64), np.zeros(series, np.int64)
        self.closed, self.closed_df = np.zeros(series), np.zeros(series)
        self.last_closed, self.last_closed_df = np.zeros(series), np.zeros(series)
        self.last_context = np.full(series, -1, np.int64)
        self.settled = np.full(series, -1)
        self.has_been_real, self.is_judged = np.zeros(series, bool), np.zeros(series, bool)
        # Written build by build, hence a build a row.
        self.found = {name: np.full((builds, series), np.nan) for name in FOUND}
        self.level_builds = np.zeros((builds, series), np.int64)
        self.change = {name: np.full(shape, np.nan) for name in CHANGE}
        self.is_change, self.went_away = np.zeros(shape, bool), np.zeros(shape, bool)
        self.is_return, self.may_change = np.zeros(shape, bool), np.zeros(shape, bool)
        self.is_incomparable = np.zeros(shape, bool)
        self.found_at = np.full(shape, -1, np.int64)
        self.found_later = 0
        # Of the last build.
        self.least = Least(*np.full((3, series), np.nan))
        self.prior: Prior
        self.known: Known
        self.level: Stretch

    def _matrix(self, values: Reals, missing: float) -> Reals:
        out = np.full(self.shape, missing)
        out[self.place] = values
        return out

    def _carried(self, counting: Reals) -> Reals:
        """The variance from few events at each build, as it was before where a build shows none of them."""
        is_none = ~self.is_real & (counting <= 0)
        for build in range(1, self.shape[1]):
            counting[:, build] = np.where(is_none[:, build], counting[:, build - 1], counting[:, build])
        return counting

    def levels(self) -> Levels:
        """What was found, in the order of the points."""
        begins_level = self.is_incomparable | (self.is_change & ~self.went_away) | self.is_return
        number, before = level_numbers(begins_level, self.context, self.contexts)
        found_at = self.found_at[self.place]
        is_last = self.place[1] == self.shape[1] - 1
        return Levels(
            **{name: values.T[self.place] for name, values in self.found.items()},
            level_builds=self.level_builds.T[self.place],
            is_change=self.is_change[self.place],
            went_away=self.went_away[self.place],
            is_return=self.is_return[self.place],
            may_change=self.may_change[self.place],
            is_incomparable=self.is_incomparable[self.place],
            shared_change=self.machine.shift[self.place[1]],
            level_number=number[self.place],
            level_before=before[self.place],
            found_build=np.where(found_at >= 0, self.builds[found_at], -1),
            change=Change(**{name: values[self.place] for name, values in self.change.items()}),
            least=Least(
                *(
                    np.where(is_last, of_series[self.place[0]], np.nan)
                    for of_series in (self.least.claimed, self.least.hinted, self.least.lasting)
                )
            ),
        )

    def push(self, build: int, own: Reals, scale: float) -> None:
        """Take the build in as the latest. own: what its runs add to its variance; scale: how noisy it is."""
        value = self.value[:, build]
        self.recent.push(build, value, own, scale)
        self.own_sums[build + 1] = self.own_sums[build] + np.where(np.isfinite(value), own, 0.0)

    def pass_over(self, build: int) -> None:
        """Take in a build of which nothing is judged."""
        self.push(build, self.runs.own(build, np.zeros(len(self.start))), 1.0)
        self.sums.add(build, self.winsorised[:, build])
        is_here = np.isfinite(self.value[:, build])
        self.last_context[is_here] = self.context[is_here, build]

    def is_other_context(self, build: int) -> Flags:
        """Series that do not compare with their builds before."""
        context = self.context[:, build]
        return np.asarray(
            np.isfinite(self.value[:, build]) & (self.last_context >= 0) & (context != self.last_context)
        )

    def find_incomparable(self, build: int, is_here: Flags) -> Flags:
        """Series that do not compare with their builds before, now that the build is taken in."""
        found = self.is_other_context(build)
        self.last_context[is_here] = self.context[is_here, build]
        self.is_incomparable[:, build] = found
        return found

    def budget(self) -> Reals:
        """With which chance each series may err at the build: the sum over all builds is error_budget."""
        rules = self.rules
        left: Reals = (1 + self.judged_builds / rules.budget_builds) ** -2
        return rules.error_budget / rules.budget_builds * left

    def is_worth(self, before: Reals, after: Reals, negligible: Reals, least_ratio: float) -> Flags:
        """Is the change, of logarithms, great enough for a word?"""
        jump = np.abs(np.exp(after) - np.exp(before))
        is_worth: Flags = (jump >= least_ratio * np.exp(before)) & (jump >= negligible)
        return is_worth

    def claim(self, build: int, rows: Ints, place: Ints, change: Reals, *, begins_level: bool = True) -> None:
        """The rows changed at columns place, known from build on. change: as in Change, (5, n_rows)."""
        if not len(rows):
            return
        self.is_change[rows, place], self.found_at[rows, place] = True, build
        self.keep(rows, place, change)
        if not begins_level:
            return
        self.close(rows, self.start[rows], place)
        self.start_before[rows], self.start[rows] = self.start[rows], place
        # Of a new level nothing is known yet: what looked like spikes were its first builds.
        is_new = (np.arange(build + 1) >= place[:, None]) & self._is_compared(rows, build + 1)
        values = np.where(is_new, self.value[rows, : build + 1], self.winsorised[rows, : build + 1])
        self.put(rows, values)

    def _is_compared(self, rows: Ints, builds: int) -> Flags:
        """Which of the first builds are under the conditions of the rows' last one; (n_rows, n_builds)."""
        return np.asarray(self.context[rows, :builds] == self.last_context[rows][:, None])

    def close(self, rows: Ints, start: Ints, end: Ints) -> None:
        """Put the level's builds with those of earlier levels, from which the noise is known."""
        if len(rows):
            level, does_teach = self.sums.between(start, end, rows), self.known.does_teach[rows]
            self.last_closed[rows] = np.where(does_teach, level.squares, 0.0)
            self.last_closed_df[rows] = np.where(does_teach, np.maximum(level.n - 1, 0), 0.0)
            self.closed[rows] += self.last_closed[rows]
            self.closed_df[rows] += self.last_closed_df[rows]

    def keep(self, rows: Ints, place: Ints, change: Reals) -> None:
        """How great the changes of the rows at columns place are, and how sure."""
        for name, values in zip(CHANGE, change, strict=True):
            self.change[name][rows, place] = values

    def put(self, rows: Ints, values: Reals) -> None:
        """What the levels of the rows' first builds are taken from: (n_rows, n_builds)."""
        self.winsorised[rows, : values.shape[1]] = values
        self.sums.again(rows, values)

    def begin(self, rows: Ints, build: int) -> None:
        """The rows begin a new level at the build, for a reason other than a change."""
        self.close(rows, self.start[rows], np.full(len(rows), build))
        note_left(self, rows)
        self.start[rows] = self.start_before[rows] = build

    def restore(self, rows: Ints, end: Ints, builds: int) -> None:
        """The rows are back at the level before; their builds from its end to before column end do not count.

        builds: so many are taken in.
        """
        if not len(rows):
            return
        columns = np.arange(builds)
        is_gone = (columns >= self.start[rows][:, None]) & (columns < end[:, None])
        is_after = (columns >= end[:, None]) & self._is_compared(rows, builds)
        values = np.where(is_after, self.value[rows, :builds], self.winsorised[rows, :builds])
        self.put(rows, np.where(is_gone, np.nan, values))
        self.closed[rows] -= self.last_closed[rows]
        self.closed_df[rows] -= self.last_closed_df[rows]
        self.start[rows] = self.start_before[rows]
        self.recent.leave_out(rows, self.winsorised[rows, :builds], self.value[rows, :builds])
