# cython: language_level=3, boundscheck=False, wraparound=False, initializedcheck=False, cdivision=True, nonecheck=False
"""Arguments of raw trace events as JSON text, in Arrow's layout of strings.

How each index is bounded: ``types`` holds event numbers below 137, and ``kinds``
and the keys have 137 × 4 entries; string indexes come from the state machine's
maps and lie below ``len(text_starts) - 1``, stack indexes below ``len(stack_ids)``;
statuses are below five and each list of words has five; a row is only written while its longest form fits into ``out``.
"""

import cython


@cython.cfunc
@cython.nogil
@cython.exceptval(check=False)
def _copy(
    out: cython.uchar[::1], at: cython.longlong, text: cython.uchar[::1], start: cython.longlong, end: cython.longlong
) -> cython.longlong:
    while start < end:
        out[at] = text[start]
        at += 1
        start += 1
    return at


@cython.cfunc
@cython.nogil
@cython.exceptval(check=False)
def _number(out: cython.uchar[::1], at: cython.longlong, value: cython.longlong, is_signed: cython.bint) -> cython.longlong:
    x: cython.ulonglong
    y: cython.ulonglong
    digits: cython.longlong = 1
    i: cython.longlong
    if is_signed and value < 0:
        out[at] = 45
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
        out[i] = cython.cast(cython.uchar, 48 + x % 10)
        x = x // 10
    return at + digits


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

    kinds: per event and slot 0 nothing, 1 signed, 2 unsigned, 3 string of texts, 4 stack; from 16 on
    the value counts among words, from kind - 16; 5 the same from word 0, and it is the whole text.
    keys: '"name":' of each slot.
    Returns the row it stopped before: count, or one that does not fit. state[0]: bytes
    written; state[1]: bytes the row that did not fit may need.
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
            k = types[row] * 4
            need = 256
            for slot in range(4):
                kind = kinds[k + slot]
                i = values[row * 4 + slot]
                if kind == 3:
                    need += text_starts[i + 1] - text_starts[i]
                elif kind == 5:
                    need += word_starts[i + 1] - word_starts[i]
            if at + need > out.shape[0]:
                state[1] = need
                break
            if kinds[k] == 5:
                i = values[row * 4]
                at = _copy(out, at, words, word_starts[i], word_starts[i + 1])
            elif kinds[k]:
                for slot in range(4):
                    kind = kinds[k + slot]
                    if kind == 0:
                        break
                    out[at] = 44 if slot else 123
                    at = _copy(out, at + 1, keys, key_starts[k + slot], key_starts[k + slot + 1])
                    i = values[row * 4 + slot]
                    if kind == 4:
                        if i:
                            at = _number(out, at, stack_ids[i], True)
                        else:
                            out[at] = 110
                            out[at + 1] = 117
                            out[at + 2] = 108
                            out[at + 3] = 108
                            at += 4
                    elif kind <= 2:
                        at = _number(out, at, i, kind == 1)
                    elif kind == 3:
                        at = _copy(out, at, texts, text_starts[i], text_starts[i + 1])
                    else:
                        i += kind - 16
                        at = _copy(out, at, words, word_starts[i], word_starts[i + 1])
                out[at] = 125
                at += 1
            row += 1
            offsets[row - first] = cython.cast(cython.int, at)
        state[0] = at
    return row
