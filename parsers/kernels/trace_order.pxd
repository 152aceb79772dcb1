# What the machine of trace_order.py holds, and the types of its methods.

include "trace_codes.pxd"
include "integers.pxd"

from .trace_sort cimport Sorter

# Final: its methods are called, and inlined, directly.
@cython.final
cdef class Machine:
    # Input of the generation
    cdef public unsigned char[::1] buf
    cdef public long long[::1] batch_off
    cdef public long long[::1] batch_end
    cdef public long long[::1] batch_time
    cdef public long long[::1] argc
    cdef public long long[::1] cursor
    cdef public long long[::1] heap
    cdef public long long heap_n
    cdef public Sorter sorter
    # Attempts that failed, and how many may in this generation; what the last one answered
    cdef long long attempts
    cdef long long another
    cdef public long long attempts_max
    cdef public double frequency
    cdef public long long generation
    cdef public bint is_first
    cdef public long long[::1] stack_map
    cdef public long long[::1] stack_sparse
    cdef public long long[::1] stack_sparse_map
    cdef public long long[::1] string_map
    cdef public long long[::1] string_sparse
    cdef public long long[::1] string_sparse_map
    # Heap objects: type ids → strings, bytes by size class, slots of 8 bytes a page
    cdef public long long[::1] type_map
    cdef public long long[::1] class_size
    cdef public long long page_objects
    # CPU samples in order: time, thread, proc, goroutine, stack each
    cdef public long long[::1] sample
    cdef public long long sample_i
    cdef public long long sample_n
    # State of the capture
    cdef public long long[::1] g
    cdef public long long[::1] p
    cdef public long long[::1] m
    cdef public long long[::1] node
    cdef public long long[::1] table
    cdef public long long table_n
    cdef public long long table_shift
    cdef public long long g_used
    cdef public long long g_free
    cdef public long long p_used
    cdef public long long m_used
    cdef public long long node_used
    cdef public long long node_free
    cdef long long gc_seq
    cdef long long gc_state
    cdef long long gc_start
    cdef long long gc_stack
    cdef long long gc_complete
    # A settled stop of the world: its begin, or -1; it may end on another goroutine
    cdef long long stw_at
    cdef long long stw_stack
    cdef long long stw_name
    cdef long long finish_at
    cdef public long long last
    cdef public long long base
    # Words: reasons in the order of their first use
    cdef public long long[::1] word_of
    cdef public long long[::1] words
    cdef public long long words_n
    # Output: scheduling cycles
    cdef public long long[::1] cycle_g
    cdef public long long[::1] cycle_end
    cdef public long long[::1] cycle_waiting
    cdef public long long[::1] cycle_syscall
    cdef public long long[::1] cycle_runnable
    cdef public long long[::1] cycle_running
    cdef public int[::1] cycle_reason
    cdef public unsigned char[::1] cycle_complete
    cdef public int[::1] cycle_stack
    cdef public long long[::1] cycle_waker
    cdef public int[::1] cycle_waker_stack
    cdef public long long[::1] cycle_proc
    cdef public long long[::1] cycle_thread
    cdef public long long cycle_n
    cdef public long long cycle_cap
    # Output: side rows
    cdef public long long[::1] side
    cdef public long long side_n
    cdef public long long side_cap
    cdef public long long side_need
    # Output: raw events
    cdef public bint raw
    cdef public int[::1] ev_type
    cdef public long long[::1] ev_time
    cdef public long long[::1] ev_thread
    cdef public long long[::1] ev_proc
    cdef public long long[::1] ev_g
    cdef public long long[::1] ev_a
    cdef public int[::1] ev_stack
    cdef public long long ev_n
    cdef public long long ev_cap
    # Rows of settled events that have been followed
    cdef public long long followed
    # What an error is about
    cdef public long long error_at
    cdef public long long error_id
    # Regions that end where they may not, and where the first one does
    cdef public long long misused
    cdef public long long misused_at
    # The current event's context: ids of its thread, processor and goroutine as rows show them,
    # their rows of state, all -1 for none, and a bit of ON_… for each that is there
    cdef long long on_m
    cdef long long on_p
    cdef long long on_g
    cdef long long m_row
    cdef long long p_row
    cdef long long g_row
    cdef long long has

    # The frontier
    cdef long long _room(self) noexcept nogil
    cdef long long _run(self) noexcept nogil
    cdef long long _another(self) noexcept nogil
    cdef long long _sift_up(self, long long i) noexcept nogil
    cdef long long _sift_down(self, long long i) noexcept nogil
    cdef void _remove(self, long long i) noexcept nogil
    cdef void _sort_heap(self) noexcept nogil

    # Decoding
    cdef long long _next_event(self, long long c) noexcept nogil
    cdef long long _stack(self, long long i) noexcept nogil
    cdef long long _string(self, long long i) noexcept nogil
    cdef long long _word(self, long long text) noexcept nogil

    # Ids → rows
    cdef long long _find(self, long long kind, long long key) noexcept nogil
    cdef void _insert(self, long long kind, long long key, long long row) noexcept nogil
    cdef void _forget(self, long long kind, long long key) noexcept nogil
    cdef long long _new_m(self, long long key) noexcept nogil
    cdef long long _new_p(self, long long key, long long status) noexcept nogil
    cdef long long _new_g(self, long long key, long long status, long long stack) noexcept nogil
    cdef void _free_goroutine(self, long long r) noexcept nogil
    cdef long long _new_node(self, long long kind, long long name, long long start, long long stack) noexcept nogil
    cdef void _drop_node(self, long long r) noexcept nogil

    # Output
    cdef void _on(self, long long thread, long long proc, long long goroutine) noexcept nogil
    cdef long long _stamp(self, long long time) noexcept nogil
    cdef void _emit(self, long long typ, long long ts, long long a0, long long a1, long long a2, long long a3, long long stack) noexcept nogil
    cdef void _side(self, long long kind, long long a, long long b, long long c, long long d, long long e, long long f, long long g, long long h) noexcept nogil
    cdef void _range_row(self, long long k, long long scope, long long scope_id, long long ts, long long complete) noexcept nogil
    cdef void _gc_row(self, long long ts, long long complete) noexcept nogil
    cdef void _region_row(self, long long k, long long goroutine, long long depth, long long ts, long long complete) noexcept nogil
    cdef void _task_row(self, long long k, long long ts, long long mark) noexcept nogil
    cdef void _object_row(self, long long k, long long freed) noexcept nogil
    cdef void _move(self, long long r, long long state, long long ts, long long reason, long long stack, long long proc, long long thread, long long waker, long long waker_stack) noexcept nogil
    cdef bint _goes_on(self, long long r, long long state, long long reason, long long stack, long long proc, long long thread, long long waker, long long waker_stack) noexcept nogil
    cdef void _begin(self, long long r, long long state, long long reason, long long stack) noexcept nogil
    cdef void _close(self, long long r, long long ts, long long complete, long long waker, long long waker_stack) noexcept nogil
    cdef void _write(self, long long r, long long last, long long complete) noexcept nogil
    cdef void _end_goroutine(self, long long r, long long ts, long long is_end) noexcept nogil
    cdef long long _open_things(self, long long r) noexcept nogil
    cdef bint _has_room_for(self, long long rows) noexcept nogil
    cdef long long _sample(self) noexcept nogil
    cdef long long _finish(self) noexcept nogil

    # The state machine
    cdef long long _advance(self, long long c) noexcept nogil
    cdef void _set_context(self, long long thread, long long m_row) noexcept nogil

    # Guards
    cdef long long _check(self, long long needs, long long status) noexcept nogil
    cdef long long _ready_goroutine(self, long long key, long long status, long long sequence) noexcept nogil
    cdef long long _ready_proc(self, long long key, long long status, long long other_status, long long sequence) noexcept nogil
    cdef void _set_goroutine(self, long long m_row, long long key, long long g_row) noexcept nogil

    # Goroutines
    cdef long long _go_start(self, long long c) noexcept nogil
    cdef long long _go_unblock(self, long long c) noexcept nogil
    cdef long long _go_block(self, long long c, long long typ) noexcept nogil
    cdef long long _go_destroy(self, long long c) noexcept nogil
    cdef long long _go_syscall_begin(self, long long c) noexcept nogil
    cdef long long _go_syscall_end(self, long long c) noexcept nogil
    cdef long long _go_syscall_end_blocked(self, long long c) noexcept nogil
    cdef long long _go_create(self, long long c, long long typ) noexcept nogil
    cdef long long _go_create_syscall(self, long long c) noexcept nogil
    cdef long long _is_new(self, long long key) noexcept nogil
    cdef long long _go_destroy_syscall(self, long long c) noexcept nogil
    cdef long long _go_switch(self, long long c, long long typ) noexcept nogil
    cdef long long _go_status(self, long long c, long long typ) noexcept nogil
    cdef long long _syscall_elsewhere(self, long long key, long long thread) noexcept nogil
    cdef void _name(self, long long r, long long stack) noexcept nogil

    # Processors
    cdef long long _proc_start(self, long long c) noexcept nogil
    cdef long long _proc_stop(self, long long c) noexcept nogil
    cdef long long _proc_steal(self, long long c) noexcept nogil
    cdef long long _proc_status(self, long long c) noexcept nogil
    cdef long long _holder(self, long long p_row) noexcept nogil

    # Metrics
    cdef long long _heap_metric(self, long long c, long long typ) noexcept nogil
    cdef long long _procs_change(self, long long c) noexcept nogil

    # Ranges
    cdef long long _find_range(self, long long k, long long kind, long long name) noexcept nogil
    cdef long long _append_range(self, long long head, long long new) noexcept nogil
    cdef long long _take_range(self, long long head, long long k) noexcept nogil
    cdef long long _goroutine_range_begin(self, long long c, long long typ) noexcept nogil
    cdef long long _goroutine_range_end(self, long long c, long long typ) noexcept nogil
    cdef long long _assist_active(self, long long c) noexcept nogil
    cdef long long _sweep_begin(self, long long c) noexcept nogil
    cdef long long _sweep_end(self, long long c) noexcept nogil
    cdef long long _sweep_active(self, long long c) noexcept nogil
    cdef long long _range_from_before(self, long long kind) noexcept nogil
    cdef long long _gc(self, long long c, long long typ) noexcept nogil

    # Heap objects, and other experiments
    cdef long long _experiment(self, long long c, long long typ) noexcept nogil
    cdef void _span(self, long long page, long long pages, long long kind) noexcept nogil
    cdef void _forget_pages(self, long long page) noexcept nogil
    cdef void _heap_object(self, long long typ, long long ts, long long slot, long long kind) noexcept nogil
    cdef void _new_object(self, long long slot, long long ts, long long kind, long long size) noexcept nogil

    # What programs say of themselves
    cdef long long _go_label(self, long long c) noexcept nogil
    cdef long long _log(self, long long c) noexcept nogil
    cdef long long _task_begin(self, long long c) noexcept nogil
    cdef void _open_task(self, long long task, long long parent, long long name, long long ts, long long stack) noexcept nogil
    cdef long long _task_end(self, long long c) noexcept nogil
    cdef void _close_task(self, long long k, long long ts) noexcept nogil
    cdef void _end_unknown_task(self, long long task, long long ts, long long stack) noexcept nogil
    cdef long long _region(self, long long c, long long typ) noexcept nogil
    cdef void _open_region(self, long long g_row, long long task, long long name, long long ts, long long stack) noexcept nogil
    cdef bint _close_region(self, long long g_row, long long task, long long name, long long ts, long long stack) noexcept nogil

    # Events whose order is settled
    cdef long long _follow(self, long long[::1] rows, long long r) noexcept nogil
    cdef long long _known(self, long long key, long long state, long long ts) noexcept nogil
    cdef long long _go_over(self, long long key, long long state, long long ts, long long reason, long long stack) noexcept nogil
    cdef void _follow_unblock(self, long long key, long long ts, long long stack) noexcept nogil
    cdef void _follow_create(self, long long typ, long long key, long long birth, long long ts, long long stack) noexcept nogil
    cdef void _follow_status(self, long long key, long long status, long long stack) noexcept nogil
    cdef long long _follow_destroy(self, long long typ, long long time, long long stack) noexcept nogil
    cdef long long _follow_task_begin(self, long long time, long long task, long long parent, long long name, long long stack) noexcept nogil
    cdef long long _follow_task_end(self, long long time, long long task, long long parent, long long name, long long stack) noexcept nogil
    cdef long long _follow_region(self, long long typ, long long task, long long name, long long ts, long long stack) noexcept nogil
    cdef void _follow_gc(self, long long typ, long long ts, long long stack) noexcept nogil
    cdef void _follow_stw(self, long long typ, long long name, long long ts, long long stack) noexcept nogil
    cdef void _follow_sweep(self, long long typ, long long ts, long long stack) noexcept nogil
    cdef void _follow_assist(self, long long typ, long long ts, long long stack) noexcept nogil
    cdef long long _range_step(self, long long head, long long step, long long kind, long long scope, long long scope_id, long long ts, long long stack) noexcept nogil

cdef inline long long _looked_up(long long key, long long[::1] keys, long long[::1] values) noexcept nogil
