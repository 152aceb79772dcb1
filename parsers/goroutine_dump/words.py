"""The words of a goroutine's header: its state, the reason of its wait, its labels."""

from __future__ import annotations

import re
from dataclasses import dataclass

# A dump's words for a wait (waitReasonStrings in runtime2.go, Go 1.19 to 1.27) → a trace's
# (traceBlockReasonStrings in traceruntime.go); the runtime's calls of gopark say which go together. None: the
# runtime works for the goroutine or has taken it off its processor, which a trace does not show as a wait.
REASONS: dict[str, str | None] = {
    "chan receive": "chan receive",
    "chan send": "chan send",
    "chan receive (nil chan)": "forever",
    "chan send (nil chan)": "forever",
    "panicwait": "forever",
    "select (no cases)": "forever",
    "select": "select",
    "IO wait": "network",
    "sleep": "sleep",
    "semacquire": "sync",
    "sync.Mutex.Lock": "sync",
    "sync.RWMutex.RLock": "sync",
    "sync.RWMutex.Lock": "sync",
    "sync.WaitGroup.Wait": "sync",
    "sync.Cond.Wait": "sync.(*Cond).Wait",
    "GC assist wait": "GC mark assist wait for work",
    "GC sweep wait": "GC background sweeper wait",
    "GC scavenge wait": "system goroutine wait",
    "GC worker (idle)": "system goroutine wait",
    "force gc (idle)": "system goroutine wait",
    "finalizer wait": "system goroutine wait",
    "cleanup wait": "system goroutine wait",
    "GOMAXPROCS updater (idle)": "system goroutine wait",
    "trace reader (blocked)": "system goroutine wait",
    "wait for GC cycle": "wait until GC ends",
    "GC weak to strong wait": "GC weak to strong wait",
    "synctest.Run": "synctest",
    "synctest.Wait": "synctest",
    "preempted": "preempted",
    "debug call": "wait for debug call",
    "GC assist marking": None,
    "GC mark termination": None,
    "GC worker (active)": None,
    "GC worker (init)": None,
    "coroutine": None,
    "dumping heap": None,
    "flushing proc caches": None,
    "garbage collection": None,
    "garbage collection scan": None,
    "page trace flush": None,
    "stopping the world": None,
    "timer goroutine (idle)": None,
    "trace goroutine status": None,
    "trace proc status": None,
}
_SUFFIX = re.compile(r" \((?:scan|durable|synctest|leaked)\)")
_ESCAPE = re.compile(r"\\(?:x([0-9a-f]{2})|u([0-9a-f]{4})|U([0-9a-f]{8})|(.))")
_LABEL = re.compile(r'("(?:[^"\\]|\\.)*+"|[^:,]++): ("(?:[^"\\]|\\.)*+"|[^,]*+)(?:, |$)')
_MINUTES = re.compile(r"(\d{1,18}) minutes")
_BUBBLE = re.compile(r"synctest (?:bubble|group) (\d{1,18})")


@dataclass(frozen=True, slots=True)
class State:
    """What stands in the brackets of a header; wait_minutes, reason and bubble_id None where it does not."""

    state: str
    reason: str | None
    wait_minutes: int | None
    is_locked_to_thread: bool
    bubble_id: int | None
    is_leaked: bool


def state_of(status: str) -> State:
    """The state in the brackets of a header."""
    state, *rest = status.split(", ")
    minutes = next((int(found[1]) for part in rest if (found := _MINUTES.fullmatch(part))), None)
    bubble = next((int(found[1]) for part in rest if (found := _BUBBLE.fullmatch(part))), None)
    state = state.removesuffix(" (scan)")
    waiting = state.removesuffix(" (leaked)")
    reason = REASONS.get(_SUFFIX.sub("", waiting))
    return State(waiting, reason, minutes, "locked to thread" in rest, bubble, waiting != state)


def labels_of(text: str | None) -> list[tuple[str, str]] | None:
    """Labels from the braces of a header, quotes taken off."""
    if not text:
        return None
    labels, at = [], 0
    while at < len(text):
        # From the start of a label only: looked for at every character, a long text would take hours.
        if found := _LABEL.match(text, at):
            labels.append((_unquoted(found[1]), _unquoted(found[2])))
            at = found.end()
        elif (comma := text.find(", ", at)) >= 0:
            at = comma + 2
        else:
            break
    return labels


def _unquoted(text: str) -> str:
    """What runtime.printquoted quoted."""
    return _ESCAPE.sub(_escaped, text[1:-1]) if text.startswith('"') else text


def _escaped(escape: re.Match[str]) -> str:
    byte, short, long, letter = escape.groups()
    if letter:
        return {"n": "\n", "r": "\r", "t": "\t"}.get(letter, letter)
    code = int(byte or short or long, 16)
    # \x stands for a control character, or for a byte that is no UTF-8.
    is_text = code < 0x80 or (not byte and code < 0x110000 and not 0xD800 <= code < 0xE000)
    return chr(code) if is_text else "\ufffd"
