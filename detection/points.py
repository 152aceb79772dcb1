"""What detection takes and what it gives: one entry for each series and build."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Reals = NDArray[np.float64]
Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Points:
    """One family of series; all arrays (n_points,), one point for each series and build.

    series, build: any integers, builds in their order. log_value: the median over runs of
    log(value + negligible). run_variance: of the logarithm between runs; nan for one run.
    counting_variance: of log_value, from few events alone. negligible: in the value's unit.
    context: any number from 0 on, the same where builds compare; one that is new to a series starts a new
    level, unclaimed, one that it had before goes on with the level that it had.
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

    before: mean of the level. after: mean of the builds that made the change known; of one that a re-check
    found, medians of both sides. p, q: as at the build that made it known; of what may be a change, at the
    last.
    """

    before: Reals
    after: Reals
    standard_error: Reals
    p: Reals
    q: Reals


@dataclass(frozen=True, slots=True)
class Least:
    """The least distance from its level at which a build is told of, a logarithm, for each series or point.

    claimed: as a change at once, by itself. hinted: in words, that it may be one. lasting: as a change once
    as many builds as WINDOWS together stand there. sensitivity.MOST where nothing is enough; nan where
    nothing is judged.
    """

    claimed: Reals
    hinted: Reals
    lasting: Reals


@dataclass(frozen=True, slots=True)
class Levels:
    """What was found, (n_points,) each. nan: could not judge.

    log_level: the level before the build. standard_error, df: of log_value - log_level, a Student t
    variable. p: of the build, or of it and the one to three before together, whichever is less. q: p by
    Benjamini-Hochberg in the family at the build, times the families, and no less than the series' own
    budget lets it be. level_builds: how many builds the level was taken from. went_away: a change that the
    next build took back. is_return: the build is back at the level before a change of at most three builds.
    may_change: no claim, but as it looks at the last build of all a change may begin here (at
    suspected_share). is_incomparable: does not compare with the builds before. shared_change: what the
    build's timed series have in common, which log_level has in it, changes not. level_number: of the build's
    level, from 0; level_before: of the one that it followed, -1 where there is none. found_build: of a
    change, the build at which it was known: its own, or a later one. least: of the last build of all.
    """

    log_level: Reals
    standard_error: Reals
    df: Reals
    p: Reals
    q: Reals
    level_builds: Ints
    is_change: Flags
    went_away: Flags
    is_return: Flags
    may_change: Flags
    is_incomparable: Flags
    shared_change: Reals
    level_number: Ints
    level_before: Ints
    found_build: Ints
    change: Change
    least: Least
