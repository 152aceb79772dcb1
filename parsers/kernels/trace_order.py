# cython: language_level=3, boundscheck=False, wraparound=False, initializedcheck=False, cdivision=True, nonecheck=False
"""The scheduler state machine: from the batches of one generation to rows in order.

``Machine.run`` pulls events lazily from one cursor per thread, decides which may
happen next, keeps the state of goroutines, processors and threads, and writes
finished rows straight into the output arrays. It stops with a status when an
output array is full or a table must grow, and goes on where it stopped. What it
holds, and the types of its methods, stand in ``trace_order.pxd``.

An event is one method's: ``_advance`` notes what the event happens on (its
thread, processor and goroutine), and dispatches. Its preconditions are three
guards: ``_check`` (the context that it needs, and its goroutine's status),
``_ready_goroutine`` and ``_ready_proc`` (whether another one may be started,
woken or stolen yet, by status and sequence number).

Longer than other files because a C function call for each event would pass a
dozen memoryviews; one class holds them.

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
- output rows: ``_room`` demands ROWS_SPARE free rows before each event, and no event
  writes more; an ending goroutine counts what it has open first.
- rows of settled events: ``followed < count``, which the caller takes from the array; the strings and
  stacks in them are indexes that our own code gave, and ``word_of`` has an entry for each string.
- ``heap``, and the sorter's ``order`` and ``time_of``, are as long as there are cursors; the heap only
  loses entries. Sorting permutes ``order`` within its first n entries.
"""

import cython

if not cython.compiled:
    from tracemill.parsers.kernels.layout import declared

    globals().update(declared("trace_order"))


def _looked_up(key, keys, values):
    """The value of a key among sorted ones, or -1."""
    low: cython.longlong = 0
    high: cython.longlong = keys.shape[0]
    mid: cython.longlong
    while low < high:
        mid = (low + high) >> 1
        if keys[mid] < key:
            low = mid + 1
        else:
            high = mid
    if low < keys.shape[0] and keys[low] == key:
        return values[low]
    return NONE


class Machine:
    """State of the whole capture and arrays of the current generation."""

    # ---- what Python calls -------------------------------------------------

    def reset(self) -> None:
        """An empty capture; the arrays are bound by their names."""
        self.table_n = 0
        self.g_used = 0
        self.g_free = NONE
        self.p_used = 0
        self.m_used = 0
        self.node_used = 0
        self.node_free = NONE
        self.gc_seq = 0
        self.gc_state = GC_UNKNOWN
        self.gc_start = 0
        self.gc_stack = 0
        self.gc_complete = 0
        self.finish_at = 0
        self.followed = 0
        self.stw_at = NONE
        self.last = 0
        self.base = 0
        self.words_n = 0
        self.cycle_n = 0
        self.cycle_cap = 0
        self.side_n = 0
        self.side_cap = 0
        self.side_need = 0
        self.ev_n = 0
        self.ev_cap = 0
        self.raw = False
        self.generation = 0
        self.is_first = True
        self.error_at = NONE
        self.error_id = 0
        self.misused = 0
        self.misused_at = NONE
        self.sample_i = 0
        self.sample_n = 0
        self.heap_n = 0

    def rehash(self, old: cython.longlong[::1]) -> None:
        """Fill the (new, empty) hash from the one before."""
        i: cython.longlong = 0
        self.table_n = 0
        while i < old.shape[0]:
            if old[i + 1] != 0:
                self._insert(old[i + 1] & KIND_MASK, old[i], old[i + 1] >> KIND_BITS)
            i += 2

    def thread_row(self, thread: cython.longlong) -> cython.longlong:
        """The row of a thread, made if there is none; -1 when the arrays must grow first."""
        r: cython.longlong = self._find(KIND_M, thread)
        if r < 0:
            if self.m_used + M_WIDTH > self.m.shape[0] or (self.table_n + TABLE_SPARE) * 4 > self.table.shape[0]:
                return NONE
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
            if got == ADVANCED:
                self.heap[self.heap_n] = i * C_WIDTH
                self.heap_n += 1
                self._sift_up(self.heap_n - 1)
        return ADVANCED

    def drain(self, n_cursors: cython.longlong) -> cython.longlong:
        """Decode every event and let none happen: how many there are, or an error. For measurements."""
        i: cython.longlong
        n: cython.longlong = 0
        got: cython.longlong = DONE
        with cython.nogil:
            for i in range(n_cursors):
                got = self._next_event(i * C_WIDTH)
                while got == ADVANCED:
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
        self._on(NONE, NONE, NONE)
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

    def _room(self):
        """ADVANCED if one more event fits into every array, else FULL or GROW."""
        if (
            self.cycle_n + ROWS_SPARE > self.cycle_cap
            or self.side_n + ROWS_SPARE > self.side_cap
            or (self.raw and self.ev_n + ROWS_SPARE > self.ev_cap)
        ):
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

    def _run(self):
        status: cython.longlong
        c: cython.longlong
        i: cython.longlong
        ev_n: cython.longlong
        while True:
            status = self._room()
            if status != ADVANCED:
                return status
            if self.sample_i < self.sample_n and (
                self.heap_n == 0 or self.sample[self.sample_i * SAMPLE_WIDTH] < self.cursor[self.heap[0] + C_TIME]
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
                i = self._another()
                if i < 0:
                    return i
                c = self.heap[i]
                status = self.another
            if status != ADVANCED:
                return status
            status = self._next_event(c)
            if status < 0:
                self.ev_n = ev_n  # the reference reader has not handed these on yet
                return status
            if status == ADVANCED:
                if self._sift_up(i) == i:
                    self._sift_down(i)
            else:
                self._remove(i)

    def _another(self):
        """The heap's place of the earliest event that can happen though the earliest of all can't, or an error.

        ``another`` is its status. Clocks of threads differ, and events wait for other threads.
        """
        i: cython.longlong = 1
        self.another = NOT_YET
        self._sort_heap()
        while i < self.heap_n:
            self.error_at = self.cursor[self.heap[i] + C_EVENT]
            self.another = self._advance(self.heap[i])
            if self.another != NOT_YET:
                break
            i += 1
        # Each event may cost as many attempts as there are threads: hostile input
        # could take hours.
        self.attempts += 2 * i
        if self.attempts > self.attempts_max:
            return E_PATIENCE
        if self.another == NOT_YET:
            self.error_at = self.cursor[self.heap[0] + C_EVENT]
            return E_STUCK
        return i

    def _sift_up(self, i):
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

    def _sift_down(self, i):
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

    def _remove(self, i):
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

    def _sort_heap(self):
        """Into the order of times, which is a heap too."""
        i: cython.longlong = 0
        while i < self.heap_n:
            self.sorter.order[i] = self.heap[i] // C_WIDTH
            self.sorter.time_of[self.sorter.order[i]] = self.cursor[self.heap[i] + C_TIME]
            i += 1
        self.sorter.sort_first(self.heap_n)
        i = 0
        while i < self.heap_n:
            self.heap[i] = self.sorter.order[i] * C_WIDTH
            i += 1

    # ---- decoding ----------------------------------------------------------

    def _next_event(self, c):
        """Decode the cursor's next event into its row: ADVANCED, DONE at its end, or an error."""
        off: cython.longlong = self.cursor[c + C_OFF]
        end: cython.longlong = self.cursor[c + C_END]
        i: cython.longlong
        n: cython.longlong
        stop: cython.longlong
        typ: cython.longlong
        x: cython.ulonglong
        dt: cython.double
        t: cython.longlong
        while off == end:
            i = self.cursor[c + C_BATCH] + 1
            if i >= self.cursor[c + C_BATCH_END]:
                return DONE
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
        # Most integers have one byte; here and below that is the fast way.
        if off < end and self.buf[off] < 128:
            x = self.buf[off]
            off += 1
        else:
            stop = varint_end(self.buf, off, end, FITS)
            if stop < 0:
                return E_VARINT
            x = varint_value(self.buf, off, stop)
            off = stop
        dt = cython.cast(cython.double, x) * self.frequency
        if not dt < 4611686018427387904.0:  # 1 << TIME_BITS
            return E_TIME
        t = self.cursor[c + C_LAST] + cython.cast(cython.longlong, dt)
        if t >> TIME_BITS:
            return E_TIME
        self.cursor[c + C_LAST] = t
        self.cursor[c + C_TIME] = t
        self.cursor[c + C_TYPE] = typ
        for i in range(n):
            if off < end and self.buf[off] < 128:
                x = self.buf[off]
                off += 1
            else:
                stop = varint_end(self.buf, off, end, FITS)
                if stop < 0:
                    return E_VARINT
                x = varint_value(self.buf, off, stop)
                off = stop
            self.cursor[c + C_A0 + i] = as_signed(x)
        self.cursor[c + C_OFF] = off
        return ADVANCED

    def _stack(self, i):
        """Index of a stack of the capture, or -1."""
        if 0 <= i < self.stack_map.shape[0]:
            if self.stack_map[i] < 0:
                self.error_id = i
            return self.stack_map[i]
        self.error_id = i
        return _looked_up(i, self.stack_sparse, self.stack_sparse_map)

    def _string(self, i):
        """Index of a string of the capture, or -1."""
        if 0 <= i < self.string_map.shape[0]:
            if self.string_map[i] < 0:
                self.error_id = i
            return self.string_map[i]
        self.error_id = i
        return _looked_up(i, self.string_sparse, self.string_sparse_map)

    def _word(self, text):
        """Index among the reasons of a string of the capture; -1 for the empty one."""
        w: cython.longlong
        if text == 0:
            return NONE
        w = self.word_of[text]
        if w < 0:
            w = self.words_n
            self.word_of[text] = w
            self.words[w] = text
            self.words_n = w + 1
        return w

    # ---- ids → rows --------------------------------------------------------
    #
    # The hash has two values an entry: the id, and row << KIND_BITS | kind, which is 0 where it is empty.

    def _find(self, kind, key):
        """The row of an id of this kind, or -1."""
        n: cython.longlong = self.table.shape[0] >> 1
        i: cython.longlong = hashed(key + kind, self.table_shift)
        v: cython.longlong
        while True:
            v = self.table[2 * i + 1]
            if v == 0:
                return NONE
            if self.table[2 * i] == key and (v & KIND_MASK) == kind:
                return v >> KIND_BITS
            i = (i + 1) & (n - 1)

    def _insert(self, kind, key, row):
        n: cython.longlong = self.table.shape[0] >> 1
        i: cython.longlong = hashed(key + kind, self.table_shift)
        while self.table[2 * i + 1] != 0:
            i = (i + 1) & (n - 1)
        self.table[2 * i] = key
        self.table[2 * i + 1] = row << KIND_BITS | kind
        self.table_n += 1

    def _forget(self, kind, key):
        """Take out an entry that is there, and close the gap."""
        n: cython.longlong = self.table.shape[0] >> 1
        i: cython.longlong = hashed(key + kind, self.table_shift)
        k: cython.longlong
        home: cython.longlong
        v: cython.longlong
        while True:
            v = self.table[2 * i + 1]
            if v == 0:
                return
            if self.table[2 * i] == key and (v & KIND_MASK) == kind:
                break
            i = (i + 1) & (n - 1)
        k = i
        while True:
            k = (k + 1) & (n - 1)
            v = self.table[2 * k + 1]
            if v == 0:
                break
            home = hashed(self.table[2 * k] + (v & KIND_MASK), self.table_shift)
            # Movable unless its home lies cyclically in (i, k].
            if ((k - home) & (n - 1)) >= ((k - i) & (n - 1)):
                self.table[2 * i] = self.table[2 * k]
                self.table[2 * i + 1] = v
                i = k
        self.table[2 * i + 1] = 0
        self.table_n -= 1

    def _new_m(self, key):
        r: cython.longlong = self.m_used
        self.m_used = r + M_WIDTH
        self.m[r + M_ID] = key
        self.m[r + M_SEEN] = 0
        self.m[r + M_P] = NONE
        self._set_goroutine(r, NONE, NONE)
        self._insert(KIND_M, key, r)
        return r

    def _new_p(self, key, status):
        r: cython.longlong = self.p_used
        self.p_used = r + P_WIDTH
        self.p[r + P_ID] = key
        self.p[r + P_STATUS] = status
        self.p[r + P_GEN] = self.generation
        self.p[r + P_SEQ] = 0
        self.p[r + P_RANGES] = NONE
        self._insert(KIND_P, key, r)
        return r

    def _new_g(self, key, status, stack):
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
        self._begin(r, status, NONE, stack)
        self.g[r + G_COMPLETE] = 1
        self.g[r + G_PROC] = NONE
        self.g[r + G_THREAD] = NONE
        self.g[r + G_RANGES] = NONE
        self.g[r + G_REGIONS] = NONE
        self.g[r + G_DEPTH] = 0
        self.g[r + G_OUTER] = 0
        self.g[r + G_NAME] = 0
        self.g[r + G_CREATED] = NONE
        self.g[r + G_PARENT] = NONE
        self.g[r + G_BIRTH] = 0
        self._insert(KIND_G, key, r)
        return r

    def _free_goroutine(self, r):
        self._forget(KIND_G, self.g[r + G_ID])
        self.g[r + G_STATUS] = 0
        self.g[r + G_SEQ] = self.g_free
        self.g_free = r

    def _new_node(self, kind, name, start, stack):
        r: cython.longlong = self.node_free
        if r >= 0:
            self.node_free = self.node[r + N_START]
        else:
            r = self.node_used
            self.node_used = r + N_WIDTH
        self.node[r + N_NEXT] = NONE
        self.node[r + N_KIND] = kind
        self.node[r + N_NAME] = name
        self.node[r + N_START] = start
        self.node[r + N_STACK] = stack
        self.node[r + N_COMPLETE] = 1
        self.node[r + N_G] = NONE
        self.node[r + N_PARENT] = NONE
        return r

    def _drop_node(self, r):
        self.node[r + N_NEXT] = NODE_FREE
        self.node[r + N_START] = self.node_free
        self.node_free = r

    # ---- output ------------------------------------------------------------

    def _on(self, thread, proc, goroutine):
        """What the event happens on, as its rows have it."""
        self.on_m = thread
        self.on_p = proc
        self.on_g = goroutine

    def _stamp(self, time):
        """The event's time since the capture's start: no two events share one."""
        if time <= self.last:
            time = self.last + 1
        self.last = time
        return time - self.base

    def _emit(self, typ, ts, a0, a1, a2, a3, stack):
        n: cython.longlong
        if self.raw:
            n = self.ev_n
            self.ev_type[n] = cython.cast(cython.int, typ)
            self.ev_time[n] = ts
            self.ev_thread[n] = self.on_m
            self.ev_proc[n] = self.on_p
            self.ev_g[n] = self.on_g
            self.ev_a[4 * n] = a0
            self.ev_a[4 * n + 1] = a1
            self.ev_a[4 * n + 2] = a2
            self.ev_a[4 * n + 3] = a3
            self.ev_stack[n] = cython.cast(cython.int, stack)
            self.ev_n = n + 1

    def _side(self, kind, a, b, c, d, e, f, g, h):
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

    def _range_row(self, k, scope, scope_id, ts, complete):
        """The range of a node ends at ts."""
        self._side(SIDE_RANGE, self.node[k + N_KIND], self.node[k + N_NAME], scope, scope_id,
                   self.node[k + N_START], ts - self.node[k + N_START], self.node[k + N_STACK], complete)

    def _gc_row(self, ts, complete):
        """The collector's range, which has no node, ends at ts."""
        self._side(SIDE_RANGE, EV_GC_BEGIN, 0, GLOBAL, NONE, self.gc_start, ts - self.gc_start, self.gc_stack, complete)

    def _region_row(self, k, goroutine, depth, ts, complete):
        self._side(SIDE_REGION, goroutine, self.node[k + N_KIND], self.node[k + N_NAME], self.node[k + N_START],
                   ts - self.node[k + N_START], depth, self.node[k + N_STACK], complete)

    def _task_row(self, k, ts, mark):
        self._side(SIDE_TASK, self.node[k + N_KIND], self.node[k + N_NAME], self.node[k + N_PARENT], self.node[k + N_START],
                   ts - self.node[k + N_START], self.node[k + N_G], self.node[k + N_STACK], mark)

    def _object_row(self, k, freed):
        self._side(SIDE_OBJECT, self.node[k + N_KIND], self.node[k + N_NAME], self.node[k + N_START], freed,
                   self.node[k + N_STACK], 0, 0, 0)

    # A row is a scheduling cycle: a wait or a system call, then ready to run, then running, each where it
    # was. What is told of its first stay (reason, stack, waker) is told of the cycle. While it goes on, the
    # goroutine's row of state holds it: G_STATE and G_START are the current stay's, G_FIRST the first stay's
    # state, G_BLOCKED and G_READY how long the stays before the current one took, or -1.

    def _move(self, r, state, ts, reason, stack, proc, thread, waker, waker_stack):
        """The goroutine goes over into state at ts."""
        if self._goes_on(r, state, reason, stack, proc, thread, waker, waker_stack):
            if self.g[r + G_STATE] == RUNNABLE:
                self.g[r + G_READY] = ts - self.g[r + G_START]
            else:
                self.g[r + G_BLOCKED] = ts - self.g[r + G_START]
            if self.g[r + G_STATE] == self.g[r + G_FIRST]:
                self.g[r + G_WAKER] = waker
                self.g[r + G_WAKER_STACK] = waker_stack
            if state == RUNNING:
                self.g[r + G_PROC] = proc
                self.g[r + G_THREAD] = thread
        else:
            self._close(r, ts, 1, waker, waker_stack)
            self._begin(r, state, reason, stack)
            self.g[r + G_COMPLETE] = 1
            self.g[r + G_PROC] = proc
            self.g[r + G_THREAD] = thread
        self.g[r + G_STATUS] = state
        self.g[r + G_STATE] = state
        self.g[r + G_START] = ts

    def _goes_on(self, r, state, reason, stack, proc, thread, waker, waker_stack):
        """Whether the goroutine's cycle goes on in state: later in the order, and nothing told of it that the row does not say."""
        now: cython.longlong = self.g[r + G_STATE]
        if now == RUNNING or reason != NONE or self.g[r + G_COMPLETE] == 0:
            return False
        if now != self.g[r + G_FIRST] and (waker != NONE or waker_stack != 0):
            return False
        if state == RUNNABLE:
            return now != RUNNABLE and stack == waker_stack
        if state != RUNNING or stack != 0:
            return False
        return self.g[r + G_FIRST] != SYSCALL or (proc == self.g[r + G_PROC] and thread == self.g[r + G_THREAD])

    def _begin(self, r, state, reason, stack):
        """A cycle begins with a stay in state."""
        self.g[r + G_FIRST] = state
        self.g[r + G_BLOCKED] = NONE
        self.g[r + G_READY] = NONE
        self.g[r + G_WAKER] = NONE
        self.g[r + G_WAKER_STACK] = 0
        self.g[r + G_REASON] = reason
        self.g[r + G_STACK] = stack

    def _close(self, r, ts, complete, waker, waker_stack):
        """Write the goroutine's cycle, whose last stay ends at ts; in two rows if something is told of that stay alone."""
        now: cython.longlong = self.g[r + G_STATE]
        complete &= self.g[r + G_COMPLETE]
        if now == self.g[r + G_FIRST]:
            self.g[r + G_WAKER] = waker
            self.g[r + G_WAKER_STACK] = waker_stack
        elif complete == 0 or waker != NONE or waker_stack != 0:
            self._write(r, NONE, 1)
            self._begin(r, now, NONE, self.g[r + G_WAKER_STACK] if now == RUNNABLE else 0)
            self.g[r + G_WAKER] = waker
            self.g[r + G_WAKER_STACK] = waker_stack
        self._write(r, ts - self.g[r + G_START], complete)

    def _write(self, r, last, complete):
        """A row of the goroutine's cycle; last: how long its current stay took, -1 to leave that out."""
        n: cython.longlong = self.cycle_n
        now: cython.longlong = self.g[r + G_STATE]
        blocked: cython.longlong = self.g[r + G_BLOCKED]
        ready: cython.longlong = self.g[r + G_READY]
        running: cython.longlong = NONE
        if now == RUNNING:
            running = last
        elif now == RUNNABLE:
            ready = last
        else:
            blocked = last
        self.cycle_g[n] = self.g[r + G_ID]
        self.cycle_end[n] = self.g[r + G_START] + (last if last >= 0 else 0)
        self.cycle_waiting[n] = blocked if self.g[r + G_FIRST] == WAITING else NONE
        self.cycle_syscall[n] = blocked if self.g[r + G_FIRST] == SYSCALL else NONE
        self.cycle_runnable[n] = ready
        self.cycle_running[n] = running
        self.cycle_reason[n] = cython.cast(cython.int, self.g[r + G_REASON])
        self.cycle_complete[n] = cython.cast(cython.uchar, complete)
        self.cycle_stack[n] = cython.cast(cython.int, self.g[r + G_STACK])
        self.cycle_waker[n] = self.g[r + G_WAKER]
        self.cycle_waker_stack[n] = cython.cast(cython.int, self.g[r + G_WAKER_STACK])
        if running >= 0 or self.g[r + G_FIRST] == SYSCALL:
            self.cycle_proc[n] = self.g[r + G_PROC]
            self.cycle_thread[n] = self.g[r + G_THREAD]
        else:
            self.cycle_proc[n] = NONE
            self.cycle_thread[n] = NONE
        self.cycle_n = n + 1

    def _end_goroutine(self, r, ts, is_end):
        """Write its last cycle, what it has open, and its own row. The caller made room."""
        k: cython.longlong = self.g[r + G_REGIONS]
        n: cython.longlong
        gid: cython.longlong = self.g[r + G_ID]
        self._close(r, ts, is_end, NONE, 0)
        while k >= 0:
            n = self.node[k + N_NEXT]
            self.g[r + G_DEPTH] -= 1
            self._region_row(k, gid, self.g[r + G_DEPTH], ts, 0)
            self._drop_node(k)
            k = n
        k = self.g[r + G_RANGES]
        while k >= 0:
            n = self.node[k + N_NEXT]
            self._range_row(k, KIND_G, gid, ts, 0)
            self._drop_node(k)
            k = n
        self._side(SIDE_GOROUTINE, gid, self.g[r + G_CREATED], ts if is_end else NONE, self.g[r + G_PARENT],
                   self.g[r + G_BIRTH], self.g[r + G_NAME], 0, 0)

    def _open_things(self, r):
        """How many side rows the end of the goroutine takes."""
        k: cython.longlong = self.g[r + G_RANGES]
        n: cython.longlong = self.g[r + G_DEPTH] + 1
        while k >= 0:
            n += 1
            k = self.node[k + N_NEXT]
        return n

    def _has_room_for(self, rows):
        if self.side_n + rows > self.side_cap:
            self.side_need = rows
            return False
        return True

    def _sample(self):
        r: cython.longlong = self.sample_i * SAMPLE_WIDTH
        stack: cython.longlong = self._stack(self.sample[r + SAMPLE_STACK])
        ts: cython.longlong
        if stack < 0:
            self.error_at = NONE
            return E_STACK
        self.sample_i += 1
        ts = self._stamp(self.sample[r + SAMPLE_TIME])
        self._on(self.sample[r + SAMPLE_THREAD], self.sample[r + SAMPLE_PROC], self.sample[r + SAMPLE_G])
        self._emit(EV_CPU_SAMPLE, ts, 0, 0, 0, 0, stack)
        self._side(SIDE_SAMPLE, ts, self.on_m, self.on_p, self.on_g, stack, 0, 0, 0)
        return ADVANCED

    def _finish(self):
        ts: cython.longlong = self.last - self.base
        r: cython.longlong
        k: cython.longlong
        # finish_at counts through goroutines, then processors, then nodes: tasks and objects.
        while self.finish_at < self.g_used:
            r = self.finish_at
            if self.g[r + G_STATUS] > 0:
                if self.cycle_n + ROWS_SPARE > self.cycle_cap or not self._has_room_for(self._open_things(r)):
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
                self._range_row(k, KIND_P, self.p[r + P_ID], ts, 0)
                self.p[r + P_RANGES] = self.node[k + N_NEXT]
            self.finish_at += P_WIDTH
        while self.finish_at < self.g_used + self.p_used + self.node_used:
            k = self.finish_at - self.g_used - self.p_used
            if self.node[k + N_NEXT] <= NODE_TASK and not self._has_room_for(1):
                return FULL
            if self.node[k + N_NEXT] == NODE_TASK:
                self._task_row(k, ts, TASK_OPEN)
            elif self.node[k + N_NEXT] == NODE_OBJECT:
                self._object_row(k, NONE)
            self.finish_at += N_WIDTH
        if self.gc_state == GC_ON:
            if not self._has_room_for(1):
                return FULL
            self._gc_row(ts, 0)
            self.gc_state = GC_OFF
        if self.stw_at >= 0:
            if not self._has_room_for(1):
                return FULL
            self._side(SIDE_RANGE, EV_STW_BEGIN, self.stw_name, KIND_G, 0, self.stw_at, ts - self.stw_at, self.stw_stack, 0)
            self.stw_at = NONE
        return DONE

    # ---- the state machine -------------------------------------------------

    def _advance(self, c):
        """Let the cursor's event happen: ADVANCED, NOT_YET (nothing changed), FULL (nothing changed) or an error."""
        typ: cython.longlong = self.cursor[c + C_TYPE]
        self._set_context(self.cursor[c + C_M], self.cursor[c + C_MSLOT])
        if typ == EV_GO_START:
            return self._go_start(c)
        elif typ == EV_GO_UNBLOCK:
            return self._go_unblock(c)
        elif typ == EV_GO_BLOCK or typ == EV_GO_STOP:
            return self._go_block(c, typ)
        elif typ == EV_GO_DESTROY:
            return self._go_destroy(c)
        elif typ == EV_GO_SYSCALL_BEGIN:
            return self._go_syscall_begin(c)
        elif typ == EV_GO_SYSCALL_END:
            return self._go_syscall_end(c)
        elif typ == EV_GO_SYSCALL_END_BLOCKED:
            return self._go_syscall_end_blocked(c)
        elif typ == EV_GO_CREATE or typ == EV_GO_CREATE_BLOCKED:
            return self._go_create(c, typ)
        elif typ == EV_HEAP_ALLOC or typ == EV_HEAP_GOAL:
            return self._heap_metric(c, typ)
        elif typ == EV_PROC_START:
            return self._proc_start(c)
        elif typ == EV_PROC_STOP:
            return self._proc_stop(c)
        elif typ == EV_PROC_STEAL:
            return self._proc_steal(c)
        elif typ == EV_PROC_STATUS:
            return self._proc_status(c)
        elif typ == EV_GO_STATUS or typ == EV_GO_STATUS_STACK:
            return self._go_status(c, typ)
        elif typ == EV_GO_SWITCH or typ == EV_GO_SWITCH_DESTROY:
            return self._go_switch(c, typ)
        elif typ == EV_GO_CREATE_SYSCALL:
            return self._go_create_syscall(c)
        elif typ == EV_GO_DESTROY_SYSCALL:
            return self._go_destroy_syscall(c)
        elif typ == EV_ASSIST_BEGIN or typ == EV_STW_BEGIN:
            return self._goroutine_range_begin(c, typ)
        elif typ == EV_ASSIST_END or typ == EV_STW_END:
            return self._goroutine_range_end(c, typ)
        elif typ == EV_ASSIST_ACTIVE:
            return self._assist_active(c)
        elif typ == EV_SWEEP_BEGIN:
            return self._sweep_begin(c)
        elif typ == EV_SWEEP_END:
            return self._sweep_end(c)
        elif typ == EV_SWEEP_ACTIVE:
            return self._sweep_active(c)
        elif typ == EV_GC_ACTIVE or typ == EV_GC_BEGIN or typ == EV_GC_END:
            return self._gc(c, typ)
        elif typ == EV_PROCS_CHANGE:
            return self._procs_change(c)
        elif typ == EV_GO_LABEL:
            return self._go_label(c)
        elif typ == EV_LOG:
            return self._log(c)
        elif typ == EV_TASK_BEGIN:
            return self._task_begin(c)
        elif typ == EV_TASK_END:
            return self._task_end(c)
        elif typ == EV_REGION_BEGIN or typ == EV_REGION_END:
            return self._region(c, typ)
        elif EV_SPAN <= typ <= EV_LAST:
            return self._experiment(c, typ)
        if self._check(ON_USER, ANY) < 0:
            return E_CONTEXT
        self.error_id = typ
        return E_TYPE

    def _set_context(self, thread, m_row):
        """What the thread's next event happens on: ids for its rows, rows of state, and a bit for each that is there."""
        g: cython.longlong = NONE
        self.m_row = m_row
        self.p_row = NONE
        self.g_row = NONE
        self._on(thread, NONE, NONE)
        self.has = 0
        if m_row >= 0:
            self.has = ON_THREAD
            self.m[m_row + M_SEEN] = 1
            self.p_row = self.m[m_row + M_P]
            if self.p_row >= 0:
                self.on_p = self.p[self.p_row + P_ID]
                self.has |= ON_PROC
            g = self.m[m_row + M_G]
            if g != NONE:
                self.on_g = g
                self.g_row = self.m[m_row + M_GROW]
                if self.g_row < 0 or self.g[self.g_row + G_ID] != g or self.g[self.g_row + G_STATUS] <= 0:
                    self.g_row = self._find(KIND_G, g)
        self.has |= ON_GOROUTINE if g != NONE else ON_NO_GOROUTINE
        self.error_id = g

    # Guards: what must be so before an event happens.

    def _check(self, needs, status):
        """ADVANCED if the event has the context it needs, and its goroutine this status (or ANY); or the error."""
        if self.has & needs != needs:
            return E_CONTEXT
        if status != ANY:
            if self.g_row < 0:
                return E_NO_GOROUTINE
            if self.g[self.g_row + G_STATUS] != status:
                return E_GOROUTINE_STATE
        return ADVANCED

    def _ready_goroutine(self, key, status, sequence):
        """The row of a goroutine that has this status, and this sequence number next; or -1: not yet."""
        r: cython.longlong = self._find(KIND_G, key)
        if (
            r < 0
            or self.g[r + G_STATUS] != status
            or self.g[r + G_GEN] != self.generation
            or sequence != self.g[r + G_SEQ] + 1
        ):
            return NONE
        return r

    def _ready_proc(self, key, status, other_status, sequence):
        """The row of a processor that has one of two statuses, and this sequence number next; or -1: not yet."""
        r: cython.longlong = self._find(KIND_P, key)
        if (
            r < 0
            or (self.p[r + P_STATUS] != status and self.p[r + P_STATUS] != other_status)
            or self.p[r + P_GEN] != self.generation
            or sequence != self.p[r + P_SEQ] + 1
        ):
            return NONE
        return r

    def _set_goroutine(self, m_row, key, g_row):
        """The thread runs this goroutine; NONE, NONE for none."""
        self.m[m_row + M_G] = key
        self.m[m_row + M_GROW] = g_row

    # Goroutines.

    def _go_start(self, c):
        key: cython.longlong = self.cursor[c + C_A0]
        sequence: cython.longlong = self.cursor[c + C_A1]
        s: cython.longlong = self._ready_goroutine(key, RUNNABLE, sequence)
        ts: cython.longlong
        if s < 0:
            return NOT_YET
        if self._check(ON_IDLE_PROC, ANY) < 0:
            return E_CONTEXT
        self.g[s + G_SEQ] = sequence
        ts = self._stamp(self.cursor[c + C_TIME])
        self._emit(EV_GO_START, ts, key, sequence, 0, 0, 0)
        self._move(s, RUNNING, ts, NONE, 0, self.on_p, self.on_m, NONE, 0)
        self._set_goroutine(self.m_row, key, s)
        return ADVANCED

    def _go_unblock(self, c):
        key: cython.longlong = self.cursor[c + C_A0]
        sequence: cython.longlong = self.cursor[c + C_A1]
        s: cython.longlong = self._ready_goroutine(key, WAITING, sequence)
        stack: cython.longlong
        ts: cython.longlong
        if s < 0:
            return NOT_YET
        stack = self._stack(self.cursor[c + C_A2])
        if stack < 0:
            return E_STACK
        self.g[s + G_SEQ] = sequence
        ts = self._stamp(self.cursor[c + C_TIME])
        self._emit(EV_GO_UNBLOCK, ts, key, sequence, 0, 0, stack)
        self._move(s, RUNNABLE, ts, NONE, stack, NONE, NONE, self.on_g, stack)
        return ADVANCED

    def _go_block(self, c, typ):
        status: cython.longlong = self._check(ON_USER, RUNNING)
        text: cython.longlong
        stack: cython.longlong
        ts: cython.longlong
        if status < 0:
            return status
        text = self._string(self.cursor[c + C_A0])
        if text < 0:
            return E_STRING
        stack = self._stack(self.cursor[c + C_A1])
        if stack < 0:
            return E_STACK
        ts = self._stamp(self.cursor[c + C_TIME])
        self._emit(typ, ts, text, 0, 0, 0, stack)
        status = WAITING if typ == EV_GO_BLOCK else RUNNABLE
        self._move(self.g_row, status, ts, self._word(text), stack, NONE, NONE, NONE, 0)
        self._name(self.g_row, stack)
        self._set_goroutine(self.m_row, NONE, NONE)
        return ADVANCED

    def _go_destroy(self, c):
        status: cython.longlong = self._check(ON_USER, RUNNING)
        ts: cython.longlong
        if status < 0:
            return status
        if not self._has_room_for(self._open_things(self.g_row)):
            return FULL
        ts = self._stamp(self.cursor[c + C_TIME])
        self._emit(EV_GO_DESTROY, ts, 0, 0, 0, 0, 0)
        self._end_goroutine(self.g_row, ts, 1)
        self._free_goroutine(self.g_row)
        self._set_goroutine(self.m_row, NONE, NONE)
        return ADVANCED

    def _go_syscall_begin(self, c):
        status: cython.longlong = self._check(ON_USER, RUNNING)
        sequence: cython.longlong = self.cursor[c + C_A0]
        stack: cython.longlong
        ts: cython.longlong
        if status < 0:
            return status
        if self.p[self.p_row + P_GEN] != self.generation or sequence != self.p[self.p_row + P_SEQ] + 1:
            return E_PROC_SEQUENCE
        stack = self._stack(self.cursor[c + C_A1])
        if stack < 0:
            return E_STACK
        self.p[self.p_row + P_SEQ] = sequence
        self.p[self.p_row + P_STATUS] = P_SYSCALL
        ts = self._stamp(self.cursor[c + C_TIME])
        self._emit(EV_GO_SYSCALL_BEGIN, ts, sequence, 0, 0, 0, stack)
        self._move(self.g_row, SYSCALL, ts, NONE, stack, self.on_p, self.on_m, NONE, 0)
        self._name(self.g_row, stack)
        return ADVANCED

    def _go_syscall_end(self, c):
        status: cython.longlong = self._check(ON_USER, SYSCALL)
        ts: cython.longlong
        if status < 0:
            return status
        if self.p[self.p_row + P_STATUS] != P_SYSCALL:
            return E_PROC
        self.p[self.p_row + P_STATUS] = P_RUNNING
        ts = self._stamp(self.cursor[c + C_TIME])
        self._emit(EV_GO_SYSCALL_END, ts, 0, 0, 0, 0, 0)
        self._move(self.g_row, RUNNING, ts, NONE, 0, self.on_p, self.on_m, NONE, 0)
        return ADVANCED

    def _go_syscall_end_blocked(self, c):
        status: cython.longlong
        ts: cython.longlong
        # Its processor will be stopped or stolen first; wait for that.
        if self.p_row >= 0 and self.p[self.p_row + P_STATUS] == P_SYSCALL:
            return NOT_YET
        status = self._check(ON_THREAD | ON_GOROUTINE, SYSCALL)
        if status < 0:
            return status
        ts = self._stamp(self.cursor[c + C_TIME])
        self._emit(EV_GO_SYSCALL_END_BLOCKED, ts, 0, 0, 0, 0, 0)
        self._move(self.g_row, RUNNABLE, ts, NONE, 0, NONE, NONE, NONE, 0)
        self._set_goroutine(self.m_row, NONE, NONE)
        return ADVANCED

    def _go_create(self, c, typ):
        key: cython.longlong = self.cursor[c + C_A0]
        s: cython.longlong
        birth: cython.longlong
        stack: cython.longlong
        ts: cython.longlong
        if self._check(ON_THREAD | ON_PROC, ANY) < 0:
            return E_CONTEXT
        if self.g_row >= 0 and self.g[self.g_row + G_STATUS] != RUNNING:
            return E_GOROUTINE_STATE
        s = self._is_new(key)
        if s < 0:
            return s
        stack = self._stack(self.cursor[c + C_A2])
        birth = self._stack(self.cursor[c + C_A1])
        if stack < 0 or birth < 0:
            return E_STACK
        ts = self._stamp(self.cursor[c + C_TIME])
        self._emit(typ, ts, key, birth, 0, 0, stack)
        s = self._new_g(key, RUNNABLE if typ == EV_GO_CREATE else WAITING, stack)
        self.g[s + G_NAME] = birth
        self.g[s + G_CREATED] = ts
        self.g[s + G_PARENT] = self.on_g
        self.g[s + G_BIRTH] = stack
        return ADVANCED

    def _go_create_syscall(self, c):
        key: cython.longlong = self.cursor[c + C_A0]
        s: cython.longlong
        ts: cython.longlong
        if self._check(ON_THREAD | ON_NO_GOROUTINE, ANY) < 0:
            return E_CONTEXT
        s = self._is_new(key)
        if s < 0:
            return s
        ts = self._stamp(self.cursor[c + C_TIME])
        self._emit(EV_GO_CREATE_SYSCALL, ts, key, 0, 0, 0, 0)
        s = self._new_g(key, SYSCALL, 0)
        self.g[s + G_CREATED] = ts
        self.g[s + G_PROC] = self.on_p
        self.g[s + G_THREAD] = self.on_m
        self._set_goroutine(self.m_row, key, s)
        return ADVANCED

    def _is_new(self, key):
        """ADVANCED if a goroutine may be created by this id, or the error."""
        self.error_id = key
        if key < 0:
            return E_ID
        return E_GOROUTINE_EXISTS if self._find(KIND_G, key) >= 0 else ADVANCED

    def _go_destroy_syscall(self, c):
        status: cython.longlong = self._check(ON_THREAD | ON_GOROUTINE, SYSCALL)
        ts: cython.longlong
        if status < 0:
            return status
        if self.p_row >= 0 and self.p[self.p_row + P_STATUS] != P_SYSCALL:
            return E_PROC
        if not self._has_room_for(self._open_things(self.g_row)):
            return FULL
        if self.p_row >= 0:
            # The processor goes too: a later thread may have the same id.
            self.p[self.p_row + P_STATUS] = P_ABANDONED
            ts = self._stamp(self.cursor[c + C_TIME])
            self._emit(EV_PROC_STEAL, ts, self.on_p, 0, 0, P_SYSCALL, 0)
            self.m[self.m_row + M_P] = NONE
        ts = self._stamp(self.cursor[c + C_TIME])
        self._emit(EV_GO_DESTROY_SYSCALL, ts, 0, 0, 0, 0, 0)
        self._end_goroutine(self.g_row, ts, 1)
        self._free_goroutine(self.g_row)
        self._set_goroutine(self.m_row, NONE, NONE)
        return ADVANCED

    def _go_switch(self, c, typ):
        """Three events: the other is unblocked, this one stops, the other starts."""
        key: cython.longlong = self.cursor[c + C_A0]
        sequence: cython.longlong = self.cursor[c + C_A1]
        time: cython.longlong = self.cursor[c + C_TIME]
        status: cython.longlong = self._check(ON_USER, RUNNING)
        s: cython.longlong
        ts: cython.longlong
        if status < 0:
            return status
        s = self._ready_goroutine(key, WAITING, sequence)
        if s < 0:
            return NOT_YET
        if typ == EV_GO_SWITCH_DESTROY and not self._has_room_for(self._open_things(self.g_row)):
            return FULL
        self.g[s + G_SEQ] = sequence
        ts = self._stamp(time)
        self._emit(typ, ts, key, sequence, 0, 0, 0)
        self._move(s, RUNNABLE, ts, NONE, 0, NONE, NONE, self.on_g, 0)
        ts = self._stamp(time)
        if typ == EV_GO_SWITCH:
            self._emit(EV_GO_BLOCK, ts, 0, 0, 0, 0, 0)
            self._move(self.g_row, WAITING, ts, NONE, 0, NONE, NONE, NONE, 0)
        else:
            self._emit(EV_GO_DESTROY, ts, 0, 0, 0, 0, 0)
            self._end_goroutine(self.g_row, ts, 1)
            self._free_goroutine(self.g_row)
        ts = self._stamp(time)
        self.on_g = NONE
        self._emit(EV_GO_START, ts, key, sequence, 0, 0, 0)
        self._move(s, RUNNING, ts, NONE, 0, self.on_p, self.on_m, NONE, 0)
        self._set_goroutine(self.m_row, key, s)
        return ADVANCED

    def _go_status(self, c, typ):
        """What a goroutine was doing as the generation began; its thread may be another than the writer's."""
        key: cython.longlong = self.cursor[c + C_A0]
        thread: cython.longlong = self.cursor[c + C_A1]
        status: cython.longlong = self.cursor[c + C_A2] & STATUS_MASK
        s: cython.longlong = self._find(KIND_G, key)
        k: cython.longlong = NONE
        proc: cython.longlong = self.on_p
        stack: cython.longlong = 0
        is_new: cython.bint = s < 0
        if typ == EV_GO_STATUS_STACK:
            stack = self._stack(self.cursor[c + C_A3])
            if stack < 0:
                return E_STACK
        self.error_id = key
        if key < 0:
            return E_ID
        if status < RUNNABLE or status > WAITING:
            return E_STATUS
        if not is_new:
            if self.g[s + G_STATUS] != status:
                return E_STATUS
        elif not self.is_first:
            return E_GOROUTINE_LATE
        if status == SYSCALL:
            if thread == NONE:
                return E_THREAD
            if thread == self.on_m:
                if not self.is_first and self.on_g != key:
                    return E_THREAD
            else:
                k = self._syscall_elsewhere(key, thread)
                if k < 0:
                    return k
                proc = NONE
        self._emit(typ, self._stamp(self.cursor[c + C_TIME]), key, thread, status, 0 if is_new else status, stack)
        if is_new:
            s = self._new_g(key, status, stack)
            self.g[s + G_START] = 0
            self.g[s + G_COMPLETE] = 0
            if status == RUNNING or status == SYSCALL:
                self.g[s + G_PROC] = proc
                self.g[s + G_THREAD] = self.on_m
            if k >= 0:
                self.m[k + M_GROW] = s
        else:
            self.g[s + G_GEN] = self.generation
            self.g[s + G_SEQ] = 0
        self._name(s, stack)
        if self.m_row >= 0 and (status == RUNNING or (status == SYSCALL and k < 0)):
            self._set_goroutine(self.m_row, key, s)
        return ADVANCED

    def _syscall_elsewhere(self, key, thread):
        """The row of another thread, on which the goroutine has been in a system call for the whole generation,
        without a processor; or the error. The event counts as that thread's."""
        k: cython.longlong = self._find(KIND_M, thread)
        if k >= 0 and self.m[k + M_SEEN]:
            if self.m[k + M_G] != key:
                return E_THREAD
            self.on_g = key
        else:
            if k < 0:
                k = self._new_m(thread)
            self.m[k + M_SEEN] = 1
            self._set_goroutine(k, key, NONE)
        self.on_m = thread
        return k

    def _name(self, r, stack):
        """The first stack that is seen of a goroutine names it."""
        if self.g[r + G_NAME] == 0:
            self.g[r + G_NAME] = stack

    # Processors.

    def _proc_start(self, c):
        key: cython.longlong = self.cursor[c + C_A0]
        sequence: cython.longlong = self.cursor[c + C_A1]
        s: cython.longlong = self._ready_proc(key, P_IDLE, P_IDLE, sequence)
        ts: cython.longlong
        if s < 0 or self.p_row >= 0:
            return NOT_YET
        if self._check(ON_THREAD, ANY) < 0:
            return E_CONTEXT
        self.p[s + P_STATUS] = P_RUNNING
        self.p[s + P_SEQ] = sequence
        ts = self._stamp(self.cursor[c + C_TIME])
        self._emit(EV_PROC_START, ts, key, sequence, 0, 0, 0)
        self.m[self.m_row + M_P] = s
        return ADVANCED

    def _proc_stop(self, c):
        ts: cython.longlong
        if self._check(ON_THREAD | ON_PROC, ANY) < 0:
            return E_CONTEXT
        if self.p[self.p_row + P_STATUS] != P_RUNNING and self.p[self.p_row + P_STATUS] != P_SYSCALL:
            return E_PROC
        self.p[self.p_row + P_STATUS] = P_IDLE
        ts = self._stamp(self.cursor[c + C_TIME])
        self._emit(EV_PROC_STOP, ts, 0, 0, 0, 0, 0)
        self.m[self.m_row + M_P] = NONE
        return ADVANCED

    def _proc_steal(self, c):
        key: cython.longlong = self.cursor[c + C_A0]
        sequence: cython.longlong = self.cursor[c + C_A1]
        thread: cython.longlong = self.cursor[c + C_A2]
        s: cython.longlong = self._ready_proc(key, P_SYSCALL, P_ABANDONED, sequence)
        old: cython.longlong
        k: cython.longlong
        ts: cython.longlong
        if s < 0:
            return NOT_YET
        if self._check(ON_THREAD, ANY) < 0:
            return E_CONTEXT
        old = self.p[s + P_STATUS]
        if old == P_SYSCALL:
            self.error_id = thread
            k = self.m_row
            if thread != self.on_m:
                k = self._find(KIND_M, thread)
                if k < 0 or self.m[k + M_SEEN] == 0:
                    return E_THREAD
            if self.m[k + M_P] != s:
                return E_PROC
            self.m[k + M_P] = NONE
        self.p[s + P_STATUS] = P_IDLE
        self.p[s + P_SEQ] = sequence
        ts = self._stamp(self.cursor[c + C_TIME])
        self._emit(EV_PROC_STEAL, ts, key, sequence, thread, old, 0)
        return ADVANCED

    def _proc_status(self, c):
        """What a processor was doing as the generation began; states are told in the reader's words."""
        key: cython.longlong = self.cursor[c + C_A0]
        status: cython.longlong = self.cursor[c + C_A1] & STATUS_MASK
        s: cython.longlong = self._find(KIND_P, key)
        old: cython.longlong
        shown: cython.longlong = status
        holder: cython.longlong = NONE
        self.error_id = key
        if key < 0:
            return E_ID
        if status < P_RUNNING or status > P_ABANDONED:
            return E_STATUS
        old = SHOWN_RUNNING if status == P_RUNNING or status == P_SYSCALL else SHOWN_IDLE
        if s >= 0:
            if status == P_ABANDONED and self.p[s + P_STATUS] == P_SYSCALL:
                # Nothing is lost after all: we know which thread has it.
                old = SHOWN_RUNNING
                shown = P_SYSCALL
                holder = self._holder(s)
                if holder < 0:
                    return E_PROC
            elif status != self.p[s + P_STATUS]:
                return E_STATUS
            self.p[s + P_GEN] = self.generation
            self.p[s + P_SEQ] = 0
        else:
            s = self._new_p(key, status)
            old = SHOWN_UNDETERMINED if self.is_first else SHOWN_NOT_EXIST
        if holder >= 0:
            self._on(self.m[holder + M_ID], key, self.m[holder + M_G])
        self._emit(EV_PROC_STATUS, self._stamp(self.cursor[c + C_TIME]), key, shown, old, 0, 0)
        if self.m_row >= 0 and (status == P_RUNNING or status == P_SYSCALL):
            self.m[self.m_row + M_P] = s
        return ADVANCED

    def _holder(self, p_row):
        """The row of the last thread that has this processor, or -1."""
        k: cython.longlong = 0
        found: cython.longlong = NONE
        while k < self.m_used:
            if self.m[k + M_P] == p_row and self.m[k + M_SEEN]:
                found = k
            k += M_WIDTH
        return found

    # Metrics.

    def _heap_metric(self, c, typ):
        ts: cython.longlong
        if self._check(ON_THREAD | ON_PROC, ANY) < 0:
            return E_CONTEXT
        ts = self._stamp(self.cursor[c + C_TIME])
        self._emit(typ, ts, self.cursor[c + C_A0], 0, 0, 0, 0)
        self._side(SIDE_METRIC, typ, ts, self.cursor[c + C_A0], 0, 0, 0, 0, 0)
        return ADVANCED

    def _procs_change(self, c):
        stack: cython.longlong
        ts: cython.longlong
        if self._check(ON_USER, ANY) < 0:
            return E_CONTEXT
        stack = self._stack(self.cursor[c + C_A1])
        if stack < 0:
            return E_STACK
        ts = self._stamp(self.cursor[c + C_TIME])
        self._emit(EV_PROCS_CHANGE, ts, self.cursor[c + C_A0], 0, 0, 0, stack)
        self._side(SIDE_METRIC, EV_PROCS_CHANGE, ts, self.cursor[c + C_A0], 0, 0, 0, 0, 0)
        return ADVANCED

    # Ranges: of a goroutine (mark assists, stops of the world), of a processor (sweeping), of all (the collector).

    def _find_range(self, k, kind, name):
        """The first open range of kind in the list from k on, of that name or ANY_NAME; or -1."""
        while k >= 0:
            if self.node[k + N_KIND] == kind and (name == ANY_NAME or self.node[k + N_NAME] == name):
                return k
            k = self.node[k + N_NEXT]
        return NONE

    def _append_range(self, head, new):
        """The list's head after new was put at its end."""
        k: cython.longlong = head
        if head < 0:
            return new
        while self.node[k + N_NEXT] >= 0:
            k = self.node[k + N_NEXT]
        self.node[k + N_NEXT] = new
        return head

    def _take_range(self, head, k):
        """The list's head after k was taken out and the last put in its place."""
        last: cython.longlong = head
        before: cython.longlong = NONE
        i: cython.longlong
        while self.node[last + N_NEXT] >= 0:
            before = last
            last = self.node[last + N_NEXT]
        if last != k:
            for i in range(N_KIND, N_WIDTH):
                self.node[k + i] = self.node[last + i]
        if before >= 0:
            self.node[before + N_NEXT] = NONE
        else:
            head = NONE
        self._drop_node(last)
        return head

    def _goroutine_range_begin(self, c, typ):
        text: cython.longlong = 0
        stack: cython.longlong = self.cursor[c + C_A0]
        ts: cython.longlong
        if self._check(ON_USER, ANY) < 0:
            return E_CONTEXT
        if self.g_row < 0:
            return E_NO_GOROUTINE
        if typ == EV_STW_BEGIN:
            text = self._string(self.cursor[c + C_A0])
            if text < 0:
                return E_STRING
            stack = self.cursor[c + C_A1]
        stack = self._stack(stack)
        if stack < 0:
            return E_STACK
        if self._find_range(self.g[self.g_row + G_RANGES], typ, text) >= 0:
            return E_RANGE
        ts = self._stamp(self.cursor[c + C_TIME])
        self._emit(typ, ts, text, 0, 0, 0, stack)
        self.g[self.g_row + G_RANGES] = self._append_range(
            self.g[self.g_row + G_RANGES], self._new_node(typ, text, ts, stack)
        )
        return ADVANCED

    def _goroutine_range_end(self, c, typ):
        k: cython.longlong
        ts: cython.longlong
        if self._check(ON_USER, ANY) < 0:
            return E_CONTEXT
        if self.g_row < 0:
            return E_NO_GOROUTINE
        k = self._find_range(
            self.g[self.g_row + G_RANGES], EV_ASSIST_BEGIN if typ == EV_ASSIST_END else EV_STW_BEGIN, ANY_NAME
        )
        if k < 0:
            return E_NO_RANGE
        ts = self._stamp(self.cursor[c + C_TIME])
        self._emit(typ, ts, self.node[k + N_NAME], 0, 0, 0, 0)
        self._range_row(k, KIND_G, self.on_g, ts, self.node[k + N_COMPLETE])
        self.g[self.g_row + G_RANGES] = self._take_range(self.g[self.g_row + G_RANGES], k)
        return ADVANCED

    def _assist_active(self, c):
        key: cython.longlong = self.cursor[c + C_A0]
        s: cython.longlong = self._find(KIND_G, key)
        k: cython.longlong
        self.error_id = key
        if s < 0:
            return E_NO_GOROUTINE
        k = self._find_range(self.g[s + G_RANGES], EV_ASSIST_BEGIN, 0)
        if self.is_first == (k >= 0):
            return E_RANGE
        self._emit(EV_ASSIST_ACTIVE, self._stamp(self.cursor[c + C_TIME]), key, 0, 0, 0, 0)
        if k < 0:
            self.g[s + G_RANGES] = self._append_range(self.g[s + G_RANGES], self._range_from_before(EV_ASSIST_BEGIN))
        return ADVANCED

    def _sweep_begin(self, c):
        stack: cython.longlong
        ts: cython.longlong
        if self._check(ON_THREAD | ON_PROC, ANY) < 0:
            return E_CONTEXT
        stack = self._stack(self.cursor[c + C_A0])
        if stack < 0:
            return E_STACK
        if self._find_range(self.p[self.p_row + P_RANGES], EV_SWEEP_BEGIN, 0) >= 0:
            return E_RANGE
        ts = self._stamp(self.cursor[c + C_TIME])
        self._emit(EV_SWEEP_BEGIN, ts, 0, 0, 0, 0, stack)
        self.p[self.p_row + P_RANGES] = self._append_range(
            self.p[self.p_row + P_RANGES], self._new_node(EV_SWEEP_BEGIN, 0, ts, stack)
        )
        return ADVANCED

    def _sweep_end(self, c):
        k: cython.longlong
        ts: cython.longlong
        if self._check(ON_THREAD | ON_PROC, ANY) < 0:
            return E_CONTEXT
        k = self._find_range(self.p[self.p_row + P_RANGES], EV_SWEEP_BEGIN, ANY_NAME)
        if k < 0:
            return E_NO_RANGE
        ts = self._stamp(self.cursor[c + C_TIME])
        self._emit(EV_SWEEP_END, ts, self.cursor[c + C_A0], self.cursor[c + C_A1], 0, 0, 0)
        self._range_row(k, KIND_P, self.on_p, ts, self.node[k + N_COMPLETE])
        self.p[self.p_row + P_RANGES] = self._take_range(self.p[self.p_row + P_RANGES], k)
        return ADVANCED

    def _sweep_active(self, c):
        key: cython.longlong = self.cursor[c + C_A0]
        s: cython.longlong = self._find(KIND_P, key)
        k: cython.longlong
        self.error_id = key
        if s < 0:
            return E_PROC
        k = self._find_range(self.p[s + P_RANGES], EV_SWEEP_BEGIN, 0)
        if self.is_first == (k >= 0):
            return E_RANGE
        self._emit(EV_SWEEP_ACTIVE, self._stamp(self.cursor[c + C_TIME]), key, 0, 0, 0, 0)
        if k < 0:
            self.p[s + P_RANGES] = self._append_range(self.p[s + P_RANGES], self._range_from_before(EV_SWEEP_BEGIN))
        return ADVANCED

    def _range_from_before(self, kind):
        """A node of a range that began before the capture."""
        k: cython.longlong = self._new_node(kind, 0, 0, 0)
        self.node[k + N_COMPLETE] = 0
        return k

    def _gc(self, c, typ):
        cycle: cython.longlong = self.cursor[c + C_A0]
        stack: cython.longlong = 0
        ts: cython.longlong
        self.error_id = cycle
        if typ == EV_GC_BEGIN:
            stack = self._stack(self.cursor[c + C_A1])
            if stack < 0:
                return E_STACK
        if typ == EV_GC_ACTIVE and self.is_first:
            if self.gc_state != GC_UNKNOWN:
                return E_GC
            self.gc_start = 0
            self.gc_complete = 0
            self.gc_stack = 0
        elif typ != EV_GC_BEGIN or self.gc_state != GC_UNKNOWN:
            if cycle != self.gc_seq + 1:
                return NOT_YET
            if (typ == EV_GC_BEGIN) == (self.gc_state == GC_ON):
                return E_GC
            if self._check(ON_USER, ANY) < 0:
                return E_CONTEXT
        self.gc_seq = cycle
        ts = self._stamp(self.cursor[c + C_TIME])
        self._emit(typ, ts, cycle, 0, 0, 0, stack)
        if typ == EV_GC_END:
            self.gc_state = GC_OFF
            self._gc_row(ts, self.gc_complete)
            return ADVANCED
        self.gc_state = GC_ON
        if typ == EV_GC_BEGIN:
            self.gc_start = ts
            self.gc_stack = stack
            self.gc_complete = 1
        return ADVANCED

    # Heap objects, and other experiments.

    def _experiment(self, c, typ):
        a0: cython.longlong = self.cursor[c + C_A0]
        a1: cython.longlong = self.cursor[c + C_A1]
        a2: cython.longlong = self.cursor[c + C_A2]
        ts: cython.longlong
        if self._check(ON_THREAD, ANY) < 0:
            return E_CONTEXT
        ts = self._stamp(self.cursor[c + C_TIME])
        self._emit(typ, ts, a0, a1, a2, 0, 0)
        if a0 < 0:
            return ADVANCED
        if typ == EV_SPAN or typ == EV_SPAN_ALLOC:
            self._span(a0, a1, a2)
        elif typ == EV_SPAN_FREE:
            self._forget_pages(a0)
        elif typ == EV_HEAP_OBJECT or typ == EV_HEAP_OBJECT_ALLOC or typ == EV_HEAP_OBJECT_FREE:
            self._heap_object(typ, ts, a0, a1)
        return ADVANCED

    def _span(self, page, pages, kind):
        """A span's pages get the size of the objects on them. kind: see SPAN_…"""
        k: cython.longlong
        size: cython.longlong
        self._forget_pages(page)
        if (
            kind & SPAN_NO_OBJECTS
            or kind < 0
            or (kind >> SPAN_CLASS_AT) >= self.class_size.shape[0]
            or pages <= 0
            or pages >> 32
            or page >> 48
        ):
            return
        size = self.class_size[kind >> SPAN_CLASS_AT]
        if size == 0:  # one large object
            size = pages * self.page_objects * SLOT_BYTES
            pages = 1
        if pages > MAX_PAGES:
            return
        for k in range(pages):
            if self._find(KIND_PAGE, page + k) >= 0:
                self._forget(KIND_PAGE, page + k)
            self._insert(KIND_PAGE, page + k, size << PAGE_SIZE_AT | (pages - 1) << PAGE_COUNT_AT | k)

    def _forget_pages(self, page):
        """Of the span that begins at this page."""
        v: cython.longlong = self._find(KIND_PAGE, page)
        k: cython.longlong
        if v >= 0 and v & PAGE_MASK == 0:
            for k in range((v >> PAGE_COUNT_AT & PAGE_MASK) + 1):
                if self._find(KIND_PAGE, page + k) == v + k:
                    self._forget(KIND_PAGE, page + k)

    def _heap_object(self, typ, ts, slot, kind):
        """An object is there, comes or goes."""
        k: cython.longlong
        first: cython.longlong
        size: cython.longlong = NONE
        page: cython.longlong = self._find(KIND_PAGE, slot // self.page_objects)
        if page >= 0:
            # The slot that this one lies in: small pointer-free values share one, and are told of by
            # their own addresses (Go 1.24 on), but freed as one.
            size = page >> PAGE_SIZE_AT
            first = (slot // self.page_objects - (page & PAGE_MASK)) * self.page_objects
            slot = first + (slot - first) * SLOT_BYTES // size * size // SLOT_BYTES
        k = self._find(KIND_OBJECT, slot)
        if typ == EV_HEAP_OBJECT:
            if k < 0:
                self._new_object(slot, NONE, kind, size)
            return
        if typ == EV_HEAP_OBJECT_ALLOC and k >= 0 and kind == 0 and size == TINY_BYTES and self.node[k + N_NAME] == 0:
            return
        if k >= 0:
            self._object_row(k, ts if typ == EV_HEAP_OBJECT_FREE else NONE)
            self._forget(KIND_OBJECT, slot)
            self._drop_node(k)
        if typ == EV_HEAP_OBJECT_ALLOC:
            self._new_object(slot, ts, kind, size)

    def _new_object(self, slot, ts, kind, size):
        name: cython.longlong = 0
        k: cython.longlong
        if 0 <= kind < self.type_map.shape[0] and self.type_map[kind] > 0:
            name = self.type_map[kind]
        k = self._new_node(slot, name, ts, size)
        self.node[k + N_NEXT] = NODE_OBJECT
        self._insert(KIND_OBJECT, slot, k)

    # What programs say of themselves.

    def _go_label(self, c):
        name: cython.longlong
        if self._check(ON_USER, ANY) < 0:
            return E_CONTEXT
        name = self._string(self.cursor[c + C_A0])
        if name < 0:
            return E_STRING
        self._emit(EV_GO_LABEL, self._stamp(self.cursor[c + C_TIME]), name, 0, 0, 0, 0)
        return ADVANCED

    def _log(self, c):
        task: cython.longlong = self.cursor[c + C_A0]
        category: cython.longlong
        message: cython.longlong
        stack: cython.longlong
        ts: cython.longlong
        if self._check(ON_USER, ANY) < 0:
            return E_CONTEXT
        category = self._string(self.cursor[c + C_A1])
        message = self._string(self.cursor[c + C_A2])
        if category < 0 or message < 0:
            return E_STRING
        stack = self._stack(self.cursor[c + C_A3])
        if stack < 0:
            return E_STACK
        ts = self._stamp(self.cursor[c + C_TIME])
        self._emit(EV_LOG, ts, task, category, message, 0, stack)
        self._side(SIDE_LOG, ts, self.on_g, task, category, message, stack, 0, 0)
        return ADVANCED

    def _task_begin(self, c):
        task: cython.longlong = self.cursor[c + C_A0]
        parent: cython.longlong = self.cursor[c + C_A1]
        name: cython.longlong
        stack: cython.longlong
        ts: cython.longlong
        if self._check(ON_USER, ANY) < 0:
            return E_CONTEXT
        self.error_id = task
        if self._find(KIND_TASK, task) >= 0:
            return E_TASK
        if parent == 0:
            parent = NONE
        name = self._string(self.cursor[c + C_A2])
        if name < 0:
            return E_STRING
        stack = self._stack(self.cursor[c + C_A3])
        if stack < 0:
            return E_STACK
        ts = self._stamp(self.cursor[c + C_TIME])
        self._emit(EV_TASK_BEGIN, ts, task, parent, name, 0, stack)
        self._open_task(task, parent, name, ts, stack)
        return ADVANCED

    def _open_task(self, task, parent, name, ts, stack):
        k: cython.longlong = self._new_node(task, name, ts, stack)
        self.node[k + N_NEXT] = NODE_TASK
        self.node[k + N_G] = self.on_g
        self.node[k + N_PARENT] = parent
        self._insert(KIND_TASK, task, k)

    def _task_end(self, c):
        task: cython.longlong = self.cursor[c + C_A0]
        k: cython.longlong = self._find(KIND_TASK, task)
        stack: cython.longlong
        ts: cython.longlong
        if self._check(ON_USER, ANY) < 0:
            return E_CONTEXT
        stack = self._stack(self.cursor[c + C_A1])
        if stack < 0:
            return E_STACK
        ts = self._stamp(self.cursor[c + C_TIME])
        if k < 0:
            self._emit(EV_TASK_END, ts, task, NONE, 0, 0, stack)
            self._end_unknown_task(task, ts, stack)
        else:
            self._emit(EV_TASK_END, ts, task, self.node[k + N_PARENT], self.node[k + N_NAME], 0, stack)
            self._close_task(k, ts)
        return ADVANCED

    def _close_task(self, k, ts):
        self._task_row(k, ts, TASK_WHOLE)
        self._forget(KIND_TASK, self.node[k + N_KIND])
        self._drop_node(k)

    def _end_unknown_task(self, task, ts, stack):
        self._side(SIDE_TASK, task, 0, NONE, 0, ts, self.on_g, stack, TASK_END_ONLY)

    def _region(self, c, typ):
        task: cython.longlong = self.cursor[c + C_A0]
        name: cython.longlong
        stack: cython.longlong
        ts: cython.longlong
        if self._check(ON_USER, ANY) < 0:
            return E_CONTEXT
        name = self._string(self.cursor[c + C_A1])
        if name < 0:
            return E_STRING
        stack = self._stack(self.cursor[c + C_A2])
        if stack < 0:
            return E_STACK
        if self.g_row < 0:
            return E_NO_GOROUTINE
        ts = self._stamp(self.cursor[c + C_TIME])
        self._emit(typ, ts, task, name, 0, 0, stack)
        if typ == EV_REGION_BEGIN:
            self._open_region(self.g_row, task, name, ts, stack)
        else:
            if self._close_region(self.g_row, task, name, ts, stack) and self.misused_at < 0:
                self.misused_at = self.cursor[c + C_EVENT]
        return ADVANCED

    def _open_region(self, g_row, task, name, ts, stack):
        k: cython.longlong = self._new_node(task, name, ts, stack)
        self.node[k + N_NEXT] = self.g[g_row + G_REGIONS]
        self.g[g_row + G_REGIONS] = k
        self.g[g_row + G_DEPTH] += 1

    def _close_region(self, g_row, task, name, ts, stack):
        """The region ends; whether that is misuse, at which Go's reader stops.

        One that is not open began before the capture, outside of all that we know. That cannot be where others are
        open or the goroutine began in the capture: then the region ended twice or on another goroutine, and has no row.
        One that is not the innermost ends where it is.
        """
        k: cython.longlong = self.g[g_row + G_REGIONS]
        before: cython.longlong = NONE
        above: cython.longlong = 0
        if k < 0 and self.g[g_row + G_CREATED] < 0:
            self.g[g_row + G_OUTER] -= 1
            self._side(SIDE_REGION, self.on_g, task, name, 0, ts, self.g[g_row + G_OUTER], stack, 0)
            return False
        while k >= 0 and above < REGIONS_SEARCHED and not (self.node[k + N_KIND] == task and self.node[k + N_NAME] == name):
            before = k
            above += 1
            k = self.node[k + N_NEXT]
        if k < 0 or above == REGIONS_SEARCHED:
            self.misused += 1
            return True
        self.g[g_row + G_DEPTH] -= 1
        self._region_row(k, self.on_g, self.g[g_row + G_DEPTH] - above, ts, 1)
        if before < 0:
            self.g[g_row + G_REGIONS] = self.node[k + N_NEXT]
        else:
            self.node[before + N_NEXT] = self.node[k + N_NEXT]
        self._drop_node(k)
        self.misused += above > 0
        return above > 0

    # ---- events whose order is settled ---------------------------------------
    #
    # Version 1 traces and Go's own text: whoever wrote the rows has checked them, so
    # what is missing counts as begun before the capture.

    def _follow(self, rows, r):
        """One event; strings and stacks are indexes of the capture."""
        typ: cython.longlong = rows[r + R_KIND]
        time: cython.longlong = rows[r + R_TIME]
        a0: cython.longlong = rows[r + R_A0]
        a1: cython.longlong = rows[r + R_A1]
        a2: cython.longlong = rows[r + R_A2]
        stack: cython.longlong = rows[r + R_STACK]
        state: cython.longlong
        ts: cython.longlong
        self._on(rows[r + R_THREAD], rows[r + R_PROC], rows[r + R_G])
        if typ == EV_GO_DESTROY or typ == EV_GO_DESTROY_SYSCALL:
            return self._follow_destroy(typ, time, stack)
        elif typ == EV_TASK_BEGIN:
            return self._follow_task_begin(time, a0, a1, a2, stack)
        elif typ == EV_TASK_END:
            return self._follow_task_end(time, a0, a1, a2, stack)
        ts = self._stamp(time)
        self._emit(typ, ts, a0, a1, a2, rows[r + R_A3], stack)
        if typ == EV_GO_START:
            self._go_over(a0, RUNNING, ts, NONE, stack)
        elif typ == EV_GO_UNBLOCK:
            self._follow_unblock(a0, ts, stack)
        elif typ == EV_GO_STOP or typ == EV_GO_BLOCK:
            state = RUNNABLE if typ == EV_GO_STOP else WAITING
            self._name(self._go_over(self.on_g, state, ts, self._word(a0), stack), stack)
        elif typ == EV_GO_SYSCALL_BEGIN:
            self._name(self._go_over(self.on_g, SYSCALL, ts, NONE, stack), stack)
        elif typ == EV_GO_SYSCALL_END:
            self._go_over(self.on_g, RUNNING, ts, NONE, stack)
        elif typ == EV_GO_SYSCALL_END_BLOCKED:
            self._go_over(self.on_g, RUNNABLE, ts, NONE, stack)
        elif typ == EV_GO_CREATE or typ == EV_GO_CREATE_BLOCKED or typ == EV_GO_CREATE_SYSCALL:
            self._follow_create(typ, a0, a1, ts, stack)
        elif typ == EV_GO_STATUS:
            self._follow_status(a0, a2, stack)
        elif typ == EV_PROCS_CHANGE or typ == EV_HEAP_ALLOC or typ == EV_HEAP_GOAL:
            self._side(SIDE_METRIC, typ, ts, a0, 0, 0, 0, 0, 0)
        elif typ == EV_CPU_SAMPLE:
            self._side(SIDE_SAMPLE, ts, self.on_m, self.on_p, self.on_g, stack, 0, 0, 0)
        elif typ == EV_LOG:
            self._side(SIDE_LOG, ts, self.on_g, a0, a1, a2, stack, 0, 0)
        elif typ == EV_REGION_BEGIN or typ == EV_REGION_END:
            return self._follow_region(typ, a0, a1, ts, stack)
        elif typ == EV_GC_ACTIVE or typ == EV_GC_BEGIN or typ == EV_GC_END:
            self._follow_gc(typ, ts, stack)
        elif typ == EV_STW_BEGIN or typ == EV_STW_END:
            self._follow_stw(typ, a0, ts, stack)
        elif typ == EV_SWEEP_ACTIVE or typ == EV_SWEEP_BEGIN or typ == EV_SWEEP_END:
            self._follow_sweep(typ, ts, stack)
        elif typ == EV_ASSIST_ACTIVE or typ == EV_ASSIST_BEGIN or typ == EV_ASSIST_END:
            self._follow_assist(typ, ts, stack)
        return ADVANCED  # other types say nothing that has a row

    def _known(self, key, state, ts):
        """The row of a goroutine; one that nothing told of is in state from now on, incompletely."""
        gs: cython.longlong = self._find(KIND_G, key)
        if gs < 0:
            gs = self._new_g(key, state, 0)
            self.g[gs + G_START] = ts
            self.g[gs + G_COMPLETE] = 0
        return gs

    def _go_over(self, key, state, ts, reason, stack):
        """A goroutine goes over into state; its row."""
        gs: cython.longlong = self._find(KIND_G, key)
        is_executing: cython.bint = state == RUNNING or state == SYSCALL
        proc: cython.longlong = self.on_p if is_executing else NONE
        thread: cython.longlong = self.on_m if is_executing else NONE
        if gs < 0:
            gs = self._known(key, state, ts)
            self.g[gs + G_REASON] = reason
            self.g[gs + G_STACK] = stack
            self.g[gs + G_PROC] = proc
            self.g[gs + G_THREAD] = thread
        else:
            self._move(gs, state, ts, reason, stack, proc, thread, NONE, 0)
        return gs

    def _follow_unblock(self, key, ts, stack):
        gs: cython.longlong = self._find(KIND_G, key)
        if gs < 0:
            self._go_over(key, RUNNABLE, ts, NONE, stack)
        else:
            self._move(gs, RUNNABLE, ts, NONE, stack, NONE, NONE, self.on_g, stack)

    def _follow_create(self, typ, key, birth, ts, stack):
        """birth: the stack that the goroutine begins with."""
        gs: cython.longlong = self._find(KIND_G, key)
        if gs >= 0:
            self._free_goroutine(gs)
        if typ == EV_GO_CREATE_SYSCALL:
            gs = self._new_g(key, SYSCALL, 0)
            self.g[gs + G_PROC] = self.on_p
            self.g[gs + G_THREAD] = self.on_m
        else:
            gs = self._new_g(key, WAITING if typ == EV_GO_CREATE_BLOCKED else RUNNABLE, stack)
            self.g[gs + G_NAME] = birth
            self.g[gs + G_PARENT] = self.on_g
            self.g[gs + G_BIRTH] = stack
        self.g[gs + G_CREATED] = ts

    def _follow_status(self, key, status, stack):
        gs: cython.longlong = self._find(KIND_G, key)
        if gs < 0:
            gs = self._new_g(key, status, stack)
            self.g[gs + G_START] = 0
            self.g[gs + G_COMPLETE] = 0
            if status == RUNNING or status == SYSCALL:
                self.g[gs + G_PROC] = self.on_p
                self.g[gs + G_THREAD] = self.on_m
        self._name(gs, stack)

    def _follow_destroy(self, typ, time, stack):
        gs: cython.longlong = self._find(KIND_G, self.on_g)
        ts: cython.longlong
        if gs >= 0 and not self._has_room_for(self._open_things(gs)):
            return FULL
        ts = self._stamp(time)
        self._emit(typ, ts, 0, 0, 0, 0, stack)
        if gs >= 0:
            self._end_goroutine(gs, ts, 1)
            self._free_goroutine(gs)
        return ADVANCED

    def _follow_task_begin(self, time, task, parent, name, stack):
        ts: cython.longlong
        if self._find(KIND_TASK, task) >= 0:
            self.error_id = task
            return E_TASK
        ts = self._stamp(time)
        self._emit(EV_TASK_BEGIN, ts, task, parent, name, 0, stack)
        self._open_task(task, parent, name, ts, stack)
        return ADVANCED

    def _follow_task_end(self, time, task, parent, name, stack):
        """parent, name: what the event itself says, where the task has none or is not known."""
        k: cython.longlong = self._find(KIND_TASK, task)
        ts: cython.longlong = self._stamp(time)
        if k < 0:
            self._emit(EV_TASK_END, ts, task, NONE, name, 0, stack)
            self._end_unknown_task(task, ts, stack)
        else:
            if self.node[k + N_PARENT] != NONE:
                parent = self.node[k + N_PARENT]
            self._emit(EV_TASK_END, ts, task, parent, self.node[k + N_NAME], 0, stack)
            self._close_task(k, ts)
        return ADVANCED

    def _follow_region(self, typ, task, name, ts, stack):
        gs: cython.longlong = self._known(self.on_g, RUNNING, ts)
        if typ == EV_REGION_BEGIN:
            self._open_region(gs, task, name, ts, stack)
        else:
            self._close_region(gs, task, name, ts, stack)
        return ADVANCED

    def _follow_gc(self, typ, ts, stack):
        if typ == EV_GC_END:
            if self.gc_state != GC_ON:
                self.gc_start = 0
                self.gc_stack = 0
                self.gc_complete = 0
            self.gc_state = GC_OFF
            self._gc_row(ts, self.gc_complete)
        elif typ == EV_GC_BEGIN or self.gc_state != GC_ON:
            self.gc_start = ts if typ == EV_GC_BEGIN else 0
            self.gc_stack = stack
            self.gc_complete = typ == EV_GC_BEGIN
            self.gc_state = GC_ON

    def _follow_stw(self, typ, name, ts, stack):
        if typ == EV_STW_BEGIN:
            self.stw_at = ts
            self.stw_stack = stack
            self.stw_name = name
            return
        if self.stw_at >= 0:
            self._side(SIDE_RANGE, EV_STW_BEGIN, self.stw_name, KIND_G, self.on_g, self.stw_at, ts - self.stw_at, self.stw_stack, 1)
        else:
            self._side(SIDE_RANGE, EV_STW_BEGIN, 0, KIND_G, self.on_g, 0, ts, 0, 0)
        self.stw_at = NONE

    def _follow_sweep(self, typ, ts, stack):
        row: cython.longlong = self._find(KIND_P, self.on_p)
        if row < 0:
            row = self._new_p(self.on_p, 0)
        self.p[row + P_RANGES] = self._range_step(
            self.p[row + P_RANGES], typ - EV_SWEEP_ACTIVE, EV_SWEEP_BEGIN, KIND_P, self.on_p, ts, stack
        )

    def _follow_assist(self, typ, ts, stack):
        row: cython.longlong = self._known(self.on_g, RUNNING, ts)
        self.g[row + G_RANGES] = self._range_step(
            self.g[row + G_RANGES], typ - EV_ASSIST_ACTIVE, EV_ASSIST_BEGIN, KIND_G, self.on_g, ts, stack
        )

    def _range_step(self, head, step, kind, scope, scope_id, ts, stack):
        """The list of open ranges after one is active, begins or ends: types that follow each other in this order."""
        k: cython.longlong = self._find_range(head, kind, 0)
        if step == STEP_END:
            if k < 0:
                self._side(SIDE_RANGE, kind, 0, scope, scope_id, 0, ts, 0, 0)
                return head
            self._range_row(k, scope, scope_id, ts, self.node[k + N_COMPLETE])
            return self._take_range(head, k)
        if k < 0:
            k = self._new_node(kind, 0, ts if step == STEP_BEGIN else 0, stack)
            self.node[k + N_COMPLETE] = step == STEP_BEGIN
            return self._append_range(head, k)
        return head
