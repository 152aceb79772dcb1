from __future__ import annotations

import gzip
import os
import random

import pytest

from tracemill.parsers.api import ParseError
from tracemill.parsers.unwrap.source import HEAD_BYTES, Source

CONTENT = random.Random(1).randbytes(3 * HEAD_BYTES) + b"tail" * HEAD_BYTES


def source(tmp_path, packed: bytes) -> Source:
    path = tmp_path / "x.gz"
    path.write_bytes(packed)
    return Source(path)


@pytest.mark.parametrize("cut", [0, 1, HEAD_BYTES, HEAD_BYTES + 7, len(CONTENT)])
@pytest.mark.parametrize("between", [b"", b"\0" * 512, b"\0" * 600_000])
def test_gzip_of_several_members_reads_as_one(tmp_path, cut, between):
    packed = gzip.compress(CONTENT[:cut]) + between + gzip.compress(CONTENT[cut:], 1) + between
    found = source(tmp_path, packed)
    assert found.head == CONTENT[:HEAD_BYTES]
    assert found.read() == CONTENT


def test_gzip_is_read_in_any_pieces(tmp_path):
    with source(tmp_path, gzip.compress(CONTENT)).open() as stream:
        pieces = [stream.read(n) for n in (1, 70_000, 5, 200_000, 1 << 30)]
    assert b"".join(pieces) == CONTENT
    assert [len(p) for p in pieces[:4]] == [1, 70_000, 5, 200_000]


@pytest.mark.parametrize(
    "spoil",
    [
        lambda data: data[:-9],
        lambda data: data[:-1],
        lambda data: data[: len(data) // 2],
        lambda data: data[:-6] + bytes([data[-6] ^ 1]) + data[-5:],
        lambda data: data + b"no member",
    ],
)
def test_broken_gzip_is_named_with_its_place(tmp_path, spoil):
    found = source(tmp_path, spoil(gzip.compress(CONTENT)))
    with pytest.raises(ParseError, match=r"x\.gz: byte \d+ unpacked: broken compression"):
        found.read()


def test_bomb_of_gzip_is_stopped_at_the_cap(tmp_path):
    path = tmp_path / "x.gz"
    path.write_bytes(gzip.compress(bytes(1 << 24)))
    with pytest.raises(ParseError, match="bomb"):
        Source(path, max_bytes=1 << 20).read()


def test_a_pipe_is_refused_with_what_to_do(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(ParseError, match=r"pipe: a pipe, .* save it to a file first"):
        Source(tmp_path / "pipe")
