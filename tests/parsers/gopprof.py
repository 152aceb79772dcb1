"""What `go tool pprof` says of a profile, read from its output: the judge of our own reading."""

from __future__ import annotations

import re
import subprocess
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from examples.toolchain import environment, tool

VERSION = "1.27"
Frame = tuple[str, str, int]
Sample = tuple[tuple[int, ...], tuple[Frame, ...], int | None, str]


@dataclass
class Raw:
    """`pprof -raw`: sample types, and each sample's values, frames (leaf first), leaf address and labels."""

    types: list[str] = field(default_factory=list)
    samples: Counter[Sample] = field(default_factory=Counter)
    period: int = 0


def run(file: Path, *flags: str) -> str:
    command = [tool(VERSION, "pprof"), *flags, file]
    env = environment() | {"HOME": "/nonexistent"}
    return subprocess.run(command, env=env, capture_output=True, text=True, check=True).stdout


def raw(file: Path) -> Raw:
    head, rest = run(file, "-raw", "-symbolize=none").split("\nSamples:\n")
    body, rest = rest.split("\nLocations\n")
    locations = locations_of(rest.split("\nMappings\n")[0])
    lines = body.split("\n")
    result = Raw(types=[word.split("[")[0] for word in lines[0].split()])
    result.period = int(re.search(r"Period: (-?\d+)", head).group(1))
    pending = None
    for line in [*lines[1:], None]:
        match = re.fullmatch(r"((?:\s*-?\d+)+): ?([\d ]*)", line or "0:")
        if match:
            if pending:
                result.samples[pending] += 1
            ids = [int(i) for i in match[2].split()]
            frames = tuple(f for i in ids for f in locations[i][1])
            leaf = locations[ids[0]][0] if ids else None
            pending = (tuple(int(v) for v in match[1].split()), frames, leaf, "")
        else:
            pending = (*pending[:3], " ".join([*pending[3].split(), *line.split()]))
    return result


def locations_of(text: str) -> dict[int, tuple[int, list[Frame]]]:
    found: dict[int, tuple[int, list[Frame]]] = {}
    for line in text.split("\n"):
        match = re.fullmatch(r"\s+(\d+): (0x[0-9a-f]+) (?:M=\d+ ?)?(.*)", line)
        if match:
            frames: list[Frame] = []
            found[int(match[1])] = (int(match[2], 16), frames)
        text_of_frame = match[3] if match else line.strip()
        frame = re.fullmatch(r"(?:(.+) )?(\S*):(\d+):\d+ s=\d+(?:\(.*\))?", text_of_frame.strip())
        if frame:
            frames.append((frame[1] or "<unknown>", frame[2], int(frame[3])))
    return found


def top(file: Path, sample_type: str) -> dict[str, tuple[int, int]]:
    """Function → (flat, cum), exact."""
    unit = "ns" if sample_type in ("delay", "cpu") else "B"
    text = run(
        file, "-top", "-trim=false", f"-unit={unit}", f"-sample_index={sample_type}", "-symbolize=none"
    )
    rows = {}
    for line in text.split("flat  flat%   sum%        cum   cum%\n")[1].splitlines():
        flat, _, _, cum, _, name = line.split(None, 5)
        rows[re.sub(r" \((partial-)?inline\)$", "", name)] = (_number(flat), _number(cum))
    return rows


def _number(text: str) -> int:
    return int(re.fullmatch(r"(-?\d+)(?:ns|B|)", text).group(1))
