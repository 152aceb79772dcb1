# cython: language_level=3, boundscheck=False, wraparound=False, initializedcheck=False, cdivision=True, nonecheck=False
"""Whole stacks from the frames of their locations: their hashes, and the frames one after the other.

A stack is a run of ``locations``, a location a run of frames, both leaf first.

How each index is bounded: a location outside of ``frame_starts`` has no frames; everything else is clamped by
the callers' arrays: runs of locations lie inside ``locations``, runs of frames inside the columns of frames,
``ids`` and ``path_ids`` have an entry for each stack, and ``out_…`` room for all frames of the chosen stacks.
"""

import cython


def combine_stacks(
    locations: cython.longlong[::1],
    starts: cython.longlong[::1],
    ends: cython.longlong[::1],
    frame_starts: cython.longlong[::1],
    frame_ends: cython.longlong[::1],
    hashes: cython.ulonglong[::1],
    names: cython.ulonglong[::1],
    multiplier: cython.ulonglong,
    ids: cython.ulonglong[::1],
    path_ids: cython.ulonglong[::1],
    depths: cython.longlong[::1],
) -> cython.longlong:
    """The sum of hᵢ Kⁱ⁺¹ over each stack's frames, of ``hashes`` into ids and of ``names`` into path_ids.

    Returns the number of frames of all stacks; depths gets each one's.
    """
    stack: cython.longlong
    at: cython.longlong
    frame: cython.longlong
    location: cython.longlong
    depth: cython.longlong
    total: cython.longlong = 0
    known: cython.longlong = frame_starts.shape[0]
    frames: cython.ulonglong
    path: cython.ulonglong
    with cython.nogil:
        for stack in range(starts.shape[0]):
            frames = 0
            path = 0
            depth = 0
            at = ends[stack]
            while at > starts[stack]:
                at -= 1
                location = locations[at]
                if 0 <= location < known:
                    frame = frame_ends[location]
                    depth += frame - frame_starts[location]
                    while frame > frame_starts[location]:
                        frame -= 1
                        frames = (frames + hashes[frame]) * multiplier
                        path = (path + names[frame]) * multiplier
                        if not cython.compiled:
                            frames &= (1 << 64) - 1
                            path &= (1 << 64) - 1
            ids[stack] = frames
            path_ids[stack] = path
            depths[stack] = depth
            total += depth
    return total


def copy_frames(
    chosen: cython.longlong[::1],
    locations: cython.longlong[::1],
    starts: cython.longlong[::1],
    ends: cython.longlong[::1],
    frame_starts: cython.longlong[::1],
    frame_ends: cython.longlong[::1],
    functions: cython.int[::1],
    files: cython.int[::1],
    lines: cython.longlong[::1],
    out_functions: cython.int[::1],
    out_files: cython.int[::1],
    out_lines: cython.longlong[::1],
    out_frames: cython.longlong[::1],
) -> cython.longlong:
    """The frames of the chosen stacks, one after the other; returns how many.

    out_frames, where it is not empty, gets the frames' own places.
    """
    i: cython.longlong
    at: cython.longlong
    frame: cython.longlong
    location: cython.longlong
    n: cython.longlong = 0
    known: cython.longlong = frame_starts.shape[0]
    wants_places: cython.bint = out_frames.shape[0] > 0
    with cython.nogil:
        for i in range(chosen.shape[0]):
            for at in range(starts[chosen[i]], ends[chosen[i]]):
                location = locations[at]
                if location < 0 or location >= known:
                    continue
                for frame in range(frame_starts[location], frame_ends[location]):
                    out_functions[n] = functions[frame]
                    out_files[n] = files[frame]
                    out_lines[n] = lines[frame]
                    if wants_places:
                        out_frames[n] = frame
                    n += 1
    return n
