"""Figures with their units, in the step that reads best, and changes in words."""

from __future__ import annotations

_STEPS = {
    "bytes": ((2**30, "GiB"), (2**20, "MiB"), (2**10, "KiB"), (1, "B")),
    "ns": ((1e9, "s"), (1e6, "ms"), (1e3, "µs"), (1, "ns")),
    "sec": ((1, "s"), (1e-3, "ms"), (1e-6, "µs"), (1e-9, "ns")),
}
# Rounded to three digits it is a thousand.
_FOUR_DIGITS = 999.5
# Larger figures are powers of ten.
_MOST_DIGITS = 1e9
# What stands behind a stroke in the field, and is no unit of work with a plural.
_SYMBOLS = {"op", "s"}
# What moved is said to cost the same where it is neither so many times as much nor as little.
_SAME_COST = 1.25


def amount(value: float | None, unit: str | None) -> str:
    """A value with its unit: 262144 bytes/requests → 256 KiB a request."""
    if value is None:
        return "?"
    number, behind = _parts(value, unit)
    return number + behind


def amounts(before: float | None, after: float | None, unit: str | None) -> str:
    """A change; what a figure is per stands once: 28 B → 581 B a request."""
    if before is None or after is None:
        return f"{amount(before, unit)} → {amount(after, unit)}"
    return f"{_parts(before, unit)[0]} → {amount(after, unit)}"


def _parts(value: float, unit: str | None) -> tuple[str, str]:
    """The figure with its base unit, and what it is per."""
    base, _, work = (unit or "").partition("/")
    behind = per_one(work)
    steps: tuple[tuple[float, str], ...] = _STEPS.get("bytes" if base == "B" else base, ())
    for place, (size, name) in enumerate(steps):
        # In the next step it would have four digits.
        if place + 1 == len(steps) or abs(value) >= _FOUR_DIGITS * steps[place + 1][0]:
            figure = value / size
            return f"{figure:,.0f} {name}" if abs(figure) >= _FOUR_DIGITS else f"{figure:.3g} {name}", behind
    if base == "share":
        return f"{100 * value:.3g} %", behind
    number = f"{value:,.0f}" if _FOUR_DIGITS <= abs(value) < _MOST_DIGITS else f"{value:.4g}"
    # 1 alloc; a unit such as p99-ns is no plural.
    named = singular(base) if number == "1" and base.isalpha() and len(base) > 3 else base
    return f"{number} {'' if base == 'count' else named}".rstrip(), behind


def per_one(work: str | None) -> str:
    """What a figure is per, in words: requests → " a request"; s → "/s"."""
    if not work:
        return ""
    if work in _SYMBOLS:
        return f"/{work}"
    one = singular(work)
    return f" {'an' if one[0] in 'aeiouAEIOU' else 'a'} {one}"


def base_and_per(unit: str | None) -> tuple[str, str]:
    """For a table whose title says what its figures are per: bytes/requests → "bytes" and ", a request"."""
    base, _, work = (unit or "").partition("/")
    said = {"s": " a second", "op": " an operation"}.get(work, per_one(work))
    return base, f",{said}" if said else ""


def singular(plural: str) -> str:
    """One of several: requests → request, queries → query, batches → batch."""
    if plural.endswith("ies") and len(plural) > 4:
        return plural[:-3] + "y"
    if plural.endswith(("ches", "shes", "sses", "xes")):
        return plural[:-2]
    return plural[:-1] if plural.endswith("s") and not plural.endswith("ss") else plural


def factor(ratio: float | None, before: float | None, *, is_sample: bool = False) -> str:
    """A change as a factor; where it is none, the word for what is new or gone, as far as samples show."""
    if not ratio and is_sample:
        return "not seen" if before else "first seen"
    if not ratio:
        return "new" if not before else "gone"
    return f"×{ratio:.3g}" if ratio >= 1 else f"÷{1 / ratio:.3g}"


def cost_of_move(ratio: float | None, unknown: str = "cost unknown") -> str:
    """Whether what moved costs the same; unknown: what is said where figures are too far apart to tell."""
    return "same cost" if ratio and 1 / _SAME_COST <= ratio <= _SAME_COST else unknown
