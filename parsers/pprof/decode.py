"""A profile message's fields as arrays, ids and string indices as they stand in the message.

A compiled kernel reads the bytes; nothing is checked here but the wire format.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tracemill.parsers.api import ParseError
from tracemill.parsers.kernels.pprof_wire import read_profile

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]
    Unsigned = NDArray[np.uint64]

MAX_MESSAGE_BYTES = 512 * 1024**2
# An empty sample takes two bytes: what a message announces is capped before anything is made of it.
MAX_ROWS = 100_000_000

_TYPES, _SAMPLES, _IDS, _VALUES, _LABELS, _LOCATIONS, _LINES, _FUNCTIONS, _MAPPINGS, _STRINGS, _COMMENTS = (
    range(11)
)
_FACTS = {
    -1: "the field is cut off",
    -2: "an integer is longer than ten bytes",
    -4: "the field's wire type is none of a profile's",
}


@dataclass(frozen=True, slots=True)
class Message:
    """profile.proto as columns. Row i of a list has [offsets[i], offsets[i + 1]) of its …_offsets."""

    strings: list[bytes]
    sample_types: list[tuple[int, int]]
    values: Ints
    value_offsets: Ints
    location_ids: Unsigned
    location_offsets: Ints
    # Labels of all samples: (sample, key, str, num, num_unit)
    labels: Ints
    # Locations
    id: Unsigned
    mapping_id: Unsigned
    address: Unsigned
    line_offsets: Ints
    line_function_id: Unsigned
    line_number: Ints
    # Functions: id, (name, filename), and the line where each begins, 0 unknown
    function_id: Unsigned
    function_strings: Ints
    start_line: Ints
    # Mappings: (id, start, limit, offset), and (filename, build id)
    mapping_numbers: Unsigned
    mapping_strings: Ints
    period_type: tuple[int, int]
    period: int
    time_nanos: int
    duration_nanos: int
    default_sample_type: int
    drop_frames: int
    keep_frames: int
    comments: list[int]


def decode(data: bytes, path: str) -> Message:
    """The message in data. Raises ParseError with the byte where it breaks."""
    if len(data) > MAX_MESSAGE_BYTES:
        raise ParseError(path, f"byte {MAX_MESSAGE_BYTES}", "a profile larger than the cap of 512 MiB")
    # It takes what it could write to. As memory views: uncompiled, the kernel is to see plain integers.
    buf = memoryview(bytearray(data))
    counts = _read(buf, [np.empty(0, np.uint64)] * 12, np.zeros(16, np.uint64), path)
    for what, count in zip(("samples", "location ids", "values", "labels"), counts[_SAMPLES:], strict=False):
        if count > MAX_ROWS:
            raise ParseError(path, "", f"{count} {what}, more than the cap of {MAX_ROWS}")
    # The labels' second array says whose they are.
    widths = (2, 2, 1, 1, 4, 1, 4, 2, 5, 6, 2, 1)
    labels = counts[_LABELS]
    rows = [*counts[:_LABELS], labels, labels, *counts[_LOCATIONS:]]
    arrays = [np.zeros(n * width, np.uint64) for n, width in zip(rows, widths, strict=True)]
    scalars = np.zeros(16, np.uint64)
    _read(buf, arrays, scalars, path)
    tables = [array.reshape(-1, width) for array, width in zip(arrays, widths, strict=True)]
    return _message(data, tables, scalars.view(np.int64).tolist())


def _read(buf: memoryview, arrays: list[Unsigned], scalars: Unsigned, path: str) -> list[int]:
    """Let the kernel count, and fill the arrays where rows fit."""
    counts, state = np.zeros(11, np.int64), np.zeros(4, np.int64)
    views = [buf, *(array.data for array in (*arrays, scalars, counts, state))]
    status = read_profile(*views)
    if status < 0:
        fact = _FACTS.get(status) or f"the field announces {state[1]} bytes, more than are left"
        raise ParseError(path, f"byte {state[0]}", fact)
    return counts.tolist()


def _message(data: bytes, tables: list[Unsigned], scalars: list[int]) -> Message:
    types, samples, ids, values, labels, owners, locations, lines, functions, mappings, strings, comments = (
        tables
    )
    signed = [(int(a), int(b)) for a, b in types.view(np.int64)]
    return Message(
        strings=[data[start:end] for start, end in strings.tolist()],
        sample_types=signed,
        values=values[:, 0].view(np.int64),
        value_offsets=_offsets(samples[:, 0]),
        location_ids=ids[:, 0],
        location_offsets=_offsets(samples[:, 1]),
        labels=np.concatenate([owners, labels], axis=1).view(np.int64),
        id=locations[:, 0],
        mapping_id=locations[:, 1],
        address=locations[:, 2],
        line_offsets=_offsets(locations[:, 3]),
        line_function_id=lines[:, 0],
        line_number=lines[:, 1].astype(np.int64),
        function_id=functions[:, 0],
        function_strings=functions[:, [1, 3]].view(np.int64),
        start_line=functions[:, 4].astype(np.int64),
        mapping_numbers=mappings[:, :4],
        mapping_strings=mappings[:, 4:].astype(np.int64),
        period_type=(scalars[0], scalars[1]),
        period=scalars[12],
        time_nanos=scalars[9],
        duration_nanos=scalars[10],
        default_sample_type=scalars[14],
        drop_frames=scalars[7],
        keep_frames=scalars[8],
        comments=comments[:, 0].view(np.int64).tolist(),
    )


def _offsets(ends: Unsigned) -> Ints:
    """Offsets from where each row ends."""
    return np.concatenate([np.zeros(1, np.int64), ends.astype(np.int64)])
