"""The runtime's functions that allocate for their caller, and the class of each.

A class says what the caller wanted. ``map_grow`` is what an assignment calls when the map is too
small: to Go 1.23 hashGrow, growWork, evacuate and newoverflow, from 1.24 growToTable, rehash, grow and
split. ``growToSmall`` is none of them: it makes the first group of a map that has none yet, as
``mapassign`` itself makes the first bucket to Go 1.23.

``convert`` is boxing: a value put into an interface, by convT*. What the compiler boxes by newobject is
no different from any other new object.
"""

from __future__ import annotations

import re

_CLASSES = {
    "map_assign": r"(?:runtime|reflect)\.mapassign",
    "map_make": r"(?:runtime|reflect)\.makemap",
    "map_clone": r"runtime\.mapclone|maps\.clone$",
    "map_grow": r"runtime\.(?:hashGrow|growWork|evacuate|\(\*hmap\)\.newoverflow)"
    r"|internal/runtime/maps\.(?:\(\*Map\)\.(?:growToTable|installTableSplit)|\(\*table\)\.(?:rehash|grow|split))",
    "convert": r"runtime\.convT",
    "other": r"runtime\.(?:growslice|newobject|makeslice|newarray|mallocgc|makechan|moveSlice)"
    r"|runtime\.(?:concatstring|concatbyte|slicebytetostring$|stringtoslice|slicerunetostring|intstring)"
    r"|reflect\.(?:unsafe_New|growslice)|internal/reflectlite\.unsafe_New"
    r"|runtime\.\(\*hmap\)\."
    r"|internal/runtime/maps\.(?:New|new|\(\*Map\)\.(?:growToSmall|putSlot)|\(\*table\)\.reset)",
}
WANTED = re.compile(f"^(?:{'|'.join(_CLASSES.values())})")
_PATTERNS = {name: re.compile(pattern) for name, pattern in _CLASSES.items()}


def callee_class(callee: str) -> str:
    """map_assign, map_make, map_clone, map_grow, convert or other."""
    return next((name for name, pattern in _PATTERNS.items() if pattern.match(callee)), "other")
