# cython: language_level=3, boundscheck=False, wraparound=False, initializedcheck=False, cdivision=True, nonecheck=False
"""Sorting by time as Go sorts: where equal times end up decides on ties between threads.

A pattern-defeating quicksort (Peters 2021) with the parameters of Go's ``slices.SortFunc``,
since that is not stable above 12 entries.

How each index is bounded: ``order[:n]`` is a permutation of 0 … n - 1 and ``time_of``
has n entries at least; all places lie in [a, b), which begins as [0, n) and only shrinks.
"""

import cython

if not cython.compiled:
    from tracemill.parsers.kernels.layout import declared

    globals().update(declared("trace_sort"))


class Sorter:
    """``order`` is what is sorted: indexes into ``time_of``."""

    def sort(self, n: cython.longlong) -> None:
        """Sort order[:n], a permutation of 0 … n - 1, by time_of[:n]."""
        self.sort_first(n)

    def sort_first(self, n):
        """The same for kernels."""
        bits: cython.longlong = 0
        while n >> bits:
            bits += 1
        self._sort(0, n, bits)

    def _before(self, i, j):
        return self.time_of[self.order[i]] < self.time_of[self.order[j]]

    def _swap(self, i, j):
        x: cython.longlong = self.order[i]
        self.order[i] = self.order[j]
        self.order[j] = x

    def _sort(self, a, b, bad_allowed):
        balanced: cython.bint = True
        partitioned: cython.bint = True
        n: cython.longlong
        pivot: cython.longlong
        mid: cython.longlong
        while True:
            n = b - a
            if n <= SHORT:
                self._insertion_sort(a, b)
                return
            if bad_allowed == 0:
                self._heap_sort(a, n)
                return
            if not balanced:
                self._scatter(a, n)
                bad_allowed -= 1
            pivot = self._choose_pivot(a, n)
            if self.swaps == MOST_SWAPS:
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

    def _insertion_sort(self, a, b):
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

    def _heap_sort(self, a, n):
        i: cython.longlong = (n - 1) >> 1
        while i >= 0:
            self._sink(a, i, n)
            i -= 1
        i = n - 1
        while i >= 0:
            self._swap(a, a + i)
            self._sink(a, 0, i)
            i -= 1

    def _sink(self, a, root, n):
        child: cython.longlong = 2 * root + 1
        while child < n:
            if child + 1 < n and self._before(a + child, a + child + 1):
                child += 1
            if not self._before(a + root, a + child):
                return
            self._swap(a + root, a + child)
            root = child
            child = 2 * root + 1

    def _partition(self, a, b, pivot):
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

    def _partition_equal(self, a, b, pivot):
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

    def _nearly_sorted(self, a, b):
        """Mend up to five places that are out of order: whether that was all."""
        i: cython.longlong = a + 1
        k: cython.longlong
        step: cython.longlong
        for step in range(MENDED):
            while i < b and not self._before(i, i - 1):
                i += 1
            if i == b:
                return True
            if b - a < LONG:
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

    def _scatter(self, a, n):
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

    def _choose_pivot(self, a, n):
        """The median of three, or of three medians; swaps counts how far they were from order."""
        i: cython.longlong = a + (n >> 2)
        j: cython.longlong = a + (n >> 2) * 2
        k: cython.longlong = a + (n >> 2) * 3
        self.swaps = 0
        if n >= LONG:
            i = self._median(i - 1, i, i + 1)
            j = self._median(j - 1, j, j + 1)
            k = self._median(k - 1, k, k + 1)
        return self._median(i, j, k)

    def _median(self, i, j, k):
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
