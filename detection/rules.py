"""The rules of detection: every threshold by which a change is claimed, hinted at or left unsaid.

They stand here once. Publishing writes them as the one-row table ``detection_rules``, from which SQL and
flows read them. Each is a matter of principle; none is fitted to data.
"""

from __future__ import annotations

from dataclasses import dataclass

# A family of more series than this is judged in parts, each as a family of its own: so memory has a bound.
PART = 5_000


@dataclass(frozen=True, slots=True)
class Rules:
    """The thresholds. Deviations are standard deviations of a build, on logarithms."""

    # Of all changes claimed at a build, over all families, the share that may be false.
    false_share: float = 0.01
    # Of all that is claimed or suspected at a build, the share that may be false.
    suspected_share: float = 0.05
    # Smaller changes are not worth a word, however certain.
    least_ratio: float = 0.02
    # Builds that must be known before anything is claimed.
    least_builds: int = 3
    # A level is the median of at most this many latest builds, so that it follows a slow drift.
    most_level_builds: int = 20
    # A change of a site is a cost shift if the sum below a caller shows less than this share of it.
    shift_share: float = 0.5

    # The family's typical noise counts like this many degrees of freedom.
    family_df: float = 4.0
    # What runs tell about builds counts at most like this many degrees of freedom.
    most_prior_df: float = 10.0
    # No figure is known better than this (standard deviation of the logarithm).
    least_noise: float = 0.002
    # Values further out than this many deviations are winsorised: a spike is no noise.
    spike_deviations: float = 3.0
    # With fewer degrees of freedom noise is hardly known: what looks like a spike may be how builds differ.
    known_df: float = 4.0
    # Builds less likely than this are outliers; one that is back next time tells how far noise reaches.
    outlier_p: float = 0.001
    # Noise may reach so many times as far as it has been seen to.
    reach_factor: float = 2.0
    # A build is back at the level before a change if it is no less likely there than this.
    back_at_level_p: float = 0.01

    # Every so many builds the builds since a series' last change are scanned again; 0: never.
    recheck_every_builds: int = 5
    # Of all changes that re-checks have claimed so far, the share that may be false. Each look may err
    # anew, hence less than false_share.
    recheck_false_share: float = 0.005
    # A re-check looks back on at most this many builds.
    recheck_most_builds: int = 100
    # A change that only a re-check finds is worth a word from this many deviations on.
    recheck_deviations: float = 0.8
    # A re-check claims no change on fewer builds than this on either side.
    least_side_builds: int = 4
    # Where series drift, a cut that stands out less than this many deviations from a straight line may be a
    # drift too.
    step_beside_trend: float = 3.5

    # What a build's series have in common is only learnt from at least this many.
    least_family_series: int = 100
    # A series tells of its family's drift and serial correlation from this many builds on.
    least_family_builds: int = 16
    # Series drift if their squared trends are typically this many times what chance makes of them; with a
    # step in a tenth of them it is 1.3 times.
    drifting_trend: float = 1.4


RULES = Rules()
