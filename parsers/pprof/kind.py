"""Which profile it is, told by its content; the file's name only settles what content can't."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

# A mutex profile's stacks end where a lock is given back, a block profile's where one waits.
_GIVES_BACK = re.compile(r"\.(R?Unlock|r?unlock\w*|rUnlockSlow|unlockSlow)$|_LostContendedRuntimeLock$")
_COUNTED = ("goroutine", "goroutineleak", "threadcreate")


def kind_of(
    sample_types: list[tuple[str, str]], default_type: str, leaves: Callable[[], list[str]], file_name: str
) -> str:
    """heap, allocs, block, mutex, cpu, goroutine, goroutineleak, threadcreate or custom.

    leaves: gives the innermost functions of the samples. heap and allocs differ by the default
    sample type alone (runtime/pprof.writeAlloc); block and mutex by their leaves.
    """
    names = [name for name, _ in sample_types]
    if "alloc_space" in names or "inuse_space" in names:
        return "allocs" if default_type == "alloc_space" else "heap"
    if names == ["contentions", "delay"]:
        return _block_or_mutex(leaves(), file_name)
    if ("cpu", "nanoseconds") in sample_types:
        return "cpu"
    if len(names) == 1 and names[0] in _COUNTED:
        return names[0]
    return "custom"


def _block_or_mutex(leaves: list[str], file_name: str) -> str:
    given_back = [_GIVES_BACK.search(leaf) is not None for leaf in leaves]
    if given_back:
        return "mutex" if 2 * sum(given_back) > len(given_back) else "block"
    return "mutex" if "mutex" in file_name.lower() else "block"
