"""Lines that GODEBUG=gctrace=1 writes, Go 1.10 and later, among whatever else went to standard error.

Emits ``gc_cycles``, one row a line, and ``scheduler_states``, one row a line of GODEBUG=schedtrace=N (a log
with nothing else is of kind ``schedtrace``). Source: package runtime's documentation of gctrace, and
gcMarkTermination in runtime/mgc.go:

    gc # @#s #%: #+#+# ms clock, #+#/#/#+# ms cpu, #->#-># MB, # MB goal, … # P (forced)

Lines of gcpacertrace=1, scavtrace=1, scheddetail=1 and inittrace=1 are counted and named, and have no table.

Quirks: megabytes are whole MiB, cut off; the share of CPU is cut to whole percents. Stacks
and globals stand there from Go 1.18. A line can begin in the middle of another program's
output line, and several may stand in one, where programs write to one place. A capture may hold several
programs' runs, one after the other: each begins where the cycle number does not rise, or the time falls.
Programs that write at once can't be told apart. A capture with a torn line is salvaged.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from tracemill.parsers.api import Batch, Facts, Issue

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tracemill.parsers.api import Item, Options
    from tracemill.parsers.unwrap.source import Source

NAME = "gctrace"

LINE = re.compile(rb"^gc \d+ @[^\n]*\d->\d+->\d+ MB, ", re.MULTILINE)
# Nothing of a real line has more digits; more would not fit into 64 bits.
_N = r"(\d{1,12}(?:[.,]\d+)?)"
_I = r"(\d{1,12})"
# With the collector off the goal is what 63 bits of bytes can say: 8796093022207 MB.
_MB = r"(\d{1,13})"
_MOST_MB = 2**43
_LINE = re.compile(
    rf"gc {_I} @{_N}s {_I}%(?: \([^)]{{0,200}}\))?: {_N}\+{_N}\+{_N} ms clock, "
    rf"{_N}\+{_N}/{_N}/{_N}\+{_N} ms cpu, {_MB}->{_MB}->{_MB} MB, {_MB} MB goal,"
    rf"(?: \d+ MB stacks, \d+ MB globals,)? (\d{{1,9}}) P( \(forced\))?"
)
_BEGINS = re.compile(r"gc \d+ @\d+(?:[.,]\d+)?s ")
_SCHED_BEGINS = re.compile(r"SCHED \d+ms: ")
_SCHED = re.compile(
    r"SCHED (\d{1,15})ms: gomaxprocs=(\d{1,9}) idleprocs=(\d{1,9}) threads=(\d{1,9}) "
    r"spinningthreads=(\d{1,9})(?: needspinning=\d+)? idlethreads=(\d{1,9}) runqueue=(\d{1,9})"
    r"((?:(?!SCHED \d|gc \d+ @).)*+)"
)
_QUEUES = re.compile(r"\[ *((?:\d{1,9} *)*)\]")
_SCHED_BYTES = re.compile(rb"SCHED \d+ms: gomaxprocs=\d+ idleprocs=\d+ threads=")
_HEAD = re.compile(rb"gc \d+ @\d+(?:[.,]\d+)?s \d+%(?: \([^)\n]{0,200}\))?: [\d.e+-]+ ms clock, ")
# What stands beside the cycles and has no table, by the setting of GODEBUG that writes it.
_PASSED_OVER = {
    "gcpacertrace": re.compile(r"pacer: (?:assist ratio=|sweep done at |[\d.e+-]+% CPU \()"),
    "scavtrace": re.compile(r"scav (?:\d+ )?\d+ KiB work "),
    "scheddetail": re.compile(r"  (?:[PG]\d+: status=|M\d+: p=)"),
    "inittrace": re.compile(r"init \S+ @[\d.]+ ms, [\d.]+ ms clock, \d+ bytes, \d+ allocs"),
}
_MIB = 1024**2


def sniff(head: bytes) -> bool:
    """Whether a cycle's or a scheduler's line stands in head."""
    return _HEAD.search(head) is not None or _SCHED_BYTES.search(head) is not None


def parse(source: Source, _options: Options) -> Iterator[Item]:
    """The cycles and the scheduler's lines; an issue for each that begins like a cycle and can't be read."""
    import pyarrow as pa

    from tracemill.warehouse.schema import TABLES

    rows: list[dict[str, object]] = []
    states: list[dict[str, object]] = []
    passed_over = dict.fromkeys(_PASSED_OVER, 0)
    torn: list[Issue] = []
    process, last, last_ns, run, ran_ms = 0, 0, 0, 0, -1
    for number, line in enumerate(source.read().decode("utf-8", "replace").split("\n"), 1):
        for begin, match in _pieces(line, _BEGINS, _LINE):
            if match is None or any(int(match[i]) >= _MOST_MB for i in (12, 13, 14, 15)):
                torn.append(_torn(number, "gctrace", line[begin : begin + 80]))
                continue
            cycle, at_ns = int(match[1]), _ns(match[2], 1e9)
            process += cycle <= last or at_ns < last_ns
            last, last_ns = cycle, at_ns
            rows.append({"process_index": process, "cycle": cycle} | _row(match))
        for begin, found in _pieces(line, _SCHED_BEGINS, _SCHED):
            if found is None:
                torn.append(_torn(number, "schedtrace", line[begin : begin + 80]))
                continue
            run += int(found[1]) < ran_ms
            ran_ms = int(found[1])
            states.append({"process_index": run, "state_index": len(states)} | _state(found))
        for name, expression in _PASSED_OVER.items():
            passed_over[name] += len(expression.findall(line))
    yield from torn
    if told := ", ".join(f"{count} of {name}=1" for name, count in passed_over.items() if count):
        yield Issue("info", "input", "", f"lines that have no table: {told}")
    yield Facts(kind="gctrace" if rows or not states else "schedtrace", is_salvaged=bool(torn))
    if rows or not states:
        yield Batch("gc_cycles", pa.RecordBatch.from_pylist(rows, TABLES["gc_cycles"].arrow_schema()))
    if states:
        schema = TABLES["scheduler_states"].arrow_schema()
        yield Batch("scheduler_states", pa.RecordBatch.from_pylist(states, schema))


def _pieces(
    line: str, begins: re.Pattern[str], whole: re.Pattern[str]
) -> Iterator[tuple[int, re.Match[str] | None]]:
    """Where each cycle or state of a line begins, and what was read of it; None where it is not whole."""
    for beginning in begins.finditer(line):
        yield beginning.start(), whole.match(line, beginning.start())


def _torn(number: int, what: str, text: str) -> Issue:
    return Issue("data_loss", "input", f"line {number}", f"not a whole {what} line: {text}")


def _state(match: re.Match[str]) -> dict[str, object]:
    """The columns of one line of schedtrace."""
    queues = _QUEUES.search(match[8])
    return {
        "at_ns": int(match[1]) * 1_000_000,
        "procs": int(match[2]),
        "idle_procs": int(match[3]),
        "threads": int(match[4]),
        "spinning_threads": int(match[5]),
        "idle_threads": int(match[6]),
        "run_queue": int(match[7]),
        "local_run_queues": [int(n) for n in queues[1].split()] if queues else None,
    }


def _row(match: re.Match[str]) -> dict[str, object]:
    """The columns of one line, but its number."""
    wall = [_ns(match[i], 1e6) for i in (4, 5, 6)]
    cpu = [_ns(match[i], 1e6) for i in (8, 9, 10)]
    sizes = [int(match[i]) * _MIB for i in (12, 13, 14, 15)]
    return {
        "at_ns": _ns(match[2], 1e9),
        "gc_cpu_percent": float(match[3]),
        "stw_sweep_term_ns": wall[0],
        "mark_ns": wall[1],
        "stw_mark_term_ns": wall[2],
        "assist_cpu_ns": cpu[0],
        "background_cpu_ns": cpu[1],
        "idle_cpu_ns": cpu[2],
        "heap_before_bytes": sizes[0],
        "heap_after_bytes": sizes[1],
        "heap_live_bytes": sizes[2],
        "heap_goal_bytes": sizes[3],
        "procs": int(match[16]),
        "is_forced": match[17] is not None,
    }


def _ns(text: str, factor: float) -> int:
    return round(float(text.replace(",", ".")) * factor)
