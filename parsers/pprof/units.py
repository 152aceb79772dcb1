"""Units of sample types in base units, and how much of them a program can come to.

Source: github.com/google/pprof/internal/measurement.

Quirks: as in pprof a kB has 1024 bytes, capitals do not matter, nor does an s at the end.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tracemill.parsers.api import ParseError

if TYPE_CHECKING:
    from numpy.typing import NDArray

_PREFIXES = {"k": "kilo", "m": "mega", "g": "giga", "t": "tera", "p": "peta"}
# Unit to (base unit, how many of it).
_BASE = {
    "b": ("bytes", 1),
    "byte": ("bytes", 1),
    **{
        name: ("bytes", 1024**power)
        for power, (letter, word) in enumerate(_PREFIXES.items(), 1)
        for name in (f"{letter}b", f"{letter}ib", f"{letter}byte", f"{word}byte")
    },
    **dict.fromkeys(("ns", "nanosecond"), ("ns", 1)),
    **dict.fromkeys(("us", "\N{GREEK SMALL LETTER MU}s", "\N{MICRO SIGN}s", "microsecond"), ("ns", 10**3)),
    **dict.fromkeys(("ms", "millisecond"), ("ns", 10**6)),
    **dict.fromkeys(("s", "sec", "second"), ("ns", 10**9)),
    **dict.fromkeys(("hr", "hour"), ("ns", 3600 * 10**9)),
}


# No program comes to so many bytes, objects or ns on CPU (2 years), and a build's sums stay within 64 bits.
# Thousands of goroutines may wait for longer.
MOST = 2**56


def require_possible(totals: dict[str, float], path: str) -> None:
    """Raise ParseError for a sample type whose values come to more than any program's."""
    for name, total in totals.items():
        if abs(total) > MOST and name != "delay":
            raise ParseError(path, name, f"its values come to {total:.4g}: no program has so much")


def base_of(unit: str) -> tuple[str, int]:
    """(base unit, how many of it the unit is); a unit that pprof does not know is its own."""
    lower = unit.lower()
    return _BASE.get(lower.removesuffix("s") if len(lower) > 2 else lower, (unit, 1))


def scaled(values: NDArray[np.int64], units: list[str], path: str) -> NDArray[np.int64]:
    """values (n_samples, n_types) in base units. Raises ParseError where they are beyond 64 bits."""
    factors = np.array([base_of(unit)[1] for unit in units], np.int64)
    if (factors == 1).all():
        return values
    most = np.iinfo(np.int64).max // factors
    beyond = np.argwhere((values > most) | (values < -most))
    if len(beyond):
        sample, kind = beyond[0].tolist()
        fact = f"{values[sample, kind]} {units[kind]} are more {base_of(units[kind])[0]} than 64 bits hold"
        raise ParseError(path, f"sample {sample}", fact)
    return values * factors
