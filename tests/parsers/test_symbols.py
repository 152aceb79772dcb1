"""A profile without symbols gets its functions, files and lines from the binary, as by go tool pprof."""

from __future__ import annotations

import gzip
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from examples.toolchain import environment
from tests.models.given import rows
from tests.parsers import gopprof
from tests.parsers.pprof_messages import Profile
from tests.parsers.record import build
from tests.parsers.test_attribution import warehouse_of

if TYPE_CHECKING:
    import duckdb

Frame = tuple[str, str, int]


def without_symbols(profile: Path, target: Path) -> set[int]:
    """Write the profile without functions; the addresses of its locations."""
    message = Profile.FromString(gzip.decompress(profile.read_bytes()))
    for location in message.location:
        del location.line[:]
    del message.function[:]
    for mapping in message.mapping:
        # What says that it has functions.
        mapping.DiscardUnknownFields()
    target.write_bytes(message.SerializeToString())
    return {location.address for location in message.location}


def frames_of_pprof(profile: Path, binary: Path) -> dict[int, Frame]:
    _, rest = gopprof.run(profile, "-raw", "-symbolize=local", str(binary)).split("\nLocations\n")
    locations = gopprof.locations_of(rest.split("\nMappings\n")[0])
    return {address: frames[0] for address, frames in locations.values() if frames}


def recorded(folder: Path, version: str, *flags: str) -> Path:
    build("evidence", version, folder / "evidence", *flags)
    subprocess.run([folder / "evidence", folder], env=environment(), check=True)
    return folder / "evidence"


@pytest.mark.parametrize(
    ("version", "flags"),
    [
        ("1.27", ()),
        ("1.27", ("-buildmode=pie",)),
        pytest.param("1.27", ("-ldflags=-s -w",), marks=pytest.mark.full),
        pytest.param("1.24", ("-buildmode=pie",), marks=pytest.mark.full),
        pytest.param("1.21", (), marks=pytest.mark.full),
    ],
)
def test_frames_without_symbols_are_those_that_pprof_finds(version, flags, tmp_path):
    binary = recorded(tmp_path, version, *flags)
    bare = tmp_path / "bare.pb"
    addresses = without_symbols(tmp_path / "heap.pb.gz", bare)
    connection = warehouse_of(pprof=bare, binary=binary)
    query = """
        select unnest(pcs), unnest(named.functions), unnest(named.files), unnest(named.lines)
        from int_named_stacks as named join stacks using (stack_id)
    """
    found = {pc: tuple(frame) for pc, *frame in rows(connection, query)}
    assert found.keys() == addresses
    assert found == frames_of_pprof(bare, binary)
    assert bytes_by_callee(connection) == bytes_by_callee(
        warehouse_of(pprof=tmp_path / "heap.pb.gz", binary=binary)
    )


def bytes_by_callee(connection: duckdb.DuckDBPyConnection) -> dict[str, int]:
    query = "select callee, sum(alloc_bytes) from mapassign_allocations group by all"
    found = dict(rows(connection, query))
    assert sum(found.values()) > 1 << 20
    return found
