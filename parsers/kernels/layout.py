"""The constants of the trace kernels, read from their .pxd files: one declaration for C and for Python."""

from __future__ import annotations

from pathlib import Path


def read_constants(path: Path) -> dict[str, int]:
    """NAME = number lines of a .pxd file with one enum."""
    constants: dict[str, int] = {}
    for line in path.read_text("ascii").splitlines():
        name, equals, value = line.partition(" = ")
        if equals and line.startswith("    ") and not name.strip().startswith("#"):
            constants[name.strip()] = int(value)
    return constants


LAYOUT = read_constants(Path(__file__).with_name("trace_order.pxd"))
V1 = read_constants(Path(__file__).with_name("trace_v1.pxd"))
