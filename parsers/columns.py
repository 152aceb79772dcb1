"""Arrow columns from numpy arrays and texts, straight from buffers.

``pa.array`` would do, but its first call imports numpy.ma and dateutil, and a
dictionary or cast pyarrow.compute: together 0.1 s, which is half of what a small
trace takes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

INTS = pa.int64()


def plain(
    kind: pa.DataType, count: int, values: pa.Buffer, valid: NDArray[np.bool_] | None = None
) -> pa.Array:
    """An array over values, null where valid is false."""
    if valid is None or valid.all():
        return pa.Array.from_buffers(kind, count, [None, values], 0)
    mask = pa.py_buffer(np.packbits(valid, bitorder="little"))
    return pa.Array.from_buffers(kind, count, [mask, values], count - int(np.count_nonzero(valid)))


def ints(values: NDArray[np.int64], valid: NDArray[np.bool_] | None = None) -> pa.Array:
    """Integers of 64 bits, null where valid is false."""
    return plain(INTS, len(values), pa.py_buffer(np.ascontiguousarray(values)), valid)


def nullable(values: NDArray[np.int64]) -> pa.Array:
    """Integers, null where negative."""
    return ints(values, values >= 0)


def numbers(kind: pa.DataType, values: NDArray[Any]) -> pa.Array:
    """Numbers of another kind, which the array's type must match."""
    return plain(kind, len(values), pa.py_buffer(np.ascontiguousarray(values)))


def flags(values: NDArray[Any]) -> pa.Array:
    """Booleans from anything that is zero or not."""
    bits = pa.py_buffer(np.packbits(values, bitorder="little"))
    return pa.Array.from_buffers(pa.bool_(), len(values), [None, bits], 0)


def texts(values: Sequence[str | None]) -> pa.Array:
    """Strings, null for None."""
    return chosen(np.arange(len(values)), values)


def chosen(codes: NDArray[Any], names: Sequence[str | None]) -> pa.Array:
    """Strings by their index in names, null for None."""
    encoded = [b"" if name is None else name.encode("utf-8", "replace") for name in names]
    ends = np.zeros(len(codes) + 1, np.int64)
    np.cumsum(np.array([len(name) for name in encoded], np.int64)[codes], out=ends[1:])
    assert ends[-1] < 1 << 31, "one batch of strings stays below 2 GiB"
    content = b"".join([encoded[code] for code in codes.tolist()])
    valid = np.array([name is not None for name in names], np.bool_)[codes]
    nulls = len(codes) - int(np.count_nonzero(valid))
    mask = pa.py_buffer(np.packbits(valid, bitorder="little")) if nulls else None
    buffers = [mask, pa.py_buffer(ends.astype(np.int32)), pa.py_buffer(content)]
    return pa.Array.from_buffers(pa.string(), len(codes), buffers, nulls)


def words(count: int, codes: pa.Buffer, valid: NDArray[np.bool_] | None, dictionary: pa.Array) -> pa.Array:
    """Words by int32 codes, null where valid is false."""
    # The kernel's codes are indexes by construction: no need to check each.
    return pa.DictionaryArray.from_arrays(plain(pa.int32(), count, codes, valid), dictionary, safe=False)


def signed(value: int) -> int:
    """64 bits as the signed number that columns hold; what is negative already stays."""
    return value - (1 << 64) if value >> 63 > 0 else value
