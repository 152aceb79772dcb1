# The codes of trace_wire.py, and the types of its functions.

include "trace_codes.pxd"
include "integers.pxd"

cdef enum:
    # What batches hold; an experiment's is BATCH_EXPERIMENT and its number
    BATCH_EVENTS = 0
    BATCH_STRINGS = 1
    BATCH_STACKS = 2
    BATCH_SAMPLES = 3
    BATCH_SYNC = 4
    BATCH_EXPERIMENT = 16
    # Rows of batches: FIRST is the offset of the batch's own first byte
    B_KIND = 0
    B_THREAD = 1
    B_TIME = 2
    B_OFF = 3
    B_END = 4
    B_FIRST = 5
    B_WIDTH = 6
    # Caps of the format
    MAX_BATCH_BYTES = 65536
    MAX_STRING_BYTES = 1024
    MAX_STACK_FRAMES = 128
    # Columns of frames: pc, function, file, line
    FRAME_WIDTH = 4
    # The state: where reading stopped, rows filled so far, the generation's number (0: not known), frames filled so
    # far, and integers that were read last
    AT = 0
    ROWS = 1
    NUMBER = 2
    FRAMES = 3
    READ = 4
    STATE_WIDTH = 12
    # A batch's header
    HEAD_GENERATION = 0
    HEAD_THREAD = 1
    HEAD_TIME = 2
    HEAD_BYTES = 3
    HEAD_WIDTH = 4
    # What indexing answers: more bytes are needed, the generation ends at AT, more rows are needed
    INDEX_MORE = 1
    INDEX_ENDS = 2
    INDEX_GROW = 3
    # Its errors
    INDEX_E_NO_BATCH = -1
    INDEX_E_VARINT = -2
    INDEX_E_SIZE = -3
    INDEX_E_ZERO = -4
    INDEX_E_OTHER = -5
    # What tables answer, and their errors
    TABLE_READ = 0
    TABLE_E_ENTRY = -1
    TABLE_E_VARINT = -2
    TABLE_E_LARGE = -3

cdef inline long long _read(unsigned char[::1] buf, long long off, long long end, long long count, long long[::1] state) noexcept nogil
cdef inline long long _batch_kind(unsigned char[::1] buf, long long off, long long size, long long sync_type) noexcept nogil
