# cython: language_level=3, boundscheck=False, wraparound=False, initializedcheck=False, cdivision=True, nonecheck=False
"""A profile.proto message as columns: one pass that counts when the arrays are empty, and fills them when they fit.

All arrays are uint64; signed fields keep their bits. A message of nothing but
scalar fields 1 … w is a row of w columns.

How each index is bounded: ``buf`` is read only below ``end``, and below the end of
each enclosing field, which was checked to lie inside; a row is written only while it
lies inside its array; ``counts`` has COUNTS entries, ``state`` STATE_WIDTH, ``scalars`` SCALARS.
"""

import cython

if not cython.compiled:
    from tracemill.parsers.kernels.layout import declared

    globals().update(declared("pprof_wire"))


def _field(buf, off, end, state):
    """The key of the field at off. Its payload is buf[state[START]:state[STOP]]; state[START] is negative on error."""
    key: cython.ulonglong
    size: cython.ulonglong
    at: cython.longlong = varint_end(buf, off, end, DROPS)
    stop: cython.longlong
    wire: cython.longlong
    state[AT] = off
    state[START] = at
    if at < 0:
        return 0
    key = varint_value(buf, off, at)
    wire = key & WIRE_MASK
    if wire == WIRE_VARINT:
        stop = varint_end(buf, at, end, DROPS)
        state[STOP] = stop
        if stop < 0:
            state[START] = stop
    elif wire == WIRE_LENGTH:
        stop = varint_end(buf, at, end, DROPS)
        state[START] = stop
        if stop >= 0:
            size = varint_value(buf, at, stop)
            if size > cython.cast(cython.ulonglong, end - stop):
                state[ABOUT] = as_signed(size) if as_signed(size) >= 0 else 0x7FFFFFFFFFFFFFFF
                state[START] = E_LENGTH
            else:
                state[STOP] = stop + as_signed(size)
    elif wire == WIRE_I64 or wire == WIRE_I32:
        state[STOP] = at + (8 if wire == WIRE_I64 else 4)
        if state[STOP] > end:
            state[START] = CUT
    else:
        state[ABOUT] = wire
        state[START] = E_WIRE_TYPE
    return key


def _scalars(buf, off, end, out, row, width, state):
    """Fields 1 … width of a message into row ``row`` of out; returns a status."""
    key: cython.ulonglong
    at: cython.longlong = row * width
    number: cython.longlong
    fits: cython.bint = at + width <= out.shape[0]
    while off < end:
        key = _field(buf, off, end, state)
        if state[START] < 0:
            return state[START]
        off = state[STOP]
        number = as_signed(key >> NUMBER_AT)
        if fits and key & WIRE_MASK == WIRE_VARINT and 1 <= number <= width:
            out[at + number - 1] = varint_value(buf, state[START], off)
    return 0


def _numbers(buf, off, end, out, n, state):
    """Packed integers into out from n on; returns the new n, or a negative status.

    With no room at all they are only counted, by their last bytes: filling finds what is wrong with them.
    """
    stop: cython.longlong
    if out.shape[0] == 0 and off < end and buf[end - 1] < 128:
        while off < end:
            n += buf[off] < 128
            off += 1
        return n
    while off < end:
        stop = off + 1 if buf[off] < 128 else varint_end(buf, off, end, DROPS)
        if stop < 0:
            state[AT] = off
            return stop
        if n < out.shape[0]:
            out[n] = varint_value(buf, off, stop)
        off = stop
        n += 1
    return n


def _sample(buf, off, end, samples, values, location_ids, labels, label_samples, counts, state):
    key: cython.ulonglong
    number: cython.ulonglong
    wire: cython.longlong
    n: cython.longlong
    start: cython.longlong
    at: cython.longlong = SAMPLE_WIDTH * counts[N_SAMPLES]
    while off < end:
        key = _field(buf, off, end, state)
        if state[START] < 0:
            return state[START]
        start = state[START]
        off = state[STOP]
        number = key >> NUMBER_AT
        wire = key & WIRE_MASK
        if number == SAMPLE_LOCATION_ID and (wire == WIRE_VARINT or wire == WIRE_LENGTH):
            n = _numbers(buf, start, off, location_ids, counts[N_LOCATION_IDS], state)
            if n < 0:
                return n
            counts[N_LOCATION_IDS] = n
        elif number == SAMPLE_VALUE and (wire == WIRE_VARINT or wire == WIRE_LENGTH):
            n = _numbers(buf, start, off, values, counts[N_VALUES], state)
            if n < 0:
                return n
            counts[N_VALUES] = n
        elif number == SAMPLE_LABEL and wire == WIRE_LENGTH:
            n = _scalars(buf, start, off, labels, counts[N_LABELS], LABEL_WIDTH, state)
            if n < 0:
                return n
            if counts[N_LABELS] < label_samples.shape[0]:
                label_samples[counts[N_LABELS]] = counts[N_SAMPLES]
            counts[N_LABELS] += 1
    if at + SAMPLE_WIDTH <= samples.shape[0]:
        samples[at] = counts[N_VALUES]
        samples[at + 1] = counts[N_LOCATION_IDS]
    counts[N_SAMPLES] += 1
    return 0


def _location(buf, off, end, locations, lines, counts, state):
    key: cython.ulonglong
    number: cython.longlong
    n: cython.longlong
    start: cython.longlong
    at: cython.longlong = LOCATION_WIDTH * counts[N_LOCATIONS]
    fits: cython.bint = at + LOCATION_WIDTH <= locations.shape[0]
    while off < end:
        key = _field(buf, off, end, state)
        if state[START] < 0:
            return state[START]
        start = state[START]
        off = state[STOP]
        number = as_signed(key >> NUMBER_AT)
        if key & WIRE_MASK == WIRE_VARINT and 1 <= number <= LOCATION_LAST_SCALAR:
            if fits:
                locations[at + number - 1] = varint_value(buf, start, off)
        elif number == LOCATION_LINE and key & WIRE_MASK == WIRE_LENGTH:
            n = _scalars(buf, start, off, lines, counts[N_LINES], LINE_WIDTH, state)
            if n < 0:
                return n
            counts[N_LINES] += 1
    if fits:
        locations[at + LOCATION_WIDTH - 1] = counts[N_LINES]
    counts[N_LOCATIONS] += 1
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

    counts: in the order of N_…. Rows: types (type, unit); samples (end of its values, end of its location
    ids); labels (key, str, num, num_unit); locations (id, mapping, address, end of its lines);
    lines (function, line); functions (id, name, system name, file, start line); mappings (id,
    start, limit, offset, file, build id); strings (start, end) in buf. scalars[n] is field n;
    scalars[0] and [1] are the period's type and unit.
    Returns 0, or a negative status with the field's offset in state[AT].
    """
    end: cython.longlong = buf.shape[0]
    off: cython.longlong = 0
    key: cython.ulonglong
    number: cython.ulonglong
    status: cython.longlong = 0
    start: cython.longlong
    stop: cython.longlong
    at: cython.longlong
    with cython.nogil:
        while off < end:
            key = _field(buf, off, end, state)
            if state[START] < 0:
                status = state[START]
                break
            start = state[START]
            stop = state[STOP]
            off = stop
            number = key >> NUMBER_AT
            if key & WIRE_MASK == WIRE_VARINT:
                if number == PROFILE_COMMENT:
                    status = _numbers(buf, start, stop, comments, counts[N_COMMENTS], state)
                    counts[N_COMMENTS] += 1
                elif PROFILE_FIRST_SCALAR <= number < SCALARS:
                    scalars[number] = varint_value(buf, start, stop)
            elif key & WIRE_MASK == WIRE_LENGTH:
                if number == PROFILE_SAMPLE_TYPE:
                    status = _scalars(buf, start, stop, types, counts[N_TYPES], TYPE_WIDTH, state)
                    counts[N_TYPES] += 1
                elif number == PROFILE_SAMPLE:
                    status = _sample(
                        buf, start, stop, samples, values, location_ids, labels, label_samples, counts, state
                    )
                elif number == PROFILE_MAPPING:
                    status = _scalars(buf, start, stop, mappings, counts[N_MAPPINGS], MAPPING_WIDTH, state)
                    counts[N_MAPPINGS] += 1
                elif number == PROFILE_LOCATION:
                    status = _location(buf, start, stop, locations, lines, counts, state)
                elif number == PROFILE_FUNCTION:
                    status = _scalars(buf, start, stop, functions, counts[N_FUNCTIONS], FUNCTION_WIDTH, state)
                    counts[N_FUNCTIONS] += 1
                elif number == PROFILE_STRING:
                    at = STRING_WIDTH * counts[N_STRINGS]
                    if at + STRING_WIDTH <= strings.shape[0]:
                        strings[at] = start
                        strings[at + 1] = stop
                    counts[N_STRINGS] += 1
                elif number == PROFILE_PERIOD_TYPE:
                    status = _scalars(buf, start, stop, scalars, 0, TYPE_WIDTH, state)
                elif number == PROFILE_COMMENT:
                    status = _numbers(buf, start, stop, comments, counts[N_COMMENTS], state)
                    counts[N_COMMENTS] = status
            if status < 0:
                break
            status = 0
    return status
