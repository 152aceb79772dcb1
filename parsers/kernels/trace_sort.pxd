# What trace_sort.py declares; uncompiled, it reads the constants from this file.

cimport cython

cdef enum:
    # Up to this length an insertion sort; from this one on a pivot of nine
    SHORT = 12
    LONG = 50
    # How many places out of order are mended before partitioning; swaps of a pivot in falling order
    MENDED = 5
    MOST_SWAPS = 12

@cython.final
cdef class Sorter:
    cdef public long long[::1] order
    cdef public long long[::1] time_of
    cdef long long swaps
    cdef bint was_partitioned

    cdef void sort_first(self, long long n) noexcept nogil
    cdef bint _before(self, long long i, long long j) noexcept nogil
    cdef void _swap(self, long long i, long long j) noexcept nogil
    cdef void _sort(self, long long a, long long b, long long bad_allowed) noexcept nogil
    cdef void _insertion_sort(self, long long a, long long b) noexcept nogil
    cdef void _heap_sort(self, long long a, long long n) noexcept nogil
    cdef void _sink(self, long long a, long long root, long long n) noexcept nogil
    cdef long long _partition(self, long long a, long long b, long long pivot) noexcept nogil
    cdef long long _partition_equal(self, long long a, long long b, long long pivot) noexcept nogil
    cdef bint _nearly_sorted(self, long long a, long long b) noexcept nogil
    cdef void _scatter(self, long long a, long long n) noexcept nogil
    cdef long long _choose_pivot(self, long long a, long long n) noexcept nogil
    cdef long long _median(self, long long i, long long j, long long k) noexcept nogil
