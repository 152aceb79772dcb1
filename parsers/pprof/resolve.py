"""Ids and string indices become positions and texts; what does not fit is named.

As Go's Profile.CheckValid where the whole is in doubt (values that don't match the
sample types, ids that are not unique): ParseError. A single reference that leads
nowhere costs that reference only, and is an issue.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from tracemill.parsers.api import Issue, ParseError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tracemill.parsers.pprof.decode import Message

    Ints = NDArray[np.int64]


@dataclass(slots=True)
class Profile:
    """A profile whose references are positions; -1 is none. Offsets as in decode.Message."""

    path: str
    message: Message
    strings: list[str]
    sample_types: list[tuple[str, str]]
    # (n_samples, n_types)
    values: Ints
    # Positions in the locations of each sample's stack, leaf first
    stack_locations: Ints
    stack_offsets: Ints
    location_mapping: Ints
    line_function: Ints
    # (name, file) of each function, as positions in strings
    function_strings: Ints
    # (file, build id) of each mapping, likewise
    mapping_strings: Ints
    # Labels as in decode.Message
    labels: Ints
    issues: list[Issue] = field(default_factory=list)

    def string_or_empty(self, index: int) -> str:
        """A string that nothing depends on; empty if the index leads nowhere."""
        return self.strings[index] if 0 <= index < len(self.strings) else ""

    def leaf_functions(self) -> list[str]:
        """The innermost function of each sample that has a stack with a name."""
        starts = self.stack_offsets[:-1]
        leaves = self.stack_locations[starts[starts < self.stack_offsets[1:]]]
        has_line = self.message.line_offsets[leaves] < self.message.line_offsets[leaves + 1]
        functions = self.line_function[self.message.line_offsets[leaves[has_line]]]
        return [self.strings[i] for i in self.function_strings[functions[functions >= 0], 0]]


def resolve(message: Message, path: str) -> Profile:
    """The profile in message. Raises ParseError where Go's own reader refuses it as a whole."""
    issues: list[Issue] = []
    check = _Checker(path, issues)
    strings = check.strings(message.strings)
    types = [
        (check.text(strings, t, "sample type"), check.text(strings, u, "sample unit"))
        for t, u in message.sample_types
    ]
    n_samples = len(message.value_offsets) - 1
    if n_samples and not types:
        raise ParseError(path, "sample types", "the profile has samples but says nothing of what they count")
    wrong = np.flatnonzero(np.diff(message.value_offsets) != len(types))
    if len(wrong):
        count = int(np.diff(message.value_offsets)[wrong[0]])
        # A string table begins with an empty string, and a writer has each string once.
        if message.strings.count(b"") > 1:
            raise ParseError(path, "", "several profiles joined in one file: save each as a file of its own")
        raise ParseError(path, f"sample {wrong[0]}", f"has {count} values for {len(types)} sample types")

    found = check.positions(message.id, message.location_ids, "location", "sample", message.location_offsets)
    offsets = message.location_offsets
    if len(found) and found.min() < 0:
        is_there = found >= 0
        offsets = np.concatenate([np.zeros(1, np.int64), np.cumsum(is_there)])[offsets]
        found = found[is_there]
    return Profile(
        path=path,
        message=message,
        strings=strings,
        sample_types=_told_apart(types),
        values=message.values.reshape(n_samples, len(types)),
        stack_locations=found,
        stack_offsets=offsets,
        location_mapping=check.positions(
            message.mapping_numbers[:, 0], message.mapping_id, "mapping", "location"
        ),
        line_function=check.positions(
            message.function_id, message.line_function_id, "function", "location", message.line_offsets
        ),
        function_strings=check.indices(message.function_strings, len(strings), "function"),
        mapping_strings=check.indices(message.mapping_strings, len(strings), "mapping"),
        labels=check.labels(message.labels, len(strings)),
        issues=issues,
    )


def _told_apart(types: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """Sample types with unique names: a second "cpu" becomes "cpu (2)"."""
    names = [name for name, _ in types]
    told = []
    for i, (name, unit) in enumerate(types):
        nth = names[:i].count(name) + 1
        told.append((f"{name} ({nth})" if nth > 1 else name, unit))
    return told


def _places(ranked: NDArray[Any], order: Ints, wanted: NDArray[Any]) -> Ints:
    """order at each wanted id's place among the ranked ones, which are unique; -1 where it is missing."""
    if not len(ranked):
        return np.full(len(wanted), -1, np.int64)
    last = ranked[-1]
    if last < 4 * len(ranked):
        # Go and pprof number from 1: a table is faster than a search.
        place = np.full(int(last) + 2, -1, np.int64)
        place[ranked] = order
        if wanted.max(initial=0) > last:
            wanted = np.minimum(wanted, last + np.uint64(1))
        found: Ints = place[wanted.view(np.int64)]
    else:
        rank = np.minimum(np.searchsorted(ranked, wanted), len(ranked) - 1)
        found = np.where(ranked[rank] == wanted, order[rank], -1)
    return found


class _Checker:
    """Looks references up and notes those that lead nowhere."""

    def __init__(self, path: str, issues: list[Issue]) -> None:
        self._path = path
        self._issues = issues

    def strings(self, raw: list[bytes]) -> list[str]:
        """The string table as text; raises ParseError unless it begins with an empty one."""
        if not raw or raw[0]:
            raise ParseError(self._path, "string table", "must begin with an empty string")
        try:
            return [text.decode() for text in raw]
        except UnicodeDecodeError:
            texts = [text.decode("utf-8", "replace") for text in raw]
        bad = [i for i, (text, was) in enumerate(zip(texts, raw, strict=True)) if text.encode() != was]
        self._note(f"string {bad[0]}", len(bad), "is not UTF-8; its bad bytes are replaced")
        return texts

    def text(self, strings: list[str], index: int, what: str) -> str:
        """One string that the profile can't be read without."""
        if not 0 <= index < len(strings):
            raise ParseError(self._path, what, f"is string {index} of a table of {len(strings)}")
        return strings[index]

    def indices(self, table: NDArray[Any], n_strings: int, what: str) -> Ints:
        """String indices, 0 (the empty string) for those outside the table."""
        bad = (table < 0) | (table >= n_strings)
        rows = np.flatnonzero(bad.any(axis=1))
        if len(rows):
            fact = f"refers to string {table[bad][0]} of a table of {n_strings}"
            self._note(f"{what} {rows[0]}", len(rows), fact)
        return np.where(bad, 0, table)

    def labels(self, labels: Ints, n_strings: int) -> Ints:
        """Labels without those whose key, text or unit is no string of the table."""
        texts = labels[:, [1, 2, 4]]
        bad = ((texts < 0) | (texts >= n_strings)).any(axis=1)
        if bad.any():
            first = labels[bad][0]
            self._note(f"sample {first[0]}", int(bad.sum()), "has a label whose string is missing")
        return labels[~bad]

    def positions(
        self, ids: NDArray[Any], wanted: NDArray[Any], what: str, owner: str, offsets: Ints | None = None
    ) -> Ints:
        """Position in ids of each wanted id; -1 for id 0 (none) and, with an issue, for a missing one."""
        order = np.argsort(ids, kind="stable")
        ranked = ids[order]
        twice = np.flatnonzero(ranked[1:] == ranked[:-1])
        if len(twice):
            raise ParseError(self._path, f"{what} {ranked[twice[0]]}", "the id is used more than once")
        if len(ranked) and ranked[0] == 0:
            raise ParseError(self._path, f"{what} {order[0]}", "has the reserved id 0")
        found = _places(ranked, order, wanted)
        if len(found) and found.min() < 0:
            # A location may have no mapping; a stack or line without its target has lost something.
            lost = np.flatnonzero((found < 0) & ((wanted != 0) | (offsets is not None)))
            self._note_lost(lost, wanted, what, owner, offsets)
        return found

    def _note_lost(
        self, lost: Ints, wanted: NDArray[Any], what: str, owner: str, offsets: Ints | None
    ) -> None:
        if len(lost):
            row = int(lost[0]) if offsets is None else int(np.searchsorted(offsets, lost[0], "right")) - 1
            self._note(f"{owner} {row}", len(lost), f"refers to missing {what} {wanted[lost[0]]}")

    def _note(self, position: str, count: int, message: str) -> None:
        more = f" (the first of {count})" if count > 1 else ""
        self._issues.append(Issue("data_loss", "input", position, message + more))
