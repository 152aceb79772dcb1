# cython: language_level=3, boundscheck=False, wraparound=False, initializedcheck=False, cdivision=True, nonecheck=False
"""Structure of a trace's bytes: batches, string, stack and CPU sample tables.

Each function fills arrays from ``buf`` and reports through ``state``:
``state[AT]`` where reading stopped, ``state[ROWS]`` rows filled so far; the rest is
told at each function. It returns a status; errors are negative, at ``state[AT]``.

How each index is bounded: ``buf`` is read only below ``end``, which the caller
takes from the buffer's length or from a batch that lies inside of it; rows are
written only while ``n < len(array)``; ``state`` has STATE_WIDTH entries, and at most
SAMPLE_WIDTH integers are read at once.
"""

import cython

if not cython.compiled:
    from tracemill.parsers.kernels.layout import declared

    globals().update(declared("trace_wire"))


def _read(buf, off, end, count, state):
    """Integers as signed bits into state[READ:]; the offset behind them, or CUT or TOO_LONG."""
    i: cython.longlong
    stop: cython.longlong
    for i in range(count):
        stop = varint_end(buf, off, end, FITS)
        if stop < 0:
            return stop
        state[READ + i] = as_signed(varint_value(buf, off, stop))
        off = stop
    return off


def _batch_kind(buf, off, size, sync_type):
    """What the batch holds shows by its first byte alone."""
    if size == 0:
        return BATCH_EVENTS
    if buf[off] == EV_STRINGS:
        return BATCH_STRINGS
    if buf[off] == EV_STACKS:
        return BATCH_STACKS
    if buf[off] == EV_CPU_SAMPLES:
        return BATCH_SAMPLES
    return BATCH_SYNC if buf[off] == sync_type else BATCH_EVENTS


def index_batches(
    buf: cython.uchar[::1],
    end: cython.longlong,
    has_marker: cython.bint,
    sync_type: cython.longlong,
    rows: cython.longlong[::1],
    state: cython.longlong[::1],
) -> cython.longlong:
    """Find the batches of one generation in buf[state[AT]:end].

    rows: B_WIDTH int64 a batch. state[NUMBER]: the generation's number, 0 before its first batch.
    has_marker: the end of a generation is explicit (format 1.26 on).
    Returns INDEX_…; errors are no batch here, an integer that is too long, a batch that is too
    large, generation 0, another generation's batch.
    """
    off: cython.longlong = state[AT]
    n: cython.longlong = state[ROWS]
    status: cython.longlong = INDEX_MORE
    at: cython.longlong
    first: cython.longlong
    exp: cython.longlong
    gen: cython.longlong
    size: cython.longlong
    with cython.nogil:
        while off < end:
            at = off
            first = buf[off]
            off += 1
            exp = 0
            if has_marker and first == EV_END_OF_GENERATION:
                status = INDEX_ENDS
                at = off
                break
            if first == EV_EXPERIMENTAL_BATCH:
                if off >= end:
                    off = at
                    break
                exp = buf[off]
                off += 1
            elif first != EV_EVENT_BATCH:
                status = INDEX_E_NO_BATCH
                break
            off = _read(buf, off, end, HEAD_WIDTH, state)
            if off < 0:
                status = INDEX_MORE if off == CUT else INDEX_E_VARINT
                break
            gen = state[READ + HEAD_GENERATION]
            size = state[READ + HEAD_BYTES]
            if size < 0 or size > MAX_BATCH_BYTES:
                status = INDEX_E_SIZE
                break
            if size > end - off:
                break
            if gen == 0:
                status = INDEX_E_ZERO
                break
            if state[NUMBER] == 0:
                state[NUMBER] = gen
            if gen != state[NUMBER]:
                status = INDEX_E_OTHER
                if not has_marker and gen == state[NUMBER] + 1:
                    status = INDEX_ENDS
                break
            if (n + 1) * B_WIDTH > rows.shape[0]:
                status = INDEX_GROW
                break
            rows[n * B_WIDTH + B_KIND] = BATCH_EXPERIMENT + exp if exp else _batch_kind(buf, off, size, sync_type)
            rows[n * B_WIDTH + B_THREAD] = state[READ + HEAD_THREAD]
            rows[n * B_WIDTH + B_TIME] = state[READ + HEAD_TIME]
            rows[n * B_WIDTH + B_OFF] = off
            rows[n * B_WIDTH + B_END] = off + size
            rows[n * B_WIDTH + B_FIRST] = at
            n += 1
            off += size
            state[AT] = off
        if status == INDEX_ENDS or status < 0:
            state[AT] = at
        state[ROWS] = n
    return status


def decode_strings(
    buf: cython.uchar[::1],
    off: cython.longlong,
    end: cython.longlong,
    ids: cython.longlong[::1],
    starts: cython.longlong[::1],
    ends: cython.longlong[::1],
    state: cython.longlong[::1],
) -> cython.longlong:
    """One batch of strings behind its first byte: ids and places in buf.

    Returns TABLE_…; errors are not a string here, a cut or too long integer, longer than the format allows or cut.
    """
    n: cython.longlong = state[ROWS]
    at: cython.longlong = off
    length: cython.longlong
    status: cython.longlong = TABLE_READ
    with cython.nogil:
        while off < end and n < ids.shape[0]:
            at = off
            if buf[off] != EV_STRING:
                status = TABLE_E_ENTRY
                break
            off = _read(buf, off + 1, end, 2, state)
            if off < 0:
                status = TABLE_E_VARINT
                break
            length = state[READ + 1]
            if length < 0 or length > MAX_STRING_BYTES or length > end - off:
                status = TABLE_E_LARGE
                break
            ids[n] = state[READ]
            starts[n] = off
            off += length
            ends[n] = off
            n += 1
        state[AT] = at
        state[ROWS] = n
    return status


def decode_stacks(
    buf: cython.uchar[::1],
    off: cython.longlong,
    end: cython.longlong,
    ids: cython.longlong[::1],
    firsts: cython.longlong[::1],
    frames: cython.longlong[:, ::1],
    state: cython.longlong[::1],
) -> cython.longlong:
    """One batch of stacks behind its first byte: ids, each one's first frame, and the frames.

    frames: FRAME_WIDTH rows of int64. state[FRAMES]: frames filled.
    Returns TABLE_…; errors are not a stack here, a cut or too long integer, more frames than the format allows.
    """
    n: cython.longlong = state[ROWS]
    k: cython.longlong = state[FRAMES]
    at: cython.longlong = off
    count: cython.longlong
    i: cython.longlong
    j: cython.longlong
    status: cython.longlong = TABLE_READ
    with cython.nogil:
        while off < end and n < ids.shape[0] and status == TABLE_READ:
            at = off
            if buf[off] != EV_STACK:
                status = TABLE_E_ENTRY
                break
            off = _read(buf, off + 1, end, 2, state)
            if off < 0:
                status = TABLE_E_VARINT
                break
            count = state[READ + 1]
            if count < 0 or count > MAX_STACK_FRAMES:
                status = TABLE_E_LARGE
                break
            ids[n] = state[READ]
            firsts[n] = k
            for i in range(count):
                off = _read(buf, off, end, FRAME_WIDTH, state)
                if off < 0 or k >= frames.shape[1]:
                    status = TABLE_E_VARINT
                    break
                for j in range(FRAME_WIDTH):
                    frames[j, k] = state[READ + j]
                k += 1
            n += 1
        state[AT] = at
        state[ROWS] = n
        state[FRAMES] = k
    return status


def decode_samples(
    buf: cython.uchar[::1],
    off: cython.longlong,
    end: cython.longlong,
    samples: cython.longlong[:, ::1],
    state: cython.longlong[::1],
) -> cython.longlong:
    """One batch of CPU samples behind its first byte.

    samples: rows of SAMPLE_WIDTH int64.
    Returns TABLE_…; errors are not a sample here, a cut or too long integer.
    """
    n: cython.longlong = state[ROWS]
    at: cython.longlong = off
    j: cython.longlong
    status: cython.longlong = TABLE_READ
    with cython.nogil:
        while off < end and n < samples.shape[0]:
            at = off
            if buf[off] != EV_CPU_SAMPLE:
                status = TABLE_E_ENTRY
                break
            off = _read(buf, off + 1, end, SAMPLE_WIDTH, state)
            if off < 0:
                status = TABLE_E_VARINT
                break
            for j in range(SAMPLE_WIDTH):
                samples[n, j] = state[READ + j]
            n += 1
        state[AT] = at
        state[ROWS] = n
    return status
