"""drop_frames and keep_frames: what a profile asks its readers to leave out of its stacks.

Go's runtime sets neither; other writers do, for what lies below an allocator, say. `go tool pprof` applies
them as it reads. Semantics: github.com/google/pprof, profile.RemoveUninteresting. Both are regular
expressions (RE2) on a whole function name, cut at its argument list; that a Go method's name is cut at its
receiver for that is pprof's way. A frame that drop matches and keep does not goes with all that it calls,
unless no frame that stays calls it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tracemill.parsers.api import Issue

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tracemill.parsers.pprof.resolve import Profile

    Ints = NDArray[np.int64]
    Flags = NDArray[np.bool_]

# Parentheses that C++ has in names, and any other one, which begins the arguments.
_PARENTHESIS = re.compile(r"(\(anonymous namespace\)|operator\(\))|\(")


@dataclass(frozen=True, slots=True)
class Pruned:
    """Where each sample's stack begins now, and how many of its innermost lines each location loses."""

    starts: Ints
    lost_lines: Ints


def prune(profile: Profile) -> Pruned:
    """What the profile's drop_frames leaves of its stacks; an expression that can't be read is an issue."""
    starts = profile.stack_offsets[:-1]
    lost = np.zeros(len(profile.message.id), np.int64)
    is_dropped = _dropped_functions(profile)
    if is_dropped is None or not is_dropped.any():
        return Pruned(starts, lost)
    counts = np.diff(profile.message.line_offsets)
    lines = np.flatnonzero((profile.line_function >= 0) & is_dropped[profile.line_function])
    owner = np.repeat(np.arange(len(counts)), counts)[lines]
    np.maximum.at(lost, owner, lines + 1 - profile.message.line_offsets[owner])
    is_whole = (lost > 0) & (lost == counts)
    starts = _first_kept(profile, lost > 0, is_whole)
    # A location that goes as a whole keeps its lines where no kept frame calls it.
    return Pruned(starts, np.where(is_whole, 0, lost))


def _first_kept(profile: Profile, is_matched: Flags, is_whole: Flags) -> Ints:
    """Where each stack begins: at its outermost match below a location without one, or behind it."""
    starts, locations = profile.stack_offsets[:-1], profile.stack_locations
    owner = np.repeat(np.arange(len(starts)), np.diff(profile.stack_offsets))
    place = np.arange(len(locations))
    outermost_other = np.full(len(starts), -1, np.int64)
    other = place[~is_matched[locations]]
    np.maximum.at(outermost_other, owner[other], other)
    match = np.full(len(starts), -1, np.int64)
    below = place[is_matched[locations] & (place < outermost_other[owner])]
    np.maximum.at(match, owner[below], below)
    kept: Ints = starts.copy()
    is_cut = match >= 0
    kept[is_cut] = match[is_cut] + is_whole[locations[match[is_cut]]]
    return kept


def _dropped_functions(profile: Profile) -> Flags | None:
    """Which functions drop_frames matches and keep_frames does not; None where nothing is to be dropped."""
    message = profile.message
    drop, keep = (profile.string_or_empty(i) for i in (message.drop_frames, message.keep_frames))
    if not drop:
        return None
    full = [profile.strings[i] for i in profile.function_strings[:, 0].tolist()]
    names = pa.array([_without_arguments(name) for name in full], pa.string())
    try:
        is_dropped = _matches(names, drop)
        if keep:
            is_dropped &= ~_matches(names, keep)
    except pa.ArrowInvalid as error:
        fact = f"cannot be read as a regular expression, so no frame is dropped: {error}"
        profile.issues.append(Issue("error", "input", "drop_frames", fact))
        return None
    is_named: Flags = np.array([name != "" for name in full], np.bool_)
    return is_dropped & is_named


def _matches(names: pa.StringArray, expression: str) -> Flags:
    """Which of the names the expression matches as a whole."""
    found: Flags = pc.match_substring_regex(names, f"^({expression})$").to_numpy(zero_copy_only=False)
    return found.astype(np.bool_)


def _without_arguments(name: str) -> str:
    """A function's name up to its argument list."""
    name = name.removeprefix(".")
    for match in _PARENTHESIS.finditer(name):
        if match[1] is None:
            return name[: match.start()]
    return name
