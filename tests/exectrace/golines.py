"""Both sides of the comparison with `go tool trace -d=parsed`: its events, and ours written the same way.

Program counters are left out: a stack of ours stands for all occurrences of the same
functions, files and lines.
"""

from __future__ import annotations

import datetime
import json
import re
import subprocess
from typing import TYPE_CHECKING

from examples.toolchain import environment, tool
from tracemill.parsers.exectrace import spec

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import pyarrow as pa

_PC = re.compile(r" @ 0x[0-9a-f]+$")
_PROC_STATUS = {"Running": "Running", "Idle": "Idle", "Syscall": "Running", "SyscallAbandoned": "Idle"}
_EXPERIMENT_NAMES = {
    "npages": "npages_value",
    "order": "order",
    "kindclass": "kindclass",
    "id": "id",
    "type": "type",
}


def go_events(trace: Path) -> tuple[list[str], str]:
    """Events that Go's reader prints, one text each, and its error, if any."""
    command = [tool("1.27", "trace"), "-d=parsed", str(trace)]
    done = subprocess.run(
        command, env=environment() | {"TZ": "UTC"}, capture_output=True, text=True, check=False
    )
    events: list[list[str]] = []
    for line in done.stdout.split("\n"):
        if line.startswith("M="):
            events.append([line])
        elif line:
            events[-1].append(_PC.sub("", line))
    return ["\n".join(event) for event in events], done.stderr


def our_events(tables: dict[str, pa.Table], start: int) -> Iterator[str]:
    """Rows of trace_events as Go prints them; start is the first event's time on the trace clock."""
    stacks = {}
    for row in tables["stacks"].to_pylist() if "stacks" in tables else []:
        frames = zip(row["functions"], row["files"], row["lines"], strict=True)
        stacks[row["stack_id"]] = "".join(f"\n\t{f}\n\t\t{p}:{n}" for f, p, n in frames)
    table = tables["trace_events"]
    for first in range(0, table.num_rows, 10000):
        for row in table.slice(first, 10000).to_pylist():
            yield _line(row, start, stacks)


def _line(row: dict, start: int, stacks: dict[int, str]) -> str:
    args = json.loads(row["args"]) if row["args"] else {}
    event, g, p = row["event"], _id(row["goroutine_id"]), _id(row["proc_id"])
    kind, details = _details(event, args, g, p)
    text = f"M={_id(row['thread_id'])} P={p} G={g} {kind} Time={row['ts_ns'] + start}{details}"
    stack = stacks.get(row["stack_id"], "")
    transition = ""
    if event in ("GoStop", "GoBlock", "GoSyscallBegin", "GoStatusStack", "GoStatus"):
        transition = stack
    elif event in ("GoCreate", "GoCreateBlocked"):
        transition = stacks.get(args["new_stack"], "")
        text += "" if transition else "\nTransitionStack="
    if transition:
        text += "\nTransitionStack=" + transition
    if stack or event == "CPUSample":
        text += "\nStack=" + stack
    return text


def _details(event: str, args: dict, g: int, p: int) -> tuple[str, str]:
    if event in ("ProcsChange", "HeapAlloc", "HeapGoal"):
        number = {"ProcsChange": 9, "HeapAlloc": 37, "HeapGoal": 38}[event]
        return (
            "Metric",
            f' Name="{spec.METRIC_NAMES[number]}" Value=Value{{Uint64({next(iter(args.values()))})}}',
        )
    if event == "GoLabel":
        return "Label", f" Label={quote(args['label'])} Resource=Goroutine({g})"
    if event.startswith(("STW", "GC")):
        return _range(event, args, g, p)
    if event.startswith("UserTask"):
        kind = "TaskBegin" if event.endswith("Begin") else "TaskEnd"
        return kind, f" ID={args['task']} Parent={args['parent_task']} Type={quote(args['name'])}"
    if event.startswith("UserRegion"):
        return event[4:], f" Task={args['task']} Type={quote(args['name'])}"
    if event == "UserLog":
        return "Log", f" Task={args['task']} Category={quote(args['key'])} Message={quote(args['value'])}"
    if event == "CPUSample":
        return "StackSample", ""
    if event == "Sync":
        return "Sync", _sync(args)
    if event.startswith(("Span", "Heap", "Goroutine")):
        values = ", ".join(
            f"{_EXPERIMENT_NAMES[name]}=Value{{Uint64({value})}}" for name, value in args.items()
        )
        return "Experimental", f" Name={event} Args=[{values}]"
    return "StateTransition", _transition(event, args, g, p)


def _range(event: str, args: dict, g: int, p: int) -> tuple[str, str]:
    phase = "Begin" if event.endswith("Begin") else "End" if event.endswith("End") else "Active"
    name = {"ST": spec.RANGE_NAMES[26].format(args.get("kind")), "GC": spec.RANGE_NAMES[29]}[event[:2]]
    scope = f"Goroutine({g})" if event.startswith("STW") else "None"
    if "Sweep" in event:
        name, scope = spec.RANGE_NAMES[32], f"Proc({args.get('p', p)})"
    if "Assist" in event:
        name, scope = spec.RANGE_NAMES[35], f"Goroutine({args.get('g', g)})"
    text = f" Name={quote(name)} Scope={scope}"
    if phase == "End":
        sizes = [
            f'"bytes {key}"=Value{{Uint64({args[key]})}}' for key in ("swept", "reclaimed") if key in args
        ]
        text += f" Attributes=[{' '.join(sizes)}]"
    return f"Range{phase}", text


def _transition(event: str, args: dict, g: int, p: int) -> str:
    reason = quote(args.get("reason", ""))
    if event.startswith("Proc"):
        old, new = {
            "ProcStart": ("Idle", "Running"),
            "ProcStop": ("Running", "Idle"),
            "ProcSteal": ("Idle" if args.get("was") == "SyscallAbandoned" else "Running", "Idle"),
            "ProcStatus": (args.get("was"), _PROC_STATUS.get(args.get("status"))),
        }[event]
        return f" ProcID={args.get('p', p)} {old}->{new} Reason={reason}"
    old, new = {
        "GoCreate": ("NotExist", "Runnable"),
        "GoCreateBlocked": ("NotExist", "Waiting"),
        "GoCreateSyscall": ("NotExist", "Syscall"),
        "GoStart": ("Runnable", "Running"),
        "GoDestroy": ("Running", "NotExist"),
        "GoDestroySyscall": ("Syscall", "NotExist"),
        "GoStop": ("Running", "Runnable"),
        "GoBlock": ("Running", "Waiting"),
        "GoUnblock": ("Waiting", "Runnable"),
        "GoSwitch": ("Waiting", "Runnable"),
        "GoSwitchDestroy": ("Waiting", "Runnable"),
        "GoSyscallBegin": ("Running", "Syscall"),
        "GoSyscallEnd": ("Syscall", "Running"),
        "GoSyscallEndBlocked": ("Syscall", "Runnable"),
        "GoStatus": (args.get("was"), args.get("status")),
        "GoStatusStack": (args.get("was"), args.get("status")),
    }[event]
    return f" GoID={args.get('new_g', args.get('g', g))} {old}->{new} Reason={reason}"


def _sync(args: dict) -> str:
    text = f" N={args['n']}"
    if "trace_ns" in args:
        seconds, ns = divmod(args["wall_ns"], 10**9)
        wall = datetime.datetime.fromtimestamp(seconds, datetime.UTC).strftime("%Y-%m-%dT%H:%M:%S")
        fraction = f".{ns:09d}".rstrip("0") if ns else ""
        text += f" Trace={args['trace_ns']} Mono={args['mono_ns']} Wall={wall}{fraction}Z"
    return text


def _id(value: int | None) -> int:
    return -1 if value is None else value


_ESCAPES = {
    "\a": "\\a",
    "\b": "\\b",
    "\f": "\\f",
    "\n": "\\n",
    "\r": "\\r",
    "\t": "\\t",
    "\v": "\\v",
    '"': '\\"',
    "\\": "\\\\",
}


def quote(text: str) -> str:
    """As Go's %q writes a string of printable and ASCII control characters."""
    return f'"{"".join(_ESCAPES.get(c) or _escaped(c) for c in text)}"'


def _escaped(c: str) -> str:
    if c.isprintable():
        return c
    code = ord(c)
    return (
        f"\\x{code:02x}"
        if code < 32 or code == 127
        else f"\\u{code:04x}"
        if code < 1 << 16
        else f"\\U{code:08x}"
    )
