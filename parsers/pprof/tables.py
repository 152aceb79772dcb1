"""A profile as batches: profile_samples, profile_mappings, stacks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from parsers.api import Batch
from parsers.pprof.stacks import frames_of, intern_stacks
from parsers.stacks import StackTable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from parsers.pprof.resolve import Profile

# The house's word for a unit, where pprof has another.
UNITS = {"nanoseconds": "ns"}
SAMPLES_PER_BATCH = 262_144


def batches(profile: Profile) -> Iterator[Batch]:
    """All rows of the profile."""
    table = StackTable()
    stacks = pa.array(intern_stacks(profile, frames_of(profile), table), pa.int64())
    columns = _sample_columns(profile)
    n_samples, n_types = profile.values.shape
    for start in range(0, n_samples, SAMPLES_PER_BATCH):
        sample = np.arange(start, min(start + SAMPLES_PER_BATCH, n_samples))
        of_row = pa.array(np.repeat(sample, n_types))
        rows = {
            "sample_index": of_row,
            "sample_type": _tiled([name for name, _ in profile.sample_types], len(sample)),
            "unit": _tiled([UNITS.get(unit, unit) for _, unit in profile.sample_types], len(sample)),
            "value": pa.array(profile.values[sample].reshape(-1)),
            "stack_id": stacks.take(of_row),
            "sampling_period": pa.array(np.full(len(of_row), profile.message.period)),
        }
        rows |= {name: values.take(of_row) for name, values in columns.items()}
        yield Batch("profile_samples", pa.RecordBatch.from_pydict(rows))
    yield _mappings(profile)
    yield from table.batches()


def _tiled(names: list[str], times: int) -> pa.DictionaryArray:
    """names over and over, as a dictionary column."""
    indices = np.tile(np.arange(len(names), dtype=np.int32), times)
    return pa.DictionaryArray.from_arrays(pa.array(indices), pa.array(names, pa.string()))


def _sample_columns(profile: Profile) -> dict[str, pa.Array]:
    """Columns with one value a sample: leaf and labels."""
    starts, ends = profile.stack_offsets[:-1], profile.stack_offsets[1:]
    has_leaf = starts < ends
    leaf = np.zeros(len(starts), np.int64)
    leaf[has_leaf] = profile.stack_locations[starts[has_leaf]]
    n_locations = len(profile.message.address)
    address = profile.message.address[leaf] if n_locations else np.zeros(len(leaf), np.uint64)
    mapping = profile.location_mapping[leaf] if n_locations else np.full(len(leaf), -1)
    return {
        "leaf_pc": pa.array(address, mask=~has_leaf),
        "mapping_index": pa.array(mapping.astype(np.int32), mask=~has_leaf | (mapping < 0)),
        **_labels(profile, len(starts)),
    }


def _labels(profile: Profile, n_samples: int) -> dict[str, pa.Array]:
    """labels, numeric_labels and numeric_units: maps, null for a sample without any.

    Of a key that a sample repeats, texts are joined by ", " and the first number stays.
    """
    texts: dict[int, dict[str, str]] = {}
    numbers: dict[int, dict[str, int]] = {}
    units: dict[int, dict[str, str]] = {}
    strings = profile.strings
    for sample, key, text, number, unit in profile.labels.tolist():
        name = strings[key]
        if text:
            given = texts.setdefault(sample, {})
            given[name] = f"{given[name]}, {strings[text]}" if name in given else strings[text]
        else:
            numbers.setdefault(sample, {}).setdefault(name, number)
            if unit:
                units.setdefault(sample, {}).setdefault(name, strings[unit])
    return {
        "labels": _maps(texts, n_samples, pa.string()),
        "numeric_labels": _maps(numbers, n_samples, pa.int64()),
        "numeric_units": _maps(units, n_samples, pa.string()),
    }


def _maps(of_sample: dict[int, dict[str, Any]], n_samples: int, kind: pa.DataType) -> pa.Array:
    type_ = pa.map_(pa.string(), kind)
    if not of_sample:
        return pa.nulls(n_samples, type_)
    rows = [list(of_sample[i].items()) if i in of_sample else None for i in range(n_samples)]
    return pa.array(rows, type_)


def _mappings(profile: Profile) -> Batch:
    numbers: NDArray[np.uint64] = profile.message.mapping_numbers
    strings = profile.strings
    texts = [(strings[file], strings[build]) for file, build in profile.mapping_strings.tolist()]
    rows = {
        "mapping_index": pa.array(np.arange(len(numbers), dtype=np.int32)),
        "mapping_start": pa.array(numbers[:, 1]),
        "mapping_limit": pa.array(numbers[:, 2]),
        "mapping_offset": pa.array(numbers[:, 3]),
        "mapping_file": pa.array([file for file, _ in texts], pa.string()),
        "gnu_build_id": pa.array([build or None for _, build in texts], pa.string()),
    }
    return Batch("profile_mappings", pa.RecordBatch.from_pydict(rows))
