"""How ``stack_id`` and ``path_id`` are made of content, so that they are the same in every capture and build.

The hash of frames h₀ … hₙ, leaf first, is Σ hᵢ Kⁱ⁺¹ mod 2⁶⁴, as a signed integer. A name's hash is BLAKE2b (8
bytes, little endian). ``path_id`` is of function names; what a frame's hash is stands in ``parsers/stacks.py``.
"""

from __future__ import annotations

from functools import lru_cache
from hashlib import blake2b
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

MASK = 2**64 - 1
# Odd, with bits well spread: the K above.
MULTIPLIER = 0xD6E8FEB86659FD93


@lru_cache(maxsize=1 << 16)
def hash_name(text: str) -> int:
    """Unsigned 64-bit hash of a text."""
    return int.from_bytes(blake2b(text.encode("utf-8", "surrogateescape"), digest_size=8).digest(), "little")


def combine(hashes: Sequence[int]) -> int:
    """Signed hash of a stack from its frames' or names' hashes, leaf first."""
    total = 0
    for value in reversed(hashes):
        total = (total + value) * MULTIPLIER & MASK
    return total - 2**64 if total >> 63 else total
