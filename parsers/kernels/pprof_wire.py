# cython: language_level=3, boundscheck=False, wraparound=False, initializedcheck=False, cdivision=True, nonecheck=False
"""A profile.proto message as columns: one pass that counts when the arrays are empty, and fills them when they fit.

All arrays are uint64; signed fields keep their bits. A message of nothing but
scalar fields 1 … w is a row of w columns.

How each index is bounded: ``buf`` is read only below ``end``, and below the end of
each enclosing field, which was checked to lie inside; a row is written only while it
lies inside its array; ``counts`` has eleven entries, ``state`` four, ``scalars`` sixteen.
"""

import cython


@cython.cfunc
@cython.nogil
@cython.exceptval(check=False)
def _varint(buf: cython.uchar[::1], off: cython.longlong, end: cython.longlong, state: cython.longlong[::1]) -> cython.ulonglong:
    """Base-128 integer; state[2] is the offset behind it, -1 if cut, -2 if longer than ten bytes."""
    x: cython.ulonglong = 0
    b: cython.ulonglong
    shift: cython.int = 0
    while off < end:
        b = buf[off]
        off += 1
        if b < 128:
            state[2] = off
            if cython.compiled:
                return x | (b << shift)
            else:
                return (x | (b << shift)) & ((1 << 64) - 1)
        x |= (b & 127) << shift
        shift += 7
        if shift > 63:
            state[2] = -2
            return 0
    state[2] = -1
    return 0


@cython.cfunc
@cython.nogil
@cython.exceptval(check=False)
def _field(buf: cython.uchar[::1], off: cython.longlong, end: cython.longlong, state: cython.longlong[::1]) -> cython.ulonglong:
    """The key of the field at off. Its payload is buf[state[2]:state[3]]; state[2] is negative on error.

    Errors: -1 cut off, -2 integer too long, -3 longer than what is left (state[1] says how long), -4 wire type.
    """
    key: cython.ulonglong = _varint(buf, off, end, state)
    size: cython.ulonglong
    at: cython.longlong = state[2]
    wire: cython.int
    state[0] = off
    if at < 0:
        return 0
    wire = cython.cast(cython.int, key & 7) if cython.compiled else key & 7
    if wire == 0:
        state[3] = at
        while state[3] < end and buf[state[3]] >= 128:
            state[3] += 1
        if state[3] >= end:
            state[2] = -1
        elif state[3] - at > 9:
            state[2] = -2
        state[3] += 1
    elif wire == 2:
        size = _varint(buf, at, end, state)
        if state[2] >= 0:
            if size > end - state[2]:
                state[1] = cython.cast(cython.longlong, size) if cython.compiled else min(size, (1 << 63) - 1)
                state[2] = -3
            else:
                state[3] = state[2] + (cython.cast(cython.longlong, size) if cython.compiled else size)
    elif wire == 1 or wire == 5:
        state[3] = at + (8 if wire == 1 else 4)
        if state[3] > end:
            state[2] = -1
    else:
        state[1] = wire
        state[2] = -4
    return key


@cython.cfunc
@cython.nogil
@cython.exceptval(check=False)
def _scalars(
    buf: cython.uchar[::1],
    off: cython.longlong,
    end: cython.longlong,
    out: cython.ulonglong[::1],
    row: cython.longlong,
    width: cython.longlong,
    state: cython.longlong[::1],
) -> cython.longlong:
    """Fields 1 … width of a message into row ``row`` of out; returns a status."""
    key: cython.ulonglong
    start: cython.longlong
    at: cython.longlong = row * width
    fits: cython.bint = at + width <= out.shape[0]
    while off < end:
        key = _field(buf, off, end, state)
        if state[2] < 0:
            return state[2]
        off = state[3]
        if fits and key & 7 == 0 and 1 <= key >> 3 <= width:
            start = state[2]
            out[at + (key >> 3) - 1] = _varint(buf, start, end, state)
    return 0


@cython.cfunc
@cython.nogil
@cython.exceptval(check=False)
def _numbers(
    buf: cython.uchar[::1],
    off: cython.longlong,
    end: cython.longlong,
    out: cython.ulonglong[::1],
    n: cython.longlong,
    state: cython.longlong[::1],
) -> cython.longlong:
    """Packed integers into out from n on; returns the new n, or a negative status.

    With no room at all they are only counted, by their last bytes: filling finds what is wrong with them.
    """
    x: cython.ulonglong
    start: cython.longlong
    if out.shape[0] == 0 and off < end and buf[end - 1] < 128:
        while off < end:
            n += buf[off] < 128
            off += 1
        return n
    while off < end:
        start = off
        x = _varint(buf, off, end, state)
        off = state[2]
        if off < 0:
            state[0] = start
            return off
        if n < out.shape[0]:
            out[n] = x
        n += 1
    return n


@cython.cfunc
@cython.nogil
@cython.exceptval(check=False)
def _sample(
    buf: cython.uchar[::1],
    off: cython.longlong,
    end: cython.longlong,
    samples: cython.ulonglong[::1],
    values: cython.ulonglong[::1],
    location_ids: cython.ulonglong[::1],
    labels: cython.ulonglong[::1],
    label_samples: cython.ulonglong[::1],
    counts: cython.longlong[::1],
    state: cython.longlong[::1],
) -> cython.longlong:
    key: cython.ulonglong
    number: cython.ulonglong
    n: cython.longlong
    start: cython.longlong
    stop: cython.longlong
    while off < end:
        key = _field(buf, off, end, state)
        if state[2] < 0:
            return state[2]
        start = state[2]
        stop = state[3]
        off = stop
        number = key >> 3
        if number == 1 and key & 7 != 1 and key & 7 != 5:
            n = _numbers(buf, start, stop, location_ids, counts[2], state)
            if n < 0:
                return n
            counts[2] = n
        elif number == 2 and key & 7 != 1 and key & 7 != 5:
            n = _numbers(buf, start, stop, values, counts[3], state)
            if n < 0:
                return n
            counts[3] = n
        elif number == 3 and key & 7 == 2:
            n = _scalars(buf, start, stop, labels, counts[4], 4, state)
            if n < 0:
                return n
            if counts[4] < label_samples.shape[0]:
                label_samples[counts[4]] = counts[1]
            counts[4] += 1
    if 2 * counts[1] + 1 < samples.shape[0]:
        samples[2 * counts[1]] = counts[3]
        samples[2 * counts[1] + 1] = counts[2]
    counts[1] += 1
    return 0


@cython.cfunc
@cython.nogil
@cython.exceptval(check=False)
def _location(
    buf: cython.uchar[::1],
    off: cython.longlong,
    end: cython.longlong,
    locations: cython.ulonglong[::1],
    lines: cython.ulonglong[::1],
    counts: cython.longlong[::1],
    state: cython.longlong[::1],
) -> cython.longlong:
    key: cython.ulonglong
    n: cython.longlong
    start: cython.longlong
    stop: cython.longlong
    at: cython.longlong = 4 * counts[5]
    fits: cython.bint = at + 4 <= locations.shape[0]
    while off < end:
        key = _field(buf, off, end, state)
        if state[2] < 0:
            return state[2]
        start = state[2]
        stop = state[3]
        off = stop
        if key & 7 == 0 and 1 <= key >> 3 <= 3:
            if fits:
                locations[at + (key >> 3) - 1] = _varint(buf, start, stop, state)
        elif key == 34:
            n = _scalars(buf, start, stop, lines, counts[6], 2, state)
            if n < 0:
                return n
            counts[6] += 1
    if fits:
        locations[at + 3] = counts[6]
    counts[5] += 1
    return 0


def read_profile(
    buf: cython.uchar[::1],
    types: cython.ulonglong[::1],
    samples: cython.ulonglong[::1],
    location_ids: cython.ulonglong[::1],
    values: cython.ulonglong[::1],
    labels: cython.ulonglong[::1],
    label_samples: cython.ulonglong[::1],
    locations: cython.ulonglong[::1],
    lines: cython.ulonglong[::1],
    functions: cython.ulonglong[::1],
    mappings: cython.ulonglong[::1],
    strings: cython.ulonglong[::1],
    comments: cython.ulonglong[::1],
    scalars: cython.ulonglong[::1],
    counts: cython.longlong[::1],
    state: cython.longlong[::1],
) -> cython.longlong:
    """Read a Profile message; counts must be zero.

    counts: types, samples, location ids, values, labels, locations, lines, functions, mappings,
    strings, comments. Rows: types (type, unit); samples (end of its values, end of its location
    ids); labels (key, str, num, num_unit); locations (id, mapping, address, end of its lines);
    lines (function, line); functions (id, name, system name, file, start line); mappings (id,
    start, limit, offset, file, build id); strings (start, end) in buf. scalars[n] is field n;
    scalars[0] and [1] are the period's type and unit.
    Returns 0, or the negative status of ``_field`` with the field's offset in state[0].
    """
    end: cython.longlong = buf.shape[0]
    off: cython.longlong = 0
    key: cython.ulonglong
    number: cython.ulonglong
    status: cython.longlong = 0
    start: cython.longlong
    stop: cython.longlong
    with cython.nogil:
        while off < end:
            key = _field(buf, off, end, state)
            if state[2] < 0:
                status = state[2]
                break
            start = state[2]
            stop = state[3]
            off = stop
            number = key >> 3
            if key & 7 == 0:
                if number == 13:
                    status = _numbers(buf, start, stop, comments, counts[10], state)
                    counts[10] += 1
                elif 7 <= number < 16:
                    scalars[number] = _varint(buf, start, stop, state)
            elif key & 7 == 2:
                if number == 1:
                    status = _scalars(buf, start, stop, types, counts[0], 2, state)
                    counts[0] += 1
                elif number == 2:
                    status = _sample(
                        buf, start, stop, samples, values, location_ids, labels, label_samples, counts, state
                    )
                elif number == 3:
                    status = _scalars(buf, start, stop, mappings, counts[8], 6, state)
                    counts[8] += 1
                elif number == 4:
                    status = _location(buf, start, stop, locations, lines, counts, state)
                elif number == 5:
                    status = _scalars(buf, start, stop, functions, counts[7], 5, state)
                    counts[7] += 1
                elif number == 6:
                    if 2 * counts[9] + 1 < strings.shape[0]:
                        strings[2 * counts[9]] = start
                        strings[2 * counts[9] + 1] = stop
                    counts[9] += 1
                elif number == 11:
                    status = _scalars(buf, start, stop, scalars, 0, 2, state)
                elif number == 13:
                    status = _numbers(buf, start, stop, comments, counts[10], state)
                    counts[10] = status
            if status < 0:
                break
            status = 0
    return status
