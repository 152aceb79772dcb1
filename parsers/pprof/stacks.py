"""Stacks of a profile: locations expanded into frames, leaf first, innermost inlined line first."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

import numpy as np

from parsers.stacks import StackTable

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from parsers.pprof.resolve import Profile

UNKNOWN = "<unknown>"


@dataclass(frozen=True, slots=True)
class Frames:
    """Every location's frames: location i has frames [offsets[i], offsets[i + 1])."""

    offsets: NDArray[np.int64]
    functions: list[str]
    files: list[str]
    lines: list[int]
    pcs: list[int]


def frames_of(profile: Profile) -> Frames:
    """The frames of all locations; one without lines gets a frame named for its mapping, as pprof does."""
    message = profile.message
    counts = np.diff(message.line_offsets)
    offsets = np.zeros(len(counts) + 1, np.int64)
    np.cumsum(np.maximum(counts, 1), out=offsets[1:])
    # Position of each frame's line; -1 where the location has none.
    owner = np.repeat(np.arange(len(counts)), np.maximum(counts, 1))
    line = message.line_offsets[owner] + np.arange(offsets[-1]) - offsets[owner]
    line[counts[owner] == 0] = -1

    names = [profile.strings[i] or UNKNOWN for i in profile.function_strings[:, 0]]
    paths = [profile.strings[i] for i in profile.function_strings[:, 1]]
    mapped = _mapping_names(profile)
    function = np.where(line >= 0, _pick(profile.line_function, line), -1).tolist()
    mapping = profile.location_mapping[owner].tolist()
    number = np.where(line >= 0, _pick(message.line_number, line), 0).tolist()
    pairs = list(zip(function, mapping, strict=True))
    return Frames(
        offsets=offsets,
        functions=[names[f] if f >= 0 else mapped[m] for f, m in pairs],
        files=[paths[f] if f >= 0 else "" for f in function],
        lines=number,
        pcs=message.address[owner].tolist(),
    )


def _pick(values: NDArray[Any], at: NDArray[np.int64]) -> NDArray[Any]:
    """values[at], anything where at is -1; also for no values at all."""
    return values[at] if len(values) else np.zeros(len(at), values.dtype)


def _mapping_names(profile: Profile) -> list[str]:
    """What to call a frame that has only a mapping; the last entry is for none (index -1)."""
    files = [profile.strings[i] for i in profile.mapping_strings[:, 0]]
    return [f"[{PurePosixPath(file).name}]" if file else UNKNOWN for file in files] + [UNKNOWN]


def intern_stacks(profile: Profile, frames: Frames, table: StackTable) -> list[int | None]:
    """The stack id of each sample; the stacks go into table."""
    ids: dict[bytes, int | None] = {}
    found: list[int | None] = []
    locations = profile.stack_locations
    offsets = profile.stack_offsets.tolist()
    for start, end in pairwise(offsets):
        stack = locations[start:end]
        key = stack.tobytes()
        if key not in ids:
            ids[key] = _intern(stack, frames, table)
        found.append(ids[key])
    return found


def _intern(stack: NDArray[np.int64], frames: Frames, table: StackTable) -> int | None:
    starts = frames.offsets[stack].tolist()
    ends = frames.offsets[stack + 1].tolist()
    flat = [i for start, end in zip(starts, ends, strict=True) for i in range(start, end)]
    return table.add(
        [frames.functions[i] for i in flat],
        [frames.files[i] for i in flat],
        [frames.lines[i] for i in flat],
        [frames.pcs[i] for i in flat],
    )
