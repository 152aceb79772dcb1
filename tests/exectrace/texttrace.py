"""Tiny traces written as text → bytes, in the notation of Go's internal/trace/raw.

Trace Go1.22
EventBatch gen=1 m=0 time=0 size=15
ProcStatus dt=1 p=0 pstatus=1
"""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from tracemill.parsers.exectrace import spec

if TYPE_CHECKING:
    from pathlib import Path

STRUCTURAL = {
    "EventBatch": 1, "Stacks": 2, "Stack": 3, "Strings": 4, "String": 5, "CPUSamples": 6, "CPUSample": 7,
    "Frequency": 8, "ExperimentalBatch": 49, "Sync": 50, "ClockSnapshot": 51, "EndOfGeneration": 52,
}  # fmt: skip
NUMBERS = {event.name: event.number for event in spec.EVENTS} | STRUCTURAL


def varint(value: int) -> bytes:
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    out.append(value)
    return bytes(out)


def to_bytes(text: str) -> bytes:
    lines = [line.split("#")[0].strip() for line in text.splitlines()]
    lines = [line for line in lines if line]
    version = re.fullmatch(r"Trace Go1\.(\d+)", lines[0])[1]
    out = bytearray(f"go 1.{version} trace\0\0\0".encode())
    for line in lines[1:]:
        name, *fields = line.split()
        if name in NUMBERS:
            out.append(NUMBERS[name])
        elif name.startswith("data="):
            data = ast.literal_eval("b" + line.partition("=")[2]) if line.isascii() else eval_text(line)
            out += varint(len(data)) + data
            continue
        else:
            fields = [name, *fields]
        for field in fields:
            out += varint(int(field.partition("=")[2]))
    return bytes(out)


def eval_text(line: str) -> bytes:
    return ast.literal_eval(line.partition("=")[2]).encode()


def gos_test(path: Path) -> tuple[bytes, bool]:
    """A trace of Go's own testdata/tests, and whether its reader must accept it."""
    _, expect, trace = re.split(r"^-- (?:expect|trace) --\n", path.read_text(), flags=re.MULTILINE)
    return to_bytes(trace), expect.startswith("SUCCESS")
