# cython: language_level=3, boundscheck=False, wraparound=False, initializedcheck=False, cdivision=True, nonecheck=False
"""Structure of a trace's bytes: batches, string, stack and CPU sample tables.

Each function fills arrays from ``buf`` and reports through ``state``:
``state[0]`` where reading stopped, ``state[1]`` rows filled so far; the rest is
told at each function. It returns a status: 0 fine, positive "call again",
negative an error at ``state[0]``.

How each index is bounded: ``buf`` is read only below ``end``, which the caller
takes from the buffer's length or from a batch that lies inside of it; rows are
written only while ``n < len(array)``; ``state`` has eight entries.
"""

import cython


@cython.cfunc
@cython.nogil
@cython.inline
@cython.exceptval(check=False)
def _signed(x: cython.ulonglong) -> cython.longlong:
    if cython.compiled:
        return cython.cast(cython.longlong, x)
    else:
        return x - (1 << 64) if x >> 63 else x


@cython.cfunc
@cython.nogil
@cython.exceptval(check=False)
def _varint(buf: cython.uchar[::1], off: cython.longlong, end: cython.longlong, state: cython.longlong[::1]) -> cython.longlong:
    """Base-128 integer as signed bits; state[2] is the offset behind it, -1 if cut, -2 if too long."""
    x: cython.ulonglong = 0
    b: cython.ulonglong
    shift: cython.int = 0
    while off < end:
        b = buf[off]
        off += 1
        if b < 128:
            if shift == 63 and b > 1:
                state[2] = -2
                return 0
            state[2] = off
            return _signed(x | (b << shift))
        x |= (b & 127) << shift
        shift += 7
        if shift > 63:
            state[2] = -2
            return 0
    state[2] = -1
    return 0


def index_batches(
    buf: cython.uchar[::1],
    end: cython.longlong,
    has_marker: cython.bint,
    sync_type: cython.longlong,
    rows: cython.longlong[::1],
    state: cython.longlong[::1],
) -> cython.longlong:
    """Find the batches of one generation in buf[state[0]:end].

    rows: six int64 a batch: kind, thread, time, offset, end, first byte's offset.
    Kind is 0 events, 1 strings, 2 stacks, 3 samples, 4 sync, 16 + e experiment e.
    state[3]: the generation's number, 0 before its first batch.
    has_marker: the end of a generation is explicit (format 1.26 on).
    Returns 1 more bytes are needed, 2 the generation ends at state[0], 3 more rows
    are needed, or an error: -1 no batch here, -2 integer too long, -3 batch too
    large, -4 generation 0, -5 another generation's batch.
    """
    off: cython.longlong = state[0]
    n: cython.longlong = state[1]
    status: cython.longlong = 1
    at: cython.longlong
    first: cython.longlong
    kind: cython.longlong
    exp: cython.longlong
    gen: cython.longlong
    thread: cython.longlong
    time: cython.longlong
    size: cython.longlong
    with cython.nogil:
        while off < end:
            at = off
            first = buf[off]
            off += 1
            exp = 0
            if has_marker and first == 52:
                status = 2
                at = off
                break
            if first == 49:
                if off >= end:
                    off = at
                    break
                exp = buf[off]
                off += 1
            elif first != 1:
                status = -1
                state[4] = first
                break
            gen = _varint(buf, off, end, state)
            if state[2] >= 0:
                thread = _varint(buf, state[2], end, state)
            if state[2] >= 0:
                time = _varint(buf, state[2], end, state)
            if state[2] >= 0:
                size = _varint(buf, state[2], end, state)
            off = state[2]
            if off < 0:
                status = 1 if off == -1 else -2
                break
            if size < 0 or size > 65536:
                status = -3
                break
            if size > end - off:
                break
            if gen == 0:
                status = -4
                break
            if state[3] == 0:
                state[3] = gen
            if gen != state[3]:
                status = -5
                if not has_marker and gen == state[3] + 1:
                    status = 2
                break
            if (n + 1) * 6 > rows.shape[0]:
                status = 3
                break
            kind = 0
            if exp:
                kind = 16 + exp
            elif size > 0:
                if buf[off] == 4:
                    kind = 1
                elif buf[off] == 2:
                    kind = 2
                elif buf[off] == 6:
                    kind = 3
                elif buf[off] == sync_type:
                    kind = 4
            rows[n * 6] = kind
            rows[n * 6 + 1] = thread
            rows[n * 6 + 2] = time
            rows[n * 6 + 3] = off
            rows[n * 6 + 4] = off + size
            rows[n * 6 + 5] = at
            n += 1
            off += size
            state[0] = off
        if status == 2 or status < 0:
            state[0] = at
        state[1] = n
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

    Returns 0, or -1 not a string here, -2 a cut or too long integer, -3 longer than 1024 bytes or cut.
    """
    n: cython.longlong = state[1]
    at: cython.longlong = off
    length: cython.longlong = 0
    status: cython.longlong = 0
    with cython.nogil:
        while off < end and n < ids.shape[0]:
            at = off
            if buf[off] != 5:
                status = -1
                break
            ids[n] = _varint(buf, off + 1, end, state)
            if state[2] >= 0:
                length = _varint(buf, state[2], end, state)
            off = state[2]
            if off < 0:
                status = -2
                break
            if length < 0 or length > 1024 or length > end - off:
                status = -3
                break
            starts[n] = off
            off += length
            ends[n] = off
            n += 1
        state[0] = at
        state[1] = n
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

    frames: four rows of int64: pc, function string, file string, line. state[3]: frames filled.
    Returns 0, or -1 not a stack here, -2 a cut or too long integer, -3 more than 128 frames.
    """
    n: cython.longlong = state[1]
    k: cython.longlong = state[3]
    at: cython.longlong = off
    count: cython.longlong = 0
    i: cython.longlong
    j: cython.longlong
    status: cython.longlong = 0
    with cython.nogil:
        while off < end and n < ids.shape[0] and status == 0:
            at = off
            if buf[off] != 3:
                status = -1
                break
            ids[n] = _varint(buf, off + 1, end, state)
            if state[2] >= 0:
                count = _varint(buf, state[2], end, state)
            off = state[2]
            if off < 0:
                status = -2
                break
            if count < 0 or count > 128:
                status = -3
                break
            firsts[n] = k
            for i in range(count):
                for j in range(4):
                    if off >= 0 and k < frames.shape[1]:
                        frames[j, k] = _varint(buf, off, end, state)
                        off = state[2]
                if off < 0 or k >= frames.shape[1]:
                    status = -2
                    break
                k += 1
            n += 1
        state[0] = at
        state[1] = n
        state[3] = k
    return status


def decode_samples(
    buf: cython.uchar[::1],
    off: cython.longlong,
    end: cython.longlong,
    samples: cython.longlong[:, ::1],
    state: cython.longlong[::1],
) -> cython.longlong:
    """One batch of CPU samples behind its first byte.

    samples: rows of five int64: time, thread, processor, goroutine, stack.
    Returns 0, or -1 not a sample here, -2 a cut or too long integer.
    """
    n: cython.longlong = state[1]
    at: cython.longlong = off
    j: cython.longlong
    status: cython.longlong = 0
    with cython.nogil:
        while off < end and n < samples.shape[0]:
            at = off
            if buf[off] != 7:
                status = -1
                break
            off += 1
            for j in range(5):
                if off >= 0:
                    samples[n, j] = _varint(buf, off, end, state)
                    off = state[2]
            if off < 0:
                status = -2
                break
            n += 1
        state[0] = at
        state[1] = n
    return status
