"""A profile without symbols gets its functions, files and lines from the binary: those that it had."""

from __future__ import annotations

import gzip
import re
import subprocess
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from examples.toolchain import environment
from tests.models.given import rows
from tests.parsers.pprof_messages import Profile
from tests.parsers.record import build
from tests.parsers.test_attribution import warehouse_of

if TYPE_CHECKING:
    import duckdb

Frame = tuple[str, str, int]


def without_symbols(profile: Path, target: Path) -> None:
    """Write the profile without functions."""
    message = Profile.FromString(gzip.decompress(profile.read_bytes()))
    for location in message.location:
        del location.line[:]
    del message.function[:]
    for mapping in message.mapping:
        # What says that it has functions.
        mapping.DiscardUnknownFields()
    target.write_bytes(message.SerializeToString())


def stacks_of(profile: Path) -> Counter[tuple[Frame, ...]]:
    """The stacks of the samples, innermost first, inlined calls too: as the runtime named them."""
    message = Profile.FromString(gzip.decompress(profile.read_bytes()))
    texts = [text.decode() for text in message.string_table]
    functions = {f.id: (texts[f.name], texts[f.filename]) for f in message.function}
    frames = {
        location.id: [(*functions[line.function_id], line.line) for line in location.line]
        for location in message.location
    }
    return Counter(
        tuple(frame for location in sample.location_id for frame in frames[location])
        for sample in message.sample
    )


def recorded(folder: Path, version: str, *flags: str) -> Path:
    build("evidence", version, folder / "evidence", *flags)
    subprocess.run([folder / "evidence", folder], env=environment(), check=True)
    return folder / "evidence"


def with_plain_names(stacks: Counter[tuple[Frame, ...]]) -> Counter[tuple[Frame, ...]]:
    """The stacks, their functions without type arguments, as models have them."""
    found: Counter[tuple[Frame, ...]] = Counter()
    for frames, count in stacks.items():
        found[tuple((re.sub(r"\[.*\]", "[...]", name), file, line) for name, file, line in frames)] += count
    return found


@pytest.mark.sampled
@pytest.mark.parametrize(
    ("version", "flags"),
    [
        ("1.27", ()),
        ("1.27", ("-buildmode=pie",)),
        pytest.param("1.27", ("-ldflags=-s -w",), marks=pytest.mark.full),
        pytest.param("1.24", ("-buildmode=pie",), marks=pytest.mark.full),
        *(pytest.param(f"1.{minor}", (), marks=pytest.mark.full) for minor in range(21, 27)),
    ],
)
def test_stacks_without_symbols_are_those_that_the_runtime_named(version, flags, tmp_path):
    binary = recorded(tmp_path, version, *flags)
    bare = tmp_path / "bare.pb"
    without_symbols(tmp_path / "heap.pb.gz", bare)
    connection = warehouse_of(pprof=bare, binary=binary)
    query = """
        select named.functions, named.files, named.lines, count(distinct sample_index)
        from int_named_stacks as named join profile_samples using (stack_id)
        group by all
    """
    found = {
        tuple(zip(functions, files, lines, strict=True)): count
        for functions, files, lines, count in rows(connection, query)
    }
    assert found == with_plain_names(stacks_of(tmp_path / "heap.pb.gz"))
    assert bytes_by_callee(connection) == bytes_by_callee(
        warehouse_of(pprof=tmp_path / "heap.pb.gz", binary=binary)
    )


def bytes_by_callee(connection: duckdb.DuckDBPyConnection) -> dict[str, int]:
    query = "select callee, sum(alloc_bytes) from mapassign_allocations group by all"
    found = dict(rows(connection, query))
    assert sum(found.values()) > 1 << 20
    return found
