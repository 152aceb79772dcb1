"""Event types of the version 1 format, as data."""

from __future__ import annotations

from dataclasses import dataclass


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

BATCH, FREQUENCY, STACK, GOMAXPROCS, PROC_START, PROC_STOP, GC_START, GC_DONE, STW_START, STW_DONE = range(
    1, 11
)
SWEEP_START, SWEEP_DONE, GO_CREATE, GO_START, GO_END, GO_STOP, GO_SCHED, GO_PREEMPT, GO_SLEEP = range(11, 20)
GO_BLOCK, GO_UNBLOCK, BLOCK_SEND, BLOCK_RECV, BLOCK_SELECT, BLOCK_SYNC, BLOCK_COND, BLOCK_NET = range(20, 28)
GO_SYS_CALL, GO_SYS_EXIT, GO_SYS_BLOCK, GO_WAITING, GO_IN_SYSCALL, HEAP_ALLOC, HEAP_GOAL = range(28, 35)
TIMER_GOROUTINE, FUTILE_WAKEUP, STRING, GO_START_LOCAL, GO_UNBLOCK_LOCAL, GO_SYS_EXIT_LOCAL = range(35, 41)
GO_START_LABEL, BLOCK_GC, ASSIST_START, ASSIST_DONE = range(41, 45)
TASK_CREATE, TASK_END, USER_REGION, USER_LOG, CPU_SAMPLE = range(45, 50)

WITHOUT_LOCAL = {GO_START_LOCAL: GO_START, GO_UNBLOCK_LOCAL: GO_UNBLOCK, GO_SYS_EXIT_LOCAL: GO_SYS_EXIT}
# Why a goroutine waits, in version 2's words.
BLOCKS = {
    GO_SLEEP: "sleep", GO_BLOCK: "", BLOCK_SEND: "chan send", BLOCK_RECV: "chan receive",
    BLOCK_SELECT: "select", BLOCK_SYNC: "sync", BLOCK_COND: "sync.(*Cond).Wait", BLOCK_NET: "network",
    BLOCK_GC: "GC mark assist wait for work",
}  # fmt: skip
# After these a processor runs no goroutine.
STOPS = frozenset({GO_END, GO_STOP, GO_SCHED, GO_PREEMPT, GO_SYS_BLOCK, *BLOCKS})
STW_KINDS = (
    "", "GC mark termination", "GC sweep termination", "write heap dump", "goroutine profile",
    "goroutine profile cleanup", "all goroutine stack trace", "read mem stats", "AllThreadsSyscall",
    "GOMAXPROCS", "start trace", "stop trace", "CountPagesInUse (test)", "ReadMetricsSlow (test)",
    "ReadMemStatsSlow (test)",
    "PageCachePagesLeaked (test)", "ResetDebugLog (test)",
)  # fmt: skip
