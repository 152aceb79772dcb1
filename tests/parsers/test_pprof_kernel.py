"""The compiled reading of profile.proto against protobuf's own runtime, and against itself uncompiled."""

from __future__ import annotations

import gzip
import importlib.util
import random
from itertools import accumulate, chain
from pathlib import Path

import pytest

from tests.parsers.pprof_messages import Profile
from tracemill.parsers.api import ParseError
from tracemill.parsers.kernels import pprof_wire
from tracemill.parsers.pprof import decode as decoding
from tracemill.parsers.pprof.decode import Message, decode

SAMPLES = Path(__file__).parents[1] / "samples" / "pprof"
FILES = sorted(SAMPLES.glob("*/*.pb.gz"))
PROFILE = gzip.decompress((SAMPLES / "go1.27" / "cpu.pb.gz").read_bytes())


def by_protobuf(data: bytes) -> dict[str, object]:
    """What decode() is to give."""
    p = Profile.FromString(data)
    labels = [(i, x.key, x.str, x.num, x.num_unit) for i, s in enumerate(p.sample) for x in s.label]
    return {
        "strings": list(p.string_table),
        "sample_types": [(t.type, t.unit) for t in p.sample_type],
        "values": list(chain.from_iterable(s.value for s in p.sample)),
        "value_offsets": [0, *accumulate(len(s.value) for s in p.sample)],
        "location_ids": list(chain.from_iterable(s.location_id for s in p.sample)),
        "location_offsets": [0, *accumulate(len(s.location_id) for s in p.sample)],
        "labels": [list(row) for row in labels],
        "id": [x.id for x in p.location],
        "mapping_id": [x.mapping_id for x in p.location],
        "address": [x.address for x in p.location],
        "line_offsets": [0, *accumulate(len(x.line) for x in p.location)],
        "line_function_id": [line.function_id for x in p.location for line in x.line],
        "line_number": [line.line for x in p.location for line in x.line],
        "function_id": [x.id for x in p.function],
        "function_strings": [[x.name, x.filename] for x in p.function],
        "start_line": [x.start_line for x in p.function],
        "mapping_numbers": [[x.id, x.memory_start, x.memory_limit, x.file_offset] for x in p.mapping],
        "mapping_strings": [[x.filename, x.build_id] for x in p.mapping],
        "period_type": (p.period_type.type, p.period_type.unit),
        "period": p.period,
        "time_nanos": p.time_nanos,
        "duration_nanos": p.duration_nanos,
        "default_sample_type": p.default_sample_type,
        "drop_frames": p.drop_frames,
        "keep_frames": p.keep_frames,
        "comments": list(p.comment),
    }


def by_kernel(data: bytes) -> dict[str, object]:
    message = decode(data, "x")
    found = {name: getattr(message, name) for name in Message.__slots__}
    return {name: value.tolist() if hasattr(value, "tolist") else value for name, value in found.items()}


def invented(seed: int) -> bytes:
    """A message with any values in any field, dangling and negative ones too."""
    r = random.Random(seed)
    signed = lambda: r.choice([0, 1, -1, 2**63 - 1, -(2**63), r.randrange(2**40)])  # noqa: E731
    unsigned = lambda: r.choice([0, 1, 127, 128, 2**64 - 1, r.randrange(2**40)])  # noqa: E731
    p = Profile(string_table=[b"", b"\xff", b"x" * 300], comment=[signed(), signed()])
    p.period_type.type, p.period_type.unit = signed(), signed()
    for name in (
        "period",
        "time_nanos",
        "duration_nanos",
        "default_sample_type",
        "drop_frames",
        "keep_frames",
    ):
        setattr(p, name, signed())
    for _ in range(r.randrange(4)):
        p.sample_type.add(type=signed(), unit=signed())
        p.function.add(id=unsigned(), name=signed(), filename=signed(), start_line=signed())
        p.mapping.add(
            id=unsigned(),
            memory_start=unsigned(),
            memory_limit=unsigned(),
            filename=signed(),
            build_id=signed(),
        )
        location = p.location.add(id=unsigned(), mapping_id=unsigned(), address=unsigned())
        for _ in range(r.randrange(3)):
            location.line.add(function_id=unsigned(), line=signed())
        sample = p.sample.add(
            location_id=[unsigned() for _ in range(r.randrange(5))], value=[signed()] * r.randrange(3)
        )
        for _ in range(r.randrange(3)):
            sample.label.add(key=signed(), str=signed(), num=signed(), num_unit=signed())
    return p.SerializeToString()


@pytest.fixture
def uncompiled(monkeypatch):
    spec = importlib.util.spec_from_file_location(
        "uncompiled_pprof_wire", Path("parsers/kernels/pprof_wire.py").absolute()
    )
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert not module.cython.compiled
    monkeypatch.setattr(decoding, "read_profile", module.read_profile)


@pytest.mark.parametrize("path", FILES, ids=lambda p: f"{p.parent.name}/{p.name}")
def test_kernel_reads_what_protobuf_reads(path):
    data = gzip.decompress(path.read_bytes())
    assert by_kernel(data) == by_protobuf(data)


@pytest.mark.parametrize("seed", range(50))
def test_kernel_reads_what_protobuf_reads_of_any_message(seed):
    assert by_kernel(invented(seed)) == by_protobuf(invented(seed))


def test_unpacked_numbers_and_unknown_fields_are_read_as_protobuf_reads_them():
    sample = b"\x08\x05\x08\x80\x01\x10\x07\x10\x03\x25abcd\x29abcdefgh\xf2\x3f\x02hi"
    data = b"\x12" + bytes([len(sample)]) + sample + b"\x6d1234\x68\x07\x68\x09\x78\x01\x92\x03\x01z\x32\x00"
    assert by_kernel(data) == by_protobuf(data)
    assert by_kernel(data)["location_ids"] == [5, 128]


@pytest.mark.parametrize("seed", range(5))
def test_uncompiled_kernel_reads_the_same(uncompiled, seed):
    assert by_kernel(invented(seed)) == by_protobuf(invented(seed))
    assert by_kernel(PROFILE) == by_protobuf(PROFILE)


def outcome(data: bytes) -> object:
    try:
        return by_kernel(data)
    except ParseError as error:
        return str(error)


def test_uncompiled_kernel_finds_the_same_faults(uncompiled, monkeypatch):
    spoiled = [PROFILE[:n] for n in range(0, len(PROFILE), 97)]
    spoiled += [PROFILE[:n] + b"\xff" * 11 + PROFILE[n:] for n in range(0, len(PROFILE), 211)]
    without = [outcome(data) for data in spoiled]
    monkeypatch.setattr(decoding, "read_profile", pprof_wire.read_profile)
    assert [outcome(data) for data in spoiled] == without
    assert sum(isinstance(found, str) for found in without) > len(spoiled) / 2


def test_empty_samples_by_the_million_are_refused(monkeypatch):
    monkeypatch.setattr(decoding, "MAX_ROWS", 1000)
    with pytest.raises(ParseError, match="1001 samples, more than the cap of 1000"):
        decode(b"\x12\x00" * 1001, "x")
