# cython: language_level=3, boundscheck=False, wraparound=False, initializedcheck=False, cdivision=True, nonecheck=False
"""Arguments of raw trace events as JSON text, in Arrow's layout of strings.

How each index is bounded: ``types`` holds event numbers below 137, and ``kinds``
and the keys have 137 × 4 entries; string indexes come from the state machine's
maps and lie below ``len(text_starts) - 1``, stack indexes below ``len(stack_ids)``;
statuses are below five and each list of words has five; a row is only written while its longest form fits into ``out``.
"""

import cython

if not cython.compiled:
    from tracemill.parsers.kernels.layout import declared

    globals().update(declared("trace_args"))


def _copy(out, at, text, start, end):
    while start < end:
        out[at] = text[start]
        at += 1
        start += 1
    return at


def _number(out, at, value, is_signed):
    x: cython.ulonglong
    y: cython.ulonglong
    digits: cython.longlong = 1
    i: cython.longlong
    if is_signed and value < 0:
        out[at] = MINUS
        at += 1
        value = -value
    if cython.compiled:
        x = cython.cast(cython.ulonglong, value)
    else:
        x = value & ((1 << 64) - 1)
    y = x
    while y >= 10:
        y = y // 10
        digits += 1
    i = at + digits
    while i > at:
        i -= 1
        out[i] = cython.cast(cython.uchar, ZERO + x % 10)
        x = x // 10
    return at + digits


def _null(out, at):
    out[at] = LETTER_N
    out[at + 1] = LETTER_U
    out[at + 2] = LETTER_L
    out[at + 3] = LETTER_L
    return at + 4


def render(
    types: cython.int[::1],
    values: cython.longlong[::1],
    row: cython.longlong,
    count: cython.longlong,
    kinds: cython.longlong[::1],
    keys: cython.uchar[::1],
    key_starts: cython.longlong[::1],
    texts: cython.uchar[::1],
    text_starts: cython.longlong[::1],
    stack_ids: cython.longlong[::1],
    words: cython.uchar[::1],
    word_starts: cython.longlong[::1],
    out: cython.uchar[::1],
    offsets: cython.int[::1],
    state: cython.longlong[::1],
) -> cython.longlong:
    """Write rows from row on: text into out, its ends into offsets (whose first entry is 0).

    kinds: per event and slot, ARG_…. keys: '"name":' of each slot.
    Returns the row it stopped before: count, or one that does not fit.
    """
    at: cython.longlong = 0
    first: cython.longlong = row
    slot: cython.longlong
    k: cython.longlong
    i: cython.longlong
    need: cython.longlong
    kind: cython.longlong
    with cython.nogil:
        offsets[0] = 0
        while row < count:
            k = types[row] * SLOTS
            need = ROW_BYTES
            for slot in range(SLOTS):
                kind = kinds[k + slot]
                i = values[row * SLOTS + slot]
                if kind == ARG_STRING:
                    need += text_starts[i + 1] - text_starts[i]
                elif kind == ARG_RAW:
                    need += word_starts[i + 1] - word_starts[i]
            if at + need > out.shape[0]:
                state[NEEDED] = need
                break
            if kinds[k] == ARG_RAW:
                i = values[row * SLOTS]
                at = _copy(out, at, words, word_starts[i], word_starts[i + 1])
            elif kinds[k] != ARG_NONE:
                for slot in range(SLOTS):
                    kind = kinds[k + slot]
                    if kind == ARG_NONE:
                        break
                    out[at] = COMMA if slot else OPEN
                    at = _copy(out, at + 1, keys, key_starts[k + slot], key_starts[k + slot + 1])
                    i = values[row * SLOTS + slot]
                    if kind == ARG_STACK:
                        at = _number(out, at, stack_ids[i], True) if i else _null(out, at)
                    elif kind == ARG_SIGNED or kind == ARG_UNSIGNED:
                        at = _number(out, at, i, kind == ARG_SIGNED)
                    elif kind == ARG_STRING:
                        at = _copy(out, at, texts, text_starts[i], text_starts[i + 1])
                    else:
                        i += kind - ARG_WORD
                        at = _copy(out, at, words, word_starts[i], word_starts[i + 1])
                out[at] = CLOSE
                at += 1
            row += 1
            offsets[row - first] = cython.cast(cython.int, at)
        state[WRITTEN] = at
    return row
