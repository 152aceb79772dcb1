"""Stacks of a profile: locations expanded into frames, leaf first, innermost inlined line first."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from tracemill.parsers.api import ParseError, Stacks
from tracemill.parsers.kernels.stack_frames import combine_stacks, copy_frames
from tracemill.parsers.pprof.prune import prune
from tracemill.parsers.stacks import ROWS_PER_BATCH, hash_frames, stack_rows
from tracemill.warehouse.schema.hashes import MULTIPLIER, hash_name

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from tracemill.parsers.pprof.resolve import Profile

    Ints = NDArray[np.int64]
    Codes = NDArray[np.int32]
    Unsigned = NDArray[np.uint64]

UNKNOWN = "<unknown>"
# A location may have any number of lines, and a stack name it any number of times: in all so many frames,
# and no more than honest inlining makes of the stacks' locations.
MAX_FRAMES = 200_000_000
FREE_FRAMES, MAX_FRAMES_PER_LOCATION = 10_000_000, 16
FRAMES_PER_BATCH = 4_000_000


@dataclass(frozen=True, slots=True)
class Frames:
    """The frames of all locations (n,): function and file as positions in functions and files.

    Functions and files are distinct. Location i has the frames [starts[i], ends[i]). pcs is empty
    where no location lacks its lines. told_by is what tells frames of a function apart: the line, or the
    address where there is none.
    """

    functions: list[str]
    files: list[str]
    function: Codes
    file: Codes
    line: Ints
    told_by: Ints
    pcs: Unsigned
    starts: Ints
    ends: Ints


def frames_of(profile: Profile) -> Frames:
    """The frames of all locations.

    A location without lines has one frame, named for its mapping as pprof does. Program counters
    are kept where there is such a location: they are what it can be looked up by.
    """
    message = profile.message
    counts = np.diff(message.line_offsets)
    offsets = np.concatenate([np.zeros(1, np.int64), np.cumsum(np.maximum(counts, 1))])
    owner = np.repeat(np.arange(len(counts)), np.maximum(counts, 1))
    # Position of each frame's line; -1 where the location has none.
    line = message.line_offsets[owner] + np.arange(offsets[-1]) - offsets[owner]
    line[counts[owner] == 0] = -1

    names = [profile.strings[i] or UNKNOWN for i in profile.function_strings[:, 0].tolist()]
    mapped = _mapping_names(profile)
    function = np.where(line >= 0, _pick(profile.line_function, line), -1)
    # Names of mappings stand behind those of functions, that of no mapping (index -1) last.
    mapping = profile.location_mapping[owner] % len(mapped) + len(names)
    # Files are positions in the strings; string 0 is empty.
    file = np.where(function >= 0, _pick(profile.function_strings[:, 1], function), 0)
    used, place = np.unique(file, return_inverse=True)
    functions, function_codes = _distinct(names + mapped)
    files, file_codes = _distinct([profile.strings[i] for i in used.tolist()])
    line_number = np.where(line >= 0, _pick(message.line_number, line), 0)
    return Frames(
        functions=functions,
        files=files,
        function=function_codes[np.where(function >= 0, function, mapping)],
        file=file_codes[place],
        line=line_number,
        told_by=np.where(line >= 0, line_number, message.address.view(np.int64)[owner]),
        pcs=message.address[owner] if (counts == 0).any() else np.empty(0, np.uint64),
        starts=offsets[:-1],
        ends=offsets[1:],
    )


def _pick(values: NDArray[Any], at: Ints) -> NDArray[Any]:
    """values[at], anything where at is -1; also for no values at all."""
    return values[at] if len(values) else np.zeros(len(at), values.dtype)


def _distinct(texts: list[str]) -> tuple[list[str], Codes]:
    """The distinct texts in their order, and where among them each text is."""
    place = dict(zip(texts, range(len(texts)), strict=True))
    if len(place) == len(texts):
        return texts, np.arange(len(texts), dtype=np.int32)
    place = {text: i for i, text in enumerate(dict.fromkeys(texts))}
    return list(place), np.array([place[text] for text in texts], np.int32)


def _mapping_names(profile: Profile) -> list[str]:
    """What to call a frame that has only a mapping; the last entry is for none."""
    files = [profile.strings[i] for i in profile.mapping_strings[:, 0].tolist()]
    return [f"[{PurePosixPath(file).name}]" if file else UNKNOWN for file in files] + [UNKNOWN]


def _check_size(profile: Profile, frames: Frames) -> None:
    """Raise ParseError for stacks of more frames in all than the cap."""
    counts = frames.ends - frames.starts
    n_locations = len(profile.stack_locations)
    most = min(MAX_FRAMES, max(FREE_FRAMES, MAX_FRAMES_PER_LOCATION * n_locations))
    if int(counts.max(initial=0)) * n_locations > most:
        total = int(counts[profile.stack_locations].sum())
        if total > most:
            raise ParseError(profile.path, "", f"stacks of {total} frames, more than the cap of {most}")


class SampleStacks:
    """The stack of each sample: ids (n_samples,), 0 without frames, and the rows of the distinct ones."""

    def __init__(self, profile: Profile) -> None:
        self._frames = frames = frames_of(profile)
        pruned = prune(profile)
        self.is_pruned: NDArray[np.bool_] = pruned.starts > profile.stack_offsets[:-1]
        # Uncompiled, the kernels are to see plain integers: memory views give them.
        self._runs = [
            a.data
            for a in (
                profile.stack_locations,
                np.ascontiguousarray(pruned.starts),
                np.ascontiguousarray(profile.stack_offsets[1:]),
                frames.starts + pruned.lost_lines,
                frames.ends,
            )
        ]
        _check_size(profile, frames)
        names, paths = (
            np.fromiter(map(hash_name, texts), np.uint64, len(texts))[codes]
            for texts, codes in ((frames.functions, frames.function), (frames.files, frames.file))
        )
        hashes = hash_frames(names, paths, frames.told_by)
        n_samples = len(profile.stack_offsets) - 1
        ids, path_ids = np.empty(n_samples, np.uint64), np.empty(n_samples, np.uint64)
        self._depths = np.empty(n_samples, np.int64)
        into = [a.data for a in (ids, path_ids, self._depths)]
        combine_stacks(*[*self._runs, hashes.data, names.data, MULTIPLIER, *into])
        self.ids: Ints = ids.view(np.int64)
        self._path_ids: Ints = path_ids.view(np.int64)

    @property
    def is_empty(self) -> NDArray[np.bool_]:
        """Which samples have no frames (n_samples,)."""
        is_empty: NDArray[np.bool_] = self._depths == 0
        return is_empty

    def stacks(self) -> Stacks:
        """The distinct stacks; rows come in the samples' order."""
        order = np.argsort(self.ids)
        ids = self.ids[order]
        is_first = np.ones(len(ids), np.bool_)
        is_first[1:] = ids[1:] != ids[:-1]
        chosen = order[is_first & (self._depths[order] > 0)]
        return Stacks(self.ids[chosen], lambda places: self._rows(np.sort(chosen[places])))

    def _rows(self, chosen: Ints) -> Iterator[pa.RecordBatch]:
        """The ``stacks`` rows of the chosen samples."""
        names = pa.array(self._frames.functions, pa.string()), pa.array(self._frames.files, pa.string())
        frames = np.cumsum(self._depths[chosen])
        start = before = 0
        while start < len(chosen):
            fitting = int(np.searchsorted(frames, before + FRAMES_PER_BATCH, "right"))
            end = min(max(fitting, start + 1), start + ROWS_PER_BATCH)
            yield self._batch(chosen[start:end], names)
            start, before = end, int(frames[end - 1])

    def _batch(self, chosen: Ints, names: tuple[pa.Array, pa.Array]) -> pa.RecordBatch:
        frames = self._frames
        depths = self._depths[chosen]
        offsets = np.zeros(len(chosen) + 1, np.int32)
        np.cumsum(depths, out=offsets[1:])
        count = int(offsets[-1])
        functions, files = np.empty(count, np.int32), np.empty(count, np.int32)
        lines = np.empty(count, np.int64)
        places = np.empty(count if len(frames.pcs) else 0, np.int64)
        columns = (frames.function, frames.file, frames.line, functions, files, lines, places)
        copy_frames(*[chosen.data, *self._runs, *(a.data for a in columns)])
        codes = [
            pa.DictionaryArray.from_arrays(pa.array(code), words)
            for code, words in zip((functions, files), names, strict=True)
        ]
        pcs = (offsets, frames.pcs[places]) if len(frames.pcs) else (np.zeros_like(offsets), frames.pcs)
        return stack_rows(self.ids[chosen], self._path_ids[chosen], offsets, (*codes, lines), pcs)
