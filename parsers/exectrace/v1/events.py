"""Event types of the version 1 format, as data."""

from __future__ import annotations

from dataclasses import dataclass

from tracemill.parsers.kernels.layout import read_constants

# What the kernel trace_v1 has beside LAYOUT.
V1 = read_constants("trace_v1")


@dataclass(frozen=True, slots=True)
class Spec:
    """Name, format version that brought it, how many integers it has with time and stack, whether a stack."""

    name: str
    since: int
    count: int
    has_stack: bool


_NAMES = (
    # number name since arguments-after-the-time stack
    "1 Batch 5 1 -", "2 Frequency 5 0 -", "3 Stack 5 1 -", "4 Gomaxprocs 5 1 stack", "5 ProcStart 5 1 -",
    "6 ProcStop 5 0 -", "7 GCStart 5 1 stack", "8 GCDone 5 0 -", "9 STWStart 5 1 -", "10 STWDone 5 0 -",
    "11 GCSweepStart 5 0 stack", "12 GCSweepDone 5 2 -", "13 GoCreate 5 2 stack", "14 GoStart 5 2 -",
    "15 GoEnd 5 0 -", "16 GoStop 5 0 stack", "17 GoSched 5 0 stack", "18 GoPreempt 5 0 stack",
    "19 GoSleep 5 0 stack", "20 GoBlock 5 0 stack", "21 GoUnblock 5 2 stack", "22 GoBlockSend 5 0 stack",
    "23 GoBlockRecv 5 0 stack", "24 GoBlockSelect 5 0 stack", "25 GoBlockSync 5 0 stack",
    "26 GoBlockCond 5 0 stack", "27 GoBlockNet 5 0 stack", "28 GoSysCall 5 0 stack", "29 GoSysExit 5 3 -",
    "30 GoSysBlock 5 0 -", "31 GoWaiting 5 1 -", "32 GoInSyscall 5 1 -", "33 HeapAlloc 5 1 -",
    "34 HeapGoal 5 1 -", "35 TimerGoroutine 5 0 -", "36 FutileWakeup 5 0 -", "37 String 7 0 -",
    "38 GoStartLocal 7 1 -", "39 GoUnblockLocal 7 1 stack", "40 GoSysExitLocal 7 2 -",
    "41 GoStartLabel 8 3 -", "42 GoBlockGC 8 0 stack", "43 GCMarkAssistStart 9 0 stack",
    "44 GCMarkAssistDone 9 0 -", "45 UserTaskCreate 11 3 stack", "46 UserTaskEnd 11 1 stack",
    "47 UserRegion 11 3 stack", "48 UserLog 11 2 stack", "49 CPUSample 19 3 stack",
)  # fmt: skip


def _spec(line: str) -> tuple[int, Spec]:
    number, name, since, arguments, stack = line.split()
    has_stack = stack == "stack"
    return int(number), Spec(name, int(since), 1 + int(arguments) + has_stack, has_stack)


SPECS = dict(map(_spec, _NAMES))
NUMBERS = 64

# Why a goroutine waits or stops, in version 2's words; a bare GoBlock gives no reason.
REASONS = {
    "GoSleep": "sleep", "GoBlockSend": "chan send", "GoBlockRecv": "chan receive", "GoBlockSelect": "select",
    "GoBlockSync": "sync", "GoBlockCond": "sync.(*Cond).Wait", "GoBlockNet": "network",
    "GoBlockGC": "GC mark assist wait for work", "GoStop": "forever", "GoSched": "runtime.Gosched",
    "GoPreempt": "preempted",
}  # fmt: skip
_STW_KINDS = (
    "", "GC mark termination", "GC sweep termination", "write heap dump", "goroutine profile",
    "goroutine profile cleanup", "all goroutine stack trace", "read mem stats", "AllThreadsSyscall",
    "GOMAXPROCS", "start trace", "stop trace", "CountPagesInUse (test)", "ReadMetricsSlow (test)",
    "ReadMemStatsSlow (test)", "PageCachePagesLeaked (test)", "ResetDebugLog (test)",
)  # fmt: skip


def stw_kinds(version: int) -> tuple[str, ...]:
    """Why the world stops, by number; a number beyond says nothing."""
    return _STW_KINDS if version >= 21 else _STW_KINDS[1:3]
