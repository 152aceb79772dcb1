# Layouts of rows, and codes, that the trace kernels and their callers share.
# Uncompiled, and in Python, layout.py reads them from this file.

cdef enum:
    # No row, no id, no thread
    NONE = -1
    # Times stay below 2 to this power
    TIME_BITS = 62
    # Rows of a cursor: one per thread of the generation
    C_M = 0
    C_MSLOT = 1
    C_BATCH = 2
    C_BATCH_END = 3
    C_OFF = 4
    C_END = 5
    C_LAST = 6
    C_EVENT = 7
    C_TIME = 8
    C_TYPE = 9
    C_A0 = 10
    C_A1 = 11
    C_A2 = 12
    C_A3 = 13
    C_WIDTH = 16
    # Rows of a thread
    M_ID = 0
    M_G = 1
    M_GROW = 2
    M_P = 3
    M_SEEN = 4
    M_WIDTH = 8
    # Rows of a processor
    P_ID = 0
    P_STATUS = 1
    P_GEN = 2
    P_SEQ = 3
    P_RANGES = 4
    P_WIDTH = 8
    # Rows of a goroutine; NAME is the first stack seen, whose root is the entry function
    G_ID = 0
    G_STATUS = 1
    G_GEN = 2
    G_SEQ = 3
    G_STATE = 4
    G_START = 5
    G_REASON = 6
    G_COMPLETE = 7
    G_STACK = 8
    G_PROC = 9
    G_THREAD = 10
    G_RANGES = 11
    G_REGIONS = 12
    G_DEPTH = 13
    G_OUTER = 14
    G_NAME = 15
    G_CREATED = 16
    G_PARENT = 17
    G_BIRTH = 18
    G_FIRST = 19
    G_BLOCKED = 20
    G_READY = 21
    G_WAKER = 22
    G_WAKER_STACK = 23
    G_WIDTH = 24
    # Rows of the pool that open ranges, regions and tasks live in
    N_NEXT = 0
    N_KIND = 1
    N_NAME = 2
    N_START = 3
    N_STACK = 4
    N_COMPLETE = 5
    N_G = 6
    N_PARENT = 7
    N_WIDTH = 8
    # Rows of the side output
    S_KIND = 0
    S_A = 1
    S_B = 2
    S_C = 3
    S_D = 4
    S_E = 5
    S_F = 6
    S_G = 7
    S_H = 8
    S_WIDTH = 9
    # Rows of events whose order is settled
    R_KIND = 0
    R_TIME = 1
    R_THREAD = 2
    R_PROC = 3
    R_G = 4
    R_A0 = 5
    R_A1 = 6
    R_A2 = 7
    R_A3 = 8
    R_STACK = 9
    R_WIDTH = 10
    # CPU samples
    SAMPLE_TIME = 0
    SAMPLE_THREAD = 1
    SAMPLE_PROC = 2
    SAMPLE_G = 3
    SAMPLE_STACK = 4
    SAMPLE_WIDTH = 5
    # What one event may add to the hash, and to each output
    TABLE_SPARE = 24
    # Open regions that are looked through for the one that ends; whoever has more in the wrong order is not followed
    REGIONS_SEARCHED = 64
    ROWS_SPARE = 8
    # What an id in the hash names: the lowest bits of its entry
    KIND_BITS = 3
    KIND_MASK = 7
    KIND_G = 1
    KIND_P = 2
    KIND_M = 3
    KIND_TASK = 4
    KIND_PAGE = 5
    KIND_OBJECT = 6
    # What has a range to itself, beside goroutines and processors: all of the program
    GLOBAL = 0
    # What N_NEXT is in nodes that are no part of a list
    NODE_FREE = -1
    NODE_TASK = -2
    NODE_OBJECT = -3
    # Kinds of side rows
    SIDE_GOROUTINE = 1
    SIDE_RANGE = 2
    SIDE_METRIC = 3
    SIDE_TASK = 4
    SIDE_REGION = 5
    SIDE_LOG = 6
    SIDE_SAMPLE = 7
    SIDE_OBJECT = 8
    # How much of a task was seen
    TASK_OPEN = 0
    TASK_WHOLE = 1
    TASK_END_ONLY = 2
    # Status of a goroutine, as the trace has it in the lowest bits of an argument; ANY where it does not matter
    STATUS_MASK = 255
    ANY = 0
    RUNNABLE = 1
    RUNNING = 2
    SYSCALL = 3
    WAITING = 4
    # Status of a processor
    P_RUNNING = 1
    P_IDLE = 2
    P_SYSCALL = 3
    P_ABANDONED = 4
    # The same in the words of Go's reader
    SHOWN_UNDETERMINED = 0
    SHOWN_NOT_EXIST = 1
    SHOWN_RUNNING = 2
    SHOWN_IDLE = 3
    # What an event happens on: a thread, a processor, a goroutine, or explicitly none
    ON_THREAD = 1
    ON_PROC = 2
    ON_GOROUTINE = 4
    ON_NO_GOROUTINE = 8
    # A goroutine that runs; a processor that runs none
    ON_USER = 7
    ON_IDLE_PROC = 11
    # The collector
    GC_UNKNOWN = 0
    GC_OFF = 1
    GC_ON = 2
    # A range of whatever name; the steps of one, in the order of its event types
    ANY_NAME = -1
    STEP_ACTIVE = 0
    STEP_BEGIN = 1
    STEP_END = 2
    # Heap objects: a span's kind (the lowest bit: not for objects; then: no pointers; then the size class,
    # 0 for one large object), what the hash keeps of a page (object size, pages of the span less 1, which of
    # them), the most pages a span of small objects has, bytes of a slot, and of the tiny allocator's block
    SPAN_NO_OBJECTS = 1
    SPAN_CLASS_AT = 2
    PAGE_SIZE_AT = 8
    PAGE_COUNT_AT = 4
    PAGE_MASK = 15
    MAX_PAGES = 16
    SLOT_BYTES = 8
    TINY_BYTES = 16
    # Event types of the format
    EV_EVENT_BATCH = 1
    EV_STACKS = 2
    EV_STACK = 3
    EV_STRINGS = 4
    EV_STRING = 5
    EV_CPU_SAMPLES = 6
    EV_CPU_SAMPLE = 7
    EV_PROCS_CHANGE = 9
    EV_PROC_START = 10
    EV_PROC_STOP = 11
    EV_PROC_STEAL = 12
    EV_PROC_STATUS = 13
    EV_GO_CREATE = 14
    EV_GO_CREATE_SYSCALL = 15
    EV_GO_START = 16
    EV_GO_DESTROY = 17
    EV_GO_DESTROY_SYSCALL = 18
    EV_GO_STOP = 19
    EV_GO_BLOCK = 20
    EV_GO_UNBLOCK = 21
    EV_GO_SYSCALL_BEGIN = 22
    EV_GO_SYSCALL_END = 23
    EV_GO_SYSCALL_END_BLOCKED = 24
    EV_GO_STATUS = 25
    EV_STW_BEGIN = 26
    EV_STW_END = 27
    EV_GC_ACTIVE = 28
    EV_GC_BEGIN = 29
    EV_GC_END = 30
    EV_SWEEP_ACTIVE = 31
    EV_SWEEP_BEGIN = 32
    EV_SWEEP_END = 33
    EV_ASSIST_ACTIVE = 34
    EV_ASSIST_BEGIN = 35
    EV_ASSIST_END = 36
    EV_HEAP_ALLOC = 37
    EV_HEAP_GOAL = 38
    EV_GO_LABEL = 39
    EV_TASK_BEGIN = 40
    EV_TASK_END = 41
    EV_REGION_BEGIN = 42
    EV_REGION_END = 43
    EV_LOG = 44
    EV_GO_SWITCH = 45
    EV_GO_SWITCH_DESTROY = 46
    EV_GO_CREATE_BLOCKED = 47
    EV_GO_STATUS_STACK = 48
    EV_EXPERIMENTAL_BATCH = 49
    EV_SYNC = 50
    EV_END_OF_GENERATION = 52
    EV_SPAN = 128
    EV_SPAN_ALLOC = 129
    EV_SPAN_FREE = 130
    EV_HEAP_OBJECT = 131
    EV_HEAP_OBJECT_ALLOC = 132
    EV_HEAP_OBJECT_FREE = 133
    EV_LAST = 136
    # What a step answers
    NOT_YET = 0
    ADVANCED = 1
    DONE = 2
    FULL = 3
    GROW = 4
    # Errors
    E_VARINT = -1
    E_TYPE = -2
    E_TIME = -3
    E_STUCK = -4
    E_CONTEXT = -5
    E_STACK = -6
    E_STRING = -7
    E_NO_GOROUTINE = -8
    E_GOROUTINE_STATE = -9
    E_GOROUTINE_EXISTS = -10
    E_GOROUTINE_LATE = -11
    E_STATUS = -12
    E_PROC = -13
    E_PROC_SEQUENCE = -14
    E_THREAD = -15
    E_RANGE = -16
    E_NO_RANGE = -17
    E_GC = -18
    E_TASK = -19
    E_ID = -21
    E_PATIENCE = -22
