"""Execution traces of version 1: formats 1.11, 1.19 and 1.21, which Go 1.11 to 1.21 write.

Specification: Go's runtime/trace.go of those versions and internal/tracev1 of later
ones. One stream of batches, one per processor and moment, without generations; an
event names the goroutine only when it changes. Goroutines' states are implied by
event types, and a system call is an instant unless it blocked.

Quirks: times are ticks against one frequency; a blocked system call's end carries its
true time apart. Events are put in order by goroutines' sequence numbers first, by
time second. As in Go's reader, the rows are those of version 2: a system call that
did not block lasts 1 ns, and what has no processor of its own gets a number from
1000000 on. An event may lie anywhere in the file, so that a trace is held whole, at
some 25 times its size; files above 64 MB are refused.

decode: bytes to events · settle: their order, and rows of version 2's events, which the
state machine of version 2 follows. Both drive the kernel `trace_v1`.
"""
