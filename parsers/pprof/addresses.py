"""Addresses that a profile names: of the heap the innermost ones, else the runtime's and its callers'."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from tracemill.parsers import named_addresses

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tracemill.parsers.api import Batch
    from tracemill.parsers.pprof.resolve import Profile

    Ints = NDArray[np.int64]


def addresses(profile: Profile) -> Batch:
    """One row for each location, and for each function of the runtime that it is seen to call."""
    message = profile.message
    first, last = message.line_offsets[:-1], message.line_offsets[1:] - 1
    is_named = first <= last
    innermost = np.where(is_named, _pick(profile.line_function, first), -1)
    outermost = np.where(is_named, _pick(profile.line_function, last), -1)
    # A function that is missing is called by the empty string.
    strings = profile.function_strings
    frames = named_addresses.Frames(
        names=profile.strings,
        address=message.address,
        function=np.where(innermost >= 0, _pick(strings[:, 0], innermost), 0),
        file=np.where(innermost >= 0, _pick(strings[:, 1], innermost), 0),
        line=np.where(is_named, _pick(message.line_number, first), 0),
        start_line=np.where(innermost >= 0, _pick(message.start_line, innermost), 0),
        outermost=np.where(outermost >= 0, _pick(strings[:, 0], outermost), 0),
    )
    at, above = _heap_frames(profile) if _is_heap(profile) else _calls(profile, frames)
    return named_addresses.rows(frames, at, above)


def _is_heap(profile: Profile) -> bool:
    return any(name in ("alloc_space", "inuse_space") for name, _ in profile.sample_types)


def _heap_frames(profile: Profile) -> tuple[Ints, Ints]:
    """The innermost frames: what they call is hidden."""
    starts, ends = profile.stack_offsets[:-1], profile.stack_offsets[1:]
    is_innermost = np.zeros(len(profile.message.address), np.bool_)
    is_innermost[profile.stack_locations[starts[starts < ends]]] = True
    at = np.flatnonzero(is_innermost)
    return at, np.full(len(at), -1)


def _calls(profile: Profile, frames: named_addresses.Frames) -> tuple[Ints, Ints]:
    """Frames of the runtime and those that call it, each with the function directly above it."""
    assert frames.outermost is not None
    stack = profile.stack_locations
    is_runtime = named_addresses.is_runtime(frames.names)[frames.outermost]
    is_leaf = np.zeros(len(stack), np.bool_)
    is_leaf[profile.stack_offsets[:-1][np.diff(profile.stack_offsets) > 0]] = True
    callers = np.flatnonzero(is_runtime[stack[:-1]] & ~is_leaf[1:]) + 1
    hidden = np.unique(stack[is_runtime[stack]])
    pairs = np.unique(np.stack([stack[callers], frames.outermost[stack[callers - 1]]]), axis=1)
    return np.append(pairs[0], hidden), np.append(pairs[1], np.full(len(hidden), -1))


def _pick(values: NDArray[Any], at: Ints) -> NDArray[Any]:
    """values[at], with something in place of what is outside."""
    return values[np.clip(at, 0, len(values) - 1)] if len(values) else np.zeros(len(at), values.dtype)
