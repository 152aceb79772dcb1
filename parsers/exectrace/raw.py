"""Rows of ``trace_events``: every event in order, its arguments as JSON.

The arguments carry what the event says in Go's own reader, so that a line of
``go tool trace -d=parsed`` can be written from a row: names in place of string
numbers, stack ids in place of stack numbers, the state before where the wire
leaves it to be inferred.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from tracemill.parsers import columns
from tracemill.parsers.exectrace import spec
from tracemill.parsers.kernels import trace_args
from tracemill.parsers.kernels.layout import read_constants

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from tracemill.parsers.exectrace.names import Names

OUT_BYTES = 1 << 25
_ARGS = read_constants("trace_args")
_SLOTS = _ARGS["SLOTS"]
_KINDS = {
    "id": _ARGS["ARG_SIGNED"],
    "n": _ARGS["ARG_UNSIGNED"],
    "string": _ARGS["ARG_STRING"],
    "stack": _ARGS["ARG_STACK"],
    "raw": _ARGS["ARG_RAW"],
}
_WORDS = {
    "go_status": ("Undetermined", "Runnable", "Running", "Syscall", "Waiting"),
    "proc_status": ("Undetermined", "Running", "Idle", "Syscall", "SyscallAbandoned"),
    "proc_state": ("Undetermined", "NotExist", "Running", "Idle", ""),
}
_NUMBERS = 137
EVENT_WORDS = columns.texts([event.name for event in spec.EVENTS])
_CODES = np.zeros(_NUMBERS, np.int32)
_CODES[[event.number for event in spec.EVENTS]] = np.arange(len(spec.EVENTS), dtype=np.int32)


class Texts:
    """Texts back to back as bytes, with where each starts."""

    def __init__(self) -> None:
        self._content = bytearray()
        self._starts = [0]

    def __len__(self) -> int:
        return len(self._starts) - 1

    def append(self, text: str) -> None:
        """One more."""
        self._content += text.encode("utf-8", "replace")
        self._starts.append(len(self._content))

    def arrays(self) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
        """Copies of the bytes and of the starts, one more than texts."""
        return np.array(self._content, np.uint8), np.array(self._starts, np.int64)


class Arguments:
    """Renders arguments; keeps the capture's strings as JSON, and the words of statuses and syncs."""

    def __init__(self, names: Names) -> None:
        self._names = names
        self._texts = Texts()
        self._words = Texts()
        self._word_at: dict[str, int] = {}
        for name, words in _WORDS.items():
            self._word_at[name] = len(self._words)
            for word in words:
                self._words.append(json.dumps(word))
        keys = Texts()
        self._kinds = np.zeros(_SLOTS * _NUMBERS, np.int64)
        by_slot = {
            _SLOTS * event.number + slot: (key, kind)
            for event in spec.EVENTS
            for slot, (key, kind) in enumerate(event.shown)
        }
        for place in range(_SLOTS * _NUMBERS):
            key, kind = by_slot.get(place, ("", ""))
            keys.append(json.dumps(key) + ":")
            if kind:
                in_words = _ARGS["ARG_WORD"] + self._word_at.get(kind, 0)
                self._kinds[place] = _KINDS.get(kind, in_words)
        self._keys = keys.arrays()
        self._out = np.empty(OUT_BYTES, np.uint8)

    def add_sync(self, text: str) -> int:
        """The value by which a Sync event names its arguments."""
        self._words.append(text)
        return len(self._words) - 1

    def render(
        self, types: NDArray[Any], values: NDArray[Any], count: int, stack_ids: NDArray[np.int64]
    ) -> Iterator[tuple[int, int, pa.Array]]:
        """(first row, row behind the last, their arguments), in parts of bounded size."""
        for text in self._names.strings[len(self._texts) :]:
            self._texts.append(json.dumps(text, ensure_ascii=False))
        texts, words = self._texts.arrays(), self._words.arrays()
        row, state = 0, np.zeros(_ARGS["STATE_WIDTH"], np.int64)
        while row < count:
            offsets = np.empty(count - row + 1, np.int32)
            arrays = (self._kinds, *self._keys, *texts, stack_ids, *words, self._out, offsets, state)
            end = trace_args.render(types.data, values.data, row, count, *(a.data for a in arrays))
            n = end - row
            offsets = offsets[: n + 1]
            has_args = np.diff(offsets) > 0
            mask = pa.py_buffer(np.packbits(has_args, bitorder="little"))
            content = pa.py_buffer(self._out[: state[_ARGS["WRITTEN"]]].tobytes())
            nulls = n - int(np.count_nonzero(has_args))
            yield (
                row,
                end,
                pa.Array.from_buffers(pa.string(), n, [mask, pa.py_buffer(offsets), content], nulls),
            )
            row = end


def event_codes(types: NDArray[np.int32]) -> NDArray[np.int32]:
    """Indexes into EVENT_WORDS."""
    return _CODES[types]
