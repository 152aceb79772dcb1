"""The changed path of an incident: the functions and files of the stacks that grew, each with its weight.

A function weighs most where the incident names it; on the call paths whose cost changed it weighs by their
share of the change, less with each call away from the function that the cost is booked on.
"""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tracemill.flows.names import plain
from tracemill.flows.show.card import MAP_METRICS, MAX_SUSPECTED, card, compare_stacks
from tracemill.warehouse.schema.showing import STACKS

if TYPE_CHECKING:
    from collections.abc import Iterable

    import duckdb

    from tracemill.flows.show.card_incident import Incident
    from tracemill.flows.show.flame import StackRow

# What a step from the booked function to what it calls, or to who calls it, leaves of the weight.
TO_CALLEES, TO_CALLERS = 0.9, 0.6
OF_MEMBER, OF_HOLDER, OF_SUSPECT = 0.6, 0.8, 0.3
LEAST_WEIGHT = 0.02
MAX_METRICS = 5
# Closures, wrappers and loop bodies are in the function that declares them.
_INNER = re.compile(r"(?:\.(?:func|gowrap|deferwrap)?\d+|-range\d+|-fm)+$")


@dataclass(frozen=True, slots=True)
class Place:
    """A declared function on the path. package: its import path; name: as in commits.go_source."""

    package: str
    name: str

    @property
    def text(self) -> str:
        """As a person says it: cache.(*Prices).Lookup."""
        return f"{self.package.rpartition('/')[2]}.{self.name}"


@dataclass(slots=True)
class ChangedPath:
    """The functions of a path.

    weights: up to 1; files: by function, as the stacks name them; called: the names of all that each calls on
    paths whose cost grew.
    """

    weights: dict[Place, float] = field(default_factory=dict)
    files: dict[Place, set[str]] = field(default_factory=lambda: defaultdict(set))
    called: dict[Place, set[str]] = field(default_factory=lambda: defaultdict(set))

    def add(self, function: str | None, weight: float, file: str | None = None) -> Place | None:
        """Add a function as a stack or a verdict names it; the greater weight counts."""
        place = place_of(function)
        if place is None:
            return None
        # A closure of B inlined into A is called A.B.func1 from Go 1.21 on, as one of a method B of A is.
        outer, _, inner = place.name.partition(".")
        others = [outer, inner] if inner.isidentifier() and outer.isidentifier() else []
        for one in (place, *(Place(place.package, name) for name in others)):
            self.weights[one] = max(self.weights.get(one, 0.0), min(weight, 1.0))
            if file:
                self.files[one].add(file)
        return place


def place_of(function: str | None) -> Place | None:
    """The declared function of a symbol, such as shop/cache.(*Prices).Lookup.func1; None: no Go function."""
    name = re.sub(r"\[.*?\](?=[.)]|$)", "", function or "")
    slash = name.rfind("/")
    dot = name.find(".", slash + 1)
    if dot < 0:
        return None
    package, rest = plain(name[:dot]), name[dot + 1 :]
    while (shorter := _INNER.sub("", rest)) != rest and shorter:
        rest = shorter
    return Place(package, rest) if rest else None


def changed_path(connection: duckdb.DuckDBPyConnection, incident: Incident) -> ChangedPath:
    """The functions that the incident and its members name, and those of the stacks that changed with it."""
    shown = card(connection, incident, [])
    found = ChangedPath()
    found.add(incident.function, 1.0)
    found.add(incident.moved_from, 1.0)
    found.add(incident.calling_function, OF_MEMBER)
    for member in shown.members:
        found.add(member.function, OF_MEMBER)
    most = max((h.block_ns for h in shown.holders), default=0)
    for holder in shown.holders:
        found.add(holder.holder_function, OF_HOLDER * holder.block_ns / max(most, 1), holder.holder_file)
    metrics = dict.fromkeys([incident.metric, *(m.metric for m in shown.members)])
    with_stacks = [m for m in metrics if m in STACKS or m.startswith(MAP_METRICS)][:MAX_METRICS]
    for metric in with_stacks if incident.previous_build_id else []:
        if stacks := compare_stacks(
            connection, metric, str(incident.previous_build_id), incident.seen_build_id
        ):
            about = incident.function if metric == incident.metric else None
            _add_stacks(found, stacks.rows, about, 1.0 if metric == incident.metric else OF_MEMBER)
    for hint in shown.suspected[:MAX_SUSPECTED]:
        found.add(hint.subject, OF_SUSPECT)
    found.weights = {p: w for p, w in found.weights.items() if w >= LEAST_WEIGHT}
    return found


def _add_stacks(found: ChangedPath, rows: list[StackRow], about: str | None, weight: float) -> None:
    """The frames of the paths that changed: of the incident's function if it has any, of all otherwise."""
    own = [r for r in rows if about and about in (r.functions or [])] or rows
    whole = sum(abs(r.after - r.before) for r in own) or 1.0
    for row in own:
        functions = row.functions or []
        share = abs(row.after - row.before) / whole
        booked = about if about in functions else row.function
        center = functions.index(booked) if booked in functions else 0
        # Of many paths each is a small share of what together is the whole change.
        base = weight * max(share, min(1.0, share * 4))
        for i, (name, file) in enumerate(_framed(functions, row.files)):
            step = TO_CALLEES ** (center - i) if i <= center else TO_CALLERS ** (i - center)
            place = found.add(name, base * step, file)
            if place and row.after > row.before:
                found.called[place] |= {bare(f) for f in functions[:i]}


def _framed(functions: list[str], files: list[str] | None) -> Iterable[tuple[str, str | None]]:
    padded: list[str | None] = [*(files or []), *([None] * len(functions))]
    return zip(functions, padded, strict=False)


def bare(function: str) -> str:
    """A function's own name, without package and receiver."""
    place = place_of(function)
    return place.name.rpartition(".")[2] if place else function
