"""The rules of detection: every threshold by which a change is claimed, suspected or left unsaid.

They stand here once. Publishing writes them as the one-row table ``detection_rules``, from which SQL and
flows read them. Each is a matter of principle; none is fitted to recorded data.
"""

from __future__ import annotations

from dataclasses import dataclass

# A family of more series than this is judged in parts, each as a family of its own: so memory has a bound.
PART = 5_000
# Builds of a long history are judged by so many together with the two times as many before them and as many
# after them: warehouse/stretches.py. A look back reaches no further, and noise is known from fewer.
STRETCH = 25
STRETCHES_BEFORE = 2
STRETCHES_AFTER = 1
# A change is looked for in the last one, two … up to this many builds together.
WINDOWS = 4


@dataclass(frozen=True, slots=True)
class Rules:
    """The thresholds. Deviations are standard deviations of a build, on logarithms."""

    # Of all changes claimed at a build, over all families, the share that may be false.
    false_share: float = 0.01
    # Of all changes claimed or suspected at a build, the share that may be false.
    suspected_share: float = 0.05
    # A series' own budget: with at most this chance it errs in all of its history, however long; half of it
    # is for its first budget_builds builds.
    error_budget: float = 0.0125
    budget_builds: float = 20.0
    # Smaller changes are not worth a verdict, however certain.
    least_ratio: float = 0.02
    # Smaller changes are not worth a word, however long they last.
    least_suspected_ratio: float = 0.005
    # Builds that must be known before anything is claimed.
    least_builds: int = 3
    # A level is the mean of at most this many latest builds, so that it follows a slow drift.
    most_level_builds: int = 20
    # A change of a site is a cost shift if the sum below a caller shows less than this share of it.
    shift_share: float = 0.5
    # Runs that had so many times as much to do, or as much less, may explain a change; one that is so many
    # times what the duration explains stands.
    load_ratio: float = 2.0
    # So many times the requests of every build before, or as many times fewer, are another load: it explains
    # a change that is no greater.
    least_load_ratio: float = 1.1
    # Goroutines that ran so many times as long by the clock for as much CPU time had to share the processors
    # with others, or no longer so; CPU time of fewer samples than least_cpu_samples does not tell.
    clock_ratio: float = 1.5
    least_cpu_samples: int = 50

    # No figure is known better than this (standard deviation of the logarithm).
    least_noise: float = 0.002
    # The family's typical noise counts at most like this many degrees of freedom, however alike its series.
    most_family_df: float = 12.0
    # Beside a series' own runs those of the family count like this many; together at most like most_runs_df.
    family_runs_df: float = 4.0
    most_runs_df: float = 10.0
    # Of a series that was never there, of whose noise its own builds tell nothing, at least like this many.
    least_family_df: float = 4.0
    # A series quieter than its family, or than its few events let expect, by so small a chance has a noise of
    # its own.
    quiet_chance: float = 0.001
    # After a change, what was known of the noise before counts like this many degrees of freedom, and like as
    # many as the new level has builds: it may have brought more noise with it.
    former_df: float = 3.0
    # Values further out than this many deviations are winsorised: a spike is no noise.
    spike_deviations: float = 3.0
    # A level of fewer builds is not winsorised: what looks like a spike may be how builds differ.
    least_winsorised_builds: int = 4
    # A series' first builds are looked at again for one that was far out when it has so many.
    settled_first_builds: int = 5
    # From so many builds on a level's first ones are winsorised too.
    settled_builds: int = 8

    # Any build may be a spike with this chance, until the family's builds tell how many are.
    spike_chance: float = 0.01
    # Beside a series' own spikes those of the family count like so many of its builds.
    family_spikes: float = 5.0
    # Where more than this share of a series' builds are spikes, they are not winsorised: that is its noise.
    usual_spikes: float = 0.15
    # Builds less likely than this are outliers; one that is back next time tells how far noise reaches.
    outlier_p: float = 0.001
    # Noise reaches so many times as far as it has been seen to; farther out it gets rarer by reach_power.
    reach_factor: float = 1.25
    reach_power: float = 6.0
    # Noise may have tails that have not been seen yet: this share of builds is taken to lie farther out than
    # unseen_deviations, times the family's series, since they would have such tails together. It falls with
    # the fourth power of the values known beyond unseen_points, and the farther out by unseen_power.
    unseen_share: float = 0.0002
    most_unseen_share: float = 0.03
    unseen_points: float = 160.0
    unseen_deviations: float = 3.5
    unseen_power: float = 5.0
    # How often the family's builds were as unlikely as this for nothing says how much to believe p.
    rare_p: float = 0.001
    # Before any is known, such builds are taken to be so many times as frequent.
    rare_before: float = 1.0
    # How far the family's builds are out typically is remembered with this weight from build to build, and
    # counts beside this many points at which they were as far out as they should be.
    memory: float = 0.93
    memory_points: float = 20.0
    # Before any is known, many builds together are taken to be out so many times as far as they should be.
    factor_before: float = 1.2

    # A build is back at the level before a change if it is no less likely there than this.
    back_at_level_p: float = 0.01
    # A change that is over within this many builds was an excursion.
    excursion_builds: int = 3
    # What was not taken back at once is given up for the level before it only if that is this many times as
    # likely.
    return_odds: float = 20.0

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

    # What timed series of a build have in common is the machine's, or a change of all: of at least so many
    # series, of which at least this share lie nearer to it than to their levels.
    least_shared_series: int = 8
    shared_share: float = 0.8
    # How noisy a build is, and how serial its noise, is only learnt from at least this many series.
    least_family_series: int = 100
    # A series tells of its family's drift and serial correlation from this many builds on.
    least_family_builds: int = 16
    # Series drift if their squared trends are typically this many times what chance makes of them; with a
    # step in a tenth of them it is 1.3 times.
    drifting_trend: float = 1.4


RULES = Rules()
