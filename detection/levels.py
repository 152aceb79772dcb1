"""Levels of many series over builds, found build by build: where does each series change?

At each build the last one to four builds of every series are compared with its current level, the builds
since its last change (detection/windows.py). Runs never count as independent builds; they give each build's
median, and how far a build's own runs disagree. A change starts a new level. Nothing looks ahead, so a
verdict stays as later builds arrive, but for one thing: a change that is gone at the very next build is taken
back.
Smaller changes are found later, by a rank scan of the builds since the last one (detection/rank_scan.py).

All is done on logarithms, where noise is a matter of per cent.
"""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tracemill.detection.points import Change, Least, Levels, Points
from tracemill.detection.rules import PART, RULES, Rules
from tracemill.detection.walk import walk

Ints = NDArray[np.int64]


def find_levels(
    points: Points,
    families: int | Ints = 1,
    rules: Rules = RULES,
    *,
    builds_before: int = 0,
    is_timed: bool = False,
) -> Levels:
    """Compare each build of each series with the level before it.

    families: how many there are beside each other, at each point's build where that differs; they share what
    may be false at a build equally, so that a family of few series is not drowned by one of many.
    builds_before: so many builds of a longer history came before these, of whose error budget those series
    have used a part that are there at first.
    is_timed: whether a slower machine makes all of them slower: what they have in common is then no change
    of any (detection/machine.py).
    """
    names, number = np.unique(points.series, return_inverse=True)
    families = np.broadcast_to(families, points.series.shape)
    if len(names) <= PART:
        return walk(points, families, rules, builds_before, is_timed=is_timed)
    parts = [np.flatnonzero(number // PART == part) for part in range(-(-len(names) // PART))]
    found = [
        walk(_only(points, rows), families[rows], rules, builds_before, is_timed=is_timed) for rows in parts
    ]
    return _joined(found, np.argsort(np.concatenate(parts)))


def _only(points: Points, rows: Ints) -> Points:
    return Points(**{field.name: getattr(points, field.name)[rows] for field in fields(Points)})


def _joined(parts: list[Levels], order: Ints) -> Levels:
    """Parts put together, each array in the order of the points."""

    def arrays(of: list[Levels] | list[Change] | list[Least]) -> dict[str, Any]:
        names = [field.name for field in fields(of[0]) if field.name not in ("change", "least")]
        return {name: np.concatenate([getattr(part, name) for part in of])[order] for name in names}

    return Levels(
        **arrays(parts),
        change=Change(**arrays([part.change for part in parts])),
        least=Least(**arrays([part.least for part in parts])),
    )


__all__ = ["Change", "Levels", "Points", "find_levels"]
