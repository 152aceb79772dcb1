"""The peak memory of this process."""

from __future__ import annotations

from pathlib import Path


def peak_mb() -> float:
    """Its own, in MB, as Linux tells it; ru_maxrss begins with that of the process it was forked from."""
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024
