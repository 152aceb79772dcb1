"""Figures with their units, in the step that reads best."""

from __future__ import annotations

_STEPS = {
    "bytes": ((2**30, "GiB"), (2**20, "MiB"), (2**10, "KiB"), (1, "B")),
    "ns": ((1e9, "s"), (1e6, "ms"), (1e3, "µs"), (1, "ns")),
    "sec": ((1, "s"), (1e-3, "ms"), (1e-6, "µs"), (1e-9, "ns")),
}


def amount(value: float | None, unit: str | None) -> str:
    """A value with its unit: 262144 bytes/requests → 256 KiB/requests."""
    if value is None:
        return "?"
    base, slash, rest = (unit or "").partition("/")
    for size, name in _STEPS.get("bytes" if base == "B" else base, ()):
        if abs(value) >= size:
            return f"{value / size:.3g} {name}{slash}{rest}"
    return f"{value:.4g} {unit or ''}".rstrip()


def factor(ratio: float | None, before: float | None) -> str:
    """A change as a factor; where it is none, whether the cost is new or gone."""
    if not ratio:
        return "new" if not before else "gone"
    return f"×{ratio:.3g}"
