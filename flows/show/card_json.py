"""An incident, or lanes of goroutines, for machines."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from tracemill.flows.show.card_wording import facts
from tracemill.flows.show.page import next_steps
from tracemill.flows.show.tables import plain

if TYPE_CHECKING:
    from tracemill.flows.show.card import Card
    from tracemill.flows.show.lanes import Lanes


def as_json(card: Card) -> object:
    """Everything of a card but the drawings."""
    return plain(
        {
            "headline": card.headline,
            "facts": facts(card.incident, card.runs_before),
            "incident": card.incident._asdict(),
            "series": [p._asdict() for p in card.points],
            "holders": [h._asdict() for h in card.holders],
            "lines": [c._asdict() for c in card.lines],
            "changes": [c._asdict() for c in card.changes],
            "members": [m._asdict() for m in card.members],
            "call_path": card.call_path,
            "stacks": card.stacks
            and {
                "metric": card.stacks.metric,
                "unit": card.stacks.unit,
                "builds": list(card.stacks.builds),
                "paths": [r._asdict() for r in card.stacks.rows],
            },
            "timeline": card.lanes and lanes_as_json(card.lanes),
            "suspected": [hint.sentence for hint in card.suspected],
            "missing": card.missing,
            "toolchain": card.toolchain,
            "differences": [d._asdict() for d in card.differences],
            "next": next_steps(card.incident),
        }
    )


def lanes_as_json(lanes: Lanes) -> object:
    """The window and every interval of its lanes."""
    return plain(
        {
            **asdict(lanes.window),
            "is_kept": lanes.is_kept,
            "lanes": [
                {
                    "goroutine_id": lane.goroutine_id,
                    "entry_function": lane.entry_function,
                    "intervals": [i._asdict() for i in lane.intervals],
                }
                for lane in lanes.lanes
            ],
        }
    )
