"""Event types of the execution trace format, version 2 (Go 1.22 to 1.27), as data.

Numbers, names and arguments as the wire has them; every timed event begins with
a time difference, which is not listed. Kinds of arguments: ``id`` a signed
number (goroutine, processor, thread), ``n`` an unsigned one, ``string`` and
``stack`` a reference into the generation's tables, ``word`` a status told in words.
"""

from __future__ import annotations

from dataclasses import dataclass

V1 = (11, 19, 21)
V2 = (22, 23, 25, 26)
# From these on a generation ends with a byte of its own, and its clocks come in a batch of type SYNC.
HAS_END_MARKER = 26
HAS_SYNC_BATCH = 25

FREQUENCY, SYNC, CLOCK_SNAPSHOT = 8, 50, 51
NO_THREAD = -1


def format_label(version: int) -> dict[str, str]:
    """What a capture says of the format that it has, which several releases of Go write."""
    return {"trace_format": f"go 1.{version}"}


@dataclass(frozen=True, slots=True)
class Event:
    """One type: number, name, how many arguments follow the time, and their names in ``trace_events.args``.

    shown: (name, kind) of what the state machine hands on in its four slots, in order;
    a name of "" skips a slot. It differs from the wire where the machine adds what a
    later event only implies (the state before, the name of an ended task).
    """

    number: int
    name: str
    wire_args: int
    shown: tuple[tuple[str, str], ...] = ()


def _event(number: int, name: str, wire_args: int, shown: str = "") -> Event:
    pairs = tuple((part.partition(":")[0], part.partition(":")[2] or "n") for part in shown.split())
    return Event(number, name, wire_args, pairs)


EVENTS = (
    _event(7, "CPUSample", -1),
    _event(9, "ProcsChange", 2, "procs"),
    _event(10, "ProcStart", 2, "p:id p_seq"),
    _event(11, "ProcStop", 0),
    _event(12, "ProcSteal", 3, "p:id p_seq m:id was:proc_status"),
    _event(13, "ProcStatus", 2, "p:id status:proc_status was:proc_state"),
    _event(14, "GoCreate", 3, "new_g:id new_stack:stack"),
    _event(15, "GoCreateSyscall", 1, "new_g:id"),
    _event(16, "GoStart", 2, "g:id g_seq"),
    _event(17, "GoDestroy", 0),
    _event(18, "GoDestroySyscall", 0),
    _event(19, "GoStop", 2, "reason:string"),
    _event(20, "GoBlock", 2, "reason:string"),
    _event(21, "GoUnblock", 3, "g:id g_seq"),
    _event(22, "GoSyscallBegin", 2, "p_seq"),
    _event(23, "GoSyscallEnd", 0),
    _event(24, "GoSyscallEndBlocked", 0),
    _event(25, "GoStatus", 3, "g:id m:id status:go_status was:go_status"),
    _event(26, "STWBegin", 2, "kind:string"),
    _event(27, "STWEnd", 0, "kind:string"),
    _event(28, "GCActive", 1, "gc_seq"),
    _event(29, "GCBegin", 2, "gc_seq"),
    _event(30, "GCEnd", 1, "gc_seq"),
    _event(31, "GCSweepActive", 1, "p:id"),
    _event(32, "GCSweepBegin", 1),
    _event(33, "GCSweepEnd", 2, "swept reclaimed"),
    _event(34, "GCMarkAssistActive", 1, "g:id"),
    _event(35, "GCMarkAssistBegin", 1),
    _event(36, "GCMarkAssistEnd", 0),
    _event(37, "HeapAlloc", 1, "heap_alloc"),
    _event(38, "HeapGoal", 1, "heap_goal"),
    _event(39, "GoLabel", 1, "label:string"),
    _event(40, "UserTaskBegin", 4, "task parent_task name:string"),
    _event(41, "UserTaskEnd", 2, "task parent_task name:string"),
    _event(42, "UserRegionBegin", 3, "task name:string"),
    _event(43, "UserRegionEnd", 3, "task name:string"),
    _event(44, "UserLog", 4, "task key:string value:string"),
    _event(45, "GoSwitch", 2, "g:id g_seq"),
    _event(46, "GoSwitchDestroy", 2, "g:id g_seq"),
    _event(47, "GoCreateBlocked", 3, "new_g:id new_stack:stack"),
    _event(48, "GoStatusStack", 4, "g:id m:id status:go_status was:go_status"),
    _event(SYNC, "Sync", -1, "json:raw"),
    _event(CLOCK_SNAPSHOT, "ClockSnapshot", 3),
    _event(128, "Span", 3, "id npages kindclass"),
    _event(129, "SpanAlloc", 3, "id npages kindclass"),
    _event(130, "SpanFree", 1, "id"),
    _event(131, "HeapObject", 2, "id type"),
    _event(132, "HeapObjectAlloc", 2, "id type"),
    _event(133, "HeapObjectFree", 1, "id"),
    _event(134, "GoroutineStack", 2, "id order"),
    _event(135, "GoroutineStackAlloc", 2, "id order"),
    _event(136, "GoroutineStackFree", 1, "id"),
)

METRIC_NAMES = {
    9: "/sched/gomaxprocs:threads",
    37: "/memory/classes/heap/objects:bytes",
    38: "/gc/heap/goal:bytes",
}
RANGE_NAMES = {
    26: "stop-the-world ({})",
    29: "GC concurrent mark phase",
    32: "GC incremental sweep",
    35: "GC mark assist",
}
# Bytes of each size class of the allocator (Go 1.16 on); class 0 is one object as large as its span.
# fmt: off
CLASS_SIZES = (
    0, 8, 16, 24, 32, 48, 64, 80, 96, 112, 128, 144, 160, 176, 192, 208, 224, 240, 256, 288, 320, 352,
    384, 416, 448, 480, 512, 576, 640, 704, 768, 896, 1024, 1152, 1280, 1408, 1536, 1792, 2048, 2304,
    2688, 3072, 3200, 3456, 4096, 4864, 5376, 6144, 6528, 6784, 6912, 8192, 9472, 9728, 10240, 10880,
    12288, 13568, 14336, 16384, 18432, 19072, 20480, 21760, 24576, 27264, 28672, 32768,
)
# fmt: on
