"""The judged series of two builds, run by run, and what detection/compare.py and pairs.py answer of each."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

from tracemill.detection.rules import RULES
from tracemill.warehouse.queries import ask
from tracemill.warehouse.schema.metrics import SOURCES

if TYPE_CHECKING:
    from collections.abc import Sequence

    import duckdb
    import numpy as np
    from numpy.typing import NDArray

    from tracemill.detection.compare import Estimates

# Of all differences claimed, the share that may be false.
FALSE_SHARE = RULES.false_share
# Beside fewer pairs the runs of a series are compared as if none were.
LEAST_PAIRS = 2
# Two captures of one process have samples in common.
_HEAPS = {name for name, source in SOURCES.items() if source.sample_type}
# Of figures in these units, or per something, another process on the machine makes more.
TIME_UNITS = {"ns", "sec"}
# What runs had to do explains a change only up to so many times its own difference.
LOAD_RATIO = RULES.load_ratio
SUSPECTED_SHARE = RULES.suspected_share


class Run(NamedTuple):
    """A series' figure at a run, as in observations. log_value: of the value plus negligible.

    is_exact: a count without noise: a size of code, or what all repeats of a benchmark agree on.
    """

    build_id: str
    run_id: str
    pair: str | None
    metric: str
    subject: str
    function: str | None
    calling_function: str | None
    measure: str
    value: float
    variance: float | None
    unit: str | None
    log_value: float
    negligible: float
    polarity: int
    is_exact: bool


class Sides(NamedTuple):
    """The runs of a series at both builds; one side may be empty."""

    before: list[Run]
    after: list[Run]

    def pairs(self) -> Sides | None:
        """The runs that were recorded in turns, each beside its own; None where there are too few pairs."""
        first, second = ({run.pair: run for run in side if run.pair is not None} for side in self)
        common = [pair for pair in first if pair in second]
        if len(common) < LEAST_PAIRS:
            return None
        return Sides([first[pair] for pair in common], [second[pair] for pair in common])


class Answer(NamedTuple):
    """As detection.compare.Compared, of one series; least_p: the least that the exact test could say.

    pairs: how many pairs it was compared by; 0 where its runs are no pairs.
    """

    effect: float
    low: float
    high: float
    p: float
    q: float
    is_exact: bool
    is_within: bool
    is_different: bool
    runs_needed: float
    least_p: float
    pairs: int


def sides_of(connection: duckdb.DuckDBPyConnection, before: str, after: str) -> list[Sides]:
    """Every series that either build has figures of; not those whose figures are all negligible."""
    found: dict[tuple[str, str], Sides] = {}
    for run in ask(connection, "compare/runs", Run, before=before, after=after):
        sides = found.setdefault((run.metric, run.subject), Sides([], []))
        (sides.after if run.build_id == after else sides.before).append(run)
    return [s for s in found.values() if any(r.value > r.negligible for r in s.before + s.after)]


def answers(sides: Sequence[Sides], at_least: float) -> list[Answer]:
    """Compare series whose sides are not empty; at_least: the change in per cent that is worth a word."""
    if not sides:
        return []
    import numpy as np

    from tracemill.detection.compare import Estimates, estimate, judged, least_p
    from tracemill.detection.pairs import estimate_pairs, least_paired_p

    margin = math.log1p(at_least / 100)
    numbers = {name: i for i, name in enumerate(sorted({s.before[0].metric for s in sides}))}
    metric = np.array([numbers[s.before[0].metric] for s in sides])
    pairs = [s.pairs() for s in sides]
    is_paired = np.array([p is not None for p in pairs])
    family = sum(min(len(s.before), len(s.after)) > 1 for s in sides)
    logs = [
        [np.array([run.log_value for run in side]) for side in p or s]
        for s, p in zip(sides, pairs, strict=True)
    ]
    parts = []
    if not is_paired.all():
        rows = np.flatnonzero(~is_paired)
        before, after = ([logs[i][side] for i in rows] for side in (0, 1))
        parts.append((rows, estimate(before, after, metric[rows], margin, family)))
    if is_paired.any():
        rows = np.flatnonzero(is_paired)
        parts.append(
            (rows, estimate_pairs([logs[i][1] - logs[i][0] for i in rows], metric[rows], margin, family))
        )
    order = np.argsort(np.concatenate([rows for rows, _ in parts]))
    columns = {
        name: np.concatenate([getattr(found, name) for _, found in parts])[order]
        for name in Estimates.__dataclass_fields__
    }
    done = judged(
        _no_surer_than_samples(
            Estimates(**columns), [p or s for s, p in zip(sides, pairs, strict=True)], metric, margin
        ),
        margin,
    )
    told = [getattr(done, name).tolist() for name in Answer._fields[:-2]]
    counts = [len(p.before) if p else 0 for p in pairs]
    least = [
        least_paired_p(n) if n else least_p(len(s.before), len(s.after))
        for n, s in zip(counts, sides, strict=True)
    ]
    return [Answer(*values) for values in zip(*told, least, counts, strict=True)]


def _no_surer_than_samples(
    found: Estimates, sides: Sequence[Sides], metric: NDArray[np.int64], margin: float
) -> Estimates:
    """The estimates, with those from heap profiles no surer than their samples make them."""
    import numpy as np

    from tracemill.detection.sampling import Sampled, at_least_sampling

    def sampled(runs: list[Run], *, is_heap: bool) -> Sampled:
        variances = [(run.variance if is_heap else None) or 0.0 for run in runs]
        return Sampled(np.array([run.value for run in runs]), np.array(variances))

    is_heap = [(s.before or s.after)[0].measure in _HEAPS for s in sides]
    before = [sampled(s.before, is_heap=heap) for s, heap in zip(sides, is_heap, strict=True)]
    after = [sampled(s.after, is_heap=heap) for s, heap in zip(sides, is_heap, strict=True)]
    negligible = np.array([s.before[0].negligible for s in sides])
    return at_least_sampling(found, before, after, negligible, metric, margin)


class NoisyRun(NamedTuple):
    """A run in which most that is measured in time stands off. ratio: of the middle one of the series."""

    build_id: str
    run_id: str
    share: float
    ratio: float


def noisy_runs(sides: Sequence[Sides], at_least: float) -> list[NoisyRun]:
    """The runs of either build that stand off from the others of their build in most that takes time."""
    import numpy as np

    from tracemill.detection.shared_noise import shared_noise

    found = []
    for side in (0, 1):
        # What a function costs by one caller is no figure of its own.
        timed = [s[side] for s in sides if s[side] and _is_timed(s[side][0])]
        ids = sorted({run.run_id for runs in timed for run in runs})
        values = np.full((len(timed), len(ids)), np.nan)
        at = {run_id: i for i, run_id in enumerate(ids)}
        for row, runs in enumerate(timed):
            for run in runs:
                values[row, at[run.run_id]] = run.log_value
        found += [
            NoisyRun(timed[0][0].build_id, ids[n.run], n.share, n.ratio)
            for n in shared_noise(values, math.log1p(at_least / 100))
        ]
    return found


def _is_timed(run: Run) -> bool:
    unit = (run.unit or "").partition("/")[0]
    return unit in TIME_UNITS and run.calling_function is None and run.value > run.negligible
