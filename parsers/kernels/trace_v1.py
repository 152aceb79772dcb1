# cython: language_level=3, boundscheck=False, wraparound=False, initializedcheck=False, cdivision=True, nonecheck=False
"""Version 1 traces: bytes → events in order → rows as ``Machine.follow`` takes them.

Four passes over arrays with an entry an event: ``decode``, ``merge`` (the order that
goroutines' sequence numbers and times allow), ``mark`` (what only later events tell),
``convert`` (checks, and version 2's events). Each stops with a status where an array
is full or Python is to decode an event, and goes on where it stopped.

How each index is bounded, whatever the bytes say:

- ``buf``: every read is preceded by ``at < end``, the buffer's length.
- ``count_of``, ``has_stack`` have 64 entries and are indexed by six bits.
- event arrays: ``decode`` and ``add`` write only below ``cap``, their length.
- goroutines are dense indexes that ``_goroutine`` gives, below ``g_cap``, the length
  of the arrays of goroutines less one, whose last entry is the collector's own.
- processors are ranks below ``n_procs``, or one of the V1_SPECIAL_P entries behind.
- the hash is a power of two long, indexed under its mask, and at most half full.
- ``index``, ``merged`` hold row numbers of events; ``head``, ``stop``, ``waiting``,
  ``heap`` have an entry a stream, and a stream is in one of the latter two at most.
- output rows: an event makes two at most, and ``cap`` leaves room for them.
"""

import cython

if not cython.compiled:
    from tracemill.parsers.kernels.layout import declared

    globals().update(declared("trace_v1"))


def _next_sequence(x):
    """x + 1 as unsigned 64 bits would have it."""
    if cython.compiled:
        return cython.cast(cython.longlong, cython.cast(cython.ulonglong, x) + 1)
    else:
        return x + 1 if x != (1 << 63) - 1 else -(1 << 63)


def _blocks(kind):
    """Whether the goroutine waits from this event on."""
    return (V1_GO_SLEEP <= kind <= V1_GO_BLOCK) or (V1_BLOCK_SEND <= kind <= V1_BLOCK_NET) or kind == V1_BLOCK_GC


class Trace:
    """The events of a trace, and the state of the pass that is on."""

    def reset(self, end: cython.longlong, at: cython.longlong) -> None:
        """Before the first byte; the arrays are bound by their names."""
        self.end = end
        self.at = at
        self.event_at = at
        self.proc = 0
        self.time = 0
        self.g = 0
        self.has_batch = False
        self.n = 0
        self.g_n = 0
        self.waiting_n = 0
        self.heap_n = 0
        self.created_n = 0
        self.created_i = 0
        self.had_procs = False
        self.done = 0
        self.rows_n = 0
        self.is_gc = False
        self.is_stopped = False
        self.stw = 0
        self.error_id = 0
        self.error_ts = -1

    # ---- goroutines --------------------------------------------------------

    def goroutine(self, key: cython.longlong) -> cython.longlong:
        """The index of a goroutine's id; -1 when the arrays must grow first."""
        return self._goroutine(key)

    def rehash(self) -> None:
        """Fill the (new, empty) hash."""
        i: cython.longlong
        for i in range(self.g_n):
            self._enter(self.g_id[i], i)

    def _enter(self, key, row):
        mask: cython.longlong = (self.table.shape[0] >> 1) - 1
        i: cython.longlong = hashed(key, self.table_shift)
        while self.table[2 * i + 1] != 0:
            i = (i + 1) & mask
        self.table[2 * i] = key
        self.table[2 * i + 1] = row + 1

    def _goroutine(self, key):
        mask: cython.longlong = (self.table.shape[0] >> 1) - 1
        i: cython.longlong = hashed(key, self.table_shift)
        while self.table[2 * i + 1] != 0:
            if self.table[2 * i] == key:
                return self.table[2 * i + 1] - 1
            i = (i + 1) & mask
        if self.g_n >= self.g_cap or 4 * (self.g_n + 1) > self.table.shape[0]:
            return -1
        self.table[2 * i] = key
        self.table[2 * i + 1] = self.g_n + 1
        self.g_id[self.g_n] = key
        self.g_n += 1
        return self.g_n - 1

    # ---- decoding ----------------------------------------------------------

    def decode(self) -> cython.longlong:
        """DONE, GROW, V1_SPECIAL (the event at ``event_at`` is Python's), or an error."""
        status: cython.longlong = ADVANCED
        with cython.nogil:
            while status == ADVANCED:
                status = self._decode()
        return status

    def add(self, ts: cython.longlong, kind: cython.longlong, proc: cython.longlong, g: cython.longlong,
            a0: cython.longlong, a1: cython.longlong, a2: cython.longlong, stack: cython.uint) -> cython.longlong:
        """One event that Python decoded."""
        return self._add(ts, kind, proc, g, a0, a1, a2, stack)

    def _add(self, ts, kind, proc, g, a0, a1, a2, stack):
        n: cython.longlong = self.n
        if n >= self.cap:
            return V1_E_EVENTS
        self.ts[n] = ts
        self.kind[n] = cython.cast(cython.uchar, kind)
        self.proc_of[n] = cython.cast(cython.int, proc)
        self.g_of[n] = cython.cast(cython.int, g)
        self.a0[n] = a0
        self.a1[n] = a1
        self.a2[n] = a2
        self.stack[n] = stack
        self.n = n + 1
        return ADVANCED

    def _varint(self):
        """The integer at ``at``, which goes on behind it; ``at`` is CUT or TOO_LONG for none."""
        at: cython.longlong = self.at
        self.at = varint_end(self.buf, at, self.end, FITS)
        return varint_value(self.buf, at, self.at)

    def _decode(self):
        at: cython.longlong = self.at
        kind: cython.longlong
        count: cython.longlong
        i: cython.longlong = 0
        stop: cython.longlong = -1
        x: cython.ulonglong
        delta: cython.ulonglong = 0
        a0: cython.longlong = 0
        a1: cython.longlong = 0
        a2: cython.longlong = 0
        v: cython.longlong = 0
        g: cython.longlong
        stack: cython.uint = 0
        stack_bits: cython.longlong = 0xFFFFFFFF
        if at >= self.end:
            return DONE
        self.event_at = at
        kind = self.buf[at] & V1_TYPE_MASK
        if (kind <= V1_STACK or kind == V1_STRING or kind == V1_TIMER_GOROUTINE or kind == V1_USER_LOG
                or kind == V1_CPU_SAMPLE or self.count_of[kind] < 0):
            return V1_SPECIAL
        count = (self.buf[at] >> V1_COUNT_AT) + 1
        self.at = at + 1
        if count == V1_LONG:  # their length in bytes comes first
            x = self._varint()
            if self.at < 0:
                return self._varint_error(at)
            if x > V1_MAX_ARGS or self.at + cython.cast(cython.longlong, x) > self.end:
                self.at = at
                return V1_E_LENGTH
            stop = self.at + cython.cast(cython.longlong, x)
            count = 0
        while (self.at < stop) if stop >= 0 else (i < count):
            x = self._varint()
            if self.at < 0:
                return self._varint_error(at)
            v = as_signed(x)
            if i == 0:
                delta = x
            elif i == 1:
                a0 = v
            elif i == 2:
                a1 = v
            elif i == 3:
                a2 = v
            i += 1
        if stop >= 0 and self.at != stop:
            self.at = at
            return V1_E_LENGTH
        if not self.has_batch:
            return V1_E_NO_BATCH
        if i != self.count_of[kind]:
            self.error_id = i
            return V1_E_COUNT
        if delta >> TIME_BITS or (self.time + cython.cast(cython.longlong, delta)) >> TIME_BITS:
            return V1_E_TIME
        if self.has_stack[kind]:
            stack = cython.cast(cython.uint, v & stack_bits)
            if i == 2:
                a0 = 0
            elif i == 3:
                a1 = 0
            elif i == 4:
                a2 = 0
        g = self.g
        if (kind == V1_GO_CREATE or kind == V1_GO_START or kind == V1_GO_START_LOCAL or kind == V1_GO_START_LABEL
                or kind == V1_GO_UNBLOCK or kind == V1_GO_UNBLOCK_LOCAL or kind == V1_GO_SYS_EXIT
                or kind == V1_GO_SYS_EXIT_LOCAL or kind == V1_GO_WAITING or kind == V1_GO_IN_SYSCALL):
            a0 = self._goroutine(a0)
            if a0 < 0:
                self.at = at
                return GROW
            if kind == V1_GO_START or kind == V1_GO_START_LOCAL or kind == V1_GO_START_LABEL:
                g = a0
                self.g = a0
            elif kind == V1_GO_SYS_EXIT or kind == V1_GO_WAITING or kind == V1_GO_IN_SYSCALL:
                g = a0
        elif V1_GO_END <= kind <= V1_GO_PREEMPT or _blocks(kind) or kind == V1_GO_SYS_BLOCK:
            self.g = 0
        self.time += cython.cast(cython.longlong, delta)
        return self._add(self.time, kind, self.proc, g, a0, a1, a2, stack)

    def _varint_error(self, at):
        status: cython.longlong = V1_E_CUT if self.at == CUT else V1_E_VARINT
        self.at = at
        return status

    # ---- order -------------------------------------------------------------

    def merge(self) -> cython.longlong:
        """Interleave the streams: always the earliest event of those whose cause has happened."""
        status: cython.longlong
        with cython.nogil:
            status = self._merge()
        return status

    def _merge(self):
        i: cython.longlong
        kept: cython.longlong
        s: cython.longlong
        r: cython.longlong
        attempts: cython.longlong = 0
        while True:
            kept = 0
            for i in range(self.waiting_n):
                s = self.waiting[i]
                if self._is_ready(self.index[self.head[s]]):
                    self._push(s)
                else:
                    self.waiting[kept] = s
                    kept += 1
            attempts += self.waiting_n
            self.waiting_n = kept
            if attempts > self.attempts_max:
                return V1_E_PATIENCE
            if self.heap_n == 0:
                return V1_E_STUCK if kept else DONE
            s = self._pop()
            r = self.index[self.head[s]]
            if not self._is_ready(r):
                self.error_id = self.g_id[self._subject(r)]
                return V1_E_TWICE
            self._happen(r)
            self.merged[self.done] = cython.cast(cython.int, r)
            self.done += 1
            self.head[s] += 1
            if self.head[s] < self.stop[s]:
                self.waiting[self.waiting_n] = s
                self.waiting_n += 1

    def _subject(self, r):
        """The goroutine whose state an event needs; the collector's entry for a cycle, -1 for none."""
        kind: cython.longlong = self.kind[r]
        if (kind == V1_GO_CREATE or kind == V1_GO_UNBLOCK or kind == V1_GO_SYS_EXIT
                or kind == V1_GO_UNBLOCK_LOCAL or kind == V1_GO_SYS_EXIT_LOCAL):
            return self.a0[r]
        if (kind == V1_GO_WAITING or kind == V1_GO_IN_SYSCALL or kind == V1_GO_START or kind == V1_GO_START_LABEL
                or kind == V1_GO_START_LOCAL or kind == V1_GO_SYS_BLOCK or kind == V1_GO_SCHED or kind == V1_GO_PREEMPT
                or _blocks(kind)):
            return self.g_of[r]
        if kind == V1_GC_START:
            return self.g_cap
        return -1

    def _is_ready(self, r):
        kind: cython.longlong = self.kind[r]
        g: cython.longlong = self._subject(r)
        if g < 0:
            return True
        if kind == V1_GO_CREATE:
            return self.state[g] == V1_DEAD and self.sequence[g] == 0
        if kind == V1_GO_WAITING or kind == V1_GO_IN_SYSCALL:
            return self.state[g] == V1_RUNNABLE and self.sequence[g] == 1
        if kind == V1_GO_START or kind == V1_GO_START_LABEL:
            return self.state[g] == V1_RUNNABLE and self.sequence[g] == self.a1[r]
        if kind == V1_GO_START_LOCAL:
            return self.state[g] == V1_RUNNABLE
        if kind == V1_GO_UNBLOCK or kind == V1_GO_SYS_EXIT:
            return self.state[g] == V1_WAITING and self.sequence[g] == self.a1[r]
        if kind == V1_GO_UNBLOCK_LOCAL or kind == V1_GO_SYS_EXIT_LOCAL:
            return self.state[g] == V1_WAITING
        if kind == V1_GC_START:
            return self.sequence[g] == self.a0[r]
        return self.state[g] == V1_RUNNING

    def _happen(self, r):
        kind: cython.longlong = self.kind[r]
        g: cython.longlong = self._subject(r)
        if g < 0:
            return
        if kind == V1_GO_CREATE:
            self.sequence[g] = 1
            self.state[g] = V1_RUNNABLE
        elif kind == V1_GO_WAITING or kind == V1_GO_IN_SYSCALL:
            self.sequence[g] = 2
            self.state[g] = V1_WAITING
        elif kind == V1_GO_START or kind == V1_GO_START_LABEL:
            self.sequence[g] = _next_sequence(self.a1[r])
            self.state[g] = V1_RUNNING
        elif kind == V1_GO_START_LOCAL:
            self.sequence[g] = _next_sequence(self.sequence[g])
            self.state[g] = V1_RUNNING
            self.kind[r] = V1_GO_START
        elif kind == V1_GO_UNBLOCK or kind == V1_GO_SYS_EXIT:
            self.sequence[g] = _next_sequence(self.a1[r])
            self.state[g] = V1_RUNNABLE
        elif kind == V1_GO_UNBLOCK_LOCAL or kind == V1_GO_SYS_EXIT_LOCAL:
            self.sequence[g] = _next_sequence(self.sequence[g])
            self.state[g] = V1_RUNNABLE
            self.kind[r] = V1_GO_UNBLOCK if kind == V1_GO_UNBLOCK_LOCAL else V1_GO_SYS_EXIT
        elif kind == V1_GC_START:
            self.sequence[g] = _next_sequence(self.a0[r])
        elif kind == V1_GO_SCHED or kind == V1_GO_PREEMPT:
            self.state[g] = V1_RUNNABLE
        else:
            self.state[g] = V1_WAITING

    def _is_before(self, s, t):
        """Whether stream s goes first: by time, then by number."""
        a: cython.longlong = self.ts[self.index[self.head[s]]]
        b: cython.longlong = self.ts[self.index[self.head[t]]]
        return a < b or (a == b and s < t)

    def _push(self, s):
        i: cython.longlong = self.heap_n
        self.heap_n += 1
        while i > 0 and self._is_before(s, self.heap[(i - 1) >> 1]):
            self.heap[i] = self.heap[(i - 1) >> 1]
            i = (i - 1) >> 1
        self.heap[i] = s

    def _pop(self):
        first: cython.longlong = self.heap[0]
        s: cython.longlong
        i: cython.longlong = 0
        child: cython.longlong
        self.heap_n -= 1
        s = self.heap[self.heap_n]
        while True:
            child = 2 * i + 1
            if child >= self.heap_n:
                break
            if child + 1 < self.heap_n and self._is_before(self.heap[child + 1], self.heap[child]):
                child += 1
            if not self._is_before(self.heap[child], s):
                break
            self.heap[i] = self.heap[child]
            i = child
        self.heap[i] = s
        return first

    # ---- what only later events tell ---------------------------------------

    def restore_exits(self) -> cython.longlong:
        """Give ends of blocked system calls, in merged order, their true time, taken long before."""
        i: cython.longlong
        r: cython.longlong
        kind: cython.longlong
        since: cython.longlong
        for i in range(self.n):
            r = self.merged[i]
            kind = self.kind[r]
            if kind == V1_GO_SYS_BLOCK or kind == V1_GO_IN_SYSCALL:
                self.mark_of[self.g_of[r]] = self.ts[r]
            elif kind == V1_GO_SYS_EXIT and self.a2[r] != 0:
                since = self.mark_of[self.g_of[r]]
                if since == 0 or self.a2[r] < since:
                    self.error_id = self.g_id[self.g_of[r]]
                    return V1_E_EXIT
                self.ts[r] = self.a2[r]
        return DONE

    def mark_blocking_calls(self) -> None:
        """System calls, in final order, whose goroutine's next event says that it blocks there."""
        i: cython.longlong = self.n
        r: cython.longlong
        while i > 0:
            i -= 1
            r = self.merged[i]
            if self.kind[r] == V1_GO_SYS_CALL and self.mark_of[self.g_of[r]] == V1_GO_SYS_BLOCK:
                self.kind[r] = V1_GO_SYS_CALL_BLOCKS
            self.mark_of[self.g_of[r]] = self.kind[r]

    # ---- checks and version 2's events -------------------------------------

    def convert(self) -> cython.longlong:
        """Fill the rows from event ``done`` on: DONE, FULL or an error."""
        status: cython.longlong = DONE
        r: cython.longlong
        self.rows_n = 0
        with cython.nogil:
            while self.done < self.n:
                if self.rows_n + 2 > self.rows_cap:
                    status = FULL
                    break
                r = self.merged[self.done]
                if self.kind[r] == V1_GOMAXPROCS and not self.had_procs:
                    status = self._tell_created(r)
                else:
                    status = self._check(r)
                    if status == ADVANCED:
                        status = self._convert(r)
                if status != ADVANCED:
                    self.error_ts = self.ts[r]
                    break
                status = DONE
                self.done += 1
        return status

    def _tell_created(self, r):
        """The first GOMAXPROCS ends the list of goroutines from before: those without a state are runnable."""
        g: cython.longlong
        while self.created_i < self.created_n:
            if self.rows_n + 2 > self.rows_cap:
                return FULL
            g = self.created[self.created_i]
            self.created_i += 1
            if self.is_created[g]:
                self._row(EV_GO_STATUS, self.ts[r], -1, -1, -1, self.g_id[g], -1, RUNNABLE, 0)
        self.had_procs = True
        return ADVANCED

    def _fails(self, status, g):
        self.error_id = self.g_id[g]
        return status

    def _check(self, r):
        """Whether the event fits the state; what it implies of its processor and stack is filled in."""
        kind: cython.longlong = self.kind[r]
        p: cython.longlong = self.proc_of[r]
        g: cython.longlong = self.g_of[r]
        other: cython.longlong
        starts: cython.bint
        self.error_id = self.g_id[g]
        if kind == V1_CPU_SAMPLE:
            return ADVANCED
        if kind == V1_SWEEP_START or kind == V1_SWEEP_DONE:
            starts = kind == V1_SWEEP_START
            if (self.proc_state[p] & V1_P_SWEEPS != 0) == starts:
                return V1_E_SWEEP
            self.proc_state[p] ^= V1_P_SWEEPS
            return ADVANCED
        if kind == V1_PROC_START or kind == V1_PROC_STOP:
            starts = kind == V1_PROC_START
            if (self.proc_state[p] & V1_P_RUNS != 0) == starts:
                return V1_E_PROC
            if not starts and self.proc_g[p] != 0:
                return self._fails(V1_E_PROC_BUSY, self.proc_g[p])
            self.proc_state[p] ^= V1_P_RUNS
            return ADVANCED
        if kind == V1_GC_START or kind == V1_GC_DONE:
            starts = kind == V1_GC_START
            if self.is_gc == starts:
                return V1_E_GC
            self.is_gc = starts
            if starts:
                self.proc_of[r] = cython.cast(cython.int, self.n_procs + V1_GC_P)
            return ADVANCED
        if kind == V1_STW_START or kind == V1_STW_DONE:
            starts = kind == V1_STW_START
            if self.is_stopped == starts:
                return V1_E_STW
            self.is_stopped = starts
            return ADVANCED
        if kind == V1_GO_UNBLOCK:
            if self.is_timer[g]:
                p = self.n_procs + V1_TIMER_P
                self.proc_of[r] = cython.cast(cython.int, p)
            if self.state[g] != V1_RUNNING:
                return V1_E_WAKER
            if p != self.n_procs + V1_TIMER_P and self.proc_g[p] != g:
                return V1_E_OTHER_PROC
            other = self.a0[r]
            self.exists[other] = 1
            if self.state[other] != V1_WAITING:
                return self._fails(V1_E_WOKEN, other)
            if self.mark_of[other] == V1_BLOCK_NET:
                self.proc_of[r] = cython.cast(cython.int, self.n_procs + V1_NETPOLL_P)
            self.state[other] = V1_RUNNABLE
            self.mark_of[other] = kind
            return ADVANCED
        if kind == V1_USER_REGION:
            if self.a1[r] != 0 and self.a1[r] != 1:
                return V1_E_REGION_MODE
            self.exists[g] = 1
            return ADVANCED
        return self._check_goroutine(r, kind, p, g)

    def _check_goroutine(self, r, kind, p, g):
        other: cython.longlong
        if kind == V1_GO_WAITING or kind == V1_GO_IN_SYSCALL:
            if self.state[g] != V1_RUNNABLE:
                return V1_E_STATUS
            self.state[g] = V1_WAITING
            self.mark_of[g] = kind
        elif kind == V1_GO_CREATE:
            other = self.a0[r]
            if self.state[g] != V1_RUNNING or self.proc_g[p] != g:
                return V1_E_RUNNING
            if self.exists[other]:
                return self._fails(V1_E_EXISTS, other)
            self.exists[other] = 1
            self.state[other] = V1_RUNNABLE
            self.begins_with[other] = self.a1[r]
        elif kind == V1_GO_START or kind == V1_GO_START_LABEL:
            if self.state[g] != V1_RUNNABLE:
                return V1_E_START
            if self.proc_g[p] != 0:
                return self._fails(V1_E_START_BUSY, self.proc_g[p])
            self.state[g] = V1_RUNNING
            self.proc_g[p] = g
            if self.begins_with[g] >= 0:
                self.stack[r] = cython.cast(cython.uint, self.begins_with[g])
                self.begins_with[g] = -1
        elif kind == V1_GO_SYS_EXIT:
            if self.state[g] != V1_WAITING:
                return V1_E_SYS_EXIT
            self.state[g] = V1_RUNNABLE
            self.proc_of[r] = cython.cast(cython.int, self.n_procs + V1_SYSCALL_P)
        elif kind == V1_GO_SYS_CALL or kind == V1_GO_SYS_CALL_BLOCKS or V1_GO_END <= kind <= V1_GO_PREEMPT \
                or kind == V1_GO_SYS_BLOCK or _blocks(kind):
            if self.state[g] != V1_RUNNING or self.proc_g[p] != g:
                return V1_E_RUNNING
            if g == 0:
                return V1_E_G0
            if kind == V1_GO_SYS_CALL or kind == V1_GO_SYS_CALL_BLOCKS:
                self.mark_of[g] = V1_GO_SYS_CALL
                return ADVANCED
            self.proc_g[p] = 0
            if kind == V1_GO_END or kind == V1_GO_STOP:
                self.state[g] = V1_DEAD
            elif kind == V1_GO_SCHED or kind == V1_GO_PREEMPT:
                self.state[g] = V1_RUNNABLE
            else:
                self.state[g] = V1_WAITING
                if kind != V1_GO_SYS_BLOCK:
                    self.mark_of[g] = kind
        return ADVANCED

    def _row(self, kind, time, thread, proc, g, a0, a1, a2, stack):
        i: cython.longlong = self.rows_n * R_WIDTH
        self.rows[i + R_KIND] = kind
        self.rows[i + R_TIME] = time
        self.rows[i + R_THREAD] = thread
        self.rows[i + R_PROC] = proc
        self.rows[i + R_G] = g
        self.rows[i + R_A0] = a0
        self.rows[i + R_A1] = a1
        self.rows[i + R_A2] = a2
        self.rows[i + R_A3] = 0
        self.rows[i + R_STACK] = stack
        self.rows_n += 1

    def _convert(self, r):
        kind: cython.longlong = self.kind[r]
        p: cython.longlong = self.proc_of[r]
        g: cython.longlong = self.g_of[r]
        time: cython.longlong = self.ts[r]
        proc: cython.longlong = self.proc_id[p]
        known: cython.bint = self.proc_state[p] & V1_P_HAS_THREAD != 0
        thread: cython.longlong = self.thread_of[p] if known and proc != -1 else -1
        gid: cython.longlong = self.g_id[g] if g != 0 else -1
        a0: cython.longlong = self.a0[r]
        stack: cython.longlong = self.stack[r]
        to: cython.longlong = 0
        status: cython.longlong = 0
        if kind == V1_GO_CREATE and not self.had_procs:
            self.created[self.created_n] = a0
            self.created_n += 1
            self.is_created[a0] = 1
        elif kind == V1_PROC_START or kind == V1_PROC_STOP:
            if kind == V1_PROC_START:
                self.thread_of[p] = a0
                thread = a0 if proc != -1 else -1
                self.proc_state[p] |= V1_P_HAS_THREAD
            if self.proc_state[p] & V1_P_KNOWN:
                self._row(EV_PROC_START if kind == V1_PROC_START else EV_PROC_STOP, time, thread, proc, gid, proc, 0, 0, 0)
            else:
                self.proc_state[p] |= V1_P_KNOWN
                self._row(EV_PROC_STATUS, time, thread, proc, gid, proc, P_RUNNING if kind == V1_PROC_START else P_IDLE, 0, 0)
            if kind == V1_PROC_STOP:
                self.proc_state[p] &= ~V1_P_HAS_THREAD
        elif kind == V1_GO_START or kind == V1_GO_START_LABEL or kind == V1_GO_WAITING or kind == V1_GO_IN_SYSCALL:
            if kind == V1_GO_WAITING:
                status = WAITING
            elif kind == V1_GO_IN_SYSCALL:
                status = SYSCALL
            elif kind == V1_GO_START and not self.had_procs:
                status = RUNNING
            if status:
                self.is_created[a0] = 0
                self._row(EV_GO_STATUS, time, thread, proc, gid, self.g_id[a0], -1, status, 0)
            elif kind == V1_GO_START:
                self._row(EV_GO_START, time, thread, proc, gid, self.g_id[a0], self.a1[r], 0, 0)
            else:
                thread = self.thread_of[p] if known else 0
                self._row(EV_GO_START, time, thread, proc, self.g_id[g], self.g_id[a0], self.a1[r], 0, 0)
                self._row(EV_GO_LABEL, time, thread, proc, self.g_id[g], self.a2[r], 0, 0, 0)
        elif kind == V1_GO_SYS_CALL_BLOCKS:
            self._row(EV_GO_SYSCALL_BEGIN, time, thread, proc, gid, 0, 0, 0, stack)
        elif kind == V1_GO_SYS_CALL:
            thread = self.thread_of[p] if known else 0
            self._row(EV_GO_SYSCALL_BEGIN, time, thread, proc, self.g_id[g], 0, 0, 0, stack)
            self._row(EV_GO_SYSCALL_END, time + 1, thread, proc, self.g_id[g], 0, 0, 0, 0)
        elif _blocks(kind) or kind == V1_GO_STOP:
            self._row(EV_GO_BLOCK, time, thread, proc, gid, self.reason[kind], 0, 0, stack)
        elif kind == V1_GO_SCHED or kind == V1_GO_PREEMPT:
            self._row(EV_GO_STOP, time, thread, proc, gid, self.reason[kind], 0, 0, stack)
        elif kind == V1_STW_START or kind == V1_STW_DONE:
            if kind == V1_STW_START:
                self.stw = self.stw_name[a0] if 0 <= a0 < self.stw_name.shape[0] else 0
            self._row(EV_STW_BEGIN if kind == V1_STW_START else EV_STW_END, time, thread, proc, gid, self.stw, 0, 0, 0)
        elif kind == V1_CPU_SAMPLE:
            self._row(EV_CPU_SAMPLE, time, -1, a0, gid, 0, 0, 0, stack)
        elif kind == V1_TASK_CREATE:
            self._row(EV_TASK_BEGIN, time, thread, proc, gid, a0, self.a1[r] if self.a1[r] != 0 else -1, self.a2[r], stack)
        elif kind == V1_TASK_END:
            self._row(EV_TASK_END, time, thread, proc, gid, a0, 0, 0, stack)
        elif kind == V1_USER_REGION:
            to = EV_REGION_BEGIN if self.a1[r] == 0 else EV_REGION_END
            self._row(to, time, thread, proc, gid, a0, self.a2[r], 0, stack)
        elif kind == V1_USER_LOG:
            self._row(EV_LOG, time, thread, proc, gid, a0, self.a1[r], self.a2[r], stack)
        elif kind == V1_GO_CREATE or kind == V1_GO_UNBLOCK:
            to = EV_GO_CREATE if kind == V1_GO_CREATE else EV_GO_UNBLOCK
            self._row(to, time, thread, proc, gid, self.g_id[a0], self.a1[r], self.a2[r], stack)
        elif kind == V1_GO_SYS_EXIT:
            self._row(EV_GO_SYSCALL_END_BLOCKED, time, thread, proc, gid, self.g_id[a0], self.a1[r], self.a2[r], 0)
        elif kind != V1_GO_SYS_BLOCK:
            return self._convert_rest(kind, time, thread, proc, gid, a0, self.a1[r], stack)
        return ADVANCED

    def _convert_rest(self, kind, time, thread, proc, g, a0, a1, stack):
        """Events that version 2 has by another number."""
        to: cython.longlong
        if kind == V1_GC_START:
            to = EV_GC_BEGIN
        elif kind == V1_SWEEP_START:
            to = EV_SWEEP_BEGIN
        elif kind == V1_ASSIST_START:
            to = EV_ASSIST_BEGIN
        elif kind == V1_GOMAXPROCS:
            to = EV_PROCS_CHANGE
        else:
            stack = 0
            if kind == V1_GC_DONE:
                to = EV_GC_END
            elif kind == V1_SWEEP_DONE:
                to = EV_SWEEP_END
            elif kind == V1_GO_END:
                to = EV_GO_DESTROY
            elif kind == V1_HEAP_ALLOC:
                to = EV_HEAP_ALLOC
            elif kind == V1_HEAP_GOAL:
                to = EV_HEAP_GOAL
            elif kind == V1_ASSIST_DONE:
                to = EV_ASSIST_END
            else:
                self.error_id = kind
                return V1_E_MEANING
        self._row(to, time, thread, proc, g, a0, a1, 0, stack)
        return ADVANCED
