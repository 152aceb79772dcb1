"""A profile message's fields as arrays, ids and string indices as they stand in the message.

Protobuf's own runtime (upb) decodes; nothing is checked here but the wire format.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, Any

import numpy as np

from parsers.api import ParseError
from parsers.pprof.wire import first_fault

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

    Ints = NDArray[np.int64]
    Unsigned = NDArray[np.uint64]

# A decoded message takes some forty times its bytes when it is made of empty samples.
MAX_MESSAGE_BYTES = 256 * 1024**2


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
    # Functions: id, and (name, filename)
    function_id: Unsigned
    function_strings: Ints
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
    from google.protobuf.message import DecodeError

    from parsers.pprof.messages import Profile

    if len(data) > MAX_MESSAGE_BYTES:
        raise ParseError(path, f"byte {MAX_MESSAGE_BYTES}", "a profile larger than the cap of 256 MiB")
    message: Any = Profile()
    try:
        message.ParseFromString(data)
    except DecodeError as error:
        fault = first_fault(data)
        if fault is not None:
            raise ParseError(path, f"byte {fault.offset}", fault.fact) from error
        raise ParseError(path, "", f"not a profile message: {error}") from error
    return _columns(message)


def _columns(p: Any) -> Message:  # noqa: ANN401 - the class is made at run time
    samples, locations, functions, mappings = p.sample, p.location, p.function, p.mapping
    values = [s.value for s in samples]
    location_ids = [s.location_id for s in samples]
    lines = [location.line for location in locations]
    flat_lines = list(chain.from_iterable(lines))
    labels = [
        (i, label.key, label.str, label.num, label.num_unit)
        for i, s in enumerate(samples)
        for label in s.label
    ]
    return Message(
        strings=list(p.string_table),
        sample_types=[(kind.type, kind.unit) for kind in p.sample_type],
        values=_flat(values, np.int64),
        value_offsets=_offsets(values),
        location_ids=_flat(location_ids, np.uint64),
        location_offsets=_offsets(location_ids),
        labels=_table(labels, 5, np.int64),
        id=_column((x.id for x in locations), np.uint64),
        mapping_id=_column((x.mapping_id for x in locations), np.uint64),
        address=_column((x.address for x in locations), np.uint64),
        line_offsets=_offsets(lines),
        line_function_id=_column((x.function_id for x in flat_lines), np.uint64),
        line_number=_column((x.line for x in flat_lines), np.int64),
        function_id=_column((x.id for x in functions), np.uint64),
        function_strings=_table([(x.name, x.filename) for x in functions], 2, np.int64),
        mapping_numbers=_table(
            [(x.id, x.memory_start, x.memory_limit, x.file_offset) for x in mappings], 4, np.uint64
        ),
        mapping_strings=_table([(x.filename, x.build_id) for x in mappings], 2, np.int64),
        period_type=(p.period_type.type, p.period_type.unit),
        period=p.period,
        time_nanos=p.time_nanos,
        duration_nanos=p.duration_nanos,
        default_sample_type=p.default_sample_type,
        drop_frames=p.drop_frames,
        keep_frames=p.keep_frames,
        comments=list(p.comment),
    )


def _column(values: Iterable[int], dtype: type[np.generic]) -> NDArray[Any]:
    return np.fromiter(values, dtype)


def _flat(rows: Sequence[Sequence[int]], dtype: type[np.generic]) -> NDArray[Any]:
    return np.fromiter(chain.from_iterable(rows), dtype)


def _table(rows: Sequence[tuple[int, ...]], width: int, dtype: type[np.generic]) -> NDArray[Any]:
    return np.array(rows, dtype).reshape(len(rows), width)


def _offsets(rows: Sequence[Sequence[object]]) -> Ints:
    offsets = np.zeros(len(rows) + 1, np.int64)
    np.cumsum(np.fromiter(map(len, rows), np.int64, len(rows)), out=offsets[1:])
    return offsets
