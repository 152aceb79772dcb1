"""pprof profiles: profile.proto, gzip'd or plain, of any sample types.

Written by runtime/pprof, net/http/pprof and go test (heap, allocs, block, mutex, cpu,
goroutine, threadcreate, a program's own), and by pprof itself (merged and diffed ones,
whose values may be negative). Read: Go 1.21 to 1.27. Specification:
github.com/google/pprof/proto/profile.proto; source: runtime/pprof/proto.go, protomem.go.

Emits ``profile_samples`` (one row for each sample and sample type), ``profile_mappings``,
``named_addresses`` and ``stacks``.

Quirks: runtime/pprof scales heap values itself, so they are never rescaled. It strips the
leading runtime frames of heap stacks, so the function that allocates stands there only
as ``leaf_pc``: the return address of the CALL, less one. drop_frames and keep_frames are applied
to the stacks (``prune.py``); ``leaf_pc`` stays, and ``pcs`` has all of a stack that was shortened. A
location's lines are innermost first. Values are in base units, whatever a tool wrote
(``units.py``). Nothing in a profile says whether it is of kind block or mutex, or that it is the difference
of two; see ``kind.py``. ``mapping.build_id`` is empty before Go 1.24.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tracemill.parsers.api import Facts
from tracemill.parsers.pprof.wire import looks_like_profile

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tracemill.parsers.api import Item, Options
    from tracemill.parsers.pprof.resolve import Profile
    from tracemill.parsers.unwrap.source import Source

NAME = "pprof"


def sniff(head: bytes) -> bool:
    """Whether head begins with fields of a Profile message."""
    return looks_like_profile(head)


def parse(source: Source, _options: Options) -> Iterator[Item]:
    """The profile's facts, issues and rows. Raises ParseError for a profile that Go refuses too."""
    from tracemill.parsers.pprof.decode import decode
    from tracemill.parsers.pprof.kind import ASIDE
    from tracemill.parsers.pprof.resolve import resolve
    from tracemill.parsers.pprof.tables import tables
    from tracemill.parsers.pprof.units import base_of, require_possible

    profile = resolve(decode(source.read(), source.path), source.path)
    facts = _facts(profile, source.name)
    if facts.kind not in ASIDE:
        names, units = zip(*profile.sample_types, strict=True)
        totals = (profile.values.sum(axis=0, dtype=float) * [base_of(unit)[1] for unit in units]).tolist()
        require_possible(dict(zip(names, totals, strict=True)), source.path)
    yield facts
    yield from tables(profile)
    yield from profile.issues


def _facts(profile: Profile, file_name: str) -> Facts:
    from tracemill.parsers.pprof.kind import kind_of

    message = profile.message
    kind = kind_of(profile, file_name)
    labels = dict(kind.labels)
    if kind.name in ("custom", "foreign"):
        labels["sample_types"] = ", ".join(name for name, _ in profile.sample_types)
    for name, index in (("drop_frames", message.drop_frames), ("keep_frames", message.keep_frames)):
        if index:
            labels[name] = profile.string_or_empty(index)
    if message.comments:
        labels["comments"] = "\n".join(profile.string_or_empty(i) for i in message.comments)
    return Facts(
        kind=kind.name,
        captured_at_ns=message.time_nanos or None,
        duration_ns=message.duration_nanos or None,
        labels=labels,
    )
