# The events of version 1 traces and the codes of trace_v1.py, as C constants.
# Uncompiled, trace_v1.py reads them and those of trace_order.pxd from the files.

include "trace_order.pxd"

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
    # The most bytes of an event's arguments
    V1_MAX_ARGS = 2048
    # Not of the format: a system call that will block
    V1_GO_SYS_CALL_BLOCKS = 63
    # Goroutines while events are put in order
    V1_DEAD = 0
    V1_RUNNABLE = 1
    V1_RUNNING = 2
    V1_WAITING = 3
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
