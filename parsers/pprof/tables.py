"""A profile as batches: profile_samples, profile_mappings, named_addresses, stacks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from tracemill.parsers.api import Batch, ParseError
from tracemill.parsers.pprof.addresses import addresses
from tracemill.parsers.pprof.stacks import SampleStacks
from tracemill.parsers.pprof.units import base_of, scaled

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from tracemill.parsers.api import Stacks
    from tracemill.parsers.pprof.resolve import Profile

SAMPLES_PER_BATCH = 262_144
# Of all labels on all rows: so much, or what labels of this length come to.
FREE_LABEL_CHARS, MAX_CHARS_PER_LABEL = 128 * 1024**2, 128


def tables(profile: Profile) -> Iterator[Batch | Stacks]:
    """All rows of the profile."""
    stacks = SampleStacks(profile)
    columns = _sample_columns(profile) | {"stack_id": pa.array(stacks.ids, mask=stacks.is_empty)}
    if stacks.is_pruned.any():
        columns["pcs"] = _whole_stacks(profile, stacks.is_pruned)
    values = scaled(profile.values, [unit for _, unit in profile.sample_types], profile.path)
    period = profile.message.period * base_of(profile.string_or_empty(profile.message.period_type[1]))[1]
    if abs(period) >= 2**63:
        period = 0  # unknown
    n_samples, n_types = values.shape
    for start in range(0, n_samples, SAMPLES_PER_BATCH):
        count = min(SAMPLES_PER_BATCH, n_samples - start)
        # Row r is of sample r // n_types.
        place = _on_each_row(np.arange(count), n_types)
        rows = {
            "sample_index": pa.array(place + start),
            "sample_type": _tiled([name for name, _ in profile.sample_types], count),
            "unit": _tiled([base_of(unit)[0] for _, unit in profile.sample_types], count),
            "value": pa.array(values[start : start + count].reshape(-1)),
            "sampling_period": pa.array(np.full(len(place), period)),
        }
        for name, values in columns.items():
            of_sample = values.slice(start, count)
            if of_sample.null_count == 0 and pa.types.is_integer(of_sample.type):
                rows[name] = pa.array(_on_each_row(of_sample.to_numpy(), n_types))
            elif of_sample.null_count < count:
                rows[name] = of_sample.take(pa.array(place))
        yield Batch("profile_samples", pa.RecordBatch.from_pydict(rows))
    yield _mappings(profile)
    yield addresses(profile)
    yield stacks.stacks()


def _on_each_row(values: NDArray[Any], n_types: int) -> NDArray[Any]:
    """Each sample's value (n_samples,) as often as it has rows (n_samples * n_types,)."""
    return np.broadcast_to(values[:, None], (len(values), n_types)).reshape(-1)


def _whole_stacks(profile: Profile, is_pruned: NDArray[np.bool_]) -> pa.Array:
    """The addresses of each stack that drop_frames has shortened, null for the others."""
    counts = np.where(is_pruned, np.diff(profile.stack_offsets), 0)
    offsets = np.concatenate([np.zeros(1, np.int32), np.cumsum(counts, dtype=np.int32)])
    locations = profile.stack_locations[np.repeat(is_pruned, np.diff(profile.stack_offsets))]
    nulls = np.append(~is_pruned, False)
    return pa.ListArray.from_arrays(
        pa.array(offsets, mask=nulls), pa.array(profile.message.address[locations])
    )


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
    labels = profile.labels
    _check_labels(profile)
    is_text = labels[:, 2] != 0
    has_unit = ~is_text & (labels[:, 4] != 0)
    strings = pa.array(profile.strings if len(labels) else [], pa.string())
    texts = _Labels(labels[is_text], 2, strings)
    return {
        "labels": _joined(profile, texts, n_samples) if texts.has_repeated else _maps(texts, n_samples),
        "numeric_labels": _maps(_Labels(_firsts(labels[~is_text]), 3, strings), n_samples),
        "numeric_units": _maps(_Labels(_firsts(labels[has_unit]), 4, strings), n_samples),
    }


def _check_labels(profile: Profile) -> None:
    """Raise ParseError for labels that repeat a few long strings beyond the cap."""
    n_types = profile.values.shape[1]
    most = max(FREE_LABEL_CHARS, MAX_CHARS_PER_LABEL * len(profile.labels) * n_types)
    if 3 * max(map(len, profile.strings)) * len(profile.labels) * n_types <= most:
        return
    chars = np.array([len(text) for text in profile.strings], np.int64)
    total = int(chars[profile.labels[:, [1, 2, 4]]].sum()) * n_types
    if total > most:
        fact = f"labels of {total:,} characters in all, more than the cap of {most:,}"
        raise ParseError(profile.path, "", fact)


class _Labels:
    """Some rows of decode.Message.labels, in the order of samples, and which column is the value."""

    def __init__(self, rows: NDArray[np.int64], column: int, strings: pa.StringArray) -> None:
        self.rows = rows
        self.column = column
        self.strings = strings
        self.has_repeated = len(_firsts(rows)) < len(rows)

    def text(self, column: int) -> pa.StringArray:
        """The strings that a column refers to."""
        return self.strings.take(pa.array(self.rows[:, column]))


def _firsts(rows: NDArray[np.int64]) -> NDArray[np.int64]:
    """The rows less those whose sample has had their key before."""
    if (np.diff(rows[:, 0]) > 0).all():
        return rows
    _, first = np.unique(rows[:, :2], axis=0, return_index=True)
    kept: NDArray[np.int64] = rows[np.sort(first)]
    return kept


def _maps(labels: _Labels, n_samples: int) -> pa.Array:
    """A map for each sample, of keys that it has once each."""
    is_number = labels.column == 3
    kind = pa.map_(pa.string(), pa.int64() if is_number else pa.string())
    if not len(labels.rows):
        return pa.nulls(n_samples, kind)
    values = pa.array(labels.rows[:, 3]) if is_number else labels.text(labels.column)
    counts = np.bincount(labels.rows[:, 0], minlength=n_samples)
    offsets = np.concatenate([np.zeros(1, np.int32), np.cumsum(counts, dtype=np.int32)])
    is_empty = np.append(offsets[1:] == offsets[:-1], False)
    return pa.MapArray.from_arrays(pa.array(offsets, mask=is_empty), labels.text(1), values).cast(kind)


def _joined(profile: Profile, labels: _Labels, n_samples: int) -> pa.Array:
    """A map for each sample, where some have several texts of one key."""
    of_sample: dict[int, dict[str, str]] = {}
    for sample, key, text, *_ in labels.rows.tolist():
        given = of_sample.setdefault(sample, {})
        name, value = profile.strings[key], profile.strings[text]
        given[name] = f"{given[name]}, {value}" if name in given else value
    rows = [list(of_sample[i].items()) if i in of_sample else None for i in range(n_samples)]
    return pa.array(rows, pa.map_(pa.string(), pa.string()))


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
