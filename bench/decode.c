/* The loop that parsers/kernels/trace_order.py decodes with, in C, to be measured against:
 * one event at a time out of a cursor's row, as the order that pulls events lazily needs it. */
#include <stdint.h>

enum { BATCH = 2, BATCH_END = 3, OFF = 4, END = 5, LAST = 6, EVENT = 7, TIME = 8, TYPE = 9, A0 = 10, WIDTH = 16 };

typedef struct {
    const uint8_t *buf;
    const int64_t *offs, *ends, *times, *argc;
    double frequency;
    int64_t *cursor;
} input;

static int64_t varint(const uint8_t *buf, int64_t off, int64_t end, uint64_t *out) {
    uint64_t x = 0;
    int shift = 0;
    while (off < end) {
        uint64_t b = buf[off++];
        if (b < 128) {
            if (shift == 63 && b > 1) return -1;
            *out = x | b << shift;
            return off;
        }
        x |= (b & 127) << shift;
        shift += 7;
        if (shift > 63) return -1;
    }
    return -1;
}

/* Not inlined: the order calls it from several places. */
__attribute__((noinline)) static int next_event(const input *in, int64_t *c) {
    int64_t off = c[OFF], end = c[END];
    while (off == end) {
        int64_t i = c[BATCH] + 1;
        if (i >= c[BATCH_END]) return 0;
        c[BATCH] = i;
        off = in->offs[i];
        end = in->ends[i];
        c[END] = end;
        c[LAST] = in->times[i];
    }
    c[EVENT] = off;
    int64_t type = in->buf[off++], args = in->argc[type];
    uint64_t x = 0;
    if (args < 0 || (off = varint(in->buf, off, end, &x)) < 0) return -1;
    double dt = (double)x * in->frequency;
    if (!(dt < 4611686018427387904.0)) return -1;
    int64_t t = c[LAST] + (int64_t)dt;
    if (t >> 62) return -1;
    c[LAST] = t;
    c[TIME] = t;
    c[TYPE] = type;
    for (int64_t k = 0; k < args; k++) {
        if ((off = varint(in->buf, off, end, &x)) < 0) return -1;
        c[A0 + k] = (int64_t)x;
    }
    c[OFF] = off;
    return 1;
}

/* Decodes all events of the cursors, one cursor after the other. Returns how many, or -1. */
int64_t decode(const uint8_t *buf, const int64_t *offs, const int64_t *ends, const int64_t *times,
               const int64_t *argc, double frequency, int64_t *cursors, int64_t n) {
    input in = {buf, offs, ends, times, argc, frequency, cursors};
    int64_t events = 0;
    for (int64_t i = 0; i < n; i++) {
        int got;
        while ((got = next_event(&in, cursors + i * WIDTH)) > 0) events++;
        if (got < 0) return -1;
    }
    return events;
}
