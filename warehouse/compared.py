"""The judged series of two builds, run by run, and what detection/compare.py answers of each."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

from tracemill.detection.rules import RULES
from tracemill.warehouse.queries import ask

if TYPE_CHECKING:
    from collections.abc import Sequence

    import duckdb

# Of all differences claimed, the share that may be false.
FALSE_SHARE = RULES.false_share
# What runs had to do explains a change only up to so many times its own difference.
LOAD_RATIO = RULES.load_ratio


class Run(NamedTuple):
    """A series' figure at a run, as in observations. log_value: of the value plus negligible."""

    build_id: str
    metric: str
    subject: str
    calling_function: str | None
    measure: str
    value: float
    variance: float | None
    unit: str | None
    log_value: float
    negligible: float
    polarity: int


class Sides(NamedTuple):
    """The runs of a series at both builds; one side may be empty."""

    before: list[Run]
    after: list[Run]


class Answer(NamedTuple):
    """As detection.compare.Compared, of one series; least_p: the least that the exact test could say."""

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

    from tracemill.detection.compare import compare, least_p

    metrics = {name: i for i, name in enumerate(sorted({s.before[0].metric for s in sides}))}
    done = compare(
        [np.array([run.log_value for run in s.before]) for s in sides],
        [np.array([run.log_value for run in s.after]) for s in sides],
        np.array([metrics[s.before[0].metric] for s in sides]),
        math.log1p(at_least / 100),
    )
    columns = [getattr(done, name).tolist() for name in Answer._fields if name != "least_p"]
    least = [least_p(len(s.before), len(s.after)) for s in sides]
    return [Answer(*values) for values in zip(*columns, least, strict=True)]
