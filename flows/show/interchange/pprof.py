"""profile.proto, gzip'd: what `go tool pprof` and `go build -pgo` read.

Source: github.com/google/pprof/proto/profile.proto.
"""

from __future__ import annotations

import gzip
from typing import TYPE_CHECKING

from tracemill.flows.show.interchange.wire import data, number, packed

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tracemill.flows.show.interchange.costs import Costs, Frame

# What profiles call the units of ours.
_UNITS = {"ns": "nanoseconds"}


def pprof(costs: Costs, start_lines: Mapping[str, int] | None = None, period: int = 0) -> bytes:
    """The whole file.

    start_lines: where functions begin, which -pgo counts lines from. period: of the last type of cost.
    """
    strings: dict[str, int] = {"": 0}

    def string(value: str) -> int:
        return strings.setdefault(value, len(strings))

    def value_type(kind: tuple[str, str]) -> bytes:
        return number(1, string(kind[0])) + number(2, string(_UNITS.get(kind[1], kind[1])))

    functions: dict[tuple[str, str], int] = {}
    locations: dict[Frame, int] = {}
    parts = [data(1, value_type(kind)) for kind in costs.types]
    for stack in costs.stacks:
        ids = [locations.setdefault(frame, len(locations) + 1) for frame in stack.frames]
        label = (
            data(3, number(1, string("reason")) + number(2, string(stack.reason))) if stack.reason else b""
        )
        parts.append(data(2, packed(1, ids) + packed(2, stack.values) + label))
    for frame, place in locations.items():
        function = functions.setdefault((frame.function, frame.file), len(functions) + 1)
        line = number(1, function) + number(2, frame.line)
        parts.append(data(4, number(1, place) + data(4, line)))
    for (name, file), place in functions.items():
        start = number(5, (start_lines or {}).get(name, 0))
        fields = (
            number(1, place) + number(2, string(name)) + number(3, string(name)) + number(4, string(file))
        )
        parts.append(data(5, fields + start))
    parts.append(number(9, costs.time_ns) + number(10, costs.duration_ns))
    if period:
        parts.append(data(11, value_type(costs.types[-1])) + number(12, period))
    parts.append(number(13, string(f"tracemill: {costs.name}")) + number(14, string(costs.types[-1][0])))
    parts += [data(6, value.encode("utf-8", "replace")) for value in strings]
    return gzip.compress(b"".join(parts), mtime=0)
