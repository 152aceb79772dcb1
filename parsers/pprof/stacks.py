"""Stacks of a profile: locations expanded into frames, leaf first, innermost inlined line first."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

import numpy as np

from parsers.stacks import Frames, StackTable

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from parsers.pprof.resolve import Profile

    Ints = NDArray[np.int64]

UNKNOWN = "<unknown>"


def frames_of(profile: Profile) -> tuple[Frames, Ints]:
    """The frames of all locations; location i has frames [offsets[i], offsets[i + 1]).

    A location without lines has one frame, named for its mapping as pprof does. Program counters
    are kept where there is such a location: they are what it can be looked up by.
    """
    message = profile.message
    counts = np.diff(message.line_offsets)
    offsets = np.concatenate([np.zeros(1, np.int64), np.cumsum(np.maximum(counts, 1))])
    owner = np.repeat(np.arange(len(counts)), np.maximum(counts, 1))
    # Position of each frame's line; -1 where the location has none.
    line = message.line_offsets[owner] + np.arange(offsets[-1]) - offsets[owner]
    line[counts[owner] == 0] = -1

    names = [profile.strings[i] or UNKNOWN for i in profile.function_strings[:, 0].tolist()]
    mapped = _mapping_names(profile)
    function = np.where(line >= 0, _pick(profile.line_function, line), -1)
    # Names of mappings stand behind those of functions, that of no mapping (index -1) last.
    mapping = profile.location_mapping[owner] % len(mapped) + len(names)
    # Files are positions in the strings; string 0 is empty.
    file = np.where(function >= 0, _pick(profile.function_strings[:, 1], function), 0)
    used, place = np.unique(file, return_inverse=True)
    has_gap = bool((counts == 0).any())
    frames = Frames(
        functions=names + mapped,
        files=[profile.strings[i] for i in used.tolist()],
        function=np.where(function >= 0, function, mapping),
        file=place,
        line=np.where(line >= 0, _pick(message.line_number, line), 0),
        pcs=message.address[owner] if has_gap else np.empty(0, np.uint64),
    )
    return frames, offsets


def _pick(values: NDArray[Any], at: Ints) -> NDArray[Any]:
    """values[at], anything where at is -1; also for no values at all."""
    return values[at] if len(values) else np.zeros(len(at), values.dtype)


def _mapping_names(profile: Profile) -> list[str]:
    """What to call a frame that has only a mapping; the last entry is for none."""
    files = [profile.strings[i] for i in profile.mapping_strings[:, 0].tolist()]
    return [f"[{PurePosixPath(file).name}]" if file else UNKNOWN for file in files] + [UNKNOWN]


def intern_stacks(profile: Profile, table: StackTable) -> Ints:
    """The stack id of each sample, 0 for no stack; the stacks go into table."""
    frames, offsets = frames_of(profile)
    locations = profile.stack_locations
    depths = offsets[locations + 1] - offsets[locations]
    ends = np.concatenate([np.zeros(1, np.int64), np.cumsum(depths)])
    flat = np.arange(ends[-1]) + np.repeat(offsets[locations] - ends[:-1], depths)
    return table.add_all(frames, flat, ends[profile.stack_offsets])
