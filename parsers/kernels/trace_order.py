# cython: language_level=3, boundscheck=False, wraparound=False, initializedcheck=False, cdivision=True, nonecheck=False
"""The scheduler state machine: from the batches of one generation to rows in order.

``Machine.run`` pulls events lazily from one cursor per thread, decides which may
happen next, keeps the state of goroutines, processors and threads, and writes
finished rows straight into the output arrays. It stops with a status when an
output array is full or a table must grow, and goes on where it stopped.

Longer than other files because a C function call for each event would pass a
dozen memoryviews; one class holds them, and one method has the cases.

How each index is bounded, whatever the bytes say:

- ``buf``: every read is preceded by ``off < end``; ``end`` is the end of a batch,
  which the index pass found to lie inside the buffer.
- ``argc`` has 256 entries and is indexed by a byte.
- Rows of goroutines, processors, threads, nodes and cursors are reached by row
  offsets only, which come from ``_new_*`` and so lie below the array's length;
  ids of the trace never index anything but through the hash.
- the hash is a power of two long, indexed under its mask, and never full:
  ``_room`` demands a free half before each event, with what one event can add to spare.
- ``type_map``, ``class_size`` by ``0 <= i < len``.
- ``stack_map``, ``string_map``: dense part by ``0 <= id < len``; the rest by
  binary search. ``word_of``, ``words`` are as long as there are strings.
- output rows: ``_room`` demands SPARE free rows before each event, and no event
  writes more; an ending goroutine counts what it has open first.
- rows of settled events: ``followed < count``, which the caller takes from the array; the strings and
  stacks in them are indexes that our own code gave, and ``word_of`` has an entry for each string.
- ``heap``, ``order`` and ``time_of`` are as long as there are cursors; the heap only
  loses entries. Sorting permutes ``order`` within its first n entries.
"""

import cython

if not cython.compiled:
    with open(__file__[:-2] + "pxd") as _constants:
        for _name, _equals, _value in (_line.strip().partition(" = ") for _line in _constants):
            if _equals and _name.isidentifier():
                globals()[_name] = int(_value)


@cython.cfunc
@cython.nogil
@cython.inline
@cython.exceptval(check=False)
def _signed(x: cython.ulonglong) -> cython.longlong:
    if cython.compiled:
        return cython.cast(cython.longlong, x)
    else:
        return x - (1 << 64) if x >> 63 else x


@cython.cfunc
@cython.nogil
@cython.inline
@cython.exceptval(check=False)
def _hash(key: cython.longlong, shift: cython.longlong) -> cython.longlong:
    k: cython.ulonglong = 0x1E3779B97F4A7C15
    if cython.compiled:
        return cython.cast(cython.longlong, (cython.cast(cython.ulonglong, key) * k) >> shift)
    else:
        return (((key & ((1 << 64) - 1)) * k) & ((1 << 64) - 1)) >> shift


@cython.cclass
class Machine:
    """State of the whole capture and arrays of the current generation."""

    # Input of the generation
    buf = cython.declare(cython.uchar[::1], visibility="public")
    batch_off = cython.declare(cython.longlong[::1], visibility="public")
    batch_end = cython.declare(cython.longlong[::1], visibility="public")
    batch_time = cython.declare(cython.longlong[::1], visibility="public")
    argc = cython.declare(cython.longlong[::1], visibility="public")
    cursor = cython.declare(cython.longlong[::1], visibility="public")
    heap = cython.declare(cython.longlong[::1], visibility="public")
    heap_n = cython.declare(cython.longlong, visibility="public")
    order = cython.declare(cython.longlong[::1], visibility="public")
    time_of = cython.declare(cython.longlong[::1], visibility="public")
    swaps: cython.longlong
    was_partitioned: cython.bint
    # Attempts that failed, and how many may in this generation
    attempts: cython.longlong
    attempts_max = cython.declare(cython.longlong, visibility="public")
    frequency = cython.declare(cython.double, visibility="public")
    generation = cython.declare(cython.longlong, visibility="public")
    is_first = cython.declare(cython.bint, visibility="public")
    stack_map = cython.declare(cython.longlong[::1], visibility="public")
    stack_sparse = cython.declare(cython.longlong[::1], visibility="public")
    stack_sparse_map = cython.declare(cython.longlong[::1], visibility="public")
    string_map = cython.declare(cython.longlong[::1], visibility="public")
    string_sparse = cython.declare(cython.longlong[::1], visibility="public")
    # Heap objects: type ids → strings, bytes by size class, slots of 8 bytes a page
    type_map = cython.declare(cython.longlong[::1], visibility="public")
    class_size = cython.declare(cython.longlong[::1], visibility="public")
    page_objects = cython.declare(cython.longlong, visibility="public")
    string_sparse_map = cython.declare(cython.longlong[::1], visibility="public")
    # CPU samples in order: time, thread, proc, goroutine, stack each
    sample = cython.declare(cython.longlong[::1], visibility="public")
    sample_i = cython.declare(cython.longlong, visibility="public")
    sample_n = cython.declare(cython.longlong, visibility="public")
    # State of the capture
    g = cython.declare(cython.longlong[::1], visibility="public")
    p = cython.declare(cython.longlong[::1], visibility="public")
    m = cython.declare(cython.longlong[::1], visibility="public")
    node = cython.declare(cython.longlong[::1], visibility="public")
    table = cython.declare(cython.longlong[::1], visibility="public")
    table_n = cython.declare(cython.longlong, visibility="public")
    table_shift = cython.declare(cython.longlong, visibility="public")
    g_used = cython.declare(cython.longlong, visibility="public")
    g_free = cython.declare(cython.longlong, visibility="public")
    p_used = cython.declare(cython.longlong, visibility="public")
    m_used = cython.declare(cython.longlong, visibility="public")
    node_used = cython.declare(cython.longlong, visibility="public")
    node_free = cython.declare(cython.longlong, visibility="public")
    gc_seq: cython.longlong
    gc_state: cython.longlong
    gc_start: cython.longlong
    gc_stack: cython.longlong
    gc_complete: cython.longlong
    # A settled stop of the world: its begin, or -1; it may end on another goroutine
    stw_at: cython.longlong
    stw_stack: cython.longlong
    stw_name: cython.longlong
    finish_at: cython.longlong
    last = cython.declare(cython.longlong, visibility="public")
    base = cython.declare(cython.longlong, visibility="public")
    # Words: reasons in the order of their first use
    word_of = cython.declare(cython.longlong[::1], visibility="public")
    words = cython.declare(cython.longlong[::1], visibility="public")
    words_n = cython.declare(cython.longlong, visibility="public")
    # Output: intervals
    iv_g = cython.declare(cython.longlong[::1], visibility="public")
    iv_start = cython.declare(cython.longlong[::1], visibility="public")
    iv_duration = cython.declare(cython.longlong[::1], visibility="public")
    iv_state = cython.declare(cython.int[::1], visibility="public")
    iv_reason = cython.declare(cython.int[::1], visibility="public")
    iv_complete = cython.declare(cython.uchar[::1], visibility="public")
    iv_stack = cython.declare(cython.int[::1], visibility="public")
    iv_waker = cython.declare(cython.longlong[::1], visibility="public")
    iv_waker_stack = cython.declare(cython.int[::1], visibility="public")
    iv_proc = cython.declare(cython.longlong[::1], visibility="public")
    iv_thread = cython.declare(cython.longlong[::1], visibility="public")
    iv_n = cython.declare(cython.longlong, visibility="public")
    iv_cap = cython.declare(cython.longlong, visibility="public")
    # Output: side rows
    side = cython.declare(cython.longlong[::1], visibility="public")
    side_n = cython.declare(cython.longlong, visibility="public")
    side_cap = cython.declare(cython.longlong, visibility="public")
    side_need = cython.declare(cython.longlong, visibility="public")
    # Output: raw events
    raw = cython.declare(cython.bint, visibility="public")
    ev_type = cython.declare(cython.int[::1], visibility="public")
    ev_time = cython.declare(cython.longlong[::1], visibility="public")
    ev_thread = cython.declare(cython.longlong[::1], visibility="public")
    ev_proc = cython.declare(cython.longlong[::1], visibility="public")
    ev_g = cython.declare(cython.longlong[::1], visibility="public")
    ev_a = cython.declare(cython.longlong[::1], visibility="public")
    ev_stack = cython.declare(cython.int[::1], visibility="public")
    ev_n = cython.declare(cython.longlong, visibility="public")
    ev_cap = cython.declare(cython.longlong, visibility="public")
    # Rows of settled events that have been followed
    followed = cython.declare(cython.longlong, visibility="public")
    # What an error is about
    error_at = cython.declare(cython.longlong, visibility="public")
    error_id = cython.declare(cython.longlong, visibility="public")
    # Scratch of the current event: its context and where a varint ended
    cm: cython.longlong
    cp: cython.longlong
    cg: cython.longlong
    pos: cython.longlong

    # ---- what Python calls -------------------------------------------------

    def reset(self) -> None:
        """An empty capture; the arrays are bound by their names."""
        self.table_n = 0
        self.g_used = 0
        self.g_free = -1
        self.p_used = 0
        self.m_used = 0
        self.node_used = 0
        self.node_free = -1
        self.gc_seq = 0
        self.gc_state = 0
        self.gc_start = 0
        self.gc_stack = 0
        self.gc_complete = 0
        self.finish_at = 0
        self.followed = 0
        self.stw_at = -1
        self.last = 0
        self.base = 0
        self.words_n = 0
        self.iv_n = 0
        self.iv_cap = 0
        self.side_n = 0
        self.side_cap = 0
        self.side_need = 0
        self.ev_n = 0
        self.ev_cap = 0
        self.raw = False
        self.generation = 0
        self.is_first = True
        self.error_at = -1
        self.error_id = 0
        self.sample_i = 0
        self.sample_n = 0
        self.heap_n = 0

    def rehash(self, old: cython.longlong[::1]) -> None:
        """Fill the (new, empty) hash from the one before."""
        i: cython.longlong = 0
        self.table_n = 0
        while i < old.shape[0]:
            if old[i + 1] != 0:
                self._insert(old[i + 1] & 7, old[i], old[i + 1] >> 3)
            i += 2

    def thread_row(self, thread: cython.longlong) -> cython.longlong:
        """The row of a thread, made if there is none; -1 when the arrays must grow first."""
        r: cython.longlong = self._find(KIND_M, thread)
        if r < 0:
            if self.m_used + M_WIDTH > self.m.shape[0] or (self.table_n + TABLE_SPARE) * 4 > self.table.shape[0]:
                return -1
            r = self._new_m(thread)
        return r

    def start(self, n_cursors: cython.longlong) -> cython.longlong:
        """Read each cursor's first event and build the heap; ADVANCED or an error."""
        i: cython.longlong
        got: cython.longlong
        self.heap_n = 0
        self.attempts = 0
        for i in range(n_cursors):
            got = self._next_event(i * C_WIDTH)
            if got < 0:
                return got
            if got > 0:
                self.heap[self.heap_n] = i * C_WIDTH
                self.heap_n += 1
                self._sift_up(self.heap_n - 1)
        return ADVANCED

    def drain(self, n_cursors: cython.longlong) -> cython.longlong:
        """Decode every event and let none happen: how many there are, or an error. For measurements."""
        i: cython.longlong
        n: cython.longlong = 0
        got: cython.longlong = 0
        with cython.nogil:
            for i in range(n_cursors):
                got = self._next_event(i * C_WIDTH)
                while got > 0:
                    n += 1
                    got = self._next_event(i * C_WIDTH)
                if got < 0:
                    break
        return n if got >= 0 else got

    def sync(self, time: cython.longlong, text: cython.longlong) -> cython.longlong:
        """A synchronisation point, the first of which is time zero; text is its arguments' string. Its time."""
        ts: cython.longlong
        if self.base == 0:
            self.base = time if time > self.last else self.last + 1
        ts = self._stamp(time)
        self.cm = -1
        self.cp = -1
        self.cg = -1
        self._emit(EV_SYNC, ts, text, 0, 0, 0, 0)
        return ts

    def run(self) -> cython.longlong:
        """DONE with the generation, FULL, GROW, or an error; resumable after FULL and GROW."""
        status: cython.longlong
        with cython.nogil:
            status = self._run()
        return status

    def follow(self, rows: cython.longlong[::1], count: cython.longlong) -> cython.longlong:
        """Take events whose order is settled, from row ``followed`` on: DONE, FULL, GROW, or an error."""
        status: cython.longlong = DONE
        with cython.nogil:
            while True:
                status = self._room()
                if status != ADVANCED:
                    break
                if self.followed >= count:
                    status = DONE
                    break
                status = self._follow(rows, self.followed * R_WIDTH)
                if status != ADVANCED:
                    break
                self.followed += 1
        return status

    def finish(self) -> cython.longlong:
        """Flush what is still open at the end of the capture: DONE, or FULL and call again."""
        status: cython.longlong
        with cython.nogil:
            status = self._finish()
        return status

    # ---- the frontier ------------------------------------------------------

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(check=False)
    def _room(self) -> cython.longlong:
        """ADVANCED if one more event fits into every array, else FULL or GROW."""
        if self.iv_n + 4 > self.iv_cap or self.side_n + 4 > self.side_cap or (self.raw and self.ev_n + 4 > self.ev_cap):
            return FULL
        if (
            (self.g_free < 0 and self.g_used + G_WIDTH > self.g.shape[0])
            or self.p_used + P_WIDTH > self.p.shape[0]
            or self.m_used + M_WIDTH > self.m.shape[0]
            or (self.node_free < 0 and self.node_used + N_WIDTH > self.node.shape[0])
            or (self.table_n + TABLE_SPARE) * 4 > self.table.shape[0]
        ):
            return GROW
        return ADVANCED

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(check=False)
    def _run(self) -> cython.longlong:
        status: cython.longlong
        c: cython.longlong
        i: cython.longlong
        ev_n: cython.longlong
        while True:
            status = self._room()
            if status != ADVANCED:
                return status
            if self.sample_i < self.sample_n and (
                self.heap_n == 0 or self.sample[self.sample_i * 5] < self.cursor[self.heap[0] + C_TIME]
            ):
                status = self._sample()
                if status < 0:
                    return status
                continue
            if self.heap_n == 0:
                return DONE
            ev_n = self.ev_n
            i = 0
            c = self.heap[0]
            self.error_at = self.cursor[c + C_EVENT]
            status = self._advance(c)
            if status == NOT_YET:
                # The earliest event can't happen yet (clocks of threads differ, or
                # it waits for another thread): try the others, earliest first.
                self._sort_heap()
                i = 1
                while i < self.heap_n:
                    c = self.heap[i]
                    self.error_at = self.cursor[c + C_EVENT]
                    status = self._advance(c)
                    if status != NOT_YET:
                        break
                    i += 1
                # Each event may cost as many attempts as there are threads: hostile input
                # could take hours.
                self.attempts += 2 * i
                if self.attempts > self.attempts_max:
                    return E_PATIENCE
                if status == NOT_YET:
                    self.error_at = self.cursor[self.heap[0] + C_EVENT]
                    return E_STUCK
            if status != ADVANCED:
                return status
            status = self._next_event(c)
            if status < 0:
                self.ev_n = ev_n  # the reference reader has not handed these on yet
                return status
            if status > 0:
                if self._sift_up(i) == i:
                    self._sift_down(i)
            else:
                self._remove(i)

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(check=False)
    def _sift_up(self, i: cython.longlong) -> cython.longlong:
        up: cython.longlong
        c: cython.longlong
        while i > 0:
            up = (i - 1) >> 1
            if self.cursor[self.heap[up] + C_TIME] <= self.cursor[self.heap[i] + C_TIME]:
                break
            c = self.heap[up]
            self.heap[up] = self.heap[i]
            self.heap[i] = c
            i = up
        return i

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(check=False)
    def _sift_down(self, i: cython.longlong) -> cython.longlong:
        least: cython.longlong
        child: cython.longlong
        c: cython.longlong
        t: cython.longlong
        while True:
            least = i
            child = 2 * i + 1
            if i >= self.heap_n:
                return i
            t = self.cursor[self.heap[i] + C_TIME]
            if child < self.heap_n and self.cursor[self.heap[child] + C_TIME] < t:
                t = self.cursor[self.heap[child] + C_TIME]
                least = child
            child += 1
            if child < self.heap_n and self.cursor[self.heap[child] + C_TIME] < t:
                least = child
            if least == i:
                return i
            c = self.heap[least]
            self.heap[least] = self.heap[i]
            self.heap[i] = c
            i = least

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(check=False)
    def _remove(self, i: cython.longlong) -> cython.void:
        # By way of the root, so that ties come out as in the reference reader.
        c: cython.longlong
        while i > 0:
            c = self.heap[(i - 1) >> 1]
            self.heap[(i - 1) >> 1] = self.heap[i]
            self.heap[i] = c
            i = (i - 1) >> 1
        self.heap_n -= 1
        self.heap[0] = self.heap[self.heap_n]
        self._sift_down(0)

    # ---- sorting: order[a:b] by time ----------------------------------------
    #
    # A pattern-defeating quicksort (Peters 2021) with the parameters of Go's, since
    # it is not stable: above 12 entries, where equal times end up decides on ties
    # between threads. ``order`` is the heap or an index of CPU samples; ``time_of``
    # the column it points into. All positions lie in [a, b), which only shrinks.

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(check=False)
    def _before(self, i: cython.longlong, j: cython.longlong) -> cython.bint:
        return self.time_of[self.order[i]] < self.time_of[self.order[j]]

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(check=False)
    def _swap(self, i: cython.longlong, j: cython.longlong) -> cython.void:
        x: cython.longlong = self.order[i]
        self.order[i] = self.order[j]
        self.order[j] = x

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(check=False)
    def _sort(self, a: cython.longlong, b: cython.longlong, bad_allowed: cython.longlong) -> cython.void:
        balanced: cython.bint = True
        partitioned: cython.bint = True
        n: cython.longlong
        pivot: cython.longlong
        mid: cython.longlong
        while True:
            n = b - a
            if n <= 12:
                self._insertion_sort(a, b)
                return
            if bad_allowed == 0:
                self._heap_sort(a, n)
                return
            if not balanced:
                self._scatter(a, n)
                bad_allowed -= 1
            pivot = self._choose_pivot(a, n)
            if self.swaps == 12:
                # All samples were in falling order: reverse.
                mid = a
                while mid < b - 1 - (mid - a):
                    self._swap(mid, b - 1 - (mid - a))
                    mid += 1
                pivot = (b - 1) - (pivot - a)
                self.swaps = 0
            if balanced and partitioned and self.swaps == 0 and self._nearly_sorted(a, b):
                return
            if a > 0 and not self._before(a - 1, pivot):
                a = self._partition_equal(a, b, pivot)
                continue
            mid = self._partition(a, b, pivot)
            partitioned = self.was_partitioned
            if mid - a < b - mid:
                balanced = mid - a >= n >> 3
                self._sort(a, mid, bad_allowed)
                a = mid + 1
            else:
                balanced = b - mid >= n >> 3
                self._sort(mid + 1, b, bad_allowed)
                b = mid

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(check=False)
    def _insertion_sort(self, a: cython.longlong, b: cython.longlong) -> cython.void:
        i: cython.longlong = a + 1
        k: cython.longlong
        x: cython.longlong
        while i < b:
            x = self.order[i]
            k = i
            while k > a and self.time_of[x] < self.time_of[self.order[k - 1]]:
                self.order[k] = self.order[k - 1]
                k -= 1
            self.order[k] = x
            i += 1

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(check=False)
    def _heap_sort(self, a: cython.longlong, n: cython.longlong) -> cython.void:
        i: cython.longlong = (n - 1) >> 1
        while i >= 0:
            self._sink(a, i, n)
            i -= 1
        i = n - 1
        while i >= 0:
            self._swap(a, a + i)
            self._sink(a, 0, i)
            i -= 1

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(check=False)
    def _sink(self, a: cython.longlong, root: cython.longlong, n: cython.longlong) -> cython.void:
        child: cython.longlong = 2 * root + 1
        while child < n:
            if child + 1 < n and self._before(a + child, a + child + 1):
                child += 1
            if not self._before(a + root, a + child):
                return
            self._swap(a + root, a + child)
            root = child
            child = 2 * root + 1

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(check=False)
    def _partition(self, a: cython.longlong, b: cython.longlong, pivot: cython.longlong) -> cython.longlong:
        """Smaller ones before the pivot, the others behind; the pivot's place. was_partitioned: nothing moved."""
        i: cython.longlong = a + 1
        j: cython.longlong = b - 1
        self._swap(a, pivot)
        self.was_partitioned = True
        while True:
            while i <= j and self._before(i, a):
                i += 1
            while i <= j and not self._before(j, a):
                j -= 1
            if i > j:
                break
            self.was_partitioned = False
            self._swap(i, j)
            i += 1
            j -= 1
        self._swap(j, a)
        return j

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(check=False)
    def _partition_equal(self, a: cython.longlong, b: cython.longlong, pivot: cython.longlong) -> cython.longlong:
        """Those equal to the pivot, the least of all, come first; where the others begin."""
        i: cython.longlong = a + 1
        j: cython.longlong = b - 1
        self._swap(a, pivot)
        while True:
            while i <= j and not self._before(a, i):
                i += 1
            while i <= j and self._before(a, j):
                j -= 1
            if i > j:
                return i
            self._swap(i, j)
            i += 1
            j -= 1

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(check=False)
    def _nearly_sorted(self, a: cython.longlong, b: cython.longlong) -> cython.bint:
        """Mend up to five places that are out of order: whether that was all."""
        i: cython.longlong = a + 1
        k: cython.longlong
        step: cython.longlong
        for step in range(5):
            while i < b and not self._before(i, i - 1):
                i += 1
            if i == b:
                return True
            if b - a < 50:
                return False
            self._swap(i, i - 1)
            if i - a >= 2:
                k = i - 1
                while k >= 1 and self._before(k, k - 1):
                    self._swap(k, k - 1)
                    k -= 1
            if b - i >= 2:
                k = i + 1
                while k < b and self._before(k, k - 1):
                    self._swap(k, k - 1)
                    k += 1
        return False

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(check=False)
    def _scatter(self, a: cython.longlong, n: cython.longlong) -> cython.void:
        """Move three entries near the middle to places that only n decides."""
        mask: cython.longlong = 1
        random: cython.ulonglong = cython.cast(cython.ulonglong, n)
        i: cython.longlong
        k: cython.longlong
        while mask <= n:
            mask = mask << 1
        for i in range(3):
            random ^= random << 13
            if not cython.compiled:
                random &= (1 << 64) - 1
            random ^= random >> 7
            random ^= random << 17
            if not cython.compiled:
                random &= (1 << 64) - 1
            k = cython.cast(cython.longlong, random & cython.cast(cython.ulonglong, mask - 1))
            if k >= n:
                k -= n
            self._swap(a + (n >> 2) * 2 - 1 + i, a + k)

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(check=False)
    def _choose_pivot(self, a: cython.longlong, n: cython.longlong) -> cython.longlong:
        """The median of three, or of three medians; swaps counts how far they were from order."""
        i: cython.longlong = a + (n >> 2)
        j: cython.longlong = a + (n >> 2) * 2
        k: cython.longlong = a + (n >> 2) * 3
        self.swaps = 0
        if n >= 50:
            i = self._median(i - 1, i, i + 1)
            j = self._median(j - 1, j, j + 1)
            k = self._median(k - 1, k, k + 1)
        return self._median(i, j, k)

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(check=False)
    def _median(self, i: cython.longlong, j: cython.longlong, k: cython.longlong) -> cython.longlong:
        x: cython.longlong
        if self._before(j, i):
            x = i
            i = j
            j = x
            self.swaps += 1
        if self._before(k, j):
            j = k
            self.swaps += 1
        if self._before(j, i):
            j = i
            self.swaps += 1
        return j

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(check=False)
    def _sort_heap(self) -> cython.void:
        i: cython.longlong = 0
        while i < self.heap_n:
            self.order[i] = self.heap[i] // C_WIDTH
            self.time_of[self.order[i]] = self.cursor[self.heap[i] + C_TIME]
            i += 1
        self._sort_all(self.heap_n)
        i = 0
        while i < self.heap_n:
            self.heap[i] = self.order[i] * C_WIDTH
            i += 1

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(check=False)
    def _sort_all(self, n: cython.longlong) -> cython.void:
        bits: cython.longlong = 0
        while n >> bits:
            bits += 1
        self._sort(0, n, bits)

    def sort(self, n: cython.longlong) -> None:
        """Sort order[:n], a permutation of 0 … n - 1, by time_of[:n]."""
        self._sort_all(n)

    # ---- decoding ----------------------------------------------------------

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(check=False)
    def _varint(self, off: cython.longlong, end: cython.longlong) -> cython.ulonglong:
        """Base-128 integer at off; pos is set behind it, or to -1 if it is cut or too long."""
        x: cython.ulonglong = 0
        b: cython.ulonglong
        shift: cython.int = 0
        while off < end:
            b = self.buf[off]
            off += 1
            if b < 128:
                if shift == 63 and b > 1:
                    break
                self.pos = off
                return x | (b << shift)
            x |= (b & 127) << shift
            shift += 7
            if shift > 63:
                break
        self.pos = -1
        return 0

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(check=False)
    def _next_event(self, c: cython.longlong) -> cython.longlong:
        """Decode the cursor's next event into its row: 1, 0 at its end, or an error."""
        off: cython.longlong = self.cursor[c + C_OFF]
        end: cython.longlong = self.cursor[c + C_END]
        i: cython.longlong
        n: cython.longlong
        typ: cython.longlong
        x: cython.ulonglong
        dt: cython.double
        t: cython.longlong
        while off == end:
            i = self.cursor[c + C_BATCH] + 1
            if i >= self.cursor[c + C_BATCH_END]:
                return 0
            self.cursor[c + C_BATCH] = i
            off = self.batch_off[i]
            end = self.batch_end[i]
            self.cursor[c + C_END] = end
            self.cursor[c + C_LAST] = self.batch_time[i]
        self.cursor[c + C_EVENT] = off
        self.error_at = off
        typ = self.buf[off]
        n = self.argc[typ]
        if n < 0:
            self.error_id = typ
            return E_TYPE
        off += 1
        if off < end and self.buf[off] < 128:
            x = self.buf[off]
            off += 1
        else:
            x = self._varint(off, end)
            off = self.pos
            if off < 0:
                return E_VARINT
        dt = cython.cast(cython.double, x) * self.frequency
        if not dt < 4611686018427387904.0:
            return E_TIME
        t = self.cursor[c + C_LAST] + cython.cast(cython.longlong, dt)
        if t >> 62:
            return E_TIME
        self.cursor[c + C_LAST] = t
        self.cursor[c + C_TIME] = t
        self.cursor[c + C_TYPE] = typ
        for i in range(n):
            if off < end and self.buf[off] < 128:
                x = self.buf[off]
                off += 1
            else:
                x = self._varint(off, end)
                off = self.pos
                if off < 0:
                    return E_VARINT
            self.cursor[c + C_A0 + i] = _signed(x)
        self.cursor[c + C_OFF] = off
        return 1

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(check=False)
    def _stack(self, i: cython.longlong) -> cython.longlong:
        """Index of a stack of the capture, or -1."""
        low: cython.longlong
        high: cython.longlong
        mid: cython.longlong
        if 0 <= i < self.stack_map.shape[0]:
            low = self.stack_map[i]
            if low < 0:
                self.error_id = i
            return low
        self.error_id = i
        low = 0
        high = self.stack_sparse.shape[0]
        while low < high:
            mid = (low + high) >> 1
            if self.stack_sparse[mid] < i:
                low = mid + 1
            else:
                high = mid
        if low < self.stack_sparse.shape[0] and self.stack_sparse[low] == i:
            return self.stack_sparse_map[low]
        return -1

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(check=False)
    def _string(self, i: cython.longlong) -> cython.longlong:
        """Index of a string of the capture, or -1."""
        low: cython.longlong
        high: cython.longlong
        mid: cython.longlong
        if 0 <= i < self.string_map.shape[0]:
            low = self.string_map[i]
            if low < 0:
                self.error_id = i
            return low
        self.error_id = i
        low = 0
        high = self.string_sparse.shape[0]
        while low < high:
            mid = (low + high) >> 1
            if self.string_sparse[mid] < i:
                low = mid + 1
            else:
                high = mid
        if low < self.string_sparse.shape[0] and self.string_sparse[low] == i:
            return self.string_sparse_map[low]
        return -1

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(check=False)
    def _word(self, text: cython.longlong) -> cython.longlong:
        """Index among the reasons of a string of the capture; -1 for the empty one."""
        w: cython.longlong
        if text == 0:
            return -1
        w = self.word_of[text]
        if w < 0:
            w = self.words_n
            self.word_of[text] = w
            self.words[w] = text
            self.words_n = w + 1
        return w

    # ---- ids → rows --------------------------------------------------------

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(check=False)
    def _find(self, kind: cython.longlong, key: cython.longlong) -> cython.longlong:
        n: cython.longlong = self.table.shape[0] >> 1
        i: cython.longlong = _hash(key + kind, self.table_shift)
        v: cython.longlong
        while True:
            v = self.table[2 * i + 1]
            if v == 0:
                return -1
            if self.table[2 * i] == key and (v & 7) == kind:
                return v >> 3
            i = (i + 1) & (n - 1)

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(check=False)
    def _insert(self, kind: cython.longlong, key: cython.longlong, row: cython.longlong) -> cython.void:
        n: cython.longlong = self.table.shape[0] >> 1
        i: cython.longlong = _hash(key + kind, self.table_shift)
        while self.table[2 * i + 1] != 0:
            i = (i + 1) & (n - 1)
        self.table[2 * i] = key
        self.table[2 * i + 1] = row * 8 + kind
        self.table_n += 1

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(check=False)
    def _forget(self, kind: cython.longlong, key: cython.longlong) -> cython.void:
        """Take out an entry that is there, and close the gap."""
        n: cython.longlong = self.table.shape[0] >> 1
        i: cython.longlong = _hash(key + kind, self.table_shift)
        k: cython.longlong
        home: cython.longlong
        v: cython.longlong
        while True:
            v = self.table[2 * i + 1]
            if v == 0:
                return
            if self.table[2 * i] == key and (v & 7) == kind:
                break
            i = (i + 1) & (n - 1)
        k = i
        while True:
            k = (k + 1) & (n - 1)
            v = self.table[2 * k + 1]
            if v == 0:
                break
            home = _hash(self.table[2 * k] + (v & 7), self.table_shift)
            # Movable unless its home lies cyclically in (i, k].
            if ((k - home) & (n - 1)) >= ((k - i) & (n - 1)):
                self.table[2 * i] = self.table[2 * k]
                self.table[2 * i + 1] = v
                i = k
        self.table[2 * i + 1] = 0
        self.table_n -= 1

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(check=False)
    def _new_m(self, key: cython.longlong) -> cython.longlong:
        r: cython.longlong = self.m_used
        self.m_used = r + M_WIDTH
        self.m[r + M_ID] = key
        self.m[r + M_G] = -1
        self.m[r + M_GROW] = -1
        self.m[r + M_P] = -1
        self.m[r + M_SEEN] = 0
        self._insert(KIND_M, key, r)
        return r

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(check=False)
    def _new_p(self, key: cython.longlong, status: cython.longlong) -> cython.longlong:
        r: cython.longlong = self.p_used
        self.p_used = r + P_WIDTH
        self.p[r + P_ID] = key
        self.p[r + P_STATUS] = status
        self.p[r + P_GEN] = self.generation
        self.p[r + P_SEQ] = 0
        self.p[r + P_RANGES] = -1
        self._insert(KIND_P, key, r)
        return r

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(check=False)
    def _new_g(self, key: cython.longlong, status: cython.longlong, stack: cython.longlong) -> cython.longlong:
        """A goroutine that is in status from now on; the caller sets what differs."""
        r: cython.longlong = self.g_free
        if r >= 0:
            self.g_free = self.g[r + G_SEQ]
        else:
            r = self.g_used
            self.g_used = r + G_WIDTH
        self.g[r + G_ID] = key
        self.g[r + G_STATUS] = status
        self.g[r + G_GEN] = self.generation
        self.g[r + G_SEQ] = 0
        self.g[r + G_STATE] = status
        self.g[r + G_START] = self.last - self.base
        self.g[r + G_REASON] = -1
        self.g[r + G_COMPLETE] = 1
        self.g[r + G_STACK] = stack
        self.g[r + G_PROC] = -1
        self.g[r + G_THREAD] = -1
        self.g[r + G_RANGES] = -1
        self.g[r + G_REGIONS] = -1
        self.g[r + G_DEPTH] = 0
        self.g[r + G_OUTER] = 0
        self.g[r + G_NAME] = 0
        self.g[r + G_CREATED] = -1
        self.g[r + G_PARENT] = -1
        self.g[r + G_BIRTH] = 0
        self._insert(KIND_G, key, r)
        return r

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(check=False)
    def _new_node(self, kind: cython.longlong, name: cython.longlong, start: cython.longlong, stack: cython.longlong) -> cython.longlong:
        r: cython.longlong = self.node_free
        if r >= 0:
            self.node_free = self.node[r + N_START]
        else:
            r = self.node_used
            self.node_used = r + N_WIDTH
        self.node[r + N_NEXT] = -1
        self.node[r + N_KIND] = kind
        self.node[r + N_NAME] = name
        self.node[r + N_START] = start
        self.node[r + N_STACK] = stack
        self.node[r + N_COMPLETE] = 1
        self.node[r + N_G] = -1
        self.node[r + N_PARENT] = -1
        return r

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(check=False)
    def _drop_node(self, r: cython.longlong) -> cython.void:
        self.node[r + N_NEXT] = -1
        self.node[r + N_START] = self.node_free
        self.node_free = r

    # ---- output ------------------------------------------------------------

    @cython.cfunc
    @cython.nogil
    @cython.inline
    @cython.exceptval(check=False)
    def _stamp(self, time: cython.longlong) -> cython.longlong:
        """The event's time since the capture's start: no two events share one."""
        if time <= self.last:
            time = self.last + 1
        self.last = time
        return time - self.base

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(check=False)
    def _emit(
        self,
        typ: cython.longlong,
        ts: cython.longlong,
        a0: cython.longlong,
        a1: cython.longlong,
        a2: cython.longlong,
        a3: cython.longlong,
        stack: cython.longlong,
    ) -> cython.void:
        n: cython.longlong
        if self.raw:
            n = self.ev_n
            self.ev_type[n] = cython.cast(cython.int, typ)
            self.ev_time[n] = ts
            self.ev_thread[n] = self.cm
            self.ev_proc[n] = self.cp
            self.ev_g[n] = self.cg
            self.ev_a[4 * n] = a0
            self.ev_a[4 * n + 1] = a1
            self.ev_a[4 * n + 2] = a2
            self.ev_a[4 * n + 3] = a3
            self.ev_stack[n] = cython.cast(cython.int, stack)
            self.ev_n = n + 1

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(check=False)
    def _side(
        self,
        kind: cython.longlong,
        a: cython.longlong,
        b: cython.longlong,
        c: cython.longlong,
        d: cython.longlong,
        e: cython.longlong,
        f: cython.longlong,
        g: cython.longlong,
        h: cython.longlong,
    ) -> cython.void:
        r: cython.longlong = self.side_n * S_WIDTH
        self.side[r + S_KIND] = kind
        self.side[r + S_A] = a
        self.side[r + S_B] = b
        self.side[r + S_C] = c
        self.side[r + S_D] = d
        self.side[r + S_E] = e
        self.side[r + S_F] = f
        self.side[r + S_G] = g
        self.side[r + S_H] = h
        self.side_n += 1

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(check=False)
    def _close(self, r: cython.longlong, ts: cython.longlong, complete: cython.longlong, waker: cython.longlong, waker_stack: cython.longlong) -> cython.void:
        """Write the goroutine's current interval, which ends at ts."""
        n: cython.longlong = self.iv_n
        self.iv_g[n] = self.g[r + G_ID]
        self.iv_start[n] = self.g[r + G_START]
        self.iv_duration[n] = ts - self.g[r + G_START]
        self.iv_state[n] = cython.cast(cython.int, self.g[r + G_STATE] - 1)
        self.iv_reason[n] = cython.cast(cython.int, self.g[r + G_REASON])
        self.iv_complete[n] = cython.cast(cython.uchar, complete & self.g[r + G_COMPLETE])
        self.iv_stack[n] = cython.cast(cython.int, self.g[r + G_STACK])
        self.iv_waker[n] = waker
        self.iv_waker_stack[n] = cython.cast(cython.int, waker_stack)
        self.iv_proc[n] = self.g[r + G_PROC]
        self.iv_thread[n] = self.g[r + G_THREAD]
        self.iv_n = n + 1

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(check=False)
    def _move(
        self,
        r: cython.longlong,
        state: cython.longlong,
        ts: cython.longlong,
        reason: cython.longlong,
        stack: cython.longlong,
        proc: cython.longlong,
        thread: cython.longlong,
        waker: cython.longlong,
        waker_stack: cython.longlong,
    ) -> cython.void:
        """The goroutine goes over into state at ts."""
        self._close(r, ts, 1, waker, waker_stack)
        self.g[r + G_STATUS] = state
        self.g[r + G_STATE] = state
        self.g[r + G_START] = ts
        self.g[r + G_REASON] = reason
        self.g[r + G_COMPLETE] = 1
        self.g[r + G_STACK] = stack
        self.g[r + G_PROC] = proc
        self.g[r + G_THREAD] = thread

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(check=False)
    def _end_goroutine(self, r: cython.longlong, ts: cython.longlong, is_end: cython.longlong) -> cython.void:
        """Write its last interval, what it has open, and its own row. The caller made room."""
        k: cython.longlong = self.g[r + G_REGIONS]
        n: cython.longlong
        gid: cython.longlong = self.g[r + G_ID]
        self._close(r, ts, is_end, -1, 0)
        while k >= 0:
            n = self.node[k + N_NEXT]
            self.g[r + G_DEPTH] -= 1
            self._side(SIDE_REGION, gid, self.node[k + N_KIND], self.node[k + N_NAME], self.node[k + N_START],
                       ts - self.node[k + N_START], self.g[r + G_DEPTH], self.node[k + N_STACK], 0)
            self._drop_node(k)
            k = n
        k = self.g[r + G_RANGES]
        while k >= 0:
            n = self.node[k + N_NEXT]
            self._side(SIDE_RANGE, self.node[k + N_KIND], self.node[k + N_NAME], KIND_G, gid,
                       self.node[k + N_START], ts - self.node[k + N_START], self.node[k + N_STACK], 0)
            self._drop_node(k)
            k = n
        self._side(SIDE_GOROUTINE, gid, self.g[r + G_CREATED], ts if is_end else -1, self.g[r + G_PARENT],
                   self.g[r + G_BIRTH], self.g[r + G_NAME], 0, 0)

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(check=False)
    def _free_goroutine(self, r: cython.longlong) -> cython.void:
        self._forget(KIND_G, self.g[r + G_ID])
        self.g[r + G_STATUS] = 0
        self.g[r + G_SEQ] = self.g_free
        self.g_free = r

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(check=False)
    def _open_things(self, r: cython.longlong) -> cython.longlong:
        """How many side rows the end of the goroutine takes."""
        k: cython.longlong = self.g[r + G_RANGES]
        n: cython.longlong = self.g[r + G_DEPTH] + 1
        while k >= 0:
            n += 1
            k = self.node[k + N_NEXT]
        return n

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(check=False)
    def _has_room_for(self, rows: cython.longlong) -> cython.bint:
        if self.side_n + rows > self.side_cap:
            self.side_need = rows
            return False
        return True

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(check=False)
    def _sample(self) -> cython.longlong:
        r: cython.longlong = self.sample_i * 5
        stack: cython.longlong = self._stack(self.sample[r + 4])
        ts: cython.longlong
        if stack < 0:
            self.error_at = -1
            return E_STACK
        self.sample_i += 1
        ts = self._stamp(self.sample[r])
        self.cm = self.sample[r + 1]
        self.cp = self.sample[r + 2]
        self.cg = self.sample[r + 3]
        self._emit(EV_CPU_SAMPLE, ts, 0, 0, 0, 0, stack)
        self._side(SIDE_SAMPLE, ts, self.cm, self.cp, self.cg, stack, 0, 0, 0)
        return ADVANCED

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(check=False)
    def _finish(self) -> cython.longlong:
        ts: cython.longlong = self.last - self.base
        r: cython.longlong
        k: cython.longlong
        # finish_at counts through goroutines, then processors, then nodes: tasks and objects.
        while self.finish_at < self.g_used:
            r = self.finish_at
            if self.g[r + G_STATUS] > 0:
                if self.iv_n + 4 > self.iv_cap or not self._has_room_for(self._open_things(r)):
                    return FULL
                self._end_goroutine(r, ts, 0)
                self.g[r + G_STATUS] = 0
            self.finish_at += G_WIDTH
        while self.finish_at < self.g_used + self.p_used:
            r = self.finish_at - self.g_used
            while self.p[r + P_RANGES] >= 0:
                if not self._has_room_for(1):
                    return FULL
                k = self.p[r + P_RANGES]
                self._side(SIDE_RANGE, self.node[k + N_KIND], self.node[k + N_NAME], KIND_P, self.p[r + P_ID],
                           self.node[k + N_START], ts - self.node[k + N_START], self.node[k + N_STACK], 0)
                self.p[r + P_RANGES] = self.node[k + N_NEXT]
            self.finish_at += P_WIDTH
        while self.finish_at < self.g_used + self.p_used + self.node_used:
            r = self.finish_at - self.g_used - self.p_used
            if self.node[r + N_NEXT] == NODE_TASK:
                if not self._has_room_for(1):
                    return FULL
                self._side(SIDE_TASK, self.node[r + N_KIND], self.node[r + N_NAME], self.node[r + N_PARENT], self.node[r + N_START],
                           ts - self.node[r + N_START], self.node[r + N_G], self.node[r + N_STACK], 0)
            elif self.node[r + N_NEXT] == NODE_OBJECT:
                if not self._has_room_for(1):
                    return FULL
                self._side(SIDE_OBJECT, self.node[r + N_KIND], self.node[r + N_NAME], self.node[r + N_START], -1, self.node[r + N_STACK], 0, 0, 0)
            self.finish_at += N_WIDTH
        if self.gc_state == 2:
            if not self._has_room_for(1):
                return FULL
            self._side(SIDE_RANGE, EV_GC_BEGIN, 0, 0, -1, self.gc_start, ts - self.gc_start, self.gc_stack, 0)
            self.gc_state = 1
        if self.stw_at >= 0:
            if not self._has_room_for(1):
                return FULL
            self._side(SIDE_RANGE, EV_STW_BEGIN, self.stw_name, KIND_G, 0, self.stw_at, ts - self.stw_at, self.stw_stack, 0)
            self.stw_at = -1
        return DONE

    # ---- ranges ------------------------------------------------------------

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(check=False)
    def _find_range(self, k: cython.longlong, kind: cython.longlong, name: cython.longlong) -> cython.longlong:
        """The first open range of kind in the list from k on, of that name unless name is -1."""
        while k >= 0:
            if self.node[k + N_KIND] == kind and (name < 0 or self.node[k + N_NAME] == name):
                return k
            k = self.node[k + N_NEXT]
        return -1

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(check=False)
    def _append_range(self, head: cython.longlong, new: cython.longlong) -> cython.longlong:
        """The list's head after new was put at its end."""
        k: cython.longlong = head
        if head < 0:
            return new
        while self.node[k + N_NEXT] >= 0:
            k = self.node[k + N_NEXT]
        self.node[k + N_NEXT] = new
        return head

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(check=False)
    def _take_range(self, head: cython.longlong, k: cython.longlong) -> cython.longlong:
        """The list's head after k was taken out and the last put in its place."""
        last: cython.longlong = head
        before: cython.longlong = -1
        i: cython.longlong
        while self.node[last + N_NEXT] >= 0:
            before = last
            last = self.node[last + N_NEXT]
        if last != k:
            for i in range(N_KIND, N_WIDTH):
                self.node[k + i] = self.node[last + i]
        if before >= 0:
            self.node[before + N_NEXT] = -1
        else:
            head = -1
        self._drop_node(last)
        return head

    # ---- the state machine -------------------------------------------------

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(check=False)
    def _advance(self, c: cython.longlong) -> cython.longlong:
        """Let the cursor's event happen: ADVANCED, NOT_YET (nothing changed), FULL (nothing changed) or an error."""
        typ: cython.longlong = self.cursor[c + C_TYPE]
        time: cython.longlong = self.cursor[c + C_TIME]
        a0: cython.longlong = self.cursor[c + C_A0]
        a1: cython.longlong = self.cursor[c + C_A1]
        a2: cython.longlong = self.cursor[c + C_A2]
        a3: cython.longlong = self.cursor[c + C_A3]
        thread: cython.longlong = self.cursor[c + C_M]
        ms: cython.longlong = self.cursor[c + C_MSLOT]
        ps: cython.longlong = -1
        gs: cython.longlong = -1
        g: cython.longlong = -1
        proc: cython.longlong = -1
        s: cython.longlong
        k: cython.longlong
        x: cython.longlong
        ts: cython.longlong
        stack: cython.longlong = 0
        text: cython.longlong
        old: cython.longlong
        if ms >= 0:
            self.m[ms + M_SEEN] = 1
            ps = self.m[ms + M_P]
            g = self.m[ms + M_G]
            if ps >= 0:
                proc = self.p[ps + P_ID]
            if g != -1:
                gs = self.m[ms + M_GROW]
                if gs < 0 or self.g[gs + G_ID] != g or self.g[gs + G_STATUS] <= 0:
                    gs = self._find(KIND_G, g)
        self.cm = thread
        self.cp = proc
        self.cg = g
        self.error_id = g

        if typ == EV_GO_START:
            s = self._find(KIND_G, a0)
            if s < 0 or self.g[s + G_STATUS] != RUNNABLE or self.g[s + G_GEN] != self.generation or a1 != self.g[s + G_SEQ] + 1:
                return NOT_YET
            if ms < 0 or ps < 0 or g != -1:
                return E_CONTEXT
            self.g[s + G_SEQ] = a1
            ts = self._stamp(time)
            self._emit(typ, ts, a0, a1, 0, 0, 0)
            self._move(s, RUNNING, ts, -1, 0, proc, thread, -1, 0)
            self.m[ms + M_G] = a0
            self.m[ms + M_GROW] = s
            return ADVANCED

        if typ == EV_GO_UNBLOCK:
            s = self._find(KIND_G, a0)
            if s < 0 or self.g[s + G_STATUS] != WAITING or self.g[s + G_GEN] != self.generation or a1 != self.g[s + G_SEQ] + 1:
                return NOT_YET
            stack = self._stack(a2)
            if stack < 0:
                return E_STACK
            self.g[s + G_SEQ] = a1
            ts = self._stamp(time)
            self._emit(typ, ts, a0, a1, 0, 0, stack)
            self._move(s, RUNNABLE, ts, -1, stack, -1, -1, g, stack)
            return ADVANCED

        if typ == EV_GO_BLOCK or typ == EV_GO_STOP or typ == EV_GO_DESTROY:
            if ms < 0 or ps < 0 or g == -1:
                return E_CONTEXT
            if gs < 0:
                return E_NO_GOROUTINE
            if self.g[gs + G_STATUS] != RUNNING:
                return E_GOROUTINE_STATE
            if typ == EV_GO_DESTROY:
                if not self._has_room_for(self._open_things(gs)):
                    return FULL
                ts = self._stamp(time)
                self._emit(typ, ts, 0, 0, 0, 0, 0)
                self._end_goroutine(gs, ts, 1)
                self._free_goroutine(gs)
            else:
                text = self._string(a0)
                if text < 0:
                    return E_STRING
                stack = self._stack(a1)
                if stack < 0:
                    return E_STACK
                ts = self._stamp(time)
                self._emit(typ, ts, text, 0, 0, 0, stack)
                self._move(gs, WAITING if typ == EV_GO_BLOCK else RUNNABLE, ts, self._word(text), stack, -1, -1, -1, 0)
                if self.g[gs + G_NAME] == 0:
                    self.g[gs + G_NAME] = stack
            self.m[ms + M_G] = -1
            self.m[ms + M_GROW] = -1
            return ADVANCED

        if typ == EV_GO_SYSCALL_BEGIN:
            if ms < 0 or ps < 0 or g == -1:
                return E_CONTEXT
            if gs < 0:
                return E_NO_GOROUTINE
            if self.g[gs + G_STATUS] != RUNNING:
                return E_GOROUTINE_STATE
            if self.p[ps + P_GEN] != self.generation or a0 != self.p[ps + P_SEQ] + 1:
                return E_PROC_SEQUENCE
            stack = self._stack(a1)
            if stack < 0:
                return E_STACK
            self.p[ps + P_SEQ] = a0
            self.p[ps + P_STATUS] = P_SYSCALL
            ts = self._stamp(time)
            self._emit(typ, ts, a0, 0, 0, 0, stack)
            self._move(gs, SYSCALL, ts, -1, stack, proc, thread, -1, 0)
            if self.g[gs + G_NAME] == 0:
                self.g[gs + G_NAME] = stack
            return ADVANCED

        if typ == EV_GO_SYSCALL_END:
            if ms < 0 or ps < 0 or g == -1:
                return E_CONTEXT
            if gs < 0:
                return E_NO_GOROUTINE
            if self.g[gs + G_STATUS] != SYSCALL:
                return E_GOROUTINE_STATE
            if self.p[ps + P_STATUS] != P_SYSCALL:
                return E_PROC
            self.p[ps + P_STATUS] = P_RUNNING
            ts = self._stamp(time)
            self._emit(typ, ts, 0, 0, 0, 0, 0)
            self._move(gs, RUNNING, ts, -1, 0, proc, thread, -1, 0)
            return ADVANCED

        if typ == EV_GO_SYSCALL_END_BLOCKED:
            # Its processor will be stopped or stolen first; wait for that.
            if ps >= 0 and self.p[ps + P_STATUS] == P_SYSCALL:
                return NOT_YET
            if ms < 0 or g == -1:
                return E_CONTEXT
            if gs < 0:
                return E_NO_GOROUTINE
            if self.g[gs + G_STATUS] != SYSCALL:
                return E_GOROUTINE_STATE
            ts = self._stamp(time)
            self._emit(typ, ts, 0, 0, 0, 0, 0)
            self._move(gs, RUNNABLE, ts, -1, 0, -1, -1, -1, 0)
            self.m[ms + M_G] = -1
            self.m[ms + M_GROW] = -1
            return ADVANCED

        if typ == EV_GO_CREATE or typ == EV_GO_CREATE_BLOCKED:
            if ms < 0 or ps < 0:
                return E_CONTEXT
            if gs >= 0 and self.g[gs + G_STATUS] != RUNNING:
                return E_GOROUTINE_STATE
            self.error_id = a0
            if a0 < 0:
                return E_ID
            if self._find(KIND_G, a0) >= 0:
                return E_GOROUTINE_EXISTS
            stack = self._stack(a2)
            x = self._stack(a1)
            if stack < 0 or x < 0:
                return E_STACK
            ts = self._stamp(time)
            self._emit(typ, ts, a0, x, 0, 0, stack)
            s = self._new_g(a0, RUNNABLE if typ == EV_GO_CREATE else WAITING, stack)
            self.g[s + G_NAME] = x
            self.g[s + G_CREATED] = ts
            self.g[s + G_PARENT] = g
            self.g[s + G_BIRTH] = stack
            return ADVANCED

        if typ == EV_HEAP_ALLOC or typ == EV_HEAP_GOAL:
            if ms < 0 or ps < 0:
                return E_CONTEXT
            ts = self._stamp(time)
            self._emit(typ, ts, a0, 0, 0, 0, 0)
            self._side(SIDE_METRIC, typ, ts, a0, 0, 0, 0, 0, 0)
            return ADVANCED

        if typ == EV_PROC_START:
            s = self._find(KIND_P, a0)
            if s < 0 or self.p[s + P_STATUS] != P_IDLE or self.p[s + P_GEN] != self.generation or a1 != self.p[s + P_SEQ] + 1 or ps >= 0:
                return NOT_YET
            if ms < 0:
                return E_CONTEXT
            self.p[s + P_STATUS] = P_RUNNING
            self.p[s + P_SEQ] = a1
            ts = self._stamp(time)
            self._emit(typ, ts, a0, a1, 0, 0, 0)
            self.m[ms + M_P] = s
            return ADVANCED

        if typ == EV_PROC_STOP:
            if ms < 0 or ps < 0:
                return E_CONTEXT
            if self.p[ps + P_STATUS] != P_RUNNING and self.p[ps + P_STATUS] != P_SYSCALL:
                return E_PROC
            self.p[ps + P_STATUS] = P_IDLE
            ts = self._stamp(time)
            self._emit(typ, ts, 0, 0, 0, 0, 0)
            self.m[ms + M_P] = -1
            return ADVANCED

        if typ == EV_PROC_STEAL:
            s = self._find(KIND_P, a0)
            if s < 0 or self.p[s + P_GEN] != self.generation or a1 != self.p[s + P_SEQ] + 1:
                return NOT_YET
            old = self.p[s + P_STATUS]
            if old != P_SYSCALL and old != P_ABANDONED:
                return NOT_YET
            if ms < 0:
                return E_CONTEXT
            if old == P_SYSCALL:
                self.error_id = a2
                if a2 == thread:
                    if ps != s:
                        return E_PROC
                    self.m[ms + M_P] = -1
                else:
                    k = self._find(KIND_M, a2)
                    if k < 0 or self.m[k + M_SEEN] == 0:
                        return E_THREAD
                    if self.m[k + M_P] != s:
                        return E_PROC
                    self.m[k + M_P] = -1
            self.p[s + P_STATUS] = P_IDLE
            self.p[s + P_SEQ] = a1
            ts = self._stamp(time)
            self._emit(typ, ts, a0, a1, a2, old, 0)
            return ADVANCED

        if typ == EV_PROC_STATUS:
            return self._proc_status(time, a0, a1 & 255, ms)

        if typ == EV_GO_STATUS or typ == EV_GO_STATUS_STACK:
            if typ == EV_GO_STATUS_STACK:
                stack = self._stack(a3)
                if stack < 0:
                    return E_STACK
            return self._go_status(typ, time, a0, a1, a2 & 255, stack, ms, ps)

        if typ == EV_GO_SWITCH or typ == EV_GO_SWITCH_DESTROY:
            if ms < 0 or ps < 0 or g == -1:
                return E_CONTEXT
            if gs < 0:
                return E_NO_GOROUTINE
            if self.g[gs + G_STATUS] != RUNNING:
                return E_GOROUTINE_STATE
            s = self._find(KIND_G, a0)
            if s < 0 or self.g[s + G_STATUS] != WAITING or self.g[s + G_GEN] != self.generation or a1 != self.g[s + G_SEQ] + 1:
                return NOT_YET
            if typ == EV_GO_SWITCH_DESTROY and not self._has_room_for(self._open_things(gs)):
                return FULL
            # Three events: the other is unblocked, this one stops, the other starts.
            self.g[s + G_SEQ] = a1
            ts = self._stamp(time)
            self._emit(typ, ts, a0, a1, 0, 0, 0)
            self._move(s, RUNNABLE, ts, -1, 0, -1, -1, g, 0)
            ts = self._stamp(time)
            if typ == EV_GO_SWITCH:
                self._emit(EV_GO_BLOCK, ts, 0, 0, 0, 0, 0)
                self._move(gs, WAITING, ts, -1, 0, -1, -1, -1, 0)
            else:
                self._emit(EV_GO_DESTROY, ts, 0, 0, 0, 0, 0)
                self._end_goroutine(gs, ts, 1)
                self._free_goroutine(gs)
            ts = self._stamp(time)
            self.cg = -1
            self._emit(EV_GO_START, ts, a0, a1, 0, 0, 0)
            self._move(s, RUNNING, ts, -1, 0, proc, thread, -1, 0)
            self.m[ms + M_G] = a0
            self.m[ms + M_GROW] = s
            return ADVANCED

        if typ == EV_GO_CREATE_SYSCALL:
            if ms < 0 or g != -1:
                return E_CONTEXT
            self.error_id = a0
            if a0 < 0:
                return E_ID
            if self._find(KIND_G, a0) >= 0:
                return E_GOROUTINE_EXISTS
            ts = self._stamp(time)
            self._emit(typ, ts, a0, 0, 0, 0, 0)
            s = self._new_g(a0, SYSCALL, 0)
            self.g[s + G_CREATED] = ts
            self.g[s + G_PROC] = proc
            self.g[s + G_THREAD] = thread
            self.m[ms + M_G] = a0
            self.m[ms + M_GROW] = s
            return ADVANCED

        if typ == EV_GO_DESTROY_SYSCALL:
            if ms < 0 or g == -1:
                return E_CONTEXT
            if gs < 0:
                return E_NO_GOROUTINE
            if self.g[gs + G_STATUS] != SYSCALL:
                return E_GOROUTINE_STATE
            if ps >= 0 and self.p[ps + P_STATUS] != P_SYSCALL:
                return E_PROC
            if not self._has_room_for(self._open_things(gs)):
                return FULL
            if ps >= 0:
                # The processor goes too: a later thread may have the same id.
                self.p[ps + P_STATUS] = P_ABANDONED
                ts = self._stamp(time)
                self._emit(EV_PROC_STEAL, ts, proc, 0, 0, P_SYSCALL, 0)
                self.m[ms + M_P] = -1
            ts = self._stamp(time)
            self._emit(typ, ts, 0, 0, 0, 0, 0)
            self._end_goroutine(gs, ts, 1)
            self._free_goroutine(gs)
            self.m[ms + M_G] = -1
            self.m[ms + M_GROW] = -1
            return ADVANCED

        if EV_STW_BEGIN <= typ <= EV_ASSIST_END:
            return self._range_event(typ, time, a0, a1, ms, ps, gs)

        if EV_SPAN <= typ <= EV_LAST:
            if ms < 0:
                return E_CONTEXT
            ts = self._stamp(time)
            self._emit(typ, ts, a0, a1, a2, 0, 0)
            if typ <= EV_HEAP_OBJECT_FREE and a0 >= 0:
                self._heap_event(typ, ts, a0, a1, a2)
            return ADVANCED

        return self._annotation(typ, time, a0, a1, a2, a3, ms, ps, gs)

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(check=False)
    def _proc_status(self, time: cython.longlong, pid: cython.longlong, status: cython.longlong, ms: cython.longlong) -> cython.longlong:
        # Old and new states are told in the reader's words: 0 undetermined, 1 not existing, 2 running, 3 idle.
        s: cython.longlong = self._find(KIND_P, pid)
        old: cython.longlong
        shown: cython.longlong = status
        k: cython.longlong
        found: cython.longlong = -1
        self.error_id = pid
        if pid < 0:
            return E_ID
        if status < 1 or status > 4:
            return E_STATUS
        old = 2 if status == P_RUNNING or status == P_SYSCALL else 3
        if s >= 0:
            if status == P_ABANDONED and self.p[s + P_STATUS] == P_SYSCALL:
                # Nothing is lost after all: we know which thread has it.
                old = 2
                shown = P_SYSCALL
                k = 0
                while k < self.m_used:
                    if self.m[k + M_P] == s and self.m[k + M_SEEN]:
                        found = k
                    k += M_WIDTH
                if found < 0:
                    return E_PROC
            elif status != self.p[s + P_STATUS]:
                return E_STATUS
            self.p[s + P_GEN] = self.generation
            self.p[s + P_SEQ] = 0
        else:
            s = self._new_p(pid, status)
            old = 0 if self.is_first else 1
        if found >= 0:
            self.cm = self.m[found + M_ID]
            self.cp = pid
            self.cg = self.m[found + M_G]
        self._emit(EV_PROC_STATUS, self._stamp(time), pid, shown, old, 0, 0)
        if ms >= 0 and (status == P_RUNNING or status == P_SYSCALL):
            self.m[ms + M_P] = s
        return ADVANCED

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(check=False)
    def _go_status(
        self,
        typ: cython.longlong,
        time: cython.longlong,
        gid: cython.longlong,
        mid: cython.longlong,
        status: cython.longlong,
        stack: cython.longlong,
        ms: cython.longlong,
        ps: cython.longlong,
    ) -> cython.longlong:
        s: cython.longlong = self._find(KIND_G, gid)
        k: cython.longlong = -1
        thread: cython.longlong = self.cm
        proc: cython.longlong = self.cp
        is_new: cython.bint = s < 0
        self.error_id = gid
        if gid < 0:
            return E_ID
        if status < 1 or status > 4:
            return E_STATUS
        if not is_new:
            if self.g[s + G_STATUS] != status:
                return E_STATUS
        elif not self.is_first:
            return E_GOROUTINE_LATE
        if status == SYSCALL:
            if mid == -1:
                return E_THREAD
            if mid == thread:
                if not self.is_first and self.cg != gid:
                    return E_THREAD
            else:
                # It has been sitting in that system call, on another thread and
                # without a processor, for the whole generation.
                k = self._find(KIND_M, mid)
                if k >= 0 and self.m[k + M_SEEN]:
                    if self.m[k + M_G] != gid:
                        return E_THREAD
                    self.cg = gid
                else:
                    if k < 0:
                        k = self._new_m(mid)
                    self.m[k + M_SEEN] = 1
                    self.m[k + M_G] = gid
                    self.m[k + M_GROW] = -1
                self.cm = mid
                thread = mid
                proc = -1
        self._emit(typ, self._stamp(time), gid, mid, status, 0 if is_new else status, stack)
        if is_new:
            s = self._new_g(gid, status, stack)
            self.g[s + G_START] = 0
            self.g[s + G_COMPLETE] = 0
            if status == RUNNING or status == SYSCALL:
                self.g[s + G_PROC] = proc
                self.g[s + G_THREAD] = thread
            if k >= 0:
                self.m[k + M_GROW] = s
        else:
            self.g[s + G_GEN] = self.generation
            self.g[s + G_SEQ] = 0
        if self.g[s + G_NAME] == 0:
            self.g[s + G_NAME] = stack
        if ms >= 0 and (status == RUNNING or (status == SYSCALL and k < 0)):
            self.m[ms + M_G] = gid
            self.m[ms + M_GROW] = s
        return ADVANCED

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(check=False)
    def _range_event(
        self,
        typ: cython.longlong,
        time: cython.longlong,
        a0: cython.longlong,
        a1: cython.longlong,
        ms: cython.longlong,
        ps: cython.longlong,
        gs: cython.longlong,
    ) -> cython.longlong:
        k: cython.longlong
        s: cython.longlong
        ts: cython.longlong
        text: cython.longlong = 0
        stack: cython.longlong = 0
        is_user: cython.bint = ms >= 0 and ps >= 0 and self.cg != -1
        kind: cython.longlong

        if typ == EV_ASSIST_BEGIN or typ == EV_STW_BEGIN:
            if not is_user:
                return E_CONTEXT
            if gs < 0:
                return E_NO_GOROUTINE
            if typ == EV_STW_BEGIN:
                text = self._string(a0)
                if text < 0:
                    return E_STRING
                a0 = a1
            stack = self._stack(a0)
            if stack < 0:
                return E_STACK
            if self._find_range(self.g[gs + G_RANGES], typ, text) >= 0:
                return E_RANGE
            ts = self._stamp(time)
            self._emit(typ, ts, text, 0, 0, 0, stack)
            self.g[gs + G_RANGES] = self._append_range(self.g[gs + G_RANGES], self._new_node(typ, text, ts, stack))
            return ADVANCED

        if typ == EV_ASSIST_END or typ == EV_STW_END:
            if not is_user:
                return E_CONTEXT
            if gs < 0:
                return E_NO_GOROUTINE
            kind = EV_ASSIST_BEGIN if typ == EV_ASSIST_END else EV_STW_BEGIN
            k = self._find_range(self.g[gs + G_RANGES], kind, -1)
            if k < 0:
                return E_NO_RANGE
            ts = self._stamp(time)
            text = self.node[k + N_NAME]
            self._emit(typ, ts, text, 0, 0, 0, 0)
            self._side(SIDE_RANGE, kind, text, KIND_G, self.cg, self.node[k + N_START], ts - self.node[k + N_START],
                       self.node[k + N_STACK], self.node[k + N_COMPLETE])
            self.g[gs + G_RANGES] = self._take_range(self.g[gs + G_RANGES], k)
            return ADVANCED

        if typ == EV_ASSIST_ACTIVE:
            self.error_id = a0
            s = self._find(KIND_G, a0)
            if s < 0:
                return E_NO_GOROUTINE
            k = self._find_range(self.g[s + G_RANGES], EV_ASSIST_BEGIN, 0)
            if self.is_first == (k >= 0):
                return E_RANGE
            self._emit(typ, self._stamp(time), a0, 0, 0, 0, 0)
            if k < 0:
                k = self._new_node(EV_ASSIST_BEGIN, 0, 0, 0)
                self.node[k + N_COMPLETE] = 0
                self.g[s + G_RANGES] = self._append_range(self.g[s + G_RANGES], k)
            return ADVANCED

        if typ == EV_SWEEP_BEGIN:
            if ms < 0 or ps < 0:
                return E_CONTEXT
            stack = self._stack(a0)
            if stack < 0:
                return E_STACK
            if self._find_range(self.p[ps + P_RANGES], typ, 0) >= 0:
                return E_RANGE
            ts = self._stamp(time)
            self._emit(typ, ts, 0, 0, 0, 0, stack)
            self.p[ps + P_RANGES] = self._append_range(self.p[ps + P_RANGES], self._new_node(typ, 0, ts, stack))
            return ADVANCED

        if typ == EV_SWEEP_END:
            if ms < 0 or ps < 0:
                return E_CONTEXT
            k = self._find_range(self.p[ps + P_RANGES], EV_SWEEP_BEGIN, -1)
            if k < 0:
                return E_NO_RANGE
            ts = self._stamp(time)
            self._emit(typ, ts, a0, a1, 0, 0, 0)
            self._side(SIDE_RANGE, EV_SWEEP_BEGIN, 0, KIND_P, self.cp, self.node[k + N_START], ts - self.node[k + N_START],
                       self.node[k + N_STACK], self.node[k + N_COMPLETE])
            self.p[ps + P_RANGES] = self._take_range(self.p[ps + P_RANGES], k)
            return ADVANCED

        if typ == EV_SWEEP_ACTIVE:
            self.error_id = a0
            s = self._find(KIND_P, a0)
            if s < 0:
                return E_PROC
            k = self._find_range(self.p[s + P_RANGES], EV_SWEEP_BEGIN, 0)
            if self.is_first == (k >= 0):
                return E_RANGE
            self._emit(typ, self._stamp(time), a0, 0, 0, 0, 0)
            if k < 0:
                k = self._new_node(EV_SWEEP_BEGIN, 0, 0, 0)
                self.node[k + N_COMPLETE] = 0
                self.p[s + P_RANGES] = self._append_range(self.p[s + P_RANGES], k)
            return ADVANCED

        # The GC's own range is global: state 0 unknown, 1 off, 2 on.
        self.error_id = a0
        if typ == EV_GC_BEGIN:
            stack = self._stack(a1)
            if stack < 0:
                return E_STACK
        if typ == EV_GC_ACTIVE and self.is_first:
            if self.gc_state != 0:
                return E_GC
            self.gc_start = 0
            self.gc_complete = 0
            self.gc_stack = 0
        elif typ == EV_GC_BEGIN and self.gc_state == 0:
            self.gc_start = -1
        else:
            if a0 != self.gc_seq + 1:
                return NOT_YET
            if typ == EV_GC_BEGIN:
                if self.gc_state == 2:
                    return E_GC
            elif self.gc_state != 2:
                return E_GC
            if not is_user:
                return E_CONTEXT
        self.gc_seq = a0
        ts = self._stamp(time)
        self._emit(typ, ts, a0, 0, 0, 0, stack)
        if typ == EV_GC_BEGIN:
            self.gc_state = 2
            self.gc_start = ts
            self.gc_stack = stack
            self.gc_complete = 1
        elif typ == EV_GC_ACTIVE:
            self.gc_state = 2
        else:
            self.gc_state = 1
            self._side(SIDE_RANGE, EV_GC_BEGIN, 0, 0, -1, self.gc_start, ts - self.gc_start, self.gc_stack, self.gc_complete)
        return ADVANCED

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(check=False)
    def _heap_event(
        self, typ: cython.longlong, ts: cython.longlong, a0: cython.longlong, a1: cython.longlong, a2: cython.longlong
    ) -> cython.void:
        """Spans say how large the objects on their pages are; objects come and go."""
        k: cython.longlong
        v: cython.longlong
        n: cython.longlong
        size: cython.longlong = -1
        if typ == EV_SPAN or typ == EV_SPAN_ALLOC:
            self._forget_pages(a0)
            # The lowest bit: not for objects. Then: no pointers; then the size class, 0 for one large object.
            if a2 & 1 or a2 < 0 or (a2 >> 2) >= self.class_size.shape[0] or a1 <= 0 or a1 >> 32 or a0 >> 48:
                return
            size = self.class_size[a2 >> 2]
            n = a1
            if size == 0:
                size = a1 * self.page_objects * 8
                n = 1
            if n > MAX_PAGES:
                return
            for k in range(n):
                if self._find(KIND_PAGE, a0 + k) >= 0:
                    self._forget(KIND_PAGE, a0 + k)
                self._insert(KIND_PAGE, a0 + k, size * 256 + (n - 1) * 16 + k)
            return
        if typ == EV_SPAN_FREE:
            self._forget_pages(a0)
            return
        v = self._find(KIND_PAGE, a0 // self.page_objects)
        if v >= 0:
            # The slot that a0 lies in: small pointer-free values share one, and are told of by
            # their own addresses (Go 1.24 on), but freed as one.
            size = v >> 8
            n = (a0 // self.page_objects - (v & 15)) * self.page_objects
            a0 = n + (a0 - n) * 8 // size * size // 8
        k = self._find(KIND_OBJECT, a0)
        if typ == EV_HEAP_OBJECT:
            if k < 0:
                self._new_object(a0, -1, a1, size)
            return
        if typ == EV_HEAP_OBJECT_ALLOC and k >= 0 and a1 == 0 and size == 16 and self.node[k + N_NAME] == 0:
            return
        if k >= 0:
            self._side(SIDE_OBJECT, a0, self.node[k + N_NAME], self.node[k + N_START],
                       ts if typ == EV_HEAP_OBJECT_FREE else -1, self.node[k + N_STACK], 0, 0, 0)
            self._forget(KIND_OBJECT, a0)
            self._drop_node(k)
        if typ == EV_HEAP_OBJECT_ALLOC:
            self._new_object(a0, ts, a1, size)

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(check=False)
    def _new_object(self, key: cython.longlong, ts: cython.longlong, kind: cython.longlong, size: cython.longlong) -> cython.void:
        name: cython.longlong = 0
        k: cython.longlong
        if 0 <= kind < self.type_map.shape[0] and self.type_map[kind] > 0:
            name = self.type_map[kind]
        k = self._new_node(key, name, ts, size)
        self.node[k + N_NEXT] = NODE_OBJECT
        self._insert(KIND_OBJECT, key, k)

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(check=False)
    def _forget_pages(self, page: cython.longlong) -> cython.void:
        """Of the span that begins at this page. A page's value: size, 4 bits pages less 1, 4 bits which of them."""
        v: cython.longlong = self._find(KIND_PAGE, page)
        k: cython.longlong
        if v >= 0 and v & 15 == 0:
            for k in range((v >> 4 & 15) + 1):
                if self._find(KIND_PAGE, page + k) == v + k:
                    self._forget(KIND_PAGE, page + k)

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(check=False)
    def _annotation(
        self,
        typ: cython.longlong,
        time: cython.longlong,
        a0: cython.longlong,
        a1: cython.longlong,
        a2: cython.longlong,
        a3: cython.longlong,
        ms: cython.longlong,
        ps: cython.longlong,
        gs: cython.longlong,
    ) -> cython.longlong:
        """What programs say of themselves, and GOMAXPROCS: all of it on a running goroutine."""
        ts: cython.longlong
        k: cython.longlong
        name: cython.longlong
        text: cython.longlong
        stack: cython.longlong

        if ms < 0 or ps < 0 or self.cg == -1:
            return E_CONTEXT

        if typ == EV_PROCS_CHANGE:
            stack = self._stack(a1)
            if stack < 0:
                return E_STACK
            ts = self._stamp(time)
            self._emit(typ, ts, a0, 0, 0, 0, stack)
            self._side(SIDE_METRIC, typ, ts, a0, 0, 0, 0, 0, 0)
            return ADVANCED

        if typ == EV_GO_LABEL:
            name = self._string(a0)
            if name < 0:
                return E_STRING
            self._emit(typ, self._stamp(time), name, 0, 0, 0, 0)
            return ADVANCED

        if typ == EV_LOG:
            name = self._string(a1)
            text = self._string(a2)
            if name < 0 or text < 0:
                return E_STRING
            stack = self._stack(a3)
            if stack < 0:
                return E_STACK
            ts = self._stamp(time)
            self._emit(typ, ts, a0, name, text, 0, stack)
            self._side(SIDE_LOG, ts, self.cg, a0, name, text, stack, 0, 0)
            return ADVANCED

        if typ == EV_TASK_BEGIN:
            self.error_id = a0
            if self._find(KIND_TASK, a0) >= 0:
                return E_TASK
            if a1 == 0:
                a1 = -1
            name = self._string(a2)
            if name < 0:
                return E_STRING
            stack = self._stack(a3)
            if stack < 0:
                return E_STACK
            ts = self._stamp(time)
            self._emit(typ, ts, a0, a1, name, 0, stack)
            k = self._new_node(a0, name, ts, stack)
            self.node[k + N_NEXT] = NODE_TASK
            self.node[k + N_G] = self.cg
            self.node[k + N_PARENT] = a1
            self._insert(KIND_TASK, a0, k)
            return ADVANCED

        if typ == EV_TASK_END:
            stack = self._stack(a1)
            if stack < 0:
                return E_STACK
            ts = self._stamp(time)
            k = self._find(KIND_TASK, a0)
            if k >= 0:
                self._emit(typ, ts, a0, self.node[k + N_PARENT], self.node[k + N_NAME], 0, stack)
                self._side(SIDE_TASK, a0, self.node[k + N_NAME], self.node[k + N_PARENT], self.node[k + N_START],
                           ts - self.node[k + N_START], self.node[k + N_G], self.node[k + N_STACK], 1)
                self._forget(KIND_TASK, a0)
                self._drop_node(k)
            else:
                self._emit(typ, ts, a0, -1, 0, 0, stack)
                self._side(SIDE_TASK, a0, 0, -1, 0, ts, self.cg, stack, 2)
            return ADVANCED

        if typ == EV_REGION_BEGIN or typ == EV_REGION_END:
            name = self._string(a1)
            if name < 0:
                return E_STRING
            stack = self._stack(a2)
            if stack < 0:
                return E_STACK
            if gs < 0:
                return E_NO_GOROUTINE
            k = self.g[gs + G_REGIONS]
            if typ == EV_REGION_END and k >= 0 and (self.node[k + N_KIND] != a0 or self.node[k + N_NAME] != name):
                return E_REGION
            ts = self._stamp(time)
            self._emit(typ, ts, a0, name, 0, 0, stack)
            if typ == EV_REGION_BEGIN:
                k = self._new_node(a0, name, ts, stack)
                self.node[k + N_NEXT] = self.g[gs + G_REGIONS]
                self.g[gs + G_REGIONS] = k
                self.g[gs + G_DEPTH] += 1
            elif k >= 0:
                self.g[gs + G_DEPTH] -= 1
                self._side(SIDE_REGION, self.cg, a0, name, self.node[k + N_START], ts - self.node[k + N_START],
                           self.g[gs + G_DEPTH], self.node[k + N_STACK], 1)
                self.g[gs + G_REGIONS] = self.node[k + N_NEXT]
                self._drop_node(k)
            else:
                # It began before the capture: outside of all that we know.
                self.g[gs + G_OUTER] -= 1
                self._side(SIDE_REGION, self.cg, a0, name, 0, ts, self.g[gs + G_OUTER], stack, 0)
            return ADVANCED

        self.error_id = typ
        return E_TYPE

    # ---- events whose order is settled ---------------------------------------
    #
    # Version 1 traces and Go's own text: whoever wrote the rows has checked them, so
    # what is missing counts as begun before the capture.

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(check=False)
    def _follow(self, rows: cython.longlong[::1], r: cython.longlong) -> cython.longlong:
        """One event; strings and stacks are indexes of the capture."""
        typ: cython.longlong = rows[r + R_KIND]
        a0: cython.longlong = rows[r + R_A0]
        a1: cython.longlong = rows[r + R_A1]
        a2: cython.longlong = rows[r + R_A2]
        stack: cython.longlong = rows[r + R_STACK]
        ts: cython.longlong
        gs: cython.longlong
        self.cm = rows[r + R_THREAD]
        self.cp = rows[r + R_PROC]
        self.cg = rows[r + R_G]
        if typ == EV_GO_DESTROY or typ == EV_GO_DESTROY_SYSCALL:
            gs = self._find(KIND_G, self.cg)
            if gs >= 0 and not self._has_room_for(self._open_things(gs)):
                return FULL
            ts = self._stamp(rows[r + R_TIME])
            self._emit(typ, ts, 0, 0, 0, 0, stack)
            if gs >= 0:
                self._end_goroutine(gs, ts, 1)
                self._free_goroutine(gs)
            return ADVANCED
        if typ == EV_TASK_BEGIN or typ == EV_TASK_END:
            return self._follow_task(typ, rows[r + R_TIME], a0, a1, a2, stack)
        ts = self._stamp(rows[r + R_TIME])
        self._emit(typ, ts, a0, a1, a2, rows[r + R_A3], stack)
        if typ == EV_GO_START:
            self._go_over(a0, typ, RUNNING, ts, -1, stack)
        elif typ == EV_GO_STOP or typ == EV_GO_BLOCK:
            self._go_over(self.cg, typ, RUNNABLE if typ == EV_GO_STOP else WAITING, ts, self._word(a0), stack)
        elif typ == EV_GO_UNBLOCK:
            self._go_over(a0, typ, RUNNABLE, ts, -1, stack)
        elif typ == EV_GO_SYSCALL_BEGIN:
            self._go_over(self.cg, typ, SYSCALL, ts, -1, stack)
        elif typ == EV_GO_SYSCALL_END:
            self._go_over(self.cg, typ, RUNNING, ts, -1, stack)
        elif typ == EV_GO_SYSCALL_END_BLOCKED:
            self._go_over(self.cg, typ, RUNNABLE, ts, -1, stack)
        elif typ == EV_GO_CREATE or typ == EV_GO_CREATE_BLOCKED or typ == EV_GO_CREATE_SYSCALL:
            self._appear(typ, a0, a1, ts, stack)
        elif typ == EV_GO_STATUS:
            gs = self._find(KIND_G, a0)
            if gs < 0:
                gs = self._new_g(a0, a2, stack)
                self.g[gs + G_START] = 0
                self.g[gs + G_COMPLETE] = 0
                if a2 == RUNNING or a2 == SYSCALL:
                    self.g[gs + G_PROC] = self.cp
                    self.g[gs + G_THREAD] = self.cm
            if self.g[gs + G_NAME] == 0:
                self.g[gs + G_NAME] = stack
        elif typ == EV_PROCS_CHANGE or typ == EV_HEAP_ALLOC or typ == EV_HEAP_GOAL:
            self._side(SIDE_METRIC, typ, ts, a0, 0, 0, 0, 0, 0)
        elif typ == EV_CPU_SAMPLE:
            self._side(SIDE_SAMPLE, ts, self.cm, self.cp, self.cg, stack, 0, 0, 0)
        elif typ == EV_LOG:
            self._side(SIDE_LOG, ts, self.cg, a0, a1, a2, stack, 0, 0)
        elif typ == EV_REGION_BEGIN or typ == EV_REGION_END:
            return self._follow_region(typ, a0, a1, ts, stack)
        else:
            self._follow_range(typ, a0, ts, stack)
        return ADVANCED

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(check=False)
    def _known(self, key: cython.longlong, state: cython.longlong, ts: cython.longlong) -> cython.longlong:
        """The row of a goroutine; one that nothing told of is in state from now on, incompletely."""
        gs: cython.longlong = self._find(KIND_G, key)
        if gs < 0:
            gs = self._new_g(key, state, 0)
            self.g[gs + G_START] = ts
            self.g[gs + G_COMPLETE] = 0
        return gs

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(check=False)
    def _go_over(
        self,
        key: cython.longlong,
        typ: cython.longlong,
        state: cython.longlong,
        ts: cython.longlong,
        reason: cython.longlong,
        stack: cython.longlong,
    ) -> cython.void:
        """A goroutine goes over into state."""
        gs: cython.longlong = self._find(KIND_G, key)
        is_executing: cython.bint = state == RUNNING or state == SYSCALL
        proc: cython.longlong = self.cp if is_executing else -1
        thread: cython.longlong = self.cm if is_executing else -1
        if gs < 0:
            gs = self._known(key, state, ts)
            self.g[gs + G_REASON] = reason
            self.g[gs + G_STACK] = stack
            self.g[gs + G_PROC] = proc
            self.g[gs + G_THREAD] = thread
        elif typ == EV_GO_UNBLOCK:
            self._move(gs, state, ts, reason, stack, proc, thread, self.cg, stack)
        else:
            self._move(gs, state, ts, reason, stack, proc, thread, -1, 0)
        if self.g[gs + G_NAME] == 0 and (typ == EV_GO_STOP or typ == EV_GO_BLOCK or typ == EV_GO_SYSCALL_BEGIN):
            self.g[gs + G_NAME] = stack

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(check=False)
    def _appear(self, typ: cython.longlong, key: cython.longlong, birth: cython.longlong, ts: cython.longlong, stack: cython.longlong) -> cython.void:
        """A goroutine is created; birth is the stack that it begins with."""
        gs: cython.longlong = self._find(KIND_G, key)
        if gs >= 0:
            self._free_goroutine(gs)
        if typ == EV_GO_CREATE_SYSCALL:
            gs = self._new_g(key, SYSCALL, 0)
            self.g[gs + G_PROC] = self.cp
            self.g[gs + G_THREAD] = self.cm
        else:
            gs = self._new_g(key, WAITING if typ == EV_GO_CREATE_BLOCKED else RUNNABLE, stack)
            self.g[gs + G_NAME] = birth
            self.g[gs + G_PARENT] = self.cg
            self.g[gs + G_BIRTH] = stack
        self.g[gs + G_CREATED] = ts

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(check=False)
    def _follow_task(self, typ: cython.longlong, time: cython.longlong, task: cython.longlong, parent: cython.longlong, name: cython.longlong, stack: cython.longlong) -> cython.longlong:
        """A task begins or ends; at its end, parent is what the event says of a task without one."""
        ts: cython.longlong
        k: cython.longlong = self._find(KIND_TASK, task)
        if typ == EV_TASK_BEGIN:
            if k >= 0:
                self.error_id = task
                return E_TASK
            ts = self._stamp(time)
            self._emit(typ, ts, task, parent, name, 0, stack)
            k = self._new_node(task, name, ts, stack)
            self.node[k + N_NEXT] = NODE_TASK
            self.node[k + N_G] = self.cg
            self.node[k + N_PARENT] = parent
            self._insert(KIND_TASK, task, k)
            return ADVANCED
        ts = self._stamp(time)
        if k < 0:
            self._emit(typ, ts, task, -1, name, 0, stack)
            self._side(SIDE_TASK, task, 0, -1, 0, ts, self.cg, stack, 2)
            return ADVANCED
        if self.node[k + N_PARENT] != -1:
            parent = self.node[k + N_PARENT]
        self._emit(typ, ts, task, parent, self.node[k + N_NAME], 0, stack)
        self._side(SIDE_TASK, task, self.node[k + N_NAME], self.node[k + N_PARENT], self.node[k + N_START],
                   ts - self.node[k + N_START], self.node[k + N_G], self.node[k + N_STACK], 1)
        self._forget(KIND_TASK, task)
        self._drop_node(k)
        return ADVANCED

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(check=False)
    def _follow_region(self, typ: cython.longlong, task: cython.longlong, name: cython.longlong, ts: cython.longlong, stack: cython.longlong) -> cython.longlong:
        gs: cython.longlong = self._known(self.cg, RUNNING, ts)
        k: cython.longlong = self.g[gs + G_REGIONS]
        if typ == EV_REGION_BEGIN:
            k = self._new_node(task, name, ts, stack)
            self.node[k + N_NEXT] = self.g[gs + G_REGIONS]
            self.g[gs + G_REGIONS] = k
            self.g[gs + G_DEPTH] += 1
        elif k < 0:
            self.g[gs + G_OUTER] -= 1
            self._side(SIDE_REGION, self.cg, task, name, 0, ts, self.g[gs + G_OUTER], stack, 0)
        elif self.node[k + N_KIND] != task or self.node[k + N_NAME] != name:
            self.error_id = self.cg
            return E_REGION
        else:
            self.g[gs + G_DEPTH] -= 1
            self._side(SIDE_REGION, self.cg, task, name, self.node[k + N_START], ts - self.node[k + N_START],
                       self.g[gs + G_DEPTH], self.node[k + N_STACK], 1)
            self.g[gs + G_REGIONS] = self.node[k + N_NEXT]
            self._drop_node(k)
        return ADVANCED

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(check=False)
    def _follow_range(self, typ: cython.longlong, a0: cython.longlong, ts: cython.longlong, stack: cython.longlong) -> cython.void:
        """Ranges begin, end or are told to be active; other types say nothing that has a row."""
        row: cython.longlong
        if typ == EV_GC_ACTIVE or typ == EV_GC_BEGIN:
            if typ == EV_GC_BEGIN or self.gc_state != 2:
                self.gc_start = ts if typ == EV_GC_BEGIN else 0
                self.gc_stack = stack
                self.gc_complete = typ == EV_GC_BEGIN
                self.gc_state = 2
        elif typ == EV_GC_END:
            if self.gc_state != 2:
                self.gc_start = 0
                self.gc_stack = 0
                self.gc_complete = 0
            self.gc_state = 1
            self._side(SIDE_RANGE, EV_GC_BEGIN, 0, 0, -1, self.gc_start, ts - self.gc_start, self.gc_stack, self.gc_complete)
        elif typ == EV_STW_BEGIN:
            self.stw_at = ts
            self.stw_stack = stack
            self.stw_name = a0
        elif typ == EV_STW_END:
            if self.stw_at >= 0:
                self._side(SIDE_RANGE, EV_STW_BEGIN, self.stw_name, KIND_G, self.cg, self.stw_at, ts - self.stw_at, self.stw_stack, 1)
            else:
                self._side(SIDE_RANGE, EV_STW_BEGIN, 0, KIND_G, self.cg, 0, ts, 0, 0)
            self.stw_at = -1
        elif typ == EV_SWEEP_ACTIVE or typ == EV_SWEEP_BEGIN or typ == EV_SWEEP_END:
            row = self._find(KIND_P, self.cp)
            if row < 0:
                row = self._new_p(self.cp, 0)
            self.p[row + P_RANGES] = self._range_step(
                self.p[row + P_RANGES], typ - EV_SWEEP_ACTIVE, EV_SWEEP_BEGIN, KIND_P, self.cp, ts, stack
            )
        elif typ == EV_ASSIST_ACTIVE or typ == EV_ASSIST_BEGIN or typ == EV_ASSIST_END:
            row = self._known(self.cg, RUNNING, ts)
            self.g[row + G_RANGES] = self._range_step(
                self.g[row + G_RANGES], typ - EV_ASSIST_ACTIVE, EV_ASSIST_BEGIN, KIND_G, self.cg, ts, stack
            )

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(check=False)
    def _range_step(
        self,
        head: cython.longlong,
        step: cython.longlong,
        kind: cython.longlong,
        scope: cython.longlong,
        scope_id: cython.longlong,
        ts: cython.longlong,
        stack: cython.longlong,
    ) -> cython.longlong:
        """The list of open ranges after one is active (step 0), begins (1) or ends (2)."""
        k: cython.longlong = self._find_range(head, kind, 0)
        if step == 2:
            if k < 0:
                self._side(SIDE_RANGE, kind, 0, scope, scope_id, 0, ts, 0, 0)
                return head
            self._side(SIDE_RANGE, kind, 0, scope, scope_id, self.node[k + N_START], ts - self.node[k + N_START],
                       self.node[k + N_STACK], self.node[k + N_COMPLETE])
            return self._take_range(head, k)
        if k < 0:
            k = self._new_node(kind, 0, ts if step == 1 else 0, stack)
            self.node[k + N_COMPLETE] = step
            return self._append_range(head, k)
        return head
