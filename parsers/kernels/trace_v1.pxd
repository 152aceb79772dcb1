# The events of version 1 traces, the codes of trace_v1.py, what its trace holds, and the types of its methods.

include "trace_codes.pxd"
include "integers.pxd"

cdef enum:
    # Event types of the format
    V1_BATCH = 1
    V1_FREQUENCY = 2
    V1_STACK = 3
    V1_GOMAXPROCS = 4
    V1_PROC_START = 5
    V1_PROC_STOP = 6
    V1_GC_START = 7
    V1_GC_DONE = 8
    V1_STW_START = 9
    V1_STW_DONE = 10
    V1_SWEEP_START = 11
    V1_SWEEP_DONE = 12
    V1_GO_CREATE = 13
    V1_GO_START = 14
    V1_GO_END = 15
    V1_GO_STOP = 16
    V1_GO_SCHED = 17
    V1_GO_PREEMPT = 18
    V1_GO_SLEEP = 19
    V1_GO_BLOCK = 20
    V1_GO_UNBLOCK = 21
    V1_BLOCK_SEND = 22
    V1_BLOCK_RECV = 23
    V1_BLOCK_SELECT = 24
    V1_BLOCK_SYNC = 25
    V1_BLOCK_COND = 26
    V1_BLOCK_NET = 27
    V1_GO_SYS_CALL = 28
    V1_GO_SYS_EXIT = 29
    V1_GO_SYS_BLOCK = 30
    V1_GO_WAITING = 31
    V1_GO_IN_SYSCALL = 32
    V1_HEAP_ALLOC = 33
    V1_HEAP_GOAL = 34
    V1_TIMER_GOROUTINE = 35
    V1_FUTILE_WAKEUP = 36
    V1_STRING = 37
    V1_GO_START_LOCAL = 38
    V1_GO_UNBLOCK_LOCAL = 39
    V1_GO_SYS_EXIT_LOCAL = 40
    V1_GO_START_LABEL = 41
    V1_BLOCK_GC = 42
    V1_ASSIST_START = 43
    V1_ASSIST_DONE = 44
    V1_TASK_CREATE = 45
    V1_TASK_END = 46
    V1_USER_REGION = 47
    V1_USER_LOG = 48
    V1_CPU_SAMPLE = 49
    # An event's first byte: its type, above that the number of arguments less one, or this many for
    # arguments whose bytes are counted
    V1_TYPE_MASK = 63
    V1_COUNT_AT = 6
    V1_LONG = 4
    # The most bytes of an event's arguments
    V1_MAX_ARGS = 2048
    # Not of the format: a system call that will block
    V1_GO_SYS_CALL_BLOCKS = 63
    # Goroutines while events are put in order
    V1_DEAD = 0
    V1_RUNNABLE = 1
    V1_RUNNING = 2
    V1_WAITING = 3
    # Processors: running, sweeping, on a thread that is known, with a status in the rows
    V1_P_RUNS = 1
    V1_P_SWEEPS = 2
    V1_P_HAS_THREAD = 4
    V1_P_KNOWN = 8
    # Processors that are none, counted from behind the real ones
    V1_TIMER_P = 0
    V1_NETPOLL_P = 1
    V1_SYSCALL_P = 2
    V1_GC_P = 3
    V1_SPECIAL_P = 4
    # What else a step answers: an event that Python decodes
    V1_SPECIAL = 5
    # Errors
    V1_E_CUT = -1
    V1_E_VARINT = -2
    V1_E_NO_BATCH = -4
    V1_E_COUNT = -5
    V1_E_TIME = -6
    V1_E_LENGTH = -7
    V1_E_TWICE = -8
    V1_E_STUCK = -9
    V1_E_PATIENCE = -10
    V1_E_EXIT = -11
    V1_E_SWEEP = -12
    V1_E_PROC = -13
    V1_E_PROC_BUSY = -14
    V1_E_GC = -15
    V1_E_STW = -16
    V1_E_WAKER = -17
    V1_E_OTHER_PROC = -18
    V1_E_WOKEN = -19
    V1_E_REGION_MODE = -20
    V1_E_STATUS = -21
    V1_E_EXISTS = -22
    V1_E_START = -23
    V1_E_START_BUSY = -24
    V1_E_SYS_EXIT = -25
    V1_E_RUNNING = -26
    V1_E_G0 = -27
    V1_E_MEANING = -28
    V1_E_EVENTS = -29

cdef inline long long _next_sequence(long long x) noexcept nogil
cdef inline bint _blocks(long long kind) noexcept nogil

# Final: its methods are called, and inlined, directly.
@cython.final
cdef class Trace:
    # Input
    cdef public unsigned char[::1] buf
    cdef public long long end
    cdef public long long[::1] count_of
    cdef public unsigned char[::1] has_stack
    # Where decoding is: offset, event's offset, processor, time, goroutine, whether in a batch
    cdef public long long at
    cdef public long long event_at
    cdef public long long proc
    cdef public long long time
    cdef public long long g
    cdef public bint has_batch
    # Events: ticks, later ns; type; processor; goroutine's index; arguments, where the first
    # is a goroutine's index if it names one; stack
    cdef public long long n
    cdef public long long cap
    cdef public long long[::1] ts
    cdef public unsigned char[::1] kind
    cdef public int[::1] proc_of
    cdef public int[::1] g_of
    cdef public long long[::1] a0
    cdef public long long[::1] a1
    cdef public long long[::1] a2
    cdef public unsigned int[::1] stack
    # Goroutines: their ids by index, and the hash from ids to indexes + 1
    cdef public long long g_n
    cdef public long long g_cap
    cdef public long long[::1] g_id
    cdef public long long[::1] table
    cdef public long long table_shift
    # Merging: rows by stream, each stream's head and end, and the order found
    cdef public int[::1] index
    cdef public long long[::1] head
    cdef public long long[::1] stop
    cdef public long long[::1] waiting
    cdef public long long waiting_n
    cdef public long long[::1] heap
    cdef public long long heap_n
    cdef public int[::1] merged
    cdef public long long attempts_max
    # By goroutine: sequence, state, and what the pass needs
    cdef public long long[::1] sequence
    cdef public unsigned char[::1] state
    cdef public long long[::1] mark_of
    cdef public unsigned char[::1] exists
    cdef public unsigned char[::1] is_timer
    cdef public long long[::1] begins_with
    cdef public long long[::1] created
    cdef public unsigned char[::1] is_created
    cdef long long created_n
    cdef long long created_i
    cdef bint had_procs
    # By processor
    cdef public long long n_procs
    cdef public long long[::1] proc_id
    cdef public long long[::1] proc_g
    cdef public unsigned char[::1] proc_state
    cdef public long long[::1] thread_of
    # Converting: words of reasons and of stops by number, rows out, how far
    cdef public long long[::1] reason
    cdef public long long[::1] stw_name
    cdef public long long[::1] rows
    cdef public long long rows_n
    cdef public long long rows_cap
    cdef public long long done
    cdef bint is_gc
    cdef bint is_stopped
    cdef long long stw
    # What an error is about
    cdef public long long error_id
    cdef public long long error_ts

    # Goroutines
    cdef void _enter(self, long long key, long long row) noexcept nogil
    cdef long long _goroutine(self, long long key) noexcept nogil

    # Decoding
    cdef long long _add(self, long long ts, long long kind, long long proc, long long g, long long a0, long long a1, long long a2, unsigned int stack) noexcept nogil
    cdef unsigned long long _varint(self) noexcept nogil
    cdef long long _decode(self) noexcept nogil
    cdef long long _varint_error(self, long long at) noexcept nogil

    # Order
    cdef long long _merge(self) noexcept nogil
    cdef long long _subject(self, long long r) noexcept nogil
    cdef bint _is_ready(self, long long r) noexcept nogil
    cdef void _happen(self, long long r) noexcept nogil
    cdef bint _is_before(self, long long s, long long t) noexcept nogil
    cdef void _push(self, long long s) noexcept nogil
    cdef long long _pop(self) noexcept nogil

    # Checks and version 2's events
    cdef long long _tell_created(self, long long r) noexcept nogil
    cdef long long _fails(self, long long status, long long g) noexcept nogil
    cdef long long _check(self, long long r) noexcept nogil
    cdef long long _check_goroutine(self, long long r, long long kind, long long p, long long g) noexcept nogil
    cdef void _row(self, long long kind, long long time, long long thread, long long proc, long long g, long long a0, long long a1, long long a2, long long stack) noexcept nogil
    cdef long long _convert(self, long long r) noexcept nogil
    cdef long long _convert_rest(self, long long kind, long long time, long long thread, long long proc, long long g, long long a0, long long a1, long long stack) noexcept nogil
