# The codes of trace_args.py, and the types of its functions.

cdef enum:
    # Slots of an event, and what one holds: nothing, a number, a string of texts, a stack, a word that is the
    # whole text; from ARG_WORD on a word that counts from the kind less ARG_WORD
    SLOTS = 4
    ARG_NONE = 0
    ARG_SIGNED = 1
    ARG_UNSIGNED = 2
    ARG_STRING = 3
    ARG_STACK = 4
    ARG_RAW = 5
    ARG_WORD = 16
    # The state: bytes written, and what the row that did not fit may need
    WRITTEN = 0
    NEEDED = 1
    STATE_WIDTH = 2
    # What a row may take beside its strings
    ROW_BYTES = 256
    # Characters
    COMMA = 44
    MINUS = 45
    ZERO = 48
    OPEN = 123
    CLOSE = 125
    LETTER_N = 110
    LETTER_U = 117
    LETTER_L = 108

cdef inline long long _copy(unsigned char[::1] out, long long at, unsigned char[::1] text, long long start, long long end) noexcept nogil
cdef inline long long _number(unsigned char[::1] out, long long at, long long value, bint is_signed) noexcept nogil
cdef inline long long _null(unsigned char[::1] out, long long at) noexcept nogil
