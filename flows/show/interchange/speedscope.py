"""speedscope's file format: one sampled profile for each type of cost.

Source: https://www.speedscope.app/file-format-schema.json.
"""

from __future__ import annotations

import json
from importlib.metadata import version
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tracemill.flows.show.interchange.costs import Costs, Frame

_UNITS = {"nanoseconds": "nanoseconds", "ns": "nanoseconds", "bytes": "bytes"}


def speedscope(costs: Costs) -> bytes:
    """The whole file."""
    frames: dict[Frame, int] = {}
    samples = [[frames.setdefault(frame, len(frames)) for frame in reversed(s.frames)] for s in costs.stacks]
    profiles = []
    for place, (name, unit) in enumerate(costs.types):
        weights = [stack.values[place] for stack in costs.stacks]
        profiles.append(
            {
                "type": "sampled",
                "name": f"{name} of {costs.name}",
                "unit": _UNITS.get(unit, "none"),
                "startValue": 0,
                "endValue": sum(weights),
                "samples": samples,
                "weights": weights,
            }
        )
    whole = {
        "$schema": "https://www.speedscope.app/file-format-schema.json",
        "name": costs.name,
        "exporter": f"tracemill@{version('tracemill')}",
        "activeProfileIndex": len(profiles) - 1,
        "shared": {"frames": [_frame(frame) for frame in frames]},
        "profiles": profiles,
    }
    return json.dumps(whole, ensure_ascii=False).encode("utf-8", "replace")


def _frame(frame: Frame) -> dict[str, object]:
    found: dict[str, object] = {"name": frame.function}
    if frame.file:
        found["file"] = frame.file
    if frame.line > 0:
        found["line"] = frame.line
    return found
