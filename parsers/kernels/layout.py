"""What the kernels' .pxd files declare, for Python: one declaration for C and for both kinds of Python.

A kernel that is not compiled takes its constants and inline functions from here; callers take the constants.
"""

from __future__ import annotations

import re
from pathlib import Path

_INCLUDE = re.compile(r'include "(\w+)\.pxd"')
_INLINE = re.compile(r"cdef inline .*?(\w+)\((.*)\) noexcept nogil:")


class _Cython:
    """What inline functions ask of the module ``cython``, which need not be installed to read constants."""

    compiled = False


def declared(name: str) -> dict[str, object]:
    """Constants by name, and inline functions as Python functions, of a .pxd file and of what it includes.

    An inline function's body is plain Python, so that its first line alone has to change.
    """
    found: dict[str, object] = {"cython": _Cython}
    lines = []
    for line in Path(__file__).with_name(f"{name}.pxd").read_text("utf-8").splitlines():
        if include := _INCLUDE.match(line):
            found |= declared(include[1])
        elif inline := _INLINE.match(line):
            arguments = [argument.split()[-1] for argument in inline[2].split(",")]
            lines.append(f"def {inline[1]}({', '.join(arguments)}):")
        elif line == "cdef enum:":
            lines.append("if True:")
        elif not line.lstrip().startswith(("cdef ", "cimport ", "from ", "@")):
            lines.append(line)
    exec("\n".join(lines), found)
    return {name: value for name, value in found.items() if name not in ("cython", "__builtins__")}


def read_constants(name: str) -> dict[str, int]:
    """The constants alone."""
    return {key: value for key, value in declared(name).items() if isinstance(value, int)}


# What the trace kernels have in common.
LAYOUT = read_constants("trace_codes")
