"""A profile message's fields as arrays, ids and string indices as they stand in the message.

A compiled kernel reads the bytes; nothing is checked here but the wire format.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tracemill.parsers.api import ParseError
from tracemill.parsers.kernels.layout import read_constants
from tracemill.parsers.kernels.pprof_wire import read_profile

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]
    Unsigned = NDArray[np.uint64]

MAX_MESSAGE_BYTES = 512 * 1024**2
# An empty sample takes two bytes: what a message announces is capped before anything is made of it.
MAX_ROWS = 100_000_000

_CODES = read_constants("pprof_wire")
_FACTS = {
    _CODES["CUT"]: "the field is cut off",
    _CODES["TOO_LONG"]: "an integer is longer than ten bytes",
    _CODES["E_LENGTH"]: "the field announces {about} bytes, more than are left",
    _CODES["E_WIRE_TYPE"]: "the field's wire type is none of a profile's",
}


# The kernel's arrays in its order: what they count as, and columns. The second of labels says whose they are.
_ARRAYS = tuple(
    (_CODES[f"N_{what}"], _CODES[width] if width else 1)
    for what, width in (
        ("TYPES", "TYPE_WIDTH"),
        ("SAMPLES", "SAMPLE_WIDTH"),
        ("LOCATION_IDS", ""),
        ("VALUES", ""),
        ("LABELS", "LABEL_WIDTH"),
        ("LABELS", ""),
        ("LOCATIONS", "LOCATION_WIDTH"),
        ("LINES", "LINE_WIDTH"),
        ("FUNCTIONS", "FUNCTION_WIDTH"),
        ("MAPPINGS", "MAPPING_WIDTH"),
        ("STRINGS", "STRING_WIDTH"),
        ("COMMENTS", ""),
    )
)


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
    counts = _read(buf, [np.empty(0, np.uint64)] * len(_ARRAYS), _new_scalars(), path)
    for what in ("SAMPLES", "LOCATION_IDS", "VALUES", "LABELS"):
        count = counts[_CODES[f"N_{what}"]]
        if count > MAX_ROWS:
            words = what.lower().replace("_", " ")
            raise ParseError(path, "", f"{count} {words}, more than the cap of {MAX_ROWS}")
    arrays = [np.zeros(counts[which] * width, np.uint64) for which, width in _ARRAYS]
    scalars = _new_scalars()
    _read(buf, arrays, scalars, path)
    tables = [array.reshape(-1, width) for array, (_, width) in zip(arrays, _ARRAYS, strict=True)]
    return _message(data, tables, scalars.view(np.int64).tolist())


def _new_scalars() -> Unsigned:
    return np.zeros(_CODES["SCALARS"], np.uint64)


def _read(buf: memoryview, arrays: list[Unsigned], scalars: Unsigned, path: str) -> list[int]:
    """Let the kernel count, and fill the arrays where rows fit."""
    counts, state = np.zeros(_CODES["COUNTS"], np.int64), np.zeros(_CODES["STATE_WIDTH"], np.int64)
    views = [buf, *(array.data for array in (*arrays, scalars, counts, state))]
    status = read_profile(*views)
    if status < 0:
        fact = _FACTS[status].format(about=state[_CODES["ABOUT"]])
        raise ParseError(path, f"byte {state[_CODES['AT']]}", fact)
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
