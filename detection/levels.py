"""Levels of many series over builds, found build by build: where does each series change?

At each build every series is compared with its current level: the median of the
builds since its last change. Runs never count as independent builds; they give
each build's median, and how far a build's own runs disagree. A change starts a
new level. Nothing looks ahead, so a verdict stays as later builds arrive, but for
one thing: a change that is gone at the very next build is taken back. Smaller
changes are found later, by a rank scan of the builds since the last one.

All is done on logarithms, where noise is a matter of per cent. A series' noise is
estimated from (1) its builds about their level, (2) its runs about their build,
times how much more builds scatter than runs do in the family, (3) the family's
typical noise, as far as the series' own runs are few. The moderation is that of
limma (Smyth 2004), the residuals are recursive ones (Brown, Durbin, Evans 1975),
each clipped so that a spike does not count for more than three standard deviations.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tracemill.detection.distributions import benjamini_hochberg, median_variance, two_sided_p
from tracemill.detection.family import Family
from tracemill.detection.masked import masked_median
from tracemill.detection.noise import Noise, Outliers, noise_inflation
from tracemill.detection.rank_scan import Sums, scan
from tracemill.detection.rules import PART, RULES, Rules

Reals = NDArray[np.float64]
Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Points:
    """One family of series; all arrays (n_points,), one point for each series and build.

    series, build: any integers, builds in their order. log_value: the median over runs of
    log(value + negligible). run_variance: of the logarithm between runs; nan for one run.
    counting_variance: of log_value, from few events alone. negligible: in the value's unit.
    context: any number that stays as long as builds compare; another one starts a new level, unclaimed.
    """

    series: Ints
    build: Ints
    log_value: Reals
    run_variance: Reals
    run_count: Ints
    counting_variance: Reals
    negligible: Reals
    context: Ints


@dataclass(frozen=True, slots=True)
class Change:
    """How great each change is and how sure; (n_points,) each, nan where none is. Levels are logarithms.

    Of one seen at once the level before, the build's value, p and q at that build; of one found later, and of
    what may be one, what all builds up to then say.
    """

    before: Reals
    after: Reals
    standard_error: Reals
    p: Reals
    q: Reals


@dataclass(frozen=True, slots=True)
class Levels:
    """What was found, (n_points,) each. nan: could not judge.

    log_level: the level before the build. standard_error, df: of log_value - log_level, a Student t
    variable. p and q (Benjamini-Hochberg in the family at the build, times the families). level_builds:
    how many builds the level was taken from. went_away: a change that the next build took back. may_change:
    no claim, but as it looks at the last build of all a change may begin here (at suspected_share).
    is_incomparable: does not compare with the builds before. level_number: levels before the build's.
    found_build: of a change, the build at which it was known: its own, or that of a later re-check.
    """

    log_level: Reals
    standard_error: Reals
    df: Reals
    p: Reals
    q: Reals
    level_builds: Ints
    is_change: Flags
    went_away: Flags
    may_change: Flags
    is_incomparable: Flags
    level_number: Ints
    found_build: Ints
    change: Change


def find_levels(points: Points, families: int = 1, rules: Rules = RULES) -> Levels:
    """Compare each build of each series with the level before it.

    families: how many there are beside each other; they share what may be false at a build equally,
    so that a family of few series is not drowned by one of many.
    """
    names, number = np.unique(points.series, return_inverse=True)
    if len(names) <= PART:
        return _Family(points, families, rules).run()
    parts = [np.flatnonzero(number // PART == part) for part in range(-(-len(names) // PART))]
    found = [_Family(_only(points, rows), families, rules).run() for rows in parts]
    return _joined(found, np.argsort(np.concatenate(parts)))


def _only(points: Points, rows: Ints) -> Points:
    return Points(**{field.name: getattr(points, field.name)[rows] for field in fields(Points)})


def _joined(parts: list[Levels], order: Ints) -> Levels:
    """Parts put together, each array in the order of the points."""

    def arrays(of: list[Levels] | list[Change]) -> dict[str, Any]:
        names = [field.name for field in fields(of[0]) if field.name != "change"]
        return {name: np.concatenate([getattr(part, name) for part in of])[order] for name in names}

    return Levels(**arrays(parts), change=Change(**arrays([part.change for part in parts])))


class _Family:
    """The series as rows of matrices, one column a build; walked from the first build to the last."""

    def __init__(self, points: Points, families: int, rules: Rules) -> None:
        self.rules = rules
        self.families = families
        names, row = np.unique(points.series, return_inverse=True)
        builds, column = np.unique(points.build, return_inverse=True)
        self.place = row, column
        self.builds = builds
        self.shape = shape = len(names), len(builds)
        self.value = self._matrix(points.log_value, np.nan)
        run_variance = self._matrix(points.run_variance, np.nan)
        run_count = self._matrix(points.run_count.astype(float), 1.0)
        counting = self._matrix(points.counting_variance, 0.0)
        self.negligible = self._matrix(points.negligible, 0.0)
        self.context = np.full(shape, -1, np.int64)
        self.context[self.place] = points.context
        self.is_incomparable = np.zeros(shape, bool)
        self.last_context = np.full(shape[0], -1, np.int64)
        self.is_real = np.isfinite(self.value) & (np.exp(self.value) > 2 * self.negligible)
        # What a level is taken from: a change that went away is not.
        self.is_used = np.isfinite(self.value)
        series = shape[0]
        self.start = np.zeros(series, np.int64)
        self.start_before = np.zeros(series, np.int64)
        self.seen, self.has_been_real = np.zeros(series, np.int64), np.zeros(series, bool)
        self.is_judged = np.zeros(series, bool)
        self.noise = Noise(rules, run_variance, run_count, counting)
        self.outliers = Outliers(rules, series)
        self.found = {
            name: np.full(shape, np.nan) for name in ("log_level", "standard_error", "df", "p", "q")
        }
        self.level_builds = np.zeros(shape, np.int64)
        self.is_change, self.went_away = np.zeros(shape, bool), np.zeros(shape, bool)
        self.may_change = np.zeros(shape, bool)
        # Spikes clipped, for the quick look at whether a re-check is worth its while.
        self.winsorised = self.value.copy()
        self.sums = Sums(shape)
        self.found_at = np.full(shape, -1, np.int64)
        self.found_later = 0
        self.change = {
            name: np.full(shape, np.nan) for name in ("before", "after", "standard_error", "p", "q")
        }

    def _matrix(self, values: Reals, missing: float) -> Reals:
        out = np.full(self.shape, missing)
        out[self.place] = values
        return out

    def run(self) -> Levels:
        for build in range(self.shape[1]):
            self._judge(build)
            every = self.rules.recheck_every_builds
            if every and build % every == every - 1:
                self._look_back(build)
        if len(self.builds):
            self._suspect(len(self.builds) - 1)
        found = {name: values[self.place] for name, values in self.found.items()}
        begins_level = self.is_incomparable | (self.is_change & ~self.went_away)
        return Levels(
            **found,
            level_builds=self.level_builds[self.place],
            is_change=self.is_change[self.place],
            went_away=self.went_away[self.place],
            may_change=self.may_change[self.place],
            is_incomparable=self.is_incomparable[self.place],
            level_number=begins_level.cumsum(axis=1)[self.place],
            found_build=self._build_of(self.found_at),
            change=Change(**{name: values[self.place] for name, values in self.change.items()}),
        )

    def _build_of(self, columns: Ints) -> Ints:
        found = columns[self.place]
        return np.where(found >= 0, self.builds[found], -1)

    def _judge(self, build: int) -> None:
        rules, value = self.rules, self.value[:, build]
        is_here = np.isfinite(value)
        self.has_been_real |= self.is_real[:, build]
        noise, df, own = self.noise.at(build, self.is_real[:, build])
        level, n = self._level(np.arange(len(value)), self.start, build)
        self._take_back(build, level, n, noise, df, own)

        error = np.sqrt(noise * (1 + median_variance(n)) + own)
        can_judge = is_here & self.has_been_real & (n > 0) & (self.seen >= rules.least_builds)
        error *= noise_inflation(np.where(can_judge, value - level, np.nan), error)
        self._learn_first(build, can_judge & ~self.is_judged)
        self.seen += is_here
        tested = self.outliers.test(build, value, level, error, df, can_judge)
        p = tested.p
        q = np.minimum(self.families * benjamini_hochberg(p), 1)
        self.is_incomparable[:, build] = is_incomparable = self._is_incomparable(build, is_here)
        is_change = can_judge & (q <= rules.false_share) & ~is_incomparable
        is_change &= self._is_worth(level, value, self.negligible[:, build])

        squares = (value - level) ** 2 / (1 + median_variance(n))
        is_real = self.is_real[:, build] | (np.exp(level) > 2 * self.negligible[:, build])
        self.noise.learn(squares, noise, is_real & ~is_change & ~is_incomparable)
        reach = rules.spike_deviations * np.sqrt(noise)
        self.winsorised[:, build] = np.where(can_judge, np.clip(value, level - reach, level + reach), value)
        self.sums.add(build, self.winsorised[:, build])
        self.level_builds[:, build] = n
        self.found["p"][:, build], self.found["q"][:, build] = p, q
        for name, values in (("log_level", level), ("standard_error", error), ("df", df)):
            self.found[name][:, build] = np.where(can_judge, values, np.nan)

        first = np.flatnonzero(is_change & ~tested.is_confirmed)
        known = [values[first] for values in (level, value, error, p, q)]
        self._claim(build, first, np.full(len(first), build), known)
        confirmed = np.flatnonzero(is_change & tested.is_confirmed)
        known = [values[confirmed] for values in (level, tested.value, error, p, q)]
        self._claim(build, confirmed, tested.since[confirmed], known)
        is_settled = (is_change & tested.is_confirmed) | is_incomparable
        self.outliers.remember(build, value, level, is_here, tested, is_settled)
        self.start[is_incomparable] = self.start_before[is_incomparable] = build

    def _learn_first(self, build: int, is_new: Flags) -> None:
        """From the first builds of series that are about to be judged for the first time."""
        rows, least = np.flatnonzero(is_new), self.rules.least_builds
        if len(rows):
            self.is_judged[rows] = True
            columns = np.argsort(~self.is_used[rows, :build], axis=1, kind="stable")[:, :least]
            values = np.take_along_axis(self.value[rows, :build], columns, axis=1)
            self.outliers.learn_first(values, self.noise.prior[rows], self.noise.prior_df[rows])

    def _is_incomparable(self, build: int, is_here: Flags) -> Flags:
        """Series that do not compare with their builds before."""
        context = self.context[:, build]
        is_incomparable: Flags = is_here & (self.last_context >= 0) & (context != self.last_context)
        self.last_context[is_here] = context[is_here]
        return is_incomparable

    def _take_back(self, build: int, level: Reals, n: Reals, noise: Reals, df: Reals, own: Reals) -> None:
        """Of changes claimed at the last build, those gone at this one: puts level and n right."""
        value = self.value[:, build]
        claimed = self.found_at[np.arange(len(value)), self.start]
        is_new = (self.start > 0) & (claimed == self.outliers.last_build) & (n <= 2)
        rows = np.flatnonzero(np.isfinite(value) & is_new)
        before, n_before = self._level(rows, self.start_before[rows], build, self.start[rows])
        error = np.sqrt(noise[rows] * (1 + median_variance(n_before)) + own[rows])
        is_back = n_before >= self.rules.least_builds
        is_back &= np.abs(value[rows] - before) < np.abs(value[rows] - level[rows])
        back_p = two_sided_p((value[rows] - before) / error, df[rows])
        is_back &= back_p >= self.rules.back_at_level_p
        rows = rows[is_back]
        self.went_away[rows, self.start[rows]] = True
        gone = np.zeros((len(rows), build), bool)
        gone |= np.arange(build) >= self.start[rows][:, None]
        self.seen[rows] -= (self.is_used[rows, :build] & gone).sum(axis=1)
        self.is_used[rows, :build] &= ~gone
        self.sums.again(rows, build, self.winsorised[rows, :build], self.is_used[rows, :build])
        self.start[rows] = self.start_before[rows]
        level[rows], n[rows] = before[is_back], n_before[is_back]

    def _is_worth(self, before: Reals, after: Reals, negligible: Reals) -> Flags:
        """Is the change, of logarithms, great enough for a word?"""
        jump = np.abs(np.exp(after) - np.exp(before))
        is_worth: Flags = (jump >= self.rules.least_ratio * np.exp(before)) & (jump >= negligible)
        return is_worth

    def _claim(self, build: int, rows: Ints, place: Ints, known: Sequence[Reals]) -> None:
        """The rows changed at columns place, known from build on. known: as in Change."""
        self.is_change[rows, place], self.found_at[rows, place] = True, build
        self.start_before[rows], self.start[rows] = self.start[rows], place
        self._keep(rows, place, known)

    def _keep(self, rows: Ints, place: Ints, known: Sequence[Reals]) -> None:
        for name, values in zip(self.change, known, strict=True):
            self.change[name][rows, place] = values

    def _look_back(self, build: int) -> None:
        """Re-check the builds since each series' last change: did one go unseen among them?"""
        rows, place, known = self._look(build, self.rules.recheck_false_share)
        self.found_later += len(rows)
        self._claim(build, rows, place, known)

    def _look(self, build: int, share: float) -> tuple[Ints, Ints, list[Reals]]:
        """The changes since each series' last one, of which share may be false: row, column, as in Change."""
        rules = self.rules
        first = max(0, build + 1 - rules.recheck_most_builds)
        is_here = self.has_been_real & np.isfinite(self.value[:, build])
        can_judge, rows = self.sums.look(np.maximum(self.start, first), build, is_here)
        if not len(rows):
            return rows, rows, [np.empty(0)] * len(self.change)
        columns = slice(first, build + 1)
        is_in = self.is_used[:, columns] & (np.arange(first, build + 1) >= self.start[:, None])
        family = Family.of(self.winsorised[:, columns], is_in)
        prior = self.noise.prior[rows], self.noise.prior_df[rows]
        cut = scan(self.value[rows, columns], is_in[rows], family, *prior)
        p = np.where(can_judge, 1.0, np.nan)
        p[rows] = cut.p
        # The share is that of all claims so far, earlier ones among them; drifts make too many false ones.
        known_true = 0 if family.drifts else self.found_later
        q = benjamini_hochberg(np.append(np.zeros(known_true), p))[known_true:]
        q = np.minimum(self.families * q, 1)[rows]
        is_found = np.less_equal(q, share) & ~cut.is_drift
        is_found &= self._is_worth(cut.before, cut.after, self.negligible[rows, build])
        is_found &= np.abs(cut.after - cut.before) >= rules.recheck_deviations * cut.noise
        known = [values[is_found] for values in (cut.before, cut.after, cut.error, cut.p, q)]
        return rows[is_found], first + cut.place[is_found], known

    def _suspect(self, build: int) -> None:
        """What may have changed, as it looks at the last build: too likely to be noise for a claim."""
        rows, place, known = self._look(build, self.rules.suspected_share)
        self.may_change[rows, place] = True
        self._keep(rows, place, known)

    def _level(self, rows: Ints, start: Ints, build: int, end: Ints | None = None) -> tuple[Reals, Reals]:
        """The median of the rows' builds from start to before end, near build; and of how many."""
        columns = slice(max(0, build - self.rules.most_level_builds), build)
        places = np.arange(columns.start, columns.stop)
        is_in = self.is_used[rows, columns] & (places >= start[:, None])
        if end is not None:
            is_in &= places < end[:, None]
        n = is_in.sum(axis=1).astype(float)
        if not len(places):
            return np.full(len(n), np.nan), n
        return masked_median(self.value[rows, columns], is_in), n
