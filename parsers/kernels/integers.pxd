# Integers of 64 bits: as base-128 varints, as signed numbers, and hashed. What the kernels share.
#
# Uncompiled, layout.py makes Python functions of the inline ones: their bodies are plain Python.

cimport cython

cdef enum:
    # No integer is there: the bytes are cut off, or it goes on for too long
    CUT = -1
    TOO_LONG = -2
    # What the tenth and last byte may be: as much as fits into 64 bits, or anything, with the bits above dropped
    FITS = 1
    DROPS = 127
    # As many bits as may be moved up by seven
    LOW_57_BITS = 0x1FFFFFFFFFFFFFF

# Source of the two: protobuf encoding guide, "Base 128 varints".

cdef inline long long varint_end(unsigned char[::1] buf, long long off, long long end, long long tenth) noexcept nogil:
    """The offset behind the integer at off, or CUT or TOO_LONG. tenth: FITS or DROPS."""
    last: cython.longlong = off + 9
    while off < end:
        if buf[off] < 128:
            return off + 1 if off < last or buf[off] <= tenth else TOO_LONG
        if off == last:
            return TOO_LONG
        off += 1
    return CUT

cdef inline unsigned long long varint_value(unsigned char[::1] buf, long long off, long long stop) noexcept nogil:
    """The integer that lies in buf[off:stop]."""
    value: cython.ulonglong = 0
    while stop > off:
        stop -= 1
        value = (value & LOW_57_BITS) << 7 | (buf[stop] & 127)
    return value

cdef inline long long as_signed(unsigned long long value) noexcept nogil:
    """The same bits as a signed number."""
    if cython.compiled:
        return value
    else:
        return value - (value >> 63 << 64)

cdef inline long long hashed(unsigned long long key, long long shift) noexcept nogil:
    """A place for the key among 2 to the power of 64 - shift: the highest bits of its product with 2^64 / golden ratio."""
    k: cython.ulonglong = 0x1E3779B97F4A7C15
    if cython.compiled:
        return key * k >> shift
    else:
        return (key * k & (1 << 64) - 1) >> shift
