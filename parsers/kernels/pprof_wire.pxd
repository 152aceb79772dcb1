# The fields of profile.proto and the codes of pprof_wire.py, and the types of its functions.

include "integers.pxd"

cdef enum:
    # A field's key: its number above its wire type
    NUMBER_AT = 3
    WIRE_MASK = 7
    WIRE_VARINT = 0
    WIRE_I64 = 1
    WIRE_LENGTH = 2
    WIRE_I32 = 5
    # Fields of Profile
    PROFILE_SAMPLE_TYPE = 1
    PROFILE_SAMPLE = 2
    PROFILE_MAPPING = 3
    PROFILE_LOCATION = 4
    PROFILE_FUNCTION = 5
    PROFILE_STRING = 6
    PROFILE_FIRST_SCALAR = 7
    PROFILE_PERIOD_TYPE = 11
    PROFILE_COMMENT = 13
    # Fields of Sample and Location
    SAMPLE_LOCATION_ID = 1
    SAMPLE_VALUE = 2
    SAMPLE_LABEL = 3
    LOCATION_LAST_SCALAR = 3
    LOCATION_LINE = 4
    # Columns of the rows
    TYPE_WIDTH = 2
    SAMPLE_WIDTH = 2
    LABEL_WIDTH = 4
    LOCATION_WIDTH = 4
    LINE_WIDTH = 2
    FUNCTION_WIDTH = 5
    MAPPING_WIDTH = 6
    STRING_WIDTH = 2
    SCALARS = 16
    # What is counted
    N_TYPES = 0
    N_SAMPLES = 1
    N_LOCATION_IDS = 2
    N_VALUES = 3
    N_LABELS = 4
    N_LOCATIONS = 5
    N_LINES = 6
    N_FUNCTIONS = 7
    N_MAPPINGS = 8
    N_STRINGS = 9
    N_COMMENTS = 10
    COUNTS = 11
    # The state: a field's offset, what an error is about, and the payload buf[START:STOP]; START is an error where
    # there is none
    AT = 0
    ABOUT = 1
    START = 2
    STOP = 3
    STATE_WIDTH = 4
    # Errors beside CUT and TOO_LONG: longer than what is left (ABOUT says how long), a wire type that profiles have not
    E_LENGTH = -3
    E_WIRE_TYPE = -4

cdef inline unsigned long long _field(unsigned char[::1] buf, long long off, long long end, long long[::1] state) noexcept nogil
cdef inline long long _scalars(unsigned char[::1] buf, long long off, long long end, unsigned long long[::1] out, long long row, long long width, long long[::1] state) noexcept nogil
cdef inline long long _numbers(unsigned char[::1] buf, long long off, long long end, unsigned long long[::1] out, long long n, long long[::1] state) noexcept nogil
cdef inline long long _sample(unsigned char[::1] buf, long long off, long long end, unsigned long long[::1] samples, unsigned long long[::1] values, unsigned long long[::1] location_ids, unsigned long long[::1] labels, unsigned long long[::1] label_samples, long long[::1] counts, long long[::1] state) noexcept nogil
cdef inline long long _location(unsigned char[::1] buf, long long off, long long end, unsigned long long[::1] locations, unsigned long long[::1] lines, long long[::1] counts, long long[::1] state) noexcept nogil
